# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions and stages of secrets."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.sandbox.support import Aws

pytestmark = pytest.mark.sandbox


@pytest.fixture
def secret(aws: Aws) -> tuple[Any, str]:
    """A client of the account's owner and a secret with the values one, two (current)."""
    manager = aws("secretsmanager", user="administrator")
    name = f"praxis/test/{uuid.uuid4()}"
    manager.create_secret(Name=name, SecretString="one")
    manager.put_secret_value(SecretId=name, SecretString="two")
    return manager, name


def value(manager: Any, name: str, **which: str) -> str:
    return str(manager.get_secret_value(SecretId=name, **which)["SecretString"])


def versions(manager: Any, name: str) -> dict[str, str]:
    """Stage -> version id."""
    found = manager.describe_secret(SecretId=name)["VersionIdsToStages"]
    return {stage: version for version, stages in found.items() for stage in stages}


def test_a_new_value_is_current_and_the_old_one_previous(secret: tuple[Any, str]) -> None:
    manager, name = secret
    assert value(manager, name) == "two"
    assert value(manager, name, VersionStage="AWSPREVIOUS") == "one"
    assert value(manager, name, VersionId=versions(manager, name)["AWSPREVIOUS"]) == "one"


def test_a_get_without_stage_follows_the_stage_that_is_moved(secret: tuple[Any, str]) -> None:
    manager, name = secret
    stages = versions(manager, name)
    manager.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT",
                                        RemoveFromVersionId=stages["AWSCURRENT"], MoveToVersionId=stages["AWSPREVIOUS"])
    assert value(manager, name) == "one"
    assert manager.batch_get_secret_value(SecretIdList=[name])["SecretValues"][0]["SecretString"] == "one"
    assert value(manager, name, VersionStage="AWSPREVIOUS") == "two"


def test_a_label_of_ones_own_stays_where_it_was_put(secret: tuple[Any, str]) -> None:
    manager, name = secret
    current = versions(manager, name)["AWSCURRENT"]
    manager.update_secret_version_stage(SecretId=name, VersionStage="blue", MoveToVersionId=current)
    manager.put_secret_value(SecretId=name, SecretString="three")
    assert value(manager, name) == "three"
    assert value(manager, name, VersionStage="blue") == "two"
    assert versions(manager, name)["AWSPREVIOUS"] == current


def test_a_secret_without_the_value_asked_for_says_so_alone_and_in_a_batch(aws: Aws, secret: tuple[Any, str]) -> None:
    manager, name = secret
    bare = f"praxis/test/{uuid.uuid4()}"
    manager.create_secret(Name=bare)
    for which in ({"SecretId": bare}, {"SecretId": name, "VersionStage": "nobodys"}):
        with pytest.raises(manager.exceptions.ResourceNotFoundException, match="value for staging label: "):
            manager.get_secret_value(**which)
    answer = manager.batch_get_secret_value(SecretIdList=[bare, name, f"{bare}/none"])
    assert [held["SecretString"] for held in answer["SecretValues"]] == ["two"]
    first, second = answer["Errors"]
    assert (first["SecretId"], first["ErrorCode"]) == (bare, "ResourceNotFoundException")
    assert first["Message"].endswith("value for staging label: AWSCURRENT")
    assert second["Message"] == "Secrets Manager can't find the specified secret."


def test_the_agents_secret_is_there(aws: Aws) -> None:
    found = json.loads(value(aws("secretsmanager"), "praxis/praxis/agent"))
    assert set(found) == {"OPENAI_API_KEY", "PRAXIS_MASTER_KEY"}
    assert min(len(text) for text in found.values()) >= 40
