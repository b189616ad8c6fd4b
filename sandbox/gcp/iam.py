# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM: service accounts, as far as a role that makes one for its machines needs them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.gcp.compute.resources import fingerprint
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.identity import Identities, ServiceAccount
from sandbox.gcp.pages import page
from sandbox.gcp.refused import Refused

NAME = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
SHOWN = ("displayName", "description")


class ServiceAccounts:
    """The service. Whether a user may do a thing is for the caller to know."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._methods: dict[str, Callable[[Call], dict[str, Any]]] = {
            "create": self._create, "get": lambda call: shown(self._account(call)), "list": self._list,
            "patch": self._patch, "delete": self._delete}

    def answer(self, call: Call) -> dict[str, Any]:
        """What Google answers.

        :raises Refused: with its error.
        """
        method = self._methods.get(call.method.name) if call.method.collection == "projects.serviceAccounts" else None
        if not method:
            raise unanswered("iam", call.method)
        return method(call)

    def _account(self, call: Call) -> ServiceAccount:
        project, email = call.where["projectsId"], call.where["serviceAccountsId"]
        found = self._identities.known(email)
        if not found or project not in ("-", found.project):
            raise Refused(404, "notFound", "Unknown service account")
        return found

    def _create(self, call: Call) -> dict[str, Any]:
        project, name = call.where["projectsId"], str(call.body.get("accountId", ""))
        if not NAME.fullmatch(name):
            raise Refused(400, "invalidArgument", f'Account ID "{name}" does not have a length between 6 and 30, or is '
                                                  "no lower-case word that may have digits and hyphens.")
        if self._identities.known(f"{name}@{project}.iam.gserviceaccount.com"):
            raise Refused(409, "alreadyExists", f"Service account {name} already exists within project "
                                                f"projects/{project}.")
        account = self._identities.create(name, project)
        self._set(account, call.body.get("serviceAccount") or {}, SHOWN)
        return shown(account)

    def _patch(self, call: Call) -> dict[str, Any]:
        account = self._account(call)
        mask = str(call.body.get("updateMask") or ",".join(SHOWN)).split(",")
        self._set(account, call.body.get("serviceAccount") or {}, [re.sub("_n", "N", name) for name in mask])
        return shown(account)

    @staticmethod
    def _set(account: ServiceAccount, given: dict[str, Any], names: Any) -> None:
        account.fields.update({name: given[name] for name in names if name in SHOWN and given.get(name) is not None})

    def _delete(self, call: Call) -> dict[str, Any]:
        self._identities.remove(self._account(call).email)
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        found = [shown(account) for account in self._identities.of_project(call.where["projectsId"])]
        items, token = page(found, call.query.get("pageSize", ""), call.query.get("pageToken", ""), call.path)
        return {"accounts": items, **({"nextPageToken": token} if token else {})}


def shown(account: ServiceAccount) -> dict[str, Any]:
    """An account as Google answers it."""
    number = str(int(account.key_id[:15], 16))
    return {**account.fields, "name": f"projects/{account.project}/serviceAccounts/{account.email}",
            "projectId": account.project, "email": account.email, "uniqueId": number, "oauth2ClientId": number,
            "etag": fingerprint([account.email, account.fields])}
