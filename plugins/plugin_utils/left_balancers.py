# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers that an earlier deployment put members behind, and that the plan no longer names for them.

As long as one of them is in use, its members belong there as well: they are drained from it and join it again, for it
has clients. One that no load balancer of the cloud uses any more is left at the end of a run. Who is in a group that
the plan's balancer has as well is no member of these: to leave one would be to leave both.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.plugin_utils import balancer_targets
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import Balancer, key_of

#: What the modules say of a group that is not there any more.
GONE = ("target-group-not-found", "backend-service-not-found")

Answer = Dict[str, Any]


def of_member(planned: Sequence[Balancer], name: str) -> List[Dict[str, Any]]:
    """The balancers that the plan names for a member, as its host is to remember them."""
    return [
        {"module": one["module"], "options": dict(one["options"]), "target": _machine(one["targets"][name])}
        for one in planned
        if name in one["targets"]
    ]


def remembered(planned: Sequence[Balancer], observations: Mapping[str, Mapping[str, Any]]) -> List[Balancer]:
    """Those that hosts remember, and that the plan does not name for them, each with the members that remember it.

    A member that the plan puts behind nothing is left where it is. What a machine remembers of another one, whose disk
    it has a copy of, is not about it.
    """
    found: Dict[str, Balancer] = {}
    for name, seen in observations.items():
        now = [one for one in planned if name in one["targets"]]
        for one in seen.get("balancers") or []:
            if not now or key_of(one) in [key_of(each) for each in now]:
                continue
            target = now[0]["targets"][name]
            if one["target"] == _machine(target):
                left = {"module": one["module"], "options": one["options"], "targets": {}, "left": True}
                found.setdefault(key_of(one), left)["targets"][name] = target
    return list(found.values())


def has_left(balancer: Balancer) -> bool:
    return bool(balancer.get("left"))


def failed(answer: Answer, failures: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Why one could not be asked; a group that is not there any more has no members, and no failures."""
    return [] if (answer.get("failure") or {}).get("code") in GONE else list(failures)


def is_in_use(answer: Answer) -> bool:
    """Whether a load balancer may send requests to the group."""
    return bool(_users(answer))


def in_members(asked: Sequence[Tuple[Balancer, Answer]], named: Sequence[Answer]) -> List[Tuple[Balancer, Answer]]:
    """Those that members are registered with, each without the members that are in a group of the plan's there.

    :param named: what those of the plan answered.
    """
    planned = [group for answer in named for group in _groups(answer)]
    others = [(_outside(planned, one, answer), answer) for one, answer in asked]
    return [(one, answer) for one, answer in others if there(one, answer)]


def there(balancer: Balancer, answer: Answer) -> List[Dict[str, Any]]:
    """The registrations of its members that the group has."""
    ours = {balancer_targets.machine_of(target) for target in balancer["targets"].values()}
    others = answer.get("others") or []
    return [balancer_targets.in_words(one) for one in others if balancer_targets.machine_of(one) in ours]


def described(balancer: Balancer, answer: Answer) -> Dict[str, Any]:
    """One that members are registered with still: ``group``, ``members``, and the ``addresses`` that use it."""
    machines = {balancer_targets.machine_of(one) for one in there(balancer, answer)}
    known = balancer["targets"].items()
    return {
        "group": ", ".join(str(value) for value in balancer["options"].values()),
        "members": sorted(name for name, target in known if balancer_targets.machine_of(target) in machines),
        "addresses": _users(answer),
    }


def _users(answer: Answer) -> List[str]:
    """The addresses of the load balancers that use a group, and by name what leads to it without one."""
    return [*(answer.get("addresses") or []), *(answer.get("used_by") or [])]


def _groups(answer: Answer) -> List[str]:
    """What a target group is, or the groups that a backend service has in its zones."""
    return [answer["target_group_arn"]] if "target_group_arn" in answer else list((answer.get("groups") or {}).values())


def _group_of(answer: Answer, target: Mapping[str, Any]) -> Optional[str]:
    """The group that a member would be in; none in a zone where a backend service has none."""
    zone, _machine_id = balancer_targets.machine_of(target)
    return answer.get("target_group_arn") or (answer.get("groups") or {}).get(zone)


def _outside(groups: Sequence[str], balancer: Balancer, answer: Answer) -> Balancer:
    """The balancer with its members that are in none of these groups."""
    targets = {name: target for name, target in balancer["targets"].items()
               if _group_of(answer, target) not in (None, *groups)}  # fmt: skip
    return {**balancer, "targets": targets}


def _machine(target: Mapping[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in target.items() if key != "port"}
