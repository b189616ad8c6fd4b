# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh at one moment, as SVG: members on a circle, live edges solid, edges that are missing dashed. Pure."""

from __future__ import annotations

import math
from typing import Any, Collection, Dict, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.markup import Markup, labels, tag

#: A picture of more members shows nothing that their numbers do not.
MOST = 60
#: Up to so many members names are written level, and along the radius beyond.
LEVEL = 12
WIDTH = 560
#: Characters of a level name, and of one along the radius.
LETTERS, LETTERS_OUTWARD = 20, 16
#: More missing edges than this are drawn thin: each of them alone is not what is wrong.
MANY = 60

Place = Tuple[float, float]


def picture(record: Mapping[str, Any], when: str) -> Markup:
    """The mesh.

    :param when: ``before`` or ``after``.
    """
    mesh = record["mesh"]
    names, live = mesh["members"], {tuple(pair) for pair in mesh[when]}
    missing = [pair for pair in mesh["planned"] if tuple(pair) not in live]
    level = len(names) <= LEVEL
    radius, height = (115.0, 300) if level else (150.0, WIDTH)
    shown = labels(names, LETTERS if level else LETTERS_OUTWARD)
    places = _places(names, radius, height / 2)
    return tag(
        "svg",
        tag("title", "The mesh %s the deployment: %s" % (when, numbers(record, when))),
        tag("path", d="".join(_line(places, pair) for pair in sorted(live)), class_="live"),
        tag("g", *(_missing(places, pair) for pair in missing), class_="many" if len(missing) > MANY else None),
        *(_member(name, shown[name], place, level, height / 2) for name, place in places.items()),
        viewBox="0 0 %d %d" % (WIDTH, height),
        role="img",
        class_="mesh" if level else "mesh dense",
    )


def numbers(record: Mapping[str, Any], when: str) -> str:
    """The mesh in words."""
    return "%d of %d edges live" % (len(record["mesh"][when]), len(record["mesh"]["planned"]))


def _places(names: Sequence[str], radius: float, middle: float) -> Dict[str, Place]:
    """The first one is at the top, the others follow clockwise."""
    turns = [2 * math.pi * index / max(1, len(names)) - math.pi / 2 for index in range(len(names))]
    return {
        name: (WIDTH / 2 + radius * math.cos(turn), middle + radius * math.sin(turn))
        for name, turn in zip(names, turns)
    }


def _line(places: Mapping[str, Place], pair: Collection[str]) -> str:
    """An edge as part of a path: hundreds of them are one element."""
    one, other = (places[name] for name in pair)
    return "M%.1f %.1fL%.1f %.1f" % (*one, *other)


def _missing(places: Mapping[str, Place], pair: Collection[str]) -> Markup:
    words = "%s and %s: planned, not live" % tuple(pair)
    return tag("path", tag("title", words), d=_line(places, pair), class_="missing")


def _member(name: str, shown: str, place: Place, level: bool, middle: float) -> Markup:
    """Its dot, and its name outside of the circle."""
    x, y = place
    angle = math.atan2(y - middle, x - WIDTH / 2)
    label = _level(x, y, angle) if level else _radial(x, y, angle)
    dot = tag("circle", cx=x, cy=y, r=5, class_="member")
    return tag("g", tag("title", name), dot, tag("text", shown, **label))


def _level(x: float, y: float, angle: float) -> Dict[str, Any]:
    side = math.cos(angle)
    anchor = "middle" if abs(side) < 0.01 else "start" if side > 0 else "end"
    return {"x": x + 12 * side, "y": y + 16 * math.sin(angle) + 4, "text_anchor": anchor}


def _radial(x: float, y: float, angle: float) -> Dict[str, Any]:
    """On the left it is turned once more, so that no name stands on its head."""
    left = math.cos(angle) < -0.01
    x, y = x + 10 * math.cos(angle), y + 10 * math.sin(angle)
    turn = "rotate(%.1f %.1f %.1f)" % (math.degrees(angle) + (180 if left else 0), x, y)
    return {"x": x, "y": y, "transform": turn, "text_anchor": "end" if left else "start",
            "dominant_baseline": "central"}  # fmt: skip
