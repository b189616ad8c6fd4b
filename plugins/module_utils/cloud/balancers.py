# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers and target groups, found by name, ARN or tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import Selector
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tags_of

SERVICE = "elbv2"
#: As many resources as one DescribeTags may name.
TAGS_AT_ONCE = 20


@dataclass(frozen=True)
class Kind:
    """The words that tell a load balancer's operations from a target group's."""

    name: str
    operation: str
    arn: str
    by_arn: str

    @property
    def code(self) -> str:
        return self.name.replace(" ", "-")


LOAD_BALANCER = Kind("load balancer", "describe_load_balancers", "LoadBalancerArn", "LoadBalancerArns")
TARGET_GROUP = Kind("target group", "describe_target_groups", "TargetGroupArn", "TargetGroupArns")


def find(client: AwsClient, kind: Kind, wanted: Selector) -> dict[str, Any]:
    """The one that is meant, in the API's words.

    :raises Failed: ``load-balancer-not-found``, ``target-group-not-found``, ``load-balancer-ambiguous``,
        ``target-group-ambiguous``, ``bad-selector``, or the cloud's own refusal.
    """
    if len(wanted.ids) > 1 or not wanted:
        what = f"The value names {'several' if wanted else 'no'} {kind.name}s."
        raise Failed(Finding("bad-selector", what, wanted.option, "Set one name or ARN, or tags."))
    found = _by_tags(client, kind, wanted) if wanted.tags else _by_id(client, kind, wanted.ids[0])
    if len(found) == 1:
        return found[0]
    where = f"AWS {client.region}"
    if found:
        arns = ", ".join(sorted(str(each[kind.arn]) for each in found))
        what = f"Several {kind.name}s have {wanted}: {arns}."
        raise Failed(Finding(f"{kind.code}-ambiguous", what, where, "Add a tag that only one has, or set its ARN."))
    what = f"There is no {kind.name} {f'with {wanted}' if wanted.tags else repr(wanted.ids[0])}."
    fix = "Run provision.yml first, or correct the name, account or region."
    raise Failed(Finding(f"{kind.code}-not-found", what, where, fix))


def _by_id(client: AwsClient, kind: Kind, name_or_arn: str) -> list[dict[str, Any]]:
    by = {kind.by_arn if name_or_arn.startswith("arn:") else "Names": [name_or_arn]}
    try:
        return list(client.paginate(SERVICE, kind.operation, **by))
    except errors.NotFound:
        return []


def _by_tags(client: AwsClient, kind: Kind, wanted: Selector) -> list[dict[str, Any]]:
    known = {str(each[kind.arn]): each for each in client.paginate(SERVICE, kind.operation)}
    arns = list(known)
    meant = []
    for start in range(0, len(arns), TAGS_AT_ONCE):
        some = arns[start : start + TAGS_AT_ONCE]
        for answer in client.call(SERVICE, "describe_tags", ResourceArns=some)["TagDescriptions"]:
            if wanted.accepts(tags_of(answer)):
                meant.append(known[answer["ResourceArn"]])
    return meant
