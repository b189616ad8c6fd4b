# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another backend service on a running fleet: who is in which groups, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import constants

from ansible_collections.praxis.cloud.plugins.modules import gcp_lb_target
from tests.unit.plan.test_left_balancers import PLAN, Moved

from .conftest import PROJECT, Google
from .made import ONE, TWO, ask, machine

pytestmark = pytest.mark.slow

MODULE = "praxis.cloud.gcp_lb_target"
GLOBAL = f"projects/{PROJECT}/global"
ZONES = {"m1": ONE, "m2": ONE, "m3": TWO, "m4": TWO}
OPTIONS = {"region": "", "project": PROJECT, "state": "present", "wait": True, "wait_timeout": 0}


def behind(service: str) -> dict[str, Any]:
    return {"module": MODULE, "options": {"backend_service": service, "project": PROJECT}}


class Project(Moved):
    """The backend services ``old`` and ``new``, each with a front end of its own; every machine is healthy.

    :param groups: the groups' names in the two zones, of the old service and of the new one. Members are in the old
        service's.
    """

    def __init__(self, google: Google, kind: str, groups: dict[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(
            behind("old"), behind("new"), {name: {"id": name, "zone": zone} for name, zone in ZONES.items()}, **options
        )
        self.google = google
        for name, zone in ZONES.items():
            google.world.healthy.add(machine(google, name, zone)["networkInterfaces"][0]["networkIP"])
        port = {"defaultPort": 8000} if kind == "networkEndpointGroups" else {}
        for zone, group in {(zone, name) for names in groups.values() for zone, name in zip((ONE, TWO), names)}:
            self._make(f"projects/{PROJECT}/zones/{zone}/{kind}", group, **port)
        for service, names in groups.items():
            places = [{"group": f"zones/{zone}/{kind}/{name}"} for zone, name in zip((ONE, TWO), names)]
            self._make(f"{GLOBAL}/backendServices", service, backends=places, loadBalancingScheme="EXTERNAL_MANAGED")
            self._make(f"{GLOBAL}/urlMaps", service, defaultService=f"global/backendServices/{service}")
            self._make(f"{GLOBAL}/targetHttpProxies", service, urlMap=f"global/urlMaps/{service}")
            self._make(f"{GLOBAL}/forwardingRules", service, target=f"global/targetHttpProxies/{service}",
                       portRange="80", loadBalancingScheme="EXTERNAL_MANAGED")  # fmt: skip
        everybody = [{"id": name, "zone": zone} for name, zone in ZONES.items()]
        self._module({"backend_service": "old", "targets": everybody})

    def move_traffic(self) -> None:
        """Whoever comes to the front end of before is led to the new service."""
        found = ask(self.google, "GET", f"{GLOBAL}/urlMaps/old")
        ask(self.google, "PATCH", f"{GLOBAL}/urlMaps/old", {
            "defaultService": "global/backendServices/new", "fingerprint": found["fingerprint"]})

    def members_of(self, service: str) -> str:
        found = self._module({"backend_service": service, "targets": []})
        return "".join(sorted(one["id"].removeprefix("m") for one in found["others"]))

    def _make(self, where: str, name: str, **body: Any) -> None:
        ask(self.google, "POST", where, {"name": name, **body})

    def _module(self, args: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
        try:
            result, findings = gcp_lb_target.run({**OPTIONS, **args}, check_mode)
        except gcp_lb_target.Failed as failed:
            return {"failed": True, **failed.as_result()}
        return {**result, **({"failed": True, **gcp_lb_target.failure_result(findings)} if findings else {})}


@pytest.fixture
def project(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return lambda kind="networkEndpointGroups", old=("a", "a"), new=("b", "b"), **options: Project(
        google, kind, {"old": old, "new": new}, **options
    )


def test_a_batch_is_drained_from_the_service_of_before_and_joins_it_again(project: Any) -> None:
    """Its clients go on, and so do those of the new service."""
    one = project()
    assert not one.set("absent", "m1").get("failed")
    assert (one.members_of("old"), one.members_of("new")) == ("234", "234")
    assert not one.set("present", "m1").get("failed")
    assert (one.members_of("old"), one.members_of("new")) == ("1234", "1234")


def test_a_service_that_nothing_leads_to_any_more_is_left_at_the_end(project: Any) -> None:
    one = project()
    (left,) = one.ends()["left"]
    address = ask(one.google, "GET", f"{GLOBAL}/forwardingRules/old")["IPAddress"]
    assert left == {"group": f"old, {PROJECT}", "members": list(PLAN.members), "addresses": [address]}
    one.move_traffic()
    assert one.ends()["left"] == []
    assert (one.members_of("old"), one.members_of("new")) == ("", "1234")


@pytest.mark.parametrize("kind", ["instanceGroups", "networkEndpointGroups"])
def test_groups_that_both_services_have_are_left_by_nobody(project: Any, kind: str) -> None:
    """Whoever is drained from one service is drained from the other one with it."""
    one = project(kind, new=("a", "a"), departed="remove")
    one.set("absent", "m1")
    assert one.members_of("old") == one.members_of("new") == "234"
    one.set("present", "m1")
    one.move_traffic()
    found = one.ends()
    assert (found["left"], one.members_of("new")) == ([], "1234")


def test_a_machine_is_in_one_instance_group_behind_a_balancer_and_nothing_is_touched_for_another(project: Any) -> None:
    """Google refuses a second one, which both services would have to share."""
    one = project("instanceGroups")
    failures = one.set("absent", "m1")["failures"]
    assert len(failures) == 2, "one of each zone"
    assert all("at most one load-balanced instance group" in each["what"] for each in failures), failures
    assert (one.members_of("old"), one.members_of("new")) == ("1234", "")


def test_of_a_service_that_shares_the_group_of_one_zone_the_others_are_left(project: Any) -> None:
    one = project(new=("a", "b"), min_available=1)
    one.set("absent", "m1", "m2", "m3")
    assert (one.members_of("old"), one.members_of("new")) == ("4", "4")
    one.set("present", "m1", "m2", "m3")
    assert (one.members_of("old"), one.members_of("new")) == ("1234", "1234")
    one.move_traffic()
    one.ends()
    assert (one.members_of("old"), one.members_of("new")) == ("12", "1234")


def test_what_leads_to_a_service_counts_though_its_addresses_may_not_be_listed(project: Any) -> None:
    """Nobody is taken out of a group that may have clients."""
    one = project()
    one.google.faults.add({"kind": "error", "code": "forbidden", "status": 403, "operations": ["compute:urlMaps.list"],
                           "count": 99})  # fmt: skip
    (left,) = one.ends()["left"]
    assert (left["addresses"], one.members_of("old")) == ([f"{GLOBAL}/urlMaps/old"], "1234")


def test_a_service_that_is_gone_has_no_clients(project: Any) -> None:
    one = project()
    one.move_traffic()
    ask(one.google, "DELETE", f"{GLOBAL}/backendServices/old")
    assert not one.set("absent", "m1").get("failed")
    assert not one.ends().get("failed")


def test_a_zone_whose_group_the_service_of_before_has_no_more_is_left_alone(project: Any) -> None:
    one = project()
    found = ask(one.google, "GET", f"{GLOBAL}/backendServices/old")
    ask(one.google, "PATCH", f"{GLOBAL}/backendServices/old", {
        "backends": found["backends"][1:], "fingerprint": found["fingerprint"]})
    assert not one.set("absent", "m1").get("failed")
    assert (one.members_of("old"), one.members_of("new")) == ("34", "234")
