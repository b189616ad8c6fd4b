# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of a fleet that is in a cluster, as the machines have to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, List, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import check_crossed, check_members
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outside import Outside
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import across, mesh
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import Beside


@dataclass(frozen=True)
class PodsBeside(Beside):
    """Pods.

    :param plaintext: whether they may dial, and be dialled, through the internet.
    """

    pods: Tuple[mesh.Pod, ...] = ()
    plaintext: bool = False

    def faults(self, machines: Sequence[Member], across_allowed: Collection[str]) -> List[Finding]:
        pods = [pod.as_member() for pod in self.pods]
        allowed = {*across_allowed, *(pod.name for pod in pods if self.plaintext)}
        crossed = check_crossed([*machines, *pods], allowed) if pods else []
        return [*check_members("", [*machines, *pods]), *crossed, *across.refusals(across.edges(self.pods, machines))]

    def outside(self, machines: Sequence[Member]) -> Outside:
        return across.outside(across.edges(self.pods, machines))
