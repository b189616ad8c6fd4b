# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Google Cloud client: one way to call, one retry policy, typed errors, and waiting for operations.

Needs google-auth (and requests) on the controller; both are imported at the first call. Credentials that are not given
are the application default ones: ``GOOGLE_APPLICATION_CREDENTIALS``, gcloud's own, a machine's service account, or
workload identity federation, each by its configuration.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_errors import (
    CREDENTIALS_FIX,
    answered,
    failed_operation,
    unanswered,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT = (5, 30)
"""Seconds: to connect, to be answered."""
ENDPOINTS = {
    "compute": "https://compute.googleapis.com",
    "iam": "https://iam.googleapis.com",
    "secretmanager": "https://secretmanager.googleapis.com",
}
OPERATION_PAUSES = (0.1, 2.0)
"""Seconds between two looks at an operation: at first, and at most."""
AWS_TOKEN = "urn:ietf:params:aws:token-type:aws4_request"
#: By a credentials file's ``type``: google-auth's module, and the way to make its Credentials.
_LOADERS = {
    "service_account": ("google.oauth2.service_account", "from_service_account_info"),
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
    "external_account": ("google.auth.identity_pool", "from_info"),
    "aws": ("google.auth.aws", "from_info"),
}
#: Parts of a request whose text a service may quote back in its error.
_CONFIDENTIAL = frozenset({"payload", "metadata"})

T = TypeVar("T")


def _library(name: str, package: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise errors.Invalid(
            f"The Python library {package} cannot be imported ({error}).",
            f"Python interpreter {sys.executable}",
            f"Install it for this interpreter (pip install {package}), or run the task with the controller's: "
            "set ansible_python_interpreter to {{ ansible_playbook_python }} for localhost.",
            code="sdk-missing",
        ) from None


def _from_file(path: str) -> tuple[Any, str | None]:
    """Credentials of a file of a known type, and the project it names. One that runs a program is refused."""
    try:
        with open(path, encoding="utf-8") as file:
            info = json.load(file)
        kind = str(info.get("type"))
        if kind == "external_account" and info.get("subject_token_type") == AWS_TOKEN:
            kind = "aws"
        if kind not in _LOADERS:
            raise ValueError(f"its type is {kind!r}")
        module, method = _LOADERS[kind]
        found = getattr(_library(module, "google-auth").Credentials, method)(info, scopes=[SCOPE])
    except (OSError, ValueError, KeyError, AttributeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise errors.Expired(f"The credentials file cannot be used ({said}).", path, CREDENTIALS_FIX) from None
    return found, info.get("project_id")


@dataclass(frozen=True)
class GcpCredentials:
    """What the user gave; every part is optional.

    :param credentials_file: a service account's key, or the configuration of workload identity federation.
    :param access_token: a token somebody else fetched; it is not renewed.
    :param impersonate: the email of a service account to act as, with the others' right to do so.
    """

    credentials_file: str | None = None
    access_token: str | None = None
    impersonate: str | None = None

    def __repr__(self) -> str:
        given = "given" if self.access_token else "not given"
        file, account = self.credentials_file, self.impersonate
        return f"GcpCredentials(credentials_file={file!r}, impersonate={account!r}, access_token={given})"


class GcpClient:
    """One project. Safe to share between threads.

    :param project: project id; None leaves it to the credentials and to ``GOOGLE_CLOUD_PROJECT``.
    :param api_endpoint: scheme, host and port instead of Google's own, for every service.
    :param credentials: explicit ones.
    :param retry: the policy; the libraries' own retries are off.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        api_endpoint: str | None = None,
        credentials: GcpCredentials | None = None,
        retry: Retry | None = None,
    ) -> None:
        self._project = project
        self._api_endpoint = api_endpoint
        self._given = credentials or GcpCredentials()
        self._retry = retry or Retry()
        self._lock = threading.RLock()
        self._found: tuple[Any, str | None] | None = None
        self._http: Any = None

    @property
    def project(self) -> str:
        """The project in use.

        :raises Invalid: ``cloud-no-project`` when neither the caller nor the credentials name one.
        """
        project = self._project or self._authenticated()[1]
        if not project:
            raise errors.Invalid(
                "No Google Cloud project is set.",
                "Google Cloud client",
                "Set the option project, or GOOGLE_CLOUD_PROJECT in the environment.",
                code="cloud-no-project",
            )
        return project

    @property
    def credentials(self) -> Any:
        """google-auth's credentials, for a client library of Google's.

        :raises CloudError: there are none.
        """
        return self._authenticated()[0]

    def endpoint(self, service: str) -> str:
        """Scheme, host and port of a service."""
        return (self._api_endpoint or ENDPOINTS[service]).rstrip("/")

    def call(
        self,
        service: str,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> dict[str, Any]:
        """One request, retried as the policy and the request allow.

        :param service: a key of :data:`ENDPOINTS`.
        :param path: from the host on, ``compute/v1/projects/…``.
        :param idempotent: whether it may be sent again after a failure that leaves its fate unknown.
            Default: GET only.
        :raises CloudError: the typed failure.
        """
        where = f"Google {service} {verb} {path}"
        url = f"{self.endpoint(service)}/{path}"
        quotable = _CONFIDENTIAL.isdisjoint(body or {})
        data = None if body is None else json.dumps(body).encode()

        def attempt() -> dict[str, Any]:
            answer = self._session().request(
                verb, url, params=query, data=data, timeout=TIMEOUT, headers={"Content-Type": "application/json"}
            )
            if answer.status_code >= 400:
                raise answered(answer.status_code, answer.content, answer.headers, where, quotable)
            try:
                return dict(answer.json())
            except ValueError:
                what = "The answer was cut off, or is no JSON."
                raise errors.Unavailable(what, where, "Run it again; a proxy may stand in between.") from None

        return self.run(attempt, where, idempotent=verb == "GET" if idempotent is None else idempotent)

    def run(self, attempt: Callable[[], T], where: str, *, idempotent: bool) -> T:
        """Anything that may raise the libraries' exceptions, with this client's retries and typed errors.

        :raises CloudError: the typed failure.
        """

        def typed() -> T:
            try:
                return attempt()
            except errors.CloudError:
                raise
            except Exception as error:
                mapped = unanswered(error, where)
                if mapped is None:
                    raise
            # Raised outside the handler: a library's exception may hold a value, and must not travel as context.
            raise mapped

        return self._retry.run(typed, idempotent=idempotent)

    def paginate(
        self, service: str, path: str, items: str = "items", query: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every answer of a listing, page after page; each is complete or an error.

        :param items: where a page holds what it lists; empty for aggregated lists, whose pages are yielded whole.
        :raises CloudError: the typed failure of any page, or a scope that could not be asked.
        """
        asked = dict(query or {})
        while True:
            page = self.call(service, "GET", path, query=asked)
            if not items:
                yield page
            else:
                yield from page.get(items) or []
            if not page.get("nextPageToken"):
                return
            asked["pageToken"] = page["nextPageToken"]

    def wait(self, operation: Mapping[str, Any], *, seconds: float, what: str) -> dict[str, Any]:
        """A Compute operation at its end.

        :param seconds: how long to wait for it.
        :param what: what it makes or changes, for the message.
        :raises CloudError: it ended in an error, or not in time.
        """
        path = str(operation["selfLink"]).partition("/compute/v1/")[2]
        where = f"operation {operation['name']} ({what})"
        clock, sleep = self._retry.clock, self._retry.sleep
        end = clock() + seconds
        pause, longest = OPERATION_PAUSES
        while operation.get("status") != "DONE":
            left = end - clock()
            if left <= 0:
                raise errors.Unavailable(
                    f"The operation was not over after {seconds:.0f} s; it may still end well.",
                    where,
                    "Look at it (gcloud compute operations describe), then run this again.",
                    code="cloud-operation-unfinished",
                )
            # Not the method `wait`: Google answers it after up to two minutes, past any deadline and read timeout.
            sleep(min(pause, left))
            pause = min(2 * pause, longest)
            operation = self.call("compute", "GET", f"compute/v1/{path}")
        if operation.get("error"):
            raise failed_operation(operation, where)
        return dict(operation)

    def _session(self) -> Any:
        with self._lock:
            if self._http is None:
                transport = _library("google.auth.transport.requests", "requests")
                # The policy of this room is the only one that retries; a 401 still renews the token once or twice.
                self._http = transport.AuthorizedSession(self.credentials, refresh_timeout=TIMEOUT[1])
            return self._http

    def _authenticated(self) -> tuple[Any, str | None]:
        with self._lock:
            if self._found is None:
                self._found = self.run(self._authenticate, "Google Cloud credentials", idempotent=True)
            return self._found

    def _authenticate(self) -> tuple[Any, str | None]:
        auth = _library("google.auth", "google-auth")
        given = self._given
        project = None
        if given.access_token:
            found = _library("google.oauth2.credentials", "google-auth").Credentials(given.access_token)
        elif given.credentials_file:
            found, project = _from_file(given.credentials_file)
        else:
            found, project = auth.default(scopes=[SCOPE])
        if given.impersonate:
            found = _library("google.auth.impersonated_credentials", "google-auth").Credentials(
                source_credentials=found, target_principal=given.impersonate, target_scopes=[SCOPE]
            )
        return found, project
