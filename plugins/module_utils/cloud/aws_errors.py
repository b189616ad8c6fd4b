# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS's refusals and the SDK's exceptions as our typed errors."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import (
    is_throttling,
    is_transient,
    retry_after_seconds,
)

_CREDENTIAL_CODES = frozenset({
    "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId",
    "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired",
    "UnrecognizedClientException",
})  # fmt: skip
# What AWS says when the time in a request is too far from its own.
_CLOCK_CODES = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
_CREDENTIAL_ERRORS = frozenset({
    "CredentialRetrievalError", "InfiniteLoopConfigError", "InvalidConfigError", "LoginAuthorizationCodeError",
    "LoginError", "LoginInsufficientPermissions", "LoginRefreshRequired", "LoginTokenLoadError",
    "MetadataRetrievalError", "MissingDependencyException", "NoAuthTokenError", "NoCredentialsError",
    "PartialCredentialsError", "PersonNeededError", "ProfileNotFound", "RefreshWithMFAUnsupportedError", "SSOError",
    "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "UnknownCredentialError",
    "UnknownTokenProviderError",
})  # fmt: skip
# What the user's own files and environment say wrongly, by the SDK's names: they are no credentials.
_CONFIGURATION_ERRORS = frozenset({
    "ConfigNotFound", "ConfigParseError", "EndpointProviderError", "EndpointResolutionError", "EndpointVariantError",
    "InvalidChecksumConfigError", "InvalidDefaultsMode", "InvalidEndpointConfigurationError",
    "InvalidIMDSEndpointError", "InvalidIMDSEndpointModeError", "InvalidMaxRetryAttemptsError",
    "InvalidProxiesConfigError", "InvalidRegionError", "InvalidRetryConfigurationError", "InvalidRetryModeError",
    "InvalidSTSRegionalEndpointsConfigError", "NoRegionError", "UnknownEndpointError", "UnknownRegionError",
})  # fmt: skip
# By the SDK's names, what only a person can do, at a terminal of their own.
_MFA_ERRORS = frozenset({"PersonNeededError", "RefreshWithMFAUnsupportedError"})
_SSO_ERRORS = frozenset({"SSOError", "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"})
_LOGIN_ERRORS = frozenset({
    "LoginAuthorizationCodeError", "LoginError", "LoginInsufficientPermissions", "LoginRefreshRequired",
    "LoginTokenLoadError",
})  # fmt: skip
# In these the connection never stood, so nothing was sent.
_NEVER_CONNECTED = frozenset({"EndpointConnectionError", "ConnectTimeoutError"})
# A ProxyConnectionError may be either: urllib3 blames the proxy, too, for a connection through it that broke after the
# request had gone. These words are in one that says the connection never stood.
_NO_PROXY = re.compile("NewConnectionError|ConnectTimeoutError|NameResolutionError|Tunnel connection failed")
_HALVED = frozenset({
    "ChecksumError", "EventStreamError", "FlexibleChecksumError", "HalfAnswerError", "IncompleteReadError",
    "ResponseParserError",
})  # fmt: skip
_CUT_OFF = frozenset({
    "ConnectionClosedError", "ConnectionError", "HTTPClientError", "ProxyConnectionError", "ReadTimeoutError",
    "ResponseStreamingError",
})  # fmt: skip

_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|Unauthorized$|Forbidden|NotAuthorized|OptInRequired")
_MISSING = re.compile(r"NotFound|NoSuch|DoesNotExist|UnknownResource")
_QUOTA = re.compile(r"LimitExceeded|QuotaExceeded|^TooMany|InsufficientInstanceCapacity|InsufficientFreeAddresses")
_CONFLICT = re.compile(
    r"Already(Exists|Associated|Attached)|ResourceExists|^Duplicate|\.Duplicate$|InUse|Conflict|Incorrect\w*State"
    r"|InvalidState|DependencyViolation|^ClusterContains"
)
# By these words ECS refuses what comes too early, with the code of a wrong request: a role that was made a moment ago,
# its own for the account included, or a service whose predecessor of that name has not ended.
_EARLY = re.compile("Role is not valid|Unable to assume the service linked role|service that is still Draining")
_BY_CODE: tuple[tuple[re.Pattern[str], type[errors.CloudError]], ...] = (
    (_DENIED, errors.Denied),
    (_QUOTA, errors.QuotaExceeded),
    (_CONFLICT, errors.Conflict),
    (_MISSING, errors.NotFound),
)


class PersonNeededError(Exception):
    """The SDK would ask a person for a code."""


def refuse_to_ask(prompt: str) -> str:
    """In place of the SDK's question for a code: a worker process has no terminal, and would hang at somebody else's.

    :raises PersonNeededError: always.
    """
    raise PersonNeededError(prompt.strip().rstrip(":"))


class HalfAnswerError(Exception):
    """An answer shorter than it says it is."""


def refuse_half(response_dict: dict[str, Any], **others: Any) -> None:
    """The SDK takes half an answer in JSON for an empty one. Headers are a mapping without regard to case.

    :raises HalfAnswerError: when the body is shorter than announced.
    """
    headers, body = response_dict["headers"], response_dict["body"]
    announced = str(headers.get("content-length", ""))
    whole = isinstance(body, bytes) and announced.isdigit() and not headers.get("content-encoding")
    if whole and len(body) < int(announced):
        raise HalfAnswerError(f"{len(body)} of {announced} bytes")


def typed(error: Exception, where: str, permission: str, quotable: bool) -> errors.CloudError | None:
    """Our error for one of the SDK's, or None when it is not the SDK's."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _answered(response, where, permission, quotable)
    name = type(error).__name__
    if name in _HALVED:
        # The SDK's text quotes the answer, and that may hold a value.
        return errors.Unavailable(f"AWS's answer was cut off ({name}).", where, "Run it again.")
    if not type(error).__module__.startswith(("botocore", "boto3")) and not isinstance(error, PersonNeededError):
        return None
    # The text of a parameter error quotes parameters.
    text = f"{name}: {error}" if quotable else name
    cause = str(getattr(error, "kwargs", {}).get("error"))
    if name in _NEVER_CONNECTED or (name == "ProxyConnectionError" and _NO_PROXY.search(cause)):
        fix = "Check this machine's network, the endpoint's address (AWS_ENDPOINT_URL) and the proxy settings."
        return errors.Unavailable(f"No connection to AWS could be made ({text}).", where, fix, untouched=True)
    if name == "HTTPClientError" and "Invalid header value" in cause:  # it quotes the header: a session's token
        what = "The credentials hold a character that a request cannot carry, such as a line break."
        return errors.Expired(what, where, _CREDENTIALS_FIX)
    if name in _CUT_OFF:
        return errors.Unavailable(f"The connection broke before the answer ({text}).", where, "Run it again.")
    if name in _MFA_ERRORS:
        what = f"The profile needs the code of an MFA device ({text}), and a run cannot ask for it."
        return errors.Expired(what, where, _MFA_FIX, code="cloud-mfa")
    if name in _CREDENTIAL_ERRORS:
        fix = _SSO_FIX if name in _SSO_ERRORS else _LOGIN_FIX if name in _LOGIN_ERRORS else _CREDENTIALS_FIX
        return errors.Expired(f"There are no usable credentials ({text}).", where, fix)
    if name in _CONFIGURATION_ERRORS:
        what = f"The SDK's configuration cannot be used ({text})."
        fix = "Correct the option, the AWS_ variable or the profile in ~/.aws/config that it comes from."
        return errors.Invalid(what, where, fix, code="cloud-options")
    if name == "SSLError":
        fix = "Check the certificate of the endpoint; AWS_CA_BUNDLE names a private authority's certificate."
        return errors.Invalid(f"TLS failed ({text}).", where, fix, code="cloud-tls")
    return errors.Invalid(f"The request is not well-formed ({text}).", where, "Correct the parameter that the message "
                                                                              "names.")


def is_unreachable(error: errors.CloudError | None) -> bool:
    """Whether no connection could be made."""
    return isinstance(error, errors.Unavailable) and error.untouched


def no_such_region(session: Any, region: str, where: str) -> errors.CloudError | None:
    """An error for a region that the SDK does not know, else None. A new one may be younger than the SDK: to be asked
    when nothing answers at its address.

    :param session: the SDK's.
    """
    partitions = session.get_available_partitions()
    known = {each for partition in partitions for each in session.get_available_regions("ec2", partition)}
    if region in known:
        return None
    why = f"it is a zone of {region[:-1]}" if region[:-1] in known else "the SDK knows no region of that name"
    fix = "Correct praxis_region, the option region or AWS_REGION; for a new region, update botocore."
    return errors.Invalid(f"No region {region!r} answers: {why}.", where, fix, code="no-such-region")


_CREDENTIALS_FIX = (
    "Set the option profile or access_key and secret_key, export AWS_PROFILE or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, or log in again; if they are fresh, check this machine's clock."
)
_MFA_FIX = (
    "Get a session first (aws sts get-session-token --serial-number ARN --token-code CODE), and export its "
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in place of AWS_PROFILE; or use a profile without "
    "mfa_serial."
)
_SSO_FIX = "Log in again (aws sso login, with --profile NAME for a profile that is not the default), then run it again."
_LOGIN_FIX = "Log in again (aws login, with --profile NAME for a profile that is not the default), then run it again."


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
    if kind is errors.Invalid and _EARLY.search(str(response["Error"].get("Message", ""))):
        kind = errors.Conflict
    if kind is errors.Denied and "iam:PassRole" in str(response["Error"].get("Message", "")):
        kind = errors.NotPassed
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
    errors.NotPassed: "Grant iam:PassRole for that role to the identity that runs this.",
    errors.QuotaExceeded: "Request a higher quota for the account (Service Quotas), or remove unused resources.",
    errors.Conflict: "Wait until the resource's state allows this, then run this again.",
    errors.NotFound: "Check the name, the account and the region.",
    errors.Unavailable: "This is an error of AWS itself: run this again later.",
    errors.Invalid: "Correct what AWS's message names.",
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
