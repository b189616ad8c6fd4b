# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leads to a Google backend service: where its load balancers answer, and what else refers to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import BackendService
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain


def front_ends(client: GcpClient, service: BackendService) -> tuple[list[str], list[str]]:
    """The addresses of its load balancers, and the paths of what else refers to it; both sorted.

    Addresses are those of forwarding rules whose proxy's URL map leads to it. A URL map or a rule beside it that
    leads nowhere does not count. For an identity that may not list them, all that refers to it does: Google says
    that with the service (``usedBy``).
    """
    references = sorted(plain(one["reference"], client.project) for one in service.described.get("usedBy") or [])
    try:
        addresses = _addresses(client, service)
    except errors.Denied:
        return [], references
    followed = tuple(f"{service.scope}/{kind}/" for kind in ("urlMaps", "forwardingRules"))
    return addresses, [path for path in references if not path.startswith(followed)]


def _addresses(client: GcpClient, service: BackendService) -> list[str]:
    def listed(kind: str) -> list[dict[str, Any]]:
        return list(client.paginate("compute", f"compute/v1/{service.scope}/{kind}"))

    maps = {each["selfLink"] for each in listed("urlMaps") if _leads_to(each, service.link)}
    proxies = [*listed("targetHttpProxies"), *listed("targetHttpsProxies")]
    ends = {service.link, *(each["selfLink"] for each in proxies if each.get("urlMap") in maps)}
    rules = listed("forwardingRules")
    return sorted({
        str(rule["IPAddress"]) for rule in rules if ends & {rule.get("target"), rule.get("backendService")}
    })  # fmt: skip


def _leads_to(url_map: Mapping[str, Any], link: str) -> bool:
    """Whether a URL map leads to this service: by default, for a path, or for a part of the requests."""
    return f'"{link}"' in json.dumps(url_map)
