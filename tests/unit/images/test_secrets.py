# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be secret in an image is told of before it is built, and not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_secrets import doubts
from ansible_collections.praxis.cloud.plugins.plugin_utils.image_source import Source


@pytest.mark.parametrize("rules", ["", "*.py\n", "**/.git\n", ".env\n!.env\n", "# .env\n", "agent/.env\n"])
def test_a_developer_s_settings_in_a_directory(tmp_path: Path, rules: str) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=planted-key\n")
    (tmp_path / ".dockerignore").write_text(rules)
    (told,) = doubts(Source(str(tmp_path)), "", {})
    assert (told.code, told.level, told.where) == ("image-secret", WARNING, str(tmp_path))
    assert "planted" not in str(told) and ".dockerignore" in told.fix


@pytest.mark.parametrize("rules", [".env\n", "**/.env\n", "/.env\n", "*\n!agent\n", ".env*\n", "**\n", "!.env\n.*\n"])
def test_settings_that_are_left_out_of_the_build(tmp_path: Path, rules: str) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".dockerignore").write_text(rules)
    assert doubts(Source(str(tmp_path)), "", {}) == []


def test_a_dockerfile_s_own_rules_come_first(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / ".dockerignore").write_text("")
    (tmp_path / "Small.dockerignore").write_text(".env\n")
    assert doubts(Source(str(tmp_path)), "Small", {}) == []
    assert [each.code for each in doubts(Source(str(tmp_path)), "", {})] == ["image-secret"]


def test_a_login_among_the_build_arguments(tmp_path: Path) -> None:
    given = {"GIT_TOKEN": "planted", "INDEX": "https://me:planted@pypi.example", "VERSION": "1", "MAX_TOKENS": "3"}
    told = doubts(Source(str(tmp_path)), "", given)
    assert [each.what.split()[3] for each in told] == ["GIT_TOKEN", "INDEX"]
    assert not any("planted" in str(each) for each in told)
