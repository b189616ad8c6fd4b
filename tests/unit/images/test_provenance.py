# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes with an image: what syft and cosign are told, and when they are not asked at all.

Both are stand-ins here: scripts in their place that keep what they were given and end as the test wants.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import RegistryCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_provenance import SBOM, SIGNATURE, Provenance
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import OwnLogin

PASSWORD = "a-marked-password"
HOST = "registry.example.org"
DIGEST = "sha256:" + "1" * 64
IMAGE = f"{HOST}/praxis-agent@{DIGEST}"
LOGINS = {HOST: OwnLogin(RegistryCredentials(HOST, "somebody", PASSWORD))}
#: It finds the login as the real ones do, by DOCKER_CONFIG. A signature is a file in the registry's place.
STANDIN = """#!/bin/sh
echo "$(basename "$0") $*" >> "$SAID/words"
grep -rl auths "$DOCKER_CONFIG" >> "$SAID/files"  # what no link leads to
cat "$DOCKER_CONFIG/config.json" >> "$SAID/login" 2> "$SAID/no-login"
if [ -n "$ANSWER" ]; then echo "$ANSWER" >&2; exit 1; fi
case "$(basename "$0") $1" in
  "syft scan") for word; do case "$word" in spdx-json=*) echo "$2" > "${word#spdx-json=}";; esac; done ;;
  "cosign public-key") echo "-----BEGIN PUBLIC KEY-----" ;;
  "cosign sign") touch "$SAID/signature" ;;
  "cosign verify") test -e "$SAID/signature" ;;
esac
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the stand-ins keep what they were told."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("syft", "cosign"):
        (programs / name).write_text(STANDIN)
        (programs / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("SAID", str(tmp_path))
    monkeypatch.setenv("ANSWER", "")
    return tmp_path


def test_paths_in_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert Provenance.given("~/sbom.json", "~/cosign.key") == Provenance("/home/ann/sbom.json", "/home/ann/cosign.key")
    assert Provenance.given("", "awskms:///alias/~agents") == Provenance("", "awskms:///alias/~agents")


def words(told: Path) -> list[str]:
    return (told / "words").read_text().splitlines()


def test_what_was_made_is_there_and_is_not_made_again(told: Path) -> None:
    wanted = Provenance(str(told / "sbom.json"), "cosign.key")
    wanted.require()
    assert wanted.absent(IMAGE, LOGINS) == [SBOM, SIGNATURE]
    wanted.add([SBOM, SIGNATURE], IMAGE, LOGINS)
    assert DIGEST in (told / "sbom.json").read_text() and not (told / "sbom.json.new").exists()
    assert wanted.absent(IMAGE, LOGINS) == []
    # A list of another image is none of this one's.
    (told / "sbom.json").write_text("{}")
    assert wanted.absent(IMAGE, LOGINS) == [SBOM]


def test_what_is_not_asked_for_starts_no_program(told: Path) -> None:
    nothing = Provenance()
    nothing.require()
    assert nothing.wanted == [] and nothing.absent(IMAGE, LOGINS) == []
    nothing.add([], IMAGE, LOGINS)
    assert not (told / "words").exists()


def test_both_work_on_the_image_by_its_digest_and_sign_into_no_public_log(told: Path) -> None:
    Provenance(str(told / "sbom.json"), "awskms:///alias/images").add([SBOM, SIGNATURE], IMAGE, LOGINS)
    listed, signed = words(told)
    assert listed.startswith(f"syft scan registry:{IMAGE} ")
    assert signed == f"cosign sign --yes --tlog-upload=false --key awskms:///alias/images {IMAGE}"


def test_the_login_reaches_them_and_is_in_no_argument_and_no_file(told: Path) -> None:
    Provenance(str(told / "sbom.json"), "cosign.key").add([SBOM, SIGNATURE], IMAGE, LOGINS)
    both = (told / "login").read_text().replace("}}}{", "}}}\n{").splitlines()
    assert [list(json.loads(each)["auths"]) for each in both] == [[HOST], [HOST]]
    assert PASSWORD not in (told / "words").read_text()
    # What they read is a link to a file without a name.
    assert (told / "files").read_text() == ""


@pytest.mark.parametrize(("name", "code"), [(SBOM, "image-sbom"), (SIGNATURE, "image-sign")])
def test_a_failure_ends_with_what_the_program_said_and_without_the_password(
    told: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str
) -> None:
    wanted = Provenance(str(told / "sbom.json"), "cosign.key")
    monkeypatch.setenv("ANSWER", "no such key")
    with pytest.raises(Failed, match="no such key") as refused:
        wanted.add([name], IMAGE, LOGINS)
    assert refused.value.findings[0].code == code
    monkeypatch.setenv("ANSWER", f"unauthorized: {PASSWORD}")
    with pytest.raises(Failed) as refused:
        wanted.add([name], IMAGE, LOGINS)
    assert PASSWORD not in str(refused.value) and not (told / "sbom.json").exists()


def test_a_key_that_cannot_be_used_is_no_missing_signature(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWER", "no such file")
    with pytest.raises(Failed, match="no such file") as refused:
        Provenance("", "cosign.key").absent(IMAGE, LOGINS)
    assert refused.value.findings[0].code == "image-sign"


def test_a_place_where_no_list_can_be_is_refused_before_anything_is_built(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, how: str(path) != str(told / "bin"))
    for place in (told, told / "bin" / "sbom.json", told / "words" / "sbom.json"):
        with pytest.raises(Failed) as refused:
            Provenance(str(place)).require()
        assert [each.code for each in refused.value.findings] == ["image-sbom"]


def test_programs_that_are_not_there_are_all_named_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failed) as refused:
        Provenance(str(tmp_path / "sbom.json"), "cosign.key").require()
    assert [(each.code, each.where) for each in refused.value.findings] == [
        ("image-tool-missing", "syft"), ("image-tool-missing", "cosign"),
    ]  # fmt: skip
    with pytest.raises(Failed) as refused:
        Provenance(str(tmp_path / "not-there" / "sbom.json")).require()
    assert {each.code for each in refused.value.findings} == {"image-tool-missing", "image-sbom"}
