# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's registries as the wire shows them: behind the proxy, with their own token server, for tests."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from sandbox import certificates
from sandbox.gcp.refused import Refused
from tests.unit.cloud.wire import Answer, Request, serving

from .conftest import Google

ARTIFACT = "us-central1-docker.pkg.dev"
HOSTS = (ARTIFACT, "europe-docker.pkg.dev", "gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io")
DIGEST = "sha256:" + "0123456789abcdef" * 4


@dataclass
class Registry:
    """Repositories and their tags; who may pull, and what is open to everybody.

    :param requests: what was asked for, as ``host verb path``.
    :param logins: the passwords that were given for tokens.
    """

    google: Google
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    readers: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        host = request.headers["Host"]
        self.requests.append(f"{host} {request.method} {request.path}")
        if request.path.startswith("/v2/token?"):
            return self._token(request)
        repository, _found, rest = request.path.removeprefix("/v2/").rpartition("/manifests/")
        if not repository:
            repository, rest = request.path.removeprefix("/v2/").partition("/tags/")[0], ""
        if request.headers.get("Authorization") != f"Bearer pull {repository}":
            challenge = f'Bearer realm="https://{host}/v2/token",service="{host}",scope="repository:{repository}:pull"'
            return refusal(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
        tags = self.tags.get(repository)
        if tags is None:
            return refusal(404, "NAME_UNKNOWN", f"Repository {repository} not found")
        if not rest:
            return Answer(body=json.dumps({"name": repository, "tags": list(tags)}).encode())
        if rest in tags or rest in tags.values():
            return Answer(headers={"Docker-Content-Digest": tags.get(rest, rest)})
        return refusal(404, "MANIFEST_UNKNOWN", f"Failed to fetch {rest!r}")

    def _token(self, request: Request) -> Answer:
        repository = parse_qs(urlsplit(request.path).query)["scope"][0].split(":")[1]
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        user, _colon, password = base64.b64decode(given).decode().partition(":")
        email = ""
        if user == "oauth2accesstoken":
            self.logins.append(password)
            try:
                email = self.google.front.identities.who(f"Bearer {password}")
            except Refused as refused:
                return refusal(401, "UNAUTHORIZED", refused.message)
        if email not in self.readers and repository not in self.open:
            said = f'Permission "artifactregistry.repositories.downloadArtifacts" denied on {repository}'
            return refusal(403, "DENIED", f"{said} (or it may not exist)")
        return Answer(body=json.dumps({"token": f"pull {repository}"}).encode())


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    """In the distribution protocol's form."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Answer(status, body, headers or {})


@contextlib.contextmanager
def served(google: Google) -> Iterator[Registry]:
    """All of Google's registries, through the proxy, with certificates of the sandbox's authority."""
    folder = google.authority.parent
    certificates.make_certificate(folder, "registry", HOSTS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "registry.crt", folder / "registry.key")
    found = Registry(google, readers={google.email})
    with serving(found.answer, tls=context) as server:
        address, _colon, port = server.host.partition(":")
        google.tunnels.update(dict.fromkeys(HOSTS, (address, int(port))))
        yield found
