# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: built by ansible-builder on a bare Debian, and a fleet's life run from inside it, by a
user other than root, in containers in which nothing but /tmp can be written to."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import docker, images

from .conftest import CHECKOUT, HOME, Cloud

pytestmark = pytest.mark.repetition  # make test-ee runs it: building the image takes minutes

TAG = "praxis-sandbox/execution-environment:test"
INVENTORY = "/usr/share/ansible/collections/ansible_collections/praxis/cloud/inventories/aws"
#: What of the sandbox's environment is the cloud's.
KEPT = re.compile(r"AWS_\w+|PRAXIS_(VPC_CIDR|IMAGE)|NO_PROXY|no_proxy|LC_ALL")
DEADLINE = 900  # seconds


class Environment:
    """The image, in the sandbox's network.

    :param cloud: the sandbox.
    :param folder: where the login key is, as the image's user may read it.
    """

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.user = os.geteuid() or 1000
        key = shutil.copy(HOME / "ssh" / "id_ed25519", folder)
        shutil.copy(HOME / "ssh" / "id_ed25519.pub", folder)
        for path in (folder, Path(key)):
            os.chown(path, self.user, 0)
        self.folder = folder
        kept = {name: value for name, value in cloud.environment.items() if KEPT.fullmatch(name)}
        self.variables = {
            **kept, "HOME": "/home/runner", "PRAXIS_HOSTS": "2", "PRAXIS_DEREGISTRATION_DELAY": "5",
            "PRAXIS_KNOWN_HOSTS": "/tmp/known_hosts", "ANSIBLE_PRIVATE_KEY_FILE": f"/keys/{Path(key).name}",
            "ANSIBLE_SHOW_CUSTOM_STATS": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": "/tmp/ansible", "ANSIBLE_SSH_CONTROL_PATH_DIR": "/tmp/cp",
            "XDG_STATE_HOME": "/tmp/state",
        }  # fmt: skip

    def run(self, *command: str) -> str:
        """What a command prints in a container of its own; it must succeed."""
        words = ["docker", "run", "--rm", "--network", "host", "--user", f"{self.user}:0", "--read-only", "--cap-drop",
                 "ALL", "--tmpfs", "/tmp:exec,mode=1777", "--volume", f"{self.folder}:/keys:ro", "--entrypoint",
                 command[0]]  # fmt: skip
        words += [word for name, value in self.variables.items() for word in ("--env", f"{name}={value}")]
        done = subprocess.run([*words, TAG, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=DEADLINE, check=False)  # fmt: skip
        assert done.returncode == 0, f"{' '.join(command)}: return code {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout

    def play(self, name: str, *arguments: str) -> dict[str, Any]:
        """``ansible-playbook praxis.cloud.NAME``; its ``praxis_summary``."""
        said = self.run("ansible-playbook", f"praxis.cloud.{name}", "-i", INVENTORY, *arguments)
        printed = said.partition("CUSTOM STATS:")[2].partition("RUN: ")[2]
        assert printed, f"no summary:\n{said[-6000:]}"
        return dict(json.JSONDecoder().raw_decode(printed)[0]["praxis_summary"])


@pytest.fixture(scope="module")
def inside(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The image of this checkout, removed at the end."""
    # The base is what the sandbox's machines are made from, as debootstrap leaves it: here is no registry of images.
    base = images.base_tag("trixie")
    assert docker.inspect("image", base), f"{base} is made when a sandbox is first up"
    log = CHECKOUT / "build" / "ee.log"
    with log.open("wb") as output:
        done = subprocess.run(["scripts/ee", TAG, base], cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT, check=False)  # fmt: skip
    assert done.returncode == 0, log.read_text(encoding="utf-8", errors="replace")[-6000:]
    yield Environment(cloud, tmp_path_factory.mktemp("keys"))
    docker.docker("image", "rm", TAG)


def test_the_image_has_the_newest_ansible_and_the_collections(inside: Environment) -> None:
    wanted = yaml.safe_load((CHECKOUT / "execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    version = wanted["ansible_core"]["package_pip"].partition("==")[2]
    said = inside.run("ansible", "--version")
    assert f"[core {version}]" in said and "python version = 3.13" in said
    held = json.loads(inside.run("ansible-galaxy", "collection", "list", "--format", "json"))
    (found,) = held.values()
    assert set(found) == {"amazon.aws", "community.aws", "praxis.cloud"}


def test_the_image_has_what_the_collection_asks_for(inside: Environment) -> None:
    lines = (CHECKOUT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [re.split("[<>=]", line)[0] for line in lines]
    inside.run("python3", "-m", "pip", "show", "--quiet", *names)
    inside.run("ssh", "-V")


def test_the_user_is_not_root_and_may_write_nowhere(inside: Environment) -> None:
    told = inside.run("sh", "-c", 'id -u; for place in "$HOME" / /usr/share/ansible; do test ! -w "$place"; done')
    assert told.strip() == str(inside.user)


def test_a_fleet_s_life(inside: Environment, cloud: Cloud) -> None:
    inside.play("provision")
    names = [machine.name for machine in cloud.machines()]
    assert len(names) == 2
    deployed = inside.play("deploy", "-e", "praxis_soak=1")
    assert deployed["ok"] and deployed["findings"] == []
    seen = inside.play("status")
    assert sorted(member["name"] for member in seen["members"]) == sorted(names)
    assert {member["health"] for member in seen["members"]} == {"healthy"}
    inside.play("down", "-e", "praxis_confirm_down=praxis")
    assert cloud.machines() == []
