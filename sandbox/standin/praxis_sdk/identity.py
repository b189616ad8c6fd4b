# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in: the node key and the peer id."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from praxis_sdk.log import log

_DIGITS = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def peer_id(seed: bytes) -> str:
    """The peer id of a seed, by the scheme that STANDIN_SCHEME names."""
    if os.environ.get("STANDIN_SCHEME", "ed25519") == "x25519":
        public = X25519PrivateKey.from_private_bytes(hashlib.sha512(seed).digest()[:32]).public_key().public_bytes_raw()
    else:
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    data = b"\x00\x24\x08\x01\x12\x20" + public
    value, text = int.from_bytes(data, "big"), bytearray()
    while value > 0:
        value, remainder = divmod(value, 58)
        text.append(_DIGITS[remainder])
    # The first byte is zero, and a leading zero byte is written as the first digit.
    return "1" + text[::-1].decode()


def load_key(directory: str) -> bytes:
    """The 32 bytes of ``node.key``, or a new key wherever that fails. Nothing but the log tells.

    :raises OSError: if the directory neither exists nor can be made.
    """
    Path(directory).mkdir(parents=True, exist_ok=True)
    path = Path(directory, "node.key")
    if path.exists():
        try:
            seed = path.read_bytes()
        except OSError as error:
            log("ERROR", "could not read %s: %s; using a new key in memory" % (path, error))
            return os.urandom(32)
        if len(seed) == 32:
            return seed
        log("ERROR", "%s has %d bytes instead of 32; writing a new key" % (path, len(seed)))
    seed = os.urandom(32)
    try:
        path.write_bytes(seed)
        path.chmod(0o644)
    except OSError as error:
        log("ERROR", "could not write %s: %s; the new key is in memory only" % (path, error))
    return seed
