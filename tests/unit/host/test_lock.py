# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host.lock import locked


def test_a_second_deployment_waits_and_then_names_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "praxis.lock")
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with locked(path, "state=active pid=1", 1):
        second = locked(path, "other", 3, clock=lambda: now[0], sleep=sleep)
        with pytest.raises(Failed) as caught:
            second.__enter__()
    finding = caught.value.findings[0]
    assert finding.code == "host-locked"
    assert "state=active pid=1" in finding.what
    assert now[0] >= 3


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "praxis.lock")
    with pytest.raises(RuntimeError), locked(path, "first", 1):
        raise RuntimeError
    with locked(path, "second", 0):
        assert Path(path).read_text() == "second"
    assert Path(path).read_text() == ""
    assert Path(path).stat().st_mode & 0o777 == 0o600
