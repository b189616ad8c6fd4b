# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_kubernetes. Documentation: plugins/modules/fleet_kubernetes.py."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import outside
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import require_id
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import plain_findings
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import (
    changes,
    deployments,
    lease,
    manifests,
    resources,
    rollout,
    scaling,
    table,
)
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.objects import have_machines
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    cluster_access,
    controller,
    kubernetes_checks,
    kubernetes_deployment,
    kubernetes_kinds,
    kubernetes_removal,
    kubernetes_secrets,
    screen,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_secrets import clients
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import GROUP, MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_cluster import FleetCluster, Planned
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_deployment import Deployment, Source
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_lock import Lock
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_watch import Watch
from ansible_collections.praxis.cloud.plugins.plugin_utils.target_action import (
    DEPLOY,
    DOWN,
    HISTORY,
    PLAN,
    ROLLBACK,
    VERIFY,
    TargetAction,
)

Object = Mapping[str, Any]


class ActionModule(TargetAction):
    """A fleet in a cluster: all verbs, each in one execution."""

    target = kubernetes_kinds.TARGET
    argument_spec: Dict[str, Any] = {
        **TargetAction.argument_spec,
        "kubeconfig": {"type": "path", "default": ""},
        "context": {"type": "str", "default": ""},
        "cluster": {"type": "dict", "default": {}},
        "take_over": {"type": "str", "default": ""},
        "unfinished": {"type": "str", "default": "continue", "choices": ["continue", "refuse"]},
        "wait": {"type": "int", "default": 0},
        "lease": {"type": "int", "default": 120},
        "keep": {"type": "int", "default": 5},
        "canary": {"type": "int", "default": 1},
    }

    def faults(self, task_vars: Mapping[str, Any]) -> List[Finding]:
        """That its kinds are in several clusters."""
        hosts = task_vars["groups"].get("%s_%s" % (GROUP, self.target), ())
        return kubernetes_checks.one_cluster({name: task_vars["hostvars"][name] for name in hosts})

    def verb(self, args: Mapping[str, Any], members: Sequence[MemberVariables], faults: Sequence[Finding]) -> _Run:
        return _Run(args, members, faults, bool(self._task.check_mode), self._say)

    def _say(self, text: str) -> None:
        screen.report(self._display, text)


class _Run:
    """One verb.

    :param say: tells a person how it goes.
    """

    def __init__(
        self,
        args: Mapping[str, Any],
        members: Sequence[MemberVariables],
        faults: Sequence[Finding],
        check: bool,
        say: Callable[[str], None],
    ) -> None:
        self._args, self._members, self._faults, self._check, self._say = args, members, faults, check, say
        fleet, namespace = kubernetes_kinds.found_at(members, faults)
        named = None
        if args["cluster"]:
            region, project = (members[0].region, members[0].project) if members else ("", "")
            named = cluster_access.configuration(args["cluster"], *clients(region, project), region)
        api = Api(args["kubeconfig"], args["context"], configuration=named)
        self._cluster = FleetCluster(api, fleet, namespace)
        reason = {ROLLBACK: "rollback", DOWN: "removal"}.get(args["state"], "deployment")
        self._deployment = controller.deployment(reason)
        self._lock = Lock(self._cluster, self._deployment, args["lease"], args["take_over"])
        self._findings: List[Finding] = []
        self._across: List[Dict[str, Any]] = []

    def done(self) -> Dict[str, Any]:
        """The verb's result."""
        state = self._args["state"]
        if self._args["wait"] and state in (DEPLOY, ROLLBACK, DOWN):
            self._lock.wait(self._args["wait"])
        past = self._cluster.remember()
        left = self._lock.read()
        if state != DOWN:
            self._findings += self._not_read(rollback=state == ROLLBACK and not self._args["to"])
        if state == HISTORY:
            return self._summary(deployments=[one.row() for one in past])
        self._findings += changes.left_elsewhere(self._cluster.elsewhere(), self._cluster.namespace)
        if state == DOWN:
            return self._remove()
        self._see_others(left)
        if state == ROLLBACK:
            return self._to(self._way_back)
        fleet = kubernetes_kinds.plan(self._members, self._faults)
        self._findings += fleet.warnings
        self._across = fleet.across()
        objects = fleet.objects()
        too_large = deployments.check_size(objects, self._cluster.fleet) if state in (PLAN, DEPLOY) else []
        if too_large:
            raise Failed(*too_large)
        source = Source(objects, changes.plan_id(self._cluster.fleet, objects))
        if self._args["plan_id"]:
            require_id(self._args["plan_id"], source.plan_id)
        if state == PLAN:
            planned = self._cluster.plan(objects, self._args["keep"])
            return self._planned(planned, source.plan_id, changed=False)
        if state == DEPLOY:
            return self._to(lambda: source)
        observed = kubernetes_deployment.observe(self._cluster, rollout.goals(objects))
        self._findings += [*observed["findings"], *kubernetes_secrets.unsynced(self._cluster, objects)]
        self._findings += [*self._unscaled(objects), *self._differing(objects)]
        if state == VERIFY:
            goals, mixed = rollout.goals(objects), bool(self._across)
            self._findings += kubernetes_deployment.probe(self._cluster, goals, machines=mixed)
        return self._summary(members=observed["members"], plan_id=source.plan_id)

    def text(
        self, found: Mapping[str, Any], width: Optional[int] = None, paint: Any = table.render.plain
    ) -> List[str]:
        """The result as a person reads it."""
        if self._args["state"] == HISTORY:
            return table.history(found["deployments"], width, paint)
        lines = table.summary(found, width, paint)
        if self._args["state"] == PLAN:
            agree = "Plan %(id)s. To deploy exactly this plan: deploy.yml -e praxis_plan_id=%(id)s"
            lines += [*([""] if found["across"] else []), *outside.lines(found["across"])]
            lines += ["", agree % {"id": found["plan_id"]}]
        return lines

    def _see_others(self, left: Optional[Object]) -> None:
        """Say what another run has left, or is doing."""
        state = self._args["state"]
        taken = lease.locked(left, self._cluster.api.now, self._args["take_over"])
        if taken is not None and state in (DEPLOY, ROLLBACK) and not self._check:
            raise Failed(taken)
        if taken is not None:
            self._findings.append(Finding("deploying", taken.what, taken.where, "Run it again later.", "warning"))
            return
        stopped = lease.unfinished(left, self._args["unfinished"] == "refuse" and state == DEPLOY)
        if stopped is not None and stopped.level == "error":
            raise Failed(stopped)
        if stopped is not None:
            self._findings.append(stopped)

    def _not_read(self, rollback: bool) -> List[Finding]:
        """:raises Failed: ``record-unreadable``: nobody knows where to go back to."""
        found = deployments.not_read(self._cluster.unreadable, rollback)
        if rollback and found:
            raise Failed(*found)
        return found

    def _way_back(self) -> Source:
        """Where a rollback goes, by the records and the Lease as they were read last."""
        to = self._args["to"]
        left = bool(lease.holder(self._lock.before)) or (not to and self._is_open())
        goal = deployments.goal(self._cluster.records, to, left)
        self._deployment["reason"] = "%s to %s" % (deployments.ROLLBACK, goal.run)
        return Source(goal.objects, goal.plan_id)

    def _is_open(self) -> bool:
        """Whether the newest deployment was bad, and the fleet is not as the last good one left it; or it was a
        rollback, and something is still there that it was to remove."""
        records, good = self._cluster.records, deployments.newest(self._cluster.records)
        bad, back = deployments.is_bad(records), deployments.is_rollback(records)
        if good is None or not (bad or back):
            return False
        found = self._cluster.plan(good.objects, self._args["keep"]).changes
        return bool(found) if bad else any(change.is_late for change in found)

    def _to(self, choose: Callable[[], Source]) -> Dict[str, Any]:
        """Bring the cluster to what is chosen: once to plan, and again under the Lease."""
        source = choose()
        planned = self._cluster.plan(source.objects, self._args["keep"])
        if self._check:
            return self._planned(planned, source.plan_id, changed=bool(planned.changes))
        self._findings += planned.warnings
        known = deployments.is_newest(self._cluster.records, source.objects)
        goals = rollout.goals(planned.objects)
        watch = Watch(self._cluster, self._say, self._lock.require)
        mixed = have_machines(planned.objects)
        lonely = kubernetes_deployment.probe(self._cluster, goals) if mixed else []
        changed = bool(planned.changes or lonely) or not known
        if changed or lease.holder(self._lock.before):  # a run that stopped left the Lease: it is given back
            # A rollback goes to what was good here, and is in a hurry.
            canary = self._args["canary"] if self._args["state"] == DEPLOY else 0
            deployment = Deployment(
                self._cluster, self._lock, watch, self._deployment, self._args["keep"], canary, self._findings
            )
            source, planned = deployment.run(choose, planned)
            changed = changed or bool(planned.changes)
        else:
            self._findings += [*watch.all(goals), *kubernetes_secrets.unsynced(self._cluster, planned.objects)]
            self._findings += kubernetes_deployment.probe(self._cluster, goals, machines=True) if mixed else []
        members = kubernetes_deployment.observe(self._cluster, rollout.goals(planned.objects))["members"]
        return self._summary(planned, members, source.plan_id, changed)

    def _unscaled(self, objects: Sequence[Object]) -> List[Finding]:
        """Which autoscalers do not do their work."""
        wanted = (resources.path(item) for item in objects if item["kind"] == changes.SCALER)
        there = [item for item in map(self._cluster.api.get, wanted) if item is not None]
        found = (scaling.inactive(item, self._cluster.api.now) for item in there)
        return [finding for finding in found if finding is not None]

    def _differing(self, objects: Sequence[Object]) -> List[Finding]:
        """What is not as planned beside the pods, or why that cannot be said."""
        try:
            planned = self._cluster.plan(objects, self._args["keep"])
        except Failed as error:
            return list(error.findings)
        good = deployments.newest(self._cluster.records)
        names = [resources.name(item) for item in good.objects] if good is not None else []
        return changes.amiss(planned.changes, names, self._cluster.fleet)

    def _planned(self, planned: Planned, plan_id: str, changed: bool) -> Dict[str, Any]:
        self._findings += planned.warnings
        members = kubernetes_deployment.observe(self._cluster, rollout.goals(planned.objects))["members"]
        return self._summary(planned, members, plan_id, changed)

    def _remove(self) -> Dict[str, Any]:
        gone, stayed = kubernetes_removal.remove(self._cluster, None if self._check else self._lock)
        self._findings += stayed
        return self._summary(Planned((), gone, ()), changed=bool(gone))

    def _summary(
        self,
        planned: Optional[Planned] = None,
        members: Sequence[Mapping[str, Any]] = (),
        plan_id: str = "",
        changed: bool = False,
        deployments: Sequence[Mapping[str, Any]] = (),
    ) -> Dict[str, Any]:
        made = planned.changes if planned is not None else ()
        return {
            "changed": changed,
            "ok": not kubernetes_deployment.is_error(self._findings),
            "target": kubernetes_kinds.TARGET,
            "fleet": self._cluster.fleet,
            "namespace": self._cluster.namespace,
            "plan_id": plan_id,
            "deployment": self._deployment["run"] if changed and not self._check else "",
            "members": list(members),
            "changes": [{"verb": change.verb, "object": change.name} for change in made],
            "deployments": list(deployments),
            "across": self._across,
            "findings": plain_findings(self._findings),
            "diff": [_shown(change) for change in made],
        }


def _shown(change: changes.Change) -> Dict[str, str]:
    """A change as Ansible shows it."""
    before = manifests.text(changes.plain(change.before)) if change.before is not None else ""
    after = manifests.text(changes.plain(change.after)) if change.after is not None else ""
    return {"before": before, "after": after, "before_header": change.name, "after_header": change.name}
