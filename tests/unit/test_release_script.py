# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps `make release` and `make docs` from going on: changelogs that do not fit, warnings, links to nothing."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import pytest

from scripts import docs, release

REPOSITORY = "https://example.org/collection"


def test_a_version_without_a_changelog_is_rehearsed() -> None:
    assert release.rehearses("1.1.0", ["1.0.0"], ["new.yml"], ["README.md"])


def test_a_version_with_a_changelog_that_is_committed_is_a_release() -> None:
    assert not release.rehearses("1.0.0", ["1.0.0"], [], [])


@pytest.mark.parametrize(
    ("version", "fragments", "uncommitted", "fix"),
    [
        ("1.0.0", ["late.yml"], [], "raise `version` in galaxy.yml"),
        ("1.0.0", [], ["README.md"], "commit it first"),
        ("1.1.0", [], [], "add one to changelogs/fragments"),
    ],
)
def test_what_is_no_release_is_refused_with_its_fix(
    version: str, fragments: list[str], uncommitted: list[str], fix: str
) -> None:
    with pytest.raises(release.Refused, match=fix):
        release.rehearses(version, ["1.0.0"], fragments, uncommitted)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("line", ["WARNING: none", "[WARNING]: no file", "ERROR: Timeout", "[DEPRECATION WARNING]: x"])
def test_a_warning_ends_it(tmp_path: Path, line: str, stream: str) -> None:
    with pytest.raises(release.Refused, match="warns"):
        release.run([sys.executable, "-c", f"import sys; print({line!r}, file=sys.{stream})"], tmp_path)


def test_a_playbook_that_is_chosen_by_a_template_is_no_error(tmp_path: Path) -> None:
    line = "ERROR    Failed to find praxis.cloud.{{ 'a.' if 'a' in groups else '' }}plan playbook."
    release.run([sys.executable, "-c", f"print({line!r})"], tmp_path)
    with pytest.raises(release.Refused, match="warns"):
        release.run([sys.executable, "-c", "print('ERROR    Failed to find praxis.cloud.plan playbook.')"], tmp_path)


def test_an_error_ends_it_and_is_shown(tmp_path: Path) -> None:
    with pytest.raises(release.Refused, match="(?s)ended with 3.*what is wrong"):
        release.run([sys.executable, "-c", "print('what is wrong'); raise SystemExit(3)"], tmp_path)


def test_a_page_links_to_pages_and_all_else_to_the_repository() -> None:
    page, inside = PurePosixPath("docs/status.md"), [PurePosixPath("docs/status.md"), PurePosixPath("README.md")]
    text = "[a](../README.md#variables) [b](../galaxy.yml) [c](../configs) [d](#here) [e](https://example.org/x.md)"
    assert docs.outward(text, page, inside, REPOSITORY) == (
        f"[a](../README.md#variables) [b]({REPOSITORY}/blob/main/galaxy.yml) [c]({REPOSITORY}/tree/main/configs) "
        "[d](#here) [e](https://example.org/x.md)"
    )


@pytest.mark.parametrize("target", ["missing.md", "../../elsewhere.md"])
def test_a_link_to_nothing_is_an_error(target: str) -> None:
    with pytest.raises(docs.Broken, match="leads nowhere"):
        docs.outward(f"[a]({target})", PurePosixPath("docs/status.md"), [], REPOSITORY)


@pytest.mark.parametrize("page", docs.pages(), ids=str)
def test_every_link_of_a_page_leads_somewhere(page: PurePosixPath) -> None:
    docs.outward((docs.CHECKOUT / page).read_text(encoding="utf-8"), page, docs.pages(), REPOSITORY)


def test_every_page_is_in_the_menu() -> None:
    menu = (docs.CHECKOUT / "scripts" / "site" / "index.md").read_text(encoding="utf-8")
    assert [page for page in docs.pages() if str(page.with_suffix("")) not in menu] == []
