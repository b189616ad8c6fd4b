# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment at a time."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import deploy
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


@pytest.mark.parametrize("end", [RuntimeError, SystemExit])
def test_the_lock_is_free_and_nobody_s_however_its_holder_ends(tmp_path: Path, end: type[BaseException]) -> None:
    """A module ends within it by what is an exit, and no error."""
    path = str(tmp_path / "praxis.lock")
    with pytest.raises(end), locked(path, "first", 1):
        raise end
    assert Path(path).read_text() == ""
    with locked(path, "second", 0):
        assert Path(path).read_text() == "second"
    assert Path(path).read_text() == ""
    assert Path(path).stat().st_mode & 0o777 == 0o600


def test_on_a_full_disk_it_holds_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = str(tmp_path / "praxis.lock")
    monkeypatch.setattr(os, "pwrite", full)
    with locked(path, "state=restored", 1):
        second = locked(path, "other", 0)
        with pytest.raises(Failed) as caught:
            second.__enter__()
    assert "unknown" in caught.value.findings[0].what


@pytest.mark.parametrize("deployment", [None, SimpleNamespace(owner="ann@desk", run="20260101T000000Z-a1b2c3")])
def test_who_holds_it_says_what_it_does_since_when_and_for_whom(deployment: SimpleNamespace | None) -> None:
    """Before the fleet is locked, while releases are prepared, a step is nobody's yet."""
    release = SimpleNamespace(id="5f00d1")
    desired: Any = SimpleNamespace(state="active", release=release, previous=None, deployment=deployment)
    words = deploy.holder_of(desired).split()
    assert words[:2] == ["state=active", "release=5f00d1"]
    assert deploy.holder_of(desired, "draining").split()[0] == "state=draining"
    assert [word.partition("=")[0] for word in words[2:4]] == ["pid", "since"]
    assert words[4:] == ([] if deployment is None else ["owner=ann@desk", "run=20260101T000000Z-a1b2c3"])
