# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in keeps the agent's contract: configuration, exit codes, keys, API, faults."""

from __future__ import annotations

import importlib
import socket
from pathlib import Path
from typing import Any

import pytest

ZERO = {
    "ed25519": "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
    "x25519": "12D3KooWG1LGVccbDXGcYh8eyezHwiiqy3wLM9B7JWw61w27LzJg",
}


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The stand-in's configuration module, run in an empty directory."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "sandbox" / "standin"))
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("praxis_sdk.config")


def load(config: Any, tmp_path: Path, text: str, **environment: str) -> Any:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    return config.load(str(tmp_path / "a.yaml"), environment)


def test_defaults(config: Any) -> None:
    found = config.load(None, {})
    assert (found["api"]["port"], found["p2p"]["port"], found["environment"]) == (8080, 9000, "development")


def test_the_file_beats_the_environment_leaf_by_leaf(config: Any, tmp_path: Path) -> None:
    found = load(config, tmp_path, "p2p: {port: 1}", PRAXIS_P2P__PORT="2", praxis_p2p__max_peers="3")
    assert (found["p2p"]["port"], found["p2p"]["max_peers"]) == (1, 3)


def test_a_dotenv_file_is_below_the_environment(config: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PRAXIS_P2P__PORT=2\nPRAXIS_P2P__MAX_PEERS=3\n", encoding="utf-8")
    found = load(config, tmp_path, "{}", PRAXIS_P2P__PORT="4")
    assert (found["p2p"]["port"], found["p2p"]["max_peers"]) == (4, 3)


def test_lists_in_the_environment_are_json(config: Any, tmp_path: Path) -> None:
    found = load(config, tmp_path, "{}", PRAXIS_P2P__BOOTSTRAP_NODES='["a", "b"]')
    assert found["p2p"]["bootstrap_nodes"] == ["a", "b"]
    with pytest.raises(config.ConfigError, match="SettingsError"):
        load(config, tmp_path, "{}", PRAXIS_P2P__BOOTSTRAP_NODES="a")


def test_other_top_level_keys_and_unknown_keys_are_dropped(config: Any, tmp_path: Path) -> None:
    text = "environment: production\nmetrics: {enabled: 7}\nexecution: {x: 1}\np2p: {prot: 1}\nnonsense: 1"
    found = load(config, tmp_path, text)
    assert found["environment"] == "development"
    assert "prot" not in found["p2p"]


@pytest.mark.parametrize(
    "text",
    ["p2p: {port: 99999}", "p2p: {port: '4001'}", "logging: {level: nonsense}", "mcp: {enabled: 'yes'}"],
)
def test_what_validates(config: Any, tmp_path: Path, text: str) -> None:
    load(config, tmp_path, text)


@pytest.mark.parametrize(
    "text",
    ["p2p: {port: x}", "p2p: 1", "p2p:", "agent: {version: '1'}", "agent: {name: a, version: 1.0}", "[1]",
     "mcp: {servers: [{name: a}]}", "mcp: {discovery_ports: 1}", "agent: {name: a, tools: [{name: b}]}",
     "a2a: {card: {id: x}}"],
)  # fmt: skip
def test_what_does_not(config: Any, tmp_path: Path, text: str) -> None:
    with pytest.raises(config.ConfigError):
        load(config, tmp_path, text)


@pytest.mark.parametrize(
    ("arguments", "code"), [(["version"], 0), (["--config", "absent.yaml", "run", "--name", "a"], 2)]
)
def test_the_command_line(agent: Any, arguments: list[str], code: int) -> None:
    assert agent.start(*arguments).exit_code() == code


def test_the_default_command_prints_usage_and_exits_2(agent: Any) -> None:
    # An option without a subcommand is as good as none, and does not stand for "run".
    assert agent.start("--config", __file__).exit_code() == 2
    assert "usage:" in agent.log()


@pytest.mark.parametrize(
    ("sections", "environment"),
    [
        ({"p2p": {"port": "x"}}, {}),
        ({}, {"OPENAI_API_KEY": ""}),
        ({"llm": {"enabled": False, "api_key": ""}}, {"OPENAI_API_KEY": ""}),
        ({"logging": {"file_enabled": True, "file_path": "/proc/x/agent.log"}}, {}),
        ({"logging": {"level": "nonsense"}}, {}),
        ({}, {"PRAXIS_API__CORS_ORIGINS": "https://a"}),
        ({}, {"STANDIN_FAIL": "crash"}),
        ({}, {"STANDIN_FAIL": "no-such-failure"}),
    ],
)
@pytest.mark.slow
def test_what_ends_the_process(agent: Any, sections: dict[str, Any], environment: dict[str, str]) -> None:
    assert agent.start(environment=environment, **sections).exit_code() == 1


@pytest.mark.slow
def test_the_api(agent: Any) -> None:
    agent.seed(bytes(32))
    agent.start("--config", str(agent.config), "run", "--name", "alpha", "--port", "1", api={"port": 7777}).ready()
    assert agent.get("/health") == (200, {"status": "healthy", "agent": "alpha", "version": "1.0.0"})
    for path in ("/agent/card", "/card", "/.well-known/agent-card.json", "/v1/card"):
        assert agent.get(path)[1]["url"] == "http://0.0.0.0:7777/a2a/v1"
    assert agent.get("/p2p/info")[1]["addresses"] == ["/ip4/0.0.0.0/tcp/%d/p2p/%s" % (agent.p2p_port, ZERO["ed25519"])]
    assert agent.get("/p2p/peers")[1]["peers"] == []
    assert agent.get("/stats")[1]["server"]["config"]["api_port"] == agent.api_port
    assert "praxis_health_checks_total" in agent.get("/metrics")[1]
    for path, status in (("/ready", 404), ("/live", 404), ("/healthz", 404), ("/docs", 200)):
        assert agent.get(path)[0] == status
    assert agent.request("GET", "/health", Host="fleet.example.com")[0] == 200
    assert agent.stop() == 0


def test_the_listener_and_its_switches_follow_the_environment(agent: Any) -> None:
    environment = {"PRAXIS_ENVIRONMENT": "production", "PRAXIS_API__DOCS_ENABLED": "false", "AGENT_VERSION": "9"}
    agent.start(environment=environment).ready()
    assert agent.request("GET", "/health", Host="fleet.example.com")[0] == 400
    assert agent.request("GET", "/health", Host="localhost:1")[0] == 200
    assert agent.get("/docs")[0] == 404
    assert agent.get("/health")[1]["version"] == "9"


@pytest.mark.slow
def test_p2p_off_means_no_api_and_a_running_process(agent: Any, waiting: Any) -> None:
    agent.start(p2p={"enabled": False})
    waiting("the agent to say it started", lambda: "started successfully" in agent.log())
    with pytest.raises(ConnectionRefusedError):
        agent.get("/health")
    assert agent.stop() == 0


def test_logging_format_json_makes_every_line_that_word(agent: Any) -> None:
    agent.start(logging={"format": "json"}).ready()
    assert set(agent.log().split("\n")) == {"json", ""}


@pytest.mark.parametrize("scheme", ["ed25519", "x25519"])
def test_the_peer_id_of_a_key(agent: Any, scheme: str) -> None:
    agent.seed(bytes(32))
    agent.start(environment={"STANDIN_SCHEME": scheme}).ready()
    assert agent.peer_id() == ZERO[scheme]


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 64])
def test_a_key_of_the_wrong_length_is_overwritten(agent: Any, content: bytes) -> None:
    agent.seed(content)
    agent.start().ready()
    written = (agent.keys / "node.key").read_bytes()
    assert len(written) == 32
    assert "instead of 32" in agent.log()


@pytest.mark.slow
def test_an_absent_key_is_made_and_kept(agent: Any) -> None:
    (agent.keys / "node.key").unlink()
    agent.start().ready()
    first = agent.peer_id()
    assert agent.stop() == 0
    agent.start().ready()
    assert agent.peer_id() == first


def test_an_unreadable_key_is_replaced_in_memory(agent: Any) -> None:
    (agent.keys / "node.key").unlink()
    (agent.keys / "node.key").mkdir()  # unreadable, even for root
    agent.start().ready()
    assert agent.peer_id().startswith("12D3KooW")
    assert (agent.keys / "node.key").is_dir()


def test_a_key_directory_that_cannot_be_made_means_no_api(agent: Any, waiting: Any) -> None:
    agent.start(p2p={"keystore_path": "/proc/x/keys"})
    waiting("the agent to say it started", lambda: "started successfully" in agent.log())
    with pytest.raises(ConnectionRefusedError):
        agent.get("/health")


def test_a_p2p_port_in_use_leaves_the_api_without_p2p(agent: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", agent.p2p_port))
        taken.listen()
        agent.start().ready()
        assert agent.get("/p2p/info")[0] == 503


@pytest.mark.slow
def test_an_llm_that_never_answers_is_tried_every_time_before_the_api_starts(agent: Any) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = "http://127.0.0.1:%d/v1" % silent.getsockname()[1]
        agent.start(llm={"base_url": url, "timeout": "200ms", "max_retries": 2}).ready()
    lines = [line for line in agent.log().split("\n") if "LLM endpoint" in line or "API listening" in line]
    assert ["API listening" in line for line in lines] == [False, False, False, True]


@pytest.mark.slow
def test_a_connection_serves_several_requests_and_is_closed_when_idle(agent: Any) -> None:
    agent.start().ready()
    with socket.create_connection(("127.0.0.1", agent.api_port), timeout=60) as connection:
        for _turn in range(2):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while b"healthy" not in answer:
                answer += connection.recv(4096)
        while connection.recv(4096):
            pass


def test_a_websocket_is_accepted_and_answers_pings(agent: Any) -> None:
    agent.start().ready()
    with socket.create_connection(("127.0.0.1", agent.api_port), timeout=5) as connection:
        connection.sendall(
            b"GET /ws/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        stream = connection.makefile("rb")
        head = b"".join(iter(stream.readline, b"\r\n"))
        assert b"101" in head
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        connection.sendall(b"\x89\x82\x00\x00\x00\x00hi")
        assert stream.read(4) == b"\x8a\x02hi"
        connection.sendall(b"\x88\x80\x00\x00\x00\x00")
        assert stream.read(3) == b"\x88\x00"


@pytest.mark.slow
def test_p2p_connect_hangs_the_api_for_good(agent: Any) -> None:
    agent.start().ready()
    for method, path in (("POST", "/p2p/connect"), ("GET", "/health")):
        with pytest.raises(TimeoutError):
            agent.request(method, path, timeout=0.5)
    assert agent.stop() == 0


@pytest.mark.slow
def test_p2p_tool_never_replies_and_others_are_served(agent: Any) -> None:
    agent.start().ready()
    with pytest.raises(TimeoutError):
        agent.request("POST", "/p2p/tool", timeout=0.5)
    assert agent.get("/health")[0] == 200


def test_fail_no_listen(agent: Any, waiting: Any) -> None:
    agent.start(environment={"STANDIN_FAIL": "no-listen"})
    waiting("the agent to say it started", lambda: "started successfully" in agent.log())
    with pytest.raises(ConnectionRefusedError):
        agent.get("/health")
    socket.create_connection(("127.0.0.1", agent.p2p_port), timeout=5).close()


def test_fail_no_p2p(agent: Any) -> None:
    agent.start(environment={"STANDIN_FAIL": "no-p2p"}).ready()
    assert agent.get("/p2p/info")[0] == 503
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", agent.p2p_port), timeout=5)


def test_fail_wrong_id(agent: Any) -> None:
    agent.seed(bytes(32))
    agent.start(environment={"STANDIN_FAIL": "wrong-id"}).ready()
    assert agent.peer_id() != ZERO["ed25519"]
    assert (agent.keys / "node.key").read_bytes() == bytes(32)


@pytest.mark.slow
def test_fail_die_after(agent: Any) -> None:
    agent.start(environment={"STANDIN_FAIL": "die-after:2"}).ready()
    assert agent.exit_code() == 1


@pytest.mark.slow
def test_fail_slow_waits_before_it_listens(make_agent: Any, waiting: Any) -> None:
    slow, usual = make_agent("slow"), make_agent("usual")
    slow.start(environment={"STANDIN_FAIL": "slow:600"})
    usual.start().ready()
    with pytest.raises(ConnectionRefusedError):
        slow.get("/health")
    waiting("the slow one to be starting", lambda: "starting agent" in slow.log())
    assert slow.stop() == 0, "SIGTERM is heeded during the start too"
