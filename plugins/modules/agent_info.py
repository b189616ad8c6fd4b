#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe one host of a fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_info
short_description: Observe the agent of one host
version_added: 0.1.0
description:
  - Reads what a host of a fleet holds and does, and changes nothing.
  - Peer-to-peer connections are read from the TCP table of the container, since the agent itself goes on calling a
    lost peer connected.
  - A host without Docker gives an observation as well, with nulls where nothing is.
requirements:
  - Python 3.9 on the host, its standard library only
author:
  - Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  run:
    description:
      - The run's directory, from M(praxis.cloud.fleet_plan). With it the controller fills in ports and members.
    type: path
  member:
    description:
      - Whose host this is, if it is not the task's own because the task is delegated. Only with O(run).
    type: str
  taken_over:
    description:
      - Whether the agent, which another deployment has activated, counts as activated by this run from now on. Only
        with O(run).
    type: bool
    default: false
  api_port:
    description:
      - Where the agent's API listens on this host. Without it the agent is not asked.
    type: int
  p2p_port:
    description:
      - The agent's own P2P port. Without it no connections are listed.
    type: int
  dial:
    description:
      - The members to dial afresh from this host.
    type: list
    elements: dict
    default: []
    suboptions:
      member:
        description: Its name.
        type: str
        required: true
      address:
        description: Its address, as this host reaches it.
        type: str
        required: true
      port:
        description: Its P2P port.
        type: int
        required: true
      outside:
        description: Whether it is no machine, but a pod of a cluster in the same fleet. One of them is enough.
        type: bool
        default: false
  dial_timeout:
    description:
      - Seconds for each dial. Up to 32 run at a time.
    type: float
    default: 3.0
  settle:
    description:
      - Seconds to observe again and again until the agent is well and every member of O(dial) is connected. The last
        observation is returned. An agent that has ended is not waited for, unless the machine has just booted.
      - An agent dials ten seconds after its start, so a fleet that was just touched needs some.
    type: float
    default: 0.0
  mesh:
    description:
      - Whether O(settle) waits for connections, too, and not for the agent alone.
    type: bool
    default: true
  accepted:
    description:
      - By peer id, the addresses from which the agent of that id has to have accepted a connection. O(settle) waits for
        them, too.
      - An agent that is not named here waits for none. While it does not say who it is, it may be any of them.
    type: dict
    default: {}
  soak:
    description:
      - Seconds that a running agent has to have been up before the last observation. Nothing is waited for when it runs
        longer than that, or not at all.
    type: float
    default: 0.0
  kept:
    description:
      - Whether RV(kept), RV(history) and RV(peers) are returned, which a rollback is planned from.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Observe the agent and its edges
  praxis.cloud.agent_info:
    api_port: 8000
    p2p_port: 4001
    dial:
      - member: agent-2
        address: 10.0.1.12
        port: 4001
  become: true
  register: agent
"""

RETURN = r"""
observation:
  description: All that was seen.
  returned: always
  type: dict
  contains:
    host:
      description:
        - The machine. C(host.python) is a version, C(host.disk_free_mb) the space where images go,
          C(host.memory_mb) its memory, C(host.memory_free_mb) what a new process could have of it,
          C(host.clock) the seconds since 1970, C(host.machine) what no other machine has. C(host.systemd) says whether
          systemd runs it, C(host.seals) whether it has what secrets are sealed with.
      type: dict
      returned: always
      sample: {python: 3.11.2, disk_free_mb: 20480, memory_mb: 2000, memory_free_mb: 1500, clock: 1792000000.123,
        seals: true, systemd: true, machine: 6e0b1c1e-0b7c-4b4e-9c36-5f1d2f9f8a77/65025/2}
    engine:
      description:
        - The Docker Engine and Compose, null where absent. C(engine.pending) says that a run has written settings for
          it which it has not taken up.
      type: dict
      returned: always
      sample: {version: 26.1.5, compose: 2.26.1, daemon: {live-restore: true}, running: true, pending: false}
    release:
      description:
        - What C(/opt/praxis/current) points at, what runs, what was last called good and where that listens for other
          members (null where it does not say), and what is kept.
      type: dict
      returned: always
      sample: {current: 3f9c1a, running: 3f9c1a, good: 3f9c1a, good_p2p_port: 4001, kept: [3f9c1a, 81bb02]}
    container:
      description:
        - The agent's container, or null. C(container.release) is the release that it belongs to, C(container.part) its
          label, which differs where there are services; C(container.logs) holds its last lines when something is wrong
          with it, the secrets of its release masked. C(container.age) is in seconds, whatever the clock shows.
      type: dict
      returned: always
      sample:
        id: 4f1d
        pid: 1234
        state: running
        health: healthy
        started_at: "2026-01-01T00:00:00Z"
        age: 86400.0
        restarts: 0
        exit_code: 0
        oom_killed: false
        image: registry.example.com/praxis-agent@sha256:0123
        release: 3f9c1a
        part: 3f9c1a
        logs: []
    services:
      description:
        - The containers of the services beside the agent, by name, each like C(container). C(part) is what it was made
          from, C(wanted) what the current release has; C(state) is V(missing) where there is none.
      type: dict
      returned: always
      sample: {files: {id: 7ac3, state: running, health: healthy, restarts: 0, part: 52c1, wanted: 52c1}}
    api:
      description: HTTP status of C(/health), peer id from C(/p2p/info), the first thing that went wrong, and the port.
      type: dict
      returned: always
      sample: {health: 200, peer_id: 12D3KooW, error: null, port: 8000}
    p2p_port:
      description: Where the agent listens for other members, as the release says that runs. Null when it was not asked.
      type: int
      returned: always
      sample: 4001
    peers:
      description: The bootstrap list on the host, which its agent reads at its next start.
      type: dict
      returned: always
      sample: {revision: 9f0e, multiaddrs: [/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWBbbb]}
    balancers:
      description: The load balancers that deployments have put the host behind, the newest last.
      type: list
      elements: dict
      returned: always
      sample: [{module: praxis.cloud.aws_lb_target, options: {target_group: agents}, target: {id: i-0123}}]
    deployment:
      description:
        - The newest deployment that made a step on this host, or null. C(fence) is its number, C(expires) until when
          others wait for it by the host's clock, C(ended) whether they need not. Where a person has locked the fleet
          since, C(under) is the deployment that had not ended before.
      type: dict
      returned: always
      sample: {run: 20261127T091502Z-4f2a1c, owner: ann@desk, fence: 7, lock_host: agent-1, at: 1792000000.0,
        expires: 1792000900.0, ended: true}
    switch:
      description:
        - The dead man's switch. C(armed) says which release the host goes back to when the new one is not called good,
          where its API listens then, and when, by its clock, and in C(missing) the image for want of which it could
          not; C(rolled_back) that it has done so since it was last armed. Both name the deployment that armed it and
          its fence number. Null where there is none.
      type: dict
      returned: always
      sample:
        armed: {run: 20261127T091502Z-4f2a1c, fence: 7, wanted: 3f9c1a, back: 81bb02, until: 1792000900.0,
          api_port: 8000, missing: null}
        rolled_back: null
    edges:
      description: Established P2P connections.
      type: list
      elements: dict
      returned: always
      sample: [{local: "172.18.0.2:4001", remote: "10.0.1.12:51234", retransmits: 0, tx_queue: 0}]
    dials:
      description: What each fresh dial met, V(ok), V(refused), V(timeout), V(unreachable) or the system's word.
      type: dict
      returned: always
      sample: {"10.0.1.12:4001": ok}
kept:
  description:
    - By id, the releases that are whole on the host. C(files) are their texts, C(secrets) says whether their secrets
      are there, or sealed.
  returned: with O(kept)
  type: dict
history:
  description: The releases that were called good, oldest first, and by which deployments.
  returned: with O(kept)
  type: list
  elements: dict
  sample: [{run: 20261127T091502Z-4f2a1c, owner: ann@desk, reason: deploy, fence: 7, at: 1792000000.0, release: 3f9c1a}]
peers:
  description: The multiaddrs of the bootstrap list.
  returned: with O(kept)
  type: list
  elements: str
"""

import time
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.host import gate, kept, observation, settle
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "run": {"type": "path"},
            "member": {"type": "str"},
            "taken_over": {"type": "bool", "default": False},
            "api_port": {"type": "int"},
            "p2p_port": {"type": "int"},
            "dial": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "member": {"type": "str", "required": True},
                    "address": {"type": "str", "required": True},
                    "port": {"type": "int", "required": True},
                    "outside": {"type": "bool", "default": False},
                },
            },
            "dial_timeout": {"type": "float", "default": 3.0},
            "settle": {"type": "float", "default": 0.0},
            "mesh": {"type": "bool", "default": True},
            "accepted": {"type": "dict", "default": {}},
            "soak": {"type": "float", "default": 0.0},
            "kept": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    dial = tuple(options["dial"])
    wanted = gate.Gate(dial=dial, min_edges=len(gate.inside_of(dial))) if options["mesh"] else gate.Gate()

    def take() -> Dict[str, Any]:
        ports = options["api_port"], options["p2p_port"]
        return observation.take(Paths(), *ports, options["dial"], options["dial_timeout"])

    asked = (options["accepted"], options["p2p_port"], options["settle"])
    seen = settle.observe(take, wanted, *asked) if options["settle"] else take()
    newest = [seen["container"], *seen["services"].values()]
    left = options["soak"] - min(observation.running_for(container, time.time()) for container in newest)
    if left > 0:
        time.sleep(left)
        seen = take()
    module.exit_json(changed=False, observation=seen, **(kept.observe(Paths(), seen) if options["kept"] else {}))


if __name__ == "__main__":
    main()
