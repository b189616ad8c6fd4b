# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcp_machines: one machine a slot, whatever was edited, lost, refused or never ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import QuotaExceeded
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_errors import answered
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet_machines import launch_of, wanted_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll, Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import Changes
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark_text
from ansible_collections.praxis.cloud.plugins.modules import gcp_machines

from .conftest import PROJECT, Google
from .made import FAR, ONE, REGION, TWO, ask, machine, member, network, operations

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIplanted ops@example.org"
EDITS = ["instances.setLabels", "instances.setMetadata", "instances.setTags"]


class Fleet:
    """The module on the served project, its options as a playbook would give them."""

    def __init__(self, google: Google) -> None:
        self.google = google
        google.front.access.grant(google.email, ["compute.images.get*"], "projects/debian-cloud")
        network(google)
        self.options: dict[str, Any] = {
            name: spec.get("default") for name, spec in gcp_machines.ARGUMENTS.items()
        } | {"fleet": "alpha", "hosts": 3, "zones": [ONE, TWO], "subnetwork": f"regions/{REGION}/subnetworks/net",
             "image_family": "debian-12", "network_tags": ["praxis-alpha"], "labels": {"team": "search"},
             "ssh_public_key": f"{KEY}\n", "deadline": 20}  # fmt: skip

    def machines(self, deadline: float = 20) -> Machines:
        client = GcpClient(retry=Retry(deadline=5, base=0.01, cap=0.02))
        return Machines(client, "alpha", deadline, Poll(interval=0.02))

    def run(self, check: bool = False, state: str = "present", **options: Any) -> dict[str, Any]:
        asked = {**self.options, **options, "state": state}
        run = gcp_machines.present if state == "present" else gcp_machines.absent
        return run(asked, self.machines(asked["deadline"]), check)

    def refused(self, **options: Any) -> list[str]:
        """The codes of what a run was stopped by."""
        with pytest.raises(Failed) as failed:
            self.run(**options)
        self.said = str(failed.value)
        return [finding.code for finding in failed.value.findings]

    def instances(self) -> dict[str, dict[str, Any]]:
        """All instances of the project, by place."""
        found = self.google.front.compute.resources.of_kind(PROJECT, "instances")
        return {f"{path.split('/')[3]}/{one['name']}": one for path, one in found}

    def asked(self, since: int = 0, mutating: bool | None = True) -> list[str]:
        return sorted(operations(self.google, mutating)[since:])

    def mark(self) -> int:
        return len(operations(self.google, True))


@pytest.fixture
def fleet(google: Google, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return Fleet(google)


PLACES = [f"{ONE}/alpha-gcp-1", f"{ONE}/alpha-gcp-3", f"{TWO}/alpha-gcp-2"]


def test_check_mode_then_launch_then_again(fleet: Fleet) -> None:
    predicted = fleet.run(check=True)
    assert (predicted["changed"], fleet.asked()) == (True, [])
    assert (predicted["launched"], predicted["machines"]) == (["gcp-1", "gcp-2", "gcp-3"], [])
    assert predicted["diff"]["after"]["gcp-1"]["id"] == "(known after apply)"

    done = fleet.run()
    assert fleet.asked() == ["instances.insert"] * 3
    assert done["diff"] == predicted["diff"]
    assert sorted(fleet.instances()) == PLACES
    assert [(each["slot"], each["name"], each["instance_id"], each["zone"]) for each in done["machines"]] == [
        ("gcp-1", "alpha-gcp-1", "alpha-gcp-1", ONE),
        ("gcp-2", "alpha-gcp-2", "alpha-gcp-2", TWO),
        ("gcp-3", "alpha-gcp-3", "alpha-gcp-3", ONE),
    ]
    assert all(each["private_ip"] and each["public_ip"] for each in done["machines"])

    mark = fleet.mark()
    again = fleet.run()
    assert (again["changed"], fleet.asked(mark), "diff" in again) == (False, [], False)
    assert again["machines"] == done["machines"]


def test_a_machine_is_what_google_calls_one(fleet: Fleet) -> None:
    fleet.run(hosts=1, service_account="alpha-host@a-project.iam.gserviceaccount.com")
    found = fleet.instances()[f"{ONE}/alpha-gcp-1"]
    assert found["labels"] == {"team": "search", "praxis_fleet": "alpha", "praxis_slot": "gcp-1",
                               "praxis_role": "agent", "praxis_managed_by": "provision"}
    assert found["description"] == mark_text("alpha")
    assert found["machineType"].endswith(f"zones/{ONE}/machineTypes/e2-small")
    assert found["tags"]["items"] == ["praxis-alpha"]
    assert {item["key"]: item["value"] for item in found["metadata"]["items"]} == {
        "ssh-keys": f"praxis:{KEY}", "block-project-ssh-keys": "TRUE", "enable-oslogin": "FALSE",
        "enable-guest-attributes": "TRUE"}
    assert found["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableVtpm": True,
                                               "enableIntegrityMonitoring": True}
    assert found["serviceAccounts"] == [{"email": "alpha-host@a-project.iam.gserviceaccount.com", "scopes": []}]
    assert found["deletionProtection"] is False
    [disk] = found["disks"]
    assert (disk["boot"], disk["autoDelete"], disk["diskSizeGb"]) == (True, True, "20")
    assert disk["_image"].endswith("projects/debian-cloud/global/images/debian-12-bookworm-v1")
    [interface] = found["networkInterfaces"]
    assert interface["subnetwork"].endswith(f"regions/{REGION}/subnetworks/net")
    assert [access["type"] for access in interface["accessConfigs"]] == ["ONE_TO_ONE_NAT"]


def test_without_a_public_address_and_without_a_service_account(fleet: Fleet) -> None:
    done = fleet.run(hosts=1, public_address=False)
    [found] = fleet.instances().values()
    assert found["networkInterfaces"][0]["accessConfigs"] == []
    assert found["serviceAccounts"] == []
    assert done["machines"][0]["public_ip"] == ""


def test_the_newest_image_of_the_family_is_taken_when_a_machine_is_made(fleet: Fleet) -> None:
    fleet.run(hosts=1)
    resources = fleet.google.front.compute.resources
    newer = {**resources.get("projects/debian-cloud/global/images/debian-12-bookworm-v1")}
    newer |= {"name": "debian-12-v2", "selfLink": newer["selfLink"].replace("bookworm-v1", "v2")}
    for name in ("debian-12-v2", "family/debian-12"):
        resources.put(f"projects/debian-cloud/global/images/{name}", newer)
    assert fleet.run(hosts=1)["changed"] is False
    fleet.run(hosts=2)
    images = {place: one["disks"][0]["_image"].rpartition("/")[2] for place, one in fleet.instances().items()}
    assert images == {f"{ONE}/alpha-gcp-1": "debian-12-bookworm-v1", f"{TWO}/alpha-gcp-2": "debian-12-v2"}


@pytest.mark.parametrize("image", ["debian-12-bookworm-v1", "projects/debian-cloud/global/images/none"])
def test_an_image_that_is_not_there_is_named_in_check_mode_already(fleet: Fleet, image: str) -> None:
    assert fleet.refused(check=True, image=image) == ["image-not-found"]
    assert image.rpartition("/")[2] in fleet.said


def test_before_there_is_a_network_check_mode_knows_what_would_come(fleet: Fleet) -> None:
    bare = {"subnetwork": "", "ssh_public_key": "", "network_tags": []}
    assert fleet.run(check=True, **bare)["launched"] == ["gcp-1", "gcp-2", "gcp-3"]
    assert fleet.refused(**bare) == ["launch-incomplete"]
    assert fleet.asked() == []


def edit(fleet: Fleet, place: str, method: str, body: dict[str, Any]) -> None:
    zone, name = place.split("/")
    path = f"projects/{PROJECT}/zones/{zone}/instances/{name}"
    found = fleet.instances()[place]
    fingerprint = {"setLabels": {"labelFingerprint": found["labelFingerprint"]}}.get(
        method, {"fingerprint": (found["tags"] if method == "setTags" else found["metadata"])["fingerprint"]})
    ask(fleet.google, "POST", f"{path}/{method}", {**body, **fingerprint})


def test_edits_are_undone_without_a_new_machine_and_additions_stay(fleet: Fleet) -> None:
    fleet.run()
    ids = {place: one["id"] for place, one in fleet.instances().items()}
    edit(fleet, PLACES[0], "setLabels", {"labels": {"praxis_fleet": "stolen", "praxis_slot": "gcp-9", "own": "kept"}})
    edit(fleet, PLACES[1], "setTags", {"items": ["praxis-alpha", "open-to-all"]})
    thief = {"key": "ssh-keys", "value": "mallory:ssh-ed25519 AAAA"}
    edit(fleet, PLACES[2], "setMetadata", {"items": [thief, {"key": "their-own", "value": "kept"}]})

    mark = fleet.mark()
    predicted = fleet.run(check=True)
    assert fleet.asked(mark) == []
    assert predicted["diff"]["before"][PLACES[0]]["labels"]["praxis_fleet"] == "stolen"
    assert "open-to-all" in predicted["diff"]["before"][PLACES[1]]["network_tags"]
    assert "mallory" in predicted["diff"]["before"][PLACES[2]]["ssh-keys"]
    done = fleet.run()
    assert done["diff"] == predicted["diff"]
    assert fleet.asked(mark) == EDITS
    found = fleet.instances()
    assert {place: one["id"] for place, one in found.items()} == ids
    assert found[PLACES[0]]["labels"] == {**found[PLACES[1]]["labels"], "praxis_slot": "gcp-1", "own": "kept"}
    assert found[PLACES[1]]["tags"]["items"] == ["praxis-alpha"]
    metadata = {item["key"]: item["value"] for item in found[PLACES[2]]["metadata"]["items"]}
    assert metadata == {"ssh-keys": f"praxis:{KEY}", "block-project-ssh-keys": "TRUE", "enable-oslogin": "FALSE",
                        "enable-guest-attributes": "TRUE",
                        "their-own": "kept"}
    assert not fleet.run()["changed"]


@pytest.mark.slow
def test_another_key_reaches_the_machines_there_are(fleet: Fleet) -> None:
    fleet.run(hosts=1)
    mark = fleet.mark()
    fleet.run(hosts=1, ssh_public_key="ssh-ed25519 BBBB new")
    assert fleet.asked(mark) == ["instances.setMetadata"]
    assert not fleet.run(hosts=1, ssh_public_key="")["changed"]


def test_an_edit_that_somebody_else_is_quicker_with_is_begun_anew(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.run(hosts=1)
    edit(fleet, PLACES[0], "setLabels", {"labels": {"praxis_fleet": "stolen"}})
    real, quicker = Machines._get, []

    def get(self: Machines, id_: str) -> dict[str, Any]:
        found = real(self, id_)
        if not quicker:
            quicker.append(id_)
            edit(fleet, id_, "setLabels", {"labels": {"theirs": "meanwhile"}})
        return found

    monkeypatch.setattr(Machines, "_get", get)
    fleet.run(hosts=1)
    labels = fleet.instances()[PLACES[0]]["labels"]
    assert (labels["praxis_fleet"], labels["theirs"]) == ("alpha", "meanwhile")


@pytest.mark.parametrize("status", ["TERMINATED", "STOPPED"])
def test_a_stopped_machine_is_started(fleet: Fleet, status: str) -> None:
    fleet.run(hosts=1)
    fleet.instances()[PLACES[0]]["status"] = status
    mark = fleet.mark()
    assert fleet.run(check=True, hosts=1)["diff"]["after"] == {PLACES[0]: {"state": "running"}}
    fleet.run(hosts=1)
    assert fleet.asked(mark) == ["instances.start"]
    assert fleet.instances()[PLACES[0]]["status"] == "RUNNING"


@pytest.mark.slow
def test_a_service_account_given_by_hand_is_named_and_goes_when_the_machine_starts_again(fleet: Fleet) -> None:
    """What runs on the machine would have that account's rights. Compute Engine changes it on a stopped one only."""
    ours = f"fleet-alpha@{PROJECT}.iam.gserviceaccount.com"
    fleet.run(hosts=2, service_account=ours)
    mighty = {"email": f"mighty@{PROJECT}.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}
    running, stopped = PLACES[0], PLACES[2]
    for place in (running, stopped):
        fleet.instances()[place]["serviceAccounts"] = [mighty]
    fleet.instances()[stopped]["status"] = "TERMINATED"
    mark = fleet.mark()

    predicted = fleet.run(check=True, hosts=2, service_account=ours)
    assert predicted["diff"]["before"] == {
        stopped: {"state": "stopped", "service_account": f"{mighty['email']} cloud-platform"}
    }
    done = fleet.run(hosts=2, service_account=ours)
    assert done["diff"] == predicted["diff"]
    assert fleet.asked(mark) == ["instances.setServiceAccount", "instances.start"]
    assert fleet.instances()[stopped]["serviceAccounts"] == [{"email": ours, "scopes": []}]
    for run in (predicted, done):
        (said,) = run["warnings"]
        assert running in said and mighty["email"] in said and ours in said and "stop the machine" in said

    fleet.instances()[running]["status"] = "TERMINATED"
    assert fleet.run(hosts=2, service_account=ours)["changed"]
    again = fleet.run(hosts=2, service_account=ours)
    assert not again["changed"] and again["warnings"] == []


def test_a_machine_of_no_named_service_account_keeps_its_own(fleet: Fleet) -> None:
    fleet.run(hosts=1)
    fleet.instances()[PLACES[0]].update(serviceAccounts=[{"email": "own@example.org"}], status="TERMINATED")
    assert fleet.run(hosts=1)["warnings"] == []
    assert fleet.instances()[PLACES[0]]["serviceAccounts"] == [{"email": "own@example.org"}]


def test_one_machine_that_cannot_be_started_keeps_no_other_from_its_changes(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its zone has no such machines left, say. The others are changed, started and launched, and the one is named."""
    fleet.run(hosts=2)
    for place in (PLACES[0], PLACES[2]):
        fleet.instances()[place]["status"] = "TERMINATED"
    real = Machines._change

    def change(self: Machines, verb: str, path: str, *others: Any, **more: Any) -> None:
        if path == f"zones/{ONE}/instances/alpha-gcp-1/start":
            raise QuotaExceeded("The zone has none left.", path, "Choose other zones.", code="cloud-stockout")
        real(self, verb, path, *others, **more)

    monkeypatch.setattr(Machines, "_change", change)
    assert fleet.refused() == ["cloud-stockout", "machines-half-made"]
    states = {place: one["status"] for place, one in fleet.instances().items()}
    assert states == {PLACES[0]: "TERMINATED", PLACES[1]: "RUNNING", PLACES[2]: "RUNNING"}


def test_a_machine_that_somebody_else_is_at_is_started_when_it_may_be(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google answers resourceNotReady meanwhile."""
    fleet.run(hosts=1)
    fleet.instances()[PLACES[0]]["status"] = "TERMINATED"
    real, refused = Machines._change, []

    def change(self: Machines, verb: str, path: str, *others: Any, **more: Any) -> None:
        if path.endswith("/start") and not refused:
            refused.append(path)
            raise answered(400, json.dumps({"error": {"errors": [{"reason": "resourceNotReady"}]}}).encode(), {}, path)
        real(self, verb, path, *others, **more)

    monkeypatch.setattr(Machines, "_change", change)
    fleet.run(hosts=1)
    assert refused and fleet.instances()[PLACES[0]]["status"] == "RUNNING"


def test_a_suspended_machine_is_resumed(fleet: Fleet) -> None:
    """The fake knows of no such machines: what counts here is what it is asked for."""
    fleet.run(hosts=1)
    fleet.instances()[PLACES[0]]["status"] = "SUSPENDED"
    mark = fleet.mark()
    with pytest.raises(Failed, match="resume"):
        fleet.run(hosts=1)
    assert fleet.asked(mark) == ["instances.resume"]


def test_a_machine_on_its_way_out_is_waited_for_and_replaced(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google shows one that is being deleted as it shows one that is being stopped."""
    fleet.run(hosts=1)
    first = fleet.instances()[PLACES[0]]
    first["status"] = "STOPPING"
    real, observations = Machines.observe, []

    def observe(self: Machines) -> Any:
        observations.append(fleet.mark())
        if len(observations) == 3:
            fleet.google.front.compute.resources.remove(f"projects/{PROJECT}/zones/{ONE}/instances/alpha-gcp-1")
        return real(self)

    monkeypatch.setattr(Machines, "observe", observe)
    assert fleet.run(hosts=1)["launched"] == ["gcp-1"]
    assert fleet.instances()[PLACES[0]]["id"] != first["id"]


def test_a_machine_that_never_comes_to_rest_is_named(fleet: Fleet) -> None:
    fleet.run(hosts=1)
    fleet.instances()[PLACES[0]]["status"] = "STOPPING"
    assert fleet.refused(hosts=1, deadline=0.1) == ["machines-not-settled"]
    assert PLACES[0] in fleet.said


def test_shrinking_must_be_allowed_and_takes_the_highest_slots(fleet: Fleet) -> None:
    fleet.run()
    mark = fleet.mark()
    assert fleet.refused(hosts=1) == ["would-shrink"]
    assert all(place in fleet.said for place in PLACES[1:])
    assert fleet.asked(mark) == []
    predicted = fleet.run(check=True, hosts=1, allow_shrink=True)
    done = fleet.run(hosts=1, allow_shrink=True)
    assert done["diff"] == predicted["diff"]
    assert sorted(done["terminated"]) == ["alpha-gcp-2", "alpha-gcp-3"]
    assert fleet.asked(mark) == ["instances.delete"] * 2
    assert list(fleet.instances()) == [PLACES[0]]


def test_a_slot_s_machine_stays_where_it_is_when_the_zones_change(fleet: Fleet) -> None:
    fleet.run(hosts=2)
    ids = {place: one["id"] for place, one in fleet.instances().items()}
    again = fleet.run(hosts=2, zones=[TWO, ONE])
    assert not again["changed"]
    assert {place: one["id"] for place, one in fleet.instances().items()} == ids


def test_a_machine_in_another_region_is_an_error_and_no_second_machine(fleet: Fleet) -> None:
    fleet.run(hosts=1, zones=[ONE])
    mark = fleet.mark()
    assert fleet.refused(hosts=1, zones=[FAR]) == ["machine-elsewhere"]
    assert PLACES[0] in fleet.said
    assert fleet.asked(mark) == []


@pytest.mark.slow
def test_absent_takes_this_fleet_s_own_in_all_zones_and_nothing_else(fleet: Fleet) -> None:
    fleet.run()
    member(fleet.google, "bastion", fleet="alpha")
    member(fleet.google, "alpha-gcp-old", FAR, fleet="alpha", praxis_managed_by="provision")
    member(fleet.google, "beta-gcp-1", fleet="beta", praxis_managed_by="provision")
    mark = fleet.mark()
    predicted = fleet.run(check=True, state="absent")
    assert fleet.asked(mark) == []
    done = fleet.run(state="absent")
    assert done["diff"] == predicted["diff"]
    assert sorted(done["terminated"]) == ["alpha-gcp-1", "alpha-gcp-2", "alpha-gcp-3", "alpha-gcp-old"]
    assert sorted(fleet.instances()) == [f"{ONE}/bastion", f"{ONE}/beta-gcp-1"]
    assert not fleet.run(state="absent")["changed"]


@pytest.mark.parametrize(("name", "labels"), [
    ("mine", {"praxis_fleet": "alpha", "praxis_slot": "gcp-1"}),
    ("alpha-gcp-1", {}),
])  # fmt: skip
def test_a_foreign_machine_in_our_slot_or_of_its_name_is_named(
    fleet: Fleet, name: str, labels: dict[str, str]
) -> None:
    machine(fleet.google, name, TWO, labels=labels)
    mark = fleet.mark()
    assert fleet.refused() == ["slot-taken"]
    assert f"{TWO}/{name}" in fleet.said
    assert fleet.asked(mark) == []


def test_an_adopted_machine_is_kept(fleet: Fleet) -> None:
    member(fleet.google, "mine", fleet="alpha", praxis_slot="gcp-1", praxis_managed_by="provision")
    assert fleet.run(hosts=2)["launched"] == ["gcp-2"]


def test_one_slot_held_twice_is_named(fleet: Fleet) -> None:
    for zone in (ONE, TWO):
        machine(fleet.google, "alpha-gcp-1", zone, description=mark_text("alpha"))
    assert fleet.refused() == ["slot-twice"]
    assert all(f"{zone}/alpha-gcp-1" in fleet.said for zone in (ONE, TWO))


def test_another_fleet_s_machine_is_not_ours(fleet: Fleet) -> None:
    """Its name begins like ours."""
    machine(fleet.google, "alpha-x-gcp-1", labels={"praxis_fleet": "alpha-x"}, description=mark_text("alpha-x"))
    assert fleet.machines().observe() == []


def test_two_runs_at_once_make_one_machine(fleet: Fleet) -> None:
    """Both have looked before either has made anything: the name is the same, and so is the zone."""
    wanted = wanted_of(fleet.options, fleet.options["network_tags"])
    changes = Changes(launch=wanted.slots)
    launch = launch_of(fleet.options, fleet.options["zones"])
    for _run in range(2):
        fleet.machines().apply(changes, wanted, launch)
    assert sorted(fleet.instances()) == PLACES
    assert fleet.asked() == ["instances.insert"] * 6


def test_a_stranger_that_takes_the_name_meanwhile_is_left_alone(fleet: Fleet) -> None:
    wanted = wanted_of({**fleet.options, "hosts": 1}, fleet.options["network_tags"])
    changes = Changes(launch=wanted.slots)
    launch = launch_of(fleet.options, fleet.options["zones"])
    theirs = machine(fleet.google, "alpha-gcp-1", ONE)
    with pytest.raises(Failed) as failed:
        fleet.machines().apply(changes, wanted, launch)
    assert [finding.code for finding in failed.value.findings] == ["slot-taken"]
    assert "labels" not in theirs


@pytest.mark.parametrize("kind", ["throttle", "error", "reset", "lose", "truncate"])
def test_a_launch_through_transient_errors_makes_one_machine(fleet: Fleet, kind: str) -> None:
    fault = fleet.google.faults.add({"kind": kind, "operations": ["compute:instances.insert"], "count": 2})
    assert len(fleet.run(hosts=1)["machines"]) == 1
    assert fault.fired == 2
    assert list(fleet.instances()) == [PLACES[0]]
    assert not fleet.run(hosts=1)["changed"]


@pytest.mark.slow
def test_a_launch_whose_answer_is_lost_for_good_is_found_by_the_next_run(fleet: Fleet) -> None:
    fleet.google.faults.add({"kind": "lose", "operations": ["compute:instances.insert"]})
    assert fleet.refused(hosts=1) == ["cloud-unavailable"]
    fleet.google.faults.clear()
    mark = fleet.mark()
    assert fleet.run(hosts=1)["launched"] == []
    assert fleet.asked(mark) == []


def test_a_service_account_that_is_not_known_everywhere_yet_is_waited_for(fleet: Fleet) -> None:
    email = "alpha-host@a-project.iam.gserviceaccount.com"
    said = {"code": "RESOURCE_NOT_FOUND", "message": f"The resource '{email}' of type 'serviceAccount' was not found."}
    fleet.google.front.compute.failing += [said, said]
    assert len(fleet.run(hosts=1, service_account=email)["machines"]) == 1
    assert fleet.asked() == ["instances.insert"] * 3


@pytest.mark.parametrize(("code", "message", "ours", "fix"), [
    ("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone has not enough resources.", "cloud-stockout", "other zones"),
    ("QUOTA_EXCEEDED", "Quota 'CPUS' exceeded. Limit: 8.0 in region us-central1.", "cloud-quota", "higher quota"),
])  # fmt: skip
def test_a_launch_that_fails_beside_others_names_what_was_made(
    fleet: Fleet, code: str, message: str, ours: str, fix: str
) -> None:
    fleet.google.front.compute.failing.append({"code": code, "message": message})
    assert fleet.refused() == [ours, "machines-half-made"]
    assert message in fleet.said and fix in fleet.said
    [failed] = set(PLACES) - set(fleet.instances())
    assert f"machine {failed}" in fleet.said
    assert all(place in fleet.said for place in fleet.instances())
    assert len(fleet.run()["launched"]) == 1


@pytest.mark.slow
def test_an_operation_that_never_ends_is_named_with_what_was_made(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fleet.google.world.instance

    def instance(event: str, one: dict[str, Any]) -> Callable[[], bool]:
        done = real(event, one)
        if one["name"] == "alpha-gcp-2":
            one["status"] = "STAGING"
            return lambda: False
        return done

    monkeypatch.setattr(fleet.google.world, "instance", instance)
    assert fleet.refused(deadline=0.3) == ["cloud-operation-unfinished", "machines-half-made"]
    assert f"machine {TWO}/alpha-gcp-2" in fleet.said
    assert f"{ONE}/alpha-gcp-1, {ONE}/alpha-gcp-3" in fleet.said
    mark = fleet.mark()
    assert fleet.refused(deadline=0.3) == ["machines-not-running"]
    assert f"gcp-2 ({TWO}/alpha-gcp-2, pending)" in fleet.said
    assert fleet.asked(mark) == []


def test_a_zone_that_cannot_be_read_stops_everything(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine might be there: without the answer a second one would be made."""
    real = fleet.google.front.compute.answer

    def answer(call: Any, *more: Any) -> dict[str, Any]:
        found = real(call, *more)
        if call.method.name == "aggregatedList":
            found["items"][f"zones/{TWO}"] = {"warning": {"code": "UNREACHABLE"}}
        return found

    monkeypatch.setattr(fleet.google.front.compute, "answer", answer)
    assert set(fleet.refused()) == {"inventory-incomplete"}
    assert fleet.asked() == []


def test_a_machine_that_is_protected_is_not_removed_and_named(fleet: Fleet) -> None:
    fleet.run(hosts=2)
    fleet.instances()[PLACES[0]]["deletionProtection"] = True
    assert fleet.refused(state="absent") == ["cloud-invalid"]
    assert "alpha-gcp-1" in fleet.said
    assert list(fleet.instances()) == [PLACES[0]]


def test_machines_are_made_side_by_side_and_a_few_at_a_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from ansible_collections.praxis.cloud.plugins.module_utils.cloud import parallel

    real, lock, now, most = Machines._launch, threading.Lock(), [0], [0]
    meeting = threading.Barrier(4, timeout=30)

    def launch(self: Machines, *arguments: Any) -> str:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        meeting.wait()  # breaks, and fails the run, unless four are being made now
        made = real(self, *arguments)
        with lock:
            now[0] -= 1
        return made

    monkeypatch.setattr(parallel, "WORKERS", 4)
    monkeypatch.setattr(Machines, "_launch", launch)
    assert len(fleet.run(hosts=12)["machines"]) == 12
    assert most == [4]


@pytest.mark.slow
def test_as_ansible_runs_it(fleet: Fleet) -> None:
    options = {name: fleet.options[name] for name in ("fleet", "zones", "subnetwork", "image_family")}
    arguments = {**options, "hosts": 1, "ssh_public_key": KEY, "labels": {"team": "search"}}
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-m", "praxis.cloud.gcp_machines", "--diff",
               "-e", f"ansible_python_interpreter={sys.executable}", "-a", json.dumps(arguments)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120,
                         env={**os.environ, **fleet.google.environment})
    assert ran.returncode == 0 and "CHANGED" in ran.stdout and "(known after apply)" in ran.stdout, ran
    refused = subprocess.run([*command[:-1], json.dumps({"fleet": "alpha"})], check=False, capture_output=True,
                             text=True, timeout=120, env={**os.environ, **fleet.google.environment})
    assert refused.returncode and "hosts" in refused.stdout
