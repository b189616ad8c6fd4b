# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine asks of a kind of cloud resource: how it is found, created, changed and removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Observed, Resource

Client = TypeVar("Client")


@dataclass(frozen=True)
class Kind(Generic[Client]):
    """One kind. What is desired comes with ids in place of references, ``UNKNOWN`` for what does not exist.

    :param name: as the list has it.
    :param words: what people call it.
    """

    name: str
    words: str

    #: How one of others is known, for the message.
    unmarked: ClassVar[str] = ""
    #: What to do about one of others that has the name of ours.
    unmarked_fix: ClassVar[str] = (
        "Choose another name for the fleet (praxis_fleet), or rename that resource; or, where there is an option for "
        "an existing resource, set it."
    )
    #: Whether one of others does as well: it is used as it is, and left alone.
    anybodys: ClassVar[bool] = False
    #: Whether it has no tags, whatever the list gives it, and is whose that is which it refers to.
    belongs: ClassVar[bool] = False
    #: Fields without whose ids it cannot be found: while one of them is unknown, it does not exist.
    found_by: ClassVar[Collection[str]] = ()
    #: Whether to find it takes the ids of all that it refers to, as far as they exist.
    found_last: ClassVar[bool] = False
    #: Whether to set its fields is to wait for what somebody else does, for as long as a run waits at all.
    awaited: ClassVar[bool] = False

    def foreseen(self, client: Client, desired: Resource) -> str:
        """The id that it has or will have, where that follows from its name; else empty."""
        return ""

    def find(self, client: Client, desired: Resource) -> Observed | None:
        """The one that exists, by what nobody can edit where there is such a thing. Only reads."""
        raise NotImplementedError

    def ours(self, tags: Mapping[str, str], desired: Resource) -> bool:
        """Whether one of these tags is the desired one, and not somebody else's."""
        return tagged(tags, desired.tags)

    def create(self, client: Client, desired: Resource) -> str:
        """Create it with its tags, and return its id. Sent once: after a lost answer it is asked for."""
        raise NotImplementedError

    def set_later(self, desired: Resource) -> set[str]:
        """Fields that its creation does not set."""
        return set(desired.fields)

    def set(self, client: Client, desired: Resource, id_: str, names: Collection[str]) -> None:
        """Set these fields. What is sent twice changes nothing more."""

    def tag(self, client: Client, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        """Add these tags, or give them these values."""

    def ready(self, client: Client, id_: str) -> str:
        """Empty when what was created can be used, else the state that it is in."""
        return ""

    def remove(self, client: Client, id_: str) -> None:
        """Remove it. What is gone already raises NotFound, what is in use Conflict."""
        raise NotImplementedError

    def gone(self, client: Client, id_: str) -> bool:
        """Whether it is gone, where removing takes time."""
        return True


class DescribedKind(Kind[Client]):
    """A kind with a description by its id. To remove it takes time, and it is gone when it has none any more."""

    def described(self, client: Client, id_: str) -> dict[str, Any]:
        """Its description.

        :raises NotFound: when it is gone.
        """
        raise NotImplementedError

    def gone(self, client: Client, id_: str) -> bool:
        try:
            self.described(client, id_)
        except NotFound:
            return True
        return False


def tagged(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a resource carries all of these tags."""
    return all(tags.get(key) == value for key, value in wanted.items())


def words_of(description: Any) -> dict[str, str]:
    """A description's words, ``KEY=VALUE`` or ``KEY``, as tags."""
    pairs = [word.partition("=") for word in str(description or "").split()]
    return {key: value for key, _equals, value in pairs}


def text_of(tags: Mapping[str, str]) -> str:
    """Tags as the words of a description."""
    return " ".join(f"{key}={value}" if value else key for key, value in tags.items())
