# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that may not be handed over to a service: one that was made a moment ago may be soon, any other never."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, NotPassed

#: Seconds in which every service sees a role. AWS takes no request from a clock that is wrong by half of that.
SEEN = 600.0
#: As AWS's message names it, whatever path it has.
_ROLE = re.compile(r":role/(?:\S*/)?([\w+=,.@-]+)")


def is_old(
    refusal: NotPassed,
    ask: Callable[..., Mapping[str, Any]],
    now: float,
    known: MutableMapping[str, float | None],
) -> bool:
    """Whether the role has been there for so long that the permission is what is missing. False: nobody can say.

    :param ask: calls an operation of AWS's.
    :param now: seconds since the epoch.
    :param known: when roles were made, by name, as IAM has said before: who waits for one is refused every few seconds.
    """
    named = _ROLE.search(refusal.finding.what)
    if not named:
        return False
    name = named[1].rstrip(".")
    if name not in known:
        known[name] = _made(name, ask)
    made = known[name]
    return made is not None and now - made > SEEN


def _made(name: str, ask: Callable[..., Mapping[str, Any]]) -> float | None:
    """When a role was made, in seconds since the epoch; None: the identity may not observe it."""
    try:
        return float(ask("iam", "get_role", RoleName=name)["Role"]["CreateDate"].timestamp())
    except CloudError:
        return None
