# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the Docker Engine's socket and for `docker compose`, and a release to deploy with them."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

DIGEST = "sha256:" + "0123456789abcdef" * 4
LABELS = {"com.docker.compose.project": "praxis", "com.docker.compose.service": "agent"}
PEER = "12D3KooWAlpha"
IMAGE = "registry.example/praxis-agent@" + DIGEST


class FakeEngine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers like an engine that holds ``images`` and, when ``state`` says so, one container of ours."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        self.requests: list[tuple[str, str, dict[str, Any], dict[str, str]]] = []
        self.images: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, str] = {}
        self.pulls: list[dict[str, Any]] = []
        self.pull_status = 200
        self.distribution: tuple[int, dict[str, Any]] = (200, {"Descriptor": {"digest": DIGEST}, "Platforms": []})
        self.pulled_for = "amd64"
        self.keeps_images = False
        self.container: dict[str, Any] | None = None
        self.log = b""
        self.events = b""
        self.security = ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"]
        self.info: dict[str, Any] = {"DefaultRuntime": "runc"}
        self.services: dict[str, dict[str, Any]] = {}
        self.neighbours: list[dict[str, Any]] = []
        self.networks: list[dict[str, Any]] = []
        super().__init__(path, _Handler)
        os.chmod(path, 0o660)

    def run(self, release: str, state: str = "running", **more: Any) -> None:
        """Have a container of a release in a state."""
        details = {"Status": state, "Pid": 0, "ExitCode": 0, "StartedAt": "2026-01-01T00:00:00Z"}
        details.update(more.pop("State", {}))
        self.container = {
            "Id": "c0ffee",
            "State": details,
            "RestartCount": 0,
            "Config": {"Image": IMAGE, "Labels": {"praxis.release": release}, "Tty": False},
            **more,
        }

    def prune(self) -> None:
        """What `docker image prune` does: images without a tag go, unless a container was made from them."""
        used = {each["Config"]["Image"] for each in (self.container, *self.services.values()) if each}
        keep = used.union(self.tags.values())
        self.images = {image: found for image, found in self.images.items() if image in keep}

    def beside(self, name: str, part: str, state: str = "running", **more: Any) -> None:
        """Have a container of a service in a state."""
        labels = {**LABELS, "com.docker.compose.service": name, "praxis.part": part}
        details = {"Status": state, "Pid": 0, "ExitCode": 0, "StartedAt": "2026-01-01T00:00:00Z"}
        details.update(more.pop("State", {}))
        self.services[name] = {
            "Id": "5e21" + name,
            "State": details,
            "RestartCount": 0,
            "Config": {"Image": IMAGE, "Labels": labels, "Tty": False},
            **more,
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FakeEngine

    def address_string(self) -> str:
        return "socket"

    def log_message(self, *_arguments: Any) -> None:
        pass

    def _answer(self, status: int, value: Any = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode() if value is not None else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.requests.append((self.command, path, query, dict(self.headers)))
        container = self.server.container
        if path == "/version":
            self._answer(200, {"Version": "26.1.5", "Arch": "amd64", "Os": "linux"})
        elif path == "/info":
            self._answer(200, {"SecurityOptions": self.server.security, **self.server.info})
        elif path == "/containers/json":
            ours = [{"Id": container["Id"], "Labels": {**LABELS, **container["Config"]["Labels"]}}] if container else []
            beside = [{"Id": each["Id"], "Labels": each["Config"]["Labels"]} for each in self.server.services.values()]
            wanted = dict(label.split("=") for label in json.loads(query["filters"])["label"])
            found = [{"Created": 1, **each} for each in ours + beside + self.server.neighbours]
            self._answer(200, [each for each in found if wanted.items() <= each.get("Labels", {}).items()])
        elif path == "/networks":
            labels = dict(label.split("=") for label in json.loads(query["filters"])["label"])
            listed = [each for each in self.server.networks if each["Labels"] == labels]
            self._answer(200, [{**each, "Containers": {}} for each in listed])
        elif path.startswith("/networks/"):
            found = next((each for each in self.server.networks if each["Id"] == path.split("/")[2]), None)
            self._answer(200, found) if found else self._answer(404, {"message": "No such network"})
        elif path == "/events":
            self._answer(200, self.server.events)
        elif path.endswith("/logs"):
            self._answer(200, self.server.log)
        elif path.startswith("/containers/5e21") and self.command == "GET":
            self._answer(200, self.server.services[path.split("/")[2][4:]])
        elif path.startswith("/containers/") and self.command == "GET":
            self._answer(200, container) if container else self._answer(404, {"message": "No such container"})
        elif path.endswith("/restart"):
            self._answer(204)
        elif path.startswith("/distribution/"):
            self._answer(*self.server.distribution)
        elif path == "/images/create":
            self._pull(query)
        elif path.startswith("/images/") and self.command == "DELETE" and self.server.keeps_images:
            self._answer(500, {"message": "it cannot be removed now"})
        elif path.startswith("/images/") and self.command == "DELETE":
            name = path[len("/images/") :]
            found = self.server.tags.pop(name, None) or self.server.images.pop(name, None)
            self._answer(200, []) if found else self._answer(404, {"message": "No such image"})
        elif path.endswith("/tag"):
            self.server.tags["%(repo)s:%(tag)s" % query] = path[len("/images/") : -len("/tag")]
            self._answer(201)
        elif path.startswith("/images/"):
            name = path[len("/images/") : -len("/json")]
            found = self.server.images.get(self.server.tags.get(name, name))
            self._answer(200, found) if found else self._answer(404, {"message": "No such image"})
        else:
            self._answer(500, {"message": "unexpected %s %s" % (self.command, path)})

    def _pull(self, query: dict[str, str]) -> None:
        if self.server.pull_status != 200:
            self._answer(self.server.pull_status, self.server.pulls[0])
            return
        if not any("error" in record for record in self.server.pulls):
            self.server.images[query["fromImage"] + "@" + query["tag"]] = {"Architecture": self.server.pulled_for}
        self._answer(200, b"".join(json.dumps(record).encode() + b"\r\n" for record in self.server.pulls))

    do_GET = do_POST = do_DELETE = _handle


def framed(text: str) -> bytes:
    """Log text as the engine sends it for a container without a terminal."""
    return b"\x01\0\0\0" + len(text.encode()).to_bytes(4, "big") + text.encode()


def release(release_id: str, level: str = "INFO", version: str = "1", **more: Any) -> dict[str, Any]:
    """The module's ``release`` option."""
    manifest = {
        "id": release_id,
        "image": IMAGE,
        "name": "alpha",
        "settings": {"logging": {"level": level}, "p2p": {"port": 4001}},
        "environment": {"PRAXIS_API__PORT": "8000"},
        "secrets": {"OPENAI_API_KEY": version},
        "ports": {"api": 8000, "p2p": 4001},
    }
    return {
        "id": release_id,
        "image": IMAGE,
        "name": "alpha",
        "files": {
            "compose.yaml": "services: {agent: {labels: {praxis.release: %s}}}\n" % release_id,
            "agent.yaml": "logging:\n  level: %s\np2p:\n  port: 4001\n" % level,
            "release.json": json.dumps(manifest),
        },
        "api_port": 8000,
        "p2p_port": 4001,
        **more,
    }
