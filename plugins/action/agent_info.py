# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.agent_info. Documentation: plugins/modules/agent_info.py."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import switches
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import (
    STILL,
    HostAction,
    persistently,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(HostAction):
    module = "praxis.cloud.agent_info"
    #: Whether hosts have been activated, and would all be rolled back for one that cannot be observed.
    _decides = False

    def arguments(self, run: RunDirectory, name: str, args: Dict[str, Any]) -> Dict[str, Any]:
        if boolean(args.pop("taken_over", False)):
            _take_over(run, name)
            # It may have been started a moment ago, and has as much time for it as this run would have given it.
            args["settle"] = max(float(args.get("settle", 0)), float(run.options()["deadline"]))
        self._decides = bool(run.touched()) and not run.rollback_begun()
        activated = set(run.activated_names())
        piece = run.host_slice(name, moved=activated, back=run.rolled_back())
        ports = {key: piece["release"][key] for key in ("api_port", "p2p_port")}
        # Only what this run has activated has to show that it lasts.
        soak = run.options()["soak"] if name in activated and not run.order.first_deployment() else 0
        return {"soak": soak, **args, **ports, "dial": piece["gate"]["dial"]}

    def execute(self, name: str, args: Dict[str, Any], task_vars: Dict[str, Any]) -> Dict[str, Any]:
        """For a link that fails for a moment, a release is not undone on a whole fleet."""
        run = super().execute

        def ask() -> Dict[str, Any]:
            return run(name, args, task_vars)

        if not self._decides:
            return ask()
        return persistently(self._display, name, ask, self.reconnect, "when it was to be observed", STILL)


def _take_over(run: RunDirectory, name: str) -> None:
    """Count an agent that another deployment has activated as activated by this run, and have it rolled back with the
    others. Where no deployment has ended well yet, it stays: a rollback would remove it."""
    seen = (run.outcome(name) or {})["observation"]
    container, release = seen["container"], seen["release"]
    # A container that is older than the release may have been restarted before.
    made_for_it = container["part"] == release["running"] and switches.is_recent(seen)
    if release["good"]:
        run.touch(name, release["good"])
    run.activate(name, {**container, "restarts": 0} if made_for_it else container, seen.get("services") or {})
