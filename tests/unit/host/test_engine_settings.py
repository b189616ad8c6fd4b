# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that were written for the engine and not taken up: a run was cut off between the two."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import engine_settings, observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine


@pytest.mark.parametrize(
    ("written", "started", "running", "expected"),
    [
        (None, 100, True, False),
        (200, 100, True, True),
        (200, 300, True, False),  # somebody else has restarted it
        (200, 300, False, True),  # it did not start with them
        (200, None, True, True),  # its file is elsewhere
    ],
)
def test_pending(paths: Paths, written: int | None, started: int | None, running: bool, expected: bool) -> None:
    for path, time in ((paths.engine_pending, written), (paths.engine_pid, started)):
        if time is not None:
            Path(path).touch()
            os.utime(path, (time, time))
    assert engine_settings.pending(paths, running) is expected


def test_an_observation_says_so(paths: Paths, engine: FakeEngine, docker: Path) -> None:
    assert observation.observe_engine(paths)["pending"] is False
    Path(paths.engine_pending).touch()
    assert observation.observe_engine(paths)["pending"] is True
