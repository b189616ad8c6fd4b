# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provisioning says at its end: to programs, to a person, and what it fails with."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.filter.provision_outcome import FilterModule
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.provisioned import outcome

PLAN = ["fleet praxis, AWS us-east-1", "  nothing to do; plan 0123456789ab"]


def account(cloud: str = "aws", *machines: str, **more: Any) -> dict[str, Any]:
    """The variables of an account whose role came to its end."""
    made = [{"name": name, "slot": name, "instance_id": f"i-{name}", "zone": f"{cloud}-a"} for name in machines]
    result = {"region": f"{cloud}-1", "balancer": f"{cloud}.example", "machines": made, "table": PLAN,
              "launched": [], "terminated": [], **more}  # fmt: skip
    return {"praxis_cloud": cloud, "provision_result": result}


def member(name: str, **more: Any) -> dict[str, Any]:
    return {"inventory_hostname": name, **more}


ASKED = {"praxis_holds": {"observation": {}}}
LET_IN = {"praxis_holds": {}, "praxis_login": {"elapsed": 1}}
SHUT_OUT = {**LET_IN, "praxis_no_login": "timed out"}
BROKEN = {"praxis_cloud": "gcp"}
LISTED = [member("m1", **ASKED), member("m2", **LET_IN)]


@pytest.mark.parametrize(
    ("accounts", "members", "unreadable", "said"),
    [
        ([account("aws", "m1", "m2")], LISTED, [], ""),
        ([account("aws")], [], [], ""),
        ([account("aws", "m1"), BROKEN], LISTED, [], "Not all resources were created in gcp: "),
        ([account("aws", "m1")], LISTED, [{"code": "x"}], "The inventory could not be read; -vvv shows why: "
                                                          "[{'code': 'x'}]"),
        ([account("aws", "m1", "m9")], LISTED, [], "Machines that are not in the inventory: m9. "),
        ([account("aws", "m1", "m3")], [*LISTED, member("m3", **SHUT_OUT)], [], "No SSH login on m3: timed out. "),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else_is_ok(
    accounts: list[Any], members: list[Any], unreadable: list[Any], said: str
) -> None:
    found = outcome(accounts, members, unreadable)
    assert found.wrong.startswith(said) and bool(found.wrong) == bool(said)
    assert found.summary()["ok"] is not bool(said)


def test_a_program_gets_one_region_or_that_of_each_cloud() -> None:
    one = outcome([account("aws", "m1")], LISTED).summary()
    assert (one["region"], one["balancer"], list(one["clouds"])) == ("aws-1", "aws.example", ["aws"])
    both = outcome([account("aws", "m1", launched=["m1"]), account("gcp", "m2", terminated=["m7"])], LISTED).summary()
    assert (both["region"], both["balancer"]) == (["aws-1", "gcp-1"], ["aws.example", "gcp.example"])
    assert [each["name"] for each in both["machines"]] == ["m1", "m2"]
    assert (both["launched"], both["terminated"]) == (["m1"], ["m7"])
    none = outcome([BROKEN], LISTED).summary()
    assert (none["failed"], none["region"], none["machines"], none["clouds"]) == (["gcp"], [], [], {})


def test_a_person_sees_who_was_logged_in_to_and_every_plan() -> None:
    admitted = {"table": ["  ~ firewall"], "plan": {}}
    members = [*LISTED, member("m3", **SHUT_OUT), member("m4", praxis_holds={})]
    found = outcome([account("aws", "m1", "m2", "m3", "m4", "m5", admitted=admitted)], members)
    heading, *machines, balancer, first, second, third = found.lines(observed=True)
    assert [line.split()[-1] for line in (heading, *machines)] == ["LOGIN", "ok", "ok", "no", "-", "unlisted"]
    assert (balancer, [first, second, third]) == ("load balancer: aws.example", [*PLAN, "  ~ firewall"])


def test_nothing_is_said_of_machines_that_check_mode_did_not_observe() -> None:
    lines = outcome([account("aws", balancer="")], []).lines(observed=False)
    assert lines == ["machines: not observed in check mode", "load balancer: none", *PLAN]


def test_the_filter_gives_the_playbook_all_three() -> None:
    drawn = FilterModule().filters()["provision_outcome"]([account("aws", "m1")], LISTED[:1])
    assert sorted(drawn) == ["lines", "summary", "wrong"] and drawn["wrong"] == ""
