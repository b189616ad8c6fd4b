# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our steps ask of SSH, so that a link that has gone dead ends them, whatever else a user asks of it."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import become_loader, connection_loader

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import (
    SSH_ARGUMENTS,
    asks_for_terminal,
    hold_to_ours,
    require_root,
)
from tests.copies import CHECKOUT

#: Ansible's own default.
USUAL = "-C -o ControlMaster=auto -o ControlPersist=60s"


def command(ours: bool, **options: Any) -> str:
    """What is run for a command on a host."""
    return " ".join(words(ours, **options))


def ssh(**options: Any) -> Any:
    """A connection that nobody has opened."""
    connection = connection_loader.get("ssh", PlayContext(), "/dev/null")
    connection.set_options(direct={"host": "192.0.2.7", "remote_user": "admin", **options})
    return connection


def words(ours: bool, **options: Any) -> list[str]:
    connection = ssh(**options)
    if ours:
        hold_to_ours(connection)
        hold_to_ours(connection)
    built: list[bytes] = connection._build_command("ssh", "ssh", "true")
    return [part.decode() for part in built]


def understood(ours: bool, **options: Any) -> dict[str, str]:
    """What SSH itself makes of such a command."""
    program, *rest = words(ours, **options)
    done = subprocess.run([program, "-G", *rest], check=True, capture_output=True, text=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def path(shown: str) -> str:
    return shown.partition("ControlPath=")[2].split()[0]


def test_a_connection_that_other_tasks_left_open_is_not_ours() -> None:
    """It has no ServerAlive of its own, and would wait for a dead link for good."""
    assert "ServerAlive" not in command(ours=False, ssh_args=USUAL)
    assert command(ours=True, ssh_args=USUAL).count("ServerAliveInterval=10") == 1
    assert path(command(ours=True)) != path(command(ours=False))
    assert path(command(ours=True)) == path(command(ours=True))
    others = [command(ours=True, **{name: value}) for name, value in (("host", "192.0.2.8"), ("port", 2222),
                                                                      ("remote_user", "root"))]  # fmt: skip
    assert len({path(shown) for shown in [command(ours=True), *others]}) == 4


@pytest.mark.parametrize("option", [*SSH_ARGUMENTS, "ssh_executable"])
def test_a_connection_through_one_bastion_is_not_taken_for_the_other_machine(option: str) -> None:
    """Private addresses are the same in many networks. What one run leaves open, the next one would go on with, for
    another fleet, and no host key is checked any more."""
    usual = {"ssh_args": USUAL}
    if option == "ssh_executable":
        ways = [usual | {option: each} for each in ("/opt/one/ssh", "/opt/two/ssh")]
    else:
        given = [f"-o ProxyJump={name}" for name in ("one", "two")] + ["-F theirs"]
        ways = [usual | {option: f"{USUAL} {each}" if option == "ssh_args" else each} for each in given]
    paths = [path(command(ours=True, **way)) for way in ways]
    assert len(set(paths)) == len(ways)
    assert [path(command(ours=True, **way)) for way in ways] == paths


def test_a_path_of_the_user_s_own_holds() -> None:
    own = {"ssh_args": "-o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/tmp/own"}
    assert path(command(ours=True, **own)) == path(command(ours=False, **own)) == "/tmp/own"
    assert path(command(ours=True, control_path="%(directory)s/mine")).endswith("/mine\"")


@pytest.mark.parametrize("asked", ["-tt", "-t", "-o RequestTTY=force", "-F {config}"])
@pytest.mark.parametrize("option", ["ssh_args", "ssh_common_args", "ssh_extra_args"])
def test_a_step_gets_no_terminal(tmp_path: Path, option: str, asked: str) -> None:
    """A terminal writes what it is given on its screen: the step's secrets, among what SSH prints."""
    config = tmp_path / "ssh_config"
    config.write_text("Host *\n  RequestTTY force\n")
    own = {option: asked.format(config=config)}
    assert understood(ours=False, **own)["requesttty"] in ("true", "force")
    assert understood(ours=True, **own)["requesttty"] == "false"


def test_who_says_how_host_keys_are_checked_is_heard_over_a_general_setting() -> None:
    """host_key_checking = false in ansible.cfg is meant for other machines: SSH takes the first that it is given."""
    own = {"host_key_checking": False, "ssh_common_args": "-o StrictHostKeyChecking=accept-new"}
    assert understood(ours=False, **own)["stricthostkeychecking"] == "false"
    assert understood(ours=True, **own)["stricthostkeychecking"] == "accept-new"
    assert understood(ours=True, host_key_checking=False)["stricthostkeychecking"] == "false"


@pytest.mark.parametrize("option", SSH_ARGUMENTS)
def test_arguments_that_ask_for_a_terminal_are_named(option: str) -> None:
    """Ansible pipelines nothing with them, and its own word for that is a variable that is set already."""
    for asked in ("-tt", "-C -t", "-o RequestTTY=force", "-o requesttty yes"):
        assert [name for name in SSH_ARGUMENTS if asks_for_terminal(ssh(**{option: asked}), name)] == [option]
    assert not asks_for_terminal(ssh(**{option: "-C -o ControlPath=/tmp/a-t -o ServerAliveInterval=10 -T"}), option)


def test_the_inventory_s_variables_turn_no_step_into_another_user_s() -> None:
    task = Task()
    task.become = True
    connection = ssh()
    connection.become = become_loader.get("sudo")
    connection.become.set_options(direct={"become_user": "nobody"})
    require_root(connection, task, "m1")
    assert connection.become.get_option("become_user") == "root"


@pytest.mark.parametrize(("become", "user"), [(True, "root"), (True, None), (False, "admin")])
def test_no_sudo_is_right_where_root_logs_in_or_is_not_needed(become: bool, user: str | None) -> None:
    """Nobody knows whom ~/.ssh/config names."""
    task = Task()
    task.become = become
    require_root(ssh(remote_user=user), task, "m1")


def test_sudo_that_is_turned_off_is_named() -> None:
    task = Task()
    task.become = True
    with pytest.raises(Failed) as failed:
        require_root(ssh(), task, "m1")
    (finding,) = failed.value.findings
    assert (finding.code, finding.where) == ("become-off", "m1") and "ansible_become" in finding.fix


@pytest.mark.parametrize("place", ["ansible.cfg", "examples/awx-project/ansible.cfg"])
def test_tasks_of_others_notice_a_dead_link_by_the_settings_that_we_bring(place: str) -> None:
    """The role docker's tasks are Ansible's own modules, and an installation prints nothing for minutes."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(CHECKOUT / place, encoding="utf-8")
    found = understood(ours=False, ssh_args=settings["ssh_connection"]["ssh_args"])
    assert (found["serveraliveinterval"], found["serveralivecountmax"]) == ("10", "3")
