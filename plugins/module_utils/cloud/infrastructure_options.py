# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the modules of all clouds' infrastructure share. Documented in the ``infrastructure`` fragment."""

from __future__ import annotations

from typing import Any

LISTS = ("zones", "ssh_from", "api_from", "balancer_from")
INFRASTRUCTURE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "fleet": {"type": "str", "required": True},
    "plan_id": {"type": "str", "default": ""},
    **{name: {"type": "list", "elements": "str", "default": []} for name in LISTS},
    "api_port": {"type": "int", "default": 8000},
    "p2p_port": {"type": "int", "default": 4001},
    "members": {"type": "list", "elements": "dict", "default": []},
    "open_api_to_world": {"type": "bool", "default": False},
    "open_p2p_to_world": {"type": "bool", "default": False},
    "hosts": {"type": "int", "default": 0},
    "root_volume_gb": {"type": "int", "default": 20},
    "balancer": {"type": "bool", "default": True},
    "health_path": {"type": "str", "default": "/health"},
    "health_interval": {"type": "int", "default": 10},
    "allow_shrink": {"type": "bool", "default": False},
    "data": {"type": "dict", "default": {}},
    "remove_data": {"type": "bool", "default": False},
}
