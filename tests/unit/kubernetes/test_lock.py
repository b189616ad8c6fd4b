# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a fleet in a cluster, when the API server's answers about its Lease are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import lease
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_lock
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.verbs import LEASE, OTHER, STATEFUL, codes, image, of, run

Wanted = Callable[[str, Any], bool]
pytestmark = pytest.mark.slow
LOST = (504, {"message": "the request timed out", "reason": "Timeout"})


@pytest.fixture(autouse=True)
def without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_lock, "_PAUSE", 0.01)


def lose(api: FakeApi, wanted: Wanted, arrives: bool, times: int = 1, also: Callable[[], object] = bool) -> None:
    """Lose the answers to writes of the Lease.

    :param wanted: which of them, by method and body.
    :param arrives: whether what was asked for is done all the same.
    :param times: how many answers.
    :param also: what happens at the same moment.
    """
    answer, left = api.answer, [times]

    def answered(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method in ("PUT", "POST") and "/leases" in path and left[0] and wanted(method, body):
            left[0] -= 1
            if arrives:
                answer(method, path, query, body)
            also()
            return LOST
        return answer(method, path, query, body)

    api.answer = answered  # type: ignore[method-assign]


def renewal(api: FakeApi) -> Wanted:
    """A renewal after pods have begun to be replaced."""
    return lambda _method, body: bool(body["spec"]["holderIdentity"]) and f"PATCH {STATEFUL}" in api.written


def given_back(_method: str, body: Any) -> bool:
    return not body["spec"]["holderIdentity"]


def outcomes(api: FakeApi) -> list[str]:
    return [past["outcome"] for past in run(api, "history")["deployments"]]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_renewal_without_an_answer_is_made_again(api: FakeApi, arrives: bool) -> None:
    run(api, "deployed")
    lose(api, renewal(api), arrives)
    result = run(api, "deployed", kinds=of(OTHER), lease=0)
    assert result["ok"] and codes(result) == [] and image(api) == OTHER
    assert lease.holder(api.objects[LEASE]) == "" and outcomes(api) == ["good", "good"]


def test_a_renewal_without_an_answer_does_not_hide_that_another_run_has_the_lease(api: FakeApi) -> None:
    run(api, "deployed")

    def taken() -> None:
        api.objects[LEASE]["spec"]["holderIdentity"] = "another"
        api.objects[LEASE]["metadata"]["resourceVersion"] = "of another"

    lose(api, renewal(api), arrives=False, also=taken)
    with pytest.raises(Failed) as raised:
        run(api, "deployed", kinds=of(OTHER), lease=0)
    assert [each.code for each in raised.value.findings] == ["lease-over"]
    assert lease.holder(api.objects[LEASE]) == "another"


def test_renewals_without_an_answer_end_with_the_lease(api: FakeApi) -> None:
    run(api, "deployed")
    lose(api, renewal(api), arrives=False, times=1000)
    with pytest.raises(Failed) as raised:
        run(api, "deployed", kinds=of(OTHER), lease=0)
    assert [each.code for each in raised.value.findings] == ["cluster-unreachable"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_lease_that_was_taken_without_an_answer_is_held(api: FakeApi, method: str) -> None:
    if method == "PUT":
        run(api, "deployed")
    lose(api, lambda found, body: found == method and bool(body["spec"]["holderIdentity"]), arrives=True)
    result = run(api, "deployed", kinds=of(OTHER))
    assert result["ok"] and image(api) == OTHER and lease.holder(api.objects[LEASE]) == ""


def test_a_lease_that_was_not_taken_is_not_held(api: FakeApi) -> None:
    run(api, "deployed")
    lose(api, lambda _method, body: bool(body["spec"]["holderIdentity"]), arrives=False)
    with pytest.raises(Failed) as raised:
        run(api, "deployed", kinds=of(OTHER))
    assert [each.code for each in raised.value.findings] == ["cluster-unreachable"] and api.written == []


@pytest.mark.parametrize("arrives", [True, False])
def test_a_lease_that_was_given_back_without_an_answer_is_nobody_s(api: FakeApi, arrives: bool) -> None:
    lose(api, given_back, arrives)
    assert run(api, "deployed")["ok"] and lease.holder(api.objects[LEASE]) == ""
