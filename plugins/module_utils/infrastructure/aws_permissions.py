# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IAM is to be asked about a verb's policy, and what its answers say. Pure.

The policies themselves are worked out in aws_policies.py: here each statement becomes a simulation of its own, so that
what is denied leads back to the statement that is missing.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import lacking

#: An action and a resource that are not allowed, and whether a policy denies them by name.
Denied = tuple[str, str, bool]
_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.*")
_OWN = re.compile(r"arn:[\w-]+:iam::\d{12}:(user|role)/.+")
_REGION = "aws:RequestedRegion"
#: Six characters that Secrets Manager adds to a name.
_SUFFIX = "??????"


@dataclass(frozen=True)
class Question:
    """One simulation: every one of the actions on every one of the resources.

    :param context: keys of the request, each with its values; those with several are lists for IAM, too.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: tuple[tuple[str, tuple[str, ...]], ...]

    def as_request(self, principal: str) -> dict[str, Any]:
        """The request of ``iam:SimulatePrincipalPolicy``."""
        entries = [
            {
                "ContextKeyName": key,
                "ContextKeyValues": list(values),
                "ContextKeyType": "stringList" if key in _LISTS else "string",
            }
            for key, values in self.context
        ]
        return {
            "PolicySourceArn": principal,
            "ActionNames": list(self.actions),
            "ResourceArns": list(self.resources),
            "ContextEntries": entries,
        }


#: Keys with several values in one request.
_LISTS = ("route53:ChangeResourceRecordSetsNormalizedRecordNames",)


def principal(caller: str) -> str | None:
    """Whose policies are simulated, by the ARN that ``sts:GetCallerIdentity`` gives: a user, or the role of a session.

    None for the root user and for federated users: IAM simulates neither.
    """
    if role := _ASSUMED.fullmatch(caller):
        return f"arn:{role['partition']}:iam::{role['account']}:role/{role['role']}"
    return caller if _OWN.fullmatch(caller) else None


def questions(statement: Mapping[str, Any], region: str) -> list[Question]:
    """What to simulate for a statement: its actions and resources, in requests that meet its conditions.

    A condition that lists values is met by each of them in a request of its own.
    """
    resources = tuple(each.replace(_SUFFIX, "a1B2c3") for each in statement["Resource"])
    choices = dict(_choices(statement.get("Condition") or {}))
    found = []
    for chosen in itertools.product(*choices.values()):
        context = zip(choices, chosen)
        found.append(Question(tuple(statement["Action"]), resources, ((_REGION, (region,)), *context)))
    return found


def _choices(conditions: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """By key of a condition, the values of which any meets it."""
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            values = [wanted] if isinstance(wanted, str) else list(wanted)
            if operator.startswith("ForAllValues:"):
                yield key, [tuple(each for each in values if "*" not in each)]
            else:
                yield key, [(each,) for each in values]


def denied(results: Iterable[Mapping[str, Any]]) -> Iterator[Denied]:
    """What of IAM's ``EvaluationResults`` is not allowed."""
    for result in results:
        action = str(result["EvalActionName"])
        for each in result.get("ResourceSpecificResults") or [result]:
            resource = each.get("EvalResourceName") or result.get("EvalResourceName") or "*"
            decision = each.get("EvalResourceDecision") or each.get("EvalDecision") or result["EvalDecision"]
            if decision != "allowed":
                yield action, str(resource), decision == "explicitDeny"


def finding(who: str, verb: str, statement: Mapping[str, Any], missing: Sequence[Denied], required: bool) -> Finding:
    """That a statement of a verb's policy is missing.

    :param missing: what of it is not allowed; not empty.
    :param required: whether it is an error.
    """
    actions = ", ".join(sorted({action for action, _resource, _by_name in missing}))
    resources = ", ".join(sorted({resource for _action, resource, _by_name in missing}))
    by_name = any(by_name for _action, _resource, by_name in missing)
    what = f"{who} may not do {actions} on {resources}, which {verb} needs."
    fix = f"Add this statement to its policy (make policies prints all of {verb}'s): {json.dumps(statement)}"
    if by_name:
        what = f"A policy denies {actions} on {resources} to {who}; {verb} needs it."
        fix = f"Remove them from the statement with the effect Deny, or add them to the permissions boundary. {fix}"
    return lacking(what, f"AWS {verb} {statement['Sid']}", fix, required)
