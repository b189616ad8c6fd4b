# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment's steps over time, as SVG: a row a host, in the order of the batches, a bar a step. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.markup import Markup, joined, labels, tag
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.record import OK, STEPS, seconds
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.render import age

WIDTH = 1160
#: Where names begin, where time begins, and where it ends.
NAMES, START, END = 78, 262, 1140
TOP, ROW, BAR, LEAST = 52, 24, 14, 3.0
NAME_LETTERS = 25
#: Seconds between two lines of the time's axis, of which there are nine at most.
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_MOST_TICKS = 9

Row = Mapping[str, Any]


class Scale:
    """From moments to places."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._began = seconds(record["began"])
        self.length = max(1.0, seconds(record["ended"]) - self._began)

    def since(self, moment: str) -> float:
        """Seconds since the deployment began."""
        return seconds(moment) - self._began

    def at(self, since: float) -> float:
        """Where it is drawn."""
        return START + min(1.0, max(0.0, since / self.length)) * (END - START)


def timeline(record: Mapping[str, Any]) -> Markup:
    """The picture, and the words for those who cannot see it; the page has the steps as a table, too."""
    scale, groups = Scale(record), batches(record["members"])
    names = labels([row["name"] for row in record["members"]], NAME_LETTERS)
    height = TOP + ROW * len(record["members"]) + 10
    drawn: List[Markup] = [
        tag("title", "Steps of the deployment on each host, over time"),
        tag("desc", "The table of all steps below shows the same."),
    ]
    place = TOP
    for count, (number, rows) in enumerate(groups.items()):
        drawn.append(_band(number, place, len(rows), shaded=count % 2 == 0))
        place += ROW * len(rows)
    drawn += _axis(scale, place)
    place = TOP
    for rows in groups.values():
        for row in rows:
            drawn.append(_host(row, names[row["name"]], scale, place))
            place += ROW
    drawn += _first_failed_gate(record["gates"], scale, place)
    return tag("svg", *drawn, viewBox="0 0 %d %d" % (WIDTH, height), role="img", class_="timeline")


def legend(record: Mapping[str, Any]) -> Markup:
    """The colours of the steps that there are, and the sign of one that failed."""
    steps = [step for row in record["members"] for step in row["steps"]]
    there = {step["step"] for step in steps}
    items = [
        tag("li", tag("svg", tag("rect", width=14, height=12, class_=kind(step)), **_KEY), step)
        for step in STEPS
        if step in there
    ]
    if any(step["outcome"] != OK for step in steps):
        items.append(tag("li", tag("svg", _cross(7.0, 6.0), **_KEY), "failed step"))
    return tag("ul", *items, class_="legend")


def batches(members: Sequence[Row]) -> Dict[Optional[int], List[Row]]:
    """The members by the batch in which they were activated; those in none come last."""
    ordered = sorted(members, key=lambda row: row["batch"] or len(members) + 1)
    return {number: list(rows) for number, rows in groupby(ordered, key=lambda row: row["batch"])}


def kind(step: str) -> str:
    """A step's class."""
    return "step " + step.replace(" ", "-") if step in STEPS else "step"


_KEY = {"width": 14, "height": 12, "viewBox": "0 0 14 12", "aria_hidden": "true"}


def _band(number: Optional[int], place: int, rows: int, shaded: bool) -> Markup:
    """The ground of a batch."""
    box = tag("rect", x=0, y=place, width=WIDTH, height=ROW * rows, class_="band") if shaded else Markup()
    label = "no batch" if number is None else "batch %d" % number
    return joined([box, tag("text", label, x=8, y=place + ROW - 8, class_="quiet")])


def _axis(scale: Scale, bottom: int) -> List[Markup]:
    step = next((each for each in _TICKS if scale.length / each <= _MOST_TICKS), 86400 * 7)
    found = []
    for number in range(int(scale.length // step) + 1):
        x = scale.at(number * step)
        found.append(tag("line", x1=x, x2=x, y1=TOP - 6, y2=bottom, class_="grid"))
        found.append(tag("text", age(number * step), x=x, y=TOP - 12, text_anchor="middle", class_="quiet"))
    return found


def _host(row: Row, label: str, scale: Scale, place: int) -> Markup:
    name = tag("text", label, tag("title", row["name"]), x=NAMES, y=place + ROW - 8)
    bars = [_bar(step, row["name"], scale, place) for step in row["steps"]]
    marks = [_cross(_end(step, scale), place + ROW / 2) for step in row["steps"] if step["outcome"] != OK]
    return tag("g", name, *bars, *marks)


def _bar(step: Mapping[str, Any], name: str, scale: Scale, place: int) -> Markup:
    begin = scale.at(scale.since(step["began"]))
    length = scale.since(step["ended"]) - scale.since(step["began"])
    words = "%s: %s, %.1f s: %s" % (name, step["step"], length, step["outcome"])
    failed = "" if step["outcome"] == OK else " failed"
    place_of = {"x": begin, "y": place + (ROW - BAR) / 2, "width": _end(step, scale) - begin, "height": BAR}
    return tag("rect", tag("title", words), class_=kind(step["step"]) + failed, **place_of)


def _end(step: Mapping[str, Any], scale: Scale) -> float:
    return max(scale.at(scale.since(step["ended"])), scale.at(scale.since(step["began"])) + LEAST)


def _cross(x: float, y: float) -> Markup:
    """The sign of what failed: a shape, for a colour alone is not seen by everybody."""
    arms = "M%.2f %.2fl6 6m0 -6l-6 6" % (x - 3, y - 3)
    return tag("g", tag("circle", cx=x, cy=y, r=5.5), tag("path", d=arms), class_="cross")


def _first_failed_gate(gates: Sequence[Mapping[str, Any]], scale: Scale, bottom: int) -> List[Markup]:
    """The moment at which the deployment stopped. Later gates repeat its findings."""
    failed = next((gate for gate in gates if gate["outcome"] != OK), None)
    if failed is None:
        return []
    x = scale.at(scale.since(failed["at"]))
    right = x > (START + END) / 2
    words = "gate failed: %s" % failed["outcome"]
    label = {"x": x - 4 if right else x + 4, "text_anchor": "end" if right else "start"}
    return [
        tag("line", x1=x, x2=x, y1=14, y2=bottom, class_="stopped"),
        tag("text", words, y=22, class_="bad", **label),
    ]
