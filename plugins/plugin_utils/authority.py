# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a cluster's authority, as clouds hand it over."""

from __future__ import annotations

import base64
import binascii

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors


def opened(data: str, where: str) -> str:
    """Its PEM.

    :raises CloudError: ``no-cluster``: it is something else.
    """
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        fix = "Look at the cluster's certificate authority in what the cloud's own command line says of it."
        raise errors.Invalid("What the cloud calls its authority is no certificate.", where, fix,
                             code="no-cluster") from None  # fmt: skip
