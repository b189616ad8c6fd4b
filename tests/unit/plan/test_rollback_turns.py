# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks that the floor could end before their time: whole runs of the real order, balancer and verdict."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR
from tests.unit.plan.made_releases import NEW, OLD, Witness, fleet
from tests.unit.plan.made_run import Run
from tests.unit.plan.made_world import DOWN, World, plan_of

NAMES = [f"m{number}" for number in range(1, 8)]
OF_NEW, OF_OLD = (plan_of((word,) * len(NAMES)) for word in (NEW, OLD))


def deployed(world: World) -> Run:
    """A deployment of all seven, which fails in its third batch (m4, m5)."""
    run = Run(world, OF_NEW, 3, hosts=NAMES, batch=2, canary=1, min_available=None)
    Witness(world, run)
    return run


def lose(world: World, name: str) -> None:
    """This one, which was to come last, dies while m5 is activated; nobody has observed it since."""
    see = world.watch

    def watch(what: str, names: Collection[str]) -> None:
        see(what, names)
        if (what, list(names)) == ("activate", ["m5"]):
            world.hosts[name].natures[OF_OLD.members[name].release] = DOWN

    world.watch = watch


def went_back(world: World) -> set[str]:
    return {name for name, host in world.hosts.items() if host.runs == OF_OLD.members[name].release}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return fleet(NAMES, (), {NEW: {"m5": DOWN}})


def test_one_that_cannot_be_rolled_back_costs_the_others_their_batches_and_no_more(world: World) -> None:
    """m5 is down and stays so: without two more only four of seven would serve, and five have to."""
    world.stuck = {"m5"}
    run = deployed(world)
    run.go()
    assert went_back(world) == set(NAMES) - {"m5"} == world.serving()
    named = {(item["code"], item["where"]) for item in run.verdict["findings"] if item["level"] == ERROR}
    assert named == {("container-exited", "m5"), ("not-rolled-back", "m5")}


def test_one_that_was_lost_meanwhile_costs_the_others_their_batches_and_no_more(world: World) -> None:
    run = deployed(world)
    lose(world, "m7")
    run.go()
    assert went_back(world) == set(NAMES) and world.serving() == set(NAMES) - {"m7"}
    assert not run.codes().intersection({"floor", "not-rolled-back"})


def test_where_not_even_one_may_leave_the_rollback_ends_and_says_so(world: World) -> None:
    """Five are left, and five have to serve."""
    world.stuck = {"m5"}
    run = deployed(world)
    lose(world, "m7")
    run.go()
    assert went_back(world) == {"m4", "m6", "m7"} and world.serving() == {"m1", "m2", "m3", "m4", "m6"}
    assert {"floor", "not-rolled-back"} <= run.codes()


def test_new_machines_go_back_though_the_run_has_not_come_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four machines are added to three, and the second one fails: the two after it have never served."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    world = fleet(NAMES, NAMES[3:], {NEW: {"m5": DOWN}})
    run = Run(world, OF_NEW, 3, hosts=NAMES, batch=1, canary=1, min_available=None)
    Witness(world, run)
    run.go()
    assert run.files.rolled_back() == ["m4", "m5"] and world.serving() == {"m1", "m2", "m3"}
    assert not run.codes().intersection({"floor", "not-rolled-back"})
