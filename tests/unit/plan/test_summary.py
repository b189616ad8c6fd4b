# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""status.yml as an operator and a program see it, over hosts whose Python only pretends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import tiers
from tests.unit.plan.made import Account, fleet, planner
from tests.unit.plan.test_actions import CHECKOUT, Site
from tests.unit.terminal import Terminal

pytestmark = pytest.mark.slow
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
SUMMARY = {"ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.summary", "ANSIBLE_VERBOSE_TO_STDERR": "1"}
AS_JSON = SUMMARY | {"PRAXIS_SUMMARY_FORMAT": "json"}
COMMAND = [ANSIBLE, "-i", "hosts.json", str(CHECKOUT / "status.yml")]


class Fleet:
    """Two members that are connected, on a site of pretended hosts."""

    def __init__(self, site: Site) -> None:
        self.site = site
        hostvars = fleet(2)
        plan = planner(hostvars).plan()
        observations = {name: self._observe(plan, name, other) for name, other in (("m1", "m2"), ("m2", "m1"))}
        self.releases = {name: member.release for name, member in plan.members.items()}
        # The hosts' clocks are right: the shell says what time it is when it is asked.
        texts = {name: json.dumps({"observation": one}) for name, one in observations.items()}
        answers = {name: text.replace('"CLOCK"', "'$(date +%s)'") for name, text in texts.items()}
        hosts = {name: site.host(name, f"echo '{answers[name]}'") for name in hostvars}
        self.hostvars = {name: {**found, **hosts[name]} for name, found in hostvars.items()}
        site.inventory(self.hostvars)

    def _observe(self, plan: Any, name: str, other: str) -> dict[str, Any]:
        here, there = plan.members[name], plan.members[other]
        ends = ("172.18.0.2:4001", f"{there.address}:40001")
        if name == "m2":
            ends = ("172.18.0.2:40001", f"{there.address}:4001")
        return {
            "host": {"clock": "CLOCK"},
            "release": {"running": here.release, "current": here.release, "kept": [here.release]},
            "container": {"state": "running", "started_at": "2026-01-01T00:00:00Z", "restarts": 0, "image": "an-image"},
            "api": {"health": 200, "peer_id": here.peer_id, "error": None},
            "edges": [{"local": ends[0], "remote": ends[1], "retransmits": 0, "tx_queue": 0}],
            "dials": {f"{there.address}:4001": "ok"},
        }

    def lose(self, name: str) -> None:
        """From now on nobody listens where this host's SSH should be."""
        self.hostvars[name] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": int(name[1:])}
        self.site.inventory(self.hostvars)

    def run(
        self, environment: dict[str, str], *arguments: str, playbook: str = "status.yml"
    ) -> subprocess.CompletedProcess[str]:
        command = [ANSIBLE, "-i", "hosts.json", str(CHECKOUT / playbook)]
        return subprocess.run([*command, *arguments], cwd=self.site.folder, env=self.environment | environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    @property
    def environment(self) -> dict[str, str]:
        kept = ("ANSIBLE_NOCOLOR", "ANSIBLE_CALLBACKS_ENABLED")
        return {name: value for name, value in self.site._environment.items() if name not in kept}


@pytest.fixture
def two(tmp_path: Path, account: Account) -> Fleet:
    return Fleet(Site(tmp_path, account))


def test_nothing_but_json_on_standard_output_even_when_asked_to_be_loud(two: Fleet) -> None:
    done = two.run(AS_JSON, "-vvv")
    found = json.loads(done.stdout)
    assert (done.returncode, found["fleet"], found["verdict"], found["findings"]) == (0, "demo", "good", [])
    assert found["members"][0] == {
        "name": "m1", "slot": "aws-1", "zone": "eu-central-1a", "release": two.releases["m1"], "image": "an-image",
        "health": "healthy", "edges": {"live": 1, "expected": 1}, "since": "2026-01-01T00:00:00Z", "restarts": 0,
        "findings": [],
    }  # fmt: skip
    assert "TASK" not in done.stderr and "agent_info" in done.stderr
    # One module a host, and it only observes.
    sent = (two.site.folder / "sent-m1").read_bytes()
    assert sent.count(b"_ansible_check_mode") == 1 and b"agent_info" in sent
    assert two.site.was_sent("m2")


def test_an_unreachable_host_is_a_row_and_a_bad_verdict(two: Fleet) -> None:
    two.lose("m2")
    done = two.run(AS_JSON)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (2, "bad")
    assert [row["health"] for row in found["members"]] == ["healthy", "unreachable"]
    assert [item["where"] for item in found["findings"]] == ["m2"]
    assert found["members"][1]["findings"] == found["findings"]


@pytest.mark.repetition
def test_what_stops_the_run_is_json_too(two: Fleet) -> None:
    done = two.run(AS_JSON, "-e", '{"praxis_agent_config": {"llm": {"timeot": 7}, "p2p": {"enabled": false}}}')
    found = json.loads(done.stdout)
    assert done.returncode == 2 and list(found) == ["failure", "failures"]
    assert found["failure"]["code"] == "unknown-setting" and found["failure"]["fix"] == "Did you mean llm.timeout?"
    assert {"unknown-setting", "p2p-disabled"} <= {item["code"] for item in found["failures"]}
    assert not two.site.was_sent("m1")


def test_a_task_that_is_not_ours_gives_its_message(two: Fleet) -> None:
    book = two.site.folder / "other.json"
    task = {"name": "Stop", "ansible.builtin.fail": {"msg": "No more."}}
    ignored = {"name": "Try", "ansible.builtin.fail": {"msg": "Never mind."}, "ignore_errors": True}
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [ignored, task]}]))
    done = subprocess.run([ANSIBLE, "-i", "hosts.json", str(book)], cwd=two.site.folder, text=True, capture_output=True,
                          env=two.environment | AS_JSON, stdin=subprocess.DEVNULL, timeout=60, check=False)
    (failure,) = json.loads(done.stdout)["failures"]
    assert (failure["code"], failure["what"], failure["where"]) == ("task-failed", "No more.", "Stop (localhost)")


def test_a_summary_without_members_says_why_it_stopped(two: Fleet) -> None:
    findings = [{"code": "a-code", "what": "What.", "where": "here", "fix": "Fix.", "level": "error"}]
    findings.append({**findings[0], "code": "a-warning", "level": "warning"})
    stats = {"data": {"praxis_summary": {"ok": False, "findings": findings, "text": "..."}}, "aggregate": False}
    tasks = [{"ansible.builtin.set_stats": stats}, {"ansible.builtin.fail": {"msg": "What it says."}}]
    book = two.site.folder / "refused.json"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = subprocess.run([ANSIBLE, "-i", "hosts.json", str(book)], cwd=two.site.folder, text=True, capture_output=True,
                          env=two.environment | AS_JSON, stdin=subprocess.DEVNULL, timeout=60, check=False)
    failure = {"code": "a-code", "what": "What.", "where": "here", "fix": "Fix."}
    assert json.loads(done.stdout) == {"failure": failure, "failures": [failure]}


@pytest.mark.repetition
def test_the_table_alone(two: Fleet) -> None:
    done = two.run(SUMMARY)
    assert done.returncode == 0
    heading, first, second, empty, verdict = done.stdout.splitlines()
    assert heading.split() == ["MEMBER", "SLOT", "ZONE", "RELEASE", "HEALTH", "EDGES", "SINCE"]
    *row, age = first.split()
    assert row == ["m1", "aws-1", "eu-central-1a", two.releases["m1"][:8], "healthy", "1/1"]
    assert re.fullmatch(r"[0-9]+d([0-9]+h)?", age)
    assert second.startswith("m2 ") and empty == ""
    assert verdict == "fleet demo: good; 2 members, 1 of 1 edges live"


@pytest.mark.repetition
def test_without_the_callback_the_table_is_there_as_well(two: Fleet) -> None:
    done = two.run({})
    assert "PLAY [Observe]" in done.stdout and "fleet demo: good; 2 members" in done.stdout
    assert done.stdout.count("MEMBER") == 1


def test_why_a_run_was_stopped_is_reported_on_standard_error(two: Fleet) -> None:
    done = two.run(SUMMARY, "-e", '{"praxis_agent_config": {"llm": {"timeot": 7}}}')
    assert (done.returncode, done.stdout) == (2, "")
    assert "llm.timeot is not a setting of the agent." in done.stderr and "Did you mean llm.timeout?" in done.stderr


@pytest.mark.repetition
def test_colours_and_width_are_the_terminal_s(two: Fleet) -> None:
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"ANSIBLE_NOCOLOR": "1"}, False)):
        asked = two.environment | SUMMARY | {"TERM": "xterm"} | environment
        code, text = Terminal(COMMAND, two.site.folder, asked, columns=48).finish()
        assert code == 0 and "healthy" in text
        assert ("\x1b[0;32mhealthy\x1b[0m" in text) == coloured, environment
        assert ("\x1b" in text) == coloured, environment
        assert "HEALTH" in text and "ZONE" not in text
    log = (two.site.folder / "log").read_text()
    assert "healthy" in log and "\x1b" not in log and "ZONE" in log


@pytest.mark.repetition
def test_without_the_callback_the_width_is_the_terminal_s_too(two: Fleet) -> None:
    """A terminal of 80 columns is what Ansible takes none for as well."""
    for found in two.hostvars.values():
        found["praxis_zone"] = "a-zone-with-a-name-that-is-too-long-for-such-a-terminal"
    two.site.inventory(two.hostvars)
    code, text = Terminal(COMMAND, two.site.folder, two.environment | {"TERM": "xterm"}, columns=80).finish()
    assert code == 0 and "HEALTH" in text and "ZONE" not in text


@pytest.mark.repetition
def test_a_callback_that_prints_json_is_left_alone_on_standard_output(two: Fleet) -> None:
    done = two.run({"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"})
    assert json.loads(done.stdout)["stats"]["m1"]["failures"] == 0
    assert "fleet demo: good; 2 members" in done.stderr


@pytest.mark.parametrize(
    "playbook", tiers.first(["plan.yml", "rollback.yml", "status.yml", "verify.yml", "history.yml"])
)
def test_an_error_on_the_screen_is_one_in_the_return_code(two: Fleet, playbook: str) -> None:
    two.lose("m2")
    done = two.run({}, playbook=playbook)
    assert done.returncode == 2, done.stdout[-3000:]
    assert "m2" in done.stdout


def test_a_plan_with_a_member_that_cannot_be_reached_is_bad_and_says_so(two: Fleet) -> None:
    two.lose("m2")
    shown = two.run({"ANSIBLE_SHOW_CUSTOM_STATS": "1"}, playbook="plan.yml")
    assert "error: m2: The machine cannot be reached" in shown.stdout and "Plan " in shown.stdout
    assert '"ok": false' in shown.stdout.lower()
    alone = two.run(AS_JSON, playbook="plan.yml")
    assert [item["code"] for item in json.loads(alone.stdout)["failures"]] == ["host-unreachable"]
    # A member that a deployment would go on without is named, and is no error of the plan.
    left_out = two.run({}, "-e", "praxis_max_unreachable=1", playbook="plan.yml")
    assert (left_out.returncode, "error:" in left_out.stdout) == (0, False), left_out.stdout[-3000:]
    assert "warning: m2: The machine cannot be reached" in left_out.stdout


def test_a_plan_alone_is_its_summary(two: Fleet) -> None:
    done = two.run(AS_JSON, playbook="plan.yml")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)


def test_another_deployment_is_a_warning_of_the_plan(two: Fleet) -> None:
    """It will have ended by the time this plan is carried out, or the deployment refuses."""
    held = {"run": "other", "owner": "ann@desk", "reason": "deploy", "process": {}, "lock_host": "m1", "fence": 1,
            "at": 0, "ended": False, "expires": 99999999999}  # fmt: skip
    path = two.site.folder / "python-m1"
    path.write_text(path.read_text().replace('"edges"', f'"deployment": {json.dumps(held)}, "edges"'))
    done = two.run({}, playbook="plan.yml")
    assert (done.returncode, "error:" in done.stdout) == (0, False), done.stdout[-3000:]
    assert "warning: " in done.stdout and "ann@desk" in done.stdout


def test_a_history_is_what_a_program_gets_of_it(two: Fleet) -> None:
    entry = {"run": "a-run", "at": 0, "owner": "ann@desk", "reason": "deploy", "release": "5f00d1", "fence": 1}
    for name in ("m1", "m2"):
        two.hostvars[name] |= two.site.host(name, f"echo '{json.dumps({'history': [entry]})}'")
    two.site.inventory(two.hostvars)
    done = two.run(AS_JSON, playbook="history.yml")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"], found["silent"]) == (0, True, []), done.stderr[-3000:]
    assert [one["owner"] for one in found["deployments"]] == ["ann@desk"]
    two.lose("m2")
    found = json.loads(two.run(AS_JSON, playbook="history.yml").stdout)
    assert ([one["owner"] for one in found["deployments"]], found["silent"]) == (["ann@desk"], ["m2"])
    assert found["failure"]["where"] == "m2"


def test_what_could_be_restored_is_listed_with_the_refusal(two: Fleet) -> None:
    done = two.run(AS_JSON, playbook="restore.yml")
    found = json.loads(done.stdout)
    assert (done.returncode, found["failure"]["code"]) == (2, "backup-unnamed"), done.stderr[-3000:]
    assert (found["playbook"], found["backups"]) == ("restore", [])
    assert "There are no backups." in done.stderr
