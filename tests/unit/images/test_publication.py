# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode predicts of an image, against registries that are a table."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import Image, parse_image
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_provenance import SBOM, Provenance
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_publication import Publication
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import Source

TARGET = parse_image("registry.example.org/praxis-agent:1.0")
OLD, NEW = ("sha256:" + each * 64 for each in "12")


class Table:
    """Registries that have these tags."""

    logins: dict[str, Any] = {}

    def __init__(self, **tags: str) -> None:
        self._tags = tags

    def digest(self, image: Image) -> str:
        return self._tags.get(image.tag or "", "")

    def repository(self, image: Image, kept: int) -> None:
        return None


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What is on the controller."""
    there = {"docker", "skopeo", "syft"}
    monkeypatch.setattr(shutil, "which", lambda name: name if name in there else None)
    return there


def publication(tmp_path: Path, tags: dict[str, str], **more: Any) -> Publication:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    given: dict[str, Any] = {"source": Source(str(tmp_path)), "move": True, **more}
    return Publication(registries=Table(**tags), target=TARGET, **given)  # type: ignore[arg-type]


def test_what_is_still_to_be_built_has_no_digest(tmp_path: Path) -> None:
    """Though its tag is another image until then: that one is not to be deployed, and not what is listed."""
    listed = Provenance(str(tmp_path / "sbom.json"))
    found = publication(tmp_path, {"1.0": OLD}, provenance=listed).run(check_mode=True)
    assert (found["changed"], found["built"], found["digest"], found["image"]) == (True, True, "", "")
    assert found["added"] == [SBOM]
    assert found["diff"]["before"].endswith(f"1.0 is {OLD}\n") and "known after apply" in found["diff"]["after"]


def test_what_is_copied_keeps_its_digest(tmp_path: Path) -> None:
    origin = replace(parse_image("other.example.org/agent:7"), digest=NEW)
    found = publication(tmp_path, {"1.0": OLD}, source=None, origin=origin).run(check_mode=True)
    assert (found["changed"], found["image"]) == (True, TARGET.by_digest(NEW))


def test_what_is_there_is_no_change(tmp_path: Path) -> None:
    tags = {"1.0": NEW}
    made = publication(tmp_path, tags)
    assert made.source
    tags[made.source.tag(made.recipe.as_dict())] = NEW
    found = publication(tmp_path, tags).run(check_mode=True)
    assert (found["changed"], found["image"]) == (False, TARGET.by_digest(NEW))


def test_a_tag_is_not_taken_unless_it_may_move(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="already belongs to another image") as refused:
        publication(tmp_path, {"1.0": OLD}, move=False).run(check_mode=True)
    assert refused.value.findings[0].code == "image-tag-taken"


@pytest.mark.parametrize("check_mode", [True, False])
def test_programs_that_are_not_there_are_named_before_anything_is_made(
    tmp_path: Path, programs: set[str], check_mode: bool
) -> None:
    """A build takes minutes, and a repository stays."""
    programs.clear()
    with pytest.raises(Failed) as refused:
        publication(tmp_path, {}).run(check_mode)
    assert [(each.code, each.where) for each in refused.value.findings] == [
        ("program-missing", "docker"), ("program-missing", "skopeo"),
    ]  # fmt: skip


def test_what_is_there_needs_no_program(tmp_path: Path, programs: set[str]) -> None:
    programs.clear()
    origin = replace(parse_image("other.example.org/agent:7"), digest=NEW)
    found = publication(tmp_path, {"1.0": NEW}, source=None, origin=origin).run(check_mode=False)
    assert found["changed"] is False
