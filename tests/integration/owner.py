# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud account past the product, as its owner sees it: secrets and resources, by the cloud's own means."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account
from requests import Session

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SECRETS = "https://secretmanager.googleapis.com/v1"
COMPUTE = "https://compute.googleapis.com/compute/v1"
TOKEN_MARK = len("ya29.") + 16  # characters that all access tokens of one sandbox share


class Owner(Protocol):
    """What the tests of both clouds ask of an account."""

    def secrets(self) -> dict[str, bytes]:
        """Every secret's newest value, by name."""

    def credentials(self) -> dict[str, bytes]:
        """What gives away the account or its registry when it is printed: a name, and a part of it to look for."""


@dataclass(frozen=True)
class AwsOwner:
    """An AWS account.

    :param environment: that of the sandbox's controller.
    :param home: the sandbox's folder.
    """

    environment: dict[str, str]
    home: Path

    @property
    def keys(self) -> dict[str, str]:
        """For ``boto3``."""
        keys = json.loads((self.home / "aws" / "administrator.json").read_text(encoding="utf-8"))
        return {
            "aws_access_key_id": keys["access_key"],
            "aws_secret_access_key": keys["secret_key"],
            "region_name": self.environment["AWS_REGION"],
            "endpoint_url": self.environment["AWS_ENDPOINT_URL"],
        }

    def secrets(self) -> dict[str, bytes]:
        store = boto3.client("secretsmanager", **self.keys)
        pages = store.get_paginator("list_secrets").paginate()
        names = [entry["Name"] for page in pages for entry in page["SecretList"]]
        values = {name: store.get_secret_value(SecretId=name) for name in names}
        return {name: value.get("SecretBinary") or value["SecretString"].encode() for name, value in values.items()}

    def credentials(self) -> dict[str, bytes]:
        answer = boto3.client("ecr", **self.keys).get_authorization_token()
        token = answer["authorizationData"][0]["authorizationToken"]
        return {
            "registry login": token.rstrip("=").encode()[:-1],
            "registry password": base64.b64decode(token).partition(b":")[2],
            "secret key": self.environment["AWS_SECRET_ACCESS_KEY"].encode(),
        }


@dataclass(frozen=True)
class GoogleOwner:
    """A Google Cloud project.

    :param environment: that of the sandbox's controller.
    :param home: the sandbox's folder.
    """

    environment: dict[str, str]
    home: Path

    @property
    def project(self) -> str:
        return self.environment["GOOGLE_CLOUD_PROJECT"]

    def session(self) -> Any:
        """A session of ``requests`` with the owner's rights, on its way through the sandbox's proxy."""
        found = self._credentials(self.home / "gcp" / "administrator.json")
        return self._direct(AuthorizedSession(found, auth_request=Request(self._direct(Session()))))

    def token(self, key_file: Path) -> str:
        """An access token of the service account that a key file is of."""
        found = self._credentials(key_file)
        found.refresh(Request(self._direct(Session())))
        return str(found.token)

    def _credentials(self, key_file: Path) -> Any:
        return service_account.Credentials.from_service_account_file(key_file, scopes=[SCOPE])

    def _direct(self, session: Any) -> Any:
        session.proxies = {"https": self.environment["HTTPS_PROXY"]}
        session.verify, session.trust_env = self.environment["REQUESTS_CA_BUNDLE"], False
        return session

    def call(self, verb: str, url: str, body: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        """One request.

        :param url: whole, or a path in the project's part of Compute Engine: ``zones/ZONE/instances``.
        """
        whole = url if "://" in url else f"{COMPUTE}/projects/{self.project}/{url}"
        answer = self.session().request(verb, whole, json=body, params=query, timeout=30)
        assert answer.status_code < 400, f"{verb} {whole}: {answer.status_code} {answer.text}"
        return answer.json()

    def listed(self, url: str, items: str = "items") -> Iterator[dict[str, Any]]:
        """Everything that a listing holds."""
        query: dict[str, str] = {}
        while True:
            page = self.call("GET", url, **query)
            yield from page.get(items) or []
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = page["nextPageToken"]

    def scoped(self, url: str) -> Iterator[dict[str, Any]]:
        """Everything that an aggregated listing holds, whatever its region or zone."""
        answer = self.call("GET", url)
        assert "nextPageToken" not in answer
        for scope in answer["items"].values():
            for items in scope.values():
                yield from items if isinstance(items, list) else ()

    def patch(self, url: str, **fields: Any) -> dict[str, Any]:
        """Change a resource of Compute Engine by hand, and wait until it is so."""
        now = self.call("GET", url)
        mark = {"fingerprint": now["fingerprint"]} if "fingerprint" in now else {}
        self.finish(self.call("PATCH", url, {**mark, **fields}))
        return self.call("GET", url)

    def finish(self, operation: dict[str, Any]) -> None:
        """Wait until an operation of Compute Engine is over, and well so."""
        while operation["status"] != "DONE":
            operation = self.call("POST", operation["selfLink"] + "/wait")
        assert "error" not in operation, operation

    def secrets(self) -> dict[str, bytes]:
        paths = [entry["name"] for entry in self.listed(f"{SECRETS}/projects/{self.project}/secrets", "secrets")]
        opened = {path: self.call("GET", f"{SECRETS}/{path}/versions/latest:access") for path in paths}
        return {path.rpartition("/")[2]: base64.b64decode(one["payload"]["data"]) for path, one in opened.items()}

    def credentials(self) -> dict[str, bytes]:
        key = json.loads(Path(self.environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text(encoding="utf-8"))
        # All access tokens of a sandbox begin alike; the registry's password is one.
        token = self.token(Path(self.environment["GOOGLE_APPLICATION_CREDENTIALS"]))[:TOKEN_MARK]
        return {"access token": token.encode(), "private key": key["private_key"].splitlines()[3].encode()}


def owner_of(cloud: str, environment: dict[str, str], home: Path) -> Owner:
    """The owner of the account that a cloud of the sandbox has."""
    return {"aws": AwsOwner, "gcp": GoogleOwner}[cloud](environment, home)


def environment_of(home: Path) -> dict[str, str]:
    """What ``. .sandbox/env`` leaves in a shell."""
    printed = subprocess.run(["sh", "-c", '. "$0" && env -0', str(home / "env")], capture_output=True, text=True,
                             check=True).stdout
    return dict(line.split("=", 1) for line in printed.split("\0") if line)
