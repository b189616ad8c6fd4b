# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our steps ask of SSH, so that a link that has gone dead ends them, whatever else a user asks of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import hold_to_ours


def command(ours: bool, **options: Any) -> str:
    """What is run for a command on a host."""
    return " ".join(words(ours, **options))


def words(ours: bool, **options: Any) -> list[str]:
    connection = connection_loader.get("ssh", PlayContext(), "/dev/null")
    connection.set_options(direct={"host": "192.0.2.7", "remote_user": "admin", **options})
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
    assert "ServerAlive" not in command(ours=False)
    assert command(ours=True).count("ServerAliveInterval=10") == 1
    assert path(command(ours=True)) != path(command(ours=False))
    assert path(command(ours=True)) == path(command(ours=True))
    others = [command(ours=True, **{name: value}) for name, value in (("host", "192.0.2.8"), ("port", 2222),
                                                                      ("remote_user", "root"))]  # fmt: skip
    assert len({path(shown) for shown in [command(ours=True), *others]}) == 4


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
