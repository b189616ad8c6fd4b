# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with an image, a secret and the seeds of three slots; and this process's SDK pointed at it."""

from __future__ import annotations

import json
import os

import pytest

from tests.unit.conftest import Cloud, environment
from tests.unit.google import conftest as google_conftest
from tests.unit.plan.made import OPENAI, Account

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
