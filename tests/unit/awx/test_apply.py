# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis.cloud.awx`` on the fake of AWX: what it makes there, and that a second run changes nothing. No AWX runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.plugin_utils import project_files
from tests.awx.fake import TOKEN, Controller
from tests.awx.server import serve

pytest.importorskip("ansible_collections.awx.awx.plugins.modules.job_template", reason="no awx.awx in this ansible")
pytestmark = pytest.mark.slow

#: A plugin that saves a module its own process.
QUICK = Path(__file__).resolve().parents[2] / "awx" / "action"
PASSWORD = "a-registry-password-that-nobody-may-read"
GIVEN: dict[str, Any] = {
    "praxis_awx_project_url": "https://git.example.org/fleet.git",
    "praxis_awx_clouds": ["aws", "gcp"],
    "praxis_awx_execution_environment": "registry.example.org/praxis-ee:1",
    "praxis_awx_webhook_url": "https://hooks.example.org/a-secret-path",
    "praxis_awx_credentials": {
        "registry": {"server": "registry.example.org", "username": "robot", "password": PASSWORD},
    },
}


def project() -> tuple[str, ...]:
    """The playbooks of a project that ``init`` writes: those AWX finds when it syncs it."""
    return tuple(path.name for path in (Path(project_files.ROOT) / "examples" / "awx-project").glob("*.yml"))


class Site:
    """The fake, and what is run against it."""

    def __init__(self, folder: Path, url: str, controller: Controller) -> None:
        self.folder, self.url, self.controller = folder, url, controller

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "praxis.cloud.awx", *arguments]
        around = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(self.folder / "home"),
                  "CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, "CONTROLLER_REQUEST_TIMEOUT": "120",
                  # A client loads these for each request, by HTTP too, and takes longer over it than for all else.
                  "SSL_CERT_FILE": os.devnull, **environment}  # fmt: skip
        return subprocess.run(command, cwd=self.folder, env={**os.environ, **around}, capture_output=True, text=True,
                              check=False)  # fmt: skip

    def quick(self, given: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
        """Apply, with the modules in Ansible's own workers."""
        return self.applied(given, *arguments, ANSIBLE_ACTION_PLUGINS=str(QUICK))

    def applied(self, given: dict[str, Any], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = self.run("-e", json.dumps(given), *arguments, **environment)
        assert done.returncode == 0, done.stdout[-4000:] + "\n".join(self.controller.errors)
        assert self.controller.errors == []
        return done


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    controller = Controller(project())
    with serve(controller) as url:
        yield Site(tmp_path_factory.mktemp("awx"), url, controller)


@pytest.fixture(scope="module")
def made(site: Site) -> Controller:
    """A controller to which the data were applied."""
    done = site.quick(GIVEN, "-vvv")
    told = done.stdout + done.stderr
    assert "Praxis Webhook" in told and not [hidden for hidden in (PASSWORD, "a-secret-path") if hidden in told]
    return site.controller


def test_everything_is_made(made: Controller) -> None:
    templates = made.named("job_templates")
    assert {name: item["playbook"] for name, item in templates.items()} == {
        "Praxis Plan": "plan.yml", "Praxis Deploy": "deploy.yml", "Praxis Deploy the approved plan": "deploy.yml",
        "Praxis Roll back": "rollback.yml", "Praxis Status": "status.yml", "Praxis Verify": "verify.yml",
        "Praxis Doctor": "doctor.yml", "Praxis Down": "down.yml", "Praxis Back up": "backup.yml",
        "Praxis Restore": "restore.yml",
    }  # fmt: skip
    for item in templates.values():
        logins = ["Praxis AWS", "Praxis Google Cloud", "Praxis Registry", "Praxis SSH"]
        assert sorted(made.linked(item, "credentials")) == logins
        assert (item["job_slice_count"], item["allow_simultaneous"]) == (1, False)
    assert set(made.named("inventory_sources")) == {"Praxis Machines on AWS", "Praxis Machines on Google Cloud"}
    hourly = made.named("schedules")["Praxis Verify every hour"]
    assert hourly["unified_job_template"] == templates["Praxis Verify"]["id"]
    assert made.linked(templates["Praxis Deploy"], "notification_templates_error") == ["Praxis Webhook"]
    assert made.linked(templates["Praxis Status"], "notification_templates_error") == []


def test_the_workflow_goes_from_the_plan_by_an_approval_to_the_deployment_of_that_plan(made: Controller) -> None:
    nodes = made.named("workflow_job_template_nodes")
    way, at = [], "plan"
    while at:
        job = made.objects[nodes[at]["unified_job_template"]]
        way.append((job["type"], job["name"]))
        at = "".join(made.linked(nodes[at], "success_nodes"))
    assert way == [
        ("job_template", "Praxis Plan"), ("workflow_approval_template", "Approve the plan"),
        ("job_template", "Praxis Deploy the approved plan"), ("job_template", "Praxis Verify"),
    ]  # fmt: skip
    (approved,) = [item for name, item in made.named("job_templates").items() if name.endswith("approved plan")]
    assert json.loads(approved["extra_vars"]) == {"praxis_plan_id": "{{ praxis_summary.plan_id }}"}
    workflow = made.named("workflow_job_templates")["Praxis Release"]
    assert [item["variable"] for item in made.surveys[workflow["id"]]["spec"]] == ["praxis_image"]


def test_what_a_source_reads_is_in_the_project(made: Controller, tmp_path: Path) -> None:
    written = project_files.compare(str(tmp_path)).missing
    assert {item["source_path"] for item in made.named("inventory_sources").values()} <= set(written)


def test_a_second_run_sends_reads_only(made: Controller, site: Site) -> None:
    before = len(made.requests)
    done = site.quick(GIVEN)
    assert "changed=0" in done.stdout and made.changes(before) == []
    assert len(made.requests) > before + 50


@pytest.mark.repetition
def test_a_change_by_hand_is_undone(made: Controller, site: Site) -> None:
    template = made.named("job_templates")["Praxis Deploy"]
    template["job_slice_count"] = 2
    made.surveys[template["id"]] = {"name": "", "description": "", "spec": []}
    before = len(made.requests)
    predicted = site.quick(GIVEN, "--check")
    assert "changed=1" in predicted.stdout and made.changes(before) == []
    done = site.quick({**GIVEN, "praxis_awx_unasked": ["praxis_image"]})
    assert template["job_slice_count"] == 1 and "changed=2" in done.stdout
    asked = [item["variable"] for item in made.surveys[template["id"]]["spec"]]
    assert asked == ["praxis_plan_id", "praxis_take_over"]
    assert made.named("job_templates")["Praxis Plan"]["survey_enabled"] is False


def test_a_credential_that_was_filled_in_by_a_person_stays(made: Controller) -> None:
    """And secrets are shown to nobody."""
    assert made.named("credentials")["Praxis Registry"]["inputs"]["password"] == PASSWORD
    assert made.named("credentials")["Praxis AWS"]["inputs"] == {}


@pytest.mark.repetition
def test_automation_platform_s_own_collection_does_the_same(made: Controller, site: Site) -> None:
    """Its modules are awx.awx's, built for the other product: so a copy stands in, built that way."""
    theirs = Path(sysconfig.get_path("purelib")) / "ansible_collections" / "awx" / "awx"
    copy = site.folder / "collections" / "ansible_collections" / "ansible" / "controller"
    shutil.copytree(theirs, copy, ignore=shutil.ignore_patterns("test", "images", "__pycache__"))
    api = copy / "plugins" / "module_utils" / "controller_api.py"
    text = api.read_text(encoding="utf-8")
    api.write_text(text.replace('_COLLECTION_TYPE = "awx"', '_COLLECTION_TYPE = "controller"'), encoding="utf-8")
    given = {**GIVEN, "praxis_awx_unasked": ["praxis_image"], "praxis_awx_collection": "ansible.controller"}
    before = len(made.requests)
    done = site.applied(given, ANSIBLE_COLLECTIONS_PATH=str(site.folder / "collections"))
    assert "changed=0" in done.stdout and made.changes(before) == []
    assert "WARNING" not in done.stdout.replace("[WARNING]: No inventory was parsed", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Set praxis_awx_project_url"),
        ({"praxis_awx_unasked": ["praxis_imge"]}, "praxis_awx_unasked names praxis_imge"),
        ({"praxis_awx_credentials": {"registry": {"sever": PASSWORD}}}, "praxis_awx_credentials.registry has no sever"),
        ({"praxis_awx_credentials": {"registry": PASSWORD}}, "praxis_awx_credentials.registry"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(site: Site, given: dict[str, Any], said: str) -> None:
    whole = {**GIVEN, **given} if given else {}
    before = len(site.controller.requests)
    refused = site.run("-e", json.dumps(whole))
    told = " ".join(refused.stdout.split())
    assert refused.returncode == 2 and said in told and PASSWORD not in told
    assert len(site.controller.requests) == before


def test_a_variable_that_has_nothing_below_it_is_not_given(site: Site) -> None:
    """As in a file whose lines below it are comments."""
    names = ("clouds", "credentials", "unasked", "notify", "execution_environment", "webhook_url", "project_branch")
    given = {**GIVEN, **{f"praxis_awx_{name}": None for name in names}, "praxis_awx_prefix": "Empty "}
    site.quick(given)
    assert {"Empty AWS", "Empty SSH"} <= set(site.controller.named("credentials"))
    assert "Empty Registry" not in site.controller.named("credentials")
