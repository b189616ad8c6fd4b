# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials are checked as AWS checks them, and each service refuses in its own words."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.client import Client
from tests.sandbox.support import Aws, Lab

pytestmark = pytest.mark.sandbox


def code(call: Any, **arguments: Any) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_who_one_is(aws: Aws) -> None:
    assert aws("sts").get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/controller"


@pytest.mark.parametrize(("service", "operation", "unknown", "forged"), [
    ("ec2", "describe_instances", "AuthFailure", "AuthFailure"),
    ("elbv2", "describe_load_balancers", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("iam", "list_roles", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ("secretsmanager", "list_secrets", "UnrecognizedClientException", "InvalidSignatureException"),
    ("ecr", "describe_repositories", "UnrecognizedClientException", "InvalidSignatureException"),
])
def test_wrong_keys(sandbox: Client, aws: Aws, service: str, operation: str, unknown: str, forged: str) -> None:
    stranger = {"access_key": "AKIAAAAAAAAAAAAAAAAA", "secret_key": "x" * 40}
    assert code(getattr(aws(service, keys=stranger), operation)) == unknown
    wrong = {**sandbox.credentials(), "secret_key": "x" * 40}
    assert code(getattr(aws(service, keys=wrong), operation)) == forged


def test_an_unsigned_request_is_refused(sandbox: Client) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{sandbox.site.addresses.api_port}/",
                                     data=b"Action=ListUsers&Version=2010-05-08",
                                     headers={"Host": "iam.amazonaws.com"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5)
    with caught.value as error:
        assert error.code == 403
        assert b"MissingAuthenticationToken" in error.read()


def test_the_controller_may_do_no_more_than_its_policy_says(aws: Aws, lab: Lab) -> None:
    assert code(aws("ec2").allocate_address, Domain="vpc") == "UnauthorizedOperation"
    assert code(aws("iam").create_user, UserName="mallory") == "AccessDenied"
    assert code(aws("elbv2").set_ip_address_type, LoadBalancerArn="arn:aws:elasticloadbalancing:us-east-1:1:x",
                IpAddressType="ipv4") == "AccessDenied"
    assert code(aws("secretsmanager").get_random_password) == "AccessDeniedException"
    assert code(aws("ecr").delete_repository, repositoryName="praxis-agent") == "AccessDeniedException"


def test_policies_are_scoped_to_resources(aws: Aws) -> None:
    owner, controller = aws("secretsmanager", user="administrator"), aws("secretsmanager")
    owner.create_secret(Name="elsewhere/x", SecretString="x")
    assert code(controller.get_secret_value, SecretId="elsewhere/x") == "AccessDeniedException"
    assert code(controller.create_secret, Name="elsewhere/y", SecretString="y") == "AccessDeniedException"
    assert controller.get_secret_value(SecretId="praxis/praxis/agent")["SecretString"]
    assert code(aws("ecr").describe_images, repositoryName="elsewhere") == "AccessDeniedException"
    assert code(aws("iam").create_role, RoleName="elsewhere", AssumeRolePolicyDocument="{}") == "AccessDenied"


def test_a_batch_reports_each_secret_that_is_refused(aws: Aws) -> None:
    aws("secretsmanager", user="administrator").create_secret(Name="elsewhere/batch", SecretString="x")
    answer = aws("secretsmanager").batch_get_secret_value(
        SecretIdList=["praxis/praxis/agent", "elsewhere/batch", "praxis/none"])
    assert [value["Name"] for value in answer["SecretValues"]] == ["praxis/praxis/agent"]
    assert {error["SecretId"]: error["ErrorCode"] for error in answer["Errors"]} == {
        "elsewhere/batch": "AccessDeniedException", "praxis/none": "ResourceNotFoundException"}


@pytest.fixture
def roles(aws: Aws) -> Iterator[None]:
    """Instance profiles `praxis-pass` and `elsewhere-pass`, each with a role of its name."""
    iam = aws("iam", user="administrator")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    names = ("praxis-pass", "elsewhere-pass")
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    yield
    for name in names:
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
        iam.delete_instance_profile(InstanceProfileName=name)
        iam.delete_role(RoleName=name)


def test_giving_an_instance_a_role_needs_leave_to_pass_it(aws: Aws, lab: Lab, roles: None) -> None:
    ec2 = aws("ec2")
    order = {"ImageId": lab.image, "MinCount": 1, "MaxCount": 1, "SubnetId": lab.subnets[0], "DryRun": True}
    assert code(ec2.run_instances, IamInstanceProfile={"Name": "elsewhere-pass"}, **order) == "UnauthorizedOperation"
    assert code(ec2.run_instances, IamInstanceProfile={"Name": "praxis-pass"}, **order) == "DryRunOperation"
