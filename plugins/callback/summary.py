# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what an operator wants of a run: its end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: stdout
short_description: Print only a run's summary, for a person or as JSON
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Prints nothing of the tasks. At the end it prints the summary that the collection's playbooks leave behind, as a
    table with its findings, or as one JSON object.
  - When a run was stopped before its summary, it prints what stopped it.
  - Warnings go to standard error. Colours are Ansible's own, so there are none when standard output is no terminal, or
    when E(NO_COLOR) or E(ANSIBLE_NOCOLOR) is set.
  - The JSON is an object with C(fleet), C(verdict) (V(good) or V(bad)), C(members) and C(findings). The file
    C(docs/status.md) of the collection describes it. When a run was stopped it is an object with C(failure), the first
    thing that was wrong, and C(failures), all of them, each with C(code), C(what), C(where) and C(fix); beside them
    stands what else the playbook left, such as C(backups) or C(deployments).
options:
  format:
    description: What to print.
    type: str
    choices:
      table: A table, cut to the terminal's width.
      json: One JSON object, and nothing else on standard output. Set E(ANSIBLE_VERBOSE_TO_STDERR) when you use C(-v).
    default: table
    env:
      - name: PRAXIS_SUMMARY_FORMAT
    ini:
      - section: callback_praxis_summary
        key: format
"""

EXAMPLES = r"""
# ANSIBLE_STDOUT_CALLBACK=praxis.cloud.summary PRAXIS_SUMMARY_FORMAT=json ansible-playbook praxis.cloud.status
"""

import json
import shutil
from typing import Any, Dict, List, Mapping, Optional

from ansible.plugins.callback import CallbackBase

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render, status
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import table
from ansible_collections.praxis.cloud.plugins.plugin_utils import screen


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Collects what failed, and prints once."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = screen.SUMMARY_CALLBACK

    def __init__(self) -> None:
        super().__init__()
        self._failures: List[Dict[str, Any]] = []

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show a task's warnings."""
        self._handle_warnings(result.result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep what failed: it may be what stops the run."""
        self._handle_warnings(result.result)
        if not ignore_errors:
            self._failures += failures_of(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep that a host was not reached."""
        self._failures.append(unreachable(result))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the summary, or what stopped the run before there was one."""
        summary = (stats.custom.get("_run") or {}).get("praxis_summary") or {}
        as_json = self.has_option("format") and self.get_option("format") == "json"
        if "members" in summary and "fleet" in summary:
            if as_json:
                self._print(status.document(summary))
            else:
                show = table.summary if summary.get("target") == "kubernetes" else render.summary
                screen.show(self._display, lambda width, paint: show(summary, width, paint), _width())
        elif summary.get("ok"):
            self._print(summary)
        else:
            failures = _reported(summary.get("findings") or []) or self._failures or [_NO_SUMMARY]
            self._stopped(failures, _beside(summary), as_json)

    def _print(self, value: Any) -> None:
        self._display.display(json.dumps(value, indent=2, default=str))

    def _stopped(self, failures: List[Dict[str, Any]], more: Mapping[str, Any], as_json: bool) -> None:
        if as_json:
            self._print({"failure": failures[0], "failures": failures, **more})
            return

        def lines(width: Optional[int], paint: render.Paint) -> List[str]:
            return [line for item in failures for line in render.finding(item, width, paint)]

        screen.show(self._display, lines, _width(), stderr=True)


_NO_SUMMARY = {
    "code": "no-summary",
    "what": "The run ended without a summary and without a failure.",
    "where": "ansible-playbook",
    "fix": "Check that the inventory has the fleet's hosts, and that the playbook is one of praxis.cloud.",
}


def _reported(findings: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The errors that a playbook itself gives as the reason why it went no further."""
    return [{key: item[key] for key in _NO_SUMMARY} for item in findings if item.get("level", "error") == "error"]


def _beside(summary: Mapping[str, Any]) -> Dict[str, Any]:
    """What a summary holds beside the reason why the run went no further: what was there, or was done until then."""
    return {key: value for key, value in summary.items() if key not in ("ok", "findings", "text")}


def failures_of(result: Any) -> List[Dict[str, Any]]:
    """What a failed task says is wrong; for a task that is not ours, its message."""
    said: Mapping[str, Any] = result.result
    given = said.get("failures") or [said.get("failure")]
    own = [item for item in given if is_finding(item)] if isinstance(given, list) else []
    if own:
        return own
    what = str(said.get("msg") or said.get("module_stderr") or "The task gave no reason.").strip()
    where = "%s (%s)" % (result.task.get_name(), result.host.get_name())
    fix = "Fix what the message says, then run this again; -vvv shows more."
    return [{"code": "task-failed", "what": what, "where": where, "fix": fix}]


def is_finding(item: Any) -> bool:
    """Whether this is one of ours. Modules of a user's hook have results of their own, and words of the same name."""
    return isinstance(item, Mapping) and set(_NO_SUMMARY) <= set(item)


def unreachable(result: Any) -> Dict[str, Any]:
    """What is wrong with a host that was not reached."""
    what = "The machine cannot be reached: %s" % str(result.result.get("msg", "")).strip()
    fix = "Check that the machine runs and that SSH reaches it."
    return {"code": "host-unreachable", "what": what, "where": result.host.get_name(), "fix": fix}


def _width() -> Optional[int]:
    """The terminal's width; None when there is no terminal, and COLUMNS says nothing."""
    return shutil.get_terminal_size((0, 0)).columns or None
