# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults: each is found, named once, with its place and its fix; and nothing is found of a sound fleet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import consequences, doctor, mesh, remedies
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences, observations_of
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import make_plan

from .made import IMAGE, fleet, member, meshed, observation, release

PLAN = fleet(3)
REGISTRY = "registry.example"
MODEL = "models.example.org"
TO_M1, TO_M2, TO_M3 = ("10.0.0.%d:4001" % number for number in (1, 2, 3))
ENVIRONMENT, KEY, SEALED = "/run/praxis/r1/environment", "/run/praxis/keys/node.key", "/opt/praxis/sealed/r1"
Outcomes = dict[str, dict[str, Any]]


def secret(path: str, mode: int, uid: int = 10001, directory: bool = False) -> dict[str, Any]:
    return {"path": path, "mode": mode, "uid": uid, "gid": uid, "directory": directory}


def sound() -> Outcomes:
    """What a fleet of three answers that runs, and lacks nothing."""
    found: Outcomes = {}
    for name, seen in meshed(PLAN).items():
        seen["host"] = {"disk_free_mb": 20000, "memory_free_mb": 900}
        examination = {
            "images": [{"image": IMAGE, "present": True, "failure": None}],
            "names": {REGISTRY: "ok", MODEL: "ok"},
            "inside": {"names": {MODEL: "ok"}, "dials": dict(seen["dials"]), "mtu": 1500, "resolvers": ["10.0.0.250"]},
            "secrets": [
                secret("/run/praxis", 0o755, 0, directory=True),
                secret("/run/praxis/r1", 0o500, directory=True),
                secret(ENVIRONMENT, 0o400),
                secret(KEY, 0o400),
                secret("/opt/praxis/sealed", 0o700, 0, directory=True),
                secret(SEALED, 0o600, 0),
            ],
            "mtu": 1500,
            "addresses": [PLAN.members[name].address],
        }
        found[name] = {"observation": seen, "examination": examination, "reasons": []}
    return found


def new() -> Outcomes:
    """A fleet of three on which nothing has been deployed: Docker is there, and no agent."""
    found = sound()
    for outcome in found.values():
        outcome["observation"].update(container=None, edges=[], release={"current": None, "running": None})
        outcome["observation"]["dials"] = dict.fromkeys(outcome["observation"]["dials"], "refused")
        outcome["examination"].update(inside=None, secrets=[])
        outcome["examination"]["images"][0]["present"] = False
    return found


def examined(outcomes: Outcomes) -> list[dict[str, Any]]:
    """The findings, as the playbook's summary has them."""
    absent = absences(PLAN.order, outcomes)
    seen = mesh.verdict(PLAN, observations_of(outcomes), absent, strict=True)
    findings = doctor.of_verdict(seen.findings, doctor.is_deployed(outcomes))
    checks = [doctor.Check("agents", 3, "member", tuple(findings)), *doctor.of_hosts(PLAN, PLAN.order, outcomes)]
    found = doctor.summary(checks, "test", PLAN.order)
    assert found["ok"] is (found["text"] == "")
    findings_of_rows = sum(row["errors"] + row["warnings"] for row in found["checks"])
    assert findings_of_rows == len(found["findings"])
    return list(found["findings"])


@dataclass(frozen=True)
class Planted:
    """A fault.

    :param plant: changes what the hosts of a sound fleet answer.
    :param fix: what the fix has to say.
    """

    code: str
    where: str
    plant: Callable[[Outcomes], Any]
    fix: str
    what: str = ""
    level: str = "error"
    begin: Callable[[], Outcomes] = sound


def failing(code: str, said: str, fix: str = "A fix.") -> Callable[[Outcomes], Any]:
    failure = {"code": code, "what": said, "where": "image " + IMAGE, "fix": fix}
    return lambda outcomes: examination(outcomes)["images"][0].update(failure=failure)


def absent(plant: Callable[[Outcomes], Any]) -> Callable[[Outcomes], Any]:
    """The same, of an image that the host does not have: another one runs there."""
    return lambda outcomes: (plant(outcomes), examination(outcomes)["images"][0].update(present=False))


def examination(outcomes: Outcomes, name: str = "m2") -> dict[str, Any]:
    found: dict[str, Any] = outcomes[name]["examination"]
    return found


def host(outcomes: Outcomes, name: str = "m2") -> dict[str, Any]:
    found: dict[str, Any] = outcomes[name]["observation"]["host"]
    return found


def unnamed(outcomes: Outcomes, name: str, said: str) -> None:
    """A name that does not resolve; where it is the registry's, no pull works either."""
    examination(outcomes)["names"][name] = said
    if name == REGISTRY:
        failing("registry-unreachable", "The registry does not answer.")(outcomes)


def own(outcomes: Outcomes, path: str, **values: Any) -> None:
    next(item for item in examination(outcomes)["secrets"] if item["path"] == path).update(values)


def cut(outcomes: Outcomes, far: str, answer: str, *dialled_by: str) -> None:
    for name in dialled_by:
        outcomes[name]["observation"]["dials"][far] = answer
        (outcomes[name]["examination"]["inside"] or {"dials": {}})["dials"][far] = answer


def without_engine(outcomes: Outcomes) -> None:
    outcomes["m2"]["reasons"] = ["there is no Docker Engine"]
    examination(outcomes)["images"] = []


def engine_stopped(outcomes: Outcomes) -> None:
    """Docker is there and does not run, so nothing is seen of the agent, and its edges are gone."""
    without_engine(outcomes)
    outcomes["m2"]["observation"].update(
        container=None, edges=[], engine={"version": None, "compose": "2.26.1", "running": False}
    )
    for name in ("m1", "m3"):
        seen = outcomes[name]["observation"]
        seen["edges"] = [edge for edge in seen["edges"] if "10.0.0.2:" not in edge["remote"]]


def refused(code: str) -> Callable[[Outcomes], Any]:
    """Preparing in check mode finds it: the codes are agent_release's own."""
    failure = {"code": code, "what": "It is so.", "where": "this host", "fix": "A fix of %s." % code}
    return lambda outcomes: outcomes["m2"].update(failure=failure)


FAULTS = [
    *(Planted(code, "m2", refused(code), "A fix of %s." % code)
      for code in ("port-taken", "machine-too-small", "mounts-unreadable", "containers-cut-off", "engine-elsewhere",
                   "engine-limits", "network-overlap", "no-pipelining")),
    Planted("host-unreachable", "m2", lambda seen: seen.update(m2={"unreachable": "timed out"}), "SSH"),
    Planted("host-key-changed", "m2",
            lambda seen: seen.update(m2={"unreachable": "REMOTE HOST IDENTIFICATION HAS CHANGED"}), "ssh-keygen"),
    Planted("disk-low", "m2", lambda seen: host(seen).update(disk_free_mb=200), "image prune", "200 MiB", "warning"),
    Planted("disk-low", "m2", lambda seen: host(seen).update(disk_free_mb=200), "image prune", "200 MiB", begin=new),
    Planted("memory-low", "m2", lambda seen: host(seen).update(memory_free_mb=50), "praxis_instance_type",
            "50 MiB", "warning"),
    Planted("engine-to-be-made", "m2", without_engine, "deploy.yml", "no Docker Engine", "warning"),
    Planted("engine-down", "m2", engine_stopped, "On the machine: systemctl start docker."),
    Planted("image-unauthorized", "m2", failing("image-unauthorized", "No.", "Log in."), "Log in.", "No.", begin=new),
    Planted("image-not-found", "m2", absent(failing("image-not-found", "None.", "Push it.")), "Push it.", REGISTRY),
    Planted("image-architecture", "m2", failing("image-architecture", "arm64", "Build."), "Build.", "arm64"),
    Planted("registry-unreachable", "m2", failing("registry-unreachable", "Silence.", "Routes."), "Routes.", begin=new),
    # Nobody pulls what is there.
    Planted("registry-unreachable", "m2", failing("registry-unreachable", "Silence.", "Routes."), "Routes.",
            "is here already", "warning"),
    Planted("registry-certificate", "m2", failing("registry-certificate", "x509", "Its CA."), "Its CA.", "", "warning"),
    Planted("name-unresolved", "m2", lambda seen: unnamed(seen, REGISTRY, "no such name"), "enableDnsSupport",
            REGISTRY),
    Planted("name-unresolved", "m2", lambda seen: unnamed(seen, MODEL, "no answer"), "getent hosts " + MODEL, MODEL,
            begin=new),
    Planted("name-unresolved-inside", "m2",
            lambda seen: examination(seen)["inside"]["names"].update({MODEL: "no answer from 8.8.8.8"}),
            "praxis_docker_daemon", "8.8.8.8"),
    Planted("peer-unreachable", "m3", lambda seen: cut(seen, TO_M3, "timeout", "m1", "m2"), "provision.yml", "m1, m2"),
    Planted("peer-unreachable", "m3", lambda seen: cut(seen, TO_M3, "timeout", "m1", "m2"), "nft", TO_M3, begin=new),
    Planted("peer-unreachable", "m1", lambda seen: cut(seen, TO_M1, "unreachable", "m3"), "provision.yml", "m3"),
    Planted("peer-unreachable", "m3", lambda seen: cut(seen, TO_M3, "refused", "m1"), "praxis_p2p_port", "refused"),
    Planted("address-wrong", "m3",
            lambda seen: [cut(seen, TO_M3, "timeout", "m1", "m2"),
                          examination(seen, "m3").update(addresses=["10.9.9.9"])],
            "addresses: 10.9.9.9", "m1, m2"),
    Planted("container-shut-in", "m1",
            lambda seen: examination(seen, "m1")["inside"]["dials"].update({TO_M2: "timeout", TO_M3: "timeout"}),
            "FORWARD", "m2 at %s, m3 at %s" % (TO_M2, TO_M3)),
    Planted("mtu-too-large", "m2", lambda seen: examination(seen).update(mtu=1460), '"mtu": 1460', "1500"),
    Planted("secret-exposed", "m2", lambda seen: own(seen, ENVIRONMENT, mode=0o444), "chmod 0400 " + ENVIRONMENT,
            "0444"),
    Planted("secret-exposed", "m2", lambda seen: own(seen, KEY, uid=1000), "chown 10001:10001 " + KEY, "user 1000"),
    Planted("secret-exposed", "m2", lambda seen: own(seen, "/run/praxis/r1", mode=0o755), "chmod 0500", "0755"),
    Planted("secret-exposed", "m2", lambda seen: own(seen, SEALED, mode=0o640), "chmod 0600 " + SEALED, "0640"),
    Planted("secret-unreadable", "m2", lambda seen: own(seen, "/run/praxis/r1", mode=0o400), "chmod 0500",
            "cannot read"),
    Planted("secret-unreadable", "m2", lambda seen: own(seen, ENVIRONMENT, uid=0), "chown 10001:10001", "cannot read"),
    Planted("container-stopped", "m2",
            lambda seen: seen["m2"]["observation"].update(container={"state": "exited", "exit_code": 1}), "deploy.yml"),
    Planted("wrong-peer-id", "m2", lambda seen: seen["m2"]["observation"]["api"].update(peer_id="12D3other"), "Deploy"),
    Planted("edge-missing", "m1 <-> m2", lambda seen: [seen[name]["observation"].update(edges=[
        edge for edge in seen[name]["observation"]["edges"] if other not in edge["remote"]])
        for name, other in (("m1", "10.0.0.2:"), ("m2", "10.0.0.1:"))], "deploy.yml"),
    Planted("other-release", "m2",
            lambda seen: seen["m2"]["observation"]["release"].update(running="r0"), "deploy.yml", "r0", "warning"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "fix"),
    [("26.1.5", "default-network-opts"), ("24.0.0", "default-network-opts"), ("23.0.6", "docker_source"),
     ("20.10.24+dfsg1", "docker_source"), (None, "default-network-opts")],
)  # fmt: skip
def test_an_engine_that_does_not_know_an_option_is_not_given_it(version: str | None, fix: str) -> None:
    """It would not start with it any more."""
    outcomes = sound()
    examination(outcomes).update(mtu=1460)
    outcomes["m2"]["observation"]["engine"] = {"version": version, "running": True, "compose": "2.26.1"}
    (found,) = examined(outcomes)
    assert found["code"] == "mtu-too-large" and fix in found["fix"]
    assert ("default-network-opts" in found["fix"]) == (fix == "default-network-opts")


@pytest.mark.parametrize("begin", [sound, new])
def test_nothing_is_found_of_a_sound_fleet(begin: Callable[[], Outcomes]) -> None:
    assert examined(begin()) == []


def test_thirty_faults_are_planted() -> None:
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code} {fault.what}")
def test_a_planted_fault_is_named_and_nothing_else_is(fault: Planted) -> None:
    outcomes = fault.begin()
    fault.plant(outcomes)
    found = examined(outcomes)
    assert [(item["code"], item["where"], item["level"]) for item in found] == [(fault.code, fault.where, fault.level)]
    assert fault.fix in found[0]["fix"]
    assert fault.what in found[0]["what"]
    if found[0]["run_on"] == remedies.MACHINE:
        assert found[0]["command"] in found[0]["fix"]
    assert (found[0]["run_on"] == remedies.CONTROLLER) == found[0]["command"].startswith("ansible-playbook ")


def test_a_command_that_is_printed_takes_a_path_as_it_is() -> None:
    outcomes = sound()
    examination(outcomes)["secrets"].append(secret("/run/praxis/r1/$(reboot); x", 0o444))
    (found,) = examined(outcomes)
    assert found["command"] == (
        "chown 10001:10001 '/run/praxis/r1/$(reboot); x' && chmod 0400 '/run/praxis/r1/$(reboot); x'"
    )


def fixing(plant: Callable[[Outcomes], Any], *names: str) -> dict[str, list[dict[str, str]]]:
    outcomes = sound()
    plant(outcomes)
    return remedies.wanted(examined(outcomes), names)


def exposed(outcomes: Outcomes) -> None:
    own(outcomes, ENVIRONMENT, mode=0o444)


def test_only_what_is_named_is_fixed_by_the_command_that_is_printed() -> None:
    command = f"chown 10001:10001 {ENVIRONMENT} && chmod 0400 {ENVIRONMENT}"
    assert fixing(exposed, "secret-exposed") == {"m2": [{"code": "secret-exposed", "command": command}]}
    assert fixing(exposed) == fixing(exposed, "engine-down") == {}
    assert fixing(engine_stopped, *remedies.FIXABLE) == {
        "m2": [{"code": "engine-down", "command": "systemctl start docker"}]}  # fmt: skip


def test_of_every_code_that_can_be_fixed_a_fault_is_planted() -> None:
    assert {*remedies.FIXABLE, *remedies.PLAYBOOKS} - {fault.code for fault in FAULTS} <= {
        "api-port-shut", "health-check-differs", "infrastructure-differs", "infrastructure-missing", "machine-missing",
        "member-stopped", "no-container", "p2p-port-shut", "port-open", "service-missing", "ssh-port-shut",
        "vpc-dns-off"}  # fmt: skip


@pytest.mark.parametrize("name", ["everything", "p2p-port-shut", "disk-low"])
def test_a_name_that_the_doctor_does_not_fix_is_a_finding_and_stops_all(name: str) -> None:
    assert fixing(exposed, "secret-exposed", name) == {}
    (found,) = remedies.unknown(["secret-exposed", name])
    assert (found.code, found.level, found.where) == ("unknown-fix", "error", "praxis_doctor_fix")
    assert name in found.what
    assert "engine-down, secret-exposed" in found.fix


def test_names_may_be_written_as_the_finding_writes_them() -> None:
    """Ansible takes a text for a list by its commas alone."""
    (found,) = remedies.unknown(["disk-low"])
    written = found.fix.partition("Set praxis_doctor_fix to some of ")[2].partition(", and fix")[0].split(",")
    assert " secret-exposed" in written and remedies.unknown(written) == []
    assert fixing(exposed, *written) == fixing(exposed, *remedies.FIXABLE) != {}


@pytest.mark.parametrize("given", [[""], [" "], ["secret-exposed", ""]])
def test_an_empty_name_is_none(given: list[str]) -> None:
    """A survey's empty answer, a comma at the end."""
    assert remedies.unknown(given) == []
    assert fixing(exposed, *given) == (fixing(exposed, "secret-exposed") if len(given) > 1 else {})


def test_nothing_is_fixed_while_another_deployment_is_at_work() -> None:
    outcomes = sound()
    exposed(outcomes)
    at_work = {"code": "deploying", "where": "m1", "command": "", "run_on": ""}
    assert remedies.wanted([*examined(outcomes), at_work], ["secret-exposed"]) == {}


def test_what_was_run_is_fixed_when_it_is_no_longer_found() -> None:
    outcomes = sound()
    exposed(outcomes)
    found = examined(outcomes)
    run = {"where": "m2", "code": "secret-exposed", "command": found[0]["command"], "said": ""}

    def state(found: list[dict[str, Any]], check_mode: bool = False, **more: str) -> str:
        (done,) = remedies.done([{**run, **more}], found, check_mode)
        return str(done["state"])

    assert state([]) == "fixed"
    assert state(found) == state([], said="chown: not permitted") == "left"
    assert state(found, check_mode=True) == "would"


def test_before_the_first_deployment_a_silent_port_is_no_fault_but_a_shut_one_is() -> None:
    outcomes = new()
    cut(outcomes, TO_M3, "timeout", "m1")
    assert [item["code"] for item in examined(outcomes)] == ["peer-unreachable"]


def test_a_name_that_the_container_knows_by_itself_is_no_fault_of_the_machine_s() -> None:
    outcomes = sound()
    unnamed(outcomes, MODEL, "no such name")
    assert examined(outcomes) == []
    examination(outcomes)["inside"]["names"][MODEL] = "no such name"
    assert [item["code"] for item in examined(outcomes)] == ["name-unresolved"]


def test_a_new_machine_gets_its_engine_by_the_first_deployment() -> None:
    outcomes = new()
    without_engine(outcomes)
    assert examined(outcomes) == []


def test_what_the_next_deployment_puts_right_is_a_warning() -> None:
    found = doctor.of_verdict([Finding("other-release", "a", "m1", "b"), Finding("api-silent", "a", "m1", "b")], True)
    assert [item.level for item in found] == ["warning", "error"]


def test_a_health_check_that_asks_for_something_else_explains_targets_that_are_not_healthy() -> None:
    targets = [Finding("target-not-healthy", "a", name, "b") for name in ("m1", "m2")]
    check = Finding("health-check-differs", "a", "target group x", "b")
    assert consequences.without([*targets, check]) == [check]
    assert consequences.without(targets) == targets


@pytest.mark.parametrize(("code", "where", "left"), [
    ("api-port-shut", "security group x", []),
    ("infrastructure-missing", "listener x", []),
    ("infrastructure-missing", "forwarding rule x", []),
    ("infrastructure-missing", "subnet x", ["m1", "m2"]),
    *((code, "m1", ["m2"]) for code in ("container-stopped", "containers-cut-off", "engine-down", "no-container",
                                        "port-taken")),
])  # fmt: skip
def test_what_keeps_requests_from_members_explains_targets_that_are_not_healthy(
    code: str, where: str, left: list[str]
) -> None:
    cause, targets = Finding(code, "a", where, "b"), [Finding("target-not-healthy", "a", m, "b") for m in ("m1", "m2")]
    assert [item.where for item in consequences.without([*targets, cause])] == [*left, where]


def test_a_machine_that_forwards_nothing_explains_that_nobody_reaches_its_agent() -> None:
    cause = Finding("containers-cut-off", "a", "m1", "b")
    others = [Finding("peer-unreachable", "a", "m1", "b"), Finding("container-shut-in", "a", "m1", "b"),
              Finding("edge-missing", "a", "m1 <-> m2", "b"), Finding("mesh-split", "a", "fleet x", "b")]  # fmt: skip
    assert consequences.without([*others, cause]) == [cause]


@pytest.mark.parametrize(("peer_id", "code", "command"), [
    ("12D3another", "wrong-peer-id", "ansible-playbook praxis.cloud.deploy"),
    ("12D3other-scheme", "other-key-scheme", ""),
])  # fmt: skip
def test_an_agent_with_the_other_scheme_s_id_is_not_fixed_by_a_deployment(
    peer_id: str, code: str, command: str
) -> None:
    plan = make_plan("test", [member(1, peer_id="12D3ours", other_peer_id="12D3other-scheme")], [release("m1")])
    api = {"health": 200, "peer_id": peer_id}
    (found,) = mesh.member_findings(plan, "m1", observation(plan, "m1", [], api=api))
    assert (found.code, remedies.of(found).command) == (code, command)


@pytest.mark.parametrize("code", ["would-shrink", "over-quota"])
def test_what_provisioning_refuses_no_command_of_its_own_fixes(code: str) -> None:
    """A person decides first; what a deployment fixes, it fixes meanwhile."""
    found = [Finding("infrastructure-missing", "a", "listener x", "b"), Finding("no-container", "a", "m1", "b")]
    commands = {}
    for more in ([], [Finding(code, "a", "fleet x", "b")]):
        checks = [doctor.Check("infrastructure", 1, "cloud", (*found, *more))]
        listed = doctor.summary(checks, "x", ["m1"])["findings"]
        commands[len(more)] = [item["command"].rpartition(".")[2] for item in listed]
    assert commands == {0: ["provision", "deploy"], 1: ["", "deploy", ""]}


def test_a_host_s_own_command_reaches_the_finding() -> None:
    outcomes = sound()
    failure = {"code": "containers-cut-off", "what": "a", "where": "this host's engine", "fix": "On the machine: x -w.",
               "command": "x -w"}  # fmt: skip
    outcomes["m2"].update(failure=failure)
    (found,) = examined(outcomes)
    assert (found["where"], found["command"], found["run_on"]) == ("m2", "x -w", "machine")


def test_a_public_address_that_the_machine_does_not_know_is_not_called_wrong() -> None:
    outcomes, point = sound(), "203.0.113.3:4001"
    for name in ("m1", "m2"):
        outcomes[name]["observation"]["dials"] = {point: "timeout"}
    public = replace(PLAN.members["m3"], addresses=("203.0.113.3",), public_address="203.0.113.3")
    table = replace(PLAN, members={**PLAN.members, "m3": public})
    (found,) = [one for check in doctor.of_hosts(table, PLAN.order, outcomes) for one in check.findings]
    assert found.code == "peer-unreachable"


def test_what_was_not_checked_says_so() -> None:
    checks = doctor.of_hosts(PLAN, PLAN.order, {})
    assert [check.checked for check in checks] == [0] * len(checks)
    by_area = {check.area: check.checked for check in doctor.of_hosts(PLAN, PLAN.order, sound())}
    assert by_area == {"machines": 3, "images": 3, "names": 9, "peers": 6, "networks": 3, "secrets": 9}
