# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's machine in Compute Engine's words: how it is read, made, and put right. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE, Machine, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import (
    FLEET_TAG,
    MANAGED_TAG,
    MANAGED_VALUE,
    is_marked,
    mark_text,
)

#: Google's words for a machine's state, and the fleet's. One that is TERMINATED is switched off, and can be started.
STATES = {
    "PENDING": "pending",
    "PROVISIONING": "pending",
    "STAGING": "pending",
    "REPAIRING": "pending",
    "RUNNING": "running",
    "PENDING_STOP": "stopping",
    "STOPPING": "stopping",
    "SUSPENDING": "stopping",
    "STOPPED": "stopped",
    "SUSPENDED": "stopped",
    "TERMINATED": "stopped",
    "DEPROVISIONING": "shutting-down",
}
#: Its words for a machine that is switched off or about to be. A suspended one keeps what runs on it.
AT_REST = frozenset({"PENDING_STOP", "STOPPING", "STOPPED", "TERMINATED"})
#: Compute Engine changes the service account of a machine that is switched off, and of no other:
#: https://cloud.google.com/compute/docs/reference/rest/v1/instances/setServiceAccount.
ACCOUNT = "service_account"


def settings(user: str, public_key: str) -> dict[str, str]:
    """The metadata by which a machine lets one account in with one key, and nobody else.

    :param public_key: a line of ``~/.ssh/id_ed25519.pub``; several lines are several keys.
    """
    lines = [line.strip() for line in public_key.splitlines() if line.strip()]
    return {
        "ssh-keys": "\n".join(f"{user}:{line}" for line in lines),
        # Without this, whoever may log in to the project's other machines may log in to these.
        "block-project-ssh-keys": "TRUE",
        # Where the project has OS Login on, the keys above would not be observed.
        "enable-oslogin": "FALSE",
        # The guest agent publishes the machine's host keys there, at its first boot.
        "enable-guest-attributes": "TRUE",
    }


@dataclass(frozen=True)
class Launch:
    """How a new machine is made.

    :param zones: the slots take them in turn.
    :param subnetwork: its link, in any form.
    :param image: the image's link.
    :param service_account: its email; empty for a machine without any.
    :param public_address: whether it gets an address that the internet knows.
    """

    zones: tuple[str, ...]
    subnetwork: str
    image: str
    machine_type: str
    root_volume_gb: int
    service_account: str = ""
    public_address: bool = True

    def zone_of(self, wanted: Wanted, slot: str) -> str:
        """The zone of a slot: its number alone decides."""
        return self.zones[wanted.slots.index(slot) % len(self.zones)]

    def request(self, wanted: Wanted, slot: str) -> dict[str, Any]:
        """The body of an insert."""
        zone, labels = self.zone_of(wanted, slot), wanted.tags(slot)
        disk = {
            "sourceImage": self.image,
            "diskSizeGb": str(self.root_volume_gb),
            "diskType": f"zones/{zone}/diskTypes/pd-balanced",
            "labels": labels,
        }
        outside = [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}] if self.public_address else []
        return {
            "name": wanted.name(slot),
            "description": mark_text(wanted.fleet),
            "machineType": f"zones/{zone}/machineTypes/{self.machine_type}",
            "labels": labels,
            "tags": {"items": sorted(wanted.groups)},
            "disks": [{"boot": True, "autoDelete": True, "initializeParams": disk}],
            "networkInterfaces": [{"subnetwork": self.subnetwork, "accessConfigs": outside}],
            "metadata": {"items": [{"key": key, "value": value} for key, value in wanted.settings.items()]},
            # No scopes: what runs on the machine gets no token that any of Google's APIs would take.
            "serviceAccounts": [{"email": self.service_account, "scopes": []}] if self.service_account else [],
            "shieldedInstanceConfig": {
                "enableSecureBoot": True,
                "enableVtpm": True,
                "enableIntegrityMonitoring": True,
            },
            "deletionProtection": False,
        }


def place_of(instance: Mapping[str, Any]) -> str:
    """By what a machine is known in its project: ``ZONE/NAME``."""
    return f"{instance['zone'].rpartition('/')[2]}/{instance['name']}"


def machine(instance: Mapping[str, Any], fleet: str) -> Machine | None:
    """An instance -> a machine of this fleet, or None when it is not one.

    It is ours by its description, which nobody edits in passing, or by label. One that has only the name of a slot's
    machine is a stranger that stands in its way.
    """
    labels = dict(instance.get("labels") or {})
    named = re.fullmatch(rf"{re.escape(fleet)}-([a-z]+-\d+)", instance["name"])
    if not named and labels.get(FLEET_TAG) != fleet:
        return None
    made_here = is_marked(instance.get("description"), mark_text(fleet))
    return Machine(
        id=place_of(instance),
        slot=named[1] if named else labels.get("praxis_slot", ""),
        state=STATES.get(instance["status"], "pending"),
        tags=labels,
        groups=tuple(sorted((instance.get("tags") or {}).get("items") or ())),
        ours=made_here or labels.get(MANAGED_TAG) == MANAGED_VALUE,
        settings={**_metadata(instance), ACCOUNT: _account(instance)},
        at_rest=instance["status"] in AT_REST,
    )


def fixes(instance: Mapping[str, Any], wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    """The methods that put a machine right, and their bodies, each with the fingerprint of what it is made from.

    Labels and metadata that are not ours stay; network tags that are not ours open ways in, and go.
    """
    found = machine(instance, wanted.fleet)
    if found is None:
        return
    labels = {**found.tags, **wanted.tags(found.slot)}
    if labels != found.tags:
        yield "setLabels", {"labels": labels, "labelFingerprint": instance.get("labelFingerprint", "")}
    if wanted.groups and found.groups != tuple(sorted(wanted.groups)):
        tags = instance.get("tags") or {}
        yield "setTags", {"items": sorted(wanted.groups), "fingerprint": tags.get("fingerprint", "")}
    there = _metadata(instance)
    metadata = {**there, **wanted.settings}
    if metadata != there:
        items = [{"key": key, "value": value} for key, value in metadata.items()]
        fingerprint = (instance.get("metadata") or {}).get("fingerprint", "")
        yield "setMetadata", {"items": items, "fingerprint": fingerprint}
    account = wanted.settings_of(found).get(ACCOUNT)
    if account and account != found.settings[ACCOUNT]:
        yield "setServiceAccount", {"email": account, "scopes": []}


def require_region(found: Iterable[Machine], wanted: Wanted, zones: Iterable[str]) -> None:
    """Machines are not moved.

    :raises Failed: ``machine-elsewhere`` when a slot's machine is in another region than these zones.
    """
    regions = {region_of(zone) for zone in zones}
    held = [each for each in found if each.ours and each.slot in wanted.slots and each.state in LIVE]
    away = [each.id for each in held if regions and region_of(each.id.partition("/")[0]) not in regions]
    if away:
        what = f"These machines are in another region than {', '.join(sorted(regions))}: {', '.join(away)}."
        fix = (
            "Set praxis_region to their region again, or remove the fleet first (down.yml) and create it in the new "
            "region."
        )
        raise Failed(Finding("machine-elsewhere", what, f"fleet {wanted.fleet}", fix))


def region_of(zone: str) -> str:
    """The region that a zone is in."""
    return zone.rpartition("-")[0]


def _metadata(instance: Mapping[str, Any]) -> dict[str, str]:
    items = (instance.get("metadata") or {}).get("items") or ()
    return {str(item["key"]): str(item.get("value", "")) for item in items}


def _account(instance: Mapping[str, Any]) -> str:
    """Whose rights it has: the service account's email, and the scopes of its tokens, where it has any."""
    accounts = instance.get("serviceAccounts") or ()
    return ", ".join(" ".join([str(each["email"]), *sorted(each.get("scopes") or ())]) for each in accounts)
