# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases off the straight path, under load: four machines behind the balancer. docs/releases.md is the table.

The tests go in this order; each leaves the fleet whole, on one release.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import POINTS
from sandbox import docker
from tests import copies, tiers

from . import seen
from .conftest import CHECKOUT, Cloud, Machine, Run
from .load import Load, load

FOUR = {"PRAXIS_HOSTS": "4"}
#: A short soak, where it is not what is tried.
QUICK = {"praxis_soak": 5, "praxis_gate_deadline": 120}
#: One batch, and nobody kept in service.
AT_ONCE = {"praxis_batch": "100%", "praxis_canary": 4, "praxis_min_available": 0, "praxis_soak": 1}
ACTIVATING = "grep -s state=active /run/praxis.lock || true"
RECORD = "cat /opt/praxis/deployment.json"
LIST = "cat /opt/praxis/peers.json /opt/praxis/configs/*.yaml"
TIMERS = "systemctl list-timers --all --no-pager; ls /opt/praxis /etc/systemd/system"
#: What goes from a container to another machine's P2P port gets a source port by chance.
OTHER_PORTS = (
    "iptables -w 5 -t nat -{} POSTROUTING -s 172.16.0.0/12 -o eth0 -p tcp --dport 4001 -j MASQUERADE --random"
)
MODULE = "pgrep -f '[B]ECOME-SUCCESS' || test $? = 1"
IDLE = "flock -n /run/praxis.lock true && echo idle || true"
#: From now on Compose takes the agent's container away, and comes no further. The timer of the next boot is a long one.
STUCK = """
cat >/usr/local/sbin/docker <<'END'
#!/bin/sh
[ "$1" = compose ] || exec /usr/bin/docker "$@"
/usr/bin/docker rm --force $(/usr/bin/docker ps --quiet --filter label=com.docker.compose.project=praxis)
touch /run/stuck
exec sleep infinity
END
chmod 0755 /usr/local/sbin/docker
sed -i 's/^OnActiveSec=.*/OnActiveSec=3600/' /etc/systemd/system/praxis-rollback.timer
"""


def new(**more: str) -> dict[str, Any]:
    """Variables that give every member a release that it never had."""
    return {"praxis_agent_environment": {"RELEASE": uuid4().hex, **more}}


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Cloud:
    """Four deployed machines that have had Docker from the beginning."""
    cloud.run("provision.yml", environment=FOUR)
    assert deploy(cloud, {}).summary["ok"]
    return cloud


def deploy(
    cloud: Cloud, variables: dict[str, Any], *arguments: str, expect: int | None = 0, checkout: Path = CHECKOUT
) -> Run:
    return cloud.run("deploy.yml", *arguments, expect=expect, variables={**QUICK, **variables}, environment=FOUR,
                     checkout=checkout)


#: What the fleet had when it was settled last.
SETTLED: dict[str, str] = {}


def settle(cloud: Cloud) -> None:
    """The fleet's own release everywhere, all at once: the ground of a test, and not what it is about."""
    if seen.releases(cloud) != SETTLED or any(armed(cloud).values()) or out_of_service(cloud):
        assert deploy(cloud, AT_ONCE).summary["ok"]
        SETTLED.clear()
        SETTLED.update(seen.releases(cloud))


def own(folder: Path, **hosts: Any) -> list[str]:
    """An inventory with variables of single hosts, as arguments."""
    path = folder / "own.json"
    path.write_text(json.dumps({"praxis": {"hosts": {name.replace("_", "-"): found for name, found in hosts.items()}}}))
    return ["-i", str(path)]


def codes(run: Run) -> dict[str, set[str]]:
    """The errors of a run: code -> places."""
    found: dict[str, set[str]] = {}
    for item in run.summary["findings"]:
        if item["level"] == "error":
            found.setdefault(item["code"], set()).add(item["where"])
    return found


def lost(counted: Load) -> tuple[dict[str, int], str]:
    assert counted.sent > 100
    return counted.lost, counted.when


def registered(cloud: Cloud, name: str = "") -> dict[str, str]:
    """The targets that a group has, ``id:port``, and what AWS calls each. Without a name, there is one group."""
    elb = boto3.client("elbv2", **cloud.administrator)
    (group,) = elb.describe_target_groups(**({"Names": [name]} if name else {}))["TargetGroups"]
    answer = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    return {"{Id}:{Port}".format(**each["Target"]): each["TargetHealth"]["State"] for each in answer}


def deregister(cloud: Cloud, name: str) -> str:
    """Take a machine out of service, and wait until it is; the target that it was."""
    elb, ec2 = (boto3.client(service, **cloud.administrator) for service in ("elbv2", "ec2"))
    (group,) = elb.describe_target_groups()["TargetGroups"]
    ((one,),) = [many["Instances"] for many in ec2.describe_instances(
        Filters=[{"Name": "tag:Name", "Values": [name]}])["Reservations"]]  # fmt: skip
    target = {"Id": one["InstanceId"], "Port": 8000}
    elb.deregister_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[target])
    found = "{Id}:{Port}".format(**target)
    seen.wait_for("the end of its drain", lambda: found not in registered(cloud))
    return found


def ports(cloud: Cloud) -> set[str]:
    """The ports that members are registered at, or drained from."""
    return {target.rpartition(":")[2] for target in registered(cloud)}


def healthy_ports(cloud: Cloud) -> list[str]:
    """Where those members serve that the balancer calls healthy."""
    return [target.rpartition(":")[2] for target, state in registered(cloud).items() if state == "healthy"]


@contextlib.contextmanager
def begun(
    cloud: Cloud, variables: dict[str, Any], output: Path, *command: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A deployment that goes on meanwhile, in a process group of its own; killed at the end, if it is there still. Its
    temporary files stay beside its output: a worker of Ansible's outlives the group, and may still write there."""
    with output.open("wb") as printed:
        playbook = [str(Path(sys.executable).parent / "ansible-playbook"), "deploy.yml", "-i", "inventories/aws"]
        quick, own_places = json.dumps({**QUICK, **variables}), {"ANSIBLE_LOCAL_TEMP": str(output.parent)}
        run = subprocess.Popen([*(command or playbook), "-e", quick], cwd=CHECKOUT, stdin=subprocess.DEVNULL,
                               stdout=printed, stderr=subprocess.STDOUT, start_new_session=True,
                               env=cloud.environment | FOUR | own_places | {"ANSIBLE_NOCOLOR": "1"})
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()


def machine(cloud: Cloud, name: str) -> Machine:
    (found,) = [item for item in cloud.machines() if item.name == name]
    return found


def killed_in_its_first_activation(cloud: Cloud, variables: dict[str, Any], folder: Path) -> None:
    """A deployment whose controller is killed, with all that it started, while a release is being activated."""
    with begun(cloud, variables, folder / "output"):
        seen.wait_for("an activation", lambda: any(cloud.on(item, ACTIVATING) for item in cloud.machines()), 120)
    for item in cloud.machines():  # one that does not become well waits for the whole gate, which is 120 s
        seen.wait_for(f"the end of the step on {item.name}", lambda item=item: cloud.on(item, IDLE), deadline=240)


@contextlib.contextmanager
def refused(cloud: Cloud, operation: str) -> Iterator[None]:
    fault = [sys.executable, "-m", "sandbox", "fault"]
    order = ["--operations", operation, "--code", "AccessDenied", "--status", "403"]
    subprocess.run([*fault, "error", *order], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)
    try:
        yield
    finally:
        subprocess.run([*fault, "clear"], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)


def test_a_killed_run_is_continued_without_a_lost_request(fleet: Cloud, tmp_path: Path) -> None:
    """What the killed run left out of service, and healthy, goes in before anything is taken out."""
    variables = {**new(), "praxis_batch": 2, "praxis_canary": 2}
    before = seen.releases(fleet)
    with load(fleet) as counted:
        killed_in_its_first_activation(fleet, variables, tmp_path)
        halfway = seen.releases(fleet)
        run = deploy(fleet, variables)
    assert len({name for name in before if halfway[name] != before[name]}) == 2
    assert lost(counted) == ({}, "")
    assert run.summary["ok"] and [item["code"] for item in run.summary["findings"]] == ["taken-over"]
    assert set(registered(fleet).values()) == {"healthy"}
    after = seen.releases(fleet)
    assert {name: after[name] for name in after if after[name] == before[name]} == {}


@pytest.mark.repetition
def test_a_release_that_crashes_after_its_gate_does_not_spread(fleet: Cloud) -> None:
    before, starts = seen.releases(fleet), seen.started(fleet)
    with load(fleet) as counted:
        run = deploy(fleet, {**new(STANDIN_FAIL="die-after:20"), "praxis_batch": 2, "praxis_soak": 30}, expect=2)
    assert codes(run) == {"agent-restarted": {"praxis-aws-1"}} or set(codes(run)) <= {"agent-restarted", "api-silent"}
    assert seen.releases(fleet) == before
    assert {name for name, start in seen.started(fleet).items() if start != starts[name]} == {"praxis-aws-1"}
    assert lost(counted) == ({}, "")
    record = json.loads(Path(run.summary["record"]).with_suffix(".json").read_text(encoding="utf-8"))
    others = {row["result"] for row in record["members"] if row["name"] != "praxis-aws-1"}
    assert (record["verdict"], result_of(record, "praxis-aws-1"), others) == ("bad", "rolled back", {"unchanged"})
    assert record["mesh"]["before"] == record["mesh"]["planned"]
    settle(fleet)


@pytest.mark.repetition
def test_a_canary_whose_controller_died_has_to_last_in_the_next_run(fleet: Cloud, tmp_path: Path) -> None:
    """It counts as activated by the run that takes the fleet over: before it has lasted nobody else is drained, and it
    is given no request."""
    settle(fleet)
    before, starts = seen.releases(fleet), seen.started(fleet)
    variables = {**new(STANDIN_FAIL="die-after:40"), "praxis_soak": 60}
    with load(fleet) as counted:
        killed_in_its_first_activation(fleet, variables, tmp_path)
        run = deploy(fleet, variables, expect=2)
    assert set(codes(run)) <= {"agent-restarted", "api-silent"}, run.summary["text"]
    assert "taken-over" in {item["code"] for item in run.summary["findings"]}
    assert {name for name, start in seen.started(fleet).items() if start != starts[name]} == {"praxis-aws-1"}
    assert seen.releases(fleet) == before
    assert lost(counted) == ({}, "")
    settle(fleet)


def result_of(record: dict[str, Any], name: str) -> str:
    """What came of a host, by the record of its deployment."""
    return str(next(row["result"] for row in record["members"] if row["name"] == name))


def hooks_of(folder: Path) -> tuple[dict[str, Any], Path]:
    """Hooks that write down where they ran, and for whom; that of the second batch fails before it."""
    log = folder / "hooks.log"
    line = "{{ praxis_hook.point }} {{ praxis_hook.members | join(',') }} {{ praxis_hook.verdict.ok }}"
    note = {"name": "Note", "ansible.builtin.shell": f"echo '{line}' >>{log}"}
    stop = {"name": "Ask the pager", "ansible.builtin.fail": {"msg": "nobody answers"},
            "when": "'praxis-aws-2' in praxis_hook.members and praxis_hook.point == 'before_batch'"}  # fmt: skip
    (folder / "hook.yml").write_text(json.dumps([note, stop]))
    return {"praxis_hooks": dict.fromkeys(POINTS, str(folder / "hook.yml"))}, log


@pytest.mark.repetition
def test_a_hook_that_fails_stops_the_release_and_rolls_it_back(fleet: Cloud, tmp_path: Path) -> None:
    settle(fleet)
    before = seen.releases(fleet)
    hooks, log = hooks_of(tmp_path)
    assert deploy(fleet, hooks).summary["ok"]
    everybody = ",".join(sorted(before))
    assert log.read_text().splitlines() == ["plan  True", f"success {everybody} True"]
    log.unlink()
    run = deploy(fleet, {**new(), **hooks}, expect=2)
    assert codes(run) == {"hook-failed": {"praxis_hooks.before_batch"}}
    assert "nobody answers" in run.summary["text"]
    assert log.read_text().splitlines() == [
        f"plan {everybody} True", "before_batch praxis-aws-1 True", "after_batch praxis-aws-1 True",
        "before_batch praxis-aws-2 True", f"failure {everybody} False"]  # fmt: skip
    assert seen.releases(fleet) == before
    assert set(registered(fleet).values()) == {"healthy"}


@pytest.mark.repetition
def test_source_ports_that_are_rewritten_between_members_are_no_fault(fleet: Cloud) -> None:
    """Both ends list every connection, by different ports. Nobody is restarted for it either."""
    variables = {**new(), "praxis_batch": 2}
    for item in fleet.machines():
        fleet.on(item, OTHER_PORTS.format("I"))
    try:
        run = deploy(fleet, variables)
        assert run.summary["ok"] and run.summary["edges"] == {"live": 6, "planned": 6}
        rules = [fleet.on(item, "iptables -w 5 -t nat -nvxL POSTROUTING 1") for item in fleet.machines()]
        assert any(int(rule.split()[0]) for rule in rules), "connections went through the rule"
        assert deploy(fleet, variables).changed == {}
    finally:
        for item in fleet.machines():
            fleet.on(item, OTHER_PORTS.format("D"))


@pytest.mark.repetition
def test_an_agent_that_crashes_when_later_ones_are_activated_stops_the_release(fleet: Cloud, tmp_path: Path) -> None:
    """It has passed its gates and its soak by then."""
    settle(fleet)
    before, starts = seen.releases(fleet), seen.started(fleet)
    second = own(tmp_path, praxis_aws_2={"praxis_agent_environment": {"STANDIN_FAIL": "die-after:30"}})
    run = deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 11}}, "praxis_soak": 15}, *second, expect=2)
    assert codes(run) in ({"agent-restarted": {"praxis-aws-2"}}, {"api-silent": {"praxis-aws-2"}})
    assert seen.releases(fleet) == before
    assert seen.started(fleet)["praxis-aws-4"] == starts["praxis-aws-4"], "the last one was not touched"
    settle(fleet)


@contextlib.contextmanager
def deregistration_delay(cloud: Cloud, seconds: int) -> Iterator[None]:
    """The load balancer goes on showing a target that drains for so long."""
    elb = boto3.client("elbv2", **cloud.administrator)
    (group,) = elb.describe_target_groups()["TargetGroups"]
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
    elb.modify_target_group_attributes(TargetGroupArn=group["TargetGroupArn"], Attributes=[delay])
    try:
        yield
    finally:
        elb.modify_target_group_attributes(TargetGroupArn=group["TargetGroupArn"],
                                           Attributes=[{**delay, "Value": "5"}])


@pytest.mark.repetition
def test_a_drain_ends_with_the_last_connection(fleet: Cloud) -> None:
    """Far before the delay that the balancer goes on showing; and who joins while it is shown is served again."""
    with deregistration_delay(fleet, 1800), load(fleet) as counted:
        assert deploy(fleet, new()).summary["ok"]
    assert lost(counted) == ({}, "")
    assert set(registered(fleet).values()) == {"healthy"}


@pytest.mark.repetition
def test_a_release_that_is_bad_on_the_last_host_is_rolled_back_as_carefully(fleet: Cloud, tmp_path: Path) -> None:
    settle(fleet)
    before = seen.releases(fleet)
    last = own(tmp_path, praxis_aws_4={"praxis_agent_environment": {"STANDIN_FAIL": "crash", "RELEASE": uuid4().hex}})
    with load(fleet) as counted:
        run = deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 9}}, "praxis_batch": 2}, *last, expect=2)
    assert codes(run) == {"container-exited": {"praxis-aws-4"}}
    assert seen.releases(fleet) == before
    assert lost(counted) == ({}, "")
    assert deploy(fleet, {}).changed == {}


def at_once(*runs: Callable[[], Run]) -> list[Run]:
    """Their ends, by return code."""
    with ThreadPoolExecutor(len(runs)) as pool:
        return sorted((found.result() for found in [pool.submit(run) for run in runs]), key=lambda run: run.rc)


@pytest.fixture(scope="module")
def two_checkouts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """This one, and a copy with programs of its own."""
    copy = tmp_path_factory.mktemp("another") / "checkout"
    copies.copy_files(copy)
    copies.borrow_environment(copy)
    copies.link_collection(copy)
    return [CHECKOUT, copy]


@pytest.mark.repetition
@pytest.mark.parametrize("turn", range(10))
def test_of_two_deployments_at_once_one_acts_and_the_other_names_it(
    fleet: Cloud, two_checkouts: list[Path], turn: int
) -> None:
    starts = seen.started(fleet)
    wanted = [{"praxis_agent_config": {"llm": {"timeout": 20 + 2 * turn + number}}, "praxis_soak": 1,
               **({"praxis_batch": 2, "praxis_canary": 2} if turn else {})} for number in (0, 1)]  # fmt: skip
    with load(fleet) as counted:
        acted, left = at_once(
            lambda: deploy(fleet, wanted[0], expect=None, checkout=two_checkouts[0]),
            lambda: deploy(fleet, wanted[1], expect=None, checkout=two_checkouts[1]),
        )
    assert (acted.rc, left.rc) == (0, 2), left.output
    assert {item["code"] for item in acted.summary["findings"]} == set()
    (reported,) = left.summary["findings"]
    assert reported["code"] in ("fleet-locked", "fleet-changed") and "Deployment 20" in reported["what"]
    assert seen.releases(fleet) == {item["name"]: item["planned"] for item in acted.summary["members"]}
    assert all(seen.started(fleet)[name] != start for name, start in starts.items())
    assert {task for _host, task in left.changed_tasks} <= {"Prepare the release"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_a_person_locks_the_fleet_and_a_deployment_waits_for_the_end_of_it(fleet: Cloud, tmp_path: Path) -> None:
    settle(fleet)
    before, why = seen.releases(fleet), uuid4().hex
    held = fleet.run("lock.yml", environment=FOUR, variables={"praxis_lock_reason": why, "praxis_lock_for": 600})
    again = fleet.run("lock.yml", environment=FOUR, variables={"praxis_lock_reason": why})
    assert again.changed == {} and again.summary["lock"]["run"] == held.summary["lock"]["run"]
    other = fleet.run("lock.yml", environment=FOUR, variables={"praxis_lock_reason": "another"}, expect=2)
    refused = deploy(fleet, new(), expect=2)
    for run in (other, refused):
        assert [(item["code"], why in item["what"]) for item in run.summary["findings"]] == [("fleet-locked", True)]
    assert seen.releases(fleet) == before
    machines = fleet.machines()
    for playbook in ("provision.yml", "down.yml"):
        mark, named = fleet.mark(), {"praxis_confirm_down": "praxis", "praxis_force": True}
        (reported,) = fleet.run(playbook, environment=FOUR, variables=named, expect=2).summary["findings"]
        assert (reported["code"], why in reported["what"]) == ("fleet-locked", True), playbook
        assert [item for item in fleet.operations(mark) if item["mutating"]] == [] and fleet.machines() == machines
    output = tmp_path / "waiting"
    with begun(fleet, {"praxis_lock_wait": 120}, output) as waiting:
        seen.wait_for("a deployment that waits", lambda: "Waiting" in output.read_text(), deadline=60)
        fleet.run("unlock.yml", environment=FOUR)
        assert waiting.wait(120) == 0
    assert fleet.run("unlock.yml", environment=FOUR).changed == {}
    assert deploy(fleet, {}).summary["findings"] == []


@pytest.mark.repetition
def test_a_deployment_that_stood_still_and_was_taken_over_from_does_nothing_more(fleet: Cloud, tmp_path: Path) -> None:
    """The first is stopped in the soak of its first batch, and goes on when the second is through. What is out of
    service by then stays out: it may be a batch of the second one's."""
    output = tmp_path / "output"
    first = machine(fleet, "praxis-aws-1")
    with load(fleet) as counted, begun(fleet, {**new(), "praxis_soak": 40}, output) as stopped:
        seen.wait_for("an activation", lambda: fleet.on(first, ACTIVATING), 120)
        seen.wait_for("the end of the step", lambda: fleet.on(first, IDLE), deadline=120)
        os.killpg(stopped.pid, signal.SIGSTOP)
        run_id = json.loads(fleet.on(first, RECORD))["run"]
        refused_first = deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 50}}}, expect=2)
        taken = deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 50}}, "praxis_take_over": run_id})
        after, starts = seen.releases(fleet), seen.started(fleet)
        drained = deregister(fleet, "praxis-aws-1")
        os.killpg(stopped.pid, signal.SIGCONT)
        stopped.wait(timeout=300)
        assert registered(fleet).get(drained) in (None, "draining")
        assert deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 50}}}).summary["ok"]
    assert set(codes(refused_first)) == {"fleet-locked"} and run_id in str(refused_first.summary["findings"])
    assert [(item["code"], item["level"]) for item in taken.summary["findings"]] == [("taken-over", "warning")]
    said = output.read_text(encoding="utf-8")
    assert stopped.returncode == 2 and "changed the fleet after this run had observed it" in said, said
    assert (seen.releases(fleet), seen.started(fleet)) == (after, starts)
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
@pytest.mark.parametrize("how", ["it is named", "its lease is over"])
def test_a_step_of_a_deployment_that_was_taken_over_from_is_refused(fleet: Cloud, tmp_path: Path, how: str) -> None:
    """The first stands still just before it drains, with the lock seen to; and it goes on when the second is through.
    Within its lease its host refuses it by the fence; after that it drains nobody any more. (A worker of Ansible's has
    its own session: a drain that it had been given by then is carried out, and the fence refuses what comes next.)
    """
    settle(fleet)
    output, lease = tmp_path / "output", {"praxis_lease": 60} if "over" in how else {}
    with load(fleet) as counted, begun(fleet, {**new(), **lease}, output) as stopped:
        at_step(fleet, DRAIN, output)
        os.killpg(stopped.pid, signal.SIGSTOP)
        first = machine(fleet, "praxis-aws-1")
        run_id = json.loads(fleet.on(first, RECORD))["run"]
        two = {"praxis_agent_config": {"llm": {"timeout": 51}}, "praxis_batch": 2, "praxis_canary": 2}
        if lease:
            until = json.loads(fleet.on(first, RECORD))["expires"]
            seen.wait_for("the end of its lease", lambda: time.time() > until, deadline=120)
        taken = deploy(fleet, {**two, **({} if lease else {"praxis_take_over": run_id})})
        after, starts = seen.releases(fleet), seen.started(fleet)
        os.killpg(stopped.pid, signal.SIGCONT)
        stopped.wait(timeout=300)
    (said,) = taken.summary["findings"]
    assert said["code"] == "taken-over" and run_id in said["what"]
    assert ("longer than its lease" if lease else "praxis_take_over says so") in said["what"]
    refusals = ["so this step was refused", *(["still for longer than its lease"] if lease else [])]
    printed = output.read_text()
    assert stopped.returncode == 2 and any(refusal in printed for refusal in refusals), printed[-3000:]
    assert (seen.releases(fleet), seen.started(fleet)) == (after, starts)
    assert lost(counted) == ({}, "")
    assert deploy(fleet, two).summary["ok"]
    assert set(registered(fleet).values()) == {"healthy"}


#: A signal to the Python of a deployment's step, and not to the agent's.
STEP = "pkill -{} -P $(pgrep -f '[B]ECOME-SUCCESS' | paste -sd,) ^python3"
#: What serves the controller's login, without a sign to what it has started.
LOGIN = "pkill -KILL -f '^sshd.*@notty'"


@contextlib.contextmanager
def step_that_stands_still(cloud: Cloud, host: Machine, output: Path) -> Iterator[None]:
    """The step that waits on this machine, of the first batch, for the end of its connections; it goes on afterwards,
    and comes to its end."""
    at_step(cloud, DRAIN, output)
    known = json.loads(cloud.on(host, RECORD))["at"]
    seen.wait_for("a step that waits", lambda: json.loads(cloud.on(host, RECORD))["at"] != known, pause=0.1)
    cloud.on(host, STEP.format("STOP"))
    assert not cloud.on(host, ACTIVATING)
    try:
        yield
        assert cloud.on(host, MODULE), "the step is not there any more"
    finally:
        cloud.on(host, STEP.format("CONT"), check=False)
    seen.wait_for("the end of the step", lambda: not cloud.on(host, MODULE), deadline=120)


def require_whole(fleet: Cloud, counted: Load) -> None:
    """Nobody has a switch armed or is out of service, no request was lost, and there is nothing to deploy."""
    assert not any(armed(fleet).values())
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")
    assert deploy(fleet, {}).changed == {}


@pytest.mark.repetition
def test_a_step_of_a_dead_controller_is_refused_after_the_rollback(fleet: Cloud, tmp_path: Path) -> None:
    """It waited on its host all the while, and the rollback had nothing to activate."""
    settle(fleet)
    before, starts, output = seen.releases(fleet), seen.started(fleet), tmp_path / "output"
    first = machine(fleet, "praxis-aws-1")
    with (deregistration_delay(fleet, 60), load(fleet) as counted, begun(fleet, new(), output) as run,
          step_that_stands_still(fleet, first, output)):
        os.killpg(run.pid, signal.SIGKILL)
        undone = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_soak": 1})
    assert [item["code"] for item in undone.summary["findings"]] == ["taken-over"]
    assert (seen.releases(fleet), seen.started(fleet)) == (before, starts)
    require_whole(fleet, counted)


@pytest.mark.repetition
def test_a_host_that_was_lost_in_its_drain_and_rolled_back_does_not_go_on(fleet: Cloud, tmp_path: Path) -> None:
    """The run goes on without the step, and rolls back what may have been touched; the step is still on its host."""
    settle(fleet)
    before, starts, output = seen.releases(fleet), seen.started(fleet), tmp_path / "output"
    first = machine(fleet, "praxis-aws-1")
    with (deregistration_delay(fleet, 60), load(fleet) as counted, begun(fleet, new(), output) as run,
          step_that_stands_still(fleet, first, output)):
        fleet.on(first, LOGIN)
        code = run.wait(300)
    said = output.read_text()
    assert code == 2 and "The connection broke during the step" in said and "not-rolled-back" not in said, said[-3000:]
    assert (seen.releases(fleet), seen.started(fleet)) == (before, starts)
    require_whole(fleet, counted)


@pytest.mark.repetition
def test_a_deployment_goes_on_without_a_dead_host_when_asked_to(fleet: Cloud) -> None:
    settle(fleet)
    before, dead = seen.releases(fleet), machine(fleet, "praxis-aws-1")  # which keeps the lock
    docker.docker("stop", "--time", "20", dead.container)
    try:
        seen.wait_for("the balancer to notice", lambda: list(registered(fleet).values()).count("healthy") == 3, 120)
        refused = deploy(fleet, new(), expect=2)
        assert codes(refused) == {"host-unreachable": {"praxis-aws-1"}}
        with load(fleet) as counted:
            run = deploy(fleet, {**new(), "praxis_max_unreachable": 1})
        assert lost(counted) == ({}, "")
        assert run.summary["ok"]
        assert {item["where"] for item in run.summary["findings"]} == {"praxis-aws-1"}
    finally:
        docker.docker("start", dead.container)
    seen.wait_for("the machine that was dead", lambda: fleet.on(dead, "systemctl is-active ssh", check=False), 120)
    changed = {name for name, release in seen.releases(fleet).items() if release != before[name]}
    assert changed == set(before) - {"praxis-aws-1"}
    settle(fleet)


@pytest.mark.repetition
def test_a_drain_that_is_refused_touches_nothing(fleet: Cloud) -> None:
    before, starts = seen.releases(fleet), seen.started(fleet)
    with load(fleet) as counted, refused(fleet, "elbv2:DeregisterTargets"):
        run = deploy(fleet, new(), expect=2)
    assert set(codes(run)) == {"cloud-denied"}
    assert (seen.releases(fleet), seen.started(fleet)) == (before, starts)
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_a_drain_that_would_go_under_the_floor_is_refused(fleet: Cloud) -> None:
    """A member that the balancer does not call healthy counts for nothing, however well it is by itself."""
    before, starts = seen.releases(fleet), seen.started(fleet)
    broken = fleet.machines()[3]
    balancer = fleet.state["balancer"]["url"].split("//")[1].split(":")[0].rstrip("/")
    rule = "; ".join(f"iptables -w 5 -{{0}} {chain} -s {balancer} -j DROP" for chain in ("FORWARD", "INPUT"))
    fleet.on(broken, rule.format("I"))
    try:
        seen.wait_for("an unhealthy target", lambda: "unhealthy" in registered(fleet).values())
        run = deploy(fleet, {**new(), "praxis_min_available": 3}, expect=2)
    finally:
        fleet.on(broken, rule.format("D"))
    # The verdict names the one that the balancer does not call healthy, too.
    assert set(codes(run)) == {"floor", "target-not-healthy"}
    assert (seen.releases(fleet), seen.started(fleet)) == (before, starts)
    seen.wait_for("four healthy targets", lambda: set(registered(fleet).values()) == {"healthy"})


@pytest.mark.repetition
def test_a_rollback_goes_to_the_last_good_release(fleet: Cloud, tmp_path: Path) -> None:
    """A bad release that was killed in its gate is not what another bad one is rolled back to."""
    before = seen.releases(fleet)
    killed_in_its_first_activation(fleet, new(STANDIN_FAIL="no-p2p"), tmp_path)
    run = deploy(fleet, new(STANDIN_FAIL="crash"), expect=2)
    assert "container-exited" in codes(run)
    assert "not-rolled-back" not in codes(run)
    assert seen.releases(fleet) == before
    settle(fleet)


@pytest.mark.repetition
def test_another_api_port_loses_nothing_and_leaves_no_registration(fleet: Cloud) -> None:
    for port in (8001, 8000):
        with load(fleet) as counted:
            run = deploy(fleet, {"praxis_api_port": port})
        assert run.summary["ok"]
        assert lost(counted) == ({}, ""), port
        seen.wait_for("no registration at another port", lambda port=port: ports(fleet) == {str(port)})


@pytest.mark.repetition
def test_another_api_port_that_fails_on_the_last_host_is_taken_back(fleet: Cloud, tmp_path: Path) -> None:
    """Everybody is in service at the port of before."""
    settle(fleet)
    before = seen.releases(fleet)
    failing = own(tmp_path, praxis_aws_4=new(STANDIN_FAIL="crash"))
    with load(fleet) as counted:
        run = deploy(fleet, {"praxis_api_port": 8001, "praxis_batch": 2, "praxis_canary": 2}, *failing, expect=2)
    assert codes(run) == {"container-exited": {"praxis-aws-4"}}
    assert lost(counted) == ({}, "")
    assert seen.releases(fleet) == before
    assert healthy_ports(fleet) == ["8000"] * 4
    seen.wait_for("no registration at another port", lambda: ports(fleet) == {"8000"})


@pytest.mark.repetition
def test_another_api_port_whose_controller_dies_is_served_at_the_one_of_before(fleet: Cloud, tmp_path: Path) -> None:
    """All serve at the new port, and are registered at both; they go back by themselves, and nobody has to come."""
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    with begun(fleet, {"praxis_api_port": 8001, **TWO_BATCHES, "praxis_confirm_deadline": 240}, output) as run:
        at_step(fleet, "Judge the fleet before its release is called good", output)
        os.killpg(run.pid, signal.SIGKILL)
    assert moved(fleet, before) == set(before)
    at_both = {f"{target.partition(':')[0]}:{port}" for target in registered(fleet) for port in (8000, 8001)}
    assert registered(fleet).keys() == at_both and healthy_ports(fleet) == ["8001"] * 4
    seen.wait_for("nobody to be armed", lambda: not any(armed(fleet).values()), 360, pause=2)
    assert moved(fleet, before) == set()
    seen.wait_for("all in service at the port of before", lambda: healthy_ports(fleet) == ["8000"] * 4)
    status = fleet.run("status.yml", expect=None, environment=FOUR)
    found = {item["code"] for item in status.summary["findings"]}
    assert "target-stale" in found and "target-not-healthy" not in found
    after = deploy(fleet, {"praxis_batch": 2})
    assert after.summary["ok"]
    assert healthy_ports(fleet) == ["8000"] * 4
    seen.wait_for("no registration at another port", lambda: ports(fleet) == {"8000"})


@contextlib.contextmanager
def second_group(cloud: Cloud) -> Iterator[tuple[str, Callable[..., None]]]:
    """The name of a target group like the fleet's own, and what sets the groups that the listener forwards to."""
    elb = boto3.client("elbv2", **cloud.administrator)
    (own,) = elb.describe_target_groups()["TargetGroups"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=own["LoadBalancerArns"][0])["Listeners"]
    alike = ("Protocol", "Port", "VpcId", "TargetType", "HealthCheckPath", "HealthCheckIntervalSeconds",
             "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher")  # fmt: skip
    (made,) = elb.create_target_group(Name="second", **{key: own[key] for key in alike})["TargetGroups"]
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "5"}
    elb.modify_target_group_attributes(TargetGroupArn=made["TargetGroupArn"], Attributes=[delay])
    arns = {own["TargetGroupName"]: own["TargetGroupArn"], "second": made["TargetGroupArn"]}

    def forward(*names: str) -> None:
        groups = [{"TargetGroupArn": arns[name], "Weight": 1} for name in names]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=[action])

    try:
        yield own["TargetGroupName"], forward
    finally:
        elb.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=listener["DefaultActions"])
        elb.delete_target_group(TargetGroupArn=made["TargetGroupArn"])


@pytest.mark.repetition
def test_another_target_group_loses_nothing_and_leaves_no_registration(fleet: Cloud) -> None:
    """As long as the load balancer uses the group of before, its clients are served there too; then it is left. On the
    way back nobody is activated."""
    settle(fleet)
    pace = {"praxis_batch": 2, "praxis_canary": 2}
    with second_group(fleet) as (first, forward), load(fleet) as counted:
        forward(first, "second")
        variables = {**new(), "praxis_target_group": "second"}
        run = deploy(fleet, {**variables, **pace})
        (said,) = run.summary["findings"]
        assert (said["code"], said["where"].split(",")[0]) == ("target-group-left", first)
        assert registered(fleet, first) == registered(fleet, "second")
        assert list(registered(fleet, first).values()) == ["healthy"] * 4
        status = fleet.run("status.yml", environment=FOUR, variables=variables)
        assert {item["code"] for item in status.summary["findings"]} == {"target-group-left"}
        forward("second")
        variables = {**new(), "praxis_target_group": "second"}
        run = deploy(fleet, {**variables, **pace})
        assert run.summary["findings"] == []
        assert list(registered(fleet, "second").values()) == ["healthy"] * 4
        seen.wait_for("nobody in the group of before", lambda: registered(fleet, first) == {})
        for groups, codes_of in ((("second", first), {"target-group-left"}), ((first,), set())):
            forward(*groups)
            run = deploy(fleet, {**variables, "praxis_target_group": first})
            assert {item["code"] for item in run.summary["findings"]} == codes_of
            assert list(registered(fleet, first).values()) == ["healthy"] * 4
        seen.wait_for("nobody in the second group", lambda: registered(fleet, "second") == {})
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_another_p2p_port_keeps_the_mesh_whole(fleet: Cloud, tmp_path: Path) -> None:
    """Once it fails on the last host, and all go back to the port of before; then it spreads."""
    failing = own(tmp_path, praxis_aws_4=new(STANDIN_FAIL="no-listen"))
    for wanted, arguments, port in ((4002, failing, 4001), (4002, [], 4002), (4001, [], 4001)):
        with load(fleet) as counted:
            run = deploy(fleet, {"praxis_p2p_port": wanted}, *arguments, expect=0 if wanted == port else 2)
        assert codes(run) == ({} if wanted == port else {"api-silent": {"praxis-aws-4"}})
        assert seen.edges(fleet, port) == seen.all_pairs(fleet)
        for item in fleet.machines():
            assert set(re.findall(r"/tcp/(\d+)/p2p/", fleet.on(item, LIST))) == {str(port)}, item.name
        assert lost(counted) == ({}, "")
        assert deploy(fleet, {"praxis_p2p_port": port}).changed == {}


@pytest.mark.repetition
def test_a_machine_that_left_the_fleet_is_named_and_taken_out_when_asked(fleet: Cloud) -> None:
    ec2 = boto3.client("ec2", **fleet.administrator)
    (gone,) = [one["InstanceId"] for many in ec2.describe_instances()["Reservations"] for one in many["Instances"]
               if {"Key": "Name", "Value": "praxis-aws-4"} in one["Tags"]]
    ec2.create_tags(Resources=[gone], Tags=[{"Key": "praxis_fleet", "Value": "elsewhere"}])
    try:
        with load(fleet) as counted:
            run = deploy(fleet, {})
            reported = [(item["code"], item["where"], item["level"]) for item in run.summary["findings"]]
            assert reported == [("departed", f"{gone}:8000", "warning")]
            removed = deploy(fleet, {"praxis_departed": "remove"})
        assert removed.summary["findings"] == []
        # The group shows it as draining for the delay's time.
        seen.wait_for("the end of its registration", lambda: gone not in str(registered(fleet)))
        assert lost(counted) == ({}, "")
    finally:
        ec2.create_tags(Resources=[gone], Tags=[{"Key": "praxis_fleet", "Value": "praxis"}])
    settle(fleet)
    assert set(registered(fleet).values()) == {"healthy"}


def test_a_rollback_needs_neither_store_nor_registry(fleet: Cloud) -> None:
    """And is as careful as a deployment."""
    assert deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 61}}, **AT_ONCE}).summary["ok"]
    before, peers = seen.releases(fleet), peer_ids(fleet)
    assert deploy(fleet, {"praxis_agent_config": {"llm": {"timeout": 62}}, **AT_ONCE}).summary["ok"]
    assert not set(before.values()) & set(seen.releases(fleet).values())
    newest, earlier = history(fleet)[:2]
    assert (newest["stands"], earlier["hosts"]) == (sorted(before), before)
    with load(fleet) as counted, refused(fleet, "secretsmanager:*"), refused(fleet, "ecr:*"):
        run = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_soak": 1, "praxis_batch": 2})
    assert run.summary["ok"] and run.summary["findings"] == []
    assert (seen.releases(fleet), peer_ids(fleet)) == (before, peers)
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")
    back = history(fleet)[0]
    assert (back["reason"], back["hosts"]) == (f"rollback to {earlier['run']}", before)
    # Named, it goes anywhere that is still kept; and what is there already is left alone.
    there = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_to": back["run"]})
    assert there.changed == {} and there.summary["ok"]
    wrong = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_to": "nobody"}, expect=2)
    assert "unknown-deployment" in str(wrong.failed)


@pytest.mark.parametrize("then", tiers.first(["", "reboot", "reboot in its rollback"]))
def test_hosts_whose_controller_died_go_back_by_themselves(fleet: Cloud, tmp_path: Path, then: str) -> None:
    settle(fleet)
    before, starts = seen.releases(fleet), seen.started(fleet)
    killed_in_its_first_activation(fleet, {**new(), "praxis_confirm_deadline": 90}, tmp_path)
    (touched,) = [name for name, release in seen.releases(fleet).items() if release != before[name]]
    host = machine(fleet, touched)
    assert "praxis-rollback.timer" in fleet.on(host, TIMERS)
    if then == "reboot in its rollback":
        fleet.on(host, STUCK)
        seen.wait_for("its rollback to begin", lambda: fleet.on(host, "cat /run/stuck && echo begun", check=False), 180)
        assert (seen.releases(fleet), fleet.on(host, "docker ps --all --quiet")) == (before, "")
        fleet.on(host, "rm /usr/local/sbin/docker")
    if then:
        docker.docker("restart", "--time", "20", host.container)
    seen.wait_for(f"{touched} to go back by itself", lambda: seen.releases(fleet) == before, deadline=240, pause=2)
    seen.wait_for("nothing left", lambda: "praxis-rollback" not in fleet.on(host, TIMERS, check=False), deadline=120)
    assert {name for name, start in seen.started(fleet).items() if start != starts[name]} == {touched}
    run = deploy(fleet, {})
    assert {(item["code"], item["level"]) for item in run.summary["findings"]} == {
        ("taken-over", "warning"), ("rolled-back-itself", "warning")}  # fmt: skip
    assert seen.releases(fleet) == before
    assert set(registered(fleet).values()) == {"healthy"}
    assert deploy(fleet, {}).summary["findings"] == []


@pytest.mark.repetition
def test_ctrl_c_undoes_a_deployment_in_order(fleet: Cloud, tmp_path: Path) -> None:
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "interrupted"
    with load(fleet) as counted, begun(fleet, new(), output, "scripts/play", "deploy.yml", "aws") as run:
        seen.wait_for("an activation", lambda: any(fleet.on(item, ACTIVATING) for item in fleet.machines()), 120)
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(300) == 130
    text = output.read_text()
    assert "Interrupted" in text and "fleet praxis: good" in text.partition("Interrupted")[2]
    assert seen.releases(fleet) == before
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")
    # Where nothing was begun, there is nothing to undo.
    assert fleet.run("rollback.yml", environment=FOUR, variables={"praxis_to": "newest"}).changed == {}


@pytest.mark.repetition
def test_a_killed_run_is_undone_by_a_rollback(fleet: Cloud, tmp_path: Path) -> None:
    before = seen.releases(fleet)
    with load(fleet) as counted:
        killed_in_its_first_activation(fleet, new(), tmp_path)
        assert seen.releases(fleet) != before
        run = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_soak": 1})
    assert [item["code"] for item in run.summary["findings"]] == ["taken-over"]
    assert seen.releases(fleet) == before
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
@pytest.mark.parametrize("then", ["at once", "when all have gone back"])
def test_a_run_that_is_killed_while_hosts_are_confirmed_is_undone_on_all_of_them(
    fleet: Cloud, tmp_path: Path, then: str
) -> None:
    """Those that were told that their release is good, too."""
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    one_by_one = [str(Path(sys.executable).parent / "ansible-playbook"), "deploy.yml", "-i", "inventories/aws", "-f1"]
    with begun(fleet, {**new(), **AT_ONCE, "praxis_confirm_deadline": 150}, output, *one_by_one) as run:
        at_step(fleet, "Call the release good", output)
        seen.wait_for("a host that was told", lambda: list(armed(fleet).values()).count(False) > 0, pause=0.1)
        os.killpg(run.pid, signal.SIGKILL)
    assert moved(fleet, before) == set(before) and any(armed(fleet).values()), output.read_text()[-3000:]
    if then != "at once":
        seen.wait_for("nobody to be armed", lambda: not any(armed(fleet).values()), 240, pause=2)
    after = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_soak": 1})
    assert {item["code"] for item in after.summary["findings"]} <= {"taken-over", "rolled-back-itself"}
    assert seen.releases(fleet) == before
    assert set(registered(fleet).values()) == {"healthy"}
    assert deploy(fleet, {}).changed == {}


@pytest.mark.repetition
def test_a_rollback_that_is_killed_goes_on_when_it_is_run_again(fleet: Cloud, tmp_path: Path) -> None:
    settle(fleet)
    before = seen.releases(fleet)
    assert deploy(fleet, {**new(), **AT_ONCE}).summary["ok"]
    playbook = [str(Path(sys.executable).parent / "ansible-playbook"), "rollback.yml", "-i", "inventories/aws"]
    with load(fleet) as counted:
        with begun(fleet, {"praxis_batch": 2, "praxis_canary": 2}, tmp_path / "output", *playbook):
            seen.wait_for("an activation", lambda: any(fleet.on(item, ACTIVATING) for item in fleet.machines()), 120)
        for item in fleet.machines():
            seen.wait_for(f"the end of the step on {item.name}", lambda item=item: fleet.on(item, IDLE), deadline=120)
        assert moved(fleet, before) not in (set(), set(before))
        again = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_soak": 1, "praxis_batch": 2})
    assert [item["code"] for item in again.summary["findings"]] == ["taken-over"]
    assert seen.releases(fleet) == before
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


def steps() -> list[str]:
    """What a deployment that goes well does to hosts and load balancer, and what it judges: the tasks as written."""
    plays = yaml.safe_load((CHECKOUT / "playbooks/plays/spread.yml").read_text(encoding="utf-8"))
    unusual = re.compile("ollback|praxis_order.take_over|praxis_order.unconfirmed")
    usual = [play for play in plays if not unusual.search(str(play))]
    tasks = [task for play in usual for task in play["tasks"]]
    modules, files = "agent_info|fleet_lock|fleet_verify|fleet_order", "tasks/(lock|judge_batch)"
    does = re.compile(rf"{modules}|{files}|praxis\.cloud\.(agent|load_balancer)'")
    amiss = re.compile(r"not praxis_verdict\.ok")
    return [task["name"] for task in tasks if does.search(str(task)) and not amiss.search(str(task.get("when")))]


@pytest.mark.repetition
@pytest.mark.parametrize("step", steps())
def test_a_run_that_is_killed_at_any_step_is_continued(fleet: Cloud, tmp_path: Path, step: str) -> None:
    variables, output = {**new(), "praxis_batch": 2, "praxis_canary": 2, "praxis_soak": 5}, tmp_path / "output"
    with load(fleet) as counted:
        with begun(fleet, variables, output) as run:
            at_step(fleet, step, output)
            os.killpg(run.pid, signal.SIGKILL)
        for item in fleet.machines():
            seen.wait_for(f"the end of the step on {item.name}", lambda item=item: fleet.on(item, IDLE), deadline=120)
        after = deploy(fleet, variables)
    assert after.summary["ok"] and {item["code"] for item in after.summary["findings"]} <= {"taken-over"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert seen.edges(fleet) == seen.all_pairs(fleet)
    assert lost(counted) == ({}, "")
    assert deploy(fleet, variables).changed == {}
    for item in fleet.machines():
        assert "praxis-rollback" not in fleet.on(item, TIMERS), item.name


def at_step(cloud: Cloud, step: str, output: Path, deadline: float = 600, times: int = 1) -> None:
    """Wait for the beginning of a step in what a run prints; a run that ends before it says why.

    :param times: in which batch, from 1 on.
    """

    def printed() -> str:
        text = output.read_text()
        return text if seen.began(step, text, times) or "PLAY RECAP" in text else ""

    said = seen.wait_for(f"the step {step}", printed, deadline, pause=0.1)
    assert seen.began(step, said, times), said[-3000:]


def armed(cloud: Cloud) -> dict[str, bool]:
    """The machines that would still go back by themselves."""
    return {item.name: "praxis-rollback" in cloud.on(item, TIMERS, check=False) for item in cloud.machines()}


def moved(cloud: Cloud, before: dict[str, str]) -> set[str]:
    """The machines that have another release than before."""
    return {name for name, release in seen.releases(cloud).items() if release != before[name]}


def out_of_service(cloud: Cloud) -> set[str]:
    """The members that the balancer does not call healthy, by instance."""
    known = {target.partition(":")[0] for target, state in registered(cloud).items() if state == "healthy"}
    ec2 = boto3.client("ec2", **cloud.administrator)
    fleet = [{"Name": "tag:praxis_fleet", "Values": ["praxis"]}, {"Name": "instance-state-name", "Values": ["running"]}]
    there = ec2.describe_instances(Filters=fleet)["Reservations"]
    return {one["InstanceId"] for many in there for one in many["Instances"]} - known


#: Two batches, and a deadline that both are through in, on a busy machine too.
TWO_BATCHES = {"praxis_batch": 2, "praxis_canary": 2, "praxis_soak": 5, "praxis_confirm_deadline": 300}
#: Between these two, a batch is out of the balancer.
DRAIN, REJOIN = "Drain the batch", "Rejoin the batch"


@pytest.mark.repetition
@pytest.mark.parametrize("step", steps())
def test_a_run_that_is_killed_at_any_step_and_that_nobody_continues_leaves_one_release(
    fleet: Cloud, tmp_path: Path, step: str
) -> None:
    """At most the batch that was out stays out. While hosts are told that their release is good, those that have been
    told keep it, and the others go back."""
    settle(fleet)
    before, output, names = seen.releases(fleet), tmp_path / "output", steps()
    # In its first batch a run need not come through.
    deadline = 90 if names.index(step) <= names.index(REJOIN) else 300
    with begun(fleet, {**new(), **TWO_BATCHES, "praxis_confirm_deadline": deadline}, output) as run:
        at_step(fleet, step, output)
        os.killpg(run.pid, signal.SIGKILL)
    for item in fleet.machines():
        # A step that waits for the end of its connections does not hold the host's lock yet.
        seen.wait_for(f"the end of the step on {item.name}", lambda item=item: not fleet.on(item, MODULE), deadline=150)
    left = [name for name, is_armed in armed(fleet).items() if is_armed]
    seen.wait_for(f"{left} to be at an end", lambda: not any(armed(fleet).values()), deadline + 60, pause=2)
    assert moved(fleet, before) in (set(), set(before)) or step == "Call the release good"
    drained = names.index(DRAIN) <= names.index(step) <= names.index(REJOIN)
    seen.wait_for("all but a batch in service", lambda: len(out_of_service(fleet)) <= (2 if drained else 0))
    after = deploy(fleet, AT_ONCE)
    assert after.summary["ok"]
    assert {item["code"] for item in after.summary["findings"]} <= {"taken-over", "rolled-back-itself"}
    assert set(registered(fleet).values()) == {"healthy"}


#: In which batch these steps are about praxis-aws-2, where each member is a batch: the one just before is left out.
EARLIER = {"Observe earlier batches again": 4, "Judge earlier batches again": 4}
#: A batch for each member, and a deadline that all of them are through in.
ONE_BY_ONE = {"praxis_soak": 5, "praxis_confirm_deadline": 600}


def power_cut(host: Machine) -> None:
    """The machine loses its power for a moment, and boots."""
    docker.docker("kill", "--signal", "KILL", host.container)
    docker.docker("start", host.container)


@pytest.mark.repetition
@pytest.mark.parametrize("step", ["Prepare the release", *steps()])
def test_a_machine_that_loses_its_power_at_any_step_leaves_one_release(
    fleet: Cloud, tmp_path: Path, step: str
) -> None:
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    host = machine(fleet, "praxis-aws-2")
    pace = ONE_BY_ONE if step in EARLIER else TWO_BATCHES
    with begun(fleet, {**new(), **pace}, output) as run:
        at_step(fleet, step, output, times=EARLIER.get(step, 1))
        power_cut(host)
        code = run.wait(600)
    deadline = pace["praxis_confirm_deadline"] + 60
    seen.wait_for("no host to go back", lambda: not any(armed(fleet).values()), deadline, pause=2)
    ends = [set(before)] if code == 0 else [set(), set(before)]
    assert moved(fleet, before) in ends, output.read_text()[-3000:]
    if step == "Call the release good":
        assert code == 0, output.read_text()[-3000:]
    after = deploy(fleet, AT_ONCE)
    assert after.summary["ok"]
    assert {item["code"] for item in after.summary["findings"]} <= {"rolled-back-itself"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert seen.edges(fleet) == seen.all_pairs(fleet)


@pytest.mark.repetition
def test_a_run_that_is_killed_while_it_rolls_back_leaves_one_release(fleet: Cloud, tmp_path: Path) -> None:
    """A host that it had not got to goes back by itself."""
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    failing = own(tmp_path, praxis_aws_4=new(STANDIN_FAIL="crash"))
    playbook = [str(Path(sys.executable).parent / "ansible-playbook"), "deploy.yml", "-i", "inventories/aws", *failing]
    with begun(fleet, {"praxis_agent_config": {"llm": {"timeout": 12}}, **TWO_BATCHES}, output, *playbook) as run:
        at_step(fleet, "Roll back to the last good release", output)
        os.killpg(run.pid, signal.SIGKILL)
    seen.wait_for("nobody to be armed", lambda: not any(armed(fleet).values()), 360, pause=2)
    assert moved(fleet, before) == set()
    seen.wait_for("all but a batch in service", lambda: len(out_of_service(fleet)) <= 2)
    after = deploy(fleet, AT_ONCE)
    assert {item["code"] for item in after.summary["findings"]} == {"taken-over", "rolled-back-itself"}
    assert set(registered(fleet).values()) == {"healthy"}


@pytest.mark.repetition
def test_a_run_that_was_killed_in_its_second_batch_is_refused_and_undone(fleet: Cloud, tmp_path: Path) -> None:
    """Neither a run that was told to refuse, nor one of a single host, touches what serves still."""
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    second = machine(fleet, "praxis-aws-2")
    variables = {**new(), "praxis_batch": 2, "praxis_confirm_deadline": 900}
    with load(fleet) as counted:
        with begun(fleet, variables, output):
            seen.wait_for("the second batch", lambda: fleet.on(second, ACTIVATING), 240)
        for item in fleet.machines():
            seen.wait_for(f"the end of the step on {item.name}", lambda item=item: not fleet.on(item, MODULE), 150)
        halfway, starts = seen.releases(fleet), seen.started(fleet)
        assert moved(fleet, before) == {"praxis-aws-1", "praxis-aws-2", "praxis-aws-3"}
        refused = deploy(fleet, {**variables, "praxis_unfinished": "refuse"}, expect=2)
        limited = deploy(fleet, variables, "--limit", "praxis-aws-4", expect=2)
        assert (seen.releases(fleet), seen.started(fleet)) == (halfway, starts)
        undone = fleet.run("rollback.yml", environment=FOUR, variables={"praxis_soak": 1, "praxis_batch": 2})
    assert (set(codes(refused)), set(codes(limited))) == ({"unfinished"}, {"floor"}), limited.summary["text"]
    assert undone.summary["ok"]
    assert moved(fleet, before) == set()
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_one_host_is_rolled_back_alone(fleet: Cloud) -> None:
    """The members outside the limit count: the floor holds, and it is drained as in any batch."""
    settle(fleet)
    before = seen.releases(fleet)
    with load(fleet) as counted:
        deploy(fleet, {**new(), "praxis_batch": 2})
        alone = {"praxis_soak": 1, "praxis_min_available": 3}
        run = fleet.run("rollback.yml", "--limit", "praxis-aws-3", environment=FOUR, variables=alone)
    assert run.summary["ok"]
    assert moved(fleet, before) == {"praxis-aws-1", "praxis-aws-2", "praxis-aws-4"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_a_balancer_that_fails_at_the_rejoin_costs_a_batch_at_most(fleet: Cloud) -> None:
    settle(fleet)
    before = seen.releases(fleet)
    with load(fleet) as counted, refused(fleet, "elbv2:RegisterTargets"):
        run = deploy(fleet, {**new(), "praxis_batch": 2, "praxis_canary": 2}, expect=2)
    assert "cloud-denied" in codes(run)
    assert moved(fleet, before) == set(), run.output[-6000:]
    assert len(out_of_service(fleet)) <= 2
    assert lost(counted) == ({}, "")
    assert deploy(fleet, {}).summary["ok"]
    assert set(registered(fleet).values()) == {"healthy"}


#: What a machine's Python takes for the time: containers share the clock of their kernel, so nobody can set it.
ANOTHER_TIME = "import time; time.time = (lambda real: lambda: real() + {})(time.time)"
SITE = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')"
#: What befalls a host that is about to be drained; how it is fixed; what is reported of it.
BEFALLS = {
    "its engine is stopped": ("systemctl stop docker.socket docker.service", "systemctl start docker.service"),
    "its clock is ten minutes ahead": (
        "mkdir -p {site} && echo '{time}' >{site}/fault.pth", "rm -f {site}/fault.pth"),
    "its sudo is gone": ("mv /usr/bin/sudo /usr/bin/sudo.away", "mv /usr/bin/sudo.away /usr/bin/sudo"),
    "its current release is gone": ("rm /opt/praxis/current", "true"),
    "its disk is full": ("sandbox fault disk full", "sandbox fault disk heal"),
}  # fmt: skip


def befall(cloud: Cloud, host: Machine, command: str) -> None:
    """Run it on the machine, or order a fault of the sandbox for it."""
    if command.startswith("sandbox"):
        order = [sys.executable, "-m", *command.split(), host.name]
        subprocess.run(order, cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)
    else:
        cloud.on(host, command)


@pytest.mark.repetition
@pytest.mark.parametrize("what", BEFALLS)
def test_what_befalls_a_host_before_its_batch_is_drained_harms_no_other(
    fleet: Cloud, tmp_path: Path, what: str
) -> None:
    """The run ends well, or everybody has the release of before and serves."""
    settle(fleet)
    before, output, host = seen.releases(fleet), tmp_path / "output", machine(fleet, "praxis-aws-2")
    fault, fix = (part.format(site=SITE, time=ANOTHER_TIME.format(600)) for part in BEFALLS[what])
    with load(fleet) as counted:
        with begun(fleet, {**new(), **TWO_BATCHES}, output) as run:
            at_step(fleet, "See that the lock is still held", output)
            befall(fleet, host, fault)
            try:
                code = run.wait(500)
            finally:
                befall(fleet, host, fix)
        said = output.read_text()
        seen.wait_for("nobody to be armed", lambda: not any(armed(fleet).values()), 360, pause=2)
        assert code in (0, 2) and moved(fleet, before) == (set(before) if code == 0 else set()), said[-3000:]
        after = deploy(fleet, {"praxis_batch": 2, "praxis_soak": 1})
    assert after.summary["ok"]
    assert set(registered(fleet).values()) == {"healthy"}
    assert sum(lost(counted)[0].values()) <= (3 if "engine" in what else 0), lost(counted)


ARMED = "test -e /opt/praxis/armed.json && echo armed || true"


@pytest.mark.repetition
def test_clocks_that_are_set_in_the_middle_of_a_release_do_not_matter(fleet: Cloud, tmp_path: Path) -> None:
    """Ahead and behind by an hour, while the first batch is activated; and its timers go off, as they then do."""
    settle(fleet)
    before, output, machines = seen.releases(fleet), tmp_path / "output", fleet.machines()
    variables = {**new(), **TWO_BATCHES, "praxis_confirm_deadline": 900}
    try:
        with load(fleet) as counted, begun(fleet, variables, output) as run:
            seen.wait_for("an armed host", lambda: fleet.on(machines[0], ARMED), 240)
            for number, item in enumerate(machines):
                planted = ANOTHER_TIME.format(-3600 if number % 2 else 3600)
                fleet.on(item, f"mkdir -p {SITE} && echo '{planted}' >{SITE}/fault.pth")
            fleet.on(machines[0], "systemctl start --no-block praxis-rollback.service")
            code = run.wait(400)
        said = output.read_text()
        assert code == 0 and "s ahead of the" in said and "s behind the" in said, said[-3000:]
        assert moved(fleet, before) == set(before)
        assert not any(armed(fleet).values())
        assert lost(counted) == ({}, "")
        after = deploy(fleet, AT_ONCE)
        assert after.summary["ok"] and {item["code"] for item in after.summary["findings"]} == {"clock-off"}
    finally:
        for item in machines:
            fleet.on(item, f"rm -f {SITE}/fault.pth")
    assert deploy(fleet, {}).summary["findings"] == []


@contextlib.contextmanager
def throttled(cloud: Cloud, probability: float) -> Iterator[None]:
    """A burst on the balancer's API."""
    fault = [sys.executable, "-m", "sandbox", "fault"]
    order = ["--operations", "elbv2:DescribeTargetHealth", "elbv2:RegisterTargets", "elbv2:DeregisterTargets",
             "--code", "Throttling", "--status", "400", "--probability", str(probability), "--seed", "11"]
    subprocess.run([*fault, "error", *order], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)
    try:
        yield
    finally:
        subprocess.run([*fault, "clear"], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)


@pytest.mark.repetition
def test_a_burst_of_throttling_in_the_middle_of_a_release_loses_nothing(fleet: Cloud) -> None:
    before, mark = seen.releases(fleet), fleet.mark()
    with load(fleet) as counted, throttled(fleet, 0.6):
        run = deploy(fleet, {**new(), "praxis_batch": 2, "praxis_canary": 2})
    assert run.summary["ok"] and run.summary["findings"] == []
    assert moved(fleet, before) == set(before)
    struck = {item["operation"] for item in fleet.operations(mark) if item["fault"]}
    assert struck == {"DescribeTargetHealth", "RegisterTargets", "DeregisterTargets"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
@pytest.mark.parametrize("forks", ["1", "50"])
def test_forks_are_a_matter_of_speed_alone(fleet: Cloud, forks: str) -> None:
    with load(fleet) as counted:
        run = deploy(fleet, {**new(), "praxis_batch": 2}, "--forks", forks)
    assert run.summary["ok"] and run.summary["findings"] == []
    assert lost(counted) == ({}, "")


@pytest.mark.repetition
def test_one_host_is_deployed_and_the_others_after_it(fleet: Cloud) -> None:
    before, variables = seen.releases(fleet), {**new(), "praxis_batch": 2}
    with load(fleet) as counted:
        one = deploy(fleet, variables, "--limit", "praxis-aws-2")
        halfway = seen.releases(fleet)
        rest = deploy(fleet, variables)
    assert one.summary["ok"] and rest.summary["ok"]
    assert {name for name, release in halfway.items() if release != before[name]} == {"praxis-aws-2"}
    assert rest.changed and "praxis-aws-2" not in rest.changed
    assert lost(counted) == ({}, "")
    assert seen.edges(fleet) == seen.all_pairs(fleet)


@pytest.mark.repetition
def test_a_machine_that_hangs_in_its_activation_is_rolled_back(fleet: Cloud, tmp_path: Path) -> None:
    """By this run as far as it can be reached, and by itself when it goes on."""
    settle(fleet)
    before, hung = seen.releases(fleet), machine(fleet, "praxis-aws-2")
    with begun(fleet, {**new(), "praxis_confirm_deadline": 240}, tmp_path / "output") as run:
        seen.wait_for("its activation", lambda: fleet.on(hung, ACTIVATING), 240)
        docker.docker("pause", hung.container)
        try:
            code = run.wait(240)
        finally:
            docker.docker("unpause", hung.container)
    assert code == 2
    seen.wait_for("everybody on the release of before", lambda: seen.releases(fleet) == before, 300, pause=2)
    deploy(fleet, {})
    assert set(registered(fleet).values()) == {"healthy"}
    assert deploy(fleet, {}).summary["findings"] == []


@pytest.mark.repetition
def test_an_engine_that_was_stopped_is_started_again(fleet: Cloud) -> None:
    settle(fleet)
    stopped = machine(fleet, "praxis-aws-3")
    with load(fleet) as counted:
        # The agent goes on without it: live-restore.
        fleet.on(stopped, "systemctl stop docker.socket docker.service")
        run = deploy(fleet, new())
    assert run.summary["ok"]
    # An engine that starts writes its network's rules anew, in the middle of what is served.
    assert sum(lost(counted)[0].values()) <= 3
    assert set(registered(fleet).values()) == {"healthy"}
    assert seen.edges(fleet) == seen.all_pairs(fleet)


@pytest.mark.repetition
def test_a_host_that_is_renamed_keeps_its_identity(fleet: Cloud) -> None:
    settle(fleet)
    ec2 = boto3.client("ec2", **fleet.administrator)
    named = {"Name": "tag:Name", "Values": ["praxis-aws-4", "praxis-aws-four"]}
    ((one,),) = [many["Instances"] for many in ec2.describe_instances(Filters=[named])["Reservations"]]
    host = machine(fleet, "praxis-aws-4")
    before = seen.peer_id(fleet, host)
    for name in ("praxis-aws-four", "praxis-aws-4"):
        ec2.create_tags(Resources=[one["InstanceId"]], Tags=[{"Key": "Name", "Value": name}])
        with load(fleet) as counted:
            run = deploy(fleet, {})
        assert run.summary["ok"] and run.summary["findings"] == []
        assert list(run.changed) == [name]
        assert lost(counted) == ({}, "")
        assert seen.peer_id(fleet, host) == before
        assert set(registered(fleet).values()) == {"healthy"}


def history(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.run("history.yml", environment=FOUR).summary["deployments"]
    return found


def peer_ids(cloud: Cloud) -> dict[str, str]:
    return {item.name: seen.peer_id(cloud, item) for item in cloud.machines()}
