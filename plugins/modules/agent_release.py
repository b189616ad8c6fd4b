#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare, activate, confirm, roll back or remove the release of one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_release
short_description: Prepare, activate, confirm, roll back or remove an agent's release on one host
version_added: 0.1.0
description:
  - Brings one host to a release of an agent, in steps that a playbook takes apart. Preparing disturbs nothing;
    activating stops the old container, starts the new one and waits for the local gate; confirming calls the release
    good, which makes it the goal of a later rollback.
  - What goes wrong on the host does not fail the task. It is RV(outcome=failed) with RV(failure), so that a playbook
    can roll back what it touched before it fails.
  - Secrets arrive with the module's own input and are written to a tmpfs only.
requirements:
  - Python 3.9 on the host, its standard library only
  - Docker Engine 20.10 and Docker Compose 2.20, except where RV(outcome=needs-docker) says that they are missing
author:
  - Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.deployment
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - A changed setting is shown by its path, a changed secret by its version.
  idempotent:
    support: full
    details:
      - With O(restart) the container is restarted each time.
options:
  run:
    description:
      - The run's directory, from M(praxis.cloud.fleet_plan). With it the controller fills in the options that the plan
        holds, and the secrets.
    type: path
  state:
    description:
      - V(prepared) pulls the image and writes the release, its secrets and its key; the running agent is not disturbed.
      - V(active) makes the prepared release the running one and waits for O(gate).
      - V(active) and V(restored) pull an image first that somebody has removed from the host.
      - V(confirmed) calls the release that runs good, and removes releases beyond O(keep_releases).
      - V(restored) rolls back to the release of O(previous), or takes the agent away when there was none.
      - V(absent) takes away the agent and all its files; volumes and images stay.
    type: str
    choices: [prepared, active, confirmed, restored, absent]
    required: true
  release:
    description:
      - The release. Needed for O(state=prepared), O(state=active) and O(state=confirmed); for O(state=restored) the one
        that is left.
    type: dict
    suboptions:
      id:
        description:
          - A hash of image digest, settings and secret versions.
          - The container carries it as its label C(praxis.release).
        type: str
        required: true
      image:
        description: The image by digest.
        type: str
        required: true
      name:
        description: The member's name. Its settings file has the name that C(release.json) says.
        type: str
        required: true
      files:
        description: The texts of C(compose.yaml), C(agent.yaml) and C(release.json).
        type: dict
        required: true
      api_port:
        description: Where the API listens on this host.
        type: int
        required: true
      p2p_port:
        description: Where P2P listens on this host and in its container.
        type: int
        required: true
  peers:
    description:
      - The bootstrap list. It is no part of the release; the agent reads it when it starts.
    type: dict
    suboptions:
      revision:
        description: Its hash.
        type: str
        required: true
      multiaddrs:
        description: Every other member's multiaddr.
        type: list
        elements: str
        required: true
  secrets:
    description:
      - Secret environment variables of the release, by name.
    type: dict
  seed:
    description:
      - The slot's node key, base64 of 32 bytes. O(state=prepared) writes it where the host has none.
      - Where the host has another one, the agent that runs keeps it until O(state=active) or O(state=restored), which
        write this one just before they restart the agent. So give it to them, too.
    type: str
  registry:
    description:
      - The login for the pull. It goes from memory to the engine, and is in no file.
    type: dict
    suboptions:
      server:
        description: The registry's host name.
        type: str
        required: true
      username:
        description: The user.
        type: str
        required: true
      password:
        description: The password or token.
        type: str
        required: true
  services:
    description:
      - What only this host may see of the services beside the agent. What they are is part of the release.
    type: list
    elements: dict
    suboptions:
      name:
        description: The service.
        type: str
        required: true
      secrets:
        description: The values of its secret environment variables.
        type: dict
      registry:
        description: The login for the pull of its image.
        type: dict
        suboptions:
          server:
            description: The registry's host name.
            type: str
            required: true
          username:
            description: The user.
            type: str
            required: true
          password:
            description: The password or token.
            type: str
            required: true
  gate:
    description:
      - What must hold after activation.
    type: dict
    suboptions:
      peer_id:
        description: The expected peer id.
        type: str
      other_peer_id:
        description: The id that the same seed has in the other scheme, so that the message can say so.
        type: str
      dial:
        description: The members active so far, each a dictionary of C(member), C(address) and C(port).
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
            description:
              - Whether it is no machine, but a pod of a cluster in the same fleet.
              - When any of them answers, one has to have a live edge to this host.
            type: bool
            default: false
      min_edges:
        description: How many of them must have a live edge to this host.
        type: int
        default: 0
      deadline:
        description: Seconds until all of it must hold.
        type: float
        default: 120.0
  engine:
    description:
      - What the role P(praxis.cloud.docker#role) would make true.
    type: dict
    suboptions:
      min_compose:
        description: The oldest Docker Compose that will do.
        type: str
        default: "2.20"
      daemon:
        description: Settings that C(daemon.json) must hold; it may hold more.
        type: dict
        default: {}
      proxies:
        description:
          - The proxies that the engine must use, C(http), C(https) and C(no_proxy), each a text.
          - Empty for none of ours. Without the option the engine's proxies do not matter.
        type: dict
  data:
    description:
      - What the agent keeps, whatever becomes of its container. For O(state=prepared); the release says where its
        container has it.
    type: dict
    suboptions:
      source:
        description:
          - The directory that the agent gets. It is made where it is missing, and never removed.
        type: str
        required: true
      devices:
        description:
          - Paths of the block device of its disk, which is mounted at the parent of O(data.source); the first that
            exists counts.
          - A device without anything on it is formatted. One with a file system that this module made is mounted as it
            is, and grown where the device has grown; any other content is refused, and left alone.
          - Without any, O(data.source) is on the machine's own disk.
        type: list
        elements: str
        default: []
  balancers:
    description:
      - The load balancers that the controller is about to put the host behind. For O(state=prepared); the host
        remembers them, so that a later deployment finds those that it is to leave.
    type: list
    elements: dict
    suboptions:
      module:
        description: The module that knows the balancer.
        type: str
        required: true
      options:
        description: Its options that name the balancer.
        type: dict
        required: true
      target:
        description: The host as that module takes it, without a port.
        type: dict
        required: true
  keep_releases:
    description:
      - How many releases stay on the host, the running one and the one before it included.
    type: int
    default: 5
  previous:
    description:
      - For O(state=restored), the release to roll back to, as C(observation.release.good) said before the activation.
      - Empty when there was none.
    type: str
  restart:
    description:
      - For O(state=active), restart the container though the release runs already.
      - It then reads its bootstrap list anew.
    type: bool
    default: false
  engine_made:
    description:
      - The docker role ran on this host just before. In check mode, where it could only predict, this module then
        predicts what it would do on the new engine.
      - Otherwise a host without Docker gives RV(outcome=needs-docker) and no change, in check mode too.
    type: bool
    default: false
  engine_failure:
    description:
      - What the docker role said when it failed on this host. It joins RV(reasons) when there are any.
    type: str
  pull_deadline:
    description:
      - Seconds for the pull of the image.
    type: float
    default: 900.0
  confirm_within:
    description:
      - Seconds within which the release has to be called good. Otherwise the host goes back to its last good release by
        itself, also after a reboot. Where systemd does not run the machine, or no release has been called good yet,
        it does not.
    type: float
  drain:
    description:
      - Seconds that the agent's clients are given to end their connections to its API, before anything is done. It ends
        earlier when there has been none for 10 seconds.
    type: float
    default: 0.0
  lock_deadline:
    description:
      - Seconds to wait for another deployment of this host.
    type: float
    default: 60.0
  examine:
    description:
      - For O(state=prepared) in check mode, observe what else a deployment will need of this host, and return it as
        RV(examination).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Prepare the release
  praxis.cloud.agent_release:
    state: prepared
    release: "{{ release }}"
    peers: "{{ peers }}"
    secrets: "{{ secrets }}"
    seed: "{{ seed }}"
    registry: "{{ registry }}"
  become: true
  register: prepared

- name: Activate it
  praxis.cloud.agent_release:
    state: active
    release: "{{ release }}"
    peers: "{{ peers }}"
    seed: "{{ seed }}"
    gate:
      peer_id: "{{ peer_id }}"
      dial: "{{ active_members }}"
      min_edges: 2
      deadline: 120
  become: true
  register: activated

- name: Restore what was there before
  praxis.cloud.agent_release:
    state: restored
    previous: "{{ activated.previous }}"
    release: "{{ release }}"
  become: true
  when: activated.outcome == 'failed'
"""

RETURN = r"""
outcome:
  description:
    - V(unchanged), V(prepared), V(needs-docker), V(activated), V(confirmed), V(restored), V(removed) or V(failed).
    - In check mode, what it would be.
  returned: always
  type: str
failure:
  description: What is wrong, where, and how to fix it; null when nothing is.
  returned: always
  type: dict
  contains:
    code:
      description: Stable name of the failure.
      type: str
      returned: always
    what:
      description: What is wrong.
      type: str
      returned: always
    where:
      description: The place.
      type: str
      returned: always
    fix:
      description: How to fix it.
      type: str
      returned: always
    command:
      description: What root types in a shell on the machine, and the cause is gone; a part of C(fix).
      type: str
      returned: when there is such a command
reasons:
  description: Why the docker role has to run first.
  returned: always
  type: list
  elements: str
changes:
  description: What was done, or would be, one item for each step.
  returned: always
  type: list
  elements: str
  sample: ["release /opt/praxis/releases/3f9c1a", "switch container"]
activation:
  description:
    - What activation does, V(none), V(start), V(switch), V(restart), or V(services) where services are started or
      removed and the agent is left alone.
  returned: always
  type: str
activation_reason:
  description: Why.
  returned: always
  type: str
previous:
  description: The release that C(/opt/praxis/current) pointed at before; null when there was none.
  returned: always
  type: str
evidence:
  description: The container's last log lines when the gate failed, secrets masked.
  returned: always
  type: list
  elements: str
observation:
  description: The host afterwards, as M(praxis.cloud.agent_info) returns it.
  returned: always
  type: dict
examination:
  description:
    - C(images), what the registry answers this host; C(names), whether they resolve; C(inside), names, dials and MTU as
      the agent's container has them, null where none runs; C(secrets), whose they are; C(mtu) of the default route;
      C(addresses) of this machine.
  returned: when O(examine) is true, in check mode
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import OPTIONS as DEPLOYMENT
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import deploy, examination
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import from_options
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

STATES = ["prepared", "active", "confirmed", "restored", "absent"]
MEMBER = {
    "member": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "outside": {"type": "bool", "default": False},
}
RELEASE = {
    "id": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "files": {"type": "dict", "required": True},
    "api_port": {"type": "int", "required": True},
    "p2p_port": {"type": "int", "required": True},
}
PEERS = {
    "revision": {"type": "str", "required": True},
    "multiaddrs": {"type": "list", "elements": "str", "required": True},
}
REGISTRY = {
    "server": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}
SERVICE = {
    "name": {"type": "str", "required": True},
    "secrets": {"type": "dict", "no_log": True},
    "registry": {"type": "dict", "options": REGISTRY},
}
GATE = {
    "peer_id": {"type": "str"},
    "other_peer_id": {"type": "str"},
    "dial": {"type": "list", "elements": "dict", "default": [], "options": MEMBER},
    "min_edges": {"type": "int", "default": 0},
    "deadline": {"type": "float", "default": 120.0},
}
ENGINE = {
    "min_compose": {"type": "str", "default": "2.20"},
    "daemon": {"type": "dict", "default": {}},
    "proxies": {"type": "dict"},
}
DATA = {"source": {"type": "str", "required": True}, "devices": {"type": "list", "elements": "str", "default": []}}

BALANCER = {
    "module": {"type": "str", "required": True},
    "options": {"type": "dict", "required": True},
    "target": {"type": "dict", "required": True},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "run": {"type": "path"},
            "state": {"type": "str", "required": True, "choices": STATES},
            "release": {"type": "dict", "options": RELEASE},
            "peers": {"type": "dict", "options": PEERS},
            "secrets": {"type": "dict", "no_log": True},
            "seed": {"type": "str", "no_log": True},
            "registry": {"type": "dict", "options": REGISTRY},
            "services": {"type": "list", "elements": "dict", "options": SERVICE},
            "gate": {"type": "dict", "options": GATE},
            "engine": {"type": "dict", "options": ENGINE},
            "data": {"type": "dict", "options": DATA},
            "balancers": {"type": "list", "elements": "dict", "options": BALANCER},
            "keep_releases": {"type": "int", "default": 5},
            "previous": {"type": "str"},
            "restart": {"type": "bool", "default": False},
            "engine_made": {"type": "bool", "default": False},
            "engine_failure": {"type": "str"},
            "pull_deadline": {"type": "float", "default": 900.0},
            "lock_deadline": {"type": "float", "default": 60.0},
            "deployment": {"type": "dict", "options": DEPLOYMENT},
            "confirm_within": {"type": "float"},
            "drain": {"type": "float", "default": 0.0},
            "examine": {"type": "bool", "default": False},
        },
        required_if=[
            ("state", "prepared", ["release"]),
            ("state", "active", ["release"]),
            ("state", "confirmed", ["release"]),
        ],
        supports_check_mode=True,
    )
    try:
        desired = from_options(module.params)
    except Failed as error:
        module.fail_json(**error.as_result())
    result = deploy.run(desired, Paths(), module.check_mode, module.params["lock_deadline"])
    if module.params["examine"] and module.check_mode and desired.release is not None:
        result["examination"] = examination.take(desired, Paths(), result["observation"])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
