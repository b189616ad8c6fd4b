# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a fleet's network in AWS away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Conflict, Invalid, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import mark
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.network import NAMES

_REMOVALS = (
    ("subnet", "describe_subnets", "SubnetId", "delete_subnet"),
    ("routes", "describe_route_tables", "RouteTableId", "delete_route_table"),
    ("gateway", "describe_internet_gateways", "InternetGatewayId", "delete_internet_gateway"),
    ("vpc", "describe_vpcs", "VpcId", "delete_vpc"),
)


@dataclass(frozen=True)
class Removal:
    """Taking a fleet's network away: whatever carries both marks."""

    client: AwsClient
    fleet: str
    poll: Poll = field(default_factory=lambda: Poll(interval=5.0))

    def look(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and description of everything ours, in the order in which it can be removed."""
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in mark(self.fleet).items()]
        return [
            (kind, item)
            for kind, operation, _word, _delete in _REMOVALS
            for item in self.client.paginate("ec2", operation, Filters=filters)
        ]

    def apply(self, found: Sequence[tuple[str, dict[str, Any]]], seconds: float) -> None:
        """Remove these. A machine's or balancer's network interface can outlive it by a minute: that is waited for.

        :param seconds: for each of them.
        :raises Failed: ``network-not-gone``, naming what is left.
        """
        for number, (kind, item) in enumerate(found):
            for operation, ids in _orders(kind, item):
                error, done = self.poll.until(partial(self._call, operation, **ids), _is_none, seconds=seconds)
                if error and not done:
                    raise self._left(found[number:], error, seconds)

    def _left(self, left: Sequence[tuple[str, dict[str, Any]]], error: CloudError, seconds: float) -> Failed:
        names = ", ".join(f"{NAMES[kind]} {identifier(kind, item)}" for kind, item in left)
        what = f"Still there after {seconds:.0f} s: {names}. {error.finding.what}"
        fix = "Remove what uses it, then run again."
        return Failed(Finding("network-not-gone", what, f"fleet {self.fleet} in {self.client.region}", fix))

    def _call(self, operation: str, **params: Any) -> CloudError | None:
        try:
            self.client.call("ec2", operation, idempotent=True, **params)
        except NotFound:
            return None
        except Conflict as error:
            return error
        except Invalid as error:
            if error.reason != "Gateway.NotAttached":
                raise
        return None


def _is_none(error: CloudError | None) -> bool:
    return error is None


def _orders(kind: str, item: Mapping[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """The operations that remove one of them."""
    word, delete = next((word, delete) for name, _look, word, delete in _REMOVALS if name == kind)
    attached = item.get("Attachments", ()) if kind == "gateway" else ()
    detach = [("detach_internet_gateway", {word: item[word], "VpcId": each["VpcId"]}) for each in attached]
    serving = [each for each in item.get("Associations", ()) if not each.get("Main")]
    detach += [("disassociate_route_table", {"AssociationId": each["RouteTableAssociationId"]}) for each in serving]
    return [*detach, (delete, {word: item[word]})]


def identifier(kind: str, item: Mapping[str, Any]) -> str:
    """The id in an EC2 description."""
    return str(item[next(word for name, _look, word, _delete in _REMOVALS if name == kind)])
