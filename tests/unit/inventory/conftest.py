# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The served Google of the neighbouring tests, for the inventory's."""

from __future__ import annotations

from tests.unit.google.conftest import google

__all__ = ["google"]
