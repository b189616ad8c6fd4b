# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No value, seed or token is in an error, in what an error drags along, or in what Google's libraries log."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import GcpCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import google_credentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.gcp_sm import GcpSecretManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import Change
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_gcp import GcpIdentities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import GCP
from ansible_collections.praxis.cloud.plugins.plugin_utils.images import Images
from sandbox.gcp.front import Answer, Request
from sandbox.gcp.refused import Refused

from .conftest import PROJECT, Google
from .registry import ARTIFACT, served

PLANTED = "planted-value-5e0c17d2"
FORMS = (PLANTED, PLANTED.encode().hex(), base64.b64encode(PLANTED.encode()).decode()[:-2])
LIST = f"compute/v1/projects/{PROJECT}/global/networks"


@pytest.fixture(autouse=True)
def _through(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)


def client(**given: str) -> GcpClient:
    return GcpClient(PROJECT, credentials=GcpCredentials(**given), retry=Retry(deadline=0.05, base=0.01))


def everything(error: BaseException) -> str:
    """What a traceback with its causes and contexts would hold, and the exceptions' attributes."""
    text, seen, queue = "", [], [error]
    while queue:
        each = queue.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        text += f"{each!r}{each}{vars(each)}{each.args}{''.join(traceback.format_exception(each))}"
        text += str([getattr(each, name, "") for name in ("doc", "object", "response")])
        queue += [each.__cause__, each.__context__]
    return text


def leaked(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


def refusal(call: Callable[[], Any]) -> str:
    """Everything about the product's error that a call ends in."""
    with pytest.raises(Failed) as raised:
        call()
    return everything(raised.value)


def test_the_search_finds_what_an_error_drags_along():
    def parse() -> None:
        try:
            json.loads(f"{{{PLANTED}")
        except ValueError:
            raise RuntimeError("no JSON") from None

    with pytest.raises(RuntimeError) as raised:
        parse()
    assert PLANTED not in str(raised.value)
    assert leaked(everything(raised.value)) == [PLANTED]


@pytest.mark.parametrize("token", [f"{PLANTED}\n", f" {PLANTED}", f"ya29.{PLANTED}", f"{PLANTED}\0", "é" + PLANTED])
def test_a_token_that_cannot_be_used(token):
    assert leaked(refusal(lambda: list(client(access_token=token).paginate("compute", LIST)))) == []
    assert leaked(repr(GcpCredentials(access_token=token))) == []


@pytest.mark.parametrize("text", [
    f'{{"private_key": "{PLANTED}"',
    f'{{"type": "{{}}", "private_key": "{PLANTED}"}}',
    json.dumps({"type": "service_account", "client_email": "a@b", "token_uri": "https://oauth2.googleapis.com/token",
                "private_key": f"-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----\n"}),
    json.dumps({"type": "service_account", "client_email": "a@b", "token_uri": "x", "private_key": PLANTED}),
    json.dumps({"type": "authorized_user", "refresh_token": PLANTED}),
    json.dumps([PLANTED]),
    f"\xff{PLANTED}",
])
@pytest.mark.parametrize("named", ["by the option", "by the environment"])
def test_a_key_file_that_cannot_be_used(tmp_path, monkeypatch, text, named):
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    ours = client(credentials_file=str(path)) if named == "by the option" else client()
    assert leaked(refusal(lambda: list(ours.paginate("compute", LIST)))) == []


def answering(google: Google, monkeypatch: pytest.MonkeyPatch, where: str, answer: Answer) -> None:
    """Let every request whose path holds this be answered so."""
    real = google.front.answer

    def answered(request: Request) -> Answer:
        return answer if where in f"{request.host}{request.path}" else real(request)

    monkeypatch.setattr(google.front, "answer", answered)


BODY = {"name": "projects/1/secrets/plain/versions/1", "payload": {"data": base64.b64encode(PLANTED.encode()).decode()}}
WHOLE = Answer(200, json.dumps(BODY).encode(), {"Content-Type": "application/json"})


@pytest.mark.parametrize(("name", "answer"), [
    ("cut off", replace(WHOLE, shortened=True)),
    ("half of it", replace(WHOLE, body=WHOLE.body[:-4])),
    ("a page", replace(WHOLE, body=f"<html>{PLANTED}</html>".encode(), headers={"Content-Type": "text/html"})),
    ("of another shape", replace(WHOLE, body=json.dumps({"payload": [PLANTED]}).encode())),
    ("not what was stored", replace(WHOLE, body=json.dumps(
        {**BODY, "payload": {**BODY["payload"], "dataCrc32c": "7"}}).encode())),
], ids=lambda each: each if isinstance(each, str) else "")
def test_a_value_that_does_not_arrive_well(google, monkeypatch, name, answer):
    answering(google, monkeypatch, ":access", answer)
    references = parse_all([f"gcp-sm://{PROJECT}/plain#key"])
    [found] = fetch_each(references, {GCP: GcpSecretManager(client())}).values()
    assert isinstance(found, Finding), name
    assert leaked(f"{found!r}{found}") == []
    if found.code == "cloud-unavailable":
        store = GcpSecretManager(client())
        assert leaked(refusal(lambda: store._fetch(references[0].whole()))) == []


def test_a_seed_that_google_quotes_in_its_refusal(google, monkeypatch):
    sent = []

    def quoting(call: Any) -> None:
        sent.append(call.body["payload"]["data"])
        raise Refused(400, "invalidArgument", f"Invalid payload {call.body}")

    monkeypatch.setitem(google.front.secrets._methods, ("projects.secrets", "addVersion"), quoting)
    store = GcpIdentities(client(), "demo")
    _done, [found] = store.apply([Change("create", "gcp-1", "praxis_demo_identity_gcp-1")])
    [seed] = sent
    assert seed not in f"{found!r}{found}"
    assert base64.b64decode(seed).hex() not in f"{found!r}{found}"


@pytest.mark.parametrize("body", [{"access_tokens": PLANTED}, {"error": "invalid_grant", "assertion": PLANTED}])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_of_the_token_endpoint_that_is_none(google, monkeypatch, status, body):
    answer = Answer(status, json.dumps({**body, "refresh_token": PLANTED}).encode(), WHOLE.headers)
    answering(google, monkeypatch, "oauth2.googleapis.com", answer)
    assert leaked(refusal(lambda: google_credentials(client(), ARTIFACT))) == []


def test_a_registry_s_refusal_holds_no_login(google):
    with served(google) as registry:
        registry.readers.clear()
        images = Images(AwsClient(), client(), [(f"{ARTIFACT}/{PROJECT}/praxis/agent:1.0", None)])
        [token] = registry.logins
    login = base64.b64encode(f"oauth2accesstoken:{token}".encode()).decode()
    reported = f"{images.findings}{[str(each) for each in images.findings]}"
    assert not [each for each in (token, login) if each in reported]


PROBE = """
import base64, logging, sys, threading
class Everything(logging.StreamHandler):
    def emit(self, record):
        sys.stdout.write(f"{record.getMessage()} {record.__dict__}\\n")
if "plain" not in sys.argv:
    logging.basicConfig(level=logging.DEBUG, handlers=[Everything()])
if "loud" in sys.argv:
    google = logging.getLogger("google")
    google.setLevel(logging.DEBUG)
    google.setLevel = lambda level: None
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_registry import google_credentials
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import fetch_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.gcp_sm import GcpSecretManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities import Change
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.identities_gcp import GcpIdentities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import GCP
client = GcpClient()
fetch_all(parse_all([f"gcp-sm://{client.project}/plain"]), {GCP: GcpSecretManager(client)})
GcpIdentities(client, "demo").apply([Change("create", "gcp-1", "praxis_demo_identity_gcp-1")])
google_credentials(client, "gcr.io")
for thread in [each for each in threading.enumerate() if each is not threading.current_thread()]:
    thread.join(10)  # google-auth has questions of its own, in the background
"""


def misunderstood(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that google-auth asks for by itself, and logs as an error when it is of another shape."""
    answer = Answer(200, json.dumps({"accessToken": PLANTED}).encode(), WHOLE.headers)
    answering(google, monkeypatch, "allowedLocations", answer)


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["", "google", "google.auth.transport.requests"])
def test_no_library_logs_a_value_a_seed_or_a_token(google, monkeypatch, scope, tmp_path):
    """At DEBUG, where the root logger and Google's own variable ask for it: messages, and what goes with them."""
    tokens = []
    issue = google.front.identities.issue
    monkeypatch.setattr(google.front.identities, "issue", lambda *given: tokens.append(issue(*given)) or tokens[-1])
    owner = GcpClient(PROJECT)
    secrets = f"v1/projects/{PROJECT}/secrets"
    owner.call("secretmanager", "POST", secrets, body={"replication": {"automatic": {}}}, query={"secretId": "plain"})
    payload = {"data": base64.b64encode(PLANTED.encode()).decode()}
    owner.call("secretmanager", "POST", f"{secrets}/plain:addVersion", body={"payload": payload})

    def probe(*arguments: str) -> str:
        (tmp_path / "probe.py").write_text(PROBE)
        shell = {**google.environment, "GOOGLE_SDK_PYTHON_LOGGING_SCOPE": scope, "HOME": str(Path.home())}
        done = subprocess.run([sys.executable, str(tmp_path / "probe.py"), *arguments], capture_output=True, text=True,
                              env=shell, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def observations() -> list[str]:
        seed = google.front.secrets._secrets[PROJECT, "praxis_demo_identity_gcp-1"].versions[0].data
        return [*FORMS, *tokens, seed.hex(), base64.b64encode(seed).decode(), repr(seed)[2:-1]]

    printed = probe()
    assert len(tokens) >= 2
    assert [observation for observation in observations() if observation in printed] == []
    assert "Starting new HTTPS connection" in printed  # the handler does hear of DEBUG
    if not scope:
        misunderstood(google, monkeypatch)
        owner.call("secretmanager", "DELETE", f"{secrets}/praxis_demo_identity_gcp-1")
        assert leaked(probe("plain")) == []
        owner.call("secretmanager", "DELETE", f"{secrets}/praxis_demo_identity_gcp-1")
        loud = probe("loud")
        assert [observation for observation in observations() if observation in loud] != []
