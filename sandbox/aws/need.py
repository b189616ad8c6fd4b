# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operation needs: an action, on a resource, with the condition keys of the request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Context = Mapping[str, "str | list[str]"]


class Need(NamedTuple):
    """One permission.

    :param action: ``service:Operation``.
    :param resource: an ARN, or ``*`` where the service takes none.
    :param context: condition keys, each with its value.
    """

    action: str
    resource: str
    context: Context = {}


def plain(tags: Any) -> dict[str, str]:
    """Tags in any of the shapes that AWS's services use."""
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    return {str(_word(each, "key")): str(_word(each, "value") or "") for each in tags or ()}


def _word(tag: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in tag.items() if key.lower() == name), "")


def requested(tags: Any) -> dict[str, str]:
    """The tags that the request gives."""
    return {f"aws:RequestTag/{key}": value for key, value in plain(tags).items()}


def borne(tags: Any) -> dict[str, str]:
    """The tags that the resource has already."""
    return {f"aws:ResourceTag/{key}": value for key, value in plain(tags).items()}


def words(response: Any, *names: str) -> list[str]:
    """The parameters of these names, one after the other."""
    found: list[str] = []
    for name in names:
        value = response._get_param(name)
        found += value if isinstance(value, list) else [value] if value else []
    return found


def once(needs: Iterable[Need]) -> list[Need]:
    """Without those that are there before."""
    found: list[Need] = []
    for each in needs:
        if each not in found:
            found.append(each)
    return found
