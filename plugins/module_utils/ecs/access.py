# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ECS may do in order to start a task: the execution role's policy, with nothing that it can do without. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import REPOSITORY

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def execution_policy(kind: Kind, account: str, partition: str = "aws") -> dict[str, Any]:
    """The policy.

    :param account: the AWS account that the log is in.
    """
    log = f"arn:{partition}:logs:{kind.region}:{account}:log-group:{kind.log_group}:*"
    statements = [_allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log])]
    found = [image for image in map(REPOSITORY.match, kind.images) if image]
    if repositories := sorted({_repository(partition, **image.groupdict()) for image in found}):
        statements.append(_allow(["ecr:GetAuthorizationToken"], ["*"]))
        statements.append(_allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories))
    if secrets := sorted({secret.arn for secret in kind.all_secrets}):
        statements.append(_allow(["secretsmanager:GetSecretValue"], secrets))
    keys = sorted({secret.encryption_key for secret in kind.all_secrets if _own(secret.encryption_key)})
    if keys:
        statements.append(_allow(["kms:Decrypt"], keys))
    return {"Version": "2012-10-17", "Statement": statements}


def _repository(partition: str, account: str, region: str, name: str) -> str:
    return f"arn:{partition}:ecr:{region}:{account}:repository/{name}"


def _own(key: str) -> bool:
    """Whether a KMS key is one of the user's, which nobody may use without leave. A policy names a key by its ARN."""
    return key.startswith("arn:") and ":alias/aws/" not in key


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}
