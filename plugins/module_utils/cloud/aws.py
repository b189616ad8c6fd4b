# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS client: one way to call, one retry policy, typed errors.

Region and endpoint that are not given come from the SDK's own chain (environment, shared files, roles),
``AWS_ENDPOINT_URL`` included.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import aws_roles, errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import (
    AwsCredentials,
    keys_of,
    open_session,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_errors import (
    is_unreachable,
    no_such_region,
    refuse_half,
    typed,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_profile import sdk_errors_typed
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
CONNECTIONS = 16

_READS = ("describe_", "get_", "list_", "batch_get_", "batch_check_", "head_", "search_", "simulate_")
# Parameters whose text a service may quote back in its error.
_CONFIDENTIAL = frozenset({"SecretString", "SecretBinary"})


class AwsClient:
    """One account and region. Safe to share between threads.

    :param region: region name; None leaves it to the SDK's configuration.
    :param endpoint_url: instead of AWS's own endpoints; None leaves it to the SDK (``AWS_ENDPOINT_URL``).
    :param credentials: explicit keys or a profile.
    :param retry: the policy; the SDK's own retries are off.
    """

    def __init__(
        self,
        region: str | None = None,
        *,
        endpoint_url: str | None = None,
        credentials: AwsCredentials | None = None,
        retry: Retry | None = None,
        _session: Any = None,
        _lock: Any = None,
    ) -> None:
        self._endpoint_url = endpoint_url
        self._credentials = credentials or AwsCredentials()
        self._retry = retry or Retry()
        # One lock for all regions: an SDK session must not make two clients at the same time.
        self._lock = _lock or threading.RLock()
        self._session = _session
        self._services: dict[str, Any] = {}
        self._region = region
        self._elsewhere: dict[str, AwsClient] = {}
        self._roles: dict[str, float | None] = {}

    @property
    def region(self) -> str:
        """The region in use.

        :raises Invalid: ``cloud-no-region`` when neither the caller nor the SDK's configuration names one.
        """
        region = self._region
        if not region:
            session = self._sdk_session()
            with sdk_errors_typed():
                region = session.region_name
        if not region:
            raise errors.Invalid(
                "No AWS region is set.",
                "AWS client",
                "Set praxis_region (the module's option region), or AWS_REGION in the environment.",
                code="cloud-no-region",
            )
        return str(region)

    def in_region(self, region: str) -> AwsClient:
        """The same account in another region, sharing the SDK session and its credentials; one client a region."""
        if region == self._region:
            return self
        with self._lock:
            if region not in self._elsewhere:
                self._elsewhere[region] = self._another(region, self._retry)
            return self._elsewhere[region]

    def asking(self, may: Callable[[], None]) -> AwsClient:
        """The same account and region for a run that may have to stop.

        :param may: called before each request; raises when none may be sent.
        """
        return self._another(self._region, replace(self._retry, may=may))

    def _another(self, region: str | None, retry: Retry) -> AwsClient:
        return AwsClient(
            region,
            endpoint_url=self._endpoint_url,
            credentials=self._credentials,
            retry=retry,
            _session=self._sdk_session(),
            _lock=self._lock,
        )

    def call(
        self, api: str, operation: str, /, *, idempotent: bool | None = None, quotable: bool = True, **params: Any
    ) -> dict[str, Any]:
        """One operation, retried as the policy and the operation allow.

        :param api: SDK service name (``secretsmanager``).
        :param operation: SDK method name (``get_secret_value``).
        :param idempotent: whether it may be sent again after a failure that leaves its fate unknown.
            Default: reads only.
        :param quotable: false when a parameter holds a secret, which the service may quote back in its error.
        :raises CloudError: the typed failure.
        """
        name = _api_name(self._service(api), operation)
        where = f"AWS {api} {name} in {self.region}"
        permission = f"{self._service(api).meta.service_model.signing_name}:{name}"
        quotable = quotable and _CONFIDENTIAL.isdisjoint(params)

        def attempt() -> dict[str, Any]:
            self._keys()
            try:
                return dict(getattr(self._service(api), operation)(**params))
            except Exception as error:
                mapped = typed(error, where, permission, quotable)
                if is_unreachable(mapped) and self.region in self._service(api).meta.endpoint_url:
                    mapped = no_such_region(self._sdk_session(), self.region, where) or mapped
                if mapped is None:
                    raise
            # Raised outside the handler: the SDK's exception may hold a value, and must not travel as context.
            raise mapped

        may_repeat = operation.startswith(_READS) if idempotent is None else idempotent
        keys = self._keys()
        try:
            return self._retry.run(attempt, idempotent=may_repeat)
        except errors.NotPassed as refusal:
            if not aws_roles.is_old(refusal, self.call, time.time(), self._roles):
                raise
            told = refusal.finding  # who waits for a role that was made a moment ago need not wait for this one
            raise errors.Denied(told.what, told.where, told.fix, reason=refusal.reason) from None
        except errors.Expired:
            if not self._renewed(keys):
                raise
        # Refused for its credentials, the request had no effect.
        return self._retry.run(attempt, idempotent=may_repeat)

    def paginate(self, api: str, operation: str, /, **params: Any) -> Iterator[Any]:
        """Every item of a listing operation, page after page.

        :raises CloudError: the typed failure of any page.
        """
        sdk = self._service(api)
        pager = sdk.get_paginator(operation)._pagination_cfg
        request = dict(params)
        while True:
            page = self.call(api, operation, **request)
            yield from page.get(pager["result_key"], [])
            token = page.get(pager["output_token"])
            if not token:
                return
            request[pager["input_token"]] = token

    def presigned(self, api: str, operation: str, headers: Mapping[str, str], seconds: int) -> str:
        """The URL by which whoever has it may send an operation without parameters. Nothing is sent.

        :param headers: that have to be sent with it, and are signed.
        :raises CloudError: there are no credentials to sign with.
        """
        self._keys()
        sdk = self._service(api)

        def add(request: Any, **_others: Any) -> None:
            for name, value in headers.items():
                request.headers[name] = value

        event = f"before-sign.{api}.{_api_name(sdk, operation)}"
        with self._lock, sdk_errors_typed():
            sdk.meta.events.register(event, add)
            try:
                return str(sdk.generate_presigned_url(operation, ExpiresIn=seconds, HttpMethod="GET"))
            finally:
                sdk.meta.events.unregister(event, add)

    def _sdk_session(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = open_session(self._credentials)
            return self._session

    def _keys(self) -> Any:
        """The credentials in use: see :func:`keys_of`."""
        return keys_of(self._sdk_session())

    def _renewed(self, refused: Any) -> bool:
        """Whether the SDK's chain (a file written anew, say) has other credentials now, which are then used."""
        with self._lock:
            held, services, self._session, self._services = self._session, self._services, None, {}
            if self._keys() != refused:
                return True
            self._session, self._services = held, services
            return False

    def _service(self, service: str) -> Any:
        with self._lock:
            if service not in self._services:
                session = self._sdk_session()  # first of all: it tells when the SDK is missing
                self._keys()  # before a client, of which other mistakes are reported
                config = importlib.import_module("botocore.config").Config(
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    connect_timeout=CONNECT_TIMEOUT,
                    read_timeout=READ_TIMEOUT,
                    max_pool_connections=CONNECTIONS,
                )
                with sdk_errors_typed():
                    try:
                        sdk = session.client(
                            service, region_name=self.region, endpoint_url=self._endpoint_url, config=config
                        )
                    except ValueError as error:
                        fix = "Correct the option endpoint_url or region, or AWS_ENDPOINT_URL in the environment."
                        raise errors.Invalid(f"{error}.", f"AWS {service}", fix, code="cloud-options") from None
                sdk.meta.events.register("before-parse", refuse_half)
                self._services[service] = sdk
            return self._services[service]


def _api_name(sdk: Any, operation: str) -> str:
    return str(sdk.meta.method_to_api_mapping[operation])
