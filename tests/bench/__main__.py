# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``: measure, print the tables, write build/bench.json."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import infrastructure, machines, report, scale
from tests.bench.measure import CHECKOUT, Failure, sandbox
from tests.bench.report import Sample

BUILD = CHECKOUT / "build"
PARTS = ("inventory", "plan", "secrets", "provision", "machines")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--repeats", type=int, default=3, help="how often what is cheap is measured; the median counts")
    options = parser.parse_args()
    parts = options.parts or PARTS
    measured: dict[str, dict[str, list[Sample]]] = {}
    try:
        if set(parts) - {"machines", "provision"}:
            measured |= scale.measure(set(parts), options.repeats, say)
        if "provision" in parts:
            measured |= infrastructure.measure(options.repeats, say)
        if "machines" in parts:
            measured |= four_machines(options.repeats)
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    show(measured)
    return 0


def four_machines(repeats: int) -> dict[str, dict[str, list[Sample]]]:
    """A sandbox of four machines, brought up for this unless one is up, and taken down again if it was."""
    up = (CHECKOUT / ".sandbox" / "env").exists()
    if not up:
        sandbox("up")
    try:
        with tempfile.TemporaryDirectory(prefix="praxis-bench-") as folder:
            ready = machines.Machines(Path(folder))
            say("preparing four machines")
            ready.prepare()
            return machines.measure(ready, repeats, say)
    finally:
        if not up:
            sandbox("down")


def show(measured: dict[str, dict[str, list[Sample]]]) -> None:
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench.json").write_text(json.dumps(report.as_json(measured), indent=2) + "\n")
    details = {case: {who: [vars(run) for run in runs] for who, runs in row.items()} for case, row in measured.items()}
    (BUILD / "bench-details.json").write_text(json.dumps({"machine": machine(), "runs": details}, indent=2) + "\n")
    print("\n" + machine() + "\n\n" + report.table(measured) + "\n")
    for aim in report.aims(measured):
        state = {True: "met", False: "MISSED", None: "not measured"}[aim.met]
        print(f"{state:12}  {aim.value:>10}  {aim.text}")
    print("\n" + "\n".join(report.notes(measured)))
    print(f"\n{BUILD.relative_to(CHECKOUT)}/bench.json")


def machine() -> str:
    """What this ran on."""
    info = Path("/proc/meminfo").read_text().split()
    names = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    cores, memory = len(names), int(info[1]) / 1024 / 1024
    kind = names[0] if names else platform.machine()
    return f"{cores} cores ({kind}), {memory:.0f} GB of memory, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
