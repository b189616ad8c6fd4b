# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's failures as ours: what a service answers, what a library raises, how an operation ends."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import (
    is_throttling,
    is_transient,
    retry_after_seconds,
)

CREDENTIALS_FIX = (
    "Log in (gcloud auth application-default login), point GOOGLE_APPLICATION_CREDENTIALS or the option "
    "credentials_file at a service account's key or a federation's configuration; if they are fresh, check this "
    "machine's clock."
)
_STOCKOUT = re.compile(r"ZONE_RESOURCE_POOL_EXHAUSTED|STOCKOUT")
_QUOTA = re.compile(r"QUOTA|quotaExceeded|resourceExhausted")
_CONFLICT = re.compile(
    r"lreadyExists|conditionNotMet|resourceInUse|resourceNotReady|^ALREADY_EXISTS$|^FAILED_PRECONDITION$|^RESOURCE_IN_USE"
)
#: By the number of a code, its name, of those that say more than the message beside them.
_RPC = {
    3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION", 13: "INTERNAL", 14: "UNAVAILABLE",
}  # fmt: skip
_PERMISSION = re.compile(r"[Pp]ermission '([\w.]+)'|'([a-z]+\.[A-Za-z.]+)' permission")
# What is in requests' exceptions when nothing was sent. A ProxyError by itself says nothing: urllib3 calls it one, too,
# when a connection through a proxy breaks after the request has gone.
_NEVER_CONNECTED = ("ConnectTimeout", "NewConnectionError", "NameResolutionError", "Tunnel connection failed")
_CUT_OFF = frozenset({
    "ConnectionError", "ReadTimeout", "Timeout", "ChunkedEncodingError", "ContentDecodingError", "ProxyError",
})  # fmt: skip
#: Characters of somebody else's sentence: a proxy's may be a page.
_LONGEST = 500
_NO_CREDENTIALS = frozenset({
    "DefaultCredentialsError", "RefreshError", "MalformedError", "ReauthFailError", "ReauthSamlChallengeFailError",
})  # fmt: skip


def answered(
    status: int, body: bytes, headers: Mapping[str, str], where: str, quotable: bool = True
) -> errors.CloudError:
    """Our error for an HTTP answer that is one.

    :param quotable: whether the message may be shown; not when the request held a secret.
    """
    reason, message = _said(body)
    return _typed(status, reason, message if quotable else "", where, _wish(headers, body))


def unanswered(error: Exception, where: str) -> errors.CloudError | None:
    """Our error for one that a library raised; None when it is none of theirs."""
    module, name = type(error).__module__, type(error).__name__
    if module.startswith("google.api_core"):
        response = getattr(error, "response", None)
        if response is not None and response.content:
            return answered(int(response.status_code), response.content, response.headers, where)
        status = int(getattr(error, "code", None) or 0)
        if not status:
            return errors.Unavailable(f"Google did not answer ({name}).", where, "Run it again.")
        return _typed(status, "", str(getattr(error, "message", "")), where, None)
    if module.startswith("google.auth"):
        return _of_google_auth(error, name, where)
    if module.startswith("google.protobuf"):
        return unreadable(where)
    if isinstance(error, OSError) and module == "builtins":
        return _of_a_file(error, where)
    if not module.startswith(("requests", "urllib3")):
        return None
    if name == "SSLError":
        fix = "Check the certificate of the endpoint; REQUESTS_CA_BUNDLE names a private authority's certificate."
        return errors.Invalid(f"TLS failed ({error}).", where, fix, code="cloud-tls")
    if name == "InvalidHeader":  # its text quotes the header, and that is the token
        what = "The credentials hold a character that a request cannot carry, such as a line break."
        return errors.Expired(what, where, CREDENTIALS_FIX)
    if any(word in f"{name}: {error}" for word in _NEVER_CONNECTED):
        fix = "Check this machine's network, the endpoint's address and the proxy settings."
        return errors.Unavailable(f"No connection to Google could be made ({name}).", where, fix, untouched=True)
    if name in _CUT_OFF:
        return errors.Unavailable(f"The connection broke before the answer ({name}).", where, "Run it again.")
    return errors.Invalid(f"The request is not well-formed ({name}: {error}).", where, "Correct the option that the "
                                                                                       "message names.")


def _of_a_file(error: OSError, where: str) -> errors.CloudError | None:
    """The libraries let pass what the system says of a file: of a federation's token, or of authorities to trust."""
    if "CA certificate" in str(error):
        fix = "REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) must be the path of an existing file."
        return errors.Invalid(f"TLS cannot be used ({error}).", where, fix, code="cloud-tls")
    if error.filename is None:
        return None
    what = f"The credentials cannot be read ({error.strerror}: {error.filename})."
    return errors.Expired(what, where, CREDENTIALS_FIX)


def unreadable(where: str) -> errors.CloudError:
    """Our error for an answer that was no error, and that nothing can be read from."""
    what = "Google's answer was cut off, or is not JSON."
    return errors.Unavailable(what, where, "Run this again. If it fails again, check the proxy settings: a proxy may "
                                           "change the answers.")


def _of_google_auth(error: Exception, name: str, where: str) -> errors.CloudError:
    # A token could not be had, so the request itself was never sent.
    if name == "TransportError" or bool(getattr(error, "retryable", False)):
        fix = "Check this machine's network and the proxy settings."
        return errors.Unavailable("No access token could be fetched from Google "
                                  f"({name}).", where, fix, untouched=True)
    # The first argument is the sentence; the others may be a whole answer, and so may the first when there is none.
    text = str(error.args[0])[:_LONGEST] if error.args else ""
    text = text if text[:1].isalpha() else "no reason given"
    if name in _NO_CREDENTIALS:
        return errors.Expired(f"There are no usable credentials ({name}: {text}).", where, CREDENTIALS_FIX)
    return errors.Expired(f"The credentials cannot be used ({name}: {text}).", where, CREDENTIALS_FIX)


def failed_operation(operation: Mapping[str, Any], where: str) -> errors.CloudError:
    """Our error for an operation that ended badly: all that Google says of it."""
    found = operation["error"].get("errors") or [_of_rpc(operation["error"])]
    said = " ".join(f"{one.get('code', '')}: {one.get('message', '')}".strip(": ") for one in found)
    reason = str(found[0].get("code", ""))
    status = int(operation.get("httpErrorStatusCode") or 400)
    return _typed(status, reason, said, where, None)


def _of_rpc(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same of the newer services, whose code is a number."""
    return {**error, "code": _RPC.get(error.get("code", 0), error.get("code", ""))}


def _typed(status: int, reason: str, message: str, where: str, wish: float | None) -> errors.CloudError:
    said = f"Google answered {reason or status}" + (f": {message.rstrip('.')}." if message else ".")
    if _STOCKOUT.search(reason):
        fix = (
            "The zone has no such machines left at the moment: choose other zones (praxis_zones) or another machine "
            "type (praxis_instance_type), or run this again later."
        )
        return errors.QuotaExceeded(said, where, fix, reason=reason, code="cloud-stockout")
    if _QUOTA.search(reason):
        fix = "Request a higher quota for the project (IAM & Admin, Quotas), or remove unused resources."
        return errors.QuotaExceeded(said, where, fix, reason=reason)
    if is_throttling(reason, status):
        fix = "Wait a little and run it again, or lower the number of parallel requests."
        return errors.Throttled(said, where, fix, reason=reason, retry_after=wish, untouched=True)
    if status == 401:
        return errors.Expired(said, where, CREDENTIALS_FIX, reason=reason)
    if status == 403:
        return errors.Denied(said, where, _grant(message), reason=reason)
    if status == 404:
        return errors.NotFound(said, where, "Check the name, the project and the location.", reason=reason)
    if status in (409, 412) or _CONFLICT.search(reason):
        fix = "Another program changed it, or its state does not allow this now: check it there, then run this again."
        return errors.Conflict(said, where, fix, reason=reason)
    if is_transient(reason, status):
        fix = "This is an error of Google Cloud itself: run this again later."
        return errors.Unavailable(said, where, fix, reason=reason, retry_after=wish)
    return errors.Invalid(said, where, "Correct what Google's message names.", reason=reason)


def _grant(message: str) -> str:
    found = _PERMISSION.search(message)
    permission = (found[1] or found[2]) if found else "the permission that the message names"
    return f"Grant {permission} to the identity that runs this, and check that the API is enabled in the project."


def _said(body: bytes) -> tuple[str, str]:
    """Google's reason and message: Compute's reason is in ``errors``, the others' in ``details`` or ``status``."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "", body[:200].decode(errors="replace").strip()
    if not isinstance(error, dict):  # a token endpoint: RFC 6749
        return str(error), ""
    reasons = [one.get("reason") for one in (*error.get("errors", []), *error.get("details", [])) if one.get("reason")]
    return str(next(iter(reasons), "") or error.get("status", "")), str(error.get("message", ""))


def _wish(headers: Mapping[str, str], body: bytes) -> float | None:
    """Seconds the answer asks us to wait: its header, or the newer services' RetryInfo."""
    wish = retry_after_seconds(headers.get("Retry-After"), time.time())
    if wish is not None:
        return wish
    found = re.search(rb'"retryDelay"\s*:\s*"([0-9.]+)s"', body)
    return float(found[1]) if found else None
