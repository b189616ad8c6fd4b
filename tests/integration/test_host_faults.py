# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of hosts: machines in trouble, for real. Each is named with its fix; the others are left alone.

A scene is up to three rows, each planted on a machine of its own of the four. A deployment is run that would give every
machine a new release, and the machines are observed past the product. Then the trouble is taken away, and a plain
deployment fixes what there is to fix. Rows share a scene where none of them lets anybody be activated; a row that
touches an agent, or ends well, has a scene for itself.

Two things are nearest to the truth and not the truth. Containers share their kernel's clock, so the machine whose clock
is off has a Python that sees another time. And Debian has one Python, so "broken" stands for every unfit one; what
a too old one says is in tests/unit/fleet/test_step_failure.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests import tiers

from . import pushed, seen
from .conftest import Cloud, Machine, Run
from .test_deploy import order

FOUR = {"PRAXIS_HOSTS": "4"}
LOGIN = "pkill -KILL -f '^sshd[^ ]*: admin' || test $? = 1"  # its sessions, and no other process
MODULE = "pgrep -f '[B]ECOME-SUCCESS' || test $? = 1"
# The step has all its input, and waits for the lock that a row holds.
WAITING = r"grep -hs python3 $(find /proc/[0-9]*/fd -lname /run/praxis.lock 2>/dev/null | sed 's,fd/.*,comm,') || true"
ACTIVATING = "grep -s state=active /run/praxis.lock || true"
AGENT = "praxis-agent-1"
LISTEN = ("systemd-run --quiet --unit fault-{0} python3 -m http.server {0}; "
          "timeout 30 sh -c 'until ss -ltnH sport = :{0} | grep -q .; do sleep 0.1; done'")
SILENCE = "iptables -w 5 -{0} INPUT -p tcp --dport 22 -j DROP; iptables -w 5 -{0} OUTPUT -p tcp --sport 22 -j DROP"
PYTHONS = "/usr/bin/python3 /usr/bin/python3.*"
PTH = "$(python3 -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))')/fault.pth"
SITE = "mkdir -p $(dirname %s)" % PTH
REMAP = ("cp /etc/docker/daemon.json /root/ && python3 -c 'import json; path = \"/etc/docker/daemon.json\"; "
         "found = json.load(open(path)); found[\"userns-remap\"] = \"default\"; json.dump(found, open(path, \"w\"))' "
         "&& systemctl restart docker")
# Compose is missing, and the mirror that has it does not answer.
COMPOSE = "/usr/libexec/docker/cli-plugins/docker-compose"
NO_MIRROR = (f"mv {COMPOSE} /etc/apt/sources.list /root/ && "
             "echo 'deb http://127.0.0.1:9/debian trixie main' > /etc/apt/sources.list")
ANOTHER_TIME = "import time; time.time = (lambda real: lambda: real() + 3600)(time.time)"


@dataclass(frozen=True)
class Fault:
    """One row.

    :param code: of the finding that names the machine.
    :param fix: words of its ``fix``.
    :param plant: a shell script on the machine, or a function of cloud and machine.
    :param unplant: the opposite.
    :param reported: words of its ``what``.
    :param host: variables of the one machine.
    :param cut: ``(task, sign, script)``: run the script on the machine while this task's module runs there, once the
        shell command ``sign`` prints something.
    :param touched: the machine is touched, by the row or by the deployment: the next one has something to fix.
    :param kept: the machine has the release that it had before, be it that it was restored.
    :param good: the verdict is good all the same, with a warning.
    """

    name: str
    code: str
    fix: str
    plant: str | Callable[[Cloud, Machine], None] = "true"
    unplant: str | Callable[[Cloud, Machine], None] = "true"
    reported: str = ""
    host: Mapping[str, Any] = field(default_factory=dict)
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


HELD = ("systemd-run --quiet --unit fault-lock flock /run/praxis.lock sleep 600; "
        "timeout 30 sh -c 'while flock -n /run/praxis.lock true; do sleep 0.1; done'")
SAME: dict[str, Any] = {}
IMPATIENT = {"praxis_pull_deadline": 5}


def new() -> dict[str, Any]:
    """A release that no machine has yet, not even prepared."""
    return {"praxis_agent_environment": {"FAULT": uuid4().hex}}


@dataclass(frozen=True)
class Scene:
    """Rows that are planted together, and the deployment's variables for all machines.

    :param repeats: another scene's mechanism, with other causes: the one that `make test` plays.
    """

    variables: Mapping[str, Any]
    faults: tuple[Fault, ...]
    repeats: bool = False

    def __str__(self) -> str:
        return ", ".join(item.name for item in self.faults)


SCENES = [
    Scene(new(), (
        Fault("SSH refuses", "host-unreachable", "SSH reaches it", reported="refused",
              plant="iptables -w 5 -I INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset",
              unplant="iptables -w 5 -D INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset"),
        Fault("login refused", "login-refused", "authorized_keys",
              plant=f"mv /home/admin/.ssh/authorized_keys /root/; {LOGIN}",
              unplant="mv /root/authorized_keys /home/admin/.ssh/"),
        Fault("sudo refused", "sudo-refused", "/etc/sudoers.d",
              plant="mv /etc/sudoers.d/90-admin /root/", unplant="mv /root/90-admin /etc/sudoers.d/"),
    )),
    Scene(new(), (
        Fault("no Python", "python-missing", "apt-get install python3",
              plant=f"mkdir /root/python && mv {PYTHONS} /root/python/",
              unplant="mv /root/python/* /usr/bin/ && rmdir /root/python"),
        Fault("broken Python", "python-broken", "ansible_python_interpreter",
              plant=f"mkdir /root/python && cp -a {PYTHONS} /root/python/ && for it in {PYTHONS}; do rm $it;"
              " printf '#!/bin/sh\\nexit 1\\n' > $it; chmod 755 $it; done",
              unplant="cp -a --remove-destination /root/python/* /usr/bin/ && rm -r /root/python"),
        Fault("disk full", "disk-full", "free some space", plant=disk_full, unplant=disk_healed),
    ), repeats=True),
    Scene(new(), (
        Fault("no way to the registry", "registry-unreachable", "firewalls", touched=True,
              plant=registry_cut, unplant=links_healed),
        Fault("image missing", "image-not-found", "praxis_image", host={"praxis_image": "absent"}),
        Fault("image of another architecture", "image-architecture", "linux/", host={"praxis_image": "foreign"}),
    ), repeats=True),
    Scene(IMPATIENT, (
        Fault("slow registry", "registry-slow", "the registry's load", reported="5 s",
              plant=registry_slow, unplant=registry_up, host={"praxis_image": "large"}),
        Fault("the limit is more than the machine has", "machine-too-small", "praxis_container", reported="9216000 MiB",
              host={"praxis_container": {"memory": "9000g"}}),
        Fault("API port taken", "port-taken", "praxis_api_port", reported="python3 (pid",
              host={"praxis_api_port": 8500},
              plant=LISTEN.format(8500), unplant="systemctl stop fault-8500"),
    ), repeats=True),
    Scene(new(), (
        Fault("P2P port taken", "port-taken", "praxis_p2p_port", reported="Port 4001",
              plant=f"docker stop {AGENT} && {LISTEN.format(4001)}", unplant="systemctl stop fault-4001",
              touched=True),
        Fault("SSH dropped while preparing", "connection-lost", "Deploy again",
              plant=HELD, cut=("Prepare the release", WAITING, LOGIN), unplant="systemctl stop fault-lock"),
    ), repeats=True),
    Scene(new(), (
        Fault("engine held down", "no-engine", "journalctl -u docker", reported="masked",
              plant="systemctl mask --now docker.socket docker", unplant="systemctl unmask docker.socket docker",
              touched=True),
        Fault("SSH silent while preparing", "connection-lost", "Deploy again",
              plant=HELD, cut=("Prepare the release", WAITING, SILENCE.format("I")),
              unplant=f"systemctl stop fault-lock; {SILENCE.format('D')}; {LOGIN}"),
        Fault("sudo records its input", "stdin-recorded", "!log_input", reported="sudo (pid",
              plant="echo 'Defaults log_input' > /etc/sudoers.d/zz-log",
              # The step that was refused is in the log, and no secret is.
              unplant="rm /etc/sudoers.d/zz-log; ls /var/log/sudo-io/00/00/01/stdin && "
              "! find /var/log/sudo-io -name stdin -exec zcat {} + | grep OPENAI && rm -r /var/log/sudo-io"),
    ), repeats=True),
    Scene(new(), (
        Fault("users of containers are remapped", "mounts-unreadable", "daemon.json", reported="userns-remap",
              plant=REMAP, touched=True, unplant="mv /root/daemon.json /etc/docker/ && systemctl restart docker"),
        Fault("no way to the package mirror", "packages-unreachable", "Acquire::http::Proxy", touched=True,
              reported="Could not connect to 127.0.0.1:9", plant=NO_MIRROR,
              unplant=f"mv /root/sources.list /etc/apt/ && mv /root/docker-compose {COMPOSE}"),
        Fault("the machine forwards nothing", "containers-cut-off", "/etc/sysctl.d", reported="net.ipv4.ip_forward",
              plant="sysctl -w net.ipv4.ip_forward=0", touched=True,
              unplant=f"sysctl -w net.ipv4.ip_forward=1 && docker restart {AGENT}"),
    ), repeats=True),
    Scene(SAME, (
        Fault("clock off", "clock-off", "timedatectl", reported="ahead of", good=True,
              plant=f'{SITE} && echo "{ANOTHER_TIME}" > {PTH}', unplant=f"rm {PTH}"),
    ), repeats=True),
    Scene(SAME, (
        Fault("the agent has too little memory", "container-out-of-memory", "praxis_container", touched=True,
              host={"praxis_container": {"memory": "16m"}}),
    ), repeats=True),
    Scene(SAME, (
        Fault("SSH dropped while activating", "connection-lost", "Deploy again", touched=True,
              host=new(), cut=("Activate the release", ACTIVATING, LOGIN)),
    )),
    Scene(SAME, (
        # A Python that takes its time makes the observation long enough to be caught.
        Fault("SSH dropped while observing", "connection-lost", "Deploy again", touched=True, kept=False,
              host=new(), cut=("Observe the agent until the batch has lasted", MODULE, LOGIN),
              plant=f"{SITE} && echo 'import time; time.sleep(3)' > {PTH}", unplant=f"rm {PTH}"),
    ), repeats=True),
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


@dataclass
class Planted:
    """A scene, its rows that are in force, each with its machine, and whether the fleet was seen whole after it."""

    scene: Scene
    rows: list[tuple[Fault, Machine]] = field(default_factory=list)
    fixed: bool = False


@pytest.fixture
def planted(request: pytest.FixtureRequest, fleet: Cloud) -> Iterator[Planted]:
    """A scene's faults, each row on a machine of its own; scenes take turns. Taken away, whatever happens."""
    scene: Scene = request.param
    machines = sorted(fleet.machines(), key=lambda item: item.name)
    turn = SCENES.index(scene)
    found = Planted(scene)
    try:
        for number, fault in enumerate(scene.faults):
            machine = machines[(turn + number) % len(machines)]
            found.rows.append((fault, machine))
            do(fleet, machine, fault.plant)
        yield found
    finally:
        take_away(fleet, found)
        if not found.fixed:  # or a failed scene would spoil those after it
            fleet.run("deploy.yml", environment=FOUR)


def take_away(cloud: Cloud, planted: Planted) -> None:
    """Undo the rows, once: the test does it, or the fixture when the test came to no end."""
    while planted.rows:
        fault, machine = planted.rows.pop()
        do(cloud, machine, fault.unplant)


def do(cloud: Cloud, machine: Machine, what: str | Callable[[Cloud, Machine], None]) -> None:
    if callable(what):
        what(cloud, machine)
    else:
        cloud.on(machine, what)


@pytest.mark.parametrize("planted", tiers.rows(SCENES), ids=str, indirect=True)
def test_machines_in_trouble_are_named_and_the_others_are_left_alone(
    planted: Planted, fleet: Cloud, wrong_images: dict[str, str], tmp_path: Path
) -> None:
    rows = list(planted.rows)
    struck = {machine.name for _fault, machine in rows}
    others = [item for item in fleet.machines() if item.name not in struck]
    before = {item.name: state_of(fleet, item) for item in others}
    releases = {machine.name: current(fleet, machine) for _fault, machine in rows}
    run = deploy(fleet, planted, wrong_images, tmp_path)

    for fault, machine in rows:
        assert_named(run, fault, machine)
    assert not {item["where"] for item in run.summary["findings"]} & set(before), run.summary["findings"]
    good = all(fault.good for fault, _machine in rows)
    assert run.rc == (0 if good else 2)
    assert run.summary["ok"] is good
    assert {item.name: state_of(fleet, item) for item in others} == before
    for item in others:
        assert_nothing_is_half_written(fleet, item)

    take_away(fleet, planted)
    for fault, machine in rows:
        wait_for_what_was_cut_off(fleet, machine)
        assert (current(fleet, machine) == releases[machine.name]) is fault.kept, fault.name
        assert_nothing_is_half_written(fleet, machine)
    fixed = fleet.run("deploy.yml", environment=FOUR)
    assert fixed.summary["ok"] and fixed.summary["findings"] == []
    touched = {machine.name for fault, machine in rows if fault.touched}
    assert set(fixed.changed) <= touched, fixed.changed_tasks
    if fixed.changed:
        fixed = fleet.run("deploy.yml", environment=FOUR)
    assert fixed.changed == {} and fixed.summary["ok"]
    planted.fixed = True
    assert {item.name: state_of(fleet, item) for item in others} == before


def assert_named(run: Run, fault: Fault, machine: Machine) -> None:
    """One finding has the row's code at its machine, and says what it has to."""
    findings = run.summary["findings"]
    named = [item for item in findings if item["code"] == fault.code and item["where"] == machine.name]
    assert len(named) == 1, f"{fault.name} on {machine.name}: {findings}"
    assert named[0]["level"] == ("warning" if fault.good else "error")
    assert fault.fix in named[0]["fix"]
    assert fault.reported in named[0]["what"]
    assert "Traceback" not in named[0]["what"]


def wait_for_what_was_cut_off(cloud: Cloud, machine: Machine) -> None:
    """A step goes on when the connection to it is cut."""
    seen.wait_for(f"the end of the step on {machine.name}", lambda: not cloud.on(machine, MODULE), deadline=90)


def deploy(cloud: Cloud, planted: Planted, wrong_images: Mapping[str, str], folder: Path) -> Run:
    """Run the scene's deployment, and cut off the module on the machines whose rows say so."""
    hosts = {
        machine.name: {
            name: wrong_images[value] if name == "praxis_image" else value for name, value in fault.host.items()
        }
        for fault, machine in planted.rows
    }
    (folder / "hosts.yml").write_text(json.dumps({"praxis": {"hosts": hosts}}))
    variables = {"praxis_gate_deadline": 25, **planted.scene.variables}
    log = folder / "log"

    def start() -> Run:
        return cloud.run("deploy.yml", "-i", str(folder / "hosts.yml"), variables=variables, expect=None,
                         environment={**FOUR, "ANSIBLE_LOG_PATH": str(log)})

    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(start)
        for fault, machine in planted.rows:
            if fault.cut is not None:
                cut_off(cloud, machine, log, *fault.cut)
        return running.result()


def cut_off(cloud: Cloud, machine: Machine, log: Path, task: str, sign: str, script: str) -> None:
    """Run the script on the machine once the task's module shows there."""
    seen.wait_for(f"the task {task}", lambda: log.exists() and seen.began(task, log.read_text()), deadline=180,
                  pause=0.1)
    seen.wait_for(f"the module on {machine.name}", lambda: cloud.on(machine, sign), deadline=30, pause=0.1)
    cloud.on(machine, script)


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
