# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching secrets: many references, one batch, every failure reported at once.

A secret's value appears in ``Secret.value`` and nowhere else: no exception, representation or log line holds one.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference


@dataclass(frozen=True)
class Secret:
    """A value and the version it came from. ``bytes`` for a secret stored as binary, otherwise ``str``."""

    value: str | bytes = field(repr=False)
    version: str


Outcome: TypeAlias = "Secret | Finding"


@dataclass(frozen=True)
class Description:
    """What a store says about a secret without opening it.

    :param version: the version that the reference resolves to now.
    :param stages: staging labels of that version.
    :param versions: every version and its staging labels.
    :param created, changed: UTC, ISO 8601, or empty.
    """

    name: str
    id: str
    version: str
    stages: tuple[str, ...]
    versions: Mapping[str, tuple[str, ...]]
    created: str
    changed: str
    rotation: bool
    encryption_key: str
    tags: Mapping[str, str]


class Store(Protocol):
    """One secret store. It is asked for whole secrets; keys are taken out here."""

    def fetch(self, references: Sequence[Reference]) -> Mapping[Reference, Outcome]:
        """The value of each reference (none has a key), or the finding that says why there is none."""

    def describe(self, references: Sequence[Reference]) -> Mapping[Reference, Description | Finding]:
        """The description of each reference (none has a key), or a finding. Opens no secret."""


def empty(where: str) -> Finding:
    """That a secret is there and holds nothing."""
    return Finding("secret-empty", "The secret holds no value.", where, "Store a value in the secret.")


def not_found(where: str, fix: str) -> Finding:
    """That there is no secret."""
    return Finding("secret-not-found", "There is no such secret.", where, fix)


def fetch_all(references: Iterable[Reference], stores: Mapping[str, Store]) -> dict[Reference, Secret]:
    """The value of every reference.

    :param stores: by ``Reference.store``.
    :raises Failed: with the finding of every reference that has none.
    """
    return _all_or_failed(fetch_each(references, stores))


def fetch_text(named: str, stores: Mapping[str, Store]) -> tuple[str, str]:
    """The value of one reference, and its version.

    :raises Failed: what is no reference, what the store says, ``secret-binary``.
    """
    (reference,) = parse_all([named])
    secret = fetch_all([reference], stores)[reference]
    if isinstance(secret.value, bytes):
        fix = "Store the secret as text."
        raise Failed(Finding("secret-binary", "The secret is binary and not text.", str(reference), fix))
    return secret.value, secret.version


def fetch_each(references: Iterable[Reference], stores: Mapping[str, Store]) -> dict[Reference, Outcome]:
    """For every reference its value, or the finding that says why there is none. Raises nothing.

    For callers to whom a missing secret is an answer, such as an identity that is still to be made.
    """
    asked = list(dict.fromkeys(references))
    whole = _each_store(asked, lambda name, group: _store(stores, name).fetch(group))
    return {reference: _take(reference, whole[reference.whole()]) for reference in asked}


def describe_all(references: Iterable[Reference], stores: Mapping[str, Store]) -> dict[Reference, Description]:
    """Metadata and versions of every reference; no secret is opened, so a key is not looked for.

    :raises Failed: with the finding of every reference that could not be described.
    """
    asked = list(dict.fromkeys(references))
    whole = _each_store(asked, lambda name, group: _store(stores, name).describe(group))
    return _all_or_failed({reference: whole[reference.whole()] for reference in asked})


def _all_or_failed(outcomes: Mapping[Reference, Any]) -> dict[Reference, Any]:
    # One cause (expired credentials, say) is reported once, however many references it stops.
    findings = list(dict.fromkeys(outcome for outcome in outcomes.values() if isinstance(outcome, Finding)))
    if findings:
        raise Failed(*findings)
    return dict(outcomes)


def _each_store(
    references: Iterable[Reference], ask: Callable[[str, list[Reference]], Mapping[Reference, Any]]
) -> dict[Reference, Any]:
    """One batch a store, all stores at the same time. One that cannot be asked says so for each of its references."""
    groups: dict[str, dict[Reference, None]] = {}
    for reference in references:
        groups.setdefault(reference.store, {})[reference.whole()] = None
    answers: dict[Reference, Any] = {}
    for group, got in zip(groups.values(), map_parallel(lambda name: ask(name, list(groups[name])), groups)):
        answers.update(dict.fromkeys(group, got.findings[0]) if isinstance(got, Failed) else got)
    return answers


def _store(stores: Mapping[str, Store], name: str) -> Store:
    store = stores.get(name)
    if store is None:
        raise Failed(
            Finding(
                "secret-store-unsupported",
                f"Secrets in {name} cannot be read here; available stores: {', '.join(sorted(stores)) or 'no store'}.",
                f"{name}://",
                "Store the secret in one of these stores, and refer to it there.",
            )
        )
    return store


def _take(reference: Reference, outcome: Outcome) -> Outcome:
    """The key's value out of the whole secret."""
    if isinstance(outcome, Finding) or not reference.key:
        return outcome
    where = str(reference)
    if isinstance(outcome.value, bytes):
        fix = "Refer to the whole secret: remove #KEY from the reference."
        return Finding("secret-binary", "The secret is binary, so it has no keys.", where, fix)
    document = _json_object(outcome.value)
    if document is None:
        return Finding(
            "secret-not-json",
            "The secret's text is not a JSON object, so it has no keys.",
            where,
            "Store a JSON object, or refer to the whole secret: remove #KEY from the reference.",
        )
    values = [value for key, value in document if key == reference.key]
    if not values:
        return _no_key(reference, list(dict(document)))
    if len(values) > 1:
        what = f"The key {reference.key!r} is in the secret {len(values)} times, and their values may differ."
        return Finding("secret-key-ambiguous", what, where, "Remove all but the right one of them from the secret.")
    try:
        text = values[0] if isinstance(values[0], str) else _json(values[0])
    except RecursionError:
        what = f"The value of the key {reference.key!r} is nested too deeply."
        return Finding("secret-not-json", what, where, "Store this value as a string.")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        what = f"The value of the key {reference.key!r} is not Unicode text: it has half a surrogate pair."
        return Finding("secret-not-text", what, where, "Store the value again, as UTF-8 text.")
    return Secret(text, outcome.version)


def _no_key(reference: Reference, keys: list[str]) -> Finding:
    near = difflib.get_close_matches(reference.key, keys, 1, cutoff=0.4)
    return Finding(
        "secret-key-not-found",
        f"The secret has no key {reference.key!r} among its {len(keys)}.",
        str(reference),
        f"Did you mean {near[0]!r}?" if near else "Correct the key's name in the reference: every character counts, "
                                                  "dots included.",
    )


class _Number(str):
    """A JSON number as it is written: no digit of it is lost."""


class _Object(list[tuple[str, Any]]):
    """A JSON object as its pairs: a key that stands twice is seen twice."""


def _json_object(text: str) -> _Object | None:
    """The object, or None. (A JSONDecodeError would carry the whole text.)"""
    try:
        document = json.loads(
            text, parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=_Object
        )
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, _Object) else None


def _json(value: Any) -> str:
    """A JSON value as compact JSON, numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Object):
        return "{%s}" % ",".join(f"{_json(key)}:{_json(item)}" for key, item in value)
    if isinstance(value, list):
        return "[%s]" % ",".join(_json(item) for item in value)
    return json.dumps(value, ensure_ascii=False)
