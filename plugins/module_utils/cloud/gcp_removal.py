# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet has in Google Cloud, removed in the reverse order of creation, as one plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backups import GoogleBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_dns_kind import left_here
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet import Fleet
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet_machines import name_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_front import known_front
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import group_zones
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure_kinds import (
    MACHINES_GO_BEFORE,
    kinds,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_instance import region_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_volumes import GoogleDisks
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import words_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.provisioning import Leaving
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import kept
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.dns_names import bad_name, record
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_cluster import (
    CLUSTER_LOST,
    NODES_LOST,
    Cluster,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_dns import LONGEST
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import Front
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import (
    ADDRESS_LOST,
    KIND_PARTS,
    Settings,
    removable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    BALANCER,
    CLUSTER,
    MACHINES,
    TARGETS_LOST,
    Open,
)

_LOST = {
    "address": ADDRESS_LOST,
    "instance_group": TARGETS_LOST,
    "gke_cluster": CLUSTER_LOST,
    "node_pool": NODES_LOST,
}


class Removal(Fleet):
    """All of a fleet, gone."""

    def absent(self, check_mode: bool) -> dict[str, Any]:
        """Plan to remove what carries the mark; and unless in check mode, carry out."""
        options = self.options
        balanced = BALANCER in options["parts"]
        zones = group_zones(self.client, self.name, self.mark) if balanced else []
        front = self._front() if balanced else Front()
        settings = Settings(
            fleet=options["fleet"],
            name=self.name,
            account=google_names(options["fleet"])["account"],
            open=Open(inside=""),
            region=options["region"],
            group_zones=zones,
            mark=words_of(self.mark),
            front=front,
            cluster=self._cluster(),
            parts=options["parts"],
        )
        run, seconds = self.run(check_mode, True), float(options["deadline"])
        engine = Engine(self.client, removable(settings), kinds(seconds), [*KIND_PARTS], run.where, seconds, self.poll)
        resources = [change.observed for change in engine.observe() if change.observed]
        disks = GoogleDisks(self.client, Wanted(options["fleet"], ()), run.where, seconds, self.poll)
        backups = GoogleBackups(self.client, options["fleet"])
        volumes, stay = (disks.every(), backups.observe()) if MACHINES in options["parts"] else ([], [])
        going = volumes if options["remove_data"] else []
        leaving = replace(self._leaving(check_mode), volumes=going, remove_volumes=lambda: disks.remove(going))
        self._require_region(resources, leaving)
        cleared = run.clear(engine, resources, leaving, MACHINES_GO_BEFORE, _LOST)
        return {**cleared, "project": self.client.project, **kept([] if going else volumes), "backups": names(stay)}

    def _require_region(self, resources: Sequence[Observed], leaving: Leaving) -> None:
        """All but the subnetwork is found by names and labels, which say nothing of a region; and the person who agreed
        to the removal was told one.

        :raises Failed: ``fleet-elsewhere`` when all that is in a region is in another one.
        """
        wanted = self.options["region"]
        networks = {region for each in resources for region in each.facts.get("regions", "").split()}
        zones = {each.id.partition("/")[0] for each in leaving.live} | {each.zone for each in leaving.volumes}
        regions = networks | {region_of(zone) for zone in zones}
        if wanted and regions and wanted not in regions:
            what = f"The fleet is in {', '.join(sorted(regions))}, and the settings say {wanted}. Nothing was removed."
            fix = "Set its region (praxis_region, or CLOUDSDK_COMPUTE_REGION), and run this again."
            raise Failed(Finding("fleet-elsewhere", what, self.where, fix))

    def _front(self) -> Front:
        """What was made for it; with the DNS record that the settings name when somebody removed the address, which
        remembers it."""
        front, where = known_front(self.client, self.name, self.mark), self.where
        zone, name = self.options["dns_zone"], self.options["dns_name"]
        if front.known_record or not zone or "/" in zone or bad_name(zone, "", name, where, LONGEST):
            return front
        return replace(front, known_record=left_here(self.client, record(zone, name), self.name))

    def _cluster(self) -> Cluster | None:
        """By its name and location."""
        given = self.options["cluster"] or {}
        if CLUSTER not in self.options["parts"]:
            return None
        return Cluster(given.get("name") or self.name, given.get("location") or self.options["region"])

    def _leaving(self, check_mode: bool) -> Leaving:
        if MACHINES not in self.options["parts"]:
            return Leaving()
        handled = self.machines()
        found = handled.observe() if check_mode else handled.settled()
        live = [each for each in found if each.ours and each.state in LIVE]
        ids = [each.id for each in live]
        return Leaving(live, lambda: handled.terminate(ids), [name_of(id_) for id_ in ids])
