# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a fleet's identities are, by the options of the modules that make and show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import Identities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_aws import AwsIdentities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_gcp import GcpIdentities

IDENTITY_ARGUMENTS: dict[str, dict[str, Any]] = {
    "cloud": {"type": "str", "choices": ["aws", "gcp"], "default": "aws"},
    "fleet": {"type": "str", "required": True},
    "peer_id_scheme": {"type": "str", "choices": ["ed25519", "x25519"], "default": "ed25519"},
    **AWS_ARGUMENTS,
    **GCP_ARGUMENTS,
}


def identities_of(options: Mapping[str, Any], playbook: Playbook | None = None) -> Identities:
    """The fleet's identities in the store of the cloud that is meant.

    :param playbook: of whoever changes them.

    :raises Invalid: ``cloud-options``.
    """
    if options["cloud"] == "gcp":
        return GcpIdentities(gcp_client(options, playbook), options["fleet"])
    days = options.get("recovery_window_days", 30)
    return AwsIdentities(aws_client(options, playbook), options["fleet"], days)
