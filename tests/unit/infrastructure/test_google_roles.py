# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions of each verb on Google Cloud: of this fleet's things, by their names, and of nothing that it has not.

That they suffice and that none is left over is in tests/unit/google/test_least_privilege.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.praxis.cloud.plugins.filter.gcp_roles import gcp_roles
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import is_google_registry
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_roles import VERBS, Project, roles

CHECKOUT = Path(__file__).resolve().parents[3]
IMAGES = ["europe-west3-docker.pkg.dev/images/praxis/praxis-agent:1.0", "ghcr.io/somebody/agent:1.0"]
PLACE = Project("research", "a-project", [("a-project", "praxis_research_agent"), ("theirs", "shared")], IMAGES)


def permissions(verb: str, place: Project = PLACE) -> set[str]:
    return {permission for grant in roles(place)[verb] for permission in grant["permissions"]}


def test_secrets_and_repositories_are_granted_one_by_one_and_identities_by_their_names() -> None:
    by_place = {(grant["on"], grant.get("condition", "")): grant["permissions"] for grant in roles(PLACE)["deploy"]}
    condition = 'resource.name.extract("/secrets/{name}").startsWith("praxis_research_identity_")'
    assert by_place["projects/theirs/secrets/shared", ""] == ["secretmanager.versions.access"]
    assert by_place["projects/a-project/secrets/praxis_research_agent", ""] == ["secretmanager.versions.access"]
    assert by_place["projects/images/locations/europe-west3/repositories/praxis", ""] == [
        "artifactregistry.repositories.downloadArtifacts"]  # fmt: skip
    assert "secretmanager.versions.access" in by_place["projects/a-project", condition]
    assert "secretmanager.versions.access" not in by_place["projects/a-project", ""]
    assert len(by_place) == 5


def test_who_deploys_makes_and_removes_no_machine_and_who_provisions_reads_no_secret() -> None:
    assert not [each for each in permissions("deploy") if each.startswith("compute.instances.") and each.endswith(
        ("create", "delete", "start", "setMetadata"))]  # fmt: skip
    assert not [each for each in permissions("provision") if each.startswith("secretmanager.")]
    assert not [each for each in permissions("doctor") if not each.endswith((".get", ".list", ".access", "Artifacts"))]
    assert not [each for verb in VERBS for each in permissions(verb) if "*" in each]


def test_a_login_s_secret_is_read_by_who_provisions_and_by_the_doctor_alone() -> None:
    login = "gcp-sm://theirs/login#client_secret"
    named = gcp_roles("research", "a-project", login=login)
    read = {verb for verb, grants in named.items() for each in grants
            if (each["on"], each["permissions"]) == (
                "projects/theirs/secrets/login", ["secretmanager.versions.access"])}  # fmt: skip
    assert read == {"provision", "doctor"}
    both = [each["on"] for each in gcp_roles("research", "a-project", secrets=[login], login=login)["doctor"]]
    assert len(both) == len(set(both)) + 1  # the project itself stands there twice, once with a condition
    elsewhere = gcp_roles("research", "a-project", login="aws-sm://login#client_secret")
    assert elsewhere == gcp_roles("research", "a-project")


@pytest.mark.parametrize(("without", "what"), [
    ({"named": False}, "dns."), ({"secured": False}, "compute.sslPolicies.create"), ({"disks": False}, "disks.delete"),
    ({"secrets": ()}, "secrets/praxis_research_agent"), ({"images": ()}, "downloadArtifacts"),
])  # fmt: skip
def test_what_a_fleet_has_not_needs_no_permission(without: dict[str, Any], what: str) -> None:
    lacks = Project(**{**PLACE.__dict__, **without})
    assert what in json.dumps(roles(PLACE)) and what not in json.dumps(roles(lacks))


@pytest.mark.parametrize(("host", "place"), [
    ("gcr.io", "us"), ("us.gcr.io", "us"), ("eu.gcr.io", "europe"), ("asia.gcr.io", "asia"),
])  # fmt: skip
def test_a_repository_by_its_older_host_is_known_to_who_pulls_and_to_who_pushes(host: str, place: str) -> None:
    """The same hosts as for a login: who has the token alone may pull nothing. Such a repository is never made here."""
    assert is_google_registry(host)
    named = roles(Project("research", "a-project", images=[f"{host}/images/praxis/agent:1.0"]))
    on = f"projects/images/locations/{place}/repositories/{host}"
    pull = {"on": on, "permissions": ["artifactregistry.repositories.downloadArtifacts"]}
    assert pull in named["deploy"] and pull in named["doctor"]
    assert [each["on"] for each in named["image"]] == [on]


def test_the_sandbox_s_controller_may_do_what_the_verbs_need() -> None:
    policy = json.loads((CHECKOUT / "sandbox/gcp/policies/controller.json").read_text(encoding="utf-8"))
    granted = {permission for statement in policy for permission in statement["permissions"]}
    assert not {each for verb in VERBS for each in permissions(verb)} - granted


def test_a_project_that_is_not_known_is_said() -> None:
    with pytest.raises(AnsibleFilterError, match="praxis_project"):
        gcp_roles("research", "")


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, dict.fromkeys((
    "praxis_agent_secrets", "praxis_services", "praxis_certificate", "praxis_dns_zone", "praxis_dns_name",
    "praxis_oidc", "praxis_data")), {"praxis_services": [{"name": "cache", "image": IMAGES[0], "secrets": None}]}],
    ids=["not set", "without a value", "a service's secrets without a value"])
def test_the_playbook_shows_both_clouds(tmp_path: Path, more: dict[str, Any]) -> None:
    logins = [{"server": "one.example.org", "username": "puller", "password": "aws-sm://registry#password"},
              {"server": "two.example.org", "ca": "ca.pem"},
              {"server": "three.org", "username": "gcp-sm://theirs/user", "password": "gcp-sm://theirs/registry"}]
    common = {"praxis_fleet": "research", "praxis_image": IMAGES[0], "praxis_registries": logins, **more}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": {
        "praxis_aws": {"vars": {**common, "praxis_region": "eu-west-1", "praxis_account": "123456789012"}},
        "praxis_gcp": {"vars": {**common, "praxis_project": "a-project"}},
    }}}))  # fmt: skip
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, "praxis.cloud.policies", "-i", str(tmp_path / "hosts.yml")]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.summary"})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert set(summary["roles"]) == set(VERBS)
    assert summary["roles"]["image"][0]["on"] == "projects/images/locations/europe-west3/repositories/praxis"
    assert summary["policies"]["deploy"]["Version"] == "2012-10-17"
    assert "None" not in done.stdout
    login = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:registry-??????"
    reads = {verb for verb, policy in summary["policies"].items() if login in json.dumps(policy)}
    assert reads == {"deploy", "doctor", "image", "ecs"}
    granted = {verb: {grant["on"] for grant in grants} for verb, grants in summary["roles"].items()}
    both = {"projects/theirs/secrets/user", "projects/theirs/secrets/registry"}
    assert {verb for verb, on in granted.items() if both <= on} == {"deploy", "doctor", "image"}
    assert not both & set().union(*(on for verb, on in granted.items() if verb not in ("deploy", "doctor", "image")))
