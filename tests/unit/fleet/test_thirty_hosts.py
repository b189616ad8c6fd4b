# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of a deployment of thirty hosts on a terminal of 80 columns and 24 lines, moment by moment. The lines in
the tests are what a person sees: they are to be read, and changed only when the new ones read better."""

from __future__ import annotations

import textwrap

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import progress
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.stages import Task

HOSTS = [f"praxis-aws-{number}" for number in range(1, 31)]
FORKS = 20
RELEASE, BALANCER = "praxis.cloud.agent_release", "praxis.cloud.fleet_balancer"
PREPARE, ACTIVATE, RESTORE, CONFIRM = (
    Task("", RELEASE, word) for word in ("prepared", "active", "restored", "confirmed")
)
DRAIN, REJOIN = (Task("", BALANCER, word, once=True) for word in ("absent", "present"))
OBSERVE, EARLIER = Task("", "praxis.cloud.agent_info"), Task("", "praxis.cloud.agent_info", "member")
EXITED = "The container exited with code 1 before its API answered: open /data/agent.db: permission denied."
SILENT = "The API does not answer on port 8000."


class Run:
    """A run of thirty hosts, and its clock."""

    def __init__(self):
        self.now, self.state = 0.0, progress.Progress(0.0)

    def play(self, name, hosts=HOSTS, everyone=HOSTS, serial=()):
        self.state.play(name, hosts, everyone, serial, self.now)

    def start(self, task, hosts):
        for host in hosts:
            self.state.start(task, host, self.now)

    def end(self, task, hosts, failure=""):
        for host in hosts:
            self.state.end(task, host, self.now, failure=failure)

    def do(self, task, hosts, seconds, failing=()):
        self.start(task, hosts)
        self.now += seconds
        self.end(task, [host for host in hosts if host not in failing])
        self.end(task, failing, EXITED)

    def activate(self, number, failing=()):
        """A batch of three, from its drain to its return or its failure."""
        batch = HOSTS[3 * number - 3 : 3 * number]
        self.play("Activate", batch, HOSTS, [3])
        self.do(DRAIN, batch[:1], 2)
        self.do(ACTIVATE, batch, 20, failing)
        if not failing:
            self.do(OBSERVE, batch, 30)
            self.do(REJOIN, batch[:1], 8)

    def shows(self, text):
        found = progress.lines(self.state, self.now, 80, 23)
        assert "\n".join(found) == textwrap.dedent(text).strip()
        assert len(found) <= 23 and max(map(len, found)) <= 80


@pytest.fixture
def run():
    """Half a minute from its start, all prepared."""
    run = Run()
    run.play("Prepare")
    run.do(PREPARE, HOSTS, 30)
    return run


def test_while_images_are_pulled_all_are_in_columns():
    run = Run()
    run.now = 6.0
    run.play("Prepare")
    run.start(PREPARE, HOSTS[:FORKS])
    run.now = 15.0
    run.shows("""
        Prepare: 9s; since the start: 15s
        preparing     praxis-aws-1 9s   praxis-aws-2 9s   praxis-aws-3 9s
                      praxis-aws-4 9s   praxis-aws-5 9s   praxis-aws-6 9s
                      praxis-aws-7 9s   praxis-aws-8 9s   praxis-aws-9 9s
                      praxis-aws-10 9s  praxis-aws-11 9s  praxis-aws-12 9s
                      praxis-aws-13 9s  praxis-aws-14 9s  praxis-aws-15 9s
                      praxis-aws-16 9s  praxis-aws-17 9s  praxis-aws-18 9s
                      praxis-aws-19 9s  praxis-aws-20 9s
        waiting       10 hosts
    """)
    run.end(PREPARE, HOSTS[:18])
    run.start(PREPARE, HOSTS[FORKS:])
    run.now = 45.0
    run.end(PREPARE, HOSTS[FORKS:])
    run.shows("""
        Prepare: 39s; since the start: 45s
        preparing     praxis-aws-19 39s  praxis-aws-20 39s
        prepared      28 hosts
    """)


def test_in_the_third_batch_of_ten_its_hosts_are_named(run):
    run.activate(1)
    run.activate(2)
    batch = HOSTS[6:9]
    run.play("Activate", batch, HOSTS, [3])
    run.start(EARLIER, batch)
    run.now += 2
    run.shows("""
        Activate, batch 3 of 10: 2s; since the start: 2m32s
        observing     earlier batches:
                      praxis-aws-7 2s  praxis-aws-8 2s  praxis-aws-9 2s
        activated     6 hosts
        prepared      21 hosts
    """)
    run.end(EARLIER, batch)
    run.start(DRAIN, batch[:1])
    run.now += 3
    run.shows("""
        Activate, batch 3 of 10: 5s; since the start: 2m35s
        draining      praxis-aws-7 3s  praxis-aws-8 3s  praxis-aws-9 3s
        activated     6 hosts
        prepared      21 hosts
    """)
    run.end(DRAIN, batch[:1])
    run.start(ACTIVATE, batch)
    run.now += 20
    run.end(ACTIVATE, batch[:2])
    run.shows("""
        Activate, batch 3 of 10: 25s; since the start: 2m55s
        activating    praxis-aws-9 20s
        activated     8 hosts
        prepared      21 hosts
    """)


def test_who_failed_is_first_with_the_reason_until_all_are_rolled_back(run):
    run.activate(1)
    run.activate(2, failing=HOSTS[4:5])
    run.shows("""
        Activate, batch 2 of 10: 22s; since the start: 1m52s
        failed        praxis-aws-5: The container exited with code 1 before its API
                      answered: open /data/agent.db: permission denied.
        activated     5 hosts
        prepared      24 hosts
    """)
    touched = [HOSTS[4], *HOSTS[:4], HOSTS[5]]
    run.play("Roll back", touched[:1], touched, [1, 3])
    run.do(DRAIN, touched[:1], 2)
    run.do(RESTORE, touched[:1], 20)
    run.do(REJOIN, touched[:1], 8)
    run.play("Roll back", touched[1:4], touched, [1, 3])
    run.start(RESTORE, touched[1:4])
    run.now += 12
    run.shows("""
        Roll back, batch 2 of 3: 12s; since the start: 2m34s
        failed        praxis-aws-5, rolled back: The container exited with code 1 before
                      its API answered: open /data/agent.db: permission denied.
        rolling back  praxis-aws-1 12s  praxis-aws-2 12s  praxis-aws-3 12s
        activated     praxis-aws-4  praxis-aws-6
        prepared      24 hosts
    """)


def test_one_reason_of_many_is_said_once_above_their_names(run):
    run.play("Activate")
    run.start(ACTIVATE, HOSTS)
    run.now += 90
    run.end(ACTIVATE, HOSTS[:7], SILENT)
    run.end(ACTIVATE, HOSTS[7:8], EXITED)
    run.end(ACTIVATE, HOSTS[8:28])
    run.shows("""
        Activate: 1m30s; since the start: 2m
        failed        7 hosts: The API does not answer on port 8000.
                      praxis-aws-1  praxis-aws-2  praxis-aws-3  praxis-aws-4
                      praxis-aws-5  praxis-aws-6  praxis-aws-7
        failed        praxis-aws-8: The container exited with code 1 before its API
                      answered: open /data/agent.db: permission denied.
        activating    praxis-aws-29 1m30s  praxis-aws-30 1m30s
        activated     20 hosts
    """)


def test_many_reasons_have_a_line_each_and_one_is_said_where_there_are_too_many(run):
    run.play("Activate")
    run.start(ACTIVATE, HOSTS)
    run.now += 90
    for number, host in enumerate(HOSTS[:12], 1):
        run.end(ACTIVATE, [host], f"10.0.1.{number}: connection refused by the machine, or by one in between.")
    run.shows("""
        Activate: 1m30s; since the start: 2m
        failed        praxis-aws-1: 10.0.1.1: connection refused by the machine, or by …
        failed        praxis-aws-2: 10.0.1.2: connection refused by the machine, or by …
        failed        praxis-aws-3: 10.0.1.3: connection refused by the machine, or by …
        failed        praxis-aws-4: 10.0.1.4: connection refused by the machine, or by …
        failed        praxis-aws-5: 10.0.1.5: connection refused by the machine, or by …
        failed        praxis-aws-6: 10.0.1.6: connection refused by the machine, or by …
        failed        praxis-aws-7: 10.0.1.7: connection refused by the machine, or by …
        failed        praxis-aws-8: 10.0.1.8: connection refused by the machine, or by …
        failed        praxis-aws-9: 10.0.1.9: connection refused by the machine, or by …
        failed        praxis-aws-10: 10.0.1.10: connection refused by the machine, or b…
        failed        praxis-aws-11: 10.0.1.11: connection refused by the machine, or b…
        failed        praxis-aws-12: 10.0.1.12: connection refused by the machine, or b…
        activating    praxis-aws-13 1m30s  praxis-aws-14 1m30s  praxis-aws-15 1m30s
                      praxis-aws-16 1m30s  praxis-aws-17 1m30s  praxis-aws-18 1m30s
                      praxis-aws-19 1m30s  praxis-aws-20 1m30s  praxis-aws-21 1m30s
                      praxis-aws-22 1m30s  praxis-aws-23 1m30s  praxis-aws-24 1m30s
                      praxis-aws-25 1m30s  praxis-aws-26 1m30s  praxis-aws-27 1m30s
                      praxis-aws-28 1m30s  praxis-aws-29 1m30s  praxis-aws-30 1m30s
    """)
    for number, host in enumerate(HOSTS[12:21], 13):
        run.end(ACTIVATE, [host], f"10.0.1.{number}: connection refused by the machine, or by one in between.")
    run.shows("""
        Activate: 1m30s; since the start: 2m
        failed        praxis-aws-1   praxis-aws-2   praxis-aws-3   praxis-aws-4
                      praxis-aws-5   praxis-aws-6   praxis-aws-7   praxis-aws-8
                      praxis-aws-9   praxis-aws-10  praxis-aws-11  praxis-aws-12
                      praxis-aws-13  praxis-aws-14  praxis-aws-15  praxis-aws-16
                      praxis-aws-17  praxis-aws-18  praxis-aws-19  praxis-aws-20
                      praxis-aws-21
                      praxis-aws-1: 10.0.1.1: connection refused by the machine, or by
                      one in between.
        activating    praxis-aws-22 1m30s  praxis-aws-23 1m30s  praxis-aws-24 1m30s
                      praxis-aws-25 1m30s  praxis-aws-26 1m30s  praxis-aws-27 1m30s
                      praxis-aws-28 1m30s  praxis-aws-29 1m30s  praxis-aws-30 1m30s
    """)


def test_at_the_end_all_are_counted(run):
    run.play("Confirm")
    run.do(CONFIRM, HOSTS, 2)
    run.play("Verdict")
    run.start(REJOIN, HOSTS[:1])
    run.now += 4
    run.shows("""
        Verdict: 4s; since the start: 36s
        rejoining     all 30 hosts 4s
    """)
    run.end(REJOIN, HOSTS[:1])
    run.start(Task("", "praxis.cloud.fleet_verify", once=True), HOSTS[:1])
    run.now += 2
    run.shows("""
        Verdict: 6s; since the start: 38s
        controller    judging 2s
        good          30 hosts
    """)
