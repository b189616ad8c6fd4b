# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of hosts in a zone of the user's. Pure."""

from __future__ import annotations

import re

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Seconds for which others may keep a record.
TTL = 300
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
#: A host's name has no underscores (RFC 1123).
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})+")
#: Letters that IDNA 2003, which Python has, writes as others, and that have names of their own since IDNA 2008.
_OF_2008 = frozenset("\u00df\u03c2\u200c\u200d")


def record(zone: str, name: str) -> str:
    """As the list has it; empty without a zone."""
    return f"{zone}/{plain_name(name)}" if zone else ""


def plain_name(name: str) -> str:
    """A host's name in small letters, without the root's dot; one in other letters as the DNS has it (IDNA).

    One with a letter that was another in IDNA 2003 stays as it is, and so can be no host's: clients ask for another.
    """
    text = name.lower().rstrip(".")
    try:
        return text if text.isascii() or _OF_2008.intersection(text) else text.encode("idna").decode("ascii")
    except UnicodeError:  # it can be no host's
        return text


def bad_name(zone: str, domain: str, name: str, where: str, longest: int) -> list[Finding]:
    """A finding for a name that no record in this zone can have.

    :param domain: the zone's own.
    :param longest: characters that a name may have.
    """
    place, host = f"provision_dns_name (praxis_dns_name), {where}", plain_name(name)
    fix = f"Set a name below {domain or 'the domain of the zone'}, such as agents.{domain or 'example.org'}."
    if not host:
        what = f"A zone for a DNS record is set ({zone}), but no name."
    elif len(host) > longest or not _NAME.fullmatch(host):
        what = f"{host!r} is not a host name, or has more than {longest} characters."
        fix = fix if host.isascii() else f"{fix} Letters beyond a-z can be written as the DNS has them (xn--…)."
    elif domain and not f".{host}".endswith(f".{plain_name(domain)}"):
        what = f"{host} is not in the zone {zone}, which is for {plain_name(domain)}."
    else:
        return []
    return [Finding("bad-dns-name", what, place, fix)]
