# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials and policies are enforced: signature, action and resource, with each service's own error."""

from __future__ import annotations

import threading
from typing import Any

from moto.core.exceptions import (
    AccessDeniedError,
    AuthFailureError,
    InvalidClientTokenIdError,
    SignatureDoesNotMatchError,
)
from moto.core.responses import BaseResponse
from moto.iam.access_control import IAMPolicy, IAMRequest
from moto.secretsmanager.models import SecretsManagerBackend
from werkzeug.exceptions import HTTPException

from sandbox.aws import policy
from sandbox.aws.cloud import Cloud
from sandbox.aws.operations import refuse, speaks_json
from sandbox.aws.resources import needs, secret_arn
from sandbox.site import REGION

_caller = threading.local()
"""Who is asking, for checks that are made inside an operation; a request has its thread to itself."""

READ = "secretsmanager:GetSecretValue"
JSON_CODES = {"AccessDenied": "AccessDeniedException", "InvalidClientTokenId": "UnrecognizedClientException",
              "SignatureDoesNotMatch": "InvalidSignatureException"}
EC2_CODES = {"AccessDenied": "UnauthorizedOperation", "InvalidClientTokenId": "AuthFailure",
             "SignatureDoesNotMatch": "AuthFailure"}


class Denied(HTTPException):
    """A refusal, already in the service's protocol."""

    def __init__(self, response: Any, code: str, message: str) -> None:
        super().__init__()
        if speaks_json(response):
            code, self.code = JSON_CODES.get(code, code), 400
        else:
            code, self.code = EC2_CODES.get(code, code) if response.service_name == "ec2" else code, 403
        _status, _headers, self.description = refuse(response, code, message, self.code)


def documents(request: IAMRequest) -> list[dict[str, Any]]:
    """The policies of whoever signed the request."""
    return [IAMPolicy(held)._policy_json for held in request._access_key.collect_policies()]


def signed(response: Any) -> IAMRequest:
    """The request with its signature checked. Raises Denied."""
    query = response.parsed_url.query
    try:
        # moto takes a query for data, and a request without a body has signed none.
        request = IAMRequest(account_id=response.current_account, method=response.method,
                             path=response.raw_path + (f"?{query}" if query else ""),
                             data={} if response.method in ("GET", "DELETE") else response.data,
                             body=response.raw_body, headers=response.headers, action=response._get_action())
        request.check_signature()
    except (AuthFailureError, InvalidClientTokenIdError):
        raise Denied(response, "InvalidClientTokenId",
                     "The security token included in the request is invalid.") from None
    except SignatureDoesNotMatchError as error:
        raise Denied(response, "SignatureDoesNotMatch", error.message) from None
    return request


def install(cloud: Cloud) -> None:
    """Check every operation, once the bootstrap is done."""

    def authorize(self: Any, resource: str = "*") -> None:
        operation = self._get_action()
        if not cloud.enforced:
            return
        request = signed(self)
        if operation == "GetCallerIdentity":
            return
        held = documents(request)
        for action, arn, context in needs(self, request._service, operation):
            if not policy.allowed(held, action, arn, {**_everywhere(), **context}):
                raise Denied(self, "AccessDenied",
                             f"User: {request._access_key.arn} is not authorized to perform: {action} on resource: "
                             f"{arn} because no identity-based policy allows the {action} action")
        if operation == "AssumeRole":
            try:
                request.check_action_permitted(resource)
            except AccessDeniedError as error:
                raise Denied(self, "AccessDenied", error.message) from None
        if operation == "BatchGetSecretValue":
            _caller.held, _caller.arn = held, request._access_key.arn

    BaseResponse._authenticate_and_authorize_normal_action = authorize
    _patch_batch(cloud)


def _everywhere() -> dict[str, str]:
    """Condition keys of every request."""
    return {"aws:RequestedRegion": REGION}


def _patch_batch(cloud: Cloud) -> None:
    batch = SecretsManagerBackend.batch_get_secret_value

    def batch_get_secret_value(self: Any, secret_id_list: list[str] | None = None, *args: Any, **kwargs: Any) -> Any:
        """Each secret is checked by itself; a refused one is reported beside the values of the others."""
        if not cloud.enforced or not secret_id_list:
            return batch(self, secret_id_list, *args, **kwargs)
        refused = [ident for ident in secret_id_list
                   if not policy.allowed(_caller.held, READ, secret_arn(self, ident), _everywhere())]
        readable = [ident for ident in secret_id_list if ident not in refused]
        values, errors, token = batch(self, readable, *args, **kwargs) if readable else ([], [], None)
        errors += [{"SecretId": ident, "ErrorCode": "AccessDeniedException",
                    "Message": f"User: {_caller.arn} is not authorized to perform: {READ} on "
                               f"resource: {secret_arn(self, ident)}"} for ident in refused]
        return values, errors, token

    SecretsManagerBackend.batch_get_secret_value = batch_get_secret_value
