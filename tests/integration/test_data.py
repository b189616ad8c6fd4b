# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data that stays: on a directory of the machine, and on a disk, whatever becomes of the container and the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .accounts import account_of
from .conftest import Cloud, Machine, Run

FLEET = "sandbox-data"
NAME = f"{FLEET}-aws-1"
IN_CONTAINER = "docker exec praxis-agent-1"
#: A megabyte that nobody could make again, written by the agent's own user where the agent writes.
WRITE = f"{IN_CONTAINER} sh -c 'mkdir -p /data/shared && head -c 1048576 /dev/urandom > /data/shared/kept && sync'"
SUM = f"{IN_CONTAINER} sha256sum /data/shared/kept"


class Fleet:
    """A fleet of one machine, whose agent keeps data."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def run(self, playbook: str, data: dict[str, Any], expect: int = 0, **variables: Any) -> Run:
        around = {"PRAXIS_FLEET": FLEET, "PRAXIS_HOSTS": "1"}
        given = {"praxis_data": data, "praxis_balancer": False, "praxis_target_group": "", **variables}
        return self.cloud.run(playbook, expect=expect, environment=around, variables=given)

    @property
    def machine(self) -> Machine:
        return next(machine for machine in self.cloud.machines() if machine.name == NAME)

    def on(self, command: str) -> str:
        return self.cloud.on(self.machine, command).strip()


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Iterator[Fleet]:
    account = account_of(cloud)
    account.give_secrets(FLEET)
    made = Fleet(cloud)
    yield made
    made.run("down.yml", {}, praxis_confirm_down=FLEET, praxis_remove_identities=True)
    account.forget_secrets(FLEET)


@pytest.mark.repetition
def test_a_directory_of_the_machine_outlives_the_container(fleet: Fleet) -> None:
    data = {"path": "/srv/praxis"}
    fleet.run("provision.yml", {})
    fleet.run("deploy.yml", data)
    assert fleet.on(f"{IN_CONTAINER} sh -c 'echo $PRAXIS_SHARED_PATH'") == "/data/shared"
    fleet.on(WRITE)
    before, container = fleet.on(SUM), fleet.on("docker inspect -f '{{.Id}}' praxis-agent-1")
    again = fleet.run("deploy.yml", data)
    assert again.changed == {}
    fleet.run("deploy.yml", data, praxis_agent_config_host={"agent": {"description": "made anew"}})
    assert fleet.on("docker inspect -f '{{.Id}}' praxis-agent-1") != container
    assert fleet.on(SUM) == before
    assert fleet.on("stat -c '%u %a' /srv/praxis/agent") == "10001 700"
