# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of a task: never a value, only where ECS finds it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, Reference


@dataclass(frozen=True)
class TaskSecret:
    """A secret of AWS Secrets Manager, at a version.

    :param arn: with the suffix that AWS gives it; ECS takes keys and versions with nothing else.
    :param encryption_key: the KMS key that it is encrypted with; empty for the account's own.
    """

    arn: str
    key: str
    version: str
    encryption_key: str = ""

    @property
    def value_from(self) -> str:
        """As a task definition has it: ``ARN:KEY:STAGE:VERSION``."""
        return f"{self.arn}:{self.key}::{self.version}"


def check(references: Mapping[str, Reference], where: str) -> list[Finding]:
    """What ECS cannot fetch."""
    findings = []
    for name, reference in sorted(references.items()):
        if reference.store != AWS:
            what = f"{name} is in {reference.store}, and ECS reads only from AWS Secrets Manager."
            fix = "Store it in AWS Secrets Manager, and refer to it there (aws-sm://…)."
            findings.append(Finding("ecs-secret-store", what, where, fix))
        elif ":" in reference.key:
            what = f"The key {reference.key!r} of {name} has a colon, which separates the parts of ECS's references."
            findings.append(Finding("ecs-secret-key", what, where, "Use a key without colons."))
    return findings
