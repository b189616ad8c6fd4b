# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a release spreads: batches, the canary, the floor, and the order of a rollback."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import WATCHED, Pace, roll_back, split
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import heal, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import make_order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import soften
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import make_plan

from .made import PEERS, fleet, member, meshed, observation, release


def zoned(zones: str) -> Any:
    """A fleet with a member in each zone that a letter names."""
    members = [member(index, zone=zone) for index, zone in enumerate(zones, 1)]
    return make_plan("test", members, [release(item.name) for item in members])


def names(batches: list[list[str]]) -> list[str]:
    return ["".join(name[1:] for name in batch) for batch in batches]


@pytest.mark.parametrize(
    ("size", "batch", "canary", "expected"),
    [
        (0, 1, 1, []),
        (3, 1, 1, ["1", "2", "3"]),
        (5, 2, 1, ["1", "23", "45"]),
        (4, 2, 2, ["12", "34"]),
        (4, 2, 9, ["12", "34"]),
        (5, "50%", 1, ["1", "23", "45"]),
        (5, "1%", 1, ["1", "2", "3", "4", "5"]),
        (4, "100%", 4, ["1234"]),
    ],
)
def test_batches(size: int, batch: Any, canary: int, expected: list[str]) -> None:
    plan = fleet(size) if size else fleet(1)
    assert names(split(plan, plan.order[:size], Pace(batch, canary))) == expected


@pytest.mark.parametrize(
    ("size", "pace", "expected"),
    [(1, Pace(), 1), (4, Pace(), 4), (4, Pace(2), 3), (5, Pace(2, 2), 3), (4, Pace("100%", 4), 1), (9, Pace("34%"), 4)],
)
def test_how_many_batches_there_can_be(size: int, pace: Pace, expected: int) -> None:
    assert pace.batches(size) == expected
    assert len(split(fleet(size), fleet(size).order, pace)) == expected


def order_of(size: int, **pace: Any) -> Any:
    """Of a fleet that is meshed, where everybody gets another release."""
    plan = fleet(size)
    observations = meshed(plan)
    outcomes = {name: {"activation": "recreate", "observation": found} for name, found in observations.items()}
    return make_order(plan, outcomes, plan.order, Pace(**pace))


def lost(size: int, *names: str, **pace: Any) -> Any:
    """The order of a fleet in which these could not be reached, and everybody else gets another release."""
    plan = fleet(size)
    outcomes: dict[str, Any] = {
        name: {"activation": "switch", "observation": one} for name, one in meshed(plan).items()
    }
    for name in names:
        outcomes[name] = {"unreachable": "Connection timed out"}
    return make_order(plan, outcomes, plan.order, Pace(**pace))


def test_hosts_that_cannot_be_reached_are_left_out_as_far_as_is_allowed() -> None:
    order = lost(4, "m3", max_unreachable=1)
    assert (order.findings, order.activate) == ((), ["m1", "m2", "m4"])
    (reported,) = order.left_out
    assert (reported.code, reported.where, reported.level) == ("host-unreachable", "m3", "warning")
    assert "left out of the deployment" in reported.what
    for more in (lost(4, "m3"), lost(4, "m3", "m2", max_unreachable=1)):
        assert {item.code for item in more.findings} == {"host-unreachable"}
        assert (more.activate, more.left_out) == ([], ())


def test_who_is_left_out_does_not_count_for_the_floor() -> None:
    assert lost(4, "m3", max_unreachable=1, min_available=2).findings == ()
    refused = lost(4, "m3", max_unreachable=1, min_available=3)
    assert [item.code for item in refused.findings] == ["floor-impossible"]


def test_who_the_plan_leaves_out_is_not_activated_and_counts_for_nothing() -> None:
    """It is there, and has no release to go back to; the others have one, however many of them are silent."""
    plan = fleet(4)
    seen = meshed(plan).items()
    outcomes: dict[str, Any] = {name: {"activation": "switch", "observation": one} for name, one in seen}
    outcomes["m3"] = {"observation": {"container": None, "api": {}}}
    apart = {"m3": Finding("x", "What.", "m3", "Fix.", level="warning")}
    order = make_order(plan, outcomes, plan.order, Pace(min_available=2), apart=apart)
    assert (order.findings, order.activate, order.left_out) == ((), ["m1", "m2", "m4"], (apart["m3"],))
    outcomes["m4"] = {"unreachable": "Connection timed out"}
    assert [item.where for item in make_order(plan, outcomes, plan.order, Pace(), apart=apart).findings] == ["m4"]
    both = make_order(plan, outcomes, plan.order, Pace(max_unreachable=1), apart=apart)
    assert (both.activate, [item.where for item in both.left_out]) == (["m1", "m2"], ["m3", "m4"])
    limited = make_order(plan, {"m1": outcomes["m1"]}, ["m1"], Pace(min_available=0), apart=apart)
    assert (limited.activate, limited.left_out) == (["m1"], ())


@given(st.integers(2, 16), st.integers(1, 100), st.sampled_from(["%", ""]), st.integers(1, 4), st.data())
def test_a_plan_that_keeps_the_default_floor_keeps_it_without_dead_hosts_too(
    size: int, batch: int, unit: str, canary: int, data: Any
) -> None:
    """As many of them as praxis_max_unreachable allows."""
    share = f"{batch}%" if unit else batch
    dead = data.draw(st.sets(st.sampled_from([f"m{number}" for number in range(1, size + 1)]), max_size=size - 1))
    assert lost(size, batch=share, canary=canary).findings == ()
    order = lost(size, *dead, batch=share, canary=canary, max_unreachable=len(dead))
    assert (order.findings, sorted(order.activate)) == ((), sorted(set(fleet(size).members) - dead))


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 100), st.integers(1, 100))
def test_a_floor_that_a_user_gave_is_of_the_members_that_can_be_reached(
    whole: int, floor: int, percent: int, batch: int
) -> None:
    """Whatever a batch is."""
    for known in range(whole + 1):
        for size in (batch, f"{batch}%"):
            assert Pace(size, min_available=floor).floor(known, whole) == floor
            needed = Pace(size, min_available=f"{percent}%").floor(known, whole)
            assert needed * 100 >= known * percent > (needed - 1) * 100


def test_what_is_wrong_with_who_was_left_out_is_a_warning() -> None:
    found = [Finding("x", "What.", where, "Fix.") for where in ("m1", "m2", "m1 <-> m3", "m2 <-> m3", "fleet f")]
    assert [item.level for item in soften(found, ["m1"])] == ["warning", "error", "warning", "error", "error"]


@pytest.mark.parametrize(("systemd", "said"), [(True, []), (None, []), (False, ["m1"])])
def test_a_plan_says_where_nothing_would_roll_a_host_back(systemd: bool | None, said: list[str]) -> None:
    """With nothing to be done as well: it has been so since the last deployment."""
    plan = fleet(2)
    observations = meshed(plan)
    observations["m1"]["host"] = {} if systemd is None else {"systemd": systemd}
    outcomes = {name: {"activation": "none", "observation": found} for name, found in observations.items()}
    order = make_order(plan, outcomes, plan.order, Pace())
    assert [item.where for item in order.told] == said and order.findings == ()
    assert all((item.code, item.level) == ("no-systemd", "warning") and "dies" in item.what for item in order.told)


def moving(**at: int) -> tuple[Any, dict[str, Any]]:
    """Three members change their P2P port from 4001 to 4002, and what was observed: who moved dials the others.

    :param at: the ports of those that have moved already.
    """
    plan = make_plan(
        "test", [member(index, p2p_port=4002) for index in (1, 2, 3)], [release("m%d" % index) for index in (1, 2, 3)]
    )
    ports = {name: at.get(name, 4001) for name in plan.order}
    observations = {}
    for name, here in plan.members.items():
        edges = []
        for other in plan.around[name]:
            # Who has moved has dialled; among those of the same kind, the later one.
            dialler = max((name, other), key=lambda one: (one in at, one))
            source = 40000 + ord(name[1]) + ord(other[1])
            ends = (ports[name], source) if dialler == other else (source, ports[other])
            edges.append({"local": "172.18.0.2:%d" % ends[0], "retransmits": 0,
                          "remote": "%s:%d" % (plan.members[other].address, ends[1])})
        dials = {"%s:%d" % (plan.members[other].address, ports[other]): "ok" for other in plan.around[name]}
        observations[name] = observation(plan, name, [], edges=edges, dials=dials, p2p_port=ports[name])
        observations[name]["release"]["running"] = here.release if name in at else "old"
    return plan, observations


def test_until_it_is_activated_a_member_listens_where_it_did() -> None:
    plan, observations = moving()
    outcomes = {name: {"activation": "switch", "observation": found} for name, found in observations.items()}
    order = make_order(plan, outcomes, plan.order, Pace())
    assert (order.findings, order.ports) == ((), {"m1": 4001, "m2": 4001, "m3": 4001})
    assert order.min_edges == {"m1": 2, "m2": 2, "m3": 2}
    outcomes["m1"] = {"activation": "none", "observation": moving(m1=4002)[1]["m1"]}
    assert make_order(plan, outcomes, plan.order, Pace()).ports == {"m2": 4001, "m3": 4001}


def test_a_rollback_goes_to_where_the_last_good_release_listens() -> None:
    """m1 and m2 run what a killed deployment has activated at another port; m2 gets a third release, at the first port
    once more in plan, and m3 has not been reached by either."""
    plan, observations = moving(m1=4002, m2=4003)
    for seen in observations.values():
        seen["release"] |= {"good": "good", "good_p2p_port": 4001}
    kinds = {"m1": "none", "m2": "switch", "m3": "switch"}
    outcomes = {name: {"activation": kinds[name], "observation": found} for name, found in observations.items()}
    order = make_order(plan, outcomes, plan.order, Pace())
    assert (order.unconfirmed, order.ports) == (["m1"], {"m2": 4003, "m3": 4001})
    assert order.back == {"m1": 4001, "m2": 4001}, "m3 goes back to where it is"


def test_a_part_of_a_fleet_does_not_change_its_p2p_port() -> None:
    plan, observations = moving()
    outcomes = {"m2": {"activation": "switch", "observation": observations["m2"]}}
    order = make_order(plan, outcomes, ["m2"], Pace())
    assert [(item.code, item.where) for item in order.findings] == [("p2p-port-limited", "m2")]
    assert order.activate == []


@pytest.mark.parametrize("at", [{}, {"m1": 4002}, {"m1": 4002, "m2": 4002}, {"m1": 4002, "m2": 4002, "m3": 4002}])
def test_edges_are_judged_at_the_ports_that_run(at: dict[str, int]) -> None:
    plan, observations = moving(**at)
    assert verdict(plan, observations, {}).live == plan.edges
    assert heal(plan, observations) == []


def limited(size: int, *scope: str, answering: str = "", known: bool = True, **container: Any) -> Any:
    """The order of a run that is limited to these hosts of a fleet, where no agent runs yet.

    :param answering: the numbers of the members whose P2P ports answer a fresh dial.
    :param known: whether the plan knows what the others run. A rollback's does not.
    """
    plan = fleet(size)
    if not known:
        unknown = {name: replace(plan.members[name], release="") for name in set(plan.members).difference(scope)}
        plan = replace(plan, members={**plan.members, **unknown})
    outcomes: dict[str, Any] = {}
    for name in scope:
        dials = {
            f"10.0.0.{other[1:]}:4001": "ok" if other[1:] in answering else "refused" for other in plan.around[name]
        }
        seen = observation(plan, name, [], container=container or None, dials=dials)
        outcomes[name] = {"activation": "start", "observation": seen}
    return make_order(plan, outcomes, scope, Pace())


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("container", [{}, {"state": "exited", "exit_code": 1}])
def test_a_part_of_a_fleet_is_no_first_deployment(container: dict[str, Any], known: bool) -> None:
    """What runs outside of it is not known: its agents have to last, and go by batches."""
    order = limited(4, "m3", "m4", known=known, **container)
    assert (order.first_deployment, order.serial, order.findings) == (False, [1, 1], ())


def test_a_new_fleet_of_which_a_host_is_dead_is_new_all_the_same() -> None:
    plan = fleet(3)
    outcomes: dict[str, Any] = {
        name: {"activation": "start", "observation": observation(plan, name, [], container=None)} for name in plan.order
    }
    outcomes["m2"] = {"unreachable": "Connection timed out"}
    order = make_order(plan, outcomes, plan.order, Pace(max_unreachable=1))
    assert (order.first_deployment, order.serial, order.activate) == (True, [2], ["m1", "m3"])


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("scope", "answering", "edges"),
    [
        (["m4"], "123", {"m4": 3}),
        (["m4"], "13", {"m4": 2}),
        (["m4"], "", {"m4": 0}),
        # Those of the run itself count as they are activated, whatever answers at their ports now.
        (["m3", "m4"], "1234", {"m3": 2, "m4": 3}),
    ],
)
def test_the_gate_of_a_limited_run_asks_for_the_members_outside_that_answer(
    scope: list[str], answering: str, edges: dict[str, int], known: bool
) -> None:
    assert limited(4, *scope, answering=answering, known=known).min_edges == edges


def test_the_peers_of_an_agent_of_a_users_own_play_are_not_its_fleet() -> None:
    """What its gate asks for is agent_min_edges."""
    plan = fleet(2)
    peer = replace(plan.members["m2"], release="", peer_only=True)
    table = replace(plan, members={**plan.members, "m2": peer})
    seen = observation(table, "m1", [], container=None)
    order = make_order(table, {"m1": {"activation": "start", "observation": seen}}, ["m1"], Pace())
    assert (order.first_deployment, order.min_edges) == (True, {"m1": 0})


def test_before_a_batch_those_are_observed_again_that_were_not_just_observed() -> None:
    assert order_of(5).watch == {"m1": [], "m2": [], "m3": ["m1"], "m4": ["m1", "m2"], "m5": ["m1", "m2", "m3"]}
    assert order_of(5, batch=2).watch == {"m1": [], "m2": [], "m3": [], "m4": ["m1"], "m5": []}


@pytest.mark.parametrize(
    ("size", "pace", "changed", "again"),
    [
        (3, Pace(3, canary=3), "m1 m2 m3", False),  # observed whole at the batch's end
        (3, Pace(3, canary=3), "m1 m2", True),  # m3 was observed before its peers changed
        (3, Pace(1), "m1 m2 m3", True),
        (1, Pace(), "m1", False),
        (3, Pace(), "", False),
    ],
)
def test_all_are_observed_again_unless_the_last_batch_was_everybody(
    size: int, pace: Pace, changed: str, again: bool
) -> None:
    plan = fleet(size)
    found = outcomes(plan, "none")
    for name in changed.split():
        found[name]["activation"] = "switch"
    assert make_order(plan, found, plan.members, replace(pace, min_available=0)).observe_again is again


@pytest.mark.slow
@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 4))
def test_a_large_fleet_is_observed_by_turns(size: int, batch: int, canary: int) -> None:
    order = order_of(size, batch=batch, canary=canary, min_available=0)
    batches, start = [], 0
    for count in order.serial:
        batches.append(order.activate[start : start + count])
        start += count
    for number, names in enumerate(batches):
        watched = [name for each in names for name in order.watch[each]]
        assert len(set(watched)) == len(watched)
        assert set(watched) <= {name for before in batches[: max(0, number - 1)] for name in before}
        assert all(len(order.watch[each]) <= WATCHED for each in names)
    if len(batches) == size and 2 < size <= WATCHED + 2:
        assert order.watch[order.activate[-1]] == order.activate[:-2], "of a small fleet everybody is"


@pytest.mark.parametrize(
    ("zones", "batch", "expected"),
    [
        ("aabb", 2, ["13", "24"]),
        ("aab", 2, ["13", "2"]),
        ("abc", 2, ["12", "3"]),
        ("aaaa", 3, ["123", "4"]),
        ("aabb", 4, ["1234"]),
    ],
)
def test_no_batch_empties_a_zone(zones: str, batch: int, expected: list[str]) -> None:
    plan = zoned(zones)
    assert names(split(plan, plan.order, Pace(batch, canary=batch))) == expected


@given(st.text("abc", min_size=1, max_size=12), st.integers(1, 12), st.integers(1, 12))
def test_everybody_is_in_one_batch_and_none_is_too_large(zones: str, batch: int, canary: int) -> None:
    plan = zoned(zones)
    batches = split(plan, plan.order, Pace(batch, canary))
    assert sorted(name for one in batches for name in one) == sorted(plan.members)
    assert [len(one) <= batch for one in batches] == [True] * len(batches)
    assert all(batches) and len(batches[0]) <= min(batch, canary)


@pytest.mark.parametrize(
    ("total", "pace", "floor"),
    [
        (4, Pace(), 3),
        (1, Pace(), 0),
        (4, Pace(2), 2),
        (4, Pace(9), 0),
        (4, Pace(min_available=4), 4),
        (4, Pace(min_available="50%"), 2),
        (5, Pace(min_available="50%"), 3),
        (5, Pace(min_available=0), 0),
    ],
)
def test_the_floor(total: int, pace: Pace, floor: int) -> None:
    assert pace.floor(total, total) == floor


def outcomes(plan: Any, activation: str) -> dict[str, Any]:
    return {name: {"observation": found, "activation": activation} for name, found in meshed(plan).items()}


def test_a_floor_that_no_batch_can_keep_is_refused_before_anybody_is_disturbed() -> None:
    plan = fleet(3)
    order = make_order(plan, outcomes(plan, "switch"), plan.members, Pace(2, min_available=2))
    assert [finding.code for finding in order.findings] == ["floor-impossible"]
    assert order.activate == order.serial == []
    assert "2 of 3 members" in order.findings[0].what and "takes 2 out" in order.findings[0].what
    kept = make_order(plan, outcomes(plan, "switch"), plan.members, Pace(1, min_available=2))
    assert (kept.findings, kept.serial) == ((), [1, 1, 1])


def test_a_rollback_begins_with_those_that_do_not_serve() -> None:
    plan = fleet(4)
    observations = meshed(plan)
    observations["m3"] = observation(plan, "m3", [], api={"health": None, "peer_id": None, "error": "refused"})
    del observations["m4"]
    assert names(roll_back(plan, plan.members, observations, Pace())) == ["34", "1", "2"]
    assert names(roll_back(plan, ["m1", "m2"], observations, Pace(2))) == ["12"]
    assert roll_back(plan, [], observations, Pace()) == []
    # Then come those that are out of service, and that nobody puts in.
    assert names(roll_back(plan, plan.members, observations, Pace(), out=["m2", "m3"])) == ["34", "2", "1"]
    # A machine that is new goes last: it serves until then, and has nothing to go back to.
    assert names(roll_back(plan, plan.members, observations, Pace(), new=["m1", "m4"])) == ["34", "2", "1"]
    # And those whose agents crash: where they are out of service, too few others may be left for anybody else.
    assert names(roll_back(plan, plan.members, observations, Pace(), worst=["m2"])) == ["34", "2", "1"]


@pytest.mark.parametrize(
    ("touched", "down", "batch", "floor", "expected"),
    [
        # m4 is down, and nobody rolls it back: two may leave, but not at a time.
        ("123", "4", 2, 2, ["1", "2", "3"]),
        ("123", "4", 3, 1, ["12", "3"]),
        ("123", "4", 2, 1, ["12", "3"]),
        # It is rolled back, and serves again by then.
        ("1234", "4", 2, 2, ["4", "12", "3"]),
        # Not even one may leave: who asks for it is told so.
        ("123", "4", 2, 3, ["1", "2", "3"]),
        ("1234", "", "100%", 2, ["12", "34"]),
        ("1234", "", "100%", 0, ["1234"]),
    ],
)
def test_a_rollback_takes_no_more_at_a_time_than_can_leave(
    touched: str, down: str, batch: Any, floor: int, expected: list[str]
) -> None:
    plan = fleet(4)
    observations = meshed(plan)
    for number in down:
        observations[f"m{number}"] = observation(plan, f"m{number}", [], container=None)
    members = [f"m{number}" for number in touched]
    assert names(roll_back(plan, members, observations, Pace(batch), floor=floor)) == expected


def test_a_machine_that_a_rollback_leaves_empty_is_none_that_serves_again() -> None:
    plan = fleet(4)
    observations = meshed(plan)
    observations["m4"] = observation(plan, "m4", [], container=None)
    assert names(roll_back(plan, plan.members, observations, Pace(2), new=["m4"], floor=2)) == ["4", "1", "2", "3"]


def test_a_run_that_finds_another_deployment_at_work_does_nothing() -> None:
    plan = fleet(2)
    outcomes = {"m1": {"outcome": "needs-docker", "changed": True}, "m2": {"outcome": "x", "activation": "start"}}
    held = Finding("fleet-locked", "It is.", "m1", "Wait.")
    order = make_order(plan, outcomes, set(plan.members), Pace(), final=False, held=held)
    assert (order.needs_docker, order.activate, order.observe_again, order.findings) == ([], [], False, (held,))
    free = make_order(plan, outcomes, set(plan.members), Pace(), final=False)
    assert (free.needs_docker, free.observe_again) == (["m1"], True)


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("outcome", ["prepared", "needs-docker"])
def test_two_logins_that_lead_to_one_machine_are_no_two_members(outcome: str, *, final: bool) -> None:
    """An ansible_host that was copied, or a local connection for all of them: the second agent would take the first
    one's place, or the controller would get them."""
    plan = fleet(3)
    seen = meshed(plan)
    outcomes = {name: {"outcome": outcome, "changed": True, "activation": "start",
                       "observation": {**seen[name], "host": {"machine": machine}}}
                for name, machine in (("m1", "a/1/2"), ("m2", "b/1/2"), ("m3", "a/1/2"))}  # fmt: skip
    order = make_order(plan, outcomes, plan.order, Pace(), final=final)
    (finding,) = order.findings
    assert (finding.code, "m1, m3 log in to one machine" in finding.what) == ("shared-machine", True)
    # Clones that go on with one memory have one boot id, and nothing else tells copies of a machine apart.
    assert "reboot all but one" in finding.fix
    assert (order.activate, order.needs_docker) == ([], [])
    for unknown in ("c/1/2", None):
        outcomes["m3"]["observation"]["host"]["machine"] = unknown
        assert make_order(plan, outcomes, plan.order, Pace(), final=final).findings == ()


def taken_over(*names: str, release: str = "", batch: int = 1, **containers: dict[str, Any]) -> Any:
    """The order of four members that another deployment has left: it activated these, and called nothing good.

    :param release: what it activated; else what this plan has for them.
    :param containers: by member, what is known of its container besides.
    """
    plan = fleet(4)
    outcomes: dict[str, Any] = {}
    for name, seen in meshed(plan).items():
        runs = release or plan.members[name].release
        kind = "none" if name in names and not release else "switch"
        outcomes[name] = {"activation": kind, "observation": {**seen, "release": {"running": "old", "good": "old"}}}
        if name in names:
            switch = {"armed": {"run": "dead", "wanted": runs, "back": "old"}, "rolled_back": None}
            outcomes[name]["observation"].update(release={"running": runs, "good": "old"}, switch=switch)
        outcomes[name]["observation"]["container"].update(containers.get(name, {}))
    return make_order(plan, outcomes, plan.order, Pace(batch=batch), soak=30)


def test_what_another_deployment_has_activated_is_watched_like_an_earlier_batch() -> None:
    order = taken_over("m1", "m2")
    assert (order.unconfirmed, order.activate) == (["m1", "m2"], ["m3", "m4"])
    # It has just been observed when the first batch is drained.
    assert order.watch == {"m1": [], "m2": [], "m3": [], "m4": ["m1", "m2"]}


def test_where_all_is_activated_the_fleet_is_observed_once_more_all_the_same() -> None:
    order = taken_over("m1", "m2", "m3", "m4")
    assert (order.activate, order.unconfirmed, order.observe_again) == ([], ["m1", "m2", "m3", "m4"], True)


def test_who_runs_what_nobody_called_good_and_nobody_wants_is_replaced_first() -> None:
    """Whether it lasts is not known, and it may be out of service."""
    order = taken_over("m3", release="other")
    assert (order.unconfirmed, order.activate) == ([], ["m3", "m1", "m2", "m4"])


@pytest.mark.parametrize(
    ("containers", "activate"),
    [
        ({"m2": {"age": 5.0}, "m3": {"age": 5.0}}, ["m2", "m3", "m1", "m4"]),
        ({"m3": {"age": 5.0}}, ["m3", "m1", "m2", "m4"]),
        ({"m2": {"age": 600.0, "restarts": 1}}, ["m2", "m1", "m3", "m4"]),
        # Without m4 two would serve, and three have to: m1 would have to be repaired first.
        ({"m2": {"age": 5.0}, "m4": {"state": "exited"}}, ["m4", "m2", "m1", "m3"]),
    ],
)
def test_those_that_nobody_has_seen_last_are_replaced_before_the_others(
    containers: dict[str, Any], activate: list[str]
) -> None:
    """They are out of service, and nobody puts them in: without them too few would be left when another one leaves."""
    assert taken_over("m1", "m2", "m3", release="other", **containers).activate == activate


def test_they_do_not_wait_for_those_that_depend_on_them() -> None:
    plan = fleet(4)
    plan = replace(plan, members={**plan.members, "m2": replace(plan.members["m2"], last=1)})
    outcomes = {name: {"activation": "switch", "observation": seen} for name, seen in meshed(plan).items()}
    assert make_order(plan, outcomes, plan.order, Pace(), soak=30).activate == ["m1", "m3", "m4", "m2"]
    switch = {"armed": {"run": "dead", "wanted": "other", "back": "old"}, "rolled_back": None}
    outcomes["m2"]["observation"].update(release={"running": "other", "good": "old"}, switch=switch)
    outcomes["m2"]["observation"]["container"]["age"] = 5.0
    assert make_order(plan, outcomes, plan.order, Pace(), soak=30).activate == ["m2", "m1", "m3", "m4"]


def test_a_run_that_another_deployment_stops_takes_nothing_over() -> None:
    plan = fleet(2)
    armed = {"armed": {"run": "dead", "wanted": plan.members["m1"].release, "back": "old"}, "rolled_back": None}
    seen = meshed(plan)
    seen["m1"].update(release={"running": plan.members["m1"].release, "good": "old"}, switch=armed)
    outcomes = {name: {"activation": "none", "observation": one} for name, one in seen.items()}
    assert make_order(plan, outcomes, plan.order, Pace()).unconfirmed == ["m1"]
    held = Finding("fleet-locked", "What.", "m1", "Fix.")
    assert make_order(plan, outcomes, plan.order, Pace(), held=held).unconfirmed == []


def test_that_running_agents_get_other_identities_is_said_once_and_stops_nobody() -> None:
    """A seed that is not where it was (another region, account or slot) is made anew, and others know the old one."""
    plan = fleet(3)
    seen = meshed(plan)
    for name in ("m1", "m3"):
        seen[name]["api"]["peer_id"] = PEERS[-1]
    outcomes = {name: {"activation": "restart", "observation": one} for name, one in seen.items()}
    made = make_order(plan, outcomes, plan.order, Pace())
    assert len(made.activate) == 3 and not made.findings
    (told,) = made.told
    assert (told.code, told.level) == ("other-identity", "warning")
    assert "m1, m3" in told.what and "m2" not in told.what and "praxis_identity_store" in told.fix


@pytest.mark.parametrize("peer_id", [None, "the other scheme's"])
def test_an_agent_that_does_not_say_who_it_is_and_another_scheme_are_no_other_identity(peer_id: str | None) -> None:
    plan = make_plan("test", [member(1, other_peer_id="the other scheme's")], [release("m1")])
    seen = observation(plan, "m1", [], api={"health": 200, "peer_id": peer_id, "error": None})
    made = make_order(plan, {"m1": {"activation": "switch", "observation": seen}}, plan.order, Pace())
    assert made.activate == ["m1"] and made.told == ()
