# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why members cannot be a fleet. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Callable, Collection, Dict, List, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member


def empty_fleet(where: str) -> Finding:
    """That there is nobody to deploy to."""
    return Finding(
        code="empty-fleet",
        what="The inventory holds no member of the fleet (no host in the group praxis).",
        where=where,
        fix="Check the inventory's regions and the praxis_fleet tag, or run provision.yml first.",
    )


def check_members(fleet: str, members: Sequence[Member]) -> List[Finding]:
    """Why these members cannot be a fleet: there is none, or two share what each must have for itself."""
    if not members:
        return [empty_fleet("fleet %s" % fleet)]
    findings = []
    kinds: Dict[str, Callable[[Member], List[str]]] = {
        "name": lambda member: [member.name],
        "slot": lambda member: [member.slot],
        "address": lambda member: ["%s:%d%s" % (member.address, member.p2p_port, _within(member))],
        "peer id": lambda member: [member.peer_id] if member.peer_id else [],
    }
    for kind, values_of in kinds.items():
        holders: Dict[str, List[Member]] = defaultdict(list)
        for member in members:
            for value in values_of(member):
                holders[value].append(member)
        findings += [_shared(kind, value, sharing) for value, sharing in holders.items() if _clash(kind, sharing)]
    return findings


def check_machines(members: Sequence[Member]) -> List[Finding]:
    """That members are on one machine, which has room for one: in a network, a private address is one machine's.

    A public address may be a NAT's before several machines, each with a port of its own.

    :param members: machines; pods share their nodes.
    """
    holders: Dict[str, List[Member]] = defaultdict(list)
    for member in members:
        if member.address != member.public_address:
            holders[member.address + _within(member)].append(member)
    return [
        _shared("machine", address, sharing)
        for address, sharing in holders.items()
        if len({member.p2p_port for member in sharing}) > 1  # those of one port share their whole address
    ]


def check_logins(observations: Mapping[str, Mapping[str, Any]]) -> List[Finding]:
    """That the logins of several members lead to one machine, by what each one's says of itself."""
    holders: Dict[str, List[str]] = defaultdict(list)
    for name in sorted(observations):
        machine = (observations[name].get("host") or {}).get("machine")
        if machine:
            holders[machine].append(name)
    fix = (
        "Give each the ansible_host of its own machine (and no ansible_connection: local, which is this controller for "
        "all of them): the second agent would take the first one's place. If they are machines of their own that were "
        "cloned from one snapshot with its memory, they still have one boot id: reboot all but one."
    )
    return [
        Finding("shared-machine", "%s log in to one machine." % listed(names, 3), "inventory", fix)
        for names in holders.values()
        if len(names) > 1
    ]


def _within(member: Member) -> str:
    """Two networks may use the same private addresses."""
    return " in %s" % member.network if member.network else ""


def _clash(kind: str, sharing: Sequence[Member]) -> bool:
    """Whether these members must not share it. One slot is one identity: a shared slot is reported as that alone."""
    return len(sharing) > 1 and (kind != "peer id" or len({member.slot for member in sharing}) > 1)


def _shared(kind: str, value: str, sharing: Sequence[Member]) -> Finding:
    slots = " and ".join(sorted(member.slot for member in sharing))
    fixes = {
        "name": ("shared-name", "Give each machine a Name of its own."),
        "slot": (
            "shared-slot",
            "Give each machine a praxis_slot of its own: a slot is the identity of one host only.",
        ),
        "address": ("shared-address", "Check praxis_address and the hosts' praxis_private_ip or praxis_public_ip."),
        "machine": (
            "shared-machine",
            "Give each member its own machine: the second agent would replace the first. For machines behind one "
            "address (NAT) set praxis_address: public, and praxis_public_ip for each.",
        ),
        "peer id": (
            "shared-peer-id",
            "The slots %s hold the same seed: store another seed for one of them, or remove one with the "
            "module praxis.cloud.p2p_identity (state=absent, recovery_window_days=0) and deploy, which "
            "creates a new one." % slots,
        ),
    }
    code, fix = fixes[kind]
    return Finding(
        code=code,
        what="%s have the same %s, %s." % (" and ".join(sorted(member.name for member in sharing)), kind, value),
        where="inventory",
        fix=fix,
    )


def check_networks(members: Sequence[Member], across: Collection[str]) -> List[Finding]:
    """Why members of different private networks cannot be one fleet. P2P has no encryption and no authentication.

    :param across: the members whose variables allow that they dial others, and are dialled, through the internet.
    """
    if len({member.network for member in members}) < 2:
        return []
    fix = "Give the machine a public address (praxis_public_ip), or remove it from the fleet."
    return check_crossed(members, across) + [
        Finding("no-public-address", "Members in other networks cannot reach this machine: it has "
                                     "no public address.", member.name, fix)
        for member in members
        if not member.public_address
    ]


def check_crossed(members: Sequence[Member], across: Collection[str]) -> List[Finding]:
    """That members of different networks may be connected only where all of them say so."""
    networks = sorted({member.network for member in members})
    if len(networks) > 1 and any(member.name not in across for member in members):
        known = ", ".join(network or "one without a name" for network in networks)
        what = "The members are in %d networks (%s), and P2P between them would be unencrypted on the internet."
        fix = (
            "Connect the networks by a tunnel and give all members one praxis_network; or accept the risk: "
            "praxis_p2p_plaintext_across: true."
        )
        return [Finding("networks-crossed", what % (len(networks), known), "inventory", fix)]
    return []
