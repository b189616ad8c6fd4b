# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
""".sandbox/state.json: what is up, for whoever looks from outside. Each cloud's process tells its part of it."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.site import CLOUDS, Site, write


def publish(site: Site, cloud: str, part: Mapping[str, Any]) -> None:
    """Write a cloud's part, and the whole if that changed.

    :param part: `machines`; `registry`, as the machines see it; `balancer` and `endpoint`, as URLs.
    """
    with _locked(site):
        _write(site.home / cloud / "state.json", part)
        _write_whole(site)


def forget(site: Site, cloud: str) -> None:
    """Take a cloud's part away."""
    with _locked(site):
        (site.home / cloud / "state.json").unlink(missing_ok=True)
        _write_whole(site)


@contextmanager
def _locked(site: Site) -> Iterator[None]:
    """Two processes write one file: one after the other."""
    site.home.mkdir(parents=True, exist_ok=True)
    with (site.home / "state.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_whole(site: Site) -> None:
    reported = {cloud: site.read_json(f"{cloud}/state.json") for cloud in CLOUDS}
    parts = {cloud: part for cloud, part in reported.items() if part}
    if not parts:
        (site.home / "state.json").unlink(missing_ok=True)
        return
    first = next(iter(parts.values()))
    machines = [machine for part in parts.values() for machine in part["machines"]]
    _write(site.home / "state.json", {
        "cloud": ",".join(parts),
        "machines": sorted(machines, key=lambda machine: (machine["name"], machine["instance_id"])),
        "registry": {"name": first["registry"], "push": f"127.0.0.1:{site.addresses.push_port}"},
        "registries": {cloud: part["registry"] for cloud, part in parts.items()},
        "balancer": {"url": first["balancer"]},
        "balancers": {cloud: part["balancer"] for cloud, part in parts.items()},
        "endpoints": {cloud: part["endpoint"] for cloud, part in parts.items()},
        "network": site.addresses.network,
    })


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2) + "\n"
    if not path.exists() or path.read_text() != text:
        write(path, text)
