# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each verb needs on Google Cloud, by an account that has exactly that: it suffices, and nothing is left over.

The sandbox's Google refuses what was not granted, by the permissions of each method and of what its body refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backend_service import BackendService
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_backups import GoogleBackups
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_members import describe
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_volumes import GoogleDisks, volume
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.slot_disks import put_in_place
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import GOOGLE, Wanted
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import RESTORING
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_roles import VERBS, roles
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.google_roles import Project as Place
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import diff
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_gcp import GcpIdentities
from ansible_collections.praxis.cloud.plugins.modules import gcp_lb_target
from ansible_collections.praxis.cloud.plugins.plugin_utils import gke_access
from sandbox.gcp import access
from tests.unit.infrastructure.account import FLEET, HOST, rows

from .conftest import PROJECT
from .made import ONE, REGION, dns
from .project import NAME, Project
from .test_dns import MARK, ZONE
from .test_gcp_lb_target import Balancer
from .test_kinds import BESIDE, DONE, GKE, OF_A_CLUSTER, gke_labels
from .test_volumes import disks

IMAGE = f"us-central1-docker.pkg.dev/{PROJECT}/praxis/praxis-agent:1.0"
PLACE = Place(FLEET, PROJECT, [(PROJECT, "praxis_alpha_agent")], [IMAGE])
DATA = {"size": 12}
#: What a verb needs where the flows below do not come to: of a registry, of a machine that is suspended (the sandbox
#: has none), and of an operation that takes time.
ELSEWHERE = {
    "compute.instances.resume",
    "artifactregistry.repositories.downloadArtifacts", "artifactregistry.repositories.uploadArtifacts",
    "compute.globalOperations.get", "compute.regionOperations.get", "compute.zoneOperations.get",
}  # fmt: skip


class Operator:
    """The account that the product uses, which from some moment on has the role of one verb alone."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.used: set[str] = set()

    @contextmanager
    def only(self, verb: str, without: str = "") -> Iterator[None]:
        """With the permissions of this verb, but for one of them, and what is used of them noted."""
        front, email = self.project.google.front, self.project.google.email
        front.access.revoke(email, f"projects/{PROJECT}")
        for grant in roles(PLACE)[verb]:
            of_names = "secretmanager" in str(grant["permissions"]) and "condition" in grant
            on = f"projects/{PROJECT}/secrets/praxis_{FLEET}_identity_*" if of_names else grant["on"]
            front.access.grant(email, set(grant["permissions"]) - {without}, on)
        check = front.access.check

        def noted(api: str, call: Any, who: str) -> None:
            self.used |= {permission for permission, _on in access.needs(api, call)}
            check(api, call, who)

        front.access.check = noted
        try:
            yield
        finally:
            front.access.check = check
            front.access.grant(email, ["*"], f"projects/{PROJECT}")


@pytest.fixture
def operator(project: Project) -> Operator:
    project.secure(certificate="managed", data=DATA)
    return Operator(project)


def provision(operator: Operator) -> None:
    project = operator.project
    with operator.only("provision"):
        project.present(hosts=2)
        members(project, 2)
        project.present(balancer=False, certificate="", dns_name="", dns_zone="", allow_shrink=True)
    service = Balancer(project.google, endpoints=True)
    theirs = {"backend_service": "agents", "certificate": "", "dns_name": "", "dns_zone": "", "allow_shrink": True}
    with operator.only("provision"):
        made = project.present(hosts=2, **theirs)["machines"]
    service.run("present", wait=False, targets=[{"id": each["name"], "zone": each["zone"]} for each in made])
    with operator.only("provision"):
        project.present(**theirs)
        assert len(BackendService(project.client(), "agents").observe()) == 1
        project.present(allow_shrink=True)
    for edit, _field in DONE.values():
        edit(project)
    (disk,) = [one["name"] for slot, one in disks(project).items() if slot == "gcp-1"]
    project.edit("POST", f"zones/{ONE}/disks/{disk}/createSnapshot", {"name": "nightly"})
    larger = {"size": 20, "snapshot": {"gcp-3": "nightly"}}
    machine = f"projects/{PROJECT}/zones/{ONE}/instances/{FLEET}-gcp-1"
    project.google.front.compute.resources.get(machine)["status"] = "TERMINATED"
    with operator.only("provision"):
        project.present(hosts=3, data=larger)
        assert rows(project.present(hosts=3, data=larger)) == []


def deploy(operator: Operator) -> None:
    project = operator.project
    project.present()
    Balancer(project.google, endpoints=True)
    healthy(project)
    with operator.only("deploy"):
        members(project)
        identities(project, "present")
        for state in ("present", "drained", "absent"):
            served(state)
            served(state, service="agents", machine="a-1")


def doctor(operator: Operator) -> None:
    project = operator.project
    project.present()
    identities(project, "present")
    Balancer(project.google, endpoints=True)
    with operator.only("doctor"):
        members(project)
        project.present(check=True, hosts=2)
        GcpIdentities(project.client(), FLEET).read(["gcp-1"])
        served("present", check=True)
        served("present", check=True, service="agents", machine="a-1")


def backup(operator: Operator) -> None:
    project = operator.project
    project.present()
    (disk,) = disks(project).values()
    with operator.only("backup"):
        members(project)
        handled = GoogleDisks(project.client(), Wanted(FLEET, ("gcp-1",), words=GOOGLE), "here")
        assert handled.read(disk["name"], ONE) == volume(disk)
        assert handled.read("another", ONE) is None
        backups = GoogleBackups(project.client(), FLEET)
        id_ = backups.start(disk["name"], ONE, "gcp-1", "20261128t220823z", 5.0)
        backups.complete(id_)
        assert len(backups.observe()) == 1
        backups.remove(id_)


def restore(operator: Operator) -> None:
    project = operator.project
    project.present()
    (disk,) = disks(project).values()
    project.edit("POST", f"zones/{ONE}/disks/{disk['name']}/createSnapshot", {"name": "nightly"})
    with operator.only("restore"):
        members(project)
        assert GoogleBackups(project.client(), FLEET).observe() == []
        handled = GoogleDisks(project.client(), Wanted(FLEET, ("gcp-1",), words=GOOGLE), "here", 5.0,
                              project.provision().poll)  # fmt: skip
        (old,) = [each for each in handled.observe() if each.id == disk["name"]]
        new = handled.create("gcp-1", ONE, 12, "nightly", RESTORING)
        put_in_place(handled, old, new, f"{FLEET}-gcp-1")


def down(operator: Operator) -> None:
    project = operator.project
    project.present()
    identities(project, "present")
    with operator.only("down"):
        members(project)
        identities(project, "absent")
        project.absent(remove_data=True)
        assert project.resources() == {}
    # As somebody leaves it who removes the address alone: nothing remembers the record's name any more.
    for type_, value in (("A", "192.0.2.1"), ("TXT", MARK)):
        name = f"{HOST}." if type_ == "A" else f"_praxis.{HOST}."
        dns(project.google, "POST", f"{ZONE}/rrsets", {"name": name, "type": type_, "rrdatas": [value]})
    with operator.only("down"):
        assert rows(project.absent()) == [("remove", "DNS record", f"agents/{HOST}")]


def gke(operator: Operator) -> None:
    project = operator.project
    project.options |= {**GKE, "certificate": "", "dns_name": "", "dns_zone": "", "data": {}}
    project.own = set(project._listed())
    with operator.only("gke"):
        project.present(check=True)
        project.present()
        gke_access.endpoint(project.client(), NAME, REGION)
    for edit, _field in [row for row in {**OF_A_CLUSTER, **BESIDE}.values() if row]:
        edit(project)
    gke_labels(project)
    project.edit("PATCH", f"regions/{REGION}/subnetworks/{NAME}", {
        "secondaryIpRanges": [], "fingerprint": project.get(f"regions/{REGION}/subnetworks/{NAME}")["fingerprint"]})
    with operator.only("gke"):
        project.present()
        assert rows(project.present()) == []
        project.absent()
    assert project.resources() == {} and not project.google.front.container.resources


def identities(project: Project, state: str) -> None:
    """As p2p_identity keeps them."""
    kept = GcpIdentities(project.client(), FLEET)
    _done, failed = kept.apply(diff(kept.read(["gcp-1"], unusable=state == "absent").values(), state))
    assert failed == []


def members(project: Project, number: int = 1) -> None:
    """As the inventory finds them."""
    assert len(describe(project.client(), FLEET, PROJECT, [REGION])) == number


def healthy(project: Project) -> None:
    """From now on the load balancer finds every machine in order."""
    for _path, one in project.google.front.compute.resources.of_kind(PROJECT, "instances"):
        project.google.world.healthy.add(one["networkInterfaces"][0]["networkIP"])


def served(state: str, check: bool = False, service: str = NAME, machine: str = f"{FLEET}-gcp-1") -> None:
    """A machine into a load balancer, or out of it."""
    gcp_lb_target.run({"backend_service": service, "region": "", "targets": [{"id": machine, "zone": ONE}],
                       "state": state, "wait": state == "present", "wait_timeout": None}, check)  # fmt: skip


FLOWS: dict[str, Callable[[Operator], None]] = {
    "provision": provision, "deploy": deploy, "doctor": doctor, "backup": backup, "restore": restore, "down": down,
    "gke": gke,
}  # fmt: skip


def test_every_verb_has_a_flow() -> None:
    assert {*FLOWS, "image"} == set(VERBS)


@pytest.mark.slow
@pytest.mark.parametrize("verb", FLOWS)
def test_a_verb_s_permissions_suffice_and_none_is_left_over(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(gcp_lb_target.time, "sleep", lambda seconds: None)
    FLOWS[verb](operator)
    granted = {permission for grant in roles(PLACE)[verb] for permission in grant["permissions"]}
    left = sorted(granted - operator.used - ELSEWHERE)
    assert not left, left


@pytest.mark.slow
def test_a_fleet_without_disks_name_and_https_is_made_and_removed_by_less(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Place(FLEET, PROJECT, named=False, secured=False, disks=False)
    monkeypatch.setattr(f"{__name__}.PLACE", plain)
    operator = Operator(project)
    with operator.only("provision"):
        project.present(hosts=2)
        project.present(hosts=1, allow_shrink=True)
        assert rows(project.present()) == []
    with operator.only("down"):
        project.absent()
    assert project.resources() == {}
