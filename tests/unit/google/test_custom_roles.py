# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles that a project makes for itself, in the sandbox's Google: a binding of the project's policy grants them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient, GcpCredentials
from sandbox.gcp import discovery
from sandbox.gcp.refused import Refused

from .conftest import PROJECT, Google

READ, MAKE = "compute.networks.get", "compute.networks.create"
ROLE = f"projects/{PROJECT}/roles/readers"


class Roles:
    """The project as its owner changes it, and an account that has nothing in it."""

    def __init__(self, google: Google) -> None:
        self.owner = GcpClient()
        self.account = google.front.identities.create("reader", PROJECT).email
        token = google.front.identities.issue(self.account)
        self._reader = GcpClient(project=PROJECT, credentials=GcpCredentials(access_token=token))

    def make(self, name: str = "readers", *permissions: str) -> dict[str, Any]:
        body = {"roleId": name, "role": {"title": name, "includedPermissions": [*permissions]}}
        return self.owner.call("iam", "POST", f"v1/projects/{PROJECT}/roles", body=body)

    def change(self, *permissions: str) -> dict[str, Any]:
        body = {"includedPermissions": [*permissions]}
        return self.owner.call("iam", "PATCH", f"v1/{ROLE}", query={"updateMask": "includedPermissions"}, body=body)

    def bind(self, role: str = ROLE, version: str = "v3", **more: Any) -> None:
        binding = {"role": role, "members": [f"serviceAccount:{self.account}"], **more}
        body = {"policy": {"bindings": [binding], "version": 3}}
        self.owner.call("cloudresourcemanager", "POST", f"{version}/projects/{PROJECT}:setIamPolicy", body=body)

    def held(self) -> list[str]:
        """What the account says that it has."""
        path = f"v3/projects/{PROJECT}:testIamPermissions"
        answer = self._reader.call("cloudresourcemanager", "POST", path, body={"permissions": [READ, MAKE]})
        return list(answer.get("permissions") or ())


@pytest.fixture
def roles(google: Google, monkeypatch: pytest.MonkeyPatch) -> Roles:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return Roles(google)


@pytest.mark.parametrize("version", ["v3", "v1"])  # v1 is what gcloud speaks
def test_a_bound_role_grants_what_it_includes_as_long_as_it_does(google: Google, roles: Roles, version: str) -> None:
    made = roles.make("readers", READ)
    assert (made["name"], made["includedPermissions"]) == (ROLE, [READ])
    assert roles.held() == []
    roles.bind(version=version)
    assert roles.held() == [READ]
    assert not google.front.access.allows(roles.account, READ, "projects/another")
    assert roles.change(READ, MAKE)["title"] == "readers"
    assert roles.held() == [READ, MAKE]
    roles.change(MAKE)
    assert roles.held() == [MAKE]
    assert roles.owner.call("iam", "GET", f"v1/{ROLE}")["includedPermissions"] == [MAKE]


def test_a_conditional_binding_and_one_of_google_s_roles_grant_nothing_here(roles: Roles) -> None:
    roles.make("readers", READ)
    roles.bind(condition={"title": "never", "expression": "false"})
    assert roles.held() == []
    roles.bind("roles/compute.admin")
    assert roles.held() == []


def test_a_role_that_there_is_not_cannot_be_granted(roles: Roles) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        roles.bind()


def _call(verb: str, name: str, body: Any = None) -> discovery.Call:
    text = json.dumps(body or {}).encode()
    return discovery.load("iam.v1").call(verb, f"/v1/projects/{PROJECT}/roles{name}", [], text)


@pytest.mark.parametrize(("body", "code"), [
    ({"roleId": "readers", "role": {}}, 409), ({"roleId": "no-role", "role": {}}, 400),
    ({"roleId": "all_of_it", "role": {"includedPermissions": ["compute.*"]}}, 400),
])  # fmt: skip
def test_what_google_makes_no_role_of_is_refused(google: Google, roles: Roles, body: Any, code: int) -> None:
    roles.make()
    with pytest.raises(Refused) as refused:
        google.front.roles.answer(_call("POST", "", body))
    assert refused.value.code == code
    with pytest.raises(Refused) as refused:
        google.front.roles.answer(_call("GET", "/another"))
    assert refused.value.code == 404
