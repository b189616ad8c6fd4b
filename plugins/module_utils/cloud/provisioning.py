# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What provisioning does on every cloud with a list of resources and machines: one plan, held to and carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import Client
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Changes, Machine, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import Volume, removals
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_rows import machine_rows
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import (
    REMOVE,
    Change,
    Row,
    counts,
    hold,
    plan_id,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ids, Observed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import BALANCER
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.table import lines, picture


class FleetMachines(Protocol):
    """A fleet's machines, as every cloud's part of provisioning handles them."""

    @property
    def running(self) -> list[dict[str, str]]:
        """After :meth:`apply`, the machines as results have them; empty before."""

    @property
    def launched(self) -> list[str]:
        """The slots that get a machine."""

    @property
    def there(self) -> int:
        """After :meth:`plan`, how many slots have a machine."""

    @property
    def terminated(self) -> list[str]:
        """The machines that go."""

    def plan(self, ids: Ids) -> list[Row]:
        """What would be done, as rows. Only reads."""

    def apply(self, ids: Ids) -> None:
        """Carry it out."""


#: What of a plan does not fit into the account, as errors, and what was not looked at, as warnings.
Quotas = Callable[[Sequence[Row]], list[Finding]]


def unasked(rows: Sequence[Row]) -> list[Finding]:
    """Of a plan that makes nothing which quotas count."""
    del rows
    return []


class Refused(Failed):
    """A plan that is not carried out: why, and the plan, as far as it could be made."""

    def __init__(self, findings: Sequence[Finding], plan: dict[str, Any]) -> None:
        super().__init__(*findings)
        self.plan = plan

    def as_result(self) -> dict[str, Any]:
        return {**super().as_result(), "plan": self.plan}


@dataclass(frozen=True)
class Leaving:
    """The machines that are removed with a fleet.

    :param terminate: removes them and waits until they are gone.
    :param volumes: the slots' disks that go with them.
    """

    live: Sequence[Machine] = ()
    terminate: Callable[[], None] = lambda: None
    names: Sequence[str] = ()
    volumes: Sequence[Volume] = ()
    remove_volumes: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Run:
    """One run of provisioning in one cloud.

    :param scope: what its plans are of: cloud, region and project, fleet.
    :param title: the same for people.
    :param where: the same for findings.
    :param agreed: the id of the plan that was agreed to, or empty.
    :param allow_shrink: whether machines and a load balancer may go.
    :param parts: of each kind, the part that it belongs to.
    :param quotas: asked before anything is made.
    """

    scope: Sequence[str]
    title: str
    where: str
    agreed: str
    allow_shrink: bool
    check_mode: bool
    parts: Mapping[str, str] = field(default_factory=dict)
    quotas: Quotas = unasked

    def keep(self, engine: Engine[Client], machines: FleetMachines | None) -> dict[str, Any]:
        """Plan; and unless in check mode, carry out.

        :raises Refused: everything that stands in the way, before anything is touched.
        """
        changes = engine.observe()
        rows = _rows(engine, changes)
        refusals = self._without_leave(engine, changes)
        try:
            rows += machines.plan(engine.ids) if machines else []
        except Failed as failed:
            refusals += failed.findings
        fits = self.quotas(rows)
        refusals += [each for each in fits if each.level == ERROR]
        there = len(engine.ids) + (machines.there if machines else 0)
        plan = {**self._plan(rows), "there": there}
        if refusals:
            raise Refused(refusals, plan)
        reported = self._held(plan, rows)
        if not self.check_mode:
            engine.apply(changes)
            if machines:
                machines.apply(engine.ids)
            engine.wait()
        return {
            **reported,
            "machines": machines.running if machines else [],
            "launched": machines.launched if machines else [],
            "terminated": machines.terminated if machines else [],
            "quotas": [{**each.as_dict(), "level": each.level} for each in fits],
        }

    def clear(
        self,
        engine: Engine[Client],
        resources: Sequence[Observed],
        machines: Leaving,
        last: str,
        lost: Mapping[str, str],
    ) -> dict[str, Any]:
        """The same for everything that a fleet has, in the reverse order of creation.

        :param resources: in the order in which they can be removed.
        :param last: the last of the kinds that the machines use.
        :param lost: by kind, what goes with it.
        """
        order = [*engine.table]
        before = [each for each in resources if order.index(each.kind) > order.index(last)]
        after = [each for each in resources if order.index(each.kind) <= order.index(last)]
        gone = Changes(terminate=tuple(each.id for each in machines.live))

        def row(observed: Observed) -> Row:
            words = engine.table[observed.kind].words
            return Row(REMOVE, words, observed.name, observed.id, (), lost.get(observed.kind, ""))

        leaving = [*machine_rows(Wanted(self.scope[-1], ()), machines.live, gone), *removals(machines.volumes)]
        rows = [*map(row, before), *leaving, *map(row, after)]
        reported = self._held(self._plan(rows, "absent"), rows)
        if not self.check_mode:
            for each in before:
                engine.remove(each)
            machines.terminate()
            machines.remove_volumes()
            for each in after:
                engine.remove(each)
        return {**reported, "machines": [], "launched": [], "terminated": list(machines.names)}

    def _held(self, plan: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
        """The plan, for people, for programs and for --diff.

        :raises Failed: another one was agreed to.
        """
        hold(self.agreed, plan["id"], rows, self.where)
        table = lines(self.title, rows, plan["id"], not self.check_mode)
        reported: dict[str, Any] = {"changed": bool(rows), "plan": plan, "table": table}
        return {**reported, "diff": picture(rows)} if rows else reported

    def _plan(self, rows: Sequence[Row], *state: str) -> dict[str, Any]:
        """For programs."""
        id_ = plan_id((*self.scope, *state), rows)
        return {"id": id_, "counts": counts(rows), "rows": [row.as_dict() for row in rows]}

    def _without_leave(self, engine: Engine[Client], changes: Sequence[Change]) -> list[Finding]:
        """``would-shrink`` when something would be lost, and nobody said that it may."""
        going = [each for each in changes if each.loses and (each.resource.lost or _goes(each))]
        lost = [each for each in going if self.parts[each.resource.kind] == BALANCER]
        if not lost or self.allow_shrink:
            return []
        named = "; ".join(f"{each.action} {engine.table[each.resource.kind].words} {each.resource.name}"
                          + (f" (lost: {each.resource.lost})" if each.resource.lost else "")
                          for each in lost)  # fmt: skip
        fix = (
            "Set provision_allow_shrink=true (praxis_allow_shrink) to go on, or leave the settings as they were: "
            "provision_balancer=true (praxis_balancer) and nothing of yours in provision_target_group "
            "(praxis_target_group) keep the load balancer; provision_certificate (praxis_certificate) keeps HTTPS, "
            "provision_oidc (praxis_oidc) the login, and provision_dns_name with provision_dns_zone (praxis_dns_zone) "
            "the name."
        )
        return [Finding("would-shrink", f"This would {named}.", self.where, fix)]


def _goes(change: Change) -> bool:
    """Whether nothing takes its place. What goes last has been replaced by something else."""
    return change.action == REMOVE and not change.resource.goes_last


def _rows(engine: Engine[Client], changes: Sequence[Change]) -> list[Row]:
    words = {name: kind.words for name, kind in engine.table.items()}
    return [each.row(words) for each in changes]
