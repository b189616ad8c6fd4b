# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image from a source into Artifact Registry, whose repository is made: a real Docker and a real registry behind the
sandbox's Google, which lets pushes through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.site import GOOGLE_REGION, PROJECT

from .conftest import Cloud, Run

IMAGE = f"{GOOGLE_REGION}-docker.pkg.dev/{PROJECT}/built/agent:1.0"
DOCKERFILE = "FROM scratch\nCOPY agent /agent\n"


def run(cloud: Cloud, source: Path, *arguments: str, expect: int = 0, **variables: Any) -> Run:
    given = {"praxis_image": IMAGE, "praxis_image_source": str(source), **variables}
    return cloud.run("image.yml", *arguments, inventory="inventories/gcp", expect=expect, variables=given)


def test_the_repository_is_made_and_the_image_pushed_once(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "agent").write_text("one\n")
    mark = cloud.mark()
    predicted = run(cloud, tmp_path, "--check", "--diff")
    assert [row["action"] for row in predicted.summary["repository"]] == ["create"] and predicted.summary["built"]
    assert [each for each in cloud.operations(mark) if each["mutating"]] == []
    first = run(cloud, tmp_path)
    digest = first.summary["digest"]
    assert first.summary["image"] == f"{IMAGE.rpartition(':')[0]}@{digest}" and digest.startswith("sha256:")
    done = [each["operation"] for each in cloud.operations(mark) if each["mutating"]]
    assert done[0] == "projects.locations.repositories.create" and set(done[1:]) == {"docker.push"}
    mark = cloud.mark()
    again = run(cloud, tmp_path)
    assert again.changed == {} and again.summary["digest"] == digest
    assert [each for each in cloud.operations(mark) if each["mutating"]] == []
