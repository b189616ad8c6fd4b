# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making and removing identities in AWS Secrets Manager."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.aws_sm import SERVICE, AwsSecretsManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import (
    FLEET_TAG,
    PRESENT,
    SEED_BYTES,
    SLOT_TAG,
    UNUSABLE,
    Change,
    Identity,
    carry_out,
    prefix,
    read,
    reference,
    vanished,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS

#: Seconds for which the store may not show what another run has just made or restored.
LATE = 20


class AwsIdentities:
    """One fleet's identities."""

    def __init__(self, client: AwsClient, fleet: str, recovery_window_days: int = 30, poll: Poll | None = None) -> None:
        self._client = client
        self._poll = poll or Poll(interval=1.0)
        self._fleet = fleet
        self._recovery_window_days = recovery_window_days

    def slots(self) -> list[str]:
        """See ``identities.Identities``."""
        start = prefix(self._fleet)
        listed = self._client.paginate(SERVICE, "list_secrets", Filters=[{"Key": "name", "Values": [start]}])
        names = [entry["Name"] for entry in listed]
        return sorted(name[len(start) :] for name in names if name.startswith(start))

    def read(self, slots: Iterable[str], unusable: bool = False) -> dict[str, Identity]:
        """See ``identities.read``."""
        where = {slot: reference(self._fleet, slot) for slot in slots}
        return read(where, {AWS: AwsSecretsManager(self._client)}, unusable)

    def apply(self, changes: Iterable[Change]) -> tuple[dict[str, Identity], list[Finding]]:
        """See ``identities.carry_out``. Whoever asks next finds what was made, if the store shows it in time."""
        verbs = {"create": self._create, "restore": self._restore, "delete": self._delete}
        done, failed = carry_out(changes, verbs)
        made = [slot for slot, each in done.items() if each.state == PRESENT]
        if made:
            self._poll.until(lambda: self._shows(made), bool, seconds=LATE)
        return done, failed

    def _shows(self, slots: Iterable[str]) -> bool:
        """Whether the store has them all. What else is wrong with them is told to who asks next."""
        try:
            return all(each.state == PRESENT for each in self.read(slots).values())
        except Failed:
            return True

    def _create(self, change: Change) -> Identity:
        seed = secrets.token_bytes(SEED_BYTES)
        try:
            # With its own token a repeated request is the same request.
            answer = self._client.call(
                SERVICE,
                "create_secret",
                idempotent=True,
                Name=change.name,
                ClientRequestToken=str(uuid.uuid4()),
                Description=f"P2P identity seed of slot {change.slot} in fleet {self._fleet}",
                SecretBinary=seed,
                Tags=[{"Key": FLEET_TAG, "Value": self._fleet}, {"Key": SLOT_TAG, "Value": change.slot}],
            )
        except errors.Conflict:
            # Someone made it since we observed it: theirs is the slot's identity now.
            return self._present(change)
        return Identity(change.slot, change.name, PRESENT, answer["VersionId"], seed)

    def _restore(self, change: Change) -> Identity:
        self._client.call(SERVICE, "restore_secret", idempotent=True, SecretId=change.name)
        return self._present(change)

    def _present(self, change: Change) -> Identity:
        """A seed that is known to be there, which the store may show late."""
        found, there = self._poll.until(
            lambda: self.read([change.slot])[change.slot], lambda each: each.state == PRESENT, seconds=LATE
        )
        if not there:
            raise vanished(change.slot, found, LATE)
        return found

    def _delete(self, change: Change) -> Identity:
        days = self._recovery_window_days
        window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        try:
            self._client.call(SERVICE, "delete_secret", idempotent=True, SecretId=change.name, **window)
        except errors.NotFound:
            pass  # gone already
        except (errors.Invalid, errors.Conflict):
            # Refused when it is scheduled for deletion already, by the request whose answer was lost, say.
            if self.read([change.slot], unusable=True)[change.slot].state in (PRESENT, UNUSABLE):
                raise
        return Identity(change.slot, change.name, "deleted")
