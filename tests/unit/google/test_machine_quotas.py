# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit into a project's region is found before anything of it is made. Limits and use are the tests'."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed

from .conftest import PROJECT
from .made import REGION
from .project import Project
from .test_least_privilege import Operator

#: Of one e2-small with a disk of 20 GB.
ONE = {"CPUS": 2, "INSTANCES": 1, "SSD_TOTAL_GB": 20, "IN_USE_ADDRESSES": 1}


def allow(project: Project, metric: str, limit: float, usage: float) -> None:
    region = project.google.front.compute.resources.get(f"projects/{PROJECT}/regions/{REGION}")
    held = [each for each in region.get("quotas", ()) if each["metric"] != metric]
    region["quotas"] = [*held, {"metric": metric, "limit": limit, "usage": usage}]


@pytest.mark.parametrize("metric", ONE)
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.slow
def test_one_machine_too_many_is_named_and_nothing_is_made(project: Project, metric: str, check: bool) -> None:
    project.options["root_volume_gb"] = 20
    allow(project, metric, 100, 100 - 2 * ONE[metric] + 1)
    before = project.mark()
    with pytest.raises(Failed) as failed:
        project.present(hosts=2, check=check)
    (finding,) = failed.value.findings
    assert (finding.code, finding.level) == ("over-quota", "error")
    assert {row["action"] for row in failed.value.as_result()["plan"]["rows"]} == {"create"}
    assert f"the quota {metric} is 100." in finding.what
    assert project.changes(before) == []
    allow(project, metric, 100, 100 - 2 * ONE[metric])
    assert project.present(hosts=2, check=check)["quotas"] == []


def test_a_machine_without_a_public_address_uses_none(project: Project) -> None:
    allow(project, "IN_USE_ADDRESSES", 8, 8)
    assert project.present(check=True, public_address=False)["quotas"] == []


@pytest.mark.slow
def test_a_quota_that_may_not_be_read_stops_nothing_and_is_said(project: Project) -> None:
    with Operator(project).only("provision", without="compute.machineTypes.get"):
        (found,) = project.present()["quotas"]
    assert (found["code"], found["level"]) == ("quota-unseen", "warning")
    assert "compute.machineTypes.get" in found["fix"]
    assert project.resources()["instances"] == 1
