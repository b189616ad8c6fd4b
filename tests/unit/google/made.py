# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests put into the served project past the product, and what they read of it."""

from __future__ import annotations

import json
from typing import Any

from sandbox.gcp import discovery
from tests.unit.infrastructure.account import HOST, key_pair

from .conftest import PROJECT, Google

DEBIAN = "projects/debian-cloud/global/images/family/debian-12"
ONE, TWO, FAR = "us-central1-a", "us-central1-b", "europe-west1-b"
REGION = "us-central1"


def ask(google: Google, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request of the project's owner, past the network and the log."""
    target = f"/compute/v1/{path}"
    call = discovery.load("compute.v1").call(verb, target, [], json.dumps(body or {}).encode())
    return google.front.compute.answer(call, "owner")


def network(google: Google, name: str = "net", project: str = PROJECT) -> None:
    """A network with a subnetwork of the same name."""
    ask(google, "POST", f"projects/{project}/global/networks", {"name": name, "autoCreateSubnetworks": False})
    ask(google, "POST", f"projects/{project}/regions/{REGION}/subnetworks", {
        "name": name, "network": f"projects/{project}/global/networks/{name}", "ipCidrRange": "10.77.128.0/20"})


def machine(google: Google, name: str, zone: str = ONE, *, project: str = PROJECT, public: bool = True,
            **fields: Any) -> dict[str, Any]:
    """An instance in the network ``net``, as it is then."""
    path = f"projects/{project}/zones/{zone}"
    if f"projects/{project}/global/networks/net" not in google.front.compute.resources:
        network(google, project=project)
    ask(google, "POST", f"{path}/instances", {
        "name": name, "machineType": f"projects/{PROJECT}/zones/{zone}/machineTypes/e2-small",
        "disks": [{"boot": True, "initializeParams": {"sourceImage": DEBIAN}}],
        "networkInterfaces": [{"network": f"projects/{project}/global/networks/net",
                               "accessConfigs": [{}] if public else []}], **fields})
    return google.front.compute.resources.get(f"{path}/instances/{name}")


def member(google: Google, name: str, zone: str = ONE, fleet: str = "praxis", *, project: str = PROJECT,
           **labels: str) -> dict[str, Any]:
    """An instance with the label of a fleet."""
    return machine(google, name, zone, project=project, labels={"praxis_fleet": fleet, **labels})


def certificate(google: Google, name: str = "theirs", host: str = HOST, days: float = 1.0) -> str:
    """Link of a certificate of the user's, with a key of its own."""
    public, private = key_pair(host, days)
    ask(google, "POST", f"projects/{PROJECT}/global/sslCertificates", {
        "name": name, "certificate": public.decode(), "privateKey": private.decode()})
    return f"projects/{PROJECT}/global/sslCertificates/{name}"


def zone(google: Google, name: str = "agents", domain: str = HOST.partition(".")[2]) -> None:
    """A managed zone of the user's."""
    dns(google, "POST", f"projects/{PROJECT}/managedZones", {
        "name": name, "dnsName": f"{domain}.", "description": ""})


def dns(google: Google, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request of Cloud DNS, past the network and the log."""
    call = discovery.load("dns.v1").call(verb, f"/dns/v1/{path}", [], json.dumps(body or {}).encode())
    return google.front.dns.answer(call)


def operations(google: Google, mutating: bool | None = None) -> list[str]:
    """The API operations asked for, oldest first; all of them, or only those that change something, or none."""
    lines = [json.loads(line) for line in google.log.path.read_text().splitlines()] if google.log.path.exists() else []
    return [line["operation"] for line in lines if mutating in (None, line["mutating"])]
