# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a record: one file, and nothing that a host or a user has said becomes markup."""

from __future__ import annotations

import copy
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import mesh_picture, timeline
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.markup import Markup, cut, escaped, labels, tag
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.page import page
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.page_style import STYLE
from tests import tiers

from .recorded import failed, good


class Read(HTMLParser):
    """What a browser makes of a page: its elements, their attributes' names, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[tuple[str, ...]] = Counter()
        self.values: list[str] = []
        self.text = ""
        self.rest: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[(tag, *(name for name, _value in attrs))] += 1
        self.values += [value or "" for _name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.rest.append(data)

    def unknown_decl(self, data: str) -> None:
        self.rest.append(data)

    def handle_pi(self, data: str) -> None:
        self.rest.append(data)


def said(record: dict[str, Any], text: str) -> dict[str, Any]:
    """A record in which everything that a user or a host can have a say in is this text. Names stay apart."""
    found = copy.deepcopy(record)
    names = {row["name"]: text + row["name"] for row in found["members"]}
    for key in ("fleet", "deployment", "reason", "owner", "plan"):
        found[key] = text
    for row in found["members"]:
        row |= {"name": names[row["name"]], "slot": text, "zone": text, "health": text, "from": text, "runs": text}
        row["steps"] = [{**step, "outcome": text} for step in row["steps"] if step["outcome"] != "ok"] or row["steps"]
    for gate in found["gates"]:
        gate |= {"members": [names[name] for name in gate["members"]]}
    found["gates"][-1]["outcome"] = text
    found["findings"] = [{**item, **dict.fromkeys(("code", "what", "where", "fix"), text)}
                         for item in found["findings"]]  # fmt: skip
    mesh = found["mesh"]
    mesh["members"] = [names[name] for name in mesh["members"]]
    for key in ("planned", "before", "after"):
        mesh[key] = [[names[name] for name in pair] for pair in mesh[key]]
    return found


NASTY = st.one_of(
    st.text(min_size=1, max_size=40),
    st.sampled_from(["</style><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<!--", "]]>", "</svg><b>",
                     "' onload='x", "&lt;b&gt;", "<?php", "\x00<b>", "\u202e<i>", "\ud800<u>", "</title><script>"]),
)  # fmt: skip


@pytest.mark.slow
@given(NASTY)
@tiers.examples(150)
def test_no_text_becomes_markup(text: str) -> None:
    shape, found = Read(page(said(failed(), "x"))), Read(page(said(failed(), text)))
    assert found.elements == shape.elements
    assert found.rest == []


@given(NASTY)
@tiers.examples(50)
def test_every_text_is_shown_as_it_is(text: str) -> None:
    record = failed()
    record["findings"][0]["what"] = text
    found = page(record)
    assert "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text) in Read(
        found
    ).text.replace("\r", " ")
    found.encode("utf-8")


@given(NASTY, NASTY)
def test_an_element_holds_its_text_and_its_attribute(text: str, value: str) -> None:
    made = tag("p", text, title=value, data_a=None)
    parsed = ElementTree.fromstring(made)
    assert (parsed.tag, parsed.text, list(parsed)) == ("p", Read(escaped(text)).text, [])
    assert parsed.attrib == {"title": Read(escaped(value)).text}


def test_what_is_markup_stays() -> None:
    assert tag("p", tag("b", "a<b"), " & ", Markup("<i></i>"), class_="x", text_anchor="end", x=1.0, y=1.25) == (
        '<p class="x" text-anchor="end" x="1" y="1.25"><b>a&lt;b</b> &amp; <i></i></p>'
    )


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("praxis-aws-1", 12, "praxis-aws-1"), ("praxis-aws-12", 9, "prax…s-12"), ("praxis-aws-12", 8, "prax…-12")],
)
def test_a_name_is_cut_in_its_middle(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown and len(shown) <= width


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], []),
        (["praxis-aws-1", "praxis-aws-2"], ["praxis-aws-1", "praxis-aws-2"]),
        (["praxis-prod-agent-01.internal", "praxis-prod-agent-02.internal"], ["…01…", "…02…"]),
        (["ip-10-0-1-11.compute.internal", "web"], ["ip-10-…ternal", "web"]),
        (["a-very-long-name-of-one"], ["a-very…of-one"]),
        (["the-same-name-all-over", "the-same-name-all-over-again"], ["…over", "…over-again"]),
    ],
)
def test_long_names_lose_what_they_share(names: list[str], shown: list[str]) -> None:
    assert list(labels(names, 13).values()) == shown


@given(st.sets(st.text("ab-.", min_size=1, max_size=12), min_size=1))
def test_a_label_fits_and_is_for_every_name(names: set[str]) -> None:
    found = labels(sorted(names), 8)
    assert set(found) == names and all(len(label) <= 8 for label in found.values())


@pytest.mark.parametrize("record", [failed(), good(1), good(4), good(30), good(61)])
def test_one_file_without_a_script_that_loads_nothing(record: dict[str, Any]) -> None:
    found = page(record)
    elements = {name for name, *_attributes in Read(found).elements}
    assert not elements & {"script", "link", "img", "iframe", "object", "base", "form", "a", "use", "image"}
    attributes = {name for _name, *names in Read(found).elements for name in names}
    assert not attributes & {"src", "href", "xlink:href", "style"}
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", found)
    assert "default-src 'none'" in found


def test_the_page_is_a_function_of_the_record() -> None:
    assert page(failed()) == page(failed())


def test_a_failed_deployment_at_a_glance() -> None:
    text = Read(page(failed())).text
    for words in ("✘ bad", "3 members, 1 rolled back, 1 not rolled back, 1 unchanged, 2 errors, 1 of 3 edges live",
                  "gate failed: agent-restarted", "failed step", "m2: roll back, 10.0 s: gate-timeout",
                  "m1 and m3: planned, not live", "Read its log.", "deploy", "anna@desk"):  # fmt: skip
        assert words in text, words


def test_a_good_one_at_a_glance() -> None:
    text = Read(page(good(4))).text
    assert "✔ good 4 members, 4 confirmed, 6 of 6 edges live" in text
    assert "No problem was found." in text
    assert "failed" not in text.partition("}\n")[2].rpartition("}")[2]


def test_batches_are_apart_and_who_is_in_none_comes_last() -> None:
    rows = [{"name": name, "batch": batch} for name, batch in (("a", 2), ("b", None), ("c", 1), ("d", 2))]
    assert {number: [row["name"] for row in found] for number, found in timeline.batches(rows).items()} == {
        1: ["c"], 2: ["a", "d"], None: ["b"]}  # fmt: skip
    assert list(timeline.batches(rows)) == [1, 2, None]


@pytest.mark.parametrize("size", [1, 4, 30])
def test_every_bar_is_inside_of_the_picture(size: int) -> None:
    picture = ElementTree.fromstring(timeline.timeline(good(size)))
    width, height = (float(each) for each in picture.attrib["viewBox"].split()[2:])
    bars = [box for box in picture.iter("rect") if "step" in box.attrib["class"]]
    assert len(bars) == 3 * size
    for box in bars:
        begin, length = float(box.attrib["x"]), float(box.attrib["width"])
        assert begin >= timeline.START and begin + length <= width
        assert length >= timeline.LEAST - 0.01
        assert float(box.attrib["y"]) + timeline.BAR <= height
        assert next(box.iter("title")).text


def test_a_failed_step_has_a_shape_of_its_own() -> None:
    picture = ElementTree.fromstring(timeline.timeline(failed()))
    assert [group.attrib.get("class") for group in picture.iter("g")].count("cross") == 1
    assert [box for box in picture.iter("rect") if box.attrib["class"] == "step roll-back failed"]


def test_a_deployment_that_took_no_time() -> None:
    record = {**good(1), "ended": good(1)["began"]}
    ElementTree.fromstring(timeline.timeline(record))


def test_live_edges_are_solid_and_missing_ones_dashed() -> None:
    picture = ElementTree.fromstring(mesh_picture.picture(failed(), "after"))
    paths = Counter(path.attrib["class"] for path in picture.iter("path"))
    assert paths == {"live": 1, "missing": 2}
    (live,) = [path for path in picture.iter("path") if path.attrib["class"] == "live"]
    assert live.attrib["d"].count("M") == 1


@pytest.mark.parametrize(("size", "drawn"), [(60, True), (61, False)])
def test_a_large_mesh_is_numbers(size: int, drawn: bool) -> None:
    found = page(good(size))
    assert ('class="mesh dense"' in found) is drawn
    assert "edges live" in found


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "band"])
def test_every_colour_can_be_seen(scheme: int, ground: str) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", STYLE.split("@media")[scheme]))
    for name in set(colours) - {"ground", "band", "line"}:
        least = 4.5 if name in ("ink", "quiet", "good", "bad", "warning") else 3.0
        assert contrast(colours[name], colours[ground]) >= least, name
