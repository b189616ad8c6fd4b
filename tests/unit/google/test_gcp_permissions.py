# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permissions the credentials lack in a project: the sandbox's Resource Manager answers for what it enforces."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_permissions import on_project
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_roles import Project, roles
from ansible_collections.praxis.cloud.plugins.modules import gcp_permissions_info
from sandbox.gcp.refused import Refused

from .conftest import PROJECT, Google

ROLES = roles(Project("alpha", PROJECT, [(PROJECT, "praxis_alpha_agent")]))
OPTIONS = {name: spec.get("default") for name, spec in gcp_permissions_info.ARGUMENTS.items()} | {"roles": ROLES}
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(google: Google, monkeypatch: pytest.MonkeyPatch) -> Ask:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return lambda **options: gcp_permissions_info.run({**OPTIONS, **options})


def hold(google: Google, *permissions: str) -> None:
    """From now on, the account has these on the project and nothing else."""
    google.front.access.revoke(google.email, f"projects/{PROJECT}")
    google.front.access.grant(google.email, permissions, f"projects/{PROJECT}")


def needed(verb: str) -> list[str]:
    return on_project(ROLES[verb], PROJECT)


def test_who_has_all_of_it_lacks_nothing(google: Google, ask: Ask) -> None:
    found = ask()
    assert (found["findings"], found["principal"], found["changed"]) == ([], google.email, False)
    assert found["checked"] == len({each for verb in ROLES for each in needed(verb)}) > 100
    assert set(google.operations()) == {"cloudresourcemanager:projects.testIamPermissions"}
    assert google.changes() == []


@pytest.mark.parametrize("verb", [verb for verb in ROLES if on_project(ROLES[verb], PROJECT)])
def test_exactly_what_a_verb_needs_is_enough_and_each_that_is_missing_is_named(
    google: Google, ask: Ask, verb: str
) -> None:
    hold(google, *needed(verb))
    assert ask(verbs=[verb])["findings"] == []
    last = needed(verb)[-1]
    hold(google, *needed(verb)[:-1])
    (finding,) = ask(verbs=[verb])["findings"]
    assert (finding["code"], finding["where"]) == ("permission-missing", f"Google Cloud {verb}")
    assert last in finding["what"]
    assert not [each for each in needed(verb)[:-1] if f" {each}," in finding["what"]]


def test_the_command_grants_exactly_what_is_missing_to_the_account(google: Google, ask: Ask) -> None:
    hold(google, *[each for each in needed("deploy") if not each.startswith("secretmanager.")])
    (finding,) = ask(verbs=["deploy"])["findings"]
    commands = finding["fix"].partition("Grant it: ")[2]
    made, bound = commands.partition(" (")[0], commands.partition("and then ")[2].partition(". make")[0]
    assert shlex.split(made) == ["gcloud", "iam", "roles", "create", "praxis_deploy", f"--project={PROJECT}",
                                 "--permissions=secretmanager.secrets.create"]  # fmt: skip
    assert shlex.split(bound) == ["gcloud", "projects", "add-iam-policy-binding", PROJECT,
                                  f"--member=serviceAccount:{google.email}",
                                  f"--role=projects/{PROJECT}/roles/praxis_deploy", "--condition=None"]  # fmt: skip


def test_it_is_an_error_for_the_verbs_that_the_credentials_are_meant_for(google: Google, ask: Ask) -> None:
    hold(google)
    for required, level in ((True, "error"), (False, "warning")):
        assert {each["level"] for each in ask(required=required)["findings"]} == {level}


def test_what_stands_on_a_secret_or_under_a_condition_is_not_asked_for(google: Google, ask: Ask) -> None:
    """The plan reads those secrets; nobody says whether a condition holds of a secret that is not there yet."""
    hold(google, *needed("doctor"))
    assert "secretmanager.versions.access" not in needed("doctor")
    assert ask(verbs=["doctor"])["findings"] == []


def test_a_service_that_is_not_enabled_is_a_warning_with_the_command(
    google: Google, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_call: object) -> None:
        raise Refused(403, "SERVICE_DISABLED", "Cloud Resource Manager API has not been used in project 1 before.")

    monkeypatch.setattr(google.front.projects, "answer", refused)
    found = ask(required=True)
    (finding,) = found["findings"]
    assert (found["checked"], finding["code"], finding["level"]) == (0, "permissions-unseen", "warning")
    assert "gcloud services enable cloudresourcemanager.googleapis.com --project=a-project" in finding["fix"]


def test_what_else_goes_wrong_is_no_answer(google: Google, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_call: object) -> None:
        raise Refused(400, "badRequest", "Permission x is not valid for this resource.")

    monkeypatch.setattr(google.front.projects, "answer", refused)
    with pytest.raises(errors.Invalid):
        ask()


def test_an_unknown_verb_is_refused(ask: Ask) -> None:
    with pytest.raises(Failed, match="deplyo"):
        ask(verbs=["deplyo"])
