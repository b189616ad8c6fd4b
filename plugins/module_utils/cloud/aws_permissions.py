# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the permissions that verbs need the caller has on AWS: IAM simulates the caller's own policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_access_kinds import role_arn
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_caller import caller
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import aws_permissions as pure
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import ASK, FIND, plain, unseen

_FIND = (
    f"Allow iam:GetRole on it too (for single sign-on, the statement {FIND}): a role's ARN may have a path, which its "
    "session's does not show."
)
_FIX = f"Allow iam:SimulatePrincipalPolicy on it (the statement {ASK} of doctor's, which make policies prints)."


def check(client: AwsClient, policies: Mapping[str, Mapping[str, Any]], required: bool) -> dict[str, Any]:
    """What the caller lacks of each verb's policy.

    :param policies: by verb, its policy document.
    :param required: whether what is missing is an error.
    :returns: ``principal``, how many actions were ``checked``, and ``findings``.
    :raises CloudError: when nobody could say who the caller is.
    """
    asking = caller(client).arn
    who = pure.principal(asking)
    if who is None:
        what = "IAM can only simulate the policies of users and roles, and these credentials belong to neither."
        return _unseen(asking, what, "Use the credentials of a user or a role that has the policies that make "
                                     "policies prints.")
    statements = [(verb, each) for verb, policy in policies.items() for each in policy["Statement"]]
    asked = [(verb, each) for verb, each in statements if each["Sid"] not in (ASK, FIND)]
    todo = list(dict.fromkeys(one for _verb, each in asked for one in pure.questions(each, client.region)))
    who, found = _known(client, who, asking)
    answers = gathered(map_parallel(lambda one: _denied(client, who, one), todo))
    if None in answers:
        fix = _FIX if found else f"{_FIX} {_FIND}"
        return _unseen(asking, "The credentials may not ask which permissions they have.", fix)
    missing = {one: answer or [] for one, answer in zip(todo, answers)}
    findings: list[Finding] = []
    for verb, statement in asked:
        lacks = [each for one in pure.questions(statement, client.region) for each in missing[one]]
        if lacks:
            findings.append(pure.finding(who, verb, statement, list(dict.fromkeys(lacks)), required))
    checked = len({action for one in todo for action in one.actions})
    return {"principal": who, "checked": checked, "findings": plain(findings)}


def _known(client: AwsClient, who: str, caller: str) -> tuple[str, bool]:
    """The principal with its path, and whether that is sure: a session's ARN has none of its role's, and those of AWS's
    single sign-on have one."""
    if who == caller:
        return who, True
    try:
        return role_arn(client, who.rpartition("/")[2]), True
    except errors.Denied:
        return who, False


def _denied(client: AwsClient, who: str, question: pure.Question) -> list[pure.Denied] | None:
    """What is not allowed; None when the question itself is refused."""
    try:
        return list(pure.denied(client.paginate("iam", "simulate_principal_policy", **question.as_request(who))))
    except (errors.Denied, errors.NotFound):
        return None


def _unseen(caller: str, what: str, fix: str) -> dict[str, Any]:
    return {"principal": caller, "checked": 0, "findings": plain([unseen(what, f"AWS {caller}", fix)])}
