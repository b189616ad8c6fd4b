# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A security group that has no room for its old and its new rules at a time becomes what is wanted all the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_access_kinds import SECURITY_GROUP
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import QuotaExceeded
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_rules import Rule, overlap
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.resource import Resource
from tests.unit.conftest import Cloud
from tests.unit.infrastructure.account import Account, rows


@dataclass
class Group:
    """A security group of so many rules, in place of a client. It keeps who was admitted after each call.

    :param quota: of rules.
    """

    rules: set[str]
    quota: int
    seen: list[set[str]] = field(default_factory=list)

    def paginate(self, *_what: str, **_which: Any) -> list[dict[str, Any]]:
        ranges = [{"CidrIp": each} for each in sorted(self.rules)]
        return [{"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 4001, "ToPort": 4001, "IpRanges": ranges}]}]

    def call(self, _service: str, operation: str, *, IpPermissions: Sequence[Any], **_more: Any) -> None:
        named = {each["IpRanges"][0]["CidrIp"] for each in IpPermissions}
        if operation.startswith("revoke"):
            assert named <= self.rules
            self.rules -= named
        elif len(self.rules | named) > self.quota:
            raise QuotaExceeded("full", "here", "less")
        else:
            assert not named & self.rules
            self.rules |= named
        self.seen.append(set(self.rules))


def change(there: set[str], wanted: set[str], quota: int) -> Group:
    group = Group(set(there), quota)
    rules = [Rule(4001, each) for each in sorted(wanted)]
    SECURITY_GROUP.set(group, Resource("security_group", "sg", {"rules": rules}), "sg-1", {"rules"})  # type: ignore[arg-type]
    assert group.rules == wanted
    return group


@pytest.mark.parametrize(
    ("there", "wanted", "quota"),
    [
        # Others in place of all, and in place of some.
        ({"10.0.0.1/32", "10.0.0.3/32"}, {"10.0.1.1/32", "10.0.1.3/32"}, 2),
        ({"10.0.0.1/32", "10.0.0.3/32"}, {"10.0.0.1/32", "10.0.1.3/32"}, 2),
        # Merged, with others beside, and taken apart again.
        ({"10.0.0.0/32", "10.0.0.1/32"}, {"10.0.0.0/31"}, 2),
        ({"10.0.0.0/32", "10.0.0.1/32"}, {"10.0.0.0/31", "10.0.1.1/32"}, 2),
        ({"10.0.0.0/31", "10.0.1.1/32"}, {"10.0.0.0/32", "10.0.0.1/32"}, 2),
        ({"10.0.0.0/31"}, {"10.0.0.0/32", "10.0.0.1/32"}, 2),
        ({"10.0.0.0/32", "10.0.0.1/32", "10.0.2.0/32", "10.0.2.1/32"}, {"10.0.0.0/31", "10.0.2.0/31"}, 4),
        ({"10.0.0.0/31", "10.0.2.0/32", "10.0.2.1/32"}, {"10.0.0.0/32", "10.0.0.1/32", "10.0.2.0/31"}, 3),
    ],
)
def test_a_full_group_becomes_what_is_wanted(there: set[str], wanted: set[str], quota: int) -> None:
    change(there, wanted, quota)


def test_who_is_admitted_before_and_after_is_admitted_all_the_time_where_there_is_room() -> None:
    """Merged rules need one place: what nobody wants any more makes it."""
    there = {"10.0.0.0/32", "10.0.0.1/32", "10.9.9.9/32"}
    group = change(there, {"10.0.0.0/31", "10.0.1.1/32"}, 3)
    assert all({"10.0.0.0/31"} <= seen or {"10.0.0.0/32", "10.0.0.1/32"} <= seen for seen in group.seen)
    group = change(there, {"10.0.0.0/31"}, 4)
    assert group.seen == [{*there, "10.0.0.0/31"}, {"10.0.0.0/31"}]


def test_rules_that_overlap_admit_somebody_alike() -> None:
    wide, inside = Rule(4001, "10.0.0.0/8"), Rule(4001, "10.1.0.0/16")
    assert overlap(wide, inside) and overlap(inside, wide) and overlap(Rule(1, "sg-1"), Rule(1, "sg-1"))
    for other in (Rule(4001, "11.0.0.0/8"), Rule(4002, "10.1.0.0/16"), Rule(4001, "::/0"), Rule(4001, "sg-1"),
                  Rule(4001, "10.1.0.0/16", protocol="udp"), Rule(4001, "10.1.0.0/16", last=4009)):  # fmt: skip
        assert not overlap(wide, other)


@pytest.mark.slow
def test_more_members_elsewhere_and_others_fit_into_the_account_s_quota(cloud: Cloud) -> None:
    account = Account(cloud, options={"parts": ["network", "firewall"], "ssh_from": ["203.0.113.7/32"]})
    near = [f"198.51.100.{number}" for number in range(64)]
    far = [[f"{block}.{number}.8" for number in range(40)] for block in ("198.51", "203.0")]
    for p2p_from in (near[:56], near, *far):
        account.present(p2p_from=p2p_from)
        assert rows(account.present(p2p_from=p2p_from)) == []
