# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of a host's releases: kept from `docker image prune`, and fetched again where one is gone all the same."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import DIGEST, IMAGE, FakeEngine, release
from tests.unit.host.test_deploy import become, of_two_images, run
from tests.unit.host.test_services import FILES, TOOLS, Host, made, step

TAG = "praxis.local/kept:" + DIGEST.partition(":")[2]
LOGIN = {"server": "registry.example", "username": "robot", "password": "of-the-robot"}


@pytest.fixture
def host(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]) -> Paths:
    """r1 is good and has an image of its own; r2 is prepared."""
    first, second, _third = of_two_images()
    become(paths, engine, first)
    assert run(paths, "confirmed")["outcome"] == "confirmed"
    assert run(paths, "prepared", release=second)["outcome"] == "prepared"
    return paths


def pulls(engine: FakeEngine) -> list[tuple[str, dict[str, Any]]]:
    """What was pulled, each with the login that was sent with it."""
    found = []
    for _verb, path, query, headers in engine.requests:
        if path == "/images/create":
            sent = base64.urlsafe_b64decode(headers.get("X-Registry-Auth", "bnVsbA=="))
            found.append((query["fromImage"], json.loads(sent)))
    return found


def test_what_is_pulled_is_no_dangling_image(host: Paths, engine: FakeEngine) -> None:
    """The release to come has no container yet, and the one to go back to has none any more."""
    first, second, _third = of_two_images()
    engine.prune()
    assert {first["image"], second["image"]} == set(engine.images)
    become(host, engine, second)
    engine.container["Config"]["Image"] = second["image"]
    engine.prune()
    assert {first["image"], second["image"]} == set(engine.images)


def test_images_that_an_older_version_pulled_are_kept_from_then_on(host: Paths, engine: FakeEngine) -> None:
    """It is no change of the host: a fleet on which nothing else differs is not reported as changed."""
    engine.tags.clear()
    second = of_two_images()[1]
    assert run(host, "prepared", release=second, check=True)["changed"] is False
    assert engine.tags == {}, "a prediction writes nothing"
    assert (run(host, "prepared", release=second)["changed"], len(engine.tags)) == (False, 2)
    before = len(engine.requests)
    assert run(host, "prepared", release=second)["changed"] is False
    assert {verb for verb, *_rest in engine.requests[before:]} == {"GET"}


def test_services_are_kept_too(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]) -> None:
    step(paths, "prepared", made(FILES))
    engine.prune()
    assert {IMAGE, TOOLS} == set(engine.images)


def test_the_tag_goes_with_its_last_release(host: Paths, engine: FakeEngine) -> None:
    engine.images["somebody/else:1"] = {}
    engine.tags["their/name:1"] = "somebody/else:1"
    _first, *newer = of_two_images()
    for item in newer:
        become(host, engine, item)
        assert run(host, "confirmed", release=item, keep_releases=2)["outcome"] == "confirmed"
    kept = "praxis.local/kept:" + newer[0]["image"].partition("sha256:")[2]
    assert engine.tags == {"their/name:1": "somebody/else:1", kept: newer[0]["image"]}
    assert set(engine.images) == {"somebody/else:1", newer[0]["image"]}


def test_an_image_that_another_kept_release_has_from_elsewhere_keeps_its_tag(host: Paths, engine: FakeEngine) -> None:
    """The same content out of two registries has one tag."""
    moved = IMAGE.replace("registry.example", "mirror.example")
    for name in ("r3", "r4"):
        item = release(name, image=moved)
        item["files"]["release.json"] = item["files"]["release.json"].replace(IMAGE, moved)
        become(host, engine, item)
        assert run(host, "confirmed", release=item, keep_releases=2)["outcome"] == "confirmed"
    assert sorted(os.listdir(host.releases)) == ["r3", "r4"]
    assert TAG in engine.tags and IMAGE not in engine.images


def test_without_an_agent_its_images_are_anybody_s_to_remove(host: Paths, engine: FakeEngine) -> None:
    assert run(host, "absent")["outcome"] == "removed"
    assert engine.tags == {} and len(engine.images) == 2


def test_an_image_that_was_removed_before_its_activation_is_pulled_again(host: Paths, engine: FakeEngine) -> None:
    second = of_two_images()[1]
    del engine.images[second["image"]]
    engine.requests.clear()
    options = {"release": second, "registry": LOGIN}
    predicted = run(host, "active", check=True, **options)
    done = run(host, "active", **options)
    assert done["changes"] == predicted["changes"]
    assert done["changes"][0] == "image " + second["image"]
    assert [login["username"] for _name, login in pulls(engine)] == ["robot"]
    assert second["image"] in engine.images


def test_what_a_check_of_a_new_release_predicts_has_its_image_once(host: Paths, engine: FakeEngine) -> None:
    """Its preparation predicts the pull, and by the time of its activation the image is there."""
    wanted = release("r9", image="registry.example/new@" + DIGEST.replace("0123", "9999"))
    assert run(host, "prepared", release=wanted, check=True)["changes"][0] == "image " + wanted["image"]
    assert not any(item.startswith("image") for item in run(host, "active", release=wanted, check=True)["changes"])


def restored(host: Paths, **more: Any) -> dict[str, Any]:
    return run(host, "restored", release=of_two_images()[1], previous="r1", **more)


@pytest.mark.parametrize("server", ["registry.example", "elsewhere.example"])
def test_a_rollback_pulls_an_image_that_was_removed(host: Paths, engine: FakeEngine, server: str) -> None:
    """With the run's login where it is for this registry: no other one gets to see it."""
    become(host, engine, of_two_images()[1])
    del engine.images[IMAGE]
    engine.requests.clear()
    engine.run("r1")
    done = restored(host, registry={**LOGIN, "server": server})
    assert (done["outcome"], done["changes"][0]) == ("restored", "image " + IMAGE)
    assert [bool(login) for _name, login in pulls(engine)] == [server == "registry.example"]


def test_a_rollback_whose_image_cannot_be_pulled_disturbs_nothing_and_says_what_helps(
    host: Paths, engine: FakeEngine, docker: Path
) -> None:
    become(host, engine, of_two_images()[1])
    del engine.images[IMAGE]
    engine.pulls, engine.pull_status = [{"message": "no basic auth credentials"}], 500
    done = restored(host)
    assert (done["outcome"], done["failure"]["code"], done["changed"]) == ("failed", "image-unauthorized", False)
    assert "docker pull %s" % IMAGE in done["failure"]["fix"]
    assert os.readlink(host.current) == "releases/r2"
    assert not (docker / "calls").exists()


def test_a_rollback_pulls_the_images_of_services_too(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]
) -> None:
    there = Host(paths, engine, docker)
    del engine.images[TOOLS]
    engine.requests.clear()
    bad = made(replace(FILES, environment={"LEVEL": "debug"}))
    done = step(paths, "restored", bad, previous=there.release.id)
    assert done["changes"][0] == "image " + TOOLS
    assert [login["username"] for _name, login in pulls(engine)] == ["robot"]
