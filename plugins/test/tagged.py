# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a resource carries certain tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: tagged
short_description: Whether a mapping holds all of another one's pairs
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - True when every key of O(wanted) is in the mapping with the same value. Other keys do not matter.
  - "Comparing C(.items()) with C(<=) does not do this: in templates these are lists, which compare by their order."
options:
  _input:
    description: The mapping, a resource's tags say.
    type: dict
    required: true
  wanted:
    description: The pairs it must hold.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Remove only what is ours
  ansible.builtin.debug:
    msg: ours
  when: "vpc.tags is praxis.cloud.tagged({'praxis_fleet': 'praxis'})"
"""

RETURN = r"""
_value:
  description: Whether it does.
  type: bool
"""


def tagged(tags: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(key in tags and tags[key] == value for key, value in wanted.items())


class TestModule:
    def tests(self) -> dict[str, Callable[..., bool]]:
        return {"tagged": tagged}
