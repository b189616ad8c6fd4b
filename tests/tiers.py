# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows of a table of tests `make test` runs, and which only `make test-all` does: the marker ``repetition``.

Of a property's examples `make test` and `make test-fast` draw a part, which VARIABLE says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import settings

#: One in how many of the examples is drawn; 1, all of them, unless a tier says otherwise.
VARIABLE = "PRAXIS_TEST_ONE_EXAMPLE_IN"
FEWEST = 20  # examples


def first(values: Iterable[Any], count: int = 1) -> list[Any]:
    """Values for ``parametrize`` of which all but the first are repetitions."""
    every = list(values)
    return [*every[:count], *map(_repetition, every[count:])]


def only(values: Iterable[Any], chosen: Callable[[Any], bool]) -> list[Any]:
    """Values for ``parametrize`` of which all but the chosen are repetitions."""
    return [value if chosen(value) else _repetition(value) for value in values]


def rows(values: Iterable[Any]) -> list[Any]:
    """Rows for ``parametrize`` of which those that say so, by ``repeats``, are repetitions."""
    return only(values, lambda row: not row.repeats)


def _repetition(value: Any) -> Any:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.repetition)


def examples(count: int) -> settings:
    """For a property: this many examples in `make test-all` and at a desk, a part of them elsewhere."""
    return settings(max_examples=max(min(count, FEWEST), count // int(os.environ.get(VARIABLE, "1"))))
