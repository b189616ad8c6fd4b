# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put into an EKS cluster: by the engine, against an imitation of EKS without an API server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.eks.models import eks_backends

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.eks_contents import ADDONS, AGENT
from sandbox.aws.eks_records import Contents
from sandbox.aws.eks_records import contents as contents_of
from tests.unit.conftest import REGION, Cloud

from .account import CLUSTER, FLEET, POD_ROLE, PRINCIPAL, Account, rows

pytestmark = pytest.mark.slow

NAME = f"praxis-{FLEET}"
PODS = "praxis/agent"
IN_IT = [("create", "OIDC provider", "praxis-alpha"), ("create", "access entry", PRINCIPAL),
         ("create", "add-on", "coredns"), ("create", "add-on", AGENT),
         ("create", "Pod Identity association", PODS)]  # fmt: skip


@pytest.fixture
def account(cloud: Cloud) -> Account:
    """In a network of the user's, which takes less time."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")
               ["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]  # fmt: skip
    made = Account(cloud, options={"parts": ["cluster"], "cluster": CLUSTER, "vpc": vpc, "subnets": subnets})
    cloud.operations.clear()
    return made


def of_contents(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    of_it = ("OIDC provider", "access entry", "add-on", "Pod Identity association")
    return [row for row in rows(result) if row[1] in of_it]
    return [row for row in rows(result) if row[1] in ("access entry", "add-on", "Pod Identity association")]


def contents() -> Contents:
    """What the imitation has of the fleet's cluster."""
    return contents_of(eks_backends["123456789012"][REGION].clusters[NAME])


def test_all_of_it_is_made_as_check_mode_says_and_a_second_run_only_reads(account: Account) -> None:
    predicted = account.present(check=True)
    assert account.cloud.changes() == [] and of_contents(predicted) == IN_IT
    assert account.present()["plan"] == predicted["plan"]
    made = contents()
    assert {name: each["status"] for name, each in made.addons.items()} == {"coredns": "ACTIVE", AGENT: "ACTIVE"}
    assert made.addons["coredns"]["addonVersion"] == "v1.11.3-eksbuild.1"
    assert made.addons["coredns"]["configurationValues"] == '{"replicaCount": 2}'
    (policy,) = made.policies[PRINCIPAL].values()
    assert policy["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
    assert policy["accessScope"] == {"type": "namespace", "namespaces": ["praxis"]}
    (pods,) = made.associations.values()
    assert (pods["namespace"], pods["serviceAccount"], pods["roleArn"]) == ("praxis", "agent", POD_ROLE)
    account.cloud.operations.clear()
    assert rows(account.present()) == []
    assert account.cloud.operations and account.cloud.changes() == []


def test_the_agent_is_among_the_add_ons_where_pods_have_roles_alone(account: Account) -> None:
    account.present(cluster={})
    assert sorted(contents().addons) == sorted(ADDONS)
    pods = {"pod_identity": CLUSTER["pod_identity"]}
    assert rows(account.present(cluster=pods)) == [("create", "add-on", AGENT), IN_IT[-1]]
    gone = [("remove", "Pod Identity association", PODS), ("remove", "add-on", AGENT)]
    assert rows(account.present(cluster={})) == gone


def test_what_the_settings_name_no_longer_goes_in_the_reverse_order(account: Account) -> None:
    account.present()
    nothing = {"addons": []}
    predicted = account.present(check=True, cluster=nothing)
    assert sorted(rows(predicted)) == sorted(("remove", kind, name) for _create, kind, name in IN_IT)
    assert [kind for _remove, kind, _name in rows(predicted)] == [
        "Pod Identity association", "add-on", "add-on", "access entry", "OIDC provider"]  # fmt: skip
    assert all(row["lost"] for row in predicted["plan"]["rows"])
    account.cloud.operations.clear()
    assert account.present(cluster=nothing)["plan"] == predicted["plan"]
    assert account.cloud.changes() == ["DeletePodIdentityAssociation", *["DeleteAddon"] * 2, "DeleteAccessEntry",
                                       "DeleteOpenIDConnectProvider"]  # fmt: skip
    assert rows(account.present(cluster=nothing)) == []


def test_all_of_it_goes_before_the_cluster(account: Account) -> None:
    account.present()
    account.cloud.operations.clear()
    account.absent()
    gone = [each for each in account.cloud.changes() if each.startswith("Delete")]
    assert gone[:7] == ["DeletePodIdentityAssociation", "DeleteAddon", "DeleteAddon", "DeleteAccessEntry",
                        "DeleteOpenIDConnectProvider", "DeleteNodegroup", "DeleteCluster"]  # fmt: skip
    assert account.resources() == {}


def test_an_add_on_of_somebody_else_s_is_left_as_it_is(account: Account) -> None:
    account.present(cluster={"addons": []})
    client = account.cloud.client("eks")
    which = {"clusterName": NAME, "addonName": "coredns"}
    client.create_addon(addonVersion="v1.0.0-eksbuild.9", tags={"team": "search"}, **which)
    theirs = dict(contents().addons["coredns"])
    assert of_contents(account.present()) == [row for row in IN_IT if row[2] != "coredns"]
    assert rows(account.present()) == []
    account.present(cluster={"addons": []})
    assert contents().addons["coredns"] | {"status": "ACTIVE"} == theirs | {"status": "ACTIVE"}
    assert list(contents().addons) == ["coredns"]


def entry_of_others(client: Any) -> None:
    client.create_access_entry(clusterName=NAME, principalArn=PRINCIPAL, tags={"team": "search"})


def pods_of_others(client: Any) -> None:
    names = {"clusterName": NAME, "namespace": "praxis", "serviceAccount": "agent"}
    client.create_pod_identity_association(roleArn=PRINCIPAL, **names)


@pytest.mark.parametrize(("make", "words"), [
    (entry_of_others, rf"A access entry named {PRINCIPAL} .*Leave this principal out of praxis_eks.access"),
    (pods_of_others, rf"A Pod Identity association named {PODS} .*Leave this service account out"),
])  # fmt: skip
def test_who_may_what_is_never_taken_over(account: Account, make: Callable[[Any], None], words: str) -> None:
    account.present(cluster={"addons": []})
    make(account.cloud.client("eks"))
    before = repr(contents())
    account.cloud.operations.clear()
    with pytest.raises(Failed, match=words) as failed:
        account.present()
    assert [each.code for each in failed.value.findings] == ["not-managed"]
    assert account.cloud.changes() == [] and repr(contents()) == before
    account.present(cluster={"addons": []})
    assert repr(contents()) == before


def test_the_entry_of_who_makes_the_cluster_is_not_taken_over_in_the_same_run(account: Account) -> None:
    creator = "arn:aws:iam::123456789012:user/AKIAIOSFODNN7EXAMPLE"
    with pytest.raises(Failed, match="praxis.cloud did not create it") as failed:
        account.present(cluster={"access": [{"principal": creator, "policy": "AmazonEKSViewPolicy"}]})
    assert [each.code for each in failed.value.findings] == ["not-managed"]
    assert list(contents().policies[creator]) == ["AmazonEKSClusterAdminPolicy"]
    assert contents().entries[creator]["tags"] == {}


def test_policies_of_a_principal_are_those_of_the_settings_and_no_others(account: Account) -> None:
    account.present()
    view = {"principal": PRINCIPAL, "policy": "AmazonEKSViewPolicy"}
    wider = {"access": [view, {**CLUSTER["access"][0], "namespaces": ["praxis", "other"]}]}
    assert rows(account.present(cluster={**CLUSTER, **wider})) == [("change", "access entry", PRINCIPAL)]
    scopes = {name: each["accessScope"] for name, each in contents().policies[PRINCIPAL].items()}
    assert scopes == {"AmazonEKSViewPolicy": {"type": "cluster", "namespaces": []},
                      "AmazonEKSEditPolicy": {"type": "namespace", "namespaces": ["other", "praxis"]}}  # fmt: skip
    account.present()
    assert list(contents().policies[PRINCIPAL]) == ["AmazonEKSEditPolicy"]


def test_groups_of_a_principal_are_those_of_the_settings_and_need_no_policy(account: Account) -> None:
    names = [{"principal": PRINCIPAL, "groups": ["night", "day"]}]
    account.present(cluster={**CLUSTER, "access": names})
    assert contents().entries[PRINCIPAL]["kubernetesGroups"] == ["day", "night"]
    assert contents().policies[PRINCIPAL] == {}
    both = {"access": [{**CLUSTER["access"][0], "groups": ["day"]}, *names]}
    assert rows(account.present(cluster={**CLUSTER, **both})) == [("change", "access entry", PRINCIPAL)]
    assert contents().entries[PRINCIPAL]["kubernetesGroups"] == ["day", "night"]
    which = {"clusterName": NAME, "principalArn": PRINCIPAL}
    account.cloud.client("eks").update_access_entry(kubernetesGroups=["somebodys"], **which)
    account.cloud.operations.clear()
    (row,) = account.present(cluster={**CLUSTER, **both})["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["groups"]
    assert account.cloud.changes() == ["UpdateAccessEntry"]
    account.present()
    assert contents().entries[PRINCIPAL]["kubernetesGroups"] == []


def test_the_version_of_an_add_on_is_kept_where_it_is_named_alone(account: Account) -> None:
    account.present()
    newer = {**CLUSTER, "addons": [{"name": "coredns", "version": "v1.12.0-eksbuild.1"}, {"name": AGENT}]}
    (row,) = account.present(cluster=newer)["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["version"]
    assert contents().addons["coredns"]["configurationValues"] == '{"replicaCount": 2}'
    assert rows(account.present(cluster={**CLUSTER, "addons": [{"name": "coredns"}, {"name": AGENT}]})) == []


DRIVER, DRIVERS = "aws-ebs-csi-driver", "ebs-csi-controller-sa"
#: An add-on that has a role of its own.
DISKS = [{"name": AGENT}, {"name": DRIVER, "pod_identity": [{"service_account": DRIVERS, "role": POD_ROLE}]}]


def roles_of(name: str) -> dict[str, str]:
    """By service account, the roles that an add-on gives its pods."""
    arns = contents().addons[name].get("podIdentityAssociations", [])
    found = {each["associationArn"]: each for each in contents().associations.values()}
    return {found[arn]["serviceAccount"]: found[arn]["roleArn"] for arn in arns}


def test_the_roles_of_an_add_on_are_kept_where_they_are_named(account: Account) -> None:
    cluster = {**CLUSTER, "addons": DISKS}
    account.present(cluster=cluster)
    assert roles_of(DRIVER) == {DRIVERS: POD_ROLE}
    assert rows(account.present(cluster=cluster)) == []
    client, which = account.cloud.client("eks"), {"clusterName": NAME, "addonName": DRIVER}
    edited = [{"serviceAccount": DRIVERS, "roleArn": f"{POD_ROLE}-else"}]
    client.update_addon(podIdentityAssociations=edited, **which)
    client.get_waiter("addon_active").wait(WaiterConfig={"Delay": 0}, **which)
    account.cloud.operations.clear()
    (row,) = account.present(cluster=cluster)["plan"]["rows"]
    assert [each["field"] for each in row["fields"]] == ["roles"]
    assert account.cloud.changes() == ["UpdateAddon"] and roles_of(DRIVER) == {DRIVERS: POD_ROLE}
    unnamed = {**CLUSTER, "addons": [{"name": AGENT}, {"name": DRIVER}]}
    assert rows(account.present(cluster=unnamed)) == [] and roles_of(DRIVER) == {DRIVERS: POD_ROLE}
    none = {**CLUSTER, "addons": [{"name": AGENT}, {"name": DRIVER, "pod_identity": []}]}
    assert rows(account.present(cluster=none)) == [("change", "add-on", DRIVER)] and roles_of(DRIVER) == {}
    assert rows(account.present(cluster=none)) == []
    assert rows(account.present(cluster=cluster)) == [("change", "add-on", DRIVER)]
    assert roles_of(DRIVER) == {DRIVERS: POD_ROLE}


def stuck(name: str, status: str, **more: Any) -> None:
    contents().moving.clear()
    contents().addons[name].update(status=status, **more)


ISSUES = {"health": {"issues": [{"code": "ConfigurationConflict", "message": "Conflicts found."}]}}


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED"])
def test_an_add_on_that_failed_is_named_with_what_eks_says(account: Account, status: str) -> None:
    account.present()
    stuck(AGENT, status, **ISSUES)
    with pytest.raises(Failed, match=f"EKS says {status}: ConfigurationConflict: Conflicts found") as failed:
        account.present()
    assert [each.code for each in failed.value.findings] == ["eks-failed"]


def test_an_add_on_whose_update_failed_takes_another_version(account: Account) -> None:
    account.present()
    stuck("coredns", "UPDATE_FAILED", addonVersion="v1.0.0-eksbuild.0", **ISSUES)
    account.present()
    assert contents().addons["coredns"]["status"] == "ACTIVE"
    assert rows(account.present()) == []


def test_an_add_on_without_a_place_for_its_pods_is_waited_for(account: Account) -> None:
    account.present()
    stuck("coredns", "DEGRADED", **ISSUES)
    contents().moving["coredns"] = 3, "ACTIVE"
    account.present()
    assert contents().addons["coredns"]["status"] == "ACTIVE"
    stuck("coredns", "DEGRADED", **ISSUES)
    with pytest.raises(Failed, match="Its state is DEGRADED: ConfigurationConflict: Conflicts found"):
        account.present()


@pytest.mark.parametrize(("cluster", "words"), [
    ({"addons": [{"name": "coredns"}] * 2}, "add-on coredns is listed 2 times"),
    ({"addons": [], "pod_identity": CLUSTER["pod_identity"]}, f"needs the add-on {AGENT}"),
    ({"access": [{"principal": "arn:aws:sts::123456789012:assumed-role/a/b", "policy": "AmazonEKSViewPolicy"}]},
     "no ARN of a role or user"),
    ({"access": [{"principal": PRINCIPAL, "policy": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"}]},
     "not the name of an access policy"),
    ({"access": [{"principal": PRINCIPAL, "policy": "AmazonEKSViewPolicy", "namespaces": ["A"]}]},
     "not a name for a namespace"),
    ({"access": [*CLUSTER["access"], {**CLUSTER["access"][0], "namespaces": ["b"]}]}, "is listed 2 times"),
    ({"access": [{"principal": PRINCIPAL, "groups": ["a"]}] * 2}, "with groups is listed 2 times"),
    ({"access": [{"principal": PRINCIPAL}]}, "neither a policy nor groups"),
    ({"access": [{"principal": PRINCIPAL, "groups": ["a"], "namespaces": ["b"]}]}, "has namespaces, but no policy"),
    ({"access": [{"principal": PRINCIPAL, "groups": ["system:masters"]}]}, "EKS does not allow the group"),
    ({"pod_identity": [{"service_account": "agent", "role": "agents"}]}, "no ARN of a role"),
    ({"pod_identity": [{"service_account": "a/b", "role": POD_ROLE}]}, "not a name for a service account"),
    ({"pod_identity": CLUSTER["pod_identity"] * 2}, "praxis/agent is listed 2 times"),
    ({"addons": DISKS[1:]}, f"needs the add-on {AGENT}"),
    ({"addons": [DISKS[0], {**DISKS[1], "pod_identity": DISKS[1]["pod_identity"] * 2}]}, f"{DRIVERS} is listed 2"),
    ({"addons": [DISKS[0], {"name": DRIVER, "pod_identity": [{"service_account": "a/b", "role": POD_ROLE}]}]},
     "not a name for a service account"),
    ({"addons": [DISKS[0], {"name": DRIVER, "pod_identity": [{"service_account": DRIVERS, "role": "x"}]}]},
     "no ARN of a role"),
])  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_made(
    account: Account, cluster: dict[str, Any], words: str
) -> None:
    with pytest.raises(Failed, match=words) as failed:
        account.present(cluster=cluster)
    assert {each.code for each in failed.value.findings} == {"bad-cluster"}
    assert account.cloud.changes() == []


def test_of_china_the_policies_are_china_s(account: Account) -> None:
    there = PRINCIPAL.replace("arn:aws:", "arn:aws-cn:")
    account.present(cluster={"access": [{**CLUSTER["access"][0], "principal": there}]})
    (policy,) = contents().policies[there].values()
    assert policy["policyArn"].startswith("arn:aws-cn:eks::aws:")


@pytest.mark.parametrize(("operation", "more", "code"), [
    ("create_addon", {"addonName": "nothing-of-eks"}, "InvalidParameterException"),
    ("create_addon", {"addonName": "vpc-cni", "resolveConflicts": "SOMEHOW"}, "InvalidParameterException"),
    ("create_addon", {"addonName": "coredns"}, "ResourceInUseException"),
    ("create_access_entry", {"principalArn": PRINCIPAL}, "ResourceInUseException"),
    ("create_access_entry", {"principalArn": "arn:aws:s3:::bucket"}, "InvalidParameterException"),
    ("update_access_entry", {"principalArn": PRINCIPAL, "kubernetesGroups": ["system:masters"]},
     "InvalidParameterException"),
    ("update_access_entry", {"principalArn": f"{PRINCIPAL}-else"}, "ResourceNotFoundException"),
    ("describe_addon", {"addonName": "vpc-cni"}, "ResourceNotFoundException"),
    ("associate_access_policy", {"principalArn": PRINCIPAL, "policyArn": "AmazonEKSEditPolicy",
                                 "accessScope": {"type": "namespace"}}, "InvalidParameterException"),
    ("associate_access_policy", {"principalArn": PRINCIPAL, "policyArn": "x", "accessScope": {"type": "all"}},
     "InvalidParameterException"),
    ("create_pod_identity_association", {"namespace": "praxis", "serviceAccount": "agent", "roleArn": POD_ROLE},
     "ResourceInUseException"),
    ("describe_pod_identity_association", {"associationId": "a-none"}, "ResourceNotFoundException"),
])  # fmt: skip
def test_the_imitation_refuses_what_eks_refuses(
    account: Account, operation: str, more: dict[str, Any], code: str
) -> None:
    account.present()
    with pytest.raises(ClientError) as refused:
        getattr(account.cloud.client("eks"), operation)(clusterName=NAME, **more)
    assert refused.value.response["Error"]["Code"] == code


def test_the_imitation_shows_an_add_on_in_passing(account: Account) -> None:
    account.present(cluster={"addons": []})
    client, which = account.cloud.client("eks"), {"clusterName": NAME, "addonName": "vpc-cni"}
    client.create_addon(**which)

    def seen() -> str:
        return str(client.describe_addon(**which)["addon"]["status"])

    assert [seen() for _look in range(3)] == ["CREATING", "CREATING", "ACTIVE"]
    client.update_addon(**which)
    assert [seen() for _look in range(3)] == ["UPDATING", "UPDATING", "ACTIVE"]
    client.delete_addon(**which)
    assert [seen() for _look in range(2)] == ["DELETING", "DELETING"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        seen()


def test_an_issuer_that_outlived_its_cluster_goes_as_well(account: Account) -> None:
    """Its address is the cluster's, which nobody can be asked for any more."""
    account.present()
    (issuer,) = account.cloud.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert "oidc.eks." in issuer["Arn"]
    eks = account.cloud.client("eks")
    eks.delete_nodegroup(clusterName="praxis-alpha", nodegroupName="praxis-alpha")
    eks.delete_cluster(name="praxis-alpha")
    account.absent()
    assert account.resources() == {}


def test_somebody_else_s_provider_of_the_issuer_is_refused_and_stays(account: Account) -> None:
    account.present(cluster={**CLUSTER, "oidc": False})
    issuer = account.cloud.client("eks").describe_cluster(name="praxis-alpha")["cluster"]["identity"]["oidc"]["issuer"]
    iam = account.cloud.client("iam")
    made = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    arn = made["OpenIDConnectProviderArn"]
    with pytest.raises(Failed) as raised:
        account.present()
    assert [each.code for each in raised.value.findings] == ["not-managed"]
    account.absent()
    assert [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]] == [arn]
