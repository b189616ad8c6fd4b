# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image is built from: a directory, or a git repository at one commit; and the tag that names its content."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.git_repository import Repository, read_repository

_URL = re.compile(r"(?:https?|ssh|git|file)://.+|[\w.-]+@[\w.-]+:.+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: What is no part of a build's context: it changes with every commit, whatever the commit changes.
_NOT_CONTENT = ".git"
_DIGITS = 16
_OPEN = stat.S_IROTH | stat.S_IXOTH
#: How a file begins that git-lfs has to put the content in the place of.
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True)
class Source:
    """A build's input.

    :param given: as the user names it, without a login.
    :param repository: None for a directory.
    :param commit: of a git repository; empty for a directory.
    :param part: the directory in the repository that is built; empty for its root.
    """

    given: str
    repository: Optional[Repository] = None
    commit: str = ""
    part: str = ""

    def context(self, scratch: str) -> str:
        """The directory to build, fetched into the scratch directory when it is a repository's.

        :raises Failed: ``image-source``.
        """
        if not self.repository:
            return self.given
        checkout = os.path.join(scratch, "source")
        for words in (["clone", "--quiet", "--no-checkout", self.repository.url, checkout],
                      ["-C", checkout, "checkout", "--quiet", self.commit],
                      ["-C", checkout, "submodule", "--quiet", "update", "--init", "--recursive"]):  # fmt: skip
            self.repository.ask(*words)
        _remove_history(checkout)
        context = os.path.realpath(os.path.join(checkout, self.part))
        inside = os.path.commonpath([context, os.path.realpath(checkout)]) == os.path.realpath(checkout)
        if not inside or not os.path.isdir(context):
            what, fix = "The source has no directory %s." % self.part, "Correct the part after the colon."
            raise Failed(_unfit(self.given, what, fix))
        _refuse_pointers(context, self.given)
        return context

    def tag(self, recipe: Mapping[str, Any]) -> str:
        """The tag that stands for this content, built by this recipe: the same again is not built again.

        :param recipe: what else decides what is built: file, arguments, platforms. Plain values.
        :raises Failed: ``image-source``: a part of it cannot be read.
        """
        try:
            content = [self.commit, self.part] if self.commit else [digest_of(self.given)]
        except OSError as error:
            what = f"{error.filename} cannot be read: {error.strerror}."
            fix = "Let who builds read it, or take it out of the directory; it is a part of the build."
            raise Failed(_unfit(self.given, what, fix)) from None
        text = json.dumps([content, recipe], sort_keys=True)
        return "src-%s" % hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def read_source(given: str) -> Source:
    """The source that is named: a directory, or the commit that a git repository's branch or tag is now.

    :raises Failed: ``image-source``.
    """
    if not _URL.fullmatch(given):
        folder = os.path.abspath(os.path.expanduser(given))
        if not os.path.isdir(folder):
            fix = "Write a directory, or a git repository: https://HOST/REPOSITORY.git#BRANCH:DIRECTORY."
            raise Failed(_unfit(given, "The directory does not exist.", fix))
        return Source(folder)
    url, mark, rest = given.partition("#")
    repository = read_repository(url)
    shown = repository.url + mark + rest
    name, _colon, part = rest.partition(":")
    if _COMMIT.fullmatch(name):
        return Source(shown, repository, name, part)
    listed = dict(_refs(repository.ask("ls-remote", repository.url)))
    for ref in ("HEAD",) if not name else ("refs/tags/%s^{}" % name, "refs/tags/" + name, "refs/heads/" + name, name):
        if ref in listed:
            return Source(shown, repository, listed[ref], part)
    fix = "Use a branch, a tag, or a commit with all its 40 digits."
    raise Failed(_unfit(shown, "The repository has no branch or tag %s." % (name or "HEAD"), fix))


def digest_of(folder: str) -> str:
    """A digest of all files in a directory: names, contents, whether they may be executed, and whether others than
    their owner may read them: the user of an image may not own them. Of directories those count that no file's name
    tells of: empty ones, and those that others may not enter.

    :raises OSError: a part of it cannot be read.
    """
    found = hashlib.sha256()
    for path in sorted(_content(folder)):
        whole = os.path.join(folder, path)
        if os.path.isdir(whole) and not os.path.islink(whole):
            kind, content = "directory" if _is_open(whole) else "directory of its owner", hashlib.sha256()
        elif os.path.islink(whole):
            kind, content = "link", hashlib.sha256(os.fsencode(os.readlink(whole)))
        else:
            kind, content = ("program" if os.access(whole, os.X_OK) else "file"), hashlib.sha256()
            kind += "" if os.stat(whole).st_mode & stat.S_IROTH else " of its owner"
            with open(whole, "rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    content.update(block)
        found.update(b"%s\0%s\0%s\0" % (os.fsencode(path), kind.encode(), content.digest()))
    return found.hexdigest()


def _content(folder: str) -> Iterator[str]:
    """The paths of what has a part in the digest, from the directory on."""
    yield from _files(folder)
    for at, inside in _walk(folder):
        if at != folder and (not inside or not _is_open(at)):
            yield os.path.relpath(at, folder)


def _is_open(folder: str) -> bool:
    """Whether others than its owner may read a directory and enter it."""
    return os.stat(folder).st_mode & _OPEN == _OPEN


def _files(folder: str) -> Iterator[str]:
    """Files and links, by their path from the directory on. What is neither is in no build."""
    for at, inside in _walk(folder):
        for name in inside:
            path = os.path.join(at, name)
            if os.path.islink(path) or os.path.isfile(path):
                yield os.path.relpath(path, folder)


def _walk(folder: str) -> Iterator[Tuple[str, List[str]]]:
    """A directory and those in it, each with the names of what is in it.

    :raises OSError: one cannot be read.
    """

    def stop(error: OSError) -> None:
        raise error

    for at, folders, files in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if name != _NOT_CONTENT]
        yield at, [*folders, *files]


def _refs(text: str) -> Iterator[Tuple[str, str]]:
    for line in text.splitlines():
        commit, _tab, name = line.partition("\t")
        yield name, commit


def _remove_history(checkout: str) -> None:
    """Leave the files of the commit alone, as Docker does with a URL: an image holds no history of its source."""
    for at, folders, files in os.walk(checkout):
        if _NOT_CONTENT in folders:
            folders.remove(_NOT_CONTENT)
            shutil.rmtree(os.path.join(at, _NOT_CONTENT))
        if _NOT_CONTENT in files:  # a submodule's, which points into its repository's
            os.remove(os.path.join(at, _NOT_CONTENT))


def _refuse_pointers(context: str, given: str) -> None:
    """:raises Failed: git has left pointers where git-lfs would have put files (its specification, v1)."""
    for path in sorted(_files(context)):
        whole = os.path.join(context, path)
        if os.path.islink(whole):
            continue
        with open(whole, "rb") as file:
            pointer = file.read(len(_POINTER)) == _POINTER
        if pointer:
            fix = "Install git-lfs on the controller (git lfs install), and give it access to the repository."
            raise Failed(_unfit(given, "%s is a pointer of git-lfs, and not the file." % path, fix))


def _unfit(given: str, what: str, fix: str) -> Finding:
    return Finding("image-source", what, given, fix)
