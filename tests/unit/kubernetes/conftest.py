# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for an API server, against which a verb runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_watch
from tests.unit.kubernetes.fake_api import FakeApi


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(kubernetes_watch, "_INTERVAL", 0.01)
    monkeypatch.setattr(kubernetes_watch, "_is_over", lambda fault, *_: fault.patience is not None)
    found = FakeApi(tmp_path)
    yield found
    found.close()
