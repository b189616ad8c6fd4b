# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of every kind of AWS resource around a service, a field edited by hand is named in the plan, and restored. A kind
needs a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import KINDS
from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import REGION
from tests.unit.ecs.test_fleet import DAY, TARGET

Owner = Callable[[str], Any]
ROLE = f"praxis-demo-{REGION}-ecs-leaf"
SCALED = {"autoscaler": {"schedules": [DAY]}}


def cluster(owner: Owner) -> None:
    """It has no field that is kept, but tags."""
    (arn,) = owner("ecs").list_clusters()["clusterArns"]
    owner("ecs").tag_resource(resourceArn=arn, tags=[{"key": "Name", "value": "somebody's"}])


def log_group(owner: Owner) -> None:
    """What agents write is gone after a day."""
    owner("logs").put_retention_policy(logGroupName="/praxis/demo/leaf", retentionInDays=1)


def role(owner: Owner) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    anybody = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    owner("iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=anybody)


def role_policy(owner: Owner) -> None:
    """It allows everything."""
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    named = {"RoleName": ROLE, "PolicyName": "execution"}
    owner("iam").put_role_policy(**named, PolicyDocument=json.dumps(everything))


def security_group(owner: Owner) -> None:
    name = [{"Name": "group-name", "Values": ["praxis-demo-ecs-leaf"]}]
    (group,) = owner("ec2").describe_security_groups(Filters=name)["SecurityGroups"]
    hole = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9999, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    owner("ec2").authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[hole])


def scalable_target(owner: Owner) -> None:
    owner("application-autoscaling").register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=3)


def scaling_policy(owner: Owner) -> None:
    """It tolerates twice the load, and never takes a task away again."""
    scaling = owner("application-autoscaling")
    (found,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    tracking = {**found["TargetTrackingScalingPolicyConfiguration"], "TargetValue": 99.0, "DisableScaleIn": True}
    scaling.put_scaling_policy(
        **TARGET, PolicyName=found["PolicyName"], PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )  # fmt: skip


def scheduled_action(owner: Owner) -> None:
    """Another zone: it comes hours later."""
    owner("application-autoscaling").put_scheduled_action(
        **TARGET, ScheduledActionName="praxis-day", Schedule=DAY["schedule"], Timezone="America/Lima",
        ScalableTargetAction={"MinCapacity": DAY["min"], "MaxCapacity": DAY["max"]},
    )  # fmt: skip


#: By kind, the edit and the field that it is about.
EDITS: dict[str, tuple[Callable[[Owner], None], str]] = {
    "cluster": (cluster, "tag Name"),
    "log_group": (log_group, "retention"),
    "role": (role, "trust"),
    "role_policy": (role_policy, "document"),
    "security_group": (security_group, "rules"),
    "scalable_target": (scalable_target, "max"),
    "scaling_policy": (scaling_policy, "tracking"),
    "scheduled_action": (scheduled_action, "Timezone"),
}


def test_every_kind_has_a_row() -> None:
    assert {*KINDS} == {*EDITS}


@pytest.mark.slow
def test_a_field_edited_by_hand_is_named_and_restored(account: Account) -> None:
    account.deploy(SCALED)
    for edit, _field in EDITS.values():
        edit(account.cloud.client)
    account.cloud.operations.clear()

    fleet = account.fleet(SCALED)
    predicted = fleet.plan()
    assert account.cloud.changes() == []
    named = {row.kind: (row.action, [each.name for each in row.fields]) for row in predicted[1]}
    assert named == {KINDS[kind].words: ("change", [field]) for kind, (_edit, field) in EDITS.items()}
    fleet.apply()
    assert fleet.wait() == []
    assert account.fleet(SCALED).plan()[1] == []
    assert account.deploy(SCALED) == ([], [])
