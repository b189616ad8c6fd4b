# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots' disks in a Google Cloud project: made once, attached to whoever has the slot, never smaller, kept."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backups import GoogleBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_members import member_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_volumes import GoogleDisks, volume
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import put_in_place
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import GOOGLE, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import REPLACED, RESTORING
from tests.unit.infrastructure.account import FLEET, rows
from tests.unit.infrastructure.test_account import codes

from .conftest import PROJECT
from .made import ONE, TWO, operations
from .project import Project

pytestmark = pytest.mark.slow

DATA = {"size": 12}


@pytest.fixture
def fleet(project: Project) -> Project:
    project.options |= {"hosts": 2, "data": DATA, "balancer": False, "zones": [ONE, TWO]}
    return project


def disks(project: Project) -> dict[str, dict[str, Any]]:
    """The slots' disks, by slot."""
    found = [one for _path, one in project.google.front.compute.resources.of_kind(PROJECT, "disks")]
    mine = [one for one in found if one.get("labels", {}).get("praxis_data") == "slot"]
    by_slot = {one["labels"]["praxis_slot"]: one for one in mine}
    assert len(by_slot) == len(mine)
    return by_slot


def machine(project: Project, slot: str, zone: str) -> dict[str, Any]:
    return project.get(f"zones/{zone}/instances/{FLEET}-{slot}")


def holders(project: Project) -> dict[str, list[str]]:
    """By slot, the machines that have its disk."""
    # Who has a disk is noted with the next request.
    project.client().call("compute", "GET", f"compute/v1/projects/{PROJECT}/zones/{ONE}")
    return {slot: [link.rpartition("/")[2] for link in one.get("users", [])] for slot, one in disks(project).items()}


def test_each_slot_gets_a_disk_as_predicted_and_the_second_run_asks_once_for_all(fleet: Project) -> None:
    predicted = fleet.present(check=True)
    made = fleet.present(plan_id=predicted["plan"]["id"])
    assert [row for row in rows(made) if row[1] == "data volume"] == [
        ("create", "data volume", f"{FLEET}-gcp-1-data"), ("create", "data volume", f"{FLEET}-gcp-2-data"),
    ]  # fmt: skip
    found = disks(fleet)
    assert holders(fleet) == {slot: [f"{FLEET}-{slot}"] for slot in found}
    for slot, zone in (("gcp-1", ONE), ("gcp-2", TWO)):
        assert (found[slot]["sizeGb"], found[slot]["zone"].rpartition("/")[2]) == ("12", zone)
        assert found[slot]["type"].endswith(f"zones/{zone}/diskTypes/pd-balanced")
        (attached,) = [one for one in machine(fleet, slot, zone)["disks"] if not one["boot"]]
        assert (attached["deviceName"], attached["autoDelete"]) == ("praxis-data", False)
        labels = found[slot]["labels"]
        assert (labels["praxis_fleet"], labels["praxis_managed_by"], labels["team"]) == (FLEET, "provision", "search")
    mark, asked = fleet.mark(), len(operations(fleet.google))
    assert rows(fleet.present()) == []
    assert fleet.changes(mark) == []
    assert operations(fleet.google)[asked:].count("disks.aggregatedList") == 1


def test_without_a_size_nothing_is_asked_of_disks(project: Project) -> None:
    for data in ({}, {"path": "/srv/praxis"}):
        project.present(data=data)
    assert not [one for one in operations(project.google) if one.startswith("disks.")]


def test_the_next_machine_of_a_slot_has_its_disk(fleet: Project) -> None:
    fleet.present()
    before = disks(fleet)["gcp-2"]["id"]
    fleet.edit("DELETE", f"zones/{TWO}/instances/{FLEET}-gcp-2")
    made = fleet.present()
    assert ("change", "data volume", f"{FLEET}-gcp-2-data") in rows(made)
    assert disks(fleet)["gcp-2"]["id"] == before
    assert holders(fleet)["gcp-2"] == [f"{FLEET}-gcp-2"]


def test_a_disk_grows_and_is_never_made_smaller(fleet: Project) -> None:
    fleet.present()
    larger = fleet.present(data={"size": 16})
    assert [row["fields"] for row in larger["plan"]["rows"]] == [[{"field": "size", "before": 12, "after": 16}]] * 2
    assert {one["sizeGb"] for one in disks(fleet).values()} == {"16"}
    mark = fleet.mark()
    with pytest.raises(Failed) as refused:
        fleet.present(data={"size": 14})
    assert (codes(refused), fleet.changes(mark)) == (["data-shrink", "data-shrink"], [])


def test_what_cannot_be_a_disk_of_google_s_is_refused_before_anything_is_made(project: Project) -> None:
    for data in ({"size": 4}, {"size": 12, "snapshot": "snap-0123456789abcdef0"}):
        with pytest.raises(Failed) as refused:
            project.present(data=data)
        assert codes(refused) == ["bad-data"]
    assert project.changes() == []


def test_a_machine_in_another_zone_than_its_disk_is_refused_before_anything_is_made(fleet: Project) -> None:
    fleet.present()
    for slot, zone in (("gcp-1", ONE), ("gcp-2", TWO)):
        fleet.edit("DELETE", f"zones/{zone}/instances/{FLEET}-{slot}")
    mark = fleet.mark()
    with pytest.raises(Failed) as refused:
        fleet.present(zones=[TWO, ONE])
    assert (codes(refused), fleet.changes(mark)) == (["data-zone", "data-zone"], [])


def test_a_disk_that_another_machine_has_is_not_taken_away_from_it(fleet: Project) -> None:
    fleet.present(hosts=3)
    one, three = (f"zones/{ONE}/instances/{FLEET}-gcp-{number}" for number in (1, 3))
    fleet.google.front.compute.resources.get(f"projects/{PROJECT}/{one}")["disks"].pop()
    fleet.edit("POST", f"{three}/attachDisk", {"source": disks(fleet)["gcp-1"]["selfLink"], "deviceName": "other"})
    with pytest.raises(Failed) as refused:
        fleet.present(hosts=3)
    assert codes(refused) == ["data-attached"]
    assert holders(fleet)["gcp-1"] == [f"{FLEET}-gcp-3"]


def test_a_slot_without_a_disk_gets_one_of_its_snapshot_and_the_disk_that_it_had_keeps_its_name(fleet: Project) -> None:
    fleet.present()
    first = f"zones/{ONE}/disks/{FLEET}-gcp-1-data"
    fleet.edit("POST", f"{first}/createSnapshot", {"name": "nightly"})
    mine = fleet.get(first)
    labels = {key: value for key, value in mine["labels"].items() if key != "praxis_data"}
    fleet.edit("POST", f"{first}/setLabels", {"labels": labels, "labelFingerprint": mine["labelFingerprint"]})
    url = f"projects/{PROJECT}/zones/{ONE}/instances/{FLEET}-gcp-1"
    fleet.google.front.compute.resources.get(url)["disks"].pop()
    fleet.present(data={**DATA, "snapshot": {"gcp-1": "nightly"}})
    made = disks(fleet)["gcp-1"]
    assert made["name"] == f"{FLEET}-gcp-1-data-2"
    assert made["sourceSnapshot"].endswith("/global/snapshots/nightly")
    assert fleet.get(first)["id"] == mine["id"]


def test_removal_keeps_the_disks_and_names_them_unless_asked_to_remove_them(fleet: Project) -> None:
    fleet.present()
    ids = {slot: one["name"] for slot, one in disks(fleet).items()}
    gone = fleet.absent()
    assert {each["slot"]: each["id"] for each in gone["data_volumes"]} == ids
    assert fleet.resources() == {"disks": 2}
    fleet.present()
    assert holders(fleet) == {slot: [f"{FLEET}-{slot}"] for slot in ids}
    predicted = fleet.absent(check=True, remove_data=True)
    assert [row["lost"] != "" for row in predicted["plan"]["rows"] if row["kind"] == "data volume"] == [True, True]
    assert sorted(disks(fleet)) == sorted(ids)
    assert fleet.absent(remove_data=True)["data_volumes"] == []
    assert fleet.resources() == {}


@pytest.mark.parametrize("value", [REPLACED, RESTORING, "mine"])
def test_a_removal_knows_disks_that_are_no_slot_s_any_more_and_backups(fleet: Project, value: str) -> None:
    """A restored disk takes the place of another, which stays and costs."""
    fleet.present()
    found = {slot: one["name"] for slot, one in disks(fleet).items()}
    named = Wanted(FLEET, ("gcp-1",), words=GOOGLE)
    other = GoogleDisks(fleet.client(), named, "here").create("gcp-1", ONE, 12, "", value)
    GoogleBackups(fleet.client(), FLEET).start(found["gcp-1"], ONE, "gcp-1", "20261128t220823z", 5.0)
    predicted, kept = fleet.absent(check=True), fleet.absent()
    for one in (predicted, kept):
        assert {each["id"] for each in one["data_volumes"]} == {*found.values()}
        assert [(each["id"], each["slot"]) for each in one["replaced_volumes"]] == [(other.id, "gcp-1")]
        assert one["backups"] == ["20261128t220823z"]
    gone = fleet.absent(remove_data=True)
    assert (gone["data_volumes"], gone["replaced_volumes"]) == ([], [])
    assert gone["backups"] == ["20261128t220823z"]
    assert fleet.resources() == {}


def test_the_inventory_knows_the_disk_by_the_name_that_it_is_attached_under(fleet: Project) -> None:
    fleet.present()
    found = machine(fleet, "gcp-1", ONE)
    assert member_of(found, PROJECT)["variables"]["praxis_data_volume"] == f"{FLEET}-gcp-1-data"
    bare = {**found, "disks": found["disks"][:1]}
    assert member_of(bare, PROJECT)["variables"]["praxis_data_volume"] == ""


def test_a_snapshot_is_known_by_its_labels_and_complete_once_that_is_said(fleet: Project) -> None:
    fleet.present()
    disk = volume(disks(fleet)["gcp-1"])
    backups = GoogleBackups(fleet.client(), FLEET)
    id_ = backups.start(disk.id, disk.zone, disk.slot, "20261128t220823z", 5.0)
    fleet.edit("POST", f"zones/{ONE}/disks/{disk.id}/createSnapshot", {"name": "somebodys"})
    (one,) = backups.observe()
    assert (one.id, one.name, one.slot, one.size, one.complete) == (id_, "20261128t220823z", "gcp-1", 12, False)
    assert id_ == f"{FLEET}-gcp-1-20261128t220823z"
    backups.complete(id_)
    assert [each.complete for each in backups.observe()] == [True]
    assert GoogleBackups(fleet.client(), "another").observe() == []
    backups.remove(id_)
    backups.remove(id_)
    assert backups.observe() == []


def test_a_disk_in_the_place_of_another_leaves_provisioning_nothing_to_do(fleet: Project) -> None:
    fleet.present()
    old = volume(fleet.get(f"zones/{ONE}/disks/{FLEET}-gcp-1-data"))
    fleet.edit("POST", f"zones/{ONE}/disks/{old.id}/createSnapshot", {"name": "nightly"})
    handled = GoogleDisks(fleet.client(), Wanted(FLEET, ("gcp-1",), words=GOOGLE), "here", 5.0, fleet.provision().poll)
    new = handled.create("gcp-1", ONE, 12, "nightly", RESTORING)
    assert new.id != old.id
    assert rows(fleet.present()) == []
    put_in_place(handled, old, new, f"{FLEET}-gcp-1")
    assert disks(fleet)["gcp-1"]["name"] == new.id
    assert holders(fleet)["gcp-1"] == [f"{FLEET}-gcp-1"]
    assert rows(fleet.present()) == []
    left = fleet.get(f"zones/{ONE}/disks/{old.id}")
    assert (left["labels"]["praxis_data"], left.get("users")) == ("replaced", None)
