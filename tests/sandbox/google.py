# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's API in the sandbox, by REST and google-auth alone."""

from __future__ import annotations

from typing import Any

import requests
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

from sandbox.client import Client
from sandbox.site import GOOGLE_REGION, PROJECT
from tests.sandbox.support import Shell, wait_for

ZONES = (f"{GOOGLE_REGION}-a", f"{GOOGLE_REGION}-b")
SUBNETS = ("conformance-a", "conformance-b")
NETWORK = "conformance"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
DEBIAN = "projects/debian-cloud/global/images/family/debian-13"


class Answered(Exception):
    """A refusal, or an operation's error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status, self.reason = status, reason


class Google:
    """Calls as a service account, through the proxy; the environment of the tests is left alone."""

    def __init__(self, sandbox: Client, user: str = "controller") -> None:
        self.sandbox = sandbox
        self.user = user
        home = sandbox.site.home / "gcp"
        self.credentials = service_account.Credentials.from_service_account_file(str(home / f"{user}.json"),
                                                                                 scopes=SCOPES)
        self._proxies = {"https": f"http://127.0.0.1:{sandbox.site.addresses.google_port}"}
        self._trust = str(home / "trust.pem")
        inner = requests.Session()
        self.session = AuthorizedSession(self.credentials, auth_request=Request(inner))
        for session in (inner, self.session):
            session.trust_env, session.proxies, session.verify = False, self._proxies, self._trust

    def ask(self, verb: str, url: str, body: Any = None, **query: str) -> dict[str, Any]:
        """A call to any host. Raises Answered."""
        answer = self.session.request(verb, url, json=body, params=query, timeout=30)
        said: dict[str, Any] = answer.json()
        if answer.status_code >= 400:
            error = said["error"]
            raise Answered(answer.status_code, (error.get("errors") or [{}])[0].get("reason") or error.get("status"),
                           error["message"])
        return said

    def call(self, verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """A call to Compute, in the project."""
        return self.ask(verb, f"https://compute.googleapis.com/compute/v1/projects/{PROJECT}/{path}", body, **query)

    order = call
    """A change: it answers with an operation."""

    def wait(self, operation: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
        """An operation's end. Raises Answered when it is a bad one."""
        path = operation["selfLink"].partition(f"/projects/{PROJECT}/")[2]
        done: dict[str, Any] = wait_for(
            f"{operation['operationType']} of {operation['targetLink']}",
            lambda: (found := self.call("GET", path))["status"] == "DONE" and found, seconds, 0.1)
        if "error" in done:
            error = done["error"]["errors"][0]
            raise Answered(done["httpErrorStatusCode"], error["code"], error["message"])
        return done

    def do(self, verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """A change and its end."""
        return self.wait(self.order(verb, path, body, **query))

    def public_key(self) -> str:
        """The sandbox's key pair's."""
        return (self.sandbox.site.home / "ssh" / "id_ed25519.pub").read_text().strip()

    def machine(self, name: str, zone: str = ZONES[0], subnet: str = SUBNETS[0], **more: Any) -> dict[str, Any]:
        """The body of an instance."""
        return {
            "name": name, "machineType": f"zones/{zone}/machineTypes/e2-small",
            "disks": [{"boot": True, "initializeParams": {"sourceImage": DEBIAN}}],
            "networkInterfaces": [{"subnetwork": f"regions/{GOOGLE_REGION}/subnetworks/{subnet}",
                                   "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}]}],
            "metadata": {"items": [{"key": "ssh-keys", "value": f"praxis:{self.public_key()}"}]}, **more}

    def shell(self, name: str, zone: str = ZONES[0]) -> Shell:
        """A machine by SSH at its external address."""
        interface = self.call("GET", f"zones/{zone}/instances/{name}")["networkInterfaces"][0]
        site = self.sandbox.site
        return Shell(interface["accessConfigs"][0]["natIP"], site.home / "ssh" / "id_ed25519", interface["networkIP"],
                     site.container(f"{zone}-{name}"), "praxis")


def make_network(google: Google) -> None:
    """A network with a subnetwork for each of two groups of machines."""
    prefix = ".".join(str(google.sandbox.site.addresses.google_cidr).split(".")[:2])
    google.do("POST", "global/networks", {"name": NETWORK, "autoCreateSubnetworks": False})
    for number, name in enumerate(SUBNETS):
        google.do("POST", f"regions/{GOOGLE_REGION}/subnetworks", {
            "name": name, "network": f"global/networks/{NETWORK}", "ipCidrRange": f"{prefix}.{130 + number}.0/24"})
