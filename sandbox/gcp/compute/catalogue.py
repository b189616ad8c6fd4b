# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project finds there: regions and zones, machine types, images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.gcp.compute.resources import Resources, link, now

SIZES = {"e2-micro": (2, 1024), "e2-small": (2, 2048), "e2-medium": (2, 4096), "e2-standard-2": (2, 8192),
         "e2-standard-4": (4, 16384), "n2-standard-2": (2, 8192)}
"""Processors and MB of memory of machine types; what is not here is like e2-medium."""


QUOTAS = {"CPUS": 720, "INSTANCES": 720, "SSD_TOTAL_GB": 40960, "IN_USE_ADDRESSES": 575}
"""What a region allows. Nothing of it is counted, and nothing refused because of it."""


def catalogue(resources: Resources, project: str, zones: Mapping[str, tuple[str, ...]], machine_types: tuple[str, ...],
              images: Mapping[str, str]) -> None:
    """What a project finds there: its regions and zones, machine types, and images by ``project/family``."""
    def put(path: str, **fields: Any) -> None:
        name = path.rpartition("/")[2]
        resources.put(path, {"id": resources.number(), "name": name, "selfLink": link(path), **fields})

    for region, inside in zones.items():
        put(f"projects/{project}/regions/{region}", kind="compute#region", status="UP",
            quotas=[{"metric": each, "limit": limit, "usage": 0} for each, limit in QUOTAS.items()],
            zones=[link(f"projects/{project}/zones/{zone}") for zone in inside])
        for zone in inside:
            put(f"projects/{project}/zones/{zone}", kind="compute#zone", status="UP",
                region=link(f"projects/{project}/regions/{region}"))
            for name in machine_types:
                processors, memory = SIZES.get(name, (2, 4096))
                put(f"projects/{project}/zones/{zone}/machineTypes/{name}", kind="compute#machineType",
                    zone=zone, guestCpus=processors, memoryMb=memory)
    put(f"projects/{project}", kind="compute#project", commonInstanceMetadata={"kind": "compute#metadata"})
    for place, name in images.items():
        owner, family = place.split("/")
        fields = {"kind": "compute#image", "family": family, "status": "READY", "diskSizeGb": "10",
                  "architecture": "X86_64", "creationTimestamp": now()}
        put(f"projects/{owner}/global/images/{name}", **fields)
        path = f"projects/{owner}/global/images/{name}"
        resources.put(f"projects/{owner}/global/images/family/{family}", resources.get(path))
