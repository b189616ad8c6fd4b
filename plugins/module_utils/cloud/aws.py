# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS client: one way to call, one retry policy, typed errors.

Needs boto3 on the controller; it is imported at the first call. Credentials, region and endpoint that are not given
come from the SDK's own chain (environment, shared files, roles), ``AWS_ENDPOINT_URL`` included.
"""

from __future__ import annotations

import functools
import importlib
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import (
    Retry,
    is_throttling,
    is_transient,
    retry_after_seconds,
)

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
CONNECTIONS = 16

_READS = ("describe_", "get_", "list_", "batch_get_", "batch_check_", "head_", "search_")
# Parameters whose text a service may quote back in its error.
_CONFIDENTIAL = frozenset({"SecretString", "SecretBinary"})
_CREDENTIAL_CODES = frozenset({
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId",
    "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired",
    "UnrecognizedClientException",
})  # fmt: skip
# What AWS says when the time in a request is too far from its own.
_CLOCK_CODES = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
_CREDENTIAL_ERRORS = frozenset({
    "CredentialRetrievalError", "InvalidConfigError", "LoginTokenLoadError", "NoAuthTokenError", "NoCredentialsError",
    "PartialCredentialsError", "ProfileNotFound", "SSOError", "SSOTokenLoadError", "TokenRetrievalError",
    "UnauthorizedSSOTokenError", "UnknownCredentialError",
})  # fmt: skip
# In these the connection never stood, so nothing was sent.
_NEVER_CONNECTED = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"})
_HALVED = frozenset({"HalfAnswerError", "IncompleteReadError", "ResponseParserError"})
_CUT_OFF = frozenset({"ConnectionClosedError", "HTTPClientError", "ReadTimeoutError", "ResponseStreamingError"})

_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|Unauthorized$|Forbidden|NotAuthorized|OptInRequired")
_MISSING = re.compile(r"NotFound|NoSuch|DoesNotExist|UnknownResource")
_QUOTA = re.compile(r"LimitExceeded|QuotaExceeded|^TooMany|InsufficientInstanceCapacity|InsufficientFreeAddresses")
_CONFLICT = re.compile(
    r"Already(Exists|Associated|Attached)|ResourceExists|^Duplicate|\.Duplicate$|InUse|Conflict|IncorrectState|InvalidState"
    r"|DependencyViolation"
)
_BY_CODE: tuple[tuple[re.Pattern[str], type[errors.CloudError]], ...] = (
    (_DENIED, errors.Denied),
    (_QUOTA, errors.QuotaExceeded),
    (_CONFLICT, errors.Conflict),
    (_MISSING, errors.NotFound),
)


@functools.lru_cache(maxsize=1)
def _boto3() -> Any:
    """The SDK, loaded once."""
    try:
        boto3 = importlib.import_module("boto3")
    except ImportError as error:
        raise errors.Invalid(
            f"The Python library boto3 cannot be imported ({error}).",
            f"Python interpreter {sys.executable}",
            "Install it for this interpreter (pip install boto3), or run the task with the controller's: "
            "set ansible_python_interpreter to {{ ansible_playbook_python }} for localhost.",
            code="sdk-missing",
        ) from None
    # At DEBUG the SDK logs whole requests and responses, secret values included.
    logging.getLogger("botocore").setLevel(logging.INFO)
    return boto3


@dataclass(frozen=True)
class AwsCredentials:
    """What the user gave; every part is optional, and the SDK's own chain fills the rest."""

    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    profile: str | None = None

    def __repr__(self) -> str:
        return f"AwsCredentials(profile={self.profile!r}, access_key={'given' if self.access_key else 'not given'})"


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

    @property
    def region(self) -> str:
        """The region in use.

        :raises Invalid: ``cloud-no-region`` when neither the caller nor the SDK's configuration names one.
        """
        region = self._region or self._sdk_session().region_name
        if not region:
            raise errors.Invalid(
                "No AWS region is set.",
                "AWS client",
                "Set the option region, or AWS_REGION in the environment.",
                code="cloud-no-region",
            )
        return str(region)

    def in_region(self, region: str) -> AwsClient:
        """The same account in another region, sharing the SDK session and its credentials."""
        if region == self._region:
            return self
        return AwsClient(
            region,
            endpoint_url=self._endpoint_url,
            credentials=self._credentials,
            retry=self._retry,
            _session=self._sdk_session(),
            _lock=self._lock,
        )

    def call(self, service: str, operation: str, *, idempotent: bool | None = None, **params: Any) -> dict[str, Any]:
        """One operation, retried as the policy and the operation allow.

        :param service: SDK service name (``secretsmanager``).
        :param operation: SDK method name (``get_secret_value``).
        :param idempotent: whether it may be sent again after a failure that leaves its fate unknown.
            Default: reads only.
        :raises CloudError: the typed failure.
        """
        sdk = self._service(service)
        method = getattr(sdk, operation)
        where = f"AWS {service} {_api_name(sdk, operation)} in {self.region}"
        permission = f"{sdk.meta.service_model.signing_name}:{_api_name(sdk, operation)}"
        quotable = _CONFIDENTIAL.isdisjoint(params)

        def attempt() -> dict[str, Any]:
            try:
                return dict(method(**params))
            except Exception as error:
                mapped = _typed(error, where, permission, quotable)
                if mapped is None:
                    raise
            # Raised outside the handler: the SDK's exception may hold a value, and must not travel as context.
            raise mapped

        may_repeat = operation.startswith(_READS) if idempotent is None else idempotent
        return self._retry.run(attempt, idempotent=may_repeat)

    def paginate(self, service: str, operation: str, **params: Any) -> Iterator[Any]:
        """Every item of a listing operation, page after page.

        :raises CloudError: the typed failure of any page.
        """
        sdk = self._service(service)
        pager = sdk.get_paginator(operation)._pagination_cfg
        request = dict(params)
        while True:
            page = self.call(service, operation, **request)
            yield from page.get(pager["result_key"], [])
            token = page.get(pager["output_token"])
            if not token:
                return
            request[pager["input_token"]] = token

    def _sdk_session(self) -> Any:
        with self._lock:
            if self._session is None:
                given = self._credentials
                try:
                    self._session = _boto3().Session(
                        aws_access_key_id=given.access_key,
                        aws_secret_access_key=given.secret_key,
                        aws_session_token=given.session_token,
                        profile_name=given.profile,
                    )
                except errors.CloudError:
                    raise
                except Exception as error:
                    mapped = _typed(error, "AWS credentials", "", True)
                    if mapped is None:
                        raise
                    raise mapped from None
            return self._session

    def _service(self, service: str) -> Any:
        with self._lock:
            if service not in self._services:
                config = importlib.import_module("botocore.config").Config(
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    connect_timeout=CONNECT_TIMEOUT,
                    read_timeout=READ_TIMEOUT,
                    max_pool_connections=CONNECTIONS,
                )
                try:
                    sdk = self._sdk_session().client(
                        service, region_name=self.region, endpoint_url=self._endpoint_url, config=config
                    )
                except ValueError as error:
                    fix = "Correct the option endpoint_url, region, or AWS_ENDPOINT_URL in the environment."
                    raise errors.Invalid(f"{error}.", f"AWS {service}", fix, code="cloud-options") from None
                sdk.meta.events.register("before-parse", _refuse_half)
                self._services[service] = sdk
            return self._services[service]


class HalfAnswerError(Exception):
    """An answer shorter than it says it is."""


def _refuse_half(response_dict: dict[str, Any], **others: Any) -> None:
    """The SDK takes half an answer in JSON for an empty one. Headers are a mapping without regard to case.

    :raises HalfAnswerError: when the body is shorter than announced.
    """
    headers, body = response_dict["headers"], response_dict["body"]
    announced = str(headers.get("content-length", ""))
    whole = isinstance(body, bytes) and announced.isdigit() and not headers.get("content-encoding")
    if whole and len(body) < int(announced):
        raise HalfAnswerError(f"{len(body)} of {announced} bytes")


def _api_name(sdk: Any, operation: str) -> str:
    return str(sdk.meta.method_to_api_mapping[operation])


def _typed(error: Exception, where: str, permission: str, quotable: bool) -> errors.CloudError | None:
    """Our error for one of the SDK's, or None when it is not the SDK's."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _answered(response, where, permission, quotable)
    name = type(error).__name__
    if name in _HALVED:
        # The SDK's text quotes the answer, and that may hold a value.
        return errors.Unavailable(f"The answer ended in the middle ({name}).", where, "Run it again.")
    if not type(error).__module__.startswith(("botocore", "boto3")):
        return None
    # The text of a parameter error quotes parameters.
    text = f"{name}: {error}" if quotable else name
    if name in _NEVER_CONNECTED:
        fix = "Check the network, the endpoint's address and the proxy settings."
        return errors.Unavailable(f"No connection could be made ({text}).", where, fix, untouched=True)
    if name in _CUT_OFF:
        return errors.Unavailable(f"The connection broke before the answer ({text}).", where, "Run it again.")
    if name in _CREDENTIAL_ERRORS:
        return errors.Expired(f"There are no usable credentials ({text}).", where, _CREDENTIALS_FIX)
    if name == "SSLError":
        fix = "Check the certificate of the endpoint; AWS_CA_BUNDLE names a private authority's certificate."
        return errors.Invalid(f"TLS failed ({text}).", where, fix, code="cloud-tls")
    return errors.Invalid(f"The request is not well-formed ({text}).", where, "Correct the parameter named.")


_CREDENTIALS_FIX = (
    "Set the option profile or access_key and secret_key, export AWS_PROFILE or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or log in again; if they are fresh, check this machine's clock."
)


def classify(code: str, status: int = 0) -> type[errors.CloudError]:
    """The type of AWS's error code and HTTP status."""
    if is_throttling(code, status):
        return errors.Throttled
    if code in _CREDENTIAL_CODES or code in _CLOCK_CODES:
        return errors.Expired
    for pattern, kind in _BY_CODE:
        if pattern.search(code):
            return kind
    return errors.Unavailable if is_transient(code, status) else errors.Invalid


def _answered(response: dict[str, Any], where: str, permission: str, quotable: bool) -> errors.CloudError:
    """Our error for an answer that carries an error code."""
    code = str(response["Error"].get("Code", ""))
    message = str(response["Error"].get("Message", "")) if quotable else ""
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    said = f"AWS answered {code or status}" + (f": {message.rstrip('.')}." if message else ".")
    kind = classify(code, status)
    if skew := _skew(meta, time.time()) if _is_about_time(code, message, kind) else "":
        return errors.Expired(f"{said} {skew}", where, _CLOCK_FIX, code="cloud-clock", reason=code)
    fix = _FIXES[kind].format(permission=permission)
    if kind in (errors.Throttled, errors.Unavailable):
        untouched = kind is errors.Throttled
        return kind(said, where, fix, reason=code, retry_after=_wish(meta), untouched=untouched)
    return kind(said, where, fix, reason=code)


_FIXES = {
    errors.Throttled: "Wait a little and run it again, or lower the number of parallel requests.",
    errors.Expired: _CREDENTIALS_FIX,
    errors.Denied: "Grant {permission} to the identity that runs this.",
    errors.QuotaExceeded: "Have the account's quota raised, or remove what is unused.",
    errors.Conflict: "Bring the resource into a state that allows this, then run it again.",
    errors.NotFound: "Check the name, the account and the region.",
    errors.Unavailable: "This is the cloud's fault: run it again later.",
    errors.Invalid: "Correct what the message names.",
}
_CLOCK_FIX = "Set this machine's clock (timedatectl set-ntp true), then run it again."
#: Seconds by which AWS lets a request's time differ from its own.
_TOLERATED = 300


def _is_about_time(code: str, message: str, kind: type[errors.CloudError]) -> bool:
    """Whether AWS refused a request for its time: by a code of its own, or by one for all wrong signatures."""
    return code in _CLOCK_CODES or (kind is errors.Expired and ("Signature" in message or "RequestExpired" in code))


def _skew(meta: dict[str, Any], now: float) -> str:
    """How wrong this machine's clock is, by the answer's date; empty when it is right or nothing tells."""
    try:
        theirs = parsedate_to_datetime(meta.get("HTTPHeaders", {}).get("date", "")).timestamp()
    except (TypeError, ValueError):
        return ""
    ahead = now - theirs
    if abs(ahead) < _TOLERATED:
        return ""
    return f"This machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} AWS's."


def _wish(meta: dict[str, Any]) -> float | None:
    """Seconds the answer asks us to wait."""
    headers = meta.get("HTTPHeaders", {})
    milliseconds = str(headers.get("x-amz-retry-after", ""))
    if milliseconds.isdigit():
        return int(milliseconds) / 1000
    return retry_after_seconds(headers.get("retry-after"), time.time())
