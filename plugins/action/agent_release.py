# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.agent_release. Documentation: plugins/modules/agent_release.py."""

from __future__ import annotations

import os
import time
from typing import Any, Collection, Dict, Mapping, Optional, Tuple

from ansible import constants as C

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import recorders, step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences, observations_of, serving
from ansible_collections.praxis.cloud.plugins.plugin_utils import host_shell, left_balancers, screen
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_action import pace_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import (
    PATIENCE,
    SSH_ARGUMENTS,
    HostAction,
    asks_for_terminal,
    not_run,
    patiently,
    persistently,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.logins import LOGINS
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory

#: Beyond the gate's deadline: what switching a container takes.
LOCK_SECONDS = 60
#: The least that a rollback waits for its gate; a user's deadline may be shorter.
RESTORE_SECONDS = 120
#: States for which no secret has to travel.
PLAIN = ("confirmed",)
#: Arguments that nobody on the way may keep.
SECRET = ("secrets", "seed", "registry", "services")
#: States that arm the dead man's switch of a host, or wind it up again.
ARMING = ("prepared", "active")
#: Seconds between hosts that roll themselves back although their switches were wound up at the same time.
APART = 60.0
#: States that take the agent away from those who are connected to it.
DRAINED = ("active", "restored")
#: States after which a deployment has nothing more to do on a host, unless it activates its release there.
LAST = ("prepared", "confirmed", "restored")


class ActionModule(HostAction):
    module = "praxis.cloud.agent_release"

    def arguments(self, run: RunDirectory, name: str, args: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        state, options = args["state"], run.options()
        # Who comes later dials: a host that is activated finds the others where they are, and one that is rolled back,
        # where they were.
        back = run.touched() if state == "restored" else ()
        piece = run.host_slice(name, _moved(run, name, state), back)
        if not piece["release"]["id"]:
            return None  # a rollback that leaves this host out
        arguments = {
            **args,
            **({} if state in PLAIN else run.secrets(name)),
            "release": piece["release"],
            "peers": piece["peers"],
            "gate": {**piece["gate"], "min_edges": _min_edges(run, name), "deadline": options["deadline"]},
            "engine": piece["engine"],
            **({"data": piece["data"]} if "data" in piece else {}),
            "keep_releases": options["keep_releases"],
            "pull_deadline": options["pull_deadline"],
            # A step that was cut off from us goes on, and holds the host's lock until its gate's deadline.
            "lock_deadline": options["deadline"] + LOCK_SECONDS,
        }
        if state == "prepared":  # before it is registered anywhere
            arguments["balancers"] = left_balancers.of_member(options["balancers"], name)
        acting = not self._task.check_mode
        failed = args.get("engine_failure")
        if isinstance(failed, Mapping):
            arguments["engine_failure"] = step_failure.of_task(**failed) if failed else ""
        # A run that leaves the fleet to a person, should another one have stopped in its middle, keeps no host waiting.
        if state in ARMING and acting and not (state == "prepared" and options.get("unfinished") == "refuse"):
            later = _turn(run, name) * APART if state == "prepared" else 0.0
            arguments["confirm_within"] = float(options["confirm_deadline"]) + later
        held = run.lock.deployment_on(name)
        if held is not None and acting:
            arguments["deployment"] = {**held, "last": state in LAST and name != held["lock_host"]}
        if state == "active" and acting:
            observation = (run.outcome(name) or {}).get("observation") or {}
            run.touch(name, (observation.get("release") or {}).get("good"))
        if state in DRAINED and acting:
            arguments["drain"] = run.draining(name)
        return _rolling_back(run, name, arguments) if state == "restored" else arguments

    def execute(self, name: str, args: Dict[str, Any], task_vars: Dict[str, Any]) -> Dict[str, Any]:
        """Where another deployment holds the host, wait for it in words; and for a host that is lost at the end."""
        run = super().execute
        if args.get("drain", 0) > PATIENCE:
            words = "%s: waiting %d s at most for the connections of its clients to end."
            screen.report(self._display, words % (name, args["drain"]))

        until = time.monotonic() + args.get("drain", 0)

        def ask(patience: float) -> Dict[str, Any]:
            drain = {"drain": max(0.0, until - time.monotonic())} if "drain" in args else {}
            return run(name, {**args, "lock_deadline": patience, **drain}, task_vars)

        def wait() -> Dict[str, Any]:
            return patiently(self._display, name, args["lock_deadline"], ask)

        return persistently(self._display, name, wait, self.reconnect) if args["state"] == "confirmed" else wait()

    def observes(self, args: Dict[str, Any]) -> bool:
        """Not where the host only gets to know the verdict: the last observation had fresh dials, and stands."""
        return args["state"] not in PLAIN

    def reported(self, run: RunDirectory, name: str, args: Dict[str, Any], outcome: Dict[str, Any]) -> None:
        """Keep what later steps are held against: the container that was activated, and a rollback that failed."""
        if args.get("deployment") and not outcome.get("failure") and "observation" in outcome:
            run.lock.renew()
        observation = outcome.get("observation") or {}
        container = observation.get("container")
        if args["state"] == "active" and container and not self._task.check_mode:
            run.activate(name, container, observation.get("services") or {})
        failed = absences([name], {name: outcome}).get(name)
        if args["state"] == "restored" and failed is not None:
            what = "The host could not be rolled back to release %s: %s" % (run.touched()[name] or "none", failed.what)
            run.record([Finding("not-rolled-back", what, name, failed.fix)])

    def allow(self, name: str) -> None:
        """Without pipelining the module, secrets included, would be written to the machine's disk; with Ansible's debug
        output they would be printed, because that holds every module's arguments, whatever no_log says."""
        if C.DEFAULT_DEBUG:
            raise Failed(
                Finding(
                    code="ansible-debug",
                    what="Ansible's debug output is on, and it would print the secrets that go to the machine.",
                    where=name,
                    fix="Unset ANSIBLE_DEBUG, and `debug` in ansible.cfg; -vvvvv shows much and no secrets.",
                )
            )
        # Ansible's own decision for a module: 2.21 asks there, and no longer the connection, for kept remote files.
        if not self._is_pipelining_enabled("new"):
            why, fix = _not_pipelined(self._connection)
            what = "%s, so secrets would be written to a file on the machine." % why
            raise Failed(Finding("no-pipelining", what, name, fix))

    def observe_way(self, name: str, args: Dict[str, Any], by_hand: bool) -> None:
        """Before a run's first secret travels, see that the machine's steps read what the connection sends, and not
        what a recorder hands over. Later steps take the same way; a rollback must not be refused for it."""
        if not (by_hand or args["state"] == "prepared") or not any(args.get(key) for key in SECRET):
            return
        # It has an input of its own, as the module has.
        answer = host_shell.ask(self, recorders.PROBE)
        processes = recorders.chain(answer["stdout"])
        if not processes:
            said = {"module_stdout": answer["stdout"], "module_stderr": answer["stderr"]}
            raise Failed(not_run(name, said))
        controller = None if self._connection.transport in LOGINS else os.getpid()
        finding = recorders.recorded(name, processes, controller)
        if finding is not None:
            raise Failed(finding)


def _rolling_back(run: RunDirectory, name: str, arguments: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """The arguments of a host's rollback, which begins now; None for a host that this run has not disturbed."""
    touched = run.touched()
    if name not in touched:
        return None
    arguments["previous"] = touched[name]
    arguments["gate"]["min_edges"] = _edges_of_others(run, name)
    # What made the new release fail may have been too little time.
    arguments["gate"]["deadline"] = max(arguments["gate"]["deadline"], RESTORE_SECONDS)
    run.roll_back(name)
    if run.exchanged(name):
        run.record([_data_stays(name, run.exchanged(name))])
    return arguments


def _data_stays(name: str, replaced: str) -> Finding:
    """A rollback is to a release; data goes forward only."""
    what = "The host's release was rolled back, but its data is that of the backup. The previous disk, %s, was kept."
    fix = "Remove the cause, and restore the backup again; or put that disk back by hand (docs/data.md)."
    return Finding("data-not-rolled-back", what % replaced, name, fix, level=WARNING)


def _moved(run: RunDirectory, name: str, state: str) -> Optional[Collection[str]]:
    """The members that listen at their new P2P port when a host comes to this state; None: everybody."""
    if state == "active":
        return {*run.activated_names(), *run.order.batch_of(name)}
    return () if state == "restored" else None


def _turn(run: RunDirectory, name: str) -> int:
    """When it is a host's turn to roll itself back, if nobody goes on: not more of them at a time than in a batch."""
    members, options = list(run.table().order), run.options()
    return members.index(name) // pace_of(options).size(len(members)) if "batch" in options else 0


def _min_edges(run: RunDirectory, name: str) -> int:
    """What the order asks for, and for an agent of a user's own play what that says."""
    return max(int(run.order.gates().get(name, 0)), int(run.options().get("min_edges", 0)))


def _edges_of_others(run: RunDirectory, name: str) -> int:
    """The live edges that a host needs after its rollback: to members that this run did not touch and that serve."""
    table = run.table()
    others = serving(table, observations_of(run.outcomes())).difference(run.touched())
    return min(table.min_edges, len(others.intersection(table.around[name])))


def _not_pipelined(connection: Any) -> Tuple[str, str]:
    """Why a connection does not pipeline, and what would make it."""
    become = connection.become
    if become is not None and not become.pipelining:
        fix = "Set ansible_become_method (ANSIBLE_BECOME_METHOD) to a method that needs no terminal, such as sudo."
        return "The become method %s forbids pipelining" % become.name, fix
    if not connection.has_pipelining:
        fix = "Set ansible_connection (ANSIBLE_TRANSPORT) to a plugin that can, such as ssh."
        return "The connection plugin %s cannot pipeline" % connection.transport, fix
    asked = [name for name in SSH_ARGUMENTS if asks_for_terminal(connection, name)]
    if asked:
        fix = "Remove -t, -tt and RequestTTY from ansible_%s (%s)." % (asked[0], "ANSIBLE_" + asked[0].upper())
        return "SSH is asked for a terminal, and Ansible pipelines nothing through one", fix
    return "Pipelining is off", "Set ansible_pipelining to true for this host and unset ANSIBLE_KEEP_REMOTE_FILES."
