# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making and removing identities in Google Secret Manager."""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterable

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.gcp_sm import SERVICE, GcpSecretManager, crc32c
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import (
    FLEET_TAG,
    PRESENT,
    SEED_BYTES,
    SLOT_TAG,
    Change,
    Identity,
    carry_out,
    prefix,
    read,
    reference,
    vanished,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import GCP

#: The version that the seed is. Later ones are not read.
_FIRST = "1"


class GcpIdentities:
    """One fleet's identities in one project. What is removed is gone at once: Google keeps nothing to restore."""

    def __init__(self, client: GcpClient, fleet: str) -> None:
        self._client = client
        self._store = GcpSecretManager(client)
        self._fleet = fleet

    def slots(self) -> list[str]:
        """See ``identities.Identities``."""
        start = prefix(self._fleet, GCP)
        listed = self._client.paginate(SERVICE, self._path(), "secrets", {"filter": f"name:{start}"})
        names = [str(entry["name"]).rpartition("/")[2] for entry in listed]
        return sorted(name[len(start) :] for name in names if name.startswith(start))

    def read(self, slots: Iterable[str], unusable: bool = False) -> dict[str, Identity]:
        """See ``identities.read``."""
        where = {slot: reference(self._fleet, slot, GCP, self._client.project) for slot in slots}
        return read(where, {GCP: self._store}, unusable)

    def apply(self, changes: Iterable[Change]) -> tuple[dict[str, Identity], list[Finding]]:
        """See ``identities.carry_out``."""
        return carry_out(changes, {"create": self._create, "delete": self._delete})

    def _path(self, name: str = "") -> str:
        return f"v1/projects/{self._client.project}/secrets" + (f"/{name}" if name else "")

    def _create(self, change: Change) -> Identity:
        seed = secrets.token_bytes(SEED_BYTES)
        payload = {"data": base64.b64encode(seed).decode(), "dataCrc32c": str(crc32c(seed))}
        labels = {FLEET_TAG: self._fleet, SLOT_TAG: change.slot}
        try:
            self._client.call(
                SERVICE,
                "POST",
                self._path(),
                query={"secretId": change.name},
                body={"replication": {"automatic": {}}, "labels": labels},
                idempotent=True,
            )
        except errors.Conflict:
            # Somebody else's by now, or half-made; or ours, by a request whose answer was lost.
            found = self.read([change.slot])[change.slot]
            if found.state == PRESENT:
                return found
        # Sent again after a lost answer it adds a version that nobody reads.
        added = self._client.call(
            SERVICE, "POST", f"{self._path(change.name)}:addVersion", body={"payload": payload}, idempotent=True
        )
        if str(added["name"]).rpartition("/")[2] == _FIRST:
            return Identity(change.slot, change.name, PRESENT, _FIRST, seed)
        # Another was first: theirs is the slot's identity now.
        found = self.read([change.slot])[change.slot]
        if found.state != PRESENT:
            raise vanished(change.slot, found)
        return found

    def _delete(self, change: Change) -> Identity:
        with contextlib.suppress(errors.NotFound):  # gone already
            self._client.call(SERVICE, "DELETE", self._path(change.name), idempotent=True)
        return Identity(change.slot, change.name, "deleted")
