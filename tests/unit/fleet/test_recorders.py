# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stands between a connection and a step: seen on machines, and with real processes here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import recorders

SERVER = "99 /dev/null sshd-session\npraxis-stdin 98 /dev/null sshd\npraxis-stdin 1 /dev/null systemd"
#: What the probe printed, from the step outwards; a server follows.
PASSED_ON = {
    "root logs in": "9 pipe:[1] sh",
    "sudo, with or without use_pty, log_output, log_ttyin, log_subcmds, intercept": "9 pipe:[1] sh\n8 pipe:[1] sudo",
    "sudo's monitor has an input of its own": "9 pipe:[1] sh\n8 /dev/pts/1 sudo\n7 pipe:[1] sudo",
    "doas": "9 pipe:[1] sh\n8 pipe:[1] doas",
    "sudo-rs": "9 pipe:[1] sh\n8 pipe:[1] sudo-rs",
    "sudo log_output": "9 pipe:[1] sh\n8 /dev/pts/3 sudo\n7 pipe:[1] sudo",
    "pam_tty_audit, auditd: they read terminals and arguments": "9 pipe:[1] sh\n8 pipe:[1] sudo\n7 pipe:[1] bash",
    "a forced command that only starts the step": "9 pipe:[1] sh\n8 pipe:[1] sudo\n7 pipe:[1] sh",
}
RECORDED = {
    "sudo log_input, log_stdin, LOG_INPUT": ("9 pipe:[2] sh\n8 pipe:[1] sudo", "sudo (pid 8)", "log_input"),
    "sudo log_input with a monitor": (
        "9 pipe:[2] sh\n8 /dev/pts/1 sudo\n7 pipe:[1] sudo", "sudo (pid 7)", "log_input"),
    "script in a forced command": (
        "9 /dev/pts/1 sh\n8 /dev/pts/0 sudo\n7 /dev/pts/0 sudo\n6 pipe:[1] script", "script (pid 6)", "ansible_user"),
    "tee in a forced command": (
        "9 pipe:[2] sh\n8 pipe:[2] sudo\n7 pipe:[2] sh\n6 pipe:[1] bash", "bash (pid 6)", "ansible_user"),
    "sudo log_input, the login over sshd-auth's newer server": (
        "9 pipe:[2] sh\n8 pipe:[1] sudo\npraxis-stdin 97 /dev/null sshd-auth", "sudo (pid 8)", "log_input"),
    "rootsh as the login shell": ("9 /dev/pts/0 sh\n8 pipe:[1] rootsh", "rootsh (pid 8)", "ansible_user"),
    "asciinema in a forced command": (
        "9 /dev/pts/2 sh\n8 /dev/pts/2 sudo\n7 pipe:[1] python3", "python3 (pid 7)", "ansible_user"),
    "a recorder as the login shell": (
        "9 /dev/pts/0 sh\n8 /dev/pts/0 bash\n7 pipe:[1] tlog-rec-sessio", "tlog-rec-sessio (pid 7)", "ansible_user"),
}  # fmt: skip


def processes(text: str, server: str = SERVER) -> list[recorders.Process]:
    lines = [f"{recorders.WORD} {line}" for line in text.split("\n")]
    return recorders.chain("\n".join(["BECOME-SUCCESS-x", *lines, *([f"{recorders.WORD} {server}"] if server else [])]))


@pytest.mark.parametrize("text", PASSED_ON.values(), ids=PASSED_ON)
def test_who_only_starts_the_step_is_no_recorder(text: str) -> None:
    assert recorders.recorded("m1", processes(text)) is None


@pytest.mark.parametrize(("text", "who", "fix"), RECORDED.values(), ids=RECORDED)
def test_who_hands_over_a_copy_is_named(text: str, who: str, fix: str) -> None:
    found = recorders.recorded("m1", processes(text))
    assert found is not None
    assert (found.code, found.where) == ("stdin-recorded", "m1")
    assert found.what.startswith(who + " ") and fix in found.fix


@pytest.mark.parametrize(("text", "code"), [
    ("9 pipe:[2] sh\n8 pipe:[1] sudo\n7 /dev/pts/0 sh", "stdin-recorded"),  # a connection whose server has another name
    ("9 pipe:[1] sh\n8 pipe:[1] sudo\n7 /dev/pts/0 sh", None),
    ("9 pipe:[1] sh\n8 pipe:[2] podman", None),
])  # fmt: skip
def test_without_a_known_server_sudo_is_judged(text: str, code: str | None) -> None:
    found = recorders.recorded("m1", processes(text, server=""))
    assert (found.code if found else None) == code


def test_on_this_machine_the_way_begins_at_the_controller() -> None:
    """Whoever started the controller, over SSH or by sudo, is no part of it."""
    text = "9 pipe:[2] sh\n8 pipe:[2] sh\n7 /dev/pts/0 ansible-playboo\n6 /dev/pts/0 sudo"
    assert recorders.recorded("m1", processes(text), controller=7) is None


@pytest.mark.parametrize("text", ["9 pipe:[1] sh\n8 unseen sudo", "9 unseen sh\n8 pipe:[1] sudo"])
def test_what_cannot_be_seen_is_refused(text: str) -> None:
    found = recorders.recorded("m1", processes(text))
    assert found is not None and found.code == "stdin-unseen"


def test_a_login_that_runs_nothing_has_no_chain() -> None:
    assert recorders.chain("Please login as the user admin\n") == []


@pytest.mark.slow
@pytest.mark.parametrize(("between", "code"), [
    ('/bin/sh -c "$1"', None),
    ('exec /bin/sh -c "$1"', None),
    ('cat | /bin/sh -c "$1"', "stdin-recorded"),
    ('script --quiet --return --command "$1" /dev/null', "stdin-recorded"),
])  # fmt: skip
def test_real_processes(tmp_path: Path, between: str, code: str | None) -> None:
    """A server that is one by its name, and a forced command below it."""
    (tmp_path / "forced").write_text(f"#!/bin/bash\n{between}\n")
    (tmp_path / "sshd").write_text(f'#!/bin/bash\necho in | {tmp_path}/forced "$1"\ntrue\n')
    for name in ("forced", "sshd"):
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [tmp_path / "sshd", recorders.PROBE], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    found = recorders.recorded("m1", recorders.chain(done.stdout.replace("\r", "")))
    assert (found.code if found else None) == code, done.stdout
