#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_machines
short_description: The Compute Engine instances of a Praxis fleet
version_added: 0.1.0
author:
  - Praxis Cloud contributors (@praxis)
description:
  - Keeps one running instance for every slot of a fleet, C(gcp-1) to C(gcp-N), spread over the given zones.
  - New instances are shielded VMs without deletion protection. They carry the labels C(praxis_fleet), C(praxis_slot),
    C(praxis_role) and C(praxis_managed_by), and O(labels).
  - Existing instances get missing or edited labels, network tags and SSH metadata restored, and are started when
    stopped. Their image, type, disks, network and service account are left alone.
  - An instance is called FLEET-SLOT, and the slot's number decides its zone, so a repeated request makes no second
    machine. Before anything is made, all zones of the project are looked in.
  - Instances are made and changed several at a time, and each operation is waited for.
  - Only instances that this module made, or that carry the label C(praxis_managed_by=provision), are ever changed.
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Labels, states, network tags and metadata that change; the id of a machine to be launched reads
        "(known after apply)".
  idempotent:
    support: full
options:
  state:
    description: V(absent) deletes the fleet's instances in all zones and waits until they are gone.
    type: str
    choices: [present, absent]
    default: present
  fleet:
    description: The fleet's name.
    type: str
    required: true
  hosts:
    description: How many machines; needed with O(state=present).
    type: int
  slot_prefix:
    description: First part of the slots' names.
    type: str
    default: gcp
  role:
    description: Value of the label C(praxis_role).
    type: str
    default: agent
  labels:
    description: Further labels. Labels found on an instance and not named here are left alone.
    type: dict
    default: {}
  zones:
    description: Zones of one region that the slots take in turn; needed with O(state=present).
    type: list
    elements: str
    default: []
  subnetwork:
    description: Subnetwork of new machines, by any form of its link; needed when a machine must be launched.
    type: str
    default: ""
  network_tags:
    description: Network tags of every machine, and no others. Empty leaves them as they are.
    type: list
    elements: str
    default: []
  image:
    description: Image of new machines, by name or link. Empty takes the newest of O(image_family).
    type: str
    default: ""
  image_family:
    description: Image family of new machines.
    type: str
    default: debian-13
  image_project:
    description: Project of O(image_family).
    type: str
    default: debian-cloud
  root_volume_gb:
    description: Size of the boot disk in GB.
    type: int
    default: 20
  machine_type:
    description: Type of new machines.
    type: str
    default: e2-small
  ssh_user:
    description: Account that O(ssh_public_key) admits.
    type: str
    default: praxis
  ssh_public_key:
    description:
      - Public key of every machine's C(ssh-keys), and the only one. The project's own keys are kept out, and OS Login
        is off.
      - Empty leaves these metadata as they are; needed when a machine must be launched.
    type: str
    default: ""
  service_account:
    description:
      - Email of the service account of new machines, given without scopes. Empty for none.
      - A stopped machine that has another one, or scopes, is given this one before it is started. A running one is
        named in a warning, for Compute Engine changes the service account of a stopped machine only.
    type: str
    default: ""
  public_address:
    description: Whether new machines have an address that the internet knows.
    type: bool
    default: true
  allow_shrink:
    description: Whether to delete machines of slots above O(hosts). Without it their presence is an error.
    type: bool
    default: false
  deadline:
    description: Seconds that each operation may take, and that all machines may take to run.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Three machines over two zones
  praxis.cloud.gcp_machines:
    project: my-project
    fleet: praxis
    hosts: 3
    zones: [europe-west1-b, europe-west1-c]
    subnetwork: regions/europe-west1/subnetworks/praxis-praxis
    network_tags: [praxis-praxis]
    ssh_public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"

- name: Remove them
  praxis.cloud.gcp_machines:
    project: my-project
    fleet: praxis
    state: absent
"""

RETURN = r"""
machines:
  description: The running machines, in the slots' order. Empty in check mode and with O(state=absent).
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The instance's name., type: str}
    slot: {description: The slot., type: str}
    instance_id: {description: The instance's name., type: str}
    zone: {description: Zone., type: str}
    private_ip: {description: Private address., type: str}
    public_ip: {description: Public address or an empty string., type: str}
launched:
  description: Slots for which a machine was launched.
  returned: success
  type: list
  elements: str
terminated:
  description: Names of the instances that were deleted.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_fleet_machines import (
    FleetMachines,
    launch_of,
    name_of,
    require_launch,
    wanted_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_machines import Machines
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.finish import finish
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import GOOGLE, LIVE, Changes, Wanted, picture
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

ARGUMENTS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "fleet": {"type": "str", "required": True},
    "hosts": {"type": "int"},
    "slot_prefix": {"type": "str", "default": "gcp"},
    "role": {"type": "str", "default": "agent"},
    "labels": {"type": "dict", "default": {}},
    "zones": {"type": "list", "elements": "str", "default": []},
    "subnetwork": {"type": "str", "default": ""},
    "network_tags": {"type": "list", "elements": "str", "default": []},
    "image": {"type": "str", "default": ""},
    "image_family": {"type": "str", "default": "debian-13"},
    "image_project": {"type": "str", "default": "debian-cloud"},
    "root_volume_gb": {"type": "int", "default": 20},
    "machine_type": {"type": "str", "default": "e2-small"},
    "ssh_user": {"type": "str", "default": "praxis"},
    "ssh_public_key": {"type": "str", "default": "", "no_log": False},
    "service_account": {"type": "str", "default": ""},
    "public_address": {"type": "bool", "default": True},
    "allow_shrink": {"type": "bool", "default": False},
    "deadline": {"type": "int", "default": 300},
}


def present(options: dict[str, Any], machines: Machines, check_mode: bool) -> dict[str, Any]:
    fleet = FleetMachines(
        machines,
        wanted_of(options, options["network_tags"], options["slot_prefix"], options["role"]),
        launch_of(options, options["zones"]),
        options["allow_shrink"],
        options["subnetwork"],
        options["service_account"],
    )
    fleet.observe(check_mode)
    fleet.plan({})
    if fleet.changes.launch and not check_mode:
        require_launch(options["fleet"], options, ("zones", "subnetwork", "ssh_public_key"))
    if not check_mode:
        fleet.apply({})
    result: dict[str, Any] = {
        "changed": bool(fleet.changes),
        "launched": fleet.launched,
        "terminated": fleet.terminated,
        "machines": fleet.running,
        "warnings": fleet.warnings,
    }
    return {**result, "diff": picture(fleet.wanted, fleet.found, fleet.changes)} if fleet.changes else result


def absent(options: dict[str, Any], machines: Machines, check_mode: bool) -> dict[str, Any]:
    found = machines.observe() if check_mode else machines.settled()
    live = [each for each in found if each.ours and each.state in LIVE]
    result: dict[str, Any] = {
        "changed": bool(live),
        "launched": [],
        "terminated": [name_of(each.id) for each in live],
        "machines": [],
    }
    if live:
        changes = Changes(terminate=tuple(each.id for each in live))
        result["diff"] = picture(Wanted(options["fleet"], (), words=GOOGLE), live, changes)
    if not check_mode:
        machines.terminate(each.id for each in live)
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={**GCP_ARGUMENTS, **ARGUMENTS},
        required_if=[("state", "present", ["hosts"])],
        supports_check_mode=True,
    )
    options = module.params

    def work() -> dict[str, Any]:
        machines = Machines(gcp_client(options, Playbook()), options["fleet"], deadline=float(options["deadline"]))
        run = present if options["state"] == "present" else absent
        return run(options, machines, module.check_mode)

    finish(module, work)


if __name__ == "__main__":
    main()
