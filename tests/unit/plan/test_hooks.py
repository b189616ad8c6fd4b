# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""praxis_hooks: which files are meant, and what is reported before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import POINTS, hooks


@pytest.mark.parametrize("given", [None, "", {}])
def test_nothing_is_nothing(given: Any) -> None:
    assert hooks(given) == ({}, [])


def test_a_file_may_be_named_from_where_the_run_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "silence.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    whole = str(tmp_path / "silence.yml")
    for given in ("silence.yml", "./silence.yml", "~/silence.yml", whole):
        assert hooks(dict.fromkeys(POINTS, given)) == (dict.fromkeys(POINTS, whole), [])


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ("a.yml", ("bad-variable", "praxis_hooks", "before_batch")),
        (["a.yml"], ("bad-variable", "praxis_hooks", "before_batch")),
        ({"befor_batch": "a.yml"}, ("bad-variable", "praxis_hooks.befor_batch", "Did you mean before_batch?")),
        ({"plan": ["a.yml"]}, ("bad-variable", "praxis_hooks.plan", "tasks file")),
        ({"plan": 7}, ("bad-variable", "praxis_hooks.plan", "tasks file")),
        ({"failure": "/nowhere/a.yml"}, ("hook-missing", "praxis_hooks.failure", "whole path")),
        ({"failure": "/"}, ("hook-missing", "praxis_hooks.failure", "whole path")),
    ],
)
def test_a_wrong_one_is_reported(given: Any, reported: tuple[str, str, str]) -> None:
    (finding,) = hooks(given)[1]
    assert (finding.code, finding.where) == reported[:2]
    assert reported[2] in finding.fix


def test_all_are_reported_at_once() -> None:
    assert [finding.where for finding in hooks({"plan": 1, "later": "x", "success": "/nowhere"})[1]] == [
        "praxis_hooks.plan", "praxis_hooks.later", "praxis_hooks.success"]  # fmt: skip
