# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities in Secret Manager: made once whoever comes, never made anew, and gone when they are removed."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities_gcp
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import Change, Identity, diff
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_gcp import GcpIdentities
from tests import tiers

from .conftest import PROJECT, Google

NAME = "praxis_demo_identity_gcp-1"
SEED = b"a planted seed of the right size"


class Safe:
    """A project's secrets, as their owner sees them and as the product does."""

    def __init__(self, google: Google) -> None:
        self.google = google
        self.client = GcpClient(PROJECT, retry=Retry(deadline=20, base=0.01, cap=0.02))
        self.identities = GcpIdentities(self.client, "demo")

    def call(self, verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        return self.client.call("secretmanager", verb, f"v1/projects/{PROJECT}/secrets{path}", body=body, query=query)

    def make(self, name: str = NAME) -> None:
        self.call("POST", "", {"replication": {"automatic": {}}}, secretId=name)

    def fill(self, value: bytes = SEED, name: str = NAME) -> None:
        self.call("POST", f"/{name}:addVersion", {"payload": {"data": base64.b64encode(value).decode()}})

    def stored(self, version: int = 1, name: str = NAME) -> bytes:
        return base64.b64decode(self.call("GET", f"/{name}/versions/{version}:access")["payload"]["data"])

    def bring(self, *slots: str, state: str = "present") -> dict[str, Identity]:
        """What the module does: observe, compare, carry out."""
        changes = diff(self.identities.read(slots, unusable=state == "absent").values(), state)
        done, failed = self.identities.apply(changes)
        assert failed == []
        return done


@pytest.fixture
def safe(google: Google, monkeypatch: pytest.MonkeyPatch) -> Safe:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return Safe(google)


def test_made_with_labels_and_not_again(safe):
    made = safe.bring("gcp-1", "gcp-2")
    assert {slot: (each.name, each.state, each.version) for slot, each in made.items()} == {
        f"gcp-{number}": (f"praxis_demo_identity_gcp-{number}", "present", "1") for number in (1, 2)}
    assert made["gcp-1"].seed == safe.stored() != safe.stored(name="praxis_demo_identity_gcp-2")
    assert len(safe.stored()) == 32
    secret = safe.call("GET", f"/{NAME}")
    assert secret["labels"] == {"praxis_fleet": "demo", "praxis_slot": "gcp-1"}
    assert secret["replication"] == {"automatic": {}}
    assert sorted(safe.google.changes()) == ["addVersion", "addVersion", "create", "create"]
    assert safe.bring("gcp-1", "gcp-2") == {}
    assert safe.identities.slots() == ["gcp-1", "gcp-2"]
    assert safe.identities.read(["gcp-1"]) == {"gcp-1": made["gcp-1"]}


def test_what_is_stored_was_checked_on_its_way(safe, monkeypatch):
    monkeypatch.setattr(identities_gcp, "crc32c", lambda data: 7)
    changes = diff(safe.identities.read(["gcp-1"]).values(), "present")
    _done, failed = safe.identities.apply(changes)
    assert [found.code for found in failed] == ["cloud-invalid"]


@pytest.mark.parametrize("value", [SEED, bytes(range(32)), "ä".encode() * 16, b"\xff" * 32])
def test_a_seed_is_32_bytes_even_where_they_spell_something(safe, value):
    safe.make()
    safe.fill(value)
    assert safe.identities.read(["gcp-1"])["gcp-1"].seed == value


def test_others_of_a_similar_name_are_no_slots(safe):
    for name in ("praxis_demo_identity_gcp-1", "praxis_demo2_identity_gcp-1", "x_praxis_demo_identity_gcp-9",
                 "PRAXIS_DEMO_IDENTITY_gcp-8"):
        safe.make(name)
    assert safe.identities.slots() == ["gcp-1"]


def test_many_pages_of_slots(safe, monkeypatch):
    for number in range(7):
        safe.make(f"praxis_demo_identity_gcp-{number}")
    paginate = safe.client.paginate
    monkeypatch.setattr(safe.client, "paginate", lambda service, path, items, query: paginate(
        service, path, items, {**query, "pageSize": "3"}))
    assert safe.identities.slots() == [f"gcp-{number}" for number in range(7)]


def test_one_that_was_left_half_made_is_finished(safe):
    safe.make()
    assert safe.identities.read(["gcp-1"])["gcp-1"].state == "half-made"
    assert safe.bring("gcp-1")["gcp-1"].seed == safe.stored()
    assert safe.identities.read(["gcp-1"])["gcp-1"].version == "1"


@pytest.mark.parametrize("then", ["filled", "half-made"])
def test_one_made_meanwhile_is_kept(safe, then):
    changes = diff(safe.identities.read(["gcp-1"]).values(), "present")
    safe.make()
    if then == "filled":
        safe.fill()
    done, failed = safe.identities.apply(changes)
    assert failed == []
    assert done["gcp-1"].seed == safe.stored() == (SEED if then == "filled" else done["gcp-1"].seed)
    assert done["gcp-1"].version == "1"


def test_one_that_is_filled_between_the_observation_and_the_own_seed_is_kept(safe, monkeypatch):
    """The other controller's seed comes first by a hair: ours becomes version 2, which nobody reads."""
    call = safe.client.call

    def overtaken(service: str, verb: str, path: str, **more: Any) -> dict[str, Any]:
        if path.endswith(":addVersion"):
            call(service, verb, path, body={"payload": {"data": base64.b64encode(SEED).decode()}})
        return call(service, verb, path, **more)

    monkeypatch.setattr(safe.client, "call", overtaken)
    assert safe.bring("gcp-1")["gcp-1"] == Identity("gcp-1", NAME, "present", "1", SEED)
    assert safe.identities.read(["gcp-1"])["gcp-1"].seed == SEED != safe.stored(2)


@pytest.mark.slow
def test_controllers_that_race_agree(safe):
    """All look and see nothing; then all make it at once."""
    racers = 4
    slots = [f"gcp-{number}" for number in range(5)]
    changes = [Change("create", slot, f"praxis_demo_identity_{slot}") for slot in slots]
    ready = threading.Barrier(racers)

    def race(_number: int) -> dict[str, Identity]:
        store = GcpIdentities(GcpClient(PROJECT, retry=Retry(deadline=20, base=0.01, cap=0.02)), "demo")
        store.slots()  # its token, so that only what counts is raced for
        ready.wait(20)
        done, failed = store.apply(changes)
        assert failed == []
        return done

    with ThreadPoolExecutor(racers) as pool:
        seen = list(pool.map(race, range(racers)))
    for slot in slots:
        assert {each[slot].seed for each in seen} == {safe.stored(name=f"praxis_demo_identity_{slot}")}


@pytest.mark.parametrize("kind", tiers.only(["throttle", "error", "reset", "lose", "truncate"], "lose".__eq__))
@pytest.mark.parametrize("operation", ["create", "addVersion", "delete"])
def test_no_transient_error_makes_a_second_seed_or_keeps_one(safe, operation, kind):
    safe.google.faults.add({"kind": kind, "operations": [f"secretmanager:*.{operation}"], "count": 2})
    made = safe.bring("gcp-1")["gcp-1"]
    assert made.seed == safe.stored()
    assert safe.bring("gcp-1") == {}
    assert safe.bring("gcp-1", state="absent")["gcp-1"].state == "deleted"
    assert safe.identities.slots() == []
    assert [fault["fired"] for fault in safe.google.faults.listing()] == [2]


@pytest.mark.parametrize(("verb", "said"), [("disable", "is disabled"), ("destroy", "is destroyed")])
def test_a_seed_that_cannot_be_read_is_reported_and_never_replaced(safe, verb, said):
    safe.make()
    safe.fill()
    safe.call("POST", f"/{NAME}/versions/1:{verb}", {})
    safe.fill(b"x" * 32)  # a later version is none of the slot's
    before = safe.google.changes()
    with pytest.raises(Failed) as raised:
        safe.bring("gcp-1")
    [found] = raised.value.findings
    assert (found.code, said in found.what) == ("identity-seed", True)
    assert found.where == f"gcp-sm://{PROJECT}/{NAME}?version=1"
    assert safe.google.changes() == before
    # What the message says to do, and nothing less, makes a new one.
    safe.bring("gcp-1", state="absent")
    assert safe.bring("gcp-1")["gcp-1"].version == "1"


def test_removed_is_gone_whatever_it_was(safe):
    safe.make()
    safe.bring("gcp-1", state="absent")
    safe.bring("gcp-2")
    safe.bring("gcp-2", state="absent")
    assert safe.bring("gcp-1", "gcp-2", state="absent") == {}
    assert safe.identities.read(["gcp-2"])["gcp-2"].state == "missing"


def test_a_refused_creation_says_what_to_grant(safe):
    safe.google.front.access.revoke(safe.google.email, f"projects/{PROJECT}")
    safe.google.front.access.grant(safe.google.email, ["secretmanager.*.get", "secretmanager.versions.access"],
                                   f"projects/{PROJECT}")
    changes = diff(safe.identities.read(["gcp-1"]).values(), "present")
    done, [found] = safe.identities.apply(changes)
    assert (done, found.code) == ({}, "cloud-denied")
    assert "secretmanager.secrets.create" in found.fix
