# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifact Registry and Container Registry are the one real registry, let into by access tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from google.auth.transport.requests import Request

from sandbox.client import Client
from sandbox.site import PROJECT
from tests.sandbox.google import ZONES, Answered, Google
from tests.sandbox.support import Aws, Shell, wait_for

#: The lane "google" runs the product on this side of the sandbox.
pytestmark = [pytest.mark.sandbox, pytest.mark.repetition]
NEWER = ("us-central1-docker.pkg.dev", f"{PROJECT}/praxis/praxis-agent")
OLDER = ("us.gcr.io", f"{PROJECT}/praxis-agent")
ACCEPT = "Accept: application/vnd.docker.distribution.manifest.v2+json"


def token_of(google: Google) -> str:
    """An access token that is good."""
    google.credentials.refresh(Request(google.session))
    return str(google.credentials.token)


def login(machine: Shell, host: str, path: str, token: str, user: str = "oauth2accesstoken") -> tuple[int, str]:
    """Log in from a machine as a container engine does: status, and the registry's token or its refusal."""
    url = f"https://{host}/v2/token?service={host}&scope=repository:{path}:pull"
    *said, status = machine.says(f"curl -s -w '\\n%{{http_code}}' -u '{user}:{token}' '{url}'").splitlines()
    answer = json.loads("".join(said))
    return int(status), answer.get("token") or answer["errors"][0]["message"]


@pytest.fixture(scope="module")
def engine(google: Google, google_machines: tuple[Shell, Shell]) -> Iterator[Shell]:
    """A machine with Docker in it already."""
    body = google.machine("engine")
    body["disks"][0]["initializeParams"]["sourceImage"] = f"projects/{PROJECT}/global/images/family/docker-13"
    path = f"zones/{ZONES[0]}/instances"
    google.do("POST", path, body)
    machine = google.shell("engine")
    wait_for("the engine", lambda: machine.run("sudo docker info").returncode == 0)
    yield machine
    google.do("DELETE", f"{path}/engine")


def test_an_engine_logs_in_and_pulls(google: Google, aws: Aws, engine: Shell) -> None:
    described = aws("ecr").describe_images(repositoryName="praxis-agent", imageIds=[{"imageTag": "1.0"}])
    for host, path in (NEWER, OLDER):
        pull = f"sudo docker pull {host}/{path}:1.0"
        assert "enied" in engine.run(pull).stderr
        engine.says(f"echo {token_of(google)} | sudo docker login -u oauth2accesstoken --password-stdin https://{host}")
        assert described["imageDetails"][0]["imageDigest"] in engine.says(pull)


def test_the_challenge_is_artifact_registrys(google_machines: tuple[Shell, Shell]) -> None:
    host = NEWER[0]
    challenge = google_machines[0].says(f"curl -s -o /dev/null -D - https://{host}/v2/").lower()
    assert " 401 " in challenge.splitlines()[0]
    assert f'www-authenticate: bearer realm="https://{host}/v2/token",service="{host}"' in challenge


def test_who_is_not_let_in(google: Google, google_machines: tuple[Shell, Shell]) -> None:
    machine, (host, path) = google_machines[0], NEWER
    token = token_of(google)
    assert login(machine, host, path, "ya29.wrong") == (401, "authentication failed")
    assert login(machine, host, path, token, user="somebody") == (401, "authentication failed")
    assert machine.says(f"curl -s -o /dev/null -w '%{{http_code}}' -H '{ACCEPT}' "
                        f"https://{host}/v2/{path}/manifests/1.0") == "401"
    stranger = google.ask("POST", f"https://iam.googleapis.com/v1/projects/{PROJECT}/serviceAccounts",
                          {"accountId": "praxis-stranger"})["email"]
    status, said = login(machine, host, path, _token_for(google, stranger))
    assert (status, "artifactregistry.repositories.downloadArtifacts" in said) == (403, True)
    google.ask("DELETE", f"https://iam.googleapis.com/v1/projects/{PROJECT}/serviceAccounts/{stranger}")


def _token_for(google: Google, email: str) -> str:
    """An account's token, had by the administrator acting as it: the sandbox lets its administrator."""
    administrator = Google(google.sandbox, "administrator")
    url = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{email}:generateAccessToken"
    return str(administrator.ask("POST", url, {"scope": ["https://www.googleapis.com/auth/cloud-platform"]})
               ["accessToken"])


def test_each_clouds_machines_reach_the_other_ones_registry(
        sandbox: Client, google: Google, aws: Aws, google_machines: tuple[Shell, Shell],
        machines: tuple[Shell, Shell]) -> None:
    status, token = login(machines[0], *NEWER, token_of(google))
    assert status == 200
    get = f"curl -s -o /dev/null -w '%{{http_code}}' -H '{ACCEPT}'"
    assert machines[0].says(f"{get} -H 'Authorization: Bearer {token}' "
                            f"https://{NEWER[0]}/v2/{NEWER[1]}/manifests/1.0") == "200"
    grant = aws("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user = base64.b64decode(grant).decode()
    assert google_machines[0].says(f"{get} -u '{user}' https://{sandbox.site.registry_name}/v2/praxis-agent/"
                                   "manifests/1.0") == "200"


def test_the_controller_resolves_a_tag_through_the_proxy(google: Google) -> None:
    host, path = NEWER
    answer = google.session.head(f"https://{host}/v2/{path}/manifests/1.1", timeout=30,
                                 headers={"Accept": ACCEPT.partition(" ")[2]})
    assert answer.status_code == 200
    api = f"https://artifactregistry.googleapis.com/v1/projects/{PROJECT}/locations/us-central1/repositories/praxis"
    tag = google.ask("GET", f"{api}/packages/praxis-agent/tags/1.1")
    assert tag["version"].endswith(answer.headers["Docker-Content-Digest"])
    images = google.ask("GET", f"{api}/dockerImages")["dockerImages"]
    assert {tag for image in images for tag in image["tags"]} >= {"1.0", "1.1"}
    with pytest.raises(Answered, match="404"):
        google.ask("GET", f"{api}/packages/praxis-agent/tags/9")


def test_the_registry_down_slow_and_up(healed: Client, google_machines: tuple[Shell, Shell]) -> None:
    machine = google_machines[0]
    observation = f"curl -s -o /dev/null -m 2 -w '%{{http_code}}' https://{NEWER[0]}/v2/"
    assert machine.says(observation) == "401"
    healed.registry("down")
    assert machine.run(observation).returncode == 7, "refused"
    healed.registry("slow", rate="64kbit")
    healed.registry("up")
    wait_for("the registry", lambda: machine.run(observation).stdout == "401")
    healed.link_cut("google-1", "registry-gcp")
    assert machine.run(observation).returncode == 28, "no answer"
    assert google_machines[1].says(observation) == "401"
