# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the API that can be ordered: throttling, server errors, resets, lost and cut answers, slow answers, expired
credentials, new instances that are not described yet, and a storm of several of these."""

from __future__ import annotations

import fnmatch
import itertools
import random
import threading
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.problem import Problem

GOOGLE_KINDS = ("fail", "hang", "stale", "quota", "page")
"""What only Google's API can be ordered: operations that end in an error or never, a resource that somebody else
changes between the observation and the change, a quota that is used up, and a list whose later pages cannot be had."""
KINDS = ("throttle", "error", "reset", "lose", "truncate", "slow", "expire", "hide", "storm", *GOOGLE_KINDS)
ONLY = {"fail": "change", "hang": "change", "quota": "change", "stale": "fingerprint", "page": "page"}
"""Faults that strike only requests of which this holds."""

# What each service says when it throttles, and the HTTP status that goes with it.
THROTTLING = {"ec2": ("RequestLimitExceeded", 503), "elbv2": ("Throttling", 400), "iam": ("Throttling", 400),
              "sts": ("Throttling", 400), "compute": ("rateLimitExceeded", 403),
              "secretmanager": ("RESOURCE_EXHAUSTED", 429)}
EXPIRED = {"ec2": ("RequestExpired", 400), "elbv2": ("ExpiredToken", 403), "iam": ("ExpiredToken", 403),
           "sts": ("ExpiredToken", 403), "compute": ("authError", 401),
           "secretmanager": ("authError", 401)}
QUOTA = ("quotaExceeded", 403)
IN_VAIN = ("ZONE_RESOURCE_POOL_EXHAUSTED", 503)
SERVER = {"ec2": ("InternalError", 500), "iam": ("ServiceFailure", 500), "elbv2": ("InternalFailure", 500),
          "compute": ("backendError", 503), "secretmanager": ("backendError", 503)}

# What else they say, for a storm: other services' words, gateways' pages, and requests that were never answered.
MORE_THROTTLING = {
    "ec2": (("EC2ThrottledException", 400), ("Throttling", 400), ("SlowDown", 503), ("RequestThrottled", 400)),
    "elbv2": (("RequestLimitExceeded", 503), ("ThrottlingException", 400)),
    "iam": (("RequestLimitExceeded", 503), ("TooManyRequestsException", 429)),
    "sts": (("RequestThrottledException", 400),),
    "secretsmanager": (("TooManyRequestsException", 429), ("ProvisionedThroughputExceededException", 400)),
    "ecr": (("TooManyRequestsException", 429), ("RequestThrottledException", 400)),
    "compute": (("userRateLimitExceeded", 403), ("rateLimitExceeded", 429)),
    "secretmanager": (("RATE_LIMIT_EXCEEDED", 429),),
}
MORE_SERVER = (("ServiceUnavailable", 503), ("Unavailable", 503), ("InternalFailure", 500), ("BadGateway", 502),
               ("GatewayTimeout", 504))
UNANSWERED = {"reset": "ConnectionReset", "lose": "AnswerLost", "truncate": "AnswerCut"}
"""What the log has for an error where there was no answer."""
STORM = ("throttle", "throttle", "error", "error", "reset", "lose", "truncate")


@dataclass(frozen=True)
class Strike:
    """What is done to one request: `throttle`, `error`, `expire`, `quota` and `page` refuse it with a code; `reset`
    cuts the connection before it is carried out, `lose` after; `truncate` carries it out and cuts the answer short;
    `slow` answers late; `fail` and `hang` take it on in vain; `stale` carries it out after somebody else's change."""

    kind: str
    code: str
    status: int
    seconds: float
    retry_after: int | None = None
    message: str = ""


@dataclass
class Fault:
    """One ordered fault. `operations` are patterns such as `ec2:Describe*`; `probability` is between 0 and 1."""

    kind: str
    operations: list[str] = field(default_factory=lambda: ["*"])
    code: str | None = None
    status: int | None = None
    probability: float = 1.0
    seed: int = 0
    count: int | None = None
    """How many times it fires at most."""
    seconds: float = 1.0
    """For `slow`: how long the answer is held back."""
    access_key: str | None = None
    """Only requests with this access key, or by this service account."""
    calls: int = 2
    """For `hide`: how many reads miss a new instance."""
    retry_after: int | None = None
    """For `throttle` and `error`: the header Retry-After, in seconds."""
    message: str = ""
    """For `fail`: what the operation's error says."""
    ident: str = ""
    ordered: float = field(default_factory=time.time)
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Problem(f"there is no fault {self.kind!r}", "kind", f"one of {', '.join(KINDS)}")
        self._asked: dict[str, int] = {}
        self._observations: dict[str, int] = {}

    def matches(self, service: str, operation: str, access_key: str, traits: Collection[str] = ()) -> bool:
        """Whether this request is its business."""
        if self.kind == "hide" or (self.kind in ONLY and ONLY[self.kind] not in traits):
            return False
        if self.count is not None and self.fired >= self.count:
            return False
        if self.access_key and self.access_key != access_key:
            return False
        if not any(fnmatch.fnmatchcase(f"{service}:{operation}", pattern) for pattern in self.operations):
            return False
        return self._draw(service, operation).random() < self.probability

    def _draw(self, service: str, operation: str) -> random.Random:
        """The same for the same seed, operation and number of the request, in whatever order the operations come."""
        name = f"{service}:{operation}"
        self._asked[name] = self._asked.get(name, 0) + 1
        return random.Random(f"{self.seed}/{name}/{self._asked[name]}")

    def hides(self, instance_id: str, made_at: float) -> bool:
        """For `hide`: whether this observation misses the instance; counts the observation."""
        if self.kind != "hide" or made_at < self.ordered or (self.count is not None and self.fired >= self.count):
            return False
        observations = self._observations[instance_id] = self._observations.get(instance_id, 0) + 1
        return observations <= self.calls

    def strike(self, service: str, operation: str, words: str = "") -> Strike:
        """What is done to a request that it strikes.

        :param words: the service in whose words it is refused, if not its own.
        """
        words = words or service
        if self.kind != "storm":
            return self._strike(self.kind, *self.answer(self.kind, words))
        draw = random.Random(f"{self.seed}/{service}:{operation}/{self._asked[f'{service}:{operation}']}/kind")
        kind = draw.choice(STORM)
        code, status = self.answer(kind, words)
        more = {"throttle": MORE_THROTTLING.get(words, ()), "error": MORE_SERVER}.get(kind, ())
        return self._strike(kind, *draw.choice(((code, status), *more)))

    def _strike(self, kind: str, code: str, status: int) -> Strike:
        return Strike(kind, code, status, self.seconds, self.retry_after, self.message)

    def answer(self, kind: str, service: str) -> tuple[str, int]:
        """Error code and HTTP status for this service."""
        table, default = {
            "throttle": (THROTTLING, ("ThrottlingException", 400)),
            "expire": (EXPIRED, ("ExpiredTokenException", 400)),
            "quota": ({}, QUOTA), "fail": ({}, IN_VAIN),
        }.get(kind, (SERVER, ("InternalServerError", 500)))
        code, status = table.get(service, default)
        return self.code or code, self.status or status


class Faults:
    """The faults in force. `without`: kinds that there are not."""

    def __init__(self, without: Collection[str] = ()) -> None:
        self._without = frozenset(without)
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, description: dict[str, Any]) -> Fault:
        """Put a fault in force; the description holds Fault's fields."""
        try:
            fault = Fault(**description)
        except TypeError as error:
            raise Problem(f"the fault is not understood: {error}", "fault",
                          "see python -m sandbox fault --help") from None
        if fault.kind in self._without:
            raise Problem(f"this cloud has no fault {fault.kind!r}", "kind", "choose the other cloud: --cloud")
        with self._lock:
            fault.ident = f"{fault.kind}-{next(self._numbers)}"
            self._faults.append(fault)
        return fault

    def clear(self, ident: str = "") -> int:
        """Lift all, or the one of this name; returns how many there were."""
        with self._lock:
            kept = [fault for fault in self._faults if ident and fault.ident != ident]
            count = len(self._faults) - len(kept)
            self._faults = kept
        return count

    def listing(self) -> list[dict[str, Any]]:
        """The faults in force and how often each fired."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def hidden(self, instance_id: str, made_at: float) -> str | None:
        """The fault by which an observation misses this instance."""
        with self._lock:
            for fault in self._faults:
                if fault.hides(instance_id, made_at):
                    fault.fired += 1
                    return fault.ident
        return None

    def choose(self, service: str, operation: str, access_key: str, traits: Collection[str] = ()) -> Fault | None:
        """The first fault that strikes this request.

        :param traits: what holds of it: `change`, `fingerprint`, `page`.
        """
        with self._lock:
            for fault in self._faults:
                if fault.matches(service, operation, access_key, traits):
                    fault.fired += 1
                    return fault
        return None
