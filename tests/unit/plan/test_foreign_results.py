# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of other collections' modules, as a hook has them: their words may be ours and mean something else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.callback import live, summary

OURS = {"code": "a-code", "what": "What.", "where": "here", "fix": "Fix."}


def result(**said: Any) -> Any:
    task, host = SimpleNamespace(get_name=lambda: "Ask"), SimpleNamespace(get_name=lambda: "m1")
    return SimpleNamespace(result=said, task=task, host=host)


@pytest.mark.parametrize("said", [
    {"failures": 3}, {"failures": ["a test"]}, {"failures": [{"name": "it"}]}, {"failure": "a word"}, {"failure": True},
])  # fmt: skip
def test_a_word_of_somebody_else_s_is_no_finding(said: dict[str, Any]) -> None:
    (found,) = summary.failures_of(result(**said, msg="2 tests failed."))
    assert (found["code"], found["what"]) == ("task-failed", "2 tests failed.")
    assert live._failure(result(**said)) == ""


def test_a_finding_is_one() -> None:
    assert summary.failures_of(result(failures=[OURS, OURS], failure=OURS)) == [OURS, OURS]
    assert summary.failures_of(result(failure=OURS)) == [OURS]
    assert live._failure(result(failure=OURS)) == "What."
