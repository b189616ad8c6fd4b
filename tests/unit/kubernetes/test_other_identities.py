# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that serve keep the peer ids that their probes ask for, whatever a plan says."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import IMAGE, seeds, variables
from tests.unit.kubernetes.verbs import BAD, PULL, STATEFUL, run

PEERS = "/api/v1/namespaces/praxis/configmaps/agent-peers"


def of(given: list[str], image: str = IMAGE, **kubernetes: Any) -> dict[str, Any]:
    return {"agent": variables({"seeds": given, **kubernetes}, image=image)}


def refusal(api: FakeApi, state: str, **args: Any) -> Any:
    """The one finding with which a verb ends before it writes."""
    with pytest.raises(Failed) as raised:
        run(api, state, **args)
    (finding,) = raised.value.findings
    assert all(finding.as_dict().values()) and not [line for line in api.written if "/leases/" not in line]
    return finding


@pytest.mark.slow
@pytest.mark.parametrize("state", ["plan", "deployed"])
def test_new_seeds_of_pods_that_serve_are_refused(api: FakeApi, state: str) -> None:
    run(api, "deployed")
    finding = refusal(api, state, kinds=of(seeds(10, 50)))
    assert (finding.code, finding.where) == ("other-identities", "agent")
    assert "agent-0, agent-1" in finding.what and "agent-2" not in finding.what, "those that run"


@pytest.mark.slow
def test_one_new_seed_names_its_pod_alone(api: FakeApi) -> None:
    run(api, "deployed")
    finding = refusal(api, "deployed", kinds=of([*seeds(1), *seeds(9, 50)]))
    assert "agent-1" in finding.what and "agent-0" not in finding.what


@pytest.mark.slow
def test_places_that_nobody_has_yet_get_what_identities_they_like(api: FakeApi) -> None:
    run(api, "deployed", kinds=of(seeds(4), autoscaler={"max": 4}))
    before = api.objects[STATEFUL]["metadata"]["generation"]
    result = run(api, "deployed", kinds=of([*seeds(2), *seeds(8, 50)]))
    assert result["ok"] and result["changed"]
    assert api.objects[STATEFUL]["metadata"]["generation"] == before, "more places restart nobody"


@pytest.mark.slow
def test_ids_with_which_no_pod_serves_can_be_corrected(api: FakeApi) -> None:
    api.bad_images[IMAGE] = PULL
    run(api, "deployed", kinds=of(seeds(10, 50)))
    api.bad_images.clear()
    api.bad_images[BAD] = PULL
    api.objects[STATEFUL]["spec"]["template"]["spec"]["containers"][0]["image"] = BAD
    assert run(api, "deployed")["ok"]


@pytest.mark.slow
def test_a_rollback_to_other_ids_is_refused(api: FakeApi) -> None:
    """A fleet of a version that took new seeds has such a record. The pods run with today's."""
    run(api, "deployed", kinds=of(seeds(10, 50)))
    for name in [f"agent-{ordinal}.id" for ordinal in range(10)]:
        api.objects[PEERS]["data"][name] = "another\n"
    assert refusal(api, "rolled_back", to="newest").code == "other-identities"
