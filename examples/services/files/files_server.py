# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An MCP filesystem server in one file: the tools read_file, write_file and list_directory over one directory.

JSON-RPC by POST, as Praxis agents speak it to an endpoint of the kind `http`; GET /health says that it is up. It needs
Python 3.9 and nothing else. ROOT is the directory, PORT the port.
"""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

ROOT = Path(os.environ.get("ROOT", "/shared")).resolve()
MOST = 1024 * 1024


def place(given: str) -> Path:
    """A path below ROOT; symbolic links lead nowhere else."""
    path = (ROOT / given.lstrip("/")).resolve()
    if path != ROOT and ROOT not in path.parents:
        raise ValueError("%s is not below %s" % (given, ROOT))
    return path


def read_file(path: str) -> str:
    """Reads a text file."""
    return place(path).read_text(encoding="utf-8")


def write_file(path: str, content: str) -> str:
    """Writes a text file, in place of one that is there."""
    target = place(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, encoding="utf-8")
    return "%d characters written" % len(content)


def list_directory(path: str = ".") -> str:
    """Lists a directory, one name a line; directories end in a slash."""
    return "\n".join(sorted(item.name + "/" * item.is_dir() for item in place(path).iterdir()))


#: By tool: the function, its arguments, and those of them that it cannot do without.
TOOLS: dict[str, tuple[Callable[..., str], list[str], list[str]]] = {
    "read_file": (read_file, ["path"], ["path"]),
    "write_file": (write_file, ["path", "content"], ["path", "content"]),
    "list_directory": (list_directory, ["path"], []),
}


def described() -> list[dict[str, Any]]:
    text = {"type": "string"}
    return [
        {
            "name": name,
            "description": function.__doc__,
            "inputSchema": {"type": "object", "properties": dict.fromkeys(names, text), "required": required},
        }
        for name, (function, names, required) in TOOLS.items()
    ]


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A tool's answer; what goes wrong in a tool is an answer, too."""
    try:
        text, failed = TOOLS[name][0](**arguments), False
    except (KeyError, TypeError, ValueError, OSError) as error:
        text, failed = str(error), True
    return {"content": [{"type": "text", "text": text}], "isError": failed}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a method; None: there is no such method."""
    if method == "initialize":
        server = {"name": "files", "version": "1.0.0"}
        version = params.get("protocolVersion", "2024-11-05")
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": described()}
    if method == "tools/call":
        return call(params.get("name", ""), params.get("arguments") or {})
    return {} if method == "ping" else None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send(200 if self.path == "/health" else 404, {"status": "ok"})

    def do_POST(self) -> None:
        try:
            request = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MOST)))
            method, number = request["method"], request.get("id")
        except (ValueError, KeyError, TypeError):
            self._send(400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no request"}})
            return
        if number is None:  # a notification
            self._send(202, {})
            return
        result = answer(method, request.get("params") or {})
        unknown = {"error": {"code": -32601, "message": "no method %s" % method}}
        self._send(200, {"jsonrpc": "2.0", "id": number, **(unknown if result is None else {"result": result})})

    def log_message(self, *_arguments: Any) -> None:
        """Requests hold what agents read and write, so they are not logged."""

    def _send(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "3002"))), Handler).serve_forever()
