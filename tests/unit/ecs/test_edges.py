# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks in the mesh, as the members see them."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.connections import accepted
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.edges import findings

TASKS = {"0f3c6a5d9d5b": "10.0.1.7", "9a1b2c3d4e5f": "10.0.2.9"}
BOTH, FIRST, NOBODY = ["10.0.1.7", "10.0.2.9"], ["10.0.1.7"], []


def codes(seen, needed=1, tasks=TASKS):
    return [(each.code, each.level) for each in findings(tasks, seen, needed, "service leaf")]


@pytest.mark.parametrize(
    ("seen", "needed"),
    [
        ({"m1": BOTH}, 1),
        ({"m1": FIRST, "m2": ["10.0.2.9"]}, 1),
        ({"m1": BOTH, "m2": None}, 1),
        ({"m1": BOTH, "m2": BOTH}, 2),
        ({"m1": [*BOTH, *BOTH], "m2": BOTH}, 2),
        ({"m1": NOBODY}, 0),
    ],
)
def test_tasks_with_as_many_edges_as_are_needed_are_good(seen, needed):
    assert codes(seen, needed) == []


@pytest.mark.parametrize(
    ("seen", "needed"),
    [
        ({"m1": NOBODY}, 1),
        ({"m1": FIRST, "m2": FIRST}, 1),
        ({"m1": FIRST, "m2": None}, 1),
        ({"m1": BOTH, "m2": FIRST}, 2),
        ({"m1": [*BOTH, *BOTH]}, 2),
    ],
)
def test_a_task_with_fewer_is_an_error(seen, needed):
    assert codes(seen, needed) == [("task-alone", "error")]


def test_the_tasks_are_named_with_what_they_have():
    (found,) = findings(TASKS, {"m1": FIRST, "m2": FIRST}, 1, "service leaf")
    assert "1 of 2 tasks" in found.what and "9a1b2c3d (10.0.2.9): 0" in found.what and "0f3c6a5d" not in found.what


def test_where_nobody_testifies_it_is_a_warning():
    assert codes({"m1": None}) == [("members-unobserved", "warning")]


def test_without_tasks_nobody_is_asked():
    assert codes({"m1": None}, tasks={}) == []


def test_what_was_dialled_or_retransmits_was_not_accepted():
    def edge(local, remote, retransmits=0):
        return {"local": local, "remote": remote, "retransmits": retransmits}

    edges = [
        edge("10.0.0.4:4001", "10.0.1.7:40112"),
        edge("[fd00::4]:4001", "[fd00::9]:40112"),
        edge("10.0.0.4:40200", "10.0.0.5:4001"),
        edge("10.0.0.4:4001", "10.0.2.9:40300", retransmits=3),
    ]
    assert accepted({"edges": edges}, 4001) == ["10.0.1.7", "fd00::9"]
    assert accepted({"edges": None}, 4001) == []
