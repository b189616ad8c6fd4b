# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent keeps, on one machine: what is refused, what is predicted, and that a disk is formatted once.

The tools are the real ones; a file stands in for the block device, which they all take as well.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import data, disk, late_disk
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Data
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine, release
from tests.unit.host.test_deploy import run

MIB = 1024**2
OURS = disk.Content("ext4", "0f5c", 512 * MIB, 512 * MIB)
ON_DISK = Data("/var/lib/praxis/data/agent", ("/dev/sdf",))


def blank(tmp_path: Path, size: int = 16 * MIB) -> Path:
    device = tmp_path / "device"
    with open(device, "wb") as file:
        file.truncate(size)
    return device


def tool(*command: str) -> None:
    path = "%s:/usr/sbin:/sbin" % os.environ["PATH"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path})


def code(of: Any) -> str:
    with pytest.raises(Failed) as refused:
        of()
    return refused.value.findings[0].code


def test_a_blank_disk_is_formatted_once_and_never_again(tmp_path: Path) -> None:
    device = blank(tmp_path)
    assert disk.content(str(device)) is None
    disk.format_blank(str(device))
    made = disk.content(str(device))
    assert made is not None and (made.kind, made.size) == ("ext4", 16 * MIB)
    disk.format_blank(str(device))
    assert disk.content(str(device)) == made


def test_a_disk_that_has_grown_is_larger_than_its_file_system(tmp_path: Path) -> None:
    device = blank(tmp_path)
    disk.format_blank(str(device))
    os.truncate(device, 128 * MIB)
    found = disk.content(str(device))
    assert found is not None and (found.size, found.device_size) == (16 * MIB, 128 * MIB)
    assert data.grows(found)


def written(device: str, at: int) -> None:
    with open(device, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        file.write(b"somebody's")


def partition(device: str) -> None:
    """A table with one partition, as the PC has it since 1983."""
    with open(device, "r+b") as file:
        file.seek(446)
        file.write(bytes((0x80, 0, 2, 0, 0x83, 0, 8, 0)) + (2048).to_bytes(4, "little") + (4096).to_bytes(4, "little"))
        file.seek(510)
        file.write(b"\x55\xaa")


FOREIGN = {
    "a file system of somebody's": lambda device: tool("mkfs.ext4", "-q", "-L", "photos", device),
    "one without a label": lambda device: tool("mkfs.ext4", "-q", device),
    "a kind that is none of ours": lambda device: tool("mkswap", "-L", disk.LABEL, device),
    "bytes at the beginning": lambda device: written(device, 4096),
    "bytes at the end": lambda device: written(device, -512),
    "a partition table": partition,
}


@pytest.mark.parametrize("held", FOREIGN)
def test_what_is_not_ours_is_refused_and_not_touched(tmp_path: Path, held: str) -> None:
    device = blank(tmp_path)
    FOREIGN[held](str(device))
    before = device.read_bytes()
    assert code(lambda: disk.content(str(device))) == "data-foreign"
    assert code(lambda: disk.format_blank(str(device))) == "data-foreign"
    assert device.read_bytes() == before


def test_a_file_system_of_somebody_s_can_be_given_to_us_by_its_label(tmp_path: Path) -> None:
    device = blank(tmp_path)
    tool("mkfs.ext4", "-q", device.as_posix())
    with pytest.raises(Failed) as refused:
        disk.content(str(device))
    assert "e2label" in refused.value.findings[0].fix
    tool("e2label", device.as_posix(), disk.LABEL)
    assert disk.content(str(device)) is not None


def test_a_tool_that_is_missing_is_named(tmp_path: Path) -> None:
    assert code(lambda: disk.run([str(tmp_path / "mkfs.nothing")])) == "data-tool-missing"


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        (data.Seen("/dev/sdf"), ["data-format", "data-mount"]),
        (data.Seen("/dev/sdf", OURS), ["data-mount"]),
        (data.Seen("/dev/sdf", OURS, mounted=True, directory=True), ["data-mount"]),
        (data.Seen("/dev/sdf", OURS, mounted=True, unit_right=True), ["data-directory"]),
        (data.Seen("/dev/sdf", OURS, mounted=True, unit_right=True, directory=True), []),
        (
            data.Seen("/dev/sdf", disk.Content("ext4", "0f5c", 512 * MIB, 1024 * MIB), unit_right=True),
            ["data-mount", "data-grow"],
        ),
        (
            data.Seen("/dev/sdf", disk.Content("xfs", "0f5c", 512 * MIB, 1024 * MIB), True, True, True),
            ["data-grow"],
        ),
        (data.Seen(directory=True), []),
        (data.Seen(), ["data-directory"]),
    ],
)
def test_what_there_is_to_do(seen: data.Seen, kinds: list[str]) -> None:
    assert [change.kind for change in data.changes(seen, ON_DISK)] == kinds


def test_the_unit_mounts_by_id_before_docker_and_has_the_name_that_systemd_wants() -> None:
    text = data._text(OURS, "/var/lib/praxis/data")
    assert "What=/dev/disk/by-uuid/0f5c\nWhere=/var/lib/praxis/data\nType=ext4\n" in text
    assert "Before=docker.service" in text and "RequiredBy" not in text
    assert data._name("/var/lib/praxis/data") == "var-lib-praxis-data.mount"
    assert data._name("/srv/my-data") == "srv-my\\x2ddata.mount"


@pytest.mark.parametrize("by", ["itself", "a deployment"])
def test_an_agent_whose_disk_comes_when_docker_runs_is_started_then(paths: Paths, tmp_path: Path, by: str) -> None:
    """Docker starts no container again whose mount was missing at the boot. Nothing is done before the disk is there,
    nor while a step holds the host."""
    device, told, place = tmp_path / "by-uuid", tmp_path / "told", str(tmp_path / "it's data")
    programs = {
        "mountpoint": f'[ "$2" = "{place}" ] && [ -e {tmp_path}/mounted ]',
        "systemctl": f'echo "$*" >>{told}; touch {tmp_path}/mounted',
        "docker": f'[ "$1" != ps ] && echo "$*" >>{told} || echo 4f1d',
        "flock": f'echo "flock $1" >>{told}; shift; exec "$@"',
        "sleep": f"touch {device if by == 'itself' else tmp_path / 'mounted'}",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    script = late_disk.script(paths, str(device), place, data._name(place))
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", script], env=env, check=True, capture_output=True, timeout=20)
    mounted = [f"start {data._name(place)}"] if by == "itself" else []
    assert told.read_text(encoding="utf-8").splitlines() == [*mounted, f"flock {paths.lock}", "start 4f1d"]
    texts = late_disk.texts(paths, str(device), place, "")
    unit = next(text for path, text in texts.items() if path.endswith(late_disk.SERVICE))
    assert f"ConditionPathIsMountPoint=!{place}\n" in unit and f"ExecStart=/bin/sh {paths.late_disk}\n" in unit


def test_a_disk_that_is_not_there_is_named(paths: Paths, tmp_path: Path) -> None:
    wanted = Data(str(tmp_path / "data" / "agent"), ("/dev/no-such-disk", "/dev/nor-this"))
    assert code(lambda: data.observe(paths, wanted)) == "data-no-systemd"
    (tmp_path / "systemd").mkdir()
    assert code(lambda: data.observe(paths, wanted)) == "data-device-missing"
    assert code(lambda: data.observe(paths, Data(wanted.source, (str(tmp_path),)))) == "data-device-missing"


def test_no_directory_is_made_where_a_disk_should_be(paths: Paths, tmp_path: Path) -> None:
    source = tmp_path / "data" / "agent"
    assert code(lambda: data.make(paths, Data(str(source), ("/dev/sdf",)))) == "data-not-mounted"
    assert not source.exists()


def with_data(source: Path) -> dict[str, Any]:
    found = release("r1")
    text = found["files"]["release.json"]
    found["files"]["release.json"] = text.replace("{", '{"data": "%s", ' % source, 1)
    return {"release": found, "data": {"source": str(source)}}


def test_a_directory_of_the_machine_is_made_predicted_and_kept(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], tmp_path: Path
) -> None:
    source = tmp_path / "srv" / "agent"
    options = with_data(source)
    predicted = run(paths, "prepared", check=True, **options)
    assert "data-directory %s" % source in predicted["changes"] and not source.exists()
    done = run(paths, "prepared", **options)
    assert done["changes"] == predicted["changes"] and source.stat().st_mode & 0o777 == 0o700
    (source / "kept").write_text("kept")
    assert run(paths, "prepared", **options)["changes"] == []
    run(paths, "absent")
    assert (source / "kept").read_text() == "kept"


def test_an_agent_whose_data_is_gone_is_not_started(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], tmp_path: Path
) -> None:
    source = tmp_path / "srv" / "agent"
    run(paths, "prepared", **with_data(source))
    source.rmdir()
    assert run(paths, "active", **with_data(source))["failure"]["code"] == "data-missing"
    assert not (docker / "calls").exists()


@pytest.mark.parametrize("link", ["current", "good"])
def test_a_directory_that_an_agent_had_is_not_made_anew(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], tmp_path: Path, link: str
) -> None:
    """Its mount is away: an empty one in its place would be called good."""
    source = tmp_path / "mnt" / "agent"
    run(paths, "prepared", **with_data(source))
    os.symlink("releases/r1", getattr(paths, link))
    source.rmdir()
    for check in (True, False):
        failure = run(paths, "prepared", check=check, **with_data(source))["failure"]
        assert failure["code"] == "data-missing" and "install -d" in failure["fix"]
        assert not source.exists()
    elsewhere = tmp_path / "srv" / "agent"
    assert run(paths, "prepared", **with_data(elsewhere))["outcome"] == "prepared" and elsewhere.is_dir()


@pytest.mark.parametrize("held", ["file", "link"])
def test_what_is_in_the_directory_s_place_is_not_touched(paths: Paths, tmp_path: Path, held: str) -> None:
    source = tmp_path / "agent"
    source.write_text("mine") if held == "file" else source.symlink_to(tmp_path)
    assert code(lambda: data.observe(paths, Data(str(source)))) == "data-owner"


def test_another_user_s_directory_is_not_taken(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agent").mkdir()
    others = Paths(uid=os.getuid() + 1, systemd=paths.systemd)
    assert code(lambda: data.observe(others, Data(str(tmp_path / "agent")))) == "data-owner"
