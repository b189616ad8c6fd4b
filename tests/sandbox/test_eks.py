# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in an EKS cluster, by signed requests to the sandbox: an imitation, which forgets it with its cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import Aws, Lab

pytestmark = pytest.mark.sandbox

NAME = "conformance"
ROLE = "arn:aws:iam::123456789012:role/path/of-somebody"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


@pytest.fixture
def eks(aws: Aws, lab: Lab) -> Iterator[Any]:
    """The owner's client, with a cluster."""
    client = aws("eks", user="administrator")
    client.create_cluster(name=NAME, roleArn=ROLE, resourcesVpcConfig={"subnetIds": list(lab.subnets)},
                          accessConfig={"authenticationMode": "API"})  # fmt: skip
    yield client
    client.delete_cluster(name=NAME)


def test_an_add_on_is_made_and_becomes_active(eks: Any) -> None:
    which = {"clusterName": NAME, "addonName": "coredns"}
    assert eks.create_addon(**which)["addon"]["status"] == "CREATING"
    seen = [eks.describe_addon(**which)["addon"]["status"] for _look in range(3)]
    assert seen == ["CREATING", "CREATING", "ACTIVE"]
    eks.delete_addon(preserve=True, **which)
    eks.get_waiter("addon_deleted").wait(WaiterConfig={"Delay": 0}, **which)
    assert eks.list_addons(clusterName=NAME)["addons"] == []


def test_a_principal_gets_a_policy_and_loses_it(eks: Any) -> None:
    entry = {"clusterName": NAME, "principalArn": ROLE}
    arn = eks.create_access_entry(tags={"team": "search"}, **entry)["accessEntry"]["accessEntryArn"]
    eks.associate_access_policy(policyArn=POLICY, accessScope={"type": "namespace", "namespaces": ["praxis"]}, **entry)
    eks.tag_resource(resourceArn=arn, tags={"more": "1"})
    assert eks.describe_access_entry(**entry)["accessEntry"]["tags"] == {"team": "search", "more": "1"}
    (found,) = eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert (found["policyArn"], found["accessScope"]["namespaces"]) == (POLICY, ["praxis"])
    eks.disassociate_access_policy(policyArn=POLICY, **entry)
    assert eks.list_associated_access_policies(**entry)["associatedAccessPolicies"] == []
    eks.delete_access_entry(**entry)
    assert ROLE not in eks.list_access_entries(clusterName=NAME)["accessEntries"]


def test_pods_get_a_role_and_another(eks: Any) -> None:
    names = {"clusterName": NAME, "namespace": "praxis", "serviceAccount": "agent"}
    which = {"clusterName": NAME, "associationId":
             eks.create_pod_identity_association(roleArn=ROLE, **names)["association"]["associationId"]}  # fmt: skip
    eks.update_pod_identity_association(roleArn=f"{ROLE}-else", **which)
    assert eks.describe_pod_identity_association(**which)["association"]["roleArn"] == f"{ROLE}-else"
    (found,) = eks.list_pod_identity_associations(**names)["associations"]
    assert found["associationId"] == which["associationId"]
    eks.delete_pod_identity_association(**which)
    assert eks.list_pod_identity_associations(clusterName=NAME)["associations"] == []


def test_who_may_nothing_on_eks_is_refused(eks: Any, aws: Aws) -> None:
    for operation in ("list_addons", "list_access_entries", "list_pod_identity_associations"):
        with pytest.raises(ClientError) as refused:
            getattr(aws("eks"), operation)(clusterName=NAME)
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
