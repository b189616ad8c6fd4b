# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single values of ``praxis_kubernetes`` may be, as a cluster takes them. Pure.

Each check says what to write instead; nothing where a value is right. They are needed here because files that are
rendered meet no cluster that would refuse them.
"""

from __future__ import annotations

import ipaddress
import re
from decimal import Decimal
from typing import Any, Mapping

_QUANTITY = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3}|m)?")
_PART = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_OBJECT = re.compile(r"(?=.{1,253}$)%s(?:\.%s)*" % (_PART, _PART))
_LABEL_KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")


def object_name(value: Any) -> str:
    """The name of an object: a DNS subdomain, by RFC 1123."""
    good = isinstance(value, str) and _OBJECT.fullmatch(value)
    return "" if good else "Write the object's name: lower-case letters, digits, hyphens, and dots between them."


def cpu(value: Any) -> str:
    """An amount of CPU. Of none, an autoscaler could take no percentage."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        return 'Write CPU as Kubernetes has it, such as 250m or "1.5", in quotes.'
    return "" if millis(value) else "Write more than none, such as 250m."


def millis(quantity: str) -> int:
    """Thousandths of a CPU."""
    return int(quantity[:-1]) if quantity.endswith("m") else int(Decimal(quantity) * 1000)


def named_texts(value: Any) -> str:
    """Names and texts. A name is formed as a label's, and may have capital letters before its slash, too."""
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for pair in value.items() for text in pair):
        return "Write `name: value` lines below it, numbers and truth values in quotes."
    wrong = [name for name in value if not _LABEL_KEY.fullmatch(name.lower())]
    return "Write names of annotations, such as eks.amazonaws.com/role-arn." if wrong else ""


def address(value: Any) -> str:
    """An address that machines dial. Connections are told apart by address, so it is no name."""
    try:
        found = ipaddress.IPv4Address(value if isinstance(value, str) else "")
    except ValueError:
        return "Write IPv4 addresses, such as 10.0.0.4."
    odd = found.is_unspecified or found.is_loopback or found.is_multicast or found.is_link_local
    return "Write the addresses at which machines reach the pods." if odd else ""


def peer(value: Any) -> str:
    """One of ``api_from``: labels of pods, of namespaces, or both; or a range of addresses."""
    fix = "Write pods: and namespaces: with labels below them, or cidr: with a range of addresses such as 10.0.0.0/8."
    if not isinstance(value, Mapping) or not value or set(value) - {"pods", "namespaces", "cidr"}:
        return fix
    if "cidr" in value:
        return "" if len(value) == 1 and _is_range(value["cidr"]) else fix
    return "" if all(map(_are_labels, value.values())) else fix


def _is_range(value: Any) -> bool:
    if not isinstance(value, str) or "/" not in value:
        return False
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _are_labels(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and _LABEL_KEY.fullmatch(key) and isinstance(text, str) and _LABEL_VALUE.fullmatch(text)
        for key, text in value.items()
    )
