# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pointing at what exists: ids or tags."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import Selector, selector
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed


@pytest.mark.parametrize("value", ["", None, [], {}, [""]])
def test_nothing_is_pointed_at(value: Any) -> None:
    assert not selector("vpc", value)


def test_ids_each_once() -> None:
    assert selector("subnets", ["s-2", "s-1", "s-2"]).ids == ("s-2", "s-1")
    assert selector("vpc", "vpc-1").filters("vpc-id") == [{"Name": "vpc-id", "Values": ["vpc-1"]}]


def test_tags_must_all_be_there() -> None:
    wanted = selector("vpc", {"Name": "shared", "team": "agents"})
    assert wanted.filters("vpc-id") == [
        {"Name": "tag:Name", "Values": ["shared"]},
        {"Name": "tag:team", "Values": ["agents"]},
    ]
    assert wanted.accepts({"Name": "shared", "team": "agents", "more": "x"})
    assert not wanted.accepts({"Name": "shared"})
    assert not wanted.accepts({"Name": "shared", "team": "others"})


def test_ids_accept_no_tags() -> None:
    assert not Selector("vpc", ids=("vpc-1",)).accepts({"Name": "vpc-1"})


@pytest.mark.parametrize("value", [7, True, ["vpc-1", 7], ["vpc-1", ""], {"Name": ""}, {"Name": ["a"]}, {"": "a"}])
def test_anything_else_is_named(value: Any) -> None:
    with pytest.raises(Failed) as caught:
        selector("vpc", value)
    (finding,) = caught.value.findings
    assert (finding.code, finding.where) == ("bad-selector", "vpc")
