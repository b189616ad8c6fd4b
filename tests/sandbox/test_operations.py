# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation log: everything that was asked, nothing else, and what of it was a change."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from sandbox.client import Client
from tests.sandbox.support import Aws, Lab

pytestmark = pytest.mark.sandbox


def test_one_line_for_each_request(sandbox: Client, aws: Aws, lab: Lab) -> None:
    offset = sandbox.operations()[1]
    aws("ec2").describe_instances()
    aws("ec2").create_tags(Resources=[lab.vpc], Tags=[{"Key": "a", "Value": "b"}])
    aws("ecr").describe_images(repositoryName="praxis-agent")
    aws("secretsmanager").batch_get_secret_value(SecretIdList=["praxis/praxis/agent"])
    aws("elbv2").describe_load_balancers()
    aws("iam").list_roles()
    entries, end = sandbox.operations(offset)
    assert [(entry["service"], entry["operation"], entry["mutating"]) for entry in entries] == [
        ("ec2", "DescribeInstances", False), ("ec2", "CreateTags", True), ("ecr", "DescribeImages", False),
        ("secretsmanager", "BatchGetSecretValue", False), ("elbv2", "DescribeLoadBalancers", False),
        ("iam", "ListRoles", False)]
    assert {entry["access_key"] for entry in entries} == {sandbox.credentials()["access_key"]}
    assert {entry["error"] for entry in entries} == {None}
    assert [entry["operation"] for entry in sandbox.operations(offset, mutating=True)[0]] == ["CreateTags"]
    assert sandbox.operations(end) == ([], end)


def test_a_refused_change_is_a_change_and_a_dry_run_is_not(sandbox: Client, aws: Aws, lab: Lab) -> None:
    offset = sandbox.operations()[1]
    for call, arguments in (
            (aws("iam").create_user, {"UserName": "mallory"}),
            (aws("ec2").run_instances, {"ImageId": lab.image, "MinCount": 1, "MaxCount": 1,
                                        "SubnetId": lab.subnets[0], "DryRun": True})):
        with pytest.raises(ClientError):
            call(**arguments)
    entries = sandbox.operations(offset)[0]
    assert [(entry["operation"], entry["error"], entry["mutating"]) for entry in entries] == [
        ("CreateUser", "AccessDenied", True), ("RunInstances", "DryRunOperation", False)]


def test_no_secret_stands_in_it(sandbox: Client, aws: Aws) -> None:
    value = aws("secretsmanager").get_secret_value(SecretId="praxis/praxis/agent")["SecretString"]
    text = sandbox.operations_log.read_text()
    assert value not in text
    assert sandbox.credentials()["secret_key"] not in text
