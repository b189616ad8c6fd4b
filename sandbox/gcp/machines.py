# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute instances are machines: started, stopped and removed as the API is asked, through the states Google shows."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sandbox import disks, docker, images, machines
from sandbox.disks import Shelf
from sandbox.docker import DockerError, File
from sandbox.gcp import guest
from sandbox.gcp.compute.addresses import access_configs, give_address
from sandbox.gcp.compute.operations import Broken
from sandbox.gcp.compute.resources import Resource, link, now, path_of
from sandbox.gcp.compute.service import Compute
from sandbox.gcp.refused import Refused, invalid
from sandbox.lanes import Lanes
from sandbox.problem import Problem
from sandbox.site import PROJECT, Site

IMAGES = {
    "debian-cloud/debian-13": ("debian-13-trixie-v20260915", images.debian()),
    "debian-cloud/debian-12": ("debian-12-bookworm-v20260915", images.machine("bookworm")),
    f"{PROJECT}/docker-13": ("docker-13-trixie-v20260915", images.engine("trixie")),
}
"""By project and family: the image's name, and what a machine of it is made from. The last has Docker in it already."""

ENDED = "TERMINATED"
"""Google's word for a machine that is switched off."""


def ident_of(machine: Resource) -> str:
    """A machine's name in this sandbox: names are given once a zone."""
    return f"{machine['zone'].rpartition('/')[2]}-{machine['name']}"


class Machines:
    """The site's Google machines.

    :param accounts: the service account of an email, if there is one.
    """

    def __init__(self, site: Site, compute: Callable[[], Compute], accounts: Callable[[str], object],
                 say: Callable[[str], None]) -> None:
        self._site = site
        self._compute = compute
        self._accounts = accounts
        self._say = say
        self._lanes = Lanes(say)
        self._reported: dict[str, dict[str, File]] = {}
        self._shelf = Shelf(site.home / "gcp" / "disks")

    def order(self, event: str, machine: Resource) -> Callable[[], bool]:
        """Have a machine inserted, deleted, started, stopped, reset or updated; called with the service's lock.

        :returns: whether that is over; it raises Broken when it was in vain.
        :raises Refused: no machine can be made of this instance.
        """
        if event == "insert":
            self._check(machine)
        work = {"insert": self._insert, "delete": self._delete, "start": self._start, "stop": self._stop,
                "reset": self._reset, "update": self._update, "plug": self._plug}[event]
        task = self._lanes.order(ident_of(machine), lambda: work(machine))
        return lambda: _over(task)

    def disk(self, event: str, disk: Resource, other: Resource) -> None:
        """Have a disk or a snapshot changed; called with the service's lock."""
        size = int(disk.get("sizeGb") or 0)
        {"resize": lambda: self._shelf.resize(disk["id"], size), "delete": lambda: self._shelf.forget(disk["id"]),
         "snapshot": lambda: self._shelf.keep(disk["id"], other["id"]),
         "discard": lambda: self._shelf.discard(other["id"])}[event]()

    def refresh(self) -> None:
        """Tell the machines whose network has other subnetworks by now."""
        compute = self._compute()
        with compute.lock:
            known = list(compute.resources.everywhere("instances"))
            stale = [machine for machine in known if machine["status"] == "RUNNING"
                     and self._reported.get(ident_of(machine)) not in (None, self._files(machine))]
        for machine in stale:
            self._lanes.order(ident_of(machine), lambda machine=machine: self._update(machine))  # type: ignore[misc]

    def _check(self, machine: Resource) -> None:
        _image_of(machine, self._compute())
        for account in machine.get("serviceAccounts") or []:
            if not self._accounts(account["email"]):
                path = f"projects/{PROJECT}/serviceAccounts/{account['email']}"
                raise Refused(404, "notFound", f"The resource '{path}' of type 'serviceAccount' was not found.")
        if machine["networkInterfaces"][1:]:
            raise invalid("resource.networkInterfaces", len(machine["networkInterfaces"]), "The sandbox has one each.")
        address = guest.internal_address(machine)
        if not machine["networkInterfaces"][0].get("subnetwork"):
            raise Refused(400, "invalid", "Network interface must specify a subnet if the network resource is in "
                                          "custom subnet mode.")
        if ipaddress.ip_address(address) not in self._site.addresses.google_cidr:
            raise invalid("resource.networkInterfaces[0].networkIP", address, "The sandbox has Google's machines in "
                          f"{self._site.addresses.google_cidr} only: make the subnetwork there.")

    def _files(self, machine: Resource) -> dict[str, File]:
        network = machine["networkInterfaces"][0]["network"]
        inside = [subnet["ipCidrRange"] for subnet in self._compute().resources.everywhere("subnetworks")
                  if subnet["network"] == network]
        return guest.files(machine, inside)

    def _insert(self, machine: Resource) -> None:
        compute, ident = self._compute(), ident_of(machine)
        with compute.lock:
            image = _image_of(machine, compute)
            files = self._reported[ident] = self._files(machine)
            machine["status"] = "STAGING"
        try:
            images.ensure(image, self._site.home / "logs")
            machines.create(self._site, machines.Machine(
                ident, guest.internal_address(machine), image.tag, machine["name"], files, "gcp"))
        except (DockerError, Problem) as error:
            self._say(f"{ident} was not started: {error}")
            raise Broken("INTERNAL_ERROR", f"The sandbox could not start the machine: {error}") from error
        if machine["disks"][1:]:
            self._plug(machine)
        with compute.lock:
            machine["status"] = "RUNNING"

    def _plug(self, machine: Resource) -> None:
        """Have a machine see the disks that are attached to it, under the names that Google's guest environment gives.

        https://cloud.google.com/compute/docs/disks/disk-symlinks
        """
        compute = self._compute()
        with compute.lock:
            attached = [(one["deviceName"], compute.resources.get(path_of(one["source"], PROJECT)))
                        for one in machine["disks"] if not one["boot"]]
            plugged = {f"google-{name}": self._shelf.ready(
                disk["id"], int(disk["sizeGb"]), disk.get("sourceSnapshotId", "")) for name, disk in attached}
        disks.plug(self._site, ident_of(machine), plugged)

    def _delete(self, machine: Resource) -> None:
        machines.remove(self._site, ident_of(machine))
        self._reported.pop(ident_of(machine), None)

    def _stop(self, machine: Resource) -> None:
        machines.stop(self._site, ident_of(machine))
        with self._compute().lock:
            machine["status"] = ENDED
            for access in access_configs(machine):
                if access.get("_ephemeral"):
                    access.pop("natIP", None)

    def _start(self, machine: Resource) -> None:
        compute = self._compute()
        with compute.lock:
            machine["status"] = "STAGING"
            for access in access_configs(machine):
                if not access.get("natIP"):
                    give_address(access, compute.resources, compute.public)
        self._report(machine)
        machines.start(self._site, ident_of(machine))
        with compute.lock:
            machine.update(status="RUNNING", lastStartTimestamp=now())

    def _reset(self, machine: Resource) -> None:
        machines.kill(self._site, ident_of(machine))
        machines.start(self._site, ident_of(machine))

    def _update(self, machine: Resource) -> None:
        """Carry changed metadata into a machine; one that is off reads it when it starts."""
        self._report(machine)
        if machine["status"] == "RUNNING":
            docker.shell(self._site.container(ident_of(machine)), "systemctl restart sandbox-guest")

    def _report(self, machine: Resource) -> None:
        with self._compute().lock:
            files = self._reported[ident_of(machine)] = self._files(machine)
        docker.place(self._site.container(ident_of(machine)), files)

    def listed(self) -> list[dict[str, Any]]:
        """The machines there are, for the state file."""
        compute = self._compute()
        with compute.lock:
            return [{"name": machine["name"], "ip": guest.internal_address(machine),
                     "public_ip": guest.external_address(machine) or None,
                     "container": self._site.container(ident_of(machine)), "instance_id": machine["name"],
                     "state": machine["status"].lower(), "zone": machine["zone"].rpartition("/")[2], "cloud": "gcp"}
                    for machine in compute.resources.everywhere("instances") if not machine.get("_leaving")]


def _over(task: Future[None]) -> bool:
    if not task.done():
        return False
    error = task.exception()
    if error and not isinstance(error, Broken):
        raise Broken("INTERNAL_ERROR", f"The sandbox could not do it: {error}")
    if error:
        raise error
    return True


def _image_of(machine: Resource, compute: Compute) -> images.Image:
    """The image of a machine's boot disk.

    :raises Refused: there is no such image.
    """
    wanted = next((disk.get("_image", "") for disk in machine["disks"] if disk["boot"]), "")
    path = path_of(wanted, PROJECT) if wanted else ""
    if path not in compute.resources:
        raise invalid("resource.disks[0].initializeParams.sourceImage", wanted,
                      f"The referenced image resource cannot be found. The sandbox has {', '.join(IMAGES)}.")
    found = compute.resources.get(path)["selfLink"]
    for family, (name, image) in IMAGES.items():
        if found == link(f"projects/{family.partition('/')[0]}/global/images/{name}"):
            return image
    raise invalid("resource.disks[0].initializeParams.sourceImage", wanted, "It is no image of the sandbox's.")
