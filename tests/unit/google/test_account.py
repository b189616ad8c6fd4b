# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to a Google Cloud project: nothing in check mode, exactly that then, and nothing to what is not the
fleet's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import BackendService
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.infrastructure.account import Clock, rows
from tests.unit.infrastructure.test_account import codes

from .conftest import PROJECT
from .made import ONE, REGION, TWO, network, operations
from .project import NAME, Project

pytestmark = pytest.mark.slow

WHOLE = {
    "addresses": 1, "backendServices": 1, "firewalls": 4, "forwardingRules": 1, "healthChecks": 1, "instanceGroups": 2,
    "instances": 1, "networks": 1, "securityPolicies": 1, "serviceAccounts": 1, "subnetworks": 1,
    "targetHttpProxies": 1, "urlMaps": 1,
}  # fmt: skip
#: The same with HTTPS.
SECURE = {**WHOLE, "dnsRecords": 2, "forwardingRules": 2, "sslPolicies": 1, "targetHttpsProxies": 1, "urlMaps": 2}
#: How many requests a run that finds nothing to do makes.
READS_OF_A_RUN = 32


def test_check_mode_names_exactly_what_the_run_makes_and_the_second_run_only_reads(project: Project) -> None:
    predicted = project.present(check=True)
    assert project.changes() == []
    made = project.present(plan_id=predicted["plan"]["id"])
    assert made["plan"] == predicted["plan"]
    assert made["plan"]["there"] == 0
    assert [kind for _action, kind, _name in rows(made)] == [
        "network", "subnetwork", "firewall rule", "firewall rule", "firewall rule", "firewall rule",
        "service account", "instance group", "instance group", "address", "security policy", "health check",
        "backend service", "URL map", "target proxy", "forwarding rule", "machine",
    ]  # fmt: skip
    assert {action for action, _kind, _name in rows(made)} == {"create"}
    assert project.resources() == WHOLE
    mark, asked = project.mark(), len(operations(project.google))
    again = project.present()
    assert (again["changed"], rows(again), "diff" in again) == (False, [], False)
    assert again["plan"]["there"] == len(rows(made))
    assert again["table"][-1].startswith("  nothing to do; plan ")
    assert project.changes(mark) == []
    assert len(operations(project.google)) - asked == READS_OF_A_RUN
    assert [machine["slot"] for machine in again["machines"]] == ["gcp-1"]
    for key in ("network", "subnetwork", "balancer", "backend_service", "security_policy", "machines"):
        assert again[key] == made[key] != ""


def test_another_plan_than_the_one_agreed_to_is_refused_untouched(project: Project) -> None:
    id_ = project.present(check=True)["plan"]["id"]
    with pytest.raises(Failed) as refused:
        project.present(plan_id=id_, hosts=2)
    assert codes(refused) == ["provision-plan-differs"]
    assert project.changes() == []
    project.present(plan_id=f"another, {id_}")  # as of a run in two clouds


def test_the_table_says_what_is_made_changed_and_removed(project: Project) -> None:
    table = project.present(check=True)["table"]
    assert table[0] == f"fleet alpha, Google Cloud project {PROJECT}, {REGION}"
    assert any(line.startswith(f"  +   firewall rule {NAME}-ssh ") for line in table)
    assert "17 to create" in table[-1]
    project.present()
    changed = project.present(balancer_timeout=77)["table"]
    assert "        timeoutSec: 3600 -> 77" in changed
    removed = project.present(balancer=False, allow_shrink=True)["table"]
    assert any(line.startswith(f"  -   address {NAME} ") for line in removed)
    assert "        lost: the load balancer's address for good" in removed


def test_a_load_balancer_goes_only_with_leave(project: Project) -> None:
    project.present()
    mark = project.mark()
    with pytest.raises(Failed) as refused:
        project.present(balancer=False)
    assert codes(refused) == ["would-shrink"]
    refused_rows = refused.value.as_result()["plan"]["rows"]
    assert ("remove", "address") in [(row["action"], row["kind"]) for row in refused_rows]
    assert "lost:" in refused.value.findings[0].what
    assert project.changes(mark) == []
    project.present(balancer=False, allow_shrink=True)
    gone = {"addresses", "backendServices", "forwardingRules", "healthChecks", "instanceGroups", "securityPolicies",
            "targetHttpProxies", "urlMaps"}  # fmt: skip
    assert gone.isdisjoint(project.resources())
    assert rows(project.present(balancer=False)) == []


def test_machines_go_only_with_leave(project: Project) -> None:
    project.present()
    before, more = project.present()["plan"]["there"], project.present(hosts=2)
    assert (rows(more), more["plan"]["there"]) == ([("create", "machine", "alpha-gcp-2")], before)
    with pytest.raises(Failed) as refused:
        project.present()
    assert codes(refused) == ["would-shrink"]
    fewer = project.present(allow_shrink=True)
    assert (rows(fewer), fewer["terminated"]) == ([("remove", "machine", "alpha-gcp-2")], ["alpha-gcp-2"])


def test_what_others_made_is_neither_adopted_nor_changed_nor_removed(project: Project) -> None:
    """Under names of ours, one of them with half of the mark."""
    project.edit("POST", "global/healthChecks", {"name": NAME, "type": "HTTP"})
    project.edit("POST", f"zones/{ONE}/instanceGroups", {"name": NAME, "description": "praxis_fleet=alpha"})
    project.own = set(project._listed())
    with pytest.raises(Failed) as refused:
        project.present()
    assert codes(refused) == ["not-managed"] * 2
    assert project.changes() == []
    project.present(parts=["network", "firewall", "access"])
    project.absent()
    assert project.resources() == {}
    assert project.own == set(project._listed())


@pytest.mark.parametrize("options", [{"cidr": "10.77.144.0/20"}])
def test_what_cannot_change_is_refused(project: Project, options: dict[str, Any]) -> None:
    project.present(parts=["network"])
    mark = project.mark()
    with pytest.raises(Failed) as refused:
        project.present(**options)
    assert (codes(refused), project.changes(mark)) == (["resource-fixed"], [])


def test_what_the_user_brings_is_left_as_it_is(project: Project) -> None:
    network(project.google)
    project.own = set(project._listed())
    made = project.present(subnetwork="net", network_tags=["theirs"])
    assert made["network"] == f"{PROJECT}/net"
    assert {"networks", "subnetworks", "firewalls"}.isdisjoint(project.resources())
    assert rows(project.present(subnetwork="net", network_tags=["theirs"])) == []
    project.absent()
    assert project.resources() == {}
    assert project.own == set(project._listed())


def test_members_of_another_network_are_let_in_by_their_address(project: Project) -> None:
    own = project.present()["network"]
    members = [{"network": own, "address": "198.51.100.1"}, {"network": "elsewhere", "address": "198.51.100.2"},
               {"network": "", "address": "198.51.100.3"}]  # fmt: skip
    changed = project.present(parts=["firewall"], members=members)
    assert rows(changed) == [("create", "firewall rule", f"{NAME}-p2p-from")]
    assert project.get(f"global/firewalls/{NAME}-p2p-from")["sourceRanges"] == ["198.51.100.2/32"]
    assert rows(project.present(parts=["firewall"])) == [("remove", "firewall rule", f"{NAME}-p2p-from")]


def test_the_world_is_refused_before_anything_is_asked(project: Project) -> None:
    with pytest.raises(Failed) as refused:
        project.present(p2p_from=["::/0"], api_from=["::/0"])
    assert codes(refused) == ["open-to-world"] * 2
    assert project.changes() == []


def test_other_zones_leave_machines_and_groups_where_they_are(project: Project) -> None:
    project.present(zones=[ONE, TWO])
    assert rows(project.present(zones=[TWO, ONE])) == []


def test_removal_in_check_mode_then_removal_then_again(project: Project) -> None:
    project.present()
    mark = project.mark()
    predicted = project.absent(check=True)
    assert project.changes(mark) == []
    gone = project.absent()
    assert gone["plan"] == predicted["plan"]
    assert [kind for _action, kind, _name in rows(gone)] == [
        "forwarding rule", "target proxy", "URL map", "backend service", "health check", "security policy", "address",
        "instance group", "instance group", "machine", "service account", "firewall rule", "firewall rule",
        "firewall rule", "firewall rule", "subnetwork", "network",
    ]  # fmt: skip
    assert project.resources() == {}
    mark = project.mark()
    assert (rows(project.absent()), project.changes(mark)) == ([], [])


@pytest.mark.parametrize("left", [
    pytest.param((), id="a whole fleet"),
    pytest.param(("instances",), id="its network alone"),
    pytest.param(("instances", "subnetworks", "networks"), id="a slot's disk alone"),
])  # fmt: skip
def test_a_removal_in_another_region_is_refused_before_anything(project: Project, left: tuple[str, ...]) -> None:
    """All but the subnetwork is found by names and labels that say nothing of a region."""
    project.present(data={"size": 10})
    stored = project.google.front.compute.resources
    for collection in left:
        for path, _one in list(stored.of_kind(PROJECT, collection)):
            stored.remove(path)
    mark, there = project.mark(), project.resources()
    for check in (True, False):
        with pytest.raises(Failed) as refused:
            project.absent(check=check, region="europe-west1", remove_data=True)
        assert codes(refused) == ["fleet-elsewhere"]
        assert REGION in str(refused.value)
    assert (project.changes(mark), project.resources()) == ([], there)


def test_a_fleet_of_which_nothing_is_left_is_in_no_region(project: Project) -> None:
    project.present()
    project.absent()
    assert rows(project.absent(region="europe-west1")) == []


def served(project: Project, hosts: int = 2) -> list[str]:
    """A fleet whose machines are behind its load balancer, which calls them healthy; their names."""
    machines = project.present(hosts=hosts, zones=[ONE, TWO])["machines"]
    service = BackendService(project.client(), NAME)
    service.apply(service.targets({"id": each["name"], "zone": each["zone"]} for each in machines), "present")
    project.google.world.healthy.update(each["private_ip"] for each in machines)
    return [each["name"] for each in machines]


def test_a_machine_that_goes_leaves_the_load_balancer_first_and_ends_its_requests(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(project)
    slept: list[tuple[float, list[str]]] = []
    monkeypatch.setattr(Clock, "sleep", lambda _self, seconds: slept.append((seconds, project.changes(mark))))
    mark = project.mark()
    project.present(check=True, hosts=1, zones=[ONE, TWO], allow_shrink=True)
    assert project.changes(mark) == []
    project.present(hosts=1, zones=[ONE, TWO], allow_shrink=True, draining_timeout=60)
    assert project.changes(mark) == ["instanceGroups.removeInstances", "instances.delete"]
    assert (60.0, ["instanceGroups.removeInstances"]) in slept


def test_a_machine_that_goes_is_left_a_while_where_the_load_balancer_gives_it_none(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is with a backend service that gcloud has made."""
    project.options["draining_timeout"] = 0
    served(project)
    slept: list[tuple[float, list[str]]] = []
    monkeypatch.setattr(Clock, "sleep", lambda _self, seconds: slept.append((seconds, project.changes(mark))))
    mark = project.mark()
    project.present(hosts=1, zones=[ONE, TWO], allow_shrink=True)
    assert (10.0, ["instanceGroups.removeInstances"]) in slept


def test_the_last_machine_that_serves_does_not_go(project: Project) -> None:
    """It is said before anything is touched, in check mode as well."""
    stays, _goes = served(project)
    found = project.get(f"zones/{ONE}/instances/{stays}")
    project.google.world.healthy.remove(found["networkInterfaces"][0]["networkIP"])
    mark = project.mark()
    for check in (True, False):
        with pytest.raises(Failed) as refused:
            project.present(check=check, hosts=1, zones=[ONE, TWO], allow_shrink=True, ssh_from=[])
        assert (codes(refused), project.changes(mark)) == (["none-would-serve"], [])
