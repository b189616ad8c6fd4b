# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to a cloud that fail, each in turn, and what has to hold then of a fleet of either cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Denied, NotFound, Unavailable
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.infrastructure.account import rows

Send = Callable[..., dict[str, Any]]
Disturb = Callable[["Fate | None"], None]
#: Calls that may fail in one run; all that a run makes are fewer.
MOST = 200
RIDDEN_OUT = pytest.mark.parametrize(
    ("kind", "carried_out"),
    [(Unavailable, True), (Unavailable, False), (NotFound, False)],
    ids=["answers lost", "unavailable", "not known yet"],
)


class Owner(Protocol):
    """An account or a project."""

    def present(self) -> dict[str, Any]: ...
    def absent(self) -> dict[str, Any]: ...
    def resources(self) -> dict[str, int]: ...


class Fate:
    """What becomes of the calls that change something.

    :param kind: the error of those that fail.
    :param carried_out: whether they had an effect before they failed.
    :param lets_through: how many calls of a run go well before one fails for good; None: each fails once.
    """

    def __init__(self, kind: type[CloudError], *, carried_out: bool, lets_through: int | None) -> None:
        self.kind, self.carried_out, self.lets_through = kind, carried_out, lets_through
        self.made = 0
        self.failed: list[str] = []


def disturbing(
    monkeypatch: pytest.MonkeyPatch,
    client: type,
    *,
    reads: Callable[[tuple[str, ...]], bool],
    remembered: Callable[[Mapping[str, Any]], bool],
    what: str,
) -> Disturb:
    """Sets the fate of the calls to come.

    :param reads: whether a call, by its positional arguments, only reads.
    :param remembered: whether the cloud knows a request that it has seen, by its other arguments.
    :param what: what the errors say.
    """
    send: Send = client.call  # type: ignore[attr-defined]

    def fated(fate: Fate, self: Any, to: tuple[str, ...], more: dict[str, Any]) -> dict[str, Any]:
        call = f"{to} {sorted((name, str(value)) for name, value in more.items() if name != 'query')}"
        if fate.lets_through is None:
            fails = call not in fate.failed
        else:
            fails, fate.made = fate.made >= fate.lets_through, fate.made + 1
        if not fails:
            return send(self, *to, **more)
        fate.failed.append(call)
        assert len(fate.failed) < MOST, f"it makes the same again and again: {fate.failed[-3:]}"
        answer = send(self, *to, **more) if fate.carried_out else {}
        if fate.kind is Unavailable and more.get("idempotent"):
            # As the client does by itself.
            return answer if answer and remembered(more) else send(self, *to, **more)
        raise fate.kind(what, "the cloud", "Run it again.")

    def disturb(fate: Fate | None) -> None:
        def call(self: Any, *to: str, **more: Any) -> dict[str, Any]:
            return send(self, *to, **more) if fate is None or reads(to) else fated(fate, self, to, more)

        monkeypatch.setattr(client, "call", call)

    return disturb


def stopped_at_each_call(run: Callable[[], Any], disturb: Disturb, *, carried_out: bool) -> int:
    """Run again and again, each time stopped one call further, until a run comes to its end; how many were stopped."""
    for stops in range(60):
        fate = Fate(Denied, carried_out=carried_out, lets_through=0 if carried_out else 1)
        disturb(fate)
        try:
            run()
        except Failed as failed:
            codes = {each.code for each in failed.findings}
        else:
            disturb(None)
            return stops
        assert codes == {"cloud-denied"}
    raise AssertionError(f"it never came to its end, and was stopped last at {fate.failed}")


def completed_by_the_next(
    owner: Owner, disturb: Disturb, whole: Mapping[str, int], *, carried_out: bool, calls: tuple[int, int]
) -> None:
    """A run that stops at any call is completed by the next, and so is a removal.

    :param whole: what the owner has then.
    :param calls: more than so many of both are stopped.
    """
    assert stopped_at_each_call(owner.present, disturb, carried_out=carried_out) > calls[0]
    assert owner.resources() == whole
    assert rows(owner.present()) == []
    assert stopped_at_each_call(owner.absent, disturb, carried_out=carried_out) > calls[1]
    assert owner.resources() == {}
    assert rows(owner.absent()) == []


def ridden_out(owner: Owner, disturb: Disturb, fate: Fate, whole: Mapping[str, int], calls: int) -> None:
    """One run comes to its end though each call fails once."""
    disturb(fate)
    owner.present()
    assert len(fate.failed) > calls
    disturb(None)
    assert owner.resources() == whole
    assert rows(owner.present()) == []
