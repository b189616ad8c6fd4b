# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoscaler in a real cluster: load asks for more pods, a deployment keeps their number, and they go again."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from tests.kubernetes.fleet import Fleet, mesh, wait
from tests.unit.kubernetes.made import seed

pytestmark = pytest.mark.integration
#: Burns half a core, in a process that outlives its caller, for at most three minutes.
_BURNER = """
import os, time
if os.fork() == 0:
    os.setsid()
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    end = time.monotonic() + 180
    while time.monotonic() < end:
        spin = time.monotonic() + 0.05
        while time.monotonic() < spin:
            pass
        time.sleep(0.05)
"""


def test_load_brings_pods_and_a_deployment_keeps_their_number(standing: Fleet) -> None:
    if standing.api.get("/apis/metrics.k8s.io/v1beta1") is None:
        pytest.skip("the cluster measures no pods")
    old = standing.uids()
    standing.given = standing.kubernetes(autoscaler={"min": 2, "max": 4})
    standing.good("deploy")
    for name in old:
        standing.inside(name, "python", "-c", _BURNER)
    wait("more pods", lambda: len(standing.pods()) == 4, 400)
    standing.wait_ready(4)
    assert old.items() <= standing.uids().items()
    assert standing.edges() == mesh([f"agent-{ordinal}" for ordinal in range(4)])
    standing.good("deploy", praxis_agent_config={"llm": {"timeout": 9}})
    assert standing.workload()["spec"]["replicas"] == 4 and len(standing.ready()) == 4
    replaced = standing.uids()
    assert not set(replaced.values()) & set(old.values())
    standing.good("deploy", praxis_agent_config={"llm": {"timeout": 9}},
                  **standing.kubernetes(autoscaler={"min": 2, "max": 4, "stabilization": 5}))
    wait("two pods again", lambda: len(standing.pods()) == 2, 600)
    assert standing.uids().items() <= replaced.items(), "the lowest ordinals stay, as they are"
    assert standing.peer_ids() == {f"agent-{ordinal}": peer_id(seed(ordinal)) for ordinal in range(2)}
    assert standing.edges() == mesh(["agent-0", "agent-1"])
