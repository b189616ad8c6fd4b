# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which action on which resource an operation needs, and with which condition keys, as AWS's service authorization
reference has it. EC2's are in ec2_resources.py, those of containers in container_resources.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from moto.acm.models import acm_backends
from moto.iam.models import iam_backends

from sandbox.aws import container_resources, ec2_resources
from sandbox.aws.need import Need, borne, requested, words
from sandbox.site import ACCOUNT

Rule = Callable[[Any, str], Iterable[Need]]


def _secretsmanager(response: Any, operation: str) -> Iterator[Need]:
    action = f"secretsmanager:{operation}"
    ident = response._get_param("SecretId") or response._get_param("Name")
    if operation in ("ListSecrets", "BatchGetSecretValue", "GetRandomPassword") or not ident:
        yield Need(action, "*")
        return
    arn, tags = secret_arn(response.backend, ident), response._get_param("Tags")
    yield Need(action, arn, requested(tags))
    if operation == "CreateSecret" and tags:
        yield Need("secretsmanager:TagResource", arn, requested(tags))


def secret_arn(backend: Any, ident: str) -> str:
    """A secret's ARN by name or ARN; of one that does not exist, what it would be (the suffix is random)."""
    secret = backend.secrets.get(ident)
    if secret:
        return str(secret.arn)
    if ident.startswith("arn:"):
        return ident
    return f"arn:aws:secretsmanager:{backend.region_name}:{ACCOUNT}:secret:{ident}-??????"


def _elbv2(response: Any, operation: str) -> Iterator[Need]:
    action = f"elasticloadbalancing:{operation}"
    if operation.startswith("Describe"):
        yield Need(action, "*")
        return
    tags = response._get_param("Tags") if operation.startswith("Create") else None
    made = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}.get(operation)
    if made:
        arns = [f"arn:aws:elasticloadbalancing:{response.region}:{ACCOUNT}:{made}/{response._get_param('Name')}/*"]
    else:
        arns = words(response, "LoadBalancerArn", "TargetGroupArn", "ListenerArn", "RuleArn", "ResourceArns")
    yield from (Need(action, arn, requested(tags)) for arn in arns)
    if tags:
        # A listener's ARN is made of its load balancer's.
        new = [f"{arn.replace(':loadbalancer/', ':listener/')}/*" if operation == "CreateListener" else arn
               for arn in arns]
        yield from (Need("elasticloadbalancing:AddTags", arn, requested(tags)) for arn in new)


def _iam(response: Any, operation: str) -> Iterator[Need]:
    action, tags = f"iam:{operation}", response._get_param("Tags")
    names = {"InstanceProfileName": "instance-profile", "RoleName": "role", "UserName": "user"}
    arns = [f"arn:aws:iam::{ACCOUNT}:{kind}/{_path(kind, response._get_param(name))}"
            for name, kind in names.items() if response._get_param(name)]
    if not arns:
        arns = words(response, "PolicyArn", "PolicySourceArn", "OpenIDConnectProviderArn") or ["*"]
    if operation == "CreateOpenIDConnectProvider":
        arns = [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{response._get_param('Url').removeprefix('https://')}"]
    held = iam_backends[ACCOUNT]["aws"].open_id_providers.get(arns[0])
    yield Need(action, arns[0], {**requested(tags), **borne(held.tag_list_type if held else {})})
    if operation == "AddRoleToInstanceProfile":
        yield Need("iam:PassRole", arns[1], {"iam:PassedToService": ec2_resources.MACHINES})
    if operation in ("CreateRole", "CreateInstanceProfile", "CreateOpenIDConnectProvider") and tags:
        yield Need(f"iam:Tag{operation.removeprefix('Create')}", arns[0], requested(tags))


def _path(kind: str, name: str) -> str:
    """A name with the path before it, which roles have."""
    held = [each for each in iam_backends[ACCOUNT]["aws"].roles.values() if kind == "role" and each.name == name]
    return f"{held[0].path.strip('/')}/{name}".lstrip("/") if held else name


def _acm(response: Any, operation: str) -> Iterator[Need]:
    arn, tags = response._get_param("CertificateArn"), response._get_param("Tags")
    held = acm_backends[ACCOUNT][response.region]._certificates.get(arn)
    yield Need(f"acm:{operation}", arn or "*", {**requested(tags), **borne(held.tags if held else {})})
    if operation == "RequestCertificate" and tags:
        new = f"arn:aws:acm:{response.region}:{ACCOUNT}:certificate/*"
        yield Need("acm:AddTagsToCertificate", new, requested(tags))


def _route53(response: Any, operation: str) -> Iterator[Need]:
    zone = response._get_param("HostedZoneId") or response._get_param("Id")
    arn = f"arn:aws:route53:::hostedzone/{zone.rpartition('/')[2]}" if zone else "*"
    changes = (response._get_param("ChangeBatch") or {}).get("Changes") or ()
    names = sorted({each["ResourceRecordSet"]["Name"].lower().rstrip(".") for each in changes})
    key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
    yield Need(f"route53:{operation}", arn, {key: names} if names else {})


def _servicequotas(response: Any, operation: str) -> Iterator[Need]:
    service, code = response._get_param("ServiceCode"), response._get_param("QuotaCode")
    arn = f"arn:aws:servicequotas:{response.region}:{ACCOUNT}:{service}/{code}" if code else "*"
    yield Need(f"servicequotas:{operation}", arn)


_RULES: dict[str, Rule] = {
    "ec2": ec2_resources.needs,
    "secretsmanager": _secretsmanager,
    "elasticloadbalancing": _elbv2,
    "iam": _iam,
    "acm": _acm,
    "route53": _route53,
    "servicequotas": _servicequotas,
    **container_resources.RULES,
}


def needs(response: Any, service: str, operation: str) -> list[Need]:
    """Everything an operation needs. `service` is the name requests are signed for."""
    if service in _RULES:
        return list(_RULES[service](response, operation))
    resource = response._determine_resource() if hasattr(response, "_determine_resource") else "*"
    return [Need(f"{service}:{operation}", resource)]
