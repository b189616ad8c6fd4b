# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a drain is over: by the machine's own connections, and at the latest when the balancer's time is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.host import drain, fence
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine, release
from tests.unit.host.test_deploy import run
from tests.unit.host.test_switch import DEPLOYMENT

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
BALANCER, GATEWAY, LOOPBACK = "0C01000A", "010012AC", "0100007F"


def line(remote: str, state: str, port: int = 8000) -> str:
    return f"   1: 020012AC:{port:04X} {remote}:C822 {state} 00000000:00000000 00:00000000 00000000 0 0 4712\n"


def lasting(busy: Any, seconds: float) -> float:
    """How long one waits, by a clock that only sleep moves.

    :param busy: whether there is a connection at a moment.
    """
    now = [0.0]

    def sleep(pause: float) -> None:
        assert pause > 0
        now[0] += pause

    drain.until_quiet(lambda: busy(now[0]), seconds, clock=lambda: now[0], sleep=sleep)
    return now[0]


@pytest.mark.parametrize(
    ("busy", "seconds", "expected"),
    [
        (lambda _now: False, 60, 10),
        (lambda now: now < 7, 60, 17),
        (lambda now: now < 3 or 9 < now < 11, 60, 21),
        (lambda _now: True, 60, 60),
        (lambda now: now < 55, 60, 60),
        (lambda _now: False, 5, 5),
        (lambda _now: True, 0, 0),
    ],
    ids=["nobody", "one ends", "one comes late", "one stays", "one ends late", "a short time", "no time"],
)
def test_it_ends_when_it_has_been_quiet_or_the_time_is_over(busy: Any, seconds: float, expected: float) -> None:
    assert lasting(busy, seconds) == pytest.approx(expected, abs=2 * drain.POLL)


@given(st.lists(st.tuples(st.floats(0, 90), st.floats(0, 20)), max_size=6), st.floats(0, 80))
def test_it_never_ends_early_and_never_late(connections: list[tuple[float, float]], seconds: float) -> None:
    def busy(now: float) -> bool:
        return any(start <= now <= start + length for start, length in connections)

    lasted = lasting(busy, seconds)
    assert lasted <= seconds + 0.001
    if lasted < seconds - 0.001:
        moments = [lasted - part * drain.POLL for part in range(int((drain.QUIET - drain.POLL) / drain.POLL))]
        assert lasted >= drain.QUIET - 0.001 and not any(busy(moment) for moment in moments[1:])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], False),
        ([line(BALANCER, "01")], True),
        ([line(GATEWAY, "01")], True),
        ([line(BALANCER, "03")], True),
        ([line(BALANCER, "04")], True),
        ([line(BALANCER, "06"), line(BALANCER, "0A"), line(BALANCER, "05")], False),
        ([line(LOOPBACK, "01")], False),
        ([line(BALANCER, "01", port=4001)], False),
        ([line(LOOPBACK, "01"), line(BALANCER, "01")], True),
    ],
    ids=["none", "open", "by Docker's proxy", "beginning", "ending", "over", "own check", "P2P", "both"],
)
def test_whose_connections_count(tmp_path: Path, lines: list[str], expected: bool) -> None:
    os.makedirs(tmp_path / "71/net")
    (tmp_path / "71/net/tcp").write_text(HEADER + "".join(lines), encoding="ascii")
    assert drain.connected(71, 8000, str(tmp_path)) is expected


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch, paths: Paths) -> list[Any]:
    """What was waited for: port, seconds, and the last step that the host had admitted by then."""
    found: list[Any] = []

    def until_quiet(busy: Any, seconds: float) -> None:
        ports: list[int] = []
        monkeypatch.setattr(drain, "connected", lambda _pid, port: bool(ports.append(port)))
        busy()
        found.append((ports[0], seconds, (fence.read(paths, time.time()) or {}).get("run")))

    monkeypatch.setattr(drain, "until_quiet", until_quiet)
    return found


@pytest.mark.parametrize("port", [8000, 8001])
def test_a_host_waits_when_it_has_admitted_the_step(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], waited: list[Any], port: int
) -> None:
    """At the port where what runs listens, whatever is to come."""
    run(paths, "prepared")
    engine.run("r1", State={"Pid": 71})
    manifest = Path(paths.release("r1"), "release.json")
    said = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**said, "ports": {"api": port, "p2p": 4001}}), encoding="utf-8")
    run(paths, "prepared", release=release("r2"))
    assert waited == []
    run(paths, "active", release=release("r2"), drain=60.0, deployment=DEPLOYMENT)
    assert waited == [(port, 60.0, "d1")]
    assert (fence.read(paths, time.time()) or {})["run"] == "d1"


@pytest.mark.slow
def test_nobody_waits_in_check_mode_or_where_nothing_runs(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], waited: list[Any]
) -> None:
    run(paths, "prepared")
    run(paths, "active", drain=60.0)
    engine.run("r1", State={"Pid": 71})
    run(paths, "active", check=True, drain=60.0)
    assert waited == []
