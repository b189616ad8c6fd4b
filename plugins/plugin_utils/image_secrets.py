# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is secret and would go into an image, where everybody reads it who may pull it."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import Iterator, List, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.agent.logins import under
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import Source

#: What a developer keeps settings and secrets in, and the agent reads at its start.
_SETTINGS = ".env"


def doubts(source: Source, file: str, arguments: Mapping[str, str]) -> List[Finding]:
    """Warnings of what is about to be built in.

    :param file: the Dockerfile, by its path in the source; empty for Docker's own default.
    :param arguments: build arguments.
    """
    return [*_arguments(arguments), *_settings(source, file)]


def _arguments(arguments: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in sorted(arguments.items()):
        if any(under(name, value, name)):
            what = "The build argument %s seems to be or hold a login, and would stay in the image's history." % name
            fix = "Remove it, and fetch what needs a login before the build."
            yield Finding("image-secret", what, "praxis_image_build_arguments", fix, WARNING)


def _settings(source: Source, file: str) -> Iterator[Finding]:
    """Of a repository what is committed is in it by intention."""
    if source.repository or not os.path.isfile(os.path.join(source.given, _SETTINGS)):
        return
    if not _ignored(_SETTINGS, _rules(source.given, file)):
        what = "The source has a file %s. If the image copies all files (COPY . .), the agent reads it."
        fix = "Add this file to .dockerignore."
        yield Finding("image-secret", what % _SETTINGS, source.given, fix, WARNING)


def _rules(folder: str, file: str) -> List[str]:
    """The lines of the ``.dockerignore`` that holds: a Dockerfile's own comes before the directory's."""
    for name in ("%s.dockerignore" % (file or "Dockerfile"), ".dockerignore"):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as opened:
                return [line.strip() for line in opened]
    return []


def _ignored(name: str, rules: List[str]) -> bool:
    """Whether a file of the directory's root is left out: the last rule that fits it counts.

    Source: docs.docker.com/build/concepts/context/#dockerignore-files.
    """
    found = False
    for rule in (rule for rule in rules if rule and not rule.startswith("#")):
        pattern = re.sub(r"^/?(\*\*/)*", "", rule.lstrip("!").strip())
        if fnmatch.fnmatchcase(name, pattern.rstrip("/")):
            found = not rule.startswith("!")
    return found
