# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one retry policy, and the one way to wait for a condition.

Clock, sleep and randomness are passed in, so that tests need no time.
"""

from __future__ import annotations

import random as _random
import time as _time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TypeVar, cast

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError

T = TypeVar("T")

# Every code by which an AWS service says "slower". LimitExceededException is left out on purpose: in Secrets Manager,
# ECR, ECS and IAM it is an account's quota, and no waiting fixes that.
AWS_THROTTLING = frozenset({
    "APICallRateForCustomerExceeded", "APICallRateForCustomerExceededFault", "BandwidthLimitExceeded",
    "CallRateLimitExceededException", "DependencyThrottle", "DependentServiceRequestThrottlingFault",
    "EC2ThrottledException", "EKSRequestThrottledException", "KMSThrottling", "KMSThrottlingException",
    "KMSThrottlingFault", "KmsThrottled", "KmsThrottlingException", "LambdaThrottledException",
    "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "RateExceeded", "RateExceededException",
    "RateLimitError", "RateLimitExceededException", "RequestLimitExceeded", "RequestLimitExceededException",
    "RequestThrottled", "RequestThrottledException", "SlowDown", "SlowDownException", "Throttled",
    "ThrottledClientException", "ThrottledException", "ThrottledRequestException", "Throttling",
    "ThrottlingException", "TooManyRequestException", "TooManyRequests", "TooManyRequestsError",
    "TooManyRequestsException",
})  # fmt: skip
# Google's reasons and statuses. quotaExceeded is a project's quota and left out for the same reason.
GOOGLE_THROTTLING = frozenset(
    {"RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "rateLimitExceeded", "userRateLimitExceeded"}
)
TRANSIENT = frozenset({
    "InternalError", "InternalErrorException", "InternalFailure", "InternalServerError", "InternalServerErrorException",
    "InternalServerException", "InternalServiceError", "RequestTimeout", "RequestTimeoutException", "ServerException",
    "ServiceUnavailable", "ServiceUnavailableException", "Unavailable",
    "ABORTED", "INTERNAL", "UNAVAILABLE", "backendError", "internalError",
})  # fmt: skip


def is_throttling(code: str, status: int = 0) -> bool:
    """Whether a cloud's error code or HTTP status means "too many requests"."""
    return status == 429 or code in AWS_THROTTLING or code in GOOGLE_THROTTLING


def is_transient(code: str, status: int = 0) -> bool:
    """Whether a cloud's error code or HTTP status says that the fault is the cloud's and may pass."""
    return status in (500, 502, 503, 504) or code in TRANSIENT


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """A ``Retry-After`` header as seconds from now.

    :param header: seconds (``"7"``) or an HTTP date; anything else counts as no header.
    :param now: seconds since the epoch.
    """
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - now)
    except ValueError:
        return None


@dataclass(frozen=True)
class Retry:
    """Try until a deadline, with full jitter, and never sooner than the cloud asked.

    :param deadline: seconds from the first attempt; no attempt starts later.
    :param base: seconds of the first pause's upper bound; doubled each time.
    :param cap: seconds that the bound never exceeds.
    :param may: called before each attempt; raises when none may be made any more.
    """

    deadline: float = 60.0
    base: float = 0.25
    cap: float = 8.0
    clock: Callable[[], float] = field(default=_time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=_time.sleep, repr=False)
    random: Callable[[], float] = field(default=_random.random, repr=False)
    may: Callable[[], None] = field(default=lambda: None, repr=False)

    def pause(self, attempts: int, retry_after: float | None) -> float:
        """Seconds to wait after so many failed attempts."""
        jitter = self.random() * min(self.cap, self.base * 2.0 ** (attempts - 1))
        # Jitter is added to the cloud's wish and not replaced by it: everyone else was told the same second.
        return jitter if retry_after is None else retry_after + jitter

    def run(self, attempt: Callable[[], T], *, idempotent: bool) -> T:
        """Call ``attempt`` until it returns, fails for good, or the deadline would pass.

        :param idempotent: whether a second request is harmless after one whose fate is unknown.
        :raises CloudError: the last failure, saying how long it was tried.
        """
        start = self.clock()
        attempts = 0
        while True:
            attempts += 1
            self.may()
            try:
                return attempt()
            except CloudError as error:
                failure = error
            pause = self.pause(attempts, failure.retry_after)
            elapsed = self.clock() - start
            if not failure.may_retry(idempotent) or elapsed + pause > self.deadline:
                raise failure if attempts == 1 else failure.after(attempts, elapsed)
            self.sleep(pause)


@dataclass(frozen=True)
class Poll:
    """Observe again and again until what is seen is what is wanted, or time is up.

    :param interval: seconds between two observations.
    """

    interval: float = 2.0
    clock: Callable[[], float] = field(default=_time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=_time.sleep, repr=False)

    def until(self, observe: Callable[[], T], done: Callable[[T], bool], *, seconds: float) -> tuple[T, bool]:
        """The last thing seen, and whether it was the wanted one. There is always at least one observation.

        :param seconds: how long to go on.
        """
        end = self.clock() + seconds
        while True:
            seen = observe()
            if done(seen):
                return seen, True
            left = end - self.clock()
            if left <= 0:
                return seen, False
            self.sleep(min(self.interval, left))

    def allowed(
        self, act: Callable[[], T], refusal: type[CloudError] | tuple[type[CloudError], ...], *, seconds: float
    ) -> T:
        """What an act returns, tried until it is no longer refused in this way.

        :param seconds: how long to go on.
        :raises CloudError: the last refusal; any other at once.
        """

        def attempt() -> tuple[T | None, CloudError | None]:
            try:
                return act(), None
            except refusal as error:
                return None, error

        (result, error), _done = self.until(attempt, lambda seen: seen[1] is None, seconds=seconds)
        if error:
            raise error
        return cast("T", result)
