# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether tasks are in the mesh, as the members see it that they dial. Pure.

A task's health is its own word, and the agent calls itself healthy without a single peer. Nothing of ours runs beside
it, so its members testify: a task keeps the address of its network interface all the way to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding


@dataclass(frozen=True)
class Seen:
    """What a member has seen.

    :param peer_id: who its agent says that it is; empty: it does not say.
    :param accepted: the addresses from which it has accepted sound connections.
    """

    peer_id: str
    accepted: tuple[str, ...]


def dialled(kinds: Iterable[tuple[Collection[str], Collection[str]]]) -> dict[str, list[str]]:
    """By peer id, the addresses of the tasks that dial an agent.

    :param kinds: of each, its bootstrap list and the addresses of its tasks.
    """
    found: dict[str, list[str]] = {}
    for bootstrap, addresses in kinds:
        for peer in peer_ids(bootstrap) if addresses else ():
            found.setdefault(peer, []).extend(addresses)
    return found


def findings(
    tasks: Mapping[str, str],
    seen: Mapping[str, Seen | None],
    bootstrap: Collection[str],
    needed: int,
    where: str,
) -> list[Finding]:
    """What is wrong with the edges of a service's tasks.

    :param tasks: the addresses of those that run, by id.
    :param seen: by member; None: it was not observed.
    :param bootstrap: the multiaddrs that the tasks dial. Who is not named there has nothing to say of them.
    :param needed: live edges that each task needs; 0: none is asked for.
    """
    if not tasks or not needed:
        return []
    testified = _testified(seen, bootstrap)
    if not testified:
        what = "The members that the tasks dial could not be observed, so the tasks' edges are unknown."
        fix = "See why the machines do not answer: run playbooks/verify.yml with the same inventory."
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
        "Admit the tasks' security group at the members' P2P port, and check that praxis_ecs.bootstrap has running "
        "members. A task dials once, after its start: stop it (aws ecs stop-task), and ECS starts a new one."
    )
    return [Finding("task-alone", what, where, fix)]


def _testified(seen: Mapping[str, Seen | None], bootstrap: Collection[str]) -> list[set[str]]:
    """What each member has seen that the tasks dial."""
    named = {"", *peer_ids(bootstrap)}
    observed = [each for each in seen.values() if each]
    # Where all were observed and none is named, the list is at fault: it names nobody whom the tasks could reach.
    wrong = len(observed) == len(seen) and not any(each.peer_id in named for each in observed)
    return [set(each.accepted) for each in observed if wrong or each.peer_id in named]


def peer_ids(multiaddrs: Iterable[str]) -> list[str]:
    """Whom multiaddrs name, an id each."""
    return [each.rpartition("/p2p/")[2] for each in multiaddrs]
