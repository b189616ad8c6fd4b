# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Secret Manager as a store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import TIMEOUT, GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import library
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import (
    Description,
    Outcome,
    Secret,
    empty,
    not_found,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

SERVICE = "secretmanager"
_LATEST = "latest"


class GcpSecretManager:
    """Reads secrets of any project that the credentials may read.

    Google has no call for many secrets: each is one call, several at a time. ``latest`` is resolved by that same call.
    """

    def __init__(self, client: GcpClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._sdk: Any = None

    def fetch(self, references: Sequence[Reference]) -> dict[Reference, Outcome]:
        """The value of each reference, its checksum compared; or the finding that says why there is none.

        :raises CloudError: when nothing could be asked at all.
        """
        return self._each(self._fetch, references)

    def describe(self, references: Sequence[Reference]) -> dict[Reference, Description | Finding]:
        """What is known of each secret without opening it.

        :raises CloudError: when nothing could be asked at all.
        """
        return self._each(self._describe, references)

    def _each(self, function: Callable[[Reference], Any], references: Sequence[Reference]) -> dict[Reference, Any]:
        """Several at a time. What is not about one secret (credentials, no answer) stops all, and is reported once."""
        self._library()
        stopped: list[errors.CloudError] = []

        def one(reference: Reference) -> Any:
            if stopped:
                raise stopped[0]
            try:
                return function(reference)
            except errors.CloudError as error:
                stopped.append(error)
                raise stopped[0] from None

        results = zip(references, map_parallel(one, references), strict=True)
        return {reference: one.findings[0] if isinstance(one, Failed) else one for reference, one in results}

    def _library(self) -> Any:
        """Google's client library, over REST: gRPC would have certificates, proxies and retries of its own."""
        with self._lock:
            if self._sdk is None:
                found = library("google.cloud.secretmanager_v1", "google-cloud-secret-manager")
                self._sdk = found.SecretManagerServiceClient(
                    credentials=self._client.credentials,
                    transport="rest",
                    client_options={"api_endpoint": self._client.endpoint(SERVICE)},
                )
            return self._sdk

    def _ask(self, method: str, reference: Reference, **request: str) -> Any:
        """One call of the library's; a listing's whole answer. Raises CloudError, or Failed about this one secret."""
        sdk = self._library()

        def attempt() -> Any:
            answer = getattr(sdk, method)(request=request, retry=None, timeout=TIMEOUT[1])
            return list(answer) if method.startswith("list_") else answer

        try:
            return self._client.run(attempt, f"Google {SERVICE} {method} in {reference.project}", idempotent=True)
        except (errors.NotFound, errors.Denied, errors.Invalid, errors.Conflict) as error:
            if not error.reason or error.reason == "SERVICE_DISABLED":
                raise
            refused = error
        if isinstance(refused, errors.NotFound) and method != "get_secret":
            raise Failed(self._missing(reference, refused.finding.what))
        raise Failed(_refusal(reference, refused))

    def _missing(self, reference: Reference, said: str) -> Finding:
        """Google has the same words for a secret that is not there and for one without that version."""
        where = str(reference)
        try:
            self._ask("get_secret", reference, name=_secret_path(reference))
        except errors.CloudError:
            raise
        except Failed as failed:
            if failed.findings[0].code == "secret-not-found" or "Secret Version" not in said:
                return not_found(where, "Correct the project or the name; or add a version, if the secret has none.")
        if not reference.version:
            return empty(where)
        fix = "List its versions with the module praxis.cloud.secret_info, or remove version from the reference."
        return Finding("secret-version-not-found", "The secret has no such version.", where, fix)

    def _fetch(self, reference: Reference) -> Outcome:
        answer = self._ask("access_secret_version", reference, name=_version_path(reference))
        data = bytes(answer.payload.data)
        if "data_crc32c" in answer.payload and crc32c(data) != int(answer.payload.data_crc32c):
            fix = "Run it again. If it fails again, a program on the way to Google (a proxy) changes the data."
            return Finding("secret-damaged", "The value does not match its checksum.", str(reference), fix)
        if not data:
            return empty(str(reference))
        version = str(answer.name).rpartition("/")[2]
        try:
            return Secret(data.decode(), version)
        except UnicodeDecodeError:
            return Secret(data, version)

    def _describe(self, reference: Reference) -> Description | Finding:
        version = self._ask("get_secret_version", reference, name=_version_path(reference))
        if version.state.name != "ENABLED":
            return _not_enabled(reference, version.state.name)
        secret = self._ask("get_secret", reference, name=_secret_path(reference))
        enabled = self._ask(
            "list_secret_versions", reference, parent=_secret_path(reference), filter="state:ENABLED"
        )
        aliases: dict[str, list[str]] = {_number(each): [] for each in [version, *enabled]}
        for alias, of in secret.version_aliases.items():
            aliases.setdefault(str(of), []).append(alias)
        stages = {number: tuple(sorted(names)) for number, names in aliases.items()}
        return Description(
            name=reference.name,
            id=str(secret.name),
            version=_number(version),
            stages=stages[_number(version)],
            versions=stages,
            created=_iso(secret.create_time),
            changed=_iso(version.create_time),
            rotation="rotation" in secret,
            encryption_key=str(secret.replication.automatic.customer_managed_encryption.kms_key_name),
            tags=dict(secret.labels),
        )


def crc32c(data: bytes) -> int:
    """The checksum that Secret Manager keeps with a value.

    :raises Invalid: ``sdk-missing``.
    """
    return int(library("google_crc32c", "google-crc32c").value(data))


def _secret_path(reference: Reference) -> str:
    return f"projects/{reference.project}/secrets/{reference.name}"


def _version_path(reference: Reference) -> str:
    return f"{_secret_path(reference)}/versions/{reference.version or _LATEST}"


def _number(version: Any) -> str:
    return str(version.name).rpartition("/")[2]


def _iso(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _not_enabled(reference: Reference, state: str) -> Finding:
    if state == "DESTROYED":
        fix = "Its value is lost: add a new version, or refer to another version of the secret."
        return Finding("secret-destroyed", "This version of the secret is destroyed.", str(reference), fix)
    fix = "Enable it (gcloud secrets versions enable), or refer to another version of the secret."
    return Finding("secret-disabled", "This version of the secret is disabled.", str(reference), fix)


def _refusal(reference: Reference, error: errors.CloudError) -> Finding:
    """Why one secret could not be read."""
    where, said = str(reference), error.finding.what
    if isinstance(error, errors.Denied):
        fix = (
            "Grant roles/secretmanager.secretAccessor on it to the identity that runs this. Google says the same of "
            "a secret that does not exist: check the project and the name too."
        )
        return Finding("secret-denied", "Reading the secret is not allowed.", where, fix)
    if isinstance(error, errors.NotFound):
        return not_found(where, "Check the secret's project and name.")
    for state in ("DESTROYED", "DISABLED"):
        if state in said:
            return _not_enabled(reference, state)
    return Finding("secret-unreadable", f"The secret cannot be read: {said}", where, "Correct what Google's message "
                                                                                     "names.")
