# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image is held against each machine's architecture, where its index and the inventory say."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.platforms import platforms_http, platforms_in
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import parse_image
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.cloud.wire import Answer, in_order, serving
from tests.unit.plan.made import Account, fleet, planner, reported

INDEX = "application/vnd.oci.image.index.v1+json"


def index(*platforms: str) -> str:
    entries = []
    for platform in platforms:
        system, architecture = platform.split("/")
        digest = "sha256:" + hashlib.sha256(platform.encode()).hexdigest()
        entries.append({"digest": digest, "size": 1, "platform": {"os": system, "architecture": architecture}})
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})


@pytest.fixture
def pushed(account: Account, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ECR holds for the fleet's image; the fake keeps no index."""
    from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient

    held = [index("linux/amd64", "linux/arm64", "unknown/unknown")]
    original = AwsClient.call

    def call(self: AwsClient, service: str, operation: str, **request: Any) -> Any:
        if operation != "batch_get_image":
            return original(self, service, operation, **request)
        assert INDEX in request["acceptedMediaTypes"] and request["imageIds"][0]["imageDigest"].startswith("sha256:")
        if not held:
            raise errors.Denied("It may not.", "ecr", "Let it.")
        return {"images": [{"imageManifest": held[0]}]}

    monkeypatch.setattr(AwsClient, "call", call)
    return held


def test_what_an_index_has() -> None:
    assert platforms_in(index("linux/amd64", "linux/arm64", "unknown/unknown", "windows/amd64")) == {"amd64", "arm64"}
    for other in ("{}", "[]", "no JSON", '{"layers": []}', '{"manifests": [{"digest": "sha256:0"}, 1]}', index()):
        assert platforms_in(other) is None


def test_an_image_for_all_machines_is_planned(pushed: list[str]) -> None:
    planner(fleet(2, {1: {"architecture": "amd64"}, 2: {"architecture": "arm64"}})).plan()


@pytest.mark.parametrize("image", ["", "@sha256:" + "1" * 64])
def test_a_machine_for_which_there_is_none_is_named(pushed: list[str], image: str) -> None:
    pushed[0] = index("linux/amd64")
    own: dict[str, Any] = {"image": fleet(1)["m1"]["praxis_image"].partition(":")[0] + image} if image else {}
    hosts = fleet(3, {2: {"architecture": "arm64", **own}, 1: {"architecture": "amd64"}})
    with pytest.raises(Failed) as error:
        planner(hosts).plan()
    assert reported(error.value) == ["image-architecture"]
    (finding,) = error.value.findings
    assert "linux/arm64" in finding.what and "linux/amd64" in finding.what
    assert "m2" in finding.where and "m1" not in finding.where


def test_services_images_are_held_against_it_too(pushed: list[str]) -> None:
    pushed[0] = index("linux/amd64")
    service = {"name": "files", "image": fleet(1)["m1"]["praxis_image"]}
    with pytest.raises(Failed) as error:
        planner(fleet(1, architecture="arm64", services=[service])).plan()
    assert reported(error.value) == ["image-architecture"]


def test_what_nobody_says_is_no_fault(pushed: list[str]) -> None:
    planner(fleet(2)).plan()
    pushed[0] = '{"layers": []}'
    planner(fleet(2, architecture="arm64")).plan()
    pushed.clear()
    planner(fleet(2, architecture="arm64")).plan()


def test_an_unknown_word_is_refused(account: Account) -> None:
    with pytest.raises(Failed) as error:
        planner(fleet(1, architecture="arm"))
    assert reported(error.value) == ["bad-variable"]


def test_any_other_registry_is_asked_for_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    once = Retry(1, clock=lambda: 0.0, sleep=lambda _seconds: None, random=lambda: 1.0)
    digest = "sha256:" + "2" * 64
    with serving(in_order(Answer(body=index("linux/arm64").encode()), Answer(404))) as server:
        image = parse_image(f"{server.host}/praxis/agent@{digest}")
        assert platforms_http(image, None, None, once) == {"arm64"}
        assert platforms_http(image, None, None, once) is None
    assert (server.requests[0].method, server.requests[0].path) == ("GET", f"/v2/praxis/agent/manifests/{digest}")
    assert INDEX in server.requests[0].headers["Accept"]
