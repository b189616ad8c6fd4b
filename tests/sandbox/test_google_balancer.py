# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests go by forwarding rule, proxy, URL map and backend service to machines, and health is what is found."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox.client import Client
from sandbox.site import PROJECT
from tests.sandbox.google import NETWORK, SUBNETS, ZONES, Answered, Google
from tests.sandbox.support import Shell, serve, wait_for

#: The lane "google" runs the product on this side of the sandbox.
pytestmark = [pytest.mark.sandbox, pytest.mark.repetition]
DRAIN = 2
SERVICE = "global/backendServices/conformance"

SOCKET = r"""
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), 5)
s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
if b" 101 " not in s.recv(4096):
    sys.exit("no way through")
if sys.argv[2:] == ["once"]:
    sys.exit()
began = time.monotonic()
s.settimeout(30)
while s.recv(64):
    pass
print(round(time.monotonic() - began, 1))
"""
TALKER = r"""
import socket, threading, time
def talk(c):
    c.recv(4096)
    c.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    try:
        while True:
            c.sendall(b"x"); time.sleep(0.2)
    except OSError:
        c.close()
s = socket.create_server(("", 8001))
while True:
    threading.Thread(target=talk, args=(s.accept()[0],), daemon=True).start()
"""


@dataclass(frozen=True)
class Balanced:
    """A backend service with a group in each zone: instances in the first, endpoints in the second."""

    google: Google
    groups: tuple[str, str]

    def health(self) -> dict[str, str]:
        """The balancer's word for each machine."""
        found = {}
        for group in self.groups:
            body = {"group": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/{group}"}
            for one in self.google.call("POST", f"{SERVICE}/getHealth", body).get("healthStatus", []):
                found[one["instance"].rpartition("/")[2]] = one["healthState"]
        return found

    def wait(self, **wanted: str) -> None:
        """Wait for the machines' health, `google_1="HEALTHY"`."""
        expected = {name.replace("_", "-"): state for name, state in wanted.items()}
        wait_for(f"health {expected}", lambda: self.health() == expected)

    def url(self) -> str:
        """Where the forwarding rule's address is."""
        return f"http://{self.google.call('GET', 'global/forwardingRules/conformance')['IPAddress']}/"

    def get(self) -> tuple[int, str]:
        """Status and body of a request through the balancer."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url(), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""

    def change(self, **fields: object) -> None:
        """Patch the backend service."""
        mark = self.google.call("GET", SERVICE)["fingerprint"]
        self.google.do("PATCH", SERVICE, {**fields, "fingerprint": mark})

    def listen(self, **fields: object) -> None:
        """Make the forwarding rule."""
        self.google.do("POST", "global/forwardingRules", {
            "name": "conformance", "target": "global/targetHttpProxies/conformance", "portRange": "80", **fields})

    def member(self, name: str, verb: str) -> None:
        """Put a machine in, or take it out."""
        zone = ZONES[int(name[-1]) - 1]
        link = f"projects/{PROJECT}/zones/{zone}/instances/{name}"
        if zone == ZONES[0]:
            self.google.do("POST", f"{self.groups[0]}/{verb}Instances", {"instances": [{"instance": link}]})
        else:
            method = "attach" if verb == "add" else "detach"
            self.google.do("POST", f"{self.groups[1]}/{method}NetworkEndpoints",
                           {"networkEndpoints": [{"instance": link}]})


@pytest.fixture
def balanced(google: Google, google_machines: tuple[Shell, Shell]) -> Iterator[Balanced]:
    """Without a forwarding rule yet; both machines are in and answer."""
    for machine in google_machines:
        serve(machine, "200")
    groups = (f"zones/{ZONES[0]}/instanceGroups/conformance", f"zones/{ZONES[1]}/networkEndpointGroups/conformance")
    made = [
        (groups[0], {"namedPorts": [{"name": "http", "port": 8000}]}),
        (groups[1], {"defaultPort": 8000, "network": f"global/networks/{NETWORK}",
                     "subnetwork": f"regions/us-central1/subnetworks/{SUBNETS[1]}"}),
        ("global/healthChecks/conformance", {
            "type": "HTTP", "checkIntervalSec": 1, "timeoutSec": 1, "healthyThreshold": 1, "unhealthyThreshold": 2,
            "httpHealthCheck": {"requestPath": "/health", "portSpecification": "USE_SERVING_PORT"}}),
        (SERVICE, {"healthChecks": ["global/healthChecks/conformance"], "timeoutSec": 4,
                   "connectionDraining": {"drainingTimeoutSec": DRAIN},
                   "backends": [{"group": groups[0]},
                                {"group": groups[1], "balancingMode": "RATE", "maxRatePerEndpoint": 100}]}),
        ("global/urlMaps/conformance", {"defaultService": SERVICE}),
        ("global/targetHttpProxies/conformance", {"urlMap": "global/urlMaps/conformance"}),
    ]
    with contextlib.ExitStack() as stack:
        for path, body in made:
            collection, _other, name = path.rpartition("/")
            google.do("POST", collection, {"name": name, **body})
            stack.callback(google.do, "DELETE", path)
        stack.callback(_remove_rule, google)
        found = Balanced(google, groups)
        for name in ("google-1", "google-2"):
            found.member(name, "add")
        yield found


def _remove_rule(google: Google) -> None:
    try:
        google.do("DELETE", "global/forwardingRules/conformance")
    except Answered as refused:
        assert refused.status == 404  # noqa: PT017


def test_a_machines_way(sandbox: Client, balanced: Balanced, google_machines: tuple[Shell, Shell]) -> None:
    """Nothing before there is a rule; then healthy, each kind of unhealthy with its reason, drained, gone."""
    one = google_machines[0]
    assert balanced.health() == {}
    balanced.listen()
    balanced.wait(google_1="HEALTHY", google_2="HEALTHY")
    wait_for("both to answer", lambda: {balanced.get() for _time in range(6)} == {(200, "google-1"), (200, "google-2")})
    wait_for("the state file", lambda: sandbox.state()["balancers"]["gcp"] + "/" == balanced.url())

    journal = sandbox.site.home / "gcp" / "health.jsonl"
    for mode, reason in (("503", "503"), ("hang", "Timeout"), ("off", "refused")):
        serve(one, mode)
        balanced.wait(google_1="UNHEALTHY", google_2="HEALTHY")
        assert {balanced.get() for _time in range(4)} == {(200, "google-2")}
        results = [json.loads(line)["healthCheckProbeResult"] for line in journal.read_text().splitlines()]
        assert reason in [each for each in results if each["ipAddress"] == one.ident][-1]["probeResultText"]
        serve(one, "200")
        balanced.wait(google_1="HEALTHY", google_2="HEALTHY")

    balanced.member("google-2", "remove")
    assert balanced.health() == {"google-1": "HEALTHY"}
    balanced.member("google-1", "remove")
    assert balanced.health() == {}
    wait_for("nobody to answer", lambda: balanced.get()[0] == 503)


def test_a_rule_answers_at_its_address_and_only_while_it_is_there(balanced: Balanced) -> None:
    google = balanced.google
    google.do("POST", "global/addresses", {"name": "conformance"})
    try:
        balanced.listen(IPAddress="global/addresses/conformance")
        address = google.call("GET", "global/addresses/conformance")["address"]
        url = balanced.url()
        assert url == f"http://{address}/"
        wait_for("an answer", lambda: _status(url) == 200)
        _remove_rule(google)
        wait_for("no answer", lambda: _status(url) == 0)
        assert balanced.health() == {}
    finally:
        _remove_rule(google)
        google.do("DELETE", "global/addresses/conformance")


def _status(url: str) -> int:
    """The status of an answer; 0 when there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=1) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def test_a_machine_that_leaves_is_drained(balanced: Balanced, google_machines: tuple[Shell, Shell]) -> None:
    """What is going on may go on for the draining time, and no longer; nothing new comes."""
    _talk(balanced, google_machines, 60)
    two = google_machines[1]
    two.says(f"sudo systemd-run --quiet --collect --unit open --property=StandardOutput=file:/run/open "
             f"python3 /tmp/dial.py {balanced.url()[7:-1]}")
    wait_for("the connection", lambda: two.run("ss -Hnt state established dport = 80").stdout)
    began = time.monotonic()
    balanced.member("google-1", "remove")
    assert not _socket_opens(two, balanced)
    wait_for("the end of the connection", lambda: two.run("sudo cat /run/open").stdout)
    assert time.monotonic() - began >= DRAIN


def test_a_websocket_lives_as_long_as_the_timeout_says(balanced: Balanced,
                                                       google_machines: tuple[Shell, Shell]) -> None:
    """It is spoken on all the time, so only its age can end it."""
    _talk(balanced, google_machines, 3)
    lived = float(google_machines[1].says(f"python3 /tmp/dial.py {balanced.url()[7:-1]}"))
    assert lived > 2.5


def _talk(balanced: Balanced, google_machines: tuple[Shell, Shell], timeout: int) -> None:
    """Have google-1 alone speak WebSocket on port 8001, behind a rule, and wait until google-2 gets through to it."""
    one, two = google_machines
    for machine, name, text in ((one, "talker", TALKER), (two, "dial", SOCKET)):
        machine.says(f"cat > /tmp/{name}.py <<'EOF'\n{text}\nEOF")
    one.says("systemctl is-active --quiet talker || sudo systemd-run --quiet --collect --unit talker "
             "python3 /tmp/talker.py")
    google = balanced.google
    mark = google.call("GET", balanced.groups[0])["fingerprint"]
    google.do("POST", f"{balanced.groups[0]}/setNamedPorts",
              {"fingerprint": mark, "namedPorts": [{"name": "http", "port": 8001}]})
    google.do("PATCH", "global/healthChecks/conformance",
              {"type": "HTTP", "httpHealthCheck": {"port": 8000, "portSpecification": "USE_FIXED_PORT"}})
    balanced.change(backends=[{"group": balanced.groups[0]}], timeoutSec=timeout)
    balanced.listen()
    wait_for("the way through", lambda: _socket_opens(two, balanced))


def _socket_opens(machine: Shell, balanced: Balanced) -> bool:
    return machine.run(f"timeout 2 python3 /tmp/dial.py {balanced.url()[7:-1]} once").returncode == 0
