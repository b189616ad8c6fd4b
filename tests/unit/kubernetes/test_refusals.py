# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster refuses, and what a run says of it, before anything is written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.action.fleet_kubernetes import ActionModule
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_checks import one_cluster
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import leaf, seeds, variables
from tests.unit.kubernetes.verbs import OTHER, STATEFUL, of, run

LISTED = 'pods is forbidden: User "me" cannot list resource "pods" in API group "" in the namespace "praxis"'


def answers(api: FakeApi, path: str, code: int, message: str) -> None:
    whole = api.answer

    def answered(method: str, asked: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if asked == path:
            return code, {"message": message, "reason": "Forbidden" if code == 403 else ""}
        return whole(method, asked, query, body)

    api.answer = answered  # type: ignore[method-assign]


def refused(api: FakeApi, state: str = "deployed") -> tuple[str, str]:
    """The code and the fix of the one finding; nothing was written."""
    with pytest.raises(Failed) as raised:
        run(api, state, kinds=of(OTHER))
    (finding,) = raised.value.findings
    assert api.written == []
    return finding.code, finding.fix


@pytest.mark.slow
@pytest.mark.parametrize(
    ("message", "code", "word"),
    [
        ('statefulsets.apps "agent" is forbidden: User "me" cannot patch resource', "cluster-denied", "right"),
        ('statefulsets.apps "agent" is forbidden: User "system:anonymous" cannot get', "cluster-denied", "log in"),
        ('statefulsets.apps "agent" is forbidden: exceeded quota: small', "object-refused", "setting"),
        ('admission webhook "policy.example" denied the request: no limits', "object-refused", "setting"),
    ],
)
def test_a_403_is_a_right_that_lacks_or_what_the_admission_does_not_take(
    api: FakeApi, message: str, code: str, word: str
) -> None:
    run(api, "deployed")
    answers(api, STATEFUL, 403, message)
    found, fix = refused(api)
    assert found == code and word in fix


def test_a_login_that_has_run_out_is_no_right_that_lacks(api: FakeApi) -> None:
    answers(api, "/version", 401, "Unauthorized")
    assert "log in" in refused(api)[1]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pods", "events"])
def test_what_a_verdict_is_made_of_is_seen_before_anything_is_written(api: FakeApi, what: str) -> None:
    run(api, "deployed")
    answers(api, f"/api/v1/namespaces/praxis/{what}", 403, LISTED.replace("pods", what))
    assert refused(api)[0] == "cluster-denied"


@pytest.mark.parametrize("state", ["plan", "deployed"])
def test_a_namespace_that_is_being_removed_is_one_finding(api: FakeApi, state: str) -> None:
    run(api, "deployed")
    api.objects["/api/v1/namespaces/praxis"]["status"] = {"phase": "Terminating"}
    assert refused(api, state)[0] == "namespace-ending"


@pytest.mark.slow
def test_a_kind_does_not_become_a_leaf_beside_its_own_members(api: FakeApi) -> None:
    """Their pods have the same labels: neither workload would ever be whole."""
    kinds = {"agent": variables(), "other": variables({"seeds": seeds(10, 20)}, slot="other")}
    run(api, "deployed", kinds=kinds)
    with pytest.raises(Failed) as raised:
        run(api, "deployed", kinds={**kinds, "agent": leaf()})
    (finding,) = raised.value.findings
    assert (finding.code, finding.where) == ("role-fixed", "agent") and api.written == []


def test_kinds_of_several_clusters_are_refused() -> None:
    one: dict[str, Any] = {"praxis_kube_context": "one", "praxis_cluster": {}}
    assert one_cluster({"agent": one, "leaf": {"praxis_kube_context": "one"}}) == []
    for other in ({}, {"praxis_kube_context": "two"}, {**one, "praxis_cluster": {"eks": "two"}}):
        (finding,) = one_cluster({"agent": one, "leaf": other})
        assert finding.code == "several-clusters" and all(finding.as_dict().values())


def test_the_action_looks_at_the_kinds_and_not_at_machines_beside_them() -> None:
    hostvars = {"agent": {"praxis_kube_context": "one"}, "leaf": {"praxis_kube_context": "two"}, "vm-1": {}}
    action: Any = SimpleNamespace(target="kubernetes")
    for kinds, found in ((["agent", "leaf"], ["several-clusters"]), (["agent"], [])):
        task_vars = {"hostvars": hostvars, "groups": {"praxis": ["vm-1"], "praxis_kubernetes": kinds}}
        assert [each.code for each in ActionModule.faults(action, task_vars)] == found
