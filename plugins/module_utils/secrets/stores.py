# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both stores, each behind its cloud's client. One that no reference points at costs nothing: its library is not
imported, and it needs no credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.aws_sm import AwsSecretsManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Store
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.gcp_sm import GcpSecretManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, GCP


def stores_of(aws: AwsClient, gcp: GcpClient) -> dict[str, Store]:
    """The stores by ``Reference.store``."""
    return {AWS: AwsSecretsManager(aws), GCP: GcpSecretManager(gcp)}


def stores_by_options(options: Mapping[str, Any]) -> dict[str, Store]:
    """The stores that the options of both clouds describe.

    :raises Invalid: ``cloud-options``.
    """
    return stores_of(aws_client(options), gcp_client(options))
