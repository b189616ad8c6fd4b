# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether tasks are in the mesh, as the members see it that they dial. Pure.

A task's health is its own word, and the agent calls itself healthy without a single peer. Nothing of ours runs beside
it, so its members testify: a task keeps the address of its network interface all the way to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding


def findings(
    tasks: Mapping[str, str], seen: Mapping[str, Collection[str] | None], needed: int, where: str
) -> list[Finding]:
    """What is wrong with the edges of a service's tasks.

    :param tasks: the addresses of those that run, by id.
    :param seen: by member, the addresses from which it has accepted sound connections; None: it was not observed.
    :param needed: live edges that each task needs; 0: none is asked for.
    """
    if not tasks or not needed:
        return []
    testified = [set(addresses) for addresses in seen.values() if addresses is not None]
    if not testified:
        what = "No member on a machine could be observed, so nobody has seen the tasks' edges."
        fix = "See why the machines do not answer: ansible-playbook playbooks/verify.yml with the same inventory."
        return [Finding("members-unobserved", what, where, fix, WARNING)]
    edges = Counter(address for addresses in testified for address in addresses)
    poor = [f"{task[:8]} ({address}): {edges[address]}" for task, address in sorted(tasks.items())
            if edges[address] < needed]  # fmt: skip
    if not poor:
        return []
    what = (
        f"{len(poor)} of {len(tasks)} tasks have fewer live edges than {needed}, as the {len(testified)} observed "
        f"members see it: {', '.join(poor)}."
    )
    fix = (
        "Let the tasks' security group in at the members' P2P port, and see that praxis_ecs.bootstrap names members "
        "that run. A task dials once, after its start: stop it (aws ecs stop-task), and ECS starts another."
    )
    return [Finding("task-alone", what, where, fix)]
