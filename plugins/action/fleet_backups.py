# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_backups. Documentation: plugins/modules/fleet_backups.py."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import backups
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.backups import Backup
from ansible_collections.praxis.cloud.plugins.plugin_utils import backup_places, fleet_variables, screen
from ansible_collections.praxis.cloud.plugins.plugin_utils.backup_places import Backups, Member


class ActionModule(ActionBase):  # type: ignore[misc]
    """Observes the fleet's snapshots in all places where it has machines."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {
        "state": {"type": "str", "choices": ["named", "made", "chosen"], "required": True},
        "fleet": {"type": "str", "required": True},
        "hosts": {"type": "list", "elements": "str", "required": True},
        "made": {"type": "str", "default": ""},
        "backup": {"type": "str", "default": ""},
        "slots": {"type": "list", "elements": "str", "default": []},
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        known = backup_places.members(task_vars["hostvars"], args["hosts"])
        try:
            if args["state"] == "named":
                return {**result, "changed": False, "backup": backups.name_at(time.time())}
            if args["state"] == "made":
                answers = fleet_variables.registered(task_vars["hostvars"], args["hosts"], args["made"])
                return {**result, **self._made(args, known, answers)}
            return {**result, "changed": False, **self._chosen(args, known)}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}

    def _made(self, args: Mapping[str, Any], known: List[Member], answers: Mapping[str, Any]) -> Dict[str, Any]:
        """What came of a backup, and what is removed because there are newer ones."""
        findings: List[Finding] = []
        for name, answer in answers.items():
            if answer.get("failures"):
                findings += [Finding(**each) for each in answer["failures"]]
            elif answer.get("outcome") != "done":
                what = "The host gave no answer, and its data was not backed up."
                findings.append(Finding("backup-missed", what, name, "Make the host reachable, and back up again."))
        # While something is wrong nothing is removed: what there is may be all that is left.
        ok = not findings
        gone, left = self._retire(args["fleet"], known) if ok else ([], [])
        findings += left
        removed = [one.as_dict() for one in gone]
        rows = [{"member": name, **{key: answer.get(key) for key in ("slot", "snapshot", "frozen_for")},
                 "result": _result(answer)} for name, answer in answers.items()]  # fmt: skip
        screen.show_in_a_task(self._display, lambda width, paint: _made_lines(rows, removed, findings, width, paint))
        text = "\n".join(str(item) for item in findings)
        found = [{**item.as_dict(), "level": item.level} for item in findings]
        return {"changed": bool(removed), "ok": ok, "backups": rows, "removed": removed, "findings": found,
                "text": text}  # fmt: skip

    def _retire(self, fleet: str, known: List[Member]) -> Tuple[List[Backup], List[Finding]]:
        """Remove what there are newer ones of. The one just made is good, whatever the cloud says here: what stays is
        warned of, and keeps nothing else from going."""
        gone: List[Backup] = []
        left: List[Finding] = []
        keep: Dict[Any, Dict[str, int]] = {}
        for one in known:
            if one.keep:
                keep.setdefault(one.place, {})[one.slot] = one.keep
        for where, slots in keep.items():
            place = backup_places.backups_at(where, fleet)
            try:
                surplus = backups.surplus(place.observe(), slots)
            except CloudError as error:
                left.append(_left("Older backups could not be listed", error.finding))
                continue
            for each in surplus:
                try:
                    if not self._task.check_mode:
                        place.remove(each.id)
                except CloudError as error:
                    what = "The older backup %s of %s (%s) stays" % (each.name, each.slot, each.id)
                    left.append(_left(what, error.finding))
                else:
                    gone.append(each)
        return gone, left

    def _chosen(self, args: Mapping[str, Any], known: List[Member]) -> Dict[str, Any]:
        """What is restored where. Without a name, a list of what there is."""
        places: Dict[Any, Backups] = {
            one.place: backup_places.backups_at(one.place, args["fleet"]) for one in known if one.volume
        }
        there = backups.ordered(each for place in places.values() for each in place.observe())
        slots = {slot.strip() for slot in args["slots"]}.difference({""})
        meant = [one for one in known if not slots or one.slot in slots]
        unknown = sorted(slots.difference(one.slot for one in meant))
        where = "fleet %s" % args["fleet"]
        if unknown:
            what = "No machine of this run has %s." % ", ".join(unknown)
            fix = "Set praxis_slots to some of: %s." % ", ".join(sorted(one.slot for one in known))
            raise Failed(Finding("unknown-slot", what, where, fix))
        if not args["backup"]:
            return self._listed(there, where)
        gathered(map_parallel(lambda one: backup_places.slot_disk(one, args["fleet"], {}), meant))
        found = backups.chosen(there, args["backup"], sorted(one.slot for one in meant), where)
        hosts = {
            one.name: {**found[one.slot].as_dict(), "size": max(found[one.slot].size, one.size),
                       "replaces": one.volume}
            for one in meant
        }  # fmt: skip
        screen.show_in_a_task(self._display, lambda width, paint: _plan_lines(hosts, width, paint))
        restore = {"backup": next(iter(found.values())).name, "hosts": hosts}
        return {"backups": [one.as_dict() for one in there], "restore": restore}

    def _listed(self, there: Sequence[Backup], where: str) -> Dict[str, Any]:
        """A refusal that says what there is, for people and for programs."""
        screen.show_in_a_task(self._display, lambda width, paint: _list_lines(there, width, paint), at_the_end=False)
        fix = "Use a backup of the table above: -e praxis_backup=NAME, or -e praxis_backup=%s." % backups.NEWEST
        unnamed = Finding("backup-unnamed", "praxis_backup is empty: it is not known which backup to "
                                            "restore.", where, fix)
        return {"failed": True, "backups": [one.as_dict() for one in there], **Failed(unnamed).as_result()}


def _left(what: str, why: Finding) -> Finding:
    fix = "%s The next backup tries again." % why.fix
    return Finding("backup-not-removed", "%s: %s" % (what, why.what), why.where, fix, level=WARNING)


def _result(answer: Mapping[str, Any]) -> str:
    if answer.get("failures"):
        return str(answer["failures"][0]["code"])
    return "no answer" if answer.get("outcome") != "done" else "ok" if answer.get("snapshot") else "would be made"


def _column(title: str, rows: Sequence[Mapping[str, Any]], key: str, drop: int = 0) -> render.Column:
    return render.Column(title, [(str(row.get(key) or render.NONE), "") for row in rows], drop)


def _made_lines(
    rows: List[Dict[str, Any]],
    removed: List[Dict[str, Any]],
    findings: List[Finding],
    width: Optional[int],
    paint: render.Paint,
) -> List[str]:
    columns = [_column("MEMBER", rows, "member"), _column("SLOT", rows, "slot"), _column("SNAPSHOT", rows, "snapshot"),
               _column("STOOD STILL, S", rows, "frozen_for", 1), _column("RESULT", rows, "result")]  # fmt: skip
    lines = ["", *render.table(columns, width, paint), ""]
    lines += ["Removed, because there are newer backups: %(slot)s %(backup)s (%(snapshot)s)" % one for one in removed]
    for item in render.by_level([{**one.as_dict(), "level": one.level} for one in findings]):
        lines += [*render.finding(item, width, paint), ""]
    return lines


def _list_lines(there: Sequence[Backup], width: Optional[int], paint: render.Paint) -> List[str]:
    rows = [one.as_dict() for one in there]
    for row in rows:
        row["state"] = "complete" if row["complete"] else "incomplete, or being copied"
    columns = [_column("BACKUP", rows, "backup"), _column("SLOT", rows, "slot"), _column("SNAPSHOT", rows, "snapshot"),
               _column("GIB", rows, "size", 1), _column("STATE", rows, "state")]  # fmt: skip
    end = "Restore one: -e praxis_backup=NAME, or -e praxis_backup=%s; one slot alone: -e praxis_slots=SLOT."
    return ["", *render.table(columns, width, paint), "", end % backups.NEWEST if rows else "There are no backups.", ""]


def _plan_lines(hosts: Mapping[str, Mapping[str, Any]], width: Optional[int], paint: render.Paint) -> List[str]:
    rows = [{"member": name, **row} for name, row in hosts.items()]
    columns = [_column("MEMBER", rows, "member"), _column("SLOT", rows, "slot"), _column("DISK NOW", rows, "replaces"),
               _column("BACKUP", rows, "backup"), _column("SNAPSHOT", rows, "snapshot"),
               _column("GIB", rows, "size", 1)]  # fmt: skip
    end = "The disks that are replaced stay, with praxis_data=replaced."
    return ["", *render.table(columns, width, paint), "", end, ""]
