# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Secret Manager as a store."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import TIMEOUT, GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Description, Outcome, Secret
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
        """The value of each reference, its checksum compared; or the finding that says why there is none."""
        return self._each(self._fetch, references)

    def describe(self, references: Sequence[Reference]) -> dict[Reference, Description | Finding]:
        """What is known of each secret without opening it."""
        return self._each(self._describe, references)

    @staticmethod
    def _each(function: Callable[[Reference], Any], references: Sequence[Reference]) -> dict[Reference, Any]:
        results = zip(references, map_parallel(function, references), strict=True)
        return {reference: one.findings[0] if isinstance(one, Failed) else one for reference, one in results}

    def _library(self) -> Any:
        """Google's client library, over REST: gRPC would have certificates, proxies and retries of its own."""
        with self._lock:
            if self._sdk is None:
                try:
                    library = importlib.import_module("google.cloud.secretmanager_v1")
                except ImportError as error:
                    fix = "Install it: pip install google-cloud-secret-manager."
                    what = f"The Python library google-cloud-secret-manager cannot be imported ({error})."
                    raise errors.Invalid(what, "gcp-sm://", fix, code="sdk-missing") from None
                self._sdk = library.SecretManagerServiceClient(
                    credentials=self._client.credentials,
                    transport="rest",
                    client_options={"api_endpoint": self._client.endpoint(SERVICE)},
                )
            return self._sdk

    def _ask(self, method: str, name: str, reference: Reference) -> Any:
        """One call of the library's. Raises CloudError, or Failed with the finding of this one secret."""
        sdk = self._library()
        where = f"Google {SERVICE} {method} {name}"

        def attempt() -> Any:
            return getattr(sdk, method)(name=name, retry=None, timeout=TIMEOUT[1])

        try:
            return self._client.run(attempt, where, idempotent=True)
        except (errors.NotFound, errors.Denied, errors.Invalid, errors.Conflict) as error:
            raise Failed(_refusal(reference, error)) from None

    def _fetch(self, reference: Reference) -> Outcome:
        answer = self._ask("access_secret_version", _version_path(reference), reference)
        data = bytes(answer.payload.data)
        if "data_crc32c" in answer.payload and _crc32c(data) != int(answer.payload.data_crc32c):
            fix = "Run it again; if it stays so, something between here and Google changes what passes."
            return Finding("secret-damaged", "The value does not match its checksum.", str(reference), fix)
        if not data:
            return Finding("secret-empty", "This version holds no value.", str(reference), "Store a value first.")
        version = str(answer.name).rpartition("/")[2]
        try:
            return Secret(data.decode(), version)
        except UnicodeDecodeError:
            return Secret(data, version)

    def _describe(self, reference: Reference) -> Description | Finding:
        version = self._ask("get_secret_version", _version_path(reference), reference)
        if version.state.name != "ENABLED":
            return _not_enabled(reference, version.state.name)
        secret = self._ask("get_secret", _secret_path(reference), reference)
        number = str(version.name).rpartition("/")[2]
        aliases: dict[str, list[str]] = {}
        for alias, of in secret.version_aliases.items():
            aliases.setdefault(str(of), []).append(alias)
        key = secret.replication.automatic.customer_managed_encryption.kms_key_name
        return Description(
            name=reference.name,
            id=str(secret.name),
            version=number,
            stages=tuple(sorted(aliases.get(number, []))),
            versions={of: tuple(sorted(names)) for of, names in {number: [], **aliases}.items()},
            created=_iso(secret.create_time),
            changed=_iso(version.create_time),
            rotation="rotation" in secret,
            encryption_key=str(key),
            tags=dict(secret.labels),
        )


def _secret_path(reference: Reference) -> str:
    return f"projects/{reference.project}/secrets/{reference.name}"


def _version_path(reference: Reference) -> str:
    return f"{_secret_path(reference)}/versions/{reference.version or _LATEST}"


def _crc32c(data: bytes) -> int:
    return int(importlib.import_module("google_crc32c").value(data))


def _iso(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _not_enabled(reference: Reference, state: str) -> Finding:
    if state == "DESTROYED":
        fix = "Its value is gone for good: add a new version, or refer to another."
        return Finding("secret-destroyed", "This version of the secret is destroyed.", str(reference), fix)
    fix = "Enable it (gcloud secrets versions enable), or refer to another version."
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
        if "Secret Version" in said:
            fix = "List its versions (gcloud secrets versions list), or leave the version out."
            return Finding("secret-version-not-found", "The secret has no such version.", where, fix)
        return Finding("secret-not-found", "There is no such secret.", where, "Check the project and the name.")
    for state in ("DESTROYED", "DISABLED"):
        if state in said:
            return _not_enabled(reference, state)
    return Finding("secret-unreadable", f"The secret cannot be read: {said}", where, "Correct what the message names.")
