# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit into an AWS account is found before anything of it is made. The quota of instances is the
sandbox's, that of VPCs moto's own."""

from __future__ import annotations

from typing import Any

import pytest
from moto.servicequotas.models import ServiceQuotasBackend

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.machine_quotas import (
    STANDARD,
    is_standard,
    processors_metric,
)
from sandbox.aws import quotas
from tests.unit.conftest import Cloud

from .account import Account

#: Of moto's default VPC, which counts as AWS's does.
DEFAULT_VPC = 1


@pytest.fixture
def account(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", quotas.get_service_quota)
    return Account(cloud)


def allow(monkeypatch: pytest.MonkeyPatch, processors: float) -> None:
    monkeypatch.setitem(quotas.VALUES, STANDARD, processors)


def asked(account: Account) -> list[str]:
    return [str(each) for each in account.cloud.operations]


def refused(account: Account, **options: Any) -> Any:
    with pytest.raises(Failed) as failed:
        account.present(**options)
    (finding,) = failed.value.findings
    assert finding.code == "over-quota"
    return finding


@pytest.mark.slow
def test_machines_that_fit_are_made(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, 4)
    assert account.present(hosts=2)["quotas"] == []
    assert account.resources()["Instances"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("check", [True, False])
def test_one_machine_too_many_is_named_and_nothing_is_made(
    account: Account, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    allow(monkeypatch, 5)
    finding = refused(account, hosts=3, check=check)
    assert "6 vCPUs would be added to 0 in use" in finding.what
    assert "L-1216C47A) is 5" in finding.what
    assert account.resources() == {}


@pytest.mark.slow
def test_what_runs_already_is_counted_and_what_is_stopped_or_spot_is_not(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ec2 = account.cloud.client("ec2")
    image = account.options["image_id"]

    def run(instance_type: str, **more: Any) -> str:
        answer = ec2.run_instances(ImageId=image, InstanceType=instance_type, MinCount=1, MaxCount=1, **more)
        return str(answer["Instances"][0]["InstanceId"])

    run("m5.xlarge")
    run("g4dn.xlarge")  # another quota counts it
    ec2.stop_instances(InstanceIds=[run("m5.4xlarge")])
    run("m5.8xlarge", InstanceMarketOptions={"MarketType": "spot"})
    allow(monkeypatch, 5)
    assert "2 vCPUs would be added to 4 in use" in refused(account, hosts=1).what
    allow(monkeypatch, 6)
    assert account.present(hosts=1)["quotas"] == []


@pytest.mark.slow
def test_a_network_too_many_is_named_and_nothing_is_made(account: Account) -> None:
    ec2 = account.cloud.client("ec2")
    for number in range(5 - DEFAULT_VPC):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    account.own = set(account._listed())
    finding = refused(account)
    assert "1 VPC would be added to 5 in use, and the quota VPCs per Region (L-F678F1CE) is 5." in finding.what
    assert "praxis_vpc" in finding.fix
    assert account.resources() == {}


@pytest.mark.slow
def test_a_quota_that_may_not_be_read_stops_nothing_and_is_said(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account(cloud)  # of the quota of instances, moto knows nothing
    (found,) = account.present()["quotas"]
    assert (found["code"], found["level"]) == ("quota-unseen", "warning")
    assert "could not be read" in found["what"]
    assert account.resources()["Instances"] == 1


@pytest.mark.slow
def test_nobody_asks_for_quotas_when_nothing_is_made(account: Account) -> None:
    account.present()
    account.cloud.operations.clear()
    account.present()
    assert not {"GetServiceQuota", "DescribeInstanceTypes"} & set(asked(account))


@pytest.mark.parametrize(("instance_type", "standard"), [
    ("t3.small", True), ("c7gn.large", True), ("im4gn.large", True), ("is4gen.large", True), ("i4i.large", True),
    ("g4dn.xlarge", False), ("inf1.xlarge", False), ("p4d.24xlarge", False), ("x2idn.16xlarge", False),
    ("u-6tb1.metal", False), ("mac1.metal", False), ("hpc6a.48xlarge", False), ("dl1.24xlarge", False),
    ("trn1.2xlarge", False), ("vt1.3xlarge", False),
])  # fmt: skip
def test_which_instances_the_quota_counts(instance_type: str, standard: bool) -> None:
    assert is_standard(instance_type) is standard


@pytest.mark.parametrize(("machine_type", "metric"), [
    ("e2-small", "CPUS"), ("n1-standard-1", "CPUS"), ("n2-standard-2", "N2_CPUS"), ("c2d-standard-2", "C2D_CPUS"),
])  # fmt: skip
def test_which_of_google_s_quotas_counts_a_machine_type(machine_type: str, metric: str) -> None:
    assert processors_metric(machine_type) == metric
