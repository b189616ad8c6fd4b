# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an observation waits for an agent that may just be starting, and for which it does not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import settle
from ansible_collections.praxis.cloud.plugins.module_utils.host.gate import Gate

ANSWER = {"health": 200, "peer_id": "12D3KooWAlpha", "error": None}
SILENT = {"health": None, "peer_id": None, "error": "refused"}
ALONE = Gate()
ELSEWHERE = ({"member": "beta", "address": "10.0.1.12", "port": 4001},)


def seen(state: str = "running", api: Any = None, engine: bool = True, restarts: int = 0) -> dict[str, Any]:
    container = {"state": state, "restarts": restarts, "health": None, "oom_killed": False, "exit_code": 1}
    return {
        "engine": {"running": engine},
        "container": container if state else None,
        "api": api or ANSWER,
        "edges": [],
        "dials": {},
    }


class Host:
    """One second passes with each observation that is waited for.

    :param story: what is seen, one after the other; the last stays.
    :param up: seconds since its boot at first.
    """

    def __init__(self, *story: dict[str, Any], up: float = 5000.0) -> None:
        self.story, self.up, self.seconds = list(story), up, 0.0

    def take(self) -> dict[str, Any]:
        return self.story.pop(0) if len(self.story) > 1 else self.story[0]

    def sleep(self, _seconds: float) -> None:
        self.seconds += 1

    def settle(self, wanted: Gate = ALONE, seconds: float = 60.0) -> dict[str, Any]:
        return settle.observe(
            self.take, wanted, {}, 4001, seconds, lambda: self.up + self.seconds, lambda: self.seconds, self.sleep
        )


def test_who_is_well_is_waited_for_no_longer() -> None:
    host = Host(seen())
    assert (host.settle(), host.seconds) == (seen(), 0)


@pytest.mark.parametrize(
    "away",
    [seen("", engine=False), seen(""), seen(api=SILENT), seen(engine=False)],
    ids=["engine and container", "container", "API", "engine"],
)
def test_what_is_away_for_a_moment_is_waited_for(away: dict[str, Any]) -> None:
    host = Host(away, away, away, seen())
    assert (host.settle(), host.seconds) == (seen(), 3)


@pytest.mark.parametrize("dead", [seen("exited"), seen("restarting"), seen(restarts=1)], ids=str)
def test_who_is_dead_is_seen_at_once(dead: dict[str, Any]) -> None:
    host = Host(dead, seen())
    assert (host.settle(), host.seconds) == (dead, 0)


def test_an_agent_that_a_boot_has_not_started_yet_is_waited_for() -> None:
    host = Host(seen("exited"), seen("exited"), seen(api=SILENT), seen(), up=15.0)
    assert (host.settle(), host.seconds) == (seen(), 3)


def test_an_agent_that_no_boot_starts_is_seen_when_the_boot_is_over() -> None:
    host = Host(seen("exited"), up=settle.BOOT - 10)
    assert (host.settle(), host.seconds) == (seen("exited"), 10)


def test_the_wait_has_an_end() -> None:
    host = Host(seen("", engine=False))
    assert (host.settle(seconds=20), host.seconds) == (seen("", engine=False), 20)


def test_connections_are_waited_for_where_they_are_asked_for() -> None:
    host = Host(seen())
    host.settle(Gate(dial=ELSEWHERE, min_edges=1), seconds=5)
    assert host.seconds == 5
