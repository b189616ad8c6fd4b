# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One agent of a user's own play: the arguments of the role ``agent`` as a member's variables, and its peers."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Collection, Dict, Iterable, List, Mapping, Sequence, Set, Tuple, Union

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import SEED_BYTES, decode_seed, is_peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, variable_types
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole

#: agent_plan's options that are a member's variables: the role's arguments without ``agent_``.
FIELDS = {
    "image": "image",
    "settings": "agent_config",
    "secrets": "agent_secrets",
    "environment": "agent_environment",
    "profile": "environment",
    "config_dir": "config_dir",
    "address": "private_ip",
    "api_port": "api_port",
    "p2p_port": "p2p_port",
    "peer_id_scheme": "peer_id_scheme",
    "strict": "strict",
    "container": "container",
    "docker_socket": "docker_socket",
    "docker_daemon": "docker_daemon",
    "services": "services",
    "data": "data",
    "region": "region",
    "project": "project",
}
#: Those that are a run's.
RUN = ("soak", "keep_releases", "deadline", "pull_deadline", "lease", "confirm_deadline")
_OPTIONS = {
    **{"praxis_" + field: option for option, field in FIELDS.items()},
    **{variable_types.RUN_OPTIONS[option][0]: option for option in RUN},
}
_VARIABLE = re.compile(r"\bpraxis_\w+")
_MULTIADDR = re.compile(r"/ip4/([0-9.]+)/tcp/([0-9]{1,5})/p2p/(\w+)")


@dataclass(frozen=True)
class AgentVariables(MemberVariables):
    """What an agent of its own is made of: no slot of a fleet has its seed."""

    seed: Union[Reference, bytes] = b""

    @property
    def identity(self) -> Union[Reference, bytes]:
        """Its seed, or where that is."""
        return self.seed

    def proxies(self, fleet: Sequence[str]) -> None:
        """The docker role's arguments say which, and the play is the user's."""

    @property
    def addresses(self) -> Tuple[str, ...]:
        """Without one nobody can dial it, and it dials others all the same."""
        return (self.private_ip,)


def variables_of(name: str, args: Mapping[str, Any]) -> AgentVariables:
    """The agent's variables.

    :param args: agent_plan's options.
    :raises Failed: with everything that is wrong in them, in a fleet's words; see :func:`in_role_words`.
    """
    given = {"praxis_" + field: args[option] for option, field in FIELDS.items() if args[option] is not None}
    findings: List[Finding] = []
    seed: Union[Reference, bytes] = b""
    try:
        seed = _seed(fleet_variables.plain(args["identity"]))
    except Failed as error:
        findings += error.findings
    try:
        (member,) = fleet_variables.members({name: {**given, "praxis_slot": name}}, [name])
    except Failed as error:
        raise Failed(*error.findings, *findings) from None
    if findings:
        raise Failed(*findings)
    return AgentVariables(**{item.name: getattr(member, item.name) for item in fields(member)}, seed=seed)


def _seed(text: Any) -> Union[Reference, bytes]:
    if not isinstance(text, str):
        raise Failed(_bad_seed("is no text"))
    reference = parse(text)
    if reference is not None:
        return reference
    seed = decode_seed(text)
    if seed is None:
        raise Failed(_bad_seed("is neither a reference nor base64 of %d bytes" % SEED_BYTES))
    return seed


def _bad_seed(how: str) -> Finding:
    fix = "Make one (`openssl rand -base64 32`), keep it in Ansible Vault or a secret store, and never replace it."
    return Finding("identity-seed", "The seed %s." % how, "agent_identity", fix)


def in_role_words(findings: Sequence[Finding]) -> List[Finding]:
    """The same findings, with the role's arguments in the place of a fleet's variables."""

    def named(text: str) -> str:
        return _VARIABLE.sub(lambda found: "agent_" + _OPTIONS[found[0]] if found[0] in _OPTIONS else found[0], text)

    return [replace(item, what=named(item.what), where=named(item.where), fix=named(item.fix)) for item in findings]


def peers_of(name: str, peers: Sequence[Any], hostvars: Mapping[str, Any]) -> List[Member]:
    """The agent's peers as members of its table.

    :param peers: names of hosts that the role has planned in this run, and multiaddrs of others.
    :raises Failed: for each that is neither.
    """
    members: Dict[str, Member] = {}
    findings: List[Finding] = []
    mine = _planned(name, hostvars).get("peer_id")
    for peer in (str(fleet_variables.plain(peer)) for peer in peers):
        if peer == name:
            continue
        try:
            member = _by_multiaddr(peer) if peer.startswith("/") else _by_host(peer, hostvars)
        except Failed as error:
            findings += error.findings
        else:
            if member.peer_id != mine:  # nobody dials itself, at whichever of its addresses
                members[member.name] = member
    if findings:
        raise Failed(*findings)
    return list(members.values())


def remember(name: str, agent: Mapping[str, Any]) -> None:
    """That the agent on a host has been planned in this ansible-playbook, for others to find it by its peer id: reading
    the variables of all hosts takes a host of a thousand half a second.

    :param agent: the fact ``praxis_agent``.
    """
    folder = _namesakes(agent)
    os.makedirs(folder, exist_ok=True)
    write_whole(os.path.join(folder, name), b"")


def _namesakes(agent: Mapping[str, Any]) -> str:
    """Where the hosts are remembered whose agents had this one's peer id when they were planned."""
    return os.path.join(os.path.dirname(agent["run"]), "praxis-peer-ids", agent["peer_id"])


def clashes(
    name: str, hosts: Iterable[str], peers: Collection[str], hostvars: Mapping[str, Any]
) -> List[Finding]:
    """What the agent would share with agents that were planned in this run, and each must have for itself. Two sites
    may have the same addresses, as long as nobody dials from the one to the other.

    :param hosts: those of the play.
    """
    mine, findings = _planned(name, hostvars), []
    suspects = {*peers, *_remembered(mine)}
    for other in (other for other in dict.fromkeys([*hosts, *peers]) if other != name and other in suspects):
        known = _planned(other, hostvars)
        if not known:
            continue
        both = " and ".join(sorted((name, other)))
        if known["peer_id"] == mine["peer_id"]:
            what = "%s have the same seed, and so the same peer id, %s." % (both, mine["peer_id"])
            fix = "Give each host a seed of its own: two agents with one identity disturb each other."
            findings.append(Finding("shared-peer-id", what, "agent_identity", fix))
        same = (known["address"], known["port"]) == (mine["address"], mine["port"])
        if same and other in peers and mine["multiaddr"]:
            what = "%s have the same address, %s:%d." % (both, mine["address"], mine["port"])
            fix = "Give each host the address at which others reach its own machine."
            findings.append(Finding("shared-address", what, "agent_address", fix))
    return findings


def _remembered(agent: Mapping[str, Any]) -> Set[str]:
    """The hosts whose agents have been planned with this one's peer id; some may have been planned anew since."""
    try:
        return set(os.listdir(_namesakes(agent))) if agent else set()
    except FileNotFoundError:
        return set()


def _planned(name: str, hostvars: Mapping[str, Any]) -> Dict[str, Any]:
    """What is known of the agent on a host; empty where the role has not planned it in this run. What a fact cache has
    of an earlier one does not count: its run's directory is gone, and seed and address may be others by now."""
    facts = (hostvars[name].get("ansible_facts") or {}) if name in hostvars else {}
    found: Dict[str, Any] = fleet_variables.plain(facts.get("praxis_agent") or {})
    return found if found and os.path.isdir(found["run"]) else {}


def _by_multiaddr(text: str) -> Member:
    found = _MULTIADDR.fullmatch(text)
    wrong = variable_types.check("private_ip", found[1]) if found else None
    if found is None or wrong or not 1 <= int(found[2]) <= 65535 or not is_peer_id(found[3]):
        fix = "Write /ip4/ADDRESS/tcp/PORT/p2p/PEER_ID with an IPv4 address, or the name of a host of the play."
        raise Failed(Finding("bad-peer", "%s is not the multiaddr of a peer." % shown(text), "agent_peers", fix))
    return _member(text, found[1], int(found[2]), found[3])


def _by_host(name: str, hostvars: Mapping[str, Any]) -> Member:
    known = _planned(name, hostvars)
    if not known:
        what = "The agent on %s is not known in this run, or not yet." % name
        fix = (
            "Run the role on that host in the same play, with the strategy linear and without serial; or its entry "
            "point plan on all hosts in a play before; or write the agent's multiaddr."
        )
        raise Failed(Finding("peer-unknown", what, "agent_peers", fix))
    if not known["address"]:
        what = "The agent on %s has no IPv4 address at which it can be dialled." % name
        raise Failed(Finding("no-address", what, name, "Set agent_address for that host."))
    return _member(name, known["address"], known["port"], known["peer_id"])


def _member(name: str, address: str, port: int, peer_id: str) -> Member:
    return Member(name, name, (address,), p2p_port=port, api_port=0, peer_id=peer_id, peer_only=True)
