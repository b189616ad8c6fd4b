# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary in a cluster: the pods above a StatefulSet's partition, which get a release before all others. Pure."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.changes import SCALER, Change
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.rollout import Goal


@dataclass(frozen=True)
class Stage:
    """What is applied together, and then judged."""

    changes: Sequence[Change]
    goals: Sequence[Goal]


def partition(pods: int, canary: int) -> int:
    """The ordinal from which on pods are the canary. 0: there is none, for it would be nobody, or everybody."""
    return pods - canary if 0 < canary < pods else 0


def stages(made: Sequence[Change], goals: Sequence[Goal], canary: int) -> List[Stage]:
    """The stages of a deployment: two where it replaces pods of members that others of their kind can wait for.

    With the canary goes everything but workloads and autoscalers: what pods read lies beside what the others read. An
    autoscaler that has to allow fewer pods goes with it: the pods above its limit are none to judge a release by.

    :param made: the changes, in the order in which they are made.
    """
    held: Dict[str, int] = {}
    for change in made:
        above = partition(_pods(change), canary) if _replaces_members(change) else 0
        if above:
            held[change.name] = above
    if not held:
        return [Stage(made, goals)]
    first: List[Change] = []
    rest: List[Change] = []
    for change in made:
        scales = change.item["kind"] == SCALER and change.after is not None and not change.allows_fewer
        waits = change.is_workload or scales
        if change.name in held:
            first.append(_under(change, held[change.name]))
            rest.append(replace(change, before=change.after, pods=None))
        else:
            (rest if waits else first).append(change)
    trial = [replace(goal, partition=held[named]) for goal, named in _named(goals) if named in held]
    return [Stage(first, trial), Stage(rest, goals)]


def _named(goals: Sequence[Goal]) -> List[Tuple[Goal, str]]:
    return [(goal, "%s/%s" % (goal.kind, goal.name)) for goal in goals]


def _replaces_members(change: Change) -> bool:
    """Whether it replaces pods of a StatefulSet, or goes on with a deployment that stopped at its canary."""
    if change.item["kind"] != "StatefulSet" or change.before is None or change.after is None:
        return False
    before, after = change.before["spec"], change.after["spec"]
    if before.get("replicas") == 0:
        return False  # below a partition pods of the old release would be made, for the canary to wait for
    return bool(before["template"] != after["template"] or _rolling(before).get("partition", 0))


def _rolling(spec: Any) -> Dict[str, Any]:
    return dict((spec.get("updateStrategy") or {}).get("rollingUpdate") or {})


def _pods(change: Change) -> int:
    there = (change.before or change.item)["spec"].get("replicas", 1)
    return int(change.item["spec"].get("replicas", there) if change.pods is None else change.pods)


def _under(change: Change, above: int) -> Change:
    """The same change under a partition."""
    item = copy.deepcopy(dict(change.item))
    item["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = above
    return replace(change, item=item)
