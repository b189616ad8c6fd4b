# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of secrets on their way from the plan to the hosts, within one run of ansible-playbook.

Each task runs in a process of its own, so the values have to be kept somewhere in between. A fact would be printed at
high verbosity and written by a fact cache. So they wait in the run's directory, encrypted with a key that exists only
in the memory of this run: it is made when the action plugins are first loaded, in the parent of all task processes.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

try:
    from cryptography import fernet
except ImportError:  # ansible-core needs it too: only what merely reads this collection comes without
    _BOX: Any = None
else:
    _BOX = fernet.Fernet(fernet.Fernet.generate_key())


def seal(value: Any) -> bytes:
    """Encrypt a plain (JSON) value for this run."""
    sealed: bytes = _BOX.encrypt(json.dumps(value).encode())
    return sealed


def unseal(token: bytes) -> Any:
    """Decrypt what :func:`seal` made in this run.

    :raises Failed: when it was made by another run, or was changed.
    """
    try:
        return json.loads(_BOX.decrypt(token))
    except fernet.InvalidToken:
        raise Failed(
            Finding(
                code="sealed-elsewhere",
                what="The secrets of this plan were fetched by another process, and this process cannot read them.",
                where="the run's directory",
                fix="Run fleet_plan and agent_release in the same ansible-playbook, with the strategy linear.",
            )
        ) from None
