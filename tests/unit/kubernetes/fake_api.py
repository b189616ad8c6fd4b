# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for an API server: objects by path, a crude server-side apply, and a controller that makes pods at once.

It shows the order of requests and what a run concludes from answers. What a real server accepts, merges or fills in is
shown by ``make test-kubernetes`` alone.
"""

from __future__ import annotations

import copy
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

GROUPS = ("apps/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1", "coordination.k8s.io/v1",
          "external-secrets.io/v1")
TOKEN = "the-controller-s-own"


class FakeApi:
    """The server.

    :ivar objects: path -> object.
    :ivar written: method and path of each request that changed something.
    :ivar history: each object as it was written, with its path.
    :ivar bad_images: image -> state of a container with that image.
    :ivar logs: what a container says, and what the one before it said.
    :ivar exec_refusal: the status and answer to whoever wants to run a command in a pod.
    """

    def __init__(self, folder: Path) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.written: list[str] = []
        self.history: list[tuple[str, dict[str, Any]]] = []
        self.bad_images: dict[str, dict[str, Any]] = {}
        self.exec_refusal: tuple[int, dict[str, Any]] = (404, {"message": "not found", "reason": "NotFound"})
        self.logs = ("the last words", "the words before")
        self.events: list[dict[str, Any]] = []
        self.scaled: dict[str, int] = {}
        self._before: dict[str, dict[str, Any]] = {}
        self._count = 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Quiet."""

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                url = urlsplit(self.path)
                query = {key: value[0] for key, value in parse_qs(url.query).items()}
                code, answer = 401, {"message": "Unauthorized", "reason": "Unauthorized"}
                if self.command == "PATCH" and re.search(rb"(?<!\\)\\ud[89a-f]", body):
                    # An API server reads what is applied as YAML, which has no surrogate pairs.
                    said = "error decoding YAML: found invalid Unicode character escape code"
                    code, answer = 400, {"message": said, "reason": "BadRequest"}
                elif self.headers.get("Authorization") == f"Bearer {TOKEN}":
                    code, answer = fake.answer(self.command, url.path, query, json.loads(body) if body else None)
                text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = _any

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "users": [{"name": "me", "user": {"token": TOKEN}}],
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
        }))  # fmt: skip

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """A request's status and answer."""
        if path == "/version":
            return 200, {"major": "1", "minor": "30+"}
        if path == "/apis":
            groups: dict[str, list[str]] = {}
            for version in GROUPS:
                groups.setdefault(version.partition("/")[0], []).append(version)
            return 200, {"groups": [{"name": name, "versions": [{"groupVersion": each} for each in listed]}
                                    for name, listed in groups.items()]}
        if method == "GET":
            return self._get(path, query)
        if method == "DELETE":
            if "/pods/" in path:  # its controller makes it again at once
                self.written.append(f"DELETE {path}")
                return 200, {"kind": "Pod"}
            if path not in self.objects:
                return 404, {"message": "not found", "reason": "NotFound"}
            del self.objects[path]
            self.written.append(f"DELETE {path}")
            return 200, {"kind": "Status"}
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                return 409, {"message": "it exists", "reason": "AlreadyExists"}
        before = self.objects.get(path)
        if method == "PUT" and before and body["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
            return 409, {"message": "another version", "reason": "Conflict"}
        after = self._applied(before, body, query["fieldManager"]) if method == "PATCH" else copy.deepcopy(body)
        if "dryRun" not in query and (before is None or after != before):
            self._count += 1
            after["metadata"]["resourceVersion"] = str(self._count)
            after["metadata"]["generation"] = self._count
            self.objects[path] = after
            self.written.append(f"{method} {path}")
            self._keep_revision(before, after)
            self.history.append((path, copy.deepcopy(after)))
        return 200, after

    def _applied(self, before: dict[str, Any] | None, body: Any, manager: str) -> dict[str, Any]:
        if manager.endswith("-replicas") and before:
            self.scaled[before["metadata"]["name"]] = count = body["spec"]["replicas"]
            return {**copy.deepcopy(before), "spec": {**before["spec"], "replicas": count}}
        after: dict[str, Any] = copy.deepcopy(body)
        kept = {name: (before or {}).get("metadata", {}).get(name) for name in ("resourceVersion", "generation")}
        after["metadata"].update({name: value for name, value in kept.items() if value})
        after["metadata"]["managedFields"] = [{"manager": manager, "operation": "Apply"}]
        if after["kind"] in ("StatefulSet", "Deployment") and "replicas" not in after["spec"]:
            after["spec"]["replicas"] = self.scaled.get(after["metadata"]["name"], 2)
        return after

    def _keep_revision(self, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Remember the template that pods below a partition go on with."""
        if before and after["kind"] == "StatefulSet" and before["spec"]["template"] != after["spec"]["template"]:
            self._before[after["metadata"]["name"]] = copy.deepcopy(before["spec"]["template"])

    def _get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        wanted = dict(each.split("=") for each in query.get("labelSelector", "").split(",") if each)
        if path.endswith("/pods"):
            pods = self._pods(path.split("/")[-2])
            pods = [pod for pod in pods if wanted.items() <= pod["metadata"]["labels"].items()]
            return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}
        if path.endswith("/events"):
            return 200, {"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": self.events}
        if path.endswith("/log"):
            return 200, self.logs["previous" in query]
        if path.endswith("/exec"):
            return self.exec_refusal
        if path in self.objects:
            found = copy.deepcopy(self.objects[path])
            if found["kind"] in ("StatefulSet", "Deployment"):
                count = found["spec"]["replicas"]
                found["status"] = {"observedGeneration": found["metadata"]["generation"], "updatedReplicas": count,
                                   "readyReplicas": count, "availableReplicas": count}
            return 200, found
        inside = [item for name, item in self.objects.items() if name.rpartition("/")[0] == path]
        if not inside and "labelSelector" not in query:
            return 404, {"message": "not found", "reason": "NotFound"}
        items = [item for item in inside if wanted.items() <= item["metadata"].get("labels", {}).items()]
        kind = items[0]["kind"] if items else "Nothing"
        version = items[0]["apiVersion"] if items else "v1"
        return 200, {"kind": f"{kind}List", "apiVersion": version, "metadata": {}, "items": items}

    def _pods(self, namespace: str) -> list[dict[str, Any]]:
        there = [item for item in self.objects.values() if item["metadata"].get("namespace") == namespace]
        return [self._pod(item, ordinal) for item in there
                if item["kind"] in ("StatefulSet", "Deployment") for ordinal in range(item["spec"]["replicas"])]

    def _pod(self, workload: dict[str, Any], ordinal: int) -> dict[str, Any]:
        template, owner = workload["spec"]["template"], workload["metadata"]["name"]
        rolling = workload["spec"].get("updateStrategy", {}).get("rollingUpdate", {})
        if ordinal < rolling.get("partition", 0):
            template = self._before.get(owner, template)
        state = self.bad_images.get(template["spec"]["containers"][0]["image"])
        name = f"{owner}-{ordinal}"
        running = {"running": {"startedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(0))}}
        return {
            "metadata": {"name": name, "uid": f"{name} {workload['metadata']['generation']}",
                         "labels": template["metadata"]["labels"]},
            "spec": {**template["spec"], "nodeName": "node-1"},
            "status": {
                "phase": "Pending" if state else "Running",
                "conditions": [{"type": "Ready", "status": "False" if state else "True"}],
                "containerStatuses": [{"name": "agent", "restartCount": 0, "state": state or running}],
            },
        }
