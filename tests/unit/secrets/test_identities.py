# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identities: names, what a seed must be, what there is to do, and doing it in AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from moto import mock_aws

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient, AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Description, Outcome, Secret
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import (
    Change,
    Identity,
    diff,
    read,
    reference,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_aws import AwsIdentities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference, parse

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


def test_a_seed_is_a_reference_like_any_other() -> None:
    assert parse("aws-sm://praxis/demo/identity/agent-1") == reference("demo", "agent-1")


@pytest.mark.parametrize(("fleet", "slot"), [("demo", "a/b"), ("demo", ""), ("de mo", "a"), ("demo", "-a"), ("", "a")])
def test_names_that_cannot_be(fleet: str, slot: str) -> None:
    with pytest.raises(Failed) as caught:
        reference(fleet, slot)
    assert caught.value.findings[0].code == "identity-name"


def test_what_is_there() -> None:
    shelf = Shelf({"a": Secret(SEED, "v"), "b": finding("secret-not-found"), "c": finding("secret-deleted")})
    found = read("demo", ["a", "b", "c", "a"], {"aws-sm": shelf})
    assert list(found.values()) == [
        Identity("a", "praxis/demo/identity/a", "present", "v", SEED),
        Identity("b", "praxis/demo/identity/b", "missing"),
        Identity("c", "praxis/demo/identity/c", "scheduled for deletion"),
    ]
    assert repr(SEED)[2:-1] not in repr(found)


def test_every_unusable_seed_is_named_with_its_mend() -> None:
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
        read("demo", stored, {"aws-sm": Shelf(stored)})
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


def test_what_was_done_is_told_beside_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
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
