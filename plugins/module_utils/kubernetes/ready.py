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
from typing import List, Optional, Sequence, Set

from ansible_collections.praxis.cloud.plugins.module_utils.host.tcp import p2p_edges, read_tables

HTTP_TIMEOUT = 3.0
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
        return "/p2p/info names no peer id"
    if expected and found != expected:
        return "its peer id is %s and should be %s" % (found, expected)
    return ""


def others(services: Sequence[str], own: str) -> Optional[Set[str]]:
    """The addresses of the other pods that run; None when the resolver gave no answer."""
    found: Set[str] = set()
    for name in services:
        try:
            answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        except socket.gaierror as error:
            if error.errno not in _ABSENT:
                return None
            continue
        found.update(str(answer[4][0]) for answer in answers)
    return found - {own}


def live(addresses: Set[str], p2p_port: int) -> Set[str]:
    """Those of the addresses to which a P2P connection stands that is not being sent again."""
    edges = p2p_edges(read_tables(os.getpid()), p2p_port, (p2p_port,))
    return {edge.remote_address for edge in edges if not edge.retransmits} & addresses


def mesh_fault(addresses: Optional[Set[str]], edges: Set[str], wanted: int) -> str:
    """Why it is not in the mesh now; empty when it is. A pod that is alone is all of its mesh."""
    if addresses is None:
        return "the names of the other pods could not be resolved"
    least = min(wanted, len(addresses))
    return "" if len(edges) >= least else "%d of %d live edges to %d pods" % (len(edges), least, len(addresses))


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
    given = parser.parse_args(list(arguments))
    expected = ""
    if given.ids:
        with open(os.path.join(given.ids, os.environ["POD_NAME"] + ".id"), encoding="ascii") as file:
            expected = file.read().strip()
    fault = identity_fault(given.api_port, expected)
    if fault:
        return fault
    addresses = others(given.service, os.environ["POD_IP"])
    fault = mesh_fault(addresses, live(addresses or set(), given.p2p_port), given.edges)
    return "" if forgiven(given.joined, fault, time.time(), given.grace) else fault


def run(arguments: List[str]) -> int:
    """The probe's return code; what it prints is shown in the pod's events."""
    fault = main(arguments)
    if fault:
        sys.stdout.write(fault + "\n")
    return 1 if fault else 0


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
