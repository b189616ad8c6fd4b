# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies of a fleet's machines, and of its agents where that is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.plan.made import Account, fleet, planner, reported

PROXY = "http://proxy.example:3128"
BOTH: dict[str, Any] = {"http_proxy": PROXY, "https_proxy": PROXY}


def engine(number: int = 1, **values: Any) -> Any:
    return planner(fleet(2, **values)).engines()[f"m{number}"]["proxies"]


def environment(**values: Any) -> dict[str, str]:
    return dict(planner(fleet(2, **values)).plan().releases["m1"].environment)


def test_without_the_variables_the_engine_has_none(account: Account) -> None:
    assert engine() == {}
    assert not {name for name in environment() if "proxy" in name.lower()}


@pytest.mark.parametrize("own", ["a.example, b.example", ["a.example", "b.example"]])
def test_loopback_metadata_and_the_fleet_are_always_reached_directly(account: Account, own: Any) -> None:
    found = engine(**BOTH, no_proxy=own)
    assert (found["http"], found["https"]) == (PROXY, PROXY)
    entries = found["no_proxy"].split(",")
    assert entries[:3] == ["a.example", "b.example", "10.0.0.0/8"]
    always = {"localhost", "127.0.0.1", "::1", "169.254.169.254", "169.254.170.2", "metadata.google.internal"}
    assert always < set(entries)


def test_across_networks_the_fleet_is_its_public_addresses_too(account: Account) -> None:
    own = {index: {"network": f"n{index}", "public_ip": f"203.0.113.{index}"} for index in (1, 2)}
    hosts = fleet(2, own, **BOTH)
    entries = planner(hosts).engines()["m1"]["proxies"]["no_proxy"].split(",")
    assert {"10.0.0.0/8", "203.0.113.1", "203.0.113.2"} < set(entries)


def test_an_agent_has_them_only_when_that_is_asked_for(account: Account) -> None:
    assert "HTTPS_PROXY" not in environment(**BOTH)
    services = [{"name": "files", "image": "registry.example/files@sha256:" + "0" * 64}]
    found = environment(**BOTH, agent_proxy=True, services=services, agent_environment={"http_proxy": "http://mine:1"})
    assert (found["HTTPS_PROXY"], found["https_proxy"], found["http_proxy"]) == (PROXY, PROXY, "http://mine:1")
    assert found["no_proxy"] == found["NO_PROXY"]
    assert {"10.0.0.0/8", "169.254.169.254", "files"} < set(found["no_proxy"].split(","))


@pytest.mark.slow
def test_a_newcomer_changes_no_release_and_no_engine(account: Account) -> None:
    values = {**BOTH, "agent_proxy": True}
    two, three = planner(fleet(2, **values)), planner(fleet(3, **values))
    before, after = two.plan().releases["m1"], three.plan().releases["m1"]
    assert (before.id, two.engines()["m1"]) == (after.id, three.engines()["m1"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"http_proxy": "http://me:planted-word@proxy:1"}, "holds a login"),
        ({"https_proxy": "proxy:3128"}, "is 'proxy:3128', which is not the URL of a proxy"),
        ({"no_proxy": ["a b"]}, "'a b'"),
        ({**BOTH, "docker_daemon": {"proxies": {"http-proxy": PROXY}}}, "praxis_docker_daemon has proxies"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_is_refused_by_name(account: Account, values: dict[str, Any], said: str) -> None:
    with pytest.raises(Failed) as error:
        planner(fleet(2, **values)).plan()
    assert set(reported(error.value)) == {"bad-proxy"}
    assert said in str(error.value) and "planted-word" not in str(error.value)


def test_a_list_of_other_things_is_no_list_of_names(account: Account) -> None:
    with pytest.raises(Failed) as error:
        planner(fleet(1, no_proxy=[1]))
    assert reported(error.value) == ["bad-variable"]
