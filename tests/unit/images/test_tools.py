# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that build and copy images: what they are told, and what becomes of what they say."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.addresses import without_logins
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import RegistryCredentials, parse_image
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils import command, image_tools
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_tools import Recipe
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import OwnLogin
from tests.unit.processes import wait_for_end

PASSWORD = "a-marked-password"
DIGEST = "sha256:" + "1" * 64
TARGET = parse_image("registry.example.org/praxis-agent:1.0")
LOGINS = {TARGET.host: OwnLogin(RegistryCredentials(TARGET.host, "somebody", PASSWORD))}
#: It keeps what it was given, as a program sees it, and ends as the test wants.
PROGRAM = """#!/bin/sh
printf '%s\\n' "$@" > "$SAID/arguments"
while [ $# -gt 0 ]; do
  case $1 in
    --dest-authfile) cat "$2" > "$SAID/login" ;;
    --digestfile) printf '%s' "$DIGEST" > "$2" ;;
  esac
  shift
done
printf '%s\\n' "$ANSWER" >&2
exit "$CODE"
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in skopeo's place, and the folder where it keeps what it was told."""
    (tmp_path / "bin").mkdir()
    for name in ("skopeo", "docker"):
        (tmp_path / "bin" / name).write_text(PROGRAM)
        (tmp_path / "bin" / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name, value in {"SAID": str(tmp_path), "CODE": "0", "ANSWER": "", "DIGEST": DIGEST}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def copied(folder: Path, source: str = f"other.example.org/agent@{DIGEST}") -> str:
    scratch = folder / "scratch"
    scratch.mkdir()
    return image_tools.copy(source, TARGET, {**LOGINS, "other.example.org": None}, str(scratch))


def test_a_login_is_in_no_argument_and_in_no_file(said: Path) -> None:
    assert copied(said) == DIGEST
    login = json.loads((said / "login").read_text())["auths"]
    assert list(login) == [TARGET.host]
    (said / "login").unlink()
    for path in said.rglob("*"):
        assert not path.is_file() or PASSWORD not in path.read_text()
    assert f"docker://{TARGET.host}/praxis-agent:1.0" in (said / "arguments").read_text().splitlines()


def test_an_image_elsewhere_keeps_its_digest_and_what_was_built_gets_one(said: Path) -> None:
    copied(said)
    assert "--preserve-digests" in (said / "arguments").read_text()
    (said / "scratch" / "digest").unlink()
    (said / "scratch").rmdir()
    copied(said, "docker-archive:/nowhere/image.tar")
    assert "--preserve-digests" not in (said / "arguments").read_text()


def test_an_authority_of_the_user_s_own_is_for_its_registry_alone(said: Path, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text("pem")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    logins = {TARGET.host: OwnLogin(None, str(authority))}
    image_tools.copy(f"other.example.org/a@{DIGEST}", TARGET, logins, str(scratch))
    words = (said / "arguments").read_text().splitlines()
    folder = words[words.index("--dest-cert-dir") + 1]
    assert [path.read_text() for path in Path(folder).glob("*.crt")] == ["pem"]
    assert "--src-cert-dir" not in words


def test_a_refusal_is_reported_without_the_password(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "1")
    monkeypatch.setenv("ANSWER", f"unauthorized: {PASSWORD} is wrong")
    with pytest.raises(Failed) as refused:
        copied(said)
    assert refused.value.findings[0].code == "image-copy" and PASSWORD not in str(refused.value)


def test_a_copy_without_a_digest_is_none(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST", "")
    with pytest.raises(Failed, match="could not be copied"):
        copied(said)


def test_a_failed_build_ends_with_what_docker_said(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "1")
    monkeypatch.setenv("ANSWER", "step 3 of 4\nno such file")
    with pytest.raises(Failed, match="step 3 of 4 / no such file") as refused:
        image_tools.build("/nowhere", Recipe(), TARGET, str(said))
    assert refused.value.findings[0].code == "image-build"


def test_several_platforms_need_buildkit(said: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "1")
    with pytest.raises(Failed) as refused:
        image_tools.build("/nowhere", Recipe(platforms=["linux/amd64", "linux/arm64"]), TARGET, str(said))
    assert refused.value.findings[0].code == "image-no-buildkit"
    monkeypatch.setenv("CODE", "0")
    built = image_tools.build("/nowhere", Recipe(platforms=["linux/amd64", "linux/arm64"]), TARGET, str(said))
    assert built.startswith("oci-archive:")
    assert "linux/amd64,linux/arm64" in (said / "arguments").read_text().splitlines()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Failed, match="no-such-program") as refused:
        command.run(["no-such-program"], 1)
    assert refused.value.findings[0].code == "program-missing"


@pytest.mark.slow
def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(Failed) as refused:
        command.run(["sh", "-c", f"sleep 600 & echo $! > {pid}; wait"], 0.5)
    assert refused.value.findings[0].code == "program-timeout"
    wait_for_end(int(pid.read_text()))


def test_what_a_program_says_is_quoted_without_logins_and_signatures() -> None:
    said = "Get https://me:planted@pypi.example/simple: 403\nGET https://store.example/x?Signature=planted failed\n"
    assert command.Done(1, "", said).last_words == (
        "Get https://pypi.example/simple: 403 / GET https://store.example/x?… failed"
    )
    assert command.Done(1, "", "mirror_https://me:planted@host/x?sig=planted").last_words == "mirror_https://host/x?…"
    named = "reading manifest docker://host:5000/name@sha256:%s" % ("a" * 64)
    assert command.Done(1, "", named).last_words == named
    endless = "a." * 500_000  # an agent logs what its peers send, and the time for it grows as its length does
    assert without_logins(endless) == endless
