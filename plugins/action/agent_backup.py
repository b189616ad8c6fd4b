# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.agent_backup. Documentation: plugins/modules/agent_backup.py."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import put_in_place
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import DISK_SOURCE
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import RESTORING
from ansible_collections.praxis.cloud.plugins.plugin_utils import backup_places, host_action
from ansible_collections.praxis.cloud.plugins.plugin_utils.backup_places import Member
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory

#: Seconds that a file system may stand still, and how many of them are left to thaw it in time.
FROZEN, SPARE = 60.0, 15.0


class ActionModule(ActionBase):  # type: ignore[misc]
    """Takes the steps on the host and in the cloud one after the other, without a task between them: a frozen file
    system does not wait for other hosts."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
        "fleet": {"type": "str", "required": True},
        "backup": {"type": "str", "required": True},
        "labels": {"type": "dict", "default": {}},
        "snapshot": {"type": "str", "default": ""},
        "size": {"type": "int", "default": 0},
        "run": {"type": "path"},
    }
    _variables: Dict[str, Any] = {}

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        self._variables = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        name = str(self._variables["inventory_hostname"])
        member = backup_places.member(name, self._variables["hostvars"][name])
        try:
            host_action.hold_to_ours(self._connection)
            host_action.require_root(self._connection, self._task, member.name)
            done = self._back_up(args, member) if args["state"] == "present" else self._restore(args, member)
            return {**result, "outcome": "done", "slot": member.slot, **done}
        except Failed as error:
            # Failure is data: who runs the play judges all hosts at its end.
            if args["run"]:
                RunDirectory(args["run"]).record(error.findings)
            failure = error.as_result()
            return {**result, "changed": False, "outcome": "failed", "slot": member.slot, **failure, "failed": False}
        except AnsibleConnectionFailure as error:
            # The plays go on with a host that is lost. Once it answers again, it would look as if it had its backup.
            if args["run"]:
                RunDirectory(args["run"]).record([_missed(name, str(error))])
            raise

    def _back_up(self, args: Dict[str, Any], member: Member) -> Dict[str, Any]:
        _disks, disk = backup_places.slot_disk(member, args["fleet"], args["labels"])
        backups = backup_places.backups_at(member.place, args["fleet"])
        if self._task.check_mode:
            return {"changed": True, "backup": args["backup"], "snapshot": "", "frozen_for": 0.0}
        began = time.monotonic()
        frozen = self._step(state="frozen", seconds=FROZEN)["held"]
        try:
            id_ = backups.start(disk.id, disk.zone, member.slot, args["backup"], FROZEN - SPARE)
        finally:
            # What was frozen for so long was thawed by its timer, and perhaps frozen again by another backup.
            in_time = time.monotonic() - began < FROZEN
            stood_still = self._step(state="thawed")["held"] and in_time if frozen else True
        took = round(time.monotonic() - began, 1)
        if not stood_still:
            what = "The file system was thawed before the snapshot %s held the disk, after %.0f s." % (id_, FROZEN)
            fix = "Back up again. The snapshot stays, and restore.yml never uses it."
            raise Failed(Finding("backup-torn", what, member.name, fix))
        backups.complete(id_)
        return {"changed": True, "backup": args["backup"], "snapshot": id_, "frozen_for": took if frozen else 0.0}

    def _restore(self, args: Dict[str, Any], member: Member) -> Dict[str, Any]:
        disks, old = backup_places.slot_disk(member, args["fleet"], args["labels"])
        run = RunDirectory(args["run"])
        if self._task.check_mode:
            return {"changed": True, "backup": args["backup"], "disk": "", "replaced": old.id}
        new = disks.create(member.slot, member.zone, args["size"], args["snapshot"], RESTORING)
        held = run.lock.deployment_on(member.name)
        deployment = {} if held is None else {"deployment": {**held, "last": False}}
        port = int(run.host_slice(member.name)["release"]["api_port"])
        self._step(state="released", api_port=port, drain=run.draining(member.name), **deployment)
        devices = [*member.devices(new), *(each for each in member.devices(old) if each not in member.devices(new))]
        try:
            put_in_place(disks, old, new, member.machine)
        except Failed:
            self._mount_what_is_there(devices, deployment)
            raise
        run.exchange(member.name, old.id)
        self._step(state="mounted", devices=devices, **deployment)
        return {"changed": True, "backup": args["backup"], "disk": new.id, "replaced": old.id}

    def _mount_what_is_there(self, devices: List[str], deployment: Dict[str, Any]) -> None:
        """Whichever of the disks the machine has: without any the agent does not start. The failure before is the one
        to be told of."""
        try:
            self._step(state="mounted", devices=devices, **deployment)
        except (Failed, AnsibleError):
            return

    def _step(self, **args: Any) -> Dict[str, Any]:
        """One step on the host.

        :raises Failed: what it says.
        """
        try:
            answer: Dict[str, Any] = self._execute_module(
                module_name="praxis.cloud.agent_data",
                module_args={"source": DISK_SOURCE, **args},
                task_vars=self._variables,
            )
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:  # sudo that refuses is one; Ansible would drop the host from all later plays
            answer = {"failed": True, "msg": str(error)}
        if answer.get("failed"):
            name = str(self._variables["inventory_hostname"])
            found = [Finding(**each) for each in answer.get("failures") or ()]
            raise Failed(*(found or [host_action.not_run(name, answer)]))
        return answer


def _missed(name: str, said: str) -> Finding:
    what = "The connection was lost, and it is not known whether the host has the backup's data: %s."
    fix = "Make the host reachable, and restore again. A disk that was created and not used has praxis_data=restoring."
    return Finding("restore-missed", what % said.rstrip("."), name, fix)
