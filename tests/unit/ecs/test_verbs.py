# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs as the action carries them out: who writes holds the lock, and who has nothing to write takes none."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from tests.unit.ecs.conftest import CRASHING, Account
from tests.unit.ecs.made import ACCOUNT, BOOTSTRAP, REGION, codes
from tests.unit.ecs.test_least_privilege import POLICY
from tests.unit.ecs.test_lock import ecs_lock
from tests.unit.infrastructure.enforcement import Operator

LATER = {"agent_config": {"llm": {"timeout": 7}}}
LOCKED = ("RegisterTaskDefinition", "DeregisterTaskDefinition")


def written(account: Account) -> list[str]:
    """What a verb wrote between taking the lock and giving it back."""
    first, *found, last = account.cloud.changes()
    assert (first, last) == LOCKED
    return found


@pytest.mark.slow
def test_a_deployment_writes_under_the_lock_and_the_second_writes_nothing(account: Account) -> None:
    predicted = account.verb("deployed", check=True)
    assert account.cloud.changes() == [] and predicted["changed"]
    done = account.verb("deployed", args={"plan_id": predicted["plan_id"]})
    assert done["ok"] and done["changed"] and done["plan"] == predicted["plan"]
    assert written(account)[0] == "CreateCluster"
    again = account.verb("deployed")
    assert again["ok"] and not again["changed"]
    assert account.cloud.changes() == []


@pytest.mark.slow
def test_of_two_runs_the_second_writes_nothing_of_the_fleet(account: Account) -> None:
    account.verb("deployed")
    verbs: list[tuple[str, dict[str, Any]]] = [("deployed", LATER), ("absent", {})]
    with ecs_lock("one").held():
        for state, values in verbs:
            with pytest.raises(Failed) as raised:
                account.verb(state, **values)
            assert codes(raised.value) == ["fleet-locked"]
            assert tuple(account.cloud.changes()) == LOCKED
        # Who only observes, and who has nothing to write, is not kept from it.
        assert account.verb("plan", **LATER)["plan"]["rows"]
        assert account.verb("verified")["ok"] and account.verb("deployed")["ok"]


@pytest.mark.slow
def test_who_only_observes_says_who_is_at_work_and_since_when(account: Account) -> None:
    account.verb("deployed")
    verbs: list[tuple[str, bool]] = [("plan", False), ("status", False), ("verified", False), ("deployed", True)]
    with ecs_lock("one").held():
        for state, check in verbs:
            done = account.verb(state, check=check, **LATER)
            (named,) = [each for each in done["findings"] if each["code"] == "fleet-locked"]
            assert done["ok"] and named["level"] == "warning" and account.cloud.changes() == []
            assert re.match(r"Deployment one of \S+ \(deployment\) is at work since 20\d\d-\d\d-\d\d ", named["what"])
    assert [each for each in account.verb("status")["findings"] if each["code"] == "fleet-locked"] == []


@pytest.mark.slow
def test_a_plan_that_was_agreed_to_is_held_to_under_the_lock(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.verb("deployed")
    agreed = account.verb("plan", **LATER)["plan_id"]
    observe = account.fleet().__class__.observe
    seen: list[int] = []

    def observed(fleet: Any) -> None:
        seen.append(1)
        if len(seen) == 2:  # another run has ended between the plan and the lock
            named = {"cluster": "praxis-demo", "service": "leaf"}
            account.cloud.client("ecs").update_service(**named, enableExecuteCommand=True)
        observe(fleet)

    monkeypatch.setattr("ansible_collections.praxis.cloud.plugins.action.fleet_ecs.EcsFleet.observe", observed)
    with pytest.raises(Failed) as raised:
        account.verb("deployed", args={"plan_id": agreed}, **LATER)
    assert codes(raised.value) == ["plan-changed"]
    assert [each for each in account.cloud.changes() if each not in LOCKED] == ["UpdateService"]
    there = account.cloud.client("ecs").list_task_definitions(familyPrefix="praxis-demo-leaf")
    assert len(there["taskDefinitionArns"]) == 1


@pytest.mark.slow
def test_a_dead_run_is_taken_over_and_said(account: Account) -> None:
    dead = ecs_lock("dead").held()
    dead.__enter__()
    done = account.verb("deployed", args={"take_over": "dead"})
    assert done["ok"] and [each["code"] for each in done["findings"]] == ["unfinished"]


@pytest.mark.slow
def test_a_bad_release_gives_the_lock_back(account: Account) -> None:
    account.verb("deployed")
    failed = account.verb("deployed", image=CRASHING)
    assert not failed["ok"] and account.cloud.changes()[-1] == "DeregisterTaskDefinition"
    assert account.verb("deployed")["ok"]


@pytest.mark.slow
def test_a_rollback_and_a_removal_write_under_the_lock(account: Account) -> None:
    account.verb("deployed")
    account.verb("deployed", **LATER)
    assert account.verb("rolled_back", **LATER)["changed"]
    assert written(account) == ["UpdateService"]
    assert account.verb("absent", **LATER)["changed"]
    assert "DeleteCluster" in written(account)
    assert not account.verb("absent", **LATER)["changed"] and account.cloud.changes() == []


@pytest.mark.slow
def test_a_removal_needs_nothing_that_a_deployment_needs(account: Account) -> None:
    """Neither the secret and the image, nor the target group, nor a service that could become what is wanted."""
    account.verb("deployed")
    account.cloud.client("secretsmanager").delete_secret(SecretId="llm", ForceDeleteWithoutRecovery=True)
    gone = {"image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/praxis:gone", "target_group": "gone",
            "ecs_": {"capacity": "EC2", "cluster": "praxis-demo", "autoscaler": {"requests": 600}}}  # fmt: skip
    assert account.verb("absent", **gone)["changed"]
    assert "DeleteCluster" in written(account)


@pytest.mark.slow
@pytest.mark.parametrize("ecs_", [{"subnets": None, "bootstrap": None}, {"subnets": ["subnet-0f0f0f0f"]}])
def test_a_removal_needs_neither_subnets_nor_members_to_dial(account: Account, ecs_: dict[str, Any]) -> None:
    account.verb("deployed")
    assert account.verb("absent", ecs_=ecs_)["changed"]
    assert {"DeleteCluster", "DeleteSecurityGroup", "DeleteService"} <= set(written(account))
    assert not account.verb("absent", ecs_=ecs_)["changed"]


@pytest.mark.slow
def test_a_removal_takes_the_security_group_of_a_vpc_that_the_tasks_have_left(account: Account) -> None:
    account.verb("deployed")
    ec2 = account.cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    account.subnets[:] = [ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]]
    account.verb("deployed")
    removed = account.verb("absent")
    assert [row["kind"] for row in removed["plan"]["rows"]].count("security group") == 2
    ours = [{"Name": "tag:praxis_fleet", "Values": ["demo"]}]
    assert ec2.describe_security_groups(Filters=ours)["SecurityGroups"] == []


#: A cluster of the user's, and the fleet's own.
THEIRS, OWN = {"cluster": "theirs"}, {"cluster": None}


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after", "left"), [(OWN, THEIRS, "praxis-demo"), (THEIRS, OWN, "theirs")])
def test_a_service_that_its_kind_has_left_behind_in_another_cluster_is_named_and_removed_with_it(
    account: Account, before: dict[str, Any], after: dict[str, Any], left: str
) -> None:
    ecs = account.cloud.client("ecs")
    ecs.create_cluster(clusterName="theirs", capacityProviders=["FARGATE", "FARGATE_SPOT"])
    assert account.verb("deployed", ecs_=before)["findings"] == []
    for state, check in (("deployed", True), ("deployed", False), ("status", False), ("verified", False)):
        result = account.verb(state, check, ecs_=after)
        (found,) = [each for each in result["findings"] if each["code"] == "left-in-cluster"]
        assert found["level"] == "warning" and f"cluster {left}" in found["where"]
        assert f"--cluster {left} --service leaf" in found["fix"]
    assert result["ok"]

    removed = account.verb("absent", ecs_=after)
    assert f"leaf in {left}" in [row["name"] for row in removed["plan"]["rows"] if row["kind"] == "service"]
    assert [each for name in ("theirs", "praxis-demo") for each in living(account, name)] == []
    assert account.cloud.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")[
        "ScalableTargets"] == []  # fmt: skip
    assert not account.verb("absent", ecs_=after)["changed"]


def living(account: Account, cluster: str) -> list[str]:
    """The services of a cluster that are active."""
    ecs = account.cloud.client("ecs")
    try:
        found = ecs.describe_services(cluster=cluster, services=["leaf"])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        return []
    return [each["serviceName"] for each in found if each["status"] == "ACTIVE"]


@pytest.mark.slow
@pytest.mark.parametrize("readable", [True, False])
def test_a_service_of_the_name_that_others_have_in_their_cluster_is_none_of_ours(
    account: Account, readable: bool
) -> None:
    ecs, scaling = account.cloud.client("ecs"), account.cloud.client("application-autoscaling")
    account.verb("deployed")
    (service,) = ecs.describe_services(cluster="praxis-demo", services=["leaf"])["services"]
    ecs.create_cluster(clusterName="theirs", capacityProviders=["FARGATE", "FARGATE_SPOT"])
    ecs.create_service(cluster="theirs", serviceName="leaf", taskDefinition=service["taskDefinition"], desiredCount=1,
                       launchType="FARGATE", networkConfiguration=service["networkConfiguration"])  # fmt: skip
    scaling.register_scalable_target(ServiceNamespace="ecs", ResourceId="service/theirs/leaf", MinCapacity=1,
                                     MaxCapacity=2, ScalableDimension="ecs:service:DesiredCount")  # fmt: skip
    fleet = account.fleet()
    with nullcontext() if readable else Operator().only(POLICY):
        assert fleet.left() == []


def killed(
    account: Account, monkeypatch: pytest.MonkeyPatch, after: str, times: int = 1, verb: Callable[[], Any] | None = None
) -> list[str]:
    """A verb whose ansible-playbook is gone as soon as it has written this so often; all that it has written.

    :param verb: without one, a deployment.
    """
    seen = account.cloud.operations
    with monkeypatch.context() as patched:
        patched.setattr(Playbook, "ended", property(lambda _self: seen.count(after) >= times))
        with pytest.raises(Failed) as raised:
            (verb or (lambda: account.verb("deployed", **LATER)))()
    assert codes(raised.value) == ["playbook-ended"]
    return account.cloud.changes()


@pytest.mark.slow
def test_a_run_whose_playbook_was_killed_stops_and_the_next_one_goes_on_with_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.verb("deployed")
    assert killed(account, monkeypatch, "UpdateService") == [LOCKED[0], LOCKED[0], "UpdateService", *LOCKED]
    assert [row["outcome"] for row in account.verb("history")["deployments"]] == ["", "good"], "nobody has judged it"
    assert [each["code"] for each in account.verb("status", **LATER)["findings"]][:1] == ["unfinished"]
    done = account.verb("deployed", **LATER)
    assert done["ok"] and not done["changed"] and [each["code"] for each in done["findings"]] == ["unfinished"]
    assert [row["outcome"] for row in account.verb("history")["deployments"]] == ["good", "good"]
    assert account.verb("deployed", **LATER)["findings"] == [] and account.cloud.changes() == []


@pytest.mark.slow
def test_what_a_killed_run_has_done_is_undone_by_a_rollback(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    before = account.verb("deployed")["services"][0]["revision"]
    killed(account, monkeypatch, "UpdateService")
    done = account.verb("rolled_back", **LATER)
    assert done["ok"] and [each["code"] for each in done["findings"]] == ["unfinished"]
    assert done["services"][0]["revision"] == before
    assert account.verb("status")["findings"] == []


@pytest.mark.slow
def test_a_run_that_was_killed_before_it_touched_the_service_keeps_nobody_out(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.verb("deployed")
    assert killed(account, monkeypatch, LOCKED[0], 2) == [LOCKED[0], LOCKED[0], *LOCKED]
    other = account.verb("deployed", agent_config={"llm": {"timeout": 8}})
    assert other["ok"] and other["changed"] and [each["code"] for each in other["findings"]] == ["unfinished"]


@pytest.mark.slow
def test_a_lock_that_was_left_is_said_by_a_run_with_nothing_to_write_and_freed_when_it_is_told_to(
    account: Account,
) -> None:
    account.verb("deployed")
    dead = ecs_lock("dead").held()
    dead.__enter__()
    done = account.verb("deployed")
    assert done["ok"] and [each["code"] for each in done["findings"]] == ["fleet-locked"]
    done = account.verb("deployed", args={"take_over": "dead"})
    assert done["ok"] and [each["code"] for each in done["findings"]] == ["unfinished"]
    assert account.verb("deployed")["findings"] == []


@pytest.mark.slow
def test_what_members_have_seen_is_judged_by_those_who_observe_alone(account: Account) -> None:
    done = account.verb("deployed")
    addresses = [each["address"] for each in done["tasks"]]
    assert len(addresses) == 2 and all(addresses)
    assert done["dialled"] == {each.rpartition("/")[2]: addresses for each in BOOTSTRAP}

    def seen(*by: list[str]) -> dict[str, Any]:
        edges = [[{"local": "10.0.0.4:4001", "remote": f"{each}:40112", "retransmits": 0} for each in of] for of in by]
        ids = [each.rpartition("/")[2] for each in BOOTSTRAP]
        return {
            f"m{number}": {"observation": {"p2p_port": 4001, "edges": each, "api": {"peer_id": ids[number]}}}
            for number, each in enumerate(edges)
        }

    assert account.verb("verified", args={"seen": seen(addresses)})["ok"]
    stranger = {"m9": {"observation": {"p2p_port": 4001, "edges": [], "api": {"peer_id": "12D3KooWnobody"}}}}
    assert account.verb("verified", args={"seen": {**seen(addresses), **stranger}})["ok"]
    alone = account.verb("verified", args={"seen": seen(addresses[:1], [])})
    assert [each["code"] for each in alone["findings"]] == ["task-alone"] and not alone["ok"]
    unasked = account.verb("verified", args={"seen": seen([])}, ecs_={"edges": 0})
    assert unasked["ok"]
    away: dict[str, Any] = {"m0": {"unreachable": True}, "m1": {}}
    unseen = account.verb("verified", args={"seen": away})
    assert [each["code"] for each in unseen["findings"]] == ["members-unobserved"] and unseen["ok"]
    assert account.verb("verified")["findings"] == []
    assert account.verb("plan")["tasks"] == account.verb("deployed", check=True)["tasks"] == []
    assert "ListTasks" not in account.cloud.operations, "a plan needs no tasks"
