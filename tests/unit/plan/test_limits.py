# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""--tags, --limit and --start-at-task: what would leave nothing of a playbook but a return code of 0 is refused."""

from __future__ import annotations

import json

import pytest

from tests import tiers
from tests.unit.plan.made import Account, fleet, variables
from tests.unit.plan.test_actions import CHECKOUT, ROOT_PLAYBOOKS, Played, Site, site

pytestmark = pytest.mark.slow
__all__ = ["site"]

#: They are about clouds, clusters and projects as a whole; each has its own words.
OF_NO_MEMBER = {"awx.yml", "host_keys.yml", "init.yml"}
WHOLE = ["down.yml", "image.yml", "policies.yml", "provision.yml", "kubernetes/deploy.yml", "ecs/deploy.yml"]
OF_MEMBERS = [name for name in ROOT_PLAYBOOKS if name not in OF_NO_MEMBER and name not in WHOLE]


def elsewhere(site: Site, playbook: str, limit: str) -> Played:
    """A run with a limit, where the inventory has two members and a machine that is none."""
    members = {name: {**found, **site.host(name, "exit 3")} for name, found in fleet(2).items()}
    site.inventory(members, {"pods": variables(3, target="kubernetes")})
    hosts = json.loads((site.folder / "hosts.json").read_text())
    hosts["web"] = {"hosts": {"w1": site.host("w1", "exit 3")}}
    (site.folder / "hosts.json").write_text(json.dumps(hosts))
    return site.play(CHECKOUT / "playbooks" / playbook, "--limit", limit)


def words(site: Site, empty: Account, played: Played) -> str:
    """What a run was refused with that came to nobody."""
    assert played.rc == 2, played.printed[-2000:]
    assert [each["task"] for each in played.results] == ["Refuse to run a part of the playbook"]
    assert empty.cloud.operations == []
    assert not any(site.was_sent(name) for name in ("m1", "m2", "w1"))
    return str(played.results[0]["result"]["msg"])


@pytest.mark.parametrize("limit", ["web", "localhost", "pods"])
@pytest.mark.parametrize("playbook", tiers.only(OF_MEMBERS, ["deploy.yml", "status.yml"].__contains__))
def test_a_limit_that_leaves_no_member_is_refused(site: Site, empty: Account, playbook: str, limit: str) -> None:
    said = words(site, empty, elsewhere(site, playbook, limit))
    assert said.startswith(f"--limit {limit} leaves no member of the fleet")


@pytest.mark.parametrize("playbook", tiers.first(sorted(OF_NO_MEMBER)))
def test_what_is_done_on_the_controller_alone_is_not_left_out(site: Site, empty: Account, playbook: str) -> None:
    said = words(site, empty, elsewhere(site, playbook, "m1"))
    assert said.startswith("--limit m1 leaves the controller out") and "localhost" in said


@pytest.mark.parametrize("task", tiers.first(["Summarise the fleet", "Prepare the release", "no such task"]))
@pytest.mark.parametrize("playbook", tiers.only(ROOT_PLAYBOOKS, "status.yml".__eq__))
def test_no_playbook_starts_in_its_middle(site: Site, empty: Account, playbook: str, task: str) -> None:
    """Nothing before that task is done, no check among it; the verdict of an earlier run is in a fact cache."""
    site.inventory(fleet(1))
    played = site.play(CHECKOUT / "playbooks" / playbook, "--start-at-task", task)
    assert played.rc != 0 and played.results == []
    assert f"--start-at-task {task} would skip every check" in " ".join(played.printed.split())
    assert empty.cloud.operations == []


@pytest.mark.parametrize(
    ("playbook", "part"),
    tiers.first(
        [
            ("deploy.yml", ("--skip-tags", "x")),
            ("deploy.yml", ("--tags", "deploy", "--limit", "m1")),
            *((playbook, ("--tags", "deploy")) for playbook in ROOT_PLAYBOOKS),
        ],
        2,
    ),
)
def test_no_part_of_a_playbook_is_taken_for_all_of_it(
    site: Site, empty: Account, playbook: str, part: tuple[str, ...]
) -> None:
    """The playbooks have no tags: with --tags nothing would be left of them but a return code of 0."""
    site.inventory({name: {**found, **site.host(name, "exit 3")} for name, found in fleet(2).items()})
    played = site.play(CHECKOUT / playbook, *part)
    assert played.rc == 2
    assert [(each["task"], each["status"]) for each in played.results] == [
        ("Refuse to run a part of the playbook", "failed")
    ]
    assert "--limit selects hosts" in played.printed
    assert empty.cloud.operations == []
    assert not any(site.was_sent(name) for name in ("m1", "m2"))


def test_a_variable_that_was_cut_off_at_a_space_is_refused(site: Site, empty: Account) -> None:
    """Ansible takes what stands before the space for all of it: half a reason, or another directory."""
    site.inventory({name: {**found, **site.host(name, "exit 3")} for name, found in fleet(2).items()})
    played = site.play(CHECKOUT / "lock.yml", "-e", "praxis_lock_reason=moving the database")
    assert [(each["task"], each["status"]) for each in played.results] == [
        ("Refuse to run a part of the playbook", "failed")
    ]
    said = played.results[0]["result"]["msg"]
    assert "cut off at a space" in said and "the database" in said
    whole = site.play(CHECKOUT / "lock.yml", "-e", 'praxis_lock_reason="moving the database"')
    assert ("Refuse to run a part of the playbook", "ok") in [(each["task"], each["status"]) for each in whole.results]


@pytest.mark.parametrize(
    ("playbook", "limit"),
    tiers.first(
        [("provision.yml", "m1"), *((name, limit) for name in WHOLE for limit in ("m1", "pods", "localhost", "all"))]
    ),
)
def test_infrastructure_has_no_limit(site: Site, empty: Account, playbook: str, limit: str) -> None:
    said = words(site, empty, elsewhere(site, playbook, limit))
    assert said.startswith(f"--limit {limit}: this playbook works on the fleet's cloud resources as a whole")
