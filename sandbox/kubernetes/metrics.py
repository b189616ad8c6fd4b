# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for metrics-server: ``metrics.k8s.io`` from what the kubelets measure of their containers."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

GROUP, VERSION = "metrics.k8s.io", "metrics.k8s.io/v1beta1"


def fetched(url: str, token: str = "") -> Any:
    """What an API server or a kubelet answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=10) as answer:
        return json.load(answer)


def pods(server: str, token: str, kubelets: list[str], namespace: str, selector: str) -> dict[str, Any]:
    """The use of the pods that a selector names."""
    listed = fetched(f"{server}/api/v1/namespaces/{namespace}/pods?labelSelector={quote(selector)}", token)["items"]
    labels = {pod["metadata"]["uid"]: pod["metadata"].get("labels", {}) for pod in listed}
    seen = [pod for kubelet in kubelets for pod in fetched(f"{kubelet}/stats/summary")["pods"]]
    items = [{
        "metadata": {"name": pod["podRef"]["name"], "namespace": namespace, "labels": labels[pod["podRef"]["uid"]]},
        "timestamp": pod["containers"][0]["cpu"]["time"], "window": "10s",
        "containers": [use(container) for container in pod["containers"]],
    } for pod in seen if pod["podRef"]["uid"] in labels and pod.get("containers")]  # fmt: skip
    return {"kind": "PodMetricsList", "apiVersion": VERSION, "metadata": {}, "items": items}


def use(container: dict[str, Any]) -> dict[str, Any]:
    """What one container uses."""
    cpu, memory = container["cpu"].get("usageNanoCores", 0), container["memory"].get("workingSetBytes", 0)
    return {"name": container["name"], "usage": {"cpu": f"{cpu}n", "memory": f"{memory // 1024}Ki"}}


class Handler(BaseHTTPRequestHandler):
    """Answers the aggregator's and the autoscaler's requests."""

    server_url = token = ""
    kubelets: list[str] = []

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """Discovery, or the pods of a namespace."""
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if len(parts) == 6 and parts[5] == "pods":
            selector = parse_qs(url.query).get("labelSelector", [""])[0]
            answer = pods(self.server_url, self.token, self.kubelets, parts[4], selector)
        elif len(parts) == 3:
            resource = {"name": "pods", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
            answer = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": VERSION, "resources": [resource]}
        else:
            version = {"groupVersion": VERSION, "version": "v1beta1"}
            answer = {"kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": [version]}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def main(address: str, port: str, certificate: str, server: str, token: str, *kubelets: str) -> None:
    """Serve until the process is ended."""
    Handler.server_url, Handler.token, Handler.kubelets = server, token, list(kubelets)
    listener = ThreadingHTTPServer((address, int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    listener.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
