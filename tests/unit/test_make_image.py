# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make image` hands over to Ansible, which splits an extra variable at spaces."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from ansible.parsing.splitter import parse_kv

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("word", "source"), [
    ("SOURCE", "/home/ann/my agents/praxis"),
    ("SOURCE", "https://git.example.org/praxis.git#main:a part"),
    ("SOURCE", "../praxis"),
    ("FROM", "registry.example.org/praxis-agent:1.2.0"),
])  # fmt: skip
def test_the_whole_of_a_source_is_handed_over(word: str, source: str) -> None:
    environment = {**os.environ, "MAKEFLAGS": ""}
    done = subprocess.run(["make", "--dry-run", "image", f"{word}={source}"], cwd=CHECKOUT, env=environment, text=True,
                          capture_output=True, timeout=60, check=True)  # fmt: skip
    (played,) = [line for line in done.stdout.splitlines() if line.startswith("scripts/play image.yml")]
    words = shlex.split(played)
    given = parse_kv(words[words.index("-e") + 1])
    assert given == {"praxis_image_source" if word == "SOURCE" else "praxis_image_from": source}
