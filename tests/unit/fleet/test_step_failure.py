# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SSH, sudo and Python say, and what is made of it; clocks."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import clocks, step_failure

NOT_RUN = [
    ("Task failed: Missing sudo password", "sudo-refused"),
    ("Incorrect sudo password", "sudo-refused"),
    ("sudo: sorry, you must have a tty to run sudo", "sudo-wants-terminal"),
    ("sudo: Sie m\ufffdssen ein TTY haben, um sudo zu verwenden", "sudo-wants-terminal"),
    ("sudo: a password is required", "sudo-refused"),
    ("admin is not in the sudoers file.", "sudo-refused"),
    ("The module interpreter '/usr/bin/python3' was not found. /bin/sh: 1: /usr/bin/python3: not found",
     "python-missing"),
    ("ansible-core requires a minimum of Python version 3.8. Current version: 3.6.8", "python-too-old"),
    ("  File \"<stdin>\", line 12\nSyntaxError: future feature annotations is not defined", "python-too-old"),
    ("OSError: [Errno 28] No space left on device: '/tmp/ansible_x'", "disk-full"),
    ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']", "disk-full"),
    ("OSError: [Errno 12] Cannot allocate memory", "machine-out-of-memory"),
    ("Module result deserialization failed. Killed", "machine-out-of-memory"),
    ("python3: error while loading shared libraries: libz.so.1", "python-broken"),
    ("Module result deserialization failed. See stdout/stderr for the returned output.", "python-broken"),
    ("Module result deserialization failed. Traceback (most recent call last):\nValueError: x", "module-failed"),
    ("something new", "module-failed"),
]  # fmt: skip
UNREACHABLE = [
    ("Failed to connect to the host via ssh: ssh: connect to host 10.0.0.4 port 22: Connection refused",
     "host-unreachable"),
    ("Failed to connect to the host via ssh: ssh: connect to host 10.0.0.4 port 22: Connection timed out",
     "host-unreachable"),
    ("mux_client_request_session: read from master failed: Broken pipe ssh: connect to host 10.0.0.4 port 22: refused",
     "host-unreachable"),
    ("Connection timed out during banner exchange", "host-unreachable"),
    ("Failed to connect to the host via ssh: admin@10.0.0.4: Permission denied (publickey).", "login-refused"),
    ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @ Host key verification failed.", "host-key-changed"),
    ("Timeout (12s) waiting for privilege escalation prompt: ", "sudo-refused"),
    ("Failed to connect to the host via ssh: Shared connection to 10.0.0.4 closed.", "connection-lost"),
    ("Failed to connect to the host via ssh: Timeout, server 10.0.0.4 not responding.", "connection-lost"),
    ("mux_client_request_session: read from master failed: Broken pipe", "connection-lost"),
    ("Failed to connect to the host via ssh: Your account has expired; please contact your system administrator. "
     "Connection closed by 10.0.0.4 port 22", "account-locked"),
    ('Data could not be sent to remote host "10.0.0.4". Make sure this host can be reached over ssh: ',
     "connection-lost"),
    ('Data could not be sent to remote host "10.0.0.4". Make sure this host can be reached over ssh: '
     "ssh: connect to host 10.0.0.4 port 22: Connection refused", "host-unreachable"),
]  # fmt: skip


#: What a login says where a module's answer should be, in these programs' own words.
LOGINS = [
    ('Please login as the user "admin" rather than the user "root".', "no-shell"),  # cloud-init's forced command
    ("This account is currently not available.", "no-shell"),  # /sbin/nologin
    ("This service allows sftp connections only.", "no-shell"),  # ForceCommand internal-sftp
    ("-rbash: /bin/sh: restricted: cannot specify `/' in command names", "no-shell"),
    ("Choose: 1) start 2) stop", "no-shell"),  # a menu that nobody knows
    ("WARNING: Your password has expired.\nPassword change required but no TTY available.", "password-expired"),
    ("You are required to change your password immediately (administrator enforced).", "password-expired"),
    ("Your account has expired; please contact your system administrator.", "account-locked"),
    ("The account is locked due to 3 failed logins.", "account-locked"),  # pam_faillock
]
NO_ANSWER = "Module result deserialization failed. See stdout/stderr for the returned output."


@pytest.mark.parametrize(("printed", "code"), LOGINS)
@pytest.mark.parametrize("stream", ["stdout", "stderr", "become"])
def test_a_login_that_runs_no_step_is_quoted_and_python_is_not_blamed(printed: str, code: str, stream: str) -> None:
    if stream == "become":  # Ansible waits in vain for sudo's sign of life, and the login is asked once more
        said = "Timeout (12s) waiting for privilege escalation prompt: "
        again = step_failure.NO_COMMANDS if "Choose" in printed else ""
        found = step_failure.not_run("m1", said + again + printed)
    elif stream == "stderr" and "Choose" not in printed:
        found = step_failure.not_run("m1", "%s %s" % (NO_ANSWER, printed))
    else:
        found = step_failure.not_run("m1", NO_ANSWER, printed + "\n")
    assert (found.code, found.where) == (code, "m1")
    assert " ".join(printed.split()) in found.what
    assert "ansible_user" in found.fix or "chage" in found.fix


def test_a_python_that_does_not_start_is_blamed_whatever_the_login_prints() -> None:
    said = "%s python3: error while loading shared libraries: libz.so.1" % NO_ANSWER
    found = step_failure.not_run("m1", said, "Welcome to m1\n")
    assert found.code == "python-broken" and "libz.so.1" in found.what
    assert step_failure.not_run("m1", NO_ANSWER + " Traceback: ValueError", "Welcome\n").code == "module-failed"


def test_of_a_long_print_the_beginning_is_quoted() -> None:
    found = step_failure.not_run("m1", NO_ANSWER, "{ Welcome }\n" + "x" * 5000)
    assert "{ Welcome }" in found.what and len(found.what) < 700


@pytest.mark.parametrize(("said", "code"), NOT_RUN)
def test_a_module_that_could_not_run_is_reported_by_what_fixes_it(said: str, code: str) -> None:
    found = step_failure.not_run("m1", said)
    assert (found.code, found.where) == (code, "m1")
    assert " ".join(said.split()) in found.what
    assert found.fix


@pytest.mark.parametrize(("said", "code"), UNREACHABLE)
def test_a_connection_that_failed_is_reported_by_what_fixes_it(said: str, code: str) -> None:
    found = step_failure.unreachable("m1", said)
    assert (found.code, found.where) == (code, "m1")
    assert said.strip().rstrip(".") in found.what


def test_of_a_long_story_the_end_is_reported() -> None:
    said = "Traceback (most recent call last):\n" + "  a line\n" * 500 + "ValueError: at last"
    found = step_failure.not_run("m1", said)
    assert found.what.endswith("ValueError: at last")
    assert len(found.what) < 700
    assert "\n" not in found.what


@pytest.mark.parametrize(
    ("clock", "off"), [(100.0, 0.0), (105.5, 0.0), (110.0, 0.0), (3710.0, 3600.0), (40.0, -60.0)]
)
def test_a_clock_is_right_while_it_shows_a_time_between_question_and_answer(clock: float, off: float) -> None:
    assert clocks.offset(clock, 100.0, 110.0) == off


def test_a_clock_that_is_off_is_a_warning() -> None:
    outcomes = {"m1": {"clock_offset": -61.0}, "m2": {"clock_offset": 29.0}, "m3": {}, "m4": {"clock_offset": 3600.2}}
    found = clocks.findings(["m1", "m2", "m3", "m4", "m5"], outcomes)
    assert [(item.where, item.code, item.level) for item in found] == [
        ("m1", "clock-off", "warning"),
        ("m4", "clock-off", "warning"),
    ]
    assert "61 s behind the controller's" in found[0].what
    assert "3600 s ahead of the controller's" in found[1].what


def test_a_machine_that_is_slow_to_begin_is_distinguished_from_one_that_refuses() -> None:
    found = step_failure.not_run("m1", "Timeout (12s) waiting for privilege escalation prompt: ")
    assert "very slow" in found.what and "ansible_timeout" in found.fix
