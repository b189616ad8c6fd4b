# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to an account: nothing in check mode, exactly that then, and nothing to what is not the fleet's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.conftest import Cloud
from tests.unit.infrastructure.account import FLEET, Account, Clock, another_first_run, rows

pytestmark = pytest.mark.slow

MARK = [{"Key": "praxis_fleet", "Value": FLEET}, {"Key": "praxis_managed_by", "Value": "provision"}]
#: How many requests a run that finds nothing to do makes.
READS_OF_A_RUN = 29


def codes(refused: Any) -> list[str]:
    return [each.code for each in refused.value.findings]


def test_check_mode_names_exactly_what_the_run_makes_and_the_second_run_only_reads(cloud: Cloud) -> None:
    account = Account(cloud)
    predicted = account.present(check=True)
    assert cloud.changes() == []
    assert account.resources() == {}
    made = account.present(plan_id=predicted["plan"]["id"])
    assert made["plan"] == predicted["plan"]
    assert made["plan"]["there"] == 0
    assert [kind for _action, kind, _name in rows(made)] == [
        "VPC", "subnet", "subnet", "internet gateway", "route table", "security group", "security group", "role",
        "instance profile", "key pair", "target group", "load balancer", "listener", "machine",
    ]  # fmt: skip
    assert sum(account.resources().values()) == len(rows(made))
    assert {action for action, _kind, _name in rows(made)} == {"create"}
    cloud.operations.clear()
    again = account.present()
    assert (again["changed"], rows(again), "diff" in again) == (False, [], False)
    assert again["plan"]["there"] == len(rows(made))
    assert again["table"][-1].startswith("  nothing to do; plan ")
    assert len(cloud.operations) == READS_OF_A_RUN
    assert cloud.changes() == []
    assert [machine["slot"] for machine in again["machines"]] == ["aws-1"]
    for key in ("vpc", "subnets", "balancer", "target_group", "member_group_id", "balancer_group_id", "machines"):
        assert again[key] == made[key] != ""


def test_another_plan_than_the_one_agreed_to_is_refused_untouched(cloud: Cloud) -> None:
    account = Account(cloud)
    id_ = account.present(check=True)["plan"]["id"]
    with pytest.raises(Failed) as refused:
        account.present(plan_id=id_, hosts=2)
    assert codes(refused) == ["provision-plan-differs"]
    assert account.resources() == {}


def test_the_members_port_is_open_to_the_members_alone(cloud: Cloud) -> None:
    account = Account(cloud)
    member = account.present()["member_group_id"]
    (group,) = cloud.client("ec2").describe_security_groups(GroupIds=[member])["SecurityGroups"]
    (rule,) = [each for each in group["IpPermissions"] if each["FromPort"] == 4001]
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [member]
    assert (rule["IpRanges"], rule["Ipv6Ranges"]) == ([], [])


def test_members_of_another_network_are_let_in_by_their_address_once_the_vpc_is_known(cloud: Cloud) -> None:
    account = Account(cloud)
    own = account.present()["vpc"]
    members = [{"network": own, "address": "198.51.100.1"}, {"network": "elsewhere", "address": "198.51.100.2"},
               {"network": "", "address": "198.51.100.3"}]  # fmt: skip
    changed = account.present(parts=["firewall"], members=members)
    (row,) = changed["plan"]["rows"]
    (field,) = row["fields"]
    assert [rule for rule in field["after"] if rule not in field["before"]] == [
        "tcp 4001 from 198.51.100.2/32 (Peer to peer with members elsewhere)"
    ]


def test_fewer_machines_than_none_are_refused_before_anything_is_made(cloud: Cloud) -> None:
    account = Account(cloud)
    with pytest.raises(Failed) as refused:
        account.present(hosts=-1, allow_shrink=True)
    assert (codes(refused), cloud.changes()) == (["bad-hosts"], [])


def test_a_load_balancer_goes_only_with_leave(cloud: Cloud) -> None:
    account = Account(cloud)
    account.present()
    before = account.resources()
    for options in ({"balancer": False}, {"balancer_scheme": "internal"}, {"api_port": 8001}):
        with pytest.raises(Failed) as refused:
            account.present(**options)
        assert codes(refused) == ["would-shrink"]
        assert "lost:" in refused.value.findings[0].what
        assert account.resources() == before
    replaced = account.present(balancer_scheme="internal", allow_shrink=True)
    assert [action for action, _kind, _name in rows(replaced)] == ["replace", "replace"]
    assert account.resources() == before
    assert rows(account.present(balancer_scheme="internal")) == []
    account.present(balancer=False, allow_shrink=True)
    assert {"LoadBalancers", "Listeners", "TargetGroups"}.isdisjoint(account.resources())
    assert rows(account.present(balancer=False)) == []


def test_what_others_made_is_neither_adopted_nor_changed_nor_removed(cloud: Cloud) -> None:
    """Of such a name, with one of the three tags or two of them, and around ours."""
    account = Account(cloud)
    ec2, iam = cloud.client("ec2"), cloud.client("iam")
    theirs = ec2.create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": MARK[:1]}])
    role = f"praxis-{FLEET}-eu-central-1"
    tags = [*MARK[:1], {"Key": "Name", "Value": role}]
    iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=tags)
    account.own = set(account._listed())
    cloud.operations.clear()
    with pytest.raises(Failed) as refused:
        account.present()
    assert codes(refused) == ["not-managed"]
    assert cloud.changes() == []
    ec2.create_security_group(GroupName="praxis-alpha-member", Description="theirs", VpcId=theirs["Vpc"]["VpcId"],
                              TagSpecifications=[{"ResourceType": "security-group", "Tags": MARK[:1]}])  # fmt: skip
    account.own = set(account._listed())
    account.present(parts=["network", "firewall", "key"])
    assert account.resources()["SecurityGroups"] == 2
    account.absent()
    assert account.resources() == {}
    assert account.own == set(account._listed())


def test_a_vpc_of_the_fleet_s_name_and_tag_is_theirs_without_the_tag_of_who_manages_it(cloud: Cloud) -> None:
    """Tools that tag everything alike write praxis_fleet and Name, too."""
    account = Account(cloud)
    ec2, theirs = cloud.client("ec2"), [MARK[0], {"Key": "Name", "Value": f"praxis-{FLEET}"}]
    named = [{"ResourceType": "vpc", "Tags": theirs}]
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=named)["Vpc"]["VpcId"]
    account.own = set(account._listed())
    with pytest.raises(Failed) as refused:
        account.present()
    assert codes(refused) == ["not-managed"]
    assert vpc in refused.value.findings[0].what
    assert "no tag praxis_managed_by; if somebody removed it" in refused.value.findings[0].what
    assert account.resources() == {}
    ec2.create_tags(Resources=[vpc], Tags=MARK[1:])
    assert account.present(parts=["network"])["vpc"] == vpc
    # Beside the fleet's own, another one of the name is in nobody's way.
    other = ec2.create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=named)["Vpc"]["VpcId"]
    assert rows(account.present(parts=["network"])) == []
    account.absent()
    assert [each["VpcId"] for each in ec2.describe_vpcs(VpcIds=[other])["Vpcs"]] == [other]


def test_of_two_vpcs_none_is_chosen(cloud: Cloud) -> None:
    account = Account(cloud)
    for _each in range(2):
        marked = [{"ResourceType": "vpc", "Tags": MARK}]
        cloud.client("ec2").create_vpc(CidrBlock="10.42.0.0/16", TagSpecifications=marked)
    cloud.operations.clear()
    with pytest.raises(Failed) as refused:
        account.present()
    assert (codes(refused), cloud.changes()) == (["network-twice"], [])


def test_two_first_runs_at_once_make_one_fleet(cloud: Cloud) -> None:
    account = Account(cloud)
    with another_first_run(account), pytest.raises(Failed) as refused:
        account.present()
    assert codes(refused) == ["provisioned-meanwhile"]
    assert (account.resources()["Vpcs"], account.resources()["Instances"]) == (1, 1)
    assert rows(account.present()) == []


def test_a_vpc_of_another_network_is_refused(cloud: Cloud) -> None:
    account = Account(cloud)
    account.present(parts=["network"])
    with pytest.raises(Failed) as refused:
        account.present(vpc_cidr="10.43.0.0/16")
    assert codes(refused) == ["network-differs"]


def test_edited_tags_make_no_second_resource(cloud: Cloud) -> None:
    account = Account(cloud)
    made = account.present()
    before = account.resources()
    ids = [made["vpc"], *made["subnets"], made["member_group_id"], made["balancer_group_id"]]
    edited = [{"Key": "praxis_fleet", "Value": "stolen"}, {"Key": "own", "Value": "kept"}]
    cloud.client("ec2").create_tags(Resources=ids, Tags=edited)
    restored = account.present()
    assert {field["field"] for row in restored["plan"]["rows"] for field in row["fields"]} == {"tag praxis_fleet"}
    assert len(rows(restored)) == len(ids)
    assert account.resources() == before


def test_what_the_user_brings_is_left_as_it_is(cloud: Cloud) -> None:
    account = Account(cloud)
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    account.own = set(account._listed())
    made = account.present(vpc=vpc)
    assert made["vpc"] == vpc
    assert not ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0].get("Tags")
    assert rows(account.present(vpc=vpc)) == []
    account.absent()
    assert account.resources() == {}
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_what_the_fleet_s_tasks_in_ecs_have_is_left_to_them(cloud: Cloud) -> None:
    """Their security group carries both marks, too, and the name of its kind beside them."""
    account = Account(cloud)
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    name = "praxis-alpha-ecs-leaf"
    tags = [*MARK, {"Key": "praxis_kind", "Value": "leaf"}, {"Key": "Name", "Value": name}]
    ec2.create_security_group(GroupName=name, Description="Tasks", VpcId=vpc,
                              TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}])  # fmt: skip
    account.own = set(account._listed())
    account.present(vpc=vpc)
    gone = account.absent()
    assert name not in {each for _action, _kind, each in rows(gone)}
    assert account.resources() == {}
    assert account.own == set(account._listed())


def test_removal_in_check_mode_then_removal_then_again(cloud: Cloud) -> None:
    account = Account(cloud)
    account.present()
    cloud.operations.clear()
    predicted = account.absent(check=True)
    assert cloud.changes() == []
    gone = account.absent()
    assert gone["plan"] == predicted["plan"]
    assert [kind for _action, kind, _name in rows(gone)] == [
        "load balancer", "target group", "machine", "instance profile", "role", "key pair", "security group",
        "security group", "subnet", "subnet", "route table", "internet gateway", "VPC",
    ]  # fmt: skip
    assert account.resources() == {}
    cloud.operations.clear()
    assert (rows(account.absent()), cloud.changes()) == ([], [])


def test_the_instance_profile_taken_off_a_machine_is_named_and_restored(cloud: Cloud) -> None:
    """What is set at launch is also kept."""
    account = Account(cloud)
    made = account.present()
    id_ = made["machines"][0]["instance_id"]
    ec2 = cloud.client("ec2")
    (held,) = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    ec2.disassociate_iam_instance_profile(AssociationId=held["AssociationId"])
    (row,) = account.present()["plan"]["rows"]
    assert (row["id"], [each["field"] for each in row["fields"]]) == (id_, ["instance_profile"])
    assert rows(account.present()) == []


def test_too_many_rules_are_refused_untouched_unless_the_account_has_a_higher_quota(cloud: Cloud) -> None:
    account = Account(cloud)
    far = [f"198.51.{each}.{4 * each}" for each in range(60)]
    with pytest.raises(Failed) as refused:
        account.present(p2p_from=far)
    assert codes(refused) == ["rules-over-quota"]
    assert account.resources() == {}


def registered(account: Account, hosts: int = 2) -> list[str]:
    """A fleet whose machines are behind its load balancer; their ids, by slot."""
    machines = account.present(hosts=hosts)["machines"]
    elb = account.cloud.client("elbv2")
    (group,) = elb.describe_target_groups()["TargetGroups"]
    targets = [{"Id": each["instance_id"], "Port": 8000} for each in machines]
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=targets)
    account.cloud.operations.clear()
    return [each["instance_id"] for each in machines]


def test_a_machine_that_goes_leaves_the_load_balancer_first(cloud: Cloud) -> None:
    account = Account(cloud)
    registered(account)
    account.present(check=True, hosts=1, allow_shrink=True)
    assert cloud.changes() == []
    account.present(hosts=1, allow_shrink=True)
    assert cloud.changes() == ["DeregisterTargets", "TerminateInstances"]


@pytest.mark.parametrize("ends", [True, False])
def test_a_machine_that_goes_ends_its_requests(cloud: Cloud, ends: bool) -> None:
    """The last run took it out, and was stopped: it may not be cut off now either."""
    account = Account(cloud)
    _stays, goes = registered(account)
    draining = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
    cloud.health[goes] = [draining] * 3 + [("unused", "Target.NotRegistered", "") if ends else draining]
    if ends:
        account.present(hosts=1, allow_shrink=True)
        seen = cloud.operations[: cloud.operations.index("TerminateInstances")]
        assert (seen.count("DescribeTargetHealth"), cloud.changes()) == (4, ["TerminateInstances"])
    else:
        with pytest.raises(Failed) as refused:
            account.present(hosts=1, allow_shrink=True)
        assert (codes(refused), cloud.changes()) == (["target-not-drained"], [])


def test_a_machine_that_goes_is_left_a_while_where_the_load_balancer_gives_it_none(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(cloud, options={"deregistration_delay": 0})
    registered(account)
    slept: list[tuple[float, list[str]]] = []
    monkeypatch.setattr(Clock, "sleep", lambda _self, seconds: slept.append((seconds, [*cloud.changes()])))
    account.present(hosts=1, allow_shrink=True)
    assert (10.0, ["DeregisterTargets"]) in slept


def test_the_last_machine_that_serves_does_not_go(cloud: Cloud) -> None:
    """It is said before anything is touched, in check mode as well."""
    account = Account(cloud)
    stays, _goes = registered(account)
    cloud.health[stays] = [("unhealthy", "Target.Timeout", "Request timed out")]
    for check in (True, False):
        with pytest.raises(Failed) as refused:
            account.present(check=check, hosts=1, allow_shrink=True, ssh_from=[])
        assert (codes(refused), cloud.changes()) == (["none-would-serve"], [])
