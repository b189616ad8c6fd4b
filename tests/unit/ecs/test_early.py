# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ECS refuses because it comes too early, and takes some seconds later."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.ecs.exceptions import EcsClientException, InvalidParameterException
from moto.ecs.responses import EC2ContainerServiceResponse

from tests.unit.ecs.conftest import Account

LINKED = "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
ROLE = "Role is not valid"
UNPASSED = "User: a is not authorized to perform: iam:PassRole on resource: b"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "refusal"),
    [
        ("register_task_definition", EcsClientException(ROLE)),
        ("register_task_definition", JsonRESTError("AccessDeniedException", UNPASSED)),
        ("create_cluster", InvalidParameterException(LINKED)),
        ("create_service", InvalidParameterException(LINKED)),
    ],
)
def test_a_role_that_was_made_a_moment_ago_is_waited_for(
    account: Account, monkeypatch: pytest.MonkeyPatch, operation: str, refusal: Exception
) -> None:
    """The execution role, or ECS's own, which the first cluster or service of an account makes."""
    whole, early = getattr(EC2ContainerServiceResponse, operation), [3]

    def refuse(self: Any) -> Any:
        early[0] -= 1
        if early[0] >= 0:
            raise refusal
        return whole(self)

    with monkeypatch.context() as patched:
        patched.setattr(EC2ContainerServiceResponse, operation, refuse)
        assert account.deploy()[1] == []
    assert early[0] < 0 and account.deploy() == ([], [])


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_an_answer_of_before_the_deployment_is_no_verdict_on_it(
    account: Account, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """ECS answers a request before all of it sees what has changed: no such service, or its deployment of before."""
    if not first:
        account.deploy()
    fleet = account.fleet(agent_config={"agent": {"description": "the next"}})
    (service,) = fleet.services
    stale, refresh = [dict(service.described)] * 3, service.refresh
    fleet.apply()

    def answer() -> None:
        if stale:
            service.described = stale.pop()
        else:
            refresh()

    monkeypatch.setattr(service, "refresh", answer)
    assert fleet.wait() == [] and not stale


@pytest.mark.slow
def test_a_service_is_made_again_when_the_one_of_before_has_ended(account: Account) -> None:
    """Somebody has removed it, and its tasks are still drained."""
    account.deploy()
    account.cloud.client("ecs").delete_service(cluster="praxis-demo", service="leaf", force=True)
    changes, found = account.deploy()
    assert "CreateService" in changes and found == []
