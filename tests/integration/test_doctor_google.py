# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor in a Google Cloud project: what its owner has changed past the product is named, and nothing else is.

What machines show of themselves, test_doctor.py plants: it is the same on both clouds. Where nothing fixes what is
planted here, it stays: the files after this one have fleets of their own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from .conftest import HOME, Cloud, Run
from .doctor_faults import Fault, by_playbook, run_printed
from .project import Project
from .test_doctor import Fleet, is_of

NAME = "praxis-praxis"
IAM, PROJECTS = "https://iam.googleapis.com/v1", "https://cloudresourcemanager.googleapis.com/v3"
#: The role that the sandbox's controller has on the project.
ROLE = "praxis_controller"
#: The role that the finding's commands make.
GRANTED = "praxis_provision"
#: Which only provisioning needs, and needs to bring back what is planted.
PERMISSION = "compute.firewalls.update"
#: How a finding says what grants a permission: a role is made, or gets more where it is there, and is granted.
GRANT = re.compile(r"Grant it: (?P<make>gcloud .+?) \((?P<more>gcloud .+?) if that role exists\), and then "
                   r"(?P<bind>gcloud .+?)\. make policies")  # fmt: skip


class Owned(Project):
    """The project as its owner changes it, past the product."""

    @property
    def network(self) -> str:
        """Where the machines' addresses are."""
        return self.environment["PRAXIS_GCP_CIDR"]

    def admit(self, rule: str, *networks: str) -> None:
        """Let a firewall rule admit these, and nobody else."""
        self.patch(f"global/firewalls/{NAME}-{rule}", sourceRanges=[*networks])

    def ask_at(self, port: int) -> None:
        """Let the health check ask at another port."""
        self.patch(f"global/healthChecks/{NAME}", httpHealthCheck={"port": port})

    def remove(self, path: str) -> None:
        self.finish(self.call("DELETE", path))

    def answer_at(self, port: str) -> None:
        """Let the load balancer answer at another port: a forwarding rule keeps its own for as long as it lives."""
        there = self.call("GET", f"global/forwardingRules/{NAME}")
        kept = {name: there[name] for name in ("name", "description", "IPAddress", "IPProtocol", "loadBalancingScheme",
                                               "target", "labels")}  # fmt: skip
        self.remove(f"global/forwardingRules/{NAME}")
        self.finish(self.call("POST", "global/forwardingRules", {**kept, "portRange": port}))

    def tag(self, number: int, tag: str) -> None:
        """Give a machine this network tag in place of that by which firewall rules know it."""
        machine = self.instances("praxis")[number - 1]
        self.edit(machine, "setTags", items=[tag], fingerprint=machine["tags"]["fingerprint"])

    def role(self, name: str) -> str:
        return f"{IAM}/projects/{self.project}/roles/{name}"

    def has(self, role: str) -> bool:
        return bool(self.session().request("GET", self.role(role), timeout=30).status_code == HTTPStatus.OK)

    def forbid(self, permission: str) -> None:
        """Take a permission out of the controller's role, and out of what has been granted since."""
        for role in filter(self.has, (ROLE, GRANTED)):
            self.include(role, self.included(role) - {permission})

    def allow(self, permission: str) -> None:
        self.include(ROLE, self.included(ROLE) | {permission})

    def included(self, role: str) -> set[str]:
        return {*self.call("GET", self.role(role))["includedPermissions"]}

    def include(self, role: str, permissions: set[str]) -> None:
        """Let a role have these permissions."""
        body = {"includedPermissions": sorted(permissions)}
        self.call("PATCH", self.role(role), body, updateMask="includedPermissions")


def gcloud(owned: Owned, command: str) -> None:
    """A command of gcloud that findings print, as the requests that it sends."""
    words = shlex.split(command)
    given = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    match [word for word in words if not word.startswith("--")]:
        case ["gcloud", "iam", "roles", "create", name]:
            role = {"title": name, "includedPermissions": given["permissions"].split(",")}
            owned.call("POST", f"{IAM}/projects/{given['project']}/roles", {"roleId": name, "role": role})
        case ["gcloud", "iam", "roles", "update", name]:
            owned.include(name, owned.included(name) | {*given["add-permissions"].split(",")})
        case ["gcloud", "projects", "add-iam-policy-binding", name]:
            url, asked = f"{PROJECTS}/projects/{name}", {"options": {"requestedPolicyVersion": 3}}
            assert given["condition"] == "None"
            policy = owned.call("POST", f"{url}:getIamPolicy", asked)
            bindings = [*policy["bindings"], {"role": given["role"], "members": [given["member"]]}]
            owned.call("POST", f"{url}:setIamPolicy", {"policy": {**policy, "bindings": bindings}})
        case other:
            pytest.fail(f"no finding prints {other}")


RULE, WORLD = f"firewall rule {NAME}", "0.0.0.0/0"
FAULTS = (
    by_playbook("p2p-port-shut", f"{RULE}-p2p", lambda owned: owned.remove(f"global/firewalls/{NAME}-p2p"),
                what="is missing"),
    # Where the other half of Google's load balancers comes from is left out.
    by_playbook("api-port-shut", f"{RULE}-api", lambda owned: owned.admit("api", "130.211.0.0/22")),
    by_playbook("port-open", f"{RULE}-ssh", lambda owned: owned.admit("ssh", owned.network, WORLD), what=WORLD,
                level="warning"),
    by_playbook("health-check-differs", f"health check {NAME}", lambda owned: owned.ask_at(9000), what="9000"),
    by_playbook("infrastructure-differs", f"forwarding rule {NAME}", lambda owned: owned.answer_at("8080"),
                what="8080"),
    by_playbook("infrastructure-differs", "machine praxis-gcp-2", lambda owned: owned.tag(2, "stranger"),
                what="stranger", level="warning"),
    Fault("permission-missing", "Google Cloud provision", lambda owned: owned.forbid(PERMISSION),
          lambda owned: owned.allow(PERMISSION), what=PERMISSION, level="warning"),
)  # fmt: skip


@pytest.fixture(scope="module")
def owned(cloud: Cloud) -> Owned:
    return Owned(cloud.environment, HOME)


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Fleet:
    """Three machines with an agent each, of which nothing is found."""
    found = Fleet(cloud)
    found.run("provision")
    found.run("deploy")
    return found


@pytest.fixture(scope="module")
def examined(fleet: Fleet, owned: Owned) -> Iterator[Run]:
    """What the doctor says while all faults are in force. What no playbook brings back is taken away at the end."""
    try:
        for fault in FAULTS:
            fault.do(owned, fault.plant)
        yield fleet.doctor(2)
    finally:
        for fault in FAULTS:
            fault.do(owned, fault.unplant)


@pytest.mark.repetition
def test_of_a_sound_fleet_nothing_is_found(fleet: Fleet) -> None:
    summary = fleet.doctor(0).summary
    assert summary["findings"] == []
    assert all(row["checked"] for row in summary["checks"])


@pytest.mark.repetition
def test_more_than_a_quota_allows_is_refused_before_anything_is_made(fleet: Fleet) -> None:
    """13 disks of 4000 GB, where a region has 40960 GB. The doctor says which machines would be made all the same."""
    many = {"praxis_hosts": 13, "praxis_root_volume_gb": 4000}
    mark = fleet.cloud.mark()
    for mode in ((), ("--check",)):
        run = fleet.cloud.run("provision.yml", *mode, expect=2, variables=many, environment={"PRAXIS_FLEET": "many"})
        (found,) = run.failed[0]["failures"]
        assert found["code"] == "over-quota"
        assert "52000 GB would be added to 0 in use, and the quota SSD_TOTAL_GB is 40960" in found["what"]
    assert not [each for each in fleet.cloud.operations(mark) if each["mutating"]]
    said = fleet.doctor(2, "-e", "praxis_hosts=16 praxis_root_volume_gb=4000").summary["findings"]
    assert {item["code"] for item in said} == {"over-quota", "machine-missing"}


def test_planted_faults_are_named_and_nothing_else_is(examined: Run) -> None:
    findings = examined.summary["findings"]
    named = [(item["code"], item["where"], item["level"], item["run_on"]) for item in findings]
    wanted = [(fault.code, fault.where, fault.level, fault.run_on) for fault in FAULTS]
    assert sorted(named) == sorted(wanted), examined.output
    for fault in FAULTS:
        assert any(is_of(item, fault) for item in findings), fault
    assert "fleet praxis: not sound" in examined.output


@pytest.mark.repetition
def test_what_the_findings_say_fixes_them(fleet: Fleet, owned: Owned, examined: Run) -> None:
    """The permission first: without it provision.yml is refused what it has to bring back."""
    findings = examined.summary["findings"]
    refused = fleet.cloud.run("provision.yml", expect=2)
    assert PERMISSION in refused.output
    for item in findings:
        if item["code"] == "permission-missing":
            grant(owned, item["fix"])
    run_printed(fleet.cloud, findings)
    fleet.cloud.run("verify.yml", expect=None)  # waits until the load balancer has asked again
    assert fleet.doctor(0).summary["findings"] == []


@pytest.mark.repetition
def test_a_machine_that_somebody_has_deleted_is_named_and_made_again(fleet: Fleet, owned: Owned) -> None:
    owned.remove(owned.instances("praxis")[2]["selfLink"])
    findings = fleet.doctor(2).summary["findings"]
    assert [(item["code"], item["where"]) for item in findings] == [("machine-missing", "machine praxis-gcp-3")]
    run_printed(fleet.cloud, findings)
    fleet.run("deploy")
    assert fleet.doctor(0).summary["findings"] == []


def grant(owned: Owned, fix: str) -> None:
    """Run the commands that a finding prints, as a person would: a role that is there already gets more."""
    commands = GRANT.search(fix)
    assert commands, fix
    gcloud(owned, commands["more" if owned.has(GRANTED) else "make"])
    gcloud(owned, commands["bind"])
