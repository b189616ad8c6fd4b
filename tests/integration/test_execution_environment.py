# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment of ``execution-environment.yml``: built, and a fleet from nothing and back in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_repository import pins

from .accounts import account_of
from .conftest import HOME, Cloud
from .execution_environment import Inside, definition, make

FLEET = "sandbox-image"
INVENTORY = ("-i", "inventories/aws")
DOWN = json.dumps({"praxis_confirm_down": FLEET, "praxis_remove_identities": True})

pytestmark = [pytest.mark.once, pytest.mark.repetition]


@pytest.fixture(scope="module")
def inside(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    account = account_of(cloud)
    account.give_secrets(FLEET)
    folder = tmp_path_factory.mktemp("ee")
    image = make(folder / "built")
    (folder / "project").mkdir()
    made = Inside(image, folder / "project", cloud.environment)
    made.environment |= {"PRAXIS_FLEET": FLEET, "PRAXIS_HOSTS": "2", "PRAXIS_DEREGISTRATION_DELAY": "5",
                         "PRAXIS_KNOWN_HOSTS": "known"}  # fmt: skip
    try:
        yield made
    finally:
        account.forget_secrets(FLEET)
        subprocess.run(["docker", "image", "rm", "--force", image], check=True, capture_output=True)


def test_its_user_is_not_root_and_its_home_is_read_only(inside: Inside) -> None:
    tried = inside.type("sh", "-c", "id -u; touch ~/file; touch /usr/share/ansible/collections/file; python3 --version")
    assert tried.output.splitlines()[0] == "1000"
    assert tried.output.count("Read-only file system") == 2
    assert "Python 3.13" in tried.output


def test_it_has_the_newest_ansible_and_none_of_what_is_excluded(inside: Inside) -> None:
    newest = pins("requirements-newest.txt")
    lines = inside.type("pip", "freeze").output.lower().splitlines()
    frozen = dict(line.split("==") for line in lines if "==" in line)
    held = pins("constraints-newest.txt")
    assert frozen["ansible-core"] == newest["ansible-core"]
    assert {name for name, version in frozen.items() if name in newest and version != newest[name]} == set()
    assert (held["boto3"], held["botocore"]) == (frozen["boto3"], frozen["botocore"])
    assert not frozen.keys() & set(definition()["dependencies"]["exclude"]["python"])


def test_a_fleet_from_nothing_and_back(inside: Inside, cloud: Cloud) -> None:
    inside.play("init", "-e", "dest=.", ANSIBLE_HOME="/runner/.ansible")
    key = inside.give(HOME / "ssh" / "id_ed25519")
    inside.give(Path(f"{HOME / 'ssh' / 'id_ed25519'}.pub"))
    inside.environment["ANSIBLE_PRIVATE_KEY_FILE"] = str(key)
    settings = ("-e", json.dumps({"praxis_soak": 2, "praxis_record": "records"}))
    inside.play("provision", *INVENTORY, *settings)
    deployed = inside.play("deploy", *INVENTORY, *settings).summary
    assert deployed["ok"]
    again = inside.play("deploy", *INVENTORY, *settings)
    assert again.summary["ok"] and "changed=0" in again.output
    status = inside.play("status", *INVENTORY, *settings).summary
    assert status["ok"] and len(status["members"]) == 2
    inside.play("down", *INVENTORY, "-e", DOWN)
    assert cloud.machines() == []
