# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor on a Google Cloud project: what test_doctor.py has for AWS, for what is Google's own."""

from __future__ import annotations

import pytest

from .conftest import HOME, Cloud
from .doctor_faults import ENGINE_DOWN, EXPOSED, run_printed
from .project import Project
from .test_provision import mutations

FLEET = "praxis-praxis"
FAULTS = {
    ("p2p-port-shut", f"firewall rule {FLEET}-p2p", "controller"),
    ("api-port-shut", f"firewall rule {FLEET}-api", "controller"),
    ("health-check-differs", f"health check {FLEET}", "controller"),
    ("infrastructure-missing", f"forwarding rule {FLEET}", "controller"),
    ("secret-exposed", "praxis-gcp-1", "machine"),
    ("engine-down", "praxis-gcp-2", "machine"),
}


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> Project:
    return Project(cloud.environment, HOME)


@pytest.fixture(scope="module")
def deployed(cloud: Cloud) -> Cloud:
    cloud.run("provision.yml")
    cloud.run("deploy.yml")
    return cloud


def plant(cloud: Cloud, project: Project) -> None:
    project.finish(project.call("DELETE", f"global/firewalls/{FLEET}-p2p"))
    project.finish(project.call("DELETE", f"global/forwardingRules/{FLEET}"))
    project.patch(f"global/firewalls/{FLEET}-api", sourceRanges=["198.51.100.0/24"])
    project.patch(f"global/healthChecks/{FLEET}", httpHealthCheck={"port": 8000, "requestPath": "/wrong"})
    machines = {each.name: each for each in cloud.machines()}
    cloud.on(machines["praxis-gcp-1"], EXPOSED)
    cloud.on(machines["praxis-gcp-2"], ENGINE_DOWN)


@pytest.mark.repetition
def test_planted_faults_of_a_project_are_named_and_their_commands_fix_them(deployed: Cloud, project: Project) -> None:
    assert deployed.run("doctor.yml").summary["findings"] == []
    plant(deployed, project)
    findings = deployed.run("doctor.yml", expect=2).summary["findings"]
    assert {(item["code"], item["where"], item["run_on"]) for item in findings} == FAULTS
    assert len(findings) == len(FAULTS)
    run_printed(deployed, findings)
    deployed.run("verify.yml", expect=None)  # waits until the load balancer has asked again
    assert deployed.run("doctor.yml").summary["findings"] == []


def test_more_than_a_quota_allows_is_refused_before_anything_is_made(cloud: Cloud) -> None:
    """Three disks of 15,000 GB, where a project has 40,960 in a region."""
    mark = cloud.mark()
    for mode in ((), ("--check",)):
        run = cloud.run("provision.yml", *mode, expect=2, variables={"praxis_root_volume_gb": 15000},
                        environment={"PRAXIS_FLEET": "many"})
        (found,) = run.failed[0]["failures"]
        assert found["code"] == "over-quota"
        assert "SSD_TOTAL_GB is 40960" in found["what"]
    assert mutations(cloud, mark) == []
