# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment whose controller dies, under load: what its hosts do by themselves, and what the next run does."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox import docker
from tests import tiers

from . import seen
from .conftest import FOUR, Cloud
from .load import load
from .releasing import (
    ACTIVATING,
    AT_ONCE,
    DRAIN,
    IDLE,
    MODULE,
    REJOIN,
    TIMERS,
    TWO_BATCHES,
    armed,
    at_step,
    begun,
    codes,
    deploy,
    killed_in_its_first_activation,
    lost,
    machine,
    moved,
    new,
    out_of_service,
    own,
    registered,
    settle,
    steps,
)

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
def test_another_release_takes_the_place_of_one_that_was_killed_in_its_second_batch(
    fleet: Cloud, tmp_path: Path
) -> None:
    """The batch that is out of service has not lasted, so nobody puts it in. It is replaced first, and the other one
    serves until then."""
    settle(fleet)
    before, output = seen.releases(fleet), tmp_path / "output"
    # The next run gets to its first drain long before that soak is over.
    pace = {"praxis_batch": 2, "praxis_canary": 2, "praxis_soak": 60, "praxis_confirm_deadline": 900}
    other = {**new(), **pace}
    with load(fleet) as counted:
        with begun(fleet, {**new(), **pace}, output) as run:
            at_step(fleet, "Observe the agent until the batch has lasted", output, times=2)
            os.killpg(run.pid, signal.SIGKILL)
        assert moved(fleet, before) == set(before)
        run = deploy(fleet, other)
    assert run.summary["ok"] and {item["code"] for item in run.summary["findings"]} == {"taken-over"}
    assert set(registered(fleet).values()) == {"healthy"}
    assert lost(counted) == ({}, "")
    assert deploy(fleet, other).changed == {}
