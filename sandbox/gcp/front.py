# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request to a Google host passes here: who asks, what for, whether they may, and which fault strikes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.aws.faults import UNANSWERED, Faults, Strike
from sandbox.aws.log import Log
from sandbox.gcp import discovery
from sandbox.gcp.access import Access
from sandbox.gcp.answers import Answer, Request
from sandbox.gcp.compute.resources import Resource
from sandbox.gcp.compute.service import Compute
from sandbox.gcp.container import Container
from sandbox.gcp.container_registry import ArtifactRegistry
from sandbox.gcp.discovery import Call
from sandbox.gcp.dns import Dns
from sandbox.gcp.iam import ServiceAccounts
from sandbox.gcp.identity import Identities
from sandbox.gcp.refused import Refused
from sandbox.gcp.resource_manager import VERSIONS, ResourceManager
from sandbox.gcp.roles import COLLECTION as ROLES
from sandbox.gcp.roles import Roles
from sandbox.gcp.secret_manager import SecretManager
from sandbox.registry import Registry

READS = frozenset({"get", "list", "aggregatedList", "wait", "access", "getHealth", "listInstances", "getFromFamily",
                   "listNetworkEndpoints", "testIamPermissions", "getIamPolicy"})
"""Methods that change nothing."""

COMPUTE_HOSTS = ("compute.googleapis.com", "www.googleapis.com")
SERVICES = {"secretmanager.googleapis.com": "secretmanager", "iam.googleapis.com": "iam",
            "artifactregistry.googleapis.com": "artifactregistry", "dns.googleapis.com": "dns",
            "cloudresourcemanager.googleapis.com": "cloudresourcemanager", "container.googleapis.com": "container"}
METADATA_HOSTS = ("metadata.google.internal", "169.254.169.254")
REFUSALS = {"throttle": "Quota exceeded for quota metric.", "error": "The service is currently unavailable.",
            "expire": "Request had invalid authentication credentials.",
            "quota": "Quota exceeded in region us-central1.", "page": "The service is currently unavailable."}
CUT_SHORT = {"kind": "an answer that was cut short"}
METADATA = {"Metadata-Flavor": "Google", "Content-Type": "application/text"}


class Front:
    """The Google hosts that the sandbox is.

    :param default_account: the account of the metadata server, by email.
    :param registry: what Artifact Registry's hosts lead to.
    """

    def __init__(self, compute: Compute, log: Log, faults: Faults, default_account: str = "",
                 registry: Registry | None = None) -> None:
        self.compute = compute
        self.secrets = SecretManager()
        self.dns = Dns()
        self.identities = Identities()
        self.accounts = ServiceAccounts(self.identities)
        self.access = Access()
        self.roles = Roles(self.access)
        self.container = Container(compute.resources, self.identities)
        self.projects = ResourceManager(self.access, self.identities)
        self.default_account = default_account
        self.registry = ArtifactRegistry(registry, self.identities, self.access, log) if registry else None
        self._log = log
        self._faults = faults
        self._observing = threading.local()
        """What the request of this thread meets."""
        compute.missed = self._missed

    def answer(self, request: Request) -> Answer:
        """Answer one request; what goes wrong is an answer too."""
        try:
            if request.host in METADATA_HOSTS:
                return self._metadata(request)
            if self.registry and self.registry.serves(request.host):
                return self.registry.answer(request)
            return _json(200, self._routed(request))
        except Refused as refused:
            if request.host.startswith(("oauth2.", "sts.")):  # RFC 6749's form
                return _json(refused.code, {"error": refused.reason, "error_description": refused.message})
            said = _json(refused.code, refused.body(newer=request.host not in COMPUTE_HOSTS))
            wish = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
            return replace(said, headers={**said.headers, **wish})
        except _Cut as cut:
            return replace(_json(200, CUT_SHORT), shortened=True) if cut.shortened else Answer(0, b"", {}, cut=True)

    def _routed(self, request: Request) -> dict[str, Any]:
        host = request.host
        if host == "oauth2.googleapis.com" and request.path == "/token":
            return self.identities.from_assertion(request.form())
        if host == "sts.googleapis.com" and request.path == "/v1/token":
            return self.identities.exchanged(request.form())
        if host == "iamcredentials.googleapis.com":
            call = discovery.load("iamcredentials.v1").call(request.verb, request.path, request.query, request.body)
            caller = self.identities.who(request.headers.get("authorization", ""))
            if call.method.name == "getAllowedLocations":
                return {"locations": [], "encodedLocations": "0x0"}  # wherever it likes
            if call.method.name != "generateAccessToken":
                raise Refused(501, "notImplemented", f"The sandbox does no iamcredentials {call.method.name}")
            return self.identities.generated(caller, call.where["serviceAccountsId"], call.body.get("lifetime", ""))
        if host in COMPUTE_HOSTS and request.path.startswith("/compute/"):
            return self._service("compute", request)
        if host in SERVICES:
            return self._service(SERVICES[host], request)
        raise Refused(404, "notFound", f"The sandbox is not {host}{request.path}")

    def _service(self, name: str, request: Request) -> dict[str, Any]:
        asked = request.path.split("/")[1]
        version = (asked if asked in VERSIONS else VERSIONS[0]) if name == "cloudresourcemanager" else "v1"
        call = discovery.load(f"{name}.{version}").call(request.verb, request.path, request.query, request.body)
        operation = f"{call.method.collection}.{call.method.name}"
        authorization = request.headers.get("authorization", "")
        email, error, status = self.identities.claimed(authorization), None, 200
        fault = self._faults.choose(name, operation, email, _traits(call))
        # Google's newer services have the same words for what went wrong.
        strike = fault.strike(name, operation, "compute" if name == "compute" else "secretmanager") if fault else None
        self._observing.hid = None
        try:
            if strike:
                _before(strike)
            email = self.identities.who(authorization)
            if call.method.name != "testIamPermissions":  # whoever asks for their own needs none
                self.access.check(name, call, email)
            answer = self._carry_out(name, call, email, strike)
            if strike:
                _after(strike)
            return answer
        except Refused as refused:
            error, status = refused.reason, refused.code
            raise
        except _Cut:
            error = UNANSWERED[strike.kind] if strike else None
            raise
        finally:
            self._log.operation(name, operation, status=status, error=error, access_key=email,
                                fault=fault.ident if fault else self._observing.hid,
                                mutating=call.method.name not in READS)

    def _missed(self, instance: Resource) -> bool:
        """Whether this listing misses an instance, because a fault was ordered before it was made."""
        fault = self._faults.hidden(instance["id"], instance["_made"])
        self._observing.hid = fault or self._observing.hid
        return fault is not None

    def _carry_out(self, name: str, call: Call, email: str, strike: Strike | None) -> dict[str, Any]:
        if name == "compute":
            return self.compute.answer(call, email, strike)
        if name == "iam":
            return (self.roles if call.method.collection == ROLES else self.accounts).answer(call)
        if name == "cloudresourcemanager":
            return self.projects.answer(call, email)
        if name in ("dns", "container"):
            return (self.dns if name == "dns" else self.container).answer(call)
        if name == "artifactregistry" and self.registry:
            return self.registry.api(call)
        return self.secrets.answer(call)

    def _metadata(self, request: Request) -> Answer:
        """The metadata server, as a program on a machine sees it: who am I, and a token."""
        if request.headers.get("metadata-flavor") != "Google":
            return Answer(403, b"Missing Metadata-Flavor:Google header.", {})
        account = "/computeMetadata/v1/instance/service-accounts/"
        path = request.path.rstrip("/")
        if path in ("", "/computeMetadata", "/computeMetadata/v1"):
            return Answer(200, b"ok", METADATA)
        if not self.default_account:
            return Answer(404, b"", METADATA)
        project = self.identities.account(self.default_account).project
        if path == "/computeMetadata/v1/project/project-id":
            return Answer(200, project.encode(), METADATA)
        for name in ("default", self.default_account):
            if path == f"{account}{name}/token":
                issued = {"access_token": self.identities.issue(self.default_account), "expires_in": 3599,
                          "token_type": "Bearer"}
                return Answer(200, json.dumps(issued).encode(), {**METADATA, "Content-Type": "application/json"})
            if path == f"{account}{name}":
                known = {"aliases": ["default"], "email": self.default_account,
                         "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
                return Answer(200, json.dumps(known).encode(), {**METADATA, "Content-Type": "application/json"})
        return Answer(404, b"", METADATA)


def _traits(call: Call) -> set[str]:
    """What holds of a request, for the faults that strike only some."""
    found = set()
    if call.method.name not in READS:
        found.add("change")
        if call.body.get("fingerprint") or call.body.get("labelFingerprint"):
            found.add("fingerprint")
    if call.query.get("pageToken"):
        found.add("page")
    return found


class _Cut(Exception):
    """The connection is to be reset, or the answer to end half-way."""

    def __init__(self, shortened: bool = False) -> None:
        super().__init__()
        self.shortened = shortened


def _before(strike: Strike) -> None:
    """Let a fault happen before the request is carried out; what comes back is for later, or was `slow`."""
    if strike.kind == "slow":
        time.sleep(strike.seconds)
    elif strike.kind == "reset":
        raise _Cut
    elif strike.kind in REFUSALS:
        refused = Refused(strike.status, strike.code, strike.message or REFUSALS[strike.kind])
        refused.retry_after = strike.retry_after
        raise refused


def _after(strike: Strike) -> None:
    """Let a fault happen to the answer of a request that was carried out."""
    if strike.kind == "lose":
        raise _Cut
    if strike.kind == "truncate":
        raise _Cut(shortened=True)


def _json(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=UTF-8"})
