# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection says when something is wrong: one shape, from the compiler to a host's report.

Standard library only: hosts import this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, Tuple

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing worth telling the user.

    :param code: stable, lower-case words joined by hyphens (``unknown-setting``); tests and automation match on it.
    :param what: what is wrong, one sentence.
    :param where: the place: a layer or file, a host, a resource.
    :param fix: what to do about it, one sentence.
    :param level: ``error`` or ``warning``.
    :param path: dotted settings path (``p2p.port``), empty when it is not about one.
    :param command: what root types in a shell on the machine that ``where`` names, and the cause is gone; a part of
        ``fix``. Empty when there is no such command.
    """

    code: str
    what: str
    where: str
    fix: str
    level: str = ERROR
    path: str = ""
    command: str = ""

    def as_dict(self) -> Dict[str, str]:
        """The ``failure`` value that modules return beside ``msg``; ``command`` is in it where there is one."""
        more = {"command": self.command} if self.command else {}
        return {"code": self.code, "what": self.what, "where": self.where, "fix": self.fix, **more}

    def __str__(self) -> str:
        return "%s: %s %s" % (self.where, self.what, self.fix)


class Failed(Exception):
    """One or more findings that stop the work. Carries all of them, so that a user fixes everything in one go."""

    def __init__(self, *findings: Finding) -> None:
        self.findings: Tuple[Finding, ...] = findings
        super().__init__("\n".join(str(finding) for finding in findings))

    def as_result(self) -> Dict[str, Any]:
        """Keyword arguments for ``fail_json``: ``msg``, ``failure`` (the first) and ``failures`` (all)."""
        return failure_result(self.findings)


def failure_result(findings: Iterable[Finding]) -> Dict[str, Any]:
    """``msg``, ``failure`` and ``failures`` for a module's or action's result."""
    found = list(findings)
    return {
        "msg": "\n".join(str(finding) for finding in found),
        "failure": found[0].as_dict(),
        "failures": [finding.as_dict() for finding in found],
    }
