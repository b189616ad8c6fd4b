# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every API operation passes here: faults are fired, changes take the lock, and the log gets its line."""

from __future__ import annotations

import json
import re
import threading
import time
import traceback
import uuid
from contextlib import nullcontext
from typing import Any
from xml.sax.saxutils import escape

from moto.core.responses import BaseResponse

from sandbox.aws.cloud import Cloud
from sandbox.aws.faults import UNANSWERED, Strike
from sandbox.aws.log import mutates

_nested = threading.local()

CUT = "sandbox.cut"
"""Set in a request's WSGI environment when its connection is to be reset instead of answered."""
SHORTEN = "sandbox.shorten"
"""Set when the answer is to end in the middle."""

MACHINE_ORDERS = ("RunInstances", "StartInstances", "StopInstances", "TerminateInstances")
PATIENCE = 3.0
"""Seconds for which an order about machines is answered late. The machine is mostly done then, and a waiter, which
looks once and then every 15 s, loses no time. What takes longer goes on in the background."""


def error_code(status: int, headers: dict[str, Any], body: Any) -> str | None:
    """The error code in an answer; None when it is not an error."""
    if status < 400:
        return None
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    for pattern in (r"<Code>([^<]+)</Code>", r'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"'):
        if found := re.search(pattern, text):
            return found[1]
    named = {name.lower(): value for name, value in headers.items()}.get("x-amzn-errortype")
    return str(named).rpartition("#")[2] if named else f"HTTP{status}"


def speaks_json(response: Any) -> bool:
    """Whether the request is of a JSON service: EC2, IAM, STS and load balancing speak the query protocol, and Route 53
    XML."""
    if response.service_name == "route53":
        return False
    return not str(response.headers.get("Content-Type", "")).startswith("application/x-www-form")


def refuse(response: Any, code: str, message: str, status: int) -> tuple[int, dict[str, Any], str]:
    """An error in the protocol of the response's service."""
    if speaks_json(response):
        body = json.dumps({"__type": code, "message": message})
        return status, {"status": status, "content-type": "application/x-amz-json-1.1", "x-amzn-errortype": code}, body
    said = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    request = f"<RequestId>{uuid.uuid4()}</RequestId>"
    if response.service_name == "ec2":
        body = f"<Response><Errors><Error>{said}</Error></Errors>{request.replace('RequestId', 'RequestID')}</Response>"
    else:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error>{request}</ErrorResponse>"
    return status, {"status": status, "content-type": "text/xml"}, body


def install(cloud: Cloud) -> None:
    """Wrap moto's one dispatcher."""

    def dispatch(self: Any, request: Any, full_url: str | None = None, headers: Any = None) -> Any:
        if getattr(_nested, "inside", False):
            self.setup_class(request, full_url, headers)
            return self.call_action()
        _nested.inside, _nested.hid = True, None
        service, operation, status = self.service_name or "", "", 500
        error: str | None = "InternalFailure"
        fired: str | None = None
        try:
            self.setup_class(request, full_url, headers)
            operation = self._get_action() or ""
            _nested.operation = operation
            fault = cloud.faults.choose(service, operation, self.access_key)
            strike = fault.strike(service, operation) if fault else None
            fired = fault.ident if fault else None
            if strike and (struck := _strike(self, request, strike, fired)):
                status, answer_headers, body = struck
            else:
                with cloud.changes if mutates(operation) else nullcontext():
                    status, answer_headers, body = self.call_action()
                if operation in MACHINE_ORDERS:
                    cloud.settle(PATIENCE)
            status = int(status)
            error = UNANSWERED.get(strike.kind if strike else "") or error_code(status, answer_headers, body)
            return status, answer_headers, body
        except Exception as trouble:  # noqa: BLE001  (the edge of a foreign program: whatever it raises becomes an answer)
            # moto does not know the operation, or stumbled: say so instead of a page of HTML.
            cloud.log.say(f"{service}:{operation}: {trouble!r}\n{traceback.format_exc(limit=-4)}"[:4000])
            error = "NotImplemented" if isinstance(trouble, NotImplementedError) else "InternalFailure"
            status = 501 if error == "NotImplemented" else 500
            return refuse(self, error, f"the sandbox's API failed: {trouble!r}"[:500], status)
        finally:
            _nested.inside = False
            cloud.log.operation(service, operation, status=status, error=error,
                                access_key=getattr(self, "access_key", ""), fault=fired or _nested.hid)

    BaseResponse._dispatch = dispatch


def _strike(response: Any, request: Any, strike: Strike, ident: str | None) -> tuple[int, dict[str, Any], Any] | None:
    """Carry a fault out. None: the operation goes on (what is struck is its answer)."""
    if strike.kind == "slow":
        time.sleep(strike.seconds)
        return None
    if strike.kind in ("reset", "lose"):
        request.environ[CUT] = True
        return None if strike.kind == "lose" else (200, {}, "")
    if strike.kind == "truncate":
        request.environ[SHORTEN] = True
        return None
    status, headers, body = refuse(response, strike.code, f"ordered by the sandbox ({ident})", strike.status)
    if strike.retry_after is not None:
        headers["retry-after"] = str(strike.retry_after)
    return status, headers, body


def observing(operation: str) -> bool:
    """Whether this thread serves that operation."""
    return getattr(_nested, "inside", False) and getattr(_nested, "operation", "") == operation


def missed(cloud: Cloud, instance_id: str, made_at: float) -> bool:
    """Whether the observation that is going on misses an instance, because a fault was ordered before it was made."""
    fault = cloud.faults.hidden(instance_id, made_at)
    _nested.hid = fault or getattr(_nested, "hid", None)
    return fault is not None
