# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the hunt for secrets (hunt.py runs on the machines), and of watching for changes."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import hunt as script

# What a machine writes on its own account.
VOLATILE = "/proc /sys /dev /run /tmp /var/log /var/lib/systemd /var/tmp /var/lib/docker /var/lib/containerd /home"
SCRIPT = Path(script.__file__).read_text(encoding="utf-8")


PRUNED = " -o ".join(f"-path {path}" for path in VOLATILE.split())
FILES = f"find / \\( {PRUNED} \\) -prune -o -type f -printf '%p %s %T@\\n' | sort"


def fingerprints(cloud: Any) -> dict[str, str]:
    """Each machine's files (name, size, time), packages and units."""
    # A login leaves a transient unit for as long as it lasts.
    units = "systemctl list-unit-files --no-pager --no-legend | grep -v ' transient '"
    observation = f"{FILES}; dpkg-query -W; {units}"
    return {item.name: cloud.on(item, observation) for item in cloud.machines()}


def hunt(machine: Any, markers: dict[str, bytes], plant: bool = False) -> list[tuple[str, str]]:
    """Where on a machine the markers are: pairs of place and marker."""
    order = {"markers": {name: base64.b64encode(value).decode() for name, value in markers.items()}, "plant": plant}
    finished = subprocess.run(["docker", "exec", "-i", machine.container, "python3", "-c", SCRIPT], check=False,
                              input=json.dumps(order), capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    return [tuple(found) for found in json.loads(finished.stdout)]


@contextlib.contextmanager
def watched_arguments(cloud: Any, machines: list[Any] | None = None) -> Iterator[set[bytes]]:
    """Collect the argument lists of all processes: the controller's into the set, each machine's for its hunt.

    :param machines: those to watch; all of them when nothing is said.
    """
    machines = cloud.machines() if machines is None else machines
    seen, read, done = set(), {}, threading.Event()
    for machine in machines:
        subprocess.run(["docker", "exec", "-d", machine.container, "python3", "-c", SCRIPT, "watch"], check=True)

    def collect() -> None:
        while not done.wait(0.02):
            seen.update(script.argument_lists(read))

    watcher = threading.Thread(target=collect)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
        for machine in machines:
            until = f"for i in $(seq 300); do test -e {script.WATCHED} && exit; sleep 0.1; done; exit 1"
            cloud.on(machine, f"touch {script.STOP}; {until}")
