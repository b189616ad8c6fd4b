# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all of Google's kinds of resources have in common: words in a description stand for tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import Kind
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import UNKNOWN

DEADLINE = 600.0


@dataclass(frozen=True)
class GcpKind(Kind[GcpClient]):
    """A kind that is known by its name, and as ours by the words of its description, which stand for tags here.

    :param deadline: seconds that each operation may take.
    """

    deadline: float = DEADLINE

    unmarked: ClassVar[str] = "its description does not say so"


def words_of(description: Any) -> dict[str, str]:
    """A description's words, ``KEY=VALUE`` or ``KEY``, as tags."""
    pairs = [word.partition("=") for word in str(description or "").split()]
    return {key: value for key, _equals, value in pairs}


def text_of(tags: Mapping[str, str]) -> str:
    """Tags as the words of a description."""
    return " ".join(f"{key}={value}" if value else key for key, value in tags.items())


def address_of(client: GcpClient, link: str) -> str:
    """The address behind a link; empty while there is none."""
    if link == UNKNOWN:
        return ""
    try:
        return str(client.call("compute", "GET", f"compute/v1/{link}")["address"])
    except NotFound:
        return ""
