# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command and saying what it cost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.report import Sample

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
BIN = Path(sys.executable).parent

#: What an SSH command that runs a module (or the bare script) ends with: a Python that reads it from its input.
_MODULE = re.compile(r"python[0-9.]*['\"]*( && sleep 0)?['\"]*$|python[0-9.]* \S*/AnsiballZ_|bare-script")


class Failure(Exception):
    """A measured command failed; nothing is measured then."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    hosts: Mapping[str, str] | None = None,
    deadline: float = 600.0,
    keep: Path | None = None,
) -> Sample:
    """Run a command to its end, its SSH connections new.

    :param hosts: address -> name of the hosts whose SSH commands are counted.
    :param deadline: seconds.
    :param keep: where its output goes.
    :raises Failure: with the end of its output, when its return code is not 0.
    """
    with tempfile.TemporaryDirectory(prefix="pxb") as folder, tempfile.TemporaryFile() as output:
        log, sockets = Path(folder) / "ssh.log", Path(folder) / "s"
        log.touch()
        sockets.mkdir()
        own = {
            "ANSIBLE_SSH_EXECUTABLE": str(HERE / "ssh"),
            "ANSIBLE_SFTP_EXECUTABLE": str(HERE / "sftp"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
            "ANSIBLE_NOCOLOR": "1",
            "PRAXIS_BENCH_SSH_LOG": str(log),
        }
        start = time.monotonic()
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env={**environment, **own}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        code, usage = _wait(process, start + deadline)
        seconds = time.monotonic() - start
        for socket in sockets.iterdir():
            closing = ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "nobody"]
            subprocess.run(closing, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        output.seek(0)
        text = output.read().decode(errors="replace")
        if keep:
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.write_text(text)
        if code:
            raise Failure(f"{' '.join(command)}: return code {code}\n{text[-4000:]}")
        executions, trips = count(log.read_text(), hosts or {})
        return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, executions, trips)


def sandbox(verb: str, *arguments: str, **variables: str) -> None:
    """``python -m sandbox`` with this verb, on this checkout's sandbox unless the variables name another."""
    command = [sys.executable, "-m", "sandbox", verb, *arguments]
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, check=True)


def _wait(process: subprocess.Popen[bytes], until: float) -> tuple[int, os.struct_rusage]:
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        if time.monotonic() > until:
            process.kill()
        time.sleep(0.01)


def count(log: str, hosts: Mapping[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """By host: how many modules were run on it, and how many commands it was sent.

    :param log: a line a call of ssh: its arguments.
    :param hosts: address -> name.
    """
    executions, trips = Counter(dict.fromkeys(hosts.values(), 0)), Counter(dict.fromkeys(hosts.values(), 0))
    for line in log.splitlines():
        words = [word.rpartition("@")[2].strip("[]") for word in line.split()]
        name = next((hosts[word] for word in words if word in hosts), None)
        if name is None:
            continue
        trips[name] += 1
        if _MODULE.search(line.rstrip()):
            executions[name] += 1
    return dict(executions), dict(trips)
