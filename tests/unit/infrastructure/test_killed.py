# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose ansible-playbook was killed makes nothing more, and the next one completes it."""

from __future__ import annotations

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.modules import aws_infrastructure
from tests.unit.conftest import KEYS, REGION, Cloud
from tests.unit.infrastructure.account import Account


@pytest.mark.slow
def test_in_aws(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(cloud)
    keys = {"access_key": KEYS["AWS_ACCESS_KEY_ID"], "secret_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    options = {**account.options, **keys, "region": REGION, "endpoint_url": cloud.endpoint, "state": "present"}
    cloud.operations.clear()
    with monkeypatch.context() as patched:
        patched.setattr(Playbook, "ended", property(lambda _self: "CreateVpc" in cloud.operations))
        with pytest.raises(Failed) as raised:
            aws_infrastructure.run(options, False)
    assert {each.code for each in raised.value.findings} == {"playbook-ended"}
    assert "CreateVpc" in cloud.changes() and "Instances" not in account.resources()
    account.present()
    assert account.resources()["Vpcs"] == account.resources()["Instances"] == 1
    assert not account.present()["changed"]
