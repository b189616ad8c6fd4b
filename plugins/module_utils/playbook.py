# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ansible-playbook that an action works for. Ansible's workers outlive it when it is killed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding


@dataclass(frozen=True)
class Playbook:
    """The process whose worker this one is, as long as it is there."""

    process: int = field(default_factory=os.getppid)

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return os.getppid() != self.process

    def require(self) -> None:
        """Nobody would learn how it goes on.

        :raises Failed: ``playbook-ended``.
        """
        if self.ended:
            what = "The ansible-playbook of this run has ended, so it stops here."
            fix = "Run it again: the next run goes on with what was left."
            raise Failed(Finding("playbook-ended", what, "process %d" % os.getpid(), fix))
