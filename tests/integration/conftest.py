# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for all tests that run playbooks, and the few things they do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.site import ROOT_VARIABLE, Site
from tests import deprecations
from tests.lanes import PLAYBOOKS, Playbooks

from . import hunting
from .owner import AwsOwner, Owner, environment_of, owner_of

CHECKOUT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get(ROOT_VARIABLE) or CHECKOUT) / ".sandbox"
STATE = HOME / "state.json"
REUSE = "PRAXIS_TEST_REUSE"
HOSTS = 3
FOUR = {"PRAXIS_HOSTS": "4"}  # of the tests of releases
SOAK = 2  # seconds; the tests of it say what they want
#: The lane whose files are to be run, one of PLAYBOOKS.
LANE = "PRAXIS_TEST_LANE"
#: Without a lane: the cloud that the tests of both are run on.
CLOUD = "PRAXIS_TEST_CLOUD"
#: Files that begin with an account in which nobody has made anything.
EMPTY_ACCOUNT = ("test_ecs", "test_own", "test_storm", "test_proxy", "test_provision",
                 "test_upgrade", "test_mixed")
DIAL_DELAY = 1  # seconds from the start of an agent's P2P to its first dials; the real agent's are 10
#: By cloud: files whose machines are bare, as a cloud's are, for they install Docker. All others' have it, set up.
BARE = {"aws": ("test_provision", "test_deploy", "test_leaks", "test_own", "test_storm", "test_proxy"),
        "gcp": ("test_storm",)}
#: The file whose agents wait as long as the real one.
UNHURRIED = "test_own"
SHOWN = 6000  # characters of a run's output that a failed test shows


def lanes() -> list[Playbooks]:
    """The lanes of this run."""
    wanted = os.environ.get(LANE)
    if wanted:
        return [PLAYBOOKS[wanted]]
    return [lane for lane in PLAYBOOKS.values() if lane.cloud == os.environ.get(CLOUD, "aws")]


@pytest.hookimpl(tryfirst=True)  # before pytest itself chooses by markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything in this folder carries the marker ``integration``, and goes in its lane's order or not at all.

    A test that does not depend on the cloud carries ``once``: it goes with AWS only. One that carries ``alike`` is a
    ``repetition`` on any cloud but AWS.
    """
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        assert any(item.path.stem in lane.files for lane in PLAYBOOKS.values()), f"{item.path.name} is in no lane"
        item.add_marker(pytest.mark.integration)
    order = [stem for lane in lanes() for stem in lane.files]
    other = all(lane.cloud != "aws" for lane in lanes())
    for item in ours if other else []:
        if item.get_closest_marker("alike"):
            item.add_marker(pytest.mark.repetition)
    left = [item for item in ours if item.path.stem not in order or other and item.get_closest_marker("once")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: order.index(item.path.stem) if item.path.stem in order else len(order))


@dataclass(frozen=True)
class Run:
    """A finished ``ansible-playbook``.

    :param recap: by host: ``ok``, ``changed``, ``unreachable``, ``failures``, ``skipped``, ``rescued``, ``ignored``.
    :param stats: what the playbook set with ``set_stats``.
    :param changed_tasks: host and task name of every change, in order.
    :param failed: of every failed task: ``host``, ``task``, ``msg``, and ``failure`` and ``failures`` if it gave them.
    """

    rc: int
    output: str
    recap: dict[str, dict[str, int]]
    stats: dict[str, Any]
    changed_tasks: list[tuple[str, str]]
    failed: list[dict[str, Any]]

    @property
    def changed(self) -> dict[str, int]:
        """The hosts with changes, and how many."""
        return {host: counts["changed"] for host, counts in self.recap.items() if counts["changed"]}

    @property
    def summary(self) -> dict[str, Any]:
        """The playbook's ``praxis_summary``."""
        assert "praxis_summary" in self.stats, f"the playbook left no praxis_summary:\n{self.output[-SHOWN:]}"
        return self.stats["praxis_summary"]


@dataclass(frozen=True)
class Machine:
    """A machine of the sandbox: its name, its addresses, and the container that it is.

    :param ip: on the cloud's network.
    :param public_ip: on AWS's side of the sandbox the same.
    """

    name: str
    ip: str
    container: str
    public_ip: str


class Cloud:
    """The sandbox as a user has it: an environment, a command line, machines, and a log of API operations."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def clouds(self) -> list[str]:
        """``aws``, ``gcp``, or both."""
        return self.name.split(",")

    @property
    def environment(self) -> dict[str, str]:
        """What ``. .sandbox/env`` leaves in a shell."""
        return environment_of(HOME)

    @property
    def owner(self) -> Owner:
        """The account as its owner sees it, past the product."""
        return owner_of(self.name, self.environment, HOME)

    @property
    def state(self) -> dict[str, Any]:
        """``.sandbox/state.json`` as it is now."""
        return json.loads(STATE.read_text(encoding="utf-8"))

    def machines(self) -> list[Machine]:
        """The machines there are now."""
        return [Machine(found["name"], found["ip"], found["container"], found.get("public_ip") or found["ip"])
                for found in self.state["machines"]]

    def run(self, playbook: str, *arguments: str, expect: int | None = 0, deadline: int = 900,
            variables: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None,
            inventory: str | Path | None = None, checkout: Path = CHECKOUT) -> Run:
        """Run ``ansible-playbook PLAYBOOK -i INVENTORY ARGUMENTS``.

        :param playbook: a root playbook, ``deploy.yml``.
        :param expect: the return code it must have; ``None`` takes any.
        :param deadline: seconds.
        :param variables: extra variables.
        :param environment: added to the sandbox's.
        :param inventory: ``inventories/CLOUD`` unless it is given.
        :param checkout: where it is run from: this checkout, or a copy with an environment of its own.
        """
        programs = Path(sys.executable).parent if checkout == CHECKOUT else checkout / ".venv" / "bin"
        command = [str(programs / "ansible-playbook"), playbook]
        inventories = [str(inventory)] if inventory else [f"inventories/{name}" for name in self.clouds]
        command += [word for each in inventories for word in ("-i", each)]
        command += ["-e", json.dumps({"praxis_soak": SOAK, **(variables or {})})]
        with tempfile.TemporaryDirectory() as folder:
            record = Path(folder) / "record.json"
            finished = subprocess.run(
                [*command, *arguments], cwd=checkout, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=deadline, check=False,
                env=self.environment | {
                    "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
                    "ANSIBLE_CALLBACKS_ENABLED": "praxis_recorder",
                    "ANSIBLE_NOCOLOR": "1",
                    "PRAXIS_DEREGISTRATION_DELAY": "5",  # seconds; a target drains to its end, whatever its connections
                    "PRAXIS_HOSTS": str(HOSTS),
                    "PRAXIS_TEST_RECORD": str(record),
                } | dict(environment or {}),
            )
            written = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
        if expect is not None and finished.returncode != expect:
            shown = finished.stdout[-SHOWN:]
            pytest.fail(f"{' '.join(command)}: return code {finished.returncode}, not {expect}\n{shown}")
        deprecations.refuse_in(finished.stdout)
        changed = [tuple(pair) for pair in written.get("changed", [])]
        return Run(finished.returncode, finished.stdout, written.get("recap", {}), written.get("stats", {}), changed,
                   written.get("failed", []))

    @property
    def administrator(self) -> dict[str, str]:
        """For ``boto3``: an AWS account as its owner sees it, past the product."""
        return AwsOwner(self.environment, HOME).keys

    @property
    def logs(self) -> list[Path]:
        """The logs of API operations, one a cloud."""
        return [HOME / name / "operations.jsonl" for name in self.clouds]

    def mark(self) -> list[int]:
        """A place in the logs of API operations, for :meth:`operations`."""
        return [len(_lines(log)) for log in self.logs]

    def operations(self, since: Sequence[int] = ()) -> list[dict[str, Any]]:
        """The API operations asked for since a mark, oldest first; one cloud's after the other's."""
        starts = since or [0] * len(self.logs)
        return [json.loads(line) for log, start in zip(self.logs, starts) for line in _lines(log)[start:]]

    def on(self, machine: Machine, command: str, *, check: bool = True, deadline: int = 60) -> str:
        """What a shell command prints as root on a machine, past any playbook.

        :param check: fail the test when the command fails.
        :param deadline: seconds.
        """
        finished = subprocess.run(["docker", "exec", machine.container, "sh", "-c", command], capture_output=True,
                                  text=True, timeout=deadline, check=False)
        if check and finished.returncode:
            pytest.fail(f"on {machine.name}: {command}: return code {finished.returncode}\n{finished.stderr}")
        return finished.stdout


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


class OwnRegistry:
    """The sandbox's registry by its address: real, with a login and an authority of its own, and no cloud's."""

    def __init__(self, cloud: Cloud) -> None:
        self.server = Site(HOME.parent).addresses.registry
        self.password = cloud.owner.credentials()["registry password"].decode()

    def variables(self, password: str) -> dict[str, Any]:
        """An image in it, and the entry with this password."""
        entry = {"server": self.server, "username": "AWS", "password": password, "ca": str(HOME / "tls" / "ca.crt")}
        return {"praxis_image": f"{self.server}/praxis-agent:1.0", "praxis_registries": [entry]}


@dataclass(frozen=True)
class First:
    """The session's first way from nothing to a fleet, watched: at the highest verbosity, with a log and a fact cache.

    :param bare: files and packages of each machine before check mode.
    :param still_bare: the same after it.
    :param predicted: ``deploy.yml --check --diff``.
    :param asked: the API operations of check mode.
    :param places: what was left on the controller, by place.
    """

    cloud: Cloud
    bare: dict[str, str]
    still_bare: dict[str, str]
    predicted: Run
    asked: list[dict[str, Any]]
    deploy: Run
    places: dict[str, bytes]


@pytest.fixture(scope="session")
def first(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> First:
    """Provision three machines, predict the deployment, deploy."""
    folder = tmp_path_factory.mktemp("first")
    provision = cloud.run("provision.yml", "-vvvvv")
    bare, mark = hunting.fingerprints(cloud), cloud.mark()
    predicted = cloud.run("deploy.yml", "--check", "--diff")
    asked, still_bare = cloud.operations(mark), hunting.fingerprints(cloud)
    # The invocation is what shows most; ansible-core 2.19 knows no other way.
    watched = {"ANSIBLE_INJECT_INVOCATION": "1", "ANSIBLE_LOG_PATH": str(folder / "log"),
               "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
               "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts")}
    with hunting.watched_arguments(cloud) as arguments:
        deploy = cloud.run("deploy.yml", "-vvvvv", "--diff", environment=watched)
        others = cloud.run("tests/integration/modules.yml", "-vvvvv", environment=watched,
                           variables={"cloud": cloud.name})
    facts = [path.name.encode() + path.read_bytes() for path in sorted((folder / "facts").iterdir())]
    page = Path(deploy.summary["record"])
    places = {
        "output of provision.yml": provision.output.encode(),
        "output of deploy.yml": deploy.output.encode(),
        "output of modules.yml": others.output.encode(),
        "log": (folder / "log").read_bytes(),
        "facts": b"".join(facts),
        "argv": b"\n".join(arguments),
        "record": page.read_bytes() + page.with_suffix(".json").read_bytes(),
    }
    return First(cloud, bare, still_bare, predicted, asked, deploy, places)


def sandbox(*arguments: str) -> None:
    """``python -m sandbox …``."""
    subprocess.run([sys.executable, "-m", "sandbox", *arguments], cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=True)


def up(clouds: str, file: str = "") -> None:
    """A sandbox whose agents dial soon after their start, with machines that have Docker already.

    :param file: the test file that it is for: UNHURRIED or one of BARE gets the usual instead.
    """
    quick = () if file == UNHURRIED else ("--dial-delay", str(DIAL_DELAY))
    ready = () if file in BARE.get(clouds, ()) else ("--with-docker",)
    sandbox("up", "--cloud", clouds, *quick, *ready)


def reused() -> bool:
    """Whether the tests go on in a sandbox that is up, with what is in it."""
    return os.environ.get(REUSE) == "1"


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """A sandbox with an empty account, removed at the end. With PRAXIS_TEST_REUSE=1: one that is up, and stays up."""
    reuse = reused()
    if STATE.exists() and not reuse:
        pytest.fail(f"a sandbox of this checkout is up: remove it (make sandbox-down), or set {REUSE}=1 to test in it")
    (name,) = {lane.cloud for lane in lanes()}
    try:
        up(name, request.session.items[0].path.stem)
        yield Cloud(name)
    finally:
        if not reuse:
            sandbox("down")


@pytest.fixture(scope="session")
def fleet(cloud: Cloud) -> Cloud:
    """Four deployed machines that have had Docker from the beginning: all tests of releases go on with them."""
    cloud.run("provision.yml", environment=FOUR)
    assert cloud.run("deploy.yml", environment=FOUR).summary["ok"]
    return cloud


@pytest.fixture(scope="module", autouse=True)
def empty_account(request: pytest.FixtureRequest) -> None:
    """A new sandbox in the old one's place, for the files that want one, and are not the first."""
    first_file = request.session.items[0].path
    if request.path.stem in EMPTY_ACCOUNT and request.path != first_file and not reused():
        cloud = request.getfixturevalue("cloud")
        sandbox("down")
        up(cloud.name, request.path.stem)
