# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the permissions that verbs need the caller has in a Google Cloud project: Resource Manager says it of the
caller's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import google_permissions as pure
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import plain, unseen

#: So many permissions one request may ask for.
_MOST = 100


def check(client: GcpClient, roles: Mapping[str, Iterable[Mapping[str, Any]]], required: bool) -> dict[str, Any]:
    """What the caller lacks of what each verb needs on the project.

    :param roles: by verb, its grants.
    :param required: whether what is missing is an error.
    :returns: ``principal``, how many permissions were ``checked``, and ``findings``.
    :raises CloudError: when nobody could be asked, but for want of a right to.
    """
    project, who = client.project, _who(client.credentials)
    needs = {verb: pure.on_project(grants, project) for verb, grants in roles.items()}
    asked = sorted({permission for needed in needs.values() for permission in needed})
    try:
        granted = _granted(client, asked)
    except (errors.Denied, errors.NotFound) as error:
        found = unseen(error.finding.what, f"Google Cloud {project}", pure.enabling(project))
        return {"principal": who, "checked": 0, "findings": plain([found])}
    lacking = pure.missing(needs, granted)
    findings = [pure.finding(who, verb, project, lacks, required) for verb, lacks in lacking.items()]
    return {"principal": who, "checked": len(asked), "findings": plain(findings)}


def _granted(client: GcpClient, permissions: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(permissions), _MOST):
        body = {"permissions": permissions[start : start + _MOST]}
        path = f"v3/projects/{client.project}:testIamPermissions"
        answer = client.call("cloudresourcemanager", "POST", path, body=body, idempotent=True)
        found |= set(answer.get("permissions") or ())
    return found


def _who(credentials: Any) -> str:
    """The account's email, if the credentials know it. A machine's own call it ``default`` before their first token."""
    named = getattr(credentials, "service_account_email", "") or getattr(credentials, "account", "")
    return named if "@" in str(named) else ""
