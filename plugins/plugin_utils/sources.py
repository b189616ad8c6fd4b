# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gives as a secret: a reference to one, or the value itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Union

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import is_placeholder, placeholder
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

Source = Union[Reference, str]


def read_source(name: str, value: Any) -> Source:
    """:raises Failed: the value is no text, nothing fills it in, or it is a malformed reference."""
    if not isinstance(value, str):  # null would be "None" and true "True": not what anybody meant
        fix = "Write a reference, or the value in quotes."
        raise Failed(Finding("bad-secret-value", "The value is not text.", name, fix))
    if is_placeholder(value):
        what = "The value is %s, and nothing replaces it by a secret." % placeholder(value)
        fix = "Write a reference, or the value itself; lookup('ansible.builtin.env', …) reads your environment."
        raise Failed(Finding("placeholder", what, name, fix))
    try:
        return parse(value) or value
    except Failed as error:
        raise Failed(*(replace(finding, where=name) for finding in error.findings)) from None
