# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking in all zones of a Google Cloud project at once: the whole of it, or an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

PAGE_SIZE = 500
#: What an aggregated list says of a zone in which nothing was found.
NOTHING_THERE = "NO_RESULTS_ON_PAGE"
#: A region, and a zone's letter; zones for machine learning have more than one (us-central1-ai1a).
_PLACE = re.compile(r"([a-z]+-[a-z]+[0-9]+)(-[a-z0-9]+)?")


def everywhere(
    client: GcpClient, project: str, kind: str, wanted: str, regions: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """A project's resources of one kind, in all zones.

    :param kind: as in the path, ``instances``.
    :param wanted: Google's filter.
    :param regions: where to look; empty for everywhere.
    :raises Failed: a page, or a zone that was asked for, cannot be read.
    """
    query = {"filter": wanted, "maxResults": str(PAGE_SIZE)}
    found: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for page in client.paginate("compute", f"compute/v1/projects/{project}/aggregated/{kind}", "", query):
        findings += _left_out(page, project, regions)
        for scope, there in (page.get("items") or {}).items():
            if _wanted(scope, regions):
                found += there.get(kind) or ()
    if findings:
        raise Failed(*findings)
    return found


def _left_out(page: Mapping[str, Any], project: str, regions: Sequence[str]) -> Iterator[Finding]:
    """What a page says it does not hold of what was asked for."""
    said = [(scope, there.get("warning")) for scope, there in (page.get("items") or {}).items()]
    said += [("", page.get("warning"))]
    said += [(scope, {"code": "UNREACHABLE"}) for scope in page.get("unreachables") or ()]
    for scope, warning in said:
        if warning and warning.get("code") != NOTHING_THERE and _wanted(scope, regions):
            reported = ": ".join(str(warning[key]) for key in ("code", "message") if warning.get(key))
            yield Finding(
                "inventory-incomplete",
                f"Google's answer does not have the machines of all zones ({reported}).",
                f"Google project {project}" + (f", {scope}" if scope else ""),
                "Run this again. If the fleet has no machines in those zones, set the option regions to the fleet's "
                "regions.",
            )


def _wanted(scope: str, regions: Sequence[str]) -> bool:
    """Whether a scope (``zones/us-central1-a``) is in one of the regions; one that is unknown counts as in."""
    place = _PLACE.fullmatch(scope.rpartition("/")[2])
    return not regions or place is None or place[1] in regions
