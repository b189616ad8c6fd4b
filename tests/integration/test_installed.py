# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive, installed: a fleet from nothing and back, in an environment that has nothing of the checkout.

The tests go in this order. A deployment goes the way of AWX: ansible-runner sends the project, a worker runs it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.awx.injected import credential_types, data

from . import seen
from .accounts import account_of
from .conftest import HOME, Cloud
from .installed import Injecting, User

FLEET = "sandbox-archive"
INVENTORY = ("-i", "inventories/aws")
DOWN = json.dumps({"praxis_confirm_down": FLEET, "praxis_remove_identities": True})

pytestmark = pytest.mark.once


#: What only the job may know: the answer of a survey's question for a password, and a registry's.
MARKERS = ("an-answer-that-is-no-artifact", "a-password-that-is-no-artifact")


def approved(planned: dict[str, Any]) -> dict[str, Any]:
    """The extra variables of the workflow's deployment: of its job template, and the artifact of the plan's job."""
    (found,) = [item for item in data("job_templates") if "extra_vars" in item]
    return {**found["extra_vars"], "praxis_summary": planned}


def credentials(user: User) -> Injecting:
    """What is filled in for the types of credentials that the fleet's jobs use."""
    types, around = credential_types(), user.environment
    aws = {"access_key": around["AWS_ACCESS_KEY_ID"], "secret_key": around["AWS_SECRET_ACCESS_KEY"],
           "region": around["AWS_REGION"]}  # fmt: skip
    ssh = {"private_key": (HOME / "ssh" / "id_ed25519").read_text(encoding="utf-8")}
    registry = {"server": "registry.example.org", "username": "robot", "password": MARKERS[1]}
    return [(types["aws"], aws), (types["ssh"], ssh), (types["registry"], registry)]


def secrets(user: User) -> list[str]:
    """What may not come back."""
    key = (HOME / "ssh" / "id_ed25519").read_text(encoding="utf-8").splitlines()[2]
    return [*MARKERS, user.environment["AWS_SECRET_ACCESS_KEY"], key]


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
    assert "host-keys-not-kept" in refused.output or "accepted and then forgotten" in refused.output

    keys = user.play("host_keys", *arguments).summary
    assert keys["unknown"] == [] and len(keys["keys"]) == 2
    assert user.play("host_keys", *arguments).output.count("changed=0") == 1
    planned = user.play("plan", *arguments).summary

    # The workflow's second half: what the plan's job has left says which plan.
    kept = {**settings, **approved(planned), "praxis_record": str(user.project / "records"),
            "survey_password": MARKERS[0]}  # fmt: skip
    done = user.job("deploy.yml", kept, credentials=credentials(user))
    assert done.rc == 0, done.output[-6000:]
    deployed = done.summary
    assert deployed["ok"]
    assert list(done.artifacts) == ["praxis_summary"] and done.artifacts["praxis_summary"] == deployed
    assert "Judge the fleet and show its members" in done.shown
    assert not [hidden for hidden in secrets(user) if hidden in done.shown + done.output]
    # Before the first deployment there is no identity: of the plan's parts the members alone differ.
    assert deployed["plan_id"].split("-")[1:] == planned["plan_id"].split("-")[1:]
    observed = user.job("status.yml", settings, key=HOME / "ssh" / "id_ed25519")
    assert observed.rc == 0, observed.output[-6000:]
    status = observed.summary
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
