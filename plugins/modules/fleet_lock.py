#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the fleet's lock, or give it back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_lock
short_description: Take the lock of a fleet for a deployment, or give it back
version_added: 0.1.0
description:
  - One deployment acts at a time. It takes the fleet's lock on one host before it changes any, and gives it back at its
    end. Every host refuses the steps of a deployment that a newer one has taken over from.
  - The lock of a deployment that gives no sign for the length of its lease, by the host's own clock, can be taken.
requirements:
  - Python 3.9 on the host, its standard library only
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
  idempotent:
    support: full
options:
  run:
    description:
      - The run's directory, from M(praxis.cloud.fleet_plan). With it the controller fills in the other options, and
        what is wrong is no failure of the task; RV(locked) says whether the run has the lock.
    type: path
  state:
    description:
      - V(present) takes the lock, V(absent) gives it back, V(observed) only says what this host remembers of it.
    type: str
    choices: [present, absent, observed]
    default: present
  host:
    description:
      - The member whose host this is; needed with O(run), and to wait for another deployment.
    type: str
  try_next:
    description:
      - Whether another host is asked when this one cannot be reached.
    type: bool
    default: false
  seen:
    description:
      - The fence number that the host had when the deployment observed it. Another one means that a deployment went
        through the fleet since. Without it that is not observed.
    type: int
  over:
    description:
      - The deployments to take over from, whatever their lease.
    type: list
    elements: str
    default: []
  observations:
    description:
      - Under which name this module with O(state=observed), or M(praxis.cloud.agent_info), was registered on
        O(hosts). With it a person locks the fleet, or with O(state=absent) unlocks it, whoever locked it; the
        controller fills in the other options. The task is delegated to the first of O(hosts) by name. A fleet that a
        deployment holds is refused.
    type: str
  free:
    description:
      - With O(observations), lock nothing, and fail while a deployment or a person holds the fleet. The task is on the
        controller.
    type: bool
    default: false
  force:
    description:
      - With O(free), a host that gave no answer is a warning and no failure. A holder that is seen still fails the
        task.
    type: bool
    default: false
  take_over:
    description:
      - With O(free), the deployment that is known to be dead, and need not be waited for.
    type: str
    default: ''
  hosts:
    description:
      - All members of the fleet; needed with O(observations).
    type: list
    elements: str
  reason:
    description:
      - Why the fleet is locked, for those who find it so.
    type: str
  lease:
    description:
      - Seconds for which it is locked, from 1 to 604800; 3600 by default.
    type: raw
  wait:
    description:
      - Seconds to wait, at most, until no other deployment holds the fleet, from 0 to 86400. No lock is taken. With
        O(observations) and O(hosts), and without O(host), nobody is waited for, and RV(ask) names the member whose host
        tells when the fleet is free. With O(host) it is asked until then.
    type: raw
  lock_deadline:
    description:
      - Seconds to wait for a step of another deployment on this very host. With O(run) the controller sets it.
    type: float
    default: 60.0
"""

EXAMPLES = r"""
- name: Lock the fleet
  praxis.cloud.fleet_lock:
    run: "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"
    host: agent-1
  run_once: true
  delegate_to: agent-1
  become: true
"""

RETURN = r"""
fence:
  description: The deployment's fence number.
  returned: success
  type: int
  sample: 7
holder:
  description: The deployment that the host's record is of now.
  returned: success
  type: str
  sample: 20261127T091502Z-4f2a1c
expires:
  description: Until when others wait for it, in seconds since 1970 by the host's clock.
  returned: success
  type: float
  sample: 1792000900.0
locked:
  description: Whether the deployment has the lock now.
  returned: without O(state=observed)
  type: bool
refused:
  description: Whether another deployment, or a person, keeps this run from the fleet.
  returned: with O(run), unless O(state=absent)
  type: bool
observation:
  description:
    - What this host remembers, a part of what M(praxis.cloud.agent_info) returns. C(deployment) is the newest
      deployment that made a step here, or null; C(host.clock) the seconds since 1970.
  returned: with O(state=observed)
  type: dict
  sample: {deployment: null, host: {clock: 1792000000.123}}
ask:
  description: The member whose host to wait at; empty where nobody holds the fleet.
  returned: with O(wait) and without O(host)
  type: str
  sample: agent-1
otherwise:
  description: The member whose host to wait at where that one cannot be asked; empty where it has been.
  returned: with O(wait) and without O(host)
  type: str
  sample: agent-2
silent:
  description: Whether the host, which had not been asked before, cannot be asked, so that nothing was waited for.
  returned: with O(wait) and O(host), when it is so
  type: bool
lock:
  description: The lock of a person.
  returned: with O(observations), when it was taken
  type: dict
  sample: {run: 20261127T091502Z-4f2a1c, owner: ann@desk, reason: database migration, lock_host: agent-1,
    until: "2026-11-27T10:15:02Z"}
"""

import os
import time
from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import (
    OPTIONS,
    Deployment,
    deployment_from,
    ends,
    shown,
    takes,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import fence
from ansible_collections.praxis.cloud.plugins.module_utils.host.lock import locked
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "run": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent", "observed"], "default": "present"},
            "deployment": {"type": "dict", "options": OPTIONS},
            "host": {"type": "str"},
            "try_next": {"type": "bool", "default": False},
            "seen": {"type": "int"},
            "over": {"type": "list", "elements": "str", "default": []},
            "observations": {"type": "str"},
            "free": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "take_over": {"type": "str", "default": ""},
            "hosts": {"type": "list", "elements": "str"},
            "reason": {"type": "str"},
            "lease": {"type": "raw"},
            "wait": {"type": "raw"},
            "lock_deadline": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    wanted = deployment_from(module.params["deployment"])
    if wanted is None:
        module.fail_json(msg="The option deployment is needed.")
        return
    try:
        with locked(Paths().lock, _who(wanted), module.params["lock_deadline"]):
            module.exit_json(**_run(module, wanted))
    except Failed as error:
        module.fail_json(**error.as_result())


def _who(wanted: Deployment) -> str:
    """Who holds this host, for the one who waits for it."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return "state=lock pid=%d since=%s owner=%s run=%s" % (os.getpid(), since, wanted.owner, wanted.run)


def _run(module: AnsibleModule, wanted: Deployment) -> Dict[str, Any]:
    now = time.time()
    found = fence.read(Paths(), now)
    if module.params["state"] == "present":
        after = takes(found, wanted, module.params["seen"], module.params["over"], now)
    else:
        after = wanted if ends(found, wanted) else None
    ended = module.params["state"] == "absent"
    if after is None:
        return {"changed": False, "locked": not ended, "diff": [], **_held(found or wanted.record(now, ended))}
    if not module.check_mode:
        fence.write(Paths(), after, now, ended)
    changes = [_diff(found, after, ended)]
    return {"changed": True, "locked": not ended, "diff": changes, **_held(after.record(now, ended))}


def _held(record: Mapping[str, Any]) -> Dict[str, Any]:
    return {"fence": record["fence"], "holder": record["run"], "expires": record["expires"]}


def _diff(found: Optional[Dict[str, Any]], after: Deployment, ended: bool) -> Dict[str, str]:
    before = shown(found) if found else "free\n"
    return {
        "before_header": "fleet lock",
        "after_header": "fleet lock",
        "before": before,
        "after": shown(after.record(0, ended)),
    }


if __name__ == "__main__":
    main()
