# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that may not be handed over to a service: one that was made a moment ago may be soon, any other never."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, NotPassed

#: Seconds in which every service sees a role. AWS takes no request from a clock that is wrong by half of that.
SEEN = 600.0
#: As AWS's message names it, whatever path it has.
_ROLE = re.compile(r":role/(?:\S*/)?([\w+=,.@-]+)")


def is_old(refusal: NotPassed, ask: Callable[..., Mapping[str, Any]], now: float) -> bool:
    """Whether the role has been there for so long that the permission is what is missing. False: nobody can say.

    :param ask: calls an operation of AWS's.
    :param now: seconds since the epoch.
    """
    named = _ROLE.search(refusal.finding.what)
    if not named:
        return False
    try:
        made = ask("iam", "get_role", RoleName=named[1].rstrip("."))["Role"]["CreateDate"]
    except CloudError:  # the identity may not observe it
        return False
    return now - float(made.timestamp()) > SEEN
