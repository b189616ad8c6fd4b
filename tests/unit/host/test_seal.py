# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets over a reboot, with stand-ins for systemd-creds and systemctl; test_host of the playbooks has real ones."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine, release
from tests.unit.host.test_deploy import SECRET, run

CREDS = f"""#!{sys.executable}
# A stand-in: turns bytes into hexadecimal and back, and holds them against the name.
import sys
verb, *options = sys.argv[1:]
name = next(word.partition("=")[2] for word in options if word.startswith("--name="))
source, target = [word for word in options if not word.startswith("--")]
given = sys.stdin.buffer.read() if source == "-" else open(source, "rb").read()
if verb == "decrypt":
    found, text = given.decode().split(":")
    if found != name:
        sys.exit("Embedded credential name does not match.")
    made = bytes.fromhex(text)
else:
    made = f"{{name}}:{{given.hex()}}".encode()
(sys.stdout.buffer if target == "-" else open(target, "wb")).write(made)
"""
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{0}/systemctl
for unit; do :; done
wants={0}/units/docker.service.wants
[ "$1" != enable ] || {{ mkdir -p $wants && ln -sf ../$unit $wants/$unit; }}
[ "$1" != disable ] || rm -f $wants/$unit
"""


@pytest.fixture
def host(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], tmp_path: Path) -> Paths:
    """A host that systemd runs, with release r1 active."""
    os.mkdir(paths.systemd)
    os.mkdir(os.path.dirname(paths.unit))
    for name, text in (("systemd-creds", CREDS), ("systemctl", SYSTEMCTL.format(tmp_path))):
        (docker / name).write_text(text)
        (docker / name).chmod(0o755)
    assert run(paths, "prepared")["outcome"] == "prepared"
    engine.run("r1")
    assert run(paths, "active")["outcome"] == "activated"
    return paths


def reboot(paths: Paths) -> None:
    """What a reboot does to memory."""
    for path in sorted(Path(paths.run).rglob("*"), reverse=True):
        path.parent.chmod(0o700)
        path.rmdir() if path.is_dir() else path.unlink()
    os.rmdir(paths.run)


def test_preparing_seals_once_and_says_so_before(host: Paths) -> None:
    shutil.rmtree(host.sealed)
    os.unlink(host.unit)
    predicted, done = run(host, "prepared", check=True), run(host, "prepared")
    assert [item.split()[0] for item in done["changes"]] == ["seal", "seal-key", "unit"]
    assert (predicted["changes"], predicted["diff"]) == (done["changes"], done["diff"])
    assert run(host, "prepared")["changed"] is False


def test_no_plain_value_is_on_the_disk(host: Paths) -> None:
    kept = {path: path.read_bytes() for path in Path(host.root).rglob("*") if path.is_file() and not path.is_symlink()}
    assert {host.sealed_environment("r1"), host.sealed_key} < {str(path) for path in kept}
    assert [path for path, text in kept.items() if SECRET.encode() in text or bytes(range(32)) in text] == []
    assert {os.stat(path).st_mode & 0o777 for path in (host.sealed_environment("r1"), host.sealed_key)} == {0o600}


def test_the_unit_brings_everything_back_into_memory(host: Paths) -> None:

    def in_memory() -> list[Any]:
        return [(Path(path).read_bytes(), os.stat(path).st_mode) for path in (host.environment("r1"), host.node_key)]

    before = in_memory()
    reboot(host)
    assert os.system(f"/bin/sh {host.unseal}") == 0
    assert in_memory() == before
    assert run(host, "prepared")["changed"] is False


@pytest.mark.slow
def test_a_step_after_a_reboot_unseals_what_it_needs(host: Paths, engine: FakeEngine) -> None:
    """A rollback too: the kept release's secrets come from this machine, and from no store."""
    run(host, "prepared", release=release("r2"))
    engine.run("r2")
    assert run(host, "active", release=release("r2"))["outcome"] == "activated"
    reboot(host)
    engine.run("r1")
    back = run(host, "restored", release=release("r2"), previous="r1", secrets=None, seed=None)
    assert (back["outcome"], back["changes"][0]) == ("restored", "unseal " + host.environment("r1"))
    assert SECRET in Path(host.environment("r1")).read_text()


def test_another_value_is_sealed_anew(host: Paths) -> None:
    done = run(host, "prepared", secrets={"OPENAI_API_KEY": "another-marker"})
    assert [item.split()[0] for item in done["changes"]] == ["secrets", "seal"]


def test_what_was_sealed_under_another_name_is_refused(host: Paths) -> None:
    reboot(host)
    os.replace(host.sealed_key, host.sealed_environment("r1"))
    shutil.copy(host.sealed_environment("r1"), host.sealed_key)
    failed = run(host, "active")
    assert (failed["outcome"], failed["failure"]["code"]) == ("failed", "not-sealed")
    assert "does not match" in failed["failure"]["what"]


def test_a_unit_that_systemd_refuses_is_named_with_the_reason(host: Paths, docker: Path) -> None:
    os.unlink(host.unit)
    (docker / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    failed = run(host, "prepared")["failure"]
    assert (failed["code"], failed["where"]) == ("not-sealed", host.unit)
    assert failed["what"].endswith("unsealed: no bus.")


@pytest.mark.slow
def test_a_release_goes_with_what_was_sealed_of_it(host: Paths, engine: FakeEngine) -> None:
    for name in ("r1", "r2", "r3"):
        run(host, "prepared", release=release(name))
        engine.run(name)
        run(host, "active", release=release(name))
        assert run(host, "confirmed", release=release(name), keep_releases=2)["outcome"] == "confirmed"
    assert sorted(os.listdir(host.sealed)) == ["node.key", "r2", "r3"]


def test_absent_takes_the_unit_away(host: Paths, tmp_path: Path) -> None:
    assert run(host, "absent")["outcome"] == "removed"
    assert not os.path.exists(host.unit)
    assert (tmp_path / "systemctl").read_text().splitlines()[-2:] == [
        "disable --no-reload praxis-secrets.service", "daemon-reload"]


def test_a_machine_without_systemd_seals_nothing(host: Paths) -> None:
    os.rmdir(host.systemd)
    shutil.rmtree(host.sealed)
    result = run(host, "prepared")
    seen = result["observation"]["host"]
    assert (result["changed"], seen["seals"], seen["systemd"]) == (False, False, False)
