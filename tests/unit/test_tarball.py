# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user gets who installs the collection: the archive that is built here, listed."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.unit.test_repository import FILES

CHECKOUT = Path(__file__).resolve().parents[2]
#: What is at the archive's root, beside what Galaxy puts there.
ROOT = {
    "CHANGELOG.md", "COPYING", "README.md", "awx", "changelogs", "configs", "docs", "examples", "extensions",
    "inventories", "meta", "playbooks", "plugins", "requirements.txt", "requirements.yml", "roles",
}  # fmt: skip
GALAXY = {"FILES.json", "MANIFEST.json"}

pytestmark = pytest.mark.slow


def build(folder: Path) -> Path:
    """The archive of this checkout, as ``ansible-galaxy`` builds it."""
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    command = [galaxy, "collection", "build", "--output-path", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    (found,) = folder.glob("praxis-cloud-*.tar.gz")
    return found


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Path -> content."""
    with tarfile.open(build(tmp_path_factory.mktemp("built"))) as opened:
        return {item.name: opened.extractfile(item).read() for item in opened if item.isfile()}  # type: ignore[union-attr]


def test_the_archive_holds_the_product_and_none_of_the_checkout_s_tools(archive: dict[str, bytes]) -> None:
    held = {str(path) for path in FILES if path.parts[0] in ROOT}
    assert set(archive) == held | GALAXY


def test_every_part_of_the_product_is_in_it(archive: dict[str, bytes]) -> None:
    assert {name.partition("/")[0] for name in archive} == ROOT | GALAXY
    assert {
        "playbooks/deploy.yml", "playbooks/init.yml", "roles/docker/tasks/main.yml", "plugins/modules/agent_info.py",
        "configs/agent_base.yaml", "inventories/aws/fleet.yml", "examples/awx-project/ansible.cfg", "docs/awx.md",
        "meta/runtime.yml", "meta/execution-environment.yml", "meta/ee-requirements.txt", "playbooks/awx.yml",
        "awx/job_templates.yml", "extensions/molecule/config.yml", "extensions/molecule/default/molecule.yml",
    } <= set(archive)  # fmt: skip


def test_the_archive_names_what_it_depends_on(archive: dict[str, bytes]) -> None:
    about = json.loads(archive["MANIFEST.json"])["collection_info"]
    assert (about["namespace"], about["name"]) == ("praxis", "cloud")
    assert set(about["dependencies"]) == {"amazon.aws"}
