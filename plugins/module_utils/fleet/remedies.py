# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fixes a finding of the doctor's: a command on the machine, a playbook, or a person; and what was fixed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Where a command is typed: by root on the machine that the finding names, or by who has the inventory.
MACHINE, CONTROLLER = "machine", "controller"
PROVISION = "provision"
#: By code, the playbook that fixes it, whatever its cause was.
PLAYBOOKS = {
    **dict.fromkeys(
        (
            "api-port-shut",
            "health-check-differs",
            "infrastructure-differs",
            "infrastructure-missing",
            "machine-missing",
            "member-stopped",
            "p2p-port-shut",
            "port-open",
            "ssh-port-shut",
            "vpc-dns-off",
        ),
        PROVISION,
    ),
    **dict.fromkeys(
        (
            "container-stopped",
            "edge-missing",
            "engine-to-be-made",
            "no-container",
            "other-release",
            "service-missing",
            "wrong-peer-id",
        ),
        "deploy",
    ),
}
#: What the doctor does by itself when it is named: its command takes nothing away that cannot be had back, and is the
#: same whatever the cause was.
FIXABLE = ("engine-down", "secret-exposed", "secret-unreadable")
#: Another deployment is at work: what is found then may be its doing, and is left to it.
AT_WORK = ("deploying", "fleet-locked")
#: With one of these provision.yml changes nothing, and a person has to decide first.
REFUSED = ("over-quota", "would-shrink")
FIXED, LEFT, WOULD = "fixed", "left", "would"


@dataclass(frozen=True)
class Remedy:
    """What to type, and where; both empty where a person has to decide."""

    command: str = ""
    on: str = ""

    def as_dict(self) -> Dict[str, str]:
        return {"command": self.command, "run_on": self.on}


def of(finding: Finding, others: Sequence[Finding] = ()) -> Remedy:
    """The command that fixes a finding. One that is fixed in the inventory has a code of its own, and none.

    :param others: what else was found.
    """
    if finding.command:
        return Remedy(finding.command, MACHINE)
    playbook = PLAYBOOKS.get(finding.code)
    if playbook == PROVISION and any(one.code in REFUSED for one in others):
        return Remedy()
    return Remedy("ansible-playbook praxis.cloud.%s" % playbook, CONTROLLER) if playbook else Remedy()


def _named(given: Collection[str]) -> List[str]:
    """The codes of ``praxis_doctor_fix``: of a list that is written as a text Ansible leaves blanks and empty ones."""
    return [name.strip() for name in given if name.strip()]


def unknown(names: Collection[str]) -> List[Finding]:
    """An error for each name of ``praxis_doctor_fix`` that the doctor does not fix."""
    what = "The doctor does not fix %s by itself."
    fix = "Set praxis_doctor_fix to some of %s, and fix the others as their findings say." % ", ".join(FIXABLE)
    bad = [name for name in _named(names) if name not in FIXABLE]
    return [Finding("unknown-fix", what % name, "praxis_doctor_fix", fix) for name in bad]


def wanted(found: Sequence[Mapping[str, Any]], names: Collection[str]) -> Dict[str, List[Dict[str, str]]]:
    """By machine, what is to be run there.

    :param found: the findings of the summary.
    :param names: the codes to fix. One that is unknown stops all.
    """
    if unknown(names) or any(item["code"] in AT_WORK for item in found):
        return {}
    names = _named(names)
    todo: Dict[str, List[Dict[str, str]]] = {}
    for item in found:
        if item["code"] in names and item["run_on"] == MACHINE:
            todo.setdefault(item["where"], []).append({"code": item["code"], "command": item["command"]})
    return todo


def done(
    runs: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], check_mode: bool
) -> List[Dict[str, Any]]:
    """What has become of it.

    :param runs: ``where``, ``code``, ``command`` of each, and ``said``, why it failed; empty when it did not.
    :param found: the findings after it.
    """
    still: List[Tuple[str, str]] = [(item["where"], item["command"]) for item in found]
    result = []
    for run in runs:
        left = run["said"] or (run["where"], run["command"]) in still
        state = WOULD if check_mode else LEFT if left else FIXED
        result.append({**{key: run[key] for key in ("where", "code", "command", "said")}, "state": state})
    return result
