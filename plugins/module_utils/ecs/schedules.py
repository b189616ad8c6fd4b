# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which times the autoscaler's limits change: ``autoscaler.schedules``, read and as AWS takes them. Pure."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.option_reader import OptionReader, matches, number

UTC = "UTC"
#: What the names of scheduled actions of ours begin with, as those of our scaling policies do.
PREFIX = "praxis-"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_AT = re.compile(r"at\((?P<moment>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d{1,5}) (?:minutes|hours|days))\)")
_CRON = re.compile(r"cron\([0-9A-Z*?,/#-]+(?: [0-9A-Z*?,/#-]+){5}\)")


@dataclass(frozen=True)
class Schedule:
    """Other limits, from a point in time on.

    :param when: ``cron(…)``, ``rate(…)`` or ``at(…)``.
    :param timezone: of cron and at.
    :param min: None: as it is then.
    :param max: None: as it is then.
    """

    name: str
    when: str
    timezone: str = UTC
    min: int | None = None
    max: int | None = None

    @property
    def action(self) -> str:
        """The scheduled action's name."""
        return f"{PREFIX}{self.name}"

    def past(self, now: datetime.datetime) -> bool:
        """Whether it will not come again. A time zone that this machine does not know is taken for UTC."""
        found = _AT.fullmatch(self.when)
        if not found:
            return False
        moment = datetime.datetime.fromisoformat(found["moment"])
        try:
            zone: datetime.tzinfo = zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            zone = datetime.UTC
        return moment.replace(tzinfo=zone) <= now

    def request(self) -> dict[str, Any]:
        """What AWS gets beside the name of the service."""
        limits = {"MinCapacity": self.min, "MaxCapacity": self.max}
        return {
            "ScheduledActionName": self.action,
            "Schedule": self.when,
            "ScalableTargetAction": {name: value for name, value in limits.items() if value is not None},
            # A rate has no zone.
            **({} if self.when.startswith("rate") else {"Timezone": self.timezone}),
        }


def read(reader: OptionReader, path: str, given: Any, least: int, most: int) -> tuple[Schedule, ...]:
    """The schedules of a kind; what is wrong goes to the reader.

    :param least: the limits that hold where a schedule has none of its own.
    :param most: likewise.
    """
    if not isinstance(given, Sequence) or isinstance(given, str):
        reader.add(path, given, "Write a list, each with name, schedule, and min or max or both.")
        return ()
    found: dict[str, Schedule] = {}
    for index, each in enumerate(given):
        inner = f"{path}[{index}]"
        before = len(reader.findings)
        values = reader.section(inner, each, _KNOWN)
        missing = [name for name in ("name", "schedule") if name not in values]
        if len(reader.findings) > before:
            continue
        if missing or not {"min", "max"} & set(values):
            fix = "Write for each schedule: name, schedule, and min or max or both."
            reader.bad(f"{inner} lacks {missing[0] if missing else 'min or max'}", fix)
            continue
        made = Schedule(values["name"], values["schedule"], values.get("timezone", UTC), values.get("min"),
                        values.get("max"))  # fmt: skip
        if made.name in found:
            reader.bad(f"two schedules are called {made.name}", "Give each schedule its own name.")
        if _or(made.min, least) > _or(made.max, most):
            what = f"the schedule {made.name} leaves min {_or(made.min, least)} and max {_or(made.max, most)}"
            reader.bad(what, "Set the other limit too.")
        found[made.name] = made
    return tuple(found.values())


def limits(schedules: Sequence[Schedule]) -> Mapping[str, list[int]]:
    """The limits that schedules may have brought about, beside those that were written."""
    return {
        "min": sorted({each.min for each in schedules if each.min is not None}),
        "max": sorted({each.max for each in schedules if each.max is not None}),
    }


def _or(value: int | None, other: int) -> int:
    return other if value is None else value


def _when(value: Any) -> str:
    """What to write instead; empty when it can be."""
    good = isinstance(value, str) and any(shape.fullmatch(value) for shape in (_AT, _RATE, _CRON))
    if good and (found := _AT.fullmatch(value)):
        try:
            datetime.datetime.fromisoformat(found["moment"])
        except ValueError:
            good = False
    fix = "Write cron(0 8 ? * MON-FRI *), with all six fields, or rate(12 hours), or at(2027-01-31T08:00:00)."
    return "" if good else fix


_KNOWN: Mapping[str, Any] = {
    "name": matches(_NAME, "Use up to 40 lower-case letters, digits and hyphens."),
    "schedule": _when,
    "timezone": matches(
        re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}"), "Write a name such as Europe/Berlin."
    ),
    "min": number(0, 5000),
    "max": number(0, 5000),
}
