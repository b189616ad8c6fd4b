# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what a fleet has in AWS: whatever carries both marks, in the reverse order of creation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import aws_volumes
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_backups import AwsBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_dns_kinds import left_here, remembered
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_front import public_zone
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import KINDS, MACHINES_GO_BEFORE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.provisioning import Leaving, Run
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE, machine
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import KIND_TAG, mark, names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import eks_contents
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_cluster import CLUSTER_LOST, NODES_LOST
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import ADDRESS_LOST, KIND_PARTS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import Backup
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import names as names_of
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import Volume, kept
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import record
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    BALANCER,
    MACHINES,
    TARGETS_LOST,
)

_LOST = {
    "eks_cluster": CLUSTER_LOST,
    "node_group": NODES_LOST,
    **eks_contents.LOST,
    "load_balancer": ADDRESS_LOST,
    "target_group": TARGETS_LOST,
}


@dataclass
class Removal:
    """One fleet in one region.

    :param options: the module's.
    """

    client: AwsClient
    options: Mapping[str, Any]
    poll: Poll = field(default_factory=lambda: Poll(interval=5.0))

    def absent(self, check_mode: bool) -> dict[str, Any]:
        """Plan; and unless in check mode, carry out."""
        options, place = self.options, self.client.region
        run = Run(
            scope=("aws", place, options["fleet"]),
            title=f"fleet {options['fleet']}, AWS {place}",
            where=f"fleet {options['fleet']} in {place}",
            agreed=options["plan_id"],
            allow_shrink=True,
            check_mode=check_mode,
        )
        engine = Engine(self.client, (), KINDS, (), run.where, options["deadline"], self.poll)
        volumes, backups = self._data() if MACHINES in options["parts"] else ([], [])
        leaving = self._machines(volumes if options["remove_data"] else [])
        result = run.clear(engine, self._resources(), leaving, MACHINES_GO_BEFORE, _LOST)
        return {**result, **kept([] if options["remove_data"] else volumes), "backups": names_of(backups)}

    def _data(self) -> tuple[list[Volume], list[Backup]]:
        """Every disk that was a slot's, and the snapshots of them, which stay."""
        fleet = self.options["fleet"]
        return aws_volumes.observe(self.client, fleet, "*"), AwsBackups(self.client, fleet).observe()

    def _resources(self) -> list[Observed]:
        options, scheme = self.options, names(self.options["fleet"], self.client.region)
        kinds = [kind for kind, part in KIND_PARTS.items() if part in options["parts"]]
        tags = {str(key): str(value) for key, value in (options["tags"] or mark(options["fleet"])).items()}
        name = options["name"] or scheme["fleet"]
        access = {"role": scheme["role"], "instance_profile": scheme["role"]}
        by_name = {**access, "target_group": name, "load_balancer": name, "dns_record": self._record(name)}
        cluster = (options["cluster"] or {}).get("name") or name
        in_cluster = ("eks_cluster", "node_group", *eks_contents.LOST)
        by_name |= {**dict.fromkeys(in_cluster, cluster), "cluster_role": scheme["role"]}
        return owned(self.client, kinds, tags, by_name)

    def _record(self, balancer: str) -> str:
        """The DNS record that the load balancer remembers; the one that the settings name when somebody removed it."""
        zone, name = self.options["dns_zone"], self.options["dns_name"]
        if BALANCER not in self.options["parts"]:
            return ""
        known = remembered(self.client, balancer)
        if known or not (zone and name):
            return known
        if "." in zone:
            zone, _domain, unusable = public_zone(self.client, zone, self.client.region)
            if unusable:
                return ""
        return left_here(self.client, record(zone, name))

    def _machines(self, volumes: Sequence[Volume]) -> Leaving:
        if MACHINES not in self.options["parts"]:
            return Leaving()
        fleet, seconds = self.options["fleet"], float(self.options["deadline"])
        handled = Machines(self.client, fleet, self.poll)
        ours = [each for each in (machine(one, fleet) for one in handled.observe(())) if each and each.ours]
        live = [each for each in ours if each.state in LIVE]

        def terminate() -> None:
            handled.terminate([each.id for each in live])
            handled.wait_gone([each.id for each in ours], seconds)

        def remove_volumes() -> None:
            aws_volumes.remove(self.client, volumes, self.poll, seconds)

        return Leaving(live, terminate, [each.id for each in live], volumes, remove_volumes)


def owned(
    client: AwsClient, kinds: Collection[str], tags: Mapping[str, str], names: Mapping[str, str]
) -> list[Observed]:
    """Everything that carries these tags, in the order in which it can be removed. What was made for tasks in ECS has
    them, too: it goes with its kind of agents.

    :param names: by kind, the name under which kinds are looked up that cannot be asked for by tags.
    """
    asked = [kind for name, kind in reversed(KINDS.items()) if name in kinds]
    answers = gathered(map_parallel(lambda kind: kind.owned(client, tags, names.get(kind.name, "")), asked))
    ours = [[each for each in found if KIND_TAG not in each.tags] for found in answers]
    # Members' groups name the load balancer's, whose name comes first.
    return [each for found in ours for each in sorted(found, key=lambda one: (one.name, one.id), reverse=True)]
