# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that an inventory source found, whatever their cloud: where they are reached, and what is wrong with them.

A member is a mapping of ``name``, ``role`` and ``variables``.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
#: Names that mean something else to Ansible, to the plugin, or to the playbooks, which work through a host for each
#: cloud's account: a member of that name would be the controller.
RESERVED_NAMES = frozenset(("all", "ungrouped", "localhost", "praxis", "aws-account", "gcp-account"))
RESERVED_PREFIX = "praxis_"

Member = Dict[str, Any]


def address_of(variables: Mapping[str, Any], ssh_address: str) -> str:
    """The address SSH goes to; empty when the machine has none of the kind asked for."""
    if ssh_address == "public":
        return str(variables["praxis_public_ip"])
    if ssh_address == "private":
        return str(variables["praxis_private_ip"])
    return str(variables["praxis_public_ip"] or variables["praxis_private_ip"])


def place_of(variables: Mapping[str, Any]) -> str:
    """Which machine it is, for messages; no two machines have the same."""
    if variables.get("praxis_cloud") == "gcp":
        where = "%s of project %s" % (variables["praxis_zone"], variables["praxis_project"])
    else:
        where = str(variables.get("praxis_region", ""))
    return "%s in %s" % (variables.get("praxis_instance_id", ""), where)


def check_members(members: Iterable[Member], ssh_address: str) -> List[Finding]:
    """What keeps these members from being an inventory: unusable or double names, missing addresses."""
    findings = []
    first: Dict[str, Mapping[str, Any]] = {}
    for member in members:
        name, variables = member["name"], member["variables"]
        if not HOST_NAME.fullmatch(name) or name in RESERVED_NAMES or name.startswith(RESERVED_PREFIX):
            findings.append(bad_name(name, variables))
        elif name in first:
            findings.append(duplicate(name, first[name], variables))
        first.setdefault(name, variables)
        if not address_of(variables, ssh_address):
            named = name or variables["praxis_instance_id"]
            what = "%s has no address of the kind ssh_address=%s." % (named, ssh_address)
            fix = "Set ssh_address (PRAXIS_SSH_ADDRESS) to private, or give the machine such an IPv4 address."
            findings.append(Finding("no-address", what, place_of(variables), fix))
    return findings


def bad_name(name: str, variables: Mapping[str, Any]) -> Finding:
    fix = "Give the machine a Name of letters, digits, dots, hyphens and underscores that is not a group's name."
    if variables["praxis_cloud"] == "gcp":
        what = "the name %r cannot be an inventory hostname." % name
        fix = "Create the machine again with another name, or remove its label praxis_fleet if it is not a member."
    elif name:
        what = "the Name tag %r cannot be an inventory hostname." % name
    else:
        what = "the machine has no Name tag."
    return Finding("bad-member-name", what, place_of(variables), fix)


def duplicate(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Finding:
    fix = "Change the Name tag of one of them, or remove its praxis_fleet tag if it is not a member."
    if other["praxis_cloud"] == "gcp":
        fix = "Create one of them again with another name, or remove its label praxis_fleet if it is not a member."
    what = "the name %s is used by %s and by %s." % (name, place_of(one), place_of(other))
    return Finding("duplicate-member", what, place_of(other), fix)
