# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account has before praxis.cloud comes to it: a controller's identity, an image repository, secrets, a
certificate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3

from sandbox import certificates
from sandbox.agent_secret import agent_secret
from sandbox.aws.cloud import Cloud
from sandbox.site import REGION, write

FLEET = "praxis"
POLICIES = Path(__file__).resolve().parent / "policies"
ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _client(cloud: Cloud, service: Any) -> Any:
    return boto3.client(service, endpoint_url=cloud.endpoint(), region_name=REGION,
                        aws_access_key_id="bootstrap", aws_secret_access_key="bootstrap")


def _user(iam: Any, name: str, policy: dict[str, Any]) -> dict[str, str]:
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def run(cloud: Cloud) -> None:
    """Fill the account. Credentials are not checked and nothing is logged while it runs."""
    iam = _client(cloud, "iam")
    home = cloud.site.home / "aws"
    controller = json.loads((POLICIES / "controller.json").read_text())
    for name, policy in (("controller", controller), ("administrator", ADMINISTRATOR)):
        write(home / f"{name}.json", json.dumps(_user(iam, name, policy)) + "\n", 0o600)
    _client(cloud, "ecr").create_repository(repositoryName="praxis-agent")
    _client(cloud, "secretsmanager").create_secret(Name=f"praxis/{FLEET}/agent", SecretString=agent_secret())
    write(home / "certificate", f"{_import_certificate(cloud)}\n")


def _import_certificate(cloud: Cloud) -> str:
    """A certificate with a real key, imported into ACM as a user would import theirs; its ARN."""
    folder = cloud.site.home / "tls"
    certificate, key = certificates.for_balancers(folder, cloud.site.addresses.balancer)
    parts = {"Certificate": certificate, "PrivateKey": key, "CertificateChain": (folder / "ca.crt").read_bytes()}
    return str(_client(cloud, "acm").import_certificate(**parts)["CertificateArn"])
