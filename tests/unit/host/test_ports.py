# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a machine's ports, from a /proc made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import ports
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine

listening = ports.listening  # before conftest puts another in its place
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LINE = "   0: %s %s %s 00000000:00000000 00:00000000 00000000     0        0 %d 1 0 100 0 0 10 0\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    net = tmp_path / "self" / "net"
    net.mkdir(parents=True)
    there = "0C02000A:C350"
    (net / "tcp").write_text(
        HEAD + LINE % ("00000000:1F40", "00000000:0000", "0A", 71) + LINE % ("0100000A:0FA1", there, "01", 72)
    )
    (net / "tcp6").write_text(HEAD + LINE % ("0" * 32 + ":0FA2", "0" * 32 + ":0000", "0A", 73))
    holder = tmp_path / "812"
    (holder / "fd").mkdir(parents=True)
    (holder / "fd" / "0").symlink_to("/dev/null")
    (holder / "fd" / "5").symlink_to("socket:[71]")
    (holder / "comm").write_text("nginx\n")
    (tmp_path / "813").mkdir()  # one that has just ended
    return tmp_path


def test_only_listeners_count(proc: Path) -> None:
    assert listening(str(proc)) == {8000: "71", 4002: "73"}


def test_the_holder_is_named(proc: Path) -> None:
    assert ports.process_with("71", str(proc)) == "nginx (pid 812)"
    assert ports.process_with("73", str(proc)) == "an unknown process"


@pytest.mark.parametrize(
    ("published", "taken"),
    [({"Type": "tcp"}, [9000]), ({"Type": "udp"}, []), ({"Type": "sctp"}, []), ({}, [9000])],
)
def test_a_port_of_another_protocol_is_another_port(
    proc: Path, paths: Paths, engine: FakeEngine, published: dict[str, Any], taken: list[int]
) -> None:
    """The agent listens on TCP alone."""
    engine.neighbours = [{"Id": "n1", "Names": ["/dns"], "Labels": {}, "Ports": [{"PublicPort": 9000, **published}]}]
    found = ports.taken(Engine(paths.engine_socket), [9000], [], str(proc))
    assert [finding.where for finding in found] == ["port %d" % port for port in taken]
