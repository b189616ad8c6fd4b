# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all of Google's kinds of resources have in common: words in a description stand for tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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


def address_of(client: GcpClient, link: str) -> str:
    """The address behind a link; empty while there is none."""
    if link == UNKNOWN:
        return ""
    try:
        return str(client.call("compute", "GET", f"compute/v1/{link}")["address"])
    except NotFound:
        return ""
