# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live P2P connections, read from the container's own TCP table, and fresh dials to the peers."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, List, Tuple, Union

ESTABLISHED = "01"
#: States in which a connection may still carry something: established, being accepted, or closed by one side.
IN_USE = (ESTABLISHED, "03", "04", "08", "09", "0B")
DIAL_THREADS = 32


@dataclass(frozen=True)
class Connection:
    """One connection, as the kernel lists it."""

    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    retransmits: int
    tx_queue: int

    def as_edge(self) -> Dict[str, Any]:
        """The ``edges`` item of an observation."""
        return {
            "local": endpoint(self.local_address, self.local_port),
            "remote": endpoint(self.remote_address, self.remote_port),
            "retransmits": self.retransmits,
            "tx_queue": self.tx_queue,
        }


def endpoint(address: str, port: int) -> str:
    """``10.0.0.4:4001`` or ``[fd00::4]:4001``."""
    return "[%s]:%d" % (address, port) if ":" in address else "%s:%d" % (address, port)


def established(table: str, states: Collection[str] = (ESTABLISHED,)) -> List[Connection]:
    """The established connections in the text of ``/proc/<pid>/net/tcp`` or ``tcp6``, or those in other states."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 7 or fields[3] not in states:
            continue
        local, remote = _decode(fields[1]), _decode(fields[2])
        tx_queue = int(fields[4].split(":")[0], 16)
        found.append(Connection(local[0], local[1], remote[0], remote[1], int(fields[6], 16), tx_queue))
    return found


def p2p_edges(connections: Iterable[Connection], p2p_port: int, dialled_ports: Collection[int]) -> List[Connection]:
    """Those of the connections that are P2P: accepted on the P2P port, or dialled to a peer's."""
    return [item for item in connections if item.local_port == p2p_port or item.remote_port in dialled_ports]


def _decode(field: str) -> Tuple[str, int]:
    """``0400000A:0FA1`` -> (``10.0.0.4``, 4001). The kernel prints each 32-bit word in the machine's own order."""
    digits, port = field.split(":")
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = struct.pack("=%dI" % len(words), *words)
    address: Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
    if len(packed) == 4:
        address = ipaddress.IPv4Address(packed)
    else:
        six = ipaddress.IPv6Address(packed)
        address = six.ipv4_mapped or six
    return str(address), int(port, 16)


def read_tables(pid: int, proc: str = "/proc", states: Collection[str] = (ESTABLISHED,)) -> List[Connection]:
    """All established connections in the network namespace of a process; none when the process is gone.

    :param states: others that are meant, in the kernel's numbers.
    """
    found: List[Connection] = []
    for name in ("tcp", "tcp6"):
        try:
            with open("%s/%d/net/%s" % (proc, pid, name), encoding="ascii") as table:
                found += established(table.read(), states)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def dial(address: str, port: int, timeout: float) -> str:
    """``ok``, ``refused``, ``timeout``, ``unreachable``, or the system's own word for what happened."""
    try:
        socket.create_connection((address, port), timeout=timeout).close()
    except socket.timeout:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except socket.gaierror:
        return "unresolved"
    except OSError as error:
        if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return "unreachable"
        return (error.strerror or str(error)).lower()
    return "ok"


def dial_all(targets: Iterable[Tuple[str, int]], timeout: float) -> Dict[str, str]:
    """Dial every target once, at most 32 at a time. Keys are ``address:port``."""
    wanted = sorted(set(targets))
    if not wanted:
        return {}
    with ThreadPoolExecutor(max_workers=min(DIAL_THREADS, len(wanted))) as pool:
        answers = list(pool.map(lambda target: dial(target[0], target[1], timeout), wanted))
    return {endpoint(*target): answer for target, answer in zip(wanted, answers)}
