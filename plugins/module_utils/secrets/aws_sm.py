# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Secrets Manager as a store."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import is_throttling, is_transient
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import (
    Description,
    Outcome,
    Secret,
    empty,
    not_found,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

SERVICE = "secretsmanager"
BATCH = 20
_CURRENT = "AWSCURRENT"
# What may be about one secret. Anything else (credentials, throttling, no answer) is about all of them.
_REFUSALS = (errors.NotFound, errors.Denied, errors.Invalid, errors.Conflict)


class AwsSecretsManager:
    """Reads secrets of one account. An ARN is asked for in the region it names, a name in the client's."""

    def __init__(self, client: AwsClient) -> None:
        self._client = client

    def fetch(self, references: Sequence[Reference]) -> dict[Reference, Outcome]:
        """Current versions by BatchGetSecretValue, twenty a call; each pinned version or stage by a call of its own.

        :raises CloudError: when nothing could be asked at all.
        """
        current = [reference for reference in references if not (reference.version or reference.stage)]
        pinned = [reference for reference in references if reference.version or reference.stage]
        outcomes: dict[Reference, Outcome] = {}
        for batch, result in self._parallel(self._batch, _batches(current)):
            outcomes.update(dict.fromkeys(batch, result.findings[0]) if isinstance(result, Failed) else result)
        # Left over: what the batch call itself was too busy for. The single call has the retry policy behind it.
        single = pinned + [reference for reference in current if reference not in outcomes]
        for reference, one in self._parallel(self._one, single):
            outcomes[reference] = one.findings[0] if isinstance(one, Failed) else one
        return outcomes

    def describe(self, references: Sequence[Reference]) -> dict[Reference, Description | Finding]:
        """By DescribeSecret, one call a secret, several at a time. Never asks for a value."""
        results = self._parallel(self._describe, references)
        return {reference: one.findings[0] if isinstance(one, Failed) else one for reference, one in results}

    @staticmethod
    def _parallel(function: Any, items: Iterable[Any]) -> list[tuple[Any, Any]]:
        todo = list(items)
        return list(zip(todo, map_parallel(function, todo), strict=True))

    def _in(self, reference: Reference) -> AwsClient:
        return self._client.in_region(reference.region) if reference.region else self._client

    def _batch(self, batch: Sequence[Reference]) -> dict[Reference, Outcome]:
        client = self._in(batch[0])
        try:
            names = [reference.name for reference in batch]
            answer = client.call(SERVICE, "batch_get_secret_value", SecretIdList=names)
        except _REFUSALS as whole:
            if not whole.reason:
                raise
            return {}  # It names no secret; asked one by one, each that cannot be had is named.
        outcomes: dict[Reference, Outcome] = {}
        refused = {entry.get("SecretId"): entry for entry in answer.get("Errors") or []}
        for reference in batch:
            entry = next((each for each in answer.get("SecretValues", []) if _is(reference.name, each)), None)
            error = refused.get(reference.name)
            if entry is not None:
                outcomes[reference] = _secret(reference, entry)
            elif error is not None and not _passing(error):
                code, message = str(error.get("ErrorCode", "")), str(error.get("Message", ""))
                outcomes[reference] = _refusal(reference, code, message, client.region)
        return outcomes

    def _one(self, reference: Reference) -> Outcome:
        client = self._in(reference)
        parts = {"SecretId": reference.name, "VersionId": reference.version, "VersionStage": reference.stage}
        request: dict[str, Any] = {word: value for word, value in parts.items() if value}
        try:
            entry = client.call(SERVICE, "get_secret_value", **request)
        except _REFUSALS as error:
            if not error.reason:
                raise
            return _refusal(reference, error.reason, error.finding.what, client.region)
        return _secret(reference, entry)

    def _describe(self, reference: Reference) -> Description | Finding:
        client = self._in(reference)
        try:
            answer = client.call(SERVICE, "describe_secret", SecretId=reference.name)
        except _REFUSALS as error:
            if not error.reason:
                raise
            return _refusal(reference, error.reason, error.finding.what, client.region, "secretsmanager:DescribeSecret")
        if answer.get("DeletedDate"):
            return _refusal(reference, "InvalidRequestException", "The secret is marked for deletion.", client.region)
        versions = {name: tuple(sorted(stages)) for name, stages in (answer.get("VersionIdsToStages") or {}).items()}
        version = _resolve(reference, versions)
        if not version:
            # As GetSecretValue would say it.
            missing = "The secret has no such version or staging label."
            return _refusal(reference, "ResourceNotFoundException", missing, client.region)
        return Description(
            name=answer["Name"],
            id=answer["ARN"],
            version=version,
            stages=versions.get(version, ()),
            versions=versions,
            created=_iso(answer.get("CreatedDate")),
            changed=_iso(answer.get("LastChangedDate")),
            rotation=bool(answer.get("RotationEnabled")),
            encryption_key=answer.get("KmsKeyId") or "",
            tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags") or []},
        )


def _batches(references: Iterable[Reference]) -> list[list[Reference]]:
    """At most twenty together, all of one region."""
    regions: dict[str, list[Reference]] = {}
    for reference in references:
        regions.setdefault(reference.region, []).append(reference)
    return [group[at : at + BATCH] for group in regions.values() for at in range(0, len(group), BATCH)]


def _is(name: str, entry: Mapping[str, Any]) -> bool:
    """Whether an answer's entry is the secret asked for by name, ARN, or ARN without its random suffix."""
    arn = str(entry.get("ARN", ""))
    return name in (entry.get("Name"), arn) or (name.startswith("arn:") and arn[:-7] == name and arn[-7] == "-")


def _secret(reference: Reference, entry: Mapping[str, Any]) -> Outcome:
    if "SecretString" in entry:
        return Secret(str(entry["SecretString"]), str(entry["VersionId"]))
    if "SecretBinary" in entry:
        return Secret(bytes(entry["SecretBinary"]), str(entry["VersionId"]))
    return empty(str(reference))


def _passing(error: Mapping[str, Any]) -> bool:
    code = str(error.get("ErrorCode", ""))
    return is_throttling(code) or is_transient(code)


def _resolve(reference: Reference, versions: Mapping[str, tuple[str, ...]]) -> str:
    if reference.version and (not reference.stage or reference.stage in versions.get(reference.version, ())):
        return reference.version if reference.version in versions else ""
    stage = reference.stage or _CURRENT
    return "" if reference.version else next((name for name, stages in versions.items() if stage in stages), "")


def _refusal(
    reference: Reference, code: str, message: str, region: str, permission: str = "secretsmanager:GetSecretValue"
) -> Finding:
    """Why one secret could not be read, from AWS's code and words."""
    where = f"{reference} ({region})"
    if "Denied" in code:
        fix = f"Grant {permission} on it, and kms:Decrypt on its key, to the identity that runs this."
        return Finding("secret-denied", f"Reading the secret is not allowed ({code}).", where, fix)
    if code == "DecryptionFailure":  # before the next: its key may be scheduled for deletion, and not the secret
        fix = "Enable the secret's KMS key, and grant kms:Decrypt on it to the identity that runs this."
        return Finding("secret-undecryptable", "The secret cannot be decrypted with its KMS key.", where, fix)
    if "deleti" in message or "deleted" in message:
        fix = "Restore it (aws secretsmanager restore-secret), or refer to another secret."
        return Finding("secret-deleted", "The secret is scheduled for deletion.", where, fix)
    if code == "ResourceNotFoundException" and ("version" in message.lower() or "staging label" in message):
        if not (reference.version or reference.stage):
            return empty(where)
        fix = "List its versions with the module praxis.cloud.secret_info, or remove version and stage."
        return Finding("secret-version-not-found", "The secret has no such version or staging label.", where, fix)
    if code == "ResourceNotFoundException":
        return not_found(where, "Check the secret's name, the account and the region.")
    fix = "Correct what AWS's message names."
    return Finding("secret-unreadable", f"The secret cannot be read ({code}): {message}", where, fix)


def _iso(moment: Any) -> str:
    return moment.astimezone(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
