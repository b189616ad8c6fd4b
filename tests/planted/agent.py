# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of the agent's contract."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="the-card-names-every-address",
        breaks="With 0.0.0.0 in the settings, as the agent's own examples have it, the card sends others nowhere.",
        file="plugins/module_utils/agent/rules.py",
        before='_WILDCARDS = ("", ANY_ADDRESS, "::")',
        after='_WILDCARDS = ("", "::")',
        tests=("tests/unit/agent/test_compiler.py", "tests/unit/agent/test_traps.py"),
    ),
    Fault(
        name="unprotected-p2p-is-called-ignored",
        breaks="That P2P is plain text, whatever the settings say, is lost in the line for all that is ignored.",
        file="plugins/module_utils/agent/grouping.py",
        before='IGNORED = ("ignored-setting", "ignored-variable")',
        after='IGNORED = ("ignored-setting", "ignored-variable", "plaintext-p2p")',
        tests=("tests/unit/agent/test_grouping.py",),
    ),
    Fault(
        name="p2p-may-be-switched-off",
        breaks="An agent whose P2P is off, and which so has no API, is deployed.",
        file="plugins/module_utils/agent/rules.py",
        before='if merged.values.get("p2p.enabled") is False:',
        after='if merged.values.get("p2p.enabled") == "false":',
        tests=("tests/unit/agent/test_compiler.py", "tests/unit/agent/test_traps.py"),
    ),
    Fault(
        name="mapping-of-a-lower-layer-wins",
        breaks="A mapping in a host's settings loses against its group's.",
        file="plugins/module_utils/agent/layers.py",
        before="return {**below, **{key: _combine(below.get(key), value) for key, value in above.items()}}",
        after="return {**{key: _combine(below.get(key), value) for key, value in above.items()}, **below}",
        tests=("tests/unit/agent/test_compiler.py",),
    ),
    Fault(
        name="twin-of-a-lower-layer-stays",
        breaks="A setting that has two names keeps a lower layer's value under its other name.",
        file="plugins/module_utils/agent/layers.py",
        before="if merged.origin.get(twin) != layer.name:",
        after="if merged.origin.get(twin) == layer.name:",
        tests=("tests/unit/agent/test_compiler.py",),
    ),
    Fault(
        name="secret-value-in-the-settings",
        breaks="The value of a secret among the settings is taken, and written to the YAML file.",
        file="plugins/module_utils/agent/layers.py",
        before="elif setting.secret and value is not None and not is_reference(value):",
        after='elif setting.secret and value == "" and not is_reference(value):',
        tests=("tests/unit/agent/test_compiler.py", "tests/unit/agent/test_traps.py"),
    ),
    Fault(
        name="reference-stays-in-the-document",
        breaks="A reference to a secret is left in the agent's YAML file, where nothing follows it.",
        file="plugins/module_utils/agent/compiler.py",
        before="merged.values.pop(path) for path in sorted(paths)",
        after="merged.values[path] for path in sorted(paths)",
        tests=("tests/unit/agent/test_compiler.py",),
    ),
    Fault(
        name="strict-does-nothing",
        breaks="Every error that an agent survives is only a warning, strict or not.",
        file="plugins/module_utils/agent/checks.py",
        before="level = WARNING if survivable and not self._strict else ERROR",
        after="level = WARNING if survivable else ERROR",
        tests=("tests/unit/agent/test_compiler.py",),
    ),
    Fault(
        name="port-zero-is-allowed",
        breaks="Port 0 is taken for a port.",
        file="plugins/module_utils/agent/rules.py",
        before="if not 1 <= port <= 65535:",
        after="if not 0 <= port <= 65535:",
        tests=("tests/unit/agent/test_compiler.py",),
    ),
    Fault(
        name="short-seed-is-a-seed",
        breaks="A seed of under 32 bytes is told apart no more, and the agent would invent a key of its own.",
        file="plugins/module_utils/agent/identity.py",
        before="if not isinstance(seed, (bytes, bytearray)) or len(seed) != SEED_BYTES:",
        after="if not isinstance(seed, (bytes, bytearray)) or len(seed) > SEED_BYTES:",
        tests=("tests/unit/agent/test_identity.py",),
    ),
    Fault(
        name="peer-id-loses-its-zeros",
        breaks="A peer id is written without its leading zero bytes, and is nobody's.",
        file="plugins/module_utils/agent/identity.py",
        before="return _ALPHABET[0] * zeros + digits",
        after="return digits",
        tests=("tests/unit/agent/test_identity.py",),
    ),
    Fault(
        name="a-label-that-is-a-number",
        breaks="A number among the labels of metrics passes every check and ends each agent at its start.",
        file="plugins/module_utils/agent/vocabulary.py",
        before='Setting("metrics.additional_labels", "texts"',
        after='Setting("metrics.additional_labels", "mapping"',
        tests=("tests/unit/agent/test_compiler.py",),
    ),
    Fault(
        name="a-login-within-settings-is-not-told-of",
        breaks="A token in a header of an MCP endpoint stands in files and plans, and nobody is told.",
        file="plugins/module_utils/agent/layers.py",
        before="        _tell_logins(setting, value, where, report)\n",
        after="",
        tests=("tests/unit/agent/test_compiler.py",),
    ),
)
