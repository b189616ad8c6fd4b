# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the engine uses the proxies that it is to use: by its own word, and by what an earlier deployment left."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.host import engine_proxies
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

WANTED = {"http": "http://p:1", "https": "http://p:1", "no_proxy": "localhost,10.0.0.0/8"}
USES = {"HttpProxy": "http://p:1", "HttpsProxy": "http://p:1", "NoProxy": "localhost,10.0.0.0/8"}


@pytest.mark.parametrize(
    ("info", "wanted", "file", "expected"),
    [
        (USES, WANTED, True, 0),
        ({**USES, "NoProxy": "localhost"}, WANTED, True, 1),
        ({**USES, "HttpsProxy": ""}, WANTED, True, 1),
        ({"Name": "x"}, WANTED, True, 1),
        (USES, {}, True, 1),
        (USES, {}, False, 0),  # the machine's own image says so
        (USES, None, True, 0),  # nobody asks
        ({}, WANTED, False, 0),  # no engine answers: the role is run for that
    ],
)
def test_reasons(
    tmp_path: Path, info: dict[str, str], wanted: dict[str, str] | None, file: bool, expected: int
) -> None:
    paths = Paths(engine_proxies=str(tmp_path / "praxis-proxies.conf"))
    if file:
        Path(paths.engine_proxies).touch()
    assert len(engine_proxies.reasons(paths, info, wanted)) == expected
