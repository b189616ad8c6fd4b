# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of a filesystem server: its variables are right, and the server does what it says."""

from __future__ import annotations

import importlib.util
import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_settings import read_services

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "services"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").write_text("not for agents")
    spec = importlib.util.spec_from_file_location("files_server", EXAMPLE / "files/files_server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield "http://127.0.0.1:%d" % server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def ask(url: str, method: str, **params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    with urllib.request.urlopen(url, json.dumps(request).encode(), timeout=10) as answer:
        return json.load(answer)


def call(url: str, name: str, **arguments: Any) -> tuple[bool, str]:
    result = ask(url, "tools/call", name=name, arguments=arguments)["result"]
    return not result["isError"], result["content"][0]["text"]


def test_its_variables_are_right() -> None:
    variables = yaml.safe_load((EXAMPLE / "group_vars/praxis.yml").read_text(encoding="utf-8"))
    findings: list[Finding] = []
    (service,) = read_services(variables["praxis_services"], (8000, 4001), findings)
    assert findings == []
    (endpoint,) = variables["praxis_agent_config"]["mcp"]["external_endpoints"]
    assert endpoint["url"] == "http://%s:%s" % (service.name, service.environment["PORT"])
    assert service.volumes[0].agent == variables["praxis_agent_environment"]["PRAXIS_SHARED_PATH"]


def test_what_an_agent_asks(url: str) -> None:
    assert ask(url, "initialize", protocolVersion="2024-11-05")["result"]["capabilities"] == {"tools": {}}
    names = [tool["name"] for tool in ask(url, "tools/list")["result"]["tools"]]
    assert names == ["read_file", "write_file", "list_directory"]
    assert ask(url, "ping")["result"] == {}
    assert ask(url, "resources/list")["error"]["code"] == -32601
    with urllib.request.urlopen(url + "/health", timeout=10) as answer:
        assert answer.status == 200


def test_it_reads_writes_and_lists(url: str) -> None:
    assert call(url, "write_file", path="a/note", content="kept") == (True, "4 characters written")
    assert call(url, "read_file", path="/a/note") == (True, "kept")
    assert call(url, "list_directory") == (True, "a/")


@pytest.mark.parametrize("path", ["../outside", "a/../../outside", "link"])
def test_nothing_outside_its_directory(url: str, tmp_path: Path, path: str) -> None:
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    well, said = call(url, "read_file", path=path)
    assert not well
    assert "not for agents" not in said
