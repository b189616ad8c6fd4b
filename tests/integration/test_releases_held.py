# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the fleet: two deployments at once, a person's lock, a deployment that was taken over from."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from tests import copies

from . import seen
from .conftest import CHECKOUT, FOUR, Cloud, Machine, Run
from .load import Load, load
from .releasing import (
    ACTIVATING,
    DRAIN,
    IDLE,
    MODULE,
    RECORD,
    armed,
    at_step,
    begun,
    codes,
    deploy,
    deregistration_delay,
    lost,
    machine,
    new,
    registered,
    settle,
)


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
    assert ("longer than its lease" if lease else "praxis_take_over names it") in said["what"]
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
