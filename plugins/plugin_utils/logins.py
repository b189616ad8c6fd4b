# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether members are logged in to as machines of their own. Variables of a group that holds all of them, or -e, can
make every one the same machine; without a login, the controller itself."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import SSH_ARGUMENTS
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole

#: Connections whose far end is a login on another machine.
LOGINS = ("ssh", "paramiko", "paramiko_ssh", "libssh")
#: Members that a message names one by one.
_NAMED = 3
_PREFIXES = ("ansible.builtin.", "ansible.legacy.")
#: Where SSH goes; the last one that is set counts.
_HOST, _PORT = ("ansible_host", "ansible_ssh_host"), ("ansible_port", "ansible_ssh_port")
#: What of SSH's arguments leads to another machine at the same address: a bastion, a port, a file that may have either.
_ELSEWHERE = re.compile(r"(?i:proxy|port\b)|(^|\s)-[FJp]")
#: What leads there in the place of SSH's arguments.
_WAYS = ("ansible_ssh_executable", "ansible_paramiko_proxy_command", "ansible_libssh_proxy_command")


class Logins:
    """Where each member is logged in to."""

    def __init__(self) -> None:
        self._here: List[str] = []
        self._places: Dict[Tuple[str, str], Dict[str, Mapping[str, Any]]] = {}

    def add(self, member: str, variables: Mapping[str, Any]) -> None:
        """Read a member's variables. One that cannot be read is named by the task that needs it."""
        try:
            if _read(variables, "praxis_target") in ("", "machines"):
                self._add(member, variables)
        except AnsibleError:
            return

    def _add(self, member: str, variables: Mapping[str, Any]) -> None:
        connection = _connection(variables)
        if connection == "local":
            addresses = [_read(variables, name) for name in ("praxis_private_ip", "praxis_public_ip")]
            if not any(map(_is_here, addresses)):
                self._here.append(member)
        elif connection in LOGINS:
            place = _last(variables, _HOST) or member, _last(variables, _PORT)
            self._places.setdefault(place, {})[member] = variables

    def findings(self) -> List[Finding]:
        """The members that would be the controller, and those that are one machine."""
        found = [_is_controller(self._here)] if self._here else []
        for (host, port), there in self._places.items():
            ways: Dict[str, List[str]] = {}
            for member in there if len(there) > 1 else ():
                ways.setdefault(_way(there[member]), []).append(member)
            place = "%s port %s" % (host, port) if port else host
            found += [_shared(place, names) for names in ways.values() if len(names) > 1]
        return found


def remember(members: Sequence[str]) -> None:
    """That nothing was found of these: a plan of the same ansible-playbook need not read all logins again."""
    write_whole(_memory(), json.dumps(list(members)).encode())


def remembered(members: Sequence[str]) -> bool:
    """Whether this very ansible-playbook has found nothing of these members, and no others."""
    try:
        with open(_memory(), encoding="utf-8") as file:
            found: object = json.load(file)
    except FileNotFoundError:
        return False
    return found == list(members)


def _memory() -> str:
    # Made for this run alone, and removed with it. A fact of localhost may be an earlier run's, out of a cache.
    return os.path.join(C.DEFAULT_LOCAL_TMP, "praxis-logins.json")


def _read(variables: Mapping[str, Any], name: str) -> str:
    """A variable as text; empty where it is not set."""
    value = plain(variables.get(name))
    return "" if value is None else str(value)


def _last(variables: Mapping[str, Any], names: Sequence[str]) -> str:
    """The last of these variables that is set, as Ansible reads them."""
    return next(filter(None, (_read(variables, name) for name in reversed(names))), "")


def _connection(variables: Mapping[str, Any]) -> str:
    """The connection plugin of a member: its own, else that of the run (``-c``), else Ansible's setting."""
    named = _read(variables, "ansible_connection") or context.CLIARGS.get("connection") or C.DEFAULT_TRANSPORT
    for prefix in _PREFIXES:
        named = named.removeprefix(prefix)
    return "ssh" if named == "smart" else named


def _way(variables: Mapping[str, Any]) -> str:
    """How SSH gets there, where it does not go straight: behind two bastions, one address is two machines."""
    arguments = " ".join(_read(variables, "ansible_" + name) for name in SSH_ARGUMENTS)
    ways = [_read(variables, name) for name in _WAYS]
    return " ".join([arguments if _ELSEWHERE.search(arguments) else "", *ways])


def _is_here(address: str) -> bool:
    """Whether this machine has this IPv4 address: no other one can be bound to."""
    try:
        ipaddress.IPv4Address(address)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except (ValueError, OSError):
        return False
    return True


def _is_controller(members: List[str]) -> Finding:
    what = "ansible_connection is local for %s, so every step would be done on this machine, and none of its addresses "
    what += "is theirs (praxis_private_ip, praxis_public_ip)."
    fix = "Take it out of group_vars/all, of -e and of -c; the playbooks need it for no host. If a member is this "
    fix += "machine, set its praxis_private_ip to an address that `ip -4 address` lists here: a public address that "
    fix += "the cloud translates is not one of them."
    return Finding("member-is-controller", what % listed(members, _NAMED), "ansible_connection", fix)


def _shared(place: str, members: List[str]) -> Finding:
    what = "%s are logged in to at one place, %s, and one machine cannot be several members."
    fix = "Give each member an ansible_host of its own, and take ansible_host out of group_vars/all and of -e."
    return Finding("shared-login", what % (listed(members, _NAMED), place), "ansible_host", fix)
