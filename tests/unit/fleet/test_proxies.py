# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxies of machines: what they are written as, what is never asked of one, and what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.proxies import (
    Proxies,
    check_entries,
    check_url,
    entries,
    of_fleet,
    together,
)


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([], []),
        (["10.0.0.4", "10.200.0.9"], ["10.0.0.0/8"]),
        (["192.168.1.1", "172.20.0.1", "100.64.0.1"], ["172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]),
        (["203.0.113.7", "10.1.2.3", "198.51.100.1"], ["10.0.0.0/8", "198.51.100.1", "203.0.113.7"]),
        (["", "172.15.0.1", "host.example"], ["172.15.0.1", "host.example"]),
    ],
)
def test_the_fleet_s_addresses_are_named_by_their_networks(addresses: list[str], expected: list[str]) -> None:
    assert of_fleet(addresses) == expected


def test_a_newcomer_changes_nothing() -> None:
    assert of_fleet(["10.0.0.4"]) == of_fleet(["10.0.0.4", "10.99.0.1"])


def test_a_list_and_a_text_are_the_same() -> None:
    assert entries("a, b,,c ") == entries(["a", "b,c"]) == ["a", "b", "c"]
    assert entries(None) == entries([]) == []


def test_each_entry_stands_once_the_user_s_first() -> None:
    assert together(["b", "localhost"], ["10.0.0.0/8", "b"], ["localhost", "::1"]) == (
        "b", "localhost", "10.0.0.0/8", "::1",
    )  # fmt: skip


def test_without_a_proxy_nothing_is_said_of_what_is_reached_without() -> None:
    assert Proxies(no_proxy=("localhost",)).as_engine() == {} == Proxies(no_proxy=("localhost",)).environment()


def test_programs_read_them_in_both_spellings() -> None:
    proxies = Proxies(https="http://p:1", no_proxy=("localhost",))
    assert proxies.environment(["files", "localhost"]) == {
        "HTTPS_PROXY": "http://p:1", "https_proxy": "http://p:1",
        "NO_PROXY": "localhost,files", "no_proxy": "localhost,files",
    }  # fmt: skip
    assert proxies.as_engine() == {"http": "", "https": "http://p:1", "no_proxy": "localhost"}


@pytest.mark.parametrize("url", ["", "http://p", "http://p:3128", "https://p.example:443/", "http://[::1]:3128"])
def test_urls_of_proxies(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://user:word@p:3128", "holds a login"),
        ("p:3128", "not the URL of a proxy"),
        ("socks5://p:1080", "not the URL of a proxy"),
        ("http://p:99999", "not the URL of a proxy"),
        ('http://p:1"\nExecStart=x', "not the URL of a proxy"),
        ("http://p:1/path", "not the URL of a proxy"),
    ],
)
def test_what_is_no_proxy_is_refused(url: str, said: str) -> None:
    wrong = check_url(url)
    assert wrong is not None and said in wrong[0] and wrong[1]
    assert "word" not in wrong[0] + wrong[1].replace("password", "")


@pytest.mark.parametrize("text", ["a b", 'a"', "a\nb", "%n", "$x"])
def test_what_a_unit_would_read_as_something_else_is_refused(text: str) -> None:
    assert check_entries([text]) is not None


def test_names_addresses_and_networks() -> None:
    assert check_entries("*.example.com,.example.org,10.0.0.0/8,host:80,[::1],fd00::/8,*") is None
