# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet's settings refer to in a cloud, for the filters that work out who needs which permission."""

from __future__ import annotations


class ModuleDocFragment:
    """What both clouds' filters take."""

    DOCUMENTATION = r"""
options:
  images:
    description: The images of its agents and services.
    type: list
    elements: str
    default: []
  secrets:
    description: References to the secrets of its agents, as in C(praxis_agent_secrets). Other values are left out.
    type: list
    elements: str
    default: []
  registries:
    description:
      - References to the secrets by which one logs in to registries, the users and passwords of C(praxis_registries).
        Other values are left out.
    type: list
    elements: str
    default: []
"""
