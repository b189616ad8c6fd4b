# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An imitation of IAM's simulator, which moto lacks: it evaluates the policies that a user or a role holds.

It knows identity policies only: no boundaries, no policies of an organization, none of a resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import AssumedRoleAccessKey, IAMPolicy, IAMUserAccessKey
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse

from sandbox.aws import policy
from sandbox.aws.cloud import Cloud


def install(_cloud: Cloud) -> None:
    """Answer SimulatePrincipalPolicy."""
    IamResponse.simulate_principal_policy = simulate_principal_policy


def simulate_principal_policy(response: Any) -> ActionResult:
    """Every action on every resource, each allowed or not."""
    held = _held(response.backend, response._get_param("PolicySourceArn"))
    context = {entry["ContextKeyName"]: value(entry) for entry in response._get_param("ContextEntries") or []}
    found = results(held, response._get_param("ActionNames"), response._get_param("ResourceArns") or ["*"], context)
    return ActionResult({"EvaluationResults": list(found), "IsTruncated": False})


def results(held: list[dict[str, Any]], actions: Iterable[str], resources: Iterable[str],
            context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the simulator says of each action."""
    for action in actions:
        found = [{"EvalResourceName": each, "EvalResourceDecision": _decision(held, action, each, context)}
                 for each in resources]
        worst = next((each for each in found if each["EvalResourceDecision"] != "allowed"), found[0])
        yield {"EvalActionName": action, "EvalResourceName": worst["EvalResourceName"],
               "EvalDecision": worst["EvalResourceDecision"], "ResourceSpecificResults": found}


def _decision(held: list[dict[str, Any]], action: str, resource: str, context: dict[str, Any]) -> str:
    if policy.allowed(held, action, resource, context):
        return "allowed"
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    return "implicitDeny" if policy.allowed([*held, everything], action, resource, context) else "explicitDeny"


def value(entry: dict[str, Any]) -> Any:
    """A key's value in the context of a request, or its values."""
    values = entry["ContextKeyValues"]
    return values if entry["ContextKeyType"].endswith("List") else values[0]


def _held(backend: Any, arn: str) -> list[dict[str, Any]]:
    """The policies of a user or a role by its ARN."""
    kind, _slash, path = arn.partition(":iam::")[2].partition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    known = {"user": backend.users.values(), "role": backend.roles.values()}.get(kind, ())
    if not any(each.arn == arn for each in known):
        raise NotFoundException(f"The entity {arn} cannot be found.")
    # moto collects policies for keys; this one has no secret, and is not known to it.
    key = object.__new__(IAMUserAccessKey if kind == "user" else AssumedRoleAccessKey)
    key.account_id, key.partition = backend.account_id, backend.partition
    key._owner_user_name = key._owner_role_name = name
    return [IAMPolicy(each)._policy_json for each in key.collect_policies()]
