# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits by hand beside those of test_kinds.py: what else provisioning restores, each by an operation of its own."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.conftest import Cloud

from .account import FLEET, PRINCIPAL
from .test_kinds import NAME, ROLE

_LIVE = [{"Name": "instance-state-name", "Values": ["running", "stopped"]}]
_OURS = [{"Name": "tag:praxis_fleet", "Values": [FLEET]}]


_ANYBODY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})  # fmt: skip
_NOTHING = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]})  # fmt: skip


def marks(cloud: Cloud) -> None:
    """Everything of EC2's is said to be managed by somebody else."""
    ec2 = cloud.client("ec2")
    found = ec2.describe_tags(Filters=[{"Name": "tag:praxis_fleet", "Values": [FLEET]}])["Tags"]
    there = {each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]}
    there |= {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]}
    kept = [each["ResourceId"] for each in found if each["ResourceType"] not in ("snapshot", "instance")]
    ids = sorted({each for each in kept if not each.startswith(("vol-", "vpc-")) or each in there})
    ids += [each["InstanceId"] for one in ec2.describe_instances(Filters=_LIVE)["Reservations"]
            for each in one["Instances"]]  # fmt: skip
    ec2.create_tags(Resources=ids, Tags=[{"Key": "Name", "Value": "somebody's"}])


def rules(cloud: Cloud) -> None:
    """One is removed, and another has other words."""
    ec2 = cloud.client("ec2")
    group = _member_group(cloud)
    (rule,) = [each for each in group["IpPermissions"] if each.get("IpRanges")]
    (other,) = [each for each in group["IpPermissions"] if each["FromPort"] == 4001]
    worded = {**rule, "IpRanges": [{**rule["IpRanges"][0], "Description": "somebody's"}]}
    named = {key: value for key, value in worded.items() if key in ("IpProtocol", "FromPort", "ToPort", "IpRanges")}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group["GroupId"], IpPermissions=[named])
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[other])


def routes(cloud: Cloud) -> None:
    """A subnet is served by another table, another one by none, and the default route leads elsewhere."""
    ec2 = cloud.client("ec2")
    (table,) = ec2.describe_route_tables(Filters=_OURS)["RouteTables"]
    other = ec2.create_route_table(VpcId=table["VpcId"])["RouteTable"]["RouteTableId"]
    first, second = [each for each in table["Associations"] if not each.get("Main")]
    ec2.replace_route_table_association(AssociationId=first["RouteTableAssociationId"], RouteTableId=other)
    ec2.disassociate_route_table(AssociationId=second["RouteTableAssociationId"])
    elsewhere = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=elsewhere)


def machines(cloud: Cloud) -> None:
    """One has another profile, and other groups."""
    ec2, iam = cloud.client("ec2"), cloud.client("iam")
    machine = without_profile(cloud)
    iam.create_instance_profile(InstanceProfileName="somebody")
    ec2.associate_iam_instance_profile(InstanceId=machine, IamInstanceProfile={"Name": "somebody"})
    group = _member_group(cloud)
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=group["VpcId"])["GroupId"]
    ec2.modify_instance_attribute(InstanceId=machine, Groups=[group["GroupId"], other])


def without_profile(cloud: Cloud) -> str:
    """The first slot's machine has no profile any more; its id. (After a replacement, moto's has the former one.)"""
    ec2 = cloud.client("ec2")
    first = [{"Name": "tag:praxis_slot", "Values": ["aws-1"]}, *_LIVE]
    (found,) = ec2.describe_instances(Filters=first)["Reservations"]
    machine = str(found["Instances"][0]["InstanceId"])
    listed = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    (held,) = [each["AssociationId"] for each in listed if each["InstanceId"] == machine]
    ec2.disassociate_iam_instance_profile(AssociationId=held)
    return machine


def role(cloud: Cloud) -> None:
    """Another description, and the profile holds another role."""
    iam = cloud.client("iam")
    iam.update_role(RoleName=ROLE, Description="somebody's")
    iam.create_role(RoleName="somebody", AssumeRolePolicyDocument=json.dumps({}))
    profile = iam.get_instance_profile(InstanceProfileName=ROLE)["InstanceProfile"]
    for each in profile["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=ROLE, RoleName=each["RoleName"])
    iam.add_role_to_instance_profile(InstanceProfileName=ROLE, RoleName="somebody")
    for named in ("role", "instance_profile"):
        tag = getattr(iam, f"tag_{named}")
        key = "RoleName" if named == "role" else "InstanceProfileName"
        tag(**{key: ROLE}, Tags=[{"Key": "Name", "Value": "somebody's"}])


def cluster_roles(cloud: Cloud) -> None:
    """Another description, and whoever may use it."""
    iam = cloud.client("iam")
    for name in (f"{ROLE}-eks", f"{ROLE}-node"):
        iam.update_role(RoleName=name, Description="somebody's")
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=_ANYBODY)
        permitted(cloud, name)


def groups(cloud: Cloud) -> None:
    """A principal of the cluster's is in somebody's group."""
    which = {"clusterName": NAME, "principalArn": PRINCIPAL}
    cloud.client("eks").update_access_entry(kubernetesGroups=["somebodys"], **which)


def addon_roles(cloud: Cloud, name: str, account: str) -> None:
    """An add-on's pods have somebody's role."""
    eks, which = cloud.client("eks"), {"clusterName": NAME, "addonName": name}
    eks.update_addon(podIdentityAssociations=[{"serviceAccount": account, "roleArn": PRINCIPAL}], **which)
    eks.get_waiter("addon_active").wait(WaiterConfig={"Delay": 0}, **which)


def permitted(cloud: Cloud, name: str = ROLE) -> None:
    """A role has a policy of somebody's in it, and one of AWS's."""
    iam = cloud.client("iam")
    iam.put_role_policy(RoleName=name, PolicyName="somebody", PolicyDocument=_NOTHING)
    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")


def balancer(cloud: Cloud) -> None:
    """Another group, another subnet, other tags, and another delay."""
    elbv2 = cloud.client("elbv2")
    (found,) = elbv2.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    (targets,) = elbv2.describe_target_groups(Names=[NAME])["TargetGroups"]
    arn = found["LoadBalancerArn"]
    elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[_member_group(cloud)["GroupId"]])
    first, second = found["AvailabilityZones"]
    other = cloud.client("ec2").create_subnet(
        VpcId=found["VpcId"], CidrBlock="10.42.250.0/24", AvailabilityZone=first["ZoneName"]
    )["Subnet"]["SubnetId"]
    elbv2.set_subnets(LoadBalancerArn=arn, Subnets=[other, second["SubnetId"]])
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "7"}]
    elbv2.modify_target_group_attributes(TargetGroupArn=targets["TargetGroupArn"], Attributes=delay)
    for each in (arn, targets["TargetGroupArn"]):
        elbv2.add_tags(ResourceArns=[each], Tags=[{"Key": "Name", "Value": "somebody's"}])


def _member_group(cloud: Cloud) -> dict[str, Any]:
    groups = cloud.client("ec2").describe_security_groups(Filters=_OURS)["SecurityGroups"]
    return dict(next(each for each in groups if each["GroupName"].endswith("-member")))


ALL = (marks, rules, routes, machines, role, balancer)
