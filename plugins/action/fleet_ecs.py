# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_ecs. Documentation: plugins/modules/fleet_ecs.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_fleet import EcsFleet
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_lock import EcsLock
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_rollout import wait_for
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.ecs_service import EcsService
from ansible_collections.praxis.cloud.plugins.module_utils.connections import accepted
from ansible_collections.praxis.cloud.plugins.module_utils.ecs import lock
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.edges import Seen
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.way_back import NOBODY, Run
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import (
    CHANGE,
    Field,
    Row,
    counts,
    plan_id,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.table import lines, picture
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.plugin_utils import controller, ecs_kinds
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import GROUP, MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.target_action import (
    DEPLOY,
    DOWN,
    HISTORY,
    ROLLBACK,
    STATUS,
    VERIFY,
    TargetAction,
)


class ActionModule(TargetAction):
    """A fleet's agents in Amazon ECS: all verbs, each in one execution."""

    target = ecs_kinds.TARGET
    argument_spec: dict[str, Any] = {
        **TargetAction.argument_spec,
        "take_over": {"type": "str", "default": ""},
        "wait": {"type": "int", "default": 0},
        "seen": {"type": "dict", "default": {}},
    }

    def hosts(self, groups: Mapping[str, Sequence[str]]) -> list[str]:
        """Its kinds. Machines of the same inventory are members that tasks dial, and only looked at."""
        return [str(name) for name in groups.get(f"{GROUP}_{self.target}") or groups.get(GROUP, [])]

    def verb(self, args: Mapping[str, Any], members: Sequence[MemberVariables], faults: Sequence[Finding]) -> _Run:
        return _Run(args, members, faults, bool(self._task.check_mode))


class _Run:
    """One verb."""

    def __init__(
        self, args: Mapping[str, Any], members: Sequence[MemberVariables], faults: Sequence[Finding], check: bool
    ) -> None:
        self._args, self._check = args, check
        planned = (ecs_kinds.removal if args["state"] == DOWN else ecs_kinds.plan)(members, faults)
        self._findings: list[Finding] = list(planned.warnings)
        playbook = Playbook()
        self._fleet = EcsFleet(
            planned.aws.asking(playbook.require),
            planned.name,
            planned.kinds,
            planned.definition,
            planned.account,
            planned.partition,
        )
        reason = {ROLLBACK: "rollback", DOWN: "removal"}.get(args["state"], "deployment")
        seconds = lock.lease([kind.settings for kind in planned.kinds])
        # It is given back by a run that has to stop, too.
        self._lock = EcsLock(
            planned.aws,
            planned.name,
            controller.deployment(reason),
            seconds,
            args["take_over"],
            float(args["wait"]),
            playbook=playbook,
        )

    def done(self) -> dict[str, Any]:
        """The verb's result."""
        state, fleet = self._args["state"], self._fleet
        if state == DOWN:
            return self._remove()
        fleet.observe()
        if state == HISTORY:
            return self._summary(deployments=fleet.history())
        if state == ROLLBACK:
            return self._roll_back()
        id_, rows = self._agreed()
        self._findings += fleet.judge_left()
        if state != DEPLOY or self._check:
            self._findings += self._lock.seen()
        if state in (STATUS, VERIFY):
            tasks = fleet.tasks()
            self._findings += [*fleet.judge(), *self._differing(rows), *self._edges(tasks)]
            return self._summary(id_, tasks=tasks)
        if state == DEPLOY and not self._check:
            return self._deploy(id_, rows)
        self._findings += _edited(rows)
        return self._summary(id_, rows, changed=bool(rows) and state == DEPLOY)

    def _edges(self, tasks: Sequence[Mapping[str, str]]) -> list[Finding]:
        """What the members that were looked at say of the tasks' edges."""
        seen = {name: _seen(found) for name, found in self._args["seen"].items()}
        return self._fleet.judge_edges(tasks, seen) if seen else []

    def _agreed(self) -> tuple[str, list[Row]]:
        """The plan, which is the one that was agreed to, if one was."""
        id_, rows = self._fleet.plan()
        if self._args["plan_id"] not in ("", id_):
            what = f"The plan is now {id_} and no longer {self._args['plan_id']}."
            fix = "Run plan.yml, read the new plan, and pass its id: -e praxis_plan_id=ID."
            raise Failed(Finding("plan-changed", what, "praxis_plan_id", fix))
        return id_, rows

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other run writes, and what it has written until now is known."""
        with self._lock.held() as left:
            self._findings += left
            self._fleet.observe()
            yield

    @property
    def _run(self) -> Run:
        """This run, as the revisions that it deploys name it."""
        mine = self._lock.mine
        return Run(mine.revision, mine.run) if mine else NOBODY

    def _deploy(self, id_: str, rows: list[Row]) -> dict[str, Any]:
        """What differs is written by one run at a time; where nothing does, none is kept from it, unless a run that
        has stopped before its end has left its lock."""
        seen = [] if rows else self._lock.seen()
        if rows or any(finding.code == lock.UNFINISHED for finding in seen):
            with self._alone():
                id_, rows = self._agreed()
                self._findings += _edited(rows)
                self._fleet.apply(self._run, {each.run for each in self._lock.left})
                self._findings += self._fleet.wait()
        else:
            self._findings += [*seen, *self._fleet.wait()]
        return self._summary(id_, rows, changed=bool(rows), tasks=self._fleet.tasks())

    def text(
        self, found: Mapping[str, Any], width: Optional[int] = None, paint: render.Paint = render.plain
    ) -> list[str]:
        """The result as a person reads it."""
        text = list(found["table"])
        if found["deployments"]:
            text += [*render.table(_revisions(found["deployments"]), width, paint), "* runs now"]
        if found["services"]:
            text += ["", *render.table(_services(found["services"]), width, paint)]
        for item in render.by_level(found["findings"]):
            text += ["", *render.finding(item, width, paint)]
        verdict = paint("good", "good") if found["ok"] else paint("bad", "bad")
        return [*text, "", f"fleet {found['fleet']} on ECS: {verdict}"]

    def _differing(self, rows: Sequence[Row]) -> list[Finding]:
        """That what runs is not what is planned: as on machines, a status says it and a deployment corrects it."""
        if not rows or not all(service.exists for service in self._fleet.services):
            return []
        named = ", ".join(f"{row.action} {row.kind} {row.name}" for row in rows)
        what = f"A deployment would {named}."
        return [Finding("not-as-planned", what, self._fleet.where, "Read the plan (plan.yml), and deploy.", WARNING)]

    def _roll_back(self) -> dict[str, Any]:
        left = self._lock.abandoned()
        ways, rows, stuck = self._ways_back(left)
        if self._check:
            self._findings += self._lock.seen()
        elif rows or left:
            with self._alone():
                ways, rows, stuck = self._ways_back(self._lock.left)
                for service, arn in ways:
                    service.go_to(arn)
                    self._findings += wait_for(service)
        self._findings += stuck
        id_ = plan_id(("aws", self._fleet.client.region, self._fleet.name, "ecs", "rollback"), rows)
        return self._summary(id_, rows, changed=bool(rows))

    def _ways_back(self, left: Sequence[lock.Ticket]) -> tuple[list[tuple[EcsService, str]], list[Row], list[Finding]]:
        """The services that have to go to another revision, and to which; the same as rows; and which have none.

        :param left: the locks of runs that stopped before their end.
        """
        ways, rows = [], []
        goals, stuck = self._fleet.goals(self._args["to"], left)
        for service, arn in goals:
            now = str(service.described.get("taskDefinition", ""))
            if arn != now:
                ways.append((service, arn))
                fields = (Field("taskDefinition", now, arn),)
                rows.append(Row(CHANGE, "service", service.kind.name, service.revision, fields))
        return ways, rows, stuck

    def _remove(self) -> dict[str, Any]:
        rows = self._fleet.gone()
        id_ = plan_id(("aws", self._fleet.client.region, self._fleet.name, "ecs", "absent"), rows)
        if rows and not self._check:
            with self._lock.held() as left:
                self._findings += left
                rows = self._fleet.gone()
                self._fleet.remove()
        return self._summary(id_, rows, changed=bool(rows))

    def _summary(
        self,
        id_: str = "",
        rows: Sequence[Row] = (),
        changed: bool = False,
        deployments: Sequence[Mapping[str, Any]] = (),
        tasks: Sequence[Mapping[str, str]] = (),
    ) -> dict[str, Any]:
        state, fleet = self._args["state"], self._fleet
        done = not self._check and state in (DEPLOY, ROLLBACK, DOWN)
        table = lines(fleet.where, rows, id_, done) if state not in (STATUS, VERIFY, HISTORY) else []
        return {
            "changed": changed,
            "ok": not any(finding.level == ERROR for finding in self._findings),
            "target": ecs_kinds.TARGET,
            "fleet": fleet.name,
            "plan_id": id_,
            "plan": {"id": id_, "counts": counts(rows), "rows": [row.as_dict() for row in rows]},
            "table": table,
            "services": [] if state in (DOWN, HISTORY) else fleet.rows(),
            "tasks": list(tasks),
            "dialled": fleet.dialled(tasks),
            "deployments": list(deployments),
            "findings": plain_findings(self._findings),
            **({"diff": picture(rows)} if changed else {}),
        }


def _seen(found: Any) -> Optional[Seen]:
    """What a member has seen, as praxis.cloud.agent_info has answered; None: it has not."""
    observation = found.get("observation") if isinstance(found, Mapping) else None
    if not observation:
        return None
    connected = accepted(observation, observation.get("p2p_port") or 0)
    return Seen(str((observation.get("api") or {}).get("peer_id") or ""), tuple(connected))


def _edited(rows: Sequence[Row]) -> list[Finding]:
    """What somebody has changed by hand of what is always kept: the autoscaler's limits, and what it aims at."""
    found = []
    for row in rows:
        if row.action == CHANGE and row.kind in ("scalable target", "scaling policy", "scheduled action"):
            said = ", ".join(f"{each.name} is {each.before} and not {each.after}" for each in row.fields)
            fix = "The next deployment overwrites it. To keep it, change praxis_ecs.autoscaler."
            found.append(Finding("scaling-edited", f"{said}.", f"{row.kind} {row.name}", fix, WARNING))
    return found


def _revisions(rows: Sequence[Mapping[str, Any]]) -> list[render.Column]:
    return [
        render.Column("SERVICE", [(render.clean(row["name"]), "") for row in rows]),
        render.Column("REVISION", [(f"{row['revision']}{'*' if row['active'] else ''}", "") for row in rows]),
        render.Column("OUTCOME", [(row["outcome"] or render.NONE, "") for row in rows]),
        render.Column("REGISTERED", [(str(row["registered"])[:19], "") for row in rows], 1),
        render.Column("IMAGE", [(render.clean(row["image"]), "") for row in rows], 2),
    ]


def _services(rows: Sequence[Mapping[str, Any]]) -> list[render.Column]:
    return [
        render.Column("SERVICE", [(render.clean(row["name"]), "") for row in rows]),
        render.Column("REVISION", [(row["revision"] or render.NONE, "") for row in rows]),
        render.Column("RUNNING", [(f"{row['running']}/{row['desired']}", "") for row in rows]),
        render.Column("SCALE", [(_scale(row["scale"]), "") for row in rows], 1),
        render.Column("ROLLOUT", [(row["rollout"] or render.NONE, "") for row in rows]),
    ]


def _scale(limits: Mapping[str, Any]) -> str:
    return f"{limits['min']}..{limits['max']}" if limits else render.NONE
