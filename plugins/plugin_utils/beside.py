# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of a fleet that is not on machines: what a plan of the machines has to know of it. Nothing here is of
Kubernetes, which a fleet that is on machines alone does not load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, List, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import Outside
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member

#: Where that half may be: ``praxis_target``.
TARGET = "kubernetes"


@dataclass(frozen=True)
class Beside:
    """That half, with nobody in it: what is in a cluster is ``pods_beside.PodsBeside``.

    :param findings: what is wrong with it.
    """

    findings: Tuple[Finding, ...] = ()

    def faults(self, machines: Sequence[Member], across_allowed: Collection[str]) -> List[Finding]:
        """Why it cannot be one fleet with these machines.

        :param across_allowed: who may be dialled through the internet.
        """
        return []

    def outside(self, machines: Sequence[Member]) -> Outside:
        """For each machine whom it is to be connected to."""
        return {}


#: Of a fleet that is on machines alone.
NOBODY = Beside()
