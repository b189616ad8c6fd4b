# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine removes and what it leaves alone, with a kind that no cloud has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.engine import DEADLINE, Engine
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotPassed
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Ref, Resource

OURS = {"managed": "yes"}
#: A role, its policy, which has no tags of its own, what refers to that, and a group beside them.
LISTED = (
    Resource("thing", "role", tags=OURS),
    Resource("thing", "policy", made_with={"of": Ref("thing", "role")}),
    Resource("thing", "statement", {"of": [Ref("thing", "policy")]}),
    Resource("thing", "group", {"admits": Ref("thing", "role")}, tags=OURS),
)


@dataclass(frozen=True)
class Thing(Kind[Mapping[str, Mapping[str, str]]]):
    """One of what there is: the client is a mapping of names to tags."""

    def find(self, client: Mapping[str, Mapping[str, str]], desired: Resource) -> Observed | None:
        there = desired.name in client
        return Observed(self.name, desired.name, desired.name, {}, client[desired.name]) if there else None


@pytest.mark.parametrize(
    ("role", "gone"),
    [
        ({"role": OURS}, ["group", "statement", "policy", "role"]),
        # It is somebody else's, so what belongs to it is as well.
        ({"role": {}}, ["group"]),
        ({"role": {"managed": "by hand"}}, ["group"]),
        # It is gone already; what it left goes.
        ({}, ["group", "statement", "policy"]),
    ],
)
def test_what_belongs_to_something_that_is_not_ours_is_left_alone(
    role: Mapping[str, Mapping[str, str]], gone: list[str]
) -> None:
    there = {**role, "policy": {}, "statement": {}, "group": OURS}
    absent = [replace(each, present=False) for each in LISTED]
    engine = Engine(there, absent, {"thing": Thing("thing", "thing")}, ["thing"])
    assert [each.resource.name for each in engine.observe()] == gone


@dataclass(frozen=True)
class Cluster(Thing):
    """What is made with a role that was made a moment ago."""

    refusals: list[NotPassed] = field(default_factory=list)

    def create(self, client: Mapping[str, Mapping[str, str]], desired: Resource) -> str:
        if self.refusals:
            raise self.refusals.pop()
        return desired.name


@pytest.mark.parametrize(("times", "made"), [(3, True), (100, False)])
def test_a_role_that_may_not_be_handed_over_yet_is_waited_for(times: int, made: bool) -> None:
    waited: list[float] = []
    kind = Cluster("thing", "thing", refusals=[NotPassed("iam:PassRole", "eks", "Grant it.")] * times)
    poll = Poll(interval=5.0, clock=lambda: sum(waited), sleep=waited.append)
    engine = Engine({}, [Resource("thing", "cluster", tags=OURS)], {"thing": kind}, ["thing"], poll=poll)
    changes = engine.observe()
    if made:
        engine.apply(changes)
        assert engine.ids == {("thing", "cluster"): "cluster"}
    else:
        with pytest.raises(Failed) as refused:
            engine.apply(changes)
        assert [each.code for each in refused.value.findings] == ["cloud-denied"]
    assert sum(waited) <= DEADLINE + 5
