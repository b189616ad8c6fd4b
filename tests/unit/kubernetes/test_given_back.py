# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a run gives its Lease back as if nothing were open, and when the next one has to know of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import lease
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_api, kubernetes_secrets
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_watch import Watch
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.test_history import FIRST, SECOND, THIRD, past
from tests.unit.kubernetes.test_unfinished import leave
from tests.unit.kubernetes.verbs import BAD, LEASE, OTHER, PULL, STATEFUL, codes, image, of, run

pytestmark = pytest.mark.slow
#: What a webhook that is away answers.
REFUSED = (400, {"message": "admission webhook says no", "reason": "BadRequest"})
#: What the answer is to somebody whose connection ends before it.
LOST = (504, {"message": "the request timed out", "reason": "Timeout"})


def answer(api: FakeApi, path: str, code: tuple[int, Any], method: str = "PATCH", arrives: bool = False) -> None:
    """Answer so to writes of a path, or of one that begins with it, dry runs included."""
    before = api.answer

    def answered(verb: str, asked: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        named = asked if verb != "POST" else f"{asked}/{body['metadata']['name']}"
        if verb == method and named.startswith(path):
            if arrives:
                before(verb, asked, query, body)
            return code
        return before(verb, asked, query, body)

    api.answer = answered  # type: ignore[method-assign]


def test_a_run_that_is_interrupted_leaves_its_name_and_keeps_nobody_waiting(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> str:
        raise KeyboardInterrupt

    run(api, "deployed", kinds=of(FIRST))
    run(api, "deployed", kinds=of(SECOND))
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "all", stop)
        with pytest.raises(KeyboardInterrupt):
            run(api, "deployed", kinds=of(THIRD))
    assert image(api) == THIRD and lease.holder(api.objects[LEASE])
    assert "unfinished" in codes(run(api, "status", kinds=of(THIRD)))
    assert codes(run(api, "rolled_back")) == ["unfinished"]
    assert image(api) == SECOND, "the run that stopped is undone, and no good one"


@pytest.mark.parametrize("at", [(Watch, "all"), (kubernetes_secrets, "missing")])
@pytest.mark.parametrize("code", [503, 401])
def test_a_run_that_gets_no_answer_stops_and_nothing_is_rolled_back(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, at: tuple[Any, str], code: int
) -> None:
    """The API server, or who knows logins for it, was away for longer than anybody waits: the release may be good."""

    def away(*_: Any) -> None:
        raise kubernetes_api._refusal(code, "", {}, "cluster")

    run(api, "deployed", kinds=of(FIRST))
    with monkeypatch.context() as patched:
        patched.setattr(*at, away)
        with pytest.raises(errors.CloudError):
            run(api, "deployed", kinds=of(SECOND))
    assert image(api) == SECOND and [row["outcome"] for row in past(api)] == ["good"]
    assert codes(run(api, "deployed", kinds=of(SECOND))) == ["unfinished"]
    assert [row["outcome"] for row in past(api)] == ["good", "good"]


def test_a_run_that_may_write_nothing_does_not_hide_the_one_that_stopped(api: FakeApi) -> None:
    """It takes the Lease of the dead one, and the cluster refuses its plan."""
    run(api, "deployed", kinds=of(FIRST))
    run(api, "deployed", kinds=of(SECOND))
    leave(api)
    whole, count = api.answer, [0]

    def refuse(verb: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        count[0] += verb == "PATCH" and path == STATEFUL
        return REFUSED if verb == "PATCH" and path == STATEFUL and count[0] > 1 else whole(verb, path, query, body)

    api.answer = refuse  # type: ignore[method-assign]
    with pytest.raises(Failed):
        run(api, "deployed", kinds=of(THIRD))
    api.answer = whole  # type: ignore[method-assign]
    run(api, "rolled_back")
    assert image(api) == SECOND


def test_a_refused_plan_leaves_nothing_where_nobody_has_stopped(api: FakeApi) -> None:
    run(api, "deployed")
    answer(api, STATEFUL, REFUSED)
    with pytest.raises(Failed):
        run(api, "deployed", kinds=of(OTHER))
    assert lease.holder(api.objects[LEASE]) == ""


RECORD = "/api/v1/namespaces/praxis/configmaps/demo-deployment-"


@pytest.mark.parametrize("arrives", [True, False])
def test_a_record_whose_answer_is_lost_is_written_once(api: FakeApi, arrives: bool) -> None:
    run(api, "deployed")
    whole = api.answer

    def once(verb: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if verb == "POST" and path.endswith("/configmaps") and api.answer is once:
            api.answer = whole  # type: ignore[method-assign]
            if arrives:
                whole(verb, path, query, body)
            return LOST
        return whole(verb, path, query, body)

    api.answer = once  # type: ignore[method-assign]
    assert run(api, "deployed", kinds=of(OTHER))["ok"]
    assert [row["outcome"] for row in past(api)] == ["good", "good"] and lease.holder(api.objects[LEASE]) == ""


def test_a_record_that_a_quota_is_too_busy_for_is_written_after_it(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is a conflict as well, and the record is not there. Without it a rollback would go one too far."""
    monkeypatch.setattr(kubernetes_api, "_BESIDE", 0.01)
    run(api, "deployed")
    whole, contended = api.answer, [3]

    def busy(verb: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if verb == "POST" and path.endswith("/configmaps") and contended[0]:
            contended[0] -= 1
            return 409, {"message": "Operation cannot be fulfilled on resourcequotas: modified", "reason": "Conflict"}
        return whole(verb, path, query, body)

    api.answer = busy  # type: ignore[method-assign]
    assert run(api, "deployed", kinds=of(OTHER))["ok"] and contended == [0]
    assert [row["outcome"] for row in past(api)] == ["good", "good"]


def test_a_deployment_without_a_record_is_named_and_a_rollback_undoes_it_alone(api: FakeApi) -> None:
    run(api, "deployed", kinds=of(FIRST))
    run(api, "deployed", kinds=of(SECOND))
    whole = api.answer
    answer(api, RECORD, REFUSED, method="POST")
    with pytest.raises(Failed):
        run(api, "deployed", kinds=of(THIRD))
    api.answer = whole  # type: ignore[method-assign]
    assert codes(run(api, "rolled_back")) == ["unfinished"] and image(api) == SECOND


def test_a_removal_that_stops_half_way_is_named(api: FakeApi) -> None:
    run(api, "deployed")
    whole = api.answer
    answer(api, STATEFUL, REFUSED, method="DELETE")
    with pytest.raises(Failed):
        run(api, "absent")
    api.answer = whole  # type: ignore[method-assign]
    assert "unfinished" in codes(run(api, "status"))
    run(api, "absent")
    assert LEASE not in api.objects


def test_a_rollback_after_one_that_could_not_be_rolled_back_goes_to_the_last_good_one(api: FakeApi) -> None:
    run(api, "deployed", kinds=of(FIRST))
    run(api, "deployed", kinds=of(SECOND))
    api.bad_images.update({BAD: PULL, SECOND: PULL})
    result = run(api, "deployed", kinds=of(BAD))
    assert codes(result)[-1] == "not-rolled-back" and past(api)[0]["outcome"] == "bad"
    api.objects[STATEFUL]["spec"]["template"]["spec"]["containers"][0]["image"] = BAD
    del api.bad_images[SECOND]
    assert run(api, "rolled_back")["ok"] and image(api) == SECOND
    assert run(api, "rolled_back")["ok"] and image(api) == FIRST, "it is there already"


def test_a_rollback_that_is_told_where_to_go_asks_about_no_other_deployment(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster takes the last good one no more, so somebody names an older one."""
    run(api, "deployed", kinds=of(FIRST))
    run(api, "deployed", kinds=of(SECOND))
    api.bad_images.update({BAD: PULL, SECOND: PULL})
    run(api, "deployed", kinds=of(BAD))
    whole = api.answer

    def refuse(verb: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        return REFUSED if path == STATEFUL and body and SECOND in str(body) else whole(verb, path, query, body)

    monkeypatch.setattr(api, "answer", refuse)
    assert run(api, "rolled_back", to=past(api)[-1]["run"])["ok"] and image(api) == FIRST
