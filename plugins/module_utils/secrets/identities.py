# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P2P identities: one 32-byte seed per slot, kept as a binary secret.

A slot's secret is a reference like any other, so seeds ride in the same batches as all other secrets. A seed that
exists is never replaced: losing it changes the agent's peer id for everyone else. In Google Secret Manager, where
making a secret and giving it a value are two requests, the seed is the secret's version 1 and no other: of two who make
it at once, one has that number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Outcome, Store, fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, GCP, Reference

SEED_BYTES = 32
FLEET_TAG = "praxis_fleet"
SLOT_TAG = "praxis_slot"

PRESENT = "present"
MISSING = "missing"
DELETED = "scheduled for deletion"
#: Somebody is making it, or was interrupted.
HALF_MADE = "half-made"
UNUSABLE = "unusable"

#: The version that is the seed; empty for the store's current one.
_VERSION = {AWS: "", GCP: "1"}
_PREFIX = {AWS: "praxis/%s/identity/", GCP: "praxis_%s_identity_"}
_ANY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
#: What fleet and slot may be. In Google they are labels too, and a fleet has no underscore, so that no other fleet's
#: slot has the same name.
_NAMES = {
    AWS: (_ANY, _ANY, "up to 128 letters, digits, '.', '_' and '-', beginning with a letter or digit"),
    GCP: (
        re.compile(r"[a-z0-9][a-z0-9-]{0,62}"),
        re.compile(r"[a-z0-9][a-z0-9_-]{0,62}"),
        "up to 63 lower-case letters, digits and '-' (in a slot '_' too), beginning with a letter or digit",
    ),
}
_STATE_OF = {"secret-not-found": MISSING, "secret-deleted": DELETED}
_FAULT_OF = {"secret-empty": "has no bytes", "secret-disabled": "is disabled", "secret-destroyed": "is destroyed"}
_BAD_SEED = "identity-seed"


@dataclass(frozen=True)
class Identity:
    """A slot and what the store holds for it. ``version`` and ``seed`` are empty unless ``state`` is ``present``."""

    slot: str
    name: str
    state: str
    version: str = ""
    seed: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Change:
    """One thing to do. ``verb`` is ``create``, ``restore`` or ``delete``."""

    verb: str
    slot: str
    name: str


class Identities(Protocol):
    """One fleet's identities in one store."""

    def slots(self) -> list[str]:
        """The slots that have a secret. A store may list a new one some minutes late."""

    def read(self, slots: Iterable[str], unusable: bool = False) -> dict[str, Identity]:
        """See :func:`read`."""

    def apply(self, changes: Iterable[Change]) -> tuple[dict[str, Identity], list[Finding]]:
        """See :func:`carry_out`."""


def prefix(fleet: str, store: str = AWS) -> str:
    """What the names of all of a fleet's identity secrets begin with."""
    return _PREFIX[store] % fleet


def reference(fleet: str, slot: str, store: str = AWS, project: str = "") -> Reference:
    """Where a slot's seed is kept.

    :param project: the Google project.
    :raises Failed: ``identity-name`` when fleet or slot cannot be part of a secret's name.
    """
    *shapes, rule = _NAMES[store]
    named = zip(("fleet", "slot"), (fleet, slot), shapes)
    bad = [f"{kind} {name!r}" for kind, name, shape in named if not shape.fullmatch(name)]
    if bad:
        what = f"{' and '.join(bad)} cannot be part of a secret's name in {store}."
        raise Failed(Finding("identity-name", what, "identity", f"Use {rule}."))
    return Reference(store, prefix(fleet, store) + slot, version=_VERSION[store], project=project)


def read(
    where: Mapping[str, Reference], stores: Mapping[str, Store], unusable: bool = False
) -> dict[str, Identity]:
    """What the stores hold for each slot, in one batch a store.

    :param where: slot -> its :func:`reference`.
    :param unusable: take a seed that is there and unusable for an answer: it is to be removed.
    :raises Failed: for every seed that is unusable or unreadable. A missing one is an answer and no failure.
    """
    outcomes = fetch_each(where.values(), stores)
    found = {slot: identity(slot, where[slot], outcomes[where[slot]]) for slot in where}
    for slot, each in found.items():
        if unusable and isinstance(each, Finding) and each.code == _BAD_SEED:
            found[slot] = Identity(slot, where[slot].name, UNUSABLE)
    failures = list(dict.fromkeys(each for each in found.values() if isinstance(each, Finding)))
    if failures:
        raise Failed(*failures)
    return {slot: each for slot, each in found.items() if isinstance(each, Identity)}


def identity(slot: str, where: Reference, outcome: Outcome) -> Identity | Finding:
    """A fetched outcome as the slot's identity, or the finding that says why it is unusable."""
    if isinstance(outcome, Finding):
        if outcome.code in _FAULT_OF:
            return _unusable(slot, where, _FAULT_OF[outcome.code], outcome.where)
        if where.store == GCP and outcome.code == "secret-version-not-found":
            return Identity(slot, where.name, HALF_MADE)
        state = _STATE_OF.get(outcome.code)
        return Identity(slot, where.name, state) if state else outcome
    seed = outcome.value
    if isinstance(seed, str):
        if where.store == AWS:
            return _unusable(slot, where, "is stored as text")
        seed = seed.encode()  # Google keeps bytes; these happen to be UTF-8 as well.
    if len(seed) != SEED_BYTES:
        return _unusable(slot, where, f"has {len(seed)} bytes")
    return Identity(slot, where.name, PRESENT, outcome.version, seed)


def diff(current: Iterable[Identity], wanted: str) -> list[Change]:
    """What makes every slot ``present`` or ``absent``."""
    if wanted == "absent":
        there = (PRESENT, HALF_MADE, UNUSABLE)
        return [Change("delete", each.slot, each.name) for each in current if each.state in there]
    verb = {MISSING: "create", HALF_MADE: "create", DELETED: "restore"}
    return [Change(verb[each.state], each.slot, each.name) for each in current if each.state != PRESENT]


def carry_out(
    changes: Iterable[Change], verbs: Mapping[str, Callable[[Change], Identity]]
) -> tuple[dict[str, Identity], list[Finding]]:
    """Carry out changes, several at a time.

    :returns: what was done, by slot (a deleted one as its ``Identity`` without a seed), and what failed. Both, because
        seeds that were made are a fact that a failure elsewhere must not hide.
    """
    results = map_parallel(lambda change: verbs[change.verb](change), changes)
    done = {each.slot: each for each in results if isinstance(each, Identity)}
    failures = [finding for each in results if isinstance(each, Failed) for finding in each.findings]
    return done, failures


def vanished(slot: str, found: Identity, seconds: int = 0) -> Failed:
    """That a seed is not there which has just been."""
    late = f" {seconds} s" if seconds else ""
    what = f"The seed of slot {slot!r} is {found.state}{late}, although it existed before."
    return Failed(Finding("identity-vanished", what, found.name, "Run this again, and only one run at a time."))


def _unusable(slot: str, reference: Reference, how: str, where: str = "") -> Finding:
    binary = ", stored as binary" if reference.store == AWS else ""
    what = f"The seed of slot {slot!r} {how}; it must be {SEED_BYTES} bytes{binary}."
    ways = {
        AWS: f"Store the right {SEED_BYTES} bytes as SecretBinary (an older version may hold them), or",
        GCP: f"Enable version 1 if it is disabled, create the secret again with the right {SEED_BYTES} bytes as its "
             "version 1, or",
    }
    fix = (
        f"{ways[reference.store]}, if the slot may get a new peer id, remove it with the module "
        "praxis.cloud.p2p_identity (state=absent, recovery_window_days=0) and create it again."
    )
    return Finding(_BAD_SEED, what, where or str(reference), fix)
