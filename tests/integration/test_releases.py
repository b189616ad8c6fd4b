# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases and rollbacks under load: what is bad in a release itself. docs/releases.md is the table.

The tests of all ``test_releases*`` go in their order; each leaves the fleet whole, on one release.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils.hooks import POINTS

from . import seen
from .conftest import FOUR, Cloud
from .load import load
from .releasing import (
    AT_ONCE,
    codes,
    deploy,
    killed_in_its_first_activation,
    lost,
    moved,
    new,
    own,
    refused,
    registered,
    settle,
)

#: What goes from a container to another machine's P2P port gets a source port by chance.
OTHER_PORTS = (
    "iptables -w 5 -t nat -{} POSTROUTING -s 172.16.0.0/12 -o eth0 -p tcp --dport 4001 -j MASQUERADE --random"
)


def history(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.run("history.yml", environment=FOUR).summary["deployments"]
    return found


def peer_ids(cloud: Cloud) -> dict[str, str]:
    return {item.name: seen.peer_id(cloud, item) for item in cloud.machines()}


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


def result_of(record: dict[str, Any], name: str) -> str:
    """What came of a host, by the record of its deployment."""
    return str(next(row["result"] for row in record["members"] if row["name"] == name))


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
@pytest.mark.parametrize("forks", ["1", "50"])
def test_forks_are_a_matter_of_speed_alone(fleet: Cloud, forks: str) -> None:
    with load(fleet) as counted:
        run = deploy(fleet, {**new(), "praxis_batch": 2}, "--forks", forks)
    assert run.summary["ok"] and run.summary["findings"] == []
    assert lost(counted) == ({}, "")
