# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository of Artifact Registry for a fleet's images: made, kept, and never one of somebody else's."""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_repository_kind import (
    GOOGLE_REPOSITORIES,
    google_repository,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import parse_image
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_roles import roles
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_publication import Registries
from sandbox.gcp.answers import Request
from sandbox.gcp.container_registry import ArtifactRegistry
from sandbox.site import PROJECT as SANDBOX
from tests.unit.cloud.wire import Answer, serving
from tests.unit.cloud.wire import Request as Received

from .conftest import Google
from .project import Project
from .test_least_privilege import PLACE

HOST = "europe-west3-docker.pkg.dev"
PATH = f"{SANDBOX}/agents/praxis-agent"
NAME = f"projects/{SANDBOX}/locations/europe-west3/repositories/agents"


@dataclass
class Behind:
    """The registry that has the images, by where it takes pushes."""

    push: str = ""


def registry(google: Google, push: str = "") -> None:
    """Serve an Artifact Registry in which nothing was made yet."""
    front = google.front
    front.registry = ArtifactRegistry(Behind(push), front.identities, front.access, google.log)  # type: ignore[arg-type]


@pytest.fixture
def served(project: Project) -> Project:
    """A project with Artifact Registry in it."""
    registry(project.google)
    project.google.front.access.grant(project.google.email, ["*"], f"projects/{SANDBOX}")
    return project


def engine(project: Project, kept: int = 20) -> Engine[Any]:
    wanted = google_repository(HOST, PATH, kept)
    assert wanted
    return Engine(project.client(), [wanted], GOOGLE_REPOSITORIES, [*GOOGLE_REPOSITORIES], "here")


def made(project: Project) -> dict[str, Any]:
    return project.client().call("artifactregistry", "GET", f"v1/{NAME}")


def test_it_is_made_once_and_as_it_should_be(served: Project) -> None:
    first = engine(served)
    changes = first.observe()
    assert [(each.action, each.resource.name) for each in changes] == [("create", NAME)]
    assert served.google.changes() == []
    first.apply(changes)
    assert engine(served).observe() == []
    found = made(served)
    assert found["format"] == "DOCKER" and found["dockerConfig"] == {"immutableTags": True}
    assert found["vulnerabilityScanningConfig"] == {"enablementConfig": "INHERITED"}
    policies = found["cleanupPolicies"]
    assert policies["praxis-untagged"]["condition"] == {"tagState": "UNTAGGED"}
    assert policies["praxis-newest"]["mostRecentVersions"] == {"keepCount": 20}
    assert served.google.changes() == ["create"]


EDITS: list[tuple[str, dict[str, Any]]] = [
    ("tags_move", {"dockerConfig": {"immutableTags": False}}),
    ("scanned", {"vulnerabilityScanningConfig": {"enablementConfig": "DISABLED"}}),
    ("kept", {"cleanupPolicies": {}}),
    ("kept", {"cleanupPolicyDryRun": True}),
    ("kept", {"cleanupPolicies": {"theirs": {"id": "theirs", "action": "DELETE", "condition": {"tagState": "ANY"}}}}),
]


@pytest.mark.parametrize(("field", "edit"), EDITS, ids=[f"{index}-{name}" for index, (name, _e) in enumerate(EDITS)])
def test_what_is_edited_by_hand_is_named_and_set_again(served: Project, field: str, edit: dict[str, Any]) -> None:
    first = engine(served)
    first.apply(first.observe())
    mask = {"updateMask": ",".join(edit)}
    served.client().call("artifactregistry", "PATCH", f"v1/{NAME}", body=edit, query=mask)
    again = engine(served)
    (change,) = again.observe()
    assert [each.name for each in change.fields] == [field]
    again.apply([change])
    assert engine(served).observe() == []


def test_one_of_somebody_else_s_is_used_as_it_is(served: Project) -> None:
    parent = NAME.partition("/repositories/")[0]
    body, query = {"format": "DOCKER", "description": "theirs"}, {"repositoryId": "agents"}
    served.client().call("artifactregistry", "POST", f"v1/{parent}/repositories", body=body, query=query)
    registries = Registries(AwsClient(), served.client(), {})
    assert registries.repository(parse_image(f"{HOST}/{PATH}:1"), 20) is None


@pytest.mark.parametrize("image", ["gcr.io/a-project/agent:1", "docker.io/library/agent:1", f"{HOST}/a-project/a:1"])
def test_other_registries_have_none_to_be_made(image: str) -> None:
    found = parse_image(image)
    assert google_repository(found.host, found.repository, 20) is None


def test_the_role_suffices_and_none_of_it_is_left_over(served: Project) -> None:
    front, email = served.google.front, served.google.email
    (_push, make) = roles(PLACE)["image"]
    front.access.revoke(email, f"projects/{SANDBOX}")
    granted = set(make["permissions"]) | {"artifactregistry.repositories.update"}
    for without in ("", *sorted(granted)):
        front.access.revoke(email, f"projects/{SANDBOX}")
        registry(served.google)
        front.access.grant(email, granted - {without}, f"projects/{SANDBOX}")
        with pytest.raises(Failed, match="denied") if without else nullcontext():
            first = engine(served)
            first.apply(first.observe())
            again = engine(served, kept=7)
            again.apply(again.observe())


def test_a_push_goes_through_to_the_registry_and_its_way_back_names_the_host(served: Project) -> None:
    front, seen = served.google.front, list[Received]()

    def answer(request: Received) -> Answer:
        seen.append(request)
        return Answer(202, headers={"Location": f"http://127.0.0.1/v2/praxis-agent/blobs/uploads/1?_state={len(seen)}"})

    with serving(answer) as upstream:
        registry(served.google, upstream.host)
        assert front.registry
        token = {"authorization": f"Bearer {front.identities.issue(served.google.email)}"}
        host = "us-central1-docker.pkg.dev"
        uploads = f"/v2/{SANDBOX}/praxis/praxis-agent/blobs/uploads/"
        begun = front.registry.answer(Request(host, "POST", uploads, token, b""))
        assert begun.status == 202
        assert begun.headers["Location"] == f"https://{host}{uploads}1?_state=1"
        place = begun.headers["Location"].removeprefix(f"https://{host}")
        layer = b"layer"
        front.registry.answer(Request(host, "PATCH", place, token, layer))
        absent = front.registry.answer(Request(host, "POST", f"/v2/{SANDBOX}/other/a/blobs/uploads/", token, b""))
    there = "/v2/praxis-agent/blobs/uploads/"
    assert [each.path for each in seen] == [there, f"{there}1?_state=1"]
    assert hashlib.sha256(seen[1].body).digest() == hashlib.sha256(layer).digest()
    assert absent.status == 404 and json.loads(absent.body)["errors"][0]["code"] == "NAME_UNKNOWN"
