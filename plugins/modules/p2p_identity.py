#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: p2p_identity
short_description: Make the P2P identities of a fleet's slots, or remove them
version_added: 0.1.0
description:
  - An identity is a 32-byte seed in a secret store, in AWS Secrets Manager named C(praxis/<fleet>/identity/<slot>), in
    Google Secret Manager version 1 of C(praxis_<fleet>_identity_<slot>). The agent's peer id follows from it.
  - A missing seed is made; one that is scheduled for deletion is restored; one that exists is never replaced, because a
    new seed is a new peer id for all other agents. A seed of the wrong length is an error, and so is one whose version
    is disabled or destroyed.
  - Seeds are never returned.
author: Praxis Cloud contributors (@praxis)
extends_documentation_fragment:
  - praxis.cloud.attributes
  - praxis.cloud.attributes.actiongroup_both
  - praxis.cloud.aws
  - praxis.cloud.gcp
  - praxis.cloud.gcp.secrets
attributes:
  check_mode:
    support: full
    details:
      - The peer id and version of a seed still to be made are V(null) in the result, and read "(known after apply)" in
        the diff.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  cloud:
    description:
      - The cloud whose secret store keeps the seeds, V(aws) in O(region), V(gcp) in O(project).
    type: str
    choices: [aws, gcp]
    default: aws
  fleet:
    description: The fleet.
    type: str
    required: true
  slots:
    description:
      - The slots, by name.
      - In Google Cloud fleet and slot are lower-case letters, digits and V(-), a slot V(_) too.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) makes what is missing.
      - V(absent) removes the seeds of exactly the slots named, unusable ones too.
    type: str
    choices: [present, absent]
    default: present
  peer_id_scheme:
    description:
      - How the agent's image makes a peer id of a seed. V(ed25519) for libp2p 0.8, V(x25519) for libp2p 0.2.
    type: str
    choices: [ed25519, x25519]
    default: ed25519
  recovery_window_days:
    description:
      - For how many days a removed seed can be restored, 7 to 30.
      - V(0) removes it at once and for good.
      - Google Secret Manager knows nothing else, so with O(cloud=gcp) and O(state=absent) it must be V(0).
    type: int
    default: 30
seealso:
  - module: praxis.cloud.p2p_identity_info
"""

EXAMPLES = r"""
- name: Every slot has an identity
  praxis.cloud.p2p_identity:
    fleet: demo
    slots: [agent-1, agent-2, agent-3]
    region: eu-central-1

- name: So do the slots in Google Cloud
  praxis.cloud.p2p_identity:
    cloud: gcp
    project: my-project
    fleet: demo
    slots: [gcp-1, gcp-2]
"""

RETURN = r"""
identities:
  description: What is there afterwards, by slot; in check mode, what would be. Empty with O(state=absent).
  returned: always
  type: dict
  contains:
    name:
      description: The secret's name.
      type: str
      sample: praxis/demo/identity/agent-1
    version:
      description: The secret's version; V(null) when it is not made yet.
      type: str
    peer_id:
      description: The peer id; V(null) when the seed is not made yet.
      type: str
      sample: 12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN
    created:
      description: Whether this run made it (in check mode, would make it).
      type: bool
restored:
  description: Slots whose seed was scheduled for deletion and is restored.
  returned: always
  type: list
  elements: str
removed:
  description: Slots whose seed is removed.
  returned: always
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding, failure_result
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import (
    HALF_MADE,
    PRESENT,
    UNUSABLE,
    Change,
    Identity,
    diff,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identity_stores import (
    IDENTITY_ARGUMENTS,
    identities_of,
)

UNKNOWN = "(known after apply)"


def run(params: dict[str, Any], check_mode: bool) -> tuple[dict[str, Any], list[Finding]]:
    store = identities_of(params, Playbook())
    before = store.read(params["slots"], unusable=params["state"] == "absent")
    changes = diff(before.values(), params["state"])
    done, failed = ({}, []) if check_mode else store.apply(changes)
    carried_out = changes if check_mode else [change for change in changes if change.slot in done]
    after = predict(before, changes) if check_mode else {**before, **done}
    return describe(before, after, carried_out, params), failed


def predict(before: Mapping[str, Identity], changes: Sequence[Change]) -> dict[str, Identity]:
    """What would be there: present, with a seed nobody knows yet."""
    states = {change.slot: "deleted" if change.verb == "delete" else PRESENT for change in changes}
    predicted = {slot: Identity(slot, before[slot].name, state) for slot, state in states.items()}
    return {**before, **predicted}


def describe(
    before: Mapping[str, Identity], after: Mapping[str, Identity], changes: Sequence[Change], params: dict[str, Any]
) -> dict[str, Any]:
    """The module's result. Seeds stop here: what goes on is their peer ids."""
    scheme = params["peer_id_scheme"]
    by_verb: dict[str, list[str]] = {"create": [], "restore": [], "delete": []}
    for change in changes:
        by_verb[change.verb].append(change.slot)
    result: dict[str, Any] = {
        "changed": bool(changes),
        "identities": {
            slot: {**public(each, scheme), "created": slot in by_verb["create"]}
            for slot, each in after.items()
            if each.state == PRESENT
        },
        "restored": by_verb["restore"],
        "removed": by_verb["delete"],
    }
    if changes:
        result["diff"] = {"before": shown(before, scheme, None), "after": shown(after, scheme, UNKNOWN)}
    return result


def public(identity: Identity, scheme: str) -> dict[str, Any]:
    known = peer_id(identity.seed, scheme) if identity.seed else None
    return {"name": identity.name, "version": identity.version or None, "peer_id": known}


def shown(identities: Mapping[str, Identity], scheme: str, unknown: str | None) -> dict[str, Any]:
    """One side of the diff."""
    there = [each for each in identities.values() if each.state in (PRESENT, HALF_MADE, UNUSABLE)]
    return {each.slot: {word: value or unknown for word, value in public(each, scheme).items()} for each in there}


def check_window(params: dict[str, Any]) -> None:
    """:raises Failed: a recovery window that the store does not have."""
    days = params["recovery_window_days"]
    if days not in (0, *range(7, 31)):
        what, fix = f"recovery_window_days is {days}.", "Set it to 0, or to 7 to 30."
    elif days and params["cloud"] == "gcp" and params["state"] == "absent":
        what = "Google Secret Manager has no recovery window: what is removed is lost at once."
        fix = "Set recovery_window_days to 0 if that is meant."
    else:
        return
    raise Failed(Finding("identity-recovery-window", what, "p2p_identity", fix))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "slots": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "recovery_window_days": {"type": "int", "default": 30},
            **IDENTITY_ARGUMENTS,
        },
        supports_check_mode=True,
    )
    try:
        check_window(module.params)
        result, failed = run(module.params, module.check_mode)
    except Failed as stopped:
        module.fail_json(**stopped.as_result())
    if failed:
        module.fail_json(**failure_result(failed), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
