# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The local gate: is the container up, is it the expected agent, and is it connected?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.tcp import endpoint

POLL = 0.5
ENDED = ("exited", "dead", "restarting", "removing")


@dataclass(frozen=True)
class Gate:
    """What must hold.

    :param peer_id: the expected one; None: any.
    :param dial: the members active so far, each ``{member, address, port}``; with ``outside`` those that are no
        machines, of which one has to be connected, if any answers.
    :param min_edges: how many of them must be connected.
    :param deadline: seconds until all of it must hold.
    :param other_peer_id: the id that the same seed has in the other scheme.
    """

    peer_id: Optional[str] = None
    dial: Tuple[Mapping[str, Any], ...] = ()
    min_edges: int = 0
    deadline: float = 120.0
    other_peer_id: Optional[str] = None


@dataclass(frozen=True)
class Verdict:
    """``finding`` None: the gate holds. ``final``: waiting longer cannot help."""

    finding: Optional[Finding]
    final: bool = False


def judge(observation: Mapping[str, Any], gate: Gate, p2p_port: int, name: str, restarts: int = 0) -> Verdict:
    """The first condition that does not hold.

    :param name: the member, for messages.
    :param restarts: how often the container had restarted before the gate; more than that is a crash.
    """
    container = observation["container"]
    if container is None:
        return Verdict(
            Finding(
                "container-missing",
                "The machine has no container of the agent.",
                "member %s" % name,
                "Deploy again. If the container disappears again, find what removes it (on the machine: docker "
                "events).",
            )
        )
    if container["state"] in ENDED or container["restarts"] > restarts:
        return Verdict(_ended(container, name), final=True)
    api = _judge_api(observation["api"], gate, name)
    if api.finding is not None:
        return api
    if container["health"] not in (None, "healthy"):
        return Verdict(
            Finding(
                "unhealthy",
                "The container's health check says %s, although the API answers on this "
                "machine." % container["health"],
                "member %s" % name,
                "On the machine, read the check's output: docker inspect -f '{{json .State.Health}}' praxis-agent-1.",
            )
        )
    return Verdict(_judge_mesh(observation, gate, p2p_port, name))


def _ended(container: Mapping[str, Any], name: str) -> Finding:
    if container["oom_killed"]:
        return Finding(
            "container-out-of-memory",
            "The kernel killed the agent: it reached the memory limit of its container.",
            "member %s" % name,
            "Raise memory in praxis_container, or use a larger machine.",
        )
    how = "with exit code %s" % container["exit_code"]
    if container["state"] == "running":
        how = "and was started again"
    return Finding(
        "container-exited",
        "The agent ended %s (%d restarts)." % (how, container["restarts"]),
        "member %s" % name,
        "Read its last log lines, which say why, and correct the settings or the image.",
    )


def _judge_api(api: Mapping[str, Any], gate: Gate, name: str) -> Verdict:
    where = "member %s" % name
    if api["health"] is None:
        return Verdict(
            Finding(
                "api-silent",
                "The agent's API does not answer: %s." % (api["error"] or "not asked"),
                where,
                "Read the agent's log (on the machine: docker logs praxis-agent-1). Check that PRAXIS_API__PORT and "
                "PRAXIS_API__HOST are left to the plan, and that P2P is enabled: without it the agent starts no API.",
            )
        )
    if api["health"] != 200:
        return Verdict(
            Finding("api-error", "The agent's API reports an error: %s." % api["error"], where, "Read the log on the "
                                                                                                "machine: docker logs "
                                                                                                "praxis-agent-1.")
        )
    if api["peer_id"] is None:
        return Verdict(
            Finding(
                "no-peer-id",
                "The API answers, but P2P did not start: %s." % api["error"],
                where,
                "On the machine, see that user 10001 can read /run/praxis/keys; then deploy again. The log: docker "
                "logs praxis-agent-1.",
            )
        )
    if gate.peer_id is not None and api["peer_id"] != gate.peer_id:
        return Verdict(_wrong_id(api["peer_id"], gate, where), final=True)
    return Verdict(None)


def _wrong_id(found: str, gate: Gate, where: str) -> Finding:
    what = "The agent's peer id is %s and not %s." % (found, gate.peer_id)
    fix = "Deploy again. If that does not help, check /run/praxis/keys/node.key there: 32 bytes, of user 10001."
    if found == gate.other_peer_id:
        what += " It is the id of the same key in the other scheme, which the image's libp2p uses."
        fix = "For the whole fleet, set praxis_peer_id_scheme to the other of ed25519 and x25519; then deploy."
        return Finding("other-key-scheme", what, where, fix)
    return Finding("wrong-peer-id", what, where, fix)


def live_members(observation: Mapping[str, Any], dial: Tuple[Mapping[str, Any], ...], p2p_port: int) -> List[str]:
    """The members with a live edge: established, not retransmitting, and their port answers a fresh dial."""
    here = ":%d" % p2p_port
    live = []
    for item in dial:
        peer, there = str(item["address"]), endpoint(str(item["address"]), int(item["port"]))
        accepted = endpoint(peer, 0)[:-1]
        edges = [
            edge
            for edge in observation["edges"]
            if edge["remote"] == there or (edge["remote"].startswith(accepted) and edge["local"].endswith(here))
        ]
        if any(edge["retransmits"] == 0 for edge in edges) and observation["dials"].get(there) == "ok":
            live.append(str(item["member"]))
    return live


def strangers(observation: Mapping[str, Any], dial: Tuple[Mapping[str, Any], ...], p2p_port: int) -> int:
    """Sound accepted connections from addresses that are no member's: where what comes in has its address rewritten, a
    member is not recognised by it. The controller matches them with the connections of the members that dialled."""
    members = tuple(endpoint(str(item["address"]), 0)[:-1] for item in dial)
    ours = ":%d" % p2p_port
    accepted = [edge for edge in observation["edges"] if edge["local"].endswith(ours) and not edge["retransmits"]]
    return len([edge for edge in accepted if not edge["remote"].startswith(members)])


def _answering(observation: Mapping[str, Any], dial: Tuple[Mapping[str, Any], ...], live: List[str]) -> int:
    """How many of the others a fresh dial reaches."""
    others = [item for item in dial if item["member"] not in live]
    dialled = [endpoint(str(item["address"]), int(item["port"])) for item in others]
    return len([1 for each in dialled if observation["dials"].get(each) == "ok"])


def _judge_mesh(observation: Mapping[str, Any], gate: Gate, p2p_port: int, name: str) -> Optional[Finding]:
    inside = inside_of(gate.dial)
    live = live_members(observation, inside, p2p_port)
    accepted = strangers(observation, gate.dial, p2p_port)
    unknown = min(accepted, _answering(observation, inside, live))
    if len(live) + unknown >= gate.min_edges:
        return _judge_outside(observation, gate.dial, p2p_port, name, accepted - unknown)
    missing = []
    for item in inside:
        if item["member"] not in live:
            there = endpoint(str(item["address"]), int(item["port"]))
            missing.append("%s (%s: dial %s)" % (item["member"], there, observation["dials"].get(there, "not tried")))
    return Finding(
        "mesh-missing",
        "The agent is connected to %d members and needs %d; not to %s."
        % (len(live), gate.min_edges, ", ".join(missing)),
        "member %s" % name,
        "timeout: a firewall is in between; refused: that agent is down; ok: restart the agent at one of the two "
        "ends. If that does not help, containers cannot reach the network (iptables, net.ipv4.ip_forward).",
    )


def inside_of(dial: Tuple[Mapping[str, Any], ...]) -> Tuple[Mapping[str, Any], ...]:
    """Those of the members that are machines."""
    return tuple(item for item in dial if not item.get("outside"))


def _judge_outside(
    observation: Mapping[str, Any], dial: Tuple[Mapping[str, Any], ...], p2p_port: int, name: str, accepted: int
) -> Optional[Finding]:
    """One edge to a member that is no machine is enough, whoever has dialled; and it takes one that answers."""
    outside = tuple(item for item in dial if item.get("outside"))
    answering = _answering(observation, outside, [])
    if not answering or accepted or live_members(observation, outside, p2p_port):
        return None
    what = "The agent has no live edge to the %d members in the cluster, although %d of them answer."
    fix = (
        "On the machine, docker restart praxis-agent-1: the agent dials once, after its start. If that does not help, "
        "check that the peer ids are those of the pods."
    )
    return Finding("mesh-missing", what % (len(outside), answering), "member %s" % name, fix)


def wait(
    take: Callable[[], Dict[str, Any]],
    judged: Callable[[Dict[str, Any]], Verdict],
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Tuple[Dict[str, Any], Optional[Finding]]:
    """Observe until the gate holds, cannot hold, or the deadline has passed. The last observation, and what failed."""
    until = clock() + deadline
    while True:
        observation = take()
        verdict = judged(observation)
        if verdict.finding is None or verdict.final:
            return observation, verdict.finding
        if clock() >= until:
            waited = "%s Waited %g s for it." % (verdict.finding.what, deadline)
            finding = verdict.finding
            return observation, Finding(finding.code, waited, finding.where, finding.fix)
        sleep(POLL)
