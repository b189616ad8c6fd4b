# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agents of a new fleet need from a secret store, random."""

from __future__ import annotations

import base64
import json
import secrets


def agent_secret() -> str:
    """Random values for what an agent needs: an OpenAI key and the Fernet key of its store."""
    return json.dumps({"OPENAI_API_KEY": f"sk-sandbox-{secrets.token_urlsafe(36)}",
                       "PRAXIS_MASTER_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()})
