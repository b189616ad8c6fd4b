# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose ansible-playbook was killed makes nothing more, and the next one completes it."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.modules import gcp_infrastructure
from tests.unit.google.project import Project


@pytest.mark.slow
def test_in_google_cloud(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    since = project.mark()
    with monkeypatch.context() as patched:
        patched.setattr(Playbook, "ended", property(lambda _self: bool(project.changes(since))))
        with pytest.raises(Failed) as raised:
            gcp_infrastructure.run({**project.options, "state": "present"}, False)
    assert {each.code for each in raised.value.findings} == {"playbook-ended"}
    assert project.changes(since) and "instances" not in project.resources()
    project.present()
    assert project.resources()["networks"] == project.resources()["instances"] == 1
    assert not project.present()["changed"]
