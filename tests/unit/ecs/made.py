# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of agents for ECS, made of variables that leave nothing open, so that nothing is asked."""

from __future__ import annotations

from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import ecs_kinds, fleet_variables

REGION = "eu-central-1"
ACCOUNT = "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/praxis@sha256:" + "5" * 64
VERSION = "11111111-2222-3333-4444-555555555555"
ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:praxis/agent-a1B2c3"
SECRETS = {
    "OPENAI_API_KEY": f"aws-sm://{ARN}#OPENAI_API_KEY?version={VERSION}",
    "PRAXIS_MASTER_KEY": f"aws-sm://{ARN}#PRAXIS_MASTER_KEY?version={VERSION}",
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
BOOTSTRAP = [
    "/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
    "/ip4/10.0.0.6/tcp/4001/p2p/12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB",
]
ECS: dict[str, Any] = {
    "bootstrap": BOOTSTRAP,
    "subnets": ["subnet-0a0a0a0a", "subnet-0b0b0b0b"],
    "security_groups": ["sg-0c0c0c0c"],
    "execution_role": ROLE,
}


def variables(ecs: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """The variables of one kind, those of ``praxis_`` without it; None is not set."""
    known: dict[str, Any] = {
        "target": "ecs",
        "fleet": "demo",
        "region": REGION,
        "slot": "leaf",
        "image": IMAGE,
        "agent_secrets": SECRETS,
        "ecs": {key: value for key, value in {**ECS, **(ecs or {})}.items() if value is not None},
    }
    return {f"praxis_{name}": value for name, value in {**known, **values}.items() if value is not None}


def plan(rendered: bool = False, **kinds: dict[str, Any]) -> ecs_kinds.Fleet:
    """The plan of these kinds, by name; without one, of one kind."""
    kinds = kinds or {"leaf": variables()}
    return ecs_kinds.plan(fleet_variables.members(kinds, list(kinds)), rendered=rendered)


def kind(ecs: dict[str, Any] | None = None, **values: Any) -> Kind:
    """One kind."""
    return plan(leaf=variables(ecs, **values)).kinds[0]


def codes(failed: Failed) -> list[str]:
    """The codes of all findings, each of which is complete."""
    for finding in failed.findings:
        assert all(finding.as_dict().values()), finding
    return [finding.code for finding in failed.findings]
