# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of the controller in real runs of ansible-playbook: carried out by the task's own process, with the results
that the module gives, and executed as a module wherever the task's place is another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from tests.unit.plan.made import Account
from tests.unit.plan.test_actions import LOCAL, MARKER, Site
from tests.unit.plan.test_balancers import PLAN, Balancer

pytestmark = pytest.mark.slow
MODULE = "praxis.cloud.aws_infrastructure"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4 somebody"
#: Makes a task's place another one for its module, and changes nothing of what it does.
AS_MODULE = {"environment": {"PRAXIS_TEST": "a module has it"}}
ANSWER = json.dumps({"changed": False, "by": "a module"})


@pytest.fixture
def site(tmp_path: Path, empty: Account) -> Site:
    made = Site(tmp_path, empty)
    made.inventory({})
    return made


def task(name: str, options: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    return {"name": name, MODULE: options, "ignore_errors": True, "diff": True, **keywords}


def options(empty: Account) -> dict[str, Any]:
    """A fleet of one machine."""
    image = empty.cloud.client("ec2").register_image(Name="debian", RootDeviceName="/dev/xvda")["ImageId"]
    return {"fleet": "alpha", "hosts": 1, "vpc_cidr": "10.42.0.0/16", "public_key": KEY, "image_id": image,
            "ssh_from": "203.0.113.7/32", "labels": {"team": "{{ team }}"}}  # fmt: skip


def test_its_results_are_those_of_the_module(site: Site, empty: Account) -> None:
    given = options(empty)
    defaults = {"group/praxis.cloud.aws": {"fleet": given.pop("fleet")}}
    check = {"check_mode": True}
    # An error that quotes what was given, which is a secret's value as well.
    quoted = {**given, "fleet": MARKER.upper(), "access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": MARKER.upper()}
    tasks = [
        task("predicted", given, **check), task("predicted by a module", given, **check, **AS_MODULE),
        task("made", given), task("again", given),
        task("fleet", quoted), task("fleet by a module", quoted, **AS_MODULE),
        task("option", {**given, "hots": 3}), task("type", {**given, "hosts": "many"}),
    ]  # fmt: skip
    book = [{**LOCAL, "vars": {"team": "search"}, "module_defaults": defaults, "tasks": tasks}]
    played = site.play(book, "-vvv")
    for name in ("predicted", "fleet"):
        here, module = (_bare(played.of(each, "localhost")) for each in (name, f"{name} by a module"))
        assert here == module, name
    for name, said in (("option", "hots"), ("type", "many")):
        refused = played.of(name, "localhost")
        assert refused["status"] == "failed" and said in refused["msg"], refused
    made = played.of("made", "localhost")
    assert (made["status"], made["changed"]) == ("ok", True), made
    assert made["plan"] == played.of("predicted", "localhost")["plan"]
    again = played.of("again", "localhost")
    assert (again["changed"], again["plan"]["rows"]) == (False, [])
    refused = played.of("fleet", "localhost")
    assert refused["failure"]["code"] == "bad-fleet-name"
    # What must not be shown is in a module's arguments alone, which a run of the module in this process has not.
    assert MARKER.upper() not in json.dumps(refused)


def _bare(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what Ansible adds to each module's."""
    added = ("invocation", "_ansible_no_log", "exception", "warnings", "deprecations", "ansible_facts")
    return {key: value for key, value in result.items() if key not in added}


def test_a_task_with_another_place_executes_the_module_there(site: Site, empty: Account) -> None:
    given = options(empty)
    site.inventory({name: site.host(name, f"echo '{ANSWER}'") for name in ("m1", "m2")}, team="search")
    sudo = site.folder / "python-sudo"
    sudo.write_text(f"#!/bin/sh\ntouch {site.folder}/became\nexit 1\n")
    sudo.chmod(0o755)
    here = {"check_mode": True}
    became = {"become": True, "become_user": "nobody", "vars": {"ansible_become_exe": str(sudo)}}
    book = [
        {"hosts": "m1", "gather_facts": False, "tasks": [
            task("another python", given),
            task("delegated here", given, delegate_to="localhost", **here),
        ]},
        {**LOCAL, "tasks": [
            task("delegated away", given, delegate_to="m2"),
            task("another user", given, **became),
            task("in the background", {**given, "fleet": "None of ours"}, **{"async": 60, "poll": 0}),
        ]},
    ]  # fmt: skip
    played = site.play(book)
    assert played.of("another python", "m1")["by"] == "a module"
    assert played.of("delegated away", "localhost")["by"] == "a module"
    assert site.was_sent("m2")
    delegated = played.of("delegated here", "m1")
    assert (delegated["status"], delegated["changed"]) == ("ok", True), delegated
    assert played.of("another user", "localhost")["status"] == "failed"
    assert (site.folder / "became").exists()
    assert played.of("in the background", "localhost")["ansible_job_id"]


def test_a_balancer_is_asked_by_the_task_s_process_and_answers_as_its_module_does(
    site: Site, empty: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(site.folder))
    vpc = empty.cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    empty.cloud.client("elbv2").create_target_group(Name="agents", Protocol="HTTP", Port=8000, VpcId=vpc)
    fleets = {name: Balancer(site.folder, "praxis.cloud.aws_lb_target") for name in ("there", "missing")}
    unknown = fleets["missing"].run
    (balancer,) = unknown.options()["balancers"]
    others = [{**balancer, "options": {"target_group": "others"}}]
    unknown._files.write("options.json", {**unknown.options(), "balancers": others})
    for fleet in fleets.values():
        for name, observation in fleet.observations.items():
            fleet.run.report(name, {"observation": observation})

    def asked(name: str, **keywords: Any) -> dict[str, Any]:
        options = {"run": fleets[name.split()[0]].run.path, "members": [*PLAN.members], "observe": True}
        return {"name": name, "praxis.cloud.fleet_balancer": options, "ignore_errors": True, "check_mode": True,
                **keywords}  # fmt: skip

    nowhere = {"vars": {"ansible_shell_executable": "/bin/false"}}  # whatever is executed ends at once
    tasks = [each for name in fleets
             for each in (asked(f"{name} here", **nowhere), asked(f"{name} by a module", **AS_MODULE))]  # fmt: skip
    played = site.play([{**LOCAL, "tasks": [*tasks, asked("there executed", **nowhere, **AS_MODULE)]}])
    for name in fleets:
        here, module = (_bare(played.of(f"{name} {how}", "localhost")) for how in ("here", "by a module"))
        assert here == module, name
    assert played.of("there executed", "localhost")["status"] == "unreachable"
    there = played.of("there here", "localhost")
    assert [each["member"] for each in there["targets"]] == [*PLAN.members]
    assert played.of("missing here", "localhost")["failure"]["code"] == "target-group-not-found"
