# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities: names, what a seed must be, what there is to do, and doing it in AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Description, Outcome, Secret
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import (
    Change,
    Identity,
    diff,
    read,
    reference,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_aws import AwsIdentities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

SEED = bytes(range(32))


class Shelf:
    def __init__(self, held: Mapping[str, Outcome]) -> None:
        self.held = held

    def fetch(self, references: Sequence[Reference]) -> dict[Reference, Outcome]:
        return {each: self.held[each.name.rpartition("/")[2]] for each in references}

    def describe(self, references: Sequence[Reference]) -> dict[Reference, Description | Finding]:
        raise NotImplementedError


def finding(code: str) -> Finding:
    return Finding(code, "What.", "where", "Fix.")


def places(slots: str, store: str = "aws-sm") -> dict[str, Reference]:
    """Where slots of one letter are."""
    return {slot: reference("demo", slot, store, "a-project" if store == "gcp-sm" else "") for slot in slots}


def test_a_seed_is_a_reference_like_any_other() -> None:
    assert parse("aws-sm://praxis/demo/identity/agent-1") == reference("demo", "agent-1")
    seed = parse("gcp-sm://a-project/praxis_demo_identity_agent-1?version=1")
    assert seed == reference("demo", "agent-1", "gcp-sm", "a-project")


BAD_EVERYWHERE = [("demo", "a/b"), ("demo", ""), ("de mo", "a"), ("demo", "-a"), ("", "a")]
BAD_IN_GOOGLE = [("demo", "a.b"), ("demo", "A"), ("demo", "_a"), ("demo", "a" * 64), ("de_mo", "a"), ("Demo", "a"),
                 ("d" * 64, "a"), ("demo", "ä")]  # fmt: skip


@pytest.mark.parametrize(
    ("fleet", "slot", "store"),
    [
        *((fleet, slot, store) for fleet, slot in BAD_EVERYWHERE for store in ("aws-sm", "gcp-sm")),
        *((fleet, slot, "gcp-sm") for fleet, slot in BAD_IN_GOOGLE),
    ],
)
def test_names_that_cannot_be(fleet: str, slot: str, store: str) -> None:
    with pytest.raises(Failed) as caught:
        reference(fleet, slot, store, "a-project")
    (found,) = caught.value.findings
    assert found.code == "identity-name"
    assert store in found.what
    assert repr(slot) in found.what or repr(fleet) in found.what


NAMES = st.text("ab-_0", min_size=1, max_size=9)


@given(NAMES, NAMES, NAMES, NAMES)
def test_no_two_slots_share_a_secret(fleet: str, slot: str, other_fleet: str, other_slot: str) -> None:
    """Not even where fleet and slot are joined by what may be part of them."""
    try:
        one = reference(fleet, slot, "gcp-sm", "a-project")
        other = reference(other_fleet, other_slot, "gcp-sm", "a-project")
    except Failed:
        return
    assert (one == other) is ((fleet, slot) == (other_fleet, other_slot))
    # What Google takes for a secret's id and for a label's value.
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,255}", one.name)
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", slot)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Secret(b"\xff" * 32, "1"), "present"),
        (Secret("0" * 32, "1"), "present"),  # bytes that happen to be text
        (Secret("ä" * 16, "1"), "present"),
        (Finding("secret-not-found", "What.", "where", "Fix."), "missing"),
        (Finding("secret-version-not-found", "What.", "where", "Fix."), "half-made"),
    ],
)
def test_what_is_there_in_google(outcome: Outcome, state: str) -> None:
    (found,) = read(places("a", "gcp-sm"), {"gcp-sm": Shelf({"praxis_demo_identity_a": outcome})}).values()
    assert (found.state, len(found.seed)) == (state, 32 if state == "present" else 0)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Secret(bytes(31), "1"), "has 31 bytes"),
        (Secret("ä" * 32, "1"), "has 64 bytes"),
        (Finding("secret-disabled", "What.", "where", "Fix."), "is disabled"),
        (Finding("secret-destroyed", "What.", "where", "Fix."), "is destroyed"),
        (Finding("secret-empty", "What.", "where", "Fix."), "has no bytes"),
    ],
)
def test_an_unusable_seed_in_google_is_reported_and_can_only_be_removed(outcome: Outcome, said: str) -> None:
    stores = {"gcp-sm": Shelf({"praxis_demo_identity_a": outcome})}
    with pytest.raises(Failed) as caught:
        read(places("a", "gcp-sm"), stores)
    (found,) = caught.value.findings
    assert (found.code, found.what) == ("identity-seed", f"The seed of slot 'a' {said}; it must be 32 bytes.")
    assert "version 1" in found.fix and "recovery_window_days=0" in found.fix
    there = read(places("a", "gcp-sm"), stores, unusable=True).values()
    assert [each.verb for each in diff(there, "absent")] == ["delete"]


def test_what_there_is_to_do_with_one_that_is_half_made() -> None:
    there = [Identity("a", "name", "half-made")]
    assert diff(there, "present") == [Change("create", "a", "name")]
    assert diff(there, "absent") == [Change("delete", "a", "name")]


def test_what_is_there() -> None:
    shelf = Shelf({"a": Secret(SEED, "v"), "b": finding("secret-not-found"), "c": finding("secret-deleted")})
    found = read(places("abca"), {"aws-sm": shelf})
    assert list(found.values()) == [
        Identity("a", "praxis/demo/identity/a", "present", "v", SEED),
        Identity("b", "praxis/demo/identity/b", "missing"),
        Identity("c", "praxis/demo/identity/c", "scheduled for deletion"),
    ]
    assert repr(SEED)[2:-1] not in repr(found)


def test_every_unusable_seed_is_named_with_its_fix() -> None:
    stored: dict[str, Outcome] = {
        "a": Secret(b"short-planted", "v"),
        "b": Secret("0" * 32, "v"),
        "c": Secret(bytes(31), "v"),
        "d": Secret(bytes(33), "v"),
        "e": Secret(b"", "v"),
        "f": finding("secret-empty"),
        "g": finding("secret-denied"),
    }
    with pytest.raises(Failed) as caught:
        read(places("abcdefg"), {"aws-sm": Shelf(stored)})
    *unusable, denied = caught.value.findings
    must = "; it must be 32 bytes, stored as binary."
    assert [each.what for each in unusable] == [
        f"The seed of slot 'a' has 13 bytes{must}",
        f"The seed of slot 'b' is stored as text{must}",
        f"The seed of slot 'c' has 31 bytes{must}",
        f"The seed of slot 'd' has 33 bytes{must}",
        f"The seed of slot 'e' has 0 bytes{must}",
        f"The seed of slot 'f' has no bytes{must}",
    ]
    assert {each.code for each in unusable} == {"identity-seed"}
    assert unusable[0].where == "aws-sm://praxis/demo/identity/a"
    assert all("SecretBinary" in each.fix for each in unusable)
    assert denied.code == "secret-denied"
    assert "planted" not in str(caught.value)


def test_what_there_is_to_do() -> None:
    name = "praxis/demo/identity/"
    there = [Identity("a", name + "a", "present", "v", SEED), Identity("b", name + "b", "missing"),
             Identity("c", name + "c", "scheduled for deletion")]  # fmt: skip
    assert diff(there, "present") == [Change("create", "b", name + "b"), Change("restore", "c", name + "c")]
    assert diff(there, "absent") == [Change("delete", "a", name + "a")]


def test_an_identity_made_meanwhile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = AwsClient("eu-central-1", credentials=AwsCredentials("AKIAIOSFODNN7EXAMPLE", "k" * 40))
        store = AwsIdentities(client, "demo", 30)
        changes = diff(store.read(["a", "b"]).values(), "present")
        theirs = client.call("secretsmanager", "create_secret", Name="praxis/demo/identity/a", SecretBinary=SEED)
        done, failed = store.apply(changes)
        assert failed == []
        assert done["a"] == Identity("a", "praxis/demo/identity/a", "present", theirs["VersionId"], SEED)
        assert store.read(["a", "b"]) == done
        assert len(done["b"].seed) == 32


def test_what_was_done_is_reported_beside_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = AwsClient("eu-central-1", credentials=AwsCredentials("AKIAIOSFODNN7EXAMPLE", "k" * 40))
        call = client.call

        def refusing(service: str, operation: str, **params: Any) -> dict[str, Any]:
            if params.get("Name", "").endswith("/b"):
                raise errors.Denied("AWS answered no.", "AWS", "Grant it.")
            return call(service, operation, **params)

        monkeypatch.setattr(client, "call", refusing)
        store = AwsIdentities(client, "demo", 30)
        done, failed = store.apply(diff(store.read(["a", "b", "c"]).values(), "present"))
    assert sorted(done) == ["a", "c"]
    assert [each.code for each in failed] == ["cloud-denied"]


@pytest.mark.parametrize(("answers", "asked"), [(2, 3), (999, 21)])
def test_what_was_made_is_there_for_who_asks_next(monkeypatch: pytest.MonkeyPatch, answers: int, asked: int) -> None:
    """The plan that follows asks for it at once, and the store may show it late; for ever nobody waits."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    seen: list[str] = []
    with mock_aws():
        client = AwsClient("eu-central-1", credentials=AwsCredentials("AKIAIOSFODNN7EXAMPLE", "k" * 40))
        call = client.call

        def late(service: str, operation: str, **params: Any) -> dict[str, Any]:
            seen.append(operation)
            if operation != "batch_get_secret_value" or "create_secret" not in seen or len(seen) > answers + 1:
                return call(service, operation, **params)
            unseen = {"ErrorCode": "ResourceNotFoundException", "Message": "There is no such secret."}
            return {"SecretValues": [], "Errors": [{"SecretId": name, **unseen} for name in params["SecretIdList"]]}

        monkeypatch.setattr(client, "call", late)
        now = [0.0]
        poll = Poll(1.0, lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
        store = AwsIdentities(client, "demo", 30, poll)
        done, failed = store.apply([Change("create", "a", "praxis/demo/identity/a")])
    assert (list(done), failed) == (["a"], [])
    assert len(seen) == asked + 1, seen
