# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project's service accounts: found, made and removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import is_marked

#: Seconds until an account that exists can be read everywhere.
LATE = 60

Account = Mapping[str, Any]


@dataclass(frozen=True)
class ServiceAccounts:
    """The service accounts of one project."""

    client: GcpClient
    poll: Poll = field(default_factory=Poll)

    def email(self, name: str) -> str:
        """An account's email; what is an email already stays. A project of a domain is written ``DOMAIN:PROJECT``."""
        domain, _colon, project = self.client.project.rpartition(":")
        host = f"{project}.{domain}" if domain else project
        return name if "@" in name else f"{name}@{host}.iam.gserviceaccount.com"

    def find(self, name: str) -> Account | None:
        """The account of this name or email; None when there is none."""
        try:
            return self.client.call("iam", "GET", self._path(self.email(name)))
        except errors.NotFound:
            return None

    def make(self, name: str, fields: Account, mark: str) -> Account:
        """A new account.

        :param fields: ``displayName`` and ``description``.
        :raises Failed: ``service-account-not-ours`` when somebody else makes it meanwhile; or a CloudError.
        """
        body = {"accountId": name, "serviceAccount": dict(fields)}
        try:
            return self.client.call("iam", "POST", self._path(), body=body, idempotent=True)
        except errors.Conflict:
            # It is there, by an answer of ours that was lost or by somebody else's hand, and may not be seen yet.
            found, there = self.poll.until(lambda: self.find(name), lambda found: found is not None, seconds=LATE)
            if found is None or not there:
                raise
            require_ours(found, mark)
            return found

    def change(self, email: str, fields: Account) -> None:
        """Give it these fields."""
        body = {"serviceAccount": dict(fields), "updateMask": ",".join(sorted(fields))}
        self.client.call("iam", "PATCH", self._path(email), body=body, idempotent=True)

    def remove(self, email: str) -> None:
        """Delete it; one that is gone is no error."""
        try:
            self.client.call("iam", "DELETE", self._path(email), idempotent=True)
        except errors.NotFound:
            return

    def _path(self, email: str = "") -> str:
        return f"v1/projects/{self.client.project}/serviceAccounts" + (f"/{email}" if email else "")


def unless_young(error: errors.Invalid) -> errors.Conflict | errors.Invalid:
    """The refusal of an account that does not exist, as one that passes: a new one is known everywhere only later."""
    said = error.finding.what.lower()
    if "service account" not in said or not any(words in said for words in ("does not exist", "not found")):
        return error
    return errors.Conflict(error.finding.what, error.finding.where, error.finding.fix, reason=error.reason)


def require_ours(account: Account, mark: str) -> None:
    """:raises Failed: ``service-account-not-ours`` unless its description has the mark's words."""
    if not is_marked(account.get("description"), mark):
        raise Failed(
            Finding(
                "service-account-not-ours",
                "The service account exists already, and praxis.cloud did not create it: its description does not say "
                "so.",
                f"service account {account['email']}",
                f"Choose another name, remove it, or hand it over by writing {mark!r} into its description.",
            )
        )
