# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rendering asks of a cloud when something is left open, and what it never asks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, kubernetes_kinds
from tests.unit.kubernetes.made import found
from tests.unit.plan.made import IMAGE, OPENAI, REPOSITORY, Account, reported, seed
from tests.unit.plan.made import variables as of_machine

STORES = {"stores": {"aws-sm": "praxis"}}


def kind(most: int = 3, **values: Any) -> dict[str, Any]:
    """A kind of agents whose image has a tag, whose secret has no version, and whose seeds are in the store."""
    described = {"autoscaler": {"max": most}, "secrets": STORES, "identities": STORES}
    known = {"target": "kubernetes", "slot": "aws", "private_ip": None, "kubernetes": described}
    return of_machine(1, **{**known, **values})


def plan(**kinds: dict[str, Any]) -> kubernetes_kinds.Fleet:
    return kubernetes_kinds.plan(fleet_variables.members(kinds, list(kinds)))


@pytest.fixture
def seeded(empty: Account) -> Account:
    """The seeds of ordinals 0 to 2."""
    empty.seeds((0, 1, 2))
    return empty


def test_what_is_open_is_resolved_once_and_pinned(seeded: Account) -> None:
    fleet = plan(agent=kind())
    made = fleet.objects()
    assert [pod.peer_id for pod in fleet.pods] == [peer_id(seed(index)) for index in range(3)]
    image = found(made, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.startswith(REPOSITORY + "@sha256:") and IMAGE not in image
    for each in (each for each in made if each["kind"] == "ExternalSecret"):
        for item in each["spec"]["data"]:
            assert item["remoteRef"]["version"].startswith("uuid/"), item
    keys = found(made, "ExternalSecret", "agent-identities")["spec"]["data"]
    assert [(item["secretKey"], item["remoteRef"]["key"]) for item in keys] == [
        (f"agent-{index}", f"praxis/demo/identity/aws-{index}") for index in range(3)
    ]
    assert OPENAI not in repr(made)


def test_only_reads_are_sent(seeded: Account) -> None:
    plan(agent=kind())
    sent = [str(operation) for operation in seeded.cloud.operations]
    assert sent and all(re.search("Describe|Get|List", operation) for operation in sent), sent


def test_a_new_version_is_a_new_secret_and_a_new_release(seeded: Account) -> None:
    before = plan(agent=kind())
    seeded.change("llm", '{"openai": "another"}')
    after = plan(agent=kind())
    assert before.kinds[0].secrets.name != after.kinds[0].secrets.name
    assert before.kinds[0].id != after.kinds[0].id


def test_seeds_that_are_missing_are_named_together_and_none_is_made(seeded: Account) -> None:
    with pytest.raises(Failed) as raised:
        plan(agent=kind(most=5))
    assert reported(raised.value) == ["no-identity"]
    assert "2 of 5 slots have no seed: aws-3, aws-4." in str(raised.value)
    assert not [operation for operation in map(str, seeded.cloud.operations) if "Create" in operation]


def test_a_secret_that_is_not_there_is_reported(seeded: Account) -> None:
    with pytest.raises(Failed) as raised:
        plan(agent=kind(agent_secrets={"OPENAI_API_KEY": "aws-sm://nowhere#key"}))
    assert reported(raised.value) == ["secret-not-found"]
