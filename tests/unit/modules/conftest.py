# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run against the cloud in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.conftest import Cloud, environment
from tests.unit.modules.runner import Runner


@pytest.fixture(scope="session")
def _runner(_server: Cloud) -> Iterator[Runner]:
    runner = Runner(environment(_server))
    yield runner
    runner.close()


@pytest.fixture
def run(_runner: Runner, cloud: Cloud) -> Any:
    """``run(module, check=…, **options) -> Ran``."""
    return _runner.run
