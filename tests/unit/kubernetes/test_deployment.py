# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's requests and what it concludes, against a stand-in for an API server. A real cluster's tests are in
tests/kubernetes."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.action import fleet_kubernetes
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import lease
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities
from ansible_collections.praxis.cloud.plugins.plugin_utils import (
    kubernetes_api,
    kubernetes_deployment,
    kubernetes_kinds,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_lock import Lock
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import IMAGE, leaf, variables
from tests.unit.kubernetes.verbs import BAD, LEASE, LEAVES, OTHER, PULL, STATEFUL, codes, image, living, of, run

CHECKOUT = Path(__file__).resolve().parents[3]
#: As it is, whatever a test puts in its place.
PROBE = kubernetes_deployment.probe


@pytest.mark.slow
def test_the_first_deployment_makes_everything_under_the_lease_and_leaves_a_record(api: FakeApi) -> None:
    result = run(api, "deployed")
    assert result["ok"] and result["changed"] and result["deployment"]
    assert api.written[0] == "PATCH /api/v1/namespaces/praxis", "the Lease needs its namespace"
    assert api.written[1].startswith("POST") and "/leases/" in api.written[1]
    assert api.written[-1].startswith("PUT") and "/leases/" in api.written[-1], "given back last"
    assert [row["health"] for row in result["members"]] == ["healthy", "healthy"]
    assert [past["outcome"] for past in run(api, "history")["deployments"]] == ["good"]


def test_a_second_deployment_writes_nothing(api: FakeApi) -> None:
    run(api, "deployed")
    result = run(api, "deployed")
    assert (result["changed"], api.written, result["changes"]) == (False, [], [])


def test_a_variable_may_hold_any_character(api: FakeApi) -> None:
    given = {"GREETING": "\U0001f642 \u00e9 \x7f \\ud83d"}
    result = run(api, "deployed", kinds={"agent": variables(agent_environment=given)})
    assert result["ok"], codes(result)
    (container,) = api.objects[STATEFUL]["spec"]["template"]["spec"]["containers"]
    assert {"name": "GREETING", "value": given["GREETING"]} in container["env"]


@pytest.mark.parametrize(("state", "check"), [("plan", False), ("deployed", True), ("status", False)])
def test_what_only_observes_writes_nothing(api: FakeApi, state: str, check: bool) -> None:
    result = run(api, state, check=check)
    assert api.written == [] and api.objects == {}
    if state != "status":
        assert {"verb": "create", "object": "StatefulSet/agent"} in result["changes"]


@pytest.mark.slow
def test_check_mode_says_what_the_run_then_does(api: FakeApi) -> None:
    run(api, "deployed")
    predicted = run(api, "deployed", check=True, kinds=of(OTHER))
    done = run(api, "deployed", kinds=of(OTHER))
    assert predicted["changes"] == done["changes"] and predicted["changed"] and done["changed"]
    assert image(api) == OTHER


@pytest.mark.slow
def test_a_plan_that_was_agreed_to_is_held_to(api: FakeApi) -> None:
    agreed = run(api, "plan")["plan_id"]
    with pytest.raises(Failed) as raised:
        run(api, "deployed", plan_id=agreed, kinds=of(OTHER))
    assert raised.value.findings[0].code == "plan-changed" and api.written == []
    assert run(api, "deployed", plan_id=agreed)["ok"]


@pytest.mark.slow
def test_a_bad_image_is_rolled_back_and_the_verdict_is_bad(api: FakeApi) -> None:
    run(api, "deployed")
    api.bad_images[BAD] = PULL
    result = run(api, "deployed", kinds=of(BAD))
    assert not result["ok"] and codes(result) == ["image-pull-failed", "rolled-back"]
    assert image(api) == IMAGE
    assert [past["outcome"] for past in run(api, "history")["deployments"]] == ["rolled back", "good"]
    assert run(api, "deployed")["changed"] is False, "the settings before it are the cluster's again"


@pytest.mark.slow
def test_an_object_that_somebody_writes_at_the_same_moment_is_applied_again(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An autoscaler, say, or whoever counts for the same quota. It is no verdict on the release."""
    monkeypatch.setattr(kubernetes_api, "_BESIDE", 0.01)
    run(api, "deployed")
    whole, contended = api.answer, [3]

    def answered(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) == ("PATCH", STATEFUL) and "dryRun" not in query and contended[0]:
            contended[0] -= 1
            return 409, {"message": "Operation cannot be fulfilled on resourcequotas: modified", "reason": "Conflict"}
        return whole(method, path, query, body)

    api.answer = answered  # type: ignore[method-assign]
    result = run(api, "deployed", kinds=of(OTHER))
    assert result["ok"] and image(api) == OTHER and contended == [0]


def partitions(api: FakeApi) -> list[int]:
    """Each partition under which the StatefulSet was written, in order."""
    return [item["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
            for path, item in api.history if path == STATEFUL]


@pytest.mark.slow
def test_the_canary_is_judged_before_any_other_pod_gets_the_release(api: FakeApi) -> None:
    run(api, "deployed", canary=1)
    assert partitions(api) == [0], "a first deployment has no canary"
    api.objects[STATEFUL]["spec"]["replicas"] = api.scaled["agent"] = 4
    result = run(api, "deployed", canary=1, kinds=of(OTHER))
    assert result["ok"] and partitions(api) == [0, 3, 0] and image(api) == OTHER
    assert run(api, "deployed", canary=1, kinds=of(OTHER))["changed"] is False


@pytest.mark.slow
def test_a_bad_canary_is_rolled_back_and_nobody_else_was_touched(api: FakeApi) -> None:
    kinds = {"agent": variables(), "leaf": leaf()}
    run(api, "deployed", kinds=kinds)
    leaves = copy.deepcopy(api.objects[LEAVES])
    api.bad_images[BAD] = PULL
    bad = {name: {**kind, "praxis_image": BAD} for name, kind in kinds.items()}
    result = run(api, "deployed", canary=1, kinds=bad)
    found = [(finding["code"], finding["where"]) for finding in result["findings"]]
    assert found == [("image-pull-failed", "agent-1"), ("rolled-back", "demo")]
    assert partitions(api) == [0, 1, 0] and image(api) == IMAGE
    assert api.objects[LEAVES] == leaves, "they come after the canary"
    assert run(api, "deployed", kinds=kinds)["changed"] is False


@pytest.mark.slow
def test_a_canary_of_all_pods_and_a_change_that_replaces_none_have_no_partition(api: FakeApi) -> None:
    run(api, "deployed")
    run(api, "deployed", canary=2, kinds=of(OTHER))
    run(api, "deployed", canary=1, kinds={"agent": variables({"replicas": 3}, image=OTHER)})
    assert partitions(api) == [0, 0, 0]


@pytest.mark.slow
def test_a_deployment_that_stopped_at_its_canary_goes_on_with_the_canary(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> str:
        raise KeyboardInterrupt

    run(api, "deployed")
    api.bad_images[OTHER] = PULL
    with monkeypatch.context() as patched:
        patched.setattr(kubernetes_deployment.Deployment, "_roll_back", stop)
        with pytest.raises(KeyboardInterrupt):
            run(api, "deployed", kinds=of(OTHER))
    assert partitions(api) == [0, 1]
    result = run(api, "deployed", kinds=of(OTHER))
    assert codes(result)[0] == "unfinished"
    assert [each["where"] for each in result["findings"][1:]] == ["agent-1", "demo"], "agent-0 was not touched"
    assert image(api) == IMAGE and partitions(api)[-1] == 0


@pytest.mark.slow
def test_a_run_whose_playbook_was_killed_stops_before_anybody_else_gets_the_release(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(api, "deployed")
    with monkeypatch.context() as patched:
        patched.setattr(Playbook, "ended", property(lambda _self: partitions(api)[-1] == 1))
        with pytest.raises(Failed) as raised:
            run(api, "deployed", canary=1, kinds=of(OTHER))
    assert [each.code for each in raised.value.findings] == ["playbook-ended"]
    assert partitions(api) == [0, 1]
    assert api.objects[LEASE]["spec"]["holderIdentity"], "it is not given back"
    api.objects[LEASE]["spec"]["renewTime"] = "2001-01-01T00:00:00.000000Z"
    result = run(api, "deployed", canary=1, kinds=of(OTHER))
    assert codes(result) == ["unfinished"] and result["ok"] and image(api) == OTHER


@pytest.mark.parametrize(
    ("before", "words"),
    [("the words before", "the words before"),
     ("unable to retrieve container logs for docker://cf1bd555", "the last words"),
     ('failed to try resolving symlinks in path "/var/log/pods/0.log": no such file', "the last words")],
)  # fmt: skip
def test_an_agent_that_ended_is_quoted_even_if_the_container_before_it_is_gone(
    api: FakeApi, before: str, words: str
) -> None:
    api.bad_images[BAD] = {"terminated": {"exitCode": 1}}
    api.logs = ("the last words", before)
    (finding,) = [each for each in run(api, "deployed", kinds=of(BAD))["findings"] if each["where"] == "agent-0"]
    assert finding["code"] == "container-exited" and finding["what"].endswith(f"Its log ends: {words}")


def test_a_first_deployment_that_is_bad_has_nothing_to_return_to(api: FakeApi) -> None:
    api.bad_images[IMAGE] = PULL
    assert "no-earlier-deployment" in codes(run(api, "deployed"))


@pytest.mark.slow
def test_a_rollback_goes_to_the_deployment_before_and_then_there_is_one_more(api: FakeApi) -> None:
    run(api, "deployed")
    run(api, "deployed", kinds=of(OTHER))
    result = run(api, "rolled_back", kinds=of(OTHER))
    assert result["ok"] and image(api) == IMAGE
    past = run(api, "history")["deployments"]
    assert [row["number"] for row in past] == [3, 2, 1] and past[0]["reason"] == f"rollback to {past[2]['run']}"
    assert run(api, "rolled_back", to=past[1]["run"])["ok"] and image(api) == OTHER


@pytest.mark.slow
def test_nothing_to_roll_back_to(api: FakeApi) -> None:
    run(api, "deployed")
    with pytest.raises(Failed) as raised:
        run(api, "rolled_back")
    assert raised.value.findings[0].code == "no-earlier-deployment"


@pytest.mark.slow
def test_an_autoscaler_s_number_stays(api: FakeApi) -> None:
    run(api, "deployed")
    api.scaled["agent"] = 4
    run(api, "deployed", kinds=of(OTHER))
    assert api.objects[STATEFUL]["spec"]["replicas"] == 4


@pytest.mark.slow
def test_an_autoscaler_goes_before_the_number_that_is_written_in_its_place(api: FakeApi) -> None:
    """As long as it is there, it undoes the number."""
    scaler = "/apis/autoscaling/v2/namespaces/praxis/horizontalpodautoscalers/agent"
    run(api, "deployed")
    api.bad_images[BAD] = PULL
    run(api, "deployed", kinds={"agent": variables({"replicas": 3}, image=BAD)})
    assert api.written.index(f"DELETE {scaler}") < api.written.index(f"PATCH {STATEFUL}")
    assert scaler in api.objects, "it is rolled back with the rest"
    assert run(api, "deployed", kinds={"agent": variables({"replicas": 3})})["ok"]
    assert scaler not in api.objects and api.objects[STATEFUL]["spec"]["replicas"] == 3


@pytest.mark.slow
def test_an_autoscaler_that_a_bad_deployment_added_goes_before_the_number_is_written_back(api: FakeApi) -> None:
    scaler = "/apis/autoscaling/v2/namespaces/praxis/horizontalpodautoscalers/agent"
    fixed = {"agent": variables({"replicas": 3})}
    run(api, "deployed", kinds=fixed)
    before = living(api)
    api.bad_images[BAD] = PULL
    result = run(api, "deployed", canary=0, kinds=of(BAD))
    assert codes(result)[-1] == "rolled-back" and living(api) == before
    (configmap,) = [line for line in api.written if line.startswith("DELETE") and "/configmaps/" in line]
    order = [line for line in api.written if line in (f"DELETE {scaler}", f"PATCH {STATEFUL}", configmap)]
    assert order == [f"PATCH {STATEFUL}", f"DELETE {scaler}", f"PATCH {STATEFUL}", configmap]
    assert api.objects[STATEFUL]["spec"]["replicas"] == 3 and run(api, "deployed", kinds=fixed)["changed"] is False


@pytest.mark.slow
def test_a_kind_that_a_bad_deployment_added_goes_and_the_finding_names_it(api: FakeApi) -> None:
    run(api, "deployed")
    before = living(api)
    api.bad_images[BAD] = PULL
    result = run(api, "deployed", kinds={"agent": variables(), "leaf": {**leaf(), "praxis_image": BAD}})
    assert codes(result)[-1] == "rolled-back" and living(api) == before
    assert "is removed: HorizontalPodAutoscaler/leaf, Deployment/leaf, " in result["findings"][-1]["what"]
    assert run(api, "deployed")["changed"] is False


@pytest.mark.slow
def test_a_rollback_that_fails_has_removed_the_added_pods_and_not_what_others_may_read(api: FakeApi) -> None:
    run(api, "deployed")
    before = living(api)
    api.bad_images.update({BAD: PULL, IMAGE: PULL})
    kinds = {"agent": variables(image=BAD), "leaf": {**leaf(), "praxis_image": BAD}}
    assert codes(run(api, "deployed", canary=0, kinds=kinds))[-1] == "not-rolled-back"
    left = living(api) - before
    assert LEAVES not in left and any("/configmaps/leaf-" in path for path in left)


@pytest.mark.slow
def test_a_good_deployment_has_its_record_whatever_cannot_be_removed(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(api, "deployed", kinds={"agent": variables(), "leaf": leaf()})
    answer = api.answer

    def refusing(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) == ("DELETE", LEAVES):
            return 403, {"kind": "Status", "message": "deletes are frozen", "reason": "Forbidden"}
        return answer(method, path, query, body)

    with monkeypatch.context() as frozen:
        frozen.setattr(api, "answer", refusing)
        result = run(api, "deployed", kinds=of(OTHER))
    assert not result["ok"] and "deletes are frozen" in result["findings"][-1]["what"]
    assert [past["outcome"] for past in run(api, "history")["deployments"]] == ["good", "good"]
    again = run(api, "deployed", kinds=of(OTHER))
    assert again["ok"] and LEAVES not in living(api)
    assert len(run(api, "history")["deployments"]) == 2


@pytest.mark.slow
def test_another_deployment_at_work_is_left_alone(api: FakeApi) -> None:
    run(api, "deployed")
    held = api.objects[LEASE]
    held["spec"]["holderIdentity"] = "20990101T000000Z-aaaaaa"
    with pytest.raises(Failed) as raised:
        run(api, "deployed", kinds=of(OTHER))
    assert raised.value.findings[0].code == "fleet-locked" and api.written == []
    assert "deploying" in codes(run(api, "status"))
    assert run(api, "deployed", kinds=of(OTHER), take_over="20990101T000000Z-aaaaaa")["ok"]


@pytest.mark.slow
def test_a_deployment_that_stopped_is_named_and_a_rollback_undoes_it(api: FakeApi) -> None:
    run(api, "deployed")
    held = api.objects[LEASE]
    held["spec"].update(holderIdentity="dead", renewTime="2001-01-01T00:00:00.000000Z")
    stateful = api.objects[STATEFUL]["spec"]["template"]["spec"]["containers"][0]
    stateful["image"] = OTHER
    result = run(api, "rolled_back")
    assert codes(result) == ["unfinished"] and image(api) == IMAGE
    assert lease.holder(held) == "dead", "the test's own copy"
    assert codes(run(api, "status")) == []


@pytest.mark.slow
def test_an_object_of_somebody_else_stops_the_run_before_anything_is_written(api: FakeApi) -> None:
    run(api, "deployed")
    api.objects["/api/v1/namespaces/praxis/services/agent"]["metadata"]["labels"] = {}
    with pytest.raises(Failed) as raised:
        run(api, "deployed", kinds=of(OTHER))
    assert raised.value.findings[0].code == "object-foreign" and api.written == []


@pytest.mark.slow
def test_releases_are_kept_for_rollbacks_and_then_removed(api: FakeApi) -> None:
    for number in range(4):
        run(api, "deployed", keep=2, kinds=of(IMAGE.replace("5" * 64, str(number) * 64)))
    run(api, "deployed", keep=2)
    releases = [name for name in api.objects if "/configmaps/agent-" in name and not name.endswith("-peers")]
    records = [name for name in api.objects if "/configmaps/demo-deployment-" in name]
    assert len(records) == 2 and 2 <= len(releases) <= 3
    result = run(api, "rolled_back")
    assert result["ok"] and image(api).endswith("3" * 64)


@pytest.mark.slow
def test_a_removal_leaves_the_namespace_and_nothing_of_ours_in_it(api: FakeApi) -> None:
    run(api, "deployed")
    assert run(api, "absent", check=True)["changes"] and api.written == []
    assert run(api, "absent")["changed"]
    assert list(api.objects) == ["/api/v1/namespaces/praxis"]
    assert run(api, "absent")["changed"] is False and api.written == []


@pytest.fixture
def before_the_lease(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Lets another run act once, when the next one has observed and does not hold the Lease yet."""
    take = Lock.take

    def planted(act: Callable[[], object]) -> None:
        def late(lock: Lock) -> None:
            monkeypatch.setattr(Lock, "take", take)
            act()
            take(lock)

        monkeypatch.setattr(Lock, "take", late)

    return planted


@pytest.mark.slow
def test_a_removal_takes_what_another_run_made_before_the_lease(
    api: FakeApi, before_the_lease: Callable[[Callable[[], object]], None]
) -> None:
    run(api, "deployed")
    before_the_lease(lambda: run(api, "deployed", kinds={"agent": variables(), "leaf": leaf()}))
    result = run(api, "absent")
    assert list(api.objects) == ["/api/v1/namespaces/praxis"]
    assert {"verb": "remove", "object": "Deployment/leaf"} in result["changes"]


@pytest.mark.slow
def test_a_deployment_is_planned_again_when_it_holds_the_lease(
    api: FakeApi, before_the_lease: Callable[[Callable[[], object]], None]
) -> None:
    run(api, "deployed")
    before_the_lease(lambda: run(api, "deployed", kinds={"agent": variables(), "leaf": leaf()}))
    result = run(api, "deployed", kinds=of(OTHER))
    assert {"verb": "remove", "object": "Deployment/leaf"} in result["changes"] and LEAVES not in api.objects
    assert [past["number"] for past in run(api, "history")["deployments"]] == [3, 2, 1]


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [False, True])
def test_a_rollback_chooses_where_it_goes_when_it_holds_the_lease(
    api: FakeApi, before_the_lease: Callable[[Callable[[], object]], None], stopped: bool
) -> None:
    """Until then another run's deployment ended, so that another one is before the newest; the run that had stopped
    when this one began is not left any more."""
    run(api, "deployed")
    run(api, "deployed", kinds=of(OTHER))
    if stopped:
        api.objects[LEASE]["spec"].update(holderIdentity="dead", renewTime="2001-01-01T00:00:00.000000Z")
        del api.objects[STATEFUL]
    before_the_lease(lambda: run(api, "deployed", kinds={"agent": variables(), "leaf": leaf()}))
    result = run(api, "rolled_back")
    back, _between, second, _first = run(api, "history")["deployments"]
    assert result["ok"] and image(api) == OTHER and LEAVES not in api.objects
    assert back["reason"] == f"rollback to {second['run']}"
    assert api.objects[LEASE]["metadata"]["annotations"][lease.REASON] == back["reason"]
    assert result["plan_id"] == back["plan_id"] == second["plan_id"]
    assert {row["release"] for row in result["members"]} == {second["releases"]["agent"]}


@pytest.mark.slow
def test_a_rollback_that_has_nowhere_to_go_any_more_gives_the_lease_back(
    api: FakeApi, before_the_lease: Callable[[Callable[[], object]], None]
) -> None:
    run(api, "deployed")
    run(api, "deployed", kinds=of(OTHER))
    before_the_lease(lambda: run(api, "absent"))
    with pytest.raises(Failed) as raised:
        run(api, "rolled_back")
    assert raised.value.findings[0].code == "no-earlier-deployment"
    assert list(api.objects) == ["/api/v1/namespaces/praxis", LEASE] and not lease.holder(api.objects[LEASE])


@pytest.mark.slow
def test_the_playbooks_do_the_same_and_leave_a_summary(api: FakeApi, tmp_path: Path) -> None:
    hosts = {"praxis": {"children": {"praxis_kubernetes": {"hosts": {"agent": variables()}}}}}
    (tmp_path / "hosts.yml").write_text(json.dumps(hosts))
    environment = {**os.environ, "KUBECONFIG": str(api.kubeconfig), "ANSIBLE_SHOW_CUSTOM_STATS": "true"}

    def play(verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, f"{verb}.yml", "-i", str(tmp_path / "hosts.yml"), *arguments]
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)

    done = play("deploy")
    assert done.returncode == 0 and "fleet demo: good; 2 members, 2 ready" in done.stdout, done.stdout + done.stderr
    assert "playbook: deploy" in done.stdout and "target: kubernetes" in done.stdout
    assert "changed=0" in play("deploy").stdout
    api.bad_images[IMAGE] = PULL
    status = play("status")
    assert status.returncode != 0 and "The pod's image cannot be pulled" in status.stdout
    refused = play("down")
    assert refused.returncode != 0 and "praxis_confirm_down=demo" in refused.stdout
    # Who imports the playbook for a fleet of another name has not confirmed the removal of this one.
    importing = [{"import_playbook": str(CHECKOUT / "down.yml"),
                  "vars": {"praxis_fleet": "other", "praxis_confirm_down": "other"}}]  # fmt: skip
    (tmp_path / "theirs.yml").write_text(json.dumps(importing))
    kept = dict(api.objects)
    other = play(str(tmp_path / "theirs"))
    assert other.returncode != 0 and "praxis_fleet stands in `vars`" in other.stdout, other.stdout
    assert api.objects == kept
    assert play("down", "-e", "praxis_confirm_down=demo").returncode == 0
    assert list(api.objects) == ["/api/v1/namespaces/praxis"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "said", "fix"),
    [
        (403, 'User "us" cannot create resource "pods/exec"', "Give the controller's account this right"),
        (500, "error dialing backend: no route to host", "Wait a little, and run this again"),
    ],
)
def test_a_probe_that_cannot_be_run_is_told_in_the_cluster_s_own_words(
    api: FakeApi, code: int, said: str, fix: str
) -> None:
    run(api, "deployed")
    api.exec_refusal = (code, {"kind": "Status", "message": said, "reason": "because"})
    result = run(api, "verified")
    assert not result["ok"] and codes(result) == ["pod-unseen", "pod-unseen"]
    finding = result["findings"][0]
    assert finding["what"] == f"The probe could not be run in the pod. The cluster answers {code}: {said}."
    assert finding["fix"].startswith(fix)


def test_no_cluster_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(Failed) as raised:
        fleet_kubernetes.Api(str(tmp_path / "none"))
    assert raised.value.findings[0].code == "no-cluster"


@pytest.fixture
def mixed(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A fleet that has a machine as well. What the pods' probes say is a list for each time that they are asked."""
    machine = {"praxis_slot": "vm-1", "praxis_image": IMAGE, "praxis_fleet": "demo", "praxis_private_ip": "10.0.0.1"}
    asked: list[bool] = []
    said: list[list[Finding]] = []

    def probe(_cluster: Any, _goals: Any, machines: bool = False, gate: bool = False) -> list[Finding]:
        asked.append(machines)
        return said.pop(0) if said else []

    def read(where: dict[str, Any], _stores: Any) -> dict[str, Any]:
        return {slot: identities.Identity(slot, reference, identities.PRESENT, "1", b"m" * 32)
                for slot, reference in where.items()}  # fmt: skip

    monkeypatch.setattr(kubernetes_deployment, "probe", probe)
    monkeypatch.setattr(kubernetes_kinds.identities, "read", read)
    return {"kinds": {"agent": variables(region="eu-west-1"), "vm-1": machine}, "asked": asked, "said": said}


def lonely(name: str) -> Finding:
    return Finding("pod-out-of-mesh", "0 of 1 live edges to 1 machines.", name, "Restart it.")


@pytest.mark.slow
def test_the_gate_of_a_fleet_with_machines_asks_every_pod_for_an_edge_to_one(
    api: FakeApi, mixed: dict[str, Any]
) -> None:
    result = run(api, "deployed", kinds=mixed["kinds"])
    assert result["ok"] and mixed["asked"] == [False, False, True]
    assert [row["dialled_by"] for row in result["across"]] == ["the pods"]
    result = run(api, "deployed", kinds=mixed["kinds"])
    assert result["ok"] and not result["changed"] and api.written == []
    assert mixed["asked"][3:] == [False, True]
    run(api, "verified", kinds=mixed["kinds"])
    assert mixed["asked"][5:] == [True]


@pytest.mark.slow
def test_pods_without_an_edge_to_a_machine_that_answers_are_restarted_one_by_one(
    api: FakeApi, mixed: dict[str, Any]
) -> None:
    run(api, "deployed", kinds=mixed["kinds"])
    mixed["said"] += [[lonely("agent-0")], [lonely("agent-0"), lonely("agent-1")], []]
    result = run(api, "deployed", kinds=mixed["kinds"])
    assert result["ok"] and result["changed"]
    assert [line for line in api.written if "/pods/" in line] == [
        "DELETE /api/v1/namespaces/praxis/pods/agent-0", "DELETE /api/v1/namespaces/praxis/pods/agent-1"]  # fmt: skip


@pytest.mark.slow
def test_machines_that_are_away_fail_the_gate_and_the_deployment_before_it_runs_again(
    api: FakeApi, mixed: dict[str, Any]
) -> None:
    run(api, "deployed", kinds=mixed["kinds"])
    mixed["said"] += [[], [], [lonely("agent-1")]]
    changed = {**mixed["kinds"], "agent": variables(region="eu-west-1", image=OTHER)}
    result = run(api, "deployed", kinds=changed)
    assert codes(result) == ["pod-out-of-mesh", "rolled-back"] and image(api) == IMAGE
    assert not [line for line in api.written if line.startswith("DELETE") and "/pods/" in line], "it would not help"


FORBIDDEN = 'pods "agent-0" is forbidden: User "us" cannot create resource "pods/exec"'


@pytest.mark.slow
@pytest.mark.parametrize(("code", "message", "is_said"), [
    (401, FORBIDDEN, True), (429, FORBIDDEN, True), (503, FORBIDDEN, True), (403, FORBIDDEN, False),
    # The node is away; and its kubelet, in the words of two runtimes: the agent has crashed since the pod was seen.
    (500, "error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout", True),
    (500, 'unable to upgrade connection: container not found ("agent")', False),
    (500, "failed to exec in container: container is in CONTAINER_EXITED state", False),
])  # fmt: skip
def test_a_gate_that_nobody_answers_is_no_verdict_on_the_release(
    api: FakeApi, mixed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, code: int, message: str, *, is_said: bool
) -> None:
    """All pods are ready on it, and it may well be good: what is open here is the next run's."""
    run(api, "deployed", kinds=mixed["kinds"])
    monkeypatch.setattr(kubernetes_deployment, "probe", PROBE)
    api.exec_refusal = (code, {"kind": "Status", "message": message, "reason": "because"})
    changed = {**mixed["kinds"], "agent": variables(region="eu-west-1", image=OTHER)}
    if is_said:
        with pytest.raises(errors.CloudError):
            run(api, "deployed", kinds=changed)
    else:
        assert "rolled-back" in codes(run(api, "deployed", kinds=changed))
    assert image(api) == (OTHER if is_said else IMAGE)


def test_a_probe_whose_connection_is_refused_is_told_apart_from_one_that_fails(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_words: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    reached = fleet_kubernetes.Api(str(api.kubeconfig))
    monkeypatch.setattr("kubernetes.stream.ws_client.WSClient", refused)
    with pytest.raises(errors.Unavailable, match="does not answer.*refused"):
        reached.execute("praxis", "agent-0", ["true"], 1.0)


def test_check_mode_of_a_fleet_with_machines_writes_nothing(api: FakeApi, mixed: dict[str, Any]) -> None:
    run(api, "deployed", kinds=mixed["kinds"])
    asked = len(mixed["asked"])
    assert run(api, "deployed", check=True, kinds=mixed["kinds"])["ok"]
    assert api.written == [] and len(mixed["asked"]) == asked
