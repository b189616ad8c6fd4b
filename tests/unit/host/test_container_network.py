# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine settings with which an agent would start, and reach nobody or be observed by nobody."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import container_network
from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine
from tests.unit.host.test_deploy import run

DIAL = [{"member": "beta", "address": "172.18.0.9", "port": 4001}]
GATE = {"dial": DIAL, "min_edges": 1, "deadline": 0.01}
#: iface, destination, gateway, flags, refcnt, use, metric, mask: a default route, and the subnet of eth0.
ROUTES = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010000AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
BRIDGE = "%s\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
MORE_SPECIFIC = "eth0\t000012AC\t010000AC\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
OWN_RULE = "-A POSTROUTING -s 172.16.0.0/12 -o eth0 -j MASQUERADE\n"
STALE_RULES = (
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"
    "-A POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE\n"
)


@pytest.fixture(autouse=True)
def forwarding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The network of whoever runs the tests is not the host's. The kernel's switch for forwarding."""
    machine_with(monkeypatch)
    switch = tmp_path / "ip_forward"
    switch.write_text("1\n")
    monkeypatch.setattr(container_network, "FORWARDING", str(switch))
    return switch


def machine_with(monkeypatch: pytest.MonkeyPatch, routes: str = ROUTES, rules: str = "") -> None:
    monkeypatch.setattr(container_network, "routing_table", lambda: routes)
    monkeypatch.setattr(container_network, "nat_rules", lambda: rules)


def bridges(**options: str) -> dict[str, Any]:
    """daemon.json for bridges to come."""
    named = {f"com.docker.network.bridge.{key}": value for key, value in options.items()}
    return {"default-network-opts": {"bridge": named}}


REFUSED = [
    ({"iptables": False}, {}, "containers-cut-off", "iptables"),
    ({"bip": "172.18.0.1/16"}, {}, "network-overlap", "beta (172.18.0.9)"),
    ({"default-runtime": "runsc"}, {}, "runtime-unsupported", "runsc"),
    ({}, {"DefaultRuntime": "kata-runtime"}, "runtime-unsupported", "kata-runtime"),
    (bridges(host_binding_ipv4="127.0.0.1"), {}, "containers-cut-off", "127.0.0.1"),
    (bridges(gateway_mode_ipv4="routed"), {}, "containers-cut-off", "gateway_mode_ipv4"),
    (bridges(gateway_mode_ipv4="isolated"), {}, "containers-cut-off", "gateway_mode_ipv4"),
    (bridges(enable_ip_masquerade="false"), {}, "containers-cut-off", "enable_ip_masquerade"),
]
TAKEN = [
    ({"iptables": True, "ip-forward": True, "icc": False, "ip-masq": False, "userland-proxy": False}, {}),
    ({"ip-forward": False}, {}),  # something else turned it on
    ({"bip": "172.30.0.1/16", "default-runtime": "runc", "hosts": ["unix:///var/run/docker.sock"]}, {}),
    ({"bip": "no network"}, {}),  # it is the engine's to refuse
    ({"default-runtime": "nvidia", "log-driver": "none", "registry-mirrors": ["https://mirror"]}, {}),
    (bridges(host_binding_ipv4="0.0.0.0", gateway_mode_ipv4="nat-unprotected", enable_ip_masquerade="true"), {}),
    # What is about the network that the engine makes for itself, or about containers that say nothing of their own.
    ({"ip": "127.0.0.1", "bridge": "none", "no-new-privileges": True, "init": True, "live-restore": False}, {}),
    ({"log-driver": "journald", "log-opts": {"tag": "{{.Name}}"}, "storage-driver": "vfs", "data-root": "/mnt"}, {}),
    ({"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 1048576, "Soft": 1024}, "core": {"Hard": 0}}}, {}),
    ({"default-ulimits": {"nofile": {"Name": "nofile", "Hard": -1, "Soft": -1}}}, {}),
    ({"default-ulimits": [], "default-network-opts": {"bridge": []}}, {}),  # it is the engine's to refuse
]


@pytest.mark.parametrize(("daemon", "info", "code", "words"), REFUSED)
@pytest.mark.parametrize("check", [False, True])
def test_an_engine_whose_containers_would_reach_nobody_is_refused_and_nothing_is_written(
    paths: Paths, engine: FakeEngine, docker: Path, daemon: dict[str, Any], info: dict[str, Any], code: str,
    words: str, check: bool,
) -> None:  # fmt: skip
    Path(paths.daemon_json).write_text(json.dumps(daemon))
    engine.info.update(info)
    result = run(paths, "prepared", check=check, gate=GATE)
    assert (result["outcome"], result["failure"]["code"]) == ("failed", code)
    assert words in result["failure"]["what"]
    assert not os.path.exists(paths.root)
    assert {method for method, _path, _query, _headers in engine.requests} == {"GET"}


@pytest.mark.parametrize("daemon", [{}, {"ip-forward": False}])
def test_a_machine_that_forwards_nothing_is_refused_whatever_the_engine_says_of_it(
    paths: Paths, engine: FakeEngine, docker: Path, forwarding: Path, daemon: dict[str, Any]
) -> None:
    """An engine says what it found when it was started; sysctl may have turned it off since."""
    engine.info["IPv4Forwarding"] = True
    Path(paths.daemon_json).write_text(json.dumps(daemon))
    forwarding.write_text("0\n")
    result = run(paths, "prepared")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "containers-cut-off")
    assert "net.ipv4.ip_forward" in result["failure"]["what"]
    assert result["failure"]["command"] == "sysctl -w net.ipv4.ip_forward=1"
    assert result["failure"]["command"] in result["failure"]["fix"]
    assert not os.path.exists(paths.root)


@pytest.mark.parametrize(("daemon", "code"), [({}, None), ({"ip-forward": False}, "containers-cut-off")])
def test_an_engine_that_is_yet_to_start_turns_forwarding_on_unless_set_otherwise(
    paths: Paths, docker: Path, forwarding: Path, daemon: dict[str, Any], code: str | None
) -> None:
    Path(paths.daemon_json).write_text(json.dumps(daemon))
    forwarding.write_text("0\n")
    assert (run(paths, "prepared")["failure"] or {}).get("code") == code


@pytest.mark.parametrize(("daemon", "info"), TAKEN)
def test_other_settings_of_the_engine_are_taken(
    paths: Paths, engine: FakeEngine, docker: Path, daemon: dict[str, Any], info: dict[str, Any]
) -> None:
    Path(paths.daemon_json).write_text(json.dumps(daemon))
    engine.info.update(info)
    assert run(paths, "prepared", gate=GATE)["outcome"] == "prepared"


@pytest.mark.parametrize(("name", "soft"), [("nofile", 64), ("nofile", 0), ("nproc", 20)])
def test_an_engine_that_gives_containers_too_little_to_live_on_is_refused(
    paths: Paths, engine: FakeEngine, docker: Path, name: str, soft: int
) -> None:
    limit = {"Name": name, "Hard": soft, "Soft": soft}
    Path(paths.daemon_json).write_text(json.dumps({"default-ulimits": {name: limit}}))
    result = run(paths, "prepared", gate=GATE)
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "engine-limits")
    assert f"{name}: {soft}" in result["failure"]["what"]
    assert not os.path.exists(paths.root)


@pytest.mark.parametrize(("rules", "outcome"), [(OWN_RULE, "prepared"), (STALE_RULES, "failed")])
def test_a_machine_with_nat_rules_of_its_own_needs_none_of_the_engine_s(
    paths: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch, rules: str, outcome: str
) -> None:
    """The engine's own rules stay when it is told to make none, until the next reboot: they are not the machine's."""
    Path(paths.daemon_json).write_text('{"iptables": false}')
    machine_with(monkeypatch, rules=rules)
    assert run(paths, "prepared")["outcome"] == outcome


@pytest.mark.parametrize(
    ("routes", "captured"),
    [
        (ROUTES, False),
        (ROUTES + BRIDGE % "docker0", True),
        (ROUTES + BRIDGE % "br-0123456789ab", True),
        (ROUTES + BRIDGE % "br0", False),  # the machine's own way out, on a hypervisor
        (ROUTES + BRIDGE % "docker0" + MORE_SPECIFIC, False),
    ],
)
def test_a_peer_whose_address_lies_in_a_network_of_the_engine_is_named_before_anything_is_written(
    paths: Paths, engine: FakeEngine, docker: Path, monkeypatch: pytest.MonkeyPatch, routes: str, captured: bool
) -> None:
    machine_with(monkeypatch, routes)
    result = run(paths, "prepared", gate=GATE)
    assert (result["outcome"] == "failed") is captured
    if captured:
        assert result["failure"]["code"] == "network-overlap"
        assert "beta (172.18.0.9)" in result["failure"]["what"]
        assert "default-address-pools" in result["failure"]["fix"]
        assert not os.path.exists(paths.root)


@pytest.mark.slow
def test_a_network_that_the_engine_made_for_the_agent_is_named_when_the_mesh_is_missing(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(paths, "prepared", gate=GATE)["outcome"] == "prepared"
    engine.run("r1", Health={"Status": "healthy"})
    assert run(paths, "active", gate=GATE)["failure"]["code"] == "mesh-missing"
    machine_with(monkeypatch, ROUTES + BRIDGE % "br-0123456789ab")
    assert run(paths, "active", gate=GATE)["failure"]["code"] == "network-overlap"


def test_an_engine_that_listens_elsewhere_is_named_and_not_installed_again(
    paths: Paths, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(paths.daemon_json).write_text('{"hosts": ["tcp://127.0.0.1:2375", "unix:///run/other.sock"]}')
    result = run(paths, "prepared")
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "engine-elsewhere")
    assert "unix:///run/other.sock" in result["failure"]["what"]
    assert "unix://" + paths.engine_socket in result["failure"]["fix"]
    # With its socket among them it is merely down.
    for hosts in (["unix://" + paths.engine_socket], ["fd://"], []):
        Path(paths.daemon_json).write_text(json.dumps({"hosts": hosts}))
        assert run(paths, "prepared")["outcome"] == "needs-docker"


def test_free_space_is_measured_where_the_engine_keeps_its_images(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = os.statvfs
    monkeypatch.setattr(os, "statvfs", lambda place: asked.append(place) or real("/"))
    Path(paths.daemon_json).write_text(json.dumps({"data-root": str(tmp_path)}))
    observing.observe_host(paths)
    Path(paths.daemon_json).write_text(json.dumps({"data-root": str(tmp_path / "not-made-yet" / "docker")}))
    observing.observe_host(paths)
    Path(paths.daemon_json).write_text("not JSON")
    observing.observe_host(paths)
    assert asked[:2] == [str(tmp_path), str(tmp_path)]
    assert asked[2] in ("/var/lib/docker", "/var/lib", "/")
