# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Google machine knows about itself: accounts from its metadata, and the translation of its external address.

A machine has its internal address only. What comes for the external one is rewritten before the machine's own
connection tracking sees it, and what leaves for anywhere outside its network's subnetworks is rewritten after it: so
the machine's own rules, Docker's among them, see internal addresses alone, as behind Google's one-to-one NAT.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.docker import File
from sandbox.gcp.compute.addresses import access_configs
from sandbox.gcp.compute.resources import Resource

FOLDER = "/etc/sandbox"
MARK = "0x40000000"
"""On packets, and connections, that came for the external address: their answers leave from it."""

TRANSLATION = """\
table ip sandbox
delete table ip sandbox
"""
"""Nothing: the table is made so that it can be removed."""

ONE_TO_ONE = """\
table ip sandbox {{
  chain arriving {{
    type filter hook prerouting priority -310
    iifname "eth0" ip daddr {public} meta mark set meta mark or {mark} ip daddr set {private}
  }}
  chain known {{
    type filter hook prerouting priority -190
    ct direction original meta mark and {mark} == {mark} ct mark set ct mark or {mark}
  }}
  chain leaving {{
    type filter hook postrouting priority 310
    oifname "eth0" ip saddr {private} ct direction reply ct mark and {mark} == {mark} ip saddr set {public}
    oifname "eth0" ip saddr {private} ct direction original ip daddr != {{ {inside} }} ip saddr set {public}
  }}
}}
"""


def internal_address(machine: Resource) -> str:
    """Its address in its subnetwork."""
    return str(machine["networkInterfaces"][0]["networkIP"])


def external_address(machine: Resource) -> str:
    """The address that others know it by; empty when it has none."""
    return next((str(access["natIP"]) for access in access_configs(machine) if access.get("natIP")), "")


def files(machine: Resource, inside: Sequence[str]) -> dict[str, File]:
    """What lies in a machine for its guest program.

    :param inside: the ranges of the subnetworks of its network.
    """
    private, public = internal_address(machine), external_address(machine)
    translation = TRANSLATION
    if public:
        translation += ONE_TO_ONE.format(public=public, private=private, mark=MARK, inside=", ".join(sorted(inside)))
    content = {"ssh-keys": ssh_keys(machine), "external": f"{public}\n" if public else "", "translation": translation}
    return {f"{FOLDER}/{name}": File(text.encode(), 0o600) for name, text in content.items()}


def ssh_keys(machine: Resource) -> str:
    """Its metadata's ``ssh-keys``: a line for each key, with the account before it."""
    items = (machine.get("metadata") or {}).get("items") or []
    found = [str(item.get("value", "")) for item in items if item.get("key") == "ssh-keys"]
    return "".join(f"{line.strip()}\n" for text in found for line in text.splitlines() if line.strip())
