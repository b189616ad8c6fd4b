# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with an image, a secret and the seeds of three slots, and this process's SDK pointed at it; and whole runs
without a disk."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from ansible_collections.praxis.cloud.plugins.action import agent_info, agent_release, fleet_lock
from ansible_collections.praxis.cloud.plugins.plugin_utils import run_directory
from tests.unit.conftest import Cloud, environment
from tests.unit.google import conftest as google_conftest
from tests.unit.plan.made import OPENAI, Account
from tests.unit.plan.made_run import Facts

google = google_conftest.google


@pytest.fixture
def empty(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Account:
    """An account that holds an image and a secret, and no identity yet."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "GCP_"))]:
        monkeypatch.delenv(name)
    for name, value in environment(cloud).items():
        monkeypatch.setenv(name, value)
    account = Account(cloud)
    account.repository()
    account.push("1.0")
    account.secret("llm", json.dumps({"openai": OPENAI, "other": "planted-other-91d2"}))
    return account


@pytest.fixture
def account(empty: Account) -> Account:
    """The same, with the seeds of ``aws-1`` to ``aws-3``."""
    empty.seeds((1, 2, 3))
    return empty


@pytest.fixture(scope="module")
def no_disk() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_directory, "FactFiles", Facts)
        patch.setattr(fleet_lock, "MOMENT", 0.0)  # no time passes, and the lock is seen to each time
        for module in (agent_info, agent_release):  # a host that is lost stays away
            patch.setattr(module, "persistently", lambda _display, _name, ask, *_more, **_words: ask())
        yield patch
