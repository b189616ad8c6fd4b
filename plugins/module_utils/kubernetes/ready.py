# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a pod is ready: by its identity, and by its live edges as the kernel lists them.

Runs in the agent's container as its readiness probe: Python 3.9 and its standard library, with ``tcp.py`` beside it.
``/health`` alone proves nothing: it stays 200 when P2P has crashed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import sys
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ansible_collections.praxis.cloud.plugins.module_utils.host.tcp import dial_all, p2p_edges, read_tables

HTTP_TIMEOUT = 3.0
DIAL_TIMEOUT = 2.0
#: Answers of the resolver that mean: there is no such name. Others mean that it could not be asked.
_ABSENT = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HTTP_TIMEOUT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError("it answers %d" % answer.status)
    return text


def identity_fault(api_port: int, expected: str) -> str:
    """Why the agent is not who it should be; empty when it is.

    :param expected: its peer id; empty: any.
    """
    for path in ("/health", "/p2p/info"):
        try:
            text = _get(api_port, path)
        except (OSError, http.client.HTTPException) as error:
            return "%s: %s" % (path, error)
    try:
        found = str(json.loads(text)["peer_id"])
    except (ValueError, KeyError, TypeError):
        return "/p2p/info has no peer id"
    if expected and found != expected:
        return "its peer id is %s and should be %s" % (found, expected)
    return ""


def members(services: Sequence[str]) -> Optional[Set[str]]:
    """The addresses of the members that run; None when the resolver gave no answer."""
    found: Set[str] = set()
    for name in services:
        try:
            answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno not in _ABSENT:
                return None
            continue
        found.update(str(answer[4][0]) for answer in answers)
    return found


def live(addresses: Set[str], p2p_port: int) -> Set[str]:
    """Those of the addresses to which a P2P connection stands that is not being sent again."""
    edges = p2p_edges(read_tables(os.getpid()), p2p_port, (p2p_port,))
    return {edge.remote_address for edge in edges if not edge.retransmits} & addresses


def mesh_fault(found: Optional[Set[str]], own: str, edges: Set[str], wanted: int) -> str:
    """Why it is not in the mesh now; empty when it is. A member that is alone is all of its mesh.

    A member is among the members: where the answer does not have it, the Service is gone, or the cluster's DNS is
    behind, and nobody can say whether it is alone. The Service names pods that are not ready, so waiting ends.

    :param found: the addresses of the members that run; None when that could not be asked.
    :param own: a member's own address; empty: a leaf's, which no Service has.
    :param edges: to which others a live edge stands.
    :param wanted: live edges that it needs; 0: none, whoever runs.
    """
    if found is None:
        return "the names of the other pods could not be resolved"
    if wanted and own and own not in found:
        return "the Service of the members does not list this pod (%s)" % own
    if wanted and not found:
        return "no member has an address"
    others = len(found - {own})
    least = min(wanted, others)
    return "" if len(edges) >= least else "%d of %d live edges to %d pods" % (len(edges), least, others)


def machines_of(folder: str, pod: str) -> Dict[str, Any]:
    """The machines that a pod is to be connected to; empty where its fleet has none."""
    try:
        with open(os.path.join(folder, pod + ".machines"), encoding="ascii") as file:
            found: Dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return {}
    return found


def machine_edges(known: Mapping[str, Any], pods: Set[str], p2p_port: int) -> int:
    """How many machines a sound P2P connection stands to, whoever has dialled.

    A node gives what comes in through it another address. So where machines dial pods, a connection from an address
    that is neither a pod's nor a machine's counts as a machine's; not where leaves dial, whose addresses nobody knows.
    """
    machines = known["machines"]
    ports = {machine["port"] for machine in machines}
    sound = [edge for edge in p2p_edges(read_tables(os.getpid()), p2p_port, ports) if not edge.retransmits]
    met, strangers = set(), 0
    for edge in sound:
        inbound = edge.local_port == p2p_port
        near = [
            machine["name"]
            for machine in machines
            if edge.remote_address in machine["addresses"] and (inbound or edge.remote_port == machine["port"])
        ]
        met.update(near)
        strangers += inbound and not near and edge.remote_address not in pods
    return min(len(machines), len(met) + (strangers if known["strangers"] else 0))


def machines_fault(known: Mapping[str, Any], pods: Set[str], p2p_port: int, required: bool) -> str:
    """Why it has too few edges to machines; empty when it has enough.

    A pod that dials no machine can do nothing about it: the machines' own verdict says so. Machines that are all away
    are no fault of this pod's, either: it stays in service, unless they are required.
    """
    least = min(known["edges"], len(known["machines"]))
    found = machine_edges(known, pods, p2p_port) if least else 0
    if found >= least:
        return ""
    answers = dial_all([(each["dial"], each["port"]) for each in known["machines"] if each["dial"]], DIAL_TIMEOUT)
    if not answers or not required and "ok" not in answers.values():
        return ""
    said = ", ".join("%s: %s" % pair for pair in sorted(answers.items())[:3])
    return "%d of %d live edges to %d machines (%s)" % (found, least, len(known["machines"]), said)


def forgiven(path: str, fault: str, now: float, grace: float) -> bool:
    """Whether a pod that was in the mesh may still be ready: another one's restart must take nobody out of service.

    :param path: a file that holds when it was last in the mesh.
    """
    if not fault:
        with open(path, "w", encoding="ascii") as file:
            file.write("%d" % now)
        return True
    try:
        with open(path, encoding="ascii") as file:
            return now - float(file.read() or "-inf") <= grace
    except (FileNotFoundError, ValueError):
        return False


def main(arguments: Sequence[str]) -> str:
    """What stands against its being ready; empty when nothing does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--service", action="append", default=[])
    parser.add_argument("--api-port", type=int, required=True)
    parser.add_argument("--p2p-port", type=int, required=True)
    parser.add_argument("--edges", type=int, required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--joined", required=True)
    parser.add_argument("--ids", default="")
    parser.add_argument("--require-machines", action="store_true")
    given = parser.parse_args(list(arguments))
    expected = ""
    if given.ids:
        with open(os.path.join(given.ids, os.environ["POD_NAME"] + ".id"), encoding="ascii") as file:
            expected = file.read().strip()
    fault = identity_fault(given.api_port, expected)
    if fault:
        return fault
    found = members(given.service)
    others = (found or set()) - {os.environ["POD_IP"]}
    own = os.environ["POD_IP"] if given.ids else ""
    fault = mesh_fault(found, own, live(others, given.p2p_port), given.edges)
    known = machines_of(given.ids, os.environ["POD_NAME"]) if given.ids else {}
    if known and not fault:
        fault = machines_fault(known, others, given.p2p_port, given.require_machines)
    return "" if forgiven(given.joined, fault, time.time(), given.grace) else fault


def run(arguments: List[str]) -> int:
    """The probe's return code; what it prints is shown in the pod's events."""
    fault = main(arguments)
    if fault:
        sys.stdout.write(fault + "\n")
    return 1 if fault else 0


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
