# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""P2P identities: a 32-byte seed, the peer id that follows from it, and the address that other members dial.

Peer ids are computed on the controller, so that every bootstrap list is known before any machine runs.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from typing import Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

SEED_BYTES = 32
SCHEMES = ("ed25519", "x25519")

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Multihash "identity" of 36 bytes, which are a protobuf: key type Ed25519, then 32 bytes of public key.
_PREFIX = bytes.fromhex("002408011220")
_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")


class IdentityError(Failed):
    """A seed, a peer id or an address that is none."""

    def __init__(self, code: str, what: str, where: str, fix: str) -> None:
        super().__init__(Finding(code, what, where, fix))


def peer_id(seed: bytes, scheme: str = "ed25519") -> str:
    """The peer id of a node key.

    :param seed: the 32 raw bytes of ``node.key``.
    :param scheme: ``ed25519`` for agents with libp2p 0.8.1; ``x25519`` for those with 0.2.5, which derive another key
        from the same seed and label it Ed25519.
    :raises IdentityError: for a seed of another length, or an unknown scheme.
    """
    if scheme not in SCHEMES:
        fix = "Use one of %s." % ", ".join(SCHEMES)
        raise IdentityError("unknown-identity-scheme", "%r is not a peer id scheme." % scheme, "identity scheme", fix)
    if not isinstance(seed, (bytes, bytearray)) or len(seed) != SEED_BYTES:
        size = "%d bytes" % len(seed) if isinstance(seed, (bytes, bytearray)) else type(seed).__name__
        fix = "Store exactly %d raw bytes: not PEM, not hexadecimal, not a libp2p protobuf." % SEED_BYTES
        what = "A seed must have %d bytes, and this one is %s." % (SEED_BYTES, size)
        raise IdentityError("bad-seed", what, "identity seed", fix)
    return _base58(_PREFIX + _public_key(bytes(seed), scheme))


def decode_seed(text: str) -> Optional[bytes]:
    """A seed that is written in base64; None where the text is none."""
    try:
        seed = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return None
    return seed if len(seed) == SEED_BYTES else None


def is_peer_id(text: str) -> bool:
    """Whether a text is a peer id of the kind these agents have."""
    try:
        check_peer_id(text)
    except IdentityError:
        return False
    return True


def check_peer_id(text: str) -> str:
    """Return the peer id; raises IdentityError for any other text."""
    if not isinstance(text, str) or not text or any(character not in _ALPHABET for character in text):
        raise _no_peer_id(text)
    raw = _unbase58(text)
    if len(raw) != len(_PREFIX) + SEED_BYTES or not raw.startswith(_PREFIX):
        raise _no_peer_id(text)
    return text


def multiaddr(address: str, port: int, peer: str) -> str:
    """What others dial: ``/ip4/10.0.0.4/tcp/4001/p2p/12D3KooW...``, with ``ip6`` or ``dns4`` as the address demands.

    :raises IdentityError: for an address, port or peer id that is none.
    """
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise IdentityError("bad-port", "%r is not a port." % (port,), "multiaddr", "Use a number from 1 to 65535.")
    return "/%s/%s/tcp/%d/p2p/%s" % (*_protocol(address), port, check_peer_id(peer))


def _protocol(address: str) -> Tuple[str, str]:
    labels = address.split(".") if isinstance(address, str) else []
    try:
        ip = ipaddress.ip_address(address if labels else "")
        # A zone names an interface of one machine; it means nothing to another.
        if "%" not in address:
            return "ip%d" % ip.version, str(ip)
    except ValueError:
        looks_numeric = bool(labels) and labels[-1].isdigit()
        if labels and not looks_numeric and len(address) <= 253 and all(_LABEL.match(label) for label in labels):
            return "dns4", address
    fix = "Use an IPv4 or IPv6 address, or a host name."
    raise IdentityError("bad-address", "%r is not an address that a peer can dial." % (address,), "multiaddr", fix)


def _no_peer_id(text: object) -> IdentityError:
    fix = "A peer id of these agents starts with 12D3KooW; compute it from the seed."
    return IdentityError("bad-peer-id", "%r is not a peer id." % (text,), "peer id", fix)


def _public_key(seed: bytes, scheme: str) -> bytes:
    # Imported here: the module must be importable where the library is not installed.
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    except ImportError as error:
        fix = "Install the Python package `cryptography` where Ansible runs."
        raise IdentityError("missing-library", "Peer ids cannot be computed: %s." % error, "controller", fix) from error
    if scheme == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32]).public_key().public_bytes_raw()


def _base58(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _ALPHABET[digit] + digits
    zeros = len(raw) - len(raw.lstrip(b"\0"))
    return _ALPHABET[0] * zeros + digits


def _unbase58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
