# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of the sandbox, which would have all other tests believe what is not so."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="everything-is-healthy",
        breaks="The balancer calls every target that it has checked healthy.",
        file="sandbox/aws/health.py",
        before="    if server.up:\n        return HEALTHY",
        after="    if server.checked:\n        return HEALTHY",
        tests=("tests/sandbox/test_balancer.py",),
        tier="test",
    ),
    Fault(
        name="credentials-are-not-enforced",
        breaks="AWS's requests are neither checked for their signature nor held against a policy.",
        file="sandbox/aws/access.py",
        before="        operation = self._get_action()\n        if not cloud.enforced:\n            return\n",
        after="        operation = self._get_action()\n        if cloud.enforced:\n            return\n",
        tests=("tests/sandbox/test_access.py",),
        tier="test",
    ),
    Fault(
        name="requests-go-to-the-sick",
        breaks="Requests go to targets that fail their checks.",
        file="sandbox/routing.py",
        before="routed = {name for name, server in staying.items() if server.checked and server.up}",
        after="routed = {name for name, server in staying.items() if server.checked}",
        tests=("tests/unit/google/test_sandbox.py",),
    ),
    Fault(
        name="grant-covers-its-neighbours",
        breaks="A grant on one resource covers those whose names begin like it.",
        file="sandbox/gcp/access.py",
        before='fnmatch.fnmatchcase(resource, f"{self.on}/*")',
        after='fnmatch.fnmatchcase(resource, f"{self.on}*")',
        tests=("tests/unit/google/test_sandbox.py",),
    ),
    Fault(
        name="stale-fingerprint-is-taken",
        breaks="A change that was made from an older state is taken.",
        file="sandbox/gcp/compute/changes.py",
        before="    if given != current:\n        raise Refused(412",
        after="    if not given:\n        raise Refused(412",
        tests=("tests/unit/google/test_compute.py",),
    ),
    Fault(
        name="stand-in-takes-any-peer",
        breaks="The stand-in of the agent keeps a connection to a peer with another identity.",
        file="sandbox/standin/praxis_sdk/p2p.py",
        before='if hello["peer_id"] != wanted:',
        after='if not hello["peer_id"]:',
        tests=("tests/unit/standin/test_standin_peers.py",),
        tier="test",
    ),
)
