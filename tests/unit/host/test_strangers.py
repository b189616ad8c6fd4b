# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's Compose project of our name keeps its containers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine
from tests.unit.host.test_deploy import host, run

__all__ = ["host"]


def stack(service: str = "db") -> dict[str, Any]:
    labels = {"com.docker.compose.project": "praxis", "com.docker.compose.service": service}
    return {"Id": "57ac", "Created": 1, "Names": [f"/praxis-{service}-1"], "Labels": labels}


def composed(docker: Path) -> list[str]:
    calls = docker / "calls"
    return calls.read_text().splitlines() if calls.exists() else []


@pytest.mark.parametrize("service", ["db", "agent"])
@pytest.mark.parametrize("check", [False, True])
def test_a_machine_with_such_a_project_is_not_prepared(
    paths: Paths, engine: FakeEngine, docker: Path, service: str, check: bool
) -> None:
    engine.neighbours = [stack(service)]
    result = run(paths, "prepared", check=check)
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "project-taken")
    assert f"praxis-{service}-1" in result["failure"]["what"]
    assert not os.path.exists(paths.root)


@pytest.mark.parametrize("state", ["active", "restored", "absent"])
def test_one_that_came_later_keeps_its_containers(
    host: Paths, engine: FakeEngine, docker: Path, state: str
) -> None:
    if state != "active":
        engine.run("r1")
    engine.neighbours = [stack()]
    result = run(host, state)
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "project-taken")
    assert composed(docker) == []


def test_it_is_no_concern_of_a_removal_that_finds_nothing_of_ours_there(
    host: Paths, engine: FakeEngine, docker: Path
) -> None:
    engine.neighbours = [stack()]
    assert run(host, "absent")["outcome"] == "removed"
    assert composed(docker) == [] and not os.path.exists(host.root)


def test_agents_services_and_other_projects_are_no_strangers(
    paths: Paths, engine: FakeEngine, docker: Path
) -> None:
    """The agent of an earlier version carries the same label."""
    engine.run("0123456789ab")
    engine.beside("cache", "p1")
    engine.neighbours = [{"Id": "1", "Created": 1, "Labels": {"com.docker.compose.project": "praxis-blog"}}]
    assert run(paths, "prepared")["outcome"] == "prepared"
