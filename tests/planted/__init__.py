# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults: mistakes that a maintainer could make, each with the tests that must notice it. ``make planted``."""

from __future__ import annotations

from tests.planted import (
    agent,
    awx,
    cloud,
    controller,
    ecs,
    fleet,
    host,
    images,
    kubernetes,
    playbooks,
    sandbox,
    secrets,
)
from tests.planted.fault import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: tuple[Fault, ...] = (
    *agent.FAULTS,
    *awx.FAULTS,
    *ecs.FAULTS,
    *fleet.FAULTS,
    *secrets.FAULTS,
    *cloud.FAULTS,
    *host.FAULTS,
    *images.FAULTS,
    *kubernetes.FAULTS,
    *controller.FAULTS,
    *playbooks.FAULTS,
    *sandbox.FAULTS,
)
