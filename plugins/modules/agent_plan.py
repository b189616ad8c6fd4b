#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/agent_plan.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_plan
short_description: Plan the deployment of one agent on one machine
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Computes, before anything is touched, everything that the deployment of one agent will do, from options alone; no
    inventory group, fleet or cloud is needed. The role P(praxis.cloud.agent#role) uses it.
  - Runs on the controller and only reads. Values of secrets are in no result, no fact and no readable file.
  - Leaves the fact C(praxis_agent) on the host, with C(run), C(peer_id), C(address), C(port) and C(multiaddr).
  - With O(run), tells the agent that was planned who its peers are; they have to be planned by then.
extends_documentation_fragment:
  - praxis.cloud.attributes.info
options:
  run:
    description: The run's directory, from an earlier call. With it only O(peers) is read.
    type: path
  peers:
    description:
      - The agents that this one dials, and that may dial it. Names of hosts that were planned in this run, and
        multiaddrs of others. The host's own name is passed over.
    type: list
    elements: raw
    default: []
  identity:
    description: The agent's seed, base64 of 32 bytes, or a reference to a secret that holds it.
    type: raw
    default: ""
  min_edges:
    description: How many peers must have a live edge to the agent before its release is called good.
    type: int
    default: 0
  image:
    description: The image, by tag or digest.
    type: raw
  settings:
    description: The agent's settings, in its own vocabulary, over those of O(config_dir).
    type: raw
  secrets:
    description: Secret environment variables; references, or the values themselves.
    type: raw
  environment:
    description: Other environment variables.
    type: raw
  profile:
    description: Which C(agent_PROFILE.yaml) of O(config_dir) lies over C(agent_base.yaml); V(production) by default.
    type: raw
  config_dir:
    description: The folder of these files; by default the collection's.
    type: raw
  address:
    description: The IPv4 address at which peers reach the machine.
    type: raw
  api_port:
    description: The port of the API; 8000 by default.
    type: raw
  p2p_port:
    description: The port of P2P; 4001 by default.
    type: raw
  peer_id_scheme:
    description: How the image's libp2p derives a peer id, V(ed25519) or V(x25519).
    type: raw
  strict:
    description: Whether settings that the agent would ignore are errors; V(true) by default.
    type: raw
  container:
    description: Limits of the container.
    type: raw
  docker_socket:
    description: Whether the container gets the engine's socket; V(false) by default.
    type: raw
  docker_daemon:
    description: What the engine's C(daemon.json) holds beyond the docker role's defaults.
    type: raw
  services:
    description: Containers that run beside the agent, as C(praxis_services) of a fleet.
    type: raw
  data:
    description: What the agent keeps, as C(praxis_data) of a fleet.
    type: raw
  region:
    description: The AWS region of secrets that are named without one.
    type: raw
  project:
    description: The Google project of secrets that are named without one.
    type: raw
  soak:
    description: Seconds that the agent has to run before its release is called good; 30 by default.
    type: raw
  keep_releases:
    description: How many releases the machine keeps; 5 by default.
    type: raw
  deadline:
    description: Seconds that the gate may take; 120 by default.
    type: raw
  pull_deadline:
    description: Seconds that the pull of the image may take; 900 by default.
    type: raw
  lease:
    description:
      - Seconds that a run may be still before another one may take the machine over. It is longer than the soak.
      - By default 900, or as long as the activation may take where that is more.
    type: raw
  confirm_deadline:
    description: Seconds after which the machine goes back by itself when nobody has called the release good.
    type: raw
"""

EXAMPLES = r"""
- name: Plan the agent
  praxis.cloud.agent_plan:
    image: registry.example.com/praxis:1.4
    identity: "{{ vaulted_seed }}"
    secrets:
      OPENAI_API_KEY: aws-sm://eu-central-1/praxis#OPENAI_API_KEY

- name: Connect the agent with its peers
  praxis.cloud.agent_plan:
    run: "{{ ansible_facts.praxis_agent.run }}"
    peers: "{{ ansible_play_hosts }}"
"""

RETURN = r"""
plan:
  description: The plan, without the contents of files, as M(praxis.cloud.fleet_plan) returns it.
  type: dict
  returned: success, without O(run)
peers:
  description: The peers' names, as given.
  type: list
  elements: str
  returned: success, with O(run)
"""
