# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of EKS by its name, without a kubeconfig: what EKS says of it, and tokens made of the AWS credentials.

A token is a request to STS that says who its signer is: the cluster sends it. EKS takes one for 15 minutes after it was
signed, whatever it says of itself.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import os
import sys
import tempfile
import time
from typing import Any, Callable, Dict, Mapping

from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient

EKS = "eks"
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
        raise errors.Invalid("There is no such cluster.", where, fix, code="no-cluster") from None
    host, data = found.get("endpoint"), (found.get("certificateAuthority") or {}).get("data")
    if not host or not data:
        fix = "Wait until it is ACTIVE; provision.yml does."
        raise errors.Invalid("Its state is %s, without an API server." % found.get("status"), where, fix,
                             code="no-cluster")  # fmt: skip
    try:
        authority = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        fix = "Look at certificateAuthority in what aws eks describe-cluster answers."
        raise errors.Invalid("What EKS calls its authority is no certificate.", where, fix, code="no-cluster") from None
    return {"host": host, "authority": authority}


class Tokens:
    """The token in use, made anew when it has been used for a while."""

    def __init__(self, make: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._token, self._made = "", 0.0

    def current(self) -> str:
        if not self._token or self._clock() - self._made >= RENEWED_AFTER:
            self._token, self._made = self._make(), self._clock()
        return self._token


def configuration(cluster: Mapping[str, Any], client: AwsClient) -> Any:
    """The configuration by which the package ``kubernetes`` reaches a cluster.

    :param cluster: ``praxis_cluster``: ``eks``, its name.
    :raises CloudError: ``no-cluster``, ``sdk-missing``, and what AWS refuses.
    """
    name = str(cluster.get(EKS) or "")
    unknown = sorted(set(cluster) - {EKS})
    if not name or unknown:
        what = "It names no cluster of EKS%s." % (", but %s" % ", ".join(unknown) if unknown else "")
        raise errors.Invalid(what, "praxis_cluster", "Write praxis_cluster: {eks: NAME}.", code="no-cluster")
    try:
        made = importlib.import_module("kubernetes.client.configuration").Configuration()
    except ImportError as error:
        what = "The Python library kubernetes cannot be imported (%s)." % error
        fix = "Install it for this interpreter: pip install kubernetes."
        raise errors.Invalid(what, "Python interpreter %s" % sys.executable, fix, code="sdk-missing") from None
    there = endpoint(client, name)
    tokens = Tokens(lambda: token(client, name))
    made.host = there["host"]
    made.ssl_ca_cert = _file_of(there["authority"])

    def renew(configured: Any) -> None:
        configured.api_key["authorization"] = "Bearer " + tokens.current()

    made.refresh_api_key_hook = renew
    return made


def _file_of(authority: str) -> str:
    """A file of the certificate, which is no secret: libraries take no text. It goes with Ansible's own at the end."""
    handle, path = tempfile.mkstemp(prefix="praxis-authority-", suffix=".pem", dir=constants.DEFAULT_LOCAL_TMP)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(authority)
    return path
