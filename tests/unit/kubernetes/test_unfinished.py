# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows a run that stopped before its end: its Lease, and what it had applied."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import lease
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_watch import Watch
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import IMAGE, leaf, variables
from tests.unit.kubernetes.verbs import BAD, LEASE, LEAVES, OTHER, PULL, STATEFUL, codes, image, living, of, run

POLICY = "/apis/networking.k8s.io/v1/namespaces/praxis/networkpolicies/agent"
PORT = 5001


def leave(api: FakeApi) -> None:
    """A run took the Lease, and is dead."""
    api.objects[LEASE]["spec"].update(holderIdentity="dead", renewTime="2001-01-01T00:00:00.000000Z")


@pytest.mark.slow
def test_a_lease_that_a_dead_run_left_is_given_back_where_nothing_differs(api: FakeApi) -> None:
    run(api, "deployed")
    leave(api)
    predicted = run(api, "deployed", check=True)
    assert api.written == []
    result = run(api, "deployed")
    assert codes(result) == ["unfinished"] and result["ok"] and result["changed"] is predicted["changed"] is False
    assert lease.holder(api.objects[LEASE]) == "" and {line.rpartition("/")[2] for line in api.written} == {
        "demo-deployment"}, "the Lease and nothing else"  # fmt: skip
    assert len(run(api, "history")["deployments"]) == 1
    assert codes(run(api, "deployed")) == []


@pytest.mark.slow
def test_a_rollback_of_a_dead_run_that_did_nothing_gives_its_lease_back_and_the_next_goes_back(api: FakeApi) -> None:
    run(api, "deployed")
    run(api, "deployed", kinds=of(OTHER))
    before = image(api)
    leave(api)
    result = run(api, "rolled_back")
    assert codes(result) == ["unfinished"] and result["ok"] and image(api) == before == OTHER
    assert lease.holder(api.objects[LEASE]) == ""
    result = run(api, "rolled_back")
    assert codes(result) == [] and result["ok"] and image(api) != OTHER


@pytest.mark.slow
@pytest.mark.parametrize("given_back", [False, True])
def test_a_rollback_takes_back_what_a_dead_run_had_applied_before(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, given_back: bool
) -> None:
    """The first run died at its canary, with other rules of the network; the second one goes on with it, and fails."""

    def die(*_: Any) -> list[Finding]:
        raise Failed(Finding("playbook-ended", "It was killed.", "playbook", "Run it again."))

    run(api, "deployed")
    rules = copy.deepcopy(api.objects[POLICY]["spec"])
    api.bad_images[BAD] = PULL
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "all", die)
        with pytest.raises(Failed):
            run(api, "deployed", canary=1, kinds=of(BAD, p2p_port=PORT))
    assert api.objects[POLICY]["spec"] != rules
    if not given_back:
        leave(api)
    result = run(api, "deployed", canary=1, kinds=of(BAD, p2p_port=PORT))
    assert codes(result)[-1] == "rolled-back"
    assert api.objects[POLICY]["spec"] == rules
    assert api.objects[STATEFUL]["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
    assert run(api, "deployed")["changes"] == [], "the fleet is as the good deployment left it"


@pytest.mark.slow
def test_a_rollback_removes_what_a_dead_run_had_added(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: Any) -> list[Finding]:
        raise Failed(Finding("playbook-ended", "It was killed.", "playbook", "Run it again."))

    run(api, "deployed")
    there = living(api)
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "all", die)
        with pytest.raises(Failed):
            run(api, "deployed", kinds={"agent": variables(), "leaf": leaf()})
    assert living(api) > there
    leave(api)
    api.bad_images[BAD] = PULL
    result = run(api, "deployed", kinds=of(BAD))
    assert codes(result)[-1] == "rolled-back" and "Deployment/leaf" in result["findings"][-1]["what"]
    assert living(api) == there


@pytest.mark.slow
def test_a_rollback_that_could_not_remove_all_is_continued_and_goes_no_further(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who rolls back again does not want what was rolled back."""
    two = {"agent": variables(image=OTHER), "leaf": leaf()}
    run(api, "deployed")
    run(api, "deployed", kinds=two)
    answer = api.answer

    def refuse(method: str, path: str, *rest: Any) -> Any:
        said = {"message": "admission webhook denied the request", "reason": "Forbidden"}
        return (403, said) if (method, path) == ("DELETE", LEAVES) else answer(method, path, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(api, "answer", refuse)
        assert codes(run(api, "rolled_back", kinds=two)) == ["object-refused"] and LEAVES in api.objects
    assert run(api, "rolled_back", kinds=two)["ok"]
    assert LEAVES not in api.objects and image(api) == IMAGE
    assert run(api, "rolled_back", kinds=two)["ok"] and image(api) == OTHER, "it was complete: the one before it"
