# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs, what is ours, what an older cluster takes, and what a plan's id covers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import difference
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import changes, resources
from tests.unit.kubernetes.made import IMAGE, agent, found, plan, variables

NEW = [version for resource in resources.RESOURCES.values() for version in resource.versions]
APPLIED = {"manager": "praxis.cloud", "operation": "Apply"}


def live(item: dict[str, Any], *managers: dict[str, Any]) -> dict[str, Any]:
    there = copy.deepcopy(item)
    there["metadata"].update(uid="1", resourceVersion="7", generation=2, managedFields=list(managers or (APPLIED,)))
    return {**there, "status": {"readyReplicas": 2}}


def test_what_the_server_writes_is_no_difference() -> None:
    item = found(agent(), "StatefulSet")
    assert changes.compare(item, live(item), {**live(item), "status": {}}) is None


def test_a_difference_is_one_and_a_new_object_too() -> None:
    item = found(agent(), "StatefulSet")
    after = copy.deepcopy(live(item))
    after["spec"]["minReadySeconds"] = 99
    change = changes.compare(item, live(item), after)
    assert change is not None and change.verb == changes.CHANGE and change.is_workload
    made = changes.compare(item, None, item)
    assert made is not None and made.verb == changes.CREATE


def test_an_object_that_somebody_applied_by_hand_becomes_ours() -> None:
    item = found(agent(), "Service", "agent")
    by_hand = live(item, {"manager": "kubectl", "operation": "Apply"})
    assert changes.compare(item, by_hand, by_hand) is not None


def test_an_object_of_somebody_else_is_not_touched() -> None:
    item = found(agent(), "Service", "agent")
    other = live(item)
    other["metadata"]["labels"] = {}
    finding = changes.foreign(item, other, "demo")
    assert finding is not None and finding.code == "object-foreign"
    assert changes.foreign(item, live(item), "demo") is None and changes.foreign(item, None, "demo") is None
    assert changes.foreign(item, live(item), "another") is not None


def test_what_nothing_names_goes_the_last_made_first_and_what_a_rollback_needs_stays() -> None:
    there: list[Any] = agent()
    wanted: list[Any] = []
    gone = [change.name for change in changes.unwanted(there, wanted, [])]
    assert gone[0] == "HorizontalPodAutoscaler/agent" and gone[-1] == "Namespace/praxis"
    kept = resources.name(found(there, "Service", "agent"))
    assert kept not in [change.name for change in changes.unwanted(there, wanted, [kept])]


def pods_written(there: int, change: bool = True, fields: Any = None) -> int | None:
    """Of a StatefulSet with so many pods, whose autoscaler has 2 to 5; None: no number is written."""
    made = agent(autoscaler={"min": 2, "max": 5})
    item = found(made, "StatefulSet")
    before = live({**item, "spec": {**item["spec"], "replicas": there}}, fields or APPLIED)
    limits = changes.limits(made)["agent"]
    after = changes.Change(item, before, copy.deepcopy(before)) if change else None
    got = changes.with_pods(after, item, before, *limits)
    assert (got is None) == (not change and there > 0)
    assert got is None or got.pods is None or got.after and got.after["spec"]["replicas"] == got.pods
    return got.pods if got else None


def test_a_number_of_pods_is_handed_over_to_an_autoscaler() -> None:
    ours = {**APPLIED, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    assert pods_written(3, fields=ours) == 3 and pods_written(3) is None
    item = found(agent(), "StatefulSet")
    new = changes.Change(item, None, item)
    assert changes.with_pods(new, item, None, 2, 5) == new, "the server gives a new one its own number"


def test_a_workload_that_somebody_scaled_to_zero_gets_the_fewest_pods() -> None:
    """Its autoscaler leaves it alone until it has any."""
    assert pods_written(0) == pods_written(0, change=False) == 2


def test_pods_above_the_autoscaler_s_limit_go_before_others_are_replaced() -> None:
    assert pods_written(9) == 5
    assert pods_written(9, change=False) is None, "the autoscaler takes them away by itself"


def test_an_autoscaler_that_allows_fewer_pods_comes_before_what_pods_are_made_of() -> None:
    def scaler(most: int) -> Any:
        return found(agent(autoscaler={"max": most}), "HorizontalPodAutoscaler")

    config = next(each for each in agent() if each["kind"] == "ConfigMap")
    gone = changes.Change(config, config, None)
    made = changes.Change(config, None, config)
    fewer, more = (changes.Change(scaler(most), scaler(7), scaler(most)) for most in (5, 9))
    assert changes.in_order([made, more, fewer, gone]) == [gone, fewer, made, more]


def test_a_new_cluster_takes_all_as_it_is() -> None:
    made, findings = resources.for_cluster(agent(), NEW, (1, 30))
    assert made == agent() and findings == []


def test_an_old_cluster_takes_what_it_knows() -> None:
    old = [version for version in NEW if version not in ("autoscaling/v2", "policy/v1")]
    made, findings = resources.for_cluster(agent(), old, (1, 20))
    assert found(made, "HorizontalPodAutoscaler")["apiVersion"] == "autoscaling/v2beta2"
    assert found(made, "PodDisruptionBudget")["apiVersion"] == "policy/v1beta1"
    assert "minReadySeconds" not in found(made, "StatefulSet")["spec"]
    assert {finding.level for finding in findings} == {WARNING} and len(findings) == 2
    assert "minReadySeconds" in found(agent(), "StatefulSet")["spec"]


def test_a_cluster_without_the_operator_says_so_once() -> None:
    _made, findings = resources.for_cluster(agent(), [v for v in NEW if "external" not in v], (1, 30))
    assert [(finding.code, finding.level) for finding in findings] == [("api-not-served", ERROR)]


def test_paths() -> None:
    made = agent()
    assert resources.path(found(made, "Namespace")) == "/api/v1/namespaces/praxis"
    assert resources.path(found(made, "StatefulSet")) == "/apis/apps/v1/namespaces/praxis/statefulsets/agent"


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("image", {"image": IMAGE.replace("5" * 64, "6" * 64)}),
        ("settings", {"agent_environment": {"A": "b"}}),
        ("members", {"kubernetes": {"autoscaler": {"max": 7}}}),
        ("secrets", {"agent_secrets": {"OPENAI_API_KEY": "gcp-sm://p/n?version=3"}}),
    ],
)
def test_a_plan_s_id_names_the_part_that_changed(part: str, values: dict[str, Any]) -> None:
    kubernetes = values.pop("kubernetes", None)
    before = changes.plan_id("demo", agent())
    assert before == changes.plan_id("demo", agent())
    after = changes.plan_id("demo", plan(agent=variables(kubernetes, **values)).objects())
    assert part in difference(before, after)
    if part in ("image", "members"):
        assert difference(before, after) == [part]


@pytest.mark.parametrize("part", ["secrets", "identities"])
def test_a_plan_s_id_names_a_secret_that_exists(part: str) -> None:
    one, two = (changes.plan_id("demo", agent(**{part: {"existing": name}})) for name in ("one", "two"))
    assert difference(one, two) == ["settings"]
