# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's arithmetic and the shape of build/bench.json."""

from __future__ import annotations

import pytest

from tests.bench import report
from tests.bench.measure import count
from tests.bench.report import CASES, PEERS, Sample

HOSTS = {"10.0.0.1": "a", "10.0.0.2": "b"}


def runs(*seconds: float, **more: object) -> list[Sample]:
    return [Sample(each, **more) for each in seconds]  # type: ignore[arg-type]


def whole(dialled: float = 20.0, **cases: dict[str, list[Sample]]) -> dict[str, dict[str, list[Sample]]]:
    """Every case measured, every aim met."""
    one, three = {"executions": {"a": 1, "b": 1}}, {"executions": {"a": 3, "b": 3}}
    return {
        "first": {"ours": runs(20, **three), "community": runs(40), "bare": runs(9)},
        "nothing": {"ours": runs(9, 3, 2.5, **one), "community": runs(13), "bare": runs(1), "floor": runs(1.5)},
        "change": {"ours": runs(dialled, **three), "community": runs(25), "bare": runs(9)},
        "rolling": {"ours": runs(50), "community": runs(100), "ours_as_shipped": runs(90)},
        "provision_first": {"ours": runs(30), "community": runs(60)},
        "provision_nothing": {"ours": runs(4, calls=20), "community": runs(20, calls=80), "raw": runs(0.5, calls=19)},
        "provision_first_gcp": {"ours": runs(30), "community": runs(60)},
        "provision_nothing_gcp": {"ours": runs(4, calls=20), "community": runs(20, calls=80), "raw": runs(0.5)},
        "inventory_2000": {"ours": runs(3), "community": runs(14), "raw": runs(2)},
        "inventory_10000": {"ours": runs(10), "community": runs(60), "raw": runs(9)},
        "plan_10": {"ours": runs(1)},
        "plan_100": {"ours": runs(1.5)},
        "plan_1000": {"ours": runs(7, memory_mb=90.0)},
        "secrets_100": {"ours": runs(0.4, calls=5), "community": runs(2), "raw": runs(0.4)},
        **cases,
    }


def test_the_file_has_every_case_and_the_median_seconds_of_everybody() -> None:
    found = report.as_json(whole())
    assert list(found) == list(CASES)
    assert found["nothing"] == {"ours": 3, "community": 13, "bare": 1, "floor": 1.5}
    known = {"ours", *PEERS, "ours_without_dial_delay", "ours_as_shipped"}
    assert all(set(row) <= known and all(value > 0 for value in row.values()) for row in found.values())


def test_the_dial_delay_stands_beside_the_full_time() -> None:
    change = report.as_json(whole(dialled=21.5))["change"]
    assert (change["ours"], change["ours_without_dial_delay"]) == (21.5, 11.5)


@pytest.mark.parametrize(("measured", "named"), [
    ({"nothing": {"floor": runs(1)}}, "nothing"),
    ({"inventory_5": {"ours": runs(1)}}, "inventory_5"),
])  # fmt: skip
def test_what_cannot_be_the_file_is_refused(measured: dict[str, dict[str, list[Sample]]], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        report.as_json(measured)


def test_aims_that_are_met() -> None:
    assert [aim.text for aim in report.aims(whole()) if aim.met is not True] == []


@pytest.mark.parametrize(("cases", "missed"), [
    ({"nothing": {"ours": runs(4), "community": runs(15.9), "floor": runs(2)}}, "nothing to do: 4 x"),
    ({"nothing": {"ours": runs(4.6), "community": runs(30), "floor": runs(1.5)}}, "nothing to do: under 3 x"),
    ({"change": {"ours": runs(23), "community": runs(25)}}, "change: 2 x"),
    ({"rolling": {"ours": runs(51), "community": runs(100)}}, "rolling: 2 x"),
    ({"provision_nothing": {"ours": runs(4), "community": runs(19), "raw": runs(1)}}, "provision on AWS, nothing: 5 x"),
    ({"provision_nothing_gcp": {"ours": runs(4), "community": runs(19), "raw": runs(1)}},
     "provision on Google Cloud, nothing: 5 x"),
    ({"provision_nothing": {"ours": runs(4), "community": runs(20), "raw": runs(0.4)}}, "provision on AWS, nothing: 3"),
    ({"secrets_100": {"ours": runs(1, calls=6)}}, "100 secrets"),
    ({"inventory_2000": {"ours": runs(4.1), "raw": runs(2)}}, "inventory of 2000"),
    ({"plan_1000": {"ours": runs(11)}}, "plan of 1000: under 10 s"),
    ({"plan_1000": {"ours": runs(9, memory_mb=501.0)}}, "plan of 1000: under 500 MB"),
    ({"plan_100": {"ours": runs(0.5)}}, "plan: ten times"),
    ({"first": {"ours": runs(9, executions={"a": 3, "b": 4})}}, "first: at most 3"),
])  # fmt: skip
def test_aims_that_are_missed_are_named(cases: dict[str, dict[str, list[Sample]]], missed: str) -> None:
    (found,) = [aim for aim in report.aims(whole(**cases)) if aim.met is False]
    assert found.text.startswith(missed)


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    found = report.aims({"plan_10": {"ours": runs(1)}})
    assert {(aim.met, aim.value) for aim in found} == {(None, "-")}


def test_the_table_has_a_row_a_case_and_the_ratios() -> None:
    rows = report.table(whole()).splitlines()
    assert len(rows) == 2 + len(CASES)
    nothing = [cell.strip() for cell in rows[3].split("|")[1:-1]]
    assert nothing == ["nothing", "3.00 s", "13.00 s", "1.00 s", "1.50 s", "", "4.3", "2.0", "1", ""]
    assert len({row.count("|") for row in rows}) == 1


def test_modules_and_commands_are_counted_by_host() -> None:
    become = "-C {} /bin/sh -c 'sudo -H -S -n -u root /bin/sh -c '\"'\"'echo OK ; /usr/bin/python3'\"'\"' && sleep 0' "
    log = "\n".join([
        become.format("10.0.0.1"),
        become.format("10.0.0.2"),
        "10.0.0.1 /bin/sh -c '/usr/bin/python3.13 && sleep 0' ",
        "10.0.0.1 /bin/sh -c 'echo FOUND; command -v '\"'\"'python3'\"'\"'; echo ENDFOUND && sleep 0' ",
        "10.0.0.1 /bin/sh -c 'chmod u+rwx /tmp/x/ /tmp/x/AnsiballZ_copy.py && sleep 0' ",
        "10.0.0.1 /bin/sh -c '/usr/bin/python3 /tmp/x/AnsiballZ_copy.py && sleep 0' ",
        "-b - [10.0.0.2] ",
        "-i key admin@10.0.0.2 sudo sh -c $'...' bare-script b ",
        "10.0.0.9 /bin/sh -c '/usr/bin/python3' ",
    ])  # fmt: skip
    assert count(log, HOSTS) == ({"a": 3, "b": 2}, {"a": 5, "b": 3})
