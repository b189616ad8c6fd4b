# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Google Cloud fleet's machines as part of its infrastructure: rows of the plan, and carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import (
    BackendService,
    leave,
    leaving,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_instance import (
    ACCOUNT,
    Launch,
    require_region,
    settings,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_members import member_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import SlotDisks
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import (
    GOOGLE,
    LIVE,
    Changes,
    Machine,
    Wanted,
    diff,
    not_restored,
    slots,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_rows import machine_rows
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import Row
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN, Ids, Ref, resolve

SLOT_PREFIX, ROLE = "gcp", "agent"

Options = Mapping[str, Any]


@dataclass
class FleetMachines:
    """One fleet's machines: planned with what is known, made with what exists by then.

    :param launch: how they are made; its image is looked up when one must be.
    :param disks: the slots' disks for data.
    :param subnetwork: link or reference; of the launch.
    :param service_account: email or reference; of the launch.
    :param backend_service: link or reference of the one that they are behind; empty for none.
    :param running: after :meth:`apply`, the machines as results have them; empty before.
    """

    machines: Machines
    wanted: Wanted
    launch: Launch
    allow_shrink: bool
    subnetwork: str | Ref = ""
    service_account: str | Ref = ""
    disks: SlotDisks | None = None
    backend_service: str | Ref = ""
    found: Sequence[Machine] = ()
    changes: Changes = field(default_factory=Changes)
    running: list[dict[str, str]] = field(default_factory=list)

    def observe(self, check_mode: bool) -> None:
        """See which machines there are; unless in check mode, once none is on its way to another state."""
        self.found = self.machines.observe() if check_mode else self.machines.settled()

    @property
    def zones(self) -> list[str]:
        """The zones of the machines that there are."""
        ours = [each for each in self.found if each.ours and each.state in LIVE and each.slot in self.wanted.slots]
        return sorted({each.id.partition("/")[0] for each in ours})

    @property
    def launched(self) -> list[str]:
        """The slots that get a machine."""
        return list(self.changes.launch)

    @property
    def there(self) -> int:
        """How many slots have a machine."""
        return len(self.wanted.slots) - len(self.changes.launch)

    @property
    def terminated(self) -> list[str]:
        """Names of the machines that go."""
        return [name_of(id_) for id_ in self.changes.terminate]

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be and has to wait until a machine is stopped."""
        known = {each.id: each for each in self.found}
        return [
            f"Machine {id_} has the service account {known[id_].settings[ACCOUNT] or '(none)'} and should have "
            f"{asked[ACCOUNT]} without scopes. Compute Engine changes it on a stopped machine only: stop the machine, "
            "then run provision.yml again, which changes it and starts the machine."
            for id_, asked in not_restored(self.wanted, self.found).items()
        ]

    def plan(self, ids: Ids) -> list[Row]:
        """What would be done, as rows. Only reads.

        :raises Failed: slots in dispute, machines to be deleted without leave or with which nobody would serve, or in
            another region, no image.
        """
        account = resolve(self.service_account, ids)
        if account and account != UNKNOWN:
            self.wanted = replace(self.wanted, settings_at_rest={ACCOUNT: str(account)})
        self.changes = diff(self.wanted, self.found, allow_shrink=self.allow_shrink)
        require_region(self.found, self.wanted, self.launch.zones)
        if service := self._service(ids):
            leaving(service, self.changes.terminate, some_stay=bool(self.wanted.slots))
        if self.changes.launch:
            self.launch = replace(self.launch, image=self.machines.image(self.launch.image))
        rows = machine_rows(self.wanted, self.found, self.changes)
        return [*rows, *(self.disks.plan(self._zones(), self._held()) if self.disks else [])]

    def apply(self, ids: Ids) -> None:
        """Carry it out, and wait until every slot has a running machine with an address."""
        launch = replace(
            self.launch,
            subnetwork=str(resolve(self.subnetwork, ids)),
            service_account=str(resolve(self.service_account, ids)),
        )
        self.machines.apply(replace(self.changes, terminate=()), self.wanted, launch)
        self._let_go(ids)
        running = self.machines.wait(self.wanted.slots)
        self.running = [summary(instance, slot) for instance, slot in zip(running, self.wanted.slots)]
        if self.disks:
            self.disks.apply(self.running)

    def _let_go(self, ids: Ids) -> None:
        """Delete the machines that are too many, once the load balancer has let them end their requests."""
        going = self.changes.terminate
        if service := self._service(ids):
            leave(service, going, self.machines.poll.sleep, some_stay=bool(self.wanted.slots))
        self.machines.terminate(going)

    def _service(self, ids: Ids) -> BackendService | None:
        """What machines that go are to leave; None where none goes, and while there is none."""
        named = resolve(self.backend_service, ids)
        if not self.changes.terminate or named in ("", UNKNOWN):
            return None
        return BackendService(self.machines.client, str(named))

    def _held(self) -> dict[str, str]:
        """By slot, the name of the machine that has it and stays."""
        return {
            each.slot: name_of(each.id)
            for each in self.found
            if each.state in LIVE and each.slot in self.wanted.slots and each.id not in self.changes.terminate
        }

    def _zones(self) -> dict[str, str]:
        """By slot, the zone that its machine is in or will be in."""
        there = {each.slot: each.id.partition("/")[0] for each in self.found if each.state in LIVE}
        return {slot: there.get(slot) or self.launch.zone_of(self.wanted, slot) for slot in self.wanted.slots}


def wanted_of(
    options: Options, network_tags: Sequence[str], slot_prefix: str = SLOT_PREFIX, role: str = ROLE
) -> Wanted:
    """What the machines should be, out of a module's options."""
    key = options["ssh_public_key"]
    return Wanted(
        options["fleet"],
        slots(slot_prefix, options["hosts"]),
        role,
        {str(label): str(value) for label, value in options["labels"].items()},
        tuple(network_tags),
        settings(options["ssh_user"], key) if key else {},
        GOOGLE,
    )


def launch_of(options: Options, zones: Sequence[str]) -> Launch:
    """How they are made, as far as a module's options say so; the image by name or family."""
    family = f"projects/{options['image_project']}/global/images/family/{options['image_family']}"
    return Launch(
        zones=tuple(zones),
        subnetwork=str(options["subnetwork"] or ""),
        image=options["image"] or family,
        machine_type=options["machine_type"],
        root_volume_gb=options["root_volume_gb"],
        service_account=str(options["service_account"] or ""),
        public_address=options["public_address"],
    )


def require_launch(fleet: str, options: Options, names: Sequence[str]) -> None:
    """:raises Failed: ``launch-incomplete`` when an option is empty without which no machine can be made."""
    missing = [name for name in names if not options[name]]
    if missing:
        what = f"{' and '.join(missing)} not given."
        raise Failed(Finding("launch-incomplete", what, f"fleet {fleet}", "Set them."))


def name_of(id_: str) -> str:
    """A machine's name, out of ``ZONE/NAME``."""
    return id_.rpartition("/")[2]


def summary(instance: dict[str, Any], slot: str) -> dict[str, str]:
    """A machine as results have it."""
    known = member_of(instance, "")["variables"]
    words = {"instance_id": "praxis_instance_id", "zone": "praxis_zone", "private_ip": "praxis_private_ip",
             "public_ip": "praxis_public_ip"}  # fmt: skip
    return {"name": instance["name"], "slot": slot, **{key: known[variable] for key, variable in words.items()}}
