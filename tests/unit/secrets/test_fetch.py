# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching from stores that are made up: batching, keys, and failures reported together."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Expired
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import (
    Description,
    Outcome,
    Secret,
    describe_all,
    fetch_all,
    fetch_each,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

PLANTED = "planted-value-4b7d"
DOCUMENT = """{
  "text": "a \\"quoted\\" line\\n", "empty": "", "ü.b/c": "dotted", "big": 12345678901234567890, "exact": 1.10,
  "exponent": 1E5, "yes": true, "nothing": null, "list": [1, 2.50, "x"], "object": {"b": 1, "a": "ä"},
  "nested": {"deep": [{"big": 12345678901234567890, "huge": 1E999, "tiny": -0.0, "a": {}, "b": [], "a": "again"}]},
  "pair": "\\ud83d\\ude00", "quoted": "12"
}"""


@dataclass
class Shelf:
    """A store in memory that remembers what it was asked."""

    secrets: Mapping[str, Outcome]
    asked: list[list[Reference]] = field(default_factory=list)

    def fetch(self, references: Sequence[Reference]) -> dict[Reference, Outcome]:
        self.asked.append(list(references))
        return {reference: self.secrets[reference.name] for reference in references}

    def describe(self, references: Sequence[Reference]) -> dict[Reference, Description | Finding]:
        raise Expired("No credentials.", "shelf", "Log in.")


class Closed(Shelf):
    def fetch(self, references: Sequence[Reference]) -> dict[Reference, Outcome]:
        raise Expired("No credentials.", "shelf", "Log in.")


def ref(text: str) -> Reference:
    reference = parse(text)
    assert reference
    return reference


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("text", 'a "quoted" line\n'),
        ("empty", ""),
        ("ü.b/c", "dotted"),
        ("big", "12345678901234567890"),
        ("exact", "1.10"),
        ("exponent", "1E5"),
        ("yes", "true"),
        ("nothing", "null"),
        ("list", '[1,2.50,"x"]'),
        ("object", '{"b":1,"a":"ä"}'),
        ("nested", '{"deep":[{"big":12345678901234567890,"huge":1E999,"tiny":-0.0,"a":{},"b":[],"a":"again"}]}'),
        ("pair", "\U0001f600"),
        ("quoted", "12"),
    ],
)
def test_a_key_has_one_text_whatever_its_type(key: str, value: str) -> None:
    shelf = Shelf({"a": Secret(DOCUMENT, "v1")})
    reference = Reference("aws-sm", "a", key)
    assert fetch_all([reference], {"aws-sm": shelf}) == {reference: Secret(value, "v1")}


def test_a_secret_is_asked_for_once_however_many_keys_are_wanted() -> None:
    shelf = Shelf({"a": Secret('{"x": "1", "y": "2"}', "v1"), "b": Secret(b"\x00", "v2")})
    wanted = [ref("aws-sm://a#x"), ref("aws-sm://a#y"), ref("aws-sm://a"), ref("aws-sm://b"), ref("aws-sm://a#x")]
    fetched = fetch_all(wanted, {"aws-sm": shelf})
    assert shelf.asked == [[ref("aws-sm://a"), ref("aws-sm://b")]]
    assert [fetched[reference].value for reference in wanted] == ["1", "2", '{"x": "1", "y": "2"}', b"\x00", "1"]


def test_nothing_wanted_nothing_asked() -> None:
    shelf = Shelf({})
    assert fetch_all([], {"aws-sm": shelf}) == {}
    assert shelf.asked == []


@pytest.mark.parametrize(
    ("value", "key", "code", "words"),
    [
        (f'{{"password": "{PLANTED}"}}', "pasword", "secret-key-not-found", "'password'"),
        (f'{{"a.b": "{PLANTED}"}}', "zzz", "secret-key-not-found", "every character"),
        (f'{{"a": {{"b": "{PLANTED}"}}}}', "a.b", "secret-key-not-found", ""),
        (PLANTED, "k", "secret-not-json", "remove #KEY"),
        (f'["{PLANTED}"]', "0", "secret-not-json", ""),
        (f'{{"a": "{PLANTED}"', "a", "secret-not-json", ""),
        (PLANTED.encode(), "k", "secret-binary", "remove #KEY"),
        ("", "k", "secret-not-json", ""),
        ('"text"', "k", "secret-not-json", ""),
        (f'{{"k": "{PLANTED}", "k": "{PLANTED}"}}', "k", "secret-key-ambiguous", "all but the right one"),
        (f'{{"k": "{PLANTED}\\ud83d"}}', "k", "secret-not-text", "Store the value again"),
        ("[" * 30000, "k", "secret-not-json", ""),
        ('{"k": %s}' % ("[" * 700 + "]" * 700), "k", "secret-not-json", "as a string"),
    ],
)
def test_a_key_that_cannot_be_had(value: str | bytes, key: str, code: str, words: str) -> None:
    shelf = Shelf({"a": Secret(value, "v1")})
    with pytest.raises(Failed) as caught:
        fetch_all([Reference("aws-sm", "a", key)], {"aws-sm": shelf})
    (finding,) = caught.value.findings
    assert finding.code == code
    assert words in finding.fix
    assert finding.where == f"aws-sm://a#{key}"
    assert PLANTED not in printed(caught.value)


def printed(error: BaseException) -> str:
    """Everything a traceback with its causes and contexts would hold, and the exceptions' attributes."""
    text, seen = "", error
    while seen is not None:
        text += f"{seen!r}{seen}{vars(seen)}{''.join(traceback.format_exception(seen))}"
        seen = seen.__cause__ or seen.__context__  # type: ignore[assignment]
    return text


def test_every_failure_is_reported_at_once() -> None:
    gone = Finding("secret-not-found", "Gone.", "b", "Look.")
    shelf = Shelf({"a": Secret("text", "v1"), "b": gone})
    wanted = [ref("aws-sm://a"), ref("aws-sm://a#k"), ref("aws-sm://b"), ref("aws-sm://b#x"), ref("gcp-sm://p/n")]
    with pytest.raises(Failed) as caught:
        fetch_all(wanted, {"aws-sm": shelf})
    assert [finding.code for finding in caught.value.findings] == [
        "secret-not-json", "secret-not-found", "secret-store-unsupported",
    ]  # fmt: skip


def test_both_stores_are_asked_at_the_same_time_and_once() -> None:
    together = threading.Barrier(2)

    class Waiting(Shelf):
        def fetch(self, references: Sequence[Reference]) -> dict[Reference, Outcome]:
            together.wait(10)
            asked.append(sorted(each.name for each in references))
            return dict(super().fetch(references))

    asked: list[list[str]] = []
    stores = {"aws-sm": Waiting({"a": Secret("x", "1"), "b": Secret('{"k": "y"}', "1")}),
              "gcp-sm": Waiting({"n": Secret("z", "1")})}  # fmt: skip
    found = fetch_all([ref("aws-sm://a"), ref("gcp-sm://p/n"), ref("aws-sm://b#k"), ref("aws-sm://b")], stores)
    assert [each.value for each in found.values()] == ["x", "z", "y", '{"k": "y"}']
    assert sorted(asked) == [["a", "b"], ["n"]]


def test_a_store_that_cannot_be_asked_is_reported_once() -> None:
    shelf = Shelf({"n": Secret("x", "1")})
    stores = {"aws-sm": Closed({}), "gcp-sm": shelf}
    wanted = [ref("aws-sm://a"), ref("aws-sm://b#k"), ref("gcp-sm://p/n")]
    with pytest.raises(Failed) as caught:
        fetch_all(wanted, stores)
    assert [finding.code for finding in caught.value.findings] == ["cloud-credentials"]
    each = fetch_each(wanted, stores)
    assert [isinstance(each[reference], Finding) for reference in wanted] == [True, True, False]
    with pytest.raises(Failed) as caught:
        describe_all(wanted[:2], stores)
    assert [finding.code for finding in caught.value.findings] == ["cloud-credentials"]


def test_a_secret_hides_its_value() -> None:
    secret = Secret(PLANTED, "v1")
    assert PLANTED in f"{secret.value}"
    assert PLANTED not in f"{secret!r} {secret} {[secret]} {secret:}"
