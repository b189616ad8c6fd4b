# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network as a container has it: its names, its way to others, its MTU. Nothing is started in the container.

A thread of this process joins the container's network namespace, which a kernel allows for one thread alone, and ends
with it. So the image needs no program of its own for this.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import tcp
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text

#: Of setns(2).
CLONE_NEWNET = 0x40000000
#: Of netdevice(7): the MTU of an interface.
SIOCGIFMTU = 0x8921
DNS_PORT = 53
#: A name with an empty label, or one that is too long.
NO_NAME = "it is not a host name"
#: RFC 1035, 4.1.1: the answer codes by name.
_CODES = {1: "malformed", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}


def observe(pid: int, names: Sequence[str], targets: Sequence[Tuple[str, int]], timeout: float = 3.0) -> Dict[str, Any]:
    """What a container's process sees.

    :param pid: the process.
    :param names: to resolve, each whole.
    :param targets: to dial, as (address, port).
    :param timeout: seconds for each question.
    :returns: ``names`` (name -> ``ok`` or why not), ``dials`` (``address:port`` -> answer), ``mtu`` (the least of its
        interfaces but the loopback; None where it has none), ``resolvers``; and ``error`` in their place where the
        namespace cannot be joined.
    """
    with ThreadPoolExecutor(max_workers=1) as alone:
        return alone.submit(_inside, pid, names, targets, timeout).result()


def _inside(pid: int, names: Sequence[str], targets: Sequence[Tuple[str, int]], timeout: float) -> Dict[str, Any]:
    root = "/proc/%d/root" % pid
    resolvers = nameservers(read_text(root + "/etc/resolv.conf") or "")
    known = hosts(read_text(root + "/etc/hosts") or "")
    try:
        _join("/proc/%d/ns/net" % pid)
    except OSError as error:
        return {"error": error.strerror or str(error)}
    return {
        "names": {name: "ok" if name in known else ask(resolvers, name, timeout) for name in names},
        # One after the other: a thread that was started from here would be in the namespace, too, and stay.
        "dials": {tcp.endpoint(*target): tcp.dial(target[0], target[1], timeout) for target in targets},
        "mtu": least_mtu(),
        "resolvers": resolvers,
    }


def _join(path: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(handle, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(handle)


def nameservers(text: str) -> List[str]:
    """The IPv4 servers that a ``resolv.conf`` names."""
    return re.findall(r"^[ \t]*nameserver[ \t]+(\d+\.\d+\.\d+\.\d+)", text, re.MULTILINE)


def hosts(text: str) -> List[str]:
    """The names that a ``hosts`` file knows."""
    lines = [line.partition("#")[0].split() for line in text.splitlines()]
    return [name for words in lines for name in words[1:]]


def ask(servers: Sequence[str], name: str, timeout: float) -> str:
    """``ok`` when one of the servers knows an IPv4 address of the name; else the last one's answer."""
    said = "no name server is configured"
    for server in servers:
        said = _ask(server, name, timeout)
        if said == "ok":
            break
    return said


def _ask(server: str, name: str, timeout: float) -> str:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(timeout)
            link.connect((server, DNS_PORT))
            link.send(question(name))
            return answered(link.recv(4096))
    except UnicodeError:
        return NO_NAME
    except socket.timeout:
        return "no answer from %s" % server
    except OSError as error:
        return "%s: %s" % (server, (error.strerror or str(error)).lower())


def question(name: str) -> bytes:
    """A DNS question for the IPv4 address of a name (RFC 1035, 4.1)."""
    labels = b"".join(bytes([len(label)]) + label for label in name.rstrip(".").encode("idna").split(b"."))
    return struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


def answered(reply: bytes) -> str:
    """``ok``, or why a reply holds no address."""
    if len(reply) < 12:
        return "malformed"
    flags, answers = struct.unpack(">2xH2xH", reply[:8])
    if flags & 15:
        return _CODES.get(flags & 15, "error %d" % (flags & 15))
    return "ok" if answers else "no address"


def least_mtu() -> Optional[int]:
    """The least MTU of this thread's interfaces, in bytes; the loopback does not count."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _index, name in socket.if_nameindex():
            if name != "lo":
                found.append(_mtu(any_socket, name))
    return min(found) if found else None


def _mtu(any_socket: socket.socket, name: str) -> int:
    request = struct.pack("16si12x", name.encode(), 0)
    return int(struct.unpack("16si12x", fcntl.ioctl(any_socket.fileno(), SIOCGIFMTU, request))[1])
