# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A known_hosts file that may be the user's own: the members' keys are read and set, and all else stays. Pure.

Source of the form: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". A hashed name is ``|1|SALT|HMAC-SHA1``, both in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import io
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.host_keys import known_hosts, public_key

_HASHED = "|1|"


@dataclass(frozen=True)
class _Line:
    """A line that says what one key is of.

    :param patterns: names, with commas between; or a hashed one.
    """

    patterns: str
    key: str

    def is_of(self, name: str) -> bool:
        """Whether it names a member, alone or beside others. A pattern with a wildcard names nobody."""
        return any(_names(pattern, name) for pattern in self.patterns.split(","))

    def without(self, names: Sequence[str]) -> str:
        """The patterns that are left when these names are gone."""
        patterns = self.patterns.split(",")
        return ",".join(pattern for pattern in patterns if not any(_names(pattern, name) for name in names))


def keys_of(text: str, names: Iterable[str]) -> Dict[str, List[str]]:
    """The keys that a file has of these names. A name without a key is left out."""
    lines = [line for line in map(_read, _lines(text)) if line]
    found = {name: [line.key for line in lines if line.is_of(name)] for name in names}
    return {name: keys for name, keys in found.items() if keys}


def with_keys(text: str, keys: Mapping[str, Sequence[str]]) -> str:
    """The file in which each of these names has these keys and no others.

    New keys stand where the first line with a wrong one stood, or at the end.

    :param keys: by name; they have been checked.
    """
    wanted = {name: [str(public_key(key)) for key in keys[name]] for name in keys}
    had = keys_of(text, wanted)
    new = {name: [key for key in own if key not in had.get(name, [])] for name, own in wanted.items()}
    found = ""
    for whole in _lines(text):
        line = _read(whole)
        wrong = [name for name in wanted if line and line.is_of(name) and line.key not in wanted[name]]
        if not line or not wrong:
            found += whole
            continue
        found += known_hosts({name: new.pop(name, []) for name in wrong})
        left = line.without(wrong)
        found += whole.replace(line.patterns, left, 1) if left else ""
    added = known_hosts(new)
    return found + ("\n" if added and found and not found.endswith("\n") else "") + added


def _lines(text: str) -> Iterator[str]:
    """With their ends. Of what else Python takes for the end of a line, SSH knows nothing."""
    return io.StringIO(text, newline="\n")


def _read(text: str) -> Optional[_Line]:
    """None of a comment, of a line with a marker (``@cert-authority``, ``@revoked``), and of what is no key."""
    patterns, _space, rest = text.strip().replace("\t", " ").partition(" ")
    key = public_key(rest)
    return _Line(patterns, key) if key and not patterns.startswith(("#", "@")) else None


def _names(pattern: str, name: str) -> bool:
    if not pattern.startswith(_HASHED):
        return pattern == name
    salt, _bar, digest = pattern[len(_HASHED) :].partition("|")
    try:
        known = base64.b64decode(digest, validate=True)
        return hmac.compare_digest(hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest(), known)
    except (binascii.Error, ValueError):
        return False
