# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image is built from: a directory, or a git repository at one commit; and the tag that names its content."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.command import run

_URL = re.compile(r"(?:https?|ssh|git|file)://.+|[\w.-]+@[\w.-]+:.+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: What is no part of a build's context: it changes with every commit, whatever the commit changes.
_NOT_CONTENT = ".git"
_DIGITS = 16
GIT_SECONDS = 600


@dataclass(frozen=True)
class Source:
    """A build's input.

    :param given: as the user names it.
    :param commit: of a git repository; empty for a directory.
    :param part: the directory in the repository that is built; empty for its root.
    """

    given: str
    commit: str = ""
    part: str = ""

    @property
    def url(self) -> str:
        """The repository without ``#REF:PART``."""
        return self.given.partition("#")[0]

    def context(self, scratch: str) -> str:
        """The directory to build, fetched into the scratch directory when it is a repository's.

        :raises Failed: ``image-source``.
        """
        if not self.commit:
            return self.given
        checkout = os.path.join(scratch, "source")
        for words in (["clone", "--quiet", "--no-checkout", self.url, checkout],
                      ["-C", checkout, "checkout", "--quiet", self.commit],
                      ["-C", checkout, "submodule", "--quiet", "update", "--init", "--recursive"]):  # fmt: skip
            _git(self.url, *words)
        context = os.path.realpath(os.path.join(checkout, self.part))
        inside = os.path.commonpath([context, os.path.realpath(checkout)]) == os.path.realpath(checkout)
        if not inside or not os.path.isdir(context):
            raise Failed(_unfit(self.given, "It has no directory %s." % self.part, "Correct what is behind the colon."))
        return context

    def tag(self, recipe: Mapping[str, Any]) -> str:
        """The tag that stands for this content, built by this recipe: the same again is not built again.

        :param recipe: what else decides what is built: file, arguments, platforms. Plain values.
        """
        content = [self.commit, self.part] if self.commit else [digest_of(self.given)]
        text = json.dumps([content, recipe], sort_keys=True)
        return "src-%s" % hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def read_source(given: str) -> Source:
    """The source that is named: a directory, or the commit that a git repository's branch or tag is now.

    :raises Failed: ``image-source``.
    """
    if not _URL.fullmatch(given):
        folder = os.path.abspath(os.path.expanduser(given))
        if not os.path.isdir(folder):
            fix = "Name a directory, or a git repository: https://HOST/REPOSITORY.git#BRANCH:DIRECTORY."
            raise Failed(_unfit(given, "There is no such directory.", fix))
        return Source(folder)
    url, _hash, rest = given.partition("#")
    name, _colon, part = rest.partition(":")
    if _COMMIT.fullmatch(name):
        return Source(given, name, part)
    listed = dict(_refs(_git(url, "ls-remote", url)))
    for ref in ("HEAD",) if not name else ("refs/tags/%s^{}" % name, "refs/tags/" + name, "refs/heads/" + name, name):
        if ref in listed:
            return Source(given, listed[ref], part)
    fix = "Name a branch, a tag, or a commit by its 40 digits."
    raise Failed(_unfit(given, "The repository has no branch or tag %s." % (name or "HEAD"), fix))


def digest_of(folder: str) -> str:
    """A digest of all files in a directory: names, contents, and whether they may be executed."""
    found = hashlib.sha256()
    for path in sorted(_files(folder)):
        whole = os.path.join(folder, path)
        if os.path.islink(whole):
            kind, content = "link", hashlib.sha256(os.fsencode(os.readlink(whole)))
        else:
            kind, content = ("program" if os.access(whole, os.X_OK) else "file"), hashlib.sha256()
            with open(whole, "rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    content.update(block)
        found.update(b"%s\0%s\0%s\0" % (os.fsencode(path), kind.encode(), content.digest()))
    return found.hexdigest()


def _files(folder: str) -> Iterator[str]:
    """Files and links, by their path from the directory on. What is neither is in no build."""
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _NOT_CONTENT]
        links = [name for name in folders if os.path.islink(os.path.join(at, name))]
        for name in [*files, *links]:
            path = os.path.join(at, name)
            if os.path.islink(path) or os.path.isfile(path):
                yield os.path.relpath(path, folder)


def _refs(text: str) -> Iterator[Tuple[str, str]]:
    for line in text.splitlines():
        commit, _tab, name = line.partition("\t")
        yield name, commit


def _git(url: str, *words: str) -> str:
    # A question on the terminal would be one that nobody sees.
    done = run(["git", *words], seconds=GIT_SECONDS, environment={"GIT_TERMINAL_PROMPT": "0"})
    if done.code:
        fix = "Correct the address, or give git what it needs to read it (an SSH key, a credential helper)."
        raise Failed(_unfit(url, "git answers: %s." % done.last_words, fix))
    return done.output


def _unfit(given: str, what: str, fix: str) -> Finding:
    return Finding("image-source", what, given, fix)
