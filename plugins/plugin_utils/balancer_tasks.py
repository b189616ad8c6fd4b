# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which load balancers a fleet is behind, and the arguments of each cloud's module for one."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Shared
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables

#: What a run knows of one balancer: ``module``, its ``options``, and ``targets``, by member, in the module's words.
Balancer = Dict[str, Any]
#: Modules of balancers that know a machine at several ports, and see at which of them it answers.
SEVERAL_PORTS = ("praxis.cloud.aws_lb_target",)


def balancers(members: Sequence[MemberVariables]) -> List[Balancer]:
    """One for each target group that any member names, in each place; members that name none are behind none."""
    found: Dict[str, Balancer] = {}
    for member in members:
        if member.target_group:
            module, options, target = _asked(member)
            balancer = {"module": module, "options": options, "targets": {}}
            found.setdefault(key_of(balancer), balancer)["targets"][member.name] = target
    return list(found.values())


def key_of(balancer: Mapping[str, Any]) -> str:
    """What tells a balancer from others."""
    return json.dumps([balancer["module"], balancer["options"]], sort_keys=True)


def unnamed(members: Sequence[MemberVariables]) -> List[Finding]:
    """The members that no load balancer can be asked about, because they lack what it knows a machine by. It would not
    have them, and they would be stopped undrained."""
    found = Shared(len(members))
    fix = "Set it in the inventory (docs/your-own-infrastructure.md), or leave praxis_target_group empty."
    what = "%s is not set, and the load balancer of praxis_target_group knows the machine by it."
    for one in members:
        if one.target_group and one.target == "machines":
            found.add(one.name, [Finding("missing-variable", what % name, "variables", fix) for name in _missing(one)])
    return found.reported()


def named(members: Sequence[MemberVariables]) -> List[MemberVariables]:
    """The members that a load balancer can be asked about."""
    return [one for one in members if not _missing(one)]


def _missing(member: MemberVariables) -> List[str]:
    """The variables by which a load balancer would know a member, and that are not set."""
    known = {"praxis_instance_id": member.instance_id, "praxis_zone": member.zone or member.cloud != "gcp"}
    return [name for name, value in known.items() if not value]


def _asked(member: MemberVariables) -> Tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """The module that knows a member's balancer, its options, and the member as it knows it."""
    if member.cloud == "gcp":
        where = {"project": member.project} if member.project else {}
        target = {"id": member.instance_id, "zone": member.zone, "port": member.api_port}
        return "praxis.cloud.gcp_lb_target", {"backend_service": member.target_group, **where}, target
    where = {"region": member.region} if member.region else {}
    target = {"id": member.instance_id, "port": member.api_port}
    return "praxis.cloud.aws_lb_target", {"target_group": member.target_group, **where}, target
