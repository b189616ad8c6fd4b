# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The revisions of a kind's task definition in Amazon ECS, each with how its deployment ended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_ecs_kinds import lower_list, lower_tags
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import Conflict, Invalid, NotFound, NotPassed
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import tagged
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.task_definition import CONTAINER
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.way_back import NOBODY, Run, Stand, run_of

#: A task definition's tag: how its last deployment ended. Only what was good is a rollback's goal; a deployment of no
#: tasks is complete at once, and says nothing about it.
OUTCOME, GOOD, BAD, UNTRIED = "praxis_outcome", "good", "failed", "untried"
#: Seconds in which ECS sees a role that was made a moment ago.
_ROLES = 60.0
#: Revisions that a history shows.
HISTORY = 20


@dataclass(frozen=True)
class Revisions:
    """A kind's own: those of its family that carry its tags. Two fleets may have one family: ``praxis-a-b-c`` is that
    of the kind ``b-c`` of the fleet ``a``, and of the kind ``c`` of the fleet ``a-b``.

    :param tags: the kind's.
    """

    client: AwsClient
    family: str
    tags: Mapping[str, str]
    poll: Poll = field(default_factory=lambda: Poll(interval=5.0))

    def described(self, named: str) -> dict[str, Any]:
        """A definition with its tags; empty where there is none.

        :param named: its ARN, or the family for its newest.
        """
        try:
            found = self.client.call("ecs", "describe_task_definition", taskDefinition=named, include=["TAGS"])
        except (NotFound, Invalid):
            return {}
        return {**found["taskDefinition"], "tags": found.get("tags") or []}

    def register(self, definition: Mapping[str, Any], by: Run) -> str:
        """Make one more; its ARN.

        :param by: the run that deploys it.
        """
        named = lower_list({**self.tags, "Name": self.family, **by.tags})
        made = self.poll.allowed(
            lambda: self.client.call("ecs", "register_task_definition", tags=named, **definition),
            (Conflict, NotPassed),
            seconds=_ROLES,
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def sign(self, arn: str, by: Run) -> None:
        """Write down which run deploys a revision that is there already."""
        if by.tags:
            self.client.call("ecs", "tag_resource", idempotent=True, resourceArn=arn, tags=lower_list(by.tags))

    def stand(self, running: Mapping[str, Any]) -> Stand:
        """Where a service is.

        :param running: the definition that it runs, or is going to.
        """
        newest = self.described(self.family)
        latest = run_of(lower_tags(newest)) if self._is_own(newest) else NOBODY
        return Stand(run_of(lower_tags(running)), _outcome(running) in (GOOD, UNTRIED), latest)

    def mark(self, arn: str, outcome: str) -> None:
        """Write down how a revision's deployment ended, unless it stands there already."""
        found = self.described(arn)
        # One that was good here is not bad for a deployment that failed for another reason: the cluster was full, say.
        stays = (outcome, GOOD, BAD) if outcome == UNTRIED else (outcome, GOOD)
        if found and _outcome(found) not in stays:
            tags = lower_list({OUTCOME: outcome})
            self.client.call("ecs", "tag_resource", idempotent=True, resourceArn=arn, tags=tags)

    def history(self, running: str) -> list[dict[str, Any]]:
        """The newest first: revision, image, when, and how their deployment ended.

        :param running: the ARN of the one that the service runs, or is going to; empty: none.
        """
        found = islice(self._own(), HISTORY)
        return [
            {
                "revision": each["revision"],
                "arn": each["taskDefinitionArn"],
                "image": image_of(each),
                "registered": str(each.get("registeredAt", "")),
                "outcome": _outcome(each),
                "active": each["taskDefinitionArn"] == running,
            }
            for each in sorted(found, key=lambda one: -int(one["revision"]))
        ]

    def good_before(self, running: str) -> str:
        """The ARN of the newest that was good and is older than this one; empty where there is none.

        :param running: an ARN.
        """
        older = self._own(before=_number(running))
        return next((str(each["taskDefinitionArn"]) for each in older if _outcome(each) == GOOD), "")

    def numbered(self, number: str) -> str:
        """The ARN of the one that has this number and can still be run; empty where there is none."""
        found = self.described(f"{self.family}:{number}") if number.isdecimal() else {}
        there = found.get("status") == "ACTIVE" and self._is_own(found)
        return str(found["taskDefinitionArn"]) if there else ""

    def active(self) -> list[str]:
        """The ARNs of all of them, the newest first."""
        return [str(each["taskDefinitionArn"]) for each in self._own()]

    def give_up(self) -> None:
        """Deregister all of them."""
        # Listed before the first goes: a page is of those that are active by then.
        for arn in self.active():
            self.client.call("ecs", "deregister_task_definition", idempotent=True, taskDefinition=arn)

    def _own(self, before: float = math.inf) -> Iterator[dict[str, Any]]:
        """Those that can still be run and have a number below this one, described, the newest first."""
        arns = (arn for arn in self._arns() if _number(arn) < before)
        return filter(self._is_own, map(self.described, arns))

    def _is_own(self, found: Mapping[str, Any]) -> bool:
        return tagged(lower_tags(found), self.tags)

    def _arns(self) -> Iterator[str]:
        """The newest of the family first. A prefix is other families' too."""
        asked: dict[str, Any] = {"familyPrefix": self.family, "sort": "DESC", "status": "ACTIVE"}
        listed = self.client.paginate("ecs", "list_task_definitions", **asked)
        return (arn for arn in listed if arn.rpartition("/")[2].rpartition(":")[0] == self.family)


def image_of(definition: Mapping[str, Any]) -> str:
    """The agent's image in a definition; empty where there is none."""
    containers = definition.get("containerDefinitions") or ()
    return next((str(each["image"]) for each in containers if each.get("name") == CONTAINER), "")


def _number(arn: str) -> int:
    return int(arn.rpartition(":")[2])


def _outcome(definition: Mapping[str, Any]) -> str:
    return lower_tags(definition).get(OUTCOME, "")
