# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git repository by its URL, and git's answers to questions about it.

A URL may hold a login, as CI systems hand it out. It reaches git in the environment alone: as an argument every user
of the controller could read it, and git would write it into the checkout's configuration.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Dict, List, Tuple
from urllib.parse import unquote, urlsplit

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils.command import run

SECONDS = 600
#: Files come into an image with the modes of the checkout, and its user is none of the controller's.
_UMASK = 0o022
_USER, _PASSWORD = "PRAXIS_GIT_USER", "PRAXIS_GIT_PASSWORD"
#: A credential helper in git's sense: the shell that git starts for it has names of variables in its arguments alone.
_HELPER = '!answer() { test "$1" = get && printf "username=%%s\\npassword=%%s\\n" "$%s" "$%s"; }; answer' % (
    _USER,
    _PASSWORD,
)


@dataclass(frozen=True)
class Repository:
    """Where a repository is, and who reads it.

    :param url: without a login; it may be shown.
    :param user: of a login over HTTP; empty: git finds one itself, or needs none. It may be the token.
    :param password: empty where the URL has none.
    """

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def ask(self, *words: str) -> str:
        """What git prints.

        :raises Failed: ``image-source``.
        """
        # A question on the terminal would be one that nobody sees.
        environment = {"GIT_TERMINAL_PROMPT": "0", **self._login()}
        done = run(["git", *words], seconds=SECONDS, environment=environment, umask=_UMASK)
        if done.code:
            fix = "Correct the repository's address, or give git access to it (an SSH key, a credential helper)."
            # Of a password that it misses, git says whose, in an address: and a user may be a token.
            raise Failed(Finding("image-source", "git says: %s." % done.last_words, self.url, fix))
        return done.output

    def _login(self) -> Dict[str, str]:
        """The environment by which git, and git in its submodules, logs in to this host.

        Source: git-config(1), GIT_CONFIG_COUNT (git 2.31); gitcredentials(7).
        """
        if not self.user and not self.password:
            return {}
        here = "credential.%s://%s" % urlsplit(self.url)[:2]
        settings = [(here + ".username", self.user)]
        if self.password:  # before helpers of the user's own, as a login in the URL is
            settings += [(here + ".helper", ""), (here + ".helper", _HELPER)]
        return {_USER: self.user, _PASSWORD: self.password, **_configuration(settings)}


def read_repository(given: str) -> Repository:
    """A repository by a URL that may hold a login."""
    at = urlsplit(given)
    login, _at, host = at.netloc.rpartition("@")
    if not login:
        return Repository(given)
    user, _colon, password = login.partition(":")
    if at.scheme == "ssh":  # SSH takes no password there, and the user is a part of the address
        return Repository(at._replace(netloc="%s@%s" % (user, host)).geturl())
    return Repository(at._replace(netloc=host).geturl(), unquote(user), unquote(password))


def _configuration(settings: List[Tuple[str, str]]) -> Dict[str, str]:
    """Settings for git behind those that the environment has already."""
    first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    found = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (name, value) in enumerate(settings, first):
        found.update({"GIT_CONFIG_KEY_%d" % number: name, "GIT_CONFIG_VALUE_%d" % number: value})
    return found
