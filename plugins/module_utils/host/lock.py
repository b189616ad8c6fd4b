# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deployment at a time on a host."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import contextmanager
from typing import Callable, Iterator

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

POLL = 0.2


@contextmanager
def locked(
    path: str,
    holder: str,
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the host's lock. The kernel lets go of it when the process ends, however it ends.

    :param holder: who we are, for the one who waits.
    :param deadline: seconds to wait for another holder.
    :raises Failed: ``host-locked``, naming the other holder.
    """
    until = clock() + deadline
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if clock() >= until:
                    other = os.pread(descriptor, 500, 0).decode("utf-8", "replace").strip()
                    raise Failed(_busy(path, other, deadline)) from error
                sleep(POLL)
        _sign(descriptor, holder)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _sign(descriptor: int, holder: str) -> None:
    """Say who holds it. The lock needs no name, and on a full disk a step that restores the release must go on."""
    os.ftruncate(descriptor, 0)
    try:
        os.pwrite(descriptor, holder.encode(), 0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise


def _busy(path: str, other: str, deadline: float) -> Finding:
    return Finding(
        "host-locked",
        "Another deployment has locked this host: %s. Waited %g s for it." % (other or "unknown", deadline),
        path,
        "Wait until it ends. Or end its process (pid=) on the host, unless the host rolls itself back: that also ends "
        "the lock.",
    )
