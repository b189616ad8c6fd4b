# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a row of the contract is played: each of its turns is a playbook of its own, watched from all sides."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from . import hunting
from .conftest import Cloud, Machine
from .owner import GoogleOwner

#: What one task is asked for in a turn that changes something, and in one that only observes.
CHANGING = ("predicted", "done", "again", "predicted again")
OBSERVING = ("predicted", "done")
#: A machine as the fingerprint shows it: all files but the system's own programs, those of the agent in detail, and
#: everything of the engine.
MACHINE = f"""{hunting.FILES.replace("-prune", "-prune -o -path /usr -prune", 1)}
find /opt/praxis /run/praxis -printf '%p %i %T@ %m %u %l\\n' 2>/dev/null | sort
for id in $(docker ps -aq); do docker inspect -f '{{{{.Id}}}} {{{{.State.Status}}}} {{{{.State.StartedAt}}}}' $id; done
docker images -q --no-trunc; docker network ls -q; docker volume ls -q"""
#: A marker that is no secret, put into every place on purpose: the hunt must find it there.
PLANTED = "PLANTED-marker-4c1e9b27"
PLAN = {"run": "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"}


@dataclass(frozen=True)
class Turn:
    """A state of the world, and what is asked for in it.

    :param arguments: the task's; they reach it as a user's variables do, not as the playbook's text.
    :param changes: whether there is something to change.
    :param module: what is run, when it is not the row's own module; its arguments stand in the playbook as they are.
    :param before: plays that run first, in the same ``ansible-playbook``.
    :param variables: extra variables.
    :param keywords: further keywords of the task.
    """

    name: str
    arguments: Mapping[str, Any]
    changes: bool = False
    module: str = ""
    before: tuple[dict[str, Any], ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        return self.steps or (CHANGING if self.changes else OBSERVING)


@dataclass(frozen=True)
class Step:
    """One task of a turn.

    :param operations: the API operations asked for while it ran.
    :param before: the machine's fingerprint before it; empty for a row that has no machine.
    """

    result: dict[str, Any]
    operations: list[dict[str, Any]]
    before: str
    after: str

    @property
    def mutations(self) -> list[str]:
        return ["%(service)s:%(operation)s" % item for item in self.operations if item["mutating"]]

    @property
    def differences(self) -> list[dict[str, Any]]:
        """The items of its diff that show a difference."""
        found = self.result.get("diff") or []
        items = found if isinstance(found, list) else [found]
        return [item for item in items if item.get("before") != item.get("after")]


#: Each turn is answered with its steps.
Turns = Generator[Turn, dict[str, Step], None]


@dataclass(frozen=True)
class Row:
    """A module, a plugin, or a module with its action plugin.

    :param kinds: the folders of ``plugins`` that hold it.
    :param turns: makes one state of the world after the other, and says for each what is asked for in it.
    :param on: what it works on, ``account``, ``controller`` or ``machine``; only the last runs elsewhere than on the
        controller.
    :param changes: whether it is there to change something; else it only observes.
    :param cloud: whose account it is played in; what does not depend on it goes with AWS.
    :param repeats: a repetition: other rows show its kind of turns, and other tests what it does.
    """

    name: str
    kinds: tuple[str, ...]
    turns: Callable[[World], Turns]
    on: str = "account"
    changes: bool = False
    cloud: str = "aws"
    repeats: bool = False


@dataclass
class World:
    """The sandbox with a deployed fleet, a folder in which the runs leave what they leave, and what is known of both.

    :param arguments: the argument lists of all processes since the first row, collected while they run.
    :param markers: every secret that the rows handled, in every form in which it might be written.
    """

    cloud: Cloud
    folder: Path
    arguments: set[bytes]
    markers: dict[str, bytes] = field(default_factory=dict)
    output: dict[str, bytes] = field(default_factory=dict)
    played: dict[str, dict[str, dict[str, Step]]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name in ("home", "tmp", "plan", "facts"):
            (self.folder / name).mkdir()
        for name, value in self.cloud.owner.credentials().items():
            self.secret(name, value)

    @property
    def machine(self) -> Machine:
        """The machine that the rows may do with as they like."""
        return min(self.cloud.machines(), key=lambda item: item.name)

    @property
    def instance(self) -> str:
        """The machine's instance id."""
        name = self.machine.name
        return str(next(item["instance_id"] for item in self.cloud.state["machines"] if item["name"] == name))

    def owner(self, service: str) -> Any:
        """A boto3 client with the rights of the account's owner."""
        return boto3.client(service, **self.cloud.administrator)

    @property
    def google(self) -> GoogleOwner:
        """The owner of the Google project."""
        assert isinstance(self.cloud.owner, GoogleOwner)
        return self.cloud.owner

    @property
    def keys(self) -> dict[str, str]:
        """Options that every module of the cloud takes: with a secret among them."""
        environment = self.cloud.environment
        if self.cloud.name == "gcp":
            return {"access_token": self.google.token(Path(environment["GOOGLE_APPLICATION_CREDENTIALS"]))}
        return {"access_key": environment["AWS_ACCESS_KEY_ID"], "secret_key": environment["AWS_SECRET_ACCESS_KEY"]}

    def secret(self, name: str, value: bytes) -> None:
        """Hunt for this value from now on."""
        forms = {"": value, " in base64": base64.b64encode(value).rstrip(b"=")[:-1], " in hex": value.hex().encode()}
        self.markers.update({name + form: text for form, text in forms.items()})

    def run(self, row: Row) -> dict[str, dict[str, Step]]:
        """Every turn of a row, by name, and its steps; played once, however often it is asked for."""
        if row.name not in self.played:
            if row.name in self.begun:
                pytest.fail("its turns could not be played to the end: see the first test that failed on this row")
            self.begun.add(row.name)
            played, turns = {}, row.turns(self)
            turn = next(turns, None)
            while turn:
                played[turn.name] = self._steps(row, turn)
                turn = _next(turns, played[turn.name])
            self.played[row.name] = played
        return self.played[row.name]

    def _steps(self, row: Row, turn: Turn) -> dict[str, Step]:
        task = {f"praxis.cloud.{row.name}": {key: f"{{{{ given['{key}'] }}}}" for key in turn.arguments}}
        if turn.module:
            task = {turn.module: dict(turn.arguments)}
        task |= {"diff": True, **turn.keywords}
        tasks = [{"name": step, "check_mode": "predicted" in step, **task} for step in turn.asked]
        play = {"hosts": "localhost", "tasks": tasks}
        if row.on == "machine":
            play = {"hosts": self.machine.name, "become": True, "vars": {"ansible_pipelining": True}, "tasks": tasks}
        variables = {"given": dict(turn.arguments), **turn.variables}
        record = self.play(f"{row.name} {turn.name}", [*turn.before, play], variables, row.on == "machine")
        log, moments = self.cloud.operations(), record["moments"]
        seen = {}
        for (name, before), (_next, after) in zip(moments, moments[1:]):
            if name in turn.asked:
                start, end = (int(text.split("\n", 1)[0]) for text in (before, after))
                pictures = (text.split("\n", 1)[1] for text in (before, after))
                seen[name] = Step(record["results"][name], log[start:end], *pictures)
        return seen

    def play(
        self, name: str, plays: list[dict[str, Any]], variables: Mapping[str, Any], machine: bool = False
    ) -> dict[str, Any]:
        """Run plays at the highest verbosity.

        :param machine: whether to observe the machine, too, before and after each task.
        :returns: what praxis_witness wrote.
        """
        book, given, record = (self.folder / file for file in ("play.json", "given.json", "record.json"))
        record.unlink(missing_ok=True)
        if "fleet_plan" in str(plays):
            plays = [*plays, _keep_plan(self.folder, name)]
        book.write_text(json.dumps([{"gather_facts": False, **play} for play in plays]))
        given.write_text(json.dumps(dict(variables)))
        (log,) = self.cloud.logs
        witness = f"wc -l < {log}"
        if machine:
            (self.folder / "witness").write_text(MACHINE)
            witness += f"; docker exec -i {self.machine.container} sh < {self.folder / 'witness'}"
        ran = self.cloud.run(str(book), "-e", f"@{given}", "-vvvvv", environment={
            "ANSIBLE_CALLBACKS_ENABLED": "praxis_recorder,praxis_witness",
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.folder / "facts"),
            "ANSIBLE_LOG_PATH": str(self.folder / "log"),
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PRAXIS_TEST_WITNESS": witness,
            "PRAXIS_TEST_WITNESSED": str(record),
        })
        self.output[name] = ran.output.encode()
        return json.loads(record.read_text(encoding="utf-8"))

    def slice(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The part of a plan that is the machine's, as options of agent_release.

        :param variables: extra variables of the plan.
        """
        self.play("slice", [plan(self)], variables)
        found = json.loads((self.folder / "plan" / "slice" / "slices" / self.machine.name).read_text(encoding="utf-8"))
        return {name: found[name] for name in ("release", "peers", "gate", "engine")}

    def plant(self) -> None:
        """Leave a marker in every place of the controller, with Ansible's own means and the product's."""
        tmp = self.folder / "tmp"
        tasks = [
            {"name": "output", "ansible.builtin.debug": {"msg": PLANTED}},
            {"name": "facts", "ansible.builtin.set_fact": {"planted": PLANTED, "cacheable": True}},
            {"name": "diff", "ansible.builtin.copy": {"content": PLANTED, "dest": f"{tmp}/planted"}, "diff": True},
            {"name": "argv", "ansible.builtin.command": {"argv": ["sh", "-c", f"sleep 3; : {PLANTED}"]}},
        ]
        planned = {"praxis_agent_environment": {"A_MARKER": PLANTED}}
        record = self.play("planted planted", [{"hosts": "localhost", "tasks": tasks}, plan(self)], planned)
        diff = record["results"]["diff"]
        self.played["planted"] = {"planted": {"diff": Step(diff, [], "", "")}}

    def reported(self, row: str) -> dict[str, bytes]:
        """What the turns of a row have returned, by place."""
        results = [step.result for steps in self.played[row].values() for step in steps.values()]
        return {
            "output": b"".join(text for name, text in self.output.items() if name.startswith(row + " ")),
            "results": json.dumps(results).encode(),
            "diff": json.dumps([result.get("diff") for result in results]).encode(),
        }

    def left(self) -> dict[str, bytes]:
        """What all turns so far have left on the controller, by place."""
        return {
            "log": (self.folder / "log").read_bytes(),
            "argv": b"\n".join(self.arguments.copy()),
            "facts": _all_of(self.folder / "facts"),
            "plan": _all_of(self.folder / "plan"),
            "files": _all_of(self.folder / "home") + _all_of(self.folder / "tmp"),
        }

    def leaked(self, places: Mapping[str, bytes]) -> list[str]:
        """The secrets that are in one of these places, and in which."""
        markers = self.markers.items()
        return [f"{name} in {place}" for place, text in places.items() for name, marker in markers if marker in text]


def _next(turns: Turns, steps: dict[str, Step]) -> Turn | None:
    try:
        return turns.send(steps)
    except StopIteration:
        return None


def plan(world: World) -> dict[str, Any]:
    """A play that leaves the plan for the machine."""
    return {
        "hosts": "localhost",
        "tasks": [{"name": "plan", "praxis.cloud.fleet_plan": {"hosts": [world.machine.name]}}],
    }


def _keep_plan(folder: Path, name: str) -> dict[str, Any]:
    """A play that takes a copy of the run's directory, if there is one, before Ansible removes it."""
    run = "hostvars['localhost']['ansible_facts']['praxis_plan']['run']"
    copy = {"argv": ["cp", "-r", f"{{{{ {run} }}}}", f"{folder}/plan/{name}"]}
    there = [f"{run} is defined", f"{run} is directory"]
    return {"hosts": "localhost", "tasks": [{"name": "keep", "ansible.builtin.command": copy, "when": there}]}


def _all_of(folder: Path) -> bytes:
    """Every file's name and content."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return b"\n".join(path.name.encode() + b"\n" + path.read_bytes() for path in files)
