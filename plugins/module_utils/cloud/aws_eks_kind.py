# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of EKS have in common, and those of them that EKS makes and changes in minutes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_kind import Answer, AwsKind
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.kind import DescribedKind
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource

_ARNS = ("arn", "nodegroupArn", "addonArn", "accessEntryArn", "associationArn")


class EksKind(AwsKind, DescribedKind[AwsClient]):
    """What is described by names, and tagged by its ARN. What is in a cluster has the id CLUSTER/NAME."""

    def tag(self, client: AwsClient, desired: Resource, id_: str, tags: Mapping[str, str]) -> None:
        found = self.described(client, id_)
        arn = next(found[each] for each in _ARNS if each in found)
        client.call("eks", "tag_resource", idempotent=True, resourceArn=arn, tags=dict(tags))


class EksStateKind(EksKind):
    """What has a state, and a field ``active``, which is set by waiting."""

    awaited: ClassVar[bool] = True
    #: States out of which nothing comes by waiting.
    failed: ClassVar[Collection[str]] = ("CREATE_FAILED", "DELETE_FAILED", "DEGRADED", "FAILED")
    #: States in which a change may begin.
    settled: ClassVar[Collection[str]] = ("ACTIVE",)

    def update(self, client: AwsClient, desired: Resource, found: Answer, names: Collection[str]) -> bool:
        """Begin with one of these fields that is not as desired; whether there was one."""
        raise NotImplementedError

    def set(self, client: AwsClient, desired: Resource, id_: str, names: Collection[str]) -> None:
        """One change at a time, each until it has come to its end.

        :raises errors.Conflict: it has not yet.
        """
        found = self.described(client, id_)
        state = found["status"]
        where = f"eks, {id_} in {client.region}"
        if state in self.failed:
            raise _failed(found, where)
        if state in self.settled and self.update(client, desired, found, names):
            raise errors.Conflict("A change of it has not ended yet.", where, "Wait until its state is ACTIVE, then "
                                                                              "run this again.")
        if state == "UPDATE_FAILED":
            raise _failed(found, where)
        if state != "ACTIVE":
            raise errors.Conflict(f"Its state is {state}{_issues(found)}.", where, "Wait until its state is ACTIVE, "
                                                                                   "then run this again.")


def _failed(found: Answer, where: str) -> errors.Invalid:
    what = f"EKS says {found['status']}{_issues(found)}."
    return errors.Invalid(what, where, "Correct what EKS's message names; remove the resource if it was never active. "
                                       "Then run this again.", code="eks-failed")


def _issues(found: Answer) -> str:
    issues = (found.get("health") or {}).get("issues") or ()
    said = "; ".join(f"{each.get('code')}: {str(each.get('message')).rstrip('.')}" for each in issues)
    return f": {said}" if said else ""
