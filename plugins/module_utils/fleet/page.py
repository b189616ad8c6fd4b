# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a deployment as one HTML file: nothing beside it is needed to read it, no script either. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import mesh_picture
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.markup import Inside, Markup, joined, tag
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.mesh import BETWEEN
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.page_style import STYLE
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.record import OK, RESULTS, seconds
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.render import NONE, SHORT, age
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.timeline import Scale, legend, timeline

#: The browser refuses whatever is not in the file itself.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
#: Names that a cell lists; of more it says how many.
_NAMED = 6

Record = Mapping[str, Any]


def page(record: Record) -> str:
    """The file's text.

    :param record: what ``record.make`` gave, be it out of its JSON.
    """
    heading = "Deployment %s of fleet %s" % (record["deployment"], record["fleet"])
    head = tag(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta http-equiv="Content-Security-Policy" content="%s">' % _POLICY),
        tag("title", "%s: %s" % (heading, record["verdict"])),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        tag("main", tag("h1", heading), _verdict(record), _facts(record), *_findings(record), *_pictures(record),
            *_members(record), *_details(record)),
    )  # fmt: skip
    return "<!DOCTYPE html>\n%s\n" % tag("html", head, body, lang="en")


def _verdict(record: Record) -> Markup:
    good = record["verdict"] == "good"
    results = [row["result"] for row in record["members"]]
    levels = [item["level"] for item in record["findings"]]
    counted = [(results.count(word), word) for word in RESULTS]
    counted += [(levels.count(level), _plural(level, levels.count(level))) for level in ("error", "warning")]
    numbers = ["%d %s" % (len(results), _plural("member", len(results)))]
    numbers += ["%d %s" % pair for pair in counted if pair[0]] + [mesh_picture.numbers(record, "after")]
    sign = "✔ good" if good else "✘ bad"
    return tag("p", tag("strong", sign, class_="good" if good else "bad"), " " + ", ".join(numbers), class_="verdict")


def _facts(record: Record) -> Markup:
    took = age(seconds(record["ended"]) - seconds(record["began"]))
    pairs = [
        ("kind", record["reason"]), ("by", record["owner"]), ("plan", record["plan"]),
        ("began", _moment(record["began"])), ("ended", "%s, after %s" % (_moment(record["ended"]), took)),
    ]  # fmt: skip
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", text)) for term, text in pairs))


def _findings(record: Record) -> List[Markup]:
    if not record["findings"]:
        return [tag("h2", "Findings"), tag("p", "No problem was found.")]
    rows = [
        [
            _level(item["level"]),
            tag("code", item["code"]),
            item["where"].replace(BETWEEN, " ↔ "),
            item["what"],
            item["fix"],
        ]
        for item in record["findings"]
    ]
    heads = ("level", "code", "where", "what", "fix")
    return [tag("h2", "Findings"), _table("What was found, and how to fix it", heads, rows, "findings")]


def _pictures(record: Record) -> List[Markup]:
    meshes = [_mesh(record, when) for when in ("before", "after")]
    return [
        tag("h2", "Timeline"),
        tag("figure", legend(record), tag("div", timeline(record), class_="wide")),
        tag("h2", "Mesh"),
        tag("div", *meshes, class_="meshes"),
    ]


def _mesh(record: Record, when: str) -> Markup:
    words = tag("figcaption", "%s: %s" % (when.capitalize(), mesh_picture.numbers(record, when)))
    if len(record["mesh"]["members"]) > mesh_picture.MOST:
        return tag("figure", words)
    return tag("figure", words, mesh_picture.picture(record, when))


def _members(record: Record) -> List[Markup]:
    heads = ("member", "slot", "zone", "batch", "from", "to", "runs", "health", "result")
    rows: List[List[Inside]] = [
        [row["name"], row["slot"], row["zone"] or NONE, str(row["batch"] or NONE), _release(row["from"]),
         _release(row["to"]), _release(row["runs"]), row["health"], row["result"]]
        for row in record["members"]
    ]  # fmt: skip
    return [tag("h2", "Members"), _table("Each member's release before, as planned, and at the end", heads, rows)]


def _details(record: Record) -> List[Markup]:
    scale = Scale(record)
    gates: List[List[Inside]] = [
        [_since(scale, gate["at"]), _names(gate["members"]), "yes" if gate["mesh"] else "no", _outcome(gate["outcome"])]
        for gate in record["gates"]
    ]
    steps: List[List[Inside]] = [
        [row["name"], step["step"], _since(scale, step["began"]), _since(scale, step["ended"]),
         _outcome(step["outcome"])]
        for row in record["members"]
        for step in row["steps"]
    ]  # fmt: skip
    return [
        _folded("Gates", _table("Every verdict on a batch or the fleet",
                                ("at", "of", "edges", "outcome"), gates), gates),
        _folded("Steps", _table("Times are since the deployment began",
                                ("member", "step", "began", "ended", "outcome"), steps), steps),
    ]  # fmt: skip


def _folded(title: str, inside: Markup, rows: Sequence[Any]) -> Markup:
    return tag("details", tag("summary", "%s (%d)" % (title, len(rows))), inside)


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Inside]], kind: Optional[str] = None) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", text, scope="col") for text in heads)))
    body = tag("tbody", *(tag("tr", *(tag("td", cell) for cell in row)) for row in rows))
    return tag("div", tag("table", tag("caption", caption), head, body, class_=kind), class_="wide")


def _level(level: str) -> Markup:
    return tag("strong", level, class_="bad" if level == "error" else "warning")


def _outcome(outcome: str) -> Markup:
    return joined([OK]) if outcome == OK else tag("strong", "✘ " + outcome, class_="bad")


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else "%d members" % len(names)


def _release(release: Any) -> Markup:
    return tag("code", release[:SHORT], title=release) if release else joined([NONE])


def _since(scale: Scale, moment: str) -> str:
    return "%.1f s" % scale.since(moment)


def _moment(moment: str) -> str:
    """For a person, seconds are enough."""
    return moment[:19].replace("T", " ") + " UTC"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else word + "s"
