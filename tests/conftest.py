# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test needs."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from ansible.plugins.loader import init_plugin_loader
from hypothesis import settings

from tests import deprecations, tiers

# Ansible's own importer must come first: a collection imported without it cannot be found as a plugin later.
init_plugin_loader()
deprecations.refuse_here()

# A shell has what it starts in the background ignore Ctrl-C, and the commands that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline per example: machines are shared and slow at times. CI draws the same examples every time, so that a red
# run is the change's doing; at a desk they differ, and so go on looking.
settings.register_profile("desk", tiers.examples(100), deadline=None)
settings.register_profile("ci", tiers.examples(100), deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session", autouse=True)
def _no_records_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Deployments leave their records in a folder of the tests', whatever starts them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector needs to go through it no more."""
    gc.collect()
    gc.freeze()
