# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P2P identities: one 32-byte seed per slot, kept as a binary secret.

A slot's secret is ``praxis/<fleet>/identity/<slot>``, a reference like any other, so seeds ride in the same batches as
all other secrets. A seed that exists is never replaced: losing it changes the agent's peer id for everyone else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Outcome, Store, fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, Reference

SEED_BYTES = 32
FLEET_TAG = "praxis_fleet"
SLOT_TAG = "praxis_slot"

PRESENT = "present"
MISSING = "missing"
DELETED = "scheduled for deletion"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_STATE_OF = {"secret-not-found": MISSING, "secret-deleted": DELETED}


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


def prefix(fleet: str) -> str:
    """What the names of all of a fleet's identity secrets begin with."""
    return f"praxis/{fleet}/identity/"


def reference(fleet: str, slot: str, store: str = AWS) -> Reference:
    """Where a slot's seed is kept.

    :raises Failed: ``identity-name`` when fleet or slot cannot be part of a secret's name.
    """
    bad = [f"{kind} {name!r}" for kind, name in (("fleet", fleet), ("slot", slot)) if not _NAME.fullmatch(name)]
    if bad:
        fix = "Use up to 128 letters, digits, '.', '_' and '-', beginning with a letter or digit."
        what = f"{' and '.join(bad)} cannot be part of a secret's name."
        raise Failed(Finding("identity-name", what, "identity", fix))
    return Reference(store, prefix(fleet) + slot)


def read(fleet: str, slots: Iterable[str], stores: Mapping[str, Store], store: str = AWS) -> dict[str, Identity]:
    """What the store holds for each slot, in one batch.

    :raises Failed: for every seed that is unusable or unreadable. A missing one is an answer and no failure.
    """
    where = {slot: reference(fleet, slot, store) for slot in dict.fromkeys(slots)}
    outcomes = fetch_each(where.values(), stores)
    found = {slot: identity(slot, where[slot], outcomes[where[slot]]) for slot in where}
    failures = list(dict.fromkeys(each for each in found.values() if isinstance(each, Finding)))
    if failures:
        raise Failed(*failures)
    return {slot: each for slot, each in found.items() if isinstance(each, Identity)}


def identity(slot: str, where: Reference, outcome: Outcome) -> Identity | Finding:
    """A fetched outcome as the slot's identity, or the finding that says why it is unusable."""
    if isinstance(outcome, Finding):
        if outcome.code == "secret-empty":
            return _unusable(slot, outcome.where, "has no bytes")
        state = _STATE_OF.get(outcome.code)
        return Identity(slot, where.name, state) if state else outcome
    if not isinstance(outcome.value, bytes):
        return _unusable(slot, str(where), "is stored as text")
    if len(outcome.value) != SEED_BYTES:
        return _unusable(slot, str(where), f"has {len(outcome.value)} bytes")
    return Identity(slot, where.name, PRESENT, outcome.version, outcome.value)


def diff(current: Iterable[Identity], wanted: str) -> list[Change]:
    """What makes every slot ``present`` or ``absent``."""
    if wanted == "absent":
        return [Change("delete", each.slot, each.name) for each in current if each.state == PRESENT]
    verb = {MISSING: "create", DELETED: "restore"}
    return [Change(verb[each.state], each.slot, each.name) for each in current if each.state != PRESENT]


def _unusable(slot: str, where: str, how: str) -> Finding:
    what = f"The seed of slot {slot!r} {how}; it must be {SEED_BYTES} bytes, stored as binary."
    fix = (
        f"Store the right {SEED_BYTES} bytes as SecretBinary (an older version may hold them), or, if the slot may get "
        "a new peer id, remove it with state=absent and recovery_window_days=0 and make it anew."
    )
    return Finding("identity-seed", what, where, fix)
