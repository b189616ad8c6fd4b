# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node of a swarm is not given live-restore: its engine would not start again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine
from tests.unit.host.test_deploy import run


@pytest.mark.parametrize(
    ("state", "live_restore", "code"),
    [
        ("active", True, "engine-in-swarm"),
        ("locked", True, "engine-in-swarm"),
        ("active", False, None),
        ("inactive", True, None),
        ("", True, None),
    ],
)
def test_an_engine_in_a_swarm_is_not_given_live_restore(
    paths: Paths, engine: FakeEngine, docker: Path, state: str, live_restore: bool, code: str | None
) -> None:
    engine.info["Swarm"] = {"LocalNodeState": state}
    result = run(paths, "prepared", engine={"daemon": {"live-restore": live_restore}})
    assert (result["failure"] or {}).get("code") == code
    assert os.path.exists(paths.root) is False or code is None
