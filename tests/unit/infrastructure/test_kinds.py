# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of every kind of AWS resource, a field edited by hand is named in the plan, and restored. A kind needs a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import KINDS, WORDS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import PARTS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import KIND as DATA_VOLUME
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import CLUSTER
from tests.unit.conftest import Cloud
from tests.unit.infrastructure.account import CLUSTER as IN_IT
from tests.unit.infrastructure.account import FLEET, HOST, PRINCIPAL, Account, rows, zone

pytestmark = pytest.mark.slow

NAME, ROLE = f"praxis-{FLEET}", f"praxis-{FLEET}-eu-central-1"
Owner = Callable[[str], Any]


def first(owner: Owner, operation: str, list_: str, id_: str) -> str:
    """The fleet's resource of one kind."""
    mine = [{"Name": "tag:praxis_fleet", "Values": [FLEET]}]
    return str(getattr(owner("ec2"), operation)(Filters=mine)[list_][0][id_])


def vpc(owner: Owner) -> None:
    id_ = first(owner, "describe_vpcs", "Vpcs", "VpcId")
    owner("ec2").modify_vpc_attribute(VpcId=id_, EnableDnsHostnames={"Value": False})


def subnet(owner: Owner) -> None:
    id_ = first(owner, "describe_subnets", "Subnets", "SubnetId")
    owner("ec2").modify_subnet_attribute(SubnetId=id_, MapPublicIpOnLaunch={"Value": False})


def gateway(owner: Owner) -> None:
    id_, vpc_id = (first(owner, "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
                   first(owner, "describe_vpcs", "Vpcs", "VpcId"))  # fmt: skip
    owner("ec2").detach_internet_gateway(InternetGatewayId=id_, VpcId=vpc_id)


def route_table(owner: Owner) -> None:
    id_ = first(owner, "describe_route_tables", "RouteTables", "RouteTableId")
    owner("ec2").delete_route(RouteTableId=id_, DestinationCidrBlock="0.0.0.0/0")


def security_group(owner: Owner) -> None:
    id_ = first(owner, "describe_security_groups", "SecurityGroups", "GroupId")
    hole = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9999, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    owner("ec2").authorize_security_group_ingress(GroupId=id_, IpPermissions=[hole])


def key_pair(owner: Owner) -> None:
    """It has no field that can be edited, but tags."""
    id_ = first(owner, "describe_key_pairs", "KeyPairs", "KeyPairId")
    owner("ec2").create_tags(Resources=[id_], Tags=[{"Key": "praxis_managed_by", "Value": "somebody"}])


def role(owner: Owner) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    anybody = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    owner("iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=anybody)


def instance_profile(owner: Owner) -> None:
    owner("iam").remove_role_from_instance_profile(InstanceProfileName=ROLE, RoleName=ROLE)


def target_group(owner: Owner) -> None:
    (found,) = owner("elbv2").describe_target_groups(Names=[NAME])["TargetGroups"]
    owner("elbv2").modify_target_group(TargetGroupArn=found["TargetGroupArn"], HealthCheckPath="/elsewhere")


def load_balancer(owner: Owner) -> None:
    (found,) = owner("elbv2").describe_load_balancers(Names=[NAME])["LoadBalancers"]
    attributes = [{"Key": "idle_timeout.timeout_seconds", "Value": "7"}]
    owner("elbv2").modify_load_balancer_attributes(LoadBalancerArn=found["LoadBalancerArn"], Attributes=attributes)


def listener(owner: Owner) -> None:
    (found,) = owner("elbv2").describe_load_balancers(Names=[NAME])["LoadBalancers"]
    listed = owner("elbv2").describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
    (heard,) = [each for each in listed if each["Port"] == 443]
    closed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}
    owner("elbv2").modify_listener(ListenerArn=heard["ListenerArn"], DefaultActions=[closed])


def certificate(owner: Owner) -> None:
    """Its names cannot be edited; its tags can."""
    (found,) = owner("acm").list_certificates()["CertificateSummaryList"]
    tag = {"Key": "praxis_managed_by", "Value": "somebody"}
    owner("acm").add_tags_to_certificate(CertificateArn=found["CertificateArn"], Tags=[tag])


def records(owner: Owner) -> tuple[str, dict[str, Any]]:
    """The zone's id, and its records by type."""
    (zone_,) = owner("route53").list_hosted_zones()["HostedZones"]
    found = owner("route53").list_resource_record_sets(HostedZoneId=zone_["Id"])["ResourceRecordSets"]
    return zone_["Id"], {each["Type"]: each for each in found}


def changed(owner: Owner, zone_: str, action: str, record: dict[str, Any]) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    owner("route53").change_resource_record_sets(HostedZoneId=zone_, ChangeBatch=batch)


def validation_record(owner: Owner) -> None:
    """Without it, ACM does not renew the certificate."""
    zone_, there = records(owner)
    changed(owner, zone_, "DELETE", there["CNAME"])


def dns_record(owner: Owner) -> None:
    zone_, there = records(owner)
    elsewhere = {**there["A"]["AliasTarget"], "DNSName": "elsewhere.example.net."}
    changed(owner, zone_, "UPSERT", {**there["A"], "AliasTarget": elsewhere})


def cluster_role(owner: Owner) -> None:
    """Without its policy, the nodes cannot join."""
    policy = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
    owner("iam").detach_role_policy(RoleName=f"{ROLE}-node", PolicyArn=policy)


def eks_cluster(owner: Owner) -> None:
    """Open to everybody."""
    everybody = {"endpointPublicAccess": True, "endpointPrivateAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}
    owner("eks").update_cluster_config(name=NAME, resourcesVpcConfig=everybody)


def node_group(owner: Owner) -> None:
    scaling = {"maxSize": 50, "desiredSize": 20}
    owner("eks").update_nodegroup_config(clusterName=NAME, nodegroupName=NAME, scalingConfig=scaling)


def oidc_provider(owner: Owner) -> None:
    """It has no field that can be edited, but tags."""
    (found,) = owner("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    tags = [{"Key": "praxis_managed_by", "Value": "somebody"}]
    owner("iam").tag_open_id_connect_provider(OpenIDConnectProviderArn=found["Arn"], Tags=tags)


def access_entry(owner: Owner) -> None:
    """From one namespace to everything."""
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    owner("eks").associate_access_policy(
        clusterName=NAME, principalArn=PRINCIPAL, policyArn=policy, accessScope={"type": "cluster"}
    )


def addon(owner: Owner) -> None:
    owner("eks").update_addon(clusterName=NAME, addonName="coredns", configurationValues="replicaCount: 1")
    settled(owner)


def settled(owner: Owner) -> None:
    """The add-on's change has come to its end."""
    while owner("eks").describe_addon(clusterName=NAME, addonName="coredns")["addon"]["status"] != "ACTIVE":
        pass


def pod_identity(owner: Owner) -> None:
    """The agents' pods have somebody's role."""
    (found,) = owner("eks").list_pod_identity_associations(clusterName=NAME, namespace="praxis")["associations"]
    which = {"clusterName": NAME, "associationId": found["associationId"]}
    owner("eks").update_pod_identity_association(roleArn=PRINCIPAL, **which)


def machine(owner: Owner) -> None:
    """The hop limit: with two, a container reaches the machine's role."""
    id_ = owner("ec2").describe_instances()["Reservations"][0]["Instances"][0]["InstanceId"]
    owner("ec2").modify_instance_metadata_options(InstanceId=id_, HttpTokens="required", HttpPutResponseHopLimit=2)


def data_volume(owner: Owner) -> None:
    """Without its disk, the agent does not start."""
    slots = [{"Name": "tag:praxis_data", "Values": ["slot"]}]
    disk, *_others = owner("ec2").describe_volumes(Filters=slots)["Volumes"]
    owner("ec2").detach_volume(VolumeId=disk["VolumeId"], InstanceId=disk["Attachments"][0]["InstanceId"])


#: By kind, the edit and the field that it is about.
EDITS: dict[str, tuple[Callable[[Owner], None], str]] = {
    "vpc": (vpc, "dns_hostnames"),
    "subnet": (subnet, "public"),
    "gateway": (gateway, "vpc"),
    "route_table": (route_table, "default_route"),
    "security_group": (security_group, "rules"),
    "key_pair": (key_pair, "tag praxis_managed_by"),
    "role": (role, "trust"),
    "instance_profile": (instance_profile, "role"),
    "target_group": (target_group, "health_path"),
    "load_balancer": (load_balancer, "idle_timeout"),
    "listener": (listener, "target_group"),
    "certificate": (certificate, "tag praxis_managed_by"),
    "dns_record": (dns_record, "leads_to"),
    "cluster_role": (cluster_role, "policies"),
    "eks_cluster": (eks_cluster, "public_from"),
    "node_group": (node_group, "max"),
    "oidc_provider": (oidc_provider, "tag praxis_managed_by"),
    "access_entry": (access_entry, "policies"),
    "addon": (addon, "configuration"),
    "pod_identity": (pod_identity, "role"),
    "machine": (machine, "metadata_hops"),
    "data volume": (data_volume, "machine"),
}


def test_every_kind_has_a_row() -> None:
    assert {*KINDS, "machine", DATA_VOLUME} == {*EDITS, "validation_record"}


def test_a_field_edited_by_hand_is_named_and_restored(cloud: Cloud) -> None:
    zone(cloud)
    named = {"certificate": "managed", "dns_zone": "example.org", "dns_name": HOST}
    account = Account(cloud, options={**named, "parts": [*PARTS, CLUSTER], "cluster": IN_IT, "data": {"size": 4}})
    account.present()
    before = account.resources()
    for edit, _field in EDITS.values():
        edit(cloud.client)
    cloud.operations.clear()

    predicted = account.present(check=True)
    assert cloud.changes() == []
    named = {row["kind"]: [each["field"] for each in row["fields"]] for row in predicted["plan"]["rows"]}
    assert named == {WORDS.get(kind, kind): [field] for kind, (_edit, field) in EDITS.items()}
    assert account.present()["plan"] == predicted["plan"]
    cloud.operations.clear()
    assert rows(account.present()) == []
    assert cloud.changes() == []
    assert account.resources() == before


def test_a_validation_record_that_was_removed_is_made_again(cloud: Cloud) -> None:
    zone(cloud)
    account = Account(cloud, options={"certificate": "managed", "dns_zone": "example.org", "dns_name": HOST})
    account.present()
    before = account.records()
    validation_record(cloud.client)
    assert [row[:2] for row in rows(account.present())] == [("create", "validation record")]
    assert account.records() == before
