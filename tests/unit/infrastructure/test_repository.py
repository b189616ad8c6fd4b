# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of ECR for a fleet's images: made, kept, and never one of somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_repository_kind import REPOSITORIES, repository
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import parse_image
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_publication import Registries
from tests.unit.conftest import Cloud

from .account import Account

NAME = "team/praxis-agent"


def engine(account: Account) -> Engine[Any]:
    return Engine(account.client(), [repository(NAME, 20)], REPOSITORIES, [*REPOSITORIES], "here", poll=account.poll())


@pytest.mark.slow
def test_it_is_made_once_and_as_it_should_be(cloud: Cloud) -> None:
    account = Account(cloud)
    first = engine(account)
    first.apply(first.observe())
    assert engine(account).observe() == []
    (found,) = cloud.client("ecr").describe_repositories(repositoryNames=[NAME])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE" and found["imageScanningConfiguration"] == {"scanOnPush": True}


def mutable(ecr: Any) -> None:
    ecr.put_image_tag_mutability(repositoryName=NAME, imageTagMutability="MUTABLE")


def unscanned(ecr: Any) -> None:
    ecr.put_image_scanning_configuration(repositoryName=NAME, imageScanningConfiguration={"scanOnPush": False})


def unlimited(ecr: Any) -> None:
    ecr.delete_lifecycle_policy(repositoryName=NAME)


def other_policy(ecr: Any) -> None:
    text = """{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan",
    "countNumber": 20}, "action": {"type": "expire"}}]}"""
    ecr.put_lifecycle_policy(repositoryName=NAME, lifecyclePolicyText=text)


@pytest.mark.parametrize(
    ("edit", "field"),
    [(mutable, "tags_move"), (unscanned, "scanned"), (unlimited, "kept"), (other_policy, "kept")],
)
def test_what_is_edited_by_hand_is_named_and_set_again(cloud: Cloud, edit: Any, field: str) -> None:
    account = Account(cloud)
    first = engine(account)
    first.apply(first.observe())
    edit(cloud.client("ecr"))
    again = engine(account)
    (change,) = again.observe()
    assert [each.name for each in change.fields] == [field]
    again.apply([change])
    assert engine(account).observe() == []


def test_one_of_somebody_else_s_is_used_as_it_is(cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName=NAME, tags=[{"Key": "Name", "Value": NAME}])
    registries = Registries(Account(cloud).client(), None, {})  # type: ignore[arg-type]
    image = parse_image(f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{NAME}:1")
    assert registries.repository(image, 20) is None
