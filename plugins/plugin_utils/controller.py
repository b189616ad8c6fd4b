# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This run, as another one on the same machine or elsewhere would see it."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
import time
import uuid
from typing import Any, Dict, Mapping, Optional

from ansible import constants as C
from ansible import context

_BOOT, _NAMESPACE = "/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"


def deployment(reason: str) -> Dict[str, Any]:
    """A new deployment of this run: ``run`` (its id, which begins with the date, UTC), ``owner``, ``process``.

    :param reason: what it does.
    """
    return {
        "reason": reason,
        "run": "%s-%s" % (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), uuid.uuid4().hex[:6]),
        "owner": "%s@%s" % (_user(), socket.gethostname()),
        "process": process(os.getppid()),
    }


def process(pid: int) -> Dict[str, Any]:
    """A process of this machine. Actions run in workers, whose parent is ansible-playbook."""
    return {"place": _place(), "pid": pid, "started": _started(pid)}


def alive(found: Mapping[str, Any]) -> Optional[bool]:
    """Whether a process is there; None where this machine cannot know: it is another's, or has no /proc."""
    if not found.get("started") or found.get("place") != _place():
        return None
    return _started(int(found["pid"])) == found["started"]


def forks() -> int:
    """The hosts on which this ansible-playbook works at the same time."""
    return int(context.CLIARGS.get("forks") or C.DEFAULT_FORKS)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


def _place() -> str:
    """This machine since its boot, and the space in which its process ids count."""
    try:
        with open(_BOOT, encoding="ascii") as file:
            return hashlib.sha256((file.read() + os.readlink(_NAMESPACE)).encode()).hexdigest()[:16]
    except OSError:
        return ""


def _started(pid: int) -> Optional[str]:
    """When a process was started, in the kernel's ticks; None when it is not there. A zombie is not."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]
