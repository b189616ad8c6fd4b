# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of a fleet of machines loads before it knows what the fleet needs. Each task pays for it anew."""

from __future__ import annotations

import subprocess
import sys

import pytest

ACTION = "ansible_collections.praxis.cloud.plugins.action.fleet_plan"
#: Of Kubernetes and ECS, and of SDKs.
NEEDLESS = ("kubernetes", "kubernetes_", "ecs", "ecs_", "boto", "google.", "docker", "jsonschema")


@pytest.mark.slow
def test_a_plan_loads_nothing_of_a_target_or_of_an_sdk_before_it_is_needed() -> None:
    shown = f"import sys, {ACTION}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True).stdout.split()
    assert ACTION in loaded
    ours = [name.partition(".plugins.")[2].partition(".")[2] if "praxis.cloud" in name else name for name in loaded]
    assert [name for name in ours if name.startswith(NEEDLESS)] == []
