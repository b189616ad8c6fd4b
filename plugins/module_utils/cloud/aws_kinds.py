# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of kinds of AWS resources, in the order in which they are created. Removal goes from its end."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_access_kinds import (
    INSTANCE_PROFILE,
    KEY_PAIR,
    ROLE,
    SECURITY_GROUP,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_balancer_kinds import LOAD_BALANCER, TARGET_GROUP
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_certificates import CERTIFICATE
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_dns_kinds import DNS_RECORD, VALIDATION_RECORD
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_eks_content_kinds import (
    ACCESS_ENTRY,
    ADDON,
    POD_IDENTITY,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_eks_kinds import (
    CLUSTER_ROLE,
    EKS_CLUSTER,
    NODE_GROUP,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_listener_kind import LISTENER
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_network_kinds import (
    GATEWAY,
    ROUTE_TABLE,
    SUBNET,
    VPC,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_oidc_kind import OIDC_PROVIDER

KINDS: dict[str, AwsKind] = {
    kind.name: kind
    for kind in (
        VPC, GATEWAY, ROUTE_TABLE, SUBNET, SECURITY_GROUP, KEY_PAIR, ROLE, INSTANCE_PROFILE,
        CERTIFICATE, VALIDATION_RECORD, TARGET_GROUP, LOAD_BALANCER, LISTENER, DNS_RECORD,
        CLUSTER_ROLE, EKS_CLUSTER, NODE_GROUP, OIDC_PROVIDER, ACCESS_ENTRY, ADDON, POD_IDENTITY,
    )
}  # fmt: skip
#: The machines are launched after all of them, and go before what they use.
MACHINES_GO_BEFORE = "instance_profile"
WORDS = {name: kind.words for name, kind in KINDS.items()}
