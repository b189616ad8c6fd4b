# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk with the agent's data, held still while a snapshot of it is begun, or taken out and put in again.

A frozen file system keeps everybody who writes to it waiting. So before it is frozen a timer of systemd is set that
thaws it, whatever becomes of who froze it. Nobody stops the timer of another: there is one, and it may be all that
thaws what a backup has left frozen that was killed.
"""

from __future__ import annotations

import os
import time
from typing import Callable, List

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import data, disk
from ansible_collections.praxis.cloud.plugins.module_utils.host.compose import LABELS
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Data
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

THAW = "praxis-thaw"
_UNITS = (THAW + ".timer", THAW + ".service")
#: Seconds until a disk that was attached has its name.
ATTACHED = 60.0


def freeze(place: str, seconds: float) -> bool:
    """Write out what is on its way to the disk, and hold everything back that is written after it; whether there was
    anything to freeze: a disk that is not mounted stands still by itself.

    :param place: where the disk is mounted.
    :param seconds: after which it is thawed, whatever happens.
    :raises Failed: ``backup-running``, ``data-not-frozen``.
    """
    if disk.mounted_at(place) is None:
        return False
    if disk.run(["systemctl", "is-active", "--quiet", *_UNITS]).returncode == 0:
        what = "Another backup keeps the agent's file system frozen, or was killed. A timer thaws it within a minute."
        raise Failed(Finding("backup-running", what, place, "Back up again in a minute."))
    later = ["--on-active", "%ds" % seconds, "--timer-property", "AccuracySec=100ms"]
    timer = ["systemd-run", "--quiet", "--collect", "--unit", THAW, *later, "fsfreeze", "--unfreeze", place]
    # systemd refuses a second unit of a name: of two that are begun at the same moment one ends here.
    _do(place, timer, "Run `%s` on the machine, and fix what it says." % " ".join(timer))
    try:
        thawed = "If nobody froze it on purpose, on the machine: fsfreeze --unfreeze %s; then back up again." % place
        _do(place, ["fsfreeze", "--freeze", place], thawed)
    except Failed:
        _timer_off()
        raise
    return True


def thaw(place: str) -> bool:
    """Let it be written to again; whether it was still frozen."""
    if disk.mounted_at(place) is None:
        return False
    done = disk.run(["fsfreeze", "--unfreeze", place])
    _timer_off()
    return done.returncode == 0


def release(paths: Paths, engine: Engine, place: str) -> bool:
    """Stop the agent, and unmount the disk; whether there was anything to do.

    :raises Failed: ``data-in-use``.
    """
    if disk.mounted_at(place) is None:
        return False
    for container in engine.containers(LABELS):
        engine.stop(container["Id"])
    unit = os.path.basename(data.unit(paths, place))
    done = disk.run(["systemctl", "stop", unit])
    if done.returncode != 0 or disk.mounted_at(place) is not None:
        what = "The disk with the agent's data cannot be unmounted: %s." % disk.last_words(done).rstrip(".")
        fix = "On the machine, see what uses the disk (fuser -vm %s) and stop it; then run this again." % place
        raise Failed(Finding("data-in-use", what, place, fix))
    return True


def mount(
    paths: Paths,
    wanted: Data,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Mount a disk that has the agent's data already, now and at every boot. A blank one is refused.

    :raises Failed: ``data-not-mounted``, ``data-device-missing``, ``data-foreign``.
    """
    until = clock() + ATTACHED
    while not any(os.path.exists(device) for device in wanted.devices) and clock() < until:
        sleep(0.2)
    data.mount(paths, wanted)


def predicted(state: str, place: str) -> bool:
    """Whether this would change anything."""
    mounted = disk.mounted_at(place) is not None
    return not mounted if state == "mounted" else mounted


def _timer_off() -> None:
    for name in _UNITS:
        disk.run(["systemctl", "stop", name])
        disk.run(["systemctl", "reset-failed", name])


def _do(place: str, command: List[str], fix: str) -> None:
    done = disk.run(command)
    if done.returncode != 0:
        what = "The file system with the agent's data could not be frozen: %s." % disk.last_words(done).rstrip(".")
        raise Failed(Finding("data-not-frozen", what, place, fix))
