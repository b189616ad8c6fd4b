# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer that is an error, in Google's words."""

from __future__ import annotations

from typing import Any

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class Refused(Exception):
    """A request that gets an error for an answer.

    :param code: the HTTP status.
    :param reason: Google's machine-readable word, ``notFound``.
    :param message: Google's sentence.
    :param status: the canonical code, ``NOT_FOUND``; by default the one that goes with the HTTP status.
    """

    def __init__(self, code: int, reason: str, message: str, status: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after: int | None = None
        """Seconds after which to come again, if that is said."""
        self.status = status or STATUS.get(code, "UNKNOWN")

    def body(self, newer: bool) -> dict[str, Any]:
        """The answer's JSON: Compute gives its reason in ``errors``, the newer services in ``details`` if at all."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if not newer:
            said = {"message": self.message, "domain": "global", "reason": self.reason}
            return {"error": {**error, "errors": [said]}}
        if self.reason.isupper():
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason}
            error["details"] = [{**info, "domain": "iam.googleapis.com"}]
        return {"error": {**error, "status": self.status}}


def not_found(path: str) -> Refused:
    """No resource has this path."""
    return Refused(404, "notFound", f"The resource '{path}' was not found")


def invalid(field: str, value: Any, why: str) -> Refused:
    """A field's value will not do."""
    return Refused(400, "invalid", f"Invalid value for field '{field}': '{value}'. {why}")
