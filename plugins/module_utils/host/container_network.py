# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines whose containers start and are cut off: no way out, no way to a peer, or connections that nobody can observe.

The agent would look healthy from its own machine. What is certain is refused before anything is disturbed.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import subprocess
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

ROUTES = "/proc/net/route"
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
_FORWARD = "sysctl -w net.ipv4.ip_forward=1"
NAT_COMMANDS = (("iptables", "-w", "5", "-t", "nat", "-S", "POSTROUTING"), ("nft", "list", "ruleset"))
NAT_TIMEOUT = 10.0
_MASQUERADE = re.compile(r"masquerade|\bsnat\b", re.IGNORECASE)
#: A rule that the engine made; it stays until the next reboot when the engine is set to make none.
_ENGINE_RULE = re.compile(r'(?:! -o |oifname != ")(?:docker0|br-[0-9a-f]{12})')
_ENGINE_BRIDGE = re.compile(r"(?:docker0|docker_gwbridge|br-[0-9a-f]{12})\Z")
#: Runtimes that run a container behind a kernel of its own.
_BRIDGE_OPTION = "com.docker.network.bridge."
_OTHER_KERNEL = re.compile(r"runsc|gvisor|kata|firecracker|\bkrun\b", re.IGNORECASE)

Dial = Sequence[Mapping[str, Any]]


def elsewhere(paths: Paths, daemon: Mapping[str, Any], running: bool) -> Iterator[Finding]:
    """An engine that is set to listen on other sockets than the one that every step uses."""
    hosts = [str(item) for item in daemon.get("hosts") or ()]
    wanted = "unix://" + paths.engine_socket
    ours = {wanted, wanted.replace("/var/run/", "/run/"), "unix://", "fd://"}
    if not running and hosts and not ours & set(hosts):
        what = "The Docker Engine listens on %s only, and the agent's steps need %s." % (", ".join(hosts), wanted)
        fix = "On the machine, add %s to hosts in /etc/docker/daemon.json; then systemctl restart docker." % wanted
        yield Finding("engine-elsewhere", what, "this host's engine", fix)


def obstacles(daemon: Mapping[str, Any], info: Mapping[str, Any], dial: Dial) -> Iterator[Finding]:
    """What would cut the agent's container off.

    :param daemon: daemon.json as it is to be.
    :param info: the engine's description of itself; empty when it does not run.
    :param dial: the members that the agent is to reach.
    """
    where = "this host's engine"
    # The engine turns it on at its start, and goes on saying so when it has been turned off since.
    if (info or daemon.get("ip-forward") is False) and not forwards():
        what = "The machine forwards no packets (net.ipv4.ip_forward is 0), so its containers reach no other machine."
        fix = (
            "On the machine: %s. To keep it after a reboot, set it in a file in /etc/sysctl.d; no later file there "
            "may set 0."
        )
        yield Finding("containers-cut-off", what, where, fix % _FORWARD, command=_FORWARD)
    if daemon.get("iptables") is False and not _has_own_nat():
        what = (
            "The Docker Engine makes no NAT rules (iptables: false), and the machine has no NAT rules of its own, so "
            "its containers reach no other machine."
        )
        fix = (
            "On the machine, remove iptables from /etc/docker/daemon.json, then systemctl restart docker; or add your "
            "own masquerading rules."
        )
        yield Finding("containers-cut-off", what, where, fix)
    yield from _new_networks(daemon)
    runtimes = [str(item) for item in (info.get("DefaultRuntime"), daemon.get("default-runtime")) if item]
    for runtime in [item for item in runtimes if _OTHER_KERNEL.search(item)][:1]:
        what = "Containers run under %s, with their own kernel, so their connections cannot be observed." % runtime
        fix = "On the machine, set default-runtime to runc in /etc/docker/daemon.json; then systemctl restart docker."
        yield Finding("runtime-unsupported", what, where, fix)
    found = captured(dial) or [item for item in dial if _within(item, _network(daemon.get("bip")))]
    if found:
        yield overlap(found)


def _new_networks(daemon: Mapping[str, Any]) -> Iterator[Finding]:
    """What daemon.json says of every bridge that is made: also of the one that Compose makes for the agent."""
    networks = daemon.get("default-network-opts")
    options = networks.get("bridge") if isinstance(networks, Mapping) else None
    items = options.items() if isinstance(options, Mapping) else ()
    found = {key[len(_BRIDGE_OPTION) :]: str(value) for key, value in items if key.startswith(_BRIDGE_OPTION)}
    address, mode = found.get("host_binding_ipv4", ""), found.get("gateway_mode_ipv4", "")
    said = []
    if address not in ("", "0.0.0.0"):
        said.append("published at %s only (host_binding_ipv4)" % address)
    if mode in ("routed", "isolated"):
        said.append("not published (gateway_mode_ipv4: %s)" % mode)
    elif found.get("enable_ip_masquerade", "").lower() in ("false", "0") and not _has_own_nat():
        said.append("without a way out (enable_ip_masquerade: false)")
    for words in said:
        what = "Containers of the engine's networks are %s, so the agent and its peers cannot reach each other." % words
        fix = (
            "On the machine, remove this key from default-network-opts in /etc/docker/daemon.json; then systemctl "
            "restart docker."
        )
        yield Finding("containers-cut-off", what, "this host's engine", fix)


def overlap(members: Dial) -> Finding:
    """Members that the machine takes for containers of its own."""
    names = ", ".join("%s (%s)" % (item["member"], item["address"]) for item in members)
    return Finding(
        "network-overlap",
        "A network of this machine's Docker Engine contains the address of %s, so packets to it never leave this "
        "machine."
        % names,
        "this host's engine",
        "On the machine, set other networks (bip and default-address-pools in /etc/docker/daemon.json), remove the "
        "network that contains the address (docker network ls; docker network rm), then systemctl restart docker.",
    )


def captured(dial: Dial) -> List[Mapping[str, Any]]:
    """The members whose address the machine routes into a network of its engine."""
    routes = _routes(routing_table())
    return [item for item in dial if _ENGINE_BRIDGE.match(_interface(routes, str(item["address"])) or "")]


def forwards() -> bool:
    """Whether the kernel forwards packets between its interfaces."""
    return (read_text(FORWARDING) or "").strip() != "0"


def routing_table() -> str:
    """The kernel's IPv4 routes."""
    return read_text(ROUTES) or ""


def nat_rules() -> str:
    """The machine's rules that rewrite the source of what leaves it, in the words of whichever tool it has."""
    said = []
    for command in NAT_COMMANDS:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=NAT_TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        said.append(done.stdout.decode("utf-8", "replace"))
    return "\n".join(said)


def _has_own_nat() -> bool:
    lines = nat_rules().splitlines()
    return any(_MASQUERADE.search(line) and not _ENGINE_RULE.search(line) for line in lines)


def _routes(table: str) -> List[Tuple[int, int, str]]:
    """Mask, destination and interface of each route, the most specific first."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return sorted(((_number(row[7]), _number(row[1]), row[0]) for row in rows if len(row) > 7), reverse=True)


def _number(field: str) -> int:
    """``000012AC`` is 172.18.0.0: the kernel prints the bytes in the machine's own order."""
    return int(struct.unpack("!I", struct.pack("=I", int(field, 16)))[0])


def _interface(routes: List[Tuple[int, int, str]], address: str) -> Optional[str]:
    try:
        number = struct.unpack("!I", socket.inet_aton(address))[0]
    except OSError:
        return None
    return next((name for mask, destination, name in routes if number & mask == destination), None)


def _network(bip: Any) -> Optional[ipaddress.IPv4Network]:
    try:
        return ipaddress.IPv4Interface(str(bip)).network
    except ValueError:
        return None


def _within(item: Mapping[str, Any], network: Optional[ipaddress.IPv4Network]) -> bool:
    try:
        return network is not None and ipaddress.IPv4Address(str(item["address"])) in network
    except ValueError:
        return False
