# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret Manager: secrets with versions that are enabled, disabled or destroyed, and checksums that are checked."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import google_crc32c

from sandbox.gcp.compute.resources import fingerprint, now
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.filters import matcher
from sandbox.gcp.pages import page
from sandbox.gcp.refused import Refused

ENABLED, DISABLED, DESTROYED = "ENABLED", "DISABLED", "DESTROYED"


@dataclass
class Version:
    """One version of a secret; a destroyed one has no data any more."""

    number: int
    data: bytes
    created: str
    state: str = ENABLED
    destroyed: str = ""


@dataclass
class Secret:
    """One secret and its versions, oldest first."""

    project: str
    name: str
    fields: dict[str, Any]
    versions: list[Version] = field(default_factory=list)

    @property
    def path(self) -> str:
        """``projects/P/secrets/NAME``."""
        return f"projects/{self.project}/secrets/{self.name}"


def checksum(data: bytes) -> str:
    """CRC32C, in decimal, as the API writes it."""
    return str(google_crc32c.value(data))


class SecretManager:
    """The service: global secrets. Whether a user may do a thing is for the caller to know."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._secrets: dict[tuple[str, str], Secret] = {}
        self._methods: dict[tuple[str, str], Callable[[Call], dict[str, Any]]] = {
            ("projects.secrets", "create"): self._create,
            ("projects.secrets", "get"): lambda call: self._shown(self._secret(call)),
            ("projects.secrets", "list"): self._list,
            ("projects.secrets", "patch"): self._patch,
            ("projects.secrets", "delete"): self._delete,
            ("projects.secrets", "addVersion"): self._add,
            ("projects.secrets.versions", "list"): self._versions,
            ("projects.secrets.versions", "get"): lambda call: self._shown_version(*self._version(call)),
            ("projects.secrets.versions", "access"): self._access,
            ("projects.secrets.versions", "enable"): lambda call: self._set(call, ENABLED),
            ("projects.secrets.versions", "disable"): lambda call: self._set(call, DISABLED),
            ("projects.secrets.versions", "destroy"): lambda call: self._set(call, DESTROYED),
        }

    def answer(self, call: Call) -> dict[str, Any]:
        """What Google answers.

        :raises Refused: with its error.
        """
        method = self._methods.get((call.method.collection, call.method.name))
        if not method:
            raise unanswered("secretmanager", call.method)
        with self.lock:
            return method(call)

    def _secret(self, call: Call) -> Secret:
        project, name = call.where["projectsId"], call.where["secretsId"]
        found = self._secrets.get((project, name))
        if not found:
            raise Refused(404, "notFound", f"Secret [projects/{project}/secrets/{name}] not found.")
        return found

    def _version(self, call: Call) -> tuple[Secret, Version]:
        wanted = call.where["versionsId"]
        if wanted == "latest" and not self._any_version(call):
            path = f"projects/{call.where['projectsId']}/secrets/{call.where['secretsId']}"
            raise Refused(404, "notFound", f"Secret [{path}] not found or has no versions.")
        secret = self._secret(call)
        if wanted == "latest":
            # The newest one, whatever its state: that it is disabled is an error, and no reason to take an older one.
            found = secret.versions[-1:]
        else:
            found = [version for version in secret.versions if str(version.number) == wanted]
        if not found:
            raise Refused(404, "notFound", f"Secret Version [{secret.path}/versions/{wanted}] not found.")
        return secret, found[0]

    def _any_version(self, call: Call) -> bool:
        found = self._secrets.get((call.where["projectsId"], call.where["secretsId"]))
        return bool(found and found.versions)

    def _create(self, call: Call) -> dict[str, Any]:
        project, name = call.where["projectsId"], call.query["secretId"]
        if (project, name) in self._secrets:
            raise Refused(409, "alreadyExists", f"Secret [projects/{project}/secrets/{name}] already exists.")
        if not call.body.get("replication"):
            raise Refused(400, "required", "Secret.replication must be provided.")
        fields = {key: value for key, value in call.body.items() if value is not None}
        secret = Secret(project, name, {**fields, "createTime": now()})
        self._secrets[project, name] = secret
        return self._shown(secret)

    def _patch(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        given = call.body.pop("etag", None)
        if given and given != self._etag(secret):
            raise Refused(400, "failedPrecondition", "The etag is not the secret's.", "FAILED_PRECONDITION")
        for name in call.query.get("updateMask", "").split(","):
            if name not in ("labels", "annotations", "versionAliases", "expireTime", "ttl", "rotation", "topics"):
                raise Refused(400, "invalidArgument", f"updateMask: {name!r} cannot be updated.")
            secret.fields.pop(name, None)
            if call.body.get(name) is not None:
                secret.fields[name] = call.body[name]
        return self._shown(secret)

    def _delete(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        del self._secrets[secret.project, secret.name]
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        wanted = call.query.get("filter", "")
        found = [self._shown(secret) for (project, _other), secret in sorted(self._secrets.items())
                 if project == call.where["projectsId"]]
        return self._paged(call, "secrets", [one for one in found if matcher(wanted)(one)])

    def _versions(self, call: Call) -> dict[str, Any]:
        secret, wanted = self._secret(call), call.query.get("filter", "")
        found = [self._shown_version(secret, version) for version in reversed(secret.versions)]
        return self._paged(call, "versions", [one for one in found if matcher(wanted)(one)])

    def _paged(self, call: Call, name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
        question = f"{call.path}?{call.query.get('filter', '')}"
        items, token = page(found, call.query.get("pageSize", ""), call.query.get("pageToken", ""), question)
        return {**({name: items} if items else {}), "totalSize": len(found),
                **({"nextPageToken": token} if token else {})}

    def _add(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        payload = call.body.get("payload") or {}
        data = base64.b64decode(payload.get("data", "").replace("-", "+").replace("_", "/"))
        if not data:
            raise Refused(400, "invalidArgument", "Secret Payload cannot be empty.")
        if "dataCrc32c" in payload and str(payload["dataCrc32c"]) != checksum(data):
            raise Refused(400, "invalidArgument", "The payload's checksum does not match its data.")
        version = Version(len(secret.versions) + 1, data, now())
        secret.versions.append(version)
        return self._shown_version(secret, version)

    def _access(self, call: Call) -> dict[str, Any]:
        secret, version = self._version(call)
        name = f"{secret.path}/versions/{version.number}"
        if version.state != ENABLED:
            raise Refused(400, "failedPrecondition", f"Secret Version [{name}] is in {version.state} state.",
                          "FAILED_PRECONDITION")
        data = base64.b64encode(version.data).decode()
        return {"name": name, "payload": {"data": data, "dataCrc32c": checksum(version.data)}}

    def _set(self, call: Call, state: str) -> dict[str, Any]:
        secret, version = self._version(call)
        if version.state == DESTROYED:
            raise Refused(400, "failedPrecondition", f"Secret Version [{version.number}] is in DESTROYED state.",
                          "FAILED_PRECONDITION")
        version.state = state
        if state == DESTROYED:
            version.data, version.destroyed = b"", now()
        return self._shown_version(secret, version)

    def _etag(self, secret: Secret) -> str:
        return f'"{fingerprint([secret.fields, len(secret.versions)])}"'

    def _shown(self, secret: Secret) -> dict[str, Any]:
        return {**secret.fields, "name": secret.path, "etag": self._etag(secret)}

    def _shown_version(self, secret: Secret, version: Version) -> dict[str, Any]:
        shown = {"name": f"{secret.path}/versions/{version.number}", "createTime": version.created,
                 "state": version.state, "etag": f'"{fingerprint([version.number, version.state])}"',
                 "replicationStatus": {"automatic": {}}}
        return {**shown, "destroyTime": version.destroyed} if version.destroyed else shown
