# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import progress, stages
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.stages import STAGES, Stage, Task
from tests.unit.test_playbooks import PLAYBOOKS, plays, tasks_of

THIRTY = [f"praxis-aws-{number:02}" for number in range(1, 31)]
RELEASE = "praxis.cloud.agent_release"
ACTIVATE, RESTORE = Task("Activate the release", RELEASE, "active"), Task("Roll back", RELEASE, "restored")
OTHER = Task("Install curl", "ansible.builtin.apt")


def run_of(hosts, *, name="Activate", batch=None, serial=(), now=0.0):
    state = progress.Progress(0.0)
    state.play(name, hosts if batch is None else batch, hosts, serial, now)
    return state


def shown(state, now, width=80, height=24):
    return progress.lines(state, now, width, height)


@pytest.mark.parametrize(
    ("action", "args", "variables", "doing", "done"),
    [
        ("agent_release", {"state": "prepared"}, {}, "preparing", "prepared"),
        ("agent_release", {"state": "active"}, {}, "activating", "activated"),
        ("agent_release", {"state": "restored"}, {}, "rolling back", "rolled back"),
        ("agent_release", {"state": "confirmed"}, {}, "confirming", "good"),
        ("agent_info", {"settle": 30}, {}, "observing", ""),
        ("agent_info", {"member": "{{ earlier_member }}"}, {}, "observing earlier batches", ""),
        ("fleet_balancer", {"state": "{{ load_balancer_state }}"}, {"load_balancer_state": "absent"}, "draining", ""),
        ("fleet_balancer", {"state": "{{ load_balancer_state }}"}, {"load_balancer_state": "present"}, "rejoining", ""),
        ("fleet_plan", {}, {}, "planning", ""),
        ("fleet_order", {"final": True}, {}, "ordering", ""),
        ("fleet_lock", {"host": "m1"}, {}, "locking the fleet", ""),
        ("fleet_lock", {"state": "absent"}, {}, "releasing the lock", ""),
        ("fleet_verify", {}, {}, "judging", ""),
        ("p2p_identity", {}, {}, "creating identities", ""),
    ],
)
def test_what_a_task_means_is_reported_by_its_action_and_arguments(action, args, variables, doing, done):
    stage = Task("Any name", f"praxis.cloud.{action}", stages.word_of(args, variables)).stage
    assert (stage.text, stage.done) == (doing, done)


def test_the_tasks_of_the_role_docker_are_one_stage_and_others_have_their_names():
    for action in ("ansible.builtin.apt", "praxis.cloud.agent_info"):
        assert Task("Any name", action, role="praxis.cloud.docker").stage.text == "installing Docker"
    assert OTHER.stage == Stage("running", what="Install curl")
    assert Task("Ask\x1b[2J", "a.b.c", once=True).stage == Stage("running", about="controller", what="Ask?[2J")
    assert Task("Any name", RELEASE, "a new state").stage.text == "running Any name"


def used():
    """Every action of the collection in the playbooks, with the word that tells its uses apart; a word that an include
    decides on, with each that the includes give it."""
    files = [*PLAYBOOKS.glob("tasks/*.yml"), *PLAYBOOKS.parent.glob("roles/load_balancer/tasks/*.yml")]
    included = [{"tasks": yaml.safe_load(path.read_text(encoding="utf-8"))} for path in files]
    tasks = [task for part in [*included, *(play for _name, play in plays())] for task in tasks_of(part)]
    given = [task["vars"] for task in tasks if "vars" in task]
    for task in tasks:
        for action in (key for key in task if key.startswith("praxis.cloud.")):
            for variables in [{}, *given]:
                word = stages.word_of(task[action] or {}, variables)
                if "{" not in word:
                    yield action, word


def test_every_action_of_the_playbooks_has_a_stage():
    found = set(used())
    balancer, info = "praxis.cloud.fleet_balancer", "praxis.cloud.agent_info"
    assert {(RELEASE, "active"), (balancer, "absent"), (balancer, "present"), (info, "member"), (info, "")} <= found
    assert found <= set(STAGES), "a row in fleet/stages.py for each of them"


def test_every_stage_is_used():
    assert set(STAGES) - set(used()) == {("praxis.cloud.docker", stages.ROLE)}
    assert "praxis.cloud.docker" in (PLAYBOOKS / "deploy.yml").read_text(encoding="utf-8")


def test_times_are_the_clock_s_that_is_passed_in():
    state = run_of(["m1", "m2"], now=100.0)
    state.start(ACTIVATE, "m1", 102.0)
    assert shown(state, 165.0) == [
        "Activate: 1m5s; since the start: 2m45s",
        "activating    m1 1m3s",
        "waiting       m2",
    ]
    state.end(ACTIVATE, "m1", 170.0)
    assert shown(state, 170.0)[1:] == ["activated     m1", "waiting       m2"]


def test_one_stage_of_several_tasks_has_one_beginning():
    state = run_of(["m1"])
    for number in range(3):
        task = Task(f"step {number}", "ansible.builtin.apt", role="praxis.cloud.docker")
        state.start(task, "m1", 10.0 * number)
        assert shown(state, 25.0)[1] == "installing    Docker:  m1 25s"
        state.end(task, "m1", 10.0 * number + 5)


def test_another_task_of_the_same_name_begins_anew():
    state = run_of(["m1"])
    for began in (0.0, 10.0):
        state.start(OTHER, "m1", began)
        assert shown(state, began + 3)[1] == "running       Install curl:  m1 3s"
        state.end(OTHER, "m1", began + 5)


@pytest.mark.parametrize(
    ("place", "count", "serial", "number", "total"),
    [
        (0, 30, [], 1, 1),
        (0, 30, [1, 4], 1, 9),
        (1, 30, [1, 4], 2, 9),
        (4, 30, [1, 4], 2, 9),
        (5, 30, [1, 4], 3, 9),
        (29, 30, [1, 4], 9, 9),
        (3, 5, [0], 1, 1),
        (0, 0, [1], 1, 1),
    ],
)
def test_which_batch_of_how_many(place, count, serial, number, total):
    assert progress.batch_of(place, count, serial) == (number, total)


def test_a_batch_is_reported_by_its_hosts():
    assert shown(run_of(THIRTY, batch=THIRTY[5:9], serial=[1, 4]), 0)[0].startswith("Activate, batch 3 of 9: ")


def test_what_is_done_to_a_batch_at_once_is_done_to_all_its_hosts():
    drain = Task("Set the targets", "praxis.cloud.fleet_balancer", "absent", once=True)
    state = run_of(["m1", "m2", "m3"], batch=["m1", "m2"], serial=[2])
    state.start(drain, "m1", 0.0)
    assert shown(state, 7.0)[1:] == ["draining      m1 7s  m2 7s", "waiting       m3"]
    state.end(drain, "m1", 8.0)
    assert shown(state, 8.0)[1:] == ["waiting       m1  m2  m3"]


def test_what_the_controller_does_shows_once_it_lasts():
    state = run_of(["m1"])
    state.start(Task("Lock", "praxis.cloud.fleet_lock", once=True), "m1", 1.0)
    assert shown(state, 1.5)[1:] == ["waiting       m1"]
    assert shown(state, 5.0)[1:] == ["controller    locking the fleet 4s", "waiting       m1"]


def test_localhost_is_no_host():
    state = run_of(["localhost"], name="Find a fleet")
    state.start(OTHER, "localhost", 0.0)
    assert shown(state, 3.0) == ["Find a fleet: 3s; since the start: 3s", "controller    running Install curl 3s"]
    assert shown(progress.Progress(0.0), 3.0) == []


def test_an_earlier_member_is_to_blame_itself_and_not_who_waits_for_it():
    watch = Task("Observe earlier batches", "praxis.cloud.agent_info", "member")
    state = run_of(["m1", "m2"], batch=["m2"], serial=[1])
    state.start(watch, "m2", 0.0)
    assert shown(state, 2.0)[1] == "observing     earlier batches:  m2 2s"
    state.item(watch, "m1", "It restarted.", 2.0)
    state.end(watch, "m2", 2.0, failure="One of them failed.")
    assert shown(state, 2.0)[1:] == ["failed        m1: It restarted.", "waiting       m2"]
    state.item(ACTIVATE, "m2", "An item of another loop.", 2.0)
    assert "m2: " not in "\n".join(shown(state, 2.0))


def test_a_host_that_failed_is_reported_until_the_end_with_what_became_of_it():
    state = run_of(["m1"])
    state.end(Task("", RELEASE, "prepared"), "m1", 1.0)
    state.end(ACTIVATE, "m1", 2.0, failure="No room\x07 on the disk.")
    assert shown(state, 2.0)[1:] == ["failed        m1: No room? on the disk."]
    state.start(RESTORE, "m1", 3.0)
    assert shown(state, 4.0)[1:] == ["failed        m1: No room? on the disk.", "rolling back  m1 1s"]
    state.end(RESTORE, "m1", 5.0)
    assert shown(state, 5.0)[1:] == ["failed        m1, rolled back: No room? on the disk."]


@pytest.mark.parametrize("how", [{"skipped": True}, {"halfway": True}])
def test_what_was_skipped_or_stopped_halfway_is_not_reached(how):
    state = run_of(["m1"])
    state.start(ACTIVATE, "m1", 0.0)
    state.end(ACTIVATE, "m1", 1.0, **how)
    assert shown(state, 1.0)[1:] == ["waiting       m1"]


@pytest.mark.parametrize("busy", [0, 4, 30])
@pytest.mark.parametrize("failed", [0, 1, 5, 12, 30])
def test_thirty_hosts_fit_on_a_small_terminal_and_those_who_failed_are_named(busy, failed):
    state = run_of(THIRTY)
    for name in THIRTY[:failed]:
        state.end(ACTIVATE, name, 1.0, failure="The API does not answer on port 8000: connection refused. " * 3)
    for name in THIRTY[30 - busy :]:
        state.start(ACTIVATE, name, 2.0)
    found = shown(state, 90.0)
    assert len(found) <= 24 and all(len(line) <= 80 for line in found), "\n".join(found)
    text = "\n".join(found)
    assert all(name in text for name in THIRTY[:failed])
    if busy <= 4:
        assert all(f"{name} 1m28s" in text for name in THIRTY[30 - busy :])


def test_what_does_not_fit_is_counted():
    state = run_of(THIRTY)
    for name in THIRTY:
        state.start(ACTIVATE, name, 0.0)
    assert shown(state, 9.0, height=3) == [
        "Activate: 9s; since the start: 9s",
        "activating    praxis-aws-01 9s  praxis-aws-02 9s  praxis-aws-03 9s",
        "              praxis-aws-04 9s  praxis-aws-05 9s  praxis-aws-06 9s  and 24 more",
    ]
    assert shown(state, 9.0, width=12, height=2) == ["Activate: 9…", "activating …"]


def test_colours_do_not_count():
    state = run_of(["m1"])
    state.end(ACTIVATE, "m1", 0.0, failure="What. " * 30)
    found = progress.lines(state, 0.0, 40, 24, lambda text, colour: f"<{colour}>{text}</>")
    assert found[1].startswith("<bad>failed</>        m1: What.")
    assert max(len(line.replace("<bad>", "").replace("</>", "")) for line in found) <= 40


def test_a_log_gets_a_line_for_each_stage_that_lasts_or_that_ends_and_for_each_failure():
    state = run_of([*THIRTY[:9], "m"], now=1.0)
    state.start(ACTIVATE, "m", 2.0)
    assert state.news(2.5) == []
    names = ", ".join(THIRTY[:8])
    assert state.news(3.0) == [f"3s  Activate: activating: {names} and 2 more"]
    state.end(ACTIVATE, "m", 60.0, failure="No.")
    assert state.news(61.0) == ["1m  m failed: No."]
    observe = Task("", "praxis.cloud.agent_info")
    for skipped, reported in ((True, []), (False, [f"1m2s  Activate: observing: {names} and 2 more"])):
        state.start(observe, "m", 62.0)
        state.end(observe, "m", 62.0, skipped=skipped)
        assert state.news(62.1) == reported
    quick = Task("Set a fact", "ansible.builtin.set_fact", once=True)
    state.start(quick, "m", 63.0)
    state.end(quick, "m", 63.1)
    assert state.news(70.0) == []


NAMES = st.sampled_from(["m1", "m2", "m3", "localhost", "unheard-of", "ä" * 50, ""])
TASKS = st.builds(
    lambda key, name, once: Task(name, "" if key[1] == stages.ROLE else key[0], key[1], key[0], once),
    st.sampled_from([*STAGES, ("ansible.builtin.apt", "")]), st.text(max_size=99), st.booleans(),
)  # fmt: skip
EVENTS = st.one_of(
    st.tuples(st.just("play"), st.text(max_size=99), st.lists(NAMES), st.lists(NAMES), st.lists(st.integers(-1, 5))),
    st.tuples(st.just("start"), TASKS, NAMES),
    st.tuples(st.just("end"), TASKS, NAMES),
    st.tuples(st.just("item"), TASKS, NAMES, st.text(max_size=99)),
)


@given(events=st.lists(EVENTS, max_size=40), width=st.integers(0, 120), height=st.integers(0, 30), texts=st.data())
def test_whatever_happens_there_are_lines_and_they_fit(events, width, height, texts):
    state = progress.Progress(0.0)
    for now, (kind, *values) in enumerate(events):
        how = {}
        if kind == "end":
            how = texts.draw(st.fixed_dictionaries({"failure": st.text(max_size=200), "skipped": st.booleans()}))
        getattr(state, kind)(*values, float(now), **how)
        found = progress.lines(state, float(now), width, height)
        assert len(found) <= height and all(len(line) <= width and "\n" not in line for line in found)
        state.news(float(now))
