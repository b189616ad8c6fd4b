# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A removal, and what goes later than it was asked to: pods that drain, load balancers that the cloud removes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_removal
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.verbs import LEASE, codes, living, run

SERVICE = "/api/v1/namespaces/praxis/services/agent-api"
NAMESPACE = "/api/v1/namespaces/praxis"


def lingers(api: FakeApi, monkeypatch: pytest.MonkeyPatch, until: float) -> list[float]:
    """A Service stays for so many seconds after it was removed; the time that has passed."""
    whole, now, kept = api.answer, [0.0], {}

    def answered(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) == ("DELETE", SERVICE) and path in api.objects:
            kept[path] = api.objects[path]
            return 200, {"kind": "Status"}
        return whole(method, path, query, body)

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if kept and now[0] >= until:
            api.objects.pop(SERVICE, None)

    api.answer = answered  # type: ignore[method-assign]
    monkeypatch.setattr(kubernetes_removal, "_POLL", Poll(interval=30.0, clock=lambda: now[0], sleep=sleep))
    return now


@pytest.mark.slow
def test_a_removal_ends_when_all_of_it_is_gone(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    run(api, "deployed")
    now = lingers(api, monkeypatch, 90)
    result = run(api, "absent")
    assert result["ok"] and result["changed"] and codes(result) == [] and now[0] >= 90
    assert living(api) == {NAMESPACE} and LEASE not in api.objects


@pytest.mark.slow
def test_what_stays_is_named_and_the_next_removal_goes_on(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    run(api, "deployed")
    now = lingers(api, monkeypatch, 1e9)
    result = run(api, "absent")
    (finding,) = result["findings"]
    assert (finding["code"], result["ok"]) == ("object-not-gone", False) and "Service/agent-api" in finding["what"]
    assert 300 < now[0] < 1000 and living(api) == {NAMESPACE, SERVICE}
    assert {each["object"] for each in run(api, "absent", check=True)["changes"]} == {"Service/agent-api"}


@pytest.mark.slow
def test_another_application_called_as_the_fleet_is_is_not_waited_for(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chart's release, say: its pods have the same instance, and stay."""
    run(api, "deployed")
    whole, labels = api._pods, {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "demo"}
    web = {"metadata": {"name": "web-0", "uid": "web-0", "labels": labels}, "spec": {}, "status": {"phase": "Running"}}
    monkeypatch.setattr(api, "_pods", lambda namespace: [*whole(namespace), web])
    now = lingers(api, monkeypatch, 30)
    assert codes(run(api, "absent")) == [] and now[0] < 100
