# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what a fleet has in AWS: whatever carries both marks, in the reverse order of creation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_engine import Engine, owned
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import KINDS, MACHINES_GO_BEFORE, WORDS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE, Changes, Machine, Wanted, machine
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark, names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import (
    ADDRESS_LOST,
    KIND_PARTS,
    MACHINES,
    TARGETS_LOST,
)
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_rows import machine_rows
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import REMOVE, Row, counts, hold, plan_id
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.table import lines, picture

_LOST = {"load_balancer": ADDRESS_LOST, "target_group": TARGETS_LOST}


@dataclass
class Removal:
    """One fleet in one region.

    :param options: the module's.
    """

    client: AwsClient
    options: Mapping[str, Any]
    poll: Poll = field(default_factory=lambda: Poll(interval=5.0))

    def absent(self, check_mode: bool) -> dict[str, Any]:
        """Plan; and unless in check mode, carry out."""
        options, fleet = self.options, self.options["fleet"]
        resources = self._resources()
        machines = self._machines() if MACHINES in options["parts"] else []
        live = [each for each in machines if each.state in LIVE]
        before, after = _around(resources)
        gone = machine_rows(Wanted(fleet, ()), live, Changes(terminate=tuple(each.id for each in live)))
        rows = [*map(_row, before), *gone, *map(_row, after)]
        id_ = plan_id(("aws", self.client.region, fleet, "absent"), rows)
        hold(options["plan_id"], id_, rows, self._where)
        if not check_mode:
            self._apply(before, after, machines)
        title = f"fleet {fleet}, AWS {self.client.region}"
        result: dict[str, Any] = {
            "changed": bool(rows),
            "plan": {"id": id_, "counts": counts(rows), "rows": [row.as_dict() for row in rows]},
            "table": lines(title, rows, id_, not check_mode),
            "machines": [],
            "launched": [],
            "terminated": [each.id for each in live],
        }
        return {**result, "diff": picture(rows)} if rows else result

    @property
    def _where(self) -> str:
        return f"fleet {self.options['fleet']} in {self.client.region}"

    def _resources(self) -> list[Observed]:
        options, scheme = self.options, names(self.options["fleet"], self.client.region)
        kinds = [kind for kind, part in KIND_PARTS.items() if part in options["parts"]]
        tags = {str(key): str(value) for key, value in (options["tags"] or mark(options["fleet"])).items()}
        name = options["name"] or scheme["fleet"]
        access = {"role": scheme["role"], "instance_profile": scheme["role"]}
        by_name = {**access, "target_group": name, "load_balancer": name}
        return owned(self.client, kinds, tags, by_name)

    def _machines(self) -> list[Machine]:
        seen = Machines(self.client, self.options["fleet"], self.poll).observe(())
        return [each for each in (machine(one, self.options["fleet"]) for one in seen) if each and each.ours]

    def _apply(self, before: list[Observed], after: list[Observed], machines: list[Machine]) -> None:
        seconds = float(self.options["deadline"])
        engine = Engine(self.client, (), where=self._where, seconds=seconds, poll=self.poll)
        for each in before:
            engine.remove(each)
        handled = Machines(self.client, self.options["fleet"], self.poll)
        handled.terminate([each.id for each in machines if each.state in LIVE])
        handled.wait_gone([each.id for each in machines], seconds)
        for each in after:
            engine.remove(each)


def _around(resources: list[Observed]) -> tuple[list[Observed], list[Observed]]:
    """Those that go before the machines, and those that machines use."""
    order = list(KINDS)
    used = order.index(MACHINES_GO_BEFORE)
    before = [each for each in resources if order.index(each.kind) > used]
    return before, [each for each in resources if order.index(each.kind) <= used]


def _row(observed: Observed) -> Row:
    return Row(REMOVE, WORDS[observed.kind], observed.name, observed.id, (), _LOST.get(observed.kind, ""))
