# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run has come: fed with what Ansible reports, read as lines for a screen or a log. Pure, and without a clock
of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.render import (
    CUT,
    GAP,
    Paint,
    age,
    clean,
    grid,
    plain,
    wrap,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.stages import (
    BATCH,
    CONTROLLER,
    EARLIER,
    HOST,
    STAGES,
    Stage,
    Task,
)

#: The controller as a host of a play.
LOCALHOST = "localhost"
COLOURS = {"good": "good", "failed": "bad", "rolling back": "warning", "rolled back": "warning"}
#: Seconds after which what somebody does is worth a line; most of a playbook's tasks are over before.
LASTING = 1.0
_LABEL = 14
_FEW = 8


@dataclass
class Place:
    """A host, or the controller: what it has reached, what it does or did last, and what is wrong with it."""

    reached: str = ""
    stage: Optional[Stage] = None
    since: float = 0.0
    busy: bool = False
    failure: str = ""

    def begin(self, task: Task, now: float) -> None:
        # The tasks of a role may be one stage; others are new each time, whatever their names.
        if not (task.role and task.stage == self.stage):
            self.stage, self.since = task.stage, now
        self.busy = True

    def at_work(self, now: float) -> Optional[Stage]:
        return self.stage if self.busy and now - self.since >= LASTING else None


@dataclass
class Progress:
    """A run so far."""

    began: float
    title: str = ""
    title_since: float = 0.0
    batch: List[str] = field(default_factory=list)
    hosts: Dict[str, Place] = field(default_factory=dict)
    controller: Place = field(default_factory=Place)
    _reported: Set[Stage] = field(default_factory=set)
    _news: List[str] = field(default_factory=list)

    def play(self, name: str, batch: Sequence[str], everyone: Sequence[str], serial: Sequence[int], now: float) -> None:
        """A play begins, or its next batch.

        :param everyone: the hosts of all its batches, in order; ``batch`` holds some of them.
        :param serial: the sizes of its batches, the last one repeated; none: all are one.
        """
        hosts, now_on = [host for host in everyone if host != LOCALHOST], set(batch)
        self.batch = [host for host in hosts if host in now_on]
        number, total = batch_of(hosts.index(self.batch[0]) if self.batch else 0, len(hosts), serial)
        self.title = clean(name) + (", batch %d of %d" % (number, total) if total > 1 else "")
        self.title_since, self._reported = now, set()
        for host in hosts:
            self.hosts.setdefault(host, Place())
        for place in (*self.hosts.values(), self.controller):
            place.stage, place.busy = None, False

    def start(self, task: Task, host: str, now: float) -> None:
        """A task starts on a host."""
        for place in self._places(task.stage, host):
            place.begin(task, now)

    def end(
        self, task: Task, host: str, now: float, failure: str = "", skipped: bool = False, halfway: bool = False
    ) -> None:
        """A task has ended on a host.

        :param failure: what went wrong there.
        :param halfway: it did not go wrong, and has not reached what the task is for.
        """
        stage = task.stage
        if not skipped and stage in STAGES.values() and stage.about != CONTROLLER:
            self._report(stage, now)
        for place in self._places(stage, host):
            place.busy = False
            if stage.about == HOST and stage.done and not (failure or skipped or halfway):
                place.reached = stage.done
        if stage.about == HOST:
            self._blame(host, failure, now)

    def item(self, task: Task, about: str, failure: str, now: float) -> None:
        """One item of a task's loop has ended; of members of earlier batches it is the member that it is about."""
        if task.stage.about == EARLIER:
            self._blame(about, failure, now)

    def _blame(self, host: str, failure: str, now: float) -> None:
        place = self.hosts.get(host)
        if place and failure and place.failure != clean(failure):
            place.failure, place.reached = clean(failure), ""
            self._news.append("%s  %s failed: %s" % (age(now - self.began), clean(host), place.failure))

    def news(self, now: float) -> List[str]:
        """The lines for a log since the last call: a stage that a batch has come to, a host that has failed."""
        for place in (*self.hosts.values(), self.controller):
            stage = place.at_work(now)
            if stage:
                self._report(stage, now)
        reported, self._news = self._news, []
        return reported

    def _places(self, stage: Stage, host: str) -> List[Place]:
        if stage.about == CONTROLLER or host not in self.hosts:
            return [self.controller]
        return [self.hosts[name] for name in (self.batch if stage.about == BATCH else [host])]

    def _report(self, stage: Stage, now: float) -> None:
        if stage not in self._reported:
            self._reported.add(stage)
            names = [] if stage.about == CONTROLLER else self.batch
            whom = ": " + listed([clean(name) for name in names], _FEW) if names else ""
            self._news.append("%s  %s: %s%s" % (age(now - self.began), self.title, stage.text, whom))


def batch_of(place: int, count: int, serial: Sequence[int]) -> Tuple[int, int]:
    """Which batch the host at this place is in, from 1, and how many there are."""
    ends: List[int] = []
    while not ends or ends[-1] < count:
        size = serial[min(len(ends), len(serial) - 1)] if serial else 0
        ends.append((ends[-1] if ends else 0) + size if size > 0 else count)
    return 1 + sum(end <= place for end in ends), len(ends)


def lines(state: Progress, now: float, width: int, height: int, paint: Paint = plain) -> List[str]:
    """The run on a screen: who is at work, since when, by name; who has failed, by name; the others, counted.

    :param height: how many lines there may be; the failed have half of them, or what those at work leave.
    """
    if not state.title:
        return []
    title = "%s: %s; since the start: %s" % (state.title, age(now - state.title_since), age(now - state.began))
    failed = {name: place for name, place in state.hosts.items() if place.failure}
    counts = _counts(state, now, width, paint)
    room = height - 1 - len(counts)
    space = max(room // 2, room - len(_work(state, now, width, room, paint)))
    wrong = _failed(failed, width, space, paint)
    work = _work(state, now, width, room - len(wrong), paint)
    return [_cut(title, width), *wrong, *work, *counts][: max(0, height)]


def _work(state: Progress, now: float, width: int, space: int, paint: Paint) -> List[str]:
    rows: List[str] = []
    for label, what, items in _working(state, now, width):
        rows += _block(label, items, width, space - len(rows), paint, what)
    return rows


def _working(state: Progress, now: float, width: int) -> List[Tuple[str, str, List[str]]]:
    """What is being done, each with those who do it, and for how long. What is done to all hosts at once began at one
    time, so they are counted where a line does not hold them."""
    groups: Dict[Stage, List[str]] = {}
    for name, place in state.hosts.items():
        stage = place.at_work(now)
        if stage:
            groups.setdefault(stage, []).append("%s %s" % (clean(name), age(now - place.since)))
    found = []
    for stage, items in groups.items():
        if stage.about == BATCH and len(items) == len(state.hosts) and not _fits(GAP.join(items), width):
            items = ["all %d hosts %s" % (len(items), age(now - min(place.since for place in state.hosts.values())))]
        found.append((stage.doing, stage.what, items))
    stage = state.controller.at_work(now)
    if stage:
        found.append(("controller", "", ["%s %s" % (stage.text, age(now - state.controller.since))]))
    return found


def _counts(state: Progress, now: float, width: int, paint: Paint) -> List[str]:
    """Those who neither work nor have failed, by what they have reached: by name where a line holds them."""
    groups: Dict[str, List[str]] = {}
    for name, place in state.hosts.items():
        if not place.at_work(now) and not place.failure:
            groups.setdefault(place.reached or "waiting", []).append(clean(name))
    rows = []
    for label, names in groups.items():
        text = GAP.join(names)
        rows.append(_row(label, text if _fits(text, width) else "%d hosts" % len(names), width, paint))
    return rows


def _failed(failed: Mapping[str, Place], width: int, space: int, paint: Paint) -> List[str]:
    """Each reason with those who failed for it, on its share of the space; where that is too little, the names of all,
    and the reason of the first."""
    groups: Dict[Tuple[str, str], List[str]] = {}
    for name, place in failed.items():
        groups.setdefault((place.reached, place.failure), []).append(clean(name))
    share = space // max(1, len(groups))
    if failed and share < (1 if len(groups) == len(failed) else 2):
        name, place = next(iter(failed.items()))
        first = _rows("", _reason(clean(name), place.reached, place.failure), width, 2, paint)
        return [*_block("failed", [*map(clean, failed)], width, space - len(first), paint), *first]
    shown: List[str] = []
    for (reached, failure), names in groups.items():
        if len(names) == 1:
            shown += _rows("failed", _reason(names[0], reached, failure), width, share, paint)
        else:
            rows = _rows("failed", _reason("%d hosts" % len(names), reached, failure), width, share // 2, paint)
            shown += [*rows, *_block("", names, width, share - len(rows), paint)]
    return shown


def _reason(who: str, reached: str, failure: str) -> str:
    return "%s: %s" % (", ".join(text for text in (who, reached) if text), failure)


def _rows(label: str, text: str, width: int, rows: int, paint: Paint) -> List[str]:
    """A text of several lines; the last of them is cut."""
    texts = wrap(text, width - _LABEL, "")
    if len(texts) > rows:
        texts = [*texts[: rows - 1], " ".join(texts[rows - 1 :])]
    return [_row("" if place else label, each, width, paint) for place, each in enumerate(texts)]


def _block(label: str, items: Sequence[str], width: int, rows: int, paint: Paint, what: str = "") -> List[str]:
    """Items side by side, over several lines; what does not fit on them is counted.

    :param what: what is said before the items.
    """
    head = [what + ":"] if what else []
    line = GAP.join([*head, *items])
    texts = [line] if _fits(line, width) else [*head, *grid(items, width - _LABEL, rows - len(head))]
    return [_row("" if place else label, text, width, paint) for place, text in enumerate(texts)]


def _fits(text: str, width: int) -> bool:
    return _LABEL + len(text) <= width


def _row(label: str, text: str, width: int, paint: Paint) -> str:
    line = _cut((label.ljust(_LABEL) + text).rstrip(), width)
    colour = COLOURS.get(label, "")
    return paint(line[: len(label)], colour) + line[len(label) :] if colour else line


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else (text[: width - 1] + CUT if width > 0 else "")
