# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.batches import Pace
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.member_health import member_findings, restarts, serves
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import edge_fault, heal, verdict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.order import make_order
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences

from .made import PEERS, fleet, flow, meshed, observation


def errors(found):
    return [finding.code for finding in found.findings if finding.level == "error"]


class TestEdges:
    def test_a_whole_mesh_is_live(self):
        plan = fleet(3)
        found = verdict(plan, meshed(plan), {})
        assert found.ok and found.live == plan.edges and not found.dead

    def test_a_connection_that_only_one_end_lists_is_dead(self):
        plan = fleet(3)
        observations = meshed(plan)
        observations["m1"]["edges"] = [flow(plan, "m1", "m3")]
        assert edge_fault(plan, "m1", "m2", observations) == "m1 has no connection to m2"
        found = verdict(plan, observations, {})
        assert errors(found) == ["edge-missing"] and found.findings[0].where == "m1 <-> m2"

    def test_different_connections_at_the_two_ends_are_ghosts(self):
        plan = fleet(2)
        observations = meshed(plan)
        observations["m1"]["edges"][0]["remote"] = "10.0.0.2:55555"
        assert "ghost" in edge_fault(plan, "m1", "m2", observations)

    def test_retransmitting_is_dead(self):
        plan = fleet(2)
        observations = meshed(plan)
        observations["m2"]["edges"] = [flow(plan, "m2", "m1", retransmits=8)]
        assert edge_fault(plan, "m1", "m2", observations) == "m2 gets no acknowledgements from m1"

    def test_a_fresh_dial_that_fails_is_dead_though_the_connection_stands(self):
        plan = fleet(2)
        observations = meshed(plan)
        observations["m2"]["dials"] = {"10.0.0.1:4001": "timeout"}
        assert edge_fault(plan, "m1", "m2", observations) == "a new dial from m2 to m1: timeout"

    def test_one_end_alone_testifies_when_the_other_was_not_observed(self):
        plan = fleet(2)
        observations = meshed(plan)
        assert edge_fault(plan, "m1", "m2", {"m1": observations["m1"]}) is None
        assert edge_fault(plan, "m1", "m2", {}) == "neither end was observed"

    def test_other_connections_of_the_container_do_not_count(self):
        plan = fleet(2)
        observations = meshed(plan)
        for name in observations:
            observations[name]["edges"] = [
                {"local": "172.18.0.2:8000", "remote": "10.0.0.9:1", "retransmits": 0, "tx_queue": 0}
            ]
        assert edge_fault(plan, "m1", "m2", observations) is not None


class TestVerdict:
    def test_a_large_fleet_bears_the_loss_of_an_edge_and_names_it(self):
        plan = fleet(4, min_edges=2)
        found = verdict(plan, meshed(plan, [("m1", "m2")]), {})
        assert found.ok and [finding.level for finding in found.findings] == ["warning"]
        assert not verdict(plan, meshed(plan, [("m1", "m2")]), {}, strict=True).ok

    def test_a_split_mesh(self):
        plan = fleet(4, min_edges=1)
        cut = [("m1", "m3"), ("m1", "m4"), ("m2", "m3"), ("m2", "m4")]
        assert "mesh-split" in errors(verdict(plan, meshed(plan, cut), {}))

    def test_an_absent_host_is_named_and_its_edges_are_not_held_against_the_others(self):
        plan = fleet(3)
        found = meshed(plan, [("m1", "m3"), ("m2", "m3")])
        observations = {name: one for name, one in found.items() if name != "m3"}
        absent = {"m3": Finding("host-unreachable", "x", "m3", "y")}
        assert errors(verdict(plan, observations, absent)) == ["host-unreachable"]

    def test_a_batch_is_judged_by_its_own_edges(self):
        plan = fleet(3)
        observations = meshed(plan, [("m2", "m3")])
        assert verdict(plan, observations, {}, scope=["m1"]).ok
        assert errors(verdict(plan, observations, {}, scope=["m2"])) == ["edge-missing"]

    def test_one_end_shows_an_edge_to_a_member_outside_the_run(self):
        plan = fleet(3)
        observations = meshed(plan, [("m1", "m3")])
        found = verdict(plan, {"m1": observations["m1"]}, {}, scope=["m1"])
        assert found.ok and found.live == {("m1", "m2")} and not found.dead

    def test_observations_from_before_the_batch_do_not_testify_against_its_edges(self):
        plan = fleet(2)
        observations = meshed(plan)
        observations["m2"]["edges"], observations["m2"]["release"] = [], {"running": "the old one"}
        assert verdict(plan, observations, {}, scope=["m1"]).ok


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"container": None}, "no-container"),
        ({"container": {"state": "exited", "exit_code": 1}}, "container-stopped"),
        ({"release": {"running": "other"}}, "other-release"),
        ({"api": {"health": None, "error": "refused"}}, "api-silent"),
        ({"api": {"health": 400}}, "api-silent"),
        ({"api": {"health": 200, "peer_id": PEERS[3]}}, "wrong-peer-id"),
        ({"api": {"health": 200, "peer_id": None}}, "no-peer-id"),
        ({"container": {"state": "running", "health": "unhealthy"}, "api": {"health": None}}, "api-silent"),
    ],
)
def test_health_alone_proves_nothing(change, code):
    plan = fleet(2)
    assert [item.code for item in member_findings(plan, "m1", observation(plan, "m1", ["m2"], **change))] == [code]


@pytest.mark.parametrize(("running", "codes"), [("now", ["unhealthy"]), ("other", ["other-release", "unhealthy"])])
def test_an_agent_that_the_engine_alone_calls_unhealthy_is_a_warning_and_serves(running, codes):
    """Its health check cannot even be run where the container has no process or memory left; the API answers."""
    plan = fleet(2)
    observations = meshed(plan)
    observations["m2"]["container"]["health"] = "unhealthy"
    if running == "other":
        observations["m2"]["release"] = {"running": "other"}
    found = member_findings(plan, "m2", observations["m2"])
    assert [item.code for item in found] == codes
    assert found[-1].level == "warning" and "docker inspect" in found[-1].fix
    assert serves(plan, "m2", observations["m2"])
    assert verdict(plan, observations, {}).ok is (running == "now")


@pytest.mark.parametrize("health", [None, "healthy", "starting"])
def test_an_agent_whose_health_is_not_bad_is_not_mentioned(health):
    plan = fleet(2)
    observations = meshed(plan)
    observations["m2"]["container"]["health"] = health
    assert verdict(plan, observations, {}).findings == ()


class TestHeal:
    def test_one_end_of_a_missing_edge_is_restarted(self):
        plan = fleet(3)
        assert heal(plan, meshed(plan, [("m1", "m2")])) == ["m1"]

    def test_as_few_as_cover_all_missing_edges(self):
        plan = fleet(4)
        assert heal(plan, meshed(plan, [("m4", "m1"), ("m4", "m2"), ("m4", "m3")])) == ["m4"]

    def test_an_agent_that_is_yet_to_dial_is_left_alone(self):
        plan = fleet(2)
        observations = meshed(plan, [("m1", "m2")])
        observations["m1"]["host"] = {"clock": 1_800_000_012.5}
        observations["m1"]["container"]["started_at"] = "2027-01-15T08:00:00.123456789Z"
        assert heal(plan, observations) == []
        observations["m1"]["host"]["clock"] += 60
        assert heal(plan, observations) == ["m1"]

    def test_a_clock_that_was_set_makes_no_agent_older_or_younger(self):
        plan = fleet(2)
        observations = meshed(plan, [("m1", "m2")])
        observations["m1"]["container"]["started_at"] = "2027-01-15T08:00:00Z"
        for clock in (1_800_003_600.0, 1_799_996_400.0):
            observations["m1"]["host"] = {"clock": clock}
            observations["m1"]["container"]["age"] = 12.5
            assert heal(plan, observations) == []
            observations["m1"]["container"]["age"] = 72.5
            assert heal(plan, observations) == ["m1"]

    def test_ghosts_at_both_ends_are_fixed(self):
        plan = fleet(2)
        observations = meshed(plan)
        observations["m1"]["edges"][0]["remote"] = "10.0.0.2:55555"
        assert heal(plan, observations) == ["m1"]

    def test_a_cut_link_is_not_fixed_by_a_restart(self):
        plan = fleet(2)
        observations = meshed(plan, [("m1", "m2")])
        observations["m1"]["dials"] = {"10.0.0.2:4001": "timeout"}
        assert heal(plan, observations) == []


class TestRewrittenPorts:
    """Both ends list the connection; the accepting one by another source port than the one that dialled it."""

    def rewritten(self, plan, younger=0.0):
        """m2 has dialled m1.

        :param younger: seconds that m2 was started after m1.
        """
        observations = meshed(plan)
        observations["m1"]["edges"][0]["remote"] = "10.0.0.2:55555"
        for name, clock in (("m1", 1_800_000_100.0), ("m2", 1_800_000_100.0 - younger)):
            observations[name]["host"] = {"clock": clock}
            observations[name]["container"]["started_at"] = "2027-01-15T08:00:00Z"
        return observations

    @pytest.mark.parametrize("younger", [90, 1, 0, -20])
    def test_the_younger_end_has_dialled_it(self, younger):
        plan = fleet(2)
        observations = self.rewritten(plan, younger)
        assert edge_fault(plan, "m1", "m2", observations) is None
        assert verdict(plan, observations, {}).ok and heal(plan, observations) == []

    @pytest.mark.parametrize("younger", [-31, -90])
    def test_the_older_end_may_have_dialled_an_agent_that_is_gone(self, younger):
        plan = fleet(2)
        observations = self.rewritten(plan, younger)
        assert "ghost" in edge_fault(plan, "m1", "m2", observations)

    def test_one_accepted_connection_stands_for_one(self):
        plan = fleet(2)
        observations = self.rewritten(plan, 90)
        observations["m1"]["edges"][0]["retransmits"] = 3
        assert edge_fault(plan, "m1", "m2", observations) == "m1 gets no acknowledgements from m2"
        observations["m1"]["edges"] = []
        assert edge_fault(plan, "m1", "m2", observations) == "m1 has no connection to m2"

    @pytest.mark.parametrize("name", ["m1", "m2"])
    def test_who_does_not_say_how_old_it_is_proves_nothing(self, name):
        plan = fleet(2)
        observations = self.rewritten(plan, 90)
        observations[name]["container"]["started_at"] = None
        assert "ghost" in edge_fault(plan, "m1", "m2", observations)

    def test_a_whole_fleet_of_them(self):
        plan = fleet(4)
        observations = meshed(plan)
        for at, name in enumerate(sorted(observations)):
            observations[name]["host"] = {"clock": 1_800_000_500.0 - 100 * at}
            observations[name]["container"]["started_at"] = "2027-01-15T08:00:00Z"
            for place, item in enumerate(observations[name]["edges"]):
                if item["local"].endswith(":4001"):
                    item["remote"] = item["remote"].rpartition(":")[0] + ":%d" % (50000 + place)
        found = verdict(plan, observations, {})
        assert found.ok and found.live == plan.edges and heal(plan, observations) == []


class TestRewrittenAddresses:
    """The accepting end sees a gateway in the dialling member's place, and another source port."""

    def rewritten(self, plan, *accepting):
        observations = meshed(plan)
        for name in accepting:
            for place, item in enumerate(observations[name]["edges"]):
                if item["local"].endswith(":4001"):
                    item["remote"] = "172.18.0.1:%d" % (50000 + place)
        return observations

    def test_the_edge_is_live_all_the_same(self):
        plan = fleet(4)
        observations = self.rewritten(plan, *plan.members)
        found = verdict(plan, observations, {}, strict=True)
        assert (found.ok, found.live) == (True, plan.edges)
        assert heal(plan, observations) == []

    def test_one_stranger_explains_one_edge_only(self):
        plan = fleet(3)
        observations = self.rewritten(plan, "m1")
        observations["m1"]["edges"] = observations["m1"]["edges"][:1]
        found = verdict(plan, observations, {}, strict=True)
        assert len(found.live) == 2
        assert set(found.dead.values()) == {"m1 has no connection to m3"}

    def test_a_stranger_that_retransmits_explains_nothing(self):
        plan = fleet(2)
        observations = self.rewritten(plan, "m1")
        observations["m1"]["edges"][0]["retransmits"] = 3
        assert edge_fault(plan, "m1", "m2", observations) == "m1 has no connection to m2"

    def test_a_stranger_alone_is_no_edge(self):
        plan = fleet(2)
        observations = self.rewritten(plan, "m1")
        observations["m2"]["edges"] = []
        assert edge_fault(plan, "m1", "m2", observations) is not None


class TestOrder:
    def outcomes(self, plan, **activation):
        return {
            name: {"observation": one, "activation": activation.get(name, "none")} for name, one in meshed(plan).items()
        }

    def test_nothing_to_do(self):
        plan = fleet(3)
        order = make_order(plan, self.outcomes(plan), plan.members, Pace())
        assert (order.activate, order.serial, order.findings) == ([], [], ())

    def test_only_those_that_need_it_in_slot_order(self):
        plan = fleet(3)
        order = make_order(plan, self.outcomes(plan, m3="switch", m1="start"), plan.members, Pace())
        assert (order.activate, order.serial) == (["m1", "m3"], [1, 1])
        assert order.min_edges == {"m1": 2, "m3": 2}

    @pytest.mark.parametrize(("batch", "serial"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3]), (9, [3])])
    def test_batches_have_the_size_that_was_asked_for(self, batch, serial):
        plan = fleet(3)
        outcomes = self.outcomes(plan, **dict.fromkeys(plan.members, "switch"))
        assert make_order(plan, outcomes, plan.members, Pace(batch, canary=batch)).serial == serial

    def test_a_batch_s_own_members_are_no_part_of_its_gates(self):
        plan = fleet(4)
        order = make_order(plan, self.outcomes(plan, m1="switch", m2="switch"), plan.members, Pace(2, canary=2))
        assert (order.serial, order.min_edges) == ([2], {"m1": 2, "m2": 2})

    def test_members_that_do_not_serve_come_first(self):
        plan = fleet(3)
        outcomes = self.outcomes(plan, m1="switch", m2="switch", m3="switch")
        outcomes["m3"]["observation"] = observation(plan, "m3", [], container={"state": "restarting", "exit_code": 1})
        assert make_order(plan, outcomes, plan.members, Pace()).activate == ["m3", "m1", "m2"]

    def test_a_first_deployment_is_one_batch(self):
        plan = fleet(3)
        outcomes = {
            name: {"observation": observation(plan, name, [], container=None), "activation": "start"}
            for name in plan.members
        }
        order = make_order(plan, outcomes, plan.members, Pace())
        assert order.first_deployment and order.serial == [3] and set(order.min_edges.values()) == {0}

    def test_a_host_that_cannot_be_prepared_stops_the_run(self):
        plan = fleet(3)
        outcomes = self.outcomes(plan, m1="switch")
        outcomes["m2"] = {"unreachable": "no route to host"}
        order = make_order(plan, outcomes, plan.members, Pace())
        assert order.activate == [] and [item.where for item in order.findings] == ["m2"]

    def test_a_failure_quotes_the_end_of_the_agents_log(self):
        failure = {"code": "container-exited", "what": "The agent ended.", "where": "m1", "fix": "Read its log."}
        found = absences(["m1"], {"m1": {"failure": failure, "evidence": ["one", "two ", "three"]}})
        assert found["m1"].what == "The agent ended. The log ends: one | two | three"

    def test_hosts_outside_the_limit_are_left_alone(self):
        plan = fleet(3)
        outcomes = {"m1": self.outcomes(plan, m1="switch")["m1"]}
        order = make_order(plan, outcomes, ["m1"], Pace())
        assert order.activate == ["m1"] and order.findings == ()


class TestServices:
    """The services beside the agents."""

    def seen(self, **service):
        plan = fleet(3)
        known = {"id": "s1", "state": "running", "health": "healthy", "restarts": 0, "part": "p1", "wanted": "p1"}
        observations = meshed(plan)
        observations["m2"]["services"] = {"files": {**known, **service}}
        return plan, observations

    @pytest.mark.parametrize(
        ("service", "code"),
        [
            ({"state": "missing", "part": None}, "service-missing"),
            ({"part": "p0"}, "service-missing"),
            ({"state": "restarting", "exit_code": 7}, "service-exited"),
            ({"health": "unhealthy"}, "service-unhealthy"),
            ({"health": "starting"}, "service-unhealthy"),
        ],
    )
    def test_one_that_is_not_well_is_an_error_that_names_it_and_the_agent_serves(
        self, service, code
    ):
        plan, observations = self.seen(**service)
        found = verdict(plan, observations, {})
        assert not found.ok
        assert [(finding.code, finding.where) for finding in found.findings] == [(code, "m2")]
        assert "files" in found.findings[0].what
        assert serves(plan, "m2", observations["m2"])

    @pytest.mark.parametrize("service", [{}, {"health": None}, {"restarts": 4}])
    def test_one_that_is_well_is_not_mentioned(self, service):
        assert verdict(*self.seen(**service), {}).findings == ()

    def test_one_that_is_not_of_the_release_is_a_warning(self):
        found = verdict(*self.seen(wanted=None), {})
        assert found.ok
        assert [finding.code for finding in found.findings] == ["service-unwanted"]

    @pytest.mark.parametrize(("now", "codes"), [(1, []), (2, ["service-restarted"])])
    def test_one_that_was_started_again_since_its_activation(self, now, codes):
        _plan, observations = self.seen(restarts=now)
        before = {"m2": {"id": "a1", "restarts": 0, "services": {"files": {"id": "s1", "restarts": 1}}}}
        assert [finding.code for finding in restarts(before, observations)] == codes
        before["m2"]["services"] = {"files": {"id": "s0", "restarts": 0}}
        assert restarts(before, observations) == []
