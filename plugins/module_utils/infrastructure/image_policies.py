# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM policy of whoever brings images into ECR. Pure."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.policy import Place, Statement

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html, and what a copy reads.
_PUSH = (
    "BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "DescribeImages", "GetDownloadUrlForLayer",
    "InitiateLayerUpload", "PutImage", "UploadLayerPart",
)  # fmt: skip
_KEEP_REPOSITORY = (
    "CreateRepository", "DescribeRepositories", "GetLifecyclePolicy", "ListTagsForResource",
    "PutImageScanningConfiguration", "PutImageTagMutability", "PutLifecyclePolicy", "TagResource",
)  # fmt: skip


def image(place: Place) -> list[Statement]:
    """What brings images into their repositories, which are made where they are missing."""
    token = ["*"] if place.repositories else []
    actions = [f"ecr:{each}" for each in (*_PUSH, *_KEEP_REPOSITORY)]
    logins = sorted(map(place.secret, place.registries))
    return [
        # BatchGetSecretValue itself takes no name: each secret is asked for by GetSecretValue.
        Statement("FindLogins", ["secretsmanager:BatchGetSecretValue"], ["*"] if logins else []),
        Statement("ReadLogins", ["secretsmanager:GetSecretValue"], logins),
        Statement("LogIn", ["ecr:GetAuthorizationToken"], token),
        Statement("Publish", actions, place.repositories),
    ]
