# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are either old or new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import files

ME = os.getuid()
MOUNTINFO = """\
22 27 0:21 / /proc rw,nosuid shared:12 - proc proc rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw
25 27 0:23 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=403484k
"""


def test_a_file_is_replaced_whole_with_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("a longer old text")
    files.write_file(str(path), b"new", mode=0o400, uid=ME)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o7777 == 0o400
    assert os.listdir(tmp_path) == ["secret"]
    assert files.has(str(path), b"new", 0o400, ME)


@pytest.mark.parametrize("difference", ["content", "mode", "owner", "link", "absent"])
def test_a_file_is_right_only_with_everything_right(tmp_path: Path, difference: str) -> None:
    path = tmp_path / "secret"
    files.write_file(str(path), b"new", mode=0o400, uid=ME)
    if difference == "mode":
        path.chmod(0o440)
    if difference == "link":
        path.rename(tmp_path / "other")
        path.symlink_to("other")
    if difference == "absent":
        path.unlink()
    data = b"old" if difference == "content" else b"new"
    assert not files.has(str(path), data, 0o400, ME + 1 if difference == "owner" else ME)


def test_a_left_over_staging_file_does_not_stop_the_next_write(tmp_path: Path) -> None:
    (tmp_path / ".staging-a").write_text("half")
    files.write_file(str(tmp_path / "a"), b"whole", uid=ME)
    assert os.listdir(tmp_path) == ["a"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_file(str(path), b"new", uid=ME)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_directory_appears_with_all_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "releases" / "r1"
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", _break_on("r1"))
        with pytest.raises(OSError, match="cut"):
            files.write_directory(str(target), {"a": "1", "b": "2"})
    assert os.listdir(target.parent) == []
    (target.parent / ".staging-r0").mkdir()  # of a step that was cut off, with another release
    files.write_directory(str(target), {"a": "1", "b": "2"})
    assert {path.name: path.read_text() for path in target.iterdir()} == {"a": "1", "b": "2"}
    assert target.stat().st_mode & 0o777 == 0o755
    assert (target / "a").stat().st_mode & 0o777 == 0o644
    assert target.stat().st_mtime == 0
    assert os.listdir(target.parent) == ["r1"]


def _break_on(name: str):
    rename = os.rename

    def broken(source: str, target: str) -> None:
        if os.path.basename(target) == name:
            raise OSError("cut")
        rename(source, target)

    return broken


def test_a_directory_that_is_there_is_repaired(tmp_path: Path) -> None:
    target = tmp_path / "r1"
    files.write_directory(str(target), {"a": "1", "b": "2"})
    (target / "a").write_text("tampered")
    untouched = (target / "b").stat().st_ino
    files.write_directory(str(target), {"a": "1", "b": "2"})
    assert (target / "a").read_text() == "1"
    assert (target / "b").stat().st_ino == untouched


def test_a_link_moves_in_one_step(tmp_path: Path) -> None:
    link = tmp_path / "current"
    files.point(str(link), "releases/r1")
    files.point(str(link), "releases/r2")
    assert os.readlink(link) == "releases/r2"
    assert os.listdir(tmp_path) == ["current"]


def test_the_file_system_is_found_by_device() -> None:
    assert files.filesystem_of(MOUNTINFO, os.makedev(0, 23)) == "tmpfs"
    assert files.filesystem_of(MOUNTINFO, os.makedev(254, 1)) == "ext4"
    assert files.filesystem_of(MOUNTINFO, os.makedev(9, 9)) is None


def test_a_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.require_tmpfs("/dev/shm")
    monkeypatch.setattr(files, "filesystem_of", lambda _text, _device: "ext4")
    with pytest.raises(Failed) as caught:
        files.require_tmpfs(str(tmp_path))
    assert caught.value.findings[0].code == "not-tmpfs"
    assert "ext4" in caught.value.findings[0].what
