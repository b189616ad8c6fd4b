# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show how a run goes, in a few lines that are redrawn in place."""

from __future__ import annotations

DOCUMENTATION = r"""
name: live
type: stdout
short_description: Show how a deployment goes, in a few lines that are redrawn in place
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - While a playbook of the collection runs, it shows the play, which batch of how many, which hosts are at work on what
    and for how long, which hosts have failed and why, and how many have reached what.
  - At the end it prints what P(praxis.cloud.summary#callback) prints, the table or what stopped the run.
  - Warnings are printed above the lines. Results of tasks are not printed, and neither are diffs and what
    M(ansible.builtin.debug) says in a hook; the default callback prints those.
  - A host is at its stage for as long as its task runs. What goes on within the task is not known before its end, and
    is not shown, such as how much of an image has been pulled, or how many connections an agent still has.
  - What takes less than a second is not shown.
  - Where standard output is no terminal, or E(TERM) is V(dumb), each stage that a batch comes to and
    each host that fails is one line. A log file gets the same lines.
  - When nobody reads the output any more, as with C(| head), the run goes on, and a log file gets the rest. With
    Ansible's own callbacks a run ends there.
"""

EXAMPLES = r"""
# ANSIBLE_STDOUT_CALLBACK=praxis.cloud.live ansible-playbook praxis.cloud.deploy
"""

import threading
import time
from typing import Any, List, Optional

from ansible.utils.helpers import pct_to_int

from ansible_collections.praxis.cloud.plugins.callback import summary
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import progress, stages
from ansible_collections.praxis.cloud.plugins.plugin_utils import live_screen, screen


class CallbackModule(summary.CallbackModule):
    """The summary, and until then the run's progress. Ansible calls it from two threads, one at a time; the screen
    draws from a third."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = screen.LIVE_CALLBACK

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._progress = progress.Progress(time.monotonic())
        self._screen: Optional[live_screen.LiveScreen] = None

    def lines(self, width: int, height: int) -> List[str]:
        """For the screen."""
        return progress.lines(self._progress, time.monotonic(), width, height, screen.paint)

    def news(self) -> List[str]:
        """For a log."""
        return self._progress.news(time.monotonic())

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Begin to draw."""
        self._progress = progress.Progress(time.monotonic())
        self._screen = live_screen.LiveScreen(self._display, self, self._lock)
        self._screen.start()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play begins, or its next batch."""
        variables = play.get_variable_manager().get_vars(play=play)
        # Of a play for nobody Ansible says that it is for everybody in the inventory.
        everyone = variables["ansible_play_hosts_all"] if play.hosts else []
        batch = variables["ansible_play_batch"] if play.hosts else []
        serial = [pct_to_int(size, len(everyone)) for size in play.serial]
        name = play.get_name() + (" (check mode)" if play.check_mode else "")
        with self._lock:
            self._progress.play(name, batch, everyone, serial, time.monotonic())

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task is sent to a host."""
        with self._lock:
            self._progress.start(_task(task), host.get_name(), time.monotonic())

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task has ended; what happened to a host is data, so it may have failed all the same."""
        super().v2_runner_on_ok(result)
        self._end(result, failure=_failure(result), halfway=result.result.get("outcome") == "needs-docker")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task has failed."""
        super().v2_runner_on_failed(result, ignore_errors)
        self._end(result, failure="" if ignore_errors else summary.failures_of(result)[0]["what"], halfway=True)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host cannot be reached."""
        super().v2_runner_on_unreachable(result)
        self._end(result, failure=summary.unreachable(result)["what"])

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task had nothing to do on a host."""
        self._end(result, skipped=True)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """An item of a loop has ended."""
        self._item(result, _failure(result))

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """An item of a loop has failed, or its host was not reached."""
        self._item(result, summary.failures_of(result)[0]["what"])

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Stop drawing; the summary is the end."""
        if self._screen:
            self._screen.stop()
        super().v2_playbook_on_stats(stats)

    def _end(self, result: Any, **how: Any) -> None:
        with self._lock:
            self._progress.end(_task(result.task), result.host.get_name(), time.monotonic(), **how)

    def _item(self, result: Any, failure: str) -> None:
        about = result.result.get(result.result.get("ansible_loop_var", "item"))
        with self._lock:
            self._progress.item(_task(result.task), str(about), failure, time.monotonic())


def _task(task: Any) -> stages.Task:
    role = getattr(task, "_role", None)
    return stages.Task(
        name=str(task.name or task.action),
        action=str(task.resolved_action or task.action),
        word=stages.word_of(task.args, task.get_vars()),
        role=role.get_name() if role else "",
        once=bool(task.run_once) or task.delegate_to == progress.LOCALHOST,
    )


def _failure(result: Any) -> str:
    """What a host says is wrong with it, in a result that has not failed."""
    said = result.result.get("failure")
    return str(said["what"]) if summary.is_finding(said) else ""
