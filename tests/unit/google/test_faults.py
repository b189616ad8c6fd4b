# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each API call that changes something fails in turn: the next run completes, nothing is there twice or orphaned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Denied, NotFound, Unavailable
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from tests.unit.infrastructure.account import rows
from tests.unit.infrastructure.test_faults import stopped_at_each_call

from .conftest import PROJECT
from .project import NAME, Project
from .test_account import WHOLE

#: A launch waits for an account that is not known everywhere yet.
ACCOUNT = f"{NAME}@{PROJECT}.iam.gserviceaccount.com"
Send = Callable[..., dict[str, Any]]


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

    def __call__(self, send: Send, client: GcpClient, *to: str, **more: Any) -> dict[str, Any]:
        if to[1] == "GET":
            return send(client, *to, **more)
        call = f"{to} {more.get('body')}"
        if self.lets_through is None:
            fails = call not in self.failed
        else:
            fails, self.made = self.made >= self.lets_through, self.made + 1
        if not fails:
            return send(client, *to, **more)
        self.failed.append(call)
        answer = send(client, *to, **more) if self.carried_out else {}
        if self.kind is Unavailable and more.get("idempotent"):
            # As the client does by itself, by the request's id.
            return answer or send(client, *to, **more)
        raise self.kind(f"{ACCOUNT} is not known.", "Google", "Run it again.")


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fate | None], None]:
    """Sets the fate of the calls to come."""
    send = GcpClient.call

    def disturb(fate: Fate | None) -> None:
        def call(self: GcpClient, *to: str, **more: Any) -> dict[str, Any]:
            return fate(send, self, *to, **more) if fate else send(self, *to, **more)

        monkeypatch.setattr(GcpClient, "call", call)

    return disturb


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [False, True])
def test_a_run_that_stops_at_any_call_is_completed_by_the_next(
    project: Project, disturb: Callable[[Fate | None], None], carried_out: bool
) -> None:
    def fate(lets_through: int) -> Fate:
        return Fate(Denied, carried_out=carried_out, lets_through=lets_through)

    assert stopped_at_each_call(project.present, disturb, fate, carried_out=carried_out) > 15
    assert project.resources() == WHOLE
    assert rows(project.present()) == []
    assert stopped_at_each_call(project.absent, disturb, fate, carried_out=carried_out) > 15
    assert project.resources() == {}
    assert rows(project.absent()) == []


@pytest.mark.parametrize(
    ("kind", "carried_out"),
    [(Unavailable, True), (Unavailable, False), (NotFound, False)],
    ids=["answers lost", "unavailable", "not known yet"],
)
def test_one_run_rides_it_out(
    project: Project, disturb: Callable[[Fate | None], None], kind: type[CloudError], carried_out: bool
) -> None:
    fate = Fate(kind, carried_out=carried_out, lets_through=None)
    disturb(fate)
    project.present()
    assert len(fate.failed) > 15
    disturb(None)
    assert project.resources() == WHOLE
    assert rows(project.present()) == []
