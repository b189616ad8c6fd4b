# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment to ECS needs, by an operator who has exactly that: it suffices, and nothing is left over."""

from __future__ import annotations

import json
import time

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.balancers import TARGET_GROUP, find
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import INDEX_TYPES
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.platforms import platforms_ecr
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import parse_image, resolve_digest_ecr
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_policies import Place, policies
from tests.unit.ecs.conftest import CRASHING, Account
from tests.unit.ecs.made import ACCOUNT, IMAGE, REGION
from tests.unit.infrastructure.enforcement import Operator, left_over

POLICY = policies(Place("demo", REGION, ACCOUNT, ["llm"], [IMAGE]))["ecs"]
REPOSITORY = IMAGE.partition("@")[0]
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": []})


DAY = {"name": "day", "schedule": "cron(0 8 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min": 4, "max": 20}


def edited(account: Account) -> None:
    """Whatever deployments restore, edited by hand."""
    iam, ec2, ecs, logs = (account.cloud.client(name) for name in ("iam", "ec2", "ecs", "logs"))
    (role,) = [each["RoleName"] for each in iam.list_roles()["Roles"]]
    iam.update_role(RoleName=role, Description="somebody's")
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
    )
    iam.tag_role(RoleName=role, Tags=[{"Key": "Name", "Value": "somebody's"}])
    iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")
    ours_alone = [{"Name": "tag:praxis_fleet", "Values": ["demo"]}]
    (group,) = ec2.describe_security_groups(Filters=ours_alone)["SecurityGroups"]
    hole = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[hole])
    ranges = [{"CidrIp": "203.0.113.0/24", "Description": "somebody's"}]
    ours = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": ranges}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group["GroupId"], IpPermissions=[ours])
    ec2.create_tags(Resources=[group["GroupId"]], Tags=[{"Key": "Name", "Value": "somebody's"}])
    (found,) = logs.describe_log_groups()["logGroups"]
    logs.put_retention_policy(logGroupName=found["logGroupName"], retentionInDays=1)
    logs.tag_resource(resourceArn=found["arn"].removesuffix(":*"), tags={"Name": "somebody's"})
    (cluster,) = ecs.list_clusters()["clusterArns"]
    ecs.tag_resource(resourceArn=cluster, tags=[{"key": "Name", "value": "somebody's"}])


def last_words(account: Account) -> None:
    """Every task that crashed has left a log."""
    logs, now = account.cloud.client("logs"), int(time.time() * 1000)
    for ident in [task.ident for task in account.scheduler.tasks() if task.exit_code == 3]:
        stream = {"logGroupName": "/praxis/demo/leaf", "logStreamName": f"leaf/agent/{ident}"}
        logs.create_log_stream(**stream)
        logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": "the last words"}])


def compiled(account: Account) -> None:
    """What a plan reads beside the services: the image by its tag, and the target group by its tags."""
    client = account.fleet().client
    digest = resolve_digest_ecr(client, parse_image(f"{REPOSITORY}:1.0"))
    platforms_ecr(client, parse_image(f"{REPOSITORY}@{digest}"))
    find(client, TARGET_GROUP, selector("target_group", {"praxis_fleet": "demo"}))


@pytest.mark.slow
def test_the_policy_suffices_and_none_of_it_is_left_over(account: Account) -> None:
    operator, inbound = Operator(), {"api_from": ["203.0.113.0/24"]}
    account.cloud.client("ecr").create_repository(repositoryName="praxis")
    account.cloud.client("ecr").put_image(repositoryName="praxis", imageManifest=MANIFEST, imageTag="1.0")
    vpc = account.cloud.client("ec2").describe_subnets(SubnetIds=account.subnets)["Subnets"][0]["VpcId"]
    account.cloud.client("elbv2").create_target_group(
        Name="t", Protocol="HTTP", Port=80, VpcId=vpc, Tags=[{"Key": "praxis_fleet", "Value": "demo"}]
    )
    served, _group = account.balancer()
    with operator.only(POLICY):
        compiled(account)
        assert account.deploy(inbound)[1] == []
    edited(account)
    with operator.only(POLICY):
        account.deploy(inbound)
        assert account.deploy(inbound) == ([], [])
        # Behind a balancer with limits by the clock, and both taken away again.
        account.deploy({**inbound, "autoscaler": {"schedules": [DAY]}}, target_group=served)
        account.deploy({**inbound, "desired_count": 3})
        account.deploy(inbound)
        crashing = account.fleet(inbound, image=CRASHING)
        crashing.apply()
    for _step in range(10):
        account.scheduler.step()
    last_words(account)
    with operator.only(POLICY):
        crashing.wait()
        fleet = account.fleet(inbound)
        fleet.gone()
        fleet.remove()
    assert [each.action for each in operator.refused] == []
    # AWS makes its own roles at the first use of a service, and asks nobody here.
    left = [each for each in left_over(POLICY, operator.asked) if not each.startswith("LinkRoles: ")]
    assert not left, "\n".join(left)
