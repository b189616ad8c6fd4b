# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What agent_release and agent_info share on the controller: a slice goes out, the answer into the run's directory.

Whatever happens to a host is data: the task does not fail, so that the plays that roll back still see the host.
Only an unreachable host is raised, because Ansible has a name of its own for that; the plays ignore it.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any, Callable, Dict, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding, failure_result
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, record, step_failure
from ansible_collections.praxis.cloud.plugins.plugin_utils import host_shell, screen
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class HostAction(ActionBase):  # type: ignore[misc]
    """Base of the action plugins that carry a host's slice to it. Without ``run`` they are their modules, no more."""

    TRANSFERS_FILES = False
    module = ""

    def arguments(self, run: RunDirectory, name: str, args: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """The module's arguments, or None when there is nothing to do on this host."""
        raise NotImplementedError

    def reported(self, run: RunDirectory, name: str, args: Dict[str, Any], outcome: Dict[str, Any]) -> None:
        """Once the host has answered, or could not be reached.

        :param args: what :meth:`arguments` gave.
        """

    def execute(self, name: str, args: Dict[str, Any], task_vars: Dict[str, Any]) -> Dict[str, Any]:
        """Run the module on the host; its answer."""
        answer: Dict[str, Any] = self._execute_module(module_name=self.module, module_args=args, task_vars=task_vars)
        return answer

    def observes(self, args: Dict[str, Any]) -> bool:
        """Whether what the host answers is the newest observation of it."""
        return True

    def allow(self, name: str) -> None:
        """Refuse a host that the module must not be sent to.

        :raises Failed: saying why.
        """

    def observe_way(self, name: str, args: Dict[str, Any], by_hand: bool) -> None:
        """Refuse a host whose connection the module's arguments must not take. May ask the host, with nothing secret.

        :param by_hand: the task is no part of a run.
        :raises Failed: saying why.
        """

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        # A delegated task bears the name of the host that delegates.
        name = str(args.pop("member", None) or task_vars["inventory_hostname"])
        try:
            self.allow(name)
            hold_to_ours(self._connection)
            if "run" not in args:
                require_root(self._connection, self._task, name)
                self.observe_way(name, args, by_hand=True)
                outcome = self._execute_module(module_name=self.module, module_args=args, task_vars=task_vars)
                return {**result, **outcome}
            run = RunDirectory(str(args.pop("run")))
            module_args = self.arguments(run, name, args)
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
        if module_args is None:
            return {**result, "changed": False, "skipped": True, "skip_reason": "Nothing to do on this host."}
        with run.journal.step(record.step_of(module_args.get("state")), [name]) as step:
            outcome = self._ask(run, name, module_args, task_vars)
            step.outcome = (outcome.get("failure") or {}).get("code") or record.OK
        return {**result, **outcome}

    def _ask(
        self, run: RunDirectory, name: str, module_args: Dict[str, Any], task_vars: Dict[str, Any]
    ) -> Dict[str, Any]:
        observes = self.observes(module_args)
        if observes:
            run.forget(name)
        asked = time.time()
        try:
            require_root(self._connection, self._task, name)
            self.observe_way(name, module_args, by_hand=False)
            asked = time.time()
            outcome: Dict[str, Any] = self.execute(name, module_args, task_vars)
        except Failed as error:
            outcome = {"failed": True, **error.as_result()}
        except AnsibleConnectionFailure as error:
            said = str(error)
            if step_failure.NO_PROMPT in said:
                said += " " + self._login_prints()
            run.report(name, {"unreachable": said})
            self.reported(run, name, module_args, {"unreachable": said})
            raise
        except AnsibleError as error:  # sudo that refuses is one; Ansible would drop the host from all later plays
            outcome = {"failed": True, "msg": str(error)}
        if outcome.get("failed"):
            outcome = {**outcome, **_as_data(name, outcome), "failed": False}
        clock = ((outcome.get("observation") or {}).get("host") or {}).get("clock")
        kept = {key: outcome[key] for key in _KEPT if key in outcome}
        if clock is not None:
            kept["clock_offset"] = clocks.offset(clock, asked, time.time())
        if observes or kept.get("failure"):
            run.report(name, kept)
        self.reported(run, name, module_args, outcome)
        return outcome

    def reconnect(self) -> None:
        """Let the next try have a connection of its own."""
        if self._connection.transport == "ssh":
            self._connection.reset()

    def _login_prints(self) -> str:
        """What a login prints where a command's output should be; nothing when it runs commands. Not as root: sudo is
        what gave no answer."""
        word = "praxis"
        try:
            # It has an input that ends: a menu would wait for a choice.
            answer = host_shell.ask(self, "echo %s" % word, sudoable=False)
        except AnsibleError as error:
            return str(error)
        printed = "%s %s" % (answer["stdout"], answer["stderr"])
        return "" if word in answer["stdout"].split() else step_failure.NO_COMMANDS + printed


#: Seconds after which a person reads that a host is waited for, and for whom.
PATIENCE = 3.0


def patiently(
    display: Display, name: str, patience: float, ask: Callable[[float], Dict[str, Any]]
) -> Dict[str, Any]:
    """A module's answer. It comes at the module's end only, so where another deployment holds the host, the module is
    run with little patience first, and once more when a person knows whom it waits for.

    :param patience: seconds to wait for the other deployment's step.
    :param ask: runs the module; it is given its patience.
    """
    first = min(PATIENCE, patience)
    answer, left = ask(first), patience - first
    failure = answer.get("failure") or {}
    if failure.get("code") != "host-locked" or left <= 0:
        return answer
    screen.report(display, "%s: %s Waiting %d s more at most." % (name, failure["what"], left))
    return ask(left)


#: Seconds that a host is waited for which is lost when its release is to be called good: a machine reboots in them.
BACK = 180.0
#: The same, of one that is lost when it is observed: a link that fails for a moment, a machine that stands still.
STILL = 60.0
PAUSE = 5.0


def persistently(
    display: Display,
    name: str,
    ask: Callable[[], Dict[str, Any]],
    reconnect: Callable[[], None],
    when: str = "while its release is called good",
    seconds: float = BACK,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Dict[str, Any]:
    """A module's answer, asked for again as long as a host that was lost may come back.

    It is for the steps that must not be missed on any host: that its release is good, for the others have called theirs
    good by then, and this one would roll itself back; and the observation that a batch or the fleet is judged by.

    :param when: for people, when it was lost.
    :param seconds: how long it is waited for.
    :raises AnsibleConnectionFailure: when it does not come back.
    """
    until: Optional[float] = None
    while True:
        try:
            answer = ask()
            cut_off = bool(answer.get("failed")) and not answer.get("failure")
            if until is None and not cut_off or not (cut_off or answer.get("failure")) or _over(until, clock):
                return answer
        except AnsibleConnectionFailure:
            if _over(until, clock):
                raise
        if until is None:
            until = clock() + seconds
            screen.report(display, "%s: lost %s. Waiting %d s at most." % (name, when, seconds))
        sleep(PAUSE)
        reconnect()


def _over(until: Optional[float], clock: Callable[[], float]) -> bool:
    return until is not None and clock() >= until


def asks_for_terminal(connection: Any, option: str) -> bool:
    """Whether these arguments of SSH's ask for a terminal."""
    given = str(connection.get_option(option) or "") if connection.transport == "ssh" else ""
    return bool(re.search(r"(^|\s)-t+(\s|$)|(?i:requesttty[=\s]+(yes|force))", given))


def require_root(connection: Any, task: Any, name: str) -> None:
    """A step that the playbook runs as root is run as root: variables of the inventory come before a play's words.

    :raises Failed: where they turn sudo off, unless root logs in.
    """
    become = connection.become
    if become is not None:
        become.set_option("become_user", "root")
    elif task.become and connection.transport == "ssh" and connection.get_option("remote_user") not in (None, "root"):
        raise Failed(
            Finding(
                code="become-off",
                what="The variable ansible_become is false for this host, and a step needs root.",
                where=name,
                fix="Remove ansible_become from the variables of this host and its groups, or set it to true.",
            )
        )


#: Half a minute of silence; and of -t and -T, and of RequestTTY, the last counts.
_LAST = "-o ServerAliveInterval=10 -o ServerAliveCountMax=3 -T"
SSH_ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")
_HOST_KEYS = "stricthostkeychecking"

#: What of a module's answer the verdict needs later.
_KEPT = ("changed", "outcome", "activation", "reasons", "failure", "evidence", "observation", "examination")


def _as_data(name: str, outcome: Dict[str, Any]) -> Dict[str, Any]:
    if outcome.get("failure"):
        return {"outcome": "failed"}
    return {"outcome": "failed", **failure_result([not_run(name, outcome)])}


def not_run(name: str, outcome: Mapping[str, Any]) -> Finding:
    """Why a module gave no answer of its own on a host, from what Ansible says in its place."""
    said = " ".join(str(outcome.get(key) or "") for key in ("msg", "module_stderr"))
    return step_failure.not_run(name, said, str(outcome.get("module_stdout") or ""))


def hold_to_ours(connection: Any) -> None:
    """What our steps need of SSH, whatever an ansible.cfg, the inventory or ~/.ssh/config ask of it.

    No terminal, because one writes what it is given on its screen, secrets included. Host keys that are checked as the
    inventory says: `host_key_checking = false` would come before it, and SSH takes the first that it is given. And an
    end to a link that has gone dead in the middle of a step; by itself SSH would wait for good. That comes last, so a
    user's own setting holds. A connection that was left open by other tasks (ControlPersist) does not have it, and goes
    by its own options: so ours are shared among ours only, unless a user names the path. And only where all arguments
    are the same: behind two bastions one address is two machines.
    """
    if connection.transport != "ssh":
        return
    given = connection.get_option("ssh_extra_args") or ""
    if not given.endswith(_LAST):
        connection.set_option("ssh_extra_args", ("%s %s" % (given, _LAST)).strip())
    asked = " ".join(str(connection.get_option(name) or "") for name in SSH_ARGUMENTS)
    if _HOST_KEYS in asked.lower():
        connection.set_option("host_key_checking", True)
    if not connection.get_option("control_path"):
        whose = [str(connection.get_option(name)) for name in ("host", "port", "remote_user", "ssh_executable")]
        digest = hashlib.sha256(" ".join(["praxis", *whose, asked]).encode()).hexdigest()
        # As short as Ansible's own: a socket's path has little room.
        connection.set_option("control_path", "%(directory)s/" + digest[:10])
