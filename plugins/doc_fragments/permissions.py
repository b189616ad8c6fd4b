# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that ask a cloud which permissions there are."""

    DOCUMENTATION = r"""
options:
  verbs:
    description: The verbs to check; without any, all that are described.
    type: list
    elements: str
    default: []
  required:
    description: Whether what is missing is an error, and not a warning.
    type: bool
    default: true
"""
