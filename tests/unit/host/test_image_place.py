# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an engine keeps images, by either of its two stores, and engines that could run nothing from there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import image_place
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from tests.unit.host.fakes import FakeEngine
from tests.unit.host.test_deploy import run

SNAPSHOTTER = {"features": {"containerd-snapshotter": True}}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directories of an engine that has started, and of containerd."""
    for name in ("docker/containers", "docker/image", "containerd"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(image_place, "DOCKER", str(tmp_path / "docker"))
    monkeypatch.setattr(image_place, "CONTAINERD", str(tmp_path / "containerd"))
    monkeypatch.setattr(image_place, "CONTAINERD_SETTINGS", str(tmp_path / "config.toml"))
    return tmp_path


@pytest.mark.parametrize(("daemon", "own_store", "place"), [
    ({}, True, "docker"),
    (SNAPSHOTTER, True, "containerd"),
    ({"features": {"containerd-snapshotter": False}}, False, "docker"),
    ({}, False, "containerd"),  # the default of newer engines
    ({"features": []}, True, "docker"),  # it is the engine's to refuse
])  # fmt: skip
def test_images_are_where_the_engine_s_store_has_them(
    machine: Path, daemon: dict[str, Any], own_store: bool, place: str
) -> None:
    if not own_store:
        (machine / "docker/image").rmdir()
    assert image_place.image_place(daemon) == str(machine / place)


def test_containerd_may_keep_them_elsewhere(machine: Path) -> None:
    (machine / "config.toml").write_text(f"version = 2\nroot = '{machine}/other/deep'\nstate = '/run/containerd'\n")
    assert image_place.image_place(SNAPSHOTTER) == str(machine)  # it is yet to be made
    (machine / "other/deep").mkdir(parents=True)
    assert image_place.image_place(SNAPSHOTTER) == str(machine / "other/deep")


def test_an_engine_that_was_never_started_keeps_nothing_yet(machine: Path) -> None:
    for name in ("containers", "image"):
        (machine / "docker" / name).rmdir()
    assert image_place.image_place({}) == str(machine / "docker")


@pytest.mark.parametrize(("driver", "noexec", "refused"), [
    ("vfs", True, True),
    ("vfs", False, False),
    ("overlay2", True, False),
])  # fmt: skip
def test_an_engine_that_can_run_nothing_from_there_is_refused(
    paths: Paths, engine: FakeEngine, docker: Path, machine: Path, monkeypatch: pytest.MonkeyPatch, driver: str,
    noexec: bool, refused: bool,
) -> None:  # fmt: skip
    class Mounted:
        f_bavail, f_frsize, f_flag = 1 << 20, 4096, os.ST_NOEXEC if noexec else 0

    engine.info["Driver"] = driver
    monkeypatch.setattr(os, "statvfs", lambda _place: Mounted())
    result = run(paths, "prepared")
    assert (result["failure"] or {}).get("code") == ("containers-not-executable" if refused else None)
    if refused:
        assert str(machine / "docker") in result["failure"]["what"] and not os.path.exists(paths.root)


def test_it_is_refused_before_there_is_an_engine(
    paths: Paths, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mounted:
        f_bavail, f_frsize, f_flag = 1 << 20, 4096, os.ST_NOEXEC

    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(os, "statvfs", lambda _place: Mounted())
    Path(paths.daemon_json).write_text(json.dumps({"storage-driver": "vfs"}))
    assert run(paths, "prepared")["failure"]["code"] == "containers-not-executable"
