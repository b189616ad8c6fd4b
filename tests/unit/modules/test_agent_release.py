# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What agent_release prints of its arguments. What it does is in tests/unit/host; here it is refused at once."""

from __future__ import annotations

import base64
from typing import Any

from tests.unit.host.fakes import release

SHOWN = "planted-and-no-secret-2f7a"
SECRETS = {
    "a secret": "planted-agent-secret-81d0",
    "the seed": base64.b64encode(b"planted seed of thirty-two bytes").decode(),
    "the registry's password": "planted-registry-password-c3e9",
    "a service's secret": "planted-service-secret-5d1b",
    "the password of a service's registry": "planted-service-registry-password-90aa",
}


def test_arguments_are_shown_but_those_that_are_secret(run: Any) -> None:
    ran = run(
        "agent_release",
        state="prepared",
        release=release("../r1"),
        secrets={"OPENAI_API_KEY": SECRETS["a secret"]},
        seed=SECRETS["the seed"],
        registry={"server": "registry.example", "username": SHOWN, "password": SECRETS["the registry's password"]},
        services=[
            {
                "name": "files",
                "secrets": {"TOKEN": SECRETS["a service's secret"]},
                "registry": {
                    "server": "registry.example",
                    "username": SHOWN,
                    "password": SECRETS["the password of a service's registry"],
                },
            }
        ],
    )
    assert ran.codes == ["bad-option"]
    assert SHOWN in ran.printed
    assert [name for name, value in SECRETS.items() if value in ran.printed] == []
