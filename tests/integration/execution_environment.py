# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment that ``execution-environment.yml`` describes, built by ansible-builder, and runs in it.

Two things differ from a build elsewhere: the base image is the sandbox's Debian 13, because no registry is asked, and
amazon.aws comes as an archive that is made of the package ansible, because no Galaxy is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox import images
from tests.unit.test_tarball import build

from .installed import KEPT, Done

CHECKOUT = Path(__file__).resolve().parents[2]
DEFINITION = CHECKOUT / "execution-environment.yml"
#: The environment that has the newest collections.
NEWEST = CHECKOUT / ".venv-newest"
NAME = "praxis-sandbox/execution-environment"
#: A user of the image, who is not root.
UID = 1000
AUTHORITIES = Path("/usr/local/share/ca-certificates")


def definition() -> dict[str, Any]:
    return dict(yaml.safe_load(DEFINITION.read_text(encoding="utf-8")))


def archive_of(name: str, folder: Path) -> Path:
    """An archive of a collection that the newest leg has installed."""
    (installed,) = NEWEST.glob(f"lib/python3.*/site-packages/ansible_collections/{name.replace('.', '/')}")
    source = folder / name
    shutil.copytree(installed, source)
    about = json.loads((source / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]
    for file in ("MANIFEST.json", "FILES.json"):
        (source / file).unlink()
    kept = {key: value for key, value in about.items() if value}
    (source / "galaxy.yml").write_text(yaml.safe_dump(kept), encoding="utf-8")
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    subprocess.run([galaxy, "collection", "build", "--output-path", str(folder)], cwd=source, check=True,
                   capture_output=True)  # fmt: skip
    (made,) = folder.glob(f"{name.replace('.', '-')}-{about['version']}.tar.gz")
    return made


def offline(described: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The definition with every collection as a file, and what pip needs to reach its index from here."""
    collections = folder / "collections"
    collections.mkdir(parents=True)
    shutil.move(build(folder), collections / "praxis-cloud.tar.gz")
    named = described["dependencies"]["galaxy"]["collections"]
    for item in named:
        if item.get("type") != "file":
            made = archive_of(item["name"], folder)
            assert made.name.endswith(f"-{item['version']}.tar.gz"), f"{DEFINITION.name} pins another {item['name']}"
            shutil.move(made, collections)
            item |= {"name": f"collections/{made.name}", "type": "file"}
            del item["version"]
    constraints = next(item for item in described["additional_build_files"] if item["dest"] == "constraints")
    described["additional_build_files"] = [
        {"src": str(collections), "dest": "collections"}, {**constraints, "src": str(CHECKOUT / constraints["src"])},
    ]  # fmt: skip
    steps = described["additional_build_steps"]["prepend_base"]
    if authorities := sorted(AUTHORITIES.glob("*.crt")):
        for path in authorities:
            (folder / "authorities").mkdir(exist_ok=True)
            shutil.copy(path, folder / "authorities")
        described["additional_build_files"].append({"src": str(folder / "authorities"), "dest": "authorities"})
        steps += [f"COPY _build/authorities {AUTHORITIES}", "RUN update-ca-certificates",
                  "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt"]  # fmt: skip
    described["build_arg_defaults"]["ANSIBLE_GALAXY_CLI_COLLECTION_OPTS"] = "--offline"
    return described


def make(folder: Path) -> str:
    """Build it; the image's name."""
    images.ensure_base("trixie", folder / "logs")
    described = offline(definition(), folder)
    (folder / "execution-environment.yml").write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-builder")), "build", "--container-runtime", "docker",
               "--tag", NAME, "--build-arg", f"EE_BASE_IMAGE={images.base_tag('trixie')}",
               "--extra-build-cli-args=--network=host", "--verbosity", "3"]  # fmt: skip
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, text=True, env={**os.environ, "DOCKER_BUILDKIT": "0"})  # fmt: skip
    (folder / "build.log").write_text(done.stdout, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-3000:]
    return NAME


class Inside:
    """A user in the image: not root, in a container of which only the project's directory and /tmp may be written to.

    :param project: the directory, which becomes the user's.
    :param environment: that of the sandbox.
    """

    def __init__(self, image: str, project: Path, environment: Mapping[str, str]) -> None:
        self.image, self.project = image, project
        kept = {name: value for name, value in environment.items()
                if KEPT.fullmatch(name) and not name.startswith(("PATH", "PIP_"))}  # fmt: skip
        self.environment = {**kept, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SHOW_CUSTOM_STATS": "1",
                            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "HOME": "/home/runner"}  # fmt: skip
        os.chown(project, UID, 0)

    def give(self, path: Path) -> Path:
        """A file of the controller's, for the user alone; where it is inside."""
        given = self.project / path.name
        shutil.copy(path, given)
        os.chown(given, UID, 0)
        given.chmod(0o600)
        return Path("/runner") / path.name

    def type(self, *command: str, **environment: str) -> Done:
        given = {**self.environment, **environment}
        around = [word for name, value in given.items() for word in ("--env", f"{name}={value}")]
        # The image's own entrypoint would look for a home directory that may be written to.
        begin = ["docker", "run", "--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp:mode=1777,exec",
                 "--entrypoint", "dumb-init", "--volume", f"{self.project}:/runner", "--workdir", "/runner",
                 *around]  # fmt: skip
        done = subprocess.run([*begin, self.image, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900, check=False)
        return Done(done.returncode, done.stdout)

    def play(self, name: str, *arguments: str, **environment: str) -> Done:
        """``ansible-playbook praxis.cloud.NAME``, which has to succeed."""
        done = self.type("ansible-playbook", f"praxis.cloud.{name}", *arguments, **environment)
        assert done.rc == 0, f"{name}: return code {done.rc}\n{done.output[-8000:]}"
        return done
