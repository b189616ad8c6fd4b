# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor on real machines: nothing is found of a sound fleet, new or deployed; planted faults are named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests import tiers

from . import hunting
from .conftest import Cloud, Machine, Run
from .doctor_faults import (
    ABSENT_DIGEST,
    ENGINE_DOWN,
    EXPOSED,
    MODEL,
    SCENES,
    TOO_MUCH,
    WRONG_ADDRESS,
    Account,
    Fault,
    Scene,
    run_printed,
)

AREAS = {"plan", "agents", "machines", "images", "names", "peers", "networks", "secrets", "infrastructure",
         "permissions"}  # fmt: skip


def _as_policies_say(operation: str) -> str:
    """An operation of the log by its action's name, where IAM calls the service otherwise."""
    service, _colon, name = operation.partition(":")
    words = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas"}
    return f"{words.get(service, service)}:{name}"


@dataclass
class Fleet:
    """Three machines by number, and the account past the product.

    :param sent: by verb, the actions that it has sent.
    :param sound: whether all that was planted has been undone.
    """

    cloud: Cloud
    sent: dict[str, set[str]] = field(default_factory=dict)
    sound: bool = True

    def run(self, verb: str, *arguments: str, **more: Any) -> Run:
        """Run a playbook, and keep what it asks AWS for."""
        mark = self.cloud.mark()
        run = self.cloud.run(f"{verb}.yml", *arguments, **more)
        asked = {"{service}:{operation}".format(**each) for each in self.cloud.operations(mark)}
        self.sent.setdefault(verb, set()).update(_as_policies_say(each) for each in asked)
        return run

    def policies(self) -> dict[str, list[dict[str, Any]]]:
        """By verb, the statements of its policy, as the playbook says them."""
        found = self.cloud.run("policies.yml").summary["policies"]
        return {verb: document["Statement"] for verb, document in found.items()}

    def machine(self, number: int) -> Machine:
        return next(item for item in self.cloud.machines() if item.name == f"praxis-aws-{number}")

    def doctor(self, expect: int, *arguments: str) -> Run:
        """Run the doctor, and see that it changes nothing."""
        mark, before = self.cloud.mark(), hunting.fingerprints(self.cloud)
        run = self.run("doctor", *arguments, expect=expect)
        assert not run.changed
        assert not [each for each in self.cloud.operations(mark) if each["mutating"]]
        assert hunting.fingerprints(self.cloud) == before
        return run


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Fleet:
    """Three machines without an agent."""
    found = Fleet(cloud)
    found.run("provision")
    return found


@pytest.fixture(scope="module")
def deployed(fleet: Fleet) -> Fleet:
    fleet.run("deploy")
    return fleet


@dataclass
class Planted:
    """A scene whose faults are in force.

    :param faults: those that have not been taken away.
    """

    scene: Scene
    fleet: Fleet
    folder: Path
    faults: list[Fault] = field(default_factory=list)

    @cached_property
    def examined(self) -> Run:
        """What the doctor says while all of it is in force."""
        inventory = self.folder / "hosts.yml"
        inventory.write_text(json.dumps({"praxis": {"hosts": self.hosts}}))
        return self.fleet.doctor(2, "-i", str(inventory))

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self.examined.summary["findings"])

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """The variables of the machines, as the scene's faults have them."""
        cloud = self.fleet.cloud
        name, absent = cloud.state["registry"]["name"] + "/praxis-agent", "sha256:" + "0" * 64
        known: dict[str, dict[str, Any]] = {
            ABSENT_DIGEST: {"praxis_image": f"{name}@{absent}"},
            # Of the fleet's network, and nobody's.
            WRONG_ADDRESS: {"praxis_private_ip": cloud.machines()[0].ip.rpartition(".")[0] + ".254"},
            TOO_MUCH: {"praxis_container": {"memory": "9000g"}},
            MODEL: {"praxis_agent_environment": {"MODEL_URL": f"https://{cloud.state['registry']['name']}/v1"}},
        }
        faults = [fault for fault in self.scene.faults if fault.host]
        return {fault.where: known[fault.host] for fault in faults}

    def of(self, fault: Fault) -> dict[str, Any]:
        """The finding of a fault."""
        (found,) = [item for item in self.findings if is_of(item, fault)]
        return found


def is_of(item: Mapping[str, Any], fault: Fault) -> bool:
    """Whether a finding is a fault's."""
    return (item["code"], item["where"]) == (fault.code, fault.where) and fault.what in item["what"]


@pytest.fixture(scope="module")
def planted(
    request: pytest.FixtureRequest, deployed: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Planted]:
    """All faults of a scene at once."""
    account = Account(deployed.cloud)
    found = Planted(request.param, deployed, tmp_path_factory.mktemp("scene"))
    if not deployed.sound:  # or a failed scene would spoil those after it
        deployed.run("provision")
        deployed.run("deploy")
    deployed.sound = False
    try:
        for fault in found.scene.faults:
            found.faults.append(fault)
            fault.do(account, fault.plant)
        yield found
    finally:
        take_away(account, found)
    # What no command fixes is gone with what was planted.
    deployed.sound = deployed.sound or not any(fault.run_on for fault in found.scene.faults)


def take_away(account: Account, planted: Planted) -> None:
    """Undo what no command undoes, once: the test does it, or the fixture when the test came to no end."""
    while planted.faults:
        fault = planted.faults.pop()
        fault.do(account, fault.unplant)


@pytest.mark.once
@pytest.mark.repetition
def test_of_a_new_fleet_nothing_is_found(fleet: Fleet) -> None:
    summary = fleet.doctor(0).summary
    assert (summary["ok"], summary["findings"]) == (True, [])
    checked = {row["area"]: row["checked"] for row in summary["checks"]}
    assert set(checked) == AREAS
    assert (checked["peers"], checked["images"], checked["networks"]) == (6, 3, 0)


@pytest.mark.once
def test_of_a_sound_fleet_nothing_is_found(deployed: Fleet) -> None:
    run = deployed.doctor(0)
    assert (run.summary["ok"], run.summary["findings"]) == (True, [])
    assert all(row["checked"] for row in run.summary["checks"])
    assert "fleet praxis: sound" in run.output


@pytest.mark.once
def test_a_verb_asks_for_what_its_policy_allows_and_for_nothing_else(deployed: Fleet) -> None:
    for verb, statements in deployed.policies().items():
        allowed = {action for each in statements for action in each["Action"]}
        sent = deployed.sent.get(verb, set()) - {"sts:GetCallerIdentity"}  # needs no permission
        assert sent <= allowed, verb
    assert {"ec2:RunInstances"} <= deployed.sent["provision"]
    asked = {"secretsmanager:BatchGetSecretValue", "ecr:DescribeImages", "iam:SimulatePrincipalPolicy"}
    assert asked <= deployed.sent["doctor"]


def test_thirty_faults_are_planted() -> None:
    faults = [fault for scene in SCENES for fault in scene.faults]
    planted = {(fault.code, fault.what) for fault in faults if fault.plant or fault.host}
    assert len(planted) >= 30


@pytest.mark.once
@pytest.mark.parametrize("planted", tiers.rows(SCENES), ids=str, indirect=True)
def test_planted_faults_are_named_and_nothing_else_is(planted: Planted) -> None:
    run = planted.examined
    named = [(item["code"], item["where"], item["level"], item["run_on"]) for item in planted.findings]
    wanted = [(fault.code, fault.where, fault.level, fault.run_on) for fault in planted.scene.faults]
    assert sorted(named) == sorted(wanted), run.output
    for fault in planted.scene.faults:
        assert planted.of(fault)["run_on"] == fault.run_on
    assert "fleet praxis: not sound" in run.output


@pytest.mark.once
@pytest.mark.repetition
@pytest.mark.parametrize("planted", SCENES, ids=str, indirect=True)
def test_what_the_findings_say_fixes_them(deployed: Fleet, planted: Planted) -> None:
    """Every command as it is printed, on the machine or here; what has none is a person's, and is taken away."""
    findings = planted.findings
    take_away(Account(deployed.cloud), planted)
    run_printed(deployed.cloud, findings)
    deployed.cloud.run("verify.yml", expect=None)  # waits until the load balancer has asked again
    assert deployed.doctor(0).summary["findings"] == []
    deployed.sound = True


@pytest.mark.once
@pytest.mark.repetition
def test_what_is_named_is_fixed_and_nothing_else(deployed: Fleet) -> None:
    cloud = deployed.cloud
    cloud.on(deployed.machine(1), EXPOSED)
    cloud.on(deployed.machine(2), ENGINE_DOWN)
    both = {"secret-exposed": "praxis-aws-1", "engine-down": "praxis-aws-2"}

    def named(run: Run) -> dict[str, str]:
        return {item["code"]: item["where"] for item in run.summary["findings"]}

    def states(run: Run) -> dict[str, str]:
        return {item["code"]: item["state"] for item in run.summary["fixed"]}

    unknown = fixing(deployed, "secret-exposed", "everything")
    assert (unknown.changed, states(unknown)) == ({}, {})
    assert named(unknown) == {**both, "unknown-fix": "praxis_doctor_fix"}

    predicted = fixing(deployed, *both, check=True)
    assert (predicted.changed, states(predicted), named(predicted)) == ({}, dict.fromkeys(both, "would"), both)

    one = fixing(deployed, "secret-exposed")
    assert (one.changed, states(one)) == ({"praxis-aws-1": 1}, {"secret-exposed": "fixed"})
    assert named(one) == {"engine-down": "praxis-aws-2"}
    assert "fixed: praxis-aws-1: secret-exposed, by chown " in one.output

    rest = fixing(deployed, *both)
    assert (rest.changed, states(rest)) == ({"praxis-aws-2": 1}, {"engine-down": "fixed"})
    cloud.run("verify.yml", expect=None)  # waits until the agent is in the mesh and behind the load balancer again
    assert deployed.doctor(0).summary["findings"] == []


def fixing(fleet: Fleet, *names: str, check: bool = False) -> Run:
    """The doctor, that is to fix these. An error is found before or after, or none."""
    arguments = ["--check"] if check else []
    return fleet.cloud.run("doctor.yml", "-e", json.dumps({"praxis_doctor_fix": names}), *arguments, expect=None)


@pytest.mark.once
def test_more_than_a_quota_allows_is_refused_before_anything_is_made(deployed: Fleet) -> None:
    """13 machines of 96 vCPUs, where an account has 1152 of them."""
    many = {"praxis_hosts": 13, "praxis_instance_type": "m5.24xlarge"}
    mark = deployed.cloud.mark()
    for mode in ((), ("--check",)):
        run = deployed.cloud.run("provision.yml", *mode, expect=2, variables=many, environment={"PRAXIS_FLEET": "many"})
        (found,) = run.failed[0]["failures"]
        assert found["code"] == "over-quota"
        assert "1248 vCPUs would be added to 6 in use" in found["what"]
    assert not [each for each in deployed.cloud.operations(mark) if each["mutating"]]


@pytest.mark.once
@pytest.mark.repetition
def test_the_doctor_says_what_a_quota_does_not_allow(deployed: Fleet) -> None:
    run = deployed.doctor(2, "-e", "praxis_hosts=16 praxis_instance_type=m5.24xlarge")
    assert [item["code"] for item in run.summary["findings"]].count("over-quota") == 1
    assert {item["code"] for item in run.summary["findings"]} == {"over-quota", "machine-missing"}
