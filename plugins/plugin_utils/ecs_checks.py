# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a kind of agents for Amazon ECS by itself. Nothing is asked."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.resources import (
    LONGEST_ROLE,
    role_name,
    task_role_name,
)
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import NO_SLOT
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import without_effect

TARGET = "ecs"
#: Variables that the agent would miss, and what there is instead.
_REFUSED = {
    "docker_socket": "Remove it: a task has no Docker Engine of its own.",
}
#: Variables that promise a peer id which lasts.
_OF_SLOTS = ("identity_store", "slot")
#: Variables of machines that say nothing for tasks.
_WITHOUT_EFFECT = {
    "docker_daemon": "Fargate has its own container engine.",
    "private_ip": "Tasks get their addresses from their subnets.",
    "public_ip": "Set praxis_ecs.public_ip for a public address.",
}
_LIMITS_WITHOUT_EFFECT = {
    "pids": "Fargate limits no processes.",
    "log_size": "The log group keeps the log (praxis_ecs.retention).",
    "log_files": "The log group keeps the log (praxis_ecs.retention).",
}


def unheld(member: MemberVariables) -> list[Finding]:
    """The variables that say what ECS does not do: those that the agent would miss stop the run."""
    found = []
    if member.target != TARGET:
        fix = "Set praxis_target: ecs for all hosts of praxis_ecs; machines beside them are in the group praxis alone."
        found.append(Finding("not-an-ecs-kind", f"praxis_target is {member.target}.", member.name, fix))
    for name, fix in _REFUSED.items():
        if getattr(member, name):
            found.append(_unheld("praxis_" + name, member.name, fix, ERROR))
    for name in _OF_SLOTS:
        # The inventory's own name is no slot's: every host has to have one.
        if getattr(member, name) not in ("", member.name):
            found.append(_unheld("praxis_" + name, member.name, NO_SLOT, ERROR))
    for name, fix in without_effect(member, _WITHOUT_EFFECT, _LIMITS_WITHOUT_EFFECT):
        found.append(_unheld(name, member.name, fix, WARNING))
    return found


def _unheld(what: str, where: str, fix: str, level: str) -> Finding:
    return Finding("not-on-ecs", f"{what} has no effect on ECS.", where, fix, level)


def check_roles(kind: Kind) -> list[Finding]:
    """A role's name is never shortened: two kinds would then share one."""
    settings = kind.settings
    made = [("execution role", "execution_role", role_name(kind))] if not settings.execution_role else []
    made += [("task role", "task_role", task_role_name(kind))] if kind.data and not settings.task_role else []
    found = []
    for words, setting, name in made:
        if len(name) > LONGEST_ROLE:
            what = f"Its {words} would be called {name}, and a role's name has {LONGEST_ROLE} characters at most."
            fix = f"Shorten praxis_ecs.name or praxis_fleet, or give praxis_ecs.{setting}."
            found.append(Finding("bad-ecs-setting", what, kind.name, fix))
    return found
