# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.gcp_infrastructure. Documentation: plugins/modules/gcp_infrastructure.py."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.modules import gcp_infrastructure
from ansible_collections.praxis.cloud.plugins.plugin_utils.own_process import OwnProcess


class ActionModule(OwnProcess):
    """The module, in the process of its task."""

    module = gcp_infrastructure
