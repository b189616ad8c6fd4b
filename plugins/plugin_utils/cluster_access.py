# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of EKS or GKE by its name (``praxis_cluster``), without a kubeconfig; tokens are made anew in time."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from typing import Any, Callable, Mapping, Tuple

from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.plugin_utils import eks_access, gke_access

EKS, GKE, LOCATION = "eks", "gke", "location"
_FORM = "Write praxis_cluster: {eks: NAME}, or {gke: NAME, location: REGION}."


class Tokens:
    """The token in use, made anew when it has been used for a while.

    :param make: a new one, and the seconds for which it is to be used.
    """

    def __init__(self, make: Callable[[], Tuple[str, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._make, self._clock = make, clock
        self._token, self._until = "", 0.0

    def current(self) -> str:
        if not self._token or self._clock() >= self._until:
            self._token, seconds = self._make()
            self._until = self._clock() + seconds
        return self._token


def configuration(cluster: Mapping[str, Any], aws: AwsClient, gcp: GcpClient, region: str = "") -> Any:
    """The configuration by which the package ``kubernetes`` reaches a cluster.

    :param cluster: ``praxis_cluster``: ``eks``, a name; or ``gke``, a name, and ``location``.
    :param region: the location of a cluster of GKE that names none.
    :raises CloudError: ``no-cluster``, ``sdk-missing``, and what the cloud refuses.
    """
    name, allowed = str(cluster.get(EKS) or cluster.get(GKE) or ""), {EKS} if EKS in cluster else {GKE, LOCATION}
    unknown = sorted(set(cluster) - allowed)
    if not name or unknown:
        what = "praxis_cluster names no cluster%s." % (", but %s" % ", ".join(unknown) if unknown else "")
        raise errors.Invalid(what, "praxis_cluster", _FORM, code="no-cluster")
    try:
        made = importlib.import_module("kubernetes.client.configuration").Configuration()
    except ImportError as error:
        what = "The Python library kubernetes cannot be imported (%s)." % error
        fix = "Install it for this interpreter: pip install kubernetes."
        raise errors.Invalid(what, "Python interpreter %s" % sys.executable, fix, code="sdk-missing") from None
    if EKS in cluster:
        there = eks_access.endpoint(aws, name)
        tokens = Tokens(lambda: (eks_access.token(aws, name), eks_access.RENEWED_AFTER))
    else:
        there = gke_access.endpoint(gcp, name, str(cluster.get(LOCATION) or region))
        tokens = Tokens(lambda: gke_access.token(gcp))
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
