# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data that stays: on a disk of the slot, and in a directory of the machine, whatever becomes of container and machine.

The first test makes the fleet that the others go on with.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .accounts import account_of
from .conftest import HOSTS, Cloud, Machine, Run
from .load import load
from .slot_disks import Disk, disks_of

FLEET = "sandbox-data"
IN_CONTAINER = "docker exec praxis-agent-1"
#: A megabyte that nobody could make again, written by the agent's own user where the agent writes.
WRITE = f"{IN_CONTAINER} sh -c 'mkdir -p /data/shared && head -c 1048576 /dev/urandom > /data/shared/kept && sync'"
SUM = f"{IN_CONTAINER} sha256sum /data/shared/kept"
CONTAINER = "docker inspect -f '{{.Id}}' praxis-agent-1"
INFO = "curl -fsS http://127.0.0.1:8000/p2p/info"
STATE = "docker inspect -f '{{.State.Status}}' praxis-agent-1"
MOUNT = "/var/lib/praxis/data"
UNIT = "var-lib-praxis-data.mount"
#: On a machine the end of a mount reaches the services that see it in a namespace of their own. A container, as the
#: sandbox's machines are, does not pass it on: a service that began after a reboot (systemd-logind) keeps the disk.
EVERYWHERE = f"""for each in /proc/[0-9]*; do
  if grep -qs ' {MOUNT} ' $each/mountinfo; then nsenter --target ${{each#/proc/}} --mount umount {MOUNT}; fi
done"""


class Fleet:
    """A fleet whose agents keep data. Without a load balancer, unless it has something to do with it.

    :param data: its ``praxis_data``.
    """

    def __init__(self, cloud: Cloud, network: dict[str, str], name: str = FLEET, *, balanced: bool = False) -> None:
        self.cloud = cloud
        self.name = name
        self.around = {"PRAXIS_FLEET": name, **network}
        self.balancer = {} if balanced else {"praxis_balancer": False, "praxis_target_group": ""}
        self.disks = disks_of(cloud, name)
        self.data: dict[str, Any] = {"size": self.disks.SIZE}

    def run(self, playbook: str, data: dict[str, Any] | None = None, *arguments: str, expect: int = 0, hosts: int = 1,
            **variables: Any) -> Run:
        around = {**self.around, "PRAXIS_HOSTS": str(hosts)}
        given = {"praxis_data": self.data if data is None else data, **self.balancer, **variables}
        return self.cloud.run(playbook, *arguments, expect=expect, environment=around, variables=given)

    def slot(self, number: int = 1) -> str:
        return f"{self.disks.SLOT}-{number}"

    def machine(self, number: int = 1) -> Machine:
        name = f"{self.name}-{self.slot(number)}"
        return next(machine for machine in self.cloud.machines() if machine.name == name)

    def instance(self, number: int = 1) -> str:
        """What the cloud calls it."""
        name = f"{self.name}-{self.slot(number)}"
        return next(each["instance_id"] for each in self.cloud.state["machines"] if each["name"] == name)

    def on(self, command: str, number: int = 1) -> str:
        return self.cloud.on(self.machine(number), command, deadline=120).strip()

    def peer_id(self) -> str:
        return json.loads(self.on(INFO))["peer_id"]

    def wait(self, condition: str, seconds: int = 60) -> None:
        """Wait on the machine until a shell command succeeds there."""
        self.on(f"timeout {seconds} sh -c {shlex.quote(f'until {condition}; do sleep 0.3; done')}")

    def disk(self, number: int = 1) -> Disk:
        return self.disks.of_slots()[self.slot(number)]

    def ids(self) -> dict[str, str]:
        return {slot: each.id for slot, each in self.disks.of_slots().items()}

    def reboot(self) -> None:
        """Until systemd and Docker have done what they do at a boot."""
        subprocess.run(["docker", "restart", "--time", "20", self.machine().container], check=True, capture_output=True)
        self.wait("systemctl is-active --quiet docker.service")


@pytest.fixture
def served(cloud: Cloud) -> Iterator[Fleet]:
    """The fleet that other files leave, or a new one in its place: the sandbox has one load balancer."""
    made = Fleet(cloud, {}, "praxis", balanced=True)
    made.run("provision.yml", hosts=HOSTS)
    made.run("deploy.yml", hosts=HOSTS)
    yield made
    made.run("down.yml", {}, hosts=HOSTS, praxis_confirm_down="praxis", praxis_data_remove="praxis")
    assert made.ids() == {}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def fleet(cloud: Cloud) -> Iterator[Fleet]:
    account = account_of(cloud)
    account.give_secrets(FLEET)
    # Other files' fleets may still be there, and the machines of all are in one network of Docker's.
    made = Fleet(cloud, account.network(5))
    made.run("provision.yml")
    yield made
    variables = {"praxis_confirm_down": FLEET, "praxis_remove_identities": True, "praxis_data_remove": FLEET}
    made.run("down.yml", {}, **variables)
    assert made.ids() == {}
    account.forget_secrets(FLEET)


@pytest.mark.alike
def test_a_slot_s_disk_holds_the_data_and_is_there_before_the_agent_after_a_reboot(fleet: Fleet) -> None:
    fleet.run("deploy.yml")
    assert fleet.on(f"{IN_CONTAINER} sh -c 'echo $PRAXIS_SHARED_PATH'") == "/data/shared"
    assert fleet.on(f"findmnt -no FSTYPE {MOUNT}") == "ext4"
    fleet.on(WRITE)
    before = fleet.on(SUM)
    fleet.reboot()
    fleet.wait(f'[ "$({STATE})" = running ]')
    fleet.wait(f"{INFO} > /dev/null")  # the next scene asks it
    assert fleet.on(SUM) == before
    entered = "systemctl show -P ActiveEnterTimestampMonotonic"
    assert int(fleet.on(f"{entered} {UNIT}")) < int(fleet.on(f"{entered} docker.service"))


@pytest.mark.alike
def test_a_disk_that_holds_something_else_is_refused_and_not_touched(fleet: Fleet) -> None:
    disk, before = fleet.disk(), fleet.on(SUM)
    fleet.on("docker stop praxis-agent-1")
    fleet.on(f"systemctl stop {UNIT} && e2label {disk.device} photos && sync")
    content = digest(disk.image)
    refused = fleet.run("deploy.yml", expect=2)
    (finding,) = [each for each in refused.summary["findings"] if each["level"] == "error"]
    assert finding["code"] == "data-foreign" and "photos" in finding["what"]
    assert digest(disk.image) == content
    fleet.on(f"e2label {disk.device} praxis-data")
    fleet.run("deploy.yml")
    assert fleet.on(SUM) == before


@pytest.mark.alike
def test_a_backup_is_restored_and_the_disk_that_it_replaces_stays(fleet: Fleet) -> None:
    """What is backed up was written, and nobody has waited for it to reach the disk: the freeze does."""
    fleet.on(WRITE.replace(" && sync", ""))
    before, peer, old = fleet.on(SUM), fleet.peer_id(), fleet.disk().id
    unnamed = fleet.run("restore.yml", expect=2)
    assert "backup-unnamed" in json.dumps(unnamed.summary["findings"])
    made = fleet.run("backup.yml")
    assert [(each["slot"], each["result"]) for each in made.summary["backups"]] == [(fleet.slot(), "ok")]
    assert 0 < made.summary["backups"][0]["frozen_for"] < 45
    fleet.on(WRITE)
    lost, container = fleet.on(SUM), fleet.on(CONTAINER)
    assert lost != before
    predicted = fleet.run("restore.yml", None, "--check", praxis_backup="newest")
    assert (fleet.on(SUM), fleet.disk().id) == (lost, old), predicted.output
    restored = fleet.run("restore.yml", praxis_backup=made.summary["backup"])
    assert restored.summary["ok"]
    assert (fleet.on(SUM), fleet.peer_id(), fleet.on(CONTAINER)) == (before, peer, container)
    assert fleet.disk().id != old
    assert fleet.disks.of_slots("replaced")[fleet.slot()].id == old
    assert fleet.run("provision.yml").changed == {}
    assert fleet.run("deploy.yml").changed == {}


@pytest.mark.repetition
def test_a_restore_drains_and_rejoins_each_member_and_no_request_is_lost(served: Fleet) -> None:
    """Batch by batch: no disk is touched before its member is out of service, and the next waits until it is back."""
    numbers = range(1, HOSTS + 1)
    for number in numbers:
        served.on(WRITE, number)
    before = [served.on(SUM, number) for number in numbers]
    made = served.run("backup.yml", hosts=HOSTS)
    for number in numbers:
        served.on(WRITE, number)
    mark = served.cloud.mark()
    with load(served.cloud) as counted:
        served.run("restore.yml", hosts=HOSTS, praxis_backup=made.summary["backup"], praxis_batch=1)
    assert [served.on(SUM, number) for number in numbers] == before
    assert (counted.sent > 100, counted.lost) == (True, {}), counted.when
    asked = [each["operation"] for each in served.cloud.operations(mark) if each["mutating"]]
    steps = [each for each in asked if served.disks.moves(each)]
    assert [name for name, _same in itertools.groupby(steps)] == HOSTS * [*served.disks.RESTORED]
    assert served.run("deploy.yml", hosts=HOSTS).changed == {}


@pytest.mark.repetition
def test_older_backups_go_when_there_are_enough(fleet: Fleet) -> None:
    data = {**fleet.data, "keep_backups": 1}
    first = fleet.run("backup.yml", data).summary["backup"]
    made = fleet.run("backup.yml", data).summary
    assert first in [each["backup"] for each in made["removed"]]
    missing = fleet.run("restore.yml", data, expect=2, praxis_backup=first)
    assert "backup-missing" in json.dumps(missing.summary["findings"])
    fleet.on("fsfreeze --freeze /var/lib/praxis/data && fsfreeze --unfreeze /var/lib/praxis/data")


@pytest.mark.repetition
def test_a_machine_is_replaced_and_its_slot_keeps_data_and_identity(fleet: Fleet) -> None:
    before, peer, container = fleet.on(SUM), fleet.peer_id(), fleet.on(CONTAINER)
    fleet.disks.terminate(fleet.instance())
    fleet.run("provision.yml")
    fleet.run("deploy.yml")
    assert fleet.on(CONTAINER) != container
    assert (fleet.on(SUM), fleet.peer_id()) == (before, peer)


@pytest.mark.repetition
def test_a_second_run_changes_nothing(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    assert fleet.run("provision.yml").changed == {}
    asked = [item["operation"] for item in fleet.cloud.operations(mark)]
    assert asked.count({"aws": "DescribeVolumes", "gcp": "disks.aggregatedList"}[fleet.cloud.name]) == 1
    assert not [item for item in fleet.cloud.operations(mark) if item["mutating"]]
    assert fleet.run("deploy.yml").changed == {}


@pytest.mark.repetition
def test_without_its_disk_the_agent_does_not_start_and_the_journal_says_why(fleet: Fleet) -> None:
    """And when the disk comes, the agent starts by itself."""
    before = fleet.on(SUM)
    fleet.disks.detach(fleet.disk(), fleet.instance())
    fleet.reboot()
    said = fleet.on(f"journalctl -b --no-pager -u {UNIT} -u docker.service")
    assert "Disk with the data of the Praxis agent" in said
    assert f"{MOUNT}/agent" in said
    assert fleet.on(STATE) == "exited"
    assert fleet.on(f"ls -A {MOUNT}") == ""
    refused = fleet.run("deploy.yml", expect=2)
    assert "data-volume-missing" in json.dumps(refused.failed)
    fleet.run("provision.yml")
    fleet.wait(f'[ "$({STATE})" = running ]')
    assert fleet.on(SUM) == before
    fleet.wait(f"{INFO} > /dev/null")
    assert fleet.run("deploy.yml").changed == {}
    assert fleet.on("systemctl show -P Result praxis-late-disk.service") == "success"


@pytest.mark.repetition
def test_a_new_slot_is_made_of_a_snapshot(fleet: Fleet) -> None:
    before = fleet.on(SUM)
    fleet.on("sync")
    made = fleet.disks.snapshot(fleet.disk(), "a-snapshot")
    data = {**fleet.data, "snapshot": {fleet.slot(2): made}}
    fleet.run("provision.yml", data, hosts=2)
    fleet.run("deploy.yml", data, hosts=2)
    assert fleet.on(SUM, 2) == before
    assert fleet.disk(2).snapshot == made


@pytest.mark.repetition
def test_fewer_hosts_and_the_end_of_a_fleet_leave_the_disks(fleet: Fleet) -> None:
    fleet.run("provision.yml", hosts=2)
    before, ids = fleet.on(SUM), fleet.ids()
    assert len(ids) == 2
    fleet.run("provision.yml", praxis_allow_shrink=True)
    assert {slot: each.attached for slot, each in fleet.disks.of_slots().items()} == {
        fleet.slot(1): True, fleet.slot(2): False}
    wrong = fleet.run("down.yml", expect=2, praxis_confirm_down=FLEET, praxis_data_remove="another")
    assert "praxis_data_remove is another" in wrong.output
    down = fleet.run("down.yml", praxis_confirm_down=FLEET)
    assert "praxis_data_remove" in down.output
    assert {each["slot"]: each["id"] for each in down.summary["data_volumes"]} == ids
    assert [each.attached for each in fleet.disks.of_slots().values()] == [False, False]
    fleet.run("provision.yml")
    fleet.run("deploy.yml")
    assert fleet.on(SUM) == before
    assert fleet.ids() == ids


@pytest.mark.repetition
def test_a_disk_grows_while_it_is_in_use(fleet: Fleet) -> None:
    """With XFS: the sandbox's machines lack the capability that growing ext4 needs (CAP_SYS_RESOURCE)."""
    fleet.on("apt-get update -q && apt-get install -qy xfsprogs")
    fleet.on(f"docker stop praxis-agent-1 && systemctl stop {UNIT}")
    fleet.on(EVERYWHERE)
    fleet.on(f"mkfs.xfs -q -f -L praxis-data {fleet.disk().device}")
    fleet.run("deploy.yml")
    fleet.on(WRITE)
    before, container = fleet.on(SUM), fleet.on(CONTAINER)
    larger = {"size": fleet.disks.SIZE + 1}
    fleet.run("provision.yml", larger)
    grown = fleet.run("deploy.yml", larger)
    assert int(fleet.on(f"findmnt -bno SIZE {MOUNT}")) > (fleet.disks.SIZE + 0.8) * 1024**3, grown.output
    assert (fleet.on(SUM), fleet.on(CONTAINER)) == (before, container)
    refused = fleet.run("provision.yml", expect=2)
    assert "data-shrink" in json.dumps(refused.failed)


@pytest.mark.repetition
def test_a_disk_of_the_user_s_holds_the_data_once_nothing_else_is_in_its_place(fleet: Fleet) -> None:
    data = {"device": fleet.disks.bring(fleet.instance())}
    fleet.wait(f"[ -b {data['device']} ]")
    refused = fleet.run("deploy.yml", data, expect=2)
    (finding,) = [each for each in refused.summary["findings"] if each["level"] == "error"]
    assert finding["code"] == "data-place-taken"
    fleet.on(f"docker stop praxis-agent-1 && umount {MOUNT}")
    fleet.run("deploy.yml", data)
    assert fleet.on(f"findmnt -no SOURCE {MOUNT}") == fleet.on(f"realpath {data['device']}")
    fleet.on(WRITE)
    before = fleet.on(SUM)
    assert fleet.run("deploy.yml", data).changed == {}
    fleet.reboot()
    fleet.wait(f'[ "$({STATE})" = running ]')
    fleet.wait(f"{INFO} > /dev/null")  # the next scene asks it
    assert fleet.on(SUM) == before


@pytest.mark.repetition
def test_a_directory_of_the_machine_outlives_the_container(fleet: Fleet) -> None:
    data = {"path": "/srv/praxis"}
    fleet.run("deploy.yml", data)
    fleet.on(WRITE)
    before, container = fleet.on(SUM), fleet.on(CONTAINER)
    assert fleet.run("deploy.yml", data).changed == {}
    fleet.run("deploy.yml", data, praxis_agent_config_host={"agent": {"description": "made anew"}})
    assert fleet.on(CONTAINER) != container
    assert fleet.on(SUM) == before
    assert fleet.on("stat -c '%u %a' /srv/praxis/agent") == "10001 700"
