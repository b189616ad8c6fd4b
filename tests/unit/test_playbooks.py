# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the playbooks as they are written: rules that a run shows late, or only when something goes wrong."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.praxis.cloud.plugins.plugin_utils import hooks

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
ROLES = PLAYBOOKS.parent / "roles"
Part = dict[str, Any]
RELEASE, INFO, BACKUP = "praxis.cloud.agent_release", "praxis.cloud.agent_info", "praxis.cloud.agent_backup"
LOCK = "praxis.cloud.fleet_lock"
VERDICT = "praxis_verdict.ok"
ACTING = "not ansible_check_mode"
COLLECTION = Path(__file__).resolve().parents[2]
IMPORT = "ansible.builtin.import_playbook"
ROLE = "ansible.builtin.import_role"
IMPORT_TASKS = "ansible.builtin.import_tasks"
#: What an entry point of the role agent makes of a release.
STATES = {"prepare": "prepared", "activate": "active", "confirm": "confirmed", "restore": "restored"}
KEEPERS = "praxis_lock_keepers"
IN_GOOGLE = {"praxis_cloud": "aws", "praxis_identity_store": "gcp-sm"}
#: The accounts of a fleet over two clouds.
BOTH = [{"praxis_cloud": "aws"}, {"praxis_cloud": "gcp", "praxis_project": "one"}]


@functools.cache
def read(path: Path) -> Any:
    """A YAML file, parsed once for all tests: nobody changes what this returns."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def tasks_of(part: Part) -> Iterator[Part]:
    """Every task of a play or a block, those of blocks and of roles of ours within it included."""
    for task in (task for section in ("tasks", "block", "rescue", "always") for task in part.get(section, [])):
        yield task
        yield from tasks_of(task)
        yield from tasks_of({"tasks": step_of_role(task)})


def imported(task: Part) -> list[Part]:
    """The tasks of a file of the playbooks', where a task imports it: not what depends on what is known by then."""
    place = str(task.get(IMPORT_TASKS, ""))
    return list(read(PLAYBOOKS / "tasks" / Path(place).name)) if "tasks/" in place and "{" not in place else []


def step_of_role(task: Part) -> list[Part]:
    """The tasks of an entry point of one of our roles, where a task brings them in."""
    role = task.get(ROLE) or task.get("ansible.builtin.include_role") or {}
    name = role.get("name", "").removeprefix("praxis.cloud.")
    if name not in ("agent", "load_balancer"):
        return []
    path = ROLES / name / "tasks" / f"{role.get('tasks_from', 'main')}.yml"
    return list(read(path))


def plays_of(path: Path) -> list[Part]:
    found = read(path)
    return [play for part in found for play in (plays_of(path.parent / part[IMPORT]) if IMPORT in part else [part])]


def plays(name: str = "*") -> list[tuple[str, Part]]:
    """The plays of the playbooks, those that they import included, each with a name to show."""
    return [
        (f"{path.stem}: {play['name']}", play)
        for path in sorted(PLAYBOOKS.glob(f"{name}.yml"))
        for play in plays_of(path)
    ]


def on_machines() -> list[tuple[str, Part]]:
    return [(name, play) for name, play in plays() if any(asks_a_machine(task) for task in with_imported(play))]


def with_imported(play: Part) -> Iterator[Part]:
    """The tasks of a play, and those of the files that it imports."""
    for task in tasks_of(play):
        yield from (task, *tasks_of({"tasks": imported(task)}))


def asks_a_machine(task: Part) -> bool:
    return bool({RELEASE, INFO, BACKUP} & set(task)) or (task.get(LOCK) or {}).get("state") == "observed"


each_play_on_machines = pytest.mark.parametrize("play", [pytest.param(play, id=name) for name, play in on_machines()])


@each_play_on_machines
def test_a_play_on_machines_says_all_that_it_needs_itself(play: Part) -> None:
    """Whatever a user's ansible.cfg says: secrets go through standard input only, and nobody who is not reached drops
    out of the plays that roll back."""
    # An inventory may use either name, and Ansible takes the second where both are set.
    assert (play["vars"]["ansible_pipelining"], play["vars"]["ansible_ssh_pipelining"]) == (True, True)
    assert play["ignore_unreachable"] is True
    assert (play["become"], play["gather_facts"]) == (True, False)


@pytest.mark.parametrize("folder", [PLAYBOOKS, ROLES])
def test_pipelining_is_said_by_both_of_its_names(folder: Path) -> None:
    """Roles too: an inventory may use either, and Ansible takes the second where both are set."""
    for path in folder.rglob("*.yml"):
        text = path.read_text(encoding="utf-8")
        names = [len(re.findall(rf"^ +ansible_{name}pipelining: true$", text, re.M)) for name in ("", "ssh_")]
        assert names[0] == names[1], path


def test_a_play_says_itself_what_ansible_cfg_would_say_otherwise() -> None:
    """The strategy, a timeout that ends a step in its middle, one failure that ends all, a debugger that waits for a
    person, and whom to become: as nobody on a machine, or as root on the controller, nothing works."""
    machines = [each for _name, each in on_machines()]
    for name, play in plays():
        assert play["strategy"] in ("ansible.builtin.linear", "ansible.builtin.free"), name
        assert (play["any_errors_fatal"], play["debugger"], play["timeout"]) == (False, "never", 0), name
        assert (play["gather_facts"], play["become_user"]) == (False, "root"), name
        assert play["become"] is (play in machines), name


def test_a_summary_is_the_last_playbook_s_alone() -> None:
    """A user's playbook may import several. Added to the summary of the one before, what down.yml leaves would have the
    members of the fleet that it has removed."""
    found, stats = [], "ansible.builtin.set_stats"
    for path in PLAYBOOKS.rglob("*.yml"):
        for part in (part for part in read(path) or [] if isinstance(part, dict)):
            tasks = tasks_of(part) if "hosts" in part else tasks_of({"tasks": [part]})
            found += [(path.name, task[stats]) for task in tasks if stats in task]
    assert [name for name, given in found if given.get("aggregate", True) is not False] == []
    assert {"verdict.yml", "refuse.yml", "provision.yml", "down.yml"} <= {name for name, _given in found}


def test_only_accounts_are_worked_on_without_waiting_for_each_other() -> None:
    free = {play["hosts"] for _name, play in plays() if play["strategy"] == "ansible.builtin.free"}
    assert free == {"praxis_accounts", "{{ 'praxis_accounts' if hostvars is defined and _changed else [] }}"}


#: What is a variable, and no fact, whatever ANSIBLE_INJECT_FACT_VARS says.
NO_FACTS = (
    "ansible_become", "ansible_become_user", "ansible_check_mode", "ansible_connection", "ansible_facts",
    "ansible_failed_result", "ansible_failed_task", "ansible_host", "ansible_limit", "ansible_loop",
    "ansible_pipelining", "ansible_play_batch", "ansible_play_hosts_all", "ansible_play_role_names",
    "ansible_playbook_python", "ansible_private_key_file", "ansible_python_interpreter", "ansible_remote_tmp",
    "ansible_run_tags", "ansible_skip_tags", "ansible_ssh_pipelining", "ansible_user",
)  # fmt: skip


def test_facts_are_read_from_ansible_facts() -> None:
    """Playbooks and roles: as variables of their own they are there only where ansible.cfg lets them be."""
    files = [*PLAYBOOKS.rglob("*.yml"), *ROLES.rglob("*.yml")]
    used = {name for path in files for name in re.findall(r"\bansible_\w+", path.read_text(encoding="utf-8"))}
    assert used - set(NO_FACTS) == set()


def test_the_engine_is_installed_by_root_whatever_user_an_inventory_names() -> None:
    (play,) = [play for _name, play in plays("deploy") if play["name"] == "Install Docker where it is missing"]
    (role,) = [task for task in tasks_of(play)
               if (task.get("ansible.builtin.import_role") or {}).get("name") == "praxis.cloud.docker"]  # fmt: skip
    assert role["vars"]["ansible_become_user"] == "root"


def test_the_docker_role_asks_the_machine_and_no_fact_cache_what_it_runs() -> None:
    (gather,) = [task for task in tasks_of({"tasks": read(ROLES / "docker/tasks/main.yml")})
                 if "ansible.builtin.setup" in task]  # fmt: skip
    assert "when" not in gather


def test_there_are_such_plays() -> None:
    assert len(on_machines()) >= 7


@pytest.mark.parametrize("name", ["plan", "status", "verify"])
def test_a_playbook_that_only_observes_makes_releases_in_check_mode_only(name: str) -> None:
    for shown, play in plays(name):
        if any(RELEASE in task for task in tasks_of(play)):
            assert play["check_mode"] is True, shown
        for task in tasks_of(play):
            if "load_balancer" in str(task.get("ansible.builtin.include_role")):
                assert task["ansible.builtin.include_role"]["tasks_from"] == "observe", shown


@pytest.mark.parametrize("name", sorted(path.stem for path in PLAYBOOKS.glob("*.yml")))
def test_every_group_that_is_made_is_played_on_and_the_other_way_round(name: str) -> None:
    text = json.dumps([play for _name, play in plays(name)])
    made = set(re.findall(r'"groups": "(praxis_\w+)', text))
    made |= {"praxis_accounts"} if re.search(r"tasks/account(s|_hosts)\.yml", text) else set()
    assert {play["hosts"] for _name, play in plays(name) if play["hosts"].startswith("praxis_")} == made


def test_an_entry_point_does_what_its_name_says() -> None:
    """What the other tests here take for granted of the roles' steps."""
    states = {path.stem: (read(path)[0].get(RELEASE) or {}).get("state")
              for path in ROLES.glob("agent/tasks/*.yml")}  # fmt: skip
    assert {**STATES, "remove": "absent"}.items() <= states.items()
    for entry, state in (("drain", "absent"), ("join", "present"), ("observe", "present")):
        text = (ROLES / f"load_balancer/tasks/{entry}.yml").read_text(encoding="utf-8")
        assert f"load_balancer_state: {state}\n" in text
        assert ("check_mode: true" in text) is (entry == "observe")


def test_the_steps_of_a_play_are_of_the_run_that_was_planned() -> None:
    """And not of one that a host may have by itself, which is the role's default."""
    for where, play in plays():
        text = json.dumps(list(tasks_of(play)))
        for name in ("agent_run", "load_balancer_run"):
            assert name not in text or play["vars"][name] == "{{ praxis_plan.run }}", (where, name)


def test_every_playbook_reads_the_run_from_the_same_variables() -> None:
    """They stand in each file: variables from a file of their own are put together anew for each host of each task."""
    blocks = {}
    for path in PLAYBOOKS.rglob("*.yml"):
        found = re.findall(r"^  vars: &run\n((?:    .+\n)+)", path.read_text(encoding="utf-8"), re.M)
        if found:
            (blocks[path.name],) = found
    assert {"deploy.yml", "rollback.yml", "spread.yml"} < set(blocks)
    assert set(blocks.values()) == {blocks["deploy.yml"]}


#: What brings in the tasks of a file, and is no task that anybody sees.
IMPORTS = ("ansible.builtin.import_tasks", ROLE)
INCLUDES = ("ansible.builtin.include_tasks", "ansible.builtin.include_role")
#: What refuses --tags, and a --limit that leaves nothing to do.
CHECK = PLAYBOOKS / "plays/whole.yml"


@pytest.mark.parametrize("path", sorted({*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("[ke]*/*.yml")}))
def test_every_playbook_refuses_to_run_in_part_before_anything_else(path: Path) -> None:
    first, before = read(path)[0], path.parent
    while IMPORT in first and (before / first[IMPORT]).resolve() != CHECK:
        before = (before / first[IMPORT]).parent
        first = read(before / Path(first[IMPORT]).name)[0]
    assert IMPORT in first, path


def shown(tasks: list[Part], base: Path, variables: Part, seen: set[tuple[Path, str]]) -> Iterator[str]:
    """The names of all tasks that a run may show, as they are then. What is included where it is needed counts once."""
    for task in tasks:
        inner = {**variables, **(task.get("vars") or {})}
        parts = [each for section in ("block", "rescue", "always") for each in task.get(section, [])]
        if parts:
            yield from shown(parts, base, inner, seen)
            continue
        brought = next((key for key in (*IMPORTS, *INCLUDES) if key in task), None)
        # Check mode predicts a step that it cannot take under the step's own name, and never shows both.
        if brought not in IMPORTS and "ansible_check_mode" not in (task.get("when") or []):
            yield filled_in(task["name"], inner)
        path = brought_in(task[brought], base) if brought else None
        once = brought in INCLUDES
        if path is None or (once and (path, "") in seen):
            continue
        seen.update({(path, "")} if once else ())
        defaults = path.parents[1] / "defaults/main.yml"
        known = read(defaults) if defaults.exists() else {}
        yield from shown(read(path), path.parent, {**known, **inner}, seen)


def filled_in(name: str, variables: Part) -> str:
    return re.sub(r"{{ (\w+) }}", lambda found: str(variables[found[1]]), name)


def brought_in(what: Any, base: Path) -> Path | None:
    """The file that a task brings in; none where only the run knows it."""
    if isinstance(what, dict) and "name" in what:
        role = what["name"].removeprefix("praxis.cloud.")
        return ROLES / role / "tasks" / f"{what.get('tasks_from', 'main')}.yml"
    file = what["file"] if isinstance(what, dict) else what
    return None if "{{" in file else (base / file).resolve()


@pytest.mark.parametrize("name", sorted(path.stem for path in PLAYBOOKS.glob("*.yml")))
def test_a_task_s_name_is_its_own_in_its_playbook(name: str) -> None:
    """Who reads "Verdict" for the third time does not know which one it is."""
    names: list[str] = []
    seen: set[tuple[Path, str]] = set()
    for base, play in based_plays(PLAYBOOKS / f"{name}.yml"):
        names += shown(play.get("tasks") or [], base, play.get("vars") or {}, seen)
    assert sorted({each for each in names if names.count(each) > 1}) == []


def based_plays(path: Path) -> list[tuple[Path, Part]]:
    found = read(path)
    return [pair for part in found for pair in
            (based_plays(path.parent / part[IMPORT]) if IMPORT in part else [(path.parent, part)])]  # fmt: skip


def activation() -> Part:
    (play,) = [play for _name, play in plays("deploy")
               if any((task.get(RELEASE) or {}).get("state") == "active" for task in tasks_of(play))]
    return play


def steps_of(play: Part, own: bool = False) -> list[tuple[str, Part]]:
    """The steps that count, without those of the user's own unless they are asked for."""
    steps = [(step, task) for task in play["tasks"] for step in [kind_of(task)] if step]
    return [(step, task) for step, task in steps if own or not step.startswith("hook")]


def test_a_batch_is_drained_activated_observed_judged_and_rejoins_in_this_order() -> None:
    steps = steps_of(activation())
    assert [step for step, _task in steps] == [
        "lock", "observe", "verdict", "lock", "end", "absent", "present", "end", "active", "verdict", "observe",
        "verdict", "lock", "present", "end"]  # fmt: skip
    tasks = [task for _step, task in steps]
    _lock, observe, earlier, before, fenced, drain, again, undrained, _activate, gates, _observe, verdict = tasks[:12]
    held, rejoin, bad = tasks[12:]
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
    # A run that stood still in the soak may have lost the fleet, and the load balancer knows no fence.
    assert held["when"] == ["not ansible_check_mode", *rejoin["when"]]
    # The same since the batch began: whoever is drained then is out of service until the next run.
    assert set(before["when"]) == {*held["when"], drain["when"]}


def test_a_rollback_drains_and_rejoins_as_well_and_ends_where_it_may_not_drain() -> None:
    steps = steps_of({"tasks": read(PLAYBOOKS / "tasks/roll_back.yml")})
    assert [step for step, _task in steps] == ["lock", "end", "absent", "end", "restored", "lock", "end", "present"]
    assert steps[1][1]["when"] == f"{KEEPERS} | length == 0"
    assert steps[3][1]["when"] == "load_balancer_result is failed"
    assert steps[6][1]["when"] == steps[1][1]["when"]
    together, alone = [play for _name, play in plays("deploy") if play["name"].startswith("Roll back")]
    brought = [task[IMPORT_TASKS] for play in (together, alone) for task in play["tasks"]]
    assert brought == ["../tasks/roll_back.yml"] * 2
    assert "roll_back.serial" in str(together["serial"]) and alone["serial"] == 1


def kind_of(task: Part) -> str:
    """What a step does: its state, or a word."""
    if task.get("ansible.builtin.meta") == "end_play":
        return "end"
    included = {"../tasks/judge_batch.yml": "verdict", "../tasks/lock.yml": "lock", "lock.yml": "lock"}
    if task.get("ansible.builtin.include_tasks") in included:
        return included[task["ansible.builtin.include_tasks"]]
    if INFO in task:
        return "observe"
    if task.get("ansible.builtin.include_tasks") == "../tasks/hook.yml" and "{" not in task["vars"]["hook_point"]:
        return "hook %s" % task["vars"]["hook_point"]
    entry = (task.get(ROLE) or task.get("ansible.builtin.include_role") or {}).get("tasks_from", "")
    return {"drain": "absent", "join": "present", **STATES}.get(entry, entry)


def test_the_lock_is_taken_before_anybody_is_activated_and_released_before_the_verdict() -> None:
    deploy = plays("deploy")
    played = {play["name"]: [kind_of(task) or task["name"] for task in tasks_of(play)] for _name, play in deploy}
    assert played["Order"][-2:] == ["hook plan", "lock"]
    names = list(played)
    between = ["Take hosts over", "Order once more", "Observe what was taken over"]
    assert names[names.index("Order") + 1 : names.index("Activate")] == between
    assert played["Verdict"][-3:-1] == ["Give the lock back", "Run the hook of the deployment's end"]


def test_hooks_run_where_the_documentation_says() -> None:
    """At every point, and where a hook that fails can still stop what comes next."""
    steps = [step for step, _task in steps_of(activation(), own=True)]
    assert steps[steps.index("hook before_batch") :][:4] == ["hook before_batch", "lock", "end", "absent"]
    assert steps[-4:] == ["lock", "present", "hook after_batch", "end"]
    asked = [task for _name, play in plays("deploy") for task in tasks_of(play) if "hook plan" in task.get("name", "")]
    assert ["praxis_order.ok" in task["when"] for task in asked] == [True], "nobody agrees to what is refused already"
    used = {task["vars"]["hook_point"] for _name, play in plays("deploy") for task in play.get("tasks") or []
            if "hook_point" in task.get("vars", {})}  # fmt: skip
    last = {point for point in hooks.POINTS if any(f"'{point}'" in name for name in used)}
    assert (used & set(hooks.POINTS)) | last == set(hooks.POINTS)


def test_a_machine_that_a_hook_cannot_reach_leaves_no_host_out() -> None:
    """A task that is delegated to it counts as the host's that delegates: Ansible would drop that one from the run."""
    hook, _lock = read(PLAYBOOKS / "tasks/hook.yml")
    assert hook.get("ignore_unreachable") is True


def test_a_hook_that_takes_longer_than_the_lease_is_no_reason_to_refuse_the_drain_after_it() -> None:
    """The drain asks how long ago a host admitted the run; a hook may wait for a person."""
    hook, after = read(PLAYBOOKS / "tasks/hook.yml")
    assert "block" in hook and after["ansible.builtin.include_tasks"] == "lock.yml"
    assert {"hook_point == 'before_batch'", VERDICT} < set(after["when"])


def test_where_the_keeper_of_the_lock_is_not_there_another_host_is_asked_how_long_to_wait() -> None:
    (play,) = read(PLAYBOOKS / "plays/wait.yml")
    *_asked, found, first, second = play["tasks"]
    assert (found["register"], first["register"]) == ("wait_found", "wait_ended")
    for task, whom in ((first, "ask"), (second, "otherwise")):
        assert task[LOCK]["host"] == f"{{{{ wait_found.{whom} }}}}"
        assert task["delegate_to"] == f"{{{{ wait_found.{whom} or inventory_hostname }}}}"
    assert second["when"] == ["wait_ended.silent | default(false)", "wait_found.otherwise | length > 0"]


def test_a_fact_that_is_set_on_localhost_is_among_its_ansible_facts() -> None:
    """Where every play reads: with ``set_fact`` it is only there when it is cacheable."""
    files = [read(path) for path in sorted(PLAYBOOKS.glob("tasks/*.yml"))]
    facts = [task["ansible.builtin.set_fact"] for file in files for task in tasks_of({"tasks": file})
             if task.get("delegate_facts") and "ansible.builtin.set_fact" in task]  # fmt: skip
    assert len(facts) >= 2
    assert all(fact["cacheable"] is True for fact in facts)


#: A fact of localhost: with a fact cache it may be one that an earlier run has left there.
FACT = re.compile(r"hostvars\['localhost'\]\['ansible_facts'\]\['(\w+)'\]")


def facts_left_by(task: Part) -> set[str]:
    """The facts of localhost that a task makes, whatever happens: those that its action names."""
    modules = [key.removeprefix("praxis.cloud.") for key in task if key.startswith("praxis.cloud.fleet_")]
    if "when" in task or not modules:
        return set()
    return set(re.findall(r'"(praxis_\w+)": ', (COLLECTION / f"plugins/action/{modules[0]}.py").read_text()))


def leaves(tasks: list[Part], base: Path, variables: Part) -> Iterator[Part]:
    """The tasks that a play may take, in their order and each with all its variables; a block is one before its own."""
    for task in tasks:
        inner = {**variables, **(task.get("vars") or {})}
        sections = [task[key] for key in ("block", "rescue", "always") if key in task]
        yield {**{key: value for key, value in task.items() if value not in sections}, "vars": inner}
        for section in sections:
            yield from leaves(section, base, inner)
        brought = next((key for key in (*IMPORTS, *INCLUDES) if key in task), None)
        path = brought_in(task[brought], base) if brought else None
        yield from leaves(read(path), path.parent, inner) if path else ()


@pytest.mark.parametrize("name", sorted(path.stem for path in PLAYBOOKS.glob("*.yml")))
def test_a_fact_of_localhost_is_read_where_the_same_run_has_made_it_before(name: str) -> None:
    """What restore.yml has left there would else be restored once more by every deployment that comes after it."""
    made: set[str] = set()
    for base, play in based_plays(PLAYBOOKS / f"{name}.yml"):
        variables = play.get("vars") or {}
        whole = {**{key: value for key, value in play.items() if key != "tasks"}, "vars": variables}
        for step in (whole, *leaves(play.get("tasks") or [], base, variables)):
            text = json.dumps({key: value for key, value in step.items() if key != "vars"})
            meant = [str(value) for alias, value in step["vars"].items() if re.search(rf"\b{alias}\b", text)]
            assert set(FACT.findall(" ".join([text, *meant]))) <= made, (play["name"], step.get("name"))
            made |= facts_left_by(step)


def test_batches_are_as_the_order_says() -> None:
    order = "praxis_order.serial"
    assert activation()["serial"] == f"{{{{ {order} if praxis_order is defined else 1 }}}}"


def test_the_fleet_is_judged_before_its_release_is_called_good_or_rolled_back() -> None:
    played = {play["name"]: play["hosts"] for _name, play in plays("deploy")}
    order = ["Activate", "Observe", "Judge", "Roll back", "Roll back one at a time", "Confirm",
             "Observe after the rollback", "Verdict"]  # fmt: skip
    assert list(played)[-len(order) :] == order
    assert played["Judge"] == played["Verdict"] == "praxis"


#: Whom a play is for, and what has to hold for it; else it is for nobody.
ONLY_NAMED = {
    "Wait for another deployment": (
        "groups.praxis | difference(groups.praxis_kubernetes | default([]))",
        "groups.praxis | default([]) | length > 0",
        "(praxis_lock_wait is defined or hostvars[groups.praxis | first].praxis_lock_wait is defined)",
        "(wait_in_check | default(true) or not ansible_check_mode)"),
    "Install Docker where it is missing": ("praxis_order.needs_docker",),
    "Take hosts over": ("praxis_order.take_over", VERDICT, ACTING),
    "Order once more": ("'praxis'", "praxis_order.take_over", VERDICT, ACTING),
    "Observe what was taken over": ("praxis_order.unconfirmed", VERDICT, ACTING),
    "Activate": ("praxis_order.activate", VERDICT),
    "Observe": ("praxis_order.hosts", "praxis_order.observe_again", VERDICT, ACTING),
    "Roll back": ("praxis_verdict.roll_back.hosts", ACTING),
    "Roll back one at a time": ("praxis_verdict.roll_back_alone.hosts", ACTING),
    "Confirm": ("praxis_verdict.confirm",),
    "Observe after the rollback": ("praxis_order.hosts", "praxis_verdict.observe_again", ACTING),
}


@pytest.mark.parametrize("name", ["deploy", "rollback", "restore"])
def test_a_play_is_for_whom_the_order_or_the_verdict_names_and_in_a_syntax_check_for_nobody(name: str) -> None:
    named = {play["name"]: play["hosts"] for _name, play in plays(name) if "{{" in play["hosts"]}
    del named["Refuse a part of the playbook"]
    for play, hosts in named.items():
        whom, *conditions = ONLY_NAMED[play]
        known = "hostvars" if play == "Wait for another deployment" else "praxis_order"
        assert hosts == "{{ %s if %s else [] }}" % (whom, " and ".join([f"{known} is defined", *conditions])), play
    assert set(ONLY_NAMED) - set(named) <= {"Install Docker where it is missing"}


def test_the_arguments_of_the_load_balancer_bear_its_role_s_name() -> None:
    """A condition that names another variable fails only where there is a load balancer, at the end of a deployment."""
    texts = [path.read_text(encoding="utf-8") for path in PLAYBOOKS.rglob("*.yml")]
    assert [found for text in texts for found in re.findall(r"(?<![\w.])balancer_\w+", text)] == []


@pytest.mark.parametrize("name", ["order", "verdict"])
def test_what_playbooks_read_of_a_fact_is_what_its_action_gives_and_its_module_documents(name: str) -> None:
    module = {"order": "fleet_order", "verdict": "fleet_verify"}[name]
    texts = [path.read_text() for path in sorted((COLLECTION / "playbooks").rglob("*.yml"))]
    read = {key for text in texts for key in re.findall(rf"praxis_{name}\.(\w+)", text)}
    given = (COLLECTION / f"plugins/action/{module}.py").read_text()
    documented = (COLLECTION / f"plugins/modules/{module}.py").read_text()
    assert read
    for key in sorted(read):
        assert f'"{key}": ' in given and f"\n    {key}:\n" in documented, key


#: Without a plan, doctor.yml examines no host.
ONE_HOST_IS_ENOUGH = ("Go on without a plan",)


def rescued(tasks: list[Part]) -> Iterator[Part]:
    """The blocks with a rescue that the run goes on after."""
    for task in tasks:
        inner = [task.get(section) or [] for section in ("block", "rescue", "always")]
        ends = any("refuse.yml" in str(each) or each["name"] in ONE_HOST_IS_ENOUGH for each in inner[1])
        if inner[1] and not ends:
            yield task
        for section in inner:
            yield from rescued(section)


def test_no_task_that_is_rescued_leaves_the_other_hosts_out() -> None:
    """After a task with run_once that fails, Ansible leaves all other hosts of the batch out of the rest of the run,
    rescued or not: they would keep a release that is rolled back. Included for one host, the same task harms nobody."""
    found = 0
    for path in [*PLAYBOOKS.rglob("*.yml"), *ROLES.glob("*/tasks/**/*.yml")]:
        parts = read(path)
        plays = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        tasks = [task for part in plays for task in (part.get("tasks") or [] if "hosts" in part else [part])]
        for block in rescued(tasks):
            found += 1
            assert "run_once" not in json.dumps(block), f"{path}: {block.get('name')}"
    assert found >= 3


@pytest.mark.parametrize(("accounts", "member", "kept"), [
    ([{"praxis_cloud": "aws"}], {"praxis_cloud": "aws"}, []),
    ([{"praxis_cloud": "aws", "praxis_identity_store": "aws-sm"}], {"praxis_cloud": "aws"}, []),
    ([{"praxis_cloud": "aws", "praxis_identity_store": ""}], {"praxis_cloud": "aws"}, []),
    ([IN_GOOGLE], {}, ["gcp-sm"]),
    ([{"praxis_cloud": "gcp"}], {"praxis_cloud": "gcp", "praxis_identity_store": "aws-sm"}, ["aws-sm"]),
    # The other cloud's account goes in the same run, and takes along what its store has: in its region or its project.
    ([IN_GOOGLE, {"praxis_cloud": "gcp", "praxis_project": "one"}], {}, []),
    ([IN_GOOGLE, {"praxis_cloud": "gcp", "praxis_gke": {}}], {}, []),
    (BOTH, {"praxis_cloud": "gcp", "praxis_identity_store": "aws-sm", "praxis_project": "one"}, []),
    (BOTH, {**IN_GOOGLE, "praxis_project": "one"}, []),
    (BOTH, {**IN_GOOGLE, "praxis_project": ""}, []),
    (BOTH, {**IN_GOOGLE, "praxis_project": "two"}, ["gcp-sm"]),
])
def test_a_removal_knows_of_the_identities_that_are_in_the_other_clouds_store(
    accounts: list[Part], member: Part, kept: list[str]
) -> None:
    """They are the only ones that praxis_remove_identities leaves, and nobody else would say so."""
    summary = next(play for _name, play in plays("down") if play["name"] == "Summary")
    named = {f"{each['praxis_cloud']}-account": each for each in accounts}
    variables = {
        **{name: trust_as_template(text) for name, text in summary["vars"].items()},
        "hostvars": {**named, "agent-1": member},
        "groups": {"praxis_accounts": list(named), **({"praxis": ["agent-1"]} if member else {})},
    }
    assert Templar(DataLoader(), variables).template(trust_as_template("{{ _elsewhere }}")) == kept
    told = next(task for task in tasks_of(summary) if "_elsewhere | length > 0" in str(task.get("when")))
    assert "_elsewhere" in told["ansible.builtin.debug"]["msg"]


def test_what_a_user_s_own_plays_say_to_the_role_provision_removes_no_fleet() -> None:
    """Variables of an inventory come before a role's defaults, and down.yml alone asks for the fleet's name."""
    variables = read(PLAYBOOKS / "vars/provision.yml")
    assert variables["provision_state"] == "present"
    for path in sorted(PLAYBOOKS.glob("*.yml")):
        for play in read(path):
            roles = [task["ansible.builtin.include_role"]["name"] for task in tasks_of(play)
                     if "ansible.builtin.include_role" in task]  # fmt: skip
            if "praxis.cloud.provision" in roles and path.stem != "down":
                assert "vars/provision.yml" in play["vars_files"], path.name


def test_an_earlier_batch_is_not_judged_by_one_moment() -> None:
    """An engine that restarts for three seconds would cost the whole release. Edges are not waited for: others may just
    be dialling."""
    (task,) = [
        task
        for play in read(PLAYBOOKS / "plays/spread.yml")
        for task in tasks_of(play)
        if task["name"] == "Observe earlier batches again"
    ]
    assert task[INFO]["settle"] >= 30
    assert task[INFO]["mesh"] is False
