# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image is built from: its content has a name of its own, and a branch is one commit."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import digest_of, read_source

NOBODY = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example.org", "GIT_COMMITTER_NAME": "n",
          "GIT_COMMITTER_EMAIL": "n@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}  # fmt: skip


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, env={**os.environ, **NOBODY}, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    found = tmp_path / "tree"
    (found / "agent").mkdir(parents=True)
    (found / "Dockerfile").write_text("FROM scratch\n")
    (found / "agent" / "main.py").write_text("print()\n")
    (found / "link").symlink_to("agent")
    return found


@pytest.fixture
def repository(tree: Path) -> Path:
    git(tree, "init", "--quiet", "--initial-branch", "main")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "one")
    git(tree, "tag", "v1")
    git(tree, "tag", "--annotate", "v1-annotated", "--message", "one")
    return tree


def content(tree: Path) -> None:
    (tree / "agent" / "main.py").write_text("print(1)\n")


def name(tree: Path) -> None:
    (tree / "agent" / "main.py").rename(tree / "agent" / "other.py")


def mode(tree: Path) -> None:
    (tree / "agent" / "main.py").chmod(0o755)


def shut(tree: Path) -> None:
    (tree / "agent" / "main.py").chmod(0o600)


def link(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link").symlink_to("agent/main.py")


def addition(tree: Path) -> None:
    (tree / ".dockerignore").write_text("")


def empty(tree: Path) -> None:
    (tree / "agent" / "data").mkdir()


def shut_directory(tree: Path) -> None:
    (tree / "agent").chmod(0o700)


@pytest.mark.parametrize("change", [content, name, mode, shut, link, addition, empty, shut_directory])
def test_other_content_is_another_tag(tree: Path, change: Callable[[Path], None]) -> None:
    before = digest_of(str(tree))
    assert digest_of(str(tree)) == before
    change(tree)
    assert digest_of(str(tree)) != before


def test_the_history_of_a_directory_is_no_content(tree: Path) -> None:
    before = digest_of(str(tree))
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "one")
    assert digest_of(str(tree)) == before


@pytest.mark.parametrize("reads", ["open", "os.scandir"])
def test_what_cannot_be_read_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch, reads: str) -> None:
    """A part that is left out would be content without a name."""

    def refused(path: Any, *_more: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    source = read_source(str(tree))
    monkeypatch.setattr(f"builtins.{reads}" if reads == "open" else reads, refused)
    with pytest.raises(Failed, match="Permission denied") as found:
        source.tag({})
    monkeypatch.undo()
    assert found.value.findings[0].code == "image-source" and str(tree) in str(found.value)


def test_what_is_no_file_is_no_content(tree: Path) -> None:
    before = digest_of(str(tree))
    os.mkfifo(tree / "pipe")
    assert digest_of(str(tree)) == before


def test_another_recipe_is_another_tag(tree: Path) -> None:
    source = read_source(str(tree))
    assert source.tag({"file": ""}) != source.tag({"file": "Dockerfile.small"})
    assert source.tag({"file": ""}).startswith("src-")


@pytest.mark.parametrize("ref", ["", "#main", "#v1", "#v1-annotated", "#refs/heads/main"])
def test_a_branch_or_tag_is_the_commit_that_it_is_now(repository: Path, ref: str) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert read_source(f"file://{repository}{ref}").commit == commit
    assert read_source(f"file://{repository}#{commit}").commit == commit


def test_that_commit_is_built_whatever_the_branch_is_then(repository: Path, tmp_path: Path) -> None:
    source = read_source(f"file://{repository}#main:agent")
    (repository / "agent" / "main.py").write_text("print(2)\n")
    git(repository, "commit", "--all", "--quiet", "--message", "two")
    context = Path(source.context(str(tmp_path / "scratch")))
    assert (context / "main.py").read_text() == "print()\n"
    assert source.tag({}) != read_source(f"file://{repository}#main:agent").tag({})


def test_whose_files_a_controller_makes_is_nothing_to_the_image(repository: Path, tmp_path: Path) -> None:
    """The agent's user is nobody's, and files come into an image with the modes that they have."""
    before = os.umask(0o077)
    try:
        context = Path(read_source(f"file://{repository}#main").context(str(tmp_path / "scratch")))
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (context / "agent", context / "agent" / "main.py")}
    assert modes == {"agent": 0o755, "main.py": 0o644}


@pytest.mark.slow
def test_a_pointer_of_lfs_is_no_content(repository: Path, tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 7\n" % ("a" * 64)
    (repository / "agent" / "weights.bin").write_text(pointer)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "two")
    with pytest.raises(Failed, match="weights.bin.*git-lfs"):
        read_source(f"file://{repository}#main:agent").context(str(tmp_path / "scratch"))
    (repository / "other").mkdir()
    git(repository, "mv", "agent/weights.bin", "other/weights.bin")
    git(repository, "commit", "--quiet", "--message", "three")
    context = read_source(f"file://{repository}#main:agent").context(str(tmp_path / "another"))
    assert os.listdir(context) == ["main.py"], "what is beside the directory that is built is nobody's concern"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/nowhere/at/all", "The directory does not exist"),
        ("file:///nowhere/at/all", "git says: "),
        ("file://{repository}#v2", "has no branch or tag v2"),
    ],
)
def test_what_cannot_be_found_is_named(repository: Path, given: str, said: str) -> None:
    with pytest.raises(Failed, match=said) as refused:
        read_source(given.format(repository=repository))
    assert refused.value.findings[0].code == "image-source"


@pytest.mark.parametrize("part", ["nothing", "../..", "link/../../.."])
def test_a_part_outside_of_the_repository_is_refused(repository: Path, tmp_path: Path, part: str) -> None:
    source = read_source(f"file://{repository}#main:{part}")
    with pytest.raises(Failed, match="The source has no directory"):
        source.context(str(tmp_path / "scratch"))
