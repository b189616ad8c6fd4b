#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: gcp_lb_target
short_description: Put machines behind a Google load balancer, or take them out
version_added: 0.1.0
description:
  - Puts machines into the groups of a backend service, each into the group of its zone, or takes them out, one call a
    zone; and waits until the balancer says that it is so.
  - The groups are unmanaged instance groups or zonal network endpoint groups.
  - A machine that is in already is waited for all the same.
author: Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_gcp
  - praxis.cloud.gcp
attributes:
  check_mode:
    support: full
    details:
      - Nothing is waited for in check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  backend_service:
    description:
      - Name of the backend service, or any form of its link.
    type: str
    required: true
  region:
    description:
      - Its region, unless O(backend_service) is a link.
      - Without one it is a global backend service.
    type: str
    default: ""
  targets:
    description: The machines. Others in the groups are left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Name of the instance, or any form of its link.
        type: str
        required: true
      zone:
        description: Its zone; not needed when O(targets[].id) is a link.
        type: str
      port:
        description:
          - Port of its endpoint, in a network endpoint group; by default the group's.
          - An instance group has one port for all its machines, and this one does not count there.
          - With O(state=absent), by default every port that the machine is there with.
        type: int
  state:
    description:
      - V(present) puts in, and waits for healthy.
      - V(absent) takes out, and waits for the backend service's own draining time, in which connections may end by
        themselves. Google does not say whether any are left.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Whether to wait.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait for healthy.
      - By default what the health check's own settings add up to, and a minute.
    type: int
"""

EXAMPLES = r"""
- name: Take a machine out of rotation, with its last requests served
  praxis.cloud.gcp_lb_target:
    project: my-project
    backend_service: demo-agents
    targets:
      - id: demo-gcp-1
        zone: europe-west1-b
    state: absent

- name: Attach it again and wait until it is healthy
  praxis.cloud.gcp_lb_target:
    project: my-project
    backend_service: demo-agents
    targets:
      - id: demo-gcp-1
        zone: europe-west1-b
"""

RETURN = r"""
backend_service_link:
  description: The backend service's self link.
  returned: when the backend service was found
  type: str
groups:
  description: The paths of its groups, by their zones.
  returned: when the backend service was found
  type: dict
  sample: {europe-west1-b: projects/my-project/zones/europe-west1-b/networkEndpointGroups/demo-agents}
addresses:
  description: Where the load balancers answer that lead to the backend service.
  returned: with O(state=present), when the backend service was found
  type: list
  elements: str
used_by:
  description:
    - The paths of what else refers to the backend service, so that requests may come from there, such as a proxy for
      TCP or a URL map of another project.
    - All that refers to it, where the identity may not list what lies before it.
  returned: with O(state=present), when the backend service was found
  type: list
  elements: str
draining:
  description: Seconds that connections to a machine that leaves may live, by the backend service's own setting.
  returned: with O(state=absent) and O(wait=false), when the backend service was found
  type: float
targets:
  description: The machines asked for, as the balancer saw them last.
  returned: when the backend service was found
  type: list
  elements: dict
  contains:
    id:
      description: Name of the instance.
      type: str
    zone:
      description: Its zone.
      type: str
    port:
      description: Port of its endpoint; null where none was asked for, and in an instance group.
      type: int
    state:
      description: The balancer's word for it; empty for one that is in no group.
      type: str
      sample: HEALTHY
others:
  description: The other machines in the groups, in the same form.
  returned: when the backend service was found
  type: list
  elements: dict
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import (
    HEALTHY,
    BackendService,
    Seen,
    Target,
    diff,
    failures,
    health_of,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_front_ends import front_ends
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding, failure_result
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

SPEC: dict[str, Any] = {
    "backend_service": {"type": "str", "required": True},
    "region": {"type": "str", "default": ""},
    "targets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "id": {"type": "str", "required": True},
            "zone": {"type": "str"},
            "port": {"type": "int"},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int"},
    **GCP_ARGUMENTS,
}


def run(params: dict[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[Finding]]:
    state = params["state"]
    client = gcp_client(params, Playbook())
    service = BackendService(client, params["backend_service"], params["region"])
    targets = service.targets(params["targets"])
    seen: Seen = service.observe()
    changes = diff(seen, targets, state)
    groups = {zone: group.path for zone, group in service.groups.items()}
    result: dict[str, Any] = {"changed": bool(changes), "backend_service_link": service.link, "groups": groups}
    if changes:
        result["diff"] = shown(service, changes, state)
    findings: list[Finding] = []
    if not check_mode:
        if changes:
            service.apply(changes, state)
        seen, findings = settle(service, seen, targets, params, changed=bool(changes))
    if state == "present":
        result["addresses"], result["used_by"] = front_ends(client, service)
    elif not check_mode and not params["wait"]:
        result["draining"] = service.draining()
    others = sorted(one for one in seen if not any(target.means(one) for target in targets))
    return {
        **result,
        "targets": [described(target, seen) for target in targets],
        "others": [described(target, seen) for target in others],
    }, findings


def settle(
    service: BackendService, seen: Seen, targets: list[Target], params: dict[str, Any], *, changed: bool
) -> tuple[Seen, list[Finding]]:
    """What is seen in the end, and what did not get there in time."""
    if not params["wait"]:
        return (service.observe() if changed else seen), []
    if params["state"] == "absent":
        if changed:
            # Nothing says when the last connection has ended: the service's own time is all there is to go by.
            time.sleep(service.draining())
            seen = service.observe()
        return seen, []
    if not changed and healthy(seen, targets):
        return seen, []
    seconds = service.patience() if params["wait_timeout"] is None else float(params["wait_timeout"])
    seen, there = Poll().until(service.observe, lambda found: healthy(found, targets), seconds=seconds)
    return seen, [] if there else failures(seen, targets, service.name, seconds)


def healthy(seen: Seen, targets: list[Target]) -> bool:
    """Whether every machine is."""
    return all(health_of(seen, target) == HEALTHY for target in targets)


def shown(service: BackendService, changes: list[Target], state: str) -> dict[str, Any]:
    """Only what changes: health comes and goes by itself and is no change of ours."""
    inside = {str(target): "in its zone's group" for target in changes}
    before, after = ({}, inside) if state == "present" else (inside, {})
    return {"before": before, "after": after, "before_header": service.link, "after_header": service.link}


def described(target: Target, seen: Seen) -> dict[str, Any]:
    return {"id": target.name, "zone": target.zone, "port": target.port, "state": health_of(seen, target)}


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result, findings = run(module.params, module.check_mode)
    except Failed as failed:
        module.fail_json(**failed.as_result())
    if findings:
        module.fail_json(**failure_result(findings), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
