# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments beside an autoscaler that does not bring about the number of pods that they need."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import variables
from tests.unit.kubernetes.verbs import BAD, OTHER, PULL, STATEFUL, codes, image, run

SCALER = "/apis/autoscaling/v2/namespaces/praxis/horizontalpodautoscalers/agent"
PEERS = "/api/v1/namespaces/praxis/configmaps/agent-peers"


def limited(most: int, image_: str = OTHER) -> dict[str, Any]:
    return {"agent": variables({"autoscaler": {"max": most}}, image=image_)}


def scaled(api: FakeApi, pods: int) -> None:
    """The load, or somebody, has asked for so many pods."""
    api.objects[STATEFUL]["spec"]["replicas"] = api.scaled["agent"] = pods


def numbers(api: FakeApi) -> list[tuple[int, int]]:
    """The number of pods and the partition of each StatefulSet that was written, in order."""
    specs = [item["spec"] for path, item in api.history if path == STATEFUL]
    return [(spec["replicas"], spec["updateStrategy"]["rollingUpdate"]["partition"]) for spec in specs]


@pytest.mark.slow
def test_pods_above_a_lower_limit_go_before_one_of_them_is_taken_for_the_canary(api: FakeApi) -> None:
    """Their lists and keys go with the limit, so that none of them could start with the release."""
    run(api, "deployed", canary=1)
    scaled(api, 9)
    result = run(api, "deployed", canary=1, kinds=limited(5))
    assert result["ok"] and image(api) == OTHER
    assert numbers(api)[1:] == [(5, 0), (5, 4), (5, 0)], "the number, the canary, the others"
    order = [line for line in api.written if line in (f"PATCH {SCALER}", f"PATCH {PEERS}", f"PATCH {STATEFUL}")]
    assert order == [f"PATCH {SCALER}", f"PATCH {PEERS}", *[f"PATCH {STATEFUL}"] * 3]
    assert run(api, "deployed", canary=1, kinds=limited(5))["changed"] is False


@pytest.mark.slow
def test_a_rollback_to_a_lower_limit_takes_the_pods_above_it_away_first(api: FakeApi) -> None:
    run(api, "deployed", kinds=limited(3))
    run(api, "deployed", kinds=limited(9))
    scaled(api, 9)
    run(api, "rolled_back")
    order = [line for line in api.written if line in (f"PATCH {SCALER}", f"PATCH {PEERS}")]
    assert order == [f"PATCH {SCALER}", f"PATCH {PEERS}"]


@pytest.mark.slow
def test_a_higher_limit_waits_for_the_canary(api: FakeApi) -> None:
    run(api, "deployed", canary=1)
    api.bad_images[BAD] = PULL
    result = run(api, "deployed", canary=1, kinds={"agent": variables({"autoscaler": {"min": 3}}, image=BAD)})
    assert codes(result)[-1] == "rolled-back" and f"PATCH {SCALER}" not in api.written


@pytest.mark.slow
@pytest.mark.parametrize("same", [True, False])
def test_what_somebody_scaled_to_zero_runs_again_after_a_deployment(api: FakeApi, same: bool) -> None:
    """The autoscaler leaves a workload of no pods alone."""
    run(api, "deployed", canary=1)
    scaled(api, 0)
    kinds = limited(10, OTHER) if not same else None
    status = run(api, "status", kinds=kinds)
    assert not status["ok"] and "not-as-planned" in codes(status)
    api.history.clear()
    result = run(api, "deployed", canary=1, kinds=kinds)
    rolling = [item["spec"]["updateStrategy"]["rollingUpdate"] for path, item in api.history if path == STATEFUL]
    assert not any(each["partition"] for each in rolling), "below it pods of the old release would be made"
    assert result["ok"] and api.objects[STATEFUL]["spec"]["replicas"] == 2 and len(result["members"]) == 2
    assert run(api, "deployed", canary=1, kinds=kinds)["changed"] is False
