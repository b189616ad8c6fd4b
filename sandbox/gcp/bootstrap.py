# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project has before praxis.cloud comes to it: regions and images, two service accounts, the agents' secret, a
certificate, a zone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
ROLE = "praxis_controller"
"""The role of the controller and of OPERATORS."""
POLICIES = Path(__file__).resolve().parent / "policies"
ZONES = {GOOGLE_REGION: tuple(f"{GOOGLE_REGION}-{letter}" for letter in "abcf")}


def run(cloud: Cloud) -> None:
    """Fill the project. Nothing is logged while it runs."""
    found = {family: name for family, (name, _image) in IMAGES.items()}
    catalogue(cloud.compute.resources, PROJECT, ZONES, tuple(SIZES), found)
    everywhere = f"projects/{PROJECT}"
    working = ("controller", *OPERATORS)
    for name in (*working, "administrator"):
        account = cloud.front.identities.create(name, PROJECT)
        write(cloud.site.home / "gcp" / f"{name}.json", account.key_file() + "\n", 0o600)
        if name == "administrator":
            cloud.front.access.grant(account.email, ["*"], everywhere)
            cloud.front.identities.masters.add(account.email)
            continue
        for statement in _statements():
            if statement["on"]:
                cloud.front.access.grant(account.email, statement["permissions"], f"{everywhere}/{statement['on']}")
    _role(cloud, working)
    cloud.front.default_account = f"controller@{PROJECT}.iam.gserviceaccount.com"
    for owner in {family.split("/")[0] for family in IMAGES} - {PROJECT}:
        cloud.front.access.grant(EVERYBODY, ["compute.images.get*", "compute.images.list"], f"projects/{owner}")
    _secret(cloud, f"praxis_{FLEET}_agent", agent_secret())
    write(cloud.site.home / "gcp" / "certificate", f"{_certificate(cloud)}\n")
    zone = {"name": "agents", "dnsName": f"{certificates.DOMAIN}.", "description": "Nobody resolves it"}
    call = discovery.load("dns.v1").call("POST", f"/dns/v1/projects/{PROJECT}/managedZones", [],
                                         json.dumps(zone).encode())
    cloud.front.dns.answer(call)


def _statements() -> list[dict[str, Any]]:
    """What the controller may do on each thing; on the empty one, in all of the project."""
    return list(json.loads((POLICIES / "controller.json").read_text()))


def _role(cloud: Cloud, accounts: Iterable[str]) -> None:
    """What these may do in all of the project is a role that its owner can edit, bound in its policy."""
    (permissions,) = [each["permissions"] for each in _statements() if not each["on"]]
    role = {"roleId": ROLE, "role": {"title": "Controllers", "includedPermissions": permissions}}
    call = discovery.load("iam.v1").call("POST", f"/v1/projects/{PROJECT}/roles", [], json.dumps(role).encode())
    cloud.front.roles.answer(call)
    members = [f"serviceAccount:{name}@{PROJECT}.iam.gserviceaccount.com" for name in accounts]
    policy = {"policy": {"bindings": [{"role": f"projects/{PROJECT}/roles/{ROLE}", "members": members}]}}
    call = discovery.load("cloudresourcemanager.v3").call(
        "POST", f"/v3/projects/{PROJECT}:setIamPolicy", [], json.dumps(policy).encode())
    cloud.front.projects.answer(call, "")


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
