# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE says of a cluster, and tokens for it: access tokens of the credentials that everything else uses."""

from __future__ import annotations

import datetime
from typing import Dict, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import SCOPE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_gke_kinds import cluster_path
from ansible_collections.praxis.cloud.plugins.plugin_utils.authority import api_server

#: By which the API server knows the account's email, and not its number alone: RBAC names accounts so.
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
#: Seconds for which a token is used at most, and seconds before its end from which on it is not.
RENEWED_AFTER, _EARLIER = 600.0, 60.0


def token(client: GcpClient) -> Tuple[str, float]:
    """A new token, and the seconds for which it is to be used.

    :raises CloudError: there are no credentials, or no token could be had for them.
    """
    made, ends = client.token(SCOPE, EMAIL)
    return made, min(RENEWED_AFTER, _left(ends) - _EARLIER)


def _left(ends: Optional[datetime.datetime]) -> float:
    """Seconds until then; one that does not say it is taken as a fresh one."""
    if ends is None:
        return RENEWED_AFTER + _EARLIER
    return (ends - datetime.datetime.now(datetime.UTC)).total_seconds()


def endpoint(client: GcpClient, name: str, location: str) -> Dict[str, str]:
    """Where its API server is (``host``), and the PEM of the authority that vouches for it (``authority``).

    :raises CloudError: ``no-cluster``: there is none of this name, or it is not ready.
    """
    if not location:
        fix = "Write praxis_cluster: {gke: %s, location: REGION}, or set praxis_region." % name
        raise errors.Invalid("The cluster's location is not known.", "praxis_cluster", fix, code="no-cluster")
    where = "GKE cluster %s in %s, project %s" % (name, location, client.project)
    try:
        found = client.call("container", "GET", "v1/%s" % cluster_path(client.project, location, name))
    except errors.NotFound:
        fix = "Run provision.yml, or correct praxis_cluster and praxis_project."
        raise errors.Invalid("The cluster does not exist.", where, fix, code="no-cluster") from None
    address, authority = found.get("endpoint"), (found.get("masterAuth") or {}).get("clusterCaCertificate")
    host = "https://%s" % address if address else None
    return api_server(host, authority, where, found.get("status"), "RUNNING")
