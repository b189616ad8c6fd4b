# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new version of the collection over a fleet that the version before has made and runs.

The version before is built from git's history and installed as its users have it. Nothing is out yet, so it is an early
state of the first version: the first one that could be built and tried as a release.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import seen
from .conftest import CHECKOUT, Cloud, Run

#: When a version is out, its tag.
BEFORE = "eb5d29772055"

pytestmark = [pytest.mark.once, pytest.mark.repetition]


@dataclass(frozen=True)
class Installed:
    """The version before, installed.

    :param folder: of the collections.
    """

    cloud: Cloud
    folder: Path

    @property
    def place(self) -> Path:
        return self.folder / "ansible_collections" / "praxis" / "cloud"

    @property
    def environment(self) -> dict[str, str]:
        """With which Ansible finds it, and not the checkout."""
        return {"ANSIBLE_COLLECTIONS_PATH": str(self.folder)}

    def run(self, playbook: str) -> Run:
        inventory = self.place / "inventories" / "aws"
        return self.cloud.run(f"praxis.cloud.{playbook}", inventory=inventory, environment=self.environment)


@pytest.fixture(scope="module")
def before(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Its archive, built of what git held."""
    work = tmp_path_factory.mktemp("before")
    found = subprocess.run(["git", "archive", BEFORE], cwd=CHECKOUT, capture_output=True, check=False)
    if found.returncode:
        pytest.fail(f"git has no {BEFORE}: a shallow clone has to fetch the history (git fetch --unshallow)")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(work / "tree", filter="data")
    galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection"]
    around = {**os.environ, "ANSIBLE_HOME": str(work / "home")}
    subprocess.run([*galaxy, "build", "--output-path", str(work)], cwd=work / "tree", env=around, check=True)
    (built,) = work.glob("praxis-cloud-*.tar.gz")
    made = Installed(cloud, work / "installed")
    # By force: the checkout's own is there already, in the place of packages.
    subprocess.run([*galaxy, "install", "--force", "--offline", "--no-deps", str(built), "-p", str(made.folder)],
                   env=around, check=True)  # fmt: skip
    program = str(Path(sys.executable).with_name("ansible-doc"))
    asked = [program, "--json", "-t", "module", "praxis.cloud.agent_info"]
    answer = subprocess.run(asked, env={**around, **made.environment}, capture_output=True, text=True, check=True)
    assert f'"{made.place}/' in answer.stdout
    return made


@pytest.fixture(scope="module")
def fleet(before: Installed) -> Cloud:
    """A fleet of the version before, which is sound by its own words."""
    before.run("provision")
    assert before.run("deploy").summary["ok"]
    assert before.run("verify").summary["ok"]
    return before.cloud


def test_its_infrastructure_stays_as_it_is(fleet: Cloud) -> None:
    planned = fleet.run("provision.yml", "--check", "--diff")
    assert planned.changed == {}


def test_its_agents_are_seen_to_be_sound(fleet: Cloud) -> None:
    observed = fleet.run("verify.yml")
    assert observed.summary["ok"] and observed.summary["findings"] == []


def test_its_agents_get_a_release_of_this_one_and_are_left_alone_after_it(fleet: Cloud) -> None:
    """A release says more than it did in the version before, so each agent is restarted once, with the usual care."""
    started, releases = seen.started(fleet), seen.releases(fleet)
    planned = fleet.run("plan.yml", "--diff")
    assert seen.started(fleet) == started
    deployed = fleet.run("deploy.yml", variables={"praxis_plan_id": planned.summary["plan_id"]})
    assert deployed.summary["ok"]
    now = seen.releases(fleet)
    assert [name for name in releases if now[name] == releases[name]] == []
    started = seen.started(fleet)
    again = fleet.run("deploy.yml")
    assert (again.changed, seen.started(fleet), seen.releases(fleet)) == ({}, started, now)


def test_its_deployment_is_in_the_history(fleet: Cloud) -> None:
    """The records that it left on the hosts are read by this one."""
    history = fleet.run("history.yml").summary
    assert history["deployments"]
