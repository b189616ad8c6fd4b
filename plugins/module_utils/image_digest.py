# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of an image, as machines pull by it: one rule for the plan and for the hosts. Standard library only."""

from __future__ import annotations

import re

#: Other algorithms (sha512) can be written, and no registry and engine that this collection knows pulls by them.
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SHAPE = "A digest is sha256: and 64 hexadecimal digits in lower case."
