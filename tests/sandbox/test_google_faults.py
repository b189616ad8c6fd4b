# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on Google's side, as a client meets them."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import requests

from sandbox.client import Client
from sandbox.problem import Problem
from sandbox.site import CHECKOUT, PROJECT, ROOT_VARIABLE
from tests.sandbox.google import SUBNETS, ZONES, Answered, Google
from tests.sandbox.support import Shell, wait_for
from tests.sandbox.test_faults import DIAL

#: The lane "google" runs the product on this side of the sandbox.
pytestmark = [pytest.mark.sandbox, pytest.mark.repetition]
SECRETS = f"https://secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets"
CHECK = {"name": "fault", "type": "HTTP", "httpHealthCheck": {"port": 80}}


def errors(sandbox: Client, offset: int) -> list[str | None]:
    """Errors of the log's entries from an offset on."""
    return [entry["error"] for entry in sandbox.operations(offset, cloud="gcp")[0]]


@pytest.mark.parametrize(("kind", "fields", "said"), [
    ("throttle", {}, "403 rateLimitExceeded"),
    ("error", {}, "503 backendError"),
    ("error", {"code": "internalError", "status": 500}, "500 internalError"),
    ("quota", {"message": "Quota 'CPUS' exceeded."}, "403 quotaExceeded: Quota 'CPUS' exceeded."),
])
def test_the_api_refuses_on_order(fault: Client, google: Google, kind: str, fields: dict[str, object],
                                  said: str) -> None:
    offset = fault.operations(cloud="gcp")[1]
    fault.fault(kind, "gcp", operations=["compute:healthChecks.insert"], count=1, **fields)
    with pytest.raises(Answered) as answered:
        google.call("POST", "global/healthChecks", CHECK)
    assert said in str(answered.value)
    assert answered.value.reason in errors(fault, offset)
    assert google.call("GET", "global/healthChecks")["items"] == []


def test_the_newer_services_have_words_of_their_own(fault: Client, google: Google) -> None:
    fault.fault("throttle", "gcp", operations=["secretmanager:*"], count=1, retry_after=7)
    answer = google.session.get(SECRETS, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_expired_credentials(fault: Client, google: Google) -> None:
    fault.fault("expire", "gcp", operations=["compute:networks.list"])
    with pytest.raises(Answered, match="401 authError"):
        google.call("GET", "global/networks")


@pytest.mark.parametrize(("kind", "word", "carried_out"), [
    ("reset", "ConnectionReset", False), ("lose", "AnswerLost", True), ("truncate", "AnswerCut", True)])
def test_an_answer_that_does_not_arrive(fault: Client, google: Google, kind: str, word: str,
                                        carried_out: bool) -> None:
    offset = fault.operations(cloud="gcp")[1]
    fault.fault(kind, "gcp", operations=["compute:healthChecks.insert"], count=1)
    with pytest.raises(requests.exceptions.RequestException):
        google.call("POST", "global/healthChecks", CHECK)
    assert errors(fault, offset) == [word]
    found = [one["name"] for one in google.call("GET", "global/healthChecks")["items"]]
    assert found == (["fault"] if carried_out else [])
    if carried_out:
        google.do("DELETE", "global/healthChecks/fault")


def test_a_slow_answer(fault: Client, google: Google) -> None:
    fault.fault("slow", "gcp", operations=["compute:networks.list"], seconds=1.5)
    began = time.monotonic()
    google.call("GET", "global/networks")
    assert time.monotonic() - began >= 1.5


def test_a_storm_strikes_as_its_seed_says(fault: Client, google: Google) -> None:
    def storm(seed: int) -> list[str | None]:
        made = fault.fault("storm", "gcp", operations=["compute:networks.list"], probability=0.5, seed=seed)
        offset = fault.operations(cloud="gcp")[1]
        for _draw in range(12):
            try:
                google.call("GET", "global/networks")
            except (Answered, requests.exceptions.RequestException):
                continue
        fault.lift(made["ident"], "gcp")
        return errors(fault, offset)

    first = storm(3)
    assert first == storm(3) != storm(4)
    assert None in first and len({error for error in first if error}) > 1


def test_an_operation_that_ends_in_an_error(fault: Client, google: Google,
                                            google_machines: tuple[Shell, Shell]) -> None:
    fault.fault("fail", "gcp", operations=["compute:instances.insert"], count=1)
    operation = google.call("POST", f"zones/{ZONES[0]}/instances", google.machine("never"))
    with pytest.raises(Answered, match="503 ZONE_RESOURCE_POOL_EXHAUSTED: .*does not have enough resources"):
        google.wait(operation)
    with pytest.raises(Answered, match="404"):
        google.call("GET", f"zones/{ZONES[0]}/instances/never")
    fault.fault("fail", "gcp", operations=["compute:healthChecks.*"], code="QUOTA_EXCEEDED", message="No more.",
                count=1)
    with pytest.raises(Answered, match="403 QUOTA_EXCEEDED: No more"):
        google.do("POST", "global/healthChecks", CHECK)


def test_an_operation_that_never_ends(fault: Client, google: Google) -> None:
    fault.fault("hang", "gcp", operations=["compute:healthChecks.insert"], count=1)
    path = google.call("POST", "global/healthChecks", CHECK)["selfLink"].partition(f"/projects/{PROJECT}/")[2]
    time.sleep(1)  # longer than any operation takes that ends
    assert google.call("GET", path)["status"] == "RUNNING"
    assert google.call("GET", "global/healthChecks")["items"] == []


@pytest.mark.parametrize("what", ["labels", "subnetwork"])
def test_somebody_else_was_quicker(fault: Client, google: Google, google_machines: tuple[Shell, Shell],
                                   what: str) -> None:
    """The change is refused once; made again from what is there then, it is carried out."""
    fault.fault("stale", "gcp", count=1)
    if what == "labels":
        path = f"zones/{ZONES[0]}/instances/google-1"

        def change() -> None:
            mark = google.call("GET", path)["labelFingerprint"]
            google.do("POST", f"{path}/setLabels", {"labels": {"a": "b"}, "labelFingerprint": mark})
    else:
        path = f"regions/us-central1/subnetworks/{SUBNETS[0]}"

        def change() -> None:
            mark = google.call("GET", path)["fingerprint"]
            google.do("PATCH", path, {"privateIpGoogleAccess": True, "fingerprint": mark})

    with pytest.raises(Answered, match="412 conditionNotMet"):
        change()
    change()
    found = google.call("GET", path)
    assert found.get("labels") == {"a": "b"} or found.get("privateIpGoogleAccess") is True


@pytest.mark.parametrize("url", [
    f"https://compute.googleapis.com/compute/v1/projects/{PROJECT}/zones", SECRETS])
def test_a_list_whose_second_page_cannot_be_had(fault: Client, google: Google, url: str) -> None:
    size, items = ("maxResults", "items") if "compute" in url else ("pageSize", "secrets")
    administrator = Google(fault, "administrator")
    administrator.ask("POST", SECRETS, {"replication": {"automatic": {}}}, secretId="praxis_second")
    try:
        fault.fault("page", "gcp")
        first = google.ask("GET", url, **{size: "1"})
        assert len(first[items]) == 1
        with pytest.raises(Answered, match="503"):
            google.ask("GET", url, **{size: "1", "pageToken": first["nextPageToken"]})
    finally:
        administrator.ask("DELETE", f"{SECRETS}/praxis_second")


def test_a_new_instance_is_not_seen_at_once(fault: Client, google: Google,
                                            google_machines: tuple[Shell, Shell]) -> None:
    offset = fault.operations(cloud="gcp")[1]
    hidden = fault.fault("hide", "gcp", calls=2)
    path = f"zones/{ZONES[0]}/instances"
    google.do("POST", path, google.machine("hidden"))
    assert {one["name"] for one in google.call("GET", path)["items"]} == {"google-1"}
    with pytest.raises(Answered, match="404"):
        google.call("GET", f"{path}/hidden")
    assert {one["name"] for one in google.call("GET", path)["items"]} == {"google-1", "hidden"}
    assert hidden["ident"] in {entry["fault"] for entry in fault.operations(offset, cloud="gcp")[0]}
    google.do("DELETE", f"{path}/hidden")


def test_a_fault_of_one_cloud_leaves_the_other_alone(fault: Client, google: Google, aws: object) -> None:
    fault.fault("error", "gcp", operations=["*"])
    assert aws("ec2").describe_vpcs()["Vpcs"]  # type: ignore[operator]
    assert [fault["kind"] for fault in fault.faults()] == ["error"]
    fault.clear("gcp")
    assert google.call("GET", "global/networks")["kind"] == "compute#networkList"
    with pytest.raises(Problem, match="has no fault 'stale'"):
        fault.fault("stale", "aws")


def test_by_the_command_line(fault: Client, google: Google) -> None:
    def sandbox(*arguments: str) -> str:
        return subprocess.run([sys.executable, "-m", "sandbox", *arguments, "--cloud", "gcp"], cwd=CHECKOUT, text=True,
                              env={**os.environ, ROOT_VARIABLE: str(fault.site.root)}, capture_output=True,
                              check=True).stdout

    assert '"fail"' in sandbox("fault", "fail", "--code", "QUOTA_EXCEEDED", "--count", "1")
    with pytest.raises(Answered, match="QUOTA_EXCEEDED"):
        google.do("POST", "global/healthChecks", CHECK)
    assert "healthChecks.insert" in sandbox("operations", "--mutating").splitlines()[-1]


def test_a_link_is_cut_at_every_address(healed: Client, google_machines: tuple[Shell, Shell],
                                        machines: tuple[Shell, Shell]) -> None:
    google, other = google_machines[0], machines[0]
    healed.link_cut("google-1", "conformance-1")
    assert other.says(DIAL.format(address=google.address)) == "timeout"
    assert google.says(DIAL.format(address=other.address)) == "timeout"
    assert machines[1].says(DIAL.format(address=google.address)) == "ok"
    healed.link_heal()
    healed.link_cut("google-1", "google-2")
    assert google.says(DIAL.format(address=google_machines[1].address)) == "timeout"
    healed.link_heal()
    assert google.says(DIAL.format(address=google_machines[1].address)) == "ok"


def test_a_killed_machine_and_a_full_disk(healed: Client, google: Google, google_machines: tuple[Shell, Shell]) -> None:
    one, two = google_machines
    healed.disk_full("google-2")
    assert "No space left on device" in two.run("sudo dd if=/dev/zero of=/opt/more bs=4k count=1").stderr
    healed.disk_heal("google-2")
    healed.machine_kill("google-2")
    assert one.says(DIAL.format(address=two.address)) != "ok"
    assert google.call("GET", f"zones/{ZONES[1]}/instances/google-2")["status"] == "RUNNING"
    healed.machine_start("google-2")
    wait_for("SSH at the external address again", lambda: two.run("true").returncode == 0)
