# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployments that a fleet has had, from what its hosts remember of them, and where a rollback goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import lock

#: By host, its entries, oldest first: see host/history.py.
Histories = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass
class Past:
    """A deployment whose releases were called good.

    :param fence: tells the order of deployments; hosts' clocks do not.
    :param at: when, by the clock of one of its hosts (seconds since 1970).
    :param releases: by host, of those that it changed.
    """

    run: str
    owner: str
    reason: str
    fence: int
    at: float
    releases: Dict[str, str] = field(default_factory=dict)


def deployments(histories: Histories) -> List[Past]:
    """Newest first."""
    found: Dict[str, Past] = {}
    for name in sorted(histories):
        for entry in histories[name]:
            run = str(entry["run"])
            past = Past(run, str(entry["owner"]), str(entry["reason"]), int(entry["fence"]), float(entry["at"]))
            found.setdefault(run, past).releases[name] = str(entry["release"])
    return sorted(found.values(), key=lambda past: past.fence, reverse=True)


#: In the place of an id, the newest deployment that was called good: what an interrupted one began is undone.
NEWEST = "newest"
#: The reason of a deployment that goes back.
ROLLBACK = "rollback to "


@dataclass(frozen=True)
class Stopped:
    """What has not come to its end.

    :param runs: the deployments whose end a host has not confirmed: it waits to go back, or has gone back. Other
        hosts may have confirmed that their release is good.
    :param begun: whether there is something to undo: such a host, or a lock that was not released. What a host still
        has of a deployment from before the newest one that was called good, which left the host out, does not count.
    :param to: the deployment that the newest of them went back to; empty: it was no rollback.
    """

    runs: Collection[str] = ()
    begun: bool = False
    to: str = ""


def stopped(histories: Histories, observations: Mapping[str, Mapping[str, Any]]) -> Stopped:
    """What the hosts say of deployments that stopped before their end."""
    past = deployments(histories)
    observations = lock.without_persons(observations)
    left = [one for one in map(_left_by, observations.values()) if one is not None]
    runs = {run for run, _fence in left}
    good = max((one.fence for one in past if one.run not in runs), default=-1)  # the newest one that was, everywhere
    newest = lock.holder(observations, lambda _process: None)
    held = newest is not None and not newest.by_hand
    known = {one.run for one in past}
    begun = any(fence is None or fence > good for _run, fence in left)
    begun = begun or newest is not None and held and newest.stopped not in known
    reason = str(newest.record["reason"]) if newest is not None and held and begun else ""
    goal = reason[len(ROLLBACK) :] if reason.startswith(ROLLBACK) else ""
    return Stopped(runs, begun, goal if goal in known else "")


def _left_by(seen: Mapping[str, Any]) -> Optional[Tuple[str, Optional[int]]]:
    """The deployment whose end this host has not confirmed, and its fence number; None where there is none.

    The number is that of the last step on the host where the switch does not say it (an older version armed it), and
    None where there is no record of that either.
    """
    switch, release, record = seen.get("switch") or {}, seen["release"], seen.get("deployment") or {}
    armed, done = switch.get("armed"), switch.get("rolled_back")
    if armed and armed["wanted"] != release["good"]:
        return str(armed["run"]), armed.get("fence") or record.get("fence")
    if done:
        return str(done["run"]), done.get("fence") or record.get("fence")
    if release["good"] and release["current"] != release["good"]:
        return str(record.get("run", "")), record.get("fence")
    return None


def goals(histories: Histories, to: str = "", left: Stopped = Stopped()) -> Tuple[str, Dict[str, str]]:
    """A deployment, and the release that every host had after it; a host that had none by then is left out.

    :param to: the deployment's id, or :data:`NEWEST`; empty: the one before the newest.
    :param left: what has not come to its end. Without ``to``, a rollback goes on to where it went, and anything else is
        undone.
    :raises Failed: ``unknown-deployment``, ``no-earlier-deployment``.
    """
    past = deployments(histories)
    undo = to == NEWEST or left.begun
    to = "" if to == NEWEST else to or left.to
    whole = [one for one in past if one.run not in left.runs]
    if undo and not (whole or to):
        return "", {}  # their links to the good release tell
    if to:
        meant = [one for one in past if one.run == to]
        if not meant:
            known = ", ".join(one.run for one in past if one.run) or "none"
            fix = "Choose a deployment that make history lists: %s." % known
            raise Failed(Finding("unknown-deployment", "No host has a record of deployment %s." % to, "praxis_to", fix))
    else:
        meant = whole[0:1] if undo else whole[1:2]
        if not meant:
            what = "The fleet has had %s." % ("one deployment only" if past else "no deployment")
            fix = "Deploy the settings and the image that you want."
            raise Failed(Finding("no-earlier-deployment", what, "rollback", fix))
    by_then = {
        name: [entry for entry in entries if int(entry["fence"]) <= meant[0].fence]
        for name, entries in histories.items()
    }
    return meant[0].run, {name: str(entries[-1]["release"]) for name, entries in by_then.items() if entries}
