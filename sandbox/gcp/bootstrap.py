# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project has before praxis.cloud comes to it: regions and images, two service accounts, the agents' secret, a
certificate, a zone."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from sandbox import certificates
from sandbox.agent_secret import agent_secret
from sandbox.gcp import discovery
from sandbox.gcp.access import EVERYBODY
from sandbox.gcp.cloud import Cloud
from sandbox.gcp.compute.catalogue import SIZES, catalogue
from sandbox.gcp.machines import IMAGES
from sandbox.site import GOOGLE_REGION, PROJECT, write

FLEET = "praxis"
OPERATORS = tuple(f"operator-{number}" for number in range(1, 5))
"""Accounts with the controller's rights, for tests in which several work at once."""
POLICIES = Path(__file__).resolve().parent / "policies"
ZONES = {GOOGLE_REGION: tuple(f"{GOOGLE_REGION}-{letter}" for letter in "abcf")}


def run(cloud: Cloud) -> None:
    """Fill the project. Nothing is logged while it runs."""
    found = {family: name for family, (name, _image) in IMAGES.items()}
    catalogue(cloud.compute.resources, PROJECT, ZONES, tuple(SIZES), found)
    everywhere = f"projects/{PROJECT}"
    for name in ("controller", *OPERATORS, "administrator"):
        account = cloud.front.identities.create(name, PROJECT)
        write(cloud.site.home / "gcp" / f"{name}.json", account.key_file() + "\n", 0o600)
        if name == "administrator":
            cloud.front.access.grant(account.email, ["*"], everywhere)
            cloud.front.identities.masters.add(account.email)
            continue
        for statement in json.loads((POLICIES / "controller.json").read_text()):
            on = f"{everywhere}/{statement['on']}" if statement["on"] else everywhere
            cloud.front.access.grant(account.email, statement["permissions"], on)
    cloud.front.default_account = f"controller@{PROJECT}.iam.gserviceaccount.com"
    for owner in {family.split("/")[0] for family in IMAGES} - {PROJECT}:
        cloud.front.access.grant(EVERYBODY, ["compute.images.get*", "compute.images.list"], f"projects/{owner}")
    _secret(cloud, f"praxis_{FLEET}_agent", agent_secret())
    write(cloud.site.home / "gcp" / "certificate", f"{_certificate(cloud)}\n")
    zone = {"name": "agents", "dnsName": f"{certificates.DOMAIN}.", "description": "Nobody resolves it"}
    call = discovery.load("dns.v1").call("POST", f"/dns/v1/projects/{PROJECT}/managedZones", [],
                                         json.dumps(zone).encode())
    cloud.front.dns.answer(call)


def _certificate(cloud: Cloud) -> str:
    """An SSL certificate of Compute Engine with a real key, as a user would upload theirs; its link."""
    folder = cloud.site.home / "tls"
    certificate, key = certificates.for_balancers(folder, cloud.site.addresses.balancer)
    chain = certificate.decode() + (folder / "ca.crt").read_text()
    path = f"projects/{PROJECT}/global/sslCertificates"
    body = {"name": "agents", "certificate": chain, "privateKey": key.decode()}
    call = discovery.load("compute.v1").call("POST", f"/compute/v1/{path}", [], json.dumps(body).encode())
    cloud.compute.answer(call, "bootstrap")
    return f"{path}/agents"


def _secret(cloud: Cloud, name: str, value: str) -> None:
    """A secret with one version."""
    parent = f"/v1/projects/{PROJECT}/secrets"
    data = base64.b64encode(value.encode()).decode()
    for path, query, body in (
            (parent, [("secretId", name)], {"replication": {"automatic": {}}}),
            (f"{parent}/{name}:addVersion", [], {"payload": {"data": data}})):
        call = discovery.load("secretmanager.v1").call("POST", path, query, json.dumps(body).encode())
        cloud.front.secrets.answer(call)
