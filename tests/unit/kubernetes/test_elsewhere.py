# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet whose namespace was changed: what runs where it was before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import leaf, variables
from tests.unit.kubernetes.verbs import codes, run

WHOLE = ("/apis/apps/v1/statefulsets", "/apis/apps/v1/deployments")
DENIED = (403, {"message": 'statefulsets.apps is forbidden: User "me" cannot list resource', "reason": "Forbidden"})


def looks(api: FakeApi, may: bool) -> None:
    """Whether the account may list the workloads of the whole cluster."""
    whole = api.answer

    def answered(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method != "GET" or path not in WHOLE:
            return whole(method, path, query, body)
        items = [item for named, item in api.objects.items() if named.split("/")[-2] == path.rpartition("/")[2]]
        found = {"kind": f"{path.rpartition('/')[2]}List", "apiVersion": "apps/v1", "metadata": {}, "items": items}
        return (200, found) if may else DENIED

    api.answer = answered  # type: ignore[method-assign]


def moved() -> dict[str, Any]:
    return {"agent": variables({"namespace": "elsewhere"})}


@pytest.mark.slow
@pytest.mark.parametrize("state", ["plan", "deployed", "status", "verified", "absent"])
def test_what_runs_where_the_fleet_was_is_named(api: FakeApi, state: str) -> None:
    looks(api, may=True)
    run(api, "deployed", kinds={"agent": variables(), "leaf": leaf()})
    there = dict(api.objects)
    result = run(api, state, kinds=moved())
    (found,) = [each for each in result["findings"] if each["code"] == "left-in-namespace"]
    assert (found["level"], found["where"]) == ("warning", "namespace praxis")
    assert "StatefulSet/agent, Deployment/leaf" in found["what"] and "namespace: praxis" in found["fix"]
    assert {path: api.objects[path] for path in there} == there, "nothing of it is touched"


@pytest.mark.slow
def test_a_fleet_that_is_in_one_namespace_names_none(api: FakeApi) -> None:
    looks(api, may=True)
    assert codes(run(api, "deployed")) == codes(run(api, "status")) == []


@pytest.mark.slow
def test_an_account_that_may_not_look_goes_on_without(api: FakeApi) -> None:
    looks(api, may=False)
    run(api, "deployed")
    assert codes(run(api, "deployed", kinds=moved())) == []
