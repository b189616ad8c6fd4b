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
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.options import from_environment
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import Disks
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import aws_devices, google_devices
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import GOOGLE, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import Backup
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import Volume
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

    :param volume: its slot's disk.
    :param machine: what the cloud calls its machine.
    """

    name: str
    cloud: str = ""
    region: str = ""
    project: str = ""
    zone: str = ""
    slot: str = ""
    volume: str = ""
    machine: str = ""

    @property
    def place(self) -> Tuple[str, str]:
        """Where its snapshots are: all members of one place have them together."""
        return self.cloud, self.region if self.cloud == "aws" else self.project

    @property
    def disk(self) -> Volume:
        """:raises Failed: ``backup-no-disk``."""
        if self.cloud not in ("aws", "gcp") or not self.volume:
            what = "No disk that provisioning made for its data is attached to the machine."
            fix = "Backups are of disks that praxis_data.size makes (docs/data.md). Run provision.yml where it is set."
            raise Failed(Finding("backup-no-disk", what, self.name, fix))
        return Volume(self.volume, self.slot, self.zone, 0, self.machine)

    def devices(self, disk: Volume) -> List[str]:
        """Where its machine has a disk."""
        return list(aws_devices(disk.id) if self.cloud == "aws" else google_devices())


def members(hostvars: Mapping[str, Any], names: Iterable[str]) -> List[Member]:
    """Read their variables."""
    return [member(name, hostvars[name]) for name in names]


def member(name: str, variables: Mapping[str, Any]) -> Member:
    """Read a member's variables."""
    return Member(name, **{key: str(plain(variables.get(word)) or "") for key, word in _VARIABLES.items()})


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
