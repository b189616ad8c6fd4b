# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a user's ansible.cfg that no play can set for itself, and with which a run would stop in its middle or be
about another machine.

What a play can set, it sets: strategy, any_errors_fatal, timeout, become, become_user.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ansible import constants as C

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Ansible's own name of a setting -> the value that stops a run, the environment variable, why, the value to set.
_UNFIT: Dict[str, Tuple[Any, str, str, str]] = {
    "HOST_PATTERN_MISMATCH": (
        "error",
        "ANSIBLE_HOST_PATTERN_MISMATCH",
        "the playbooks have plays for groups that may have no host, such as the hosts to roll back",
        "warning",
    ),
    "DEFAULT_TRANSPORT": (
        "local",
        "ANSIBLE_TRANSPORT",
        "every member without ansible_connection would be this machine, and the fleet would be deployed on it",
        "ssh",
    ),
}


def refusals() -> List[Finding]:
    """The settings of this run that the playbooks cannot work with."""
    return [
        Finding(
            code="ansible-setting",
            what="Ansible's setting %s is %s, and %s." % (name, value, why),
            where="ansible.cfg or environment",
            fix="Set %s=%s for this run, or take the setting out of ansible.cfg." % (variable, other),
        )
        for name, (value, variable, why, other) in _UNFIT.items()
        if getattr(C, name) == value
    ]
