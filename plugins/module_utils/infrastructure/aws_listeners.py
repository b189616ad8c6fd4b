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


#: In place of a login's settings where there is none.
NO_LOGIN = "none"
#: The tag of a listener that holds the version of its client secret, which AWS shows to nobody.
SECRET_TAG = "praxis_oidc_secret"


#: In place of a bucket where there are no access logs.
NO_LOGS = "off"


def logs_at(bucket: str, prefix: str) -> str:
    """The place of access logs, in words; a bucket without a name turns them off."""
    return f"s3://{bucket}/{prefix.strip('/')}" if bucket else NO_LOGS


@dataclass(frozen=True)
class Hidden:
    """A value that is handed to the cloud, and shown nowhere."""

    value: str

    def __repr__(self) -> str:
        return "(hidden)"


@dataclass(frozen=True)
class Login:
    """An OpenID Connect provider that everybody has to log in with.

    :param endpoints: issuer and endpoints by their names in the settings.
    :param version: of the client secret.
    """

    endpoints: Mapping[str, str]
    client_id: str
    version: str
    secret: Hidden

    def fields(self) -> dict[str, str]:
        """What is kept, and can be observed."""
        return {**self.endpoints, "client_id": self.client_id, "client_secret": f"version {self.version}",
                "unauthenticated": "authenticate"}  # fmt: skip


@dataclass(frozen=True)
class Tls:
    """How the load balancer answers by HTTPS.

    :param certificate: ARN of the user's certificate; empty for plain HTTP, and for one that AWS makes.
    :param login: what stands before the targets; None when everybody passes.
    """

    certificate: str = ""
    policy: str = TLS_POLICY
    login: Login | None = None


def listeners(
    name: str, tls: Tls, tags: Mapping[str, str], mark: Mapping[str, str], made: str = ""
) -> Iterator[Resource]:
    """The listeners of the fleet's load balancer, HTTPS before what redirects to it.

    :param made: the certificate that AWS makes, as the list has it; empty for one of the user's, or none.

    Others' listeners of this load balancer are left alone; a listener is known by its port. The one for HTTP is the
    load balancer's own from version 0.1.0 on and has no tags; the one for HTTPS has, for it may be somebody's.
    """
    balancer, group = Ref("load_balancer", name), Ref("target_group", name)
    remade = frozenset({"load_balancer"})
    secure, plain = f"{name}:{HTTPS}", f"{name}:{HTTP}"
    port: dict[str, Any] = {"port": HTTPS}
    if not tls.certificate and not made:
        fields: dict[str, Any] = {"load_balancer": balancer}
        # A target group that no listener leads to is not checked, and its targets would get no requests for a while.
        yield Resource("listener", secure, fields, port, mark, present=False, lost=HTTPS_LOST, goes_last=True)
        fields = {"load_balancer": balancer, "protocol": "HTTP", "target_group": group}
        yield Resource("listener", plain, fields, {"port": HTTP}, remade_by=remade)
        return
    fields = {
        "load_balancer": balancer, "protocol": "HTTPS", "tls_policy": tls.policy, "target_group": group,
        "certificate": Ref("certificate", made) if made else tls.certificate,
        "login": tls.login.fields() if tls.login else NO_LOGIN,
    }  # fmt: skip
    if made:
        # A listener takes a certificate that is issued, and that is when the record has been seen.
        port = {**port, "validated": Ref("validation_record", made)}
    if tls.login:
        port = {**port, "client_secret": tls.login.secret}
    yield Resource("listener", secure, fields, port, {**tags, "Name": secure}, remade, lost=HTTPS_LOST)
    fields = {"load_balancer": balancer, "protocol": "HTTP", "redirect": REDIRECT}
    yield Resource("listener", plain, fields, {"port": HTTP}, remade_by=remade)
