# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet that version 0.1.0 made in Google Cloud is taken over as it is."""

from __future__ import annotations

import pytest

from tests.unit.infrastructure.account import rows
from tests.unit.infrastructure.version_0_1_0.fleet import SETTINGS, filled, recorded

from .conftest import PROJECT
from .project import NAME, Project


def make(project: Project) -> None:
    """The fleet, by the requests that version 0.1.0 sent."""
    client, known = project.client(), dict[str, str]()
    for request in recorded("google"):
        service, version = ("iam", "v1") if request["path"] == "serviceAccounts" else ("compute", "compute/v1")
        path = f"{version}/projects/{PROJECT}/{request['path']}"
        client.call(service, "POST", path, body=filled(request["body"], known))
        if request["path"] == "global/addresses":
            known["$address"] = project.get(f"global/addresses/{NAME}")["address"]


@pytest.mark.slow
def test_it_is_taken_over_with_no_change_and_removed_whole(project: Project) -> None:
    project.options |= SETTINGS
    make(project)
    made, mark = project.resources(), project.mark()
    kept = project.present()
    assert (rows(kept), kept["changed"], project.changes(mark)) == ([], False, [])
    assert [machine["slot"] for machine in kept["machines"]] == ["gcp-1", "gcp-2"]
    assert project.resources() == made
    project.absent()
    assert project.resources() == {}
