# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Peer ids against the contract's vectors and against py-libp2p; multiaddrs and validators."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from ansible_collections.praxis.cloud.plugins.module_utils.agent import identity
from tests import tiers

VECTORS = [
    (
        "00" * 32,
        "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
        "12D3KooWG1LGVccbDXGcYh8eyezHwiiqy3wLM9B7JWw61w27LzJg",
    ),
    (
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB",
        "12D3KooWEbYiikWbkrAsWk9QcY6w1X4CXM4BRn2nGfcZZFu3QATa",
    ),
    (
        "ff" * 32,
        "12D3KooWHoSyTgntm77sXShoeX9uNkqKNMhHxKtskaHqnA54SrSG",
        "12D3KooWPx2hMY8nyBkXzj8j9BaRsA4R9TPSHnR4EzAV31xisxSv",
    ),
]
PEER = VECTORS[0][1]
SEEDS = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(("seed", "ed25519", "x25519"), VECTORS)
def test_the_contract_vectors(seed: str, ed25519: str, x25519: str) -> None:
    assert identity.peer_id(bytes.fromhex(seed)) == ed25519
    assert identity.peer_id(bytes.fromhex(seed), "x25519") == x25519


@given(seed=SEEDS)
@tiers.examples(100)
def test_ed25519_agrees_with_libp2p(seed: bytes) -> None:
    assert identity.peer_id(seed) == ID.from_pubkey(create_new_key_pair(seed).public_key).to_base58()


@given(seed=SEEDS, scheme=st.sampled_from(identity.SCHEMES))
@tiers.examples(100)
def test_every_peer_id_is_one_and_libp2p_can_dial_it(seed: bytes, scheme: str) -> None:
    peer = identity.peer_id(seed, scheme)
    assert identity.check_peer_id(peer) == peer
    assert Multiaddr(identity.multiaddr("10.0.0.4", 4001, peer)).get_peer_id() == peer


@given(text=st.text(max_size=60))
@tiers.examples(100)
def test_other_text_is_no_peer_id(text: str) -> None:
    assert not identity.is_peer_id(text)


@given(at=st.integers(min_value=0, max_value=len(PEER) - 1))
def test_a_truncated_peer_id_is_none(at: int) -> None:
    assert not identity.is_peer_id(PEER[:at])
    assert not identity.is_peer_id(PEER[:at] + "0" + PEER[at + 1 :])


@pytest.mark.parametrize("seed", [b"", b"x" * 31, b"x" * 33, b"x" * 64, "x" * 32, None])
def test_a_seed_of_another_length_is_a_typed_error(seed: object) -> None:
    with pytest.raises(identity.IdentityError, match="A seed must have 32 bytes") as caught:
        identity.peer_id(seed)  # type: ignore[arg-type]
    assert caught.value.findings[0].code == "bad-seed"


def test_an_error_never_shows_the_seed() -> None:
    with pytest.raises(identity.IdentityError) as caught:
        identity.peer_id(b"marker-marker-marker")
    assert "marker" not in str(caught.value)


def test_an_unknown_scheme_is_a_typed_error() -> None:
    with pytest.raises(identity.IdentityError, match="rsa"):
        identity.peer_id(bytes(32), "rsa")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.4", "/ip4/10.0.0.4"),
        ("2001:DB8::1", "/ip6/2001:db8::1"),
        ("agent-1.internal", "/dns4/agent-1.internal"),
        ("alpha", "/dns4/alpha"),
    ],
)
def test_multiaddr(address: str, expected: str) -> None:
    text = identity.multiaddr(address, 4001, PEER)
    assert text == "%s/tcp/4001/p2p/%s" % (expected, PEER)
    assert Multiaddr(text).get_peer_id() == PEER


@pytest.mark.parametrize(
    "address", ["", "10.0.0.256", "10.0.0", "a b", "-a.b", "a..b", "a/b", "fe80::1%eth0", "x" * 64, None, 167772164]
)
def test_what_is_no_address(address: Any) -> None:
    with pytest.raises(identity.IdentityError) as caught:
        identity.multiaddr(address, 4001, PEER)
    assert caught.value.findings[0].code == "bad-address"


@pytest.mark.parametrize("port", [0, -1, 65536, True, "4001"])
def test_what_is_no_port(port: object) -> None:
    with pytest.raises(identity.IdentityError) as caught:
        identity.multiaddr("10.0.0.4", port, PEER)  # type: ignore[arg-type]
    assert caught.value.findings[0].code == "bad-port"


def test_a_multiaddr_needs_a_peer_id() -> None:
    with pytest.raises(identity.IdentityError) as caught:
        identity.multiaddr("10.0.0.4", 4001, "12D3KooWExample1")
    assert caught.value.findings[0].code == "bad-peer-id"
