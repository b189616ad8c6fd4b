# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows a run that stopped before its end: its Lease, and what it had applied."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import lease
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.verbs import LEASE, OTHER, codes, image, of, run


def leave(api: FakeApi) -> None:
    """A run took the Lease, and is dead."""
    api.objects[LEASE]["spec"].update(holderIdentity="dead", renewTime="2001-01-01T00:00:00.000000Z")


@pytest.mark.slow
def test_a_lease_that_a_dead_run_left_is_given_back_where_nothing_differs(api: FakeApi) -> None:
    run(api, "deployed")
    leave(api)
    predicted = run(api, "deployed", check=True)
    assert api.written == []
    result = run(api, "deployed")
    assert codes(result) == ["unfinished"] and result["ok"] and result["changed"] is predicted["changed"] is False
    assert lease.holder(api.objects[LEASE]) == "" and {line.rpartition("/")[2] for line in api.written} == {
        "demo-deployment"}, "the Lease and nothing else"  # fmt: skip
    assert len(run(api, "history")["deployments"]) == 1
    assert codes(run(api, "deployed")) == []


@pytest.mark.slow
def test_a_rollback_of_a_dead_run_that_did_nothing_gives_its_lease_back_and_the_next_goes_back(api: FakeApi) -> None:
    run(api, "deployed")
    run(api, "deployed", kinds=of(OTHER))
    before = image(api)
    leave(api)
    result = run(api, "rolled_back")
    assert codes(result) == ["unfinished"] and result["ok"] and image(api) == before == OTHER
    assert lease.holder(api.objects[LEASE]) == ""
    result = run(api, "rolled_back")
    assert codes(result) == [] and result["ok"] and image(api) != OTHER
