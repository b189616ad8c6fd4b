# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states on a host whose release has a service: what is written, started, left alone; what fails the gate."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import release as fleet_release
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Port, Service, Volume
from ansible_collections.praxis.cloud.plugins.module_utils.host import compose
from ansible_collections.praxis.cloud.plugins.module_utils.host import observation as observing
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import IMAGE, PEER, FakeEngine, framed
from tests.unit.host.test_deploy import run
from tests.unit.host.test_seal import CREDS, SYSTEMCTL, reboot

TOKEN = "the-marker-of-a-service"
TOOLS = "registry.example/tools@sha256:" + "2" * 64
FILES = Service(
    name="files",
    image=TOOLS,
    command=("serve",),
    secrets={"TOKEN": "v1"},
    files={"/tools/a.py": "print(1)\n", "/tools/b.py": "print(2)\n"},
    volumes=(Volume("shared", "/shared", agent="/app/shared"),),
    ports=(Port(3002, 3002),),
)
WEB = Service(name="web", image=TOOLS)


def made(*beside: Service, **values: Any) -> fleet_release.Release:
    known: dict[str, Any] = {
        "name": "alpha",
        "image": IMAGE,
        "document": "p2p:\n  port: 4001\n",
        "settings": {"p2p": {"port": 4001}},
        "environment": {},
        "secrets": {"OPENAI_API_KEY": "1"},
        "api_port": 8000,
        "p2p_port": 4001,
    }
    return fleet_release.Release(**{**known, **values}, services=beside)


def option(release: fleet_release.Release) -> dict[str, Any]:
    """The module's ``release``."""
    kept = ("id", "image", "name", "api_port", "p2p_port")
    return {**{key: getattr(release, key) for key in kept}, "files": release.files()}


def step(paths: Paths, state: str, release: fleet_release.Release, **more: Any) -> dict[str, Any]:
    given = [
        {
            "name": service.name,
            "secrets": {"TOKEN": TOKEN} if service.secrets else {},
            "registry": {"server": "registry.example", "username": "robot", "password": "of-the-robot"},
        }
        for service in release.services
    ]
    return run(paths, state, release=option(release), services=given, **more)


class Host:
    """A host that has two services, active and good."""

    def __init__(self, paths: Paths, engine: FakeEngine, docker: Path) -> None:
        self.paths, self.engine, self.docker = paths, engine, docker
        self.release = made(FILES, WEB)
        assert step(paths, "prepared", self.release)["outcome"] == "prepared"
        engine.run(self.release.agent_part)
        for service in self.release.services:
            engine.beside(service.name, service.part)
        assert step(paths, "active", self.release)["outcome"] == "activated"
        engine.beside("files", FILES.part)
        assert step(paths, "confirmed", self.release)["outcome"] == "confirmed"
        (docker / "calls").unlink(missing_ok=True)
        engine.requests.clear()

    def calls(self) -> list[str]:
        """What was asked of Compose."""
        file = self.docker / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def host(paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]) -> Host:
    engine.images[IMAGE] = engine.images[TOOLS] = {"Architecture": "amd64"}
    return Host(paths, engine, docker)


def test_prepare_pulls_writes_files_secrets_and_volumes_and_disturbs_nothing(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]
) -> None:
    engine.images[IMAGE] = {"Architecture": "amd64"}
    wanted = made(FILES)
    predicted = step(paths, "prepared", wanted, check=True)
    result = step(paths, "prepared", wanted)
    assert (result["outcome"], result["changes"]) == ("prepared", predicted["changes"])
    assert result["diff"] == predicted["diff"]
    assert TOKEN not in json.dumps(result)
    folder = Path(paths.part(FILES.part))
    assert [(folder / name).read_text() for name in ("0", "1")] == ["print(1)\n", "print(2)\n"]
    assert TOKEN in Path(paths.environment(FILES.part)).read_text()
    assert os.stat(paths.environment(FILES.part)).st_mode & 0o777 == 0o400
    assert TOKEN not in Path(paths.environment(wanted.agent_part)).read_text()
    assert os.stat(paths.volume("shared")).st_mode & 0o777 == 0o700
    pulled = [request for request in engine.requests if request[1] == "/images/create"]
    assert [query["fromImage"] for _verb, _path, query, _headers in pulled] == ["registry.example/tools"]
    assert "X-Registry-Auth" in pulled[0][3]
    assert not (docker / "calls").exists()
    assert step(paths, "prepared", wanted)["changed"] is False


def test_its_settings_are_in_the_diff_and_ids_of_parts_are_not(host: Host) -> None:
    diff = step(host.paths, "prepared", made(replace(FILES, environment={"LEVEL": "debug"}), WEB), check=True)["diff"]
    (files,) = [item for item in diff if "/releases/" in item["after_header"]]
    assert 'services.files.environment.LEVEL: "debug"\n' in files["after"]
    assert FILES.part not in files["before"]
    assert len(files["after"].splitlines()) == 2  # the release's id, and what was changed


@pytest.mark.slow
def test_services_come_first_and_one_that_does_not_come_up_leaves_the_agent_as_it_is(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]
) -> None:
    engine.images[IMAGE] = engine.images[TOOLS] = {"Architecture": "amd64"}
    wanted = made(FILES)
    step(paths, "prepared", wanted)
    engine.run("another")
    predicted = step(paths, "active", wanted, check=True)["changes"]
    assert predicted[-2:] == ["services files", "switch container"]
    result = step(paths, "active", wanted)
    assert result["changes"] == predicted[:-1]
    assert result["failure"]["code"] == "service-missing"
    assert [call.rpartition(" ")[2] for call in (docker / "calls").read_text().splitlines()] == ["files"]


@pytest.mark.slow
def test_a_changed_setting_replaces_that_container_alone(host: Host) -> None:
    changed = replace(FILES, environment={"LEVEL": "debug"})
    wanted = made(changed, WEB)
    assert step(host.paths, "prepared", wanted)["activation"] == "services"
    before = host.engine.container
    host.engine.beside("files", FILES.part)
    result = step(host.paths, "active", wanted, gate={"peer_id": PEER, "deadline": 0.01})
    assert result["failure"]["code"] == "service-missing"  # the stand-in for Compose replaces nothing
    (call,) = host.calls()
    assert call.endswith("--pull never --no-deps --force-recreate files")
    host.engine.beside("files", changed.part)
    result = step(host.paths, "active", wanted)
    assert (result["outcome"], result["activation"]) == ("unchanged", "none")
    assert result["observation"]["release"]["running"] == wanted.id
    assert host.engine.container is before
    assert len(host.calls()) == 1


def test_nothing_to_do_is_nothing_done(host: Host) -> None:
    for state in ("prepared", "active", "confirmed"):
        assert step(host.paths, state, host.release)["changed"] is False
    assert host.calls() == []


def test_a_service_that_is_taken_out_is_removed_and_the_agent_stays(host: Host) -> None:
    wanted = made(FILES)
    assert wanted.agent_part == host.release.agent_part
    assert step(host.paths, "prepared", wanted)["activation"] == "services"
    del host.engine.services["web"]
    host.engine.beside("web", WEB.part)
    assert step(host.paths, "active", wanted)["outcome"] == "activated"
    (call,) = host.calls()
    assert call.endswith("--pull never --no-recreate --remove-orphans")


@pytest.mark.parametrize(
    ("container", "code", "said"),
    [
        ({"state": "restarting", "RestartCount": 3, "State": {"ExitCode": 7}}, "service-exited", "exit code 7"),
        ({"RestartCount": 1}, "service-exited", "started again"),
        ({"state": "exited", "State": {"OOMKilled": True}}, "service-exited", "memory"),
        ({"State": {"Health": {"Status": "unhealthy"}}}, "service-unhealthy", "unhealthy"),
        ({"State": {"Health": {"Status": "starting"}}}, "service-unhealthy", "starting"),
    ],
)
def test_a_service_that_is_not_well_fails_the_gate_by_name(
    host: Host, monkeypatch: pytest.MonkeyPatch, container: dict[str, Any], code: str, said: str
) -> None:
    changed = replace(FILES, environment={"LEVEL": "debug"})
    wanted = made(changed, WEB)
    step(host.paths, "prepared", wanted)
    host.engine.log = framed("listening with %s\n" % TOKEN)

    def replaced(*_arguments: Any) -> None:
        """What Compose would do."""
        host.engine.beside("files", changed.part, **container)

    monkeypatch.setattr(compose, "up_services", replaced)
    result = step(host.paths, "active", wanted, gate={"peer_id": PEER, "deadline": 0.01})
    assert result["outcome"] == "failed"
    assert result["failure"]["code"] == code
    assert "service files" in result["failure"]["what"]
    assert said in result["failure"]["what"]
    assert result["evidence"] == ["files: listening with ********"]
    assert "switch container" not in result["changes"]


@pytest.mark.slow
def test_a_rollback_starts_the_service_of_before_and_leaves_the_agent(host: Host) -> None:
    bad = replace(FILES, environment={"LEVEL": "debug"})
    wanted = made(bad, WEB)
    step(host.paths, "prepared", wanted)
    host.engine.beside("files", bad.part)
    step(host.paths, "active", wanted)
    before = host.calls()
    result = step(host.paths, "restored", wanted, previous=host.release.id, gate={"peer_id": PEER, "deadline": 0.01})
    assert result["activation"] == "services"
    assert host.calls()[len(before) :][0].endswith("--force-recreate files")
    host.engine.beside("files", FILES.part)
    result = step(host.paths, "restored", wanted, previous=host.release.id)
    assert result["observation"]["release"]["current"] == host.release.id


@pytest.mark.slow
def test_what_a_kept_release_has_too_is_not_removed(host: Host) -> None:
    changed = replace(FILES, environment={"LEVEL": "debug"})
    older = host.release
    for level in ("debug", "info", "warn"):
        changed = replace(FILES, environment={"LEVEL": level})
        wanted = made(changed, WEB)
        step(host.paths, "prepared", wanted, keep_releases=2)
        host.engine.beside("files", changed.part)
        assert step(host.paths, "active", wanted)["outcome"] in ("activated", "unchanged")
        assert step(host.paths, "confirmed", wanted, keep_releases=2)["outcome"] == "confirmed"
    assert not os.path.exists(host.paths.release(older.id))
    assert not os.path.exists(host.paths.part(FILES.part))
    assert not os.path.exists(host.paths.secrets_dir(FILES.part))
    assert os.path.exists(host.paths.environment(wanted.agent_part))  # every release has this agent
    assert os.path.exists(host.paths.part(changed.part))
    assert {IMAGE, TOOLS} <= set(host.engine.images)


def test_removing_the_agent_keeps_what_services_have_stored(host: Host) -> None:
    Path(host.paths.volume("shared"), "note").write_text("kept")
    assert step(host.paths, "absent", host.release)["outcome"] == "removed"
    assert Path(host.paths.volume("shared"), "note").read_text() == "kept"
    assert not os.path.exists(host.paths.root)


def test_a_port_of_the_machine_that_another_has_stops_the_prepare(
    host: Host,
) -> None:
    other = replace(WEB, ports=(Port(3003, 80),))
    host.engine.neighbours = [{"Id": "aa", "Names": ["/proxy"], "Ports": [{"PublicPort": 3003}]}]
    result = step(host.paths, "prepared", made(FILES, other))
    assert (result["outcome"], result["failure"]["code"]) == ("failed", "port-taken")
    assert step(host.paths, "prepared", host.release)["outcome"] == "unchanged"  # its own is no hindrance


def test_more_memory_than_the_machine_has(host: Host) -> None:
    big = replace(WEB, limits=replace(WEB.limits, memory="900g"))
    result = step(host.paths, "prepared", made(FILES, big))
    assert result["failure"]["code"] == "machine-too-small"


def test_a_machine_without_services_is_asked_for_none(
    paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any]
) -> None:
    assert observing.take(paths)["services"] == {}
    filters = [query["filters"] for _verb, path, query, _headers in engine.requests if path == "/containers/json"]
    assert all("service" in text or text == '{"label": []}' for text in filters)


class TestReboot:
    """What was sealed comes back for each part of the release."""

    @pytest.fixture
    def sealing(
        self, paths: Paths, engine: FakeEngine, docker: Path, answering: dict[str, Any], tmp_path: Path
    ) -> Host:
        os.mkdir(paths.systemd)
        os.mkdir(os.path.dirname(paths.unit))
        for name, text in (("systemd-creds", CREDS), ("systemctl", SYSTEMCTL.format(tmp_path))):
            (docker / name).write_text(text)
            (docker / name).chmod(0o755)
        engine.images[IMAGE] = engine.images[TOOLS] = {"Architecture": "amd64"}
        return Host(paths, engine, docker)

    @pytest.mark.slow
    def test_the_unit_brings_the_secrets_of_every_part_back(self, sealing: Host) -> None:
        paths, found = sealing.paths, sealing.release
        reboot(paths)
        assert os.system(f"/bin/sh {paths.unseal}") == 0
        assert TOKEN in Path(paths.environment(FILES.part)).read_text()
        assert os.path.exists(paths.environment(found.agent_part))
        assert not os.path.exists(paths.secrets_dir(WEB.part))  # it has none
        assert step(paths, "prepared", found)["changed"] is False

    @pytest.mark.slow
    def test_a_release_from_before_the_services_comes_back_too(self, sealing: Host) -> None:
        """The script that is there by then knows of both."""
        before = made(environment={"A": "1"})
        step(sealing.paths, "prepared", before)
        reboot(sealing.paths)
        assert os.system(f"/bin/sh {sealing.paths.unseal} {before.id}") == 0
        assert os.path.exists(sealing.paths.environment(before.id))
        assert not os.path.exists(sealing.paths.secrets_dir(FILES.part))

    @pytest.mark.slow
    def test_a_rollback_after_a_reboot_needs_no_store(self, sealing: Host) -> None:
        bad = replace(FILES, secrets={"TOKEN": "v2"})
        wanted = made(bad, WEB)
        step(sealing.paths, "prepared", wanted)
        sealing.engine.beside("files", bad.part)
        step(sealing.paths, "active", wanted)
        reboot(sealing.paths)
        plain = {"secrets": None, "seed": None, "services": None}
        options = {"release": option(wanted), "previous": sealing.release.id, **plain}
        result = run(sealing.paths, "restored", **options)
        assert result["changes"][0] == "unseal " + sealing.paths.environment(sealing.release.agent_part)
        assert TOKEN in Path(sealing.paths.environment(FILES.part)).read_text()

    def test_nothing_of_a_secret_is_on_the_disk(self, sealing: Host) -> None:
        kept = [path for path in Path(sealing.paths.root).rglob("*") if path.is_file() and not path.is_symlink()]
        assert len(kept) > 5
        assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []
