# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the API that can be ordered: throttling, server errors, resets, slow answers, expired credentials."""

from __future__ import annotations

import fnmatch
import itertools
import random
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.problem import Problem

KINDS = ("throttle", "error", "reset", "slow", "expire")

# What each service says when it throttles, and the HTTP status that goes with it.
THROTTLING = {"ec2": ("RequestLimitExceeded", 503), "elbv2": ("Throttling", 400), "iam": ("Throttling", 400),
              "sts": ("Throttling", 400)}
EXPIRED = {"ec2": ("RequestExpired", 400), "elbv2": ("ExpiredToken", 403), "iam": ("ExpiredToken", 403),
           "sts": ("ExpiredToken", 403)}
SERVER = {"ec2": ("InternalError", 500), "iam": ("ServiceFailure", 500), "elbv2": ("InternalFailure", 500)}


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
    """Only requests with this access key."""
    ident: str = ""
    fired: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Problem(f"there is no fault {self.kind!r}", "kind", f"one of {', '.join(KINDS)}")
        self._random = random.Random(self.seed)

    def matches(self, service: str, operation: str, access_key: str) -> bool:
        """Whether this request is its business; draws from its own random sequence if so."""
        if self.count is not None and self.fired >= self.count:
            return False
        if self.access_key and self.access_key != access_key:
            return False
        if not any(fnmatch.fnmatchcase(f"{service}:{operation}", pattern) for pattern in self.operations):
            return False
        return self._random.random() < self.probability

    def answer(self, service: str) -> tuple[str, int]:
        """Error code and HTTP status for this service."""
        table, default = {
            "throttle": (THROTTLING, ("ThrottlingException", 400)),
            "expire": (EXPIRED, ("ExpiredTokenException", 400)),
        }.get(self.kind, (SERVER, ("InternalServerError", 500)))
        code, status = table.get(service, default)
        return self.code or code, self.status or status


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
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
        with self._lock:
            fault.ident = f"{fault.kind}-{next(self._numbers)}"
            self._faults.append(fault)
        return fault

    def clear(self) -> int:
        """Lift all; returns how many there were."""
        with self._lock:
            count = len(self._faults)
            self._faults.clear()
        return count

    def listing(self) -> list[dict[str, Any]]:
        """The faults in force and how often each fired."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def choose(self, service: str, operation: str, access_key: str) -> Fault | None:
        """The first fault that strikes this request."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(service, operation, access_key):
                    fault.fired += 1
                    return fault
        return None
