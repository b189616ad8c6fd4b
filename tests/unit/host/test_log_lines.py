# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines are shown only where what has to be masked in them is known."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine, framed
from tests.unit.host.test_deploy import SECRET, host, run

__all__ = ["host"]


@pytest.fixture
def stopped(host: Paths, engine: FakeEngine) -> Paths:
    """An agent that has ended, and said its secret before."""
    engine.run("r1", "exited")
    engine.log = framed(f"key={SECRET}\n")
    return host


def lines(paths: Paths) -> Any:
    return observing.take(paths)["container"]["logs"]


def lose_secrets(paths: Paths, part: str = "r1") -> None:
    """As a reboot does where nothing is sealed."""
    os.chmod(paths.secrets_dir(part), 0o700)
    os.unlink(paths.environment(part))


def test_they_are_masked(stopped: Paths) -> None:
    (line,) = lines(stopped)
    assert line.startswith("key=") and SECRET not in line


def test_none_are_shown_after_a_reboot_that_took_the_secrets(stopped: Paths) -> None:
    lose_secrets(stopped)
    assert lines(stopped) == []
    Path(stopped.release("r1"), "release.json").unlink()
    assert lines(stopped) == []


def test_none_are_shown_in_the_place_of_a_failed_start_either(stopped: Paths, docker: Path) -> None:
    lose_secrets(stopped)
    (docker / "fail").write_text("no")
    assert SECRET not in json.dumps(run(stopped, "active", peers=None))


@pytest.mark.parametrize(("secrets", "shown"), [({}, ["hello"]), ({"TOKEN": "1"}, [])])
def test_a_service_without_secrets_has_none_to_mask(
    host: Paths, engine: FakeEngine, secrets: dict[str, str], shown: list[str]
) -> None:
    file = Path(host.release("r1"), "release.json")
    manifest = json.loads(file.read_text())
    manifest["services"] = {"cache": {"part": "p1", "image": "i", "secrets": secrets}}
    file.write_text(json.dumps(manifest))
    os.symlink("releases/r1", host.current)
    engine.beside("cache", "p1", "exited")
    engine.log = framed("hello\n")
    assert observing.take(host)["services"]["cache"]["logs"] == shown
