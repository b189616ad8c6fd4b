# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer says of a fleet: which members get no requests, and who gets some and should not. Pure."""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding


def findings(names: Collection[str], answer: Mapping[str, Any]) -> List[Finding]:
    """What is wrong there.

    :param names: the members that it was asked about.
    :param answer: of ``fleet_balancer``.
    """
    return [*_not_healthy(names, answer), *_departed(answer), *_stale(answer), *left_groups(answer)]


def failures(result: Optional[Mapping[str, Any]], where: str = "load balancer") -> Sequence[Mapping[str, Any]]:
    """The findings of a load balancer's module, or of the task that calls it, that failed; one that has none, because
    it did not get as far as that, is a finding as a whole.

    :param result: none where nothing failed.
    :param where: which load balancer, where one is meant.
    """
    if not result:
        return []
    said = str(result.get("msg") or "The load balancer's module ended without an answer.")
    unnamed = Finding("load-balancer", said, where, "Fix what this message says, then run this again.")
    return list(result.get("failures") or [unnamed.as_dict()])


def still_out(names: Collection[str]) -> List[Finding]:
    """The members that a run has taken out of service before it lost the fleet to another one. It leaves them there:
    the other one may be at work on them."""
    what = "This run has taken the member out of the load balancer and does not put it in again, because another "
    what += "deployment has, or may have, taken the fleet over, and may need it out of service."
    fix = "When no other deployment is at work, run status.yml. If the member gets no requests, deploy the release "
    fix += "that the fleet should have (deploy.yml): that puts it in again."
    return [Finding("left-drained", what, name, fix) for name in names]


def left_groups(answer: Mapping[str, Any]) -> List[Finding]:
    """The groups that members are registered with beside the one that the variables name."""
    fix = (
        "If this group still has clients, move them to the group of praxis_target_group: a deployment removes members "
        "from a group that no load balancer uses. With -e praxis_departed=remove it removes them from a group in use "
        "too."
    )
    found = []
    for one in answer.get("left") or []:
        using = "%s uses it" % ", ".join(one["addresses"]) if one["addresses"] else "no load balancer uses it"
        what = "This group still has %s, although praxis_target_group names another group; %s."
        found.append(
            Finding("target-group-left", what % (", ".join(one["members"]), using), one["group"], fix, level=WARNING)
        )
    return found


def _not_healthy(names: Collection[str], answer: Mapping[str, Any]) -> List[Finding]:
    """The members that a load balancer was asked about and does not send requests to."""
    return [
        Finding(
            code="target-not-healthy",
            what="The load balancer calls the member %s." % _word(target),
            where=target["member"],
            fix="Run deploy.yml; if that does not help, check that the load balancer reaches the API port.",
        )
        for target in answer.get("targets") or []
        if target["member"] in names and not target["healthy"]
    ]


def _departed(answer: Mapping[str, Any]) -> List[Finding]:
    """What a load balancer sends requests to and is no member of the fleet."""
    needed = {one["target"]: one["why"] for one in answer.get("kept") or []}
    what = "This machine is behind the fleet's load balancer, but is not a member of the fleet."
    left = what + " It was left there, although praxis_departed is remove: %s"
    fix = (
        "If it has left the fleet: deploy with -e praxis_departed=remove, and stop its agent. If not: see why the "
        "inventory does not list it (its tags, its group)."
    )
    again = "Repair the members that are not healthy (verify.yml says what is wrong), and deploy again."
    return [
        Finding("departed", left % needed[name] if name in needed else what, name, again if name in needed else fix,
                level=WARNING)
        for name in answer.get("others") or []
    ]  # fmt: skip


def _stale(answer: Mapping[str, Any]) -> List[Finding]:
    """The members that a load balancer also has at ports where they do not serve."""
    what = "The load balancer also has the member at port %s, where the member does not serve."
    fix = "Run deploy.yml or rollback.yml: it then registers the member only where it serves."
    stale = answer.get("stale") or []
    return [Finding("target-stale", what % one["port"], one["member"], fix, level=WARNING) for one in stale]


def _word(target: Mapping[str, Any]) -> str:
    state, why = target["state"] or "no target of its", str(target["description"]).rstrip(".")
    return "%s (%s)" % (state, why) if why else state
