# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a run waits for rollouts, and when it looks away. Time is made of the observations."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.rollout import Goal, Seen
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_watch import Watch
from tests.unit.kubernetes.test_rollout import pod, seen

MEMBERS = Goal("StatefulSet", "agent", "new", least=2, deadline=600)
LEAVES = Goal("StatefulSet", "leaf", "new", least=2, deadline=600)
#: 2026-01-01, in seconds since 1970.
NEW_YEAR = 1767225600.0


class Cluster:
    """What a watch observes: for each name a function of the seconds that have passed."""

    namespace = "praxis"

    def __init__(self, **states: Callable[[float], Seen | None]) -> None:
        self.states, self.time = states, 0.0

    @property
    def api(self) -> Any:
        return SimpleNamespace(now=NEW_YEAR + self.time, log=lambda *_args, **_more: [])

    def see(self, goal: Goal, _since: float) -> Seen | None:
        return self.states[goal.name](self.time)

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        assert self.time < 6 * 3600, "it waits for ever"


def watched(cluster: Cluster, *goals: Goal) -> list[str]:
    """The codes of what is wrong at the end."""
    watch: Any = Watch(cluster, lambda _text: None, lambda: None, lambda: cluster.time, cluster.sleep)  # type: ignore[arg-type]
    found = watch.all(goals)
    assert all(all(finding.as_dict().values()) for finding in found)
    return [finding.code for finding in found]


def test_a_rollout_that_moves_is_waited_for() -> None:
    """Each step takes less than the deadline, all of them more."""
    steps = [seen(pod(0, "old"), pod(1, "old")), seen(pod(0, "old"), pod(1, ready=False)), seen(pod(0, "old"), pod(1)),
             seen(pod(0, ready=False), pod(1)), seen(pod(0), pod(1))]  # fmt: skip
    assert watched(Cluster(agent=lambda at: steps[min(int(at // 500), 4)]), MEMBERS) == []


@pytest.mark.parametrize("renewed", [False, True])
def test_pods_that_come_and_go_do_not_put_the_end_off(renewed: bool) -> None:
    """Whether it is the same pod that is ready and not ready in turn, or one that is always made anew."""

    def flapping(at: float) -> Seen:
        turn = int(at // 40)
        uneasy = pod(1, ready=bool(turn % 2))
        uneasy["metadata"]["uid"] = f"uid-{turn if renewed else 1}"
        return seen(pod(0, ready=not turn % 2), uneasy)

    cluster = Cluster(agent=flapping)
    assert watched(cluster, MEMBERS) != [] and cluster.time < 1200


def test_a_kind_that_was_done_and_fails_while_another_is_waited_for_is_found() -> None:
    """Its first look was good, and nobody had looked again."""
    crash = {"restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"exitCode": 3}}}  # fmt: skip
    crashed = seen(pod(0), pod(1, ready=False, container=crash))
    cluster = Cluster(
        agent=lambda at: seen(pod(0), pod(1)) if at < 30 else crashed,
        leaf=lambda at: seen(pod(0), pod(1, ready=at >= 60)),
    )
    assert watched(cluster, MEMBERS, LEAVES) == ["container-exited"]


def test_a_kind_that_is_uneasy_for_a_moment_is_waited_for_again() -> None:
    cluster = Cluster(
        agent=lambda at: seen(pod(0), pod(1, ready=not 30 <= at < 90)),
        leaf=lambda at: seen(pod(0), pod(1, ready=at >= 60)),
    )
    assert watched(cluster, MEMBERS, LEAVES) == [] and cluster.time >= 90


def test_kinds_that_are_never_done_at_the_same_moment_are_not_waited_for_without_an_end() -> None:
    """Each of them is done whenever nobody looks at it any more."""
    cluster = Cluster(
        agent=lambda at: seen(pod(0), pod(1, ready=at // 100 % 2 == 0)),
        leaf=lambda at: seen(pod(0), pod(1, ready=at // 100 % 2 == 1)),
    )
    assert watched(cluster, MEMBERS, LEAVES) != [] and cluster.time < 3000


def test_a_pod_that_never_leaves_is_named() -> None:
    """Its node is dead, say: the API server keeps the pod until somebody confirms that it has ended."""
    stuck = pod(1, "old", ready=False)
    stuck["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:40Z"
    cluster = Cluster(agent=lambda _at: seen(pod(0, "old"), stuck))
    assert watched(cluster, MEMBERS) == ["pod-not-gone"] and cluster.time >= MEMBERS.deadline


def test_a_pod_that_is_about_to_leave_is_not() -> None:
    leaving = pod(1, "old")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:10:00Z"
    cluster = Cluster(agent=lambda _at: seen(pod(0, "old"), leaving))
    assert watched(cluster, MEMBERS) == ["rollout-stalled"]


@pytest.mark.parametrize(("minutes", "found"), [(4, []), (9, None)])
def test_an_api_server_that_is_away_says_nothing_of_a_release(minutes: int, found: list[str] | None) -> None:
    """Its cloud upgrades it, say. Each answer that does not come is waited for by the retry policy, too."""

    def away(at: float) -> Seen:
        if 10 <= at < 60 * minutes:
            raise errors.Unavailable("The cluster's API does not answer.", "cluster", "Wait.")
        return seen(pod(0), pod(1, ready=at >= 20))

    cluster = Cluster(agent=away)
    if found is None:
        with pytest.raises(errors.Unavailable):
            watched(cluster, MEMBERS)
        assert 300 <= cluster.time < 400
    else:
        assert watched(cluster, MEMBERS) == found
