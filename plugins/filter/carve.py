# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnet networks from a VPC's network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: carve
short_description: Networks of a sixteenth each, cut from a larger one
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Cuts an IPv4 network into sixteen equal parts and gives the first ones, the very first excepted.
  - The first part is left to the network's own services.
positional: _input, count
options:
  _input:
    description: The network, for example V(10.42.0.0/16).
    type: str
    required: true
  count:
    description: How many parts, at most 15.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Two subnets
  ansible.builtin.debug:
    msg: "{{ '10.42.0.0/16' | praxis.cloud.carve(2) }}"  # ['10.42.16.0/20', '10.42.32.0/20']
"""

RETURN = r"""
_value:
  description: The networks in order.
  type: list
  elements: str
"""

import ipaddress
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

PARTS_BITS = 4
#: The smallest subnet AWS accepts.
LONGEST_PREFIX = 28


def carve(network: str, count: int) -> list[str]:
    try:
        whole = ipaddress.IPv4Network(network)
    except ValueError as error:
        raise AnsibleFilterError(f"{network!r} is not an IPv4 network: {error}. Write it like 10.42.0.0/16.") from error
    prefix = whole.prefixlen + PARTS_BITS
    if prefix > LONGEST_PREFIX:
        raise AnsibleFilterError(f"{network} is too small for subnets. Use a /{LONGEST_PREFIX - PARTS_BITS} or larger.")
    parts = [str(part) for part in whole.subnets(new_prefix=prefix)][1:]
    if not 0 <= count <= len(parts):
        raise AnsibleFilterError(f"{network} cannot give {count} subnets. Ask for at most {len(parts)}.")
    return parts[:count]


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"carve": carve}
