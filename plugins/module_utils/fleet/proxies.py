# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies through which machines reach the world, and what is never asked of one. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

#: Networks of private addresses (RFC 1918, RFC 6598). One that a member is in is listed whole: a list of the members'
#: own addresses would change with every newcomer, and restart everybody's engine.
_PRIVATE = tuple(
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
#: A name, a name's domain, an address or a network, with or without a port. Nothing that systemd or a shell would read
#: as something else.
_ENTRY = re.compile(r"[A-Za-z0-9.:/*_\[\]-]+")
_URL = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?")
#: What is wrong with a value, and the fix.
Wrong = Optional[Tuple[str, str]]


@dataclass(frozen=True)
class Proxies:
    """The proxies of a machine; without ``http`` and ``https`` it has none.

    :param http: URL of the proxy for http addresses.
    :param https: URL of the proxy for https addresses: registries, and most package sources.
    :param no_proxy: names, addresses and networks that are reached directly.
    """

    http: str = ""
    https: str = ""
    no_proxy: Tuple[str, ...] = ()

    def as_engine(self) -> Dict[str, str]:
        """As the docker role writes it, and as the engine reports it; empty for none."""
        if not self.http and not self.https:
            return {}
        return {"http": self.http, "https": self.https, "no_proxy": ",".join(self.no_proxy)}

    def environment(self, beside: Sequence[str] = ()) -> Dict[str, str]:
        """As the programs of a container read it, some in capitals and some not.

        :param beside: names of containers beside it.
        """
        found = self.as_engine()
        if not found:
            return {}
        named = {
            "http_proxy": self.http,
            "https_proxy": self.https,
            "no_proxy": ",".join(dict.fromkeys([*self.no_proxy, *beside])),
        }
        given = {name: value for name, value in named.items() if value}
        return {**{name.upper(): value for name, value in given.items()}, **given}


def entries(value: Any) -> List[str]:
    """The entries of a list, or of a text with commas between them."""
    items = [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value or "")]
    return [word.strip() for item in items for word in item.split(",") if word.strip()]


def of_fleet(addresses: Iterable[str]) -> List[str]:
    """What stands for the fleet's own addresses: the private networks that they are in, and each that is in none."""
    networks, single = set(), set()
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:  # a play of one's own may give a name
            if text:
                single.add(text)
            continue
        around = [network for network in _PRIVATE if address in network]
        networks.update(around)
        if not around:
            single.add(text)
    return [str(network) for network in _PRIVATE if network in networks] + sorted(single)


def together(own: Iterable[str], fleet: Iterable[str], always: Iterable[str]) -> Tuple[str, ...]:
    """One list in the order in which the docker role makes it, each entry once."""
    return tuple(dict.fromkeys([*own, *fleet, *always]))


def check_url(value: str) -> Wrong:
    """What is wrong with a proxy's URL."""
    if not value:
        return None
    if "@" in value:
        return (
            "holds a login, which every user of the machine could read.",
            "Remove user and password, and let the proxy admit the machines by their addresses.",
        )
    found = _URL.fullmatch(value)
    right = found is not None and 1 <= int(found["port"] or 1) <= 65535
    return None if right else ("is %r, which is not the URL of a proxy." % value, "Write http://HOST:PORT.")


def check_entries(value: Any) -> Wrong:
    """What is wrong with the list of what is reached directly."""
    wrong = [item for item in entries(value) if not _ENTRY.fullmatch(item)]
    if not wrong:
        return None
    what = "has %r, which is neither a name nor an address." % wrong[0]
    return what, "Write names, .domains, addresses and networks."


def daemon_conflict(daemon: Mapping[str, Any], proxies: Proxies) -> bool:
    """Whether daemon.json names proxies, too: the engine would take those."""
    return bool(daemon.get("proxies")) and bool(proxies.as_engine())
