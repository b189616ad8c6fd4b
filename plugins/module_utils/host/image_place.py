# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an engine keeps its images and the files of its containers, and whether programs can be run from there.

An engine has its own image store, under ``data-root``, or has containerd keep its images, under containerd's ``root``.
"""

from __future__ import annotations

import os
import re
from typing import Any, Iterator, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text

DOCKER, CONTAINERD = "/var/lib/docker", "/var/lib/containerd"
CONTAINERD_SETTINGS = "/etc/containerd/config.toml"
_ROOT = re.compile(r'^\s*root\s*=\s*["\']([^"\']+)["\']', re.MULTILINE)
#: Storage drivers that mount nothing of their own for a container: it has the options of the file system below.
_BARE_DRIVERS = ("vfs", "native", "btrfs")


def image_place(daemon: Mapping[str, Any]) -> str:
    """The directory, or what will be above it: the nearest one that is there.

    :param daemon: daemon.json.
    """
    place = str(daemon.get("data-root") or DOCKER)
    if _has_containerd_keep_images(daemon, place):
        found = _ROOT.search(read_text(CONTAINERD_SETTINGS) or "")
        place = found.group(1) if found else CONTAINERD
    while not os.path.isdir(place):
        place = os.path.dirname(place) or "/"
    return place


def _has_containerd_keep_images(daemon: Mapping[str, Any], data_root: str) -> bool:
    """By the setting; without it by what an engine makes when it starts, for newer ones do so by themselves."""
    features = daemon.get("features")
    asked = features.get("containerd-snapshotter") if isinstance(features, Mapping) else None
    if asked is not None:
        return bool(asked)
    made, own = (os.path.isdir(os.path.join(data_root, name)) for name in ("containers", "image"))
    return made and not own


def obstacles(daemon: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[Finding]:
    """Why no program of an image could be run.

    :param daemon: daemon.json as it is to be.
    :param info: the engine's description of itself; empty when it does not run.
    """
    driver = str(info.get("Driver") or daemon.get("storage-driver") or "")
    if driver not in _BARE_DRIVERS:
        return
    place = image_place(daemon)
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        what = "%s is mounted noexec, and with the storage driver %s programs of an image cannot be run from there."
        fix = (
            "On the machine, mount it without noexec, or set storage-driver to overlay2 in /etc/docker/daemon.json; "
            "then systemctl restart docker."
        )
        yield Finding("containers-not-executable", what % (place, driver), "this host's engine", fix)
