# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What provision.yml and down.yml do to a Google Cloud project, as test_provision.py has it for AWS. The tests go in
this order."""

from __future__ import annotations

import ipaddress

import pytest

from .conftest import HOME, Cloud
from .project import BALANCER, Project, last
from .seen import wait_for
from .test_provision import DOMAIN, answers, mutations

FLEET, PASSING = "praxis", "passing"
GOOGLE = ["130.211.0.0/22", "35.191.0.0/16"]


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> Project:
    return Project(cloud.environment, HOME)


@pytest.fixture(scope="module")
def provisioned(cloud: Cloud) -> Cloud:
    run = cloud.run("provision.yml")
    assert run.summary["ok"]
    assert [machine["slot"] for machine in run.summary["machines"]] == ["gcp-1", "gcp-2", "gcp-3"]
    assert run.summary["region"] == cloud.environment["CLOUDSDK_COMPUTE_REGION"]
    return cloud


@pytest.fixture(scope="module")
def passing(provisioned: Cloud) -> dict[str, str]:
    """Environment of a second, small fleet, in a part of the addresses that the sandbox's machines may have."""
    network = ipaddress.ip_network(provisioned.environment["PRAXIS_GCP_CIDR"])
    upper = list(network.subnets(prefixlen_diff=1))[1]
    return {"PRAXIS_FLEET": PASSING, "PRAXIS_HOSTS": "1", "PRAXIS_GCP_CIDR": str(upper)}


def test_check_mode_before_anything_exists_is_honest_and_reads_only(cloud: Cloud) -> None:
    mark = cloud.mark()
    run = cloud.run("provision.yml", "--check", "--diff", environment={"PRAXIS_FLEET": "newcomer"})
    assert mutations(cloud, mark) == []
    assert run.summary["ok"]
    assert (run.summary["machines"], run.summary["balancer"]) == ([], "(known after apply)")
    assert run.summary["launched"] == ["gcp-1", "gcp-2", "gcp-3"]
    plan = run.summary["clouds"]["gcp"]["plan"]
    assert plan["counts"] == {"create": 18, "change": 0, "replace": 0, "remove": 0}
    for thing in (
        "network praxis-newcomer",
        "subnetwork praxis-newcomer",
        "firewall rule praxis-newcomer-p2p",
        "firewall rule praxis-newcomer-api",
        "firewall rule praxis-newcomer-ssh",
        "security policy praxis-newcomer",
        "service account praxis-newcomer",
        "instance group us-central1-a/praxis-newcomer",
        "instance group us-central1-b/praxis-newcomer",
        "health check praxis-newcomer",
        "backend service praxis-newcomer",
        "URL map praxis-newcomer",
        "target proxy praxis-newcomer",
        "address praxis-newcomer",
        "forwarding rule praxis-newcomer",
        "machine newcomer-gcp-3",
        "18 to create, 0 to change, 0 to replace, 0 to remove; plan",
    ):
        assert thing in run.output, thing


def test_machines_are_spread_shielded_and_let_one_key_in(provisioned: Cloud, project: Project) -> None:
    machines = project.instances(FLEET)
    zones = [last(machine["zone"]) for machine in machines]
    assert len(set(zones)) == 2
    assert zones[0] == zones[2] != zones[1]
    account = f"praxis-{FLEET}@{project.project}.iam.gserviceaccount.com"
    key = (HOME / "ssh" / "id_ed25519.pub").read_text(encoding="utf-8").strip()
    for number, machine in enumerate(machines, start=1):
        assert machine["name"] == f"{FLEET}-gcp-{number}"
        assert machine["labels"] == {
            "praxis_fleet": FLEET,
            "praxis_managed_by": "provision",
            "praxis_role": "agent",
            "praxis_slot": f"gcp-{number}",
        }
        assert all(machine["shieldedInstanceConfig"].values())
        assert machine["serviceAccounts"] == [{"email": account, "scopes": []}]
        assert {item["key"]: item["value"] for item in machine["metadata"]["items"]} == {
            "ssh-keys": f"praxis:{key}",
            "block-project-ssh-keys": "TRUE",
            "enable-oslogin": "FALSE",
            "enable-guest-attributes": "TRUE",
        }
        assert machine["deletionProtection"] is False
        assert machine["tags"]["items"] == [f"praxis-{FLEET}"]


def test_the_firewall_opens_nothing_to_the_world(provisioned: Cloud, project: Project) -> None:
    tag, network = [f"praxis-{FLEET}"], [provisioned.environment["PRAXIS_GCP_CIDR"]]
    rules = [item for name, item in project.made(FLEET).items() if name.startswith("firewall ")]
    opened = {
        rule["allowed"][0]["ports"][0]: (rule.get("sourceTags", []), sorted(rule.get("sourceRanges", [])))
        for rule in rules
    }
    assert opened == {"22": ([], network), "4001": (tag, []), "8000": ([], GOOGLE)}
    for rule in rules:
        assert (rule["targetTags"], len(rule["allowed"]), last(rule["network"])) == (tag, 1, tag[0])
    # The load balancer is outside of the network's firewall: its policy lets nobody in who is not named.
    (policy,) = [item for name, item in project.made(FLEET).items() if name.startswith("policy ")]
    assert [rule["action"] for rule in policy["rules"]] == ["deny(403)"]
    (service,) = [item for name, item in project.made(FLEET).items() if name.startswith("service ")]
    assert service["securityPolicy"] == policy["selfLink"]


def test_the_balancer_fits_websockets_and_draining(provisioned: Cloud, project: Project) -> None:
    parts = {name.split()[0]: item for name, item in project.made(FLEET).items()}
    service = parts["service"]
    assert (service["loadBalancingScheme"], service["timeoutSec"], service["portName"]) == (
        "EXTERNAL_MANAGED", 3600, "api")
    assert service["connectionDraining"] == {"drainingTimeoutSec": 5}
    assert {last(backend["group"].split("/instanceGroups/")[0]) for backend in service["backends"]} == {
        "us-central1-a", "us-central1-b"}
    assert parts["check"]["httpHealthCheck"]["requestPath"] == "/health"
    assert parts["rule"]["IPAddress"] == parts["address"]["address"]
    assert parts["rule"]["labels"] == parts["address"]["labels"] == {
        "praxis_fleet": FLEET, "praxis_managed_by": "provision"}
    assert project.counted(FLEET) == {"network": 1, "subnetwork": 1, "firewall": 3, "instance": 3, **BALANCER,
                                      "account": 1}


def test_a_second_run_changes_nothing_and_only_reads(provisioned: Cloud) -> None:
    mark = provisioned.mark()
    run = provisioned.run("provision.yml")
    assert run.changed == {}
    assert mutations(provisioned, mark) == []
    assert len(provisioned.operations(mark)) > 0


def test_what_was_edited_by_hand_is_named_and_restored(provisioned: Cloud, project: Project) -> None:
    """This is also how the test above turns red: it asserts the opposite after one edited field."""
    name, before = f"praxis-{FLEET}", project.made(FLEET)
    project.patch(f"global/firewalls/{name}-p2p", sourceRanges=["0.0.0.0/0"])
    project.patch(f"global/firewalls/{name}-ssh", disabled=True)
    project.patch(f"global/healthChecks/{name}", httpHealthCheck={"requestPath": "/elsewhere"})
    project.patch(f"global/backendServices/{name}", timeoutSec=30)
    policy = project.call("GET", f"global/securityPolicies/{name}")["rules"][0]
    project.finish(project.call("POST", f"global/securityPolicies/{name}/patchRule",
                                {**policy, "action": "allow"}, priority=str(policy["priority"])))
    first, second, third = project.instances(FLEET)
    stolen = {**first["labels"], "praxis_fleet": "stolen", "praxis_slot": "gcp-9"}
    project.edit(first, "setLabels", labels=stolen, labelFingerprint=first["labelFingerprint"])
    project.edit(second, "setTags", items=["stranger"], fingerprint=second["tags"]["fingerprint"])
    items = [*third["metadata"]["items"][1:], {"key": "ssh-keys", "value": "mallory:ssh-ed25519 AAAA"}]
    project.edit(third, "setMetadata", items=items, fingerprint=third["metadata"]["fingerprint"])
    rule = project.call("GET", f"global/forwardingRules/{name}")
    project.finish(project.call("POST", f"{rule['selfLink']}/setLabels", {
        "labels": {"praxis_fleet": "stolen"}, "labelFingerprint": rule["labelFingerprint"]}))

    mark = provisioned.mark()
    predicted = provisioned.run("provision.yml", "--check", "--diff")
    assert mutations(provisioned, mark) == []
    for field in ("sourceRanges: - ", "disabled: true -> false", "httpHealthCheck: ", "timeoutSec: 30 -> 3600",
                  "/elsewhere", "rules: ", "mallory", "stranger", "stolen"):
        assert field in predicted.output, field
    mark = provisioned.mark()
    real = provisioned.run("provision.yml", "--diff")
    assert real.changed == predicted.changed != {}
    assert sorted(mutations(provisioned, mark)) == [
        "compute:backendServices.patch", "compute:firewalls.patch", "compute:firewalls.patch",
        "compute:globalForwardingRules.setLabels", "compute:healthChecks.patch", "compute:instances.setLabels",
        "compute:instances.setMetadata", "compute:instances.setTags", "compute:securityPolicies.patchRule"]
    assert project.made(FLEET) == before


@pytest.mark.repetition
def test_fewer_hosts_remove_nothing_unasked(provisioned: Cloud, project: Project) -> None:
    mark = provisioned.mark()
    run = provisioned.run("provision.yml", expect=2, environment={"PRAXIS_HOSTS": "2"})
    assert mutations(provisioned, mark) == []
    assert "provision_allow_shrink" in run.output
    assert "praxis-gcp-3" in run.output
    assert len(project.instances(FLEET)) == 3


@pytest.mark.repetition
def test_the_balancer_goes_only_with_leave_and_comes_back(provisioned: Cloud, project: Project) -> None:
    """Its address would be lost."""
    off = {"praxis_balancer": False}
    mark = provisioned.mark()
    refused = provisioned.run("provision.yml", expect=2, variables=off)
    assert "praxis_allow_shrink" in refused.output
    assert mutations(provisioned, mark) == []
    another = {**off, "praxis_allow_shrink": True, "praxis_provision_plan_id": "0123456789ab"}
    wrong = provisioned.run("provision.yml", expect=2, variables=another)
    assert "You agreed to the plan 0123456789ab" in " ".join(wrong.output.split())
    assert mutations(provisioned, mark) == []
    run = provisioned.run("provision.yml", variables={**off, "praxis_allow_shrink": True})
    assert run.summary["balancer"] == ""
    assert project.counted(FLEET) == {"network": 1, "subnetwork": 1, "firewall": 2, "instance": 3, "account": 1}
    assert provisioned.run("provision.yml").summary["balancer"]
    assert BALANCER.items() <= project.counted(FLEET).items()


@pytest.mark.repetition
def test_the_world_must_be_asked_for_by_name(provisioned: Cloud) -> None:
    world = {"praxis_p2p_from": ["::/0"], "praxis_api_from": ["::/0"], "praxis_balancer_from": ["0.0.0.0/0"]}
    mark = provisioned.mark()
    run = provisioned.run("provision.yml", expect=2, variables=world)
    assert mutations(provisioned, mark) == []
    said = " ".join(run.output.split())
    assert "firewall_p2p_from name the whole internet, or a large part of it (::/0)" in said
    both = "firewall_api_from and firewall_balancer_from"
    assert f"{both} name the whole internet, or a large part of it (::/0, 0.0.0.0/0)" in said


@pytest.mark.repetition
def test_443_answers_with_the_certificate_80_redirects_and_public_needs_a_login(
    provisioned: Cloud, project: Project
) -> None:
    """As test_provision.py has it for AWS; beside it, what is made for it is the fleet's."""
    certificate = (HOME / "gcp" / "certificate").read_text(encoding="utf-8").strip()
    secure = {"PRAXIS_GCP_CERTIFICATE": certificate, "PRAXIS_GCP_DNS_NAME": DOMAIN}
    mark = provisioned.mark()
    wrong = {**secure, "PRAXIS_GCP_DNS_NAME": "agents.example.org", "PRAXIS_API_EXPOSURE": "public"}
    refused = provisioned.run("provision.yml", expect=2, environment=wrong)
    assert [each["code"] for each in refused.failed[0]["failures"]] == [
        "public-without-authentication", "certificate-mismatch"]
    assert mutations(provisioned, mark) == []

    run = provisioned.run("provision.yml", environment=secure)
    assert run.summary["clouds"]["gcp"]["plan"]["counts"] == {"create": 4, "change": 1, "replace": 0, "remove": 0}
    assert {"map": 2, "rule": 2, "secure": 1, "ciphers": 1}.items() <= project.counted(FLEET).items()
    # Without a member in it yet, the balancer itself answers 503.
    expected = (DOMAIN, 503, f"https://{DOMAIN}/health?x=1", 301)
    wait_for("HTTPS at the balancer", lambda: answers(run.summary["balancer"]) == expected)

    plain = provisioned.run("provision.yml", variables={"praxis_allow_shrink": True})
    assert plain.summary["clouds"]["gcp"]["plan"]["counts"] == {"create": 0, "change": 1, "replace": 0, "remove": 4}


def test_down_removes_its_own_and_nothing_else(provisioned: Cloud, project: Project, passing: dict[str, str]) -> None:
    made = provisioned.run("provision.yml", environment=passing, variables={"praxis_balancer": False})
    assert [machine["name"] for machine in made.summary["machines"]] == ["passing-gcp-1"]
    assert project.counted(PASSING) == {"network": 1, "subnetwork": 1, "firewall": 2, "instance": 1, "account": 1}
    # Somebody else's, under a name that provisioning would give.
    project.finish(project.call("POST", "global/healthChecks", {"name": f"praxis-{PASSING}", "type": "HTTP"}))
    others = {name for name in project.resources() if name not in project.made(PASSING)}

    mark = provisioned.mark()
    refused = provisioned.run("down.yml", expect=2, environment=passing)
    assert f"praxis_confirm_down={PASSING}" in refused.output
    provisioned.run("down.yml", "--check", environment=passing)
    assert mutations(provisioned, mark) == []

    confirmed = {"praxis_confirm_down": PASSING}
    run = provisioned.run("down.yml", environment=passing, variables=confirmed)
    assert run.summary["terminated"] == [made.summary["machines"][0]["instance_id"]]
    assert set(project.resources()) == others

    mark = provisioned.mark()
    again = provisioned.run("down.yml", environment=passing, variables=confirmed)
    assert again.changed == {}
    assert mutations(provisioned, mark) == []
    taken = provisioned.run("provision.yml", expect=2, environment=passing)
    said = " ".join(taken.output.split())
    assert f"A health check named praxis-{PASSING} (" in said
    assert "exists already, and praxis.cloud did not create it (its description does not say so)" in said
    assert mutations(provisioned, mark) == []
    project.finish(project.call("DELETE", f"global/healthChecks/praxis-{PASSING}"))
