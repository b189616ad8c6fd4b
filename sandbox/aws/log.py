# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of API operations, one JSON object a line, and the process's own words on standard error."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from pathlib import Path
from typing import Any

READS = re.compile(r"^(Describe|Get|List|BatchGet|BatchCheck|Search|Head|AssumeRole|Simulate|Validate|Decode)")


def mutates(operation: str, status: int = 200) -> bool:
    """Whether an operation is a change by its name. A DryRun (412) is not; a refused change is."""
    return status != 412 and not READS.match(operation)


class Log:
    """Appends to the operation log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recording = False
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)

    def operation(self, service: str, operation: str, *, status: int, error: str | None, access_key: str,
                  fault: str | None, mutating: bool | None = None) -> None:
        """Record one operation; whether it is a change follows from its name unless it is said."""
        change = mutates(operation, status) if mutating is None else mutating
        self._append({"service": service, "operation": operation, "mutating": change,
                      "status": status, "error": error, "access_key": access_key, "fault": fault})

    def fault(self, kind: str, **what: Any) -> None:
        """Record a fault that is not an answer of the API: a cut link, a killed machine."""
        self._append({"service": "sandbox", "operation": kind, "mutating": False, "status": 0, "error": None,
                      "access_key": None, "fault": kind, **what})

    def _append(self, entry: dict[str, Any]) -> None:
        if not self.recording:
            return
        now = time.time()
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps({"time": moment, **entry}) + "\n")

    @staticmethod
    def say(text: str) -> None:
        """One line for the process's log file."""
        print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)
