# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as build/bench.json and as a table with the aims. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

CASES = (
    "first", "nothing", "change", "rolling", "provision_first", "provision_nothing",
    "provision_first_gcp", "provision_nothing_gcp",
    "inventory_2000", "inventory_10000", "plan_10", "plan_100", "plan_1000", "secrets_100",
)  # fmt: skip
PEERS = ("community", "bare", "floor", "raw")
WHO = ("ours", *PEERS)
#: The cases in which provisioning finds nothing to do, and where.
PROVISIONED = {"provision_nothing": "AWS", "provision_nothing_gcp": "Google Cloud"}

DIAL_DELAY = 10.0
"""Seconds that the agent waits after its P2P start before it dials anybody: its own, and in every restart."""


@dataclass(frozen=True)
class Sample:
    """One measured run.

    :param seconds: wall clock.
    :param cpu: seconds of CPU of the controller's processes.
    :param memory_mb: peak resident memory of the largest of the controller's processes.
    :param executions: by host, modules (or scripts) that were run on it.
    :param trips: by host, commands sent over SSH, modules included.
    :param calls: requests sent to a cloud's API, where they are counted.
    """

    seconds: float
    cpu: float = 0.0
    memory_mb: float = 0.0
    executions: Mapping[str, int] | None = None
    trips: Mapping[str, int] | None = None
    calls: int = 0


Measured = Mapping[str, Mapping[str, list[Sample]]]
"""By case, by who (or another key beside them): the repeats."""


def seconds(samples: list[Sample]) -> float:
    return round(median(sample.seconds for sample in samples), 4)


def cpu(samples: list[Sample]) -> float:
    return round(median(sample.cpu for sample in samples), 4)


def as_json(measured: Measured) -> dict[str, dict[str, float]]:
    """Seconds by case and peer.

    :raises ValueError: naming what is no case, or has no time of ours.
    """
    if unknown := sorted(set(measured) - set(CASES)):
        raise ValueError(f"no such case: {', '.join(unknown)}; there are {', '.join(CASES)}")
    if empty := [case for case in measured if not measured[case].get("ours")]:
        raise ValueError(f"nothing of ours was measured in: {', '.join(empty)}")
    found = {case: {who: seconds(runs) for who, runs in measured[case].items()} for case in CASES if case in measured}
    if "change" in found:
        found["change"]["ours_without_dial_delay"] = round(found["change"]["ours"] - DIAL_DELAY, 4)
    return found


def ratio(times: Mapping[str, float], who: str, of: str = "ours") -> float | None:
    """How many times as long the peer took; None when either was not measured."""
    return round(times[who] / times[of], 2) if times.get(who) and times.get(of) else None


@dataclass(frozen=True)
class Aim:
    """Something to reach, and whether it was; ``met`` None: not measured."""

    text: str
    value: str
    met: bool | None


def aims(measured: Measured) -> list[Aim]:
    """The aims, in the order of the cases."""
    times = as_json(measured)
    found: list[Aim] = []

    def at_least(text: str, case: str, who: str, least: float, of: str = "ours") -> None:
        value = ratio(times.get(case, {}), who, of)
        found.append(Aim(text, "-" if value is None else f"{value:.1f} x", None if value is None else value >= least))

    def at_most(text: str, value: float | None, most: float, unit: str) -> None:
        found.append(
            Aim(text, "-" if value is None else f"{value:.3g} {unit}", None if value is None else value <= most)
        )

    nothing = times.get("nothing", {})
    at_least("nothing to do: 4 x as fast as community modules", "nothing", "community", 4)
    inverse = ratio({"ours": nothing.get("floor", 0), "floor": nothing.get("ours", 0)}, "floor")
    at_most("nothing to do: under 3 x Ansible's floor", inverse, 3, "x")
    at_least("change: 2 x as fast as community modules, the agent's dial delay apart",
             "change", "community", 2, "ours_without_dial_delay")  # fmt: skip
    at_least("rolling: 2 x as fast as community modules, one at a time behind the load balancer",
             "rolling", "community", 2)  # fmt: skip
    for case, where in PROVISIONED.items():
        at_least(f"provision on {where}, nothing: 5 x as fast as community modules", case, "community", 5)
        at_most(f"provision on {where}, nothing: 3 s over twice the raw API",
                _over_twice_raw(times.get(case)), 3, "s")  # fmt: skip
    for size in (2000, 10000):
        case = f"inventory_{size}"
        at_most(f"inventory of {size}: under 1 ms of wall clock a host over the raw API",
                _over_raw(times.get(case), size), 1, "ms")  # fmt: skip
    at_most("plan of 1000: under 10 s", times.get("plan_1000", {}).get("ours"), 10, "s")
    at_most("plan of 1000: under 500 MB", _memory(measured.get("plan_1000")), 500, "MB")
    at_most("plan: ten times the members in at most ten times the time", _growth(times), 10, "x")
    at_most("100 secrets: 5 calls", _calls(measured.get("secrets_100")), 5, "calls")
    for case, most in (("nothing", 1), ("change", 3), ("first", 3)):
        at_most(f"{case}: at most {most} module execution{'s' * (most > 1)} a host",
                _executions(measured.get(case)), most, "")  # fmt: skip
    return found


def notes(measured: Measured) -> list[str]:
    """What the table has no column for."""
    found = []
    for size in (2000, 10000):
        runs = measured.get(f"inventory_{size}", {})
        if "raw" in runs:
            each = {
                who: (cpu(runs[who]) - cpu(runs["raw"])) / size * 1000 for who in ("ours", "community") if who in runs
            }
            text = ", ".join(f"{who} {value:.2f} ms" for who, value in each.items())
            found.append(f"inventory of {size}: CPU a host over the raw API: {text}")
    change = {who: seconds(runs) for who, runs in measured.get("change", {}).items()}
    if "ours" in change:
        found.append(f"change: {change['ours']:.1f} s, all hosts at once; {DIAL_DELAY:.0f} s are the agent's own delay")
    rolling = {who: seconds(runs) for who, runs in measured.get("rolling", {}).items()}
    if "ours_as_shipped" in rolling:
        found.append(f"rolling: {rolling['ours_as_shipped']:.1f} s as shipped, with a soak of 30 s a host")
    for case, where in PROVISIONED.items():
        if runs := measured.get(case):
            calls = ", ".join(f"{who} {_calls({'ours': each})}" for who, each in runs.items())
            seconds_of_cpu = ", ".join(f"{who} {cpu(each):.1f} s" for who, each in runs.items())
            found.append(f"provision on {where}, nothing: calls of the API: {calls}; CPU: {seconds_of_cpu}")
    return found


def _over_twice_raw(times: Mapping[str, float] | None) -> float | None:
    return max(times["ours"] - 2 * times["raw"], 0.0) if times and "raw" in times else None


def _calls(case: Mapping[str, list[Sample]] | None) -> int | None:
    return max(sample.calls for sample in case["ours"]) if case else None


def _over_raw(times: Mapping[str, float] | None, size: int) -> float | None:
    return (times["ours"] - times["raw"]) / size * 1000 if times and "raw" in times else None


def _growth(times: Mapping[str, Mapping[str, float]]) -> float | None:
    small, large = times.get("plan_100"), times.get("plan_1000")
    return large["ours"] / small["ours"] if small and large else None


def _memory(case: Mapping[str, list[Sample]] | None) -> float | None:
    return max(sample.memory_mb for sample in case["ours"]) if case else None


def _executions(case: Mapping[str, list[Sample]] | None) -> float | None:
    counts = [max(sample.executions.values()) for sample in (case or {}).get("ours", []) if sample.executions]
    return max(counts) if counts else None


def table(measured: Measured) -> str:
    """Markdown: seconds, ratios, and of ours and the community's, executions a host and peak memory."""
    heads = ["case", *WHO, "community / ours", "ours / floor", "executions a host", "memory"]
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " --: |" * (len(heads) - 1)]
    times = as_json(measured)
    for case, row in times.items():
        cells = [f"{row[who]:.2f} s" if who in row else "" for who in WHO]
        ours = ratio({"ours": row.get("floor", 0), "floor": row["ours"]}, "floor")
        both = [measured[case].get(who) for who in ("ours", "community")]
        counts = [_executions({"ours": runs}) if runs else None for runs in both]
        memory = [_memory({"ours": runs}) if runs else None for runs in both]
        shown = ratio(row, "community")
        cells += [f"{shown:.1f}" if shown else "", f"{ours:.1f}" if ours else ""]
        cells += [", ".join("" if each is None else f"{each:.0f}" for each in counts).strip(", ")]
        cells += [", ".join("" if not each else f"{each:.0f} MB" for each in memory).strip(", ")]
        lines.append("| " + " | ".join([case, *cells]) + " |")
    return "\n".join(lines)
