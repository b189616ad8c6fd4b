# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view in real runs, on a terminal and without one, and when scripts/play chooses it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.callback import live
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import progress
from tests import deprecations
from tests.unit.plan import test_actions
from tests.unit.plan.made import Account
from tests.unit.plan.test_actions import CHECKOUT
from tests.unit.plan.test_summary import COMMAND, Fleet
from tests.unit.terminal import Terminal

pytestmark = pytest.mark.slow
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
BOOK = [ANSIBLE, "-i", "hosts.json", "book.json"]
SLEEP = {"name": "Sleep", "ansible.builtin.command": "sleep 1.4", "changed_when": False}
BEWARE = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"of": {}})
module.warn("Beware of %s." % module.params["of"])
module.exit_json()
"""
SECRET = "planted-marker-5d1a90"


def screen_of(written: str) -> list[str]:
    """What a terminal shows in the end, with all that has scrolled away. Sequences not known here are errors."""
    rows, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|[^\x1b]", written):
        if token == "\r":
            column = 0
        elif token == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif token == "\x1b[K":
            rows[row] = rows[row][:column]
        elif token == "\x1b[J":
            rows[row:] = [rows[row][:column]]
        elif token.endswith("A") and token[0] == "\x1b":
            row -= int(token[2:-1])
            assert row >= 0
        elif token[0] != "\x1b":
            rows[row] = rows[row][:column].ljust(column) + token + rows[row][column + 1 :]
            column += 1
        else:
            assert token.endswith("m") or token in ("\x1b[?7l", "\x1b[?7h"), token
    return [line.rstrip() for line in rows]


class Site:
    """A folder with three local hosts and a playbook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        hosts = dict.fromkeys(("m1", "m2", "m3"), local)
        (folder / "hosts.json").write_text(json.dumps({"praxis": {"hosts": hosts}}))
        kept = ("ANSIBLE_NOCOLOR", "NO_COLOR", "COLUMNS", "LINES", "ANSIBLE_CONFIG")
        self.environment = {name: value for name, value in os.environ.items() if name not in kept} | {
            "ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.live", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_LOG_PATH": str(folder / "log"), "TERM": "xterm",
        }  # fmt: skip

    def book(self, *tasks: dict[str, Any], **play: Any) -> None:
        plays = [{"name": "Work", "hosts": "praxis", "gather_facts": False, "tasks": tasks, **play}]
        (self.folder / "book.json").write_text(json.dumps(plays))

    def run(self) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(BOOK, cwd=self.folder, env=self.environment, text=True, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False)
        deprecations.refuse_in(done.stdout + done.stderr)
        return done

    def terminal(self, **environment: str) -> Terminal:
        return Terminal(BOOK, self.folder, self.environment | environment, columns=80)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_play_for_nobody_brings_no_host_into_the_view() -> None:
    """Of such a play Ansible's variables hold all of the inventory, and a user's has hosts that are no members."""
    everybody = {"ansible_play_hosts_all": ["m1", "database"], "ansible_play_batch": ["m1", "database"]}
    callback = live.CallbackModule()
    callback._progress = progress.Progress(0.0)
    for hosts, seen in (([], []), (["m1", "database"], ["m1", "database"])):
        manager = SimpleNamespace(get_vars=lambda play: everybody)
        play = SimpleNamespace(hosts=hosts, serial=[], check_mode=False, get_name=lambda: "Roll back",
                               get_variable_manager=lambda manager=manager: manager)  # fmt: skip
        callback.v2_playbook_on_play_start(play)
        assert list(callback._progress.hosts) == callback._progress.batch == seen


@pytest.mark.parametrize("also", ["stdout alone", "stderr too"])
def test_a_run_goes_on_when_nobody_reads_it_any_more(site: Site, also: str) -> None:
    """As with `| head`, and `| less` that a person has left: in the middle of a deployment nothing would be worse."""
    end = {"name": "End", "ansible.builtin.copy": {"content": "", "dest": str(site.folder / "end")}, "run_once": True}
    warn = {"name": "Warn", "ansible.builtin.fail": {"msg": "No room."}, "when": "inventory_hostname == 'm2'"}
    site.book(SLEEP, warn, end)
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as nobody:
        done = subprocess.run(BOOK, cwd=site.folder, env=site.environment, stdin=subprocess.DEVNULL, stdout=nobody,
                              stderr=nobody if also == "stderr too" else subprocess.PIPE, text=True, timeout=120,
                              check=False)  # fmt: skip
    assert (site.folder / "end").exists()
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in (done.stderr or "")
    assert "No room." in (site.folder / "log").read_text()


def test_without_a_terminal_it_is_a_log(site: Site) -> None:
    fail = {"name": "Fail", "ansible.builtin.fail": {"msg": "No room."}, "when": "inventory_hostname == 'm2'"}
    hidden = {"name": "Hide", "ansible.builtin.fail": {"msg": SECRET}, "no_log": True,
              "when": "inventory_hostname == 'm3'"}
    site.book(SLEEP, fail, hidden, serial=[1, 2])
    done = site.run()
    assert done.returncode == 2
    first, second, *failed = [re.sub(r"^\d+s  ", "", line) for line in done.stdout.splitlines()]
    assert first == "Work, batch 1 of 2: running Sleep: m1"
    assert second == "Work, batch 2 of 2: running Sleep: m2, m3"
    assert failed == ["m2 failed: No room.", "m3 failed: The task gave no reason."]
    assert "error: Fail (m2): No room." in done.stderr
    log = (site.folder / "log").read_text()
    assert "batch 2 of 2: running Sleep" in log
    assert not any("\x1b" in text or SECRET in text for text in (done.stdout, done.stderr, log))


@pytest.mark.repetition
def test_a_dumb_terminal_is_none(site: Site) -> None:
    site.book(SLEEP)
    code, text = site.terminal(TERM="dumb", ANSIBLE_NOCOLOR="1").finish()
    assert code == 0 and "Work: running Sleep: m1, m2, m3" in text and "\x1b" not in text


def test_on_a_terminal_lines_are_redrawn_below_what_is_printed(site: Site) -> None:
    """Nothing of them is left over, and nothing that Ansible prints is lost or torn."""
    (site.folder / "library").mkdir()
    (site.folder / "library/beware.py").write_text(BEWARE)
    warn = {"name": "Warn", "beware": {"of": "{{ inventory_hostname }}"}}
    stop = {"name": "Stop", "ansible.builtin.fail": {"msg": "No more."}, "when": "inventory_hostname == 'm3'"}
    site.book(SLEEP, warn, SLEEP, stop, serial=[1, 2])
    terminal = site.terminal(ANSIBLE_NOCOLOR="1")
    code, text = terminal.finish()
    assert code == 2
    first = r"Work, batch 1 of 2: 1s; since the start: \d+s\x1b\[K\r\n"
    assert re.search(first + r"running       Sleep:  m1 1s\x1b\[K\r\nwaiting       m2  m3\x1b\[K\r\n", text)
    shown = screen_of(text)
    warnings = [line for line in shown if "Beware" in line]
    assert sorted(warnings) == [f"[WARNING]: Beware of {name}." for name in ("m1", "m2", "m3")]
    assert [line for line in shown if line.startswith("error: ")] == ["error: Stop (m3): No more."]
    assert not any("since the start" in line or line.startswith(("running", "waiting")) for line in shown), shown
    # The cursor is never hidden, and lines wrap again.
    assert "\x1b[?25" not in text
    assert text.rfind("\x1b[?7h") > text.rfind("\x1b[?7l") > 0
    assert "batch 1 of 2: running Sleep: m1" in (site.folder / "log").read_text()


def test_ctrl_c_leaves_a_terminal_in_order(site: Site) -> None:
    site.book({**SLEEP, "ansible.builtin.command": "sleep 60"})
    terminal = site.terminal()
    terminal.read_until(lambda text: "m3 1s" in text)
    os.killpg(terminal.process.pid, signal.SIGINT)
    code, text = terminal.finish()
    shown = screen_of(text)
    assert code == 99 and any("User interrupted execution" in line for line in shown)
    assert not any("since the start" in line for line in shown), shown
    assert text.rfind("\x1b[?7h") > text.rfind("\x1b[?7l") > 0 and "\x1b[?25" not in text


def test_the_collection_s_own_tasks_are_their_stages(site: Site) -> None:
    """As Ansible hands them over: an include decides about the state, the role about its tasks, and once is once."""
    asked = {"run": str(site.folder), "members": [], "state": "{{ balancer_state }}"}
    (site.folder / "tasks.json").write_text(json.dumps([{"name": "Any", "praxis.cloud.fleet_balancer": asked}]))
    include = {"ansible.builtin.include_tasks": "tasks.json", "vars": {"balancer_state": "absent"}, "run_once": True}
    site.book({"name": "Block", "block": [include], "rescue": [{"ansible.builtin.meta": "noop"}]})
    done = site.run()
    assert re.search(r"^\ds  Work: draining: m1, m2, m3$", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_a_summary_is_printed_once_and_last(tmp_path: Path, account: Account) -> None:
    two = Fleet(test_actions.Site(tmp_path, account))
    asked = two.environment | {"ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.live", "TERM": "xterm", "ANSIBLE_NOCOLOR": "1"}
    code, text = Terminal(COMMAND, two.site.folder, asked, columns=80).finish()
    shown = [line for line in screen_of(text) if line]
    assert code == 0 and sum("MEMBER" in line for line in shown) == 1
    assert shown[-1] == "fleet demo: good; 2 members, 1 of 1 edges live"
    assert not any("since the start" in line for line in shown)


@pytest.mark.parametrize(
    ("playbook", "words", "chosen"),
    [
        ("deploy.yml", "-e praxis_soak=5 --limit m1", True),
        ("rollback.yml", "", True),
        ("plan.yml", "", False),
        ("deploy.yml", "-vv", False),
        ("deploy.yml", "--check", False),
        ("deploy.yml", "-CD", False),
        ("deploy.yml", "-e a=b --diff", False),
    ],
)
def test_scripts_play_chooses_it_for_who_watches_a_deployment(
    tmp_path: Path, playbook: str, words: str, chosen: bool
) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("leg.sh", "play"):
        (tmp_path / "scripts" / name).write_text((CHECKOUT / "scripts" / name).read_text())
    (tmp_path / ".venv/bin").mkdir(parents=True)
    ansible = tmp_path / ".venv/bin/ansible-playbook"
    ansible.write_text('#!/bin/sh\necho "callback ${ANSIBLE_STDOUT_CALLBACK:-none}."\n')
    ansible.chmod(0o755)
    (tmp_path / playbook).touch()
    command = ["bash", "scripts/play", playbook, "aws", *words.split()]
    kept = ("ANSIBLE_STDOUT_CALLBACK", "HOSTS", "PRAXIS_LEG")
    environment = {name: value for name, value in os.environ.items() if name not in kept}

    def watched(**more: str) -> str:
        return Terminal(command, tmp_path, environment | more).finish()[1].strip()

    assert watched() == ("callback praxis.cloud.live." if chosen else "callback none.")
    assert watched(ANSIBLE_STDOUT_CALLBACK="minimal") == "callback minimal."
    piped = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert piped.stdout == "callback none.\n"
