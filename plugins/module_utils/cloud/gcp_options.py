# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options by which modules and plugins say which Google Cloud they mean. Documented in the ``gcp`` fragment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Invalid
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import GcpCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

# The credentials file has no fallback here: google-auth reads GOOGLE_APPLICATION_CREDENTIALS itself.
GCP_ARGUMENTS: dict[str, dict[str, Any]] = {
    "project": {"type": "str", "fallback": (env_fallback, ["GCP_PROJECT", "GOOGLE_CLOUD_PROJECT"])},
    "credentials_file": {"type": "path", "aliases": ["service_account_file"]},
    "access_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["GCP_ACCESS_TOKEN"])},
    "impersonate_service_account": {"type": "str"},
    "api_endpoint": {"type": "str"},
}


def gcp_client(options: Mapping[str, Any], playbook: Playbook | None = None) -> GcpClient:
    """The client that these options describe.

    :param playbook: of whoever changes something: when it has ended, the client sends no request any more. Nobody would
        see what is made, and the next run may have begun.

    :raises Invalid: ``cloud-options`` when a file and a token are both given.
    """
    if options.get("credentials_file") and options.get("access_token"):
        what, fix = "credentials_file and access_token are both set.", "Set only one of the two."
        raise Invalid(what, "Google Cloud options", fix, code="cloud-options")
    return GcpClient(
        options.get("project") or None,
        api_endpoint=options.get("api_endpoint") or None,
        credentials=GcpCredentials(
            credentials_file=options.get("credentials_file") or None,
            access_token=options.get("access_token") or None,
            impersonate=options.get("impersonate_service_account") or None,
        ),
        retry=Retry(may=playbook.require) if playbook else None,
    )
