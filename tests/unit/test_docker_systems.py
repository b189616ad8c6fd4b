# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the docker role gives each system an engine, rendered: all but Debian's was never run.

Package names, directories and formats are those of the systems' and of Docker's own documentation.
"""

from __future__ import annotations

import base64
import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import tiers

CHECKOUT = Path(__file__).resolve().parents[2]
VARS = CHECKOUT / "roles" / "docker" / "vars"
RELEASES = {"Debian-12": "bookworm", "Debian-13": "trixie", "Ubuntu-22": "jammy", "Ubuntu-24": "noble"}
RHEL = ("RedHat-9", "CentOS-9", "Rocky-9", "AlmaLinux-9")
SYSTEMS = (*RELEASES, "Amazon-2023", *RHEL)
NOTHING: dict[str, Any] = {"version": None, "compose": None, "daemon": None, "running": False}
GOOD: dict[str, Any] = {"version": "26.1.5", "compose": "2.26.1", "daemon": {}, "running": True}
CE = ["containerd.io", "docker-ce", "docker-ce-cli", "docker-compose-plugin"]
WORKED_OUT = ("source", "from", "to_install", "to_hold", "key_apt", "key_dnf", "proxy_environment", "proxies_text",
              "wanted_daemon")  # fmt: skip
MIRROR = {"docker_repository": "https://mirror.example/docker", "docker_debian_mirror": "https://mirror.example/debian"}


def facts(system: str) -> dict[str, Any]:
    distribution, _dash, major = system.partition("-")
    return {"distribution": distribution, "distribution_major_version": major, "distribution_version": major,
            "distribution_release": RELEASES.get(system, ""), "python": {"executable": sys.executable}}  # fmt: skip


def run(folder: Path, plays: list[dict[str, Any]], *arguments: str) -> tuple[int, str]:
    (folder / "play.json").write_text(json.dumps(plays))
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "play.json", *arguments],
        cwd=folder, env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def rendered(folder: Path, cases: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the role works out in each case: its variables over the defaults; ``system`` and ``engine`` beside them."""
    defaults = yaml.safe_load((VARS.parent / "defaults" / "main.yml").read_text())
    plays = []
    for case in cases.values():
        given = {**defaults, **case}
        system, engine = given.pop("system"), given.pop("engine", NOTHING)
        wanted = ", ".join(f"'{item}': __docker_{item}" for item in WORKED_OUT)
        plays.append({
            "hosts": "localhost", "connection": "local", "gather_facts": False,
            "vars_files": [str(VARS / "main.yml"), str(VARS / "systems.yml")],
            "vars": {**given, "ansible_facts": facts(system), "__docker_observed": {"observation": {"engine": engine}},
                     "__docker_found": {"stdout_lines": case.get("there", [])}},
            "tasks": [{"ansible.builtin.debug": {"msg": "RENDERED:{{ {%s} | to_json | b64encode }}:" % wanted}}],
        })  # fmt: skip
    rc, printed = run(folder, plays)
    assert rc == 0, printed
    texts = re.findall(r"RENDERED:([A-Za-z0-9+/=]+):", printed)
    assert len(texts) == len(cases), printed
    return {name: json.loads(base64.b64decode(text)) for name, text in zip(cases, texts)}


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All systems, by the default and from Docker's repository; and what else the tests ask of one of them."""
    cases: dict[str, dict[str, Any]] = {}
    for system in SYSTEMS:
        cases[system] = {"system": system}
        cases[f"{system} docker"] = {"system": system, "docker_source": "docker", **MIRROR}
        cases[f"{system} good"] = {"system": system, "engine": GOOD}
    cases["Fedora-42"] = {"system": "Fedora-42"}
    cases["old"] = {"system": "Debian-12", "there": ["ii  docker.io", "ii  docker-compose", "hi  apparmor"],
                    "engine": {**GOOD, "compose": "1.29.2"}}  # fmt: skip
    cases["foreign"] = {"system": "Debian-12", "there": ["ii  docker-ce"], "engine": {**GOOD, "running": False}}
    cases["rpm"] = {"system": "Amazon-2023", "there": ["ii docker", "package docker-compose-plugin is not installed"],
                    "engine": {**GOOD, "compose": None}}  # fmt: skip
    cases["mirror"] = {"system": "Debian-12", **MIRROR}
    proxies = {"docker_http_proxy": "http://p:1", "docker_no_proxy": [" a.example, 10.0.0.0/8", "localhost"]}
    cases["proxies"] = {"system": "Debian-13", **proxies}
    return rendered(tmp_path_factory.mktemp("rendered"), cases)


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("system", tiers.first(SYSTEMS, 3))
def test_every_system_has_an_engine_by_default(everywhere: dict[str, dict[str, Any]], system: str) -> None:
    found = everywhere[system]
    assert found["source"] == ("docker" if system in RHEL else "distribution")
    assert {
        "Debian-12": ["apparmor", "ca-certificates", "docker-compose", "docker.io"],
        "Debian-13": ["apparmor", "ca-certificates", "docker-cli", "docker-compose", "docker.io"],
        "Ubuntu-22": ["apparmor", "ca-certificates", "docker-compose-v2", "docker.io"],
        "Ubuntu-24": ["apparmor", "ca-certificates", "docker-compose-v2", "docker.io"],
        "Amazon-2023": ["docker", "docker-compose-plugin"],
        **dict.fromkeys(RHEL, CE),
    }[system] == found["to_install"]
    held = [name for name in found["to_install"] if name.startswith("docker")] if system in RELEASES else []
    assert found["to_hold"] == held
    assert everywhere[f"{system} good"]["to_install"] == []


@pytest.mark.parametrize("system", RELEASES)
def test_docker_s_repository_by_apt(everywhere: dict[str, dict[str, Any]], system: str) -> None:
    found = everywhere[f"{system} docker"]
    (file,) = found["from"]["files"]
    name = system.partition("-")[0].lower()
    assert (found["to_install"], found["to_hold"], found["from"]["key"]) == (CE, CE, f"{name}/gpg")
    assert file["path"] == "/etc/apt/sources.list.d/praxis-docker.sources"
    assert dict(line.split(": ", 1) for line in file["content"].splitlines()) == {
        "Types": "deb", "URIs": f"https://mirror.example/docker/{name}", "Suites": RELEASES[system],
        "Components": "stable", "Signed-By": found["key_apt"],
    }  # fmt: skip


@pytest.mark.parametrize("system", [*RHEL, "Amazon-2023"])
def test_docker_s_repository_by_dnf(everywhere: dict[str, dict[str, Any]], system: str) -> None:
    amazon = system == "Amazon-2023"
    found = everywhere[system if amazon else f"{system} docker"]
    (file,) = found["from"]["files"]
    assert file["path"] == "/etc/yum.repos.d/praxis-docker.repo"
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(file["content"])
    (section,) = parsed.sections()
    repository = dict(parsed[section])
    directory = "rhel" if system == "RedHat-9" else "centos"
    base = "https://download.docker.com/linux" if amazon else "https://mirror.example/docker"
    assert repository["baseurl"] == f"{base}/{directory}/9/$basearch/stable"
    assert (repository["gpgcheck"], repository["gpgkey"]) == ("1", f"file://{found['key_dnf']}")
    assert found["from"]["key"] == f"{directory}/gpg"
    assert repository.get("includepkgs") == ("docker-compose-plugin" if amazon else None)


def test_amazon_linux_has_nothing_in_docker_s_repository(everywhere: dict[str, dict[str, Any]]) -> None:
    assert everywhere["Amazon-2023 docker"]["from"] == {} == everywhere["Fedora-42"]["from"]


def test_what_is_there_is_not_installed_again(everywhere: dict[str, dict[str, Any]]) -> None:
    assert everywhere["old"]["to_install"] == ["ca-certificates", "docker-compose"]
    assert everywhere["foreign"]["to_install"] == everywhere["foreign"]["to_hold"] == []
    assert everywhere["rpm"]["to_install"] == ["docker-compose-plugin"]


def test_debian_s_mirror(everywhere: dict[str, dict[str, Any]]) -> None:
    texts = [file["content"] for file in everywhere["mirror"]["from"]["files"]]
    assert "URIs: https://mirror.example/debian\nSuites: trixie\n" in texts[1]
    assert texts[0].count("Pin-Priority") == 2


def test_proxies_are_set_in_both_spellings_and_loopback_and_metadata_are_left_out(
    everywhere: dict[str, dict[str, Any]],
) -> None:
    always = yaml.safe_load((VARS / "main.yml").read_text())["__docker_never_proxied"]
    assert {"localhost", "127.0.0.1", "169.254.169.254", "metadata.google.internal"} <= set(always)
    entries = ",".join(["a.example", "10.0.0.0/8", "localhost", *(item for item in always if item != "localhost")])
    assert everywhere["proxies"]["proxy_environment"] == {
        "http_proxy": "http://p:1", "HTTP_PROXY": "http://p:1", "no_proxy": entries, "NO_PROXY": entries,
    }  # fmt: skip
    assert everywhere["proxies"]["proxies_text"].splitlines() == [
        "# Written by the role praxis.cloud.docker.", "[Service]", 'Environment="HTTP_PROXY=http://p:1"',
        f'Environment="NO_PROXY={entries}"',
    ]  # fmt: skip
    assert everywhere["Debian-13"]["proxy_environment"] == {}


def role(folder: Path, system: str, engine: dict[str, Any], **arguments: Any) -> tuple[int, str]:
    """The whole role in check mode, with these facts and this engine in the place of this machine's."""
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False,
            "vars": {"ansible_become": False, "ansible_python_interpreter": sys.executable},
            "tasks": [{"ansible.builtin.include_role": {"name": "praxis.cloud.docker"}, "vars": arguments}],
            }  # fmt: skip
    over = {"ansible_facts": facts(system), "__docker_observed": {"observation": {"engine": engine}},
            "__docker_found": {"stdout_lines": [], "rc": 0}}  # fmt: skip
    rc, printed = run(folder, [play], "--check", "-e", json.dumps(over))
    return rc, " ".join(printed.split())


@pytest.mark.parametrize(
    ("system", "source", "said"),
    tiers.first([
        ("Fedora-42", "auto", "runs Fedora 42, and has no running Docker Engine"),
        ("Rocky-9", "distribution", "Rocky has no Docker packages of its own: set docker_source to docker."),
        ("Amazon-2023", "docker", "Docker has no packages for Amazon: set docker_source to distribution."),
    ]),
)  # fmt: skip
def test_what_cannot_be_installed_is_refused_in_words(tmp_path: Path, system: str, source: str, said: str) -> None:
    rc, printed = role(tmp_path, system, NOTHING, docker_source=source)
    assert rc == 2 and said in printed, printed


@pytest.mark.repetition
def test_a_good_engine_on_an_unknown_system_will_do(tmp_path: Path) -> None:
    rc, printed = role(tmp_path, "Fedora-42", GOOD)
    assert rc == 0 and "(known after apply)" not in printed, printed
