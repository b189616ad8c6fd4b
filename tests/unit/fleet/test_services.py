# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services beside the agent: what is read, what is refused, and what a release makes of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import difference, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_settings import UNSAFE, read_services
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service
from tests.unit.fleet.made import fleet, member, release

IMAGE = "registry.example/files@sha256:" + "1" * 64
PORTS = (8000, 4001)
WHOLE: dict[str, Any] = {
    "name": "files",
    "image": IMAGE,
    "command": ["python3", "/tools/serve.py", 3002],
    "environment": {"ROOT": "/shared", "DOLLAR": "$HOME"},
    "secrets": {"TOKEN": "aws-sm://files#token"},
    "files": [{"target": "/tools/serve.py", "content": "print(1)\n"}],
    "volumes": [{"name": "shared", "target": "/shared", "agent": "/app/shared"}],
    "tmpfs": ["/cache"],
    "ports": [{"published": 3002}],
    "extra_hosts": {"docs.internal": "10.0.0.9", "host.docker.internal": "host-gateway"},
    "health": {"test": ["curl", "-fsS", "http://127.0.0.1:3002/health"], "retries": 3},
    "container": {"memory": "64m"},
}


def read(*entries: Any) -> tuple[tuple[Service, ...], list[Finding]]:
    findings: list[Finding] = []
    return read_services(entries, PORTS, findings), findings


def service(**values: Any) -> Service:
    services, findings = read({**WHOLE, **values})
    assert findings == []
    return replace(services[0], secrets={"TOKEN": "v1"} if services[0].secrets else {})


class TestReading:
    def test_every_key(self) -> None:
        (found,), findings = read(WHOLE)
        assert findings == []
        assert found.command == ("python3", "/tools/serve.py", "3002")
        assert (found.ports[0].published, found.ports[0].target, found.ports[0].address) == (3002, 3002, "127.0.0.1")
        assert (found.limits.memory, found.limits.pids) == ("64m", 256)

    def test_a_name_and_an_image_are_enough(self) -> None:
        assert read({"name": "files", "image": IMAGE})[1] == []

    @pytest.mark.parametrize(
        ("entry", "code", "said"),
        [
            ("files", "bad-service", "not a mapping"),
            ({"image": IMAGE}, "bad-service", "no name"),
            ({"name": "agent", "image": IMAGE}, "bad-service", "agent"),
            ({"name": "Files", "image": IMAGE}, "bad-service", "Files"),
            ({"name": "files"}, "bad-service", "no image"),
            ({**WHOLE, "imgae": IMAGE}, "unknown-service-key", "Did you mean image?"),
            *[({**WHOLE, key: True}, "service-unsafe", key) for key in UNSAFE],
            ({**WHOLE, "volumes": ["/etc:/host"]}, "service-host-mount", "/etc"),
            ({**WHOLE, "volumes": [{"name": "/etc", "target": "/x"}]}, "service-host-mount", "/etc"),
            ({**WHOLE, "volumes": [{"type": "bind", "source": "/etc"}]}, "service-host-mount", "/etc"),
            ({**WHOLE, "volumes": [{"name": "shared", "target": "shared"}]}, "bad-service", "absolute"),
            ({**WHOLE, "volumes": [{"name": "shared", "target": "/proc/x"}]}, "bad-service", "/proc/x"),
            ({**WHOLE, "volumes": [{"name": "shared", "target": "/s", "agent": "/app"}]}, "bad-service", "/app"),
            ({**WHOLE, "volumes": [{"name": "shared", "target": "/s", "read_only": "ja"}]}, "bad-service", "read_only"),
            ({**WHOLE, "volumes": [{"name": "shared", "target": "/s", "agent": "/keys/x"}]}, "bad-service", "/keys/x"),
            ({**WHOLE, "environment": {"A": "a\0"}}, "bad-service", "NUL"),
            ({**WHOLE, "command": ["\ud800"]}, "bad-service", "surrogate"),
            ({**WHOLE, "files": [{"target": "/a", "content": "\ud800"}]}, "bad-service", "surrogate"),
            ({**WHOLE, "tmpfs": ["/shared"]}, "bad-service", "/shared"),
            ({**WHOLE, "tmpfs": ["/tmp"]}, "bad-service", "/tmp"),
            ({**WHOLE, "files": [{"target": "/a/../b", "content": ""}]}, "bad-service", "/a/../b"),
            ({**WHOLE, "files": [{"target": "/a", "content": 1}]}, "bad-service", "/a"),
            ({**WHOLE, "files": [{"target": "/a", "content": "x" * 65537}]}, "bad-service", "64 KiB"),
            ({**WHOLE, "ports": [{"published": 8000}]}, "service-port-clash", "the agent"),
            ({**WHOLE, "ports": [{"published": 3002}, {"published": 3002}]}, "service-port-clash", "3002"),
            ({**WHOLE, "ports": [{"published": 70000}]}, "bad-service", "70000"),
            ({**WHOLE, "ports": [{"published": 3002, "address": "files"}]}, "bad-service", "files"),
            ({**WHOLE, "extra_hosts": {"a": "b"}}, "bad-service", "host-gateway"),
            ({**WHOLE, "environment": {"A B": "1"}}, "bad-service", "A B"),
            pytest.param({**WHOLE, "environment": {"A": "x" * 131072}}, "bad-service", "128 KiB", id="long"),
            ({**WHOLE, "environment": {"A": True}}, "bad-service", "True"),
            ({**WHOLE, "environment": {"TOKEN": "1"}}, "bad-service", "TOKEN"),
            ({**WHOLE, "command": None}, "service-no-command", "sh"),
            ({**WHOLE, "args": ["/shared"]}, "bad-service", "args"),
            ({**WHOLE, "health": {"test": []}}, "bad-service", "test"),
            ({**WHOLE, "health": {"tset": "true"}}, "bad-service", "test"),
            ({**WHOLE, "health": {"test": "true", "interval": 5}}, "bad-service", "unit"),
            ({**WHOLE, "container": {"memroy": "64m"}}, "unknown-limit", "memory"),
            ({**WHOLE, "container": {"memory": "64"}}, "bad-limit", "64"),
        ],
    )
    def test_what_is_wrong_is_named(self, entry: Any, code: str, said: str) -> None:
        _services, findings = read(entry)
        assert [finding.code for finding in findings] == [code], findings
        assert said in str(findings[0])
        assert all(findings[0].as_dict().values())

    def test_two_of_one_name(self) -> None:
        findings = read({"name": "files", "image": IMAGE}, {"name": "files", "image": IMAGE})[1]
        assert [(finding.code, finding.where) for finding in findings] == [("service-twice", "praxis_services[files]")]

    def test_two_services_with_one_port_of_the_machine(self) -> None:
        entries = [{"name": name, "image": IMAGE, "ports": [{"published": 3002}]} for name in ("files", "web")]
        assert [finding.code for finding in read(*entries)[1]] == ["service-port-clash"]

    def test_two_services_may_share_a_volume_and_the_agent_has_it_once(self) -> None:
        volume = {"name": "shared", "target": "/data", "agent": "/app/shared"}
        services, findings = read(*({"name": name, "image": IMAGE, "volumes": [volume]} for name in ("files", "web")))
        assert findings == []
        mounts = json.loads(release("m1", services=services).compose())["services"]["agent"]["volumes"]
        assert [item["target"] for item in mounts].count("/app/shared") == 1

    def test_everything_wrong_is_said_at_once(self) -> None:
        findings = read({**WHOLE, "privileged": True, "health": {}, "nmae": "x"}, "x")[1]
        assert len(findings) == 4


class TestRelease:
    @pytest.mark.parametrize(
        ("values", "release_id", "compose", "manifest"),
        [
            (
                {},
                "ce01a6cb59b3",
                "bd725bea391190d67dde605000663090cd12b234044bf78d134dec2ce533ece4",
                "bbf2d94c29cf693bf6d4fddfd16e4d99c418de883c1bd32c84a9bf5f950d16b2",
            ),
            (
                {"docker_socket": True},
                "5c02833ccb6d",
                "3ccd1518e240e4914202225b0262f933b148858e4a07052e682955e3efd6b889",
                "5bcb0000a062ecd3d89665ff5ea49f915b28f76e2d1f1b58b0f7de914b427e1c",
            ),
        ],
    )
    def test_without_services_a_release_is_what_earlier_versions_made(
        self, values: dict[str, Any], release_id: str, compose: str, manifest: str
    ) -> None:
        """Upgrading the collection restarts nobody. With other values here it does: the changelog has to say so."""
        found = release("m1", **values)
        files = found.files()
        hashes = [hashlib.sha256(files[name].encode()).hexdigest() for name in ("compose.yaml", "release.json")]
        assert [found.id, *hashes] == [release_id, compose, manifest]

    def test_it_is_hardened_as_the_agent_is(self) -> None:
        services = json.loads(release("m1", services=(service(),)).compose())["services"]
        for key in ("init", "user", "read_only", "cap_drop", "security_opt", "pids_limit", "restart", "logging"):
            assert services["files"][key] == services["agent"][key]
        assert services["files"]["tmpfs"] == ["/tmp", "/cache"]
        assert services["files"]["mem_limit"] == "64m"

    def test_what_compose_gets(self) -> None:
        found = service()
        mine = json.loads(release("m1", services=(found,)).compose())["services"]["files"]
        assert mine["labels"] == {"praxis.part": found.part, "praxis.member": "m1"}
        assert mine["environment"] == {"DOLLAR": "$$HOME", "ROOT": "/shared"}
        assert mine["ports"] == ["127.0.0.1:3002:3002"]
        assert mine["extra_hosts"] == ["docs.internal:10.0.0.9", "host.docker.internal:host-gateway"]
        assert mine["healthcheck"]["test"] == ["CMD", "curl", "-fsS", "http://127.0.0.1:3002/health"]
        assert [(item["source"], item["target"], item["read_only"]) for item in mine["volumes"]] == [
            ("/var/lib/praxis/volumes/shared", "/shared", False),
            ("/run/praxis/%s" % found.part, "/run/praxis", True),
            ("/opt/praxis/parts/%s/0" % found.part, "/tools/serve.py", True),
        ]
        assert mine["entrypoint"][:2] == ["sh", "-c"]
        assert mine["command"] == ["python3", "/tools/serve.py", "3002"]

    def test_a_command_takes_the_place_of_the_image_s_own_and_args_do_not(self) -> None:
        plain = {"secrets": None}
        assert service(**plain)._process() == {"entrypoint": list(service().command), "command": []}
        assert service(**plain, command=None, args=["/shared"])._process() == {"command": ["/shared"]}
        assert service(**plain, command=None)._process() == {}

    @pytest.mark.parametrize(
        "values",
        [
            {"environment": {"ROOT": "/other"}},
            {"files": [{"target": "/tools/serve.py", "content": "print(2)\n"}]},
            {"health": None},
            {"container": {"memory": "128m"}},
            {"ports": None},
            {"image": IMAGE.replace("1", "2")},
            {"secrets": None},
        ],
    )
    def test_one_setting_changed_gives_another_release_and_the_same_agent(self, values: dict[str, Any]) -> None:
        before, after = (
            release("m1", services=(service(), replace(service(), name="web"))),
            release("m1", services=(service(**values), replace(service(), name="web"))),
        )
        assert before.id != after.id
        files = [json.loads(each.compose())["services"] for each in (before, after)]
        assert files[0]["agent"] == files[1]["agent"]
        assert files[0]["web"] == files[1]["web"]
        assert files[0]["files"] != files[1]["files"]

    def test_a_new_version_of_a_service_s_secret_is_a_new_release(self) -> None:
        before, after = service(), replace(service(), secrets={"TOKEN": "v2"})
        assert before.part != after.part
        assert release("m1", services=(before,)).id != release("m1", services=(after,)).id

    def test_a_change_of_the_agent_leaves_the_services_as_they_are(self) -> None:
        made = [
            release("m1", environment={"PRAXIS_API__PORT": port}, services=(service(),)) for port in ("8000", "8001")
        ]
        files = [json.loads(each.compose())["services"] for each in made]
        assert files[0]["files"] == files[1]["files"]
        assert files[0]["agent"] != files[1]["agent"]

    def test_the_agent_alone_is_the_same_with_and_without_services(self) -> None:
        """Its first service, without a shared volume, does not restart the agent."""
        found = replace(service(), volumes=())
        alone, beside = release("m1"), release("m1", services=(found,))
        assert alone.id == alone.agent_part == beside.agent_part != beside.id
        assert json.loads(alone.compose())["services"]["agent"] == json.loads(beside.compose())["services"]["agent"]

    def test_the_machine_s_copy_says_what_it_is_made_of(self) -> None:
        found = service()
        made = release("m1", services=(found,))
        manifest = json.loads(made.files()["release.json"])
        assert manifest["secret_parts"].split() == [made.agent_part, found.part]
        assert manifest["services"]["files"]["part"] == found.part
        assert manifest["services"]["files"]["secrets"] == {"TOKEN": "v1"}
        assert manifest["services"]["files"]["files"] == {"/tools/serve.py": "print(1)\n"}


class TestPlan:
    @pytest.mark.parametrize(
        ("changed", "parts"),
        [
            ({"image": IMAGE.replace("1", "2")}, ["image"]),
            ({"environment": {}}, ["settings"]),
            ({"secrets": {"TOKEN": "v2"}}, ["secrets"]),
        ],
    )
    def test_its_id_tells_what_of_a_service_differs(self, changed: dict[str, Any], parts: list[str]) -> None:
        plans = [
            make_plan("test", [member(1)], [release("m1", services=(each,))])
            for each in (service(), replace(service(), **changed))
        ]
        assert difference(plans[0].id, plans[1].id) == parts

    def test_its_id_is_what_earlier_versions_made_without_services(self) -> None:
        assert fleet(1).id == "1ceb3c7f-b489a8a5-e8771d23-e20d38b5"
