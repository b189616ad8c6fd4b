# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins in real runs of ansible-playbook, with hosts whose Python only pretends.

A host's interpreter is a script that keeps what it was sent and prints an answer, so nothing is done to this machine.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import step_failure
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences
from tests import deprecations, tiers
from tests.unit.conftest import REGION, environment
from tests.unit.plan.made import OPENAI, Account, fleet, seed

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parents[3]
#: What a machine without a recorder says when it is asked who reads a step's standard input.
CHAIN = "echo 'praxis-stdin 9 pipe:[1] sh'"
MARKER = "planted-marker-0b5e77"
PLAIN = "planted-plain-value-6c21"
ROOT_PLAYBOOKS = sorted(path.name for path in (CHECKOUT / "playbooks").glob("*.yml"))
FACT_OF_PLAN = "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['%s'] }}"
RUN = FACT_OF_PLAN % "run"
FREE = {"ansible.builtin.import_playbook": str(CHECKOUT / "playbooks/plays/free.yml")}
LOCAL = {"hosts": "localhost", "connection": "local", "gather_facts": False}
PLAN = {
    "hosts": "praxis",
    "gather_facts": False,
    "tasks": [{"ansible.builtin.import_tasks": str(CHECKOUT / "playbooks/tasks/plan.yml")}],
}


@dataclass(frozen=True)
class Played:
    """A finished run: return code, all it printed, and every task's result."""

    rc: int
    printed: str
    results: list[dict[str, Any]]

    def of(self, task: str, host: str) -> dict[str, Any]:
        """One task's result on one host, its status added."""
        (found,) = [each for each in self.results if (each["task"], each["host"]) == (task, host)]
        return {**found["result"], "status": found["status"]}


class Site:
    """A folder with an inventory, in which playbooks are run."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self._environment = environment(account.cloud) | {
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "praxis_results",
            "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connections"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "ANSIBLE_INJECT_INVOCATION": "1",  # what shows most; ansible-core 2.19 knows no other way
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_LOG_PATH": str(folder / "log"),
            "ANSIBLE_NOCOLOR": "1",
            "PRAXIS_TEST_RESULTS": str(folder / "results.json"),
        }

    def inventory(self, hostvars: dict[str, Any], kinds: dict[str, Any] | None = None, **everybody: Any) -> None:
        """Members of the group ``praxis``, and a localhost that has this Python; variables that all of them have.

        :param kinds: of pods, in the group ``praxis_kubernetes`` alone.
        """
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        groups = {"praxis": {"hosts": hostvars}, "ungrouped": {"hosts": {"localhost": local}}}
        groups |= {"praxis_kubernetes": {"hosts": kinds}} if kinds else {}
        hosts = {**groups, "all": {"vars": everybody}}
        (self.folder / "hosts.json").write_text(json.dumps(hosts))

    def host(self, name: str, script: str) -> dict[str, Any]:
        """Connection variables of a host whose Python is this script; the file ``sent-NAME`` keeps what it is sent."""
        path = self.folder / f"python-{name}"
        path.write_text(f"#!/bin/sh\ncat >> {self.folder}/sent-{name}\n{script}\n")
        path.chmod(0o755)
        return {
            "ansible_connection": "praxis_here",
            "ansible_python_interpreter": str(path),
            "ansible_remote_tmp": str(self.folder / f"remote-{name}"),
        }

    def shell(self, name: str, script: str) -> dict[str, Any]:
        """Of a host whose shell answers with this script when it is asked what it remembers of deployments."""
        path = self.folder / f"shell-{name}"
        answer = f"*praxis-remembers*) echo \"$2\" >> {self.folder}/sent-{name}\n{script} ;;"
        path.write_text(f'#!/bin/sh\ncase "$2" in\n{answer}\n*) exec /bin/sh "$@" ;;\nesac\n')
        path.chmod(0o755)
        return {"ansible_connection": "praxis_here", "ansible_shell_executable": str(path)}

    def keep(self) -> dict[str, Any]:
        """A task that copies the run's directory to the folder ``kept``; Ansible removes it at its end."""
        return {"ansible.builtin.command": {"argv": ["cp", "-a", RUN, str(self.folder / "kept")]}, "check_mode": False}

    def was_sent(self, name: str) -> bool:
        """Whether anything reached a host: its Python was run, or a file was put there."""
        return (self.folder / f"sent-{name}").exists() or (self.folder / f"remote-{name}").exists()

    def play(self, book: list[dict[str, Any]] | Path, *arguments: str, **variables: str) -> Played:
        path = book if isinstance(book, Path) else self.folder / "play.json"
        if not isinstance(book, Path):
            path.write_text(json.dumps(book))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.json", str(path), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment | variables, text=True, errors="replace", timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        deprecations.refuse_in(done.stdout)
        results = self.folder / "results.json"
        return Played(done.returncode, done.stdout, json.loads(results.read_text()) if results.exists() else [])

    def places_of(self, played: Played, *forms: bytes) -> set[str]:
        """Where any of these stands: the output, or a file that the run left here."""
        files = {str(path.relative_to(self.folder)): path for path in self.folder.rglob("*") if path.is_file()}
        ours = [name for name in files if name.startswith(("hosts", "python-", "play.json", "results.json"))]
        texts = {name: path.read_bytes() for name, path in files.items() if name not in ours}
        texts |= {"output": played.printed.encode(), "results": json.dumps(played.results).encode()}
        return {name for name, text in texts.items() if any(form in text for form in forms)}


@pytest.fixture
def site(tmp_path: Path, empty: Account) -> Site:
    return Site(tmp_path, empty)


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port of this machine at which nobody listens, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def release(state: str) -> dict[str, Any]:
    return {"name": state, "praxis.cloud.agent_release": {"run": RUN, "state": state}}


def forms(secret: bytes) -> list[bytes]:
    """The ways in which a secret could stand in a text."""
    return [secret, secret.hex().encode(), base64.b64encode(secret), repr(secret)[2:-1].encode()]


def facts_missing(played: Played) -> Any:
    """The identities that the first plan found missing."""
    return played.of("Plan the deployment", "m1")["ansible_facts"]["praxis_plan"]["missing"]


def test_a_deployment_up_to_the_hosts(site: Site, empty: Account, deaf_port: int) -> None:
    """One run at the highest verbosity: identities, plan, and what becomes of each kind of host."""
    empty.seeds([1])
    observation = {"release": {"current": "5f00d1", "good": "81bb02"}, "note": MARKER}
    answer = json.dumps({"changed": True, "outcome": "prepared", "observation": observation, "not_kept": 1})
    own = {
        1: site.host("m1", f"echo '{answer}'"),
        2: site.host("m2", "echo 'Traceback: no such thing' >&2; exit 3"),
        3: {"ansible_host": "127.0.0.1", "ansible_port": deaf_port, "ansible_connection": "ssh"},
        4: {**site.host("m4", f"echo '{answer}'"), "pipelined": False},
    }
    hostvars = fleet(4, {1: {"agent_secrets": {"OPENAI_API_KEY": PLAIN}}})
    site.inventory({name: {**found, **own[at]} for at, (name, found) in enumerate(hostvars.items(), 1)})
    # A play's variable beats a host's, so the one host without pipelining asks for it by another name.
    hosts = {
        "gather_facts": False,
        "ignore_unreachable": True,
        "vars": {"ansible_pipelining": "{{ pipelined | default(true) }}"},
    }
    wrong_id = "{{ praxis_plan.id | regex_replace('[0-9a-f]{8}$', '00000000') }}"
    again = {"name": "again", "praxis.cloud.fleet_plan": {"hosts": [], "plan_id": wrong_id}}
    active = {**release("active"), "when": "inventory_hostname == 'm1'"}
    observe_again = {"name": "observation", "praxis.cloud.agent_info": {"run": RUN}}
    book = [
        PLAN,
        {**LOCAL, "tasks": [{"block": [again], "rescue": [{"ansible.builtin.debug": {"msg": "refused"}}]}]},
        {**hosts, "hosts": "praxis", "tasks": [release("prepared")]},
        {**hosts, "hosts": "m1:m2", "tasks": [active, release("restored"), observe_again]},
        {**LOCAL, "tasks": [site.keep()]},
    ]
    played = site.play(book, "-vvvvv", "--diff")

    # The plan has everybody, the identities that were missing included.
    found = played.of("Plan with the new identities", "m1")
    assert found["status"] == "ok", played.printed[-4000:]
    assert [member["name"] for member in found["plan"]["members"]] == ["m1", "m2", "m3", "m4"]
    assert found["plan"]["members"][0]["peer_id"] == peer_id(seed(1))
    facts = found["ansible_facts"]["praxis_plan"]
    assert (facts["id"], facts["balanced"]) == (found["plan"]["id"], False)
    assert empty.cloud.changes() == ["CreateSecret"] * 3

    # Another plan's id: refused, the part named.
    failure = played.of("again", "localhost")["failure"]
    assert failure["code"] == "plan-changed"
    assert "its secrets changed" in failure["what"]

    # m1 answers, and what the verdict needs of it is kept.
    outcome = json.loads((site.folder / "kept/outcomes/m1").read_text())
    assert outcome == {"changed": True, "outcome": "prepared", "observation": observation}
    assert json.loads((site.folder / "kept/touched/m1").read_text()) == {"previous": "81bb02"}
    # Four batches of one: each its gate's deadline, its soak and two minutes; and two minutes.
    assert b'"confirm_within": 1200.0' in (site.folder / "sent-m1").read_bytes()
    # m2's module crashes: its task does not fail, and says so as data. Nothing was done to it, so nothing is restored.
    crashed = played.of("prepared", "m2")
    assert (crashed["status"], crashed["outcome"]) == ("ok", "failed")
    assert crashed["failure"]["code"] == "module-failed"
    assert crashed["failure"]["where"] == "m2"
    assert "no such thing" in crashed["failure"]["what"]
    assert "sudo" in crashed["failure"]["fix"]
    assert json.loads((site.folder / "kept/outcomes/m2").read_text())["outcome"] == "failed"
    assert played.of("restored", "m2")["status"] == "skipped"
    assert played.of("observation", "m2")["outcome"] == "failed"
    # m3 is not there: Ansible has a word for that, and the verdict will hear of it.
    assert played.of("prepared", "m3")["status"] == "unreachable"
    assert "refused" in json.loads((site.folder / "kept/outcomes/m3").read_text())["unreachable"]
    # m4 has no pipelining: refused before anything is sent.
    refused = played.of("prepared", "m4")
    assert (refused["status"], refused["failure"]["code"]) == ("failed", "no-pipelining")
    assert refused["failure"]["where"] == "m4"
    assert "ansible_pipelining" in refused["failure"]["fix"]
    assert not site.was_sent("m4")
    assert not (site.folder / "kept/outcomes/m4").exists()

    # Secrets are in what was sent to their own host, and nowhere else. The same search finds a marker everywhere.
    assert site.places_of(played, MARKER.encode()) == {"output", "log", "results", "kept/outcomes/m1"}
    assert site.places_of(played, *forms(PLAIN.encode()), *forms(seed(1))) == {"sent-m1"}
    assert site.places_of(played, *forms(OPENAI.encode())) == {"sent-m2"}
    assert not (site.folder / "remote-m1").exists()  # it came through standard input, and in no file
    assert any(place.startswith("facts/") for place in site.places_of(played, b"praxis_plan"))


def ssh(site: Site, name: str, script: str) -> dict[str, Any]:
    """Connection variables of a host that is reached by this script in ssh's place."""
    path = site.folder / f"ssh-{name}"
    path.write_text(f'#!/bin/sh\necho "$*" >> {site.folder}/asked-{name}\n{script}\n')
    path.chmod(0o755)
    return {
        "ansible_connection": "ssh",
        "ansible_host": f"{name}.invalid",
        "ansible_ssh_executable": str(path),
        "ansible_ssh_extra_args": "-o ServerAliveInterval=3",
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def test_what_ssh_and_sudo_do_is_data(site: Site, empty: Account) -> None:
    """Through Ansible's own SSH plugin, with commands in ssh's place: one that answers, and one whose sudo refuses."""
    answer = json.dumps({"changed": False, "outcome": "unchanged", "observation": {"host": {"clock": 1000.0}}})
    scripts = {
        "m1": f"cat > /dev/null; echo BECOME-SUCCESS; {CHAIN}; echo '{answer}'",
        "m2": "echo 'sudo: a password is required' >&2; exit 1",
    }
    own = {name: {**ssh(site, name, script), "ansible_become": name == "m2"} for name, script in scripts.items()}
    site.inventory({name: {**found, **own[name]} for name, found in fleet(2).items()})
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    after = {"name": "after", "ansible.builtin.debug": {"msg": "still here"}}
    played = site.play([PLAN, {**hosts, "tasks": [release("prepared"), after]}, {**LOCAL, "tasks": [site.keep()]}])

    # A link that goes dead is noticed; what the user set comes first, and so holds.
    _observed, asked = (site.folder / "asked-m1").read_text().splitlines()
    assert asked.index("ServerAliveInterval=3") < asked.index("ServerAliveInterval=10")
    assert "ServerAliveCountMax=3" in asked
    outcome = json.loads((site.folder / "kept/outcomes/m1").read_text())
    assert outcome["clock_offset"] < -1_000_000_000
    # Ansible calls a sudo that refuses a failure of the task, and would leave the host out of all that follows.
    refused = played.of("prepared", "m2")
    assert (refused["status"], refused["outcome"]) == ("ok", "failed")
    assert (refused["failure"]["code"], refused["failure"]["where"]) == ("sudo-refused", "m2")
    assert json.loads((site.folder / "kept/outcomes/m2").read_text())["failure"] == refused["failure"]
    assert played.of("after", "m2")["status"] == "ok"


@pytest.mark.parametrize(
    ("become", "sentence"),
    tiers.first(
        [
            (True, 'Please login as the user "admin" rather than the user "root".'),
            (False, 'Please login as the user "admin" rather than the user "root".'),
            (True, "Choose: start or stop"),
        ]
    ),
)
def test_a_login_that_is_no_shell_is_quoted(site: Site, empty: Account, become: bool, sentence: str) -> None:
    """What an image says to root at a forced command, on standard output. A banner before the answer does no harm."""
    answer = json.dumps({"changed": False, "outcome": "unchanged", "observation": {}})
    own = {
        "m1": ssh(site, "m1", f"cat > /dev/null; echo '{sentence}'; exit 142"),
        "m2": ssh(site, "m2", f"cat > /dev/null; echo 'Welcome!'; echo BECOME-SUCCESS; {CHAIN}; echo '{answer}'"),
    }
    site.inventory({name: {**found, **own[name], "ansible_become": become} for name, found in fleet(2).items()})
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    prepare = {**hosts, "ignore_unreachable": True, "tasks": [release("prepared")]}
    played = site.play([PLAN, prepare, {**LOCAL, "tasks": [site.keep()]}])
    outcome = json.loads((site.folder / "kept/outcomes/m1").read_text())
    # Ansible waits for sudo's sign of life in vain, and forgets what came in its place.
    assert ("unreachable" in outcome) == become
    (failure,) = (each.as_dict() for each in absences(["m1"], {"m1": outcome}).values())
    assert (failure["code"], failure["where"]) == ("no-shell", "m1"), failure
    assert sentence in failure["what"] and "ansible_user" in failure["fix"]
    if not become:
        assert played.of("prepared", "m2")["outcome"] == "unchanged"


def test_a_host_that_another_deployment_holds_is_waited_for_in_words(site: Site, empty: Account) -> None:
    """Who holds it and since when, before the wait and not after it; the whole patience counts from the first try."""
    holder = "state=active release=5f00d1 pid=7 since=2026-01-01T00:00:00Z owner=ann@desk run=20260101T000000Z-a1b2c3"
    busy = {"code": "host-locked", "what": f"Another deployment has locked this host: {holder}. Waited 3 s for it.",
            "where": "/opt/praxis.lock", "fix": "Let it end."}  # fmt: skip
    held = json.dumps({"changed": False, "outcome": "failed", "failure": busy, "failures": [busy], "observation": {}})
    seen = {"deployment": None}
    outcome = {"changed": True, "outcome": "prepared", "failure": None, "observation": seen}
    free = json.dumps({**outcome, "fence": 1, "locked": True})
    once = site.folder / "python-once"
    script = f"[ -e {once} ] && echo '{free}' || {{ touch {once}; echo '{held}'; }}"
    site.inventory({"m1": {**fleet(1)["m1"], **site.host("m1", script)}})
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    lock = {"name": "lock", "praxis.cloud.fleet_lock": {"run": RUN, "host": "m1"}}
    forget = {"ansible.builtin.file": {"path": str(once), "state": "absent"}}
    book = [PLAN, {**hosts, "tasks": [release("prepared")]}, {**LOCAL, "tasks": [forget]}, {**hosts, "tasks": [lock]}]
    played = site.play(book)
    assert played.of("prepared", "m1")["outcome"] == "prepared"
    assert played.of("lock", "m1")["locked"]
    assert played.printed.count(holder) == 2
    assert "Waiting 177 s more at most." in played.printed and "Waiting 57 s more at most." in played.printed
    asked = re.findall(rb'"lock_deadline": ([0-9.]+)', (site.folder / "sent-m1").read_bytes())
    assert asked == [b"3.0", b"177.0", b"3.0", b"57.0"]


def test_the_end_of_its_clients_connections_is_waited_for_in_words(site: Site, empty: Account) -> None:
    outcome = {"changed": True, "outcome": "prepared", "failure": None, "observation": {"deployment": None}}
    site.inventory({"m1": {**fleet(1)["m1"], **site.host("m1", f"echo '{json.dumps(outcome)}'")}})
    drains = (
        "import json, sys, time; "
        "open(sys.argv[1] + '/draining/m1', 'w').write(json.dumps({'until': time.monotonic() + 90}))"
    )
    drain = {"ansible.builtin.command": {"argv": [sys.executable, "-c", drains, RUN]}}
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    states = [release("prepared"), release("active")]
    played = site.play([PLAN, {**LOCAL, "tasks": [drain]}, {**hosts, "tasks": states}])
    assert played.of("active", "m1")["status"] == "ok", played.printed[-2000:]
    (said,) = re.findall(r"m1: waiting ([0-9]+) s at most for the connections of its clients to end", played.printed)
    assert 60 < int(said) <= 90


@pytest.mark.parametrize(
    ("more", "age", "silent", "force", "code"),
    tiers.first(
        [
            ({"process": {}, "reason": "database migration"}, 0, False, "true", "fleet-locked"),
            ({}, 1000, False, "false", ""),  # its lease is over
            ({}, 1000, True, "false", "lock-unknown"),
            ({}, 0, False, "true", "fleet-locked"),
            ({}, 0, True, "true", "fleet-locked"),
            ({}, 1000, True, "true", ""),
        ],
        3,
    ),
)
def test_cloud_resources_are_left_alone_while_somebody_holds_the_fleet(
    site: Site, empty: Account, more: dict[str, Any], age: int, silent: bool, force: str, code: str
) -> None:
    """What provision.yml and down.yml do before they change anything."""
    wanted = {"run": "20260101T000000Z-a1b2c3", "owner": "ann@desk", "reason": "deploy", "lock_host": "m1", "fence": 1,
              "process": {"place": "elsewhere", "pid": 7, "started": "1"}, "lease": 600.0, **more}  # fmt: skip
    now = time.time()
    held = Deployment(**wanted).record(now - age, ended=False)
    deployments = {"m1": json.dumps(held), "m2": ""}
    scripts = {name: f"echo 'praxis-remembers it 9.0 9.0 {now:.0f} {record}'" for name, record in deployments.items()}
    scripts["m2"] = "exit 3" if silent else scripts["m2"]
    site.inventory({name: {**fleet(2)[name], **site.shell(name, script)} for name, script in scripts.items()})
    free = {**FREE, "vars": {"free_force": force}}
    rest = {**LOCAL, "tasks": [{"name": "change the cloud", "ansible.builtin.debug": {"msg": "changed"}}]}
    played = site.play([free, rest])
    went_on = [each for each in played.results if each["task"] == "change the cloud"]
    assert (played.rc, len(went_on)) == ((2, 0) if code else (0, 1)), played.printed
    if code:
        (failure,) = played.of("Refuse while somebody holds the fleet", "localhost")["failures"]
        assert failure["code"] == code
        named = ("ann@desk", wanted["reason"]) if code == "fleet-locked" else ("m2", "praxis_force")
        assert all(word in failure["what"] + failure["fix"] for word in named), failure
    assert ("It is not known who holds the fleet" in played.printed) is (silent and code != "fleet-locked")


def test_who_holds_the_fleet_is_not_asked_in_check_mode_or_without_machines(site: Site, empty: Account) -> None:
    free = {**FREE, "vars": {"free_force": False}}
    site.inventory({"m1": {**fleet(1)["m1"], **site.shell("m1", "exit 3")}})
    before = {**LOCAL, "tasks": []}
    assert site.play([before, free], "--check", "-e", "praxis_lock_wait=60").rc == 0
    assert not site.was_sent("m1")
    site.inventory({})
    assert site.play([free]).rc == 0


def test_a_deployment_is_waited_for_where_the_first_member_cannot_say_who_has_the_fleet(
    site: Site, empty: Account
) -> None:
    """m2 keeps the lock, as its own inventory's first member; it has been given back when m2 is asked for the third
    time."""
    process = {"place": "elsewhere", "pid": 7, "started": "1"}
    wanted = Deployment("20260101T000000Z-a1b2c3", "ann@desk", "deploy", process, "m2", 1, 600.0)
    now = time.time()
    held, ended = (json.dumps(wanted.record(now, ended=over)) for over in (False, True))
    script = f"""if [ "$(grep -c praxis-remembers {site.folder}/sent-m2)" -gt 2 ]
then record='{ended}'; else record='{held}'; fi; echo "praxis-remembers it 9.0 9.0 {now:.0f} $record\""""
    scripts = {"m1": "exit 3", "m2": script}
    site.inventory({name: {**fleet(2)[name], **site.shell(name, each)} for name, each in scripts.items()})
    before = {**LOCAL, "tasks": [{"ansible.builtin.debug": {"msg": "A first play has no hostvars yet."}}]}
    played = site.play([before, {**FREE, "vars": {"free_force": "true"}}], "-e", "praxis_lock_wait=60")
    assert played.rc == 0, played.printed[-3000:]
    (found,) = [each for each in played.results if each["task"] == "Find the host that tells when the fleet is free"]
    assert found["result"]["ask"] == "m2"
    assert "Waiting 5" in played.printed or "Waiting 6" in played.printed
    assert (site.folder / "sent-m2").read_text().count("praxis-remembers") == 4


def test_nobody_is_waited_for_where_nobody_holds_the_fleet(site: Site, empty: Account) -> None:
    nobody = f'echo "praxis-remembers it 9.0 9.0 {time.time():.0f}"'
    site.inventory({name: {**fleet(2)[name], **site.shell(name, nobody)} for name in ("m1", "m2")})
    before = {**LOCAL, "tasks": [{"ansible.builtin.debug": {"msg": "A first play has no hostvars yet."}}]}
    played = site.play([before, {**FREE, "vars": {"free_force": "false"}}], "-e", "praxis_lock_wait=60")
    assert played.rc == 0, played.printed[-3000:]


def test_with_a_limit_a_keeper_that_is_down_is_not_waited_for(site: Site, empty: Account) -> None:
    """m2 alone is asked, and knows that m1 keeps the lock of a deployment, which comes to its end on m2."""
    process = {"place": "elsewhere", "pid": 7, "started": "1"}
    wanted = Deployment("20260101T000000Z-a1b2c3", "ann@desk", "deploy", process, "m1", 1, 600.0)
    now = time.time()
    held, ended = (json.dumps(wanted.record(now, ended=over)) for over in (False, True))
    script = f"""if [ "$(grep -c praxis-remembers {site.folder}/sent-m2)" -gt 1 ]
then record='{ended}'; else record='{held}'; fi; echo "praxis-remembers it 9.0 9.0 {now:.0f} $record\""""
    scripts = {"m1": "exit 3", "m2": script}
    site.inventory({name: {**fleet(2)[name], **site.shell(name, each)} for name, each in scripts.items()})
    before = {**LOCAL, "tasks": [{"ansible.builtin.debug": {"msg": "A first play has no hostvars yet."}}]}
    wait = {"ansible.builtin.import_playbook": str(CHECKOUT / "playbooks/plays/wait.yml")}
    began = time.monotonic()
    played = site.play([before, wait], "-e", "praxis_lock_wait=300", "--limit", "m2,localhost")
    assert played.rc == 0, played.printed[-3000:]
    (found,) = [each for each in played.results if each["task"] == "Find the host that tells when the fleet is free"]
    assert (found["result"]["ask"], found["result"]["otherwise"]) == ("m1", "m2")
    assert (site.folder / "sent-m2").read_text().count("praxis-remembers") == 2
    assert time.monotonic() - began < 200, "it waits for m1"


@pytest.mark.repetition
def test_a_machine_without_a_way_to_its_package_mirror(site: Site, empty: Account) -> None:
    """apt's module loses the reason; the finding has it all the same, and advice that is about it."""
    facts = {"distribution": "Debian", "distribution_version": "13", "distribution_major_version": "13",
             "python": {"executable": "/usr/bin/python3"}}  # fmt: skip
    answers = {
        "agent_release": {
            "changed": False, "outcome": "needs-docker", "reasons": ["docker is missing"], "observation": {},
        },
        "agent_info": {"observation": {"engine": {"running": False, "version": None, "compose": None, "daemon": {}}}},
        "modules.setup": {"ansible_facts": {f"ansible_{name}": value for name, value in facts.items()}},
        "dpkg-query": {"rc": 1, "stdout": "", "stderr": "", "changed": True},
        "modules.apt": {"failed": True, "msg": "Failed to update apt cache after 5 retries: "},
        "apt-get": {"rc": 0, "changed": True, "stdout": "Hit:1 http://other", "stderr":
                    "W: Failed to fetch http://deb.debian.org/debian  Temporary failure resolving 'deb.debian.org'"},
    }  # fmt: skip
    sent = site.folder / "sent-m1"
    script = [f"mv {sent} {site.folder}/last"]
    for word, answer in answers.items():
        path = site.folder / f"python-answer-{word}"
        path.write_text(json.dumps(answer))
        script.append(f"grep -aq '{word}' {site.folder}/last && cat {path} && exit 0")
    script.append("exit 3")
    site.inventory({"m1": {**fleet(1)["m1"], **site.host("m1", "\n".join(script))}})
    played = site.play(CHECKOUT / "playbooks" / "deploy.yml", "-v")
    assert played.rc == 2
    sent_reason = played.of("Prepare the release on the new engine", "m1")
    assert sent_reason["outcome"] == "needs-docker", played.printed[-6000:]
    # What the module is reported comes back from a real host among its reasons.
    last = [each for each in played.results if each["task"] == "Go on to the verdict"][-1]
    reason = step_failure.of_task(**last["result"]["ansible_facts"]["praxis_docker_failure"])
    assert "after 5 retries" in reason and "Temporary failure resolving 'deb.debian.org'" in reason
    assert "Hit:" not in reason
    assert reason.startswith("Say why the engine could not be installed: ")


def test_check_mode_predicts_and_changes_nothing(site: Site, empty: Account) -> None:
    answer = json.dumps({"changed": True, "outcome": "prepared", "observation": {}})
    own = {1: site.host("m1", f"echo '{answer}'"), 2: site.host("m2", "exit 3")}
    site.inventory({name: {**found, **own[at]} for at, (name, found) in enumerate(fleet(2).items(), 1)})
    tasks = [release("prepared"), release("active")]
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}, "tasks": tasks}
    played = site.play([PLAN, hosts, {**LOCAL, "tasks": [site.keep()]}], "--check", "--diff")
    assert played.rc == 0, played.printed[-4000:]
    found = played.of("Plan the deployment", "m1")["plan"]
    assert played.of("Make the identities that are missing", "m1")["changed"]
    assert facts_missing(played) == [
        {"cloud": "aws", "project": "", "region": REGION, "slots": ["aws-1", "aws-2"]}
    ]
    assert played.of("Plan with the new identities", "m1")["status"] == "skipped"
    assert [member["peer_id"] for member in found["members"]] == ["(known after apply)"] * 2
    assert empty.cloud.changes() == []
    assert b'"_ansible_check_mode": true' in (site.folder / "sent-m1").read_bytes()
    assert list((site.folder / "kept/touched").iterdir()) == []


def test_a_bad_fleet_is_refused_before_anything_is_touched(site: Site, empty: Account) -> None:
    """Settings, variables, secrets and image, all wrong in one run, and no identity was ever made."""
    own = {name: site.host(name, "exit 3") for name in ("m1", "m2", "m3")}
    config = {"llm": {"timeot": 7}, "p2p": {"enabled": False}}
    wrong = {
        2: {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://"}, "image": "registry.example/Praxis"},
        3: {"api_port": 70000},
    }
    hostvars = fleet(3, {**wrong, 1: {"agent_secrets": {"OPENAI_API_KEY": "aws-sm://none"}}}, agent_config=config)
    site.inventory({name: {**found, **own[name]} for name, found in hostvars.items()})
    rest = {"hosts": "praxis", "gather_facts": False, "tasks": [release("prepared")]}
    played = site.play([PLAN, rest], "-v")
    assert played.rc == 2
    found = played.of("Plan the deployment", "m1")
    assert found["failure"] == found["failures"][0] == {
        "code": "bad-variable",
        "what": "praxis_api_port is 70000, which is not a port.",
        "where": "variables (m3)",
        "fix": "Write a whole number from 1 to 65535.",
    }
    assert [each["code"] for each in found["failures"]] == [
        "bad-variable", "unknown-setting", "p2p-disabled", "reference-malformed", "image-malformed", "secret-not-found",
    ]  # fmt: skip
    assert found["msg"].count("\n") >= len(found["failures"]) - 1
    assert played.of("Fail with what was refused", "m1")["msg"] == found["msg"]
    assert empty.cloud.changes() == []
    assert not [each for each in played.results if each["task"] == "prepared"]
    assert not site.was_sent("m1")


#: What nothing in the agent reads, and one setting that changes what the fleet does.
UNREAD = {"p2p": {"max_peers": 9, "host": "0.0.0.0", "mdns_service": "a"}, "execution": {}, "mcp": {"enabled": True}}


@pytest.mark.parametrize(
    ("wrong", "callback", "arguments", "lines"),
    tiers.first(
        [
            ({}, "ansible.builtin.default", ["--check"], 2),
            ({"p2p_port": 8000}, "praxis.cloud.live", ["--check"], 2),
            ({}, "praxis.cloud.live", ["--check", "-v"], 5),
            ({"p2p_port": 8000}, "ansible.builtin.default", ["--check", "-v"], 5),
        ],
        1,
    ),
)
def test_of_settings_that_nothing_reads_a_person_sees_one_line(
    site: Site, empty: Account, wrong: dict[str, Any], callback: str, arguments: list[str], lines: int
) -> None:
    """And each with -v; a program is given each in any case."""
    site.inventory(fleet(2, agent_config=UNREAD, **wrong))
    played = site.play([PLAN], *arguments, ANSIBLE_STDOUT_CALLBACK=callback, COLUMNS="500")
    assert played.rc == (2 if wrong else 0), played.printed[-4000:]
    shown = [line for line in played.printed.splitlines() if line.startswith("[WARNING]: praxis_agent_config")]
    assert len(shown) == lines, played.printed
    assert "execute_python" in shown[0]
    if lines == 2:
        said = "4 settings have no effect: p2p.* (3), execution. Leave them out; run with -v to see why for each."
        assert said in shown[1]
    found = played.of("Plan the deployment", "m1")
    if wrong:
        assert {item["code"] for item in found["failures"]} == {"ports-equal"}
    else:
        assert len(found["findings"]) == 5 and {item["level"] for item in found["findings"]} == {"warning"}


@pytest.mark.repetition
def test_stopped_machines_are_named_and_the_others_are_planned(site: Site, empty: Account) -> None:
    """As praxis.cloud.fleet reports them."""
    stopped = "m3 (i-3 in eu-west-1)"
    site.inventory(fleet(2), praxis_inventory_stopped=[stopped])
    played = site.play([PLAN], "--check")
    assert played.rc == 0, played.printed[-4000:]
    (found,) = [item for item in played.of("Plan the deployment", "m1")["findings"] if item["code"] == "member-stopped"]
    assert found["level"] == "warning" and stopped in found["what"]
    assert stopped in played.printed


def test_a_misspelt_variable_is_a_warning_of_every_playbook_and_of_the_plan(site: Site, empty: Account) -> None:
    site.inventory(fleet(2), praxis_min_availabel=1)
    played = site.play([PLAN], "--check", "-e", "praxis_bacth=1")
    assert played.rc == 0, played.printed[-4000:]
    found = [each for each in played.of("Plan the deployment", "m1")["findings"] if each["code"] == "misspelt-variable"]
    assert [each["where"] for each in found] == ["variables (all 2 members)"] * 2
    for right in ("praxis_batch", "praxis_min_available"):
        assert f"Did you mean {right}?" in " ".join(played.printed.split())
    before = {"praxis.cloud.fleet_inventory": {}, "name": "Require the inventory"}
    looked = site.play([{**LOCAL, "tasks": [before]}], "-e", "praxis_bacth=1")
    assert looked.rc == 0 and "Did you mean praxis_batch?" in " ".join(looked.printed.split())


def test_what_one_run_was_to_restore_is_not_in_the_plan_of_the_next_one(site: Site, empty: Account) -> None:
    """The inventory of a user's has a fact cache, and restore.yml may have been a preview."""
    chosen = {"backup": "then", "hosts": {"m1": {"snapshot": "snap-1", "size": 9, "replaces": "vol-1"}}}
    site.inventory(fleet(1))
    shown = {"name": "show", "ansible.builtin.debug": {"msg": FACT_OF_PLAN % "restore"}}
    restoring = {**PLAN, "tasks": [*PLAN["tasks"], shown], "vars": {"plan_restore": chosen}}
    deploying = {**PLAN, "tasks": [*PLAN["tasks"], shown]}
    seen = [site.play([play], "--check").of("show", "m1")["msg"] for play in (restoring, deploying)]
    assert seen == [chosen, {"hosts": {}}]


def test_the_plan_agreed_to_before_the_first_deployment_holds_for_it(site: Site, empty: Account) -> None:
    own = {name: site.host(name, "exit 3") for name in ("m1", "m2")}
    hostvars = fleet(2, {1: {"agent_secrets": {"OPENAI_API_KEY": PLAIN}}})
    site.inventory({name: {**found, **own[name]} for name, found in hostvars.items()})
    agreed = site.play([PLAN], "--check").of("Plan the deployment", "m1")["plan"]["id"]
    other = site.play([PLAN], "-e", f"praxis_plan_id={agreed[:-1]}x")
    assert other.rc == 2
    assert other.of("Plan the deployment", "m1")["failure"]["code"] == "plan-changed"
    assert empty.cloud.changes() == []
    assert site.play([PLAN], "-e", f"praxis_plan_id={agreed}").rc == 0
    assert empty.cloud.changes() == ["CreateSecret"] * 2
    # From now on nothing is missing: one plan, and nothing is asked of p2p_identity.
    again = site.play([PLAN])
    assert [each["status"] for each in again.results] == ["ok", "skipped", "skipped"]


@pytest.mark.repetition
def test_identities_that_cannot_be_made_are_reported_with_their_own_findings(site: Site, empty: Account) -> None:
    """The task goes through the places that lack identities; each one's findings are given, not that items failed."""
    site.inventory(fleet(3, {3: {"region": "eu-west-1"}}, agent_secrets={"OPENAI_API_KEY": PLAIN}))
    empty.cloud.fault["CreateSecret"] = ["AccessDeniedException"] * 3
    played = site.play([PLAN], "-v")
    assert played.rc == 2
    reported = played.of("Fail with what was refused", "m1")["msg"].splitlines()
    assert [line.count("AccessDeniedException") for line in reported] == [1, 1, 1], reported
    assert ["eu-west-1" in line for line in reported] == [False, False, True]
    assert "items failed" not in str(reported)


@pytest.mark.repetition
def test_one_slot_for_two_machines_is_found_before_its_identity_is_made(site: Site, empty: Account) -> None:
    site.inventory(fleet(3, {3: {"slot": "aws-1"}}))
    played = site.play([PLAN])
    assert played.rc == 2
    found = played.of("Plan the deployment", "m1")
    assert [each["code"] for each in found["failures"]] == ["shared-slot"]
    assert "m1 and m3" in found["failure"]["what"]
    assert empty.cloud.changes() == []


def test_half_an_inventory_is_refused(site: Site, empty: Account) -> None:
    """What praxis.cloud.fleet leaves behind where Ansible goes on after a source that failed."""
    error = {"code": "cloud-denied", "what": "AWS answered no.", "where": "AWS ec2 in eu-west-1", "fix": "Grant it."}
    site.inventory(fleet(1, inventory_errors=[error]))
    played = site.play([PLAN])
    assert played.rc == 2
    assert played.of("Plan the deployment", "m1")["failures"] == [error]
    assert empty.cloud.operations == []


def test_kept_remote_files_are_no_pipelining(site: Site, empty: Account) -> None:
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    site.inventory({"m1": site.host("m1", "echo '{}'")})
    task = {"name": "prepared", "praxis.cloud.agent_release": {"run": "/nowhere", "state": "prepared"}}
    played = site.play([{**hosts, "tasks": [task]}], ANSIBLE_KEEP_REMOTE_FILES="1")
    assert played.rc == 2
    failure = played.of("prepared", "m1")["failure"]
    assert (failure["code"], failure["where"]) == ("no-pipelining", "m1")
    assert "ANSIBLE_KEEP_REMOTE_FILES" in failure["fix"]
    assert not site.was_sent("m1")


@pytest.mark.parametrize(("shell", "code"), [("tee -a {} | /bin/sh", "stdin-recorded"), ("/bin/sh", None)])
@pytest.mark.parametrize("by_hand", tiers.first([False, True]), ids=["in a run", "by hand"])
def test_a_machine_that_records_standard_input_is_sent_no_secret(
    site: Site, empty: Account, shell: str, code: str | None, by_hand: bool
) -> None:
    """Standard input is not memory where somebody reads it first: sudo's input log, a session recorder."""
    empty.seeds([1])
    hostvars = fleet(1, {1: {"agent_secrets": {"OPENAI_API_KEY": PLAIN}}})
    (site.folder / "shell").write_text('#!/bin/sh\n%s "$@"\n' % shell.format(site.folder / "recorded"))
    (site.folder / "shell").chmod(0o755)
    recorder = {"ansible_shell_executable": str(site.folder / "shell")}
    site.inventory({"m1": {**hostvars["m1"], **site.host("m1", "echo '{}'"), **recorder}})
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    task = release("prepared")
    if by_hand:
        options = {"state": "prepared", "release": {}, "secrets": {"OPENAI_API_KEY": PLAIN}}
        task = {"name": "prepared", "praxis.cloud.agent_release": options}
    played = site.play([PLAN, {**hosts, "tasks": [task]}])
    found = played.of("prepared", "m1")
    assert ((found.get("failure") or {}).get("code"), site.was_sent("m1")) == (code, code is None)
    if code is not None:
        assert found["failure"]["where"] == "m1" and "(pid " in found["failure"]["what"]
        assert found["status"] == ("failed" if by_hand else "ok")
        assert (site.folder / "recorded").exists()  # or nothing was recorded
        assert site.places_of(played, *forms(PLAIN.encode()), *forms(seed(1))) <= {"play.json", "hosts.json"}


@pytest.mark.parametrize("way", tiers.first(["environment", "ansible.cfg"]))
def test_a_debugging_ansible_is_sent_no_secret(site: Site, empty: Account, way: str) -> None:
    """Ansible's debug output holds the arguments of every module, whatever no_log says."""
    empty.seeds([1])
    hostvars = fleet(1, {1: {"agent_secrets": {"OPENAI_API_KEY": PLAIN}}})
    site.inventory({"m1": {**hostvars["m1"], **site.host("m1", "echo '{}'")}})
    if way == "ansible.cfg":
        (site.folder / "ansible.cfg").write_text("[defaults]\ndebug = true\n")
    on = {"ANSIBLE_DEBUG": "1"} if way == "environment" else {}
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    played = site.play([PLAN, {**hosts, "tasks": [release("prepared")]}], **on)
    assert "running the handler" in played.printed  # or nothing was debugged
    assert site.places_of(played, *forms(PLAIN.encode()), *forms(seed(1))) == set()
    failure = played.of("prepared", "m1")["failure"]
    assert (played.rc, failure["code"], failure["where"]) == (2, "ansible-debug", "m1")
    assert "ANSIBLE_DEBUG" in failure["fix"] and "ansible.cfg" in failure["fix"]
    assert not site.was_sent("m1")


def test_what_else_makes_ansible_print_more_prints_no_secret(site: Site, empty: Account) -> None:
    """All at once: arguments in headers, tracebacks, no_log off by default, and callbacks that keep what they see."""
    empty.seeds([1])
    hostvars = fleet(1, {1: {"agent_secrets": {"OPENAI_API_KEY": PLAIN}}})
    site.inventory({"m1": {**hostvars["m1"], **site.host("m1", f"echo '{MARKER}' >&2; exit 3")}})
    hosts = {"hosts": "praxis", "gather_facts": False, "vars": {"ansible_pipelining": True}}
    played = site.play(
        [PLAN, {**hosts, "tasks": [release("prepared")]}],
        "-vvvvv",
        ANSIBLE_CALLBACKS_ENABLED="praxis_results,community.general.log_plays,ansible.builtin.junit",
        ANSIBLE_DISPLAY_ARGS_TO_STDOUT="1",
        ANSIBLE_DISPLAY_TRACEBACK="always",
        ANSIBLE_LOG_FOLDER=str(site.folder / "log-plays"),
        ANSIBLE_NO_LOG="0",
        JUNIT_OUTPUT_DIR=str(site.folder / "junit"),
    )
    seen = site.places_of(played, MARKER.encode())
    assert {"output", "log", "results", "log-plays/m1"} <= seen and any(place.startswith("junit/") for place in seen)
    assert site.places_of(played, *forms(PLAIN.encode()), *forms(seed(1))) == {"sent-m1"}


@pytest.mark.parametrize("playbook", tiers.first(["deploy.yml", "plan.yml", "status.yml", "verify.yml"]))
def test_an_empty_fleet_is_refused(site: Site, empty: Account, playbook: str) -> None:
    site.inventory({})
    played = site.play(CHECKOUT / playbook)
    assert played.rc == 2
    found = played.of("Stop when the inventory could not be read whole, or holds no member", "localhost")
    assert (found["failure"]["code"], found["failure"]["where"]) == ("empty-fleet", "inventory")
    assert "provision.yml" in found["failure"]["fix"]
    assert empty.cloud.operations == []
