# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet has in Google Cloud, as one plan: the list worked out, everything observed, one table, and carried out;
or all of it removed, in the reverse order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet_machines import (
    FleetMachines,
    launch_of,
    name_of,
    require_launch,
    wanted_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_front import exposure, front_of, known_front
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure import (
    EXISTING,
    Infrastructure,
    group_zones,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_infrastructure_kinds import (
    MACHINES_GO_BEFORE,
    kinds,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_kind import words_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_members import network_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.provisioning import Leaving, Run
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_names, mark, mark_text
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import PUBLIC
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_front import Front
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_list import (
    ADDRESS_LOST,
    KIND_PARTS,
    Existing,
    Settings,
    desired,
    removable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import resolve
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    BALANCER,
    FIREWALL,
    MACHINES,
    TARGETS_LOST,
    Balancer,
    Open,
    across,
    refuse_world,
)

Options = Mapping[str, Any]
_LOST = {"address": ADDRESS_LOST, "instance_group": TARGETS_LOST}


@dataclass
class Provision:
    """One fleet in one region of a project.

    :param options: the module's.
    """

    client: GcpClient
    options: Options
    poll: Poll = field(default_factory=Poll)

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
        run = self._run(check_mode, self.options["allow_shrink"])
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
            "project": self.client.project,
            "network": self._network_id(found),
            "subnetwork": str(resolve(settings.subnetwork, engine.ids)) if settings.about(MACHINES) else "",
            "balancer": fact("address", "address"),
            "certificate_status": fact("ssl_certificate", "status"),
            "backend_service": found["backend_service"].get("name", settings.name if settings.makes_balancer else ""),
            "security_policy": policy,
        }

    def absent(self, check_mode: bool) -> dict[str, Any]:
        """Plan to remove what carries the mark; and unless in check mode, carry out."""
        options = self.options
        balanced = BALANCER in options["parts"]
        zones = group_zones(self.client, self._name, self._mark) if balanced else []
        front = known_front(self.client, self._name, self._mark) if balanced else Front()
        settings = Settings(
            fleet=options["fleet"],
            name=self._name,
            account=google_names(options["fleet"])["account"],
            open=Open(inside=""),
            region=options["region"],
            group_zones=zones,
            mark=words_of(self._mark),
            front=front,
            parts=options["parts"],
        )
        run, seconds = self._run(check_mode, True), float(options["deadline"])
        engine = Engine(self.client, removable(settings), kinds(seconds), [*KIND_PARTS], run.where, seconds, self.poll)
        resources = [change.observed for change in engine.observe() if change.observed]
        cleared = run.clear(engine, resources, self._leaving(check_mode), MACHINES_GO_BEFORE, _LOST)
        return {**cleared, "project": self.client.project}

    def _run(self, check_mode: bool, allow_shrink: bool) -> Run:
        fleet, region, project = self.options["fleet"], self.options["region"], self.client.project
        place = f"project {project}" + (f", {region}" if region else "")
        return Run(
            scope=("gcp", project, region, fleet),
            title=f"fleet {fleet}, Google Cloud {place}",
            where=self._where,
            agreed=self.options["plan_id"],
            allow_shrink=allow_shrink,
            check_mode=check_mode,
            parts=KIND_PARTS,
        )

    # -- what is wanted

    @property
    def _name(self) -> str:
        return str(self.options["name"] or google_names(self.options["fleet"])["fleet"])

    @property
    def _mark(self) -> str:
        return str(self.options["mark"] or mark_text(self.options["fleet"]))

    def _named(self) -> dict[str, Any]:
        """What exists already, and zones. The name that provisioning itself gives its backend service is none of the
        user's."""
        options = self.options
        existing = {option: options[option] for option in (*EXISTING, "network_tags")}
        if existing["backend_service"] == self._name:
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
            self.client, self.options, self._name, self._mark, found["backend_service"].get("name", ""), self._where
        )

    @property
    def _where(self) -> str:
        """For findings."""
        region = self.options["region"]
        return f"fleet {self.options['fleet']} in project {self.client.project}" + (f", {region}" if region else "")

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
        return str(found["network"].get("id") or f"{self.client.project}/{self._name}")

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
            name=self._name,
            account=google_names(options["fleet"])["account"],
            open=self._open(inside, self._network_id(found)),
            region=options["region"],
            cidr=options["cidr"],
            network_tag=options["network_tag"],
            group_zones=self._group_zones(found, machines),
            groups=groups if options["groups"] is None else options["groups"],
            api_from_google=bool(makes_balancer or existing.backend_service) if from_google is None else from_google,
            mark=words_of(self._mark),
            labels=labels if options["mark"] else {**labels, **mark(options["fleet"])},
            existing=existing,
            balancer=Balancer(
                wanted=options["balancer"],
                idle_timeout=options["balancer_timeout"],
                health_path=options["health_path"],
                health_interval=options["health_interval"],
                deregistration_delay=options["draining_timeout"],
            ),
            parts=options["parts"],
        )

    def _group_zones(self, found: Options, machines: FleetMachines | None) -> list[str]:
        """Machines are not moved when the zones change, so their zones' groups stay."""
        if BALANCER not in self.options["parts"]:
            return []
        there = group_zones(self.client, self._name, self._mark)
        wanted = [*found["zones"], *(machines.zones if machines else [])]
        makes = self.options["balancer"] and not found["backend_service"]
        return sorted({*there, *(wanted if makes else [])})

    # -- machines

    def _handled(self) -> Machines:
        return Machines(self.client, self.options["fleet"], float(self.options["deadline"]), self.poll)

    def _machines(self, found: Options) -> FleetMachines | None:
        options = self.options
        if MACHINES not in options["parts"]:
            return None
        require_launch(options["fleet"], options, ("region", "ssh_public_key"))
        tags = options["network_tags"] or [options["network_tag"] or self._name]
        launch = launch_of(options, found["zones"])
        return FleetMachines(self._handled(), wanted_of(options, tags), launch, options["allow_shrink"])

    def _leaving(self, check_mode: bool) -> Leaving:
        if MACHINES not in self.options["parts"]:
            return Leaving()
        handled = self._handled()
        found = handled.observe() if check_mode else handled.settled()
        live = [each for each in found if each.ours and each.state in LIVE]
        ids = [each.id for each in live]
        return Leaving(live, lambda: handled.terminate(ids), [name_of(id_) for id_ in ids])
