# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No member is the controller, and no two are one machine, whatever variables all of them share."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.praxis.cloud.plugins.action import fleet_plan
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import whole_inventory
from ansible_collections.praxis.cloud.plugins.plugin_utils.logins import Logins
from tests import tiers
from tests.unit.plan.made import Account, fleet
from tests.unit.plan.test_actions import CHECKOUT, Site, site

__all__ = ["site"]


def codes(*members: Mapping[str, Any]) -> list[str]:
    """What is wrong with the members m1, m2 and so on, that have these variables beside an address of their own."""
    found = Logins()
    for at, variables in enumerate(members, 1):
        found.add(f"m{at}", {"praxis_private_ip": f"192.0.2.{at}", **variables})
    return [finding.code for finding in found.findings()]


@pytest.mark.parametrize("name", ["local", "ansible.builtin.local", "ansible.legacy.local"])
def test_a_member_that_would_be_the_controller(name: str) -> None:
    assert codes({"ansible_connection": name}, {"ansible_connection": name}) == ["member-is-controller"]
    assert codes({"ansible_connection": name}, {}) == ["member-is-controller"]
    assert codes({"ansible_connection": name, "praxis_private_ip": None}) == ["member-is-controller"]
    assert codes({"ansible_connection": name, "praxis_target": "kubernetes"}) == []


def test_a_member_that_is_the_controller_and_has_a_translated_public_address_is_told_what_to_set() -> None:
    """Of a public address that the cloud translates the machine itself knows nothing."""
    found, own = Logins(), {"ansible_connection": "local", "praxis_public_ip": "203.0.113.7"}
    found.add("m1", own)
    (refused,) = found.findings()
    assert "set its praxis_private_ip" in refused.fix and "a public address that the cloud translates" in refused.fix
    found = Logins()
    found.add("m1", {**own, "praxis_private_ip": "127.0.0.1"})
    assert found.findings() == []


class Counting(dict[str, Any]):
    """Variables that count how often a login is read."""

    asked = 0

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping."""
        Counting.asked += name.startswith("ansible_")
        return super().get(name, default)


def test_a_plan_reads_no_login_again_that_its_run_has_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    hosts = {name: Counting(own) for name, own in fleet(2).items()}

    def asked(names: list[str]) -> int:
        before = Counting.asked
        assert fleet_plan._members(hosts, names, None, names)[1] == []
        return Counting.asked - before

    alone = asked(["m1", "m2"])
    assert alone > 0, "who plans alone reads them"
    whole_inventory.require_logins(hosts, ["m1", "m2"])
    assert asked(["m1", "m2"]) == 0
    assert asked(["m1"]) > 0, "and so does who plans others"
    # What is refused is not remembered.
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "next"))
    (tmp_path / "next").mkdir()
    same = {name: Counting({**own, "ansible_host": "192.0.2.9"}) for name, own in hosts.items()}
    with pytest.raises(Failed):
        whole_inventory.require_logins(same, ["m1", "m2"])
    assert [each.code for each in fleet_plan._members(same, ["m1", "m2"], None, ["m1", "m2"])[1]] == ["shared-login"]


def test_the_run_says_so_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """-c local."""
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(connection="local"))
    assert codes({}, {}) == ["member-is-controller"]
    assert codes({"ansible_connection": "ssh"}, {"ansible_connection": "smart"}) == []


def test_a_member_that_is_this_machine() -> None:
    """Its address tells: the one from which this machine would go out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own = probe.getsockname()[0]
    assert codes({"ansible_connection": "local", "praxis_private_ip": own}) == []
    assert codes({"ansible_connection": "local", "praxis_public_ip": own}) == []


#: Variables in which two members differ, how their values begin, and what is found of one address then.
WAYS: list[tuple[str, str, list[str]]] = [
    ("ansible_ssh_common_args", "-F ssh-", []),
    ("ansible_ssh_common_args", "-o Port=220", []),
    ("ansible_ssh_extra_args", "-p 220", []),
    ("ansible_ssh_executable", "/opt/ssh-", []),
    ("ansible_paramiko_proxy_command", "ssh -W %h:%p ", []),
    ("ansible_ssh_args", "-i key-", ["shared-login"]),
    ("ansible_user", "", ["shared-login"]),
]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"ansible_host": "localhost"}, {"ansible_host": "localhost"}, ["shared-login"]),
        ({"ansible_host": "m2"}, {}, ["shared-login"]),
        ({"ansible_host": "127.0.0.1", "ansible_port": 2222}, {"ansible_host": "127.0.0.1", "ansible_port": 2200}, []),
        ({"ansible_host": "192.0.2.1"}, {"ansible_host": "192.0.2.2"}, []),
        ({}, {}, []),
        ({"ansible_connection": "community.docker.docker", "ansible_host": "a"},
         {"ansible_connection": "community.docker.docker", "ansible_host": "a"}, []),
        *(({"ansible_host": "10.0.0.5", "ansible_ssh_common_args": f"-o {way}=a"},
           {"ansible_host": "10.0.0.5", "ansible_ssh_common_args": f"-o {way}=b"}, there)
          for way, there in (("ProxyJump", []), ("proxycommand", []), ("HostKeyAlias", ["shared-login"]))),
        *(({"ansible_host": "10.0.0.5", name: f"{value}a"}, {"ansible_host": "10.0.0.5", name: f"{value}b"}, there)
          for name, value, there in WAYS),
        ({"ansible_host": "gate", "ansible_ssh_port": 2201}, {"ansible_host": "gate", "ansible_ssh_port": 2202}, []),
        ({"ansible_host": "gate", "ansible_port": 22, "ansible_ssh_port": 2201},
         {"ansible_host": "gate", "ansible_ssh_port": 2201}, ["shared-login"]),
        ({"ansible_ssh_host": "m2"}, {}, ["shared-login"]),
    ],
)  # fmt: skip
def test_members_that_are_one_machine(one: dict[str, Any], other: dict[str, Any], found: list[str]) -> None:
    assert codes(one, other) == found


def test_what_cannot_be_read_is_left_to_the_task_that_needs_it() -> None:
    class Failing(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            raise AnsibleError(f"{name} is undefined")

    found = Logins()
    found.add("m1", Failing())
    assert found.findings() == []


def test_a_plan_refuses_it_whoever_asks_for_one() -> None:
    hostvars = {name: {**variables, "ansible_connection": "local"} for name, variables in fleet(2).items()}
    _members, faults, _unread = fleet_plan._members(hostvars, list(hostvars), None, list(hostvars))
    assert [each.code for each in faults] == ["member-is-controller"]


@pytest.mark.slow
@pytest.mark.parametrize("playbook", tiers.first(["deploy.yml", "lock.yml", "rollback.yml", "backup.yml"], 2))
def test_a_playbook_refuses_it_before_anything_is_touched(site: Site, empty: Account, playbook: str) -> None:
    own = {**site.host("all", "exit 3"), "ansible_connection": "local"}
    site.inventory(fleet(2), **own)
    played = site.play(CHECKOUT / "playbooks" / playbook)
    found = played.of("Stop when the inventory could not be read whole, or holds no member", "localhost")
    assert (played.rc, [each["code"] for each in found["failures"]]) == (2, ["member-is-controller"])
    assert not site.was_sent("all") and empty.cloud.changes() == []
