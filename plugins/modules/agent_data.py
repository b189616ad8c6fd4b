#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the disk with an agent's data still, or take it out and put another in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_data
short_description: Freeze the disk with an agent's data, or take it out and put another in
version_added: 0.2.0
description:
  - The steps on a host of M(praxis.cloud.agent_backup). A frozen file system keeps those waiting who write to it; a
    timer of systemd thaws it after O(seconds), whatever becomes of who froze it.
requirements:
  - Python 3.9 on the host, its standard library only
  - systemd, util-linux
author:
  - Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.deployment
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - A file system that is frozen already is not frozen again; that is a failure, for somebody else has frozen it.
        Nor is it while the timer of an earlier one is set, which stays.
options:
  state:
    description:
      - V(frozen) writes out what is on its way to the disk, and holds back what is written after it.
      - V(thawed) lets it be written to again.
      - V(released) stops the agent and unmounts the disk.
      - V(mounted) mounts one of O(devices), which has the agent's file system already.
    type: str
    choices: [frozen, thawed, released, mounted]
    required: true
  source:
    description: The directory that the agent has on the disk.
    type: path
    required: true
  seconds:
    description: With O(state=frozen), after how many seconds the file system is thawed by itself.
    type: float
    default: 60.0
  devices:
    description: With O(state=mounted), paths of the disk's device; the first that exists counts.
    type: list
    elements: str
    default: []
  api_port:
    description: With O(state=released), where the agent's API listens.
    type: int
  drain:
    description: With O(state=released), seconds to wait until nobody is connected to the agent.
    type: float
    default: 0.0
  lock_deadline:
    description: With O(deployment), seconds to wait for another step on this host.
    type: float
    default: 60.0
"""

EXAMPLES = r"""
- name: Freeze the agent's data
  praxis.cloud.agent_data:
    state: frozen
    source: /var/lib/praxis/data/agent
    seconds: 30
  become: true

- name: Thaw the agent's data
  praxis.cloud.agent_data:
    state: thawed
    source: /var/lib/praxis/data/agent
  become: true
"""

RETURN = r"""
held:
  description:
    - With V(frozen), whether there was anything to freeze; a disk that is not mounted stands still by itself.
    - With V(thawed), whether nobody has written to the disk since it was frozen.
  type: bool
  returned: success
"""

import os
import time
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import OPTIONS as DEPLOYMENT
from ansible_collections.praxis.cloud.plugins.module_utils.deployment import deployment_from
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import data_steps, drain, fence
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Data
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.host.lock import locked
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

STATES = ["frozen", "thawed", "released", "mounted"]


def run(options: Dict[str, Any], paths: Paths) -> Dict[str, Any]:
    state, place = options["state"], os.path.dirname(options["source"])
    if state == "frozen":
        held = data_steps.freeze(place, options["seconds"])
        return {"changed": held, "held": held}
    if state == "thawed":
        held = data_steps.thaw(place)
        return {"changed": held, "held": held}
    if options["drain"] > 0:
        drain.wait(paths, options["api_port"], options["drain"])
    deployment = deployment_from(options["deployment"])
    with locked(paths.lock, "agent_data state=%s" % state, options["lock_deadline"]):
        if deployment is not None:
            fence.admit(paths, deployment, time.time())
        if state == "released":
            return {"changed": data_steps.release(paths, Engine(paths.engine_socket), place), "held": True}
        data_steps.mount(paths, Data(options["source"], tuple(options["devices"])))
        return {"changed": True, "held": True}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "required": True, "choices": STATES},
            "source": {"type": "path", "required": True},
            "seconds": {"type": "float", "default": 60.0},
            "devices": {"type": "list", "elements": "str", "default": []},
            "api_port": {"type": "int"},
            "drain": {"type": "float", "default": 0.0},
            "deployment": {"type": "dict", "options": DEPLOYMENT},
            "lock_deadline": {"type": "float", "default": 60.0},
        },
        required_if=[("state", "mounted", ["devices"])],
        supports_check_mode=True,
    )
    if module.check_mode:
        place = os.path.dirname(module.params["source"])
        module.exit_json(changed=data_steps.predicted(module.params["state"], place), held=True)
    try:
        result = run(module.params, Paths())
    except Failed as failed:
        module.fail_json(**failed.as_result())
    except (EngineError, OSError) as error:
        fix = "Fix what this message says of the machine, then run this again."
        module.fail_json(**Failed(Finding("data-step-failed", str(error), module.params["state"], fix)).as_result())
    module.exit_json(**result)


if __name__ == "__main__":
    main()
