# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's life in a real cluster, in its order: each test goes on where the one before it ended."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.kubernetes.conftest import NAMESPACE, Fleet

pytestmark = pytest.mark.integration


def good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fleet praxis: good" in done.stdout, done.stdout
    return done.stdout


def test_a_plan_and_check_mode_write_nothing(fleet: Fleet) -> None:
    since = fleet.now()
    assert "Plan " in good(fleet.play("plan"))
    assert "StatefulSet/agent" in good(fleet.play("deploy", "--check", "--diff"))
    assert fleet.written(since) == [] and fleet.pods() == {}


def test_the_first_deployment_is_meshed(fleet: Fleet) -> None:
    good(fleet.play("deploy"))
    assert sorted(fleet.pods()) == ["agent-0", "agent-1"]
    said = good(fleet.play("verify"))
    assert "agent-1" in said and "2 ready" in said


def test_a_second_deployment_writes_nothing(fleet: Fleet) -> None:
    before, since = fleet.versions(), fleet.now()
    good(fleet.play("deploy"))
    assert fleet.written(since) == []
    assert fleet.versions() == before


def test_one_setting_replaces_every_pod_and_check_mode_predicts_it(fleet: Fleet) -> None:
    before, old = fleet.release(), {name: pod["metadata"]["uid"] for name, pod in fleet.pods().items()}
    changed = {"praxis_agent_config": {"llm": {"timeout": 7}}}
    since = fleet.now()
    predicted = fleet.play("deploy", "--check", "--diff", **changed)
    assert "timeout: 7" in good(predicted) and fleet.written(since) == []
    good(fleet.play("deploy", **changed))
    assert fleet.release() != before
    pods = fleet.pods()
    assert {pod["metadata"]["labels"]["praxis.cloud/release"] for pod in pods.values()} == {fleet.release()}
    assert not {pod["metadata"]["uid"] for pod in pods.values()} & set(old.values())


def test_a_bad_image_is_rolled_back(fleet: Fleet) -> None:
    before = fleet.release()
    bad = fleet.image.rpartition("@")[0] + "@sha256:" + "0" * 64
    done = fleet.play("deploy", praxis_image=bad, praxis_agent_config={"llm": {"timeout": 7}})
    assert done.returncode != 0
    assert "Its image cannot be pulled" in done.stdout and "is again as deployment" in done.stdout, done.stdout
    assert fleet.release() == before
    good(fleet.play("status", praxis_agent_config={"llm": {"timeout": 7}}))


def test_a_third_replica_joins_and_restarts_nobody(fleet: Fleet) -> None:
    old = {name: pod["metadata"]["uid"] for name, pod in fleet.pods().items()}
    settings = fleet.kubernetes(autoscaler={"min": 3, "max": 5})
    good(fleet.play("deploy", praxis_agent_config={"llm": {"timeout": 7}}, **settings))
    now = {name: pod["metadata"]["uid"] for name, pod in fleet.pods().items()}
    assert len(now) == 3 and old.items() <= now.items()


def test_a_deployment_keeps_the_number_that_the_autoscaler_has_chosen(fleet: Fleet) -> None:
    """The number is written as the autoscaler writes it, by the subresource `scale`."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/agent/scale"
    scale = fleet.api.get(path)
    assert scale is not None
    fleet.api.replace(path, {**scale, "spec": {"replicas": 4}})
    settings = fleet.kubernetes(autoscaler={"min": 3, "max": 5})
    good(fleet.play("deploy", praxis_agent_config={"llm": {"timeout": 8}}, **settings))
    assert fleet.workload()["spec"]["replicas"] == 4 and len(fleet.pods()) == 4


def test_a_rollback_returns_to_the_deployment_before(fleet: Fleet) -> None:
    before = fleet.release()
    good(fleet.play("rollback"))
    assert fleet.release() != before
    said = fleet.play("history")
    assert said.returncode == 0 and "rollback to" in said.stdout and "rolled back" in said.stdout, said.stdout


def test_no_secret_is_in_any_object_but_its_own(fleet: Fleet) -> None:
    for kind in ("configmaps", "pods", "events", "services"):
        text = json.dumps(fleet.api.listed(f"/api/v1/namespaces/{NAMESPACE}/{kind}"))
        for marker in ("planted key", "planted master key"):
            assert marker not in text, kind


def test_a_removal_takes_everything_of_the_fleet_and_nothing_else(fleet: Fleet) -> None:
    assert fleet.play("down").returncode != 0, "it asks for the fleet's name"
    done = fleet.play("down", praxis_confirm_down="praxis")
    assert done.returncode == 0, done.stdout
    assert fleet.api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/agent") is None
    there = {item["metadata"]["name"] for item in fleet.api.listed(f"/api/v1/namespaces/{NAMESPACE}/secrets")}
    assert {"secrets", "seeds"} <= there
    assert fleet.play("status").returncode != 0
