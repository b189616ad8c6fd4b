# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that the External Secrets Operator has not made: pods that run do not need them, and the next ones do."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.synced import unsynced
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_secrets
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import seeds, variables
from tests.unit.kubernetes.verbs import codes, run

IDENTITIES = "/apis/external-secrets.io/v1/namespaces/praxis/externalsecrets/agent-identities"
SCALER = "/apis/autoscaling/v2/namespaces/praxis/horizontalpodautoscalers/agent"
SAID = "could not get secret data from provider: AccessDeniedException"


def seen(generation: int, synced: str = "", ready: str = "") -> dict[str, Any]:
    """An ExternalSecret as the operator leaves it."""
    conditions = [{"type": "Ready", "status": ready, "message": SAID if ready == "False" else "secret synced"}]
    status = {"conditions": conditions if ready else [], **({"syncedResourceVersion": synced} if synced else {})}
    return {"metadata": {"name": "agent-identities", "generation": generation}, "status": status}


@pytest.mark.parametrize(
    ("item", "level"),
    [
        (seen(3, "3-abc", "True"), ""),
        (seen(3, "3-abc", "False"), "warning"),
        (seen(3, "2-abc", "False"), "error"),
        (seen(3, "2-abc", "True"), "error"),
        (seen(1, "", "False"), "error"),
        ({"metadata": {"name": "agent-identities", "generation": 1}}, ""),
    ],
)
def test_a_secret_is_made_when_the_operator_has_synced_what_it_is_now(item: dict[str, Any], level: str) -> None:
    found = unsynced(item)
    assert (found.level if found else "") == level
    assert found is None or all(found.as_dict().values()) and found.code == "secret-not-synced"
    assert found is None or "False" not in str(item) or "AccessDenied" in found.what


def operator(api: FakeApi, lets: int) -> None:
    """It makes Secrets of so many keys at most: the store lets nobody to more."""
    whole = api.answer

    def answered(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        code, answer = whole(method, path, query, body)
        there = api.objects.get(path)
        if method == "PATCH" and "/externalsecrets/" in path and "dryRun" not in query and there:
            before, may = (there.get("status") or {}), len(there["spec"]["data"]) <= lets
            generation = there["metadata"]["generation"]
            synced = f"{generation}-abc" if may else before.get("syncedResourceVersion", "")
            there["status"] = seen(generation, synced, "True" if may else "False")["status"]
        return code, answer

    api.answer = answered  # type: ignore[method-assign]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits take no time."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(kubernetes_secrets, "_POLL", Poll(interval=2.0, clock=lambda: now[0], sleep=sleep))


def most(pods: int) -> dict[str, Any]:
    return {"agent": variables({"autoscaler": {"max": pods}, "seeds": seeds(12)})}


@pytest.mark.slow
@pytest.mark.usefixtures("soon")
def test_a_higher_limit_whose_identities_cannot_be_fetched_is_no_good_deployment(api: FakeApi) -> None:
    """All pods that run are ready. None of those that the load would ask for could ever start."""
    operator(api, lets=10)
    assert run(api, "deployed", kinds=most(10))["ok"]
    result = run(api, "deployed", kinds=most(12))
    assert codes(result) == ["secret-not-synced", "rolled-back"] and not result["ok"]
    assert api.objects[SCALER]["spec"]["maxReplicas"] == 10 and len(api.objects[IDENTITIES]["spec"]["data"]) == 10


@pytest.mark.slow
@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("state", ["status", "verified", "deployed"])
def test_a_verdict_names_what_the_operator_could_not_fetch(api: FakeApi, state: str) -> None:
    operator(api, lets=10)
    run(api, "deployed", kinds=most(10))
    assert codes(run(api, "deployed", kinds=most(10))) == []
    there = api.objects[IDENTITIES]
    there["status"] = seen(there["metadata"]["generation"], "0-abc", "False")["status"]
    result = run(api, state, kinds=most(10))
    assert "secret-not-synced" in codes(result) and not result["ok"]
