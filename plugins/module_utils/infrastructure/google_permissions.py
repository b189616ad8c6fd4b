# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Google is to be asked about the permissions of verbs, and what its answers say. Pure.

The permissions themselves are worked out in google_roles.py. Asked for are those that a verb needs on all of the
project. What it needs on a secret or a repository, the plan of a deployment tries; whether a condition holds, nobody
says of a secret that does not exist yet; and the machines' service account may be granted on that account itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.permissions import lacking

#: Resource Manager's service, by which permissions are asked for, and what enables it.
SERVICE = "cloudresourcemanager.googleapis.com"
#: Resource Manager knows nothing of who has it on one service account.
_ON_THE_ACCOUNT = {"iam.serviceAccounts.actAs"}
Grants = Iterable[Mapping[str, Any]]


def on_project(grants: Grants, project: str) -> list[str]:
    """The permissions that a verb needs on all of the project."""
    asked = [each for each in grants if each["on"] == f"projects/{project}" and not each.get("condition")]
    return sorted({permission for each in asked for permission in each["permissions"]} - _ON_THE_ACCOUNT)


def finding(who: str, verb: str, project: str, missing: Sequence[str], required: bool) -> Finding:
    """That permissions of a verb are missing.

    :param who: email of the credentials' account; empty when they do not say it.
    :param missing: not empty.
    :param required: whether it is an error.
    """
    role, listed = f"praxis_{verb}", ",".join(missing)
    what = f"{who or 'The account of the credentials'} lacks {', '.join(missing)} on {project}, which {verb} needs."
    fix = (
        f"Grant it: gcloud iam roles create {role} --project={project} --permissions={listed} (gcloud iam roles "
        f"update {role} --project={project} --add-permissions={listed} if that role exists), and then gcloud projects "
        f"add-iam-policy-binding {project} --member={_member(who)} --role=projects/{project}/roles/{role} "
        f"--condition=None. make policies prints all that {verb} needs."
    )
    return lacking(what, f"Google Cloud {verb}", fix, required)


def missing(needs: Mapping[str, Collection[str]], granted: Collection[str]) -> dict[str, list[str]]:
    """By verb, what is not granted of what it needs; verbs that lack nothing are not here."""
    found = {verb: sorted(set(needed) - set(granted)) for verb, needed in needs.items()}
    return {verb: lacks for verb, lacks in found.items() if lacks}


def enabling(project: str) -> str:
    """What makes it possible to ask."""
    return f"Enable the service: gcloud services enable {SERVICE} --project={project}."


def _member(who: str) -> str:
    if not who:
        return "MEMBER"
    return f"serviceAccount:{who}" if who.endswith(".gserviceaccount.com") else f"user:{who}"
