# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of releases share: four machines behind the balancer, how a deployment is begun and cut off, and what
came of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import yaml

from . import seen
from .conftest import CHECKOUT, FOUR, Cloud, Machine, Run
from .load import Load

#: A short soak, where it is not what is tried.
QUICK = {"praxis_soak": 5, "praxis_gate_deadline": 120}
#: One batch, and nobody kept in service.
AT_ONCE = {"praxis_batch": "100%", "praxis_canary": 4, "praxis_min_available": 0, "praxis_soak": 1}
#: Two batches, and a deadline that both are through in, on a busy machine too.
TWO_BATCHES = {"praxis_batch": 2, "praxis_canary": 2, "praxis_soak": 5, "praxis_confirm_deadline": 300}
ACTIVATING = "grep -s state=active /run/praxis.lock || true"
RECORD = "cat /opt/praxis/deployment.json"
TIMERS = "systemctl list-timers --all --no-pager; ls /opt/praxis /etc/systemd/system"
MODULE = "pgrep -f '[B]ECOME-SUCCESS' || test $? = 1"
IDLE = "flock -n /run/praxis.lock true && echo idle || true"
#: Between these two, a batch is out of the balancer.
DRAIN, REJOIN = "Drain the batch", "Rejoin the batch"


def new(**more: str) -> dict[str, Any]:
    """Variables that give every member a release that it never had."""
    return {"praxis_agent_environment": {"RELEASE": uuid4().hex, **more}}


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


def killed_in_its_first_activation(cloud: Cloud, variables: dict[str, Any], folder: Path) -> None:
    """A deployment whose controller is killed, with all that it started, while a release is being activated."""
    with begun(cloud, variables, folder / "output"):
        seen.wait_for("an activation", lambda: any(cloud.on(item, ACTIVATING) for item in cloud.machines()), 120)
    for item in cloud.machines():  # one that does not become well waits for the whole gate, which is 120 s
        seen.wait_for(f"the end of the step on {item.name}", lambda item=item: cloud.on(item, IDLE), deadline=240)


def at_step(cloud: Cloud, step: str, output: Path, deadline: float = 600, times: int = 1) -> None:
    """Wait for the beginning of a step in what a run prints; a run that ends before it says why.

    :param times: in which batch, from 1 on.
    """

    def printed() -> str:
        text = output.read_text()
        return text if seen.began(step, text, times) or "PLAY RECAP" in text else ""

    said = seen.wait_for(f"the step {step}", printed, deadline, pause=0.1)
    assert seen.began(step, said, times), said[-3000:]


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


def machine(cloud: Cloud, name: str) -> Machine:
    (found,) = [item for item in cloud.machines() if item.name == name]
    return found


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


@contextlib.contextmanager
def refused(cloud: Cloud, operation: str) -> Iterator[None]:
    fault = [sys.executable, "-m", "sandbox", "fault"]
    order = ["--operations", operation, "--code", "AccessDenied", "--status", "403"]
    subprocess.run([*fault, "error", *order], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)
    try:
        yield
    finally:
        subprocess.run([*fault, "clear"], cwd=CHECKOUT, check=True, capture_output=True, env=cloud.environment)


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
