# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at on a host before a deployment, and that nothing is changed by it."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import examination, inside, observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import from_options
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import DIGEST, IMAGE, release

LOGIN = {"server": "registry.example", "username": "AWS", "password": "token-of-the-registry"}
ROUTES = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth9\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\t0\t0\t0
lo\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth8\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
           |-- 10.0.0.0
              /24 link UNICAST
           |-- 10.0.0.12
              /32 host LOCAL
           |-- 10.0.0.4
              /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
"""


def desired(**more: Any) -> Any:
    return from_options({"state": "prepared", "release": release("r1"), "registry": LOGIN, **more})


def take(paths: Any, **more: Any) -> dict[str, Any]:
    return examination.take(desired(**more), paths, observation.take(paths))


class TestImages:
    def test_the_registry_is_asked_by_digest_and_with_the_login(self, engine, paths) -> None:
        engine.images[IMAGE] = {"Architecture": "amd64"}
        assert take(paths)["images"] == [{"image": IMAGE, "present": True, "failure": None}]
        (asked,) = [item for item in engine.requests if item[1].startswith("/distribution/")]
        assert asked[:2] == ("GET", "/distribution/registry.example/praxis-agent@%s/json" % DIGEST)
        assert "X-Registry-Auth" in asked[3]

    def test_nothing_is_pulled_and_nothing_is_kept(self, engine, paths) -> None:
        take(paths)
        assert {method for method, *_rest in engine.requests} == {"GET"}

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ("unauthorized: authentication required", "image-unauthorized"),
            ("manifest unknown", "image-not-found"),
            ("dial tcp: lookup registry.example: no such host", "registry-unreachable"),
            ("x509: certificate signed by unknown authority", "registry-certificate"),
        ],
    )
    def test_a_refusal_has_the_code_that_a_pull_would_have(self, engine, paths, said: str, code: str) -> None:
        engine.distribution = (500, {"message": said})
        (found,) = take(paths)["images"]
        assert (found["present"], found["failure"]["code"]) == (False, code)

    def test_an_image_for_other_processors_is_reported(self, engine, paths) -> None:
        engine.distribution = (200, {"Platforms": [{"architecture": "arm64", "os": "linux"}]})
        (found,) = take(paths)["images"]
        assert found["failure"]["code"] == "image-architecture" and "arm64" in found["failure"]["what"]
        engine.distribution = (200, {"Platforms": [{"architecture": "arm64"}, {"architecture": "amd64"}]})
        assert take(paths)["images"][0]["failure"] is None

    def test_without_an_engine_no_image_is_asked_for(self, paths) -> None:
        assert take(paths)["images"] == []


class TestNames:
    @pytest.mark.parametrize(
        ("value", "names"),
        [
            ("https://user:word@Models.example.org:8443/v1", ["models.example.org"]),
            ("/dns4/relay.example.org/tcp/4001/p2p/12D3", ["relay.example.org"]),
            ("http://llm_gateway.internal/v1", ["llm_gateway.internal"]),
            ("--url=https://a.example", ["a.example"]),
            ("https://a.example, https://b.example", ["a.example", "b.example"]),
            ('[{"name": "x", "url": "https://a.example"}]', ["a.example"]),
            ("http://10.0.0.1/x", []),
            ("redis://localhost:6379", []),
            # For people to read.
            ("The tools of https://docs.example: see there", []),
            ("Described, https://docs.example", []),
            ("[no JSON", []),
            ("", []),
        ],
    )
    def test_those_of_values_that_are_addresses(self, value: str, names: list[str]) -> None:
        for given in ({"llm": {"base_url": value}}, {"p2p": {"bootstrap_nodes": [value, 5, None]}}):
            assert examination.names_in(given) == names

    def test_settings_variables_and_services_have_them(self, paths) -> None:
        changed = release("r1")
        manifest = json.loads(changed["files"]["release.json"])
        manifest["settings"] = {"llm": {"base_url": "https://a.invalid"}, "agent": {"description": "By http://x.invalid."}}
        manifest["environment"] = {"PRAXIS_METRICS__REMOTE_WRITE_URL": "https://b.invalid", "MCP": "http://cache:80"}
        service = {"part": "p1", "image": IMAGE, "command": ["serve", "--from=http://c.invalid"],
                   "environment": {"UP": "http://d.invalid"}, "files": {"/a": "http://e.invalid"}}  # fmt: skip
        manifest["services"] = {"cache": service}
        changed["files"]["release.json"] = json.dumps(manifest)
        found = take(paths, release=changed)["names"]
        assert sorted(set(found) - {"registry.example"}) == ["a.invalid", "b.invalid", "c.invalid", "d.invalid"]

    def test_a_name_that_cannot_be_asked_for_is_an_answer(self) -> None:
        said = "it is not a host name"
        assert examination._resolve(["foo..bar"]) == {"foo..bar": said}
        assert inside.ask(["127.0.0.1"], "foo..bar", 1.0) == said

    @pytest.mark.parametrize(
        ("image", "registry"),
        [
            ("registry.example/praxis-agent@" + DIGEST, "registry.example"),
            ("localhost:5000/a@" + DIGEST, "localhost"),
            ("library/debian@" + DIGEST, "registry-1.docker.io"),
            ("debian@" + DIGEST, "registry-1.docker.io"),
        ],
    )
    def test_an_image_s_registry(self, image: str, registry: str) -> None:
        assert examination.registry_of(image) == registry

    def test_a_name_that_nobody_has_is_reported_with_the_resolver_s_words(self, paths) -> None:
        found = examination._resolve(["localhost", "praxis.invalid"])
        assert found["localhost"] == "ok" and found["praxis.invalid"] not in ("ok", "")


class TestMachine:
    def test_the_least_default_route_s_mtu(self) -> None:
        assert examination.route_mtu(ROUTES) == int(Path("/sys/class/net/lo/mtu").read_text(encoding="utf-8"))
        assert examination.route_mtu(ROUTES.splitlines()[0]) is None

    def test_its_addresses(self) -> None:
        assert examination.local_addresses(TRIE) == ["10.0.0.4", "10.0.0.12"]

    def test_whose_the_secrets_are(self, paths) -> None:
        folder = Path(paths.secrets_dir("r1"))
        folder.mkdir(parents=True, mode=0o700)
        Path(paths.environment("r1")).touch(0o640)
        os.chmod(paths.environment("r1"), 0o640)
        found = {item["path"]: item for item in examination.secret_files(paths)}
        assert set(found) == {paths.run, str(folder), paths.environment("r1")}
        assert found[paths.environment("r1")]["mode"] == 0o640
        assert (found[str(folder)]["directory"], found[paths.environment("r1")]["directory"]) == (True, False)


def test_a_link_is_nothing_secret(paths: Paths, tmp_path: Path) -> None:
    """Its mode means nothing, and root's chmod would change what it leads to."""
    folder, elsewhere = Path(paths.secrets_dir("r1")), tmp_path / "elsewhere"
    folder.mkdir(parents=True, mode=0o700)
    elsewhere.write_text("")
    (folder / "file").symlink_to(elsewhere)
    (folder / "nowhere").symlink_to(tmp_path / "gone")
    assert {item["path"] for item in examination.secret_files(paths)} == {paths.run, str(folder)}


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[str, int]]:
    """A name server that gives these answers, one a question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))

        def answer() -> None:
            for reply in answers:
                _question, sender = link.recvfrom(4096)
                link.sendto(reply, sender)

        thread = threading.Thread(target=answer)
        thread.start()
        yield link.getsockname()
        thread.join(10)


def reply(code: int, answers: int) -> bytes:
    return struct.pack(">6H", 1, 0x8180 | code, 1, answers, 0, 0)


class TestInside:
    def test_who_is_asked(self) -> None:
        text = "# nameserver 1.1.1.1\nsearch x\nnameserver 10.0.0.2\n nameserver\t127.0.0.11\nnameserver fd00::1\n"
        assert inside.nameservers(text) == ["10.0.0.2", "127.0.0.11"]
        assert inside.hosts("127.0.0.1 localhost me # it\n\n10.0.0.2\tpeer\n") == ["localhost", "me", "peer"]

    def test_a_question(self) -> None:
        assert inside.question("a.example.")[12:] == b"\x01a\x07example\x00\x00\x01\x00\x01"

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (reply(0, 1), "ok"),
            (reply(0, 0), "no address"),
            (reply(3, 0), "no such name"),
            (reply(2, 0), "server failure"),
            (reply(9, 0), "error 9"),
            (b"short", "malformed"),
        ],
    )
    def test_an_answer(self, answer: bytes, said: str) -> None:
        assert inside.answered(answer) == said

    def test_the_first_server_that_knows_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {"10.0.0.1": "no answer from 10.0.0.1", "10.0.0.2": "ok"}
        monkeypatch.setattr(inside, "_ask", lambda server, name, timeout: known[server])
        assert inside.ask(["10.0.0.1", "10.0.0.2"], "a.example", 1.0) == "ok"
        assert inside.ask(["10.0.0.1"], "a.example", 1.0) == "no answer from 10.0.0.1"
        assert inside.ask([], "a.example", 1.0) == "no name server is configured"

    def test_a_server_is_really_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with server(reply(0, 1), reply(3, 0)) as (address, port):
            monkeypatch.setattr(inside, "DNS_PORT", port)
            assert inside.ask([address], "a.example", 5.0) == "ok"
            assert inside.ask([address], "b.example", 5.0) == "no such name"

    def test_a_process_that_is_gone_or_not_ours_is_no_fault_of_the_fleet_s(self) -> None:
        assert "error" in inside.observe(2**22 + 1, ["a.example"], [], 0.1)
