# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_services`` in a plan: whose images and secrets they become, and what each host gets of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.plan.made import REPOSITORY, Account, fleet, planner, reported

TOKEN = "planted-token-of-a-service-77c1"
FILES: dict[str, Any] = {
    "name": "files",
    "image": f"{REPOSITORY}:files",
    "command": ["python3", "-m", "http.server", "3002"],
    "secrets": {"TOKEN": "aws-sm://files#token"},
}


@pytest.fixture
def account(account: Account) -> Account:
    account.secret("files", json.dumps({"token": TOKEN}))
    account.push("files", "files")
    return account


def test_image_by_digest_secret_by_version_and_the_value_for_its_host_alone(account: Account) -> None:
    made = planner(fleet(2, {2: {"services": [FILES]}}))
    found = made.plan()
    (service,) = found.releases["m2"].services
    assert found.releases["m1"].services == ()
    assert service.image.startswith(f"{REPOSITORY}@sha256:")
    assert service.image != found.releases["m2"].image
    assert len(service.secrets["TOKEN"]) > 4
    (given,) = made.host_secrets()["m2"]["services"]
    assert (given["name"], given["secrets"]) == ("files", {"TOKEN": TOKEN})
    assert given["registry"]["password"]
    assert "services" not in made.host_secrets()["m1"]
    shown = repr([found, found.to_plain(), found.describe(), *map(found.host_slice, found.members)])
    assert TOKEN not in shown


@pytest.mark.parametrize("variable", [{"X_TOKEN": "hunter2-xx"}, {"DATABASE": "postgres://me:hunter2-xx@db/x"}])
def test_a_login_among_its_plain_variables_is_told_of_and_not_shown(
    account: Account, variable: dict[str, str]
) -> None:
    made = planner(fleet(1, services=[{**FILES, "environment": {"ROOT": "/x", **variable}}]))
    made.plan()
    (told,) = [each for each in made.warnings if each.code == "secret-in-environment"]
    assert told.where.startswith("praxis_services[files].environment.%s" % next(iter(variable)))
    assert "hunter2" not in str(told)


def test_a_secret_of_a_service_rides_in_the_same_batch(account: Account) -> None:
    planner(fleet(3, services=[FILES])).plan()
    assert account.cloud.operations.count("BatchGetSecretValue") == 1


def test_a_new_version_of_its_secret_is_a_new_release_with_the_same_agent(account: Account) -> None:
    before = planner(fleet(1, services=[FILES])).plan().releases["m1"]
    account.change("files", json.dumps({"token": TOKEN + "-new"}))
    after = planner(fleet(1, services=[FILES])).plan().releases["m1"]
    assert before.id != after.id
    assert before.agent_part == after.agent_part


def test_another_key_of_its_secret_is_a_new_release_with_the_same_agent(account: Account) -> None:
    account.change("files", json.dumps({"token": TOKEN, "other": TOKEN + "-other"}))
    before = planner(fleet(1, services=[FILES])).plan().releases["m1"]
    other = {**FILES, "secrets": {"TOKEN": "aws-sm://files#other"}}
    after = planner(fleet(1, services=[other])).plan().releases["m1"]
    assert before.id != after.id
    assert before.agent_part == after.agent_part


def test_a_value_in_place_of_a_reference_has_a_keyed_digest_for_a_version(account: Account) -> None:
    made = planner(fleet(1, services=[{**FILES, "secrets": {"TOKEN": TOKEN}}]))
    assert made.plan().releases["m1"].services[0].secrets["TOKEN"].startswith("keyed-")
    assert made.host_secrets()["m1"]["services"][0]["secrets"] == {"TOKEN": TOKEN}


@pytest.mark.parametrize(
    ("changed", "code", "where"),
    [
        ({"image": f"{REPOSITORY}:nothing"}, "image-tag-not-found", "nothing"),
        ({"image": "registry.example.com/Files:1"}, "image-malformed", "Files"),
        ({"secrets": {"TOKEN": "aws-sm://files#tokne"}}, "secret-key-not-found", "[files].secrets.TOKEN"),
        ({"secrets": {"TOKEN": "abc"}}, "short-secret", "praxis_services[files].secrets.TOKEN"),
        ({"secrets": {"TOKEN": "aws-sm:/files"}}, "", "praxis_services[files].secrets.TOKEN"),
        ({"privileged": True}, "service-unsafe", "praxis_services[files]"),
    ],
)
def test_what_is_wrong_stops_the_plan_and_names_the_service(
    account: Account, changed: dict[str, Any], code: str, where: str
) -> None:
    with pytest.raises(Failed) as error:
        planner(fleet(2, services=[{**FILES, **changed}])).plan()
    codes = reported(error.value)
    assert len(codes) == 1
    assert code in ("", codes[0])
    assert where in str(error.value)


def test_an_entry_of_praxis_registries_is_used_for_a_service_alone(account: Account) -> None:
    entry = {"server": "registry.example.com", "username": "robot", "password": "planted-password-of-a-registry"}
    image = "registry.example.com/files@sha256:" + "0" * 64
    made = planner(fleet(1, services=[{**FILES, "image": image}], registries=[entry]))
    assert made.plan().releases["m1"].services[0].image == image
    assert made.warnings == []
    given = made.host_secrets()["m1"]
    assert given["services"][0]["registry"]["username"] == "robot"
    assert given["registry"]["username"] == "AWS"


def test_the_agent_may_keep_what_it_shares_in_a_volume_of_a_service(account: Account) -> None:
    shared = {"agent_environment": {"PRAXIS_SHARED_PATH": "/app/shared"}}
    with pytest.raises(Failed) as error:
        planner(fleet(1, services=[FILES], **shared)).plan()
    assert reported(error.value) == ["shared-path-unwritable"]
    volume = {"name": "shared", "target": "/shared", "agent": "/app/shared"}
    made = planner(fleet(1, services=[{**FILES, "volumes": [volume]}], **shared)).plan()
    assert made.releases["m1"].environment["PRAXIS_SHARED_PATH"] == "/app/shared"
