# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render

RELEASE = "3f9c1a77" + "0" * 56


def row(name="praxis-aws-1", **values):
    known = {
        "name": name,
        "slot": "aws-1",
        "zone": "us-east-1a",
        "release": RELEASE,
        "planned": RELEASE,
        "health": "healthy",
        "edges": {"live": 2, "expected": 2},
        "up": 273600,
        "restarts": 0,
    }
    return {**known, **values}


def summary(*rows, findings=(), **values):
    known = {"fleet": "praxis", "ok": not findings, "members": list(rows), "findings": list(findings)}
    return {**known, "edges": {"live": 3, "planned": 3}, **values}


FINDING = {"level": "error", "code": "no-container", "where": "m2", "what": "No agent is there.", "fix": "Deploy it."}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (3600, "1h"),
        (3600 + 59, "1h"),
        (86399, "23h59m"),
        (273600, "3d4h"),
        (400 * 86400, "400d"),
        (None, "-"),
        (-5, "-"),
    ],
)
def test_ages(seconds, text):
    assert render.age(seconds) == text


def test_a_cell_is_one_line_and_steers_no_terminal():
    """Owners and reasons come from machines, names of backups from tags that anybody may write."""
    cells = [("ann\n@desk", ""), ("\x1b[2J\u202eevil", "bad"), ("größe", "")]
    assert render.table([render.Column("BY", cells), render.Column("N", [("1", "")] * 3)]) == [
        "BY         N", "ann @desk  1", "?[2J?evil  1", "größe      1"]  # fmt: skip


def test_a_whole_table():
    nothing = {"release": None, "health": "no-container", "edges": {"live": 0, "expected": 2}, "up": None}
    second = row("praxis-aws-22", zone="", **nothing)
    assert render.summary(summary(row(), second, findings=[FINDING], balancer=["lb.example"])) == [
        "MEMBER         SLOT   ZONE        RELEASE   HEALTH        EDGES  SINCE",
        "praxis-aws-1   aws-1  us-east-1a  3f9c1a77  healthy       2/2    3d4h",
        "praxis-aws-22  aws-1  -           -         no-container  0/2    -",
        "load balancer: http://lb.example",
        "",
        "error: m2: No agent is there.",
        "  Deploy it.",
        "",
        "fleet praxis: bad; 1 error; 2 members, 3 of 3 edges live",
    ]


def test_a_release_that_is_not_the_planned_one_is_marked_and_the_mark_explained():
    lines = render.summary(summary(row(), row("m2", release="81bb02ffff")))
    assert "81bb02ff*" in lines[2] and "*" not in lines[1]
    assert "* not the planned release" in lines


def test_restarts_have_a_column_once_there_are_any():
    assert "RESTARTS" not in render.summary(summary(row()))[0]
    lines = render.summary(summary(row(), row("m2", restarts=3)))
    assert lines[0].endswith("RESTARTS") and lines[2].endswith("3")


def test_a_narrow_screen_loses_the_least_important_columns_first():
    found = summary(row(), row("m2", restarts=3))
    gone = []
    for width in range(100, 0, -1):
        lines = render.summary(found, width)
        for heading in ("SLOT", "RESTARTS", "ZONE", "SINCE", "RELEASE", "EDGES"):
            if heading not in lines[0] and heading not in gone:
                gone.append(heading)
        if width >= 15:
            assert max(map(len, lines[:3])) <= width
            assert "MEM" in lines[0] and "HEALTH" in lines[0]
    assert gone == ["SLOT", "RESTARTS", "ZONE", "SINCE", "RELEASE", "EDGES"]


def test_a_name_that_does_not_fit_even_alone_is_cut_and_shows_it():
    line = render.summary(summary(row("a-very-long-member-name")), 16)[1]
    assert line == "a-very…  healthy" and len(line) == 16


def test_findings_are_wrapped_at_the_screen_s_width():
    item = {**FINDING, "what": "word " * 30}
    lines = render.finding(item, 40)
    assert max(map(len, lines)) <= 40 and lines[0].startswith("error: m2: word")
    assert all(line.startswith("  ") for line in lines[1:])
    assert len(render.finding(item)) == 2


def test_colours_are_the_caller_s_and_move_no_column():
    def paint(text, colour):
        return f"<{colour}>{text}</>"

    bad = row("m2", health="api-silent", edges={"live": 1, "expected": 2}, release="81bb02ffff", restarts=1)
    found = summary(row("m1"), bad, row("m3", health="(known after apply)"), findings=[FINDING])
    text = "\n".join(render.summary(found, None, paint))
    good, warnings = "<good>healthy</>", ("1/2", "81bb02ff*", "1", "(known after apply)")
    for painted in (good, "<bad>api-silent</>", "<bad>error</>: m2", "fleet praxis: <bad>bad</>"):
        assert painted in text, painted
    for word in warnings:
        assert f"<warning>{word}</>" in text, word
    bare = text
    for mark in ("<good>", "<bad>", "<warning>", "</>"):
        bare = bare.replace(mark, "")
    assert bare == "\n".join(render.summary(found))
    assert "<good>good</>" in render.summary(summary(row()), None, paint)[-1]


def test_what_a_log_said_cannot_steer_the_terminal():
    item = {**FINDING, "what": "The log ends: \x1b[2J\x1b]0;owned\x07 one\r\ntwo\x9b5n"}
    text = "\n".join(render.finding(item))
    assert text.splitlines()[0] == "error: m2: The log ends: ?[2J?]0;owned? one two?5n"
    assert "\x1b" not in "\n".join(render.summary(summary(row("m\x1b[31m"))))


def test_what_is_an_error_is_shown_first():
    given = (("warning", "A."), ("error", "B."), ("error", "C."))
    items = [{**FINDING, "level": level, "what": what} for level, what in given]
    shown = [line for line in render.summary(summary(row(), findings=items)) if ": m2: " in line]
    assert shown == ["error: m2: B.", "error: m2: C.", "warning: m2: A."]


def test_counts_in_the_verdict():
    warning = {**FINDING, "level": "warning"}
    last = render.summary(summary(row(), findings=[FINDING, FINDING, warning], edges={"live": 1, "planned": 3}))[-1]
    assert last == "fleet praxis: bad; 2 errors; 1 warning; 1 member, 1 of 3 edges live"
    assert render.summary(summary(row(), findings=[warning], ok=True))[-1].startswith("fleet praxis: good; 1 warning;")


def test_what_was_not_observed_is_no_missing_edge():
    known, unknown = row("m1"), row("m2", edges={"live": None, "expected": 2}, health="(known after apply)")
    lines = render.summary(summary(known, unknown, edges={"live": 1, "planned": 1}, unobserved_edges=2))
    assert lines[2].split()[-2:] == ["-", "3d4h"]
    assert lines[-1] == "fleet praxis: good; 2 members, 1 of 1 edges live, 2 not observed"
    lines = render.summary(summary(unknown, edges={"live": 0, "planned": 0}, unobserved_edges=1))
    assert lines[-1] == "fleet praxis: good; 1 member, 1 edge not observed"
