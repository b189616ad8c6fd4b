# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that act for a deployment."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  deployment:
    description:
      - The deployment that asks. A host refuses it when a newer one has taken the fleet over.
    type: dict
    suboptions:
      run:
        description: Its id.
        type: str
        required: true
      owner:
        description: Who runs it, and where, for people to read.
        type: str
        required: true
      reason:
        description: What it does, C(deploy), or C(rollback) and where to.
        type: str
        default: deploy
      process:
        description: Its process on its controller, C(place), C(pid) and C(started).
        type: dict
        default: {}
      lock_host:
        description: The member whose host keeps the fleet's lock.
        type: str
        required: true
      fence:
        description: Its fence number, greater than that of every deployment before it.
        type: int
        required: true
      lease:
        description: Seconds that others have to wait for it, from its last step on.
        type: float
        default: 900.0
      last:
        description: Whether this is its last step on this host.
        type: bool
        default: false
      instead_of:
        description: The deployment that it has taken over from, and leaves as it was found. Empty where there is none.
        type: str
        default: ""
"""
