# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a run: which step was done on which hosts, from when to when, and what came of it."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Sequence, Set

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import UNREACHABLE
from ansible_collections.praxis.cloud.plugins.plugin_utils.fact_files import FactFiles


@dataclass
class Step:
    """A step at work. Who does it sets the outcome; a step that nobody sees to its end has failed.

    :param hosts: those that it is done on; who finds that they are fewer sets them anew.
    """

    hosts: Sequence[str]
    outcome: str = "failed"


class Journal:
    """One run's.

    :param files: the run's.
    """

    def __init__(self, files: FactFiles) -> None:
        self._files = files

    def write(self, step: str, hosts: Sequence[str], began: float, outcome: str, **more: Any) -> None:
        """A step on these hosts has just ended.

        :param began: by the controller's clock.
        :param outcome: ``ok``, or the code of what went wrong.
        """
        entry = {"step": step, "hosts": list(hosts), "began": began, "ended": time.time(), "outcome": outcome, **more}
        self._files.write("journal/" + uuid.uuid4().hex, entry)

    @contextmanager
    def step(self, name: str, hosts: Sequence[str]) -> Iterator[Step]:
        """Write a step down when it ends, however it ends.

        :param name: of the step: see ``fleet/record.py``.
        """
        began, at_work = time.time(), Step(hosts)
        try:
            yield at_work
        except Failed as error:
            at_work.outcome = error.findings[0].code
            raise
        except AnsibleConnectionFailure:
            at_work.outcome = UNREACHABLE
            raise
        finally:
            if at_work.hosts:
                self.write(name, at_work.hosts, began, at_work.outcome)

    def gate(self, hosts: Sequence[str], began: float, findings: Sequence[Finding], edges: bool) -> None:
        """Write down a verdict on a batch or on the fleet; its outcome is the first error.

        :param edges: whether the mesh was judged, too.
        """
        outcome = next((item.code for item in findings if item.level == ERROR), record.OK)
        self.write(record.GATE, hosts, began, outcome, mesh=edges)

    def entries(self) -> List[Dict[str, Any]]:
        """The steps that have ended, in the order in which they began."""
        return sorted(self._files.all("journal").values(), key=lambda entry: (entry["began"], entry["ended"]))

    def well(self, *steps: str) -> List[Dict[str, Any]]:
        """Those of them that have ended well and are one of these."""
        return [one for one in self.entries() if one["step"] in steps and one["outcome"] == record.OK]

    def went_well(self, *steps: str) -> Set[str]:
        """The hosts on which one of these steps has ended well."""
        return {name for one in self.well(*steps) for name in one["hosts"]}
