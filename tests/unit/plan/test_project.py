# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own project: what it is made of, and that nothing of a user's is overwritten."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import project_files

CHECKOUT = Path(__file__).resolve().parents[3]
PLAYBOOKS = {path.name for path in (CHECKOUT / "playbooks").glob("*.yml")}


def there(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_project_has_what_its_user_needs(tmp_path: Path) -> None:
    made = set(project_files.compare(str(tmp_path)).missing)
    assert {"ansible.cfg", "README.md", "requirements.txt", "collections/requirements.yml", "deploy.yml",
            "configs/agent_base.yaml", "configs/examples/planner.yaml",
            "inventories/static/hosts.yml"} <= made  # fmt: skip
    for name in ("aws", "aws_ec2", "gcp", "gcp_compute"):
        assert any(path.startswith(f"inventories/{name}/group_vars/") for path in made)
    assert not [path for path in made if "__pycache__" in path]


def test_a_project_has_every_playbook() -> None:
    example = CHECKOUT / "examples" / "awx-project"
    found = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in example.glob("*.yml")}
    del found["execution-environment.yml"]
    assert set(found) == PLAYBOOKS - {"awx.yml", "init.yml"}
    for name, plays in found.items():
        # What another target has in a playbook's place is in tests/unit/test_repository.py.
        imported = [re.sub("{{.*}}", "", play["ansible.builtin.import_playbook"]) for play in plays]
        assert imported == [f"praxis.cloud.{name.removesuffix('.yml')}"]


def test_a_project_names_the_versions_that_are_tested() -> None:
    example = CHECKOUT / "examples" / "awx-project"
    ours = yaml.safe_load((CHECKOUT / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    version = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    found = yaml.safe_load((example / "collections/requirements.yml").read_text(encoding="utf-8"))["collections"]
    assert found == [{"name": "praxis.cloud", "version": f">={version}"}, *ours]
    image = yaml.safe_load((example / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pins = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert image["ansible_core"]["package_pip"] in pins


def test_a_file_of_the_user_s_stays(tmp_path: Path) -> None:
    first = project_files.compare(str(tmp_path))
    project_files.write(str(tmp_path), first.missing)
    assert there(tmp_path) == first.missing
    (tmp_path / "configs/agent_base.yaml").write_text("mine: true\n", encoding="utf-8")
    (tmp_path / "deploy.yml").unlink()
    again = project_files.compare(str(tmp_path))
    assert (list(again.missing), again.differing) == (["deploy.yml"], ["configs/agent_base.yaml"])
    project_files.write(str(tmp_path), again.missing)
    assert there(tmp_path) == {**first.missing, "configs/agent_base.yaml": b"mine: true\n"}


def test_what_cannot_be_written_or_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "project").write_text("a file", encoding="utf-8")
    with pytest.raises(Failed) as caught:
        project_files.write(str(tmp_path / "project"), {"a/b": b""})
    assert [finding.code for finding in caught.value.findings] == ["project-not-written"]
    (tmp_path / "deploy.yml").mkdir()
    with pytest.raises(Failed) as caught:
        project_files.compare(str(tmp_path))
    assert [finding.where for finding in caught.value.findings] == [str(tmp_path / "deploy.yml")]


def init(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``ansible-playbook praxis.cloud.init``, somewhere else than in the checkout."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "praxis.cloud.init", *arguments]
    around = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home")}
    (folder / "cwd").mkdir(exist_ok=True)
    return subprocess.run(command, cwd=folder / "cwd", env={**os.environ, **around}, capture_output=True, text=True,
                          check=False)  # fmt: skip


@pytest.mark.slow
def test_the_playbook_says_what_it_writes_and_what_it_leaves(tmp_path: Path) -> None:
    dest = tmp_path / "project"
    predicted = init(tmp_path, "-e", f"dest={dest}", "--check", "--diff")
    assert predicted.returncode == 0, predicted.stdout
    assert "+praxis_fleet:" in predicted.stdout and not dest.exists()
    made = init(tmp_path, "-e", "dest=../project")
    assert made.returncode == 0 and "changed=1" in made.stdout, made.stdout
    assert set(there(dest)) == set(project_files.compare(str(tmp_path / "none")).missing)
    (dest / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
    again = init(tmp_path, "-e", f"dest={dest}")
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout
    assert "ansible.cfg: it differs" in again.stdout
    assert '"kept": ["ansible.cfg"]' in again.stdout or '"kept": [ "ansible.cfg" ]' in " ".join(again.stdout.split())
    refused = init(tmp_path)
    assert refused.returncode == 2 and "-e dest=DIRECTORY" in refused.stdout
