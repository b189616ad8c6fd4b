# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive, installed: a fleet from nothing and back, in an environment that has nothing of the checkout.

The tests go in this order. A deployment goes the way of AWX: ansible-runner sends the project, a worker runs it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from . import seen
from .accounts import account_of
from .conftest import HOME, Cloud
from .installed import User

FLEET = "sandbox-archive"
INVENTORY = ("-i", "inventories/aws")
DOWN = json.dumps({"praxis_confirm_down": FLEET, "praxis_remove_identities": True})

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def user(cloud: Cloud) -> Iterator[User]:
    account = account_of(cloud)
    account.give_secrets(FLEET)
    made = User(cloud.environment)
    made.environment |= {"PRAXIS_FLEET": FLEET, "PRAXIS_HOSTS": "2", "PRAXIS_DEREGISTRATION_DELAY": "5"}
    try:
        made.install()
        yield made
    finally:
        made.leave()
        account.forget_secrets(FLEET)


def test_a_project_is_written_beside_a_collection_that_nobody_may_write_to(user: User) -> None:
    predicted = user.play("init", "-e", "dest=.", "--check", ANSIBLE_HOME=str(user.project / ".ansible"))
    assert predicted.summary["written"] and not (user.project / "ansible.cfg").exists()
    made = user.play("init", "-e", "dest=.", ANSIBLE_HOME=str(user.project / ".ansible"))
    assert made.summary["written"] == predicted.summary["written"]
    again = user.play("init", "-e", "dest=.")
    assert (again.summary["written"], again.summary["kept"]) == ([], [])


def test_a_fleet_from_nothing_and_back(user: User, cloud: Cloud) -> None:
    user.hold(HOME / "ssh" / "id_ed25519")
    key = str(user.project / "key.pub")
    settings = {"praxis_soak": 2, "praxis_record": "records", "praxis_ssh_public_key_file": key}
    arguments = [*INVENTORY, "-e", json.dumps(settings)]
    user.play("provision", *arguments, PRAXIS_KNOWN_HOSTS="known")

    refused = user.play("deploy", *arguments, expect=2)
    assert "host-keys-not-kept" in refused.output or "accepted and not kept" in refused.output

    keys = user.play("host_keys", *arguments).summary
    assert keys["unknown"] == [] and len(keys["keys"]) == 2
    assert user.play("host_keys", *arguments).output.count("changed=0") == 1
    planned = user.play("plan", *arguments).summary

    kept = {**settings, "praxis_record": str(user.project / "records")}
    done = user.job("deploy.yml", HOME / "ssh" / "id_ed25519", kept)
    assert done.rc == 0, done.output[-6000:]
    deployed = done.summary
    assert deployed["ok"]
    # Before the first deployment there is no identity: of the plan's parts the members alone differ.
    assert deployed["plan_id"].split("-")[1:] == planned["plan_id"].split("-")[1:]
    status = user.play("status", *arguments).summary
    assert status["ok"] and [item["name"] for item in status["members"]] == sorted(keys["keys"])
    assert len(list((user.project / "records").glob("*.html"))) == 1
    assert len(set(seen.releases(cloud).values())) == 2

    file = user.project / "host_keys"
    known = file.read_text(encoding="utf-8")
    file.write_text("", encoding="utf-8")
    # A connection that is kept open has its machine's key already.
    unknown = user.play("status", *arguments, expect=2, ANSIBLE_SSH_ARGS="-o ControlMaster=no").summary
    assert {item["code"] for item in unknown["findings"]} >= {"host-key-unknown"}
    file.write_text(known, encoding="utf-8")
    user.play("down", *INVENTORY, "-e", DOWN)
    assert cloud.machines() == []
