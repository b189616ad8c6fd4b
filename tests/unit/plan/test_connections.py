# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our steps ask of SSH, so that a link that has gone dead ends them."""

from __future__ import annotations

from typing import Any

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import keep_alive


def command(ours: bool, **options: Any) -> str:
    """What is run for a command on a host."""
    connection = connection_loader.get("ssh", PlayContext(), "/dev/null")
    connection.set_options(direct={"host": "192.0.2.7", "remote_user": "admin", **options})
    if ours:
        keep_alive(connection)
        keep_alive(connection)
    built: list[bytes] = connection._build_command("ssh", "ssh", "true")
    return " ".join(part.decode() for part in built)


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
