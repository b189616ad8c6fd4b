# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the verdict actions share: the run's directory in, plain facts and a table out."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import Pace
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table
from ansible_collections.praxis.cloud.plugins.plugin_utils import screen
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


def pace_of(options: Mapping[str, Any]) -> Pace:
    """How fast this run may go, out of its directory's options."""
    return Pace(options["batch"], options["canary"], options["min_available"], options["max_unreachable"])


def floor_of(run: RunDirectory, table: Table, options: Mapping[str, Any], rolls_back: bool) -> int:
    """Members that have to stay in service. Those of a fleet that is new were in nobody's; nor does a rollback miss
    those that have nothing to go back to, or that the deployment has not come to yet."""
    if run.order.first_deployment():
        return 0
    whole = len(table.members)
    missed = (*run.new(), *run.order.empty()) if rolls_back else ()
    known = whole - len({*run.order.left_out(), *missed})
    return min(known, pace_of(options).floor(known, whole))


#: Seconds that a deployment is given beside its gates and soaks: once, and for every batch.
MARGIN = 120
#: Seconds that the slowest kind of load balancer takes to call a member healthy, its own health check included.
JOIN = 480
#: Seconds that others wait for a deployment, if no batch may take longer.
LEASE = 900


def confirm_deadline(
    numbers: Mapping[str, Any], members: int, alone: int = 0, balanced: bool = False, forks: Optional[int] = None
) -> int:
    """Seconds in which a deployment of so many members has ended, or has stopped.

    :param alone: how many of them are activated in a batch of their own.
    :param balanced: a batch ends when a load balancer has taken its members.
    :param forks: the hosts on which Ansible works at the same time; None: all of a batch.
    """
    pace = pace_of(numbers)
    size = pace.size(members)
    return MARGIN + pace.batches(members, alone) * _batch(numbers, balanced, -(-size // (forks or size)))


def lease(numbers: Mapping[str, Any], balanced: bool = False) -> int:
    """Seconds that others wait for a deployment: in a batch it may give no sign of life."""
    return int(numbers["lease"] or max(LEASE, _batch(numbers, balanced)))


def _batch(numbers: Mapping[str, Any], balanced: bool, turns: int = 1) -> int:
    """Seconds that a batch may take.

    :param turns: in how many turns its hosts have their gates.
    """
    seconds: int = numbers["deadline"] * turns + numbers["soak"] + MARGIN
    return seconds + (numbers["join_timeout"] or JOIN) if balanced else seconds


#: The option that all of them have.
RUN = {"run": {"type": "path", "required": True}}


class FleetAction(ActionBase):  # type: ignore[misc]
    """Base of the action plugins that run once, on the controller, over the run's directory."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {}

    def judge(self, run: RunDirectory, args: Mapping[str, Any]) -> Dict[str, Any]:
        """The action's result.

        :raises Failed: when it cannot be evaluated at all.
        """
        raise NotImplementedError

    def show(self, lines: Callable[[Optional[int], render.Paint], List[str]]) -> None:
        """Print lines, made for a width and for colours; unless the stdout callback prints the summary itself."""
        screen.show_in_a_task(self._display, lines)

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars or {})
        _valid, args = self.validate_argument_spec(argument_spec={**RUN, **self.argument_spec})
        try:
            return {**result, "changed": False, **self.judge(RunDirectory(args["run"]), args)}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
