# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One statement of an IAM policy, and the fleet that it is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import FLEET_TAG, names
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_dns import CLOUDFRONT

#: The host of a private registry of ECR's: in each partition, with FIPS, and with both versions of IP
#: (https://docs.aws.amazon.com/general/latest/gr/ecr.html).
ECR = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|c2s\.ic\.gov|sc2s\.sgov\.gov"
    r"|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)
#: An image in one.
REPOSITORY = re.compile(ECR.pattern + r"/(?P<name>[^@:]+)")


@dataclass(frozen=True)
class Statement:
    """What a verb may do to these resources.

    :param when: operators, each with its keys and values.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    when: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The statement as IAM takes it."""
        condition = {"Condition": {name: dict(keys) for name, keys in self.when.items()}} if self.when else {}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": sorted(self.resources),
            **condition,
        }


@dataclass(frozen=True)
class Place:
    """The fleet, and what its settings refer to.

    :param secrets: names of the secrets that the agents' settings point at.
    :param images: the agents' and the services' images; those in no registry of ECR's need no permission.
    :param certificate: ARN of the certificate of the load balancer; empty for none, and for one that ACM makes.
    :param zone: of the fleet's name, by its id or its domain; empty for none.
    :param host: that name.
    :param registries: names of the secrets by which one logs in to registries that are not ECR's.
    :param login: name of the secret by which the load balancer logs in; empty for none in Secrets Manager.
    :param pod_roles: ARNs of the roles that pods have by EKS Pod Identity.
    :param partition: ``aws``, ``aws-cn``, ``aws-us-gov``.
    """

    fleet: str
    region: str
    account: str
    secrets: Sequence[str] = ()
    images: Sequence[str] = ()
    certificate: str = ""
    zone: str = ""
    host: str = ""
    login: str = ""
    pod_roles: Sequence[str] = ()
    partition: str = "aws"
    registries: Sequence[str] = ()

    def arn(self, service: str, resource: str, region: str = "", account: str | None = None) -> str:
        """An ARN of this account and region."""
        owner = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{region or self.region}:{owner}:{resource}"

    def ec2(self, *kinds: str) -> list[str]:
        """Everything of these kinds: their ids are known when they are made."""
        return [self.arn("ec2", f"{kind}/*") for kind in kinds]

    @property
    def snapshots(self) -> list[str]:
        """All of the region's; their names hold no account."""
        return [self.arn("ec2", "snapshot/*", account="")]

    @property
    def name(self) -> str:
        return names(self.fleet, self.region)["fleet"]

    @property
    def role(self) -> str:
        return names(self.fleet, self.region)["role"]

    @property
    def machines_service(self) -> list[str]:
        """What EC2 is called when a machine is given a role. In China AWS's own policies name it by both."""
        return ["ec2.amazonaws.com", *(["ec2.amazonaws.com.cn"] if self.partition == "aws-cn" else [])]

    @property
    def ours(self) -> dict[str, dict[str, str]]:
        """The resource bears the fleet's tag."""
        return {"StringEquals": {f"aws:ResourceTag/{FLEET_TAG}": self.fleet}}

    @property
    def new(self) -> dict[str, dict[str, str]]:
        """The resource is given the fleet's tag."""
        return {"StringEquals": {f"aws:RequestTag/{FLEET_TAG}": self.fleet}}

    def secret(self, name: str) -> str:
        """The ARN of a secret by its name; AWS adds six characters to it."""
        return name if name.startswith("arn:") else self.arn("secretsmanager", f"secret:{name}-??????")

    @property
    def identities(self) -> str:
        return self.secret(f"praxis/{self.fleet}/identity/*")

    @property
    def zones(self) -> list[str]:
        """The zone of the fleet's name. Who gives a domain has not said its id."""
        named = "*" if "." in self.zone else self.zone
        return [f"arn:{self.partition}:route53:::hostedzone/{named}"] if self.zone else []

    @property
    def certificates(self) -> list[str]:
        """Those that ACM makes: their ids are known when they are made."""
        return [self.arn("acm", "certificate/*")]

    @property
    def far_certificates(self) -> list[str]:
        """CloudFront's, which may be renewed by the record of one that is made here."""
        far = self.zone and self.partition == "aws" and self.region != CLOUDFRONT
        return [self.arn("acm", "certificate/*", CLOUDFRONT)] if far else []

    @property
    def repositories(self) -> list[str]:
        """The repositories of ECR that the images are in."""
        found = [REPOSITORY.match(image) for image in self.images]
        parts = [(f"repository/{one['name']}", one["region"], one["account"]) for one in found if one]
        return sorted({self.arn("ecr", *each) for each in parts})
