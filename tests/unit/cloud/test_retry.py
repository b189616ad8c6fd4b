# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The retry policy: no test here takes time, because time is passed in."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import (
    Poll,
    Retry,
    is_throttling,
    is_transient,
    retry_after_seconds,
)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Calls:
    """A call that fails as listed, then succeeds."""

    failures: list[errors.CloudError]
    count: int = 0

    def __call__(self) -> str:
        self.count += 1
        if self.count <= len(self.failures):
            raise self.failures[self.count - 1]
        return "done"


def throttled(retry_after: float | None = None) -> errors.Throttled:
    return errors.Throttled("Slower.", "here", "Wait.", reason="Throttling", retry_after=retry_after, untouched=True)


def cut_off() -> errors.Unavailable:
    return errors.Unavailable("Cut off.", "here", "Again.")


def retry(time: Time, **settings: float) -> Retry:
    return Retry(clock=time.clock, sleep=time.sleep, random=lambda: 1.0, **settings)


def test_a_success_needs_no_pause() -> None:
    time, calls = Time(), Calls([])
    assert retry(time).run(calls, idempotent=False) == "done"
    assert (calls.count, time.slept) == (1, [])


def test_pauses_double_up_to_the_cap() -> None:
    time, calls = Time(), Calls([throttled() for _each in range(6)])
    assert retry(time, base=1, cap=5).run(calls, idempotent=False) == "done"
    assert time.slept == [1, 2, 4, 5, 5, 5]


def test_jitter_is_full() -> None:
    time, calls = Time(), Calls([throttled(), throttled()])
    draws = iter([0.0, 0.5])
    Retry(base=4, clock=time.clock, sleep=time.sleep, random=lambda: next(draws)).run(calls, idempotent=False)
    assert time.slept == [0.0, 4.0]


def test_never_sooner_than_the_cloud_asked() -> None:
    time, calls = Time(), Calls([throttled(7.0)])
    retry(time, base=1).run(calls, idempotent=False)
    assert time.slept == [8.0]


def test_no_attempt_starts_after_the_deadline() -> None:
    time, calls = Time(), Calls([throttled() for _each in range(100)])
    with pytest.raises(errors.Throttled) as caught:
        retry(time, deadline=20, base=1, cap=8).run(calls, idempotent=True)
    assert time.slept == [1, 2, 4, 8]
    assert caught.value.finding.what == "Slower. Tried 5 times in 15 s."
    assert caught.value.reason == "Throttling"


def test_a_wish_beyond_the_deadline_ends_it_at_once() -> None:
    time, calls = Time(), Calls([throttled(3600.0)])
    with pytest.raises(errors.Throttled) as caught:
        retry(time).run(calls, idempotent=True)
    assert (calls.count, time.slept) == (1, [])
    assert caught.value.finding.what == "Slower."


@pytest.mark.parametrize(
    ("failure", "idempotent", "again"),
    [
        (throttled(), False, True),
        (cut_off(), True, True),
        (cut_off(), False, False),
        (errors.Unavailable("Refused.", "here", "", untouched=True), False, True),
        (errors.Denied("No.", "here", ""), True, False),
        (errors.Expired("No.", "here", ""), True, False),
        (errors.NotFound("No.", "here", ""), True, False),
        (errors.Conflict("No.", "here", ""), True, False),
        (errors.QuotaExceeded("No.", "here", ""), True, False),
        (errors.Invalid("No.", "here", ""), True, False),
    ],
)
def test_only_what_may_help_and_cannot_harm_is_tried_again(
    failure: errors.CloudError, idempotent: bool, again: bool
) -> None:
    calls = Calls([failure])
    if again:
        assert retry(Time()).run(calls, idempotent=idempotent) == "done"
    else:
        with pytest.raises(type(failure)):
            retry(Time()).run(calls, idempotent=idempotent)
    assert calls.count == (2 if again else 1)


@given(
    draws=st.lists(st.floats(0, 1), min_size=60, max_size=60),
    wishes=st.lists(st.none() | st.floats(0, 30), min_size=60, max_size=60),
    deadline=st.floats(0, 120),
)
def test_the_deadline_holds_whatever_happens(draws: list[float], wishes: list[float | None], deadline: float) -> None:
    time, calls = Time(), Calls([throttled(wish) for wish in wishes])
    drawn = iter(draws)
    policy = Retry(deadline, base=1, clock=time.clock, sleep=time.sleep, random=lambda: next(drawn, 1.0))
    with contextlib.suppress(errors.Throttled):
        policy.run(calls, idempotent=True)
    assert sum(time.slept) <= deadline + 1e-6
    assert all(slept >= (wish or 0) for slept, wish in zip(time.slept, wishes))


@pytest.mark.parametrize(
    "code",
    [
        "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "SlowDown",
        "EC2ThrottledException", "RequestThrottled", "ProvisionedThroughputExceededException", "BandwidthLimitExceeded",
        "PriorRequestNotComplete", "RequestThrottledException", "ThrottledException", "RESOURCE_EXHAUSTED",
        "rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED",
    ],
)  # fmt: skip
def test_throttling_codes(code: str) -> None:
    assert is_throttling(code)


def test_throttling_status_without_a_code() -> None:
    assert is_throttling("", 429)


@pytest.mark.parametrize("code", ["LimitExceededException", "TooManyTargets", "quotaExceeded", "AccessDenied"])
def test_a_quota_is_no_throttling(code: str) -> None:
    assert not is_throttling(code, 400)


def test_every_code_that_the_sdk_counts_as_throttling_is_known() -> None:
    from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

    theirs = {*ThrottledRetryableChecker._THROTTLED_ERROR_CODES, *TransientRetryableChecker._TRANSIENT_ERROR_CODES}
    # The first is a quota in every service this collection uses, the second a state of DynamoDB.
    theirs -= {"LimitExceededException", "TransactionInProgressException"}
    assert {code for code in theirs if not (is_throttling(code) or is_transient(code))} == set()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Thu, 01 Jan 1970 00:17:40 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=1000.0) == seconds


def test_poll_returns_what_it_waited_for() -> None:
    time, seen = Time(), iter(["no", "no", "yes"])
    poll = Poll(2, time.clock, time.sleep)
    assert poll.until(lambda: next(seen), lambda each: each == "yes", seconds=60) == ("yes", True)
    assert time.slept == [2, 2]


def test_poll_observes_once_more_at_the_deadline_and_gives_up() -> None:
    time, observations = Time(), []
    poll = Poll(2, time.clock, time.sleep)
    last = poll.until(lambda: observations.append(time.now) or len(observations), lambda each: False, seconds=5)
    assert last == (4, False)
    assert time.slept == [2, 2, 1]
    assert observations[-1] == 1005.0


def test_poll_observes_at_least_once() -> None:
    assert Poll(2, Time().clock, Time().sleep).until(lambda: "yes", lambda each: True, seconds=0) == ("yes", True)
