# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image from a source into ECR, and from there elsewhere: a real Docker, a real registry with login and TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import MANIFEST_TYPES
from sandbox.site import Site

from . import hunting
from .conftest import CHECKOUT, HOME, Cloud, OwnRegistry, Run

REPOSITORY = "praxis-team/built-agent"
DOCKERFILE = "FROM scratch AS first\nARG FILE=agent\nCOPY ${FILE} /agent\nFROM first\nLABEL stage=second\n"
READS = ("Describe", "Get", "List", "Batch")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("source")
    (found / "Dockerfile").write_text(DOCKERFILE)
    (found / "agent").write_text("one\n")
    (found / "other").write_text("two\n")
    return found


class Ecr:
    """A controller that reaches the account's registry by its name, as every controller with the internet does."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.site = cloud, Site(HOME.parent)
        self._hosts = folder / "hosts"
        known = Path("/etc/hosts").read_text(encoding="utf-8")
        self._hosts.write_text(f"{known}\n{self.site.addresses.registry} {self.site.registry_name}\n", encoding="utf-8")

    def name(self, tag: str, repository: str = REPOSITORY) -> str:
        return f"{self.site.registry_name}/{repository}:{tag}"

    def run(self, image: str, *arguments: str, expect: int = 0, **variables: Any) -> Run:
        """``image.yml`` where that name leads to the sandbox's registry, and its authority is trusted."""
        named = {f"praxis_image_{name}": value for name, value in variables.items()}
        given = json.dumps({"praxis_image": image, **named})
        record = self._hosts.with_name("record.json")
        record.unlink(missing_ok=True)
        programs = Path(sys.executable).parent
        inside = f'mount --bind {self._hosts} /etc/hosts && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", inside, "sh", str(programs / "ansible-playbook"), "image.yml",
                   "-i", "inventories/aws", "-e", given, *arguments]  # fmt: skip
        done = subprocess.run(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=600, check=False, env=self.cloud.environment | {
                "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
                "ANSIBLE_CALLBACKS_ENABLED": "praxis_recorder", "ANSIBLE_NOCOLOR": "1",
                "PRAXIS_TEST_RECORD": str(record), "SSL_CERT_FILE": str(HOME / "tls" / "ca.crt"),
            },
        )  # fmt: skip
        assert done.returncode == expect, done.stdout[-4000:]
        written = json.loads(record.read_text(encoding="utf-8"))
        parts = (written[name] for name in ("recap", "stats", "changed", "failed"))
        return Run(done.returncode, done.stdout, *parts)

    def held(self, tag: str) -> str:
        """The digest that the registry has for a tag, past the product; empty for none."""
        found = subprocess.run(
            ["curl", "--silent", "--show-error", "--head", "--header", f"Accept: {', '.join(MANIFEST_TYPES)}",
             f"http://{self.cloud.state['registry']['push']}/v2/{REPOSITORY}/manifests/{tag}"],
            capture_output=True, text=True, check=True).stdout.lower()  # fmt: skip
        lines = [line.split(": ")[1].strip() for line in found.splitlines() if line.startswith("docker-content-digest")]
        return lines[0] if lines else ""


@pytest.fixture(scope="module")
def ecr(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Ecr:
    return Ecr(cloud, tmp_path_factory.mktemp("ecr"))


def changes(cloud: Cloud, since: list[int]) -> list[str]:
    """What was asked of AWS since then and is no read."""
    return [each["operation"] for each in cloud.operations(since) if not each["operation"].startswith(READS)]


def test_check_mode_makes_neither_repository_nor_image(ecr: Ecr, source: Path) -> None:
    mark = ecr.cloud.mark()
    run = ecr.run(ecr.name("1.0"), "--check", "--diff", source=str(source))
    assert run.summary["built"] and run.summary["image"] == ""
    assert [row["action"] for row in run.summary["repository"]] == ["create"]
    assert changes(ecr.cloud, mark) == [] and ecr.held("1.0") == ""


def test_it_is_built_and_pushed_once_and_its_login_leaks_nowhere(ecr: Ecr, source: Path) -> None:
    with hunting.watched_arguments(ecr.cloud) as arguments:
        first = ecr.run(ecr.name("1.0"), "-vvvvv", "--diff", source=str(source))
    digest = first.summary["digest"]
    assert digest == ecr.held("1.0") and first.summary["image"] == ecr.name("1.0").partition(":")[0] + f"@{digest}"
    password = ecr.cloud.owner.credentials()["registry password"]
    assert password not in first.output.encode() and password not in b"\n".join(arguments)
    assert any(b"skopeo" in each for each in arguments), "the programs' arguments were not seen"
    mark = ecr.cloud.mark()
    second = ecr.run(ecr.name("1.0"), source=str(source))
    assert second.changed == {} and second.summary["digest"] == digest and changes(ecr.cloud, mark) == []


def test_another_tag_of_the_same_content_is_the_same_image(ecr: Ecr, source: Path) -> None:
    run = ecr.run(ecr.name("1.0-again"), source=str(source))
    assert not run.summary["built"] and ecr.held("1.0-again") == ecr.held("1.0")


def test_a_tag_is_not_taken_from_another_image(ecr: Ecr, source: Path) -> None:
    before = ecr.held("1.0")
    run = ecr.run(ecr.name("1.0"), expect=2, source=str(source), build_arguments={"FILE": "other"})
    assert [each["code"] for each in run.summary["findings"]] == ["image-tag-taken"] and ecr.held("1.0") == before
    other = ecr.run(ecr.name("1.1"), source=str(source), build_arguments={"FILE": "other"})
    assert other.summary["built"] and ecr.held("1.1") not in ("", before)


def test_a_copy_elsewhere_has_the_same_digest(ecr: Ecr) -> None:
    own = OwnRegistry(ecr.cloud)
    given = json.dumps(own.variables(own.password))
    run = ecr.run(f"{own.server}/copied/agent:1.0", "-e", given, "-e", f"praxis_image={own.server}/copied/agent:1.0",
                  **{"from": ecr.name("1.0")})  # fmt: skip
    assert run.summary["digest"] == ecr.held("1.0") and run.changed
    again = ecr.run(f"{own.server}/copied/agent:1.0", "-e", given, "-e", f"praxis_image={own.server}/copied/agent:1.0",
                    **{"from": ecr.name("1.0")})  # fmt: skip
    assert again.changed == {}


@pytest.mark.repetition
def test_a_wrong_login_is_named_and_nothing_is_built(ecr: Ecr, source: Path) -> None:
    own = OwnRegistry(ecr.cloud)
    image = f"{own.server}/refused/agent:1.0"
    given = json.dumps(own.variables("not-the-password"))
    run = ecr.run(image, "-e", given, "-e", f"praxis_image={image}", expect=2, source=str(source))
    assert [each["code"] for each in run.summary["findings"]] == ["registry-auth"]


@pytest.mark.repetition
def test_a_dockerfile_that_fails_says_where(ecr: Ecr, source: Path) -> None:
    (source / "Dockerfile.bad").write_text("FROM scratch\nCOPY not-there /\n")
    run = ecr.run(ecr.name("2.0"), expect=2, source=str(source), file="Dockerfile.bad")
    (finding,) = run.summary["findings"]
    assert finding["code"] == "image-build" and "not-there" in finding["what"]
    assert ecr.held("2.0") == "" and not [name for name in os.listdir("/tmp") if name.startswith("praxis-image-")]
