# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a plan makes fits into what the account may have, by the clouds' own quotas. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import machine_rows
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.plan import CREATE, Row

#: AWS: vCPUs of running on-demand standard instances, and VPCs in a region. The service and the code of each.
STANDARD, VPCS = ("ec2", "L-1216C47A"), ("vpc", "L-F678F1CE")
#: Families of instance types that STANDARD counts, by the letters before their generation.
_STANDARD = frozenset(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"))
#: Google: families of machine types that the quota CPUS counts; every other one has a quota of its own.
_CPUS = frozenset(("e2", "f1", "g1", "n1"))
_LETTERS = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Use:
    """What is used of a quota, and what a plan would use more.

    :param name: the quota's, with its code.
    :param unit: what it counts.
    """

    name: str
    unit: str
    limit: float
    used: float
    more: float


def made(rows: Sequence[Row], kind: str = machine_rows.KIND) -> int:
    """How many of a kind a plan makes."""
    return sum(row.action == CREATE and row.kind == kind for row in rows)


def over(use: Use, where: str, fix: str) -> Finding | None:
    """That a plan does not fit, found before anything is made."""
    if use.used + use.more <= use.limit:
        return None
    what = f"{use.more:g} {use.unit} would be added to {use.used:g} in use, and the quota {use.name} is {use.limit:g}."
    return Finding("over-quota", what, where, fix)


def unseen(name: str, where: str, why: str, fix: str) -> Finding:
    """That a quota was not looked at. The cloud says by itself when it is used up, in the middle of a run."""
    return Finding("quota-unseen", f"The quota {name} could not be read: {why}", where, fix, WARNING)


def is_standard(instance_type: str) -> bool:
    """Whether AWS counts an instance of this type among the standard ones."""
    letters = _LETTERS.match(instance_type)
    return letters is not None and letters[0] in _STANDARD


def processors_metric(machine_type: str) -> str:
    """The name of Google's quota for the processors of a machine type."""
    family = machine_type.partition("-")[0]
    return "CPUS" if family in _CPUS else f"{family.upper()}_CPUS"
