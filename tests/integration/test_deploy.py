# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, from provisioned machines to a fleet that was changed, hurt and fixed. The tests go in this order."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from typing import Any

import boto3
import pytest
import yaml

from . import seen
from .conftest import CHECKOUT, Cloud, Machine, OwnRegistry, reused

#: What a host's activation changes in its cloud: it is drained, and it rejoins.
DRAIN = {
    "aws": ["elbv2:DeregisterTargets", "elbv2:RegisterTargets"],
    "gcp": ["compute:instanceGroups.removeInstances", "compute:instanceGroups.addInstances"],
}


@pytest.fixture(scope="module")
def fleet(cloud: Cloud, request: pytest.FixtureRequest) -> Cloud:
    """The deployed fleet. In a sandbox that is up already (PRAXIS_TEST_REUSE=1), what is deployed there."""
    if not (reused() and cloud.machines()):
        request.getfixturevalue("first")
    return cloud


def mutations(operations: list[dict[str, Any]]) -> list[str]:
    return ["%(service)s:%(operation)s" % item for item in operations if item["mutating"]]


def test_check_mode_on_bare_machines_touches_nothing(first):
    assert first.still_bare == first.bare
    assert mutations(first.asked) == [] and len(first.asked) > 0


def test_check_mode_on_bare_machines_predicts_the_deployment(first):
    assert "(known after apply)" in first.predicted.output
    assert set(first.predicted.changed_tasks) == set(first.deploy.changed_tasks)


def test_the_deployed_fleet_is_whole(fleet):
    run = fleet.run("verify.yml")
    assert run.summary["ok"] and run.summary["findings"] == []
    assert [item["health"] for item in run.summary["members"]] == ["healthy"] * 3
    assert seen.edges(fleet) == seen.all_pairs(fleet)
    planned = {item["name"]: item["peer_id"] for item in run.summary["members"]}
    assert {item.name: seen.peer_id(fleet, item) for item in fleet.machines()} == planned


def test_the_balancer_answers(fleet):
    with urllib.request.urlopen(fleet.state["balancer"]["url"].rstrip("/") + "/agent/card", timeout=10) as answer:
        card = json.load(answer)
    assert answer.status == 200
    # Whoever it was that answered, its card says where it is reached itself.
    assert card["url"] in ["http://%s:8000/a2a/v1" % item.ip for item in fleet.machines() if item.name == card["name"]]


def test_a_second_run_changes_nothing_and_only_reads(fleet):
    mark, starts = fleet.mark(), seen.started(fleet)
    run = fleet.run("deploy.yml")
    assert run.changed == {} and run.summary["ok"]
    assert mutations(fleet.operations(mark)) == []
    assert len(fleet.operations(mark)) > 0
    assert seen.started(fleet) == starts


def registry_of_ones_own(fleet: Cloud) -> dict[str, Any]:
    """The sandbox's registry by its address, as one that neither cloud knows a login for."""
    own = OwnRegistry(fleet)
    store = boto3.client("secretsmanager", **fleet.administrator)
    name = "praxis/praxis/registry"
    store.create_secret(Name=name, SecretString=json.dumps({"password": own.password}))
    return own.variables(f"aws-sm://{name}#password")


@pytest.mark.alike
def test_one_setting_of_one_host_gives_that_host_a_new_release(fleet, tmp_path, request):
    """On AWS that host gets its image out of a registry that is no cloud's, too: by an address, with a login."""
    releases, starts = seen.releases(fleet), seen.started(fleet)
    chosen = sorted(releases)[1]
    inventory = tmp_path / "hosts.yml"
    setting = {"praxis_agent_config_host": {"llm": {"timeout": 7}}}
    setting |= registry_of_ones_own(fleet) if fleet.name == "aws" else {}
    inventory.write_text(json.dumps({"praxis": {"hosts": {chosen: setting}}}))
    mark = fleet.mark()
    run = fleet.run("deploy.yml", "-i", str(inventory), "--diff", "-vvvvv")
    if not reused():  # test_leaks looks through it
        request.getfixturevalue("first").places["output of deploy.yml with praxis_registries"] = run.output.encode()
    assert mutations(fleet.operations(mark)) == DRAIN[fleet.name]
    after = seen.releases(fleet)
    assert {name for name in after if after[name] != releases[name]} == {chosen}
    assert {name for name, start in seen.started(fleet).items() if start != starts[name]} == {chosen}
    assert "llm.timeout" in run.output
    if fleet.name == "aws":
        (machine,) = (item for item in fleet.machines() if item.name == chosen)
        image = seen.container(fleet, machine)["Config"]["Image"]
        assert image.startswith(setting["praxis_image"].partition(":")[0] + "@sha256:")
    back = fleet.run("deploy.yml", "--diff")
    assert seen.releases(fleet) == releases and back.summary["ok"]


ASKS_THE_ENGINE = ("docker exec praxis-agent-1 sh -c 'id -u; curl -sS -o /dev/null -w %{http_code} --unix-socket"
                   " /var/run/docker.sock http://localhost/version'")


@pytest.mark.once
@pytest.mark.repetition
def test_an_agent_with_the_docker_socket_talks_to_the_engine_whatever_the_socket_s_group(fleet, tmp_path):
    """The group's number is the machine's own: no image knows it, and it changes when Docker is installed anew."""
    chosen = fleet.machines()[0]
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(json.dumps({"praxis": {"hosts": {chosen.name: {"praxis_docker_socket": True}}}}))
    limited = ("-i", str(inventory), "--limit", chosen.name)
    fleet.run("deploy.yml", *limited)
    assert fleet.on(chosen, ASKS_THE_ENGINE).split() == ["10001", "200"]
    group = fleet.on(chosen, "stat -c %g /var/run/docker.sock").strip()
    fleet.on(chosen, "groupmod -g 4711 docker && chgrp docker /var/run/docker.sock")
    try:
        run = fleet.run("deploy.yml", *limited)
        assert set(run.changed) == {chosen.name} and run.summary["ok"]
        assert fleet.on(chosen, ASKS_THE_ENGINE).split() == ["10001", "200"]
    finally:
        fleet.on(chosen, f"groupmod -g {group} docker && chgrp docker /var/run/docker.sock")
    assert fleet.run("deploy.yml").summary["ok"]


@pytest.mark.alike
def test_a_restart_keeps_the_peer_ids(fleet):
    before = {item.name: seen.peer_id(fleet, item) for item in fleet.machines()}
    chosen = fleet.machines()[0]
    fleet.on(chosen, "docker restart praxis-agent-1")
    seen.wait_for("all pairs connected again", lambda: seen.edges(fleet) == seen.all_pairs(fleet), deadline=90)
    assert {item.name: seen.peer_id(fleet, item) for item in fleet.machines()} == before


@pytest.mark.repetition
def test_a_stopped_container_is_started_with_the_same_release(fleet):
    releases = seen.releases(fleet)
    chosen = fleet.machines()[0]
    fleet.on(chosen, "docker stop praxis-agent-1")
    run = fleet.run("deploy.yml")
    assert set(run.changed) == {chosen.name}
    assert seen.releases(fleet) == releases
    assert seen.container(fleet, chosen)["State"]["Running"]


@pytest.mark.alike
def test_a_bad_release_is_rolled_back_everywhere(fleet):
    releases, starts = seen.releases(fleet), seen.started(fleet)
    run = fleet.run("deploy.yml", expect=2, variables={"praxis_agent_environment": {"STANDIN_FAIL": "crash"}})
    assert not run.summary["ok"]
    first = sorted(releases)[0]
    assert first in {item["where"] for item in run.summary["findings"]}
    assert seen.releases(fleet) == releases
    assert {name for name, start in seen.started(fleet).items() if start != starts[name]} == {first}
    assert fleet.run("verify.yml").summary["ok"]
    assert fleet.run("deploy.yml").changed == {}


EXAMPLE = CHECKOUT / "examples/services"
#: All at once: what is looked at here is the machines, not the order.
AT_ONCE = {"praxis_batch": 3, "praxis_min_available": 0}


def with_services(**changes: Any) -> dict[str, Any]:
    """The variables of the example. The agent's stand-in has python3 and curl: its image stands in for the server's."""
    variables = yaml.safe_load((EXAMPLE / "group_vars/praxis.yml").read_text(encoding="utf-8"))
    (files,) = variables["praxis_services"]
    files["image"] = "{{ praxis_image }}"
    files["files"][0]["content"] = "{{ lookup('ansible.builtin.file', '%s') }}" % (EXAMPLE / "files/files_server.py")
    files["environment"].update(changes.pop("environment", {}))
    variables["praxis_services"] = [{**files, **changes}]
    return {**variables, **AT_ONCE}


def containers(cloud: Cloud, machines: list[Machine], service: str) -> dict[str, str]:
    """Each machine's container of the agent, or of a service."""
    return {item.name: seen.container(cloud, item, service)["Id"] for item in machines}


@pytest.mark.once
@pytest.mark.repetition
@pytest.mark.parametrize("count", [1, 3], ids=["one host", "all hosts"])
def test_a_filesystem_server_beside_each_agent(fleet, count):
    """It shares a directory with the agent; a change of it leaves the agent alone, and a bad one is rolled back."""
    machines = fleet.machines()[:count]
    limited = ["--limit", ",".join(item.name for item in machines)] if count == 1 else []
    alone, note = seen.releases(fleet), {"path": "note", "content": "of the agent"}
    token = "planted-token-of-the-files-service"
    store = boto3.client("secretsmanager", **fleet.administrator)
    name = f"praxis/praxis/files-{count}"
    store.create_secret(Name=name, SecretString=json.dumps({"token": token}))
    secrets = {"TOKEN": f"aws-sm://{name}#token"}
    run = fleet.run("deploy.yml", "--diff", "-vvvvv", *limited, variables=with_services(secrets=secrets))
    assert run.summary["ok"] and token not in run.output
    params = {"name": "write_file", "arguments": note}
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    for machine in machines:
        said = fleet.on(machine, f"docker exec praxis-agent-1 curl -fsS http://files:3002 -d '{call}'")
        assert not json.loads(said)["result"]["isError"]
        assert fleet.on(machine, "docker exec praxis-agent-1 cat /app/shared/note") == "of the agent"
        inspected = seen.container(fleet, machine, "files")
        assert inspected["State"]["Health"]["Status"] == "healthy"
        assert inspected["Config"]["User"] == "10001:10001" and token not in json.dumps(inspected)
        assert token in fleet.on(machine, "docker exec praxis-files-1 sh -c 'cat /proc/*/environ'", check=False)
        assert fleet.on(machine, f"grep -rl {token} /opt/praxis /var/lib/praxis", check=False) == ""
        assert (inspected["HostConfig"]["ReadonlyRootfs"], inspected["HostConfig"]["CapDrop"]) == (True, ["ALL"])
    agents, files = containers(fleet, machines, "agent"), containers(fleet, machines, "files")

    changed = with_services(secrets=secrets, environment={"LEVEL": "debug"})
    run = fleet.run("deploy.yml", "--diff", *limited, variables=changed)
    assert run.summary["ok"] and "services.files.environment.LEVEL" in run.output
    assert containers(fleet, machines, "agent") == agents
    assert not set(containers(fleet, machines, "files").values()) & set(files.values())
    assert fleet.on(machines[0], "docker exec praxis-files-1 cat /shared/note") == "of the agent"

    releases = seen.releases(fleet)
    wrong = with_services(secrets=secrets, command=["python3", "/nothing"])
    bad = fleet.run("deploy.yml", *limited, expect=2, variables=wrong)
    assert "service-exited" in {item["code"] for item in bad.summary["findings"]}
    assert any("service files" in item["what"] for item in bad.summary["findings"])
    assert seen.releases(fleet) == releases
    assert containers(fleet, machines, "agent") == agents
    assert {seen.container(fleet, item, "files")["State"]["Status"] for item in machines} == {"running"}

    assert fleet.run("deploy.yml", *limited, variables=AT_ONCE).summary["ok"]
    assert seen.releases(fleet) == alone
    for machine in machines:
        left = "docker ps -aq --filter name=praxis-files; cat /var/lib/praxis/volumes/shared/note"
        assert fleet.on(machine, left) == "of the agent"


@pytest.mark.alike
def test_a_cut_link_turns_verify_red_and_is_named(fleet):
    one, other = sorted(item.name for item in fleet.machines())[:2]
    order(fleet, "link", "cut", one, other)
    try:
        run = fleet.run("verify.yml", expect=2)
        assert f"{one} <-> {other}" in {item["where"] for item in run.summary["findings"] if item["level"] == "error"}
    finally:
        order(fleet, "link", "heal", one, other)
    seen.wait_for("a whole mesh", lambda: fleet.run("verify.yml", expect=None).rc == 0, deadline=150, pause=3)


@pytest.mark.repetition
def test_a_dead_machine_is_named_and_the_others_are_untouched(fleet):
    starts = seen.started(fleet)
    dead = sorted(starts)[2]
    order(fleet, "machine", "kill", dead)
    try:
        run = fleet.run("deploy.yml", expect=2, variables={"praxis_environment": "development"})
        assert [item["where"] for item in run.summary["findings"] if item["code"] == "host-unreachable"] == [dead]
    finally:
        order(fleet, "machine", "start", dead)
    # It lost its memory, and comes back by itself.
    seen.wait_for("every agent", lambda: all_up(fleet), deadline=90)
    seen.wait_for("all pairs connected again", lambda: seen.edges(fleet) == seen.all_pairs(fleet), deadline=90)
    run = fleet.run("deploy.yml")
    assert run.changed == {} and run.summary["ok"]
    assert {name: start for name, start in seen.started(fleet).items() if name != dead} == {
        name: start for name, start in starts.items() if name != dead
    }


@pytest.mark.alike
def test_a_fourth_machine_joins_and_restarts_nobody(fleet):
    releases, starts = seen.releases(fleet), seen.started(fleet)
    fleet.run("provision.yml", environment={"PRAXIS_HOSTS": "4"})
    assert len(fleet.machines()) == 4
    run = fleet.run("deploy.yml", environment={"PRAXIS_HOSTS": "4"})
    assert run.summary["ok"]
    assert seen.edges(fleet) == seen.all_pairs(fleet)
    now = seen.started(fleet)
    assert {name: now[name] for name in starts} == starts
    after = seen.releases(fleet)
    assert {name: after[name] for name in releases} == releases
    assert fleet.run("deploy.yml", environment={"PRAXIS_HOSTS": "4"}).changed == {}


def all_up(cloud: Cloud) -> bool:
    """Whether an agent's container runs on every machine: one that boots has no engine yet."""
    names = "docker ps -q --filter name=praxis-agent-1"
    return all(cloud.on(item, names, check=False).strip() for item in cloud.machines())


def order(cloud: Cloud, *words: str) -> None:
    """Order a fault from the sandbox."""
    subprocess.run([sys.executable, "-m", "sandbox", "fault", *words], cwd=CHECKOUT, check=True, env=cloud.environment)
