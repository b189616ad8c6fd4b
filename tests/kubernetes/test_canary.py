# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary in a real cluster: nobody else gets a release before it is good, nor when the run dies."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources
from tests.kubernetes.fleet import NAMESPACE, Fleet, mesh, wait

pytestmark = pytest.mark.integration
LEAVES = f"{resources.collection('apps/v1', 'Deployment', NAMESPACE)}/leaf"
TIMEOUT = {"praxis_agent_config": {"llm": {"timeout": 9}}}


def test_a_run_that_dies_at_its_canary_leaves_all_others_as_they_are(standing: Fleet) -> None:
    old = standing.uids()
    with standing.begun("deploy", praxis_lease=20, **TIMEOUT):
        wait("the canary", lambda: standing.uids().get("agent-1", old["agent-1"]) != old["agent-1"], 300)
    standing.wait_ready(2, 300)
    assert standing.workload()["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 1
    canary = standing.uids()
    assert canary["agent-0"] == old["agent-0"]
    assert standing.edges() == mesh(["agent-0", "agent-1"])
    standing.good("deploy", praxis_lock_wait=60, **TIMEOUT)
    later = standing.uids()
    assert later["agent-1"] == canary["agent-1"] and later["agent-0"] != old["agent-0"]
    assert standing.edges() == mesh(["agent-0", "agent-1"])
    standing.good("verify", **TIMEOUT)


def test_a_bad_canary_is_rolled_back_and_no_leaf_gets_its_release(standing: Fleet) -> None:
    standing.inventory(leaf={"role": "leaf", "autoscaler": {"min": 1, "max": 1}})
    standing.good("deploy")
    before, leaves = standing.uids(), standing.api.get(LEAVES)
    done = standing.play("deploy", praxis_agent_environment={"STANDIN_FAIL": "crash"})
    assert done.returncode != 0 and "was rolled back to deployment" in " ".join(done.stdout.split()), done.stdout
    after = standing.api.get(LEAVES)
    assert leaves is not None and after is not None
    assert after["metadata"]["generation"] == leaves["metadata"]["generation"], "its release was not written"
    kept = set(before) - {"agent-1"}
    assert {name: standing.uids()[name] for name in kept} == {name: before[name] for name in kept}
    standing.good("verify")
