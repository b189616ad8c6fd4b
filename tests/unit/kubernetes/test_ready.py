# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness probe: as it is rendered, run by another Python against an API and connections of its own."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import tcp
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import ready
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_kinds import probe_files

PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
OTHER = "12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB"


class Api(http.server.BaseHTTPRequestHandler):
    """An agent's API."""

    answers: dict[str, tuple[int, str]] = {}

    def do_GET(self) -> None:
        status, text = self.answers.get(self.path, (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[int]:
    Api.answers = {"/health": (200, "{}"), "/p2p/info": (200, json.dumps({"peer_id": PEER}))}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class Pod:
    """A pod's mounts, and its probe."""

    def __init__(self, folder: Path, api_port: int) -> None:
        self.folder, self.api_port = folder, api_port
        self.joined = folder / "joined"
        self.joined.write_text("", encoding="ascii")
        (folder / "agent-0.id").write_text(PEER + "\n", encoding="ascii")
        for name, text in probe_files().items():
            (folder / name).write_text(text, encoding="utf-8")

    def probe(self, p2p_port: int, own: str = "127.0.0.1", service: str = "localhost", named: bool = True) -> str:
        """What stands against its being ready. "localhost" stands for a Service with one pod.

        :param named: whether the answer has the pod itself.
        """
        arguments = ["--service", service, *(["--service", own] if named else [])]
        arguments += ["--api-port", str(self.api_port), "--p2p-port", str(p2p_port)]
        arguments += ["--edges", "1", "--grace", "120", "--joined", str(self.joined), "--ids", str(self.folder)]
        done = subprocess.run(
            [sys.executable, "-E", "-s", "-S", "-B", str(self.folder / "ready.py"), *arguments],
            env={"POD_NAME": "agent-0", "POD_IP": own}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (1 if done.stdout else 0, "")
        return done.stdout.strip()


@pytest.fixture
def pod(tmp_path: Path, api: int) -> Pod:
    return Pod(tmp_path, api)


@pytest.fixture
def edge() -> Iterator[int]:
    """The port at which a connection stands."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
        other, _address = server.accept()
        with other:
            assert one.fileno() > 0
            yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_pod_that_is_alone_is_ready(pod: Pod) -> None:
    assert pod.probe(free_port()) == ""


def test_a_pod_with_an_edge_is_ready_and_remembers_it(pod: Pod, edge: int) -> None:
    assert pod.probe(edge, own="192.0.2.1") == ""
    assert float(pod.joined.read_text(encoding="ascii")) > 1_700_000_000


def test_a_pod_without_an_edge_is_not_ready_beside_others(pod: Pod) -> None:
    assert pod.probe(free_port(), own="192.0.2.1") == "0 of 1 live edges to 1 pods"


@pytest.mark.slow
def test_a_pod_that_was_in_the_mesh_stays_ready_for_a_while(pod: Pod, edge: int) -> None:
    """Else the restart of a neighbour would take it out of service, too."""
    assert pod.probe(edge, own="192.0.2.1") == ""
    assert pod.probe(free_port(), own="192.0.2.1") == ""
    pod.joined.write_text("1700000000", encoding="ascii")
    assert "live edges" in pod.probe(free_port(), own="192.0.2.1")


def test_a_member_that_its_own_service_does_not_name_is_not_ready(pod: Pod, edge: int) -> None:
    """Without the Service, or before the cluster's DNS knows the pod, nobody says how many others there are."""
    listed = pod.probe(edge, own="192.0.2.1", named=False)
    assert listed == "the Service of the members does not list this pod (192.0.2.1)"
    assert pod.probe(edge, own="192.0.2.1") == ""


@pytest.mark.parametrize(
    ("member", "said"), [(True, "does not list this pod (10.0.0.1)"), (False, "no member has an address")]
)
def test_no_such_name_is_no_mesh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, member: bool, said: str) -> None:
    def absent(*_: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(ready.socket, "getaddrinfo", absent)
    monkeypatch.setattr(ready, "identity_fault", lambda *_: "")
    monkeypatch.setenv("POD_NAME", "agent-0")
    monkeypatch.setenv("POD_IP", "10.0.0.1")
    (tmp_path / "agent-0.id").write_text(PEER, encoding="ascii")
    words = ["--service", "agent.praxis.svc", "--api-port", "8000", "--p2p-port", "4001", "--edges", "1"]
    words += ["--grace", "120", "--joined", str(tmp_path / "joined")]
    assert said in ready.main([*words, *(["--ids", str(tmp_path)] if member else [])])


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/health", (503, ""), "/health: it answers 503"),
        ("/p2p/info", (503, ""), "/p2p/info: it answers 503"),
        ("/p2p/info", (200, "no JSON"), "/p2p/info has no peer id"),
        ("/p2p/info", (200, "[]"), "/p2p/info has no peer id"),
        ("/p2p/info", (200, json.dumps({"peer_id": OTHER})), f"its peer id is {OTHER} and should be {PEER}"),
    ],
)
@pytest.mark.slow
def test_health_alone_proves_nothing(pod: Pod, edge: int, path: str, answer: tuple[int, str], said: str) -> None:
    assert pod.probe(edge, own="192.0.2.1") == ""  # even one that was in the mesh a moment ago
    Api.answers[path] = answer
    assert pod.probe(edge, own="192.0.2.1") == said


def test_a_silent_api_is_reported(tmp_path: Path) -> None:
    assert Pod(tmp_path, free_port()).probe(free_port()).startswith("/health: ")


@pytest.mark.parametrize(
    ("found", "edges", "wanted", "good"),
    [
        ({"10.0.0.1"}, set(), 1, True),
        (set(), set(), 1, False),
        (set(), set(), 0, True),
        ({"10.0.0.2"}, {"10.0.0.2"}, 1, False),
        ({"10.0.0.1", "10.0.0.2"}, set(), 1, False),
        ({"10.0.0.1", "10.0.0.2"}, set(), 0, True),
        ({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {"10.0.0.2"}, 1, True),
        ({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {"10.0.0.2"}, 2, False),
        ({"10.0.0.1", "10.0.0.2"}, {"10.0.0.2"}, 5, True),
        (None, set(), 1, False),
    ],
)
def test_as_many_edges_are_wanted_of_a_member_as_there_can_be(
    found: set[str] | None, edges: set[str], wanted: int, good: bool
) -> None:
    assert (ready.mesh_fault(found, "10.0.0.1", edges, wanted) == "") is good


@pytest.mark.parametrize(
    ("found", "edges", "good"),
    [(set(), set(), False), ({"10.0.0.2"}, set(), False), ({"10.0.0.2"}, {"10.0.0.2"}, True)],
)
def test_a_leaf_needs_a_member(found: set[str], edges: set[str], good: bool) -> None:
    assert (ready.mesh_fault(found, "", edges, 1) == "") is good


def test_a_connection_that_is_sent_again_is_no_live_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    row = "   0: 0100000A:0FA1 {0}00000A:C000 01 00000000:00000000 00:00000000 0000000{1} 10001 0 1"
    table = "header\n" + "\n".join([row.format("02", 0), row.format("03", 4)])
    monkeypatch.setattr(ready, "read_tables", lambda _pid: ready_tables(table))
    assert ready.live({"10.0.0.2", "10.0.0.3"}, 4001) == {"10.0.0.2"}
    assert ready.live({"10.0.0.9"}, 4001) == set()


def ready_tables(table: str) -> list[Any]:
    from ansible_collections.praxis.cloud.plugins.module_utils.host.tcp import established

    return established(table)


#: A pod's machines: one that it dials at another port than its own, and one that it cannot dial.
MACHINES = [
    {"name": "vm-1", "addresses": ["10.0.0.1", "198.51.100.1"], "dial": "10.0.0.1", "port": 4002},
    {"name": "vm-2", "addresses": ["10.0.0.2"], "dial": "", "port": 4001},
]


def at(address: str, local: int, remote: int, retransmits: int = 0) -> Any:
    return tcp.Connection("10.1.0.5", local, address, remote, retransmits, 0)


@pytest.mark.parametrize(
    ("connections", "strangers", "found"),
    [
        ([], True, 0),
        ([at("10.0.0.1", 50000, 4002)], False, 1),  # dialled
        ([at("10.0.0.1", 50000, 4003)], False, 0),  # another port there
        ([at("10.0.0.1", 50000, 4002, 4)], False, 0),  # sent again
        ([at("198.51.100.1", 4001, 50000)], False, 1),  # it has dialled, from its other address
        ([at("10.0.0.1", 50000, 4002), at("10.0.0.1", 4001, 50000)], False, 1),  # one machine, twice
        ([at("10.0.0.1", 50000, 4002), at("10.0.0.2", 4001, 50000)], False, 2),
        ([at("10.1.0.9", 4001, 50000)], True, 0),  # a pod
        ([at("10.9.0.1", 4001, 50000)], True, 1),  # a node, which stands for a machine
        ([at("10.9.0.1", 4001, 50000)], False, 0),  # it may be a leaf
        ([at("10.9.0.1", 4001, port) for port in range(50000, 50005)], True, 2),
    ],
)
def test_edges_to_machines_are_counted(
    monkeypatch: pytest.MonkeyPatch, connections: list[Any], strangers: bool, found: int
) -> None:
    monkeypatch.setattr(ready, "read_tables", lambda _pid: connections)
    known = {"strangers": strangers, "machines": MACHINES}
    assert ready.machine_edges(known, {"10.1.0.9"}, 4001) == found


@pytest.mark.parametrize(
    ("edges", "machines", "answer", "required", "said"),
    [
        (1, MACHINES, "ok", False, "0 of 1 live edges to 2 machines (10.0.0.1:4002: ok)"),
        (5, MACHINES, "ok", False, "0 of 2 live edges to 2 machines (10.0.0.1:4002: ok)"),
        (0, MACHINES, "ok", True, ""),
        (1, MACHINES, "timeout", False, ""),  # all are away: it stays in service
        (1, MACHINES, "timeout", True, "0 of 1 live edges to 2 machines (10.0.0.1:4002: timeout)"),
        (1, MACHINES[1:], "ok", True, ""),  # only that machine dials
    ],
)
def test_a_missing_edge_to_machines_is_the_fault_of_who_dials(
    monkeypatch: pytest.MonkeyPatch, edges: int, machines: list[Any], answer: str, required: bool, said: str
) -> None:
    monkeypatch.setattr(ready, "read_tables", lambda _pid: [])
    monkeypatch.setattr(ready, "dial_all", lambda targets, _timeout: {f"{a}:{p}": answer for a, p in targets})
    known = {"edges": edges, "strangers": True, "machines": machines}
    assert ready.machines_fault(known, set(), 4001, required) == said


@pytest.mark.slow
def test_the_probe_reads_the_pod_s_machines(pod: Pod, edge: int) -> None:
    """As it is rendered and run; 127.0.0.1 is a machine whose port answers and to which no connection stands."""
    port = free_port()
    machines = [{"name": "vm-1", "addresses": ["127.0.0.9"], "dial": "127.0.0.1", "port": edge}]
    known = {"edges": 1, "strangers": False, "machines": machines}
    (pod.folder / "agent-0.machines").write_text(json.dumps(known), encoding="ascii")
    assert pod.probe(port) == f"0 of 1 live edges to 1 machines (127.0.0.1:{edge}: ok)"
    machines[0]["addresses"] = ["127.0.0.1"]
    (pod.folder / "agent-0.machines").write_text(json.dumps(known), encoding="ascii")
    assert pod.probe(port) == ""
