# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator who may do what some policies allow, and nothing else: every call is checked as the sandbox's AWS does
it, with its action, its resources and its condition keys, and what was asked for is noted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.core.responses import BaseResponse

from sandbox.aws import access, policy
from sandbox.aws.need import Need
from sandbox.aws.resources import needs, secret_arn
from tests.unit.conftest import REGION

Document = Mapping[str, Any]
_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")
#: It needs no permission.
_FREE = "sts:GetCallerIdentity"


@dataclass
class Operator:
    """Who works in the account.

    :param asked: every permission that a call under a policy needed.
    :param refused: those that no policy allowed.
    """

    asked: list[Need] = field(default_factory=list)
    refused: list[Need] = field(default_factory=list)

    @contextmanager
    def only(self, *documents: Document) -> Iterator[None]:
        """From here on with these policies alone."""
        before = BaseResponse._authenticate_and_authorize_normal_action

        def authorize(response: Any, resource: str = "*") -> None:
            for need in _needs(response):
                if need.action == _FREE:
                    continue
                if need not in self.asked:
                    self.asked.append(need)
                if not allows(documents, need):
                    self.refused.append(need)
                    raise access.Denied(response, "AccessDenied", f"not authorized: {need}")

        BaseResponse._authenticate_and_authorize_normal_action = authorize
        try:
            yield
        finally:
            BaseResponse._authenticate_and_authorize_normal_action = before


def allows(documents: Sequence[Document], need: Need) -> bool:
    """Whether policies allow it."""
    return policy.allowed(documents, need.action, need.resource, {"aws:RequestedRegion": REGION, **need.context})


def _needs(response: Any) -> list[Need]:
    signed = _SIGNED_FOR.search(str(response.headers.get("Authorization", "")))
    assert signed, "The request is not signed."
    operation = response._get_action()
    found = needs(response, signed["service"], operation)
    if operation == "BatchGetSecretValue":
        ids = response._get_param("SecretIdList") or []
        found += [Need(access.READ, secret_arn(response.backend, each)) for each in ids]
    return found


def left_over(document: Document, asked: Sequence[Need]) -> list[str]:
    """What of a policy could be taken away, and all that was asked for would be allowed still: a statement's actions,
    and its resources. A statement has both, so one that nothing needs is here with all of them."""
    needed: set[tuple[str, str]] = set()
    for need in asked:
        allowing = [each for each in document["Statement"] if allows([{"Statement": [each]}], need)]
        if len(allowing) != 1:
            continue
        (statement,) = allowing
        for key in ("Action", "Resource"):
            parts = [one for one in statement[key] if allows([{"Statement": [{**statement, key: [one]}]}], need)]
            if len(parts) == 1:
                needed.add((statement["Sid"], parts[0]))
    every = [(each["Sid"], part) for each in document["Statement"] for part in (*each["Action"], *each["Resource"])]
    return [f"{sid}: {part}" for sid, part in every if (sid, part) not in needed]
