# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: a real docker-registry with TLS and login under the account's ECR host name.

Machines reach it by that name on port 443 and must log in. A second listener without login is published on the host's
loopback only, for pushes and for the API's own view of what was pushed.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox import docker, images
from sandbox.problem import Problem, step
from sandbox.site import Site, write

USER = "AWS"
SCHEMA2 = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPT = ", ".join([
    SCHEMA2, "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"])
"""Without these the registry answers with a schema1 manifest, which has another digest."""


@dataclass(frozen=True)
class Manifest:
    """A manifest as the registry holds it."""

    digest: str
    media_type: str
    text: str

    @property
    def size(self) -> int:
        """Bytes of the layers, compressed."""
        return sum(layer["size"] for layer in json.loads(self.text).get("layers", []))


class Registry:
    """The site's registry."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.container = site.container("registry")
        self.push = f"127.0.0.1:{site.addresses.push_port}"

    @property
    def password(self) -> str:
        """The password that goes with the user `AWS`."""
        return (self.site.home / "tls" / "password").read_text()

    def up(self, tag: str) -> None:
        """Start the registry from this image unless it runs, and wait until it answers."""
        tls = self.site.home / "tls"
        if not (tls / "password").exists():
            write(tls / "password", secrets.token_urlsafe(96), 0o600)
        found = docker.inspect("container", self.container)
        if found and found["Config"]["Image"] != tag:
            docker.remove_container(self.container)
            found = None
        if not found:
            docker.docker("volume", "create", *self.site.labels("registry"), self.container)
            docker.docker(
                "run", "--detach", "--name", self.container, *self.site.labels("registry"),
                "--cap-add", "NET_ADMIN", "--network", self.site.network, "--ip", self.site.addresses.registry,
                "--network-alias", self.site.registry_name, "--publish", f"{self.push}:5000",
                "--volume", f"{tls}:/etc/sandbox/tls:ro", "--volume", f"{self.container}:/var/lib/registry", tag)
        elif not found["State"]["Running"]:
            docker.docker("start", self.container)
        self._wait()

    def _wait(self, deadline: float = 20.0) -> None:
        until = time.monotonic() + deadline
        while True:
            try:
                self._get("/v2/")
                return
            except OSError as error:
                if time.monotonic() > until:
                    raise Problem(f"the registry did not answer in {deadline:.0f} s: {error}", f"http://{self.push}/v2/",
                                  f"docker logs {self.container}") from None
                time.sleep(0.1)

    def _get(self, path: str, method: str = "GET") -> tuple[dict[str, str], bytes]:
        request = urllib.request.Request(f"http://{self.push}{path}", headers={"Accept": ACCEPT}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read()

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """The manifest of a tag or digest; None when there is no such thing."""
        try:
            headers, body = self._get(f"/v2/{repository}/manifests/{reference}")
        except urllib.error.HTTPError as error:
            if error.code in (400, 404):
                return None
            raise
        return Manifest(headers["docker-content-digest"], headers["content-type"], body.decode())

    def tags(self, repository: str) -> list[str]:
        """Tags of a repository, sorted; empty when nothing was pushed to it."""
        try:
            _headers, body = self._get(f"/v2/{repository}/tags/list")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        return sorted(json.loads(body).get("tags") or [])

    def push_agents(self, versions: Sequence[str], dial_delay: float | None = None) -> None:
        """Build the agent's stand-in and push one tag for each version, unless it is there already."""
        for version in versions:
            local = images.ensure(images.agent(version, dial_delay), self.site.home / "logs")
            config = (docker.inspect("image", local) or {})["Id"]
            held = self.manifest("praxis-agent", version)
            if held and json.loads(held.text).get("config", {}).get("digest") == config:
                continue
            target = f"{self.push}/praxis-agent:{version}"
            with step(f"pushing praxis-agent:{version}"):
                docker.docker("tag", local, target)
                docker.docker("push", "--quiet", target, timeout=300)
                docker.docker("rmi", target)
