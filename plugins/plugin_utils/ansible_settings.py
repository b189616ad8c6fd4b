# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a user's ansible.cfg and command line that no play can set for itself, and with which a run would stop in
its middle or be about another machine.

What a play can set, it sets: strategy, any_errors_fatal, timeout, become, become_user.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Sequence, Tuple

from ansible import constants as C
from ansible import context
from ansible.plugins.loader import connection_loader
from ansible.utils.path import unfrackpath

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Ansible's own name of a setting -> the value that stops a run, the environment variable, why, the value to set.
_UNFIT: Dict[str, Tuple[Any, str, str, str]] = {
    "HOST_PATTERN_MISMATCH": (
        "error",
        "ANSIBLE_HOST_PATTERN_MISMATCH",
        "the playbooks have plays for groups that may be empty, such as those of a fleet without machines",
        "warning",
    ),
    "DEFAULT_TRANSPORT": (
        "local",
        "ANSIBLE_TRANSPORT",
        "every member without ansible_connection would be this machine, and the fleet would be deployed on it",
        "ssh",
    ),
}
#: The options of ansible-playbook that say the same.
_OPTIONS = {"DEFAULT_TRANSPORT": "--connection"}

#: The strategies that know no run_once.
_EACH_BY_ITSELF = ("free", "host_pinned")

#: Bytes of a socket's path (107), without the name that Ansible gives it and what SSH adds while it makes it.
_LONGEST_FOLDER = 107 - len("/0123456789") - len(".0123456789abcdef")
#: What SSH replaces in ControlPath, or takes for the end of it. A branch's name in a workspace's path has it: a%2Fb.
_EXPANDED = re.compile(r"%|\$\{|\"")


def refusals(command_line: bool = False) -> List[Finding]:
    """The settings of this run that the playbooks cannot work with.

    :param command_line: whether its options count as well. In a play of a user's own, that is for one machine maybe,
        they are meant; and where nobody logs in to members, they do no harm.
    """
    return [*_unfit(command_line), *_no_socket()]


def of_own_play(play: Any, hosts: Sequence[str]) -> List[Finding]:
    """What a step that is taken once for a whole fleet cannot work with, in a play of a user's own.

    :param hosts: the play's.
    """
    if str(play.strategy).rpartition(".")[2] not in _EACH_BY_ITSELF or len(hosts) < 2:
        return []
    what = "The strategy of this play is %s. With it Ansible runs for each host, at the same time, what is to run once "
    what += "for the whole fleet."
    fix = "Set strategy: ansible.builtin.linear in the play; ansible.cfg or ANSIBLE_STRATEGY may name the other one."
    return [Finding("ansible-setting", what % play.strategy, "strategy", fix)]


def _no_socket() -> List[Finding]:
    """No login is possible where SSH's sockets cannot be made."""
    connection_loader.get("ssh", class_only=True)  # its settings are known once it is loaded
    ssh = {"plugin_type": "connection", "plugin_name": "ssh"}
    folder = str(C.config.get_config_value("control_path_dir", **ssh))
    path, arguments = (C.config.get_config_value(name, **ssh) for name in ("control_path", "ssh_args"))
    whole = unfrackpath(folder)
    expanded = _EXPANDED.search(whole)
    if path or "ControlPersist" not in str(arguments):
        return []
    if len(os.fsencode(whole)) > _LONGEST_FOLDER:
        why = "the path has %d bytes, and may have %d" % (len(os.fsencode(whole)), _LONGEST_FOLDER)
    elif expanded:
        why = "SSH would read the %s in the path as something else" % expanded[0]
    elif not _may_be_made(whole):
        why = "this user may not write to it"
    else:
        return []
    return [
        Finding(
            code="ansible-setting",
            what="SSH's control sockets cannot be created in %s: %s." % (whole, why),
            where="ansible.cfg or environment",
            fix="Set ANSIBLE_SSH_CONTROL_PATH_DIR to a short path that only you can write to, for example "
                ".ansible/cp or ~/.ansible/cp.",
        )
    ]


def _may_be_made(folder: str) -> bool:
    """Whether this user may write to a directory, or make it."""
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def _unfit(command_line: bool) -> List[Finding]:
    fix = "Set %s=%s for this run, or remove the setting from ansible.cfg%s."
    return [
        Finding(
            code="ansible-setting",
            what="Ansible's setting %s is %s, and %s." % (name, value, why),
            where="ansible.cfg or environment",
            fix=fix % (variable, other, " and the command line (%s)" % _OPTIONS[name] if name in _OPTIONS else ""),
        )
        for name, (value, variable, why, other) in _UNFIT.items()
        if value in (getattr(C, name), _option(name) if command_line else None)
    ]


def _option(name: str) -> Any:
    """What the command line says of a setting; None where it says nothing."""
    return context.CLIARGS.get(_OPTIONS[name].lstrip("-")) if name in _OPTIONS else None
