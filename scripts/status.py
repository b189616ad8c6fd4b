# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the fleet is: status.yml with nothing on the screen but its summary; as JSON; or again and again."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

PLAY = "scripts/play"
PLAYBOOK = "status.yml"
HOME, REST_OF_LINE, REST_OF_SCREEN = "\033[H", "\033[K", "\033[J"
#: One of these is in each object that the summary prints of an observation, and of one that was stopped.
SUMMARY = {"verdict", "failure"}


def parser() -> argparse.ArgumentParser:
    """The command line. What it does not know goes to ansible-playbook."""
    found = argparse.ArgumentParser(
        prog="scripts/status", allow_abbrev=False, description="How the fleet is. The return code is 0 exactly when "
        "the verdict is good.", epilog="Other arguments go to ansible-playbook: --limit, -e, -v, ...",
    )
    output = found.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    output.add_argument("--watch", type=_seconds, metavar="SECONDS", help="observe after so many seconds, for ever")
    found.add_argument("-i", "--inventory", action="append", default=[], help="instead of inventories/CLOUD")
    found.add_argument("--cloud", default="aws", help="the inventory in inventories/; default: %(default)s")
    return found


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 86400:
        raise argparse.ArgumentTypeError("from 1 to 86400 seconds")
    return value


def main(arguments: Sequence[str]) -> int:
    """Observe the fleet; the return code."""
    options, more = parser().parse_known_args(arguments)
    if options.watch and not sys.stdout.isatty():
        parser().error("--watch redraws a terminal, and standard output is none; use --json in a loop of your own")
    inventories = [word for name in options.inventory for word in ("-i", name)]
    command = [PLAY, PLAYBOOK, "" if inventories else options.cloud, *inventories, *more]
    # With -v Ansible would talk on standard output, which is the summary's.
    quiet = {"ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.summary", "ANSIBLE_VERBOSE_TO_STDERR": "1"}
    if options.json:
        return _as_json(command, quiet | {"PRAXIS_SUMMARY_FORMAT": "json"})
    if options.watch:
        return _watch(command, quiet, options.watch)
    return subprocess.run(command, env=os.environ | quiet, check=False).returncode


def _as_json(command: Sequence[str], environment: dict[str, str]) -> int:
    """Print the run's JSON. A run that ended without it, or not as its verdict says, is a failure in the same shape."""
    run = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, errors="replace",
                         check=False)
    sys.stderr.write(run.stderr)
    found, beside = _object(run.stdout)
    good = found is not None and found.get("verdict") == "good"
    if found is None or good != (run.returncode == 0) and "failure" not in found:
        sys.stderr.write(run.stdout)
        found = _stopped(run.returncode, run.stderr or run.stdout)
        good = False
    elif beside.strip():
        sys.stderr.write(beside)
    print(json.dumps(found, indent=2))
    return 0 if good else run.returncode or 1


def _object(text: str) -> tuple[dict[str, Any] | None, str]:
    """The summary's object, and what callbacks of the user's own (callbacks_enabled) printed before and after it."""
    start = 0
    for line in text.splitlines(keepends=True):
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                found, end = json.JSONDecoder().raw_decode(text, start)
                if not SUMMARY.isdisjoint(found):
                    return found, text[:start] + text[end:]
        start += len(line)
    return None, text


def _stopped(code: int, printed: str) -> dict[str, Any]:
    """What is known of a run that left no summary: its last words."""
    words = " ".join(line.strip() for line in printed.splitlines()[-5:]).strip()
    failure = {
        "code": "ansible-failed",
        "what": f"It ended with return code {code} and without a summary: {words or 'it said nothing'}",
        "where": f"ansible-playbook {PLAYBOOK}",
        "fix": "Read what it said on standard error; -vvv makes it say more.",
    }
    return {"failure": failure, "failures": [failure]}


def _watch(command: Sequence[str], environment: dict[str, str], pause: float) -> int:
    """Draw the summary over the last one, until Ctrl-C; the return code is the last observation's."""
    code = 128 + signal.SIGINT  # nothing is known before the first one
    colours = not (os.environ.get("NO_COLOR") or os.environ.get("ANSIBLE_NOCOLOR"))
    try:
        print(HOME + REST_OF_SCREEN + "observing ...", flush=True)
        while True:
            columns = str(shutil.get_terminal_size().columns)
            asked = environment | {"COLUMNS": columns} | ({"ANSIBLE_FORCE_COLOR": "1"} if colours else {})
            run = subprocess.run(command, env=os.environ | asked, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
            code = run.returncode
            head = f"{time.strftime('%H:%M:%S')}  every {pause:g} s, Ctrl-C ends"
            lines = [head, "", *run.stdout.splitlines()]
            print(HOME + "".join(line + REST_OF_LINE + "\n" for line in lines) + REST_OF_SCREEN, end="", flush=True)
            time.sleep(pause)
    except KeyboardInterrupt:
        print()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
