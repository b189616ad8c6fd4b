# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks in the mesh, as the members see them."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.connections import accepted, lacking
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.edges import Seen, dialled, findings

TASKS = {"0f3c6a5d9d5b": "10.0.1.7", "9a1b2c3d4e5f": "10.0.2.9"}
BOTH, FIRST, NOBODY = ["10.0.1.7", "10.0.2.9"], ["10.0.1.7"], []
BOOTSTRAP = ["/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWm1", "/dns4/m2.example.org/tcp/4001/p2p/12D3KooWm2"]


def judged(seen, needed=1, tasks=TASKS):
    """By members whose peer ids end as they are called."""
    told = {name: None if each is None else Seen(f"12D3KooW{name}", tuple(each)) for name, each in seen.items()}
    return findings(tasks, told, BOOTSTRAP, needed, "service leaf")


def codes(seen, needed=1, tasks=TASKS):
    return [(each.code, each.level) for each in judged(seen, needed, tasks)]


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
    (found,) = judged({"m1": FIRST, "m2": FIRST})
    assert "1 of 2 tasks" in found.what and "9a1b2c3d (10.0.2.9): 0" in found.what and "0f3c6a5d" not in found.what


def test_where_nobody_testifies_it_is_a_warning():
    assert codes({"m1": None}) == [("members-unobserved", "warning")]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"m1": BOTH, "m9": NOBODY}, []),
        ({"m1": FIRST, "m9": BOTH}, [("task-alone", "error")]),
        ({"m1": None, "m9": NOBODY}, [("members-unobserved", "warning")]),
        # All members were seen, and the list names none of them.
        ({"m8": NOBODY, "m9": NOBODY}, [("task-alone", "error")]),
    ],
)
def test_a_member_that_no_task_dials_does_not_testify(seen, expected):
    assert codes(seen) == expected


def test_a_member_whose_agent_does_not_say_who_it_is_testifies():
    told = {"m1": Seen("", tuple(BOTH)), "m9": Seen("12D3KooWm9", ())}
    assert findings(TASKS, told, BOOTSTRAP, 1, "service leaf") == []


def test_each_agent_that_is_dialled_is_named_with_the_tasks_that_dial_it():
    by_peer = dialled([(BOOTSTRAP, ["10.0.1.7"]), (BOOTSTRAP[:1], ["10.0.2.9"]), (BOOTSTRAP, [])])
    assert by_peer == {"12D3KooWm1": BOTH, "12D3KooWm2": FIRST}


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


@pytest.mark.parametrize(("me", "expected"), [("m1", {"10.0.2.9"}), ("m9", set()), (None, {"10.0.2.9", "10.0.3.1"})])
def test_an_agent_waits_for_those_who_dial_it(me, expected):
    seen = {"api": {"peer_id": me}, "edges": [{"local": "10.0.0.4:4001", "remote": "10.0.1.7:5", "retransmits": 0}]}
    assert lacking(seen, {"m1": BOTH, "m2": ["10.0.3.1"]}, 4001) == expected
