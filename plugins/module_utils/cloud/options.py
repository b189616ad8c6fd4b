# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says where no options are taken."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def from_environment(arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The options of a module that is given none, by the variables that its arguments fall back to."""
    found: dict[str, str] = {}
    for name, argument in arguments.items():
        _fallback, variables = argument.get("fallback", (None, ()))
        given = next((os.environ[variable] for variable in variables if os.environ.get(variable)), "")
        if given:
            found[name] = given
    return found
