# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for CoreDNS: answers A queries for Services and their pods from the cluster's Endpoints.

As CoreDNS does, it serves addresses that are not ready where the Service publishes them, and each pod by its host name.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import urllib.error
import urllib.request

SUFFIX = ".svc.cluster.local"


def addresses(server: str, token: str, name: str) -> list[str] | None:
    """The addresses of ``[POD.]SERVICE.NAMESPACE.svc.cluster.local``; None: there is no such name."""
    parts = name.removesuffix(SUFFIX).split(".")
    if not name.endswith(SUFFIX) or len(parts) not in (2, 3):
        return None
    url = f"{server}/api/v1/namespaces/{parts[-1]}/endpoints/{parts[-2]}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=5) as answer:
            subsets = json.load(answer).get("subsets") or []
    except urllib.error.HTTPError:
        return None
    listed = [each for subset in subsets for each in subset.get("addresses") or []]
    found = [each["ip"] for each in listed if len(parts) == 2 or each.get("hostname") == parts[0]]
    return found or None


def reply(query: bytes, server: str, token: str) -> bytes:
    """The answer to one query, without compression but for the name that was asked for."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
        at += query[at] + 1
    question = query[12:at + 5]
    kind = struct.unpack("!H", query[at + 1:at + 3])[0]
    found = addresses(server, token, ".".join(labels))
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(ip)
                       for ip in (found or ()) if kind == 1)
    flags = 0x8580 if found else 0x8583
    count = len(found or ()) if kind == 1 else 0
    return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + records


def main(address: str, server: str, token: str) -> None:
    """Serve until the process is ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((address, 53))
        while True:
            query, caller = listener.recvfrom(4096)
            try:
                listener.sendto(reply(query, server, token), caller)
            except (IndexError, struct.error, OSError) as error:
                print(f"{caller}: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
