# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's API: credentials as kubectl finds them, typed errors, and the collection's one retry policy.

The package ``kubernetes`` reads kubeconfig, runs its plugins for tokens and renews them. Requests go by ``requests``:
an object is a plain mapping here, and the package's own client, a class for each kind, would have nothing to add.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import importlib
import json
import re
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type, TypeVar

try:
    import requests
except ImportError:  # it comes with the package kubernetes, and that one's absence is a finding
    requests = None  # type: ignore[assignment]

from ansible_collections.praxis.cloud.plugins.module_utils import yaml_json
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.http_session import naming_the_server, sending_at_once
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import (
    Poll,
    Retry,
    is_transient,
    retry_after_seconds,
)
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.resources import INSTANCE, MANAGED_BY, MANAGER
from ansible_collections.praxis.cloud.plugins.plugin_utils import kubernetes_login

Object = Mapping[str, Any]
T = TypeVar("T")
_TIMEOUT = (5, 30)
#: What a kubelet answers, as the log itself and with 200, when it has removed the container or its log.
_NO_LOG = ("unable to retrieve container logs for ", "failed to try resolving symlinks in path ")
#: What a kubelet and its runtimes answer, with 500, to whoever wants to run a command in a container that has ended.
_NO_CONTAINER = re.compile(r"container not found|container is (?:in CONTAINER_|not (?:created or )?running)")
_APPLY = "application/apply-patch+yaml"
#: Seconds after which an object is applied again that somebody else wrote at the same moment; and for how long.
_BESIDE, _CONTENDED = 0.5, 10.0
#: In a 403, that the account may do it, and the cluster's admission does not take this: a quota, say, or a webhook.
_ADMISSION = re.compile(r" is forbidden: (?!User )|denied the request")


class Api:
    """One cluster. Not safe to share between threads.

    :param kubeconfig: its file; empty: ``KUBECONFIG``, else ``~/.kube/config``, else the pod that this runs in.
    :param context: of that file; empty: its current one.
    :param configuration: in place of both, that of a cluster which is known otherwise.
    """

    def __init__(
        self, kubeconfig: str = "", context: str = "", retry: Optional[Retry] = None, configuration: Any = None
    ) -> None:
        self._configuration = configuration or kubernetes_login.configuration(kubeconfig, context)
        self._retry = retry or Retry(deadline=30.0)
        self._session = sending_at_once(requests.Session())
        # The package knows it since its release 26; kubernetes.core works with older ones.
        if name := getattr(self._configuration, "tls_server_name", None):
            naming_the_server(self._session, name)
        # The kubeconfig's, as kubectl has it: for every request, whatever the environment says of this server.
        proxy = "" if configuration else self._configuration.proxy
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        # Given with each request: else REQUESTS_CA_BUNDLE would come before the cluster's own authority.
        self._verify = self._configuration.ssl_ca_cert or True if self._configuration.verify_ssl else False
        if self._configuration.cert_file:
            self._session.cert = (self._configuration.cert_file, self._configuration.key_file)
        if not self._configuration.verify_ssl:
            # The user's kubeconfig says so; a warning for each request would say it again.
            importlib.import_module("urllib3").disable_warnings()
        #: The API server's clock when it last answered, in seconds since 1970.
        self.now = 0.0

    @property
    def server(self) -> str:
        return str(self._configuration.host)

    @property
    def _token(self) -> str:
        """The value of the header Authorization; empty where there is none."""
        return kubernetes_login.authorization(self._configuration)

    def version(self) -> resources.Version:
        """The cluster's version."""
        found = self.request("GET", "/version")
        return int(found["major"]), int(re.sub(r"\D.*", "", found["minor"]))

    def served(self, groups: Sequence[str]) -> List[str]:
        """The API versions that the cluster serves of these groups."""
        there = {group["name"]: group for group in self.request("GET", "/apis")["groups"]}
        return [each["groupVersion"] for name in groups if name in there for each in there[name]["versions"]]

    def get(self, path: str) -> Optional[Dict[str, Any]]:
        """An object; None when it does not exist."""
        try:
            return self.request("GET", path)
        except errors.NotFound:
            return None

    def listed(self, path: str, **query: str) -> List[Dict[str, Any]]:
        """All objects of a path, each with its kind, which lists leave out; none when the path does not exist."""
        found: List[Dict[str, Any]] = []
        more = {**query, "limit": "500"}
        while True:
            try:
                answer = self.request("GET", path, more)
            except errors.NotFound:
                return found
            kind = answer["kind"][: -len("List")]
            found += [{"apiVersion": answer["apiVersion"], "kind": kind, **item} for item in answer.get("items") or []]
            token = answer["metadata"].get("continue")
            if not token:
                return found
            more["continue"] = token

    def ours(self, path: str, fleet: str) -> List[Dict[str, Any]]:
        """All objects of a path that this collection has made for this fleet."""
        return self.listed(path, labelSelector="%s=%s,%s=%s" % (MANAGED_BY, MANAGER, INSTANCE, fleet))

    def apply(self, item: Object, dry_run: bool = False, manager: str = MANAGER) -> Dict[str, Any]:
        """Server-side apply: what we name becomes so, and what we named before and do not now goes. Somebody else may
        write the same object, or the quota that it counts for, at the same moment, which is no refusal."""
        query = {"fieldManager": manager, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        text, path = yaml_json.dumps(dict(item)), resources.path(item)
        return _beside_others(functools.partial(self.request, "PATCH", path, query, text, _APPLY))

    def create(self, path: str, item: Object) -> Dict[str, Any]:
        """Make an object. A request whose answer is lost is not sent again."""
        return self.request("POST", path, {"fieldManager": MANAGER}, json.dumps(dict(item)), idempotent=False)

    def create_once(self, path: str, item: Object) -> None:
        """Make an object whose name nobody else gives to one. It is asked for again where the answer was lost, or where
        somebody wrote the quota that it counts for at the same moment; that it is there by then is none of these.
        """
        text = json.dumps(dict(item))

        def attempt() -> None:
            try:
                self.request("POST", path, {"fieldManager": MANAGER}, text)
            except errors.Conflict as error:
                if error.reason != "AlreadyExists":
                    raise

        _beside_others(attempt)

    def replace(self, path: str, item: Object) -> Dict[str, Any]:
        """Write an object over the version that it names."""
        return self.request("PUT", path, {"fieldManager": MANAGER}, json.dumps(dict(item)), idempotent=False)

    def delete(self, path: str) -> None:
        """Remove an object, and what it owns after it; nothing when it does not exist."""
        body = json.dumps({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
        with contextlib.suppress(errors.NotFound):
            self.request("DELETE", path, None, body)

    def log(self, namespace: str, pod: str, previous: bool, lines: int = 10) -> List[str]:
        """The end of a pod's log; empty when there is none, or its container has been removed."""
        path = "/api/v1/namespaces/%s/pods/%s/log" % (namespace, pod)
        query = {"container": "agent", "tailLines": str(lines), **({"previous": "true"} if previous else {})}
        try:
            text = self._retry.run(lambda: self._send("GET", path, query), idempotent=True).text
        except errors.CloudError:
            return []
        return [] if text.startswith(_NO_LOG) else text.splitlines()

    def execute(self, namespace: str, pod: str, command: Sequence[str], seconds: float) -> Tuple[Optional[int], str]:
        """Run a command in a pod's agent; its return code (None: it could not be run, or has not ended) and output.

        :raises CloudError: when the cluster refuses, or does not answer.
        """
        client = importlib.import_module("kubernetes.stream.ws_client")
        url = "%s/api/v1/namespaces/%s/pods/%s/exec" % (self.server, namespace, pod)
        query = [("container", "agent"), ("stdout", "true"), ("stderr", "true")]
        query += [("command", each) for each in command]
        token = self._token
        headers = {"authorization": token} if token else {}
        where = "GET %s" % url
        try:
            stream = client.WSClient(self._configuration, client.get_websocket_url(url, query), headers, True)
        except importlib.import_module("websocket").WebSocketBadStatusException as error:
            answer = (error.resp_body or b"").decode("utf-8", "replace")
            if error.status_code == 500 and _NO_CONTAINER.search(answer):
                # The cluster has answered: it is the pod that fails.
                fix = "See why it has ended: kubectl logs --previous -n %s %s." % (namespace, pod)
                raise errors.NotFound("The agent's container does not run.", where, fix) from None
            raise _refusal(error.status_code, answer, error.resp_headers or {}, where) from None
        except (OSError, _websocket_error()) as error:
            raise _unanswered(error, where) from None
        except (ValueError, KeyError, TypeError) as error:
            return None, kubernetes_login.said(error)
        try:
            stream.run_forever(timeout=seconds)
            code, text = stream.returncode, str(stream.read_all())
            stream.close()
        except (OSError, ValueError, KeyError, TypeError, _websocket_error()) as error:
            return None, kubernetes_login.said(error)
        said = " ".join(text.split())
        return code, said if code is not None else ("it had not ended after %g s %s" % (seconds, said)).strip()

    def request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        body: Optional[str] = None,
        content: str = "application/json",
        idempotent: bool = True,
    ) -> Dict[str, Any]:
        """Send a request and read its answer.

        :raises CloudError: when it is refused, or there is no answer.
        """
        answer = self._retry.run(lambda: self._send(method, path, query, body, content), idempotent=idempotent)
        found: Dict[str, Any] = answer.json()
        return found

    def _send(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        body: Optional[str] = None,
        content: str = "application/json",
    ) -> requests.Response:
        headers = {"Accept": "application/json, */*", "Content-Type": content, "User-Agent": MANAGER}
        token = self._token
        if token:
            headers["Authorization"] = token
        where = "%s %s%s" % (method, self.server, path)
        data = None if body is None else body.encode()
        try:
            url = self.server + path
            own: Dict[str, Any] = {"verify": self._verify, "proxies": self._proxies, "timeout": _TIMEOUT}
            answer = self._session.request(method, url, params=query, data=data, headers=headers, **own)
        except requests.RequestException as error:
            raise _unanswered(error, where, isinstance(error, requests.ConnectTimeout)) from None
        self.now = _clock(answer, self.now)
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, answer.text, answer.headers, where)
        return answer


def _beside_others(request: Callable[[], T]) -> T:
    """What a request returns, sent again while others write what it is about."""
    return Poll(interval=_BESIDE).allowed(request, errors.Conflict, seconds=_CONTENDED)


def _websocket_error() -> Type[Exception]:
    found: Type[Exception] = importlib.import_module("websocket").WebSocketException
    return found


def _unanswered(error: BaseException, where: str, untouched: bool = False) -> errors.CloudError:
    fix = "Check KUBECONFIG (praxis_kubeconfig), and that this controller reaches that address."
    what = "The cluster's API does not answer: %s." % kubernetes_login.said(error)
    return errors.Unavailable(what, where, fix, code="cluster-unreachable", untouched=untouched)


def _refusal(code: int, text: str, headers: Mapping[str, str], where: str) -> errors.CloudError:
    try:
        status = json.loads(text)
        said, reason = str(status.get("message") or ""), str(status.get("reason") or "")
    except (ValueError, AttributeError):
        said, reason = text[:300], ""
    said = " ".join(said.split()).rstrip(".") or http.client.responses.get(code, "")
    what = "The cluster answers %d: %s" % (code, said)
    after = retry_after_seconds(headers.get("Retry-After"), 0.0)
    if code == 404:
        return errors.NotFound(what + ".", where, "Fix what the cluster's message names, then run "
                                                  "this again.", reason=reason)
    if code == 401 or code == 403 and "system:anonymous" in said:
        fix = "The cluster refuses the login: log in again, or see why the kubeconfig's plugin gives no token."
        return errors.Expired(what + ".", where, fix, code="cluster-denied", reason=reason)
    if code == 403 and not _ADMISSION.search(said):
        fix = "Give the controller's account this right: docs/kubernetes.md lists all that it needs."
        return errors.Denied(what + ".", where, fix, code="cluster-denied", reason=reason)
    if code == 409:
        return errors.Conflict(what + ".", where, "Run this again.", code="cluster-conflict", reason=reason)
    if code == 429 or is_transient("", code):
        fix = "Wait a little, and run this again."
        return errors.Unavailable(
            what + ".", where, fix, code="cluster-unreachable", reason=reason, retry_after=after
        )
    fix = "Fix the setting that the message is about. Where a field cannot be changed, use another name."
    return errors.Invalid(what + ".", where, fix, code="object-refused", reason=reason)


def _clock(answer: requests.Response, before: float) -> float:
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return before
