# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a provisioning ended, from what each cloud's account and each member know at its end. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import machine_table

Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came to an end in each cloud, and who lets Ansible in.

    :param results: of each cloud that came to an end, what its role left in ``provision_result``.
    :param failed: the clouds that did not.
    :param members: the names of the inventory's members.
    :param answered: those that were logged in to, or on which a login was tried.
    :param silent: of those that let nobody in, why.
    :param unreadable: what is wrong with the inventory.
    """

    results: Mapping[str, Mapping[str, Any]]
    failed: tuple[str, ...]
    members: tuple[str, ...]
    answered: frozenset[str]
    silent: Mapping[str, str]
    unreadable: tuple[Any, ...]

    @property
    def machines(self) -> list[Mapping[str, Any]]:
        return self._all("machines")

    @property
    def unlisted(self) -> list[str]:
        """The machines that are no members of the inventory."""
        return [name for name in (each["name"] for each in self.machines) if name not in self.members]

    @property
    def wrong(self) -> str:
        """What the run fails with; empty when nothing is wrong."""
        if self.failed:
            return f"Not all resources were created in {' and '.join(self.failed)}: the failed task above says why."
        if self.unreadable:
            return f"The inventory could not be read; -vvv shows why: {list(self.unreadable)}"
        if self.unlisted:
            listed = ", ".join(self.unlisted)
            return (
                f"Machines that are not in the inventory: {listed}. Check that the inventory has the same region and "
                "fleet (praxis_region, praxis_fleet)."
            )
        if self.silent:
            why = next(iter(self.silent.values()))
            return (
                f"No SSH login on {', '.join(self.silent)}: {why}. Check that this controller's address is in "
                "praxis_ssh_from (PRAXIS_ALLOWED_FROM), and that ANSIBLE_PRIVATE_KEY_FILE is the machines' key."
            )
        return ""

    def summary(self) -> dict[str, Any]:
        """For programs."""
        return {
            "playbook": "provision",
            "ok": not self.wrong,
            "region": _one_or_all([each["region"] for each in self.results.values()]),
            "balancer": _one_or_all([each["balancer"] for each in self.results.values()]),
            "machines": self.machines,
            "launched": self._all("launched"),
            "terminated": self._all("terminated"),
            "no_login": list(self.silent),
            "failed": list(self.failed),
            "clouds": dict(self.results),
        }

    def lines(self, observed: bool) -> list[str]:
        """For a person: the machines, the load balancers, and what was planned.

        :param observed: whether the machines are those that are there: in check mode they are not.
        """
        table = ["machines: not observed in check mode"]
        if observed:
            table = machine_table.lines(self.machines, self.answered, self.silent, self.unlisted)
        balancers = ", ".join(each["balancer"] for each in self.results.values() if each["balancer"])
        plans = [*self.results.values(), *(each["admitted"] for each in self.results.values() if "admitted" in each)]
        planned = [line for each in plans for line in each.get("table") or ()]
        return [*table, f"load balancer: {balancers or 'none'}", *planned]

    def _all(self, key: str) -> list[Any]:
        return [item for each in self.results.values() for item in each[key]]


def outcome(accounts: Sequence[Variables], members: Sequence[Variables], unreadable: Sequence[Any] = ()) -> Outcome:
    """The end of a provisioning.

    :param accounts: the variables of the hosts that stand for a cloud's account each.
    :param members: the variables of the inventory's members.
    :param unreadable: what the inventory plugin could not read.
    """
    results = {each["praxis_cloud"]: each["provision_result"] for each in accounts if "provision_result" in each}
    names = {str(each["inventory_hostname"]): each for each in members}
    asked = {name for name, each in names.items() if "observation" in (each.get("praxis_holds") or ())}
    return Outcome(
        results=results,
        failed=tuple(each["praxis_cloud"] for each in accounts if each["praxis_cloud"] not in results),
        members=tuple(names),
        answered=frozenset(asked | {name for name, each in names.items() if "praxis_login" in each}),
        silent={name: str(each["praxis_no_login"]) for name, each in names.items() if "praxis_no_login" in each},
        unreadable=tuple(unreadable),
    )


def _one_or_all(values: list[Any]) -> Any:
    """With two clouds, a list of both."""
    return values[0] if len(values) == 1 else values
