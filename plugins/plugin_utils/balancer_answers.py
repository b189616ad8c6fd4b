# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a load balancer's module is asked and answers, whichever cloud's it is."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Protocol, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.balancer import failures
from ansible_collections.praxis.cloud.plugins.plugin_utils import balancer_targets
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import Balancer

Targets = Sequence[Mapping[str, Any]]


class Ask(Protocol):
    """Calls a balancer's module."""

    def __call__(self, balancer: Balancer, targets: Targets, state: str, wait: bool = True) -> Dict[str, Any]:
        """What it answers.

        :param targets: those that are to be ``state`` (``present`` or ``absent``); with none, it only looks.
        :param wait: whether those that are put in are waited for until they are healthy.
        """


def is_refused(answer: Mapping[str, Any]) -> bool:
    """Whether the module failed before it said anything of its targets. One that is late with some says which."""
    return bool(answer.get("failed")) and not answer.get("targets")


def place(balancer: Balancer) -> str:
    """The balancer, as its module's options name it."""
    return ", ".join(str(value) for value in balancer["options"].values())


def are_in(balancer: Balancer, names: Collection[str], answer: Mapping[str, Any]) -> bool:
    """Whether a balancer calls one of these members healthy.

    :param answer: what its module has just said, asked for others.
    """
    machines = balancer_targets.healthy_machines(answer)
    return any(balancer_targets.machine_of(balancer["targets"][name]) in machines for name in names)


def failures_of(answer: Mapping[str, Any], balancer: Balancer) -> List[Mapping[str, Any]]:
    """What went wrong, as findings."""
    return list(failures(answer if answer.get("failed") else None, place(balancer)))
