# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's TCP table, as recorded on machines, and dials to real sockets on loopback."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import tcp

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
TCP = HEADER + (
    "   0: 00000000:0FA1 00000000:0000 0A 00000000:00000000 00:00000000 00000000 10001 0 4711 1 0 100 0 0 10 0\n"
    "   1: 020012AC:0FA1 0C01000A:C822 01 00000000:00000000 00:00000000 00000000 10001 0 4712 1 0 20 4 30 10 -1\n"
    "   2: 020012AC:B3C0 0D01000A:0FA1 01 000004D8:00000000 01:000003E8 00000008 10001 0 4713 3 0 20 4 30 1 7\n"
    "   3: 020012AC:1F40 010012AC:D431 01 00000000:00000000 00:00000000 00000000 10001 0 4714 1 0 20 4 30 10 -1\n"
    "   4: 020012AC:0FA1 0E01000A:9C40 06 00000000:00000000 03:00001763 00000000     0        0 0 3 0\n"
)
TCP6 = HEADER + (
    "   0: 0000000000000000FFFF0000020012AC:0FA1 0000000000000000FFFF00000F01000A:9C41 01"
    " 00000000:00000000 00:00000000 00000000 10001 0 4715 1 0 20 4 30 10 -1\n"
    "   1: B80D01200000000000000000200000AC:0FA1 B80D0120000000000000000001000000:9C42 01"
    " 00000000:00000000 00:00000000 00000000 10001 0 4716 1 0 20 4 30 10 -1\n"
)


def test_only_established_connections_are_read() -> None:
    found = tcp.established(TCP)
    assert [(item.local_port, item.remote_address) for item in found] == [
        (4001, "10.0.1.12"),
        (46016, "10.0.1.13"),
        (8000, "172.18.0.1"),
    ]


def test_a_stalled_connection_shows_its_queue_and_its_retransmits() -> None:
    stalled = tcp.established(TCP)[1]
    assert (stalled.retransmits, stalled.tx_queue) == (8, 0x4D8)
    assert tcp.established(TCP)[0].retransmits == 0


def test_edges_are_accepted_on_the_p2p_port_or_dialled_to_a_peers() -> None:
    found = tcp.p2p_edges(tcp.established(TCP), p2p_port=4001, dialled_ports={4001})
    assert [item.as_edge() for item in found] == [
        {"local": "172.18.0.2:4001", "remote": "10.0.1.12:51234", "retransmits": 0, "tx_queue": 0},
        {"local": "172.18.0.2:46016", "remote": "10.0.1.13:4001", "retransmits": 8, "tx_queue": 1240},
    ]


def test_ipv4_in_ipv6_is_shown_as_ipv4_and_true_ipv6_in_brackets() -> None:
    mapped, six = tcp.established(TCP6)
    assert mapped.as_edge()["remote"] == "10.0.1.15:40001"
    assert mapped.as_edge()["local"] == "172.18.0.2:4001"
    assert six.as_edge()["remote"] == "[2001:db8::1]:40002"


def test_a_process_that_is_gone_has_no_connections(tmp_path) -> None:
    assert tcp.read_tables(99, proc=str(tmp_path)) == []
    (tmp_path / "7" / "net").mkdir(parents=True)
    (tmp_path / "7" / "net" / "tcp").write_text(TCP)
    assert len(tcp.read_tables(7, proc=str(tmp_path))) == 3


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_dials(listener: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    answers = tcp.dial_all([("127.0.0.1", listener), ("127.0.0.1", closed), ("127.0.0.1", listener)], timeout=2)
    assert answers == {"127.0.0.1:%d" % listener: "ok", "127.0.0.1:%d" % closed: "refused"}


def test_a_listener_that_does_not_accept_times_out() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _number in range(4)]
        for one in waiting:  # fill the backlog, so that the kernel drops the next SYN
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        answer = tcp.dial("127.0.0.1", port, timeout=0.3)
        for one in waiting:
            one.close()
    assert answer == "timeout"


def test_no_targets_no_dials() -> None:
    assert tcp.dial_all([], timeout=1) == {}
