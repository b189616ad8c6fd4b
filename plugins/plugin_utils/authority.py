# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's API server and the certificate of its authority, as clouds hand them over."""

from __future__ import annotations

import base64
import binascii
from typing import Dict, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors


def api_server(
    host: Optional[str], authority: Optional[str], where: str, state: Optional[str], ready: str
) -> Dict[str, str]:
    """Where a cluster's API server is (``host``), and the PEM of the authority that vouches for it (``authority``).

    :param authority: as the cloud says it, in base64.
    :param ready: the state in which a cluster has both.
    :raises CloudError: ``no-cluster``: it has not both yet, or the authority is something else.
    """
    if not host or not authority:
        fix = "Wait until its state is %s; provision.yml does." % ready
        raise errors.Invalid("The cluster's state is %s, and it has no API "
                             "server yet." % state, where, fix, code="no-cluster")
    return {"host": host, "authority": _opened(authority, where)}


def _opened(data: str, where: str) -> str:
    """Its PEM.

    :raises CloudError: ``no-cluster``: it is something else.
    """
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        fix = "See the certificate authority in aws eks describe-cluster, or gcloud container clusters describe."
        raise errors.Invalid("What the cloud gives as the cluster's authority is not a certificate.", where, fix,
                             code="no-cluster") from None  # fmt: skip
