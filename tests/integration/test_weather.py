# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts' weather: one of four machines in trouble, for real. It is named with the mend; the others are left alone.

A row is planted on one machine, a deployment is run that would give every machine a new release, and the machines are
looked at past the product. Then the trouble is taken away, and a plain deployment mends what there is to mend.

Two things are nearest to the truth and not the truth. Containers share their kernel's clock, so the machine whose clock
is off has a Python that is told another time. And Debian has one Python, so "broken" stands for every unfit one; what
a too old one says is in tests/unit/fleet/test_step_failure.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from . import pushed, seen
from .conftest import Cloud, Machine, Run
from .test_deploy import order

FOUR = {"PRAXIS_HOSTS": "4"}
LOGIN = "pkill -KILL -f '^sshd[^ ]*: admin' || test $? = 1"  # its sessions, and no other process
MODULE = "pgrep -f '[B]ECOME-SUCCESS' || test $? = 1"
ACTIVATING = "grep -s state=active /run/praxis.lock || true"
AGENT = "praxis-agent-1"
LISTEN = ("systemd-run --quiet --unit weather-{0} python3 -m http.server {0}; "
          "timeout 30 sh -c 'until ss -ltnH sport = :{0} | grep -q .; do sleep 0.1; done'")
SILENCE = "iptables -w 5 -{0} INPUT -p tcp --dport 22 -j DROP; iptables -w 5 -{0} OUTPUT -p tcp --sport 22 -j DROP"
PYTHONS = "/usr/bin/python3 /usr/bin/python3.*"
PTH = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')/weather.pth"
SITE = "mkdir -p $(dirname %s)" % PTH
ANOTHER_TIME = "import time; time.time = (lambda real: lambda: real() + 3600)(time.time)"


@dataclass(frozen=True)
class Weather:
    """One row.

    :param code: of the finding that names the machine.
    :param mend: words of its ``fix``.
    :param plant: a shell script on the machine, or a function of cloud and machine.
    :param unplant: the opposite.
    :param told: words of its ``what``.
    :param host: variables of the one machine.
    :param variables: variables of all. By default a new release for everybody.
    :param cut: ``(task, sign, script)``: run the script on the machine while this task's module runs there, once the
        shell command ``sign`` prints something.
    :param touched: the machine is touched, by the row or by the deployment: the next one has something to mend.
    :param kept: the machine has the release that it had before, be it that it was put back.
    :param good: the verdict is good all the same, with a warning.
    """

    name: str
    code: str
    mend: str
    plant: str | Callable[[Cloud, Machine], None] = "true"
    unplant: str | Callable[[Cloud, Machine], None] = "true"
    told: str = ""
    host: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] | None = None
    cut: tuple[str, str, str] | None = None
    touched: bool = False
    kept: bool = True
    good: bool = False


def registry_cut(cloud: Cloud, machine: Machine) -> None:
    order(cloud, "link", "cut", machine.name, "registry")
    # The image has to be fetched anew, as on a machine that never had it.
    cloud.on(machine, "docker rmi --force $(docker inspect --format '{{.Config.Image}}' %s)" % AGENT)


def registry_slow(cloud: Cloud, machine: Machine) -> None:
    order(cloud, "registry", "slow", "--rate", "100kbit")


def links_healed(cloud: Cloud, machine: Machine) -> None:
    order(cloud, "link", "heal")


def registry_up(cloud: Cloud, machine: Machine) -> None:
    order(cloud, "registry", "up")


def disk_full(cloud: Cloud, machine: Machine) -> None:
    order(cloud, "disk", "full", machine.name)


def disk_healed(cloud: Cloud, machine: Machine) -> None:
    order(cloud, "disk", "heal", machine.name)


planted_on: dict[str, str] = {}
NEW = {"praxis_agent_environment": {"WEATHER": "1"}}
SAME: dict[str, Any] = {}
HELD = ("systemd-run --quiet --unit weather-lock flock /run/praxis.lock sleep 600; "
        "timeout 30 sh -c 'while flock -n /run/praxis.lock true; do sleep 0.1; done'")
WEATHERS = [
    Weather("SSH refuses", "host-unreachable", "SSH reaches it", told="refused",
            plant="iptables -w 5 -I INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset",
            unplant="iptables -w 5 -D INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset"),
    Weather("login refused", "login-refused", "authorized_keys",
            plant=f"mv /home/admin/.ssh/authorized_keys /root/; {LOGIN}",
            unplant="mv /root/authorized_keys /home/admin/.ssh/"),
    Weather("sudo refused", "sudo-refused", "/etc/sudoers.d",
            plant="mv /etc/sudoers.d/90-admin /root/", unplant="mv /root/90-admin /etc/sudoers.d/"),
    Weather("no Python", "python-missing", "apt-get install python3",
            plant=f"mkdir /root/python && mv {PYTHONS} /root/python/",
            unplant="mv /root/python/* /usr/bin/ && rmdir /root/python"),
    Weather("broken Python", "python-broken", "ansible_python_interpreter",
            plant=f"mkdir /root/python && cp -a {PYTHONS} /root/python/ && for it in {PYTHONS}; do rm $it;"
                  " printf '#!/bin/sh\\nexit 1\\n' > $it; chmod 755 $it; done",
            unplant="cp -a --remove-destination /root/python/* /usr/bin/ && rm -r /root/python"),
    Weather("disk full", "disk-full", "Free some space", plant=disk_full, unplant=disk_healed),
    Weather("the limit is more than the machine has", "machine-too-small", "praxis_container", told="9000",
            host={"praxis_container": {"memory": "9000g"}}),
    Weather("no way to the registry", "registry-unreachable", "firewalls", touched=True,
            plant=registry_cut, unplant=links_healed),
    Weather("slow registry", "registry-slow", "the registry's load", told="5 s",
            plant=registry_slow, unplant=registry_up,
            host={"praxis_image": "large"}, variables={"praxis_pull_deadline": 5}),
    Weather("image missing", "image-not-found", "praxis_image", host={"praxis_image": "absent"}),
    Weather("image of another architecture", "image-architecture", "linux/", host={"praxis_image": "foreign"}),
    Weather("API port taken", "port-taken", "praxis_api_port", told="python3 (pid", host={"praxis_api_port": 8500},
            plant=LISTEN.format(8500), unplant="systemctl stop weather-8500"),
    Weather("P2P port taken", "port-taken", "praxis_p2p_port", told="Port 4001",
            plant=f"docker stop {AGENT} && {LISTEN.format(4001)}", unplant="systemctl stop weather-4001", touched=True),
    Weather("clock off", "clock-off", "timedatectl", told="ahead of", variables=SAME, good=True,
            plant=f'{SITE} && echo "{ANOTHER_TIME}" > {PTH}', unplant=f"rm {PTH}"),
    Weather("engine held down", "no-engine", "journalctl -u docker", told="masked",
            plant="systemctl mask --now docker.socket docker", unplant="systemctl unmask docker.socket docker",
            touched=True),
    Weather("the agent has too little memory", "container-out-of-memory", "praxis_container", touched=True,
            host={"praxis_container": {"memory": "16m"}}, variables=SAME),
    Weather("SSH dropped while preparing", "connection-lost", "Deploy again",
            plant=HELD, cut=("Prepare the release", MODULE, LOGIN), unplant="systemctl stop weather-lock"),
    Weather("SSH silent while preparing", "connection-lost", "Deploy again",
            plant=HELD, cut=("Prepare the release", MODULE, SILENCE.format("I")),
            unplant=f"systemctl stop weather-lock; {SILENCE.format('D')}; {LOGIN}"),
    Weather("SSH dropped while activating", "connection-lost", "Deploy again", touched=True, variables=SAME,
            host={"praxis_agent_environment": {"WEATHER": "2"}}, cut=("Activate the release", ACTIVATING, LOGIN)),
    # A Python that takes its time makes the look long enough to be caught.
    Weather("SSH dropped while looking", "connection-lost", "Deploy again", touched=True, kept=False, variables=SAME,
            host={"praxis_agent_environment": {"WEATHER": "3"}}, cut=("Look at the agent", MODULE, LOGIN),
            plant=f"{SITE} && echo 'import time; time.sleep(3)' > {PTH}", unplant=f"rm {PTH}"),
]


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Cloud:
    """Four deployed machines, and images of the wrong kinds in the registry."""
    if len(cloud.machines()) != 4:
        cloud.run("provision.yml", environment=FOUR)
    assert cloud.run("deploy.yml", environment=FOUR, variables={"praxis_batch": 4}).summary["ok"]
    return cloud


@pytest.fixture(scope="module")
def wrong_images(fleet: Cloud) -> dict[str, str]:
    """The images that rows name by a word, by what the registry calls them."""
    registry, name = fleet.state["registry"], fleet.state["registry"]["name"] + "/praxis-agent"
    return {
        "large": f"{name}@{pushed.push(registry['push'], 'amd64', 4 << 20)}",
        "foreign": f"{name}@{pushed.push(registry['push'], 'arm64', 1 << 10)}",
        "absent": f"{name}@sha256:{'0' * 64}",
    }


@pytest.fixture
def planted(request: pytest.FixtureRequest, fleet: Cloud) -> Iterator[tuple[Weather, Machine]]:
    """A row's weather on a machine; each row takes the next one. Taken away at the end, whatever happens."""
    weather: Weather = request.param
    machine = sorted(fleet.machines(), key=lambda item: item.name)[WEATHERS.index(weather) % 4]
    planted_on[machine.name] = weather.name
    do(fleet, machine, weather.plant)
    try:
        yield weather, machine
    finally:
        take_away(fleet, machine, weather)


def take_away(cloud: Cloud, machine: Machine, weather: Weather) -> None:
    """Undo a row, once: the test does it, or the fixture when the test came to no end."""
    if planted_on.pop(machine.name, None):
        do(cloud, machine, weather.unplant)


def do(cloud: Cloud, machine: Machine, what: str | Callable[[Cloud, Machine], None]) -> None:
    if callable(what):
        what(cloud, machine)
    else:
        cloud.on(machine, what)


@pytest.mark.parametrize("planted", WEATHERS, ids=lambda weather: weather.name, indirect=True)
def test_one_machine_in_trouble_is_named_and_the_others_are_left_alone(
    planted: tuple[Weather, Machine], fleet: Cloud, wrong_images: dict[str, str], tmp_path: Path
) -> None:
    weather, machine = planted
    others = [item for item in fleet.machines() if item != machine]
    before, release = {item.name: state_of(fleet, item) for item in others}, current(fleet, machine)
    run = deploy(fleet, weather, machine, wrong_images, tmp_path)

    named = [item for item in run.summary["findings"] if item["code"] == weather.code]
    assert [item["where"] for item in named] == [machine.name], run.summary["findings"]
    assert weather.mend in named[0]["fix"]
    assert weather.told in named[0]["what"]
    assert "Traceback" not in named[0]["what"]
    assert run.rc == (0 if weather.good else 2)
    assert run.summary["ok"] is weather.good
    assert {item.name: state_of(fleet, item) for item in others} == before
    for item in others:
        assert_nothing_is_half_written(fleet, item)

    take_away(fleet, machine, weather)
    seen.wait_for("the end of what was cut off", lambda: not fleet.on(machine, MODULE), deadline=90)
    assert (current(fleet, machine) == release) is weather.kept
    assert_nothing_is_half_written(fleet, machine)
    mended = fleet.run("deploy.yml", environment=FOUR)
    assert mended.summary["ok"] and mended.summary["findings"] == []
    assert set(mended.changed) <= {machine.name}
    if mended.changed:
        assert weather.touched, mended.changed_tasks
        mended = fleet.run("deploy.yml", environment=FOUR)
    assert mended.changed == {} and mended.summary["ok"]
    assert {item.name: state_of(fleet, item) for item in others} == before


def deploy(cloud: Cloud, weather: Weather, machine: Machine, wrong_images: Mapping[str, str], folder: Path) -> Run:
    """Run the row's deployment, and cut off the module on the machine where the row says so."""
    host = {name: wrong_images[value] if name == "praxis_image" else value for name, value in weather.host.items()}
    (folder / "hosts.yml").write_text(json.dumps({"praxis": {"hosts": {machine.name: host}}}))
    variables = {"praxis_gate_deadline": 25, **(NEW if weather.variables is None else weather.variables)}
    log = folder / "log"

    def start() -> Run:
        return cloud.run("deploy.yml", "-i", str(folder / "hosts.yml"), variables=variables, expect=None,
                         environment={**FOUR, "ANSIBLE_LOG_PATH": str(log)})

    if weather.cut is None:
        return start()
    task, sign, script = weather.cut
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(start)
        seen.wait_for(f"the task {task}", lambda: log.exists() and f"TASK [{task}]" in log.read_text(), deadline=120,
                      pause=0.1)
        seen.wait_for(f"the module on {machine.name}", lambda: cloud.on(machine, sign), deadline=30, pause=0.1)
        cloud.on(machine, script)
        return running.result()


def current(cloud: Cloud, machine: Machine) -> str:
    """The release that a machine points at."""
    return cloud.on(machine, "basename $(readlink /opt/praxis/current)").strip()


def state_of(cloud: Cloud, machine: Machine) -> tuple[str, str]:
    """A machine's current release, and when its agent was started."""
    return current(cloud, machine), str(seen.container(cloud, machine)["State"]["StartedAt"])


def assert_nothing_is_half_written(cloud: Cloud, machine: Machine) -> None:
    """No staged file, and a current release that is whole and the one that runs or last ran."""
    assert cloud.on(machine, "find /opt/praxis /run/praxis -name '.staging-*'") == ""
    for name in ("agent.yaml", "compose.yaml", "release.json"):
        cloud.on(machine, f"test -s /opt/praxis/current/{name}")
    manifest = json.loads(cloud.on(machine, "cat /opt/praxis/current/release.json"))
    assert current(cloud, machine) == manifest["id"]
