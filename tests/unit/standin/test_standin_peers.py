# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins as peers, and the compiler's output run by a stand-in, which shares no code with the compiler."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.agent import document, identity, peers
from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Layer, compile_settings

Make = Callable[[str], Any]
pytestmark = pytest.mark.slow

CONFIGS = Path(__file__).parents[3] / "configs"


def address(agent: Any) -> str:
    seed = (agent.keys / "node.key").read_bytes()
    return identity.multiaddr("127.0.0.1", agent.p2p_port, identity.peer_id(seed))


def joined(*agents: Any, waiting: Any) -> None:
    for agent in agents:
        others = {other.name for other in agents if other is not agent}
        waiting("%s to hold the cards of %s" % (agent.name, others), lambda a=agent, o=others: a.cards() == o)


def start_mutual(*agents: Any) -> None:
    for agent in agents:
        agent.start(p2p={"bootstrap_nodes": [address(other) for other in agents if other is not agent]})


def test_three_with_mutual_lists_have_one_connection_a_pair(make_agent: Make, waiting: Any) -> None:
    agents = [make_agent(name) for name in ("alpha", "beta", "gamma")]
    start_mutual(*agents)
    joined(*agents, waiting=waiting)
    # The first to be up may find nobody at the other end: each dials once. Whoever came later has dialled it.
    for agent in agents:
        waiting("%s to have dialled both" % agent.name, lambda a=agent: "bootstrap node 2/2" in a.log())
    # On loopback each connection has two rows, its two ends. Three pairs make six rows, seen through all three ports.
    waiting("one connection a pair", lambda: len({pair for a in agents for pair in a.connections()}) == 6)


def test_a_restarted_agent_heals_and_the_other_end_says_connected_all_along(make_agent: Make, waiting: Any) -> None:
    alpha, beta = make_agent("alpha"), make_agent("beta")
    beta.start(p2p={"bootstrap_nodes": [address(alpha)]}).ready()
    alpha.start(p2p={"bootstrap_nodes": [address(beta)]})
    joined(alpha, beta, waiting=waiting)
    waiting("alpha to have dialled", lambda: alpha.get("/p2p/peers")[1]["count"] == 1)
    beta.stop(signal.SIGKILL)
    waiting("alpha to lose the connection", lambda: not alpha.connections())
    assert alpha.get("/p2p/peers")[1]["peers"][0]["connected"] is True
    assert alpha.cards() == {"beta"}
    beta.start(p2p={"bootstrap_nodes": [address(alpha)]})
    joined(alpha, beta, waiting=waiting)
    assert len(alpha.connections()) == 2


def test_a_one_way_dialler_does_not_redial(make_agent: Make, waiting: Any) -> None:
    alpha, beta = make_agent("alpha"), make_agent("beta")
    beta.start().ready()
    alpha.start(p2p={"bootstrap_nodes": [address(beta)]})
    joined(alpha, beta, waiting=waiting)
    assert beta.get("/p2p/peers")[1]["peers"] == [], "a peer that was not dialled is not listed"
    beta.stop()
    waiting("alpha to notice", lambda: "is not dialled again" in alpha.log())
    beta.start().ready()
    # A second bootstrap round would have come within this many of alpha's dial delays.
    gamma = make_agent("gamma")
    gamma.start(p2p={"bootstrap_nodes": [address(alpha)]}, environment={"STANDIN_DIAL_DELAY": "1.5"})
    waiting("a later dialler to reach alpha", lambda: "gamma" in alpha.cards())
    assert beta.cards() == set()


def test_a_wrong_peer_id_is_refused(make_agent: Make, waiting: Any) -> None:
    alpha, beta = make_agent("alpha"), make_agent("beta")
    beta.start().ready()
    wrong = identity.multiaddr("127.0.0.1", beta.p2p_port, identity.peer_id(b"w" * 32))
    alpha.start(p2p={"bootstrap_nodes": [wrong, "/ip4/127.0.0.1/tcp/%d" % beta.p2p_port]})
    waiting("both dials to fail", lambda: alpha.log().count("failed:") == 2)
    assert "peer id mismatch" in alpha.log()
    assert alpha.cards() == set()


def test_a_bare_dial_disturbs_nothing(make_agent: Make, waiting: Any) -> None:
    alpha, beta = make_agent("alpha"), make_agent("beta")
    start_mutual(alpha, beta)
    joined(alpha, beta, waiting=waiting)
    socket.create_connection(("127.0.0.1", alpha.p2p_port), timeout=5).close()
    with socket.create_connection(("127.0.0.1", alpha.p2p_port), timeout=5) as probe:
        probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert probe.recv(1) == b""
    assert alpha.get("/health")[0] == 200
    assert alpha.cards() == {"beta"}


def test_the_environment_gives_the_list_where_the_file_leaves_it_out(make_agent: Make, waiting: Any) -> None:
    alpha, beta = make_agent("alpha"), make_agent("beta")
    beta.start().ready()
    alpha.start(environment={"PRAXIS_P2P__BOOTSTRAP_NODES": json.dumps([address(beta)])})
    joined(alpha, beta, waiting=waiting)


def compiled_start(agent: Any, layers: list[Layer], multiaddrs: list[str], deployment: str) -> None:
    """Start ``agent`` on exactly what the collection would give it; only the key directory and delays differ."""
    found = compile_settings(
        layers,
        member=agent.name,
        environment={},
        secret_names=["OPENAI_API_KEY"],
        api_port=agent.api_port,
        p2p_port=agent.p2p_port,
        deployment=deployment,
        behind_balancer=True,
    )
    assert not found.errors
    text = peers.with_peers(document.dump(found.document), multiaddrs)
    assert text.count("keystore_path: /keys\n") == 1
    agent.start(
        text=text.replace("keystore_path: /keys\n", "keystore_path: %s\n" % agent.keys), environment=found.environment
    )


@pytest.mark.parametrize("deployment", ["production", "development"])
def test_a_compiled_pair_joins_and_is_reachable_by_any_name(make_agent: Make, waiting: Any, deployment: str) -> None:
    names = ("agent_base.yaml", "agent_%s.yaml" % deployment)
    layers = [Layer(name, yaml.safe_load((CONFIGS / name).read_text(encoding="utf-8"))) for name in names]
    alpha, beta = make_agent("alpha"), make_agent("beta")
    compiled_start(alpha, layers, [address(beta)], deployment)
    compiled_start(beta, layers, [address(alpha)], deployment)
    joined(alpha, beta, waiting=waiting)
    assert alpha.request("GET", "/health", Host="fleet.example.com")[0] == 200
    assert alpha.get("/docs")[0] == (200 if deployment == "development" else 404)
    assert alpha.get("/agent/card")[1]["url"].endswith(":%d/a2a/v1" % alpha.api_port)
    assert alpha.get("/p2p/tools")[1]["tools"] == {identity.peer_id((beta.keys / "node.key").read_bytes()): []}
    server = alpha.get("/stats")[1]["server"]["config"]
    assert server["environment"] == ("prod" if deployment == "production" else "development")


def test_routed_settings_take_effect_in_the_agent(make_agent: Make, waiting: Any) -> None:
    alpha = make_agent("alpha")
    layer = {
        "http": {"port": alpha.api_port, "cors_origins": ["https://app.example.com"]},
        "environment": "qa",
        "logging": {"level": "warning"},
    }
    compiled_start(alpha, [Layer("one", layer)], [], "production")
    alpha.ready()
    assert alpha.get("/stats")[1]["server"]["config"]["environment"] == "qa"
    assert alpha.log() == "", "warning is above what a healthy start logs"


class FakePeer:
    """The other end of the stand-in's wire, spoken by hand, to order what happens when."""

    def __init__(self, peer_id: str, boot: str = "1") -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.address = "/ip4/127.0.0.1/tcp/%d/p2p/%s" % (self.listener.getsockname()[1], peer_id)
        self._hello = json.dumps({"peer_id": peer_id, "boot": boot, "card": {"name": peer_id}, "tools": []}).encode()

    def accept(self) -> socket.socket:
        connection, _address = self.listener.accept()
        connection.settimeout(10)
        return connection

    def dial(self, agent: Any) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", agent.p2p_port), timeout=10)
        self.greet(connection)
        return connection

    def greet(self, connection: socket.socket) -> None:
        connection.sendall(self._hello + b"\n")


def is_open(connection: socket.socket) -> bool:
    """Read until the other end closes (False), or has pinged and stays quiet (True)."""
    seen = b""
    while b'"ping"' not in seen:
        data = connection.recv(4096)
        if not data:
            return False
        seen += data
    connection.settimeout(0.5)
    try:
        return connection.recv(4096) != b""
    except TimeoutError:
        return True


@pytest.mark.parametrize(("fake", "kept"), [("0-smaller", "theirs"), ("z-larger", "ours")])
def test_of_two_dials_at_once_both_ends_keep_that_of_the_smaller_peer_id(
    make_agent: Make, waiting: Any, fake: str, kept: str
) -> None:
    alpha, peer = make_agent("alpha"), FakePeer(fake)
    alpha.start(p2p={"bootstrap_nodes": [peer.address]})
    ours = peer.accept()
    theirs = peer.dial(alpha)
    waiting("alpha to have joined the inbound connection", lambda: alpha.cards() == {fake})
    peer.greet(ours)
    waiting("alpha to count its own dial", lambda: alpha.get("/p2p/peers")[1]["count"] == 1)
    assert {"ours": is_open(ours), "theirs": is_open(theirs)} == {
        "ours": kept == "ours",
        "theirs": kept == "theirs",
    }


def test_the_dial_of_a_peer_that_is_already_connected_reuses_the_connection(make_agent: Make, waiting: Any) -> None:
    alpha, peer = make_agent("alpha"), FakePeer("beta")
    alpha.start(environment={"STANDIN_DIAL_DELAY": "3"}, p2p={"bootstrap_nodes": [peer.address]}).ready()
    inbound = peer.dial(alpha)
    waiting("alpha to count its dial", lambda: alpha.get("/p2p/peers")[1]["count"] == 1)
    assert is_open(inbound)
    peer.listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        peer.accept()


def test_a_peer_that_started_anew_replaces_its_old_connection(make_agent: Make, waiting: Any) -> None:
    alpha = make_agent("alpha").start().ready()
    old = FakePeer("beta", boot="1").dial(alpha)
    waiting("the first connection", lambda: alpha.cards() == {"beta"})
    new = FakePeer("beta", boot="2").dial(alpha)
    assert is_open(new)
    assert not is_open(old)


@pytest.mark.parametrize("fake", ["0-smaller", "z-larger"])
def test_a_second_dial_of_a_connected_peer_is_dropped(make_agent: Make, waiting: Any, fake: str) -> None:
    alpha, peer = make_agent("alpha").start().ready(), FakePeer(fake)
    first = peer.dial(alpha)
    waiting("the first connection", lambda: alpha.cards() == {fake})
    second = peer.dial(alpha)
    assert not is_open(second)
    assert is_open(first)
