# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What provision.yml has to read of a fleet on AWS, by the SDK alone, a call at a time: ``describe.py FLEET``."""

from __future__ import annotations

import sys

import boto3


def main(fleet: str) -> int:
    """Read the fleet's resources, and return how many calls that took."""
    calls = 0
    name = f"praxis-{fleet}"
    clients = {service: boto3.client(service) for service in ("sts", "ec2", "iam", "elbv2")}
    role = f"{name}-{clients['ec2'].meta.region_name}"

    def call(service: str, operation: str, **parameters: object) -> dict:
        nonlocal calls
        calls += 1
        return getattr(clients[service], operation)(**parameters)

    call("sts", "get_caller_identity")
    call("ec2", "describe_availability_zones")
    tagged = {"Name": "tag:praxis_fleet", "Values": [fleet]}
    (vpc,) = call("ec2", "describe_vpcs", Filters=[tagged])["Vpcs"]
    inside = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        call("ec2", "describe_vpc_attribute", VpcId=vpc["VpcId"], Attribute=attribute)
    for operation in ("describe_subnets", "describe_route_tables", "describe_security_groups"):
        call("ec2", operation, Filters=inside)
    call("ec2", "describe_internet_gateways", Filters=[{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}])
    call("ec2", "describe_key_pairs", Filters=[tagged])
    call("ec2", "describe_images", Filters=[{"Name": "name", "Values": ["debian-13-amd64-*"]}])
    call("ec2", "describe_instances", Filters=[tagged])
    call("ec2", "describe_iam_instance_profile_associations")
    call("iam", "get_role", RoleName=role)
    call("iam", "list_role_policies", RoleName=role)
    call("iam", "list_attached_role_policies", RoleName=role)
    call("iam", "get_instance_profile", InstanceProfileName=role)
    (group,) = call("elbv2", "describe_target_groups", Names=[name])["TargetGroups"]
    call("elbv2", "describe_target_group_attributes", TargetGroupArn=group["TargetGroupArn"])
    (balancer,) = call("elbv2", "describe_load_balancers", Names=[name])["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    call("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)
    call("elbv2", "describe_listeners", LoadBalancerArn=arn)
    call("elbv2", "describe_tags", ResourceArns=[group["TargetGroupArn"], arn])
    return calls


if __name__ == "__main__":
    print(main(sys.argv[1]))
