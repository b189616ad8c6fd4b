# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public host keys of machines: how they are checked, written for SSH, and read from what a cloud publishes. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding

VARIABLE = "praxis_host_keys"
#: What SSH calls the algorithms of host keys.
_TYPE = re.compile(r"ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: What cloud-init prints around a machine's public keys, on its console.
_CONSOLE = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
_FORM = "Write a list of public keys for each member: 'ssh-ed25519 AAAA…', as in /etc/ssh/ssh_host_ed25519_key.pub."


def public_key(text: Any) -> Optional[str]:
    """``TYPE BASE64`` of a public key, without its comment; None when it is none."""
    words = text.split() if isinstance(text, str) and "\n" not in text.strip() else []
    if len(words) < 2 or not _TYPE.fullmatch(words[0]):
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return None
    # A key begins with its own type, as a string with its length.
    own = len(words[0]).to_bytes(4, "big") + words[0].encode()
    return " ".join(words[:2]) if blob.startswith(own) and len(blob) > len(own) else None


def check(given: Any) -> List[Finding]:
    """What is wrong with a mapping of members to their public keys."""
    if not isinstance(given, Mapping):
        return [_bad("praxis_host_keys is not a mapping of members to keys.", VARIABLE)]
    findings = []
    for name, keys in given.items():
        where = "%s of %s" % (VARIABLE, name)
        if not _NAME.fullmatch(str(name)):
            findings.append(_bad("%r cannot be a member's name." % str(name), where))
        elif not isinstance(keys, (list, tuple)) or not keys:
            findings.append(_bad("The value is not a list of keys.", where))
        else:
            findings += [_bad("%r is not a public key." % str(key)[:40], where) for key in keys if not public_key(key)]
    return findings


def known_hosts(keys: Mapping[str, Sequence[str]]) -> str:
    """The lines of a known_hosts file, by the members' names; the keys have been checked."""
    found = ((name, public_key(key)) for name in sorted(keys) for key in keys[name])
    return "".join("%s %s\n" % pair for pair in found)


def options(path: str, strict: bool, alias: str = "") -> str:
    """SSH's options that have it know hosts by a file.

    :param strict: nothing but the file counts, and nothing is added to it; otherwise an unknown host's key is learnt.
    :param alias: the name in the file; by default the address.
    """
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    given = ['UserKnownHostsFile="%s"' % quoted.replace("%", "%%")]
    given.append("StrictHostKeyChecking=%s" % ("yes" if strict else "accept-new"))
    if strict:
        given += ["GlobalKnownHostsFile=none", "UpdateHostKeys=no"]
    if alias:
        given.append("HostKeyAlias=%s" % alias)
    return " ".join("-o " + shlex.quote(option) for option in given)


def learnt_in(arguments: str) -> List[str]:
    """The files into which SSH, with these arguments, writes the keys of hosts that it does not know yet.

    SSH takes an option's first value. Without an option for the files, it has its own.
    """
    words = _words(arguments)
    found: Dict[str, str] = {}
    for word, following in zip(words, [*words[1:], ""]):
        option = following if word == "-o" else word[2:] if word.startswith("-o") else ""
        name, _equals, value = option.replace("=", " ", 1).partition(" ")
        found.setdefault(name.strip().lower(), value.strip())
    if found.get("stricthostkeychecking", "").lower() not in ("accept-new", "no", "off"):
        return []
    files = _words(found.get("userknownhostsfile", ""))[:1]
    return [path.replace("%%", "%") for path in files if path not in ("/dev/null", "none")]


def _words(text: str) -> List[str]:
    """What a shell, and SSH, would make of a text. Of one that cannot be split nothing: Ansible or SSH refuses it."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def from_console(text: str) -> List[str]:
    """The public keys that cloud-init printed on a machine's console; of several boots, those of the last."""
    blocks = _CONSOLE.findall(text.replace("\r", ""))
    return _keys(blocks[-1].splitlines()) if blocks else []


def from_guest_attributes(items: Iterable[Mapping[str, Any]]) -> List[str]:
    """The public keys that Google's guest agent wrote into the namespace ``hostkeys``: by type, the key alone."""
    return _keys("%s %s" % (item.get("key"), item.get("value")) for item in items)


def _keys(lines: Iterable[str]) -> List[str]:
    found = (public_key(line) for line in lines)
    return sorted({key for key in found if key})


def _bad(what: str, where: str) -> Finding:
    return Finding("bad-host-keys", what, where, _FORM)
