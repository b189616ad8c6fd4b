# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet inventory plugin against moto in this process."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Iterator

import boto3
import botocore.session
import pytest
from ansible import constants
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager
from moto import mock_aws

from ansible_collections.praxis.cloud.plugins.inventory import fleet
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import aws_members
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Denied
from ansible_collections.praxis.cloud.plugins.plugin_utils.inventory_members import Member, address_of, check_members

REGION, OTHER = "eu-central-1", "us-east-1"
IMAGE = "ami-12c6146b"


@pytest.fixture(scope="module")
def sdk() -> botocore.session.Session:
    """One session for all tests: reading EC2's service model takes half a second."""
    return botocore.session.get_session()


@pytest.fixture(autouse=True)
def _users_without_our_ansible_cfg(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed source is then only a warning, and praxis_inventory_errors all that tells."""
    monkeypatch.setattr(constants, "INVENTORY_ANY_UNPARSED_IS_FAILED", False)


@pytest.fixture(autouse=True)
def _cloud(sdk: botocore.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PRAXIS_FLEET", "PRAXIS_REGIONS", "PRAXIS_SSH_ADDRESS", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    monkeypatch.setattr(botocore.session, "get_session", lambda: sdk)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(botocore_session=sdk))
    with mock_aws():
        yield


def launch(name: str | None, region: str = REGION, fleet_name: str = "praxis", **tags: str) -> list[str]:
    tags = {"praxis_fleet": fleet_name, **({} if name is None else {"Name": name}), **tags}
    answer = boto3.client("ec2", region).run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        ],
    )
    return [instance["InstanceId"] for instance in answer["Instances"]]


def source(folder: Path, text: str = "", name: str = "fleet.yml") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"plugin: praxis.cloud.fleet\ncloud: aws\n{text}")
    return str(path)


def read(*sources: str) -> InventoryManager:
    return InventoryManager(DataLoader(), sources=list(sources))


def errors(inventory: InventoryManager) -> list[dict[str, str]]:
    found: list[dict[str, str]] = inventory.groups["all"].vars.get("praxis_inventory_errors", [])
    return found


def codes(inventory: InventoryManager) -> list[str]:
    return [error["code"] for error in errors(inventory)]


@pytest.mark.slow
def test_member_has_the_host_vars_and_groups_of_the_interface(tmp_path: Path) -> None:
    (instance,) = launch("praxis-aws-1", praxis_slot="aws-1", praxis_role="agent", team="search")
    inventory = read(source(tmp_path))

    assert errors(inventory) == []
    host = inventory.get_host("praxis-aws-1")
    assert host is not None
    found = boto3.client("ec2", REGION).describe_instances()["Reservations"][0]["Instances"][0]
    assert {key: value for key, value in host.vars.items() if not key.startswith("inventory_")} == {
        "ansible_host": found["PublicIpAddress"],
        "praxis_cloud": "aws",
        "praxis_region": REGION,
        "praxis_zone": found["Placement"]["AvailabilityZone"],
        "praxis_network": found["VpcId"],
        "praxis_instance_id": instance,
        "praxis_architecture": "amd64",
        "praxis_slot": "aws-1",
        "praxis_private_ip": found["PrivateIpAddress"],
        "praxis_public_ip": found["PublicIpAddress"],
        "praxis_data_volume": "",
        "praxis_labels": {
            "Name": "praxis-aws-1",
            "praxis_fleet": "praxis",
            "praxis_slot": "aws-1",
            "praxis_role": "agent",
            "team": "search",
        },
    }
    zone = found["Placement"]["AvailabilityZone"].replace("-", "_")
    assert {group.name for group in host.get_groups()} == {
        "all",
        "praxis",
        "praxis_aws",
        "praxis_region_eu_central_1",
        f"praxis_zone_{zone}",
        "praxis_role_agent",
    }


@pytest.mark.slow
def test_only_running_members_of_this_fleet(tmp_path: Path) -> None:
    launch("mine")
    launch("theirs", fleet_name="other")
    (stopped,) = launch("stopped")
    boto3.client("ec2", REGION).stop_instances(InstanceIds=[stopped])
    (gone,) = launch("gone")
    boto3.client("ec2", REGION).terminate_instances(InstanceIds=[gone])
    assert list(read(source(tmp_path)).hosts) == ["mine"]


@pytest.mark.slow
def test_a_stopped_machine_is_no_host_and_is_not_forgotten(tmp_path: Path) -> None:
    """Whoever switched it off wants the others to go on; and the plan names it."""
    launch("mine")
    stopped = [*launch("zoe"), *launch("off"), *launch("off"), *launch("not a host's name")]
    (foreign,) = launch("theirs", fleet_name="other")
    boto3.client("ec2", REGION).stop_instances(InstanceIds=[*stopped, foreign])
    inventory = read(source(tmp_path))
    assert (list(inventory.hosts), errors(inventory)) == (["mine"], [])
    named = inventory.groups["all"].vars["praxis_inventory_stopped"]
    names = ["zoe", "off", "off", "not a host's name"]
    assert sorted(named) == sorted(f"{name} ({id_} in {REGION})" for name, id_ in zip(names, stopped, strict=True))
    boto3.client("ec2", REGION).start_instances(InstanceIds=stopped[:2])
    again = read(source(tmp_path))
    assert sorted(again.hosts) == ["mine", "off", "zoe"]
    assert len(again.groups["all"].vars["praxis_inventory_stopped"]) == 2


def test_a_fleet_that_runs_has_nothing_to_report_of_it(tmp_path: Path) -> None:
    launch("mine")
    assert "praxis_inventory_stopped" not in read(source(tmp_path)).groups["all"].vars


@pytest.mark.slow
def test_fleet_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch("mine")
    launch("theirs", fleet_name="other")
    monkeypatch.setenv("PRAXIS_FLEET", "other")
    assert list(read(source(tmp_path)).hosts) == ["theirs"]


def test_an_empty_fleet_is_legal_and_its_groups_exist(tmp_path: Path) -> None:
    inventory = read(source(tmp_path))
    assert errors(inventory) == []
    assert inventory.hosts == {}
    assert {"praxis", "praxis_aws"} <= set(inventory.groups)


@pytest.mark.slow
def test_regions_are_merged(tmp_path: Path) -> None:
    launch("one")
    launch("two", region=OTHER)
    inventory = read(source(tmp_path, f"regions: [{REGION}, {OTHER}]\n"))
    assert sorted(inventory.hosts) == ["one", "two"]
    assert [host.name for host in inventory.get_hosts("praxis_region_us_east_1")] == ["two"]


def test_regions_are_asked_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    meeting = threading.Barrier(2, timeout=30)

    def describe(client: AwsClient, name: str) -> list[Member]:
        meeting.wait()  # breaks, and fails the source, unless the other region is being asked now
        return []

    monkeypatch.setattr(aws_members, "describe", describe)
    assert errors(read(source(tmp_path, f"regions: [{REGION}, {OTHER}]\n"))) == []


def test_one_region_failing_fails_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch("one")
    real = aws_members.describe

    def describe(client: AwsClient, name: str) -> list[Member]:
        if client.region == OTHER:
            raise Denied("You are not authorized.", f"AWS ec2 DescribeInstances in {OTHER}", "Ask.")
        return real(client, name)

    monkeypatch.setattr(aws_members, "describe", describe)
    inventory = read(source(tmp_path, f"regions: [{REGION}, {OTHER}]\n"))
    assert inventory.hosts == {}
    assert errors(inventory) == [
        {
            "code": "cloud-denied",
            "what": "You are not authorized.",
            "where": f"AWS ec2 DescribeInstances in {OTHER}",
            "fix": "Ask.",
        }
    ]


def test_two_failing_sources_are_both_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(name: str, regions: list[str]) -> list[Member]:
        raise fleet.Failed(fleet.Finding("planted", name, "here", "None."))

    monkeypatch.setattr(aws_members, "collect", collect)
    inventory = read(source(tmp_path / "a", "fleet: a\n"), source(tmp_path / "b", "fleet: b\n"))
    assert [error["what"] for error in errors(inventory)] == ["a", "b"]


def test_a_source_that_cannot_be_read_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only in a variable: where the collection's ansible.cfg holds, Ansible itself stops."""
    monkeypatch.setattr(constants, "INVENTORY_ANY_UNPARSED_IS_FAILED", True)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(AnsibleError, match="Completely failed to parse inventory source"):
        read(source(tmp_path))


def test_no_region_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    assert codes(read(source(tmp_path))) == ["no-region"]


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_REGION": "", "AWS_DEFAULT_REGION": REGION},
        {"PRAXIS_REGIONS": "", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": OTHER},
        {"PRAXIS_REGIONS": REGION, "AWS_REGION": OTHER},
    ],
)
def test_an_empty_variable_is_as_one_that_is_not_set(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch("mine")
    launch("elsewhere", region=OTHER)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    inventory = read(source(tmp_path))
    assert (errors(inventory), list(inventory.hosts)) == ([], ["mine"])


def test_an_empty_word_among_the_regions_is_an_error(tmp_path: Path) -> None:
    assert codes(read(source(tmp_path, f"regions: [{REGION}, '']\n"))) == ["bad-inventory-source"]


def test_a_fleet_s_name_that_cannot_be_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAXIS_FLEET", "Research_and_development")
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["bad-fleet-name"]
    assert "PRAXIS_FLEET" in errors(inventory)[0]["where"]


def test_no_credentials_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(botocore.session, "get_session", botocore.session.Session)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["cloud-credentials"]


def test_a_profile_that_wants_a_code_asks_nobody_and_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ansible-inventory has the person's terminal, and a run of AWX's none: a question is an answer to neither."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    role = "role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me\n"
    keys = "aws_access_key_id = AKIABASE\naws_secret_access_key = planted-base-key-0b8e\n"
    (tmp_path / "config").write_text(f"[profile p]\n{role}[profile base]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "p")
    monkeypatch.setattr(botocore.session, "get_session", botocore.session.Session)
    monkeypatch.setattr("getpass.getpass", lambda *_words: pytest.fail("a person was asked"))
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["cloud-mfa"]
    assert inventory.hosts == {}


def test_a_misspelt_option_value_is_an_error(tmp_path: Path) -> None:
    launch("one")
    inventory = read(source(tmp_path, "ssh_address: publik\n"))
    assert codes(inventory) == ["bad-inventory-source"]
    assert inventory.hosts == {}


def test_the_same_source_twice_is_the_same_fleet(tmp_path: Path) -> None:
    launch("one")
    path = source(tmp_path)
    inventory = read(path, path)
    assert errors(inventory) == []
    assert list(inventory.hosts) == ["one"]


@pytest.mark.slow
def test_two_members_with_one_name_name_both_instances(tmp_path: Path) -> None:
    both = launch("twin") + launch("twin")
    launch("fine")
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["duplicate-member"]
    message = errors(inventory)[0]["what"] + errors(inventory)[0]["where"]
    assert all(instance in message for instance in both)
    assert inventory.hosts == {}


@pytest.mark.slow
def test_two_sources_with_one_name_name_both_instances(tmp_path: Path) -> None:
    (one,), (two,) = launch("twin", fleet_name="a"), launch("twin", fleet_name="b")
    inventory = read(source(tmp_path / "a", "fleet: a\n"), source(tmp_path / "b", "fleet: b\n"))
    assert codes(inventory) == ["duplicate-member"]
    assert one in errors(inventory)[0]["what"] and two in errors(inventory)[0]["what"]


@pytest.mark.parametrize(
    "name",
    [
        None,
        "../../etc/passwd",
        "{{ lookup('pipe', 'id') }}",
        "localhost",
        "aws-account",
        "all",
        "praxis",
        "praxis_aws",
        "a b",
        "a,b",
        "-x",
        "a\n",
    ],
)
@pytest.mark.slow
def test_a_name_that_is_no_host_name_is_an_error(tmp_path: Path, name: str | None) -> None:
    launch(name)
    inventory = read(source(tmp_path))
    assert codes(inventory) == ["bad-member-name"]
    assert inventory.hosts == {}


def test_a_name_of_another_sources_group_is_an_error(tmp_path: Path) -> None:
    static = tmp_path / "hosts.yml"
    static.write_text("databases:\n  hosts:\n    db1:\n")
    launch("databases")
    inventory = read(str(static), source(tmp_path))
    assert codes(inventory) == ["bad-member-name"]
    assert "praxis_instance_id" not in inventory.groups["databases"].vars


@pytest.mark.slow
def test_tag_values_are_never_templated(tmp_path: Path) -> None:
    attack = f"{{{{ lookup('ansible.builtin.file', '{tmp_path}/planted') }}}}"
    (tmp_path / "planted").write_text("read by a tag")
    launch("one", team=attack, praxis_slot=attack)
    loader = DataLoader()
    inventory = InventoryManager(loader, sources=[source(tmp_path)])
    variables = VariableManager(loader, inventory).get_vars(host=inventory.get_host("one"))
    shown = Templar(loader, variables=variables).template(
        {"slot": variables["praxis_slot"], "labels": variables["praxis_labels"]}
    )
    assert shown["slot"] == attack
    assert shown["labels"]["team"] == attack


def test_ssh_address(tmp_path: Path) -> None:
    (instance,) = launch("one")
    found = boto3.client("ec2", REGION).describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["PublicIpAddress"] != found["PrivateIpAddress"]
    private = read(source(tmp_path, "ssh_address: private\n")).hosts["one"].vars["ansible_host"]
    assert private == found["PrivateIpAddress"]

    (member,) = aws_members.collect("praxis", [REGION])
    member["variables"]["praxis_public_ip"] = ""
    assert address_of(member["variables"], "auto") == found["PrivateIpAddress"]
    assert [finding.code for finding in check_members([member], "public")] == ["no-address"]
    assert check_members([member], "auto") == []


def test_keyed_groups_and_a_wrong_expression(tmp_path: Path) -> None:
    launch("one", team="search")
    inventory = read(source(tmp_path, "keyed_groups:\n  - {prefix: team, key: praxis_labels.team}\n"))
    assert [host.name for host in inventory.get_hosts("team_search")] == ["one"]

    wrong = read(source(tmp_path, "compose:\n  colour: praxis_labels.no_such_tag.x\n"))
    assert codes(wrong) == ["bad-inventory-source"]


@pytest.mark.slow
def test_the_cache_is_used_kept_apart_by_fleet_and_refreshed(tmp_path: Path) -> None:
    caching = f"cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {tmp_path}/cache\n"
    launch("one")
    path = source(tmp_path, caching)
    assert list(read(path).hosts) == ["one"]
    assert list((tmp_path / "cache").iterdir())

    launch("two")
    launch("theirs", fleet_name="other")
    cached = InventoryManager(DataLoader(), sources=[path], cache=True)
    assert list(cached.hosts) == ["one"]
    source(tmp_path, caching + "fleet: other\n")
    assert list(InventoryManager(DataLoader(), sources=[path], cache=True).hosts) == ["theirs"]
    source(tmp_path, caching)
    cached.refresh_inventory()
    assert list(cached.hosts) == ["one", "two"]


@pytest.mark.slow
def test_a_failure_is_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = source(
        tmp_path, f"cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {tmp_path}/cache\n"
    )
    launch("one")

    def refuse(*_args):
        raise fleet.Failed(fleet.Finding("x", "x", "x", "x"))

    with monkeypatch.context() as patched:
        patched.setattr(aws_members, "collect", refuse)
        assert codes(read(path)) == ["x"]
    assert list(read(path).hosts) == ["one"]


@pytest.mark.slow
def test_a_large_fleet_costs_little_over_the_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the API call itself: under 1 ms of processor time a host."""
    size = 2000
    instance = {
        "Placement": {"AvailabilityZone": "eu-central-1a"},
        "PrivateIpAddress": "10.42.16.4",
        "PublicIpAddress": "192.0.2.4",
    }

    def describe(client: AwsClient, name: str) -> list[Member]:
        return [
            aws_members.member_of(
                {
                    **instance,
                    "InstanceId": f"i-{number:017x}",
                    "Tags": [
                        {"Key": "Name", "Value": f"praxis-aws-{number}"},
                        {"Key": "praxis_slot", "Value": f"aws-{number}"},
                        {"Key": "praxis_role", "Value": "agent"},
                    ],
                },
                client.region,
            )
            for number in range(size)
        ]

    monkeypatch.setattr(aws_members, "describe", describe)
    path = source(tmp_path)
    read(path)
    start = time.process_time()
    inventory = read(path)
    used = time.process_time() - start
    assert len(inventory.hosts) == size
    assert used / size < 0.001, json.dumps({"seconds": used, "hosts": size})


@pytest.mark.slow
def test_pages_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_members, "PAGE_SIZE", 5)
    for number in range(12):
        launch(f"praxis-aws-{number}")
    assert len(read(source(tmp_path)).hosts) == 12


@pytest.mark.parametrize(("name", "wanted"), [("fleet.yml", True), ("eu.fleet.yaml", True), ("hosts.yml", False)])
def test_which_files_it_reads(tmp_path: Path, name: str, wanted: bool) -> None:
    path = source(tmp_path, name=name)
    assert fleet.InventoryModule().verify_file(path) is wanted
