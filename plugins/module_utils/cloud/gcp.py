# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Google Cloud client: one way to call, one retry policy, typed errors, and waiting for operations.

Needs google-auth (and requests) on the controller; both are imported at the first call. Credentials that are not given
are the application default ones: ``GOOGLE_APPLICATION_CREDENTIALS``, gcloud's own, a machine's service account, or
workload identity federation, each by its configuration.
"""

from __future__ import annotations

import datetime
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import (
    GcpCredentials,
    expiry,
    find,
    library,
    narrowed,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_errors import (
    answered,
    failed_operation,
    unanswered,
    unreadable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.http_session import sending_at_once
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry

TIMEOUT = (5, 30)
"""Seconds: to connect, to be answered."""
ENDPOINTS = {
    "artifactregistry": "https://artifactregistry.googleapis.com",
    "cloudresourcemanager": "https://cloudresourcemanager.googleapis.com",
    "compute": "https://compute.googleapis.com",
    "container": "https://container.googleapis.com",
    "dns": "https://dns.googleapis.com",
    "iam": "https://iam.googleapis.com",
    "secretmanager": "https://secretmanager.googleapis.com",
}
OPERATION_PAUSES = (0.1, 2.0)
"""Seconds between two observations of an operation: at first, and at most."""
#: Parts of a request whose text a service may quote back in its error.
_CONFIDENTIAL = frozenset({"payload", "metadata", "oauth2ClientSecret"})

T = TypeVar("T")


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
        self._refused: errors.CloudError | None = None
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
                "Set praxis_project (the module's option project), or GOOGLE_CLOUD_PROJECT in the environment.",
                code="cloud-no-project",
            )
        return project

    @property
    def credentials(self) -> Any:
        """google-auth's credentials, for a client library of Google's.

        :raises CloudError: there are none.
        """
        return self._authenticated()[0]

    @property
    def narrows(self) -> bool:
        """Whether :meth:`token` can give one that is good for its scope and no more.

        :raises CloudError: there are no credentials.
        """
        return hasattr(self.credentials, "with_scopes")

    def token(self, *scopes: str) -> tuple[str, datetime.datetime | None]:
        """A new access token for someone who is not this client, and when it ends (UTC), if that is known.

        :param scopes: all that it is good for, where the credentials can be narrowed.
        :raises CloudError: there are no credentials, or no token could be had for them.
        """
        found = narrowed(self.credentials, *scopes)
        if self._given.access_token and not self._given.impersonate:  # nobody can renew it
            return str(found.token), expiry(found)
        request = library("google.auth.transport.requests", "requests").Request()
        with self._lock:
            refresh = partial(found.refresh, partial(request, timeout=TIMEOUT[1]))
            self.run(refresh, "Google Cloud access token", idempotent=True)
            return str(found.token), expiry(found)

    def endpoint(self, service: str) -> str:
        """Scheme, host and port of a service."""
        return (self._api_endpoint or ENDPOINTS[service]).rstrip("/")

    def change(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None, **query: str
    ) -> dict[str, Any]:
        """Begin a change in Compute Engine; its operation. A repeated request is the same request by its id.

        :param path: ``compute/v1/…``
        """
        asked = {"requestId": str(uuid.uuid4()), **query}
        return self.call("compute", verb, path, body=body, query=asked, idempotent=True)

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
        quotable = body is None or _CONFIDENTIAL.isdisjoint({*body, *(body.get("iap") or ())})
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
                cut_off = unreadable(where)
            raise cut_off

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

    def wait(
        self, operation: Mapping[str, Any], *, seconds: float, what: str, service: str = "compute", path: str = ""
    ) -> dict[str, Any]:
        """An operation at its end.

        :param seconds: how long to wait for it.
        :param what: what it makes or changes, for the message.
        :param path: the operation's, where the service is not Compute Engine.
        :raises CloudError: it ended in an error, or not in time.
        """
        clock, sleep = self._retry.clock, self._retry.sleep
        end = clock() + seconds
        pause, longest = OPERATION_PAUSES
        while operation.get("status") != "DONE":
            left = end - clock()
            if left <= 0:
                raise errors.Unavailable(
                    f"The operation had not ended after {seconds:.0f} s; it may still succeed.",
                    _where(operation, what),
                    f"Check it (gcloud {service} operations describe), then run this again.",
                    code="cloud-operation-unfinished",
                )
            # Not the method `wait`: Google answers it after up to two minutes, past any deadline and read timeout.
            sleep(min(pause, left))
            pause = min(2 * pause, longest)
            operation = self.look(operation, what, service, path)
        return self.look(operation, what)

    def look(
        self, operation: Mapping[str, Any], what: str, service: str = "compute", path: str = ""
    ) -> dict[str, Any]:
        """An operation as it is now; the arguments are those of :meth:`wait`.

        :raises CloudError: it ended in an error.
        """
        if operation.get("status") != "DONE":
            path = path or "compute/v1/" + str(operation["selfLink"]).partition("/compute/v1/")[2]
            operation = self.call(service, "GET", path)
        if operation.get("error"):
            raise failed_operation(operation, _where(operation, what))
        return dict(operation)

    def _session(self) -> Any:
        with self._lock:
            if self._http is None:
                transport = library("google.auth.transport.requests", "requests")
                # The policy of this layer is the only one that retries; a 401 still renews the token once or twice.
                session = transport.AuthorizedSession(self.credentials, refresh_timeout=TIMEOUT[1])
                self._http = sending_at_once(session)
            return self._http

    def _authenticated(self) -> tuple[Any, str | None]:
        """Looked for once, found or not: where there are none, the search ends in a wait for a metadata server."""
        with self._lock:
            if self._refused:
                raise self._refused
            if self._found is None:
                try:
                    self._found = self.run(partial(find, self._given), "Google Cloud credentials", idempotent=True)
                except errors.CloudError as refused:
                    self._refused = refused
                    raise
            return self._found


def _where(operation: Mapping[str, Any], what: str) -> str:
    return f"operation {operation['name']} ({what})"
