# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ansible-playbook that an action or a module of the controller works for. Ansible's workers, and the modules that
they have started, outlive it when it is killed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from multiprocessing import parent_process

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding


def _playbook() -> int:
    """The parent of this process's worker: by the fork for the worker itself, which may ask when it has ended already;
    for a module as it is now."""
    forked_by = parent_process()
    return int(forked_by.pid or 0) if forked_by else _parent(os.getpgrp())


def _parent(process: int) -> int:
    """Who has started a process, or has inherited it; 0 when it is gone, or nothing tells."""
    if process == os.getpid():
        return os.getppid()
    try:
        with open("/proc/%d/stat" % process, encoding="ascii", errors="replace") as status:
            # Behind the program's name, which may hold anything: the state, then the parent (proc_pid_stat(5)).
            return int(status.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@dataclass(frozen=True)
class Playbook:
    """The process whose worker this one is, or has been started by, as long as it is there.

    Ansible makes each worker the leader of a process group, and what a worker starts on its own machine stays in that
    group. A module that runs by SSH is in the group of its connection, whose process it follows instead.

    :param worker: the leader of this process's group.
    :param process: the playbook. 0: nothing tells who it is, and it never ends.
    """

    worker: int = field(default_factory=os.getpgrp)
    process: int = field(default_factory=_playbook)

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return _parent(self.worker) != self.process

    def require(self) -> None:
        """Nobody would learn how it goes on.

        :raises Failed: ``playbook-ended``.
        """
        if self.ended:
            what = "The ansible-playbook of this run has ended, so it stops here."
            fix = "Run it again: the next run goes on with what was left."
            raise Failed(Finding("playbook-ended", what, "process %d" % os.getpid(), fix))
