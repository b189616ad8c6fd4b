# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployments that a fleet has had, from what its hosts remember of them, and where a rollback goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

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


def goals(histories: Histories, to: str = "", unconfirmed: bool = False) -> Tuple[str, Dict[str, str]]:
    """A deployment, and the release that every host had after it; a host that had none by then is left out.

    :param to: the deployment's id, or :data:`NEWEST`; empty: the one before the newest.
    :param unconfirmed: whether the newest deployment is not in the histories, because it never came to its end.
    :raises Failed: ``unknown-deployment``, ``no-earlier-deployment``.
    """
    past = deployments(histories)
    if to == NEWEST:
        to, unconfirmed = "", True
    if unconfirmed and not (past or to):
        return "", {}  # their links to the good release tell
    if to:
        meant = [one for one in past if one.run == to]
        if not meant:
            known = ", ".join(one.run for one in past if one.run) or "none"
            fix = "Choose one that make history lists: %s." % known
            raise Failed(Finding("unknown-deployment", "No host remembers deployment %s." % to, "praxis_to", fix))
    else:
        meant = past[0:1] if unconfirmed else past[1:2]
        if not meant:
            what = "The fleet has had %s." % ("one deployment only" if past else "no deployment")
            fix = "Deploy the settings and the image that you want."
            raise Failed(Finding("no-earlier-deployment", what, "rollback", fix))
    by_then = {
        name: [entry for entry in entries if int(entry["fence"]) <= meant[0].fence]
        for name, entries in histories.items()
    }
    return meant[0].run, {name: str(entries[-1]["release"]) for name, entries in by_then.items() if entries}
