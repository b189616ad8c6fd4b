# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's ansible.cfg with its settings turned to other values: the playbooks go the same way, or refuse by name.

The playbooks run as they are, on hosts whose Python only pretends (test_actions.py): a deployment whose first host
fails its gate, so that it goes from the plan through lock, batch, drain, rollback and verdict.
"""

from __future__ import annotations

import fnmatch
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import tiers
from tests.unit.plan import ansible_settings_rows as rows
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, ROOT_PLAYBOOKS, Played, Site, deaf_port

pytestmark = pytest.mark.slow
DEPLOY = CHECKOUT / "playbooks" / "deploy.yml"
__all__ = ["deaf_port"]

#: Each runs by itself: it has changed what a deployment comes to, and is in the way of the others.
ALONE = {
    "DEFAULT_STRATEGY": ["free"],
    "ANY_ERRORS_FATAL": ["true"],
    "DEFAULT_STDOUT_CALLBACK": ["minimal"],
}
#: Run together: one that changes anything is found by the tests of each.
TOGETHER = {name: values[0] for name, values in rows.SAME.items() if name not in ALONE}
EACH = [
    pytest.param(
        {name: value},
        id=f"{name} {value}",
        marks=[] if (name, value) == ("DEFAULT_STRATEGY", "free") else pytest.mark.repetition,
    )
    for name, values in rows.SAME.items()
    for value in values
]


class Deployment:
    """A fleet of two whose new release is never healthy."""

    def __init__(self, site: Site) -> None:
        self.site = site
        observation = {
            "release": {"current": "5f00d1", "running": "5f00d1", "good": "5f00d1", "kept": []},
            "container": {"state": "running", "health": "unhealthy", "exit_code": 0, "id": "c1", "restarts": 0},
            "api": {"health": 503, "peer_id": None, "error": None},
            "edges": [],
            "dials": {},
            "deployment": None,
        }
        answer = {"changed": True, "diff": [], "outcome": "activated", "activation": "switch", "failure": None}
        self.answer = json.dumps({**answer, "locked": True, "fence": 1, "observation": observation})

    def hosts(
        self, script: str = "", everybody: dict[str, Any] | None = None, **others: dict[str, Any]
    ) -> None:
        """Write the inventory.

        :param script: what each host's Python does before it answers.
        :param everybody: variables of all hosts, the controller among them.
        :param others: other connection variables of a member.
        """
        own = {name: self.site.host(name, f"{script}\necho '{self.answer}'") for name in ("m1", "m2")} | others
        members = {name: {**found, **own[name]} for name, found in fleet(2).items()}
        self.site.inventory(members, **(everybody or {}))

    def under(self, settings: dict[str, str], *arguments: str) -> Played:
        """Deploy under settings of Ansible's; those that this one does not know are omitted, deprecated ones tried."""
        here = {name: value.format(folder=self.site.folder) for name, value in settings.items() if name in rows.known()}
        if "RETRY_FILES_SAVE_PATH" not in here:  # else they lie beside the playbook, in the checkout
            here["RETRY_FILES_SAVE_PATH"] = str(self.site.folder)
        (self.site.folder / "ansible.cfg").write_text(rows.configured(here))
        return self.site.play(DEPLOY, *arguments, **{"ANSIBLE_DEPRECATION_WARNINGS": "false"} | rows.exported(here))


@pytest.fixture
def deployment(tmp_path: Path, account: Account) -> Deployment:
    made = Deployment(Site(tmp_path, account))
    made.hosts()
    return made


def way_of(played: Played) -> list[tuple[str, str, str]]:
    """What every task came to, on which host; sorted, for hosts answer in any order."""
    return sorted((each["task"], each["host"], each["status"]) for each in played.results)


@dataclass(frozen=True)
class Usual:
    """A deployment without any setting: what the others are held against."""

    rc: int
    way: list[tuple[str, str, str]]
    said: str


_KNOWN: list[Usual] = []


@pytest.fixture
def usual(deployment: Deployment) -> Usual:
    """Run once for all tests."""
    if not _KNOWN:
        played = deployment.under({})
        said = played.of("Fail with what is wrong with the fleet", "m1")["msg"]
        _KNOWN.append(Usual(played.rc, way_of(played), said))
    return _KNOWN[0]


def test_every_setting_has_one_row() -> None:
    """A new one of Ansible's is thought about before it is admitted."""
    patterns = [name for group in (rows.NEVER, rows.WISHES) for names in group.values() for name in names]
    patterns += [*rows.SAME, *rows.SAME_THERE, *rows.REFUSED]
    found = {name: [one for one in patterns if fnmatch.fnmatchcase(name, one)] for name in rows.known()}
    assert {name: of for name, of in found.items() if len(of) != 1} == {}
    assert len(found) > 230


def test_the_usual_way_is_the_whole_one(usual: Usual) -> None:
    """Lock, activation, rollback and verdict are all in it."""
    way = usual.way
    assert usual.rc == 2
    for task in ("Activate the release", "Roll back to the last good release", "Observe the agent after the rollback"):
        assert (task, "m1", "ok") in way
    assert way.count(("Take the fleet's lock, or see that it is still held", "m1", "ok")) >= 2
    assert usual.said.count("GET /health of the agent: 503") == 2


@pytest.mark.parametrize("settings", [*EACH, pytest.param(TOGETHER, id="all the others together")])
def test_settings_change_neither_way_nor_words(deployment: Deployment, usual: Usual, settings: dict[str, str]) -> None:
    played = deployment.under(settings)
    assert (played.rc, way_of(played)) == (usual.rc, usual.way), played.printed[-4000:]
    assert played.of("Fail with what is wrong with the fleet", "m1")["msg"] == usual.said


@pytest.mark.repetition
def test_a_task_may_take_longer_than_the_user_s_tasks(deployment: Deployment) -> None:
    """An image is pulled and a gate waited for under deadlines of their own; a step cut off by Ansible goes on."""
    once = deployment.site.folder / "slow-once"
    deployment.hosts(f"[ -e {once} ] || {{ touch {once}; sleep 2.5; }}")
    played = deployment.under({"TASK_TIMEOUT": "1"})
    assert once.exists()
    assert {each["status"] for each in played.results if each["task"] == "Prepare the release"} == {"ok"}
    assert "Timed out" not in played.printed


def test_one_machine_that_cannot_be_reached_ends_no_play(deployment: Deployment, deaf_port: int) -> None:
    gone = {"ansible_host": "127.0.0.1", "ansible_port": deaf_port, "ansible_connection": "ssh"}
    deployment.hosts(m2=gone)
    ways = [way_of(deployment.under(settings, "-e", "praxis_max_unreachable=1"))
            for settings in ({}, {"ANY_ERRORS_FATAL": "true"})]  # fmt: skip
    assert ("Activate the release", "m1", "ok") in ways[0]
    assert ways[0] == ways[1]


def sudo(deployment: Deployment) -> dict[str, str]:
    """Settings by which a program in sudo's place writes down what it is asked for, even by root for root."""
    path = deployment.site.folder / "python-sudo"
    log = deployment.site.folder / "sudo-log"
    path.write_text(f'#!/bin/sh\necho "$*" >> {log}\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    path.chmod(0o755)
    return {"DEFAULT_BECOME_EXE": str(path), "BECOME_ALLOW_SAME_USER": "true"}


#: ansible.cfg's words, and the same as variables of all hosts, which come before what a play says.
THEIRS = [
    pytest.param({"DEFAULT_BECOME": "true", "DEFAULT_BECOME_USER": "nobody"}, {}, id="ansible.cfg",
                 marks=pytest.mark.repetition),
    pytest.param({}, {"ansible_become": True, "ansible_become_user": "nobody"}, id="variables"),
]


@pytest.mark.parametrize(("settings", "everybody"), THEIRS)
def test_hosts_are_worked_on_as_root_and_the_controller_is_not(
    empty: Account, tmp_path: Path, settings: dict[str, str], everybody: dict[str, Any]
) -> None:
    """Whomever the user's own tasks become, and wherever. Identities are made here, with the user's environment."""
    deployment = Deployment(Site(tmp_path, empty))
    deployment.hosts(everybody=everybody)
    played = deployment.under({**sudo(deployment), **settings})
    assert played.of("Make the identities that are missing", "m1")["changed"]
    asked = (tmp_path / "sudo-log").read_text().splitlines()
    assert len(asked) >= 6
    assert [line for line in asked if " -u root " not in line] == []
    assert [line for line in asked if sys.executable in line] == []


def test_an_inventory_does_not_turn_pipelining_off_by_either_name(deployment: Deployment, deaf_port: int) -> None:
    """A host that SSH does not reach: it would be refused before SSH is tried."""
    gone = {"ansible_host": "127.0.0.1", "ansible_port": deaf_port, "ansible_connection": "ssh"}
    deployment.hosts(everybody={"ansible_pipelining": False, "ansible_ssh_pipelining": False}, m1=gone,
                     m2={**gone, "ansible_host": "localhost"})
    played = deployment.under({})
    prepared = [each["status"] for each in played.results if each["task"].endswith("Prepare the release")]
    assert prepared == ["unreachable", "unreachable"], played.printed[-3000:]


def test_su_is_refused_by_name(deployment: Deployment) -> None:
    """It wants a terminal, and Ansible pipelines nothing through one."""
    played = deployment.under({**sudo(deployment), "DEFAULT_BECOME_METHOD": "su"})
    failure = played.of("Prepare the release", "m1")["failure"]
    assert (played.rc, failure["code"]) == (2, "no-pipelining")
    assert "ansible_become_method" in failure["fix"] and "su" in failure["what"].split()
    assert not deployment.site.was_sent("m1")


@pytest.mark.repetition
@pytest.mark.parametrize("name", rows.REFUSED)
def test_a_setting_that_is_refused_is_named_before_a_host_is_asked(deployment: Deployment, name: str) -> None:
    value, word = rows.REFUSED[name]
    played = deployment.under({name: value})
    assert played.rc != 0
    assert word in json.dumps(played.results), played.printed[-2000:]
    assert not deployment.site.was_sent("m1")


#: They ask no machine, so none of these settings concerns them.
OF_NO_MACHINE = {"awx.yml", "image.yml", "init.yml", "policies.yml"}


@pytest.mark.parametrize("playbook", tiers.only(sorted(set(ROOT_PLAYBOOKS) - OF_NO_MACHINE), "deploy.yml".__eq__))
def test_a_setting_that_no_play_can_turn_back_is_refused_by_name(deployment: Deployment, playbook: str) -> None:
    path, folder = CHECKOUT / "playbooks" / playbook, deployment.site.folder
    unfit = {"ANSIBLE_HOST_PATTERN_MISMATCH": "error", "ANSIBLE_TRANSPORT": "local"}
    played = deployment.site.play(path, ANSIBLE_SHOW_CUSTOM_STATS="true", **unfit)
    found = played.of("Stop when the inventory could not be read whole, or holds no member", "localhost")
    assert (played.rc, {each["code"] for each in found["failures"]}) == (2, {"ansible-setting"})
    fixes = " ".join(each["fix"] for each in found["failures"])
    assert "ANSIBLE_HOST_PATTERN_MISMATCH=warning" in fixes and "ANSIBLE_TRANSPORT=ssh" in fixes
    assert "praxis_summary" in played.printed
    if "inventory_logs_in: false" not in path.read_text(encoding="utf-8"):
        (option,) = deployment.site.play(path, "--connection", "local").of(
            "Stop when the inventory could not be read whole, or holds no member", "localhost")["failures"]  # fmt: skip
        assert option["code"] == "ansible-setting" and "--connection" in option["fix"]
    assert not [path for path in folder.iterdir() if path.name.startswith(("sent-", "remote-"))]
