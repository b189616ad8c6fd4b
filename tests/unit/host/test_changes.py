# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done, from what is there and what is wanted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import changes, compose, manifest_diff
from ansible_collections.praxis.cloud.plugins.module_utils.host.changes import Current
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired, from_options
from tests.unit.host.fakes import release

ENGINE = {"version": "26.1.5", "compose": "2.26.1-4", "daemon": {"live-restore": True}, "running": True,
          "pending": False}  # fmt: skip
BARE = {"version": None, "compose": None, "daemon": None, "running": False, "pending": False}


def desired(**more: Any) -> Desired:
    return from_options({"state": "active", "release": release("r2"), **more})


def current(container: dict[str, Any] | None, link: str | None = "r2", files: Any = None, peer_id: str = "") -> Current:
    observation = {
        "release": {"current": link, "running": None, "kept": []},
        "container": container,
        "services": {},
        "api": {"health": 200, "peer_id": peer_id or None, "error": None},
    }
    return Current(observation=observation, files=files)


def container(release_id: str = "r2", state: str = "running", health: str | None = "healthy") -> dict[str, Any]:
    return {"release": release_id, "part": release_id, "state": state, "health": health}


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (ENGINE, []),
        (BARE, ["no Docker Engine", "Compose is not installed", "daemon.json"]),
        ({**ENGINE, "version": "19.3.1"}, ["19.3.1 is older than 20.10"]),
        ({**ENGINE, "compose": "2.19.1"}, ["2.19.1 is older than 2.20"]),
        ({**ENGINE, "compose": "2.3"}, ["2.3 is older than 2.20"]),
        ({**ENGINE, "daemon": {"live-restore": False}}, ["daemon.json"]),
        ({**ENGINE, "daemon": {"live-restore": True, "dns": ["10.0.0.2"]}}, []),
        ({**ENGINE, "pending": True}, ["does not use yet"]),
    ],
)
def test_reasons_for_the_docker_role(engine: dict[str, Any], words: list[str]) -> None:
    reasons = changes.engine_reasons(engine, "2.20", {"live-restore": True})
    assert len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons))


def test_whoever_wants_no_settings_of_the_engine_s_does_not_ask_whether_it_has_taken_them_up() -> None:
    """A rollback needs none."""
    assert changes.engine_reasons({**ENGINE, "pending": True}, "2.20", {}) == []


def test_nested_settings_are_compared_key_by_key() -> None:
    found = {"log-opts": {"max-size": "10m", "labels": "a"}, "dns": ["10.0.0.2"]}
    assert changes.contains(found, {"log-opts": {"max-size": "10m"}})
    assert not changes.contains(found, {"log-opts": {"max-size": "20m"}})
    assert not changes.contains(found, {"log-opts": {"max-file": "3"}})
    assert not changes.contains(found, {"dns": []})


@pytest.mark.parametrize(
    ("text", "wanted"), [("2.26.1-4", (2, 26, 1)), ("v2.20", (2, 20)), ("20.10.24+dfsg1", (20, 10, 24)), ("none", ())]
)
def test_version_numbers(text: str, wanted: tuple[int, ...]) -> None:
    assert compose.numbers(text) == wanted


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (current(None, link=None), "start"),
        (current(None), "start"),
        (current(None, link="r1"), "start"),
        (current(container("r1")), "switch"),
        (current(container("r1", "exited")), "switch"),
        (current(container(state="exited")), "start"),
        (current(container(state="created")), "start"),
        (current(container(state="restarting")), "restart"),
        (current(container(health="unhealthy")), "restart"),
        (current(container(health="starting")), "none"),
        (current(container(health=None)), "none"),
        (current(container()), "none"),
        (current(container(), files={**release("r2")["files"], "compose.yaml": "tampered"}), "switch"),
        (current(container(), peer_id="12D3KooWOld"), "restart"),
        (current(container(), peer_id="12D3KooWNew"), "none"),
    ],
)
def test_activation(found: Current, action: str) -> None:
    wanted = desired(gate={"peer_id": "12D3KooWNew"})
    assert changes.activation(found, wanted)[0] == action
    assert changes.activation(found, wanted)[1]


def test_a_restart_can_be_asked_for() -> None:
    assert changes.activation(current(container()), desired(restart=True))[0] == "restart"


@pytest.mark.parametrize(
    ("kept", "wanted", "before", "keep", "gone"),
    [
        (["r1"], "r2", "r1", 5, []),
        (["r3", "r2", "r1"], "r4", "r3", 3, ["r1"]),
        (["r3", "r2", "r1"], "r3", "r3", 2, ["r1"]),
        (["r3", "r2", "r1"], "r3", "r3", 1, ["r1"]),
        (["r5", "r4", "r1"], "r1", "r4", 2, ["r5"]),
        ([], "r1", None, 2, []),
    ],
)
def test_releases_that_go(kept: list[str], wanted: str, before: str | None, keep: int, gone: list[str]) -> None:
    assert changes.superfluous(kept, wanted, before, keep) == gone


def test_a_changed_setting_is_shown_by_its_path_old_and_new() -> None:
    old = release("r1")
    new = release("r2", level="DEBUG", version="2")
    before, after = manifest_diff.settings_diff(
        from_options({"state": "active", "release": old}).release.manifest,
        from_options({"state": "active", "release": new}).release.manifest,
    )
    assert before == 'logging.level: "INFO"\nrelease: r1\nsecrets.OPENAI_API_KEY: version 1\n'
    assert after == 'logging.level: "DEBUG"\nrelease: r2\nsecrets.OPENAI_API_KEY: version 2\n'


def test_settings_are_flattened() -> None:
    value = {"a": {"b": 1, "c": {}}, "tools": [{"name": "x"}, {"name": "y"}], "list": [1, "two"], "none": None}
    assert manifest_diff.flatten(value) == {
        "a.b": "1",
        "a.c": "{}",
        "tools[0].name": '"x"',
        "tools[1].name": '"y"',
        "list": '[1, "two"]',
        "none": "null",
    }
    assert manifest_diff.flatten({}) == {}
