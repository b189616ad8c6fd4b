# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""praxis_hooks: which files are meant, and what is reported before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import POINTS
from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import hooks as with_loader


def hooks(given: Any) -> tuple[dict[str, str], list[Finding]]:
    """As a run reads them: by Ansible's own loader."""
    return with_loader(given, DataLoader().load_from_file)


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
        ({"failure": "/nowhere/a.yml"}, ("hook-missing", "praxis_hooks.failure", "absolute or relative")),
        ({"failure": "/"}, ("hook-missing", "praxis_hooks.failure", "absolute or relative")),
    ],
)
def test_a_wrong_one_is_reported(given: Any, reported: tuple[str, str, str]) -> None:
    (finding,) = hooks(given)[1]
    assert (finding.code, finding.where) == reported[:2]
    assert reported[2] in finding.fix


def test_all_are_reported_at_once() -> None:
    assert [finding.where for finding in hooks({"plan": 1, "later": "x", "success": "/nowhere"})[1]] == [
        "praxis_hooks.plan", "praxis_hooks.later", "praxis_hooks.success"]  # fmt: skip


def found_in(folder: Path, tasks: str) -> list[tuple[str, str, str]]:
    path = folder / "hook.yml"
    path.write_text(tasks)
    return [(item.code, item.where, item.what) for item in hooks({"after_batch": str(path)})[1]]


PAGE = "- name: Page somebody\n  ansible.builtin.command: page\n"


@pytest.mark.parametrize(
    "tasks",
    [
        PAGE,
        PAGE + "  run_once: false\n",
        PAGE + "  any_errors_fatal: 'no'\n",
        "- name: A fact of that name\n  ansible.builtin.set_fact:\n    run_once: true\n",
        "- ansible.builtin.meta: flush_handlers\n",
        "- ansible.builtin.include_tasks: '{{ which }}.yml'\n",
        "- ansible.builtin.include_tasks: hook.yml\n",  # itself
        "- name: Unset\n  ansible.builtin.debug:\n    msg: !unsafe '{{ x }}'\n  run_once:\n",
    ],
)
def test_tasks_that_harm_nobody_are_taken(tmp_path: Path, tasks: str) -> None:
    assert found_in(tmp_path, tasks) == []


@pytest.mark.parametrize(
    ("tasks", "named"),
    [
        (PAGE + "  run_once: true\n", "run_once"),
        (PAGE + "  run_once: 'yes'\n", "run_once"),
        (PAGE + "  run_once: '{{ once }}'\n", "run_once"),
        (PAGE + "  any_errors_fatal: true\n", "any_errors_fatal"),
        ("- name: Page somebody\n  run_once: true\n  block:\n    - command: page\n", "run_once"),
        ("- block:\n    - block: []\n      rescue: [{name: Page somebody, ping: '', run_once: true}]\n", "run_once"),
        ("- name: Page somebody\n  include_tasks: {file: x.yml, apply: {run_once: true}}\n", "run_once"),
        ("- name: Page somebody\n  ansible.builtin.meta: end_host\n", "meta: end_host"),
        ("- name: Page somebody\n  meta: end_play\n  when: enough\n", "meta: end_play"),
    ],
)  # fmt: skip
def test_a_task_that_takes_hosts_out_of_the_run_is_refused(tmp_path: Path, tasks: str, named: str) -> None:
    ((code, where, what),) = found_in(tmp_path, tasks)
    assert (code, where) == ("hook-unfit", "praxis_hooks.after_batch")
    assert f"`{named}`" in what and '"Page somebody"' in what


@pytest.mark.parametrize("include", ["inner/all.yml", "{file: inner/all.yml}"])
@pytest.mark.parametrize("action", ["include_tasks", "ansible.builtin.import_tasks"])
def test_an_included_file_is_read_as_well(tmp_path: Path, action: str, include: str) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "all.yml").write_text("- include_tasks: more.yml\n")
    (tmp_path / "inner" / "more.yml").write_text(PAGE + "  run_once: true\n")
    ((code, _where, what),) = found_in(tmp_path, f"- {action}: {include}\n")
    assert code == "hook-unfit" and "Page somebody" in what


@pytest.mark.parametrize("tasks", ["- name: [", "name: Page\n", "- page\n", "- block: page\n"])
def test_a_file_that_would_stop_the_run_in_its_middle_is_refused(tmp_path: Path, tasks: str) -> None:
    ((code, where, _what),) = found_in(tmp_path, tasks)
    assert (code, where) == ("hook-unreadable", "praxis_hooks.after_batch")
