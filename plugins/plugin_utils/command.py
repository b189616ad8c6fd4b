# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program on the controller: run with a deadline, and what it said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import Iterable, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.addresses import without_logins
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

_LINES, _LONGEST = 5, 1000


@dataclass(frozen=True)
class Done:
    """How a program ended.

    :param code: its return code.
    :param output: its standard output.
    :param errors: its standard error.
    """

    code: int
    output: str
    errors: str

    @property
    def last_words(self) -> str:
        """The end of what it said, in one line: of its errors, or of its output when there are none. Addresses are
        without their logins."""
        said = [line.strip() for line in without_logins(self.errors or self.output).splitlines() if line.strip()]
        return " / ".join(said[-_LINES:])[-_LONGEST:].rstrip(".") or "nothing; its return code is %d" % self.code


def require(programs: Iterable[str]) -> None:
    """That they can be started, before anything is begun that needs them.

    :raises Failed: ``program-missing`` for each that is not there.
    """
    findings = [_missing(each, "it is not there") for each in programs if not shutil.which(each)]
    if findings:
        raise Failed(*findings)


def _missing(program: str, why: str) -> Finding:
    what = "The program %s cannot be started on the controller: %s." % (program, why)
    return Finding("program-missing", what, program, "Install it on the controller, in a directory of PATH.")


def run(
    words: Sequence[str],
    seconds: float,
    environment: Optional[Mapping[str, str]] = None,
    files: Sequence[int] = (),
    umask: int = -1,
) -> Done:
    """Run it to its end. It reads nothing and has no terminal.

    :param words: the program and its arguments. Every user of the machine can read them while it runs.
    :param seconds: after which it and all its children are killed.
    :param environment: added to this process's own.
    :param files: open files that it inherits, by number.
    :param umask: of the files that it makes; by default this process's own.
    :raises Failed: ``program-missing``, ``program-timeout``; ``playbook-ended``: nothing is begun any more.
    """
    Playbook().require()
    program = words[0]
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, **(environment or {})}, pass_fds=files, umask=umask, text=True, errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise Failed(_missing(program, str(error.strerror))) from None
    with process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            what = "The command had not ended after %d s and was stopped: %s." % (seconds, " ".join(words[:3]))
            fix = "Run this command by hand, and see what it waits for."
            raise Failed(Finding("program-timeout", what, program, fix)) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return Done(process.returncode, output, errors)
