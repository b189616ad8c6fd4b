# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_doctor. Documentation: plugins/modules/fleet_doctor.py."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.action import fleet_verify
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import doctor, remedies, render
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import doctor as infrastructure
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


class ActionModule(fleet_verify.ActionModule):
    """The verdict on the fleet as it runs, and what would stop the next deployment."""

    argument_spec = {
        "run": {"type": "path"},
        "fleet": {"type": "str", "default": "praxis"},
        "plan": {"type": "dict", "default": {}},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "balancer": {"type": "dict", "default": {}},
        "accounts": {"type": "list", "elements": "dict", "default": []},
        "fix": {"type": "list", "elements": "str", "default": []},
        "runs": {"type": "list", "elements": "dict", "default": []},
        "show": {"type": "bool", "default": True},
    }

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = ActionBase.run(self, tmp, task_vars or {})
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        failures, warnings = [_findings(args["plan"].get(key) or []) for key in ("failures", "findings")]
        checks = [doctor.of_plan(len(args["hosts"]), [*failures, *remedies.unknown(args["fix"])], warnings)]
        try:
            ports = {}
            if args["run"]:
                run = RunDirectory(args["run"])
                checks += self._of_run(run, args)
                ports = {one.cloud: (one.p2p_port, one.api_port) for one in run.table().members.values()}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}
        checks.append(_infrastructure(args["accounts"], ports, len(args["hosts"])))
        checks.append(_permissions(args["accounts"]))
        found = doctor.summary(checks, args["fleet"], args["hosts"])
        fix = remedies.wanted(found["findings"], args["fix"])
        found["fixed"] = remedies.done([_run(each) for each in args["runs"]], found["findings"], self._task.check_mode)
        if args["show"]:
            self.show(lambda width, paint: ["", *_lines(found, width, paint), ""])
        return {**result, "changed": False, "doctor": found, "fix": fix, "ansible_facts": {"praxis_doctor": found}}

    def _of_run(self, run: RunDirectory, args: Mapping[str, Any]) -> List[doctor.Check]:
        verdict = self.judge(run, {**_AS_STATUS, "balancer": args["balancer"]})["verdict"]
        table, outcomes = run.table(), run.outcomes()
        hosts = [name for name in table.order if name in args["hosts"]]
        findings = doctor.of_verdict(_findings(verdict["findings"]), doctor.is_deployed(outcomes))
        agents = doctor.Check("agents", len(hosts), "member", tuple(findings))
        return [agents, *doctor.of_hosts(table, hosts, outcomes)]


def _findings(plain: Iterable[Mapping[str, str]]) -> List[Finding]:
    """Findings out of plain values; the level may be missing."""
    return [Finding(**{key: item[key] for key in _SHAPE if key in item}) for item in plain]


_SHAPE = ("code", "what", "where", "fix", "level", "command")


#: A verdict on the whole fleet, without a picture of it and without a record.
_AS_STATUS = {"batch": [], "mesh": True, "also": [], "failed": None, "hook": None, "strict": True, "show": False}


def _run(each: Mapping[str, Any]) -> Dict[str, str]:
    """What a task that ran a command has shown: of one that failed, the last of what it printed.

    :param each: ``where``, and ``result``, the task's for one command.
    """
    result = each["result"]
    said = (result.get("stderr") or result.get("msg") or "return code %s" % result.get("rc")).strip().splitlines()[-1:]
    failed = result.get("rc") not in (0, None) or result.get("unreachable")
    return {"where": each["where"], **result["item"], "said": "".join(said) if failed else ""}


def _infrastructure(
    accounts: List[Mapping[str, Any]], ports: Mapping[str, Tuple[int, int]], members: int
) -> doctor.Check:
    """What the plans of the infrastructure say, one for each cloud that the fleet is provisioned in.

    :param ports: by cloud, P2P's and the API's; the settings' own when there is no plan of the deployment.
    """
    checked, found = 0, []
    for account in accounts:
        found += _findings([*(account.get("failures") or []), *(account.get("quotas") or [])])
        plan = account.get("plan")
        if plan and infrastructure.is_ours(plan["there"], members):
            checked += 1
            found += infrastructure.findings(plan["rows"], *ports.get(account["cloud"], _PORTS))
    return doctor.Check("infrastructure", checked, "cloud", tuple(found))


_PORTS = (4001, 8000)


def _permissions(accounts: List[Mapping[str, Any]]) -> doctor.Check:
    """What the clouds say of the credentials' permissions."""
    answers = [account.get("permissions") or {} for account in accounts]
    found = [one for answer in answers for one in _findings(answer.get("findings") or [])]
    checked = sum(answer.get("checked") or 0 for answer in answers)
    return doctor.Check("permissions", checked, "permission", tuple(found))


def _lines(found: Mapping[str, Any], width: Optional[int], paint: render.Paint) -> List[str]:
    rows = found["checks"]
    checked = [(render.counted(row["checked"], row["unit"]) if row["checked"] else render.NONE, "") for row in rows]
    columns = [
        render.Column("CHECK", [(row["area"], "") for row in rows]),
        render.Column("CHECKED", checked),
        render.Column("FOUND", [_found(row) for row in rows]),
    ]
    lines = render.table(columns, width, paint)
    for item in render.by_level(found["findings"]):
        lines += ["", *render.finding(item, width, paint)]
    lines += [line for item in found["fixed"] for line in _fixed(item, width)]
    word = paint("sound", "good") if found["ok"] else paint("not sound", "bad")
    return [*lines, "", "fleet %s: %s" % (render.clean(found["fleet"]), word)]


def _fixed(item: Mapping[str, str], width: Optional[int]) -> List[str]:
    text = {
        remedies.FIXED: "fixed: {where}: {code}, by {command}",
        remedies.LEFT: "not fixed: {where}: {code}, by {command}: {why}",
        remedies.WOULD: "would be run: {where}: {code}: {command}",
    }[item["state"]]
    why = item["said"] or "it is still found"
    return ["", *render.wrap(render.clean(text.format(**item, why=why)), width, "  ")]


def _found(row: Mapping[str, Any]) -> render.Cell:
    if row["errors"]:
        return render.counted(row["errors"], "error"), "bad"
    if row["warnings"]:
        return render.counted(row["warnings"], "warning"), "warning"
    return ("ok", "good") if row["checked"] else ("not checked", "warning")
