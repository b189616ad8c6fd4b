# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's file: the document's text, and the bootstrap list added to it on the host."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent import document, peers
from tests import tiers

MINIMAL = {"agent": {"name": "alpha"}, "p2p": {"port": 4001}}
NAMES = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=40))
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
SECTIONS = st.dictionaries(
    NAMES.filter(lambda name: name != "p2p"), st.dictionaries(NAMES, TREES, max_size=4), max_size=4
)
P2P = st.dictionaries(NAMES.filter(lambda name: name != "bootstrap_nodes"), TREES, min_size=1, max_size=4)
MULTIADDRS = st.lists(
    st.from_regex(r"\A/(ip4/10\.0\.0\.[0-9]|dns4/[a-z]{1,8})/tcp/4001/p2p/12D3[A-Za-z1-9]{8}\Z"), max_size=4
)


@pytest.mark.slow
@given(sections=SECTIONS, p2p=P2P, multiaddrs=MULTIADDRS)
@tiers.examples(100)
def test_the_joined_text_is_the_document_and_its_peers(
    sections: dict[str, Any], p2p: dict[str, Any], multiaddrs: list[str]
) -> None:
    text = peers.with_peers(document.dump({**sections, "p2p": p2p}), multiaddrs)
    assert yaml.safe_load(text) == {**sections, "p2p": {**p2p, "bootstrap_nodes": multiaddrs}}


def test_the_order_is_stated_and_p2p_is_last() -> None:
    scrambled = {
        "p2p": {"port": 1},
        "zeta": {},
        "llm": {},
        "agent": {},
        "alpha": {},
        "logging": {},
        "api": {},
        "mcp": {},
    }
    loaded = yaml.safe_load(document.dump(scrambled))
    assert list(loaded) == ["agent", "api", "mcp", "llm", "logging", "alpha", "zeta", "p2p"]


def test_tagged_values_are_dumped_as_plain_ones() -> None:
    from ansible.template import trust_as_template

    tagged = {"agent": {"name": trust_as_template("alpha")}, "p2p": {"port": 4001}}
    assert tagged["agent"]["name"].__class__ is not str
    assert document.dump(tagged) == document.dump(MINIMAL)


@pytest.mark.parametrize("bad", [{}, {"p2p": {}}, {"agent": {"name": "a"}}, {"p2p": {"bootstrap_nodes": []}}])
def test_a_document_needs_a_p2p_section_without_peers(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="p2p section"):
        document.dump(bad)


@pytest.mark.parametrize("text", ["", "agent:\n  name: a\n", "p2p:\n", "p2p:\n  port: 1\nagent:\n  name: a\n"])
def test_peers_go_into_a_p2p_section_at_the_end(text: str) -> None:
    with pytest.raises(ValueError, match="p2p section"):
        peers.with_peers(text, [])


def test_peers_are_added_once() -> None:
    text = peers.with_peers(document.dump(MINIMAL), ["/ip4/10.0.0.1/tcp/4001/p2p/x"])
    with pytest.raises(ValueError, match="already"):
        peers.with_peers(text, [])


def test_no_peers_is_an_empty_list() -> None:
    text = peers.with_peers(document.dump(MINIMAL), [])
    assert yaml.safe_load(text)["p2p"]["bootstrap_nodes"] == []


def test_peers_needs_the_standard_library_alone() -> None:
    source = ast.parse(Path(str(peers.__file__)).read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(source)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert {name.split(".")[0] for name in imported} <= set(sys.stdlib_module_names)
