# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several requests at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = 8


def map_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result | Failed]:
    """``function`` of every item, in the items' order.

    A ``Failed`` takes its result's place, so that all are collected. Any other exception is a defect and is raised.
    """

    def one(item: Item) -> Result | Failed:
        try:
            return function(item)
        except Failed as failed:
            return failed

    todo = list(items)
    if len(todo) <= 1:
        return [one(item) for item in todo]
    with ThreadPoolExecutor(max_workers=min(WORKERS, len(todo))) as pool:
        return list(pool.map(one, todo))


def gathered(answers: Sequence[Result | Failed]) -> list[Result]:
    """What :func:`map_parallel` gave, when all of it went well.

    :raises Failed: with the findings of all that did not.
    """
    findings = [finding for answer in answers if isinstance(answer, Failed) for finding in answer.findings]
    if findings:
        raise Failed(*findings)
    return [answer for answer in answers if not isinstance(answer, Failed)]
