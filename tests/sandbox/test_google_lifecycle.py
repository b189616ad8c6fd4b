# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both clouds in one sandbox: what the state file and the environment say, and who may do what on Google's side."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from sandbox import docker, lifecycle
from sandbox.client import Client
from sandbox.environment import environment
from sandbox.site import CHECKOUT, PROJECT, ROOT_VARIABLE
from sandbox.state import publish
from tests.sandbox.google import Answered, Google
from tests.sandbox.support import Shell

#: The lane "google" runs the product on this side of the sandbox.
pytestmark = [pytest.mark.sandbox, pytest.mark.repetition]


def variables(sandbox: Client, *clouds: str) -> dict[str, str]:
    """What the environment for these clouds leaves in a shell."""
    script = environment(sandbox.site, clouds, "1.0")
    done = subprocess.run(["sh", "-c", f"{script}\nenv -0"], capture_output=True, text=True, check=True,
                          env={"PATH": os.environ["PATH"], "GCP_ACCESS_TOKEN": "mine", "AWS_PROFILE": "mine"})
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def test_a_second_up_keeps_both(sandbox: Client) -> None:
    def parts() -> list[str]:
        return [(sandbox.site.home / cloud / "pid").read_text() for cloud in ("aws", "gcp")] + [
            (docker.inspect("container", sandbox.site.container(name)) or {})["Id"]
            for name in ("balancer", "balancer-gcp", "registry", "registry-gcp")]

    before = parts()
    lifecycle.up(sandbox.site, ["gcp"])
    assert parts() == before


def test_the_state_file_holds_both(sandbox: Client, google_machines: tuple[Shell, Shell],
                                   machines: tuple[Shell, Shell]) -> None:
    state = sandbox.state()
    assert state["cloud"] == "aws,gcp"
    clouds = {machine["name"]: machine["cloud"] for machine in state["machines"]}
    assert {"google-1": "gcp", "google-2": "gcp", "conformance-1": "aws"}.items() <= clouds.items()
    assert {"name", "ip", "container", "instance_id", "state", "cloud"} <= state["machines"][0].keys()
    assert state["balancer"]["url"] == state["balancers"]["aws"] != state["balancers"]["gcp"]
    assert state["endpoints"].keys() == {"aws", "gcp"}


def test_two_processes_do_not_tear_the_file(sandbox: Client) -> None:
    """Another process writes all the time while this one reads: always whole, always with both clouds."""
    part = sandbox.site.read_json("gcp/state.json")
    script = ("import json, sys; from sandbox.site import here; from sandbox.state import publish\n"
              "for number in range(200): publish(here(), 'gcp', {**json.loads(sys.argv[1]), 'machines': [\n"
              "    {'name': f'm-{number}', 'instance_id': str(n)} for n in range(100)]})")
    writer = subprocess.Popen([sys.executable, "-c", script, json.dumps(part)], cwd=CHECKOUT,
                              env={**os.environ, ROOT_VARIABLE: str(sandbox.site.root)})
    try:
        while writer.poll() is None:
            assert sandbox.site.read_json("state.json")["cloud"] == "aws,gcp"
            publish(sandbox.site, "aws", sandbox.site.read_json("aws/state.json"))
    finally:
        writer.wait()
    assert writer.returncode == 0
    assert sandbox.state()["cloud"] == "aws,gcp"


def test_the_environment_of_each_and_of_both(sandbox: Client) -> None:
    google, both, aws = (variables(sandbox, *clouds) for clouds in (["gcp"], ["aws", "gcp"], ["aws"]))
    assert google["GOOGLE_CLOUD_PROJECT"] == PROJECT and google["CLOUDSDK_COMPUTE_REGION"] == "us-central1"
    assert google["PRAXIS_IMAGE"] == f"us-central1-docker.pkg.dev/{PROJECT}/praxis/praxis-agent:1.0"
    assert google["PRAXIS_GCP_CIDR"] == str(sandbox.site.addresses.google_cidr)
    assert "AWS_PROFILE" not in google and "GCP_ACCESS_TOKEN" not in aws, "another cloud's could be a real account's"
    assert "AWS_ACCESS_KEY_ID" not in google
    assert both["PRAXIS_IMAGE"] == aws["PRAXIS_IMAGE"] and ".ecr." in aws["PRAXIS_IMAGE"]
    assert both == {"PRAXIS_P2P_PLAINTEXT_ACROSS": "true", **google, **aws}
    assert not {"HTTPS_PROXY", "SSL_CERT_FILE"} & aws.keys()
    network = sandbox.site.addresses.network
    assert {"127.0.0.1", "localhost", network} == set(both["NO_PROXY"].split(","))


def test_the_trust_is_the_machines_and_the_sandboxs(sandbox: Client) -> None:
    trust = (sandbox.site.home / "gcp" / "trust.pem").read_text()
    assert (sandbox.site.home / "tls" / "ca.crt").read_text() in trust
    assert trust.count("BEGIN CERTIFICATE") > 20


def test_what_is_secret_is_private(sandbox: Client) -> None:
    for name in ("gcp/controller.json", "gcp/administrator.json", "tls/google.key"):
        assert (sandbox.site.home / name).stat().st_mode & 0o077 == 0, name


def test_the_controller_may_do_what_it_needs_and_no_more(google: Google) -> None:
    for verb, path in (("DELETE", "global/routes/any"), ("POST", "global/routes"),
                       ("DELETE", "global/images/any")):
        with pytest.raises(Answered, match="403 forbidden: Required 'compute"):
            google.call(verb, path, {"name": "any"} if verb == "POST" else None)
    with pytest.raises(Answered, match="403"):
        google.ask("GET", f"https://secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets/other")
    with pytest.raises(Answered, match="403"):
        google.ask("POST", f"https://secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets/other:addVersion", {})
    with pytest.raises(Answered, match="403"):
        google.call("GET", "../other-project/zones")


def test_the_owner_changes_a_resource_by_hand(sandbox: Client, google: Google) -> None:
    owner = Google(sandbox, "administrator")
    owner.do("POST", "global/healthChecks", {"name": "by-hand", "type": "HTTP", "httpHealthCheck": {"port": 80}})
    owner.do("PATCH", "global/healthChecks/by-hand", {"type": "HTTP", "checkIntervalSec": 17})
    assert google.call("GET", "global/healthChecks/by-hand")["checkIntervalSec"] == 17
    owner.do("DELETE", "global/healthChecks/by-hand")


def test_the_plain_endpoint_is_the_same(sandbox: Client, google: Google) -> None:
    found = google.ask("GET", f"{sandbox.state()['endpoints']['gcp']}/compute/v1/projects/{PROJECT}/zones")
    assert [zone["name"] for zone in found["items"]] == [f"us-central1-{letter}" for letter in "abcf"]


def test_nobody_is_reached_past_the_sandbox(google: Google) -> None:
    with pytest.raises(OSError, match="403"):
        google.session.get("https://example.com/", timeout=10)


def test_no_secret_stands_in_the_log(sandbox: Client, google: Google) -> None:
    secret = google.ask("GET", f"https://secretmanager.googleapis.com/v1/projects/{PROJECT}/secrets/"
                               "praxis_praxis_agent/versions/1:access")["payload"]["data"]
    text = sandbox.log_of("gcp").read_text()
    assert "secrets.versions.access" in text
    assert secret not in text and str(google.credentials.token) not in text
    assert sandbox.credentials("controller", "gcp")["private_key"].splitlines()[1] not in text
