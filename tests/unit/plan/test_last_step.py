# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a deployment on a host: a machine that reboots when its release is called good is waited for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import BACK, PAUSE, persistently

GOOD = {"outcome": "confirmed", "failure": None}
STARTING = {"outcome": "failed", "failure": {"code": "not-confirmed"}}
CUT_OFF = {"failed": True, "msg": "MODULE FAILURE"}
GONE = AnsibleConnectionFailure("no route")


def ended(*answers: Any) -> tuple[Any, float, int]:
    """The answer, the seconds that were waited, and how often the connection was opened anew."""
    left, now, opened = list(answers), [0.0], [0]

    def ask() -> dict[str, Any]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def reconnect() -> None:
        opened[0] += 1

    answer = persistently(Display(), "m1", ask, reconnect, clock=lambda: now[0], sleep=sleep)
    return answer, now[0], opened[0]


@pytest.mark.parametrize("answer", [GOOD, STARTING])
def test_a_host_that_answers_is_asked_once(answer: dict[str, Any]) -> None:
    assert ended(answer) == (answer, 0.0, 0)


@pytest.mark.parametrize("lost", [GONE, CUT_OFF])
def test_a_host_that_is_lost_is_asked_again_until_its_agent_runs(lost: Any) -> None:
    assert ended(lost, GONE, STARTING, GOOD) == (GOOD, 3 * PAUSE, 3)


@pytest.mark.parametrize("last", [STARTING, CUT_OFF])
def test_one_that_does_not_come_back_well_is_reported_with_its_last_answer(last: dict[str, Any]) -> None:
    assert ended(GONE, last) == (last, BACK, BACK / PAUSE)


def test_one_that_does_not_come_back_is_unreachable() -> None:
    with pytest.raises(AnsibleConnectionFailure):
        ended(GONE)
