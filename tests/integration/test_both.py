# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fleet over AWS and Google Cloud: two members in each, one mesh. The tests go in this order."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from . import seen
from .conftest import HOME, Cloud, Machine, sandbox, up
from .owner import AwsOwner, GoogleOwner
from .test_deploy import mutations, order

EACH = {"PRAXIS_HOSTS": "2"}
NAMES = ["praxis-aws-1", "praxis-aws-2", "praxis-gcp-1", "praxis-gcp-2"]


@pytest.fixture(scope="module")
def both(cloud: Cloud) -> Iterator[Cloud]:
    """A sandbox of both clouds, in the place of the one before."""
    sandbox("down")
    up("aws,gcp")
    try:
        yield Cloud("aws,gcp")
    finally:
        sandbox("down")
        up(cloud.name)


@pytest.fixture(scope="module")
def fleet(both: Cloud) -> Cloud:
    """Provisioned and deployed with both inventories."""
    provisioned = both.run("provision.yml", environment=EACH)
    assert sorted(machine["name"] for machine in provisioned.summary["machines"]) == NAMES
    environment = both.environment
    assert provisioned.summary["region"] == [environment["AWS_REGION"], environment["CLOUDSDK_COMPUTE_REGION"]]
    deployed = both.run("deploy.yml", "--diff", environment=EACH)
    assert deployed.summary["ok"] and deployed.summary["findings"] == []
    return both


def of(cloud: Cloud, name: str) -> Machine:
    return next(machine for machine in cloud.machines() if machine.name == name)


def across(one: str, other: str) -> bool:
    return one.split("-")[1] != other.split("-")[1]


def dialled(cloud: Cloud, name: str) -> dict[str, str]:
    """The addresses in a machine's bootstrap list, by the member whose peer id is beside it."""
    peers = {seen.peer_id(cloud, machine): machine.name for machine in cloud.machines()}
    listed = json.loads(cloud.on(of(cloud, name), "cat /opt/praxis/peers.json"))["multiaddrs"]
    return {peers[text.rpartition("/")[2]]: text.split("/")[2] for text in listed}


def test_crossing_is_refused_unless_it_is_asked_for_by_name(fleet: Cloud) -> None:
    mark, starts = fleet.mark(), seen.started(fleet)
    run = fleet.run("deploy.yml", expect=2, environment=EACH, variables={"praxis_p2p_plaintext_across": False})
    assert [item["code"] for item in run.summary["findings"]] == ["networks-crossed"]
    assert "praxis_p2p_plaintext_across: true" in run.summary["findings"][0]["fix"]
    assert mutations(fleet.operations(mark)) == []
    assert seen.started(fleet) == starts


def test_it_is_one_mesh_seen_from_both_ends(fleet: Cloud) -> None:
    assert seen.edges(fleet) == seen.all_pairs(fleet)
    assert len(seen.all_pairs(fleet)) == 6
    run = fleet.run("verify.yml", environment=EACH)
    assert run.summary["edges"] == {"live": 6, "planned": 6}
    assert {item["name"]: item["peer_id"] for item in run.summary["members"]} == {
        machine.name: seen.peer_id(fleet, machine) for machine in fleet.machines()}


def test_each_edge_uses_the_address_that_the_other_side_can_reach(fleet: Cloud) -> None:
    machines = {machine.name: machine for machine in fleet.machines()}
    for name in NAMES:
        expected = {
            other: machines[other].public_ip if across(name, other) else machines[other].ip
            for other in NAMES if other != name
        }
        assert dialled(fleet, name) == expected
    # In the sandbox a machine of Google's has two addresses, so the two cannot be mistaken for each other.
    assert all(machines[name].public_ip != machines[name].ip for name in NAMES if "gcp" in name)


def test_the_firewalls_admit_the_other_cloud_s_members_and_nobody_else(fleet: Cloud) -> None:
    machines = fleet.machines()
    theirs = {name: sorted(f"{machine.public_ip}/32" for machine in machines if f"-{name}-" in machine.name)
              for name in fleet.clouds}
    google = GoogleOwner(fleet.environment, HOME)
    rules = [rule for rule in google.listed("global/firewalls") if rule["name"].startswith("praxis-praxis")]
    p2p = [sorted(rule.get("sourceRanges", [])) for rule in rules if _opens(rule, "4001") and rule.get("sourceRanges")]
    assert p2p == [theirs["aws"]]
    groups = boto3.client("ec2", **AwsOwner(fleet.environment, HOME).keys).describe_security_groups()["SecurityGroups"]
    (member,) = [group for group in groups if group["GroupName"] == "praxis-praxis-member"]
    admitted = [source["CidrIp"] for rule in member["IpPermissions"] if rule["FromPort"] == 4001
                for source in rule["IpRanges"]]
    assert sorted(admitted) == theirs["gcp"]


def _opens(rule: dict[str, Any], port: str) -> bool:
    return any(port in part.get("ports", []) for part in rule.get("allowed", []))


def test_both_balancers_answer(fleet: Cloud) -> None:
    for url in fleet.state["balancers"].values():
        with urllib.request.urlopen(url.rstrip("/") + "/agent/card", timeout=10) as answer:
            assert answer.status == 200


def test_a_second_run_of_everything_changes_nothing_and_only_reads(fleet: Cloud) -> None:
    mark, starts = fleet.mark(), seen.started(fleet)
    for playbook in ("provision.yml", "deploy.yml"):
        assert fleet.run(playbook, environment=EACH).changed == {}, playbook
    assert mutations(fleet.operations(mark)) == []
    assert {item["service"] for item in fleet.operations(mark)} >= {"ec2", "compute", "secretsmanager", "secretmanager"}
    assert seen.started(fleet) == starts


def test_one_cloud_s_failure_does_not_stop_the_other(fleet: Cloud) -> None:
    mark = fleet.mark()
    run = fleet.run("provision.yml", expect=2, environment={**EACH, "CLOUDSDK_COMPUTE_REGION": "nowhere-1"})
    assert mutations(fleet.operations(mark)) == []
    assert (run.summary["ok"], run.summary["failed"], list(run.summary["clouds"])) == (False, ["gcp"], ["aws"])
    assert [machine["name"] for machine in run.summary["machines"]] == NAMES[:2]
    assert "There is no region 'nowhere-1'" in " ".join(run.output.split())


@pytest.mark.repetition
def test_references_may_point_at_the_other_cloud_s_store(fleet: Cloud) -> None:
    """Everybody's second key comes from the other cloud; then back to what the inventories say."""
    project = fleet.environment["GOOGLE_CLOUD_PROJECT"]
    secrets = {
        "OPENAI_API_KEY": "aws-sm://praxis/praxis/agent#OPENAI_API_KEY",
        "PRAXIS_MASTER_KEY": f"gcp-sm://{project}/praxis_praxis_agent#PRAXIS_MASTER_KEY",
    }
    at_once = {"praxis_batch": "100%", "praxis_canary": 4}
    run = fleet.run("deploy.yml", environment=EACH, variables={"praxis_agent_secrets": secrets, **at_once})
    assert run.summary["ok"]
    owners = {"aws": AwsOwner(fleet.environment, HOME), "gcp": GoogleOwner(fleet.environment, HOME)}
    aws = json.loads(owners["aws"].secrets()["praxis/praxis/agent"])
    google = json.loads(owners["gcp"].secrets()["praxis_praxis_agent"])
    for machine in fleet.machines():
        pid = seen.container(fleet, machine)["State"]["Pid"]
        environment = fleet.on(machine, f"cat /proc/$(pgrep -P {pid} | head -n 1)/environ")
        assert aws["OPENAI_API_KEY"] in environment and google["PRAXIS_MASTER_KEY"] in environment, machine.name
    assert fleet.run("deploy.yml", environment=EACH, variables=at_once).summary["ok"]


def test_identities_are_kept_in_the_member_s_own_cloud(fleet: Cloud) -> None:
    aws = AwsOwner(fleet.environment, HOME).secrets()
    google = GoogleOwner(fleet.environment, HOME).secrets()
    assert sorted(name for name in aws if "identity" in name) == [
        f"praxis/praxis/identity/aws-{number}" for number in (1, 2)]
    assert sorted(name for name in google if "identity" in name) == [
        f"praxis_praxis_identity_gcp-{number}" for number in (1, 2)]


@pytest.mark.repetition
def test_a_link_that_is_cut_between_the_clouds_is_named(fleet: Cloud) -> None:
    one, other = "praxis-aws-1", "praxis-gcp-1"
    order(fleet, "link", "cut", one, other)
    try:
        run = fleet.run("verify.yml", expect=2, environment=EACH)
        wrong = {item["where"] for item in run.summary["findings"] if item["level"] == "error"}
        assert wrong == {f"{one} <-> {other}"}
    finally:
        order(fleet, "link", "heal", one, other)
    seen.wait_for("a whole mesh", lambda: fleet.run("verify.yml", expect=None, environment=EACH).rc == 0, deadline=150,
                  pause=3)


def test_down_with_one_inventory_leaves_the_other_cloud(fleet: Cloud) -> None:
    """And the firewall that is left lets those in no longer who are gone, at its next run."""
    run = fleet.run("down.yml", inventory="inventories/gcp", environment=EACH,
                    variables={"praxis_confirm_down": "praxis"})
    assert sorted(machine.name for machine in fleet.machines()) == NAMES[:2]
    assert len(run.summary["terminated"]) == 2
    again = fleet.run("provision.yml", inventory="inventories/aws", environment=EACH)
    assert set(again.changed) == {"aws-account"}
    assert fleet.run("deploy.yml", inventory="inventories/aws", environment=EACH).summary["ok"]
