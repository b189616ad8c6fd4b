# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What EKS says of a cluster, and tokens for it, made of the AWS credentials.

A token is a request to STS that says who its signer is: the cluster sends it. EKS takes one for 15 minutes after it was
signed, whatever it says of itself.
"""

from __future__ import annotations

import base64
from typing import Dict

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.plugin_utils.authority import api_server

PREFIX = "k8s-aws-v1."
#: Seconds for which a token is used: well before it is refused.
RENEWED_AFTER = 600.0
#: Seconds for which the request itself may be sent, as the AWS CLI signs it.
_SIGNED_FOR = 60


def token(client: AwsClient, name: str) -> str:
    """A new token for the cluster of this name.

    :raises CloudError: there are no credentials to sign with.
    """
    url = client.presigned("sts", "get_caller_identity", {"x-k8s-aws-id": name}, _SIGNED_FOR)
    return PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def endpoint(client: AwsClient, name: str) -> Dict[str, str]:
    """Where its API server is (``host``), and the PEM of the authority that vouches for it (``authority``).

    :raises CloudError: ``no-cluster``: there is none of this name, or it is not ready.
    """
    where = "EKS cluster %s in %s" % (name, client.region)
    try:
        found = client.call("eks", "describe_cluster", name=name)["cluster"]
    except errors.NotFound:
        fix = "Run provision.yml, or correct praxis_cluster and the region."
        raise errors.Invalid("The cluster does not exist.", where, fix, code="no-cluster") from None
    authority = (found.get("certificateAuthority") or {}).get("data")
    return api_server(found.get("endpoint"), authority, where, found.get("status"), "ACTIVE")
