# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the targets that are no machines share: the verbs, and an action that carries one out in one execution."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, kinds, screen
from ansible_collections.praxis.cloud.plugins.plugin_utils.ansible_settings import of_own_play
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.play_variables import unseen

PLAN, DEPLOY, STATUS, VERIFY, ROLLBACK, HISTORY, DOWN = STATES = (
    "plan", "deployed", "status", "verified", "rolled_back", "history", "absent",
)  # fmt: skip


class Verb(Protocol):
    """One verb of one run."""

    def done(self) -> Dict[str, Any]:
        """Its result.

        :raises Failed: what stands in its way.
        """

    def text(
        self, found: Mapping[str, Any], width: Optional[int] = None, paint: render.Paint = render.plain
    ) -> List[str]:
        """The result as a person reads it."""


class TargetAction(ActionBase):  # type: ignore[misc]
    """Base of the action plugins that work on a whole fleet of another target than machines."""

    TRANSFERS_FILES = False
    #: The target's name.
    target = ""
    argument_spec: Dict[str, Any] = {
        "state": {"type": "str", "required": True, "choices": list(STATES)},
        "plan_id": {"type": "str", "default": ""},
        "to": {"type": "str", "default": ""},
    }

    def hosts(self, groups: Mapping[str, Sequence[str]]) -> List[str]:
        """The hosts of the inventory that are planned."""
        return fleet_variables.hosts_of(groups, self.target)

    def faults(self, task_vars: Mapping[str, Any]) -> List[Finding]:
        """What is wrong with variables that are no member's own."""
        return []

    def verb(self, args: Mapping[str, Any], members: Sequence[MemberVariables], faults: Sequence[Finding]) -> Verb:
        """The verb that the options ask for.

        :raises Failed: what is wrong with the settings.
        """
        raise NotImplementedError

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        names = self.hosts(task_vars["groups"])
        members, faults = kinds.read(task_vars["hostvars"], names)
        faults += [*self.faults(task_vars), *unseen(self._task, task_vars, self._templar.template, names)]
        faults += of_own_play(self._task.get_play(), task_vars["ansible_play_hosts_all"])
        try:
            verb = self.verb(args, members, faults)
            found = verb.done()
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
        screen.show_in_a_task(self._display, lambda width, paint: ["", *verb.text(found, width, paint), ""])
        found["text"] = "\n".join(verb.text(found))
        return {**result, **found}
