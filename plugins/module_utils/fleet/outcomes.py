# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts answered: what was observed of them, who serves, and who gave no good answer and why. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Dict, List, Mapping, Sequence, Set

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.member_health import serves
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import BETWEEN
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table

Outcome = Mapping[str, Any]
#: Lines of an agent's log that a finding quotes.
LOG_LINES = 5


def observations_of(outcomes: Mapping[str, Outcome]) -> Dict[str, Mapping[str, Any]]:
    """The observations among the hosts' answers."""
    return {name: outcome["observation"] for name, outcome in outcomes.items() if outcome.get("observation")}


def serving(table: Table, observations: Mapping[str, Mapping[str, Any]]) -> Set[str]:
    """The members that can take requests now, be it with another release."""
    return {name for name in table.members if name in observations and serves(table, name, observations[name])}


def absences(names: Collection[str], outcomes: Mapping[str, Outcome]) -> Dict[str, Finding]:
    """The hosts that gave no good answer, and why."""
    found: Dict[str, Finding] = {}
    for name in names:
        outcome = outcomes.get(name)
        if outcome is None:
            found[name] = step_failure.unreachable(name, "the host gave no answer")
        elif "unreachable" in outcome:
            found[name] = step_failure.unreachable(name, str(outcome["unreachable"]))
        elif outcome.get("failure"):
            found[name] = _failure(name, outcome["failure"], outcome.get("evidence") or [])
    return found


def _failure(name: str, failure: Mapping[str, Any], evidence: Sequence[str]) -> Finding:
    """A host's failure with the end of the agent's log: the log itself is gone after the rollback."""
    what = str(failure.get("what", ""))
    if evidence:
        what += " The log ends: %s" % " | ".join(str(line).strip() for line in evidence[-LOG_LINES:])
    said = {key: str(failure.get(key, "")) for key in ("code", "fix", "command")}
    return Finding(what=what, where=name, **said)


def soften(findings: Sequence[Finding], left_out: Collection[str]) -> List[Finding]:
    """What is wrong with members that were left out is no error of this deployment."""
    return [
        replace(item, level=WARNING) if set(item.where.split(BETWEEN)).intersection(left_out) else item
        for item in findings
    ]
