# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet has in AWS, as one plan: the list worked out, everything observed, one table, and carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_eks_settings import cluster, dropped
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_fleet_machines import FleetMachines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_front import exposure, with_front
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_infrastructure import OPTIONS, Infrastructure
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_places import vpc_of, with_places
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_quotas import AwsQuotas
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.provisioning import Run
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import (
    KIND_PARTS,
    PLACED,
    Existing,
    Settings,
    desired,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_listeners import (
    HTTP,
    HTTPS,
    TLS_POLICY,
    Tls,
    logs_at,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import (
    OVER_QUOTA,
    QUOTA_SERVICE,
    QUOTAS,
    Quotas,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.exposure import PUBLIC
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource, resolve
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import (
    BALANCER,
    FIREWALL,
    MACHINES,
    Balancer,
    Open,
    across,
    refuse_world,
)

Options = Mapping[str, Any]


@dataclass
class Provision:
    """One fleet in one region.

    :param options: the module's.
    """

    client: AwsClient
    options: Options
    poll: Poll = field(default_factory=Poll)

    @property
    def where(self) -> str:
        """For findings."""
        return f"fleet {self.options['fleet']} in {self.client.region}"

    def present(self, check_mode: bool) -> dict[str, Any]:
        """Plan; and unless in check mode, carry out.

        :raises Failed: everything that stands in the way, before anything is touched.
        """
        options = self.options
        found = Infrastructure(self.client, self._brought(), options["balancer"]).observe()
        settings = self._settings(found)
        vpc = vpc_of(self.client, settings)
        if vpc and PLACED.intersection(options["parts"]):
            settings = with_places(self.client, settings, vpc)
        if BALANCER in options["parts"]:
            settings = with_front(self.client, options, settings, self.where)
        kinds, where, seconds = self._kinds(), self.where, options["deadline"]
        listed = self._list(settings, vpc)
        listed += dropped(self.client, settings, listed)
        engine = Engine(self.client, listed, KINDS, kinds, where, seconds, self.poll)
        run = Run(
            scope=("aws", self.client.region, options["fleet"]),
            title=f"fleet {options['fleet']}, AWS {self.client.region}",
            where=self.where,
            agreed=options["plan_id"],
            allow_shrink=options["allow_shrink"],
            check_mode=check_mode,
            parts=KIND_PARTS,
            quotas=AwsQuotas(self.client, options["instance_type"]),
        )
        kept = run.keep(engine, self._machines(settings))
        return {**kept, **self._there(settings, engine, found, check_mode)}

    # -- what is wanted

    def _brought(self) -> dict[str, Any]:
        """What the user brings. The name that provisioning itself gives its target group is none of the user's."""
        own = self.options["target_group"] == self._name
        return {option: None if own and option == "target_group" else self.options[option] for option in OPTIONS}

    @property
    def _name(self) -> str:
        return str(self.options["name"] or names(self.options["fleet"], self.client.region)["fleet"])

    def _settings(self, found: Options) -> Settings:
        options = self.options
        existing = Existing(
            vpc=found["vpc"].get("id", "") if found["vpc"] else "",
            subnets=found["subnets"],
            security_groups=found["security_groups"],
            load_balancer=found["load_balancer"].get("arn", "") if found["load_balancer"] else "",
            target_group=found["target_group"],
            key_name=found["key_name"],
            instance_profile=found["instance_profile"],
        )
        balancer = found["load_balancer"] or {}
        return Settings(
            fleet=options["fleet"],
            name=self._name,
            role=names(options["fleet"], self.client.region)["role"],
            open=Open(
                inside=options["inside_cidr"] or (found["vpc"] or {}).get("cidr", "") or options["vpc_cidr"],
                listener_ports=[HTTP, HTTPS] if options["certificate"] else options["listener_ports"],
                api_port=options["api_port"],
                p2p_port=options["p2p_port"],
                ssh_from=options["ssh_from"],
                api_from=options["api_from"],
                api_from_groups=[*options["api_from_groups"], *balancer.get("security_groups", [])],
                p2p_from=options["p2p_from"],
                balancer_from=options["balancer_from"],
            ),
            vpc_cidr=options["vpc_cidr"],
            zones=self._zones(existing),
            groups=options["groups"] or self._groups(existing),
            public_key="" if existing.key_name else options["public_key"].strip(),
            labels={str(key): str(value) for key, value in options["labels"].items()},
            tags=options["tags"],
            existing=existing,
            balancer=Balancer(
                wanted=options["balancer"],
                scheme=exposure(options).made_with,
                idle_timeout=options["balancer_idle_timeout"],
                health_path=options["health_path"],
                health_interval=options["health_interval"],
                deregistration_delay=options["deregistration_delay"],
                access_logs=_access_logs(options["access_logs"]),
                tls=Tls(options["certificate"], options["tls_policy"] or TLS_POLICY),
            ),
            cluster=cluster(options["cluster"], self._name),
            parts=options["parts"],
        )

    @staticmethod
    def _groups(existing: Existing) -> list[str]:
        return [*([] if existing.security_groups else ["member"]), *([] if existing.load_balancer else ["balancer"])]

    def _zones(self, existing: Existing) -> list[str]:
        """Those named, else the region's first two."""
        placed = PLACED.intersection(self.options["parts"])
        if self.options["zones"] or existing.subnets or not placed:
            return list(self.options["zones"])
        only = [{"Name": "zone-type", "Values": ["availability-zone"]}]
        answer = self.client.call("ec2", "describe_availability_zones", Filters=only)["AvailabilityZones"]
        return sorted(str(each["ZoneName"]) for each in answer)[:2]

    def _list(self, settings: Settings, vpc: str) -> list[Resource]:
        """:raises Failed: ``open-to-world``, those of OVER_QUOTA, and what else cannot be."""
        options = self.options
        if FIREWALL in options["parts"]:
            # Behind a login, the load balancer may be open to everybody.
            public = exposure(options).wanted == PUBLIC and exposure(options).guarded
            asked = replace(settings.open, balancer_from=()) if public else settings.open
            findings = refuse_world(asked, api=options["open_api_to_world"], p2p=options["open_p2p_to_world"])
            if findings:
                raise Failed(*findings)
            p2p_from = [*settings.open.p2p_from, *across(self.options["members"], vpc)]
            settings = replace(settings, open=replace(settings.open, p2p_from=p2p_from))
        try:
            return desired(settings)
        except Failed as failed:
            if failed.findings[0].code not in OVER_QUOTA:
                raise
        # The account may have higher quotas. Nobody else has to be allowed to ask.
        return desired(replace(settings, quotas=Quotas(**{name: self._quota(name) for name in QUOTAS})))

    def _quota(self, name: str) -> int:
        try:
            code = QUOTAS[name]
            answer = self.client.call("service-quotas", "get_service_quota", ServiceCode=QUOTA_SERVICE, QuotaCode=code)
        except CloudError:
            return int(getattr(Quotas(), name))
        return int(answer["Quota"]["Value"])

    def _kinds(self) -> list[str]:
        return [kind for kind, part in KIND_PARTS.items() if part in self.options["parts"]]

    def _machines(self, settings: Settings) -> FleetMachines | None:
        if MACHINES not in self.options["parts"]:
            return None
        return FleetMachines(self.client, self.options, settings, self.poll)

    # -- what there is

    def _there(self, settings: Settings, engine: Engine[AwsClient], found: Options, check_mode: bool) -> dict[str, Any]:
        """Ids and addresses, those that are not known yet in words."""
        address = (found["load_balancer"] or {}).get("address", "")
        if settings.makes_balancer and BALANCER in self.options["parts"]:
            listed = next(each for each in engine.desired if each.key == ("load_balancer", self._name))
            address = engine.fact(listed, "address", check_mode)
        target_group = settings.name if settings.makes_balancer else ""
        group = {
            name: engine.ids.get(("security_group", f"{settings.name}-{name}"), "") for name in ("member", "balancer")
        }
        return {
            "vpc": str(resolve(settings.vpc, engine.ids)),
            "subnets": resolve(settings.subnets, engine.ids),
            "balancer": address,
            "target_group": settings.existing.target_group or target_group,
            "member_group_id": group["member"],
            "balancer_group_id": group["balancer"],
        }


def _access_logs(option: Options | None) -> str:
    """Empty for what is left as it is."""
    return logs_at(option.get("bucket") or "", option.get("prefix") or "") if option else ""
