#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aws_lb_target
short_description: Put targets into an AWS load balancer's target group, or take them out
version_added: 0.1.0
description:
  - Registers or deregisters any number of targets in one call, and waits until the balancer says that it is so.
  - A target that is draining is registered again. One that is registered already is waited for all the same.
  - When a target does not get there in time, the failure gives the balancer's reason for each.
author: Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_aws
  - praxis.cloud.aws
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
  target_group:
    description: "Name, ARN or tags (C({Name: agents})) of the target group."
    type: raw
    required: true
  targets:
    description: The targets. Others in the group are left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Instance id or IP address, as the group's target type asks.
        type: str
        required: true
      port:
        description:
          - The target's port; by default the group's.
          - With O(state=absent), by default every port that the target is registered with.
        type: int
  state:
    description:
      - V(present) registers, and waits for healthy.
      - V(absent) deregisters, and waits until draining is over.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description: Whether to wait.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait.
      - By default what the group's own settings add up to (its deregistration delay, or the health checks needed) and a
        minute; for a Network Load Balancer, which takes minutes to register a target whatever its checks, six.
    type: int
"""

EXAMPLES = r"""
- name: Take two machines out of rotation, with their last requests served
  praxis.cloud.aws_lb_target:
    target_group: demo-agents
    targets:
      - id: i-0123456789abcdef0
      - id: i-0123456789abcdef1
    state: absent
    region: eu-central-1

- name: Register them again and wait until they are healthy
  praxis.cloud.aws_lb_target:
    target_group: demo-agents
    targets:
      - id: i-0123456789abcdef0
      - id: i-0123456789abcdef1
    region: eu-central-1
"""

RETURN = r"""
target_group_arn:
  description: The target group's ARN.
  returned: when the group was found
  type: str
addresses:
  description: DNS names of the load balancers that the group belongs to.
  returned: with O(state=present), when the group was found
  type: list
  elements: str
draining:
  description: The group's deregistration delay, the seconds that connections to a target that leaves may live.
  returned: with O(state=absent), when the balancer does not say yet of all targets that they have left; and with
    O(wait=false) when some have been deregistered now
  type: float
deregistered:
  description: The targets that were deregistered now, each with its C(id) and C(port).
  returned: with O(state=absent), except in check mode, when the group was found
  type: list
  elements: dict
  sample: [{id: i-0123456789abcdef0, port: 8000}]
targets:
  description: The targets asked for, as the balancer saw them last.
  returned: when the group was found
  type: list
  elements: dict
  contains:
    id:
      description: Instance id or IP address.
      type: str
    port:
      description: Port.
      type: int
    state:
      description: The balancer's word for it, C(unused) for one that is not registered.
      type: str
      sample: healthy
    reason:
      description: The balancer's reason code, empty for a healthy target.
      type: str
      sample: Target.Timeout
    description:
      description: The reason in words.
      type: str
others:
  description: The other targets that are registered with the group, in the same form.
  returned: when the group was found
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_target_group import (
    ABSENT,
    Seen,
    Target,
    TargetGroup,
    diff,
    failures,
    reached,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.selector import selector
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding, failure_result
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook

SPEC: dict[str, Any] = {
    "target_group": {"type": "raw", "required": True},
    "targets": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"id": {"type": "str", "required": True}, "port": {"type": "int"}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int"},
    **AWS_ARGUMENTS,
}


def run(params: dict[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[Finding]]:
    state = params["state"]
    group = TargetGroup(aws_client(params, Playbook()), selector("target_group", params["target_group"]))
    seen: Seen = group.observe()
    targets = group.targets(params["targets"], seen, state)
    changes = diff(seen, targets, state)
    result: dict[str, Any] = {"changed": bool(changes), "target_group_arn": group.arn}
    if changes:
        result["diff"] = shown(group, seen, changes, state)
    findings: list[Finding] = []
    if not check_mode:
        if changes:
            group.apply(changes, state)
        seen, findings = settle(group, seen, targets, params, changed=bool(changes))
    if state == "present":
        result["addresses"] = group.addresses()
    elif not check_mode:
        result["deregistered"] = [{"id": target.id, "port": target.port} for target in changes]
        # What is called healthy here has left all the same: the answers lag behind. And what is called unused may have
        # left this very moment: so it is where the delay is 0.
        if not reached(seen, targets, state) or (changes and not params["wait"]):
            result["draining"] = group.deregistration_delay()
    others = sorted(target for target, health in seen.items() if health.registered and target not in targets)
    return {
        **result,
        "targets": [described(target, seen) for target in targets],
        "others": [described(target, seen) for target in others],
    }, findings


def settle(
    group: TargetGroup, seen: Seen, targets: list[Target], params: dict[str, Any], *, changed: bool
) -> tuple[Seen, list[Finding]]:
    """What is seen in the end, and what did not get there in time."""
    state = params["state"]
    if not params["wait"]:
        return (group.observe() if changed else seen), []
    if not changed and reached(seen, targets, state):
        return seen, []
    seconds = group.patience(state) if params["wait_timeout"] is None else float(params["wait_timeout"])
    seen, there = Poll().until(group.observe, lambda found: reached(found, targets, state), seconds=seconds)
    return seen, [] if there else failures(seen, targets, state, group.name, seconds)


def shown(group: TargetGroup, seen: Seen, changes: list[Target], state: str) -> dict[str, Any]:
    """Only what changes: health comes and goes by itself and is no change of ours."""
    before = {str(target): "draining" for target in changes if seen.get(target, ABSENT).draining}
    registered = {str(target): "registered" for target in changes}
    sides = (before, registered) if state == "present" else (registered, before)
    return {"before": sides[0], "after": sides[1], "before_header": group.arn, "after_header": group.arn}


def described(target: Target, seen: Seen) -> dict[str, Any]:
    health = seen.get(target, ABSENT)
    return {
        "id": target.id,
        "port": target.port,
        "state": health.state,
        "reason": health.reason,
        "description": health.description,
    }


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
