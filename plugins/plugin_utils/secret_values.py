# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container is given of secrets, and what is wrong with a value, reported without the value."""

from __future__ import annotations

import hashlib
import hmac
from typing import Dict, List, Mapping, Optional, Tuple, Union

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import SHORTER, TOO_LONG, is_carried, is_passed
from ansible_collections.praxis.cloud.plugins.module_utils.agent.environment import misfit
from ansible_collections.praxis.cloud.plugins.module_utils.agent.secret_text import carried, pointer
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import digest
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import UNKNOWN
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils.sources import Source

#: Anything shorter would mask ordinary text in every message ("1" hides half the evidence).
MIN_SECRET = 4


def deliver(
    sources: Mapping[str, Source],
    strict: bool,
    secrets: Mapping[Reference, Secret],
    seed: Optional[bytes],
    place: str = "",
) -> Tuple[Dict[str, str], Dict[str, str], List[Finding]]:
    """The secrets of a container: values, the versions that go into its release, and what cannot be delivered.

    :param place: what findings call their names after.
    """
    values: Dict[str, str] = {}
    versions: Dict[str, str] = {}
    findings: List[Finding] = []
    for name, source in sorted(sources.items()):
        secret = secrets.get(source) if isinstance(source, Reference) else Secret(source, "")
        if secret is None:  # reported already
            continue
        called = place + name
        fault = undeliverable(called, source, secret.value) or doubtful(called, source, secret.value, strict)
        findings += [fault] if fault else []
        if isinstance(secret.value, str) and (fault is None or fault.level != ERROR):
            values[name] = secret.value
            versions[name] = _version(source, secret.version) or _keyed_digest(secret.value, seed)
    return values, versions, findings


def undeliverable(name: str, source: Source, value: Union[str, bytes]) -> Optional[Finding]:
    """Why a value cannot be an environment variable's, if so."""
    if isinstance(value, bytes):
        fix = "Store the secret as text: an environment variable cannot hold bytes."
        return Finding("secret-binary", "%s is binary." % source, name, fix)
    if len(value) < MIN_SECRET:
        fix = "Use a longer value. If it is not a secret, give it in praxis_agent_environment."
        what = "The value%s is under %d characters." % (_of(source), MIN_SECRET)
        return Finding("short-secret", what, name, fix)
    if "\0" in value:
        fix = "Store the value encoded, for example as base64."
        what = "The value%s holds a NUL, which an environment variable cannot hold." % _of(source)
        return Finding("secret-nul", what, name, fix)
    if not is_carried(value):
        what = "The value%s is not Unicode text: it holds half of a surrogate pair." % _of(source)
        return Finding("secret-not-text", what, name, "Store the value again; bytes are stored as base64.")
    if not is_passed(name.rpartition(".")[2], value):
        return Finding("too-long", "The value%s %s." % (_of(source), TOO_LONG), name, SHORTER)
    return None


def doubtful(name: str, source: Source, value: Union[str, bytes], strict: bool) -> Optional[Finding]:
    """Why a value is hardly the one that is meant, if so. It is never changed: only its owner knows what belongs to it.

    :param strict: an error; else a warning, and the value is delivered as it stands.
    """
    if isinstance(value, bytes):
        return None
    level = ERROR if strict else WARNING
    pointed = pointer(value)
    if pointed:
        kind, fix = pointed
        what = "The value%s is %s, and the agent would use that text as the secret." % (_of(source), kind)
        fix += " If the text itself is meant, it is not a secret: give it in praxis_agent_environment."
        return Finding("foreign-reference", what, name, fix, level)
    extra = carried(name, value)
    if extra:
        fix = "Store the value again without that (`printf %s` adds no line break, `echo` does)."
        fix += " praxis_strict: false delivers it unchanged."
        return Finding("secret-padding", "The value%s %s." % (_of(source), extra), name, fix, level)
    wrong = misfit(name, value)
    if wrong:
        fix = "Store a value that fits the variable: with this one the agent would end, or ignore it."
        return Finding("wrong-type", "The value%s %s." % (_of(source), wrong), name, fix, level)
    return None


def _of(source: Source) -> str:
    return " of %s" % source if isinstance(source, Reference) else ""


def _version(source: Source, version: str) -> str:
    """The store's version and a digest of where the value is, such as ``3@5f2c90aa``; empty for a value of no store.

    Two secrets may have equal versions (Google numbers them from 1 on), and two keys of one secret always do.
    """
    return "%s@%s" % (version, digest(str(source.at("")))[:8]) if isinstance(source, Reference) and version else ""


def _keyed_digest(value: str, seed: Optional[bytes]) -> str:
    """The version of a value that has none: keyed with the member's seed, so that it says nothing of the value."""
    if seed is None:
        return UNKNOWN
    key = hashlib.sha256(b"praxis secret version" + seed).digest()
    return "keyed-" + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]
