# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the members of a fleet have their disks and backups: the clouds' clients, out of the members' variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Protocol, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_backups import AwsBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_volumes import AwsDisks
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backups import GoogleBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_volumes import GoogleDisks
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.options import from_environment
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import Disks
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import SIZES, aws_devices, google_devices
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import VARIABLE as DATA
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import GOOGLE, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import Backup
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import (
    DATA_TAG,
    DATA_VALUE,
    Volume,
)
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import plain

_VARIABLES = {
    "cloud": "praxis_cloud",
    "region": "praxis_region",
    "project": "praxis_project",
    "zone": "praxis_zone",
    "slot": "praxis_slot",
    "volume": "praxis_data_volume",
    "machine": "praxis_instance_id",
}


class Backups(Protocol):
    """A fleet's snapshots in one place of a cloud."""

    def observe(self) -> List[Backup]:
        """All of them."""

    def start(self, disk: str, zone: str, slot: str, name: str, seconds: float) -> str:
        """Begin a slot's; its id, when it holds the disk as it is."""

    def complete(self, id_: str) -> None:
        """Say that it can be restored."""

    def remove(self, id_: str) -> None:
        """Remove it."""


@dataclass(frozen=True)
class Member:
    """A member, and where its data is.

    :param volume: what is attached to its machine where its slot's disk should be.
    :param machine: what the cloud calls its machine.
    :param size: GiB, of ``praxis_data``; 0: provisioning makes no disk for it.
    :param keep: ``keep_backups`` of that; 0: all.
    """

    name: str
    cloud: str = ""
    region: str = ""
    project: str = ""
    zone: str = ""
    slot: str = ""
    volume: str = ""
    machine: str = ""
    size: int = 0
    keep: int = 0

    @property
    def place(self) -> Tuple[str, str]:
        """Where its snapshots are: all members of one place have them together."""
        return self.cloud, self.region if self.cloud == "aws" else self.project

    def devices(self, disk: Volume) -> List[str]:
        """Where its machine has a disk."""
        return list(aws_devices(disk.id) if self.cloud == "aws" else google_devices())


def members(hostvars: Mapping[str, Any], names: Iterable[str]) -> List[Member]:
    """Read their variables."""
    return [member(name, hostvars[name]) for name in names]


def member(name: str, variables: Mapping[str, Any]) -> Member:
    """Read a member's variables.

    :param variables: as ``hostvars`` has them, without templates.
    """
    words = {key: str(plain(variables.get(word)) or "") for key, word in _VARIABLES.items()}
    return Member(name, **words, size=_number(variables, "size"), keep=_number(variables, "keep_backups"))


def _number(variables: Mapping[str, Any], key: str) -> int:
    """One of ``praxis_data``; 0 where it has none. What is wrong in it provisioning and deployments say."""
    given = plain(variables.get(DATA) or {})
    value = given.get(key) if isinstance(given, dict) else 0
    return value if isinstance(value, int) else 0


def slot_disk(one: Member, fleet: str, labels: Mapping[str, Any]) -> Tuple[Disks, Volume]:
    """The disk of a member's slot, and its cloud's disks. What is attached where a slot's disk should be may be
    anything: the cloud is asked whether it is that.

    :param labels: as :func:`disks_of` takes them.
    :raises Failed: ``backup-no-disk``.
    """
    if one.cloud not in SIZES or not one.size:
        raise Failed(_no_disk(one, "praxis_data.size is not set for this host."))
    if not one.volume:
        raise Failed(_no_disk(one, "No data disk of provision.yml is attached to the machine."))
    disks = disks_of(one, fleet, labels)
    found = disks.read(one.volume, one.zone)
    mine = {FLEET_TAG: fleet, "praxis_slot": one.slot, DATA_TAG: DATA_VALUE}
    if found is None or not tagged(found.tags, mine):
        words = ", ".join("%s=%s" % item for item in mine.items())
        raise Failed(_no_disk(one, "The disk %s lacks a tag or label of its slot: %s." % (one.volume, words)))
    if found.machine != one.machine:
        there = found.machine or "no machine"
        raise Failed(_no_disk(one, "The disk %s is attached to %s, and not to %s." % (one.volume, there, one.machine)))
    return disks, found


def _no_disk(one: Member, what: str) -> Finding:
    fix = (
        "Only disks of praxis_data.size are backed up (docs/data.md). If it is set, run provision.yml; if the "
        "inventory has a cache, add --flush-cache."
    )
    return Finding("backup-no-disk", what, one.name, fix)


def backups_at(place: Tuple[str, str], fleet: str) -> Backups:
    """A fleet's snapshots in one place."""
    cloud, where = place
    if cloud == "aws":
        client = aws_client(from_environment(AWS_ARGUMENTS), Playbook())
        return AwsBackups(client.in_region(where) if where else client, fleet)
    return GoogleBackups(gcp_client(_google(where), Playbook()), fleet)


def disks_of(one: Member, fleet: str, labels: Mapping[str, Any]) -> Disks:
    """The disks of the fleet that a member is of, where it is.

    :param labels: the user's own, which a new disk gets.
    """
    words = {str(key): str(value) for key, value in labels.items()}
    if one.cloud == "aws":
        client = aws_client(from_environment(AWS_ARGUMENTS), Playbook()).in_region(one.region)
        return AwsDisks(client, Wanted(fleet, (one.slot,), labels=words), "fleet %s in %s" % (fleet, one.region))
    wanted = Wanted(fleet, (one.slot,), labels=words, words=GOOGLE)
    google = gcp_client(_google(one.project), Playbook())
    return GoogleDisks(google, wanted, "fleet %s in project %s" % (fleet, one.project))


def _google(project: str) -> Dict[str, str]:
    return {**from_environment(GCP_ARGUMENTS), **({"project": project} if project else {})}
