# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's instances are machines, and one meets them at the addresses at which one would."""

from __future__ import annotations

import pytest

from sandbox import docker
from sandbox.client import Client
from sandbox.site import GOOGLE_REGION, PROJECT
from tests.sandbox.google import NETWORK, SUBNETS, ZONES, Answered, Google
from tests.sandbox.support import Shell, wait_for

#: The lane "google" runs the product on this side of the sandbox.
pytestmark = [pytest.mark.sandbox, pytest.mark.repetition]

LISTEN = "import socket; s = socket.create_server((\"\", 7000)); print(s.accept()[1][0], flush=True)"
"""Prints who dials port 7000 first."""


def seen_by(machine: Shell, dialler: Shell, address: str) -> str:
    """The source address that a machine sees when another dials it."""
    docker.shell(machine.container, f"rm -f /run/seen; systemd-run --quiet --collect --unit seen "
                                    f"--property=StandardOutput=file:/run/seen python3 -c '{LISTEN}'")
    wait_for("the listener", lambda: machine.run("ss -Hltn sport = 7000").stdout)
    dialler.says(f"timeout 5 bash -c 'echo > /dev/tcp/{address}/7000'")
    return str(wait_for("the address", lambda: machine.run("sudo cat /run/seen").stdout)).strip()


def test_one_logs_in_as_the_metadata_says(google_machines: tuple[Shell, Shell]) -> None:
    machine = google_machines[0]
    assert machine.says("id -un; sudo id -un; hostname").split() == ["praxis", "root", "google-1"]
    assert machine.says("sudo systemctl is-system-running --wait") == "running"
    assert machine.run("command -v docker").returncode != 0
    for stranger in ("root", "admin"):
        assert "Permission denied" in machine.run("true", login=stranger).stderr


def test_an_external_address_is_another_and_the_machine_does_not_know_it(
        sandbox: Client, google_machines: tuple[Shell, Shell]) -> None:
    machine = google_machines[0]
    external, internal = machine.address, machine.ident
    assert external != internal
    addresses = machine.says("ip -o -4 address; echo $SSH_CONNECTION")
    assert internal in addresses and external not in addresses
    listed = {one["name"]: one for one in sandbox.state()["machines"]}
    assert (listed["google-1"]["ip"], listed["google-1"]["public_ip"], listed["google-1"]["cloud"]) == (
        internal, external, "gcp")
    inside = Shell(internal, machine.key, internal, machine.container, "praxis")
    assert inside.says("hostname") == "google-1"


def test_who_is_seen_where(google_machines: tuple[Shell, Shell], machines: tuple[Shell, Shell]) -> None:
    """Inside the network internal addresses, everywhere else the external one; of the other cloud its own."""
    one, two = google_machines
    foreign = machines[0]
    assert seen_by(two, one, two.ident) == one.ident
    assert seen_by(two, one, two.address) == one.address
    assert seen_by(foreign, one, foreign.address) == one.address
    assert seen_by(one, foreign, one.address) == foreign.address


def test_a_machines_own_rules_see_its_internal_address(google_machines: tuple[Shell, Shell],
                                                       machines: tuple[Shell, Shell]) -> None:
    """A published port of a container is such a rule: the engine's own translation goes on after the cloud's."""
    one = google_machines[0]
    rule = f"PREROUTING -t nat -d {one.ident} -p tcp --dport 7001 -j REDIRECT --to-ports 22"
    one.says(f"sudo iptables -w 5 -A {rule}")
    try:
        said = machines[0].says(f"timeout 5 bash -c 'head -c 8 < /dev/tcp/{one.address}/7001'")
    finally:
        one.says(f"sudo iptables -w 5 -D {rule}")
    assert said == "SSH-2.0-"


def test_accounts_follow_the_metadata(google: Google, google_machines: tuple[Shell, Shell]) -> None:
    machine = google_machines[1]
    path = f"zones/{ZONES[1]}/instances/google-2"

    def tell(*users: str) -> None:
        mark = google.call("GET", path)["metadata"]["fingerprint"]
        keys = "\n".join(f"{user}:{google.public_key()}" for user in users)
        google.do("POST", f"{path}/setMetadata", {"fingerprint": mark, "items": [{"key": "ssh-keys", "value": keys}]})

    tell("praxis", "second")
    assert machine.run("sudo id -un", login="second").stdout.strip() == "root"
    tell("praxis")
    assert "Permission denied" in machine.run("true", login="second").stderr
    assert machine.says("id -un") == "praxis"


def test_a_subnetwork_that_comes_later_is_inside(google: Google, google_machines: tuple[Shell, Shell]) -> None:
    one = google_machines[0]
    prefix = ".".join(one.ident.split(".")[:2])
    path = f"regions/{GOOGLE_REGION}/subnetworks"
    later = {"name": "later", "network": f"global/networks/{NETWORK}", "ipCidrRange": f"{prefix}.140.0/24"}
    google.do("POST", path, later)
    wait_for("the machine to know", lambda: f"{prefix}.140.0/24" in one.says("sudo nft list table ip sandbox"))
    google.do("DELETE", f"{path}/later")


def test_a_life(sandbox: Client, google: Google, google_machines: tuple[Shell, Shell]) -> None:
    """Inserted, stopped, started at another address with its disk, reset, and deleted without a trace."""
    path = f"zones/{ZONES[0]}/instances/life"
    container = sandbox.site.container(f"{ZONES[0]}-life")
    operation = google.order("POST", f"zones/{ZONES[0]}/instances", google.machine("life"))
    assert google.call("GET", path)["status"] in ("PROVISIONING", "STAGING")
    google.wait(operation)
    assert google.call("GET", path)["status"] == "RUNNING"
    first = google.shell("life")
    docker.shell(container, "echo kept > /root/note")

    operation = google.order("POST", f"{path}/stop")
    assert google.call("GET", path)["status"] == "STOPPING"
    google.wait(operation)
    stopped = google.call("GET", path)
    assert stopped["status"] == "TERMINATED"
    assert "natIP" not in stopped["networkInterfaces"][0]["accessConfigs"][0], "it was lent for as long as it ran"
    assert not (docker.inspect("container", container) or {})["State"]["Running"]
    with pytest.raises(Answered, match="resourceNotReady"):
        google.call("POST", f"{path}/reset")

    google.do("POST", f"{path}/start")
    second = google.shell("life")
    assert second.address != first.address and second.ident == first.ident
    wait_for("SSH at the new address", lambda: second.run("true").returncode == 0)
    assert second.says("sudo cat /root/note") == "kept"
    boot = second.says("cat /proc/sys/kernel/random/boot_id; systemctl show -P UserspaceTimestampMonotonic")
    google.do("POST", f"{path}/reset")
    wait_for("SSH after the reset", lambda: second.run("true").returncode == 0)
    assert second.says("systemctl show -P UserspaceTimestampMonotonic") not in boot
    assert google.call("GET", path)["status"] == "RUNNING"

    operation = google.order("DELETE", path)
    assert google.call("GET", path)["status"] == "STOPPING"
    assert "life" not in {machine["name"] for machine in sandbox.state()["machines"]}
    google.wait(operation)
    with pytest.raises(Answered, match="404 notFound"):
        google.call("GET", path)
    assert docker.inspect("container", container) is None
    assert docker.inspect("volume", container) is None


def test_a_reserved_address_stays_and_is_in_use(google: Google, google_machines: tuple[Shell, Shell]) -> None:
    where = f"regions/{GOOGLE_REGION}/addresses"
    google.do("POST", where, {"name": "kept"})
    address = google.call("GET", f"{where}/kept")["address"]
    body = google.machine("reserved")
    body["networkInterfaces"][0]["accessConfigs"][0]["natIP"] = address
    google.do("POST", f"zones/{ZONES[0]}/instances", body)
    with pytest.raises(Answered, match="already being used"):
        google.call("DELETE", f"{where}/kept")
    other = google.machine("reserved-too")
    other["networkInterfaces"][0]["accessConfigs"][0]["natIP"] = address
    with pytest.raises(Answered, match="externalIpInUse"):
        google.call("POST", f"zones/{ZONES[0]}/instances", other)
    google.do("DELETE", f"zones/{ZONES[0]}/instances/reserved")
    google.do("DELETE", f"{where}/kept")


@pytest.mark.parametrize(("change", "said"), [
    ({"disks": [{"boot": True, "initializeParams": {"sourceImage": "global/images/none"}}]}, "cannot be found"),
    ({"networkInterfaces": [{"network": f"global/networks/{NETWORK}"}]}, "must specify a subnet"),
    ({"networkInterfaces": [{"subnetwork": f"regions/{GOOGLE_REGION}/subnetworks/{SUBNETS[0]}",
                             "accessConfigs": [{"natIP": "192.0.2.1"}]}]}, "was not found in the project"),
    ({"serviceAccounts": [{"email": f"praxis-none@{PROJECT}.iam.gserviceaccount.com"}]},
     "of type 'serviceAccount' was not found"),
    ({"serviceAccounts": [{"email": f"administrator@{PROJECT}.iam.gserviceaccount.com"}]}, "iam.serviceAccounts.actAs"),
    ({"machineType": f"zones/{ZONES[0]}/machineTypes/none"}, "does not exist"),
])
def test_what_cannot_be_a_machine_is_refused(google: Google, google_machines: tuple[Shell, Shell],
                                             change: dict[str, object], said: str) -> None:
    with pytest.raises(Answered, match=said):
        google.call("POST", f"zones/{ZONES[0]}/instances", {**google.machine("never"), **change})
    with pytest.raises(Answered, match="404"):
        google.call("GET", f"zones/{ZONES[0]}/instances/never")


@pytest.mark.parametrize("place", ["debian-cloud/debian-13", "debian-cloud/debian-12", f"{PROJECT}/docker-13"])
def test_images_are_found_by_family(google: Google, place: str) -> None:
    owner, family = place.split("/")
    url = f"https://compute.googleapis.com/compute/v1/projects/{owner}/global/images/family/{family}"
    assert google.ask("GET", url)["family"] == family


def test_a_service_account_for_machines(google: Google, google_machines: tuple[Shell, Shell]) -> None:
    where = f"https://iam.googleapis.com/v1/projects/{PROJECT}/serviceAccounts"
    made = google.ask("POST", where, {"accountId": "praxis-conformance", "serviceAccount": {"displayName": "Agents"}})
    try:
        assert made["displayName"] == "Agents"
        account = {"email": made["email"], "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
        path = f"zones/{ZONES[0]}/instances"
        google.do("POST", path, google.machine("with-account", serviceAccounts=[account]))
        assert google.call("GET", f"{path}/with-account")["serviceAccounts"] == [account]
        google.do("DELETE", f"{path}/with-account")
    finally:
        google.ask("DELETE", f"{where}/{made['email']}")
    with pytest.raises(Answered, match="404"):
        google.ask("GET", f"{where}/{made['email']}")
