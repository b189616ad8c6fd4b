# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet for a cluster, made of variables that leave nothing open, so that nothing is asked."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables, kubernetes_kinds

IMAGE = "registry.example/praxis@sha256:" + "5" * 64
VERSION = "11111111-2222-3333-4444-555555555555"
SECRETS = {
    "OPENAI_API_KEY": f"aws-sm://praxis/agent#OPENAI_API_KEY?version={VERSION}",
    "PRAXIS_MASTER_KEY": "gcp-sm://a-project/master?version=7",
}
STORES = {"aws-sm": "aws", "gcp-sm": "google"}


def seed(index: int) -> bytes:
    return hashlib.sha256(b"planted seed %d" % index).digest()


def seeds(count: int, first: int = 0) -> list[str]:
    return [base64.b64encode(seed(index)).decode() for index in range(first, first + count)]


def variables(kubernetes: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """The variables of one kind, those of ``praxis_`` without it; None is not set."""
    known: dict[str, Any] = {
        "target": "kubernetes",
        "fleet": "demo",
        "slot": "agent",
        "image": IMAGE,
        "agent_secrets": SECRETS,
        "kubernetes": {
            "secrets": {"stores": STORES},
            "identities": {"stores": STORES},
            "seeds": seeds(10),
            **(kubernetes or {}),
        },
    }
    return {f"praxis_{name}": value for name, value in {**known, **values}.items() if value is not None}


def leaf(**kubernetes: Any) -> dict[str, Any]:
    return {**variables(), "praxis_kubernetes": {"role": "leaf", "secrets": {"stores": STORES}, **kubernetes}}


def plan(**kinds: dict[str, Any]) -> kubernetes_kinds.Fleet:
    """The plan of these kinds, by name; without one, of a kind of members."""
    kinds = kinds or {"agent": variables()}
    return kubernetes_kinds.plan(fleet_variables.members(kinds, list(kinds)))


def found(objects: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """The one object of a kind, or of a kind and a name."""
    there = [each for each in objects if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    assert len(there) == 1, [each["metadata"]["name"] for each in there]
    return there[0]


def agent(**kubernetes: Any) -> list[dict[str, Any]]:
    """The objects of one kind of members."""
    return plan(agent=variables(kubernetes)).objects()


def codes(failed: Failed) -> list[str]:
    """The codes of all findings, each of which is complete."""
    for finding in failed.findings:
        assert all(finding.as_dict().values()), finding
    return [finding.code for finding in failed.findings]
