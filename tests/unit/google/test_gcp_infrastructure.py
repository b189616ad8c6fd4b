# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcp_infrastructure_info: what exists is found and fits together, what is somebody else's is reported, all at once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_resources import Resources, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import ServiceAccounts
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark_text
from ansible_collections.praxis.cloud.plugins.modules import gcp_infrastructure_info

from .conftest import PROJECT, Google
from .made import ONE, REGION, TWO, network, operations

pytestmark = pytest.mark.slow

NET = f"projects/{PROJECT}/global/networks/net"
SUB = f"projects/{PROJECT}/regions/{REGION}/subnetworks/net"
NOTHING = {"network": {}, "subnetwork": {}, "service_account": {}, "backend_service": {}, "group_zones": [],
           "balancer_made": []}
MARK = mark_text("alpha")


class Site:
    """A project of a platform team: a network, a backend service with two groups, a service account."""

    def __init__(self, google: Google) -> None:
        self.google = google
        network(google)
        self._resources = Resources(GcpClient())
        self.make("health_check", "agents", "global", {"type": "HTTP"})
        for zone in (ONE, TWO):
            self.make("instance_group", "agents", zone, {})
        self.make("backend_service", "agents", "global", {
            "healthChecks": ["global/healthChecks/agents"],
            "backends": [{"group": f"zones/{zone}/instanceGroups/agents"} for zone in (ONE, TWO)]})
        ServiceAccounts(GcpClient()).make("agents", {}, "")
        self.mark = len(operations(google, True))

    def make(self, kind: str, name: str, location: str, body: dict[str, Any], mark: str = "") -> None:
        wanted = Wanted(kind, name, location, body, mark=mark)
        self._resources.bring(wanted, self._resources.observe(wanted))
        self.mark = len(operations(self.google, True))

    def observe(self, **given: Any) -> dict[str, Any]:
        options = {name: spec.get("default") for name, spec in gcp_infrastructure_info.ARGUMENTS.items()}
        try:
            return gcp_infrastructure_info.run({**options, "fleet": "alpha", "region": REGION, **given})
        finally:
            assert len(operations(self.google, True)) == self.mark  # it only observes

    def refused(self, **given: Any) -> list[tuple[str, str]]:
        """Code and option of every finding."""
        with pytest.raises(Failed) as failed:
            self.observe(**given)
        self.said = str(failed.value)
        return [(finding.code, finding.where.split(",")[0]) for finding in failed.value.findings]


@pytest.fixture
def site(google: Google, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return Site(google)


def test_nothing_given_is_nothing_found_and_the_first_two_zones(site: Site) -> None:
    assert site.observe() == {
        **NOTHING, "changed": False, "project": PROJECT, "zones": [ONE, TWO], "mark_text": MARK,
        "names": {"fleet": "praxis-alpha", "account": "praxis-alpha"},
        "mark": {"praxis_fleet": "alpha", "praxis_managed_by": "provision"},
    }  # fmt: skip


@pytest.mark.parametrize("form", ["{name}", "global/{kind}/{name}", "projects/a-project/global/{kind}/{name}",
                                  "https://www.googleapis.com/compute/v1/projects/a-project/global/{kind}/{name}"])
def test_by_name_or_link_it_is_the_same(site: Site, form: str) -> None:
    found = site.observe(network=form.format(kind="networks", name="net"),
                         backend_service=[form.format(kind="backendServices", name="agents")],
                         subnetwork="net", service_account="agents", zones=[TWO, ONE])
    assert found["network"] == {"link": NET, "name": "net", "id": f"{PROJECT}/net"}
    assert found["subnetwork"] == {"link": SUB, "cidr": "10.77.128.0/20", "network": NET}
    assert found["backend_service"]["name"] == "agents"
    assert found["service_account"]["email"] == f"agents@{PROJECT}.iam.gserviceaccount.com"
    assert found["zones"] == [TWO, ONE]


def test_a_subnetwork_tells_its_network(site: Site) -> None:
    assert site.observe(subnetwork=SUB)["network"] == {"link": NET, "name": "net", "id": f"{PROJECT}/net"}


def test_the_name_that_provisioning_uses_counts_as_not_given(site: Site) -> None:
    assert site.observe(backend_service="praxis-alpha")["backend_service"] == {}


def test_everything_that_is_missing_is_reported_at_once(site: Site) -> None:
    assert site.refused(network="none", subnetwork="none", service_account="nobody", backend_service="none") == [
        ("infrastructure-not-found", "network"), ("infrastructure-not-found", "subnetwork"),
        ("infrastructure-not-found", "service_account"), ("backend-service-not-found", "Google global")]
    assert "The network projects/a-project/global/networks/none does not exist." in site.said


@pytest.mark.parametrize(("given", "code"), [
    ({"region": "us-centrall1"}, "no-such-region"),
    ({"zones": [ONE, "us-central1-z"]}, "no-such-zone"),
    ({"zones": [ONE]}, "one-zone"),
    ({"zones": [ONE, ONE]}, "one-zone"),
    ({"network": {"team": "platform"}}, "bad-selector"),
    ({"subnetwork": ["a", "b"]}, "bad-selector"),
    ({"subnetwork": "regions/europe-west1/subnetworks/far"}, "other-region"),
    ({"subnetwork": "net", "network": "other"}, "other-network"),
    ({"backend_service": "agents", "zones": [ONE, "us-central1-b"]}, ""),
    ({"backend_service": "half"}, "backend-zone"),
])  # fmt: skip
def test_what_does_not_fit_together(site: Site, given: dict[str, Any], code: str) -> None:
    site.make("network", "other", "global", {"autoCreateSubnetworks": False})
    site.make("subnetwork", "far", "europe-west1", {"network": NET, "ipCidrRange": "10.77.200.0/24"})
    site.make("backend_service", "half", "global", {
        "healthChecks": ["global/healthChecks/agents"], "backends": [{"group": f"zones/{ONE}/instanceGroups/agents"}]})
    if code:
        assert [found for found, _option in site.refused(**given)] == [code]
    else:
        assert site.observe(**given)["backend_service"]["zones"] == [ONE, TWO]


def test_firewall_rules_of_another_project_s_network_cannot_be_made(site: Site) -> None:
    network(site.google, "shared", "host")
    site.google.front.access.grant(site.google.email, ["*"], "projects/host")
    site.mark = len(operations(site.google, True))
    shared = f"projects/host/regions/{REGION}/subnetworks/shared"
    assert site.refused(subnetwork=shared) == [("other-project", "network_tags")]
    assert site.observe(subnetwork=shared, network_tags=["agents"])["network"]["id"] == "host/shared"


@pytest.mark.parametrize("labels", [{"praxis_slot": "x"}, {"Team": "x"}])
def test_labels_that_cannot_be(site: Site, labels: dict[str, str]) -> None:
    assert site.refused(labels=labels) == [("bad-label", "praxis_labels")]


def test_a_fleet_s_name_that_cannot_be(site: Site) -> None:
    assert site.refused(fleet="Alpha")[0][0] == "bad-fleet-name"


def test_what_was_made_is_known(site: Site) -> None:
    site.make("address", "praxis-alpha", "global", {}, MARK)
    site.make("health_check", "praxis-alpha", "global", {"type": "HTTP"}, MARK)
    for zone, mark in ((ONE, MARK), (TWO, ""), ("europe-west1-b", MARK)):
        site.make("instance_group", "praxis-alpha", zone, {}, mark)
    found = site.observe()
    assert found["balancer_made"] == ["health_check", "address"]
    assert found["group_zones"] == ["europe-west1-b", ONE]


def test_somebody_else_s_resource_of_our_name_is_reported_where_it_would_be_taken(site: Site) -> None:
    site.make("network", "praxis-alpha", "global", {"autoCreateSubnetworks": False})
    site.make("health_check", "praxis-alpha", "global", {"type": "HTTP"}, mark_text("beta"))
    assert site.refused() == [("resource-not-ours", "network praxis-alpha (global)"),
                              ("resource-not-ours", "health_check praxis-alpha (global)")]
    assert site.refused(balancer=False) == [("resource-not-ours", "network praxis-alpha (global)")]
    assert site.observe(network="net", backend_service="agents")["balancer_made"] == []
    assert site.observe(claim=False)["balancer_made"] == []
