# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's members on Google Cloud: running instances by their label, with the host variables of the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_zones import everywhere
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import GOOGLE_DEVICE

#: As Compute Engine calls them, and as Docker does.
ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}
#: States of a machine that runs, or soon will (again).
RUNNING = ("PROVISIONING", "STAGING", "RUNNING", "REPAIRING")
#: Of one that is switched off, or soon will be, and can be started: Google has no other word for that than TERMINATED.
STOPPED = ("PENDING_STOP", "STOPPING", "STOPPED", "SUSPENDING", "SUSPENDED", "TERMINATED")


def collect(client: GcpClient, fleet: str, projects: Sequence[str], regions: Sequence[str]) -> list[dict[str, Any]]:
    """The fleet's members in these projects.

    :param regions: where to look; empty for everywhere.
    :raises Failed: with a finding for every project, region or zone that cannot be read.
    """
    found = gathered(map_parallel(lambda project: describe(client, fleet, project, regions), projects))
    return [member for members in found for member in members]


def describe(client: GcpClient, fleet: str, project: str, regions: Sequence[str]) -> list[dict[str, Any]]:
    """The fleet's machines in one project, stopped ones too.

    :raises Failed: it, or a part of it that was asked for, cannot be read.
    """
    gathered(map_parallel(lambda region: _require_region(client, project, region), regions))
    found = everywhere(client, project, "instances", f"labels.praxis_fleet={fleet}", regions)
    return [member_of(each, project) for each in found if each.get("status") in (*RUNNING, *STOPPED)]


def member_of(instance: Mapping[str, Any], project: str) -> dict[str, Any]:
    """One instance in Compute Engine's words -> name, role and host variables, all plain values.

    ``stopped`` is whether it is switched off, and could be started.
    """
    labels = dict(instance.get("labels") or {})
    zone = _last(instance["zone"])
    interface = (instance.get("networkInterfaces") or [{}])[0]
    outside = (interface.get("accessConfigs") or [{}])[0]
    return {
        "name": instance["name"],
        "role": labels.get("praxis_role", ""),
        "stopped": instance.get("status") in STOPPED,
        "variables": {
            "praxis_cloud": "gcp",
            "praxis_project": project,
            "praxis_region": zone.rpartition("-")[0],
            "praxis_zone": zone,
            "praxis_network": network_of(interface.get("network", "")),
            "praxis_instance_id": instance["name"],
            # A successor has the same name; this number is the machine's own, as a host key is.
            "praxis_machine_id": str(instance["id"]),
            "praxis_architecture": architecture_of(instance),
            "praxis_slot": labels.get("praxis_slot", ""),
            "praxis_private_ip": interface.get("networkIP", ""),
            "praxis_public_ip": outside.get("natIP", ""),
            "praxis_data_volume": _data_disk(instance),
            "praxis_labels": labels,
        },
    }


def _data_disk(instance: Mapping[str, Any]) -> str:
    """The disk that is attached to it for its slot's data; empty without one."""
    attached = {each.get("deviceName"): str(each.get("source", "")) for each in instance.get("disks") or ()}
    return _last(attached.get(GOOGLE_DEVICE, ""))


def architecture_of(instance: Mapping[str, Any]) -> str:
    """What Docker calls the architecture of the disk that the machine boots from; nothing where Google does not say."""
    boots = [disk.get("architecture") for disk in instance.get("disks") or [] if disk.get("boot")]
    return ARCHITECTURES.get(str(boots[0]) if boots else "", "")


def network_of(link: str) -> str:
    """``PROJECT/NETWORK`` from a network's link; the project may be another one, that shares its network."""
    words = link.split("/")
    return f"{words[words.index('projects') + 1]}/{words[-1]}" if "projects" in words else ""


def _require_region(client: GcpClient, project: str, region: str) -> None:
    """A misspelt region would look like one without members."""
    try:
        client.call("compute", "GET", f"compute/v1/projects/{project}/regions/{region}")
    except errors.NotFound:
        what, fix = f"There is no region {region!r}.", "Correct the option regions of the inventory file."
        raise Failed(Finding("no-such-region", what, f"Google project {project}", fix)) from None


def _last(link: str) -> str:
    return link.rpartition("/")[2]
