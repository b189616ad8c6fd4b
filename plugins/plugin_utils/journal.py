# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a run: which step was done on which hosts, from when to when, and what came of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Sequence

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.status import UNREACHABLE
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_directory import RunDirectory


@dataclass
class Step:
    """A step at work. Who does it sets the outcome; a step that nobody sees to its end has failed.

    :param hosts: those that it is done on; who finds that they are fewer sets them anew.
    """

    hosts: Sequence[str]
    outcome: str = "failed"


@contextmanager
def step(run: RunDirectory, name: str, hosts: Sequence[str]) -> Iterator[Step]:
    """Write a step into the journal when it ends, however it ends.

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
            run.journal(name, at_work.hosts, began, at_work.outcome)


def gate(run: RunDirectory, hosts: Sequence[str], began: float, findings: Sequence[Finding], edges: bool) -> None:
    """Write down a verdict on a batch or on the fleet; its outcome is the first error.

    :param edges: whether the mesh was judged, too.
    """
    outcome = next((item.code for item in findings if item.level == ERROR), record.OK)
    run.journal(record.GATE, hosts, began, outcome, mesh=edges)
