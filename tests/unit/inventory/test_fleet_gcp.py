# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet inventory plugin against the served Google, alone and beside AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from moto import mock_aws

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import aws_members, gcp_members, gcp_zones
from ansible_collections.praxis.cloud.plugins.plugin_utils.inventory_members import Member
from tests.unit.google.conftest import PROJECT, Google
from tests.unit.google.made import FAR, ONE, REGION, TWO, machine, member, operations

OTHER = "b-project"


@pytest.fixture(autouse=True)
def _users_without_our_ansible_cfg(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed source is then only a warning, and praxis_inventory_errors all that tells."""
    monkeypatch.setattr(constants, "INVENTORY_ANY_UNPARSED_IS_FAILED", False)


@pytest.fixture
def cloud(google: Google, monkeypatch: pytest.MonkeyPatch) -> Google:
    for name in ("PRAXIS_FLEET", "PRAXIS_PROJECTS", "PRAXIS_SSH_ADDRESS", "GCP_PROJECT", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return google


def source(folder: Path, text: str = "", cloud: str = "gcp") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fleet.yml"
    path.write_text(f"plugin: praxis.cloud.fleet\ncloud: {cloud}\n{text}")
    return str(path)


def read(*sources: str) -> InventoryManager:
    return InventoryManager(DataLoader(), sources=list(sources))


def errors(inventory: InventoryManager) -> list[dict[str, str]]:
    found: list[dict[str, str]] = inventory.groups["all"].vars.get("praxis_inventory_errors", [])
    return found


def codes(inventory: InventoryManager) -> list[str]:
    return [error["code"] for error in errors(inventory)]


def test_member_has_the_host_vars_and_groups_of_the_interface(cloud: Google, tmp_path: Path) -> None:
    found = member(cloud, "praxis-gcp-1", praxis_slot="gcp-1", praxis_role="agent", team="search")
    found["networkInterfaces"][0]["accessConfigs"][0]["natIP"] = "203.0.113.7"
    found["disks"] = [{"architecture": "X86_64"}, {"architecture": "ARM64", "boot": True}]
    inventory = read(source(tmp_path))

    assert errors(inventory) == []
    host = inventory.get_host("praxis-gcp-1")
    assert host is not None
    assert {key: value for key, value in host.vars.items() if not key.startswith("inventory_")} == {
        "ansible_host": "203.0.113.7",
        "praxis_cloud": "gcp",
        "praxis_project": PROJECT,
        "praxis_region": REGION,
        "praxis_zone": ONE,
        "praxis_network": f"{PROJECT}/net",
        "praxis_instance_id": "praxis-gcp-1",
        "praxis_machine_id": found["id"],
        "praxis_architecture": "arm64",
        "praxis_slot": "gcp-1",
        "praxis_private_ip": found["networkInterfaces"][0]["networkIP"],
        "praxis_public_ip": "203.0.113.7",
        "praxis_data_volume": "",
        "praxis_labels": {
            "praxis_fleet": "praxis",
            "praxis_slot": "gcp-1",
            "praxis_role": "agent",
            "team": "search",
        },
    }
    assert {group.name for group in host.get_groups()} == {
        "all",
        "praxis",
        "praxis_gcp",
        "praxis_region_us_central1",
        "praxis_zone_us_central1_a",
        "praxis_role_agent",
    }


def test_every_variable_of_aws_is_there_on_google_too(cloud: Google) -> None:
    instance = {"InstanceId": "i-1", "Placement": {"AvailabilityZone": "eu-central-1a"}}
    theirs = aws_members.member_of(instance, "eu-central-1")["variables"]
    ours = gcp_members.member_of(member(cloud, "one"), PROJECT)["variables"]
    assert set(theirs) < set(ours)
    assert set(ours) - set(theirs) == {"praxis_project", "praxis_machine_id"}


def test_only_running_members_of_this_fleet(cloud: Google, tmp_path: Path) -> None:
    for name, status in (("starting", "PROVISIONING"), ("staging", "STAGING"), ("repaired", "REPAIRING"),
                         ("off", "TERMINATED"), ("leaving", "STOPPING"), ("asleep", "SUSPENDED")):
        member(cloud, name)["status"] = status
    member(cloud, "mine")
    member(cloud, "theirs", fleet="other")
    member(cloud, "theirs-too", fleet="praxis-2")
    machine(cloud, "nobody-s")
    member(cloud, "going")["status"] = "DEPROVISIONING"
    inventory = read(source(tmp_path))
    assert sorted(inventory.hosts) == ["mine", "repaired", "staging", "starting"]
    stopped = inventory.groups["all"].vars["praxis_inventory_stopped"]
    assert [each.partition(" ")[0] for each in stopped] == ["asleep", "leaving", "off"]
    assert all(PROJECT in each for each in stopped)


def test_fleet_and_project_come_from_the_environment(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(cloud, "mine")
    cloud.front.access.grant(cloud.email, ["*"], f"projects/{OTHER}")
    member(cloud, "theirs", fleet="other", project=OTHER)
    monkeypatch.setenv("PRAXIS_FLEET", "other")
    assert list(read(source(tmp_path)).hosts) == []
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", OTHER)
    assert list(read(source(tmp_path)).hosts) == ["theirs"]


def test_without_a_variable_the_project_is_that_of_the_credentials(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(cloud, "mine")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "")
    assert list(read(source(tmp_path)).hosts) == ["mine"]


def test_an_empty_variable_does_not_hide_another(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.front.access.grant(cloud.email, ["*"], f"projects/{OTHER}")
    member(cloud, "mine")
    member(cloud, "theirs", project=OTHER)
    monkeypatch.setenv("GCP_PROJECT", OTHER)
    monkeypatch.setenv("PRAXIS_PROJECTS", "")
    assert list(read(source(tmp_path)).hosts) == ["theirs"]


def test_an_empty_fleet_is_legal_and_its_groups_exist(cloud: Google, tmp_path: Path) -> None:
    inventory = read(source(tmp_path))
    assert errors(inventory) == []
    assert inventory.hosts == {}
    assert {"praxis", "praxis_gcp"} <= set(inventory.groups)
    assert "praxis_aws" not in inventory.groups


def test_all_regions_are_searched_or_those_that_are_named(cloud: Google, tmp_path: Path) -> None:
    for name, zone in (("one", ONE), ("two", TWO), ("far", FAR)):
        member(cloud, name, zone)
    assert sorted(read(source(tmp_path)).hosts) == ["far", "one", "two"]
    named = read(source(tmp_path, f"regions: [{REGION}]\n"))
    assert sorted(named.hosts) == ["one", "two"]
    assert [host.name for host in named.get_hosts("praxis_region_us_central1")] == ["one", "two"]


def test_aws_s_regions_of_the_environment_are_not_google_s(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(cloud, "one")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert list(read(source(tmp_path)).hosts) == ["one"]


def test_a_misspelt_region_is_an_error_and_no_empty_one(cloud: Google, tmp_path: Path) -> None:
    member(cloud, "one")
    inventory = read(source(tmp_path, f"regions: [{REGION}, us-centrall1]\n"))
    assert codes(inventory) == ["no-such-region"]
    assert "us-centrall1" in errors(inventory)[0]["what"]
    assert inventory.hosts == {}


def test_an_empty_word_among_the_regions_is_an_error(cloud: Google, tmp_path: Path) -> None:
    assert codes(read(source(tmp_path, f"regions: [{REGION}, '']\n"))) == ["bad-inventory-source"]


def test_projects_are_merged_and_one_that_cannot_be_read_fails_the_whole(cloud: Google, tmp_path: Path) -> None:
    member(cloud, "one")
    member(cloud, "two", project=OTHER)
    path = source(tmp_path, f"projects: [{PROJECT}, {OTHER}]\n")
    refused = read(path)
    assert codes(refused) == ["cloud-denied"]
    assert OTHER in errors(refused)[0]["where"]
    assert refused.hosts == {}
    cloud.front.access.grant(cloud.email, ["*"], f"projects/{OTHER}")
    inventory = read(path)
    assert {host.name: host.vars["praxis_network"] for host in inventory.get_hosts()} == {
        "one": f"{PROJECT}/net", "two": f"{OTHER}/net"}


def test_a_network_of_another_project_is_named_with_it(cloud: Google) -> None:
    found = member(cloud, "one")
    found["networkInterfaces"][0]["network"] = "https://www.googleapis.com/compute/v1/projects/host/global/networks/shared"
    assert gcp_members.member_of(found, PROJECT)["variables"]["praxis_network"] == "host/shared"


def test_pages_are_followed(cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcp_zones, "PAGE_SIZE", 3)
    for number in range(8):
        member(cloud, f"praxis-gcp-{number}", (ONE, TWO)[number % 2])
    assert len(read(source(tmp_path)).hosts) == 8
    assert operations(cloud) == ["instances.aggregatedList"] * 3


def test_a_page_that_fails_halfway_is_an_error_and_no_half_a_fleet(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcp_zones, "PAGE_SIZE", 3)
    for number in range(8):
        member(cloud, f"praxis-gcp-{number}")
    real = cloud.front.compute.answer
    asked: list[str] = []

    def answer(call: Any, *more: Any) -> dict[str, Any]:
        asked.append(call.query.get("pageToken", ""))
        if asked[-1]:
            cloud.faults.add({"kind": "error", "status": 400, "code": "invalid", "count": 1})
        return real(call, *more)

    monkeypatch.setattr(cloud.front.compute, "answer", answer)
    inventory = read(source(tmp_path))
    assert len(asked) == 2
    assert codes(inventory) == ["cloud-invalid"]
    assert inventory.hosts == {}


@pytest.mark.parametrize("left_out", [
    {"items": {f"zones/{TWO}": {"warning": {"code": "UNREACHABLE", "message": "The zone is down."}}}},
    {"warning": {"code": "PARTIAL_SUCCESS", "message": "The zone is down."}},
    {"unreachables": [f"zones/{TWO}"]},
])  # fmt: skip
def test_a_zone_that_could_not_be_reached_is_an_error(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: dict[str, Any]
) -> None:
    member(cloud, "one")
    answers = answering(cloud, monkeypatch, left_out)
    inventory = read(source(tmp_path))
    assert answers and codes(inventory) == ["inventory-incomplete"]
    assert inventory.hosts == {}
    assert "The zone is down" in errors(inventory)[0]["what"] or TWO in errors(inventory)[0]["where"]


@pytest.mark.parametrize("fine", [
    {"items": {f"zones/{TWO}": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}}},
    {"items": {f"zones/{FAR}": {"warning": {"code": "UNREACHABLE"}}}},
    {"unreachables": [f"projects/{PROJECT}/zones/{FAR}", "regions/europe-west1"]},
])  # fmt: skip
def test_what_was_not_asked_for_need_not_be_reached(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fine: dict[str, Any]
) -> None:
    member(cloud, "one")
    answers = answering(cloud, monkeypatch, fine)
    inventory = read(source(tmp_path, f"regions: [{REGION}]\n"))
    assert answers and errors(inventory) == []
    assert list(inventory.hosts) == ["one"]


def answering(cloud: Google, monkeypatch: pytest.MonkeyPatch, left: dict[str, Any]) -> list[dict[str, Any]]:
    """Let an aggregated list say more than the fake knows to say; what was answered."""
    real = cloud.front.compute.answer
    answered = []

    def answer(call: Any, *more: Any) -> dict[str, Any]:
        found = real(call, *more)
        if call.method.name != "aggregatedList":
            return found
        answered.append({**found, **left, "items": {**found["items"], **left.get("items", {})}})
        return answered[-1]

    monkeypatch.setattr(cloud.front.compute, "answer", answer)
    return answered


def test_transient_error_is_waited_out(cloud: Google, tmp_path: Path) -> None:
    member(cloud, "one")
    fault = cloud.faults.add({"kind": "throttle", "count": 2})
    assert list(read(source(tmp_path)).hosts) == ["one"]
    assert fault.fired == 2


def test_no_credentials_is_an_error(cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    assert codes(read(source(tmp_path))) == ["cloud-credentials"]


def test_two_members_with_one_name_name_both_places(cloud: Google, tmp_path: Path) -> None:
    member(cloud, "twin", ONE)
    member(cloud, "twin", TWO)
    member(cloud, "fine")
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["duplicate-member"]
    assert all(zone in errors(inventory)[0]["what"] for zone in (ONE, TWO))
    assert inventory.hosts == {}


def test_two_sources_with_one_name_name_both_projects(cloud: Google, tmp_path: Path) -> None:
    cloud.front.access.grant(cloud.email, ["*"], f"projects/{OTHER}")
    for project in (PROJECT, OTHER):
        member(cloud, "twin", project=project)
    inventory = read(*(source(tmp_path / name, f"projects: [{name}]\n") for name in (PROJECT, OTHER)))
    assert codes(inventory) == ["duplicate-member"]
    assert all(project in errors(inventory)[0]["what"] for project in (PROJECT, OTHER))


def test_the_same_source_twice_is_the_same_fleet(cloud: Google, tmp_path: Path) -> None:
    member(cloud, "one")
    path = source(tmp_path)
    inventory = read(path, path)
    assert errors(inventory) == []
    assert list(inventory.hosts) == ["one"]


@pytest.mark.parametrize("name", ["localhost", "all", "praxis", "gcp-account"])
def test_a_name_that_is_no_host_name_is_an_error(cloud: Google, tmp_path: Path, name: str) -> None:
    member(cloud, name)
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["bad-member-name"]
    assert "label praxis_fleet" in errors(inventory)[0]["fix"]


def test_ssh_address(cloud: Google, tmp_path: Path) -> None:
    found = member(cloud, "one")
    found["networkInterfaces"][0]["accessConfigs"][0]["natIP"] = "203.0.113.7"
    private = read(source(tmp_path, "ssh_address: private\n")).hosts["one"].vars["ansible_host"]
    assert private == found["networkInterfaces"][0]["networkIP"] != "203.0.113.7"
    del found["networkInterfaces"][0]["accessConfigs"]
    assert read(source(tmp_path)).hosts["one"].vars["ansible_host"] == private
    refused = read(source(tmp_path, "ssh_address: public\n"))
    assert codes(refused) == ["no-address"]
    assert f"one in {ONE} of project {PROJECT}" in errors(refused)[0]["where"]


def test_the_cache_is_kept_apart_by_project_and_refreshed(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.front.access.grant(cloud.email, ["*"], f"projects/{OTHER}")
    caching = f"cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {tmp_path}/cache\n"
    member(cloud, "one")
    path = source(tmp_path, caching)
    assert list(read(path).hosts) == ["one"]
    member(cloud, "two")
    member(cloud, "theirs", project=OTHER)
    cached = InventoryManager(DataLoader(), sources=[path], cache=True)
    assert list(cached.hosts) == ["one"]
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", OTHER)
    assert list(InventoryManager(DataLoader(), sources=[path], cache=True).hosts) == ["theirs"]
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    cached.refresh_inventory()
    assert sorted(cached.hosts) == ["one", "two"]


def test_keyed_groups(cloud: Google, tmp_path: Path) -> None:
    member(cloud, "one", team="search")
    inventory = read(source(tmp_path, "keyed_groups:\n  - {prefix: team, key: praxis_labels.team}\n"))
    assert [host.name for host in inventory.get_hosts("team_search")] == ["one"]


@pytest.mark.slow
def test_a_large_fleet_costs_little_over_the_api(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but the API call itself: under 1 ms of processor time a host."""
    import time

    size = 2000
    like = dict(member(cloud, "like", praxis_slot="gcp-1", praxis_role="agent"))

    def describe(*_arguments: Any) -> list[Member]:
        return [gcp_members.member_of({**like, "name": f"praxis-gcp-{number}"}, PROJECT) for number in range(size)]

    monkeypatch.setattr(gcp_members, "describe", describe)
    path = source(tmp_path)
    read(path)
    start = time.process_time()
    inventory = read(path)
    used = time.process_time() - start
    assert len(inventory.hosts) == size
    assert used / size < 0.001, json.dumps({"seconds": used, "hosts": size})


@mock_aws
@pytest.mark.slow
def test_both_clouds_are_one_fleet_and_either_s_failure_is_kept(
    cloud: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    tags = [{"Key": "praxis_fleet", "Value": "praxis"}, {"Key": "Name", "Value": "praxis-aws-1"}]
    boto3.client("ec2", "eu-central-1").run_instances(
        ImageId="ami-12c6146b", MinCount=1, MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )  # fmt: skip
    member(cloud, "praxis-gcp-1")
    both = [source(tmp_path / name, cloud=name) for name in ("aws", "gcp")]
    inventory = read(*both)
    assert errors(inventory) == []
    assert sorted(inventory.hosts) == ["praxis-aws-1", "praxis-gcp-1"]
    assert {name: [host.name for host in inventory.get_hosts(f"praxis_{name}")] for name in ("aws", "gcp")} == {
        "aws": ["praxis-aws-1"], "gcp": ["praxis-gcp-1"]}
    networks = {host.vars["praxis_network"] for host in inventory.get_hosts()}
    assert f"{PROJECT}/net" in networks and len(networks) == 2

    cloud.faults.add({"kind": "error", "status": 403, "code": "forbidden"})
    refused = read(*both)
    assert codes(refused) == ["cloud-denied"]
    assert list(refused.hosts) == ["praxis-aws-1"]  # and the first task of every playbook stops


def test_a_name_of_the_other_cloud_s_machine_is_an_error(cloud: Google, tmp_path: Path) -> None:
    static = tmp_path / "hosts.yml"
    static.write_text("all:\n  hosts:\n    twin: {praxis_cloud: aws, praxis_region: eu-central-1, "
                      "praxis_instance_id: i-1}\n")
    member(cloud, "twin")
    inventory = read(str(static), source(tmp_path / "gcp"))
    assert codes(inventory) == ["duplicate-member"]
    assert "i-1 in eu-central-1" in errors(inventory)[0]["what"]
