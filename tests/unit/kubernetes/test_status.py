# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status and verify say of a fleet in a cluster whose pods are all ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.clocks import moment
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_deployment
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import leaf, variables
from tests.unit.kubernetes.verbs import LEAVES, OTHER, codes, of, run

SCALER = "/apis/autoscaling/v2/namespaces/praxis/horizontalpodautoscalers/agent"
POLICY = "/apis/networking.k8s.io/v1/namespaces/praxis/networkpolicies/agent"
SERVICE = "/api/v1/namespaces/praxis/services/agent"


@pytest.fixture(autouse=True)
def good_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_deployment, "probe", lambda *_, **__: [])


@pytest.mark.slow
@pytest.mark.parametrize("state", ["status", "verified"])
def test_objects_that_somebody_removed_are_an_error(api: FakeApi, state: str) -> None:
    run(api, "deployed")
    assert run(api, state)["findings"] == []
    for path in (SCALER, POLICY, SERVICE):
        del api.objects[path]
    result = run(api, state)
    assert not result["ok"] and codes(result) == ["object-missing"] and api.written == []
    (finding,) = result["findings"]
    for name in ("HorizontalPodAutoscaler/agent", "NetworkPolicy/agent", "Service/agent"):
        assert name in finding["what"]
    assert run(api, "deployed")["ok"] and run(api, state)["findings"] == []


@pytest.mark.slow
@pytest.mark.parametrize("state", ["status", "verified"])
def test_an_object_that_somebody_edited_is_a_warning(api: FakeApi, state: str) -> None:
    run(api, "deployed")
    api.objects[POLICY]["spec"]["ingress"] = []
    result = run(api, state)
    assert result["ok"] and codes(result) == ["not-as-planned"]
    assert "change NetworkPolicy/agent" in result["findings"][0]["what"]


def _inactive(since: str, reason: str = "FailedGetResourceMetric") -> dict[str, Any]:
    able = {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"}
    said = "unable to fetch metrics from resource metrics API: the server could not find the requested resource"
    return {"conditions": [able, {"type": "ScalingActive", "status": "False", "reason": reason, "message": said,
                                  "lastTransitionTime": since}]}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("state", ["status", "verified"])
def test_an_autoscaler_that_learns_nothing_of_the_load_is_a_warning(api: FakeApi, state: str) -> None:
    run(api, "deployed")
    api.objects[SCALER]["status"] = _inactive("2026-01-01T00:00:00Z")
    result = run(api, state)
    assert result["ok"] and codes(result) == ["autoscaler-inactive"]
    assert "resource metrics API" in result["findings"][0]["what"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "status",
    [
        lambda: _inactive(moment(time.time())),
        lambda: _inactive("2026-01-01T00:00:00Z", "ScalingDisabled"),
        lambda: {"conditions": None},
        dict,
    ],
    ids=["pods have just started", "scaled to zero by hand", "no conditions", "nothing"],
)
def test_an_autoscaler_that_is_to_learn_of_it_is_not(api: FakeApi, status: Callable[[], dict[str, Any]]) -> None:
    run(api, "deployed")
    api.objects[SCALER]["status"] = status()
    assert codes(run(api, "status")) == []


@pytest.mark.slow
def test_settings_that_are_not_deployed_yet_are_a_warning(api: FakeApi) -> None:
    run(api, "deployed")
    result = run(api, "status", kinds=of(OTHER))
    assert result["ok"] and codes(result) == ["other-release", "not-as-planned"]
    assert "create ConfigMap/agent-" in result["findings"][1]["what"]


@pytest.mark.slow
def test_what_a_deployment_that_is_needed_anyway_would_do_is_not_said_twice(api: FakeApi) -> None:
    assert codes(run(api, "status")) == ["workload-missing"]
    run(api, "deployed")
    kinds = {"agent": variables(), "leaf": leaf()}
    assert codes(run(api, "status", kinds=kinds)) == ["workload-missing"]
    run(api, "deployed", kinds=kinds)
    del api.objects[LEAVES], api.objects[POLICY]
    assert codes(run(api, "status", kinds=kinds)) == ["workload-missing", "object-missing"]


@pytest.mark.slow
def test_an_object_of_somebody_else_is_said_beside_the_pods(api: FakeApi) -> None:
    run(api, "deployed")
    api.objects[SERVICE]["metadata"]["labels"] = {}
    result = run(api, "status")
    assert codes(result) == ["object-foreign"] and len(result["members"]) == 2
