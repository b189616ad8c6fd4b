# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins that stand within a setting or a plain variable: both are kept in files and shown in plans. Pure.

They are looked for where logins usually are: in an address (``https://USER:PASSWORD@HOST``), and under a name that says
so (a header ``Authorization``, a variable ``X_TOKEN``).
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator

_ADDRESS = re.compile(r"://[^\s/?#@:\"']*:[^\s/?#@\"']+@")
#: Where a login is kept, and not the login: ``GOOGLE_APPLICATION_CREDENTIALS=/app/configs/key.json``.
_FILE = re.compile(r"(?:/[\w.-]+){2,}")
_NAME = re.compile(
    r"(?:^|[-_.])(?:authorization|cookie|pass(?:word|wd|phrase)?|secret|(?:auth)?token|credentials?"
    r"|(?:api|access|private)[-_]?key)$",
    re.IGNORECASE,
)


def is_login(name: str, value: Any) -> bool:
    """Whether a name says that what it holds is a login."""
    if not isinstance(value, str) or not value.strip() or _FILE.fullmatch(value):
        return False
    return _NAME.search(name) is not None


def places(value: Any, path: str) -> Iterator[str]:
    """The paths of all logins within a value.

    :param path: the value's own.
    """
    if isinstance(value, str):
        if _ADDRESS.search(value):
            yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from under(str(key), item, "%s.%s" % (path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from places(item, "%s[%d]" % (path, at))


def under(name: str, value: Any, path: str) -> Iterator[str]:
    """The same of what stands under a name, which may say itself that it is a login."""
    yield from [path] if is_login(name, value) else places(value, path)


def spelt(text: str) -> Any:
    """A variable's value as the mapping or list that it spells in JSON; any other text as it is."""
    try:
        return json.loads(text) if text[:1] in ("[", "{") else text
    except (ValueError, RecursionError):
        return text
