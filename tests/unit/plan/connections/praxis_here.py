# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members that are folders of this machine: what ``local`` does, by a name that the playbooks do not refuse."""

from __future__ import annotations

from ansible.plugins.connection import local

# Ansible reads the file for it, and the options have to be those of ``local``.
DOCUMENTATION = """
name: praxis_here
short_description: Run everything on this machine
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Runs commands on this machine, as C(local) does.
options:
  become_success_timeout:
    description: Seconds to wait until become has worked.
    type: int
    default: 10
  become_strip_preamble:
    description: Whether what become prints before the command is taken away.
    type: bool
    default: true
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(local.Connection):
    """Runs commands on this machine."""

    transport = "praxis_here"
