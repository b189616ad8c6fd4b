# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten storms: from an empty account to a deployed fleet while three of ten requests
to the API, reads and writes alike, are throttled, refused, cut off, or carried out with their answer lost.

Four lanes, each with a key of its own and so with a storm of its own. The sandbox has one balancer: it is the first
lane's. The machines have Docker already, though not set up, for no storm reaches its installation; one seed's are
Debian's own.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox import images
from sandbox.client import Client
from sandbox.site import here
from tests import tiers

from .accounts import PREFIX, Account, Operator, account_of
from .conftest import HOME, Cloud, Run

RATE = 0.3
SEEDS = range(1, 11)
#: These are ridden out in `make test`: the first lane's, with the balancer and two machines, and one without.
FEW = (1,)
LANES = 4
BARE = 4  # the seed whose machine has no Docker yet: one of a lane with two seeds only
MOST = 400  # faults of one storm


def fleet_of(seed: int) -> str:
    return f"{PREFIX}{seed}"


@dataclass
class Outcome:
    """What one seed's storm left.

    :param expected: how many resources of each kind the fleet should have.
    :param struck: the operations that were struck, in order.
    :param there: how many resources of each kind the fleet has after the storm.
    :param strays: ids of what no fleet owns.
    :param left: the same after down.yml.
    :param again: the runs without faults after it.
    """

    expected: Counter[str]
    struck: list[dict[str, Any]] = field(default_factory=list)
    there: Counter[str] = field(default_factory=Counter)
    strays: set[str] = field(default_factory=set)
    again: list[Run] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


@dataclass
class Lane:
    """Storms one after the other, in a part of the sandbox's network."""

    number: int
    cloud: Cloud
    account: Account
    sandbox: Client
    operator: Operator
    with_docker: str

    @property
    def balancer(self) -> bool:
        return self.number == 0

    def environment(self, seed: int) -> dict[str, str]:
        return {**self.operator.environment, **self.account.network(self.number + 1), "PRAXIS_FLEET": fleet_of(seed),
                "PRAXIS_HOSTS": "2" if seed == 1 else "1",
                "PRAXIS_IMAGE_ID": "" if seed == BARE else self.with_docker}

    @contextlib.contextmanager
    def storm(self, seed: int) -> Iterator[None]:
        ordered = self.sandbox.fault("storm", probability=RATE, seed=seed, count=MOST, access_key=self.operator.id,
                                     cloud=self.cloud.name)["ident"]
        try:
            yield
        finally:
            self.sandbox.lift(ordered, cloud=self.cloud.name)

    def fault(self, seed: int) -> Outcome:
        """One seed, from an empty account and back."""
        environment, fleet = self.environment(seed), fleet_of(seed)
        outcome = Outcome(self.account.expected(int(environment["PRAXIS_HOSTS"]), self.balancer))
        variables: dict[str, Any] = {"praxis_confirm_down": fleet, "praxis_remove_identities": True}
        if not self.balancer:
            variables["praxis_balancer"] = False

        def play(name: str) -> Run:
            more = {"praxis_target_group": ""} if name == "deploy.yml" and not self.balancer else {}
            return self.cloud.run(name, variables={**variables, **more}, environment=environment, deadline=1500)

        mark = self.cloud.mark()
        self.account.give_secrets(fleet)
        try:
            with self.storm(seed):
                play("provision.yml")
                play("deploy.yml")
            outcome.struck = self.struck(mark)
            outcome.there = self.account.of(fleet)
            # Looked for twice: another lane's machine may be without its tags for the moment of its making.
            nobodys = self.account.nobodys()
            outcome.again = [play("provision.yml"), play("deploy.yml")]
            outcome.strays = nobodys & self.account.nobodys()
            with self.storm(seed + 100) if seed <= LANES else contextlib.nullcontext():
                play("down.yml")
            outcome.left = self.account.of(fleet)
            return outcome
        except BaseException:  # the next seed of this lane needs the network
            self.cloud.run("down.yml", variables=variables, environment=environment, expect=None)
            raise
        finally:
            self.account.forget_secrets(fleet)
            Path(f"~/.ssh/praxis-{fleet}.known_hosts").expanduser().unlink(missing_ok=True)

    def struck(self, mark: list[int]) -> list[dict[str, Any]]:
        mine = self.operator.id
        return [each for each in self.cloud.operations(mark) if each["fault"] and each["access_key"] == mine]


@pytest.fixture(scope="module")
def outcomes(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[dict[int, Future[Outcome]]]:
    """The seeds of the selected tests (``-k '[7]'`` is the seventh only) as they come, each lane in its thread."""
    here_only = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    chosen = {item.callspec.params["seed"] for item in here_only} or set(SEEDS)
    images.ensure(images.engine("trixie"), HOME / "logs")
    account = account_of(cloud)
    promised: dict[int, Future[Outcome]] = {}
    with contextlib.ExitStack() as ending:
        for number in range(LANES):
            operator = account.operator(number)
            ending.callback(account.dismiss, operator)
            lane = Lane(number, cloud, account, Client(here()), operator, account.image())
            thread = ThreadPoolExecutor(1)
            ending.callback(thread.shutdown, cancel_futures=True)
            mine = [seed for seed in sorted(chosen) if (seed - 1) % LANES == number]
            promised.update({seed: thread.submit(lane.fault, seed) for seed in mine})
        yield promised


@pytest.mark.alike
@pytest.mark.parametrize("seed", tiers.only(SEEDS, FEW.__contains__))
def test_a_storm_is_ridden_out_with_nothing_made_twice(outcomes: dict[int, Future[Outcome]], seed: int) -> None:
    outcome = outcomes[seed].result()
    # Which kinds of requests were struck, reads and writes, is reported over all seeds below: some storms are short.
    assert outcome.struck
    assert outcome.there == outcome.expected
    assert outcome.strays == set()
    assert [run.changed for run in outcome.again] == [{}, {}]
    assert outcome.left - Counter(secret=1) == Counter()


@pytest.mark.repetition
def test_every_kind_of_fault_was_met(cloud: Cloud, outcomes: dict[int, Future[Outcome]]) -> None:
    """Over all seeds: throttling, errors of the cloud's, resets, and writes that happened and whose answer was lost."""
    ridden_out = [outcome.result() for outcome in outcomes.values() if not outcome.exception()]
    met = Counter((each["error"], each["mutating"]) for outcome in ridden_out for each in outcome.struck)
    for error in ("AnswerLost", "AnswerCut", "ConnectionReset"):
        assert met[error, True] and met[error, False], error
    assert {error for error, _write in met} >= account_of(cloud).ERRORS
