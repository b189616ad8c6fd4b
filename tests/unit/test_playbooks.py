# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the playbooks as they are written: rules that a run shows late, or only when something goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.plugin_utils import hooks

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
ROLES = PLAYBOOKS.parent / "roles"
Part = dict[str, Any]
RELEASE, INFO = "praxis.cloud.agent_release", "praxis.cloud.agent_info"
VERDICT = "hostvars['localhost']['ansible_facts']['praxis_verdict']['ok']"
IMPORT = "ansible.builtin.import_playbook"
KEEPERS = "hostvars['localhost']['ansible_facts']['praxis_lock_keepers']"


def tasks_of(part: Part) -> Iterator[Part]:
    """Every task of a play or a block, those of blocks within it included."""
    for task in (task for section in ("tasks", "block", "rescue", "always") for task in part.get(section, [])):
        yield task
        yield from tasks_of(task)


def plays_of(path: Path) -> list[Part]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [play for part in found for play in (plays_of(path.parent / part[IMPORT]) if IMPORT in part else [part])]


def plays(name: str = "*") -> list[tuple[str, Part]]:
    """The plays of the playbooks, those that they import included, each with a name to show."""
    return [
        (f"{path.stem}: {play['name']}", play)
        for path in sorted(PLAYBOOKS.glob(f"{name}.yml"))
        for play in plays_of(path)
    ]


def on_machines() -> list[tuple[str, Part]]:
    return [(name, play) for name, play in plays() if any({RELEASE, INFO} & set(task) for task in tasks_of(play))]


each_play_on_machines = pytest.mark.parametrize("play", [pytest.param(play, id=name) for name, play in on_machines()])


@each_play_on_machines
def test_a_play_on_machines_says_all_that_it_needs_itself(play: Part) -> None:
    """Whatever a user's ansible.cfg says: secrets go through standard input only, and nobody who is not reached drops
    out of the plays that put things back."""
    assert play["vars"]["ansible_pipelining"] is True
    assert play["ignore_unreachable"] is True
    assert (play["become"], play["gather_facts"]) == (True, False)


@pytest.mark.parametrize("play", [pytest.param(play, id=name) for name, play in plays()])
def test_a_play_says_itself_what_ansible_cfg_would_say_otherwise(play: Part) -> None:
    """The strategy, a timeout that ends a step in its middle, one failure that ends all, a debugger that waits for a
    person, and whom to become: as nobody on a machine, or as root on the controller, nothing works."""
    assert play["strategy"] in ("ansible.builtin.linear", "ansible.builtin.free")
    assert (play["any_errors_fatal"], play["debugger"], play["timeout"]) == (False, "never", 0)
    assert (play["gather_facts"], play["become_user"]) == (False, "root")
    assert play["become"] is (play in [each for _name, each in on_machines()])


def test_only_accounts_are_worked_on_without_waiting_for_each_other() -> None:
    free = {play["hosts"] for _name, play in plays() if play["strategy"] == "ansible.builtin.free"}
    assert free == {"praxis_accounts"}


#: What is a variable, and no fact, whatever ANSIBLE_INJECT_FACT_VARS says.
NO_FACTS = (
    "ansible_check_mode", "ansible_connection", "ansible_facts", "ansible_failed_result", "ansible_failed_task",
    "ansible_limit", "ansible_loop", "ansible_pipelining", "ansible_play_batch", "ansible_play_hosts_all",
    "ansible_playbook_python", "ansible_private_key_file", "ansible_python_interpreter", "ansible_remote_tmp",
    "ansible_run_tags", "ansible_skip_tags", "ansible_user",
)  # fmt: skip


def test_facts_are_read_from_ansible_facts() -> None:
    """Playbooks and roles: as variables of their own they are there only where ansible.cfg lets them be."""
    files = [*PLAYBOOKS.rglob("*.yml"), *ROLES.rglob("*.yml")]
    used = {name for path in files for name in re.findall(r"\bansible_\w+", path.read_text(encoding="utf-8"))}
    assert used - set(NO_FACTS) == set()


def test_the_docker_role_asks_the_machine_and_no_fact_cache_what_it_runs() -> None:
    (gather,) = [task for task in tasks_of({"tasks": yaml.safe_load((ROLES / "docker/tasks/main.yml").read_text())})
                 if "ansible.builtin.setup" in task]  # fmt: skip
    assert "when" not in gather


def test_there_are_such_plays() -> None:
    assert len(on_machines()) >= 7


@pytest.mark.parametrize("name", ["plan", "status", "verify"])
def test_a_playbook_that_only_looks_makes_releases_in_check_mode_only(name: str) -> None:
    for shown, play in plays(name):
        if any(RELEASE in task for task in tasks_of(play)):
            assert play["check_mode"] is True, shown
        for task in tasks_of(play):
            if "balancer" in str(task.get("ansible.builtin.include_tasks")):
                assert task["ansible.builtin.include_tasks"]["apply"] == {"check_mode": True}, shown


@pytest.mark.parametrize("name", sorted(path.stem for path in PLAYBOOKS.glob("*.yml")))
def test_every_group_that_is_made_is_played_on_and_the_other_way_round(name: str) -> None:
    text = json.dumps([play for _name, play in plays(name)])
    made = set(re.findall(r'"groups": "(praxis_\w+)', text))
    made |= {"praxis_accounts"} if "tasks/accounts.yml" in text else set()
    assert {play["hosts"] for _name, play in plays(name) if play["hosts"].startswith("praxis_")} == made


def activation() -> Part:
    (play,) = [play for _name, play in plays("deploy")
               if any(task.get(RELEASE, {}).get("state") == "active" for task in tasks_of(play))]
    return play


def steps_of(play: Part, own: bool = False) -> list[tuple[str, Part]]:
    """The steps that count, without those of the user's own unless they are asked for."""
    steps = [(step, task) for task in play["tasks"] for step in [kind_of(task)] if step]
    return [(step, task) for step, task in steps if own or not step.startswith("hook")]


def test_a_batch_is_drained_activated_observed_judged_and_rejoins_in_this_order() -> None:
    steps = steps_of(activation())
    assert [step for step, _task in steps] == [
        "lock", "observe", "verdict", "end", "absent", "present", "end", "active", "verdict", "observe", "verdict",
        "present", "end"]  # fmt: skip
    tasks = [task for _step, task in steps]
    _lock, observe, earlier, fenced, drain, again, undrained, _activate, gates, _observe, verdict, rejoin, bad = tasks
    # A fleet whose lock is lost is not asked, and nobody is judged where there is nobody.
    assert VERDICT in observe["when"] and VERDICT in earlier["when"]
    assert "judge_members | length > 0" in earlier["when"]
    assert VERDICT not in str(drain["when"])
    # What could not be drained is in service again, and nothing of it is touched.
    assert f"not {VERDICT}" in again["when"]
    assert fenced["when"] == undrained["when"] == bad["when"] == f"not {VERDICT}"
    # Of agents that have just started nothing is known of their edges yet.
    assert (gates["vars"]["judge_mesh"], "vars" in verdict) == (False, False)
    assert VERDICT in rejoin["when"]


def test_a_rollback_drains_and_rejoins_as_well_and_ends_where_it_may_not_drain() -> None:
    (play,) = [play for _name, play in plays("deploy") if play["hosts"] == "praxis_roll_back"]
    steps = steps_of(play)
    assert [step for step, _task in steps] == ["lock", "end", "absent", "end", "restored", "present"]
    assert steps[1][1]["when"] == f"{KEEPERS} | length == 0"
    assert steps[3][1]["when"] == "balancer_result is failed"
    assert "['roll_back']['serial']" in str(play["serial"])


def kind_of(task: Part) -> str:
    """What a step does: its state, or a word."""
    if task.get("ansible.builtin.meta") == "end_play":
        return "end"
    included = {"../tasks/judge_batch.yml": "verdict", "../tasks/lock.yml": "lock"}
    if task.get("ansible.builtin.include_tasks") in included:
        return included[task["ansible.builtin.include_tasks"]]
    if INFO in task:
        return "observe"
    if task.get("ansible.builtin.include_tasks") == "../tasks/hook.yml" and "{" not in task["vars"]["hook_point"]:
        return "hook %s" % task["vars"]["hook_point"]
    return str(task.get("vars", {}).get("balancer_state") or task.get(RELEASE, {}).get("state") or "")


def test_the_lock_is_taken_before_anybody_is_named_to_be_activated_and_given_back_before_the_verdict() -> None:
    deploy = plays("deploy")
    played = {play["name"]: [kind_of(task) or task["name"] for task in tasks_of(play)] for _name, play in deploy}
    assert played["Order"][-3:] == ["hook plan", "lock", "Name the hosts to activate"]
    assert played["Verdict"][-3:-1] == ["Give the lock back", "Run the hook of the deployment's end"]


def test_hooks_run_where_the_documentation_says() -> None:
    """At every point, and where a hook that fails can still stop what comes next."""
    steps = [step for step, _task in steps_of(activation(), own=True)]
    assert steps[steps.index("hook before_batch") :][:3] == ["hook before_batch", "end", "absent"]
    assert steps[-3:] == ["present", "hook after_batch", "end"]
    used = {task["vars"]["hook_point"] for _name, play in plays("deploy") for task in play.get("tasks") or []
            if "hook_point" in task.get("vars", {})}  # fmt: skip
    last = {point for point in hooks.POINTS if any(f"'{point}'" in name for name in used)}
    assert (used & set(hooks.POINTS)) | last == set(hooks.POINTS)


def test_a_fact_that_is_set_on_localhost_is_among_its_ansible_facts() -> None:
    """Where every play looks: with ``set_fact`` it is only there when it is cacheable."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(PLAYBOOKS.glob("tasks/*.yml"))]
    facts = [task["ansible.builtin.set_fact"] for file in files for task in tasks_of({"tasks": file})
             if task.get("delegate_facts") and "ansible.builtin.set_fact" in task]  # fmt: skip
    assert len(facts) >= 2
    assert all(fact["cacheable"] is True for fact in facts)


def test_batches_are_as_the_order_says() -> None:
    order = "hostvars['localhost']['ansible_facts']['praxis_order']['serial']"
    assert activation()["serial"] == f"{{{{ {order} if hostvars is defined else 1 }}}}"


def test_the_fleet_is_judged_before_its_release_is_called_good_or_rolled_back() -> None:
    hosts = [play["hosts"] for _name, play in plays("deploy")]
    order = ["praxis_activate", "praxis_observe", "praxis_roll_back", "praxis_confirm", "praxis_observe_again"]
    assert [host for host in hosts if host in order] == order
    (judge,) = [index for index, (_name, play) in enumerate(plays("deploy")) if play["name"] == "Judge"]
    assert hosts.index("praxis_observe") < judge < hosts.index("praxis_roll_back")
    assert hosts[-1] == "praxis"
