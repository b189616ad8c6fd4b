# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealed values: this run reads them, in whichever of its processes, and no other run does."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory
from ansible_collections.praxis.cloud.plugins.plugin_utils.sealed import seal, unseal
from tests.unit.plan.made import only

VALUE = {"secrets": {"A": "planted-quote-'-and-$-and-\u00fc"}, "registry": None, "n": [1, True]}
SEALER = """\
import sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
from ansible_collections.praxis.cloud.plugins.plugin_utils.sealed import seal
sys.stdout.buffer.write(seal({"secrets": {}}))
"""


def refused(token: bytes) -> None:
    with pytest.raises(Failed) as error:
        unseal(token)
    finding = only(error.value)
    assert finding.code == "sealed-elsewhere"
    assert "the same ansible-playbook" in finding.fix
    assert error.value.__suppress_context__


def test_round_trip() -> None:
    token = seal(VALUE)
    assert unseal(token) == VALUE
    assert b"planted" not in token
    assert seal(VALUE) != token


def test_a_task_is_a_fork_of_this_process_and_reads_what_it_sealed() -> None:
    fork = multiprocessing.get_context("fork")
    queue: Any = fork.SimpleQueue()
    task = fork.Process(target=lambda token: queue.put(unseal(token)), args=(seal(VALUE),))
    task.start()
    task.join(30)
    assert task.exitcode == 0
    assert queue.get() == VALUE


@pytest.mark.slow
def test_another_run_is_refused(tmp_path: Path) -> None:
    token = subprocess.run([sys.executable, "-c", SEALER], capture_output=True, timeout=60, check=True).stdout
    refused(token)
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed" / "m1").write_bytes(token)
    with pytest.raises(Failed) as error:
        RunDirectory(str(tmp_path)).secrets("m1")
    assert only(error.value).code == "sealed-elsewhere"


@pytest.mark.parametrize("token", [b"", b"planted", seal(VALUE)[:-4], seal(VALUE).replace(b"gAAAA", b"hAAAA")])
def test_what_was_changed_is_refused(token: bytes) -> None:
    refused(token)
