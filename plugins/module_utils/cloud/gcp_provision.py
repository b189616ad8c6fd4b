# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet has in Google Cloud, as one plan: the list worked out, all observed, one table, and carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet import Fleet
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet_machines import (
    FleetMachines,
    launch_of,
    require_launch,
    wanted_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_front import exposure, front_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import (
    EXISTING,
    Infrastructure,
    group_zones,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure_kinds import (
    kinds,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_members import network_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_quotas import GcpQuotas
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_volumes import GoogleDisks
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import words_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.provisioning import unasked
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import SlotDisks
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_names, mark
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import PUBLIC
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_cluster import Cluster
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import Front
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import (
    KIND_PARTS,
    Existing,
    Settings,
    desired,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, resolve
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    BALANCER,
    CLUSTER,
    FIREWALL,
    MACHINES,
    Balancer,
    Open,
    across,
    refuse_world,
)

Options = Mapping[str, Any]


class Provision(Fleet):
    """What a fleet should have."""

    def present(self, check_mode: bool) -> dict[str, Any]:
        """Plan; and unless in check mode, carry out.

        :raises Failed: everything that stands in the way, before anything is touched.
        """
        found = self._named()
        self._refuse_world()
        front = self._front(found)
        machines = self._machines(found)
        if machines:
            machines.observe(check_mode)
        settings = replace(self._settings(found, machines), front=front)
        if machines:
            machines.subnetwork, machines.service_account = settings.subnetwork, settings.service_account
            made = settings.makes_balancer and settings.about(BALANCER)
            own = Ref("backend_service", settings.name) if made else ""
            machines.backend_service = found["backend_service"].get("link") or own
        quotas = GcpQuotas(self.client, self.options["region"], machines.launch) if machines else unasked
        run = self.run(check_mode, self.options["allow_shrink"], quotas)
        kept = [kind for kind, part in KIND_PARTS.items() if part in self.options["parts"]]
        seconds = float(self.options["deadline"])
        engine = Engine(self.client, desired(settings), kinds(seconds), kept, run.where, seconds, self.poll)
        result = run.keep(engine, machines)
        makes = settings.makes_balancer and settings.about(BALANCER)
        facts = {each.kind: each for each in engine.desired if each.present} if makes else {}

        def fact(kind: str, name: str) -> str:
            return engine.fact(facts[kind], name, check_mode) if kind in facts else ""

        policy = f"global/securityPolicies/{settings.name}" if "balancer" in settings.groups else ""
        return {
            **result,
            "warnings": machines.warnings if machines else [],
            "project": self.client.project,
            "network": self._network_id(found),
            "subnetwork": str(resolve(settings.subnetwork, engine.ids)) if settings.about(MACHINES) else "",
            "balancer": fact("address", "address"),
            "certificate_status": fact("ssl_certificate", "status"),
            "backend_service": found["backend_service"].get("name", settings.name if settings.makes_balancer else ""),
            "security_policy": policy,
        }

    # -- what is wanted

    def _named(self) -> dict[str, Any]:
        """What exists already, and zones. The name that provisioning itself gives its backend service is none of the
        user's."""
        options = self.options
        existing = {option: options[option] for option in (*EXISTING, "network_tags")}
        if existing["backend_service"] == self.name:
            existing["backend_service"] = None
        if [*options["parts"]] == [FIREWALL] and options["network"] and not options["subnetwork"]:
            return self._only_network(str(options["network"]))
        zonal = not {MACHINES, BALANCER}.isdisjoint(options["parts"])
        region = options["region"] if zonal or options["subnetwork"] else ""
        return Infrastructure(
            self.client, options["fleet"], region, options["zones"], existing, options["balancer"]
        ).named()

    def _only_network(self, named: str) -> dict[str, Any]:
        """A network that rules are made for, whatever it is like."""
        link = plain(named if "/" in named else f"global/networks/{named}", self.client.project)
        return {**dict.fromkeys(EXISTING, {}), "network": {"link": link, "id": network_of(link)}, "zones": []}

    def _refuse_world(self) -> None:
        """:raises Failed: ``open-to-world``."""
        if FIREWALL not in self.options["parts"]:
            return
        api, p2p = self.options["open_api_to_world"], self.options["open_p2p_to_world"]
        front, asked = exposure(self.options), self._open("")
        if front.wanted == PUBLIC and front.guarded:
            # Behind a login, the load balancer may be open to everybody.
            asked = replace(asked, balancer_from=())
        if findings := refuse_world(asked, api=api, p2p=p2p):
            raise Failed(*findings)

    def _front(self, found: Options) -> Front:
        """:raises Failed: what clients could not be met with."""
        if BALANCER not in self.options["parts"]:
            return Front()
        return front_of(
            self.client, self.options, self.name, self.mark, found["backend_service"].get("name", ""), self.where
        )

    def _open(self, inside: str, own_network: str = "") -> Open:
        options = self.options
        return Open(
            inside=inside,
            api_port=options["api_port"],
            p2p_port=options["p2p_port"],
            ssh_from=options["ssh_from"],
            api_from=options["api_from"],
            p2p_from=[*options["p2p_from"], *(across(options["members"], own_network) if own_network else [])],
            balancer_from=options["balancer_from"],
        )

    def _network_id(self, found: Options) -> str:
        return str(found["network"].get("id") or f"{self.client.project}/{self.name}")

    def _settings(self, found: Options, machines: FleetMachines | None) -> Settings:
        options = self.options
        existing = Existing(
            network=found["network"].get("link", ""),
            subnetwork=found["subnetwork"].get("link", ""),
            network_tags=options["network_tags"],
            service_account=found["service_account"].get("email", ""),
            backend_service=found["backend_service"].get("name", ""),
        )
        makes_balancer = options["balancer"] and not existing.backend_service
        groups = [*([] if existing.network_tags else ["member"]), *(["balancer"] if makes_balancer else [])]
        labels = {str(key): str(value) for key, value in options["labels"].items()}
        from_google = options["api_from_google"]
        inside = options["inside_cidr"] or found["subnetwork"].get("cidr", "") or options["cidr"]
        return Settings(
            fleet=options["fleet"],
            name=self.name,
            account=google_names(options["fleet"])["account"],
            open=self._open(inside, self._network_id(found)),
            region=options["region"],
            cidr=options["cidr"],
            network_tag=options["network_tag"],
            group_zones=self._group_zones(found, machines),
            groups=groups if options["groups"] is None else options["groups"],
            api_from_google=bool(makes_balancer or existing.backend_service) if from_google is None else from_google,
            mark=words_of(self.mark),
            labels=labels if options["mark"] else {**labels, **mark(options["fleet"])},
            existing=existing,
            balancer=Balancer(
                wanted=options["balancer"],
                idle_timeout=options["balancer_timeout"],
                health_path=options["health_path"],
                health_interval=options["health_interval"],
                deregistration_delay=options["draining_timeout"],
            ),
            cluster=self._cluster(),
            parts=options["parts"],
        )

    def _cluster(self) -> Cluster | None:
        """What is not given is as :class:`Cluster` says."""
        options = self.options
        if options["cluster"] is None or CLUSTER not in options["parts"]:
            return None
        given = {key: value for key, value in options["cluster"].items() if value not in (None, "")}
        return Cluster(**{"name": self.name, "location": options["region"], "zones": options["zones"] or (), **given})

    def _group_zones(self, found: Options, machines: FleetMachines | None) -> list[str]:
        """Machines are not moved when the zones change, so their zones' groups stay."""
        if BALANCER not in self.options["parts"]:
            return []
        there = group_zones(self.client, self.name, self.mark)
        wanted = [*found["zones"], *(machines.zones if machines else [])]
        makes = self.options["balancer"] and not found["backend_service"]
        return sorted({*there, *(wanted if makes else [])})

    # -- machines

    def _machines(self, found: Options) -> FleetMachines | None:
        options = self.options
        if MACHINES not in options["parts"]:
            return None
        require_launch(options["fleet"], options, ("region", "ssh_public_key"))
        tags = options["network_tags"] or [options["network_tag"] or self.name]
        launch = launch_of(options, found["zones"])
        wanted, seconds = wanted_of(options, tags), float(options["deadline"])
        disks = SlotDisks(
            GoogleDisks(self.client, wanted, self.where, seconds, self.poll), "gcp", options["data"], self.where
        )
        return FleetMachines(self.machines(), wanted, launch, options["allow_shrink"], disks=disks)
