# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each API call that changes something fails in turn: the next run completes, nothing is there twice or orphaned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Denied, NotFound, Unavailable
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.conftest import READS, Cloud
from tests.unit.infrastructure.account import Account, certificate, rows

WHOLE = {
    "InstanceProfiles": 1, "Instances": 1, "InternetGateways": 1, "KeyPairs": 1, "Listeners": 2, "LoadBalancers": 1,
    "Roles": 1, "RouteTables": 1, "SecurityGroups": 2, "Subnets": 2, "TargetGroups": 1, "Vpcs": 1,
}  # fmt: skip
Send = Callable[..., dict[str, Any]]


def error(kind: type[CloudError]) -> CloudError:
    return kind("It was so in this test.", "AWS", "Run it again.")


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

    def __call__(self, send: Send, client: AwsClient, service: str, operation: str, **params: Any) -> dict[str, Any]:
        if operation.title().replace("_", "").startswith(READS):
            return send(client, service, operation, **params)
        call = f"{operation} {sorted((name, str(value)) for name, value in params.items())}"
        if self.lets_through is None:
            fails = call not in self.failed
        else:
            fails, self.made = self.made >= self.lets_through, self.made + 1
        if not fails:
            return send(client, service, operation, **params)
        self.failed.append(call)
        answer = send(client, service, operation, **params) if self.carried_out else {}
        if self.kind is Unavailable and params.get("idempotent"):
            # As the client does by itself; EC2 knows a token that it has seen, and this cloud does not.
            return answer if answer and "ClientToken" in params else send(client, service, operation, **params)
        raise error(self.kind)


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fate | None], None]:
    """Sets the fate of the calls to come."""
    send = AwsClient.call

    def disturb(fate: Fate | None) -> None:
        def call(self: AwsClient, service: str, operation: str, **params: Any) -> dict[str, Any]:
            return fate(send, self, service, operation, **params) if fate else send(self, service, operation, **params)

        monkeypatch.setattr(AwsClient, "call", call)

    return disturb


def stopped_at_each_call(run: Callable[[], Any], disturb: Callable[[Fate | None], None], *, carried_out: bool) -> int:
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


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [False, True])
def test_a_run_that_stops_at_any_call_is_completed_by_the_next(
    cloud: Cloud, disturb: Callable[[Fate | None], None], carried_out: bool
) -> None:
    account = Account(cloud, options={"certificate": certificate(cloud)})
    assert stopped_at_each_call(account.present, disturb, carried_out=carried_out) > 20
    assert account.resources() == WHOLE
    assert rows(account.present()) == []
    assert stopped_at_each_call(account.absent, disturb, carried_out=carried_out) > 10
    assert account.resources() == {}
    assert rows(account.absent()) == []


@pytest.mark.parametrize(
    ("kind", "carried_out"),
    [(Unavailable, True), (Unavailable, False), (NotFound, False)],
    ids=["answers lost", "unavailable", "not known yet"],
)
def test_one_run_rides_it_out(
    cloud: Cloud, disturb: Callable[[Fate | None], None], kind: type[CloudError], carried_out: bool
) -> None:
    account = Account(cloud, options={"certificate": certificate(cloud)})
    fate = Fate(kind, carried_out=carried_out, lets_through=None)
    disturb(fate)
    account.present()
    assert len(fate.failed) > 20
    disturb(None)
    assert account.resources() == WHOLE
    assert rows(account.present()) == []
