# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task failed for a reason that passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: weather
short_description: Whether a task with an AWS module failed for a reason that passes
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - True when the task failed, and running the module again may help. That is throttling, an error of the cloud's own, a
    connection that broke; and also what these leave behind, a resource that exists already because the answer to its
    creation was lost, or one that was just made and is not found yet, or one that is in use for a moment longer.
  - A module that crashed counts too, for that is what an answer cut in the middle does to it.
  - False for a success, and for a refusal that stays one, such as a missing permission.
  - For C(until), with modules that look before they change something.
options:
  _input:
    description: The task's result.
    type: dict
    required: true
  also:
    description: More error codes of AWS that pass, for this task.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Keep the role
  amazon.aws.iam_role:
    name: praxis
    assume_role_policy_document: "{{ trust }}"
  register: role
  until: role is not praxis.cloud.weather
  retries: 5
  delay: 3
"""

RETURN = r"""
_value:
  description: Whether it may pass.
  type: bool
"""

import re

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_errors import classify
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import (
    Conflict,
    NotFound,
    Throttled,
    Unavailable,
)

_PASSING = (Throttled, Unavailable, Conflict, NotFound)
# The SDK's words, when a module hands on nothing else.
_REFUSED = re.compile(r"An error occurred \(([^)\s]+)\)")
# What the SDK refuses by itself, and will refuse again.
_STAYS = re.compile(r"credentials|Parameter validation failed|must specify a region|config profile")


def weather(result: Mapping[str, Any], also: tuple[str, ...] | list[str] = ()) -> bool:
    if not result.get("failed"):
        return False
    error = result.get("error") or {}
    said = str(result.get("msg", ""))
    found = _REFUSED.search(said)
    code = str(error.get("code") or (found[1] if found else ""))
    if not code:
        # A module that could not read an answer's XML crashes, and then until sees no words at all. One that failed by
        # the SDK (it gives the SDK's version then) and names no code lost its connection, or swallowed the code.
        return not said or ("boto3_version" in result and not _STAYS.search(said))
    status = int((result.get("response_metadata") or {}).get("http_status_code") or 0)
    return code in also or classify(code, status) in _PASSING


class TestModule:
    def tests(self) -> dict[str, Callable[..., bool]]:
        return {"weather": weather}
