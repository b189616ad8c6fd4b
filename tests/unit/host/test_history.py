# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's memory of what was called good, and what it still has of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.host import history, kept
from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import RELEASE_FILES, Paths
from tests.unit.host.fakes import FakeEngine, release

ONE = Deployment("one", "ann@desk", "deploy", {}, "m1", 4, 900.0)


@pytest.fixture
def root(paths: Paths) -> Paths:
    os.makedirs(paths.root, exist_ok=True)
    return paths


def test_the_first_entry_remembers_what_was_there_before(root: Paths) -> None:
    history.add(root, ONE, "r2", "r1", 12.3456)
    assert [(item["run"], item["fence"], item["release"]) for item in history.read(root)] == [
        ("", 0, "r1"), ("one", 4, "r2")]  # fmt: skip
    assert history.read(root)[1]["at"] == 12.346
    history.add(root, ONE, "r3", "r2", 13)
    assert [item["release"] for item in history.read(root)] == ["r1", "r2", "r3"]


def test_the_oldest_are_forgotten(root: Paths) -> None:
    for number in range(history.LONGEST + 5):
        history.add(root, ONE, f"r{number}", None, number)
    found = history.read(root)
    assert (len(found), found[0]["release"]) == (history.LONGEST, "r5")


@pytest.mark.parametrize("text", ["", "{", "{}", '["r1"]', '[{"run": "one"}]', '[null, 7]'])
def test_a_broken_file_is_no_history(root: Paths, text: str) -> None:
    Path(root.history).write_text(text, encoding="utf-8")
    assert history.read(root) == []
    history.add(root, ONE, "r2", None, 13)
    assert [item["release"] for item in history.read(root)] == ["r2"]


def test_what_is_kept_is_what_is_whole(root: Paths, engine: FakeEngine) -> None:
    for name in ("whole", "half", "secretless"):
        os.makedirs(root.release(name))
        for file in RELEASE_FILES[: 2 if name == "half" else 3]:
            Path(root.release(name), file).write_text(release(name)["files"][file], encoding="utf-8")
    os.makedirs(root.secrets_dir("whole"))
    os.makedirs(root.keys)
    for path in (root.environment("whole"), root.node_key):
        Path(path).write_text("x", encoding="utf-8")
    Path(root.peers).write_text(json.dumps({"revision": "p", "multiaddrs": ["/ip4/10.0.0.2/tcp/1/p2p/Q"]}))
    found = kept.observe(root, observing.take(root))
    assert {name: item["secrets"] for name, item in found["kept"].items()} == {"whole": True, "secretless": False}
    assert found["kept"]["whole"]["files"] == release("whole")["files"]
    assert (found["peers"], found["history"]) == (["/ip4/10.0.0.2/tcp/1/p2p/Q"], [])
