# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""provision.yml and down.yml with the inventory of GKE, as they stand, against the sandbox's Google."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .made import REGION
from .project import Project

CHECKOUT = Path(__file__).resolve().parents[3]


def played(project: Project, tmp_path: Path, playbook: str, *arguments: str) -> dict[str, Any]:
    """The summary of a playbook."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    command = [program, playbook, "-i", "inventories/gke", *arguments]
    shell = {**os.environ, **project.google.environment, "PRAXIS_FLEET": "alpha", "CLOUDSDK_COMPUTE_REGION": REGION,
             "PRAXIS_ALLOWED_FROM": "203.0.113.7/32", "ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.summary",
             "ANSIBLE_LOCAL_TEMP": str(tmp_path), "GCP_PROJECT": ""}  # fmt: skip
    done = subprocess.run(command, cwd=CHECKOUT, env=shell, text=True, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_the_playbooks_make_the_cluster_and_remove_it(project: Project, tmp_path: Path) -> None:
    clusters = project.google.front.container.resources
    predicted = played(project, tmp_path, "provision.yml", "--check")
    assert not clusters and project.changes() == []
    made = played(project, tmp_path, "provision.yml")
    assert made["ok"] and made["clouds"]["gcp"]["plan"] == predicted["clouds"]["gcp"]["plan"]
    assert [path.rpartition("/")[2] for path in clusters] == ["praxis-alpha"]
    (blocks,) = [each["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]["authorizedNetworksConfig"]["cidrBlocks"]
                 for each in clusters.values()]  # fmt: skip
    assert blocks == [{"cidrBlock": "203.0.113.7/32"}]
    assert played(project, tmp_path, "provision.yml")["clouds"]["gcp"]["changed"] is False
    played(project, tmp_path, "playbooks/down.yml", "-e", "praxis_confirm_down=alpha")
    assert not clusters and project.resources() == {}
