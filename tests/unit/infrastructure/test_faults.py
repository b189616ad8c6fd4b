# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each API call that changes something in AWS fails in turn: nothing is there twice or orphaned."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kinds import WORDS
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import PARTS
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import KIND as DATA_VOLUME
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.settings import CLUSTER, NETWORK
from tests import tiers
from tests.unit.conftest import READS, Cloud
from tests.unit.infrastructure.account import CLUSTER as IN_IT
from tests.unit.infrastructure.account import HOST, Account, certificate, rows, zone
from tests.unit.infrastructure.faults import (
    RIDDEN_OUT,
    Disturb,
    Fate,
    completed_by_the_next,
    disturbing,
    ridden_out,
    stopped_at_each_call,
)

WHOLE = {
    "InstanceProfiles": 1, "Instances": 1, "InternetGateways": 1, "KeyPairs": 1, "Listeners": 2, "LoadBalancers": 1,
    "Roles": 1, "RouteTables": 1, "SecurityGroups": 2, "Subnets": 2, "TargetGroups": 1, "Volumes": 1, "Vpcs": 1,
}  # fmt: skip
DISKS = {"data": {"size": 4}, "remove_data": True}
NAMED = {"certificate": "managed", "dns_zone": "example.org", "dns_name": HOST}


@pytest.mark.slow
def test_every_kind_is_in_what_these_runs_make(cloud: Cloud) -> None:
    zone(cloud)
    parts = {"parts": [*PARTS, CLUSTER], "cluster": CLUSTER_OPTIONS["cluster"]}
    made = rows(Account(cloud, options={**NAMED, **DISKS, **parts}).present(check=True))
    assert {kind for _action, kind, _name in made} == {*WORDS.values(), "machine", DATA_VOLUME}


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Disturb:
    """EC2 knows a token that it has seen."""
    return disturbing(
        monkeypatch,
        AwsClient,
        reads=lambda to: to[1].title().replace("_", "").startswith(READS),
        remembered=lambda more: "ClientToken" in more,
        what="It was so in this test.",
    )


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", tiers.first([True, False]))
def test_a_run_that_stops_at_any_call_is_completed_by_the_next(
    cloud: Cloud, disturb: Disturb, carried_out: bool
) -> None:
    account = Account(cloud, options={"certificate": certificate(cloud), **DISKS})
    completed_by_the_next(account, disturb, WHOLE, carried_out=carried_out, calls=(20, 10))


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.repetition
def test_so_is_one_that_makes_names_and_a_certificate(cloud: Cloud, disturb: Disturb, carried_out: bool) -> None:
    zone(cloud)
    account = Account(cloud, options={**NAMED, **DISKS})
    whole = {**WHOLE, "Certificates": 1, "Records": 4}
    completed_by_the_next(account, disturb, whole, carried_out=carried_out, calls=(22, 12))


@pytest.mark.slow
@pytest.mark.parametrize("carried_out", [True, False])
def test_so_is_one_that_gives_up_a_certificate(cloud: Cloud, disturb: Disturb, carried_out: bool) -> None:
    zone(cloud)
    account = Account(cloud, options=NAMED)
    account.present()
    account.options["certificate"] = certificate(cloud)
    assert stopped_at_each_call(account.present, disturb, carried_out=carried_out) > 1
    assert rows(account.present()) == []
    assert {name for name, _type in account.records()} == {f"{HOST}.", f"_praxis.{HOST}."}


CLUSTER_OPTIONS = {"parts": [NETWORK, CLUSTER], "cluster": IN_IT}
WITH_CLUSTER = {"AccessEntries": 1, "Addons": 2, "Associations": 1, "Clusters": 1, "InternetGateways": 1,
                "Issuers": 1, "NodeGroups": 1, "Roles": 2, "RouteTables": 1, "Subnets": 2, "Vpcs": 1}  # fmt: skip


@pytest.mark.repetition
@pytest.mark.slow
@pytest.mark.parametrize("carried_out", tiers.first([True, False]))
def test_so_is_one_that_makes_a_cluster(cloud: Cloud, disturb: Disturb, carried_out: bool) -> None:
    account = Account(cloud, options=CLUSTER_OPTIONS)
    completed_by_the_next(account, disturb, WITH_CLUSTER, carried_out=carried_out, calls=(17, 11))


@pytest.mark.slow
@RIDDEN_OUT
def test_one_run_with_a_cluster_rides_it_out(
    cloud: Cloud, disturb: Disturb, kind: type[CloudError], carried_out: bool
) -> None:
    fate = Fate(kind, carried_out=carried_out, lets_through=None)
    ridden_out(Account(cloud, options=CLUSTER_OPTIONS), disturb, fate, WITH_CLUSTER, 17)


@pytest.mark.slow
@RIDDEN_OUT
def test_one_run_rides_it_out(cloud: Cloud, disturb: Disturb, kind: type[CloudError], carried_out: bool) -> None:
    account = Account(cloud, options={"certificate": certificate(cloud), **DISKS})
    fate = Fate(kind, carried_out=carried_out, lets_through=None)
    ridden_out(account, disturb, fate, WHOLE, 20)
