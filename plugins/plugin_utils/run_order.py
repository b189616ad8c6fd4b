# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's order, as far as its later steps need it: gates, batches, old ports, who was left out, what was before."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import Order
from ansible_collections.praxis.cloud.plugins.plugin_utils.fact_files import FactFiles

#: What each step is told before there is an order.
_NONE: Mapping[str, Any] = {
    "gates": {}, "first": False, "ports": {}, "back": {}, "left_out": [], "empty": [], "before": {},
}  # fmt: skip


class RunOrder:
    """Kept once, by ``fleet_order``, and read by every step after it.

    :param files: the run's.
    """

    def __init__(self, files: FactFiles) -> None:
        self._files = files

    def keep(self, order: Order, observations: Mapping[str, Mapping[str, Any]]) -> None:
        """What later steps need of the order: the live edges that each host's gate asks for, whether the fleet is new,
        who listens at another P2P port until it is activated, who was left out, and what the fleet was like before."""
        kept = {
            "gates": order.min_edges,
            "first": order.first_deployment,
            "ports": order.ports,
            "back": order.back,
            "left_out": [finding.where for finding in order.left_out],
            "empty": [name for name, seen in observations.items() if _is_empty(seen)],
            "before": record.before(order, observations),
        }
        self._files.write("order.json", kept)

    def batch_of(self, name: str) -> List[str]:
        """The members that are activated together with this one."""
        return next((batch for batch in self.before().get("batches") or [] if name in batch), [])

    def gates(self) -> Dict[str, int]:
        """Live edges asked for, of every host that is to be activated."""
        found: Dict[str, int] = self._kept()["gates"]
        return found

    def left_out(self) -> List[str]:
        """The members that could not be reached and that this run goes on without."""
        found: List[str] = self._kept()["left_out"]
        return found

    def empty(self) -> List[str]:
        """The members that had no agent yet, and have had none that was called good."""
        found: List[str] = self._kept()["empty"]
        return found

    def first_deployment(self) -> bool:
        """Whether this run is of the whole fleet, and no agent ran when it began."""
        return bool(self._kept()["first"])

    def before(self) -> Dict[str, Any]:
        """What the fleet was like before anything was touched; empty when this run did not get as far as an order."""
        found: Dict[str, Any] = self._kept()["before"]
        return found

    def old_ports(self, moved: Collection[str], back: Collection[str]) -> Dict[str, int]:
        """The members that do not listen where the plan says, and where they do.

        :param moved: those that listen where the plan says.
        :param back: those of the others that listen where their last good release does.
        """
        kept = self._kept()
        ports = {**kept["ports"], **{name: port for name, port in kept["back"].items() if name in back}}
        return {name: port for name, port in ports.items() if name not in moved}

    def _kept(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._files.read("order.json") if self._files.has("order.json") else _NONE
        return found


def _is_empty(observation: Mapping[str, Any]) -> bool:
    release = observation.get("release") or {}
    return not (release.get("running") or release.get("good"))
