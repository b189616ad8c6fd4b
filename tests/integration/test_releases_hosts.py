# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A release and what befalls its hosts, under load: power, clock, engine, disk, ports, names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from sandbox import docker

from . import seen
from .conftest import CHECKOUT, Cloud, Machine
from .load import load
from .releasing import (
    ACTIVATING,
    AT_ONCE,
    TWO_BATCHES,
    armed,
    at_step,
    begun,
    codes,
    deploy,
    lost,
    machine,
    moved,
    new,
    own,
    registered,
    settle,
    steps,
)

LIST = "cat /opt/praxis/peers.json /opt/praxis/configs/*.yaml"
#: In which batch these steps are about praxis-aws-2, where each member is a batch: the one just before is left out.
EARLIER = {"Observe earlier batches again": 4, "Judge earlier batches again": 4}
#: A batch for each member, and a deadline that all of them are through in.
ONE_BY_ONE = {"praxis_soak": 5, "praxis_confirm_deadline": 600}
#: What a machine's Python takes for the time: containers share the clock of their kernel, so nobody can set it.
ANOTHER_TIME = "import time; time.time = (lambda real: lambda: real() + {})(time.time)"
SITE = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')"
ARMED = "test -e /opt/praxis/armed.json && echo armed || true"
#: What befalls a host that is about to be drained; how it is fixed; what is reported of it.
BEFALLS = {
    "its engine is stopped": ("systemctl stop docker.socket docker.service", "systemctl start docker.service"),
    "its clock is ten minutes ahead": (
        "mkdir -p {site} && echo '{time}' >{site}/fault.pth", "rm -f {site}/fault.pth"),
    "its sudo is gone": ("mv /usr/bin/sudo /usr/bin/sudo.away", "mv /usr/bin/sudo.away /usr/bin/sudo"),
    "its current release is gone": ("rm /opt/praxis/current", "true"),
    "its disk is full": ("sandbox fault disk full", "sandbox fault disk heal"),
}  # fmt: skip


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
