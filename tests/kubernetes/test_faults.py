# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad releases in a real cluster: each cause has a finding of its own, and the release before it runs again."""

from __future__ import annotations

import pytest

from tests.kubernetes.fleet import Fleet

pytestmark = pytest.mark.integration
NO_IMAGE = "@sha256:" + "0" * 64
#: What is wrong with a release, the finding that names it, and words of the evidence.
CAUSES = {
    "image": (lambda fleet: {"praxis_image": fleet.image.rpartition("@")[0] + NO_IMAGE},
              "The pod's image cannot be pulled", "manifest unknown"),
    "memory": (lambda _fleet: {"praxis_container": {"memory": "12m"}},
               "The kernel killed the agent at its memory limit", "memory"),
    "scheduling": (lambda fleet: fleet.kubernetes(cpu="64"), "cannot be scheduled on a node", "Insufficient cpu"),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_a_bad_release_is_named_and_rolled_back(standing: Fleet, cause: str) -> None:
    make, finding, evidence = CAUSES[cause]
    standing.rolled_back(finding, evidence, **make(standing))
