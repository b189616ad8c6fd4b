# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcp_service_account: made once, known by its description, removed only when it is ours."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_service_accounts import ServiceAccounts
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll, Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.modules import gcp_service_account
from tests import tiers

from .conftest import PROJECT, Google
from .made import operations

MARK = "praxis_fleet=alpha praxis_managed_by=provision"
EMAIL = f"praxis-alpha@{PROJECT}.iam.gserviceaccount.com"
OPTIONS = {"name": "praxis-alpha", "display_name": "Machines", "mark": MARK, "state": "present"}


@pytest.fixture
def accounts(google: Google, monkeypatch: pytest.MonkeyPatch) -> ServiceAccounts:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return ServiceAccounts(GcpClient(retry=Retry(deadline=5, base=0.01, cap=0.02)), Poll(interval=0.02))


def run(accounts: ServiceAccounts, check: bool = False, **options: Any) -> dict[str, Any]:
    return gcp_service_account.run({**OPTIONS, **options}, accounts, check)


def test_from_nothing_to_gone(google: Google, accounts: ServiceAccounts) -> None:
    predicted = run(accounts, check=True)
    assert (predicted["changed"], operations(google, True)) == (True, [])
    done = run(accounts)
    assert done == predicted
    assert done["email"] == EMAIL
    found = accounts.find("praxis-alpha")
    assert found is not None
    assert (found["displayName"], found["description"]) == ("Machines", MARK)
    assert run(accounts) == {"changed": False, "email": EMAIL}
    assert operations(google, True) == ["projects.serviceAccounts.create"]

    predicted = run(accounts, check=True, state="absent")
    assert run(accounts, state="absent") == predicted
    assert accounts.find(EMAIL) is None
    assert run(accounts, state="absent") == {"changed": False, "email": EMAIL}


def test_somebody_else_s_is_neither_taken_nor_removed(google: Google, accounts: ServiceAccounts) -> None:
    accounts.make("praxis-alpha", {"description": "praxis_fleet=alpha"}, "praxis_fleet=alpha")
    for check in (True, False):
        with pytest.raises(Failed) as failed:
            run(accounts, check=check)
        assert failed.value.findings[0].code == "service-account-not-ours"
        assert EMAIL in failed.value.findings[0].where
        assert not run(accounts, check=check, state="absent")["changed"]
    assert accounts.find("praxis-alpha")
    assert operations(google, True) == ["projects.serviceAccounts.create"]


@pytest.mark.parametrize("kind", tiers.only(["throttle", "error", "reset", "lose", "truncate"], "lose".__eq__))
@pytest.mark.parametrize("state", ["present", "absent"])
def test_through_transient_errors(google: Google, accounts: ServiceAccounts, kind: str, state: str) -> None:
    if state == "absent":
        run(accounts)
    method = {"present": "create", "absent": "delete"}[state]
    fault = google.faults.add({"kind": kind, "operations": [f"iam:projects.serviceAccounts.{method}"], "count": 1})
    assert run(accounts, state=state)["changed"]
    assert fault.fired == 1
    assert not run(accounts, state=state)["changed"]


def test_one_that_a_stranger_makes_meanwhile_is_left_alone(
    accounts: ServiceAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.make("praxis-alpha", {"description": "theirs"}, "")
    real, observations = ServiceAccounts.find, []

    def find(self: ServiceAccounts, name: str) -> Any:
        observations.append(name)
        # The observation, and one after the refusal, came too early.
        return None if len(observations) < 3 else real(self, name)

    monkeypatch.setattr(ServiceAccounts, "find", find)
    with pytest.raises(Failed) as failed:
        run(accounts)
    assert failed.value.findings[0].code == "service-account-not-ours"
    assert len(observations) == 3


def test_a_name_that_google_does_not_take(accounts: ServiceAccounts) -> None:
    with pytest.raises(errors.Invalid, match="between 6 and 30"):
        run(accounts, name="x")


@pytest.mark.parametrize(("project", "host"), [("p", "p"), ("example.org:p", "p.example.org")])
def test_an_email_has_the_project_in_it(project: str, host: str) -> None:
    accounts = ServiceAccounts(GcpClient(project))
    assert accounts.email("agents") == f"agents@{host}.iam.gserviceaccount.com"
    assert accounts.email("a@b") == "a@b"
