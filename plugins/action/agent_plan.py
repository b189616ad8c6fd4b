# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.agent_plan. Documentation: plugins/modules/agent_plan.py."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import ansible_settings, controller, own_agent
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import confirm_deadline, lease
from ansible_collections.praxis.cloud.plugins.plugin_utils.planner import Planner
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import check, run_options


class ActionModule(ActionBase):  # type: ignore[misc]
    """Plans one agent, by itself; then its peers are added, which are known by then."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "run": {"type": "path"},
        "peers": {"type": "list", "elements": "raw", "default": []},
        "identity": {"type": "raw", "default": ""},
        "min_edges": {"type": "int", "default": 0},
        # Checked with everything else, so that a wrong one is reported by the name of the role's argument.
        **{option: {"type": "raw"} for option in (*own_agent.FIELDS, *own_agent.RUN)},
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        name = str(task_vars["inventory_hostname"])
        try:
            refused = ansible_settings.refusals()
            if refused:
                raise Failed(*refused)
            if args["run"]:
                hosts, named = task_vars["ansible_play_hosts_all"], [str(peer) for peer in args["peers"]]
                clashes = own_agent.clashes(name, map(str, hosts), named, task_vars["hostvars"])
                if clashes:
                    raise Failed(*clashes)
                peers = own_agent.peers_of(name, args["peers"], task_vars["hostvars"])
                RunDirectory(args["run"]).connect(name, peers)
                return {**result, "changed": False, "peers": [peer.name for peer in peers]}
            return {**result, "changed": False, **self._plan(name, args)}
        except Failed as error:
            reported = Failed(*own_agent.in_role_words(error.findings))
            return {**result, "failed": True, **reported.as_result()}

    def _plan(self, name: str, args: Mapping[str, Any]) -> Dict[str, Any]:
        numbers, wrong = run_options({option: args[option] for option in own_agent.RUN})
        numbers["min_edges"] = args["min_edges"]
        member = own_agent.variables_of(name, args)
        planner = Planner([member], faults=wrong)
        plan = planner.plan()
        options = {
            "hosts": [name],
            **numbers,
            "confirm_deadline": numbers["confirm_deadline"] or confirm_deadline(numbers, 1),
            "lease": lease(numbers),
            "take_over": "",
            "record": "",
            "began": time.time(),
            "id": plan.id,
            "balancers": [],
            "deployment": controller.deployment(planner.reason),
        }
        run = RunDirectory.create(plan, planner.host_secrets(), planner.engines(), options)
        one = plan.members[name]
        # An address by name is nobody's to dial: connections are distinguished by address.
        address = "" if check("private_ip", one.address) else one.address
        agent = {
            "run": run.path,
            "peer_id": one.peer_id,
            "address": address,
            "port": one.p2p_port,
            "multiaddr": multiaddr(address, one.p2p_port, str(one.peer_id)) if address else "",
        }
        own_agent.remember(name, agent)
        return {
            "plan": plan.describe(),
            "warnings": [str(item) for item in own_agent.in_role_words(planner.warnings)],
            "ansible_facts": {"praxis_agent": agent},
        }
