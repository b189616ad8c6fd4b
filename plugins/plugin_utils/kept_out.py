# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members that a run puts into no load balancer: they have what failed, or may fail yet. In service they may be all
the same, and there they are left as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Set

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import switches
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


@dataclass(frozen=True)
class KeptOut:
    """Those members, by reason.

    :param left: another deployment has activated them, and nobody has seen their agents last; or this run has, and
        rolls itself back.
    :param failing: this run has activated them, and has not put them in. Who cannot be rolled back stays one of them.
    :param on_trial: all that have a release which nobody has called good; some of them are put in.
    :param spare: of a run that rolls itself back, those that were left or could not be rolled back, and whose agents
        have lasted. Where too few others serve, better they than that nobody else can be rolled back.
    :param drained: this run has taken them out of a load balancer which had them.
    :param rolls_back: whether this run rolls itself back.
    """

    left: Set[str]
    failing: Set[str]
    on_trial: Set[str]
    spare: Set[str]
    drained: Set[str]
    rolls_back: bool

    @property
    def everybody(self) -> Set[str]:
        return self.left | self.failing

    @property
    def maybe_out(self) -> Set[str]:
        """Those that may be out of service though they serve: of them their load balancers know."""
        return self.everybody | self.on_trial

    def unfit(self) -> Set[str]:
        """Those of them that do not rejoin. A batch does, unless it failed and has its release still; and who was in
        service when this run came goes back there."""
        failed = self.failing.intersection(self.on_trial) if self.rolls_back else set()
        return self.left.difference(self.drained) | failed


def kept_out(run: RunDirectory, observations: Mapping[str, Mapping[str, Any]], soak: float) -> KeptOut:
    """Who they are now.

    :param observations: by member, as it was observed last.
    :param soak: seconds that an agent has to last.
    """
    failing, rolls_back = set(run.out_of_service()), run.rollback_begun()
    on_trial = {name for name, seen in observations.items() if switches.on_trial(seen)}
    untried = switches.untried(observations, soak)
    left = untried.difference(run.activated_names())
    if rolls_back:
        left |= on_trial.difference(run.rejoined(), failing)
    spare = left.union(failing.intersection(run.rolled_back())).difference(untried) if rolls_back else set()
    return KeptOut(left, failing, on_trial, spare, set(run.drained()), rolls_back)
