# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings in the order of what they mean for a run: what stops it, what changes behaviour, what is ignored. Pure.

A file written for the agent alone names dozens of settings that nothing reads. For a person they are one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding

#: The codes of findings that say only that something has no effect, and that nobody has to act on.
IGNORED = ("ignored-setting", "ignored-variable")
#: So many settings of a section are named one by one.
_NAMED = 2
#: Names in the line for all that is ignored, and places where they stand.
_NAMES, _PLACES = 16, 2
_SECTION = re.compile(r"[^.]+\.|.+?__")


@dataclass(frozen=True)
class Groups:
    """Findings by what they mean for a run, each group in the order met.

    :param stops: the run does not go on.
    :param changes: the fleet does not behave as the settings read.
    :param ignored: nothing reads what was set.
    """

    stops: Tuple[Finding, ...]
    changes: Tuple[Finding, ...]
    ignored: Tuple[Finding, ...]


def grouped(findings: Iterable[Finding]) -> Groups:
    """Every finding in its group."""
    found = list(findings)
    warnings = [item for item in found if item.level != ERROR]
    return Groups(
        stops=tuple(item for item in found if item.level == ERROR),
        changes=tuple(item for item in warnings if item.code not in IGNORED),
        ignored=tuple(item for item in warnings if item.code in IGNORED),
    )


def shortened(findings: Iterable[Finding], every: bool = False) -> List[Finding]:
    """The findings for a person, in the order of their groups: all that is ignored is one.

    :param every: each by itself all the same.
    """
    groups = grouped(findings)
    if every:
        return [*groups.stops, *groups.changes, *groups.ignored]
    return [*groups.stops, *_alike(groups.changes), *_one(groups.ignored)]


def lines(findings: Iterable[Finding], every: bool = False) -> List[str]:
    """The findings as Ansible's warnings: ``shortened``, a line each."""
    return [str(finding) for finding in shortened(findings, every)]


def _alike(findings: Sequence[Finding]) -> List[Finding]:
    """What is said of several settings alike, once: of the first, with the names of the others."""
    kinds: Dict[Tuple[str, str, str], List[Finding]] = {}
    for at, item in enumerate(findings):
        kinds.setdefault((item.code, item.where, item.fix if item.path else str(at)), []).append(item)
    found = []
    for first, *others in kinds.values():
        names = [path for path in dict.fromkeys(item.path for item in others) if path != first.path]
        found.append(replace(first, what="%s Also: %s." % (first.what, ", ".join(names))) if names else first)
    return found


def _one(findings: Sequence[Finding]) -> List[Finding]:
    """One finding for all of these."""
    paths = list(dict.fromkeys(item.path for item in findings))
    where = listed(list(dict.fromkeys(item.where for item in findings)), _PLACES)
    if len(paths) < 2:
        return [replace(item, where=where) for item in findings[:1]]
    return [
        Finding(
            code=IGNORED[0],
            what="%d settings have no effect: %s." % (len(paths), listed(_sections(paths), _NAMES)),
            where=where,
            fix="Leave them out; run with -v to see why for each.",
            level=WARNING,
        )
    ]


def _sections(paths: Iterable[str]) -> List[str]:
    """The paths, those of one section as one word where they are more than a few: ``p2p.* (14)``."""
    sections: Dict[str, List[str]] = {}
    for path in paths:
        start = _SECTION.match(path)
        sections.setdefault(start.group(0) if start else path, []).append(path)
    found: List[str] = []
    for section, names in sections.items():
        found += names if len(names) <= _NAMED else ["%s* (%d)" % (section, len(names))]
    return found


def listed(words: Sequence[str], most: int) -> str:
    """The first of many words, and how many more there are."""
    more = len(words) - most
    return ", ".join(words[:most]) + (" and %d more" % more if more > 0 else "")
