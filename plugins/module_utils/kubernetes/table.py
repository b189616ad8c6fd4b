# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in a cluster as a person reads it: pods, changes, findings, deployments. Pure."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.fleet import render
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.clocks import moment

Rows = Sequence[Mapping[str, Any]]


def summary(found: Mapping[str, Any], width: Optional[int] = None, paint: render.Paint = render.plain) -> List[str]:
    """The pods, what changed or would, what was found, and the verdict."""
    lines = [*_pods(found["members"], width, paint)] if found["members"] else []
    if found.get("changes"):
        lines += ["", *_changes(found["changes"], width, paint)]
    for item in render.by_level(found["findings"]):
        lines += ["", *render.finding(item, width, paint)]
    return [*lines, "", _verdict(found, paint)]


def history(rows: Rows, width: Optional[int] = None, paint: render.Paint = render.plain) -> List[str]:
    """The deployments, newest first."""
    if not rows:
        return ["The cluster has no record of a deployment of this fleet."]
    columns = [
        render.Column("DEPLOYMENT", [(row["run"], "") for row in rows]),
        render.Column("WHEN", [(moment(row["at"]), "") for row in rows], 1),
        render.Column("BY", [(row["owner"], "") for row in rows], 3),
        render.Column("WHAT", [(row["reason"], "") for row in rows], 2),
        render.Column("OUTCOME", [(row["outcome"], "good" if row["outcome"] == "good" else "bad") for row in rows]),
        render.Column("RELEASES", [(_releases(row["releases"]), "") for row in rows], 4),
    ]
    return render.table(columns, width, paint)


def _releases(found: Mapping[str, str]) -> str:
    return ", ".join("%s %s" % (name, release[: render.SHORT]) for name, release in sorted(found.items()))


def _pods(rows: Rows, width: Optional[int], paint: render.Paint) -> List[str]:
    columns = [
        render.Column("MEMBER", [(render.clean(row["name"]), "") for row in rows]),
        render.Column("RELEASE", [_release(row) for row in rows], 1),
        render.Column("HEALTH", [(row["health"], "good" if row["health"] == "healthy" else "bad") for row in rows]),
        render.Column("RESTARTS", [(str(row["restarts"]), "warning" if row["restarts"] else "") for row in rows], 2),
        render.Column("NODE", [(render.clean(row["node"]) or render.NONE, "") for row in rows], 3),
    ]
    lines = render.table(columns, width, paint)
    return [*lines, "* not the planned release"] if any(_strays(row) for row in rows) else lines


def _strays(row: Mapping[str, Any]) -> bool:
    return bool(row["planned"]) and row["release"] != row["planned"]


def _release(row: Mapping[str, Any]) -> render.Cell:
    short = render.clean(row["release"])[: render.SHORT] or render.NONE
    return (short + "*", "warning") if _strays(row) else (short, "")


def _changes(rows: Rows, width: Optional[int], paint: render.Paint) -> List[str]:
    columns = [
        render.Column("CHANGE", [(row["verb"], "warning") for row in rows]),
        render.Column("OBJECT", [(render.clean(row["object"]), "") for row in rows]),
    ]
    return render.table(columns, width, paint)


def _verdict(found: Mapping[str, Any], paint: render.Paint) -> str:
    levels = [item.get("level") for item in found["findings"]]
    counts = [(levels.count("error"), "error"), (levels.count("warning"), "warning")]
    parts = [render.counted(number, word) for number, word in counts if number]
    ready = sum(1 for row in found["members"] if row["health"] == "healthy")
    parts.append("%s, %d ready" % (render.counted(len(found["members"]), "member"), ready))
    if found.get("plan_id"):
        parts.append("plan %s" % found["plan_id"])
    word = paint("good", "good") if found["ok"] else paint("bad", "bad")
    return "fleet %s: %s; %s" % (render.clean(found["fleet"]), word, "; ".join(parts))
