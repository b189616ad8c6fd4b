# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a step could not be run on a machine: what SSH, sudo and Python said, by what fixes it. Pure."""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

#: Patterns, and for each a code, what is wrong, and the fix.
Reasons = Sequence[Tuple[str, str, str, str]]
#: Of what was said, the end tells most; a traceback's beginning tells least.
LONGEST = 600
#: What Ansible says when sudo gave no sign of life. It keeps what was printed instead to itself.
NO_PROMPT = "privilege escalation prompt"
#: Precedes what a login prints in place of running a command.
NO_COMMANDS = "The login runs no commands, and prints: "

#: What a Python says that cannot start.
PYTHON = r"Fatal Python error|error while loading shared libraries|No module named"
#: pattern, code, what, fix. The first that matches is taken. What a login says of itself comes first: whatever Ansible
#: waited for after it, such as sudo's prompt, is no fault of its own.
REASONS = (
    (
        r"[Pp]lease log ?in as |account is (currently )?not available|restricted: cannot|\brbash:"
        r"|allows sftp connections only|[Nn]o interactive login|The login runs no commands",
        "no-shell",
        "This user's login does not run commands.",
        "Set ansible_user for this host to a user with a shell (the one that the machine's message names, if it names "
        "one).",
    ),
    (
        r"password (has|is) expired|required to change your password|[Pp]assword change required"
        r"|[Pp]assword must be changed",
        "password-expired",
        "The login user has to change its password first.",
        "Change the password by hand (ssh to the machine). So that it never expires, on the machine as root: chage -M "
        "-1 -E -1 USER.",
    ),
    (
        r"[Aa]ccount( is| has been)? (locked|disabled)|account (has|is) expired|not allowed because account",
        "account-locked",
        "The login user's account is locked or has expired.",
        "Unlock it on the machine (`chage -l USER`, `passwd -S USER` and `faillock --user USER` show why), or set "
        "ansible_user.",
    ),
    (
        # A machine says it in its own language, and leaves the tty as it is.
        r"you must have a (tty|terminal) to run sudo|sudo: [^:]*\b(TTY|tty)\b",
        "sudo-wants-terminal",
        "sudo requires a terminal, and a terminal would show the step's secrets.",
        "Turn requiretty off for this user: write `Defaults:USER !requiretty` into a file in /etc/sudoers.d on the "
        "machine.",
    ),
    (
        r"(Missing|Incorrect) \w+ password|a password is required|is not in the sudoers|may not run sudo"
        r"|is not allowed to execute|no valid sudoers|sudo: (command )?not found",
        "sudo-refused",
        "The login user may not become root.",
        "Give it sudo without a password (a file in /etc/sudoers.d), or set ansible_become_password for this host.",
    ),
    (
        "privilege escalation prompt",
        "sudo-refused",
        "sudo did not start the step in time: it waits for a password, or the machine is very slow.",
        "Give the login user sudo without a password (a file in /etc/sudoers.d), or set ansible_become_password for "
        "this host; if the machine is only slow, raise ansible_timeout (seconds).",
    ),
    (
        r"interpreter '[^']*' was not found|python[\d.]*: (No such file|not found|command not found)",
        "python-missing",
        "Ansible finds no Python on the machine.",
        "Install Python 3.9 or newer (apt-get install python3), or set ansible_python_interpreter for this host.",
    ),
    (
        r"requires a minimum of Python|SyntaxError",
        "python-too-old",
        "The machine's Python is too old.",
        "Install Python 3.9 or newer, and set ansible_python_interpreter for this host if the machine has several.",
    ),
    (
        r"No space left on device|No usable temporary directory|Disk quota exceeded",
        "disk-full",
        "The machine's disk is full.",
        "Free some space (df -h shows which disk is full) and deploy again.",
    ),
    (
        r"Cannot allocate memory|MemoryError|\bKilled\b|out of memory",
        "machine-out-of-memory",
        "The machine had no memory left for the step.",
        "Stop the process that uses the memory (free -m, dmesg), or use a larger machine.",
    ),
    (
        # An answer that is none, from a Python that did not get as far as a traceback.
        r"Fatal Python error|error while loading shared libraries|No module named"
        r"|deserialization failed(?!.*Traceback)",
        "python-broken",
        "The machine's Python could not run the step.",
        "On the machine, run python3 -c 'import json, ssl' and fix the error that it shows; or set "
        "ansible_python_interpreter.",
    ),
    (
        r"Permission denied \(|Too many authentication failures",
        "login-refused",
        "The machine does not let this user log in.",
        "Check ansible_user and ansible_private_key_file, and that the key is in that user's authorized_keys on the "
        "machine.",
    ),
    (
        r"host key is known for .* requested strict checking",
        "host-key-unknown",
        "The machine's host key is not in praxis_host_keys, and no other key is accepted.",
        "Write the fleet's keys again (ansible-playbook praxis.cloud.host_keys -i INVENTORY), or correct "
        "praxis_host_keys.",
    ),
    (
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
        "host-key-changed",
        "The machine's host key is not the known one.",
        "Find out why. If the machine was replaced on purpose, remove its old key (ssh-keygen -f KNOWN_HOSTS -R "
        "ADDRESS), or write the fleet's keys again (ansible-playbook praxis.cloud.host_keys -i INVENTORY).",
    ),
    (
        r"Connection to \S+ closed|Shared connection|closed by remote host|Broken pipe|Connection reset"
        r"|not responding|read from master failed"
        # SSH always says why it could not connect; a kept connection that breaks may end without a word.
        r"|can be reached over ssh:\s*\Z",
        "connection-lost",
        "The connection broke during the step.",
        "Deploy again: finished steps are not repeated. On bad links, set ansible_ssh_retries: 2.",
    ),
)


def unreachable(name: str, said: str) -> Finding:
    """Why there is no connection to a host.

    :param said: what the connection plugin said.
    """
    default = Finding(
        code="host-unreachable",
        what="The machine cannot be reached: %s." % short(said).rstrip("."),
        where=name,
        fix="Check that the machine runs and that SSH reaches it. To leave it out: --limit '!%s'." % name,
    )
    # A kept connection that broke, and then no new one: it is the second that matters.
    return default if "connect to host" in said else known(REASONS, name, said) or default


def not_run(name: str, said: str, printed: str = "") -> Finding:
    """Why a module gave no answer on a host that could be reached.

    :param said: what Ansible said of it, and what came on standard error.
    :param printed: what came on standard output, where only the module's answer should be.
    """
    both = " ".join((said, printed)).strip()
    found = known(REASONS, name, both)
    if found is None:
        what = "The step could not be run on the machine: %s" % (short(both) or "no message")
        fix = "Check that the login user may use sudo and that Python 3.9 or newer is on the machine."
        return Finding("module-failed", what, name, fix)
    if found.code != "python-broken" or not printed.strip() or re.search(PYTHON, both):
        return found
    what = "The login printed other text in place of the step's answer: %s" % _first(printed)
    fix = (
        "Log in by hand and find what prints this text: a forced command in authorized_keys, the user's shell, or its "
        "start files. Let it print nothing without a terminal, or set another ansible_user."
    )
    return Finding("no-shell", what, name, fix)


def of_task(task: str, result: Mapping[str, Any]) -> str:
    """What a task that failed said, after its name."""
    said = [str(result[key]) for key in ("msg", "stderr", "module_stderr") if result.get(key)]
    return "%s: %s" % (task, " ".join(said))


def known(reasons: Reasons, name: str, said: str, longest: int = LONGEST) -> Finding | None:
    """The first of these reasons whose pattern is in what was said; None when it is none of them."""
    for pattern, code, what, fix in reasons:
        if re.search(pattern, said, re.DOTALL):
            return Finding(code=code, what="%s It said: %s" % (what, short(said, longest)), where=name, fix=fix)
    return None


def _first(printed: str) -> str:
    words = " ".join(printed.split())
    return words if len(words) <= LONGEST else words[:LONGEST] + " …"


def short(said: str, longest: int = LONGEST) -> str:
    """The end of what was said, on one line."""
    words = " ".join(said.split())
    return words if len(words) <= longest else "… " + words[-longest:]
