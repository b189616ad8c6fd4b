# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's members on Google Cloud: running instances by their label, with the host variables of the inventory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

PAGE_SIZE = 500
#: States of a machine that runs, or soon will (again).
RUNNING = ("PROVISIONING", "STAGING", "RUNNING", "REPAIRING")
#: What an aggregated list says of a zone in which nothing was found.
NOTHING_THERE = "NO_RESULTS_ON_PAGE"
_PLACE = re.compile(r"([a-z]+-[a-z]+[0-9]+)(-[a-z])?")


def collect(client: GcpClient, fleet: str, projects: Sequence[str], regions: Sequence[str]) -> list[dict[str, Any]]:
    """The fleet's members in these projects.

    :param regions: where to look; empty for everywhere.
    :raises Failed: with a finding for every project, region or zone that cannot be read.
    """
    found = gathered(map_parallel(lambda project: describe(client, fleet, project, regions), projects))
    return [member for members in found for member in members]


def describe(client: GcpClient, fleet: str, project: str, regions: Sequence[str]) -> list[dict[str, Any]]:
    """The fleet's members in one project.

    :raises Failed: it, or a part of it that was asked for, cannot be read.
    """
    gathered(map_parallel(lambda region: _require_region(client, project, region), regions))
    states = " OR ".join(f"status={state}" for state in RUNNING)
    query = {"filter": f"labels.praxis_fleet={fleet} AND ({states})", "maxResults": str(PAGE_SIZE)}
    members = []
    findings: list[Finding] = []
    for page in client.paginate("compute", f"compute/v1/projects/{project}/aggregated/instances", "", query):
        findings += _left_out(page, project, regions)
        for scope, there in (page.get("items") or {}).items():
            if _wanted(scope, regions):
                members += [member_of(instance, project) for instance in there.get("instances") or ()]
    if findings:
        raise Failed(*findings)
    return members


def member_of(instance: Mapping[str, Any], project: str) -> dict[str, Any]:
    """One instance in Compute Engine's words -> name, role and host variables, all plain values."""
    labels = dict(instance.get("labels") or {})
    zone = _last(instance["zone"])
    interface = (instance.get("networkInterfaces") or [{}])[0]
    outside = (interface.get("accessConfigs") or [{}])[0]
    return {
        "name": instance["name"],
        "role": labels.get("praxis_role", ""),
        "variables": {
            "praxis_cloud": "gcp",
            "praxis_project": project,
            "praxis_region": zone.rpartition("-")[0],
            "praxis_zone": zone,
            "praxis_network": network_of(interface.get("network", "")),
            "praxis_instance_id": instance["name"],
            # A successor has the same name; this number is the machine's own, as a host key is.
            "praxis_machine_id": str(instance["id"]),
            "praxis_slot": labels.get("praxis_slot", ""),
            "praxis_private_ip": interface.get("networkIP", ""),
            "praxis_public_ip": outside.get("natIP", ""),
            "praxis_labels": labels,
        },
    }


def network_of(link: str) -> str:
    """``PROJECT/NETWORK`` from a network's link; the project may be another one, that shares its network."""
    words = link.split("/")
    return f"{words[words.index('projects') + 1]}/{words[-1]}" if "projects" in words else ""


def _require_region(client: GcpClient, project: str, region: str) -> None:
    """A misspelt region would look like one without members."""
    try:
        client.call("compute", "GET", f"compute/v1/projects/{project}/regions/{region}")
    except errors.NotFound:
        what, fix = f"There is no region {region!r}.", "Correct the option regions."
        raise Failed(Finding("no-such-region", what, f"Google project {project}", fix)) from None


def _left_out(page: Mapping[str, Any], project: str, regions: Sequence[str]) -> Iterator[Finding]:
    """What a page says it does not hold of what was asked for."""
    said = [(scope, there.get("warning")) for scope, there in (page.get("items") or {}).items()]
    said += [("", page.get("warning"))]
    said += [(scope, {"code": "UNREACHABLE"}) for scope in page.get("unreachables") or ()]
    for scope, warning in said:
        if warning and warning.get("code") != NOTHING_THERE and _wanted(scope, regions):
            told = ": ".join(str(warning[key]) for key in ("code", "message") if warning.get(key))
            yield Finding(
                "inventory-incomplete",
                f"Google answered without all of its machines ({told}).",
                f"Google project {project}" + (f", {scope}" if scope else ""),
                "Run it again. If the fleet has no machines there, name the regions that it has (option regions).",
            )


def _wanted(scope: str, regions: Sequence[str]) -> bool:
    """Whether a scope (``zones/us-central1-a``) is in one of the regions; what cannot be told is."""
    place = _PLACE.fullmatch(_last(scope))
    return not regions or place is None or place[1] in regions


def _last(link: str) -> str:
    return link.rpartition("/")[2]
