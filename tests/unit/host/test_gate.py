# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local gate's verdicts."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import gate

PEER = "12D3KooWExpected"
DIAL = (
    {"member": "beta", "address": "10.0.1.12", "port": 4001},
    {"member": "gamma", "address": "10.0.1.13", "port": 4001},
)
GOOD: dict[str, Any] = {
    "container": {
        "state": "running",
        "health": "healthy",
        "restarts": 0,
        "exit_code": 0,
        "oom_killed": False,
    },
    "api": {"health": 200, "peer_id": PEER, "error": None},
    "edges": [
        {"local": "172.18.0.2:4001", "remote": "10.0.1.12:51234", "retransmits": 0, "tx_queue": 0},
        {"local": "172.18.0.2:46016", "remote": "10.0.1.13:4001", "retransmits": 0, "tx_queue": 0},
    ],
    "dials": {"10.0.1.12:4001": "ok", "10.0.1.13:4001": "ok"},
}
GATE = gate.Gate(peer_id=PEER, dial=DIAL, min_edges=2, other_peer_id="12D3KooWOther")


def judged(observation: dict[str, Any], wanted: gate.Gate = GATE, restarts: int = 0) -> gate.Verdict:
    return gate.judge(observation, wanted, 4001, "alpha", restarts)


def altered(part: str, **values: Any) -> dict[str, Any]:
    observation = copy.deepcopy(GOOD)
    observation[part] = {**observation[part], **values}
    return observation


def test_a_good_agent_passes() -> None:
    assert judged(GOOD).finding is None


@pytest.mark.parametrize("health", [None, "healthy"])
def test_a_container_without_a_health_check_passes(health: str | None) -> None:
    assert judged(altered("container", health=health)).finding is None


@pytest.mark.parametrize(
    ("part", "values", "code", "final"),
    [
        ("container", {"state": "exited", "exit_code": 1}, "container-exited", True),
        ("container", {"state": "restarting"}, "container-exited", True),
        ("container", {"restarts": 1}, "container-exited", True),
        ("container", {"state": "exited", "oom_killed": True}, "container-out-of-memory", True),
        ("container", {"health": "starting"}, "unhealthy", False),
        ("container", {"health": "unhealthy"}, "unhealthy", False),
        ("api", {"health": None, "peer_id": None, "error": "nothing listens on port 8000"}, "api-silent", False),
        ("api", {"health": 500, "error": "/health answered 500"}, "api-error", False),
        ("api", {"peer_id": None, "error": "/p2p/info answered 503"}, "no-peer-id", False),
        ("api", {"peer_id": "12D3KooWSomeone"}, "wrong-peer-id", True),
        ("dials", {"10.0.1.13:4001": "timeout"}, "mesh-missing", False),
    ],
)
def test_each_fault_has_its_code(part: str, values: dict[str, Any], code: str, final: bool) -> None:
    verdict = judged(altered(part, **values))
    assert verdict.finding is not None
    assert (verdict.finding.code, verdict.final) == (code, final)
    assert "alpha" in verdict.finding.where


def test_no_container_is_a_fault() -> None:
    verdict = judged({**GOOD, "container": None})
    assert verdict.finding is not None
    assert verdict.finding.code == "container-missing"


def test_restarts_from_before_the_gate_do_not_count() -> None:
    assert judged(altered("container", restarts=3), restarts=3).finding is None


def test_the_other_schemes_id_points_to_the_setting() -> None:
    other = judged(altered("api", peer_id="12D3KooWOther")).finding
    wrong = judged(altered("api", peer_id="12D3KooWSomeone")).finding
    assert other is not None
    assert wrong is not None
    assert "praxis_peer_id_scheme" in other.fix
    assert "praxis_peer_id_scheme" not in wrong.fix


@pytest.mark.parametrize("retransmits", [0, 3])
def test_a_retransmitting_edge_is_not_live(retransmits: int) -> None:
    observation = copy.deepcopy(GOOD)
    observation["edges"][1]["retransmits"] = retransmits
    live = gate.live_members(observation, DIAL, 4001)
    assert live == (["beta"] if retransmits else ["beta", "gamma"])


def test_another_port_or_a_longer_address_is_not_the_peer() -> None:
    observation = copy.deepcopy(GOOD)
    observation["edges"][0].update(remote="10.0.1.121:4001", local="172.18.0.2:4001")
    observation["edges"][1].update(remote="10.0.1.13:4001", local="172.18.0.2:46016")
    assert gate.live_members(observation, DIAL, 4001) == ["gamma"]
    observation["edges"][1].update(remote="10.0.1.13:51000", local="172.18.0.2:8000")
    assert gate.live_members(observation, DIAL, 4001) == []


def test_the_message_names_who_is_missing_and_how_the_dial_went() -> None:
    finding = judged({**GOOD, "edges": [], "dials": {"10.0.1.12:4001": "refused", "10.0.1.13:4001": "timeout"}}).finding
    assert finding is not None
    assert "beta (10.0.1.12:4001: dial refused)" in finding.what
    assert "gamma (10.0.1.13:4001: dial timeout)" in finding.what
    assert judged({**GOOD, "edges": []}, gate.Gate(peer_id=PEER, dial=DIAL, min_edges=0)).finding is None


def waited(observations: list[dict[str, Any]], deadline: float) -> tuple[Any, float]:
    now = [0.0]
    left = iter(observations)
    last: dict[str, Any] = {}

    def take() -> dict[str, Any]:
        last.update(next(left, last))
        return dict(last)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    _observation, finding = gate.wait(take, judged, deadline, clock=lambda: now[0], sleep=sleep)
    return finding, now[0]


def test_the_gate_waits_for_what_may_still_come() -> None:
    starting = altered("container", health="starting")
    finding, _elapsed = waited([starting, {**GOOD, "edges": []}, GOOD], deadline=10)
    assert finding is None


def test_the_gate_says_what_it_waited_for_and_how_long() -> None:
    finding, elapsed = waited([{**GOOD, "edges": []}], deadline=10)
    assert finding.code == "mesh-missing"
    assert "Waited 10 s" in finding.what
    assert 10 <= elapsed <= 10 + gate.POLL


def test_the_gate_does_not_wait_for_the_dead() -> None:
    finding, elapsed = waited([altered("container", state="exited", exit_code=2)], deadline=600)
    assert finding.code == "container-exited"
    assert "2" in finding.what
    assert elapsed == 0


@pytest.mark.parametrize(
    ("remote", "retransmits", "dial", "passes"),
    [
        ("172.18.0.1:50001", 0, "ok", True),
        ("172.18.0.1:50001", 2, "ok", False),
        ("172.18.0.1:50001", 0, "timeout", False),
        ("10.0.1.13:50001", 0, "ok", False),
    ],
)
def test_a_connection_whose_address_was_rewritten_counts_for_a_member_that_answers(
    remote: str, retransmits: int, dial: str, passes: bool
) -> None:
    observation = copy.deepcopy(GOOD)
    observation["edges"][0].update(remote=remote, retransmits=retransmits)
    observation["dials"]["10.0.1.12:4001"] = dial
    assert (judged(observation).finding is None) is passes


PODS = tuple(
    {"member": f"agent-{ordinal}", "address": "10.9.0.1", "port": 30400 + ordinal, "outside": True}
    for ordinal in (0, 1)
)


@pytest.mark.parametrize(
    ("edges", "answers", "passes"),
    [
        ([("172.18.0.2:46100", "10.9.0.1:30401", 0)], ["refused", "ok"], True),
        ([("172.18.0.2:46100", "10.9.0.1:30401", 4)], ["refused", "ok"], False),
        ([("172.18.0.2:4001", "10.9.0.7:50000", 0)], ["ok", "ok"], True),  # a pod has dialled
        ([], ["ok", "ok"], False),
        ([], ["refused", "ok"], False),
        ([], ["refused", "timeout"], True),  # nobody to be connected to
    ],
)
def test_one_pod_that_answers_has_to_be_connected(edges: list[Any], answers: list[str], passes: bool) -> None:
    observation = copy.deepcopy(GOOD)
    named = ("local", "remote", "retransmits")
    observation["edges"] += [{**dict(zip(named, each, strict=True)), "tx_queue": 0} for each in edges]
    observation["dials"].update(zip(("10.9.0.1:30400", "10.9.0.1:30401"), answers, strict=True))
    wanted = gate.Gate(peer_id=PEER, dial=(*DIAL, *PODS), min_edges=2)
    found = judged(observation, wanted).finding
    assert (found is None) is passes
    assert found is None or found.code == "mesh-missing"


def test_a_pod_stands_for_no_machine() -> None:
    observation = copy.deepcopy(GOOD)
    observation["edges"][0] = {"local": "172.18.0.2:46100", "remote": "10.9.0.1:30400", "retransmits": 0, "tx_queue": 0}
    observation["dials"]["10.9.0.1:30400"] = "ok"
    found = judged(observation, gate.Gate(peer_id=PEER, dial=(*DIAL, *PODS), min_edges=2)).finding
    assert found is not None and "beta" in found.what and "agent-0" not in found.what
