# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports at which a load balancer answers: HTTP alone, or HTTPS with HTTP redirected to it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Ref, Resource

HTTP, HTTPS = 80, 443
#: What AWS recommends, and its console chooses: TLS 1.2 and 1.3, ciphers with forward secrecy, hybrid post-quantum key
#: exchange with clients that have it. The API's own default still speaks TLS 1.0.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
#: As AWS fills it in: the request's own host, path and query.
REDIRECT = f"HTTPS://#{{host}}:{HTTPS}/#{{path}}?#{{query}} HTTP_301"
HTTPS_LOST = "HTTPS: port 443 no longer answers, and port 80 answers in plain text"


@dataclass(frozen=True)
class Tls:
    """How the load balancer answers by HTTPS.

    :param certificate: ARN of the certificate; empty for plain HTTP.
    """

    certificate: str = ""
    policy: str = TLS_POLICY


def listeners(name: str, tls: Tls, tags: Mapping[str, str], mark: Mapping[str, str]) -> Iterator[Resource]:
    """The listeners of the fleet's load balancer, HTTPS before what redirects to it.

    Others' listeners of this load balancer are left alone; a listener is known by its port. The one for HTTP is the
    load balancer's own from version 0.1.0 on and has no tags; the one for HTTPS has, for it may be somebody's.
    """
    balancer, group = Ref("load_balancer", name), Ref("target_group", name)
    remade = frozenset({"load_balancer"})
    secure, plain = f"{name}:{HTTPS}", f"{name}:{HTTP}"
    port = {"port": HTTPS}
    if not tls.certificate:
        fields: dict[str, Any] = {"load_balancer": balancer}
        yield Resource("listener", secure, fields, port, mark, present=False, lost=HTTPS_LOST)
        fields = {"load_balancer": balancer, "protocol": "HTTP", "target_group": group}
        yield Resource("listener", plain, fields, {"port": HTTP}, remade_by=remade)
        return
    fields = {
        "load_balancer": balancer, "protocol": "HTTPS", "certificate": tls.certificate, "tls_policy": tls.policy,
        "target_group": group,
    }  # fmt: skip
    yield Resource("listener", secure, fields, port, {**tags, "Name": secure}, remade, lost=HTTPS_LOST)
    fields = {"load_balancer": balancer, "protocol": "HTTP", "redirect": REDIRECT}
    yield Resource("listener", plain, fields, {"port": HTTP}, remade_by=remade)
