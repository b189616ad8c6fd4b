# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret Manager behind references: values, versions, and every way there may be none."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import time
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import describe_all, fetch_all, fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.gcp_sm import GcpSecretManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import GCP
from sandbox.gcp import secret_manager, web
from sandbox.gcp.refused import Refused

from .conftest import PROJECT, Google


class Shop:
    """Secrets to put there, and the store that reads them."""

    def __init__(self, google: Google) -> None:
        self.google = google
        self.client = GcpClient(retry=Retry(deadline=20, base=0.01, cap=0.02))
        self.stores = {GCP: GcpSecretManager(self.client)}

    def call(self, verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        return self.client.call("secretmanager", verb, f"v1/projects/{PROJECT}/secrets{path}", body=body, query=query)

    def put(self, name: str, *values: bytes, **fields: Any) -> None:
        self.call("POST", "", {"replication": {"automatic": {}}, **fields}, secretId=name)
        for value in values:
            self.call("POST", f"/{name}:addVersion", {"payload": {"data": base64.b64encode(value).decode()}})

    def fetch(self, *texts: str) -> list[tuple[Any, str]]:
        references = parse_all(texts)
        found = fetch_all(references, self.stores)
        return [(found[one].value, found[one].version) for one in references]

    def finding(self, text: str) -> Any:
        [found] = fetch_each(parse_all([text]), self.stores).values()
        return found


@pytest.fixture
def shop(google: Google, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """An empty shop."""
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return Shop(google)


def test_values_versions_and_keys(shop):
    shop.put("plain", b"first", b"second")
    shop.put("document", json.dumps({"key": "inside", "a.b": 12}).encode())
    assert shop.fetch(
        f"gcp-sm://{PROJECT}/plain", f"gcp-sm://{PROJECT}/plain?version=1",
        f"{{{{resolve:secretmanager:projects/{PROJECT}/secrets/plain/versions/2}}}}",
        f"gcp-sm://{PROJECT}/document#key", f"gcp-sm://{PROJECT}/document#a.b",
    ) == [("second", "2"), ("first", "1"), ("second", "2"), ("inside", "1"), ("12", "1")]


def test_latest_is_pinned_to_the_version_it_was(shop):
    shop.put("plain", b"first")
    assert shop.fetch(f"gcp-sm://{PROJECT}/plain") == [("first", "1")]
    shop.call("POST", "/plain:addVersion", {"payload": {"data": base64.b64encode(b"second").decode()}})
    assert shop.fetch(f"gcp-sm://{PROJECT}/plain?version=1") == [("first", "1")]


def test_binary_is_bytes(shop):
    shop.put("binary", b"\xff\x00")
    assert shop.fetch(f"gcp-sm://{PROJECT}/binary") == [(b"\xff\x00", "1")]
    assert shop.finding(f"gcp-sm://{PROJECT}/binary#key").code == "secret-binary"


@pytest.mark.parametrize(("prepare", "reference", "code"), [
    (None, "none", "secret-not-found"),
    (None, "plain?version=9", "secret-version-not-found"),
    ("disable", "plain", "secret-disabled"),
    ("destroy", "plain", "secret-destroyed"),
    (None, "empty", "secret-empty"),
    (None, "empty?version=1", "secret-version-not-found"),
    (None, "none?version=1", "secret-not-found"),
    (None, "plain#key", "secret-not-json"),
])
def test_each_way_there_is_no_value(shop, prepare, reference, code):
    shop.put("plain", b"value")
    shop.put("empty")
    if prepare:
        shop.call("POST", f"/plain/versions/1:{prepare}", {})
    found = shop.finding(f"gcp-sm://{PROJECT}/{reference}")
    assert found.code == code and found.fix and reference.partition("?")[0].partition("#")[0] in found.where


def test_denied_says_what_to_grant(shop):
    shop.put("plain", b"value")
    shop.google.front.access.revoke(shop.google.email, f"projects/{PROJECT}")
    found = shop.finding(f"gcp-sm://{PROJECT}/plain")
    assert found.code == "secret-denied" and "secretmanager.secretAccessor" in found.fix


def test_several_failures_are_reported_at_once(shop):
    shop.put("good", b"value")
    with pytest.raises(Failed) as failed:
        shop.fetch(f"gcp-sm://{PROJECT}/good", f"gcp-sm://{PROJECT}/one", f"gcp-sm://{PROJECT}/two")
    assert [finding.code for finding in failed.value.findings] == ["secret-not-found"] * 2


def test_a_value_that_changed_on_its_way_is_refused(shop, monkeypatch):
    shop.put("plain", b"value")
    monkeypatch.setattr(secret_manager, "checksum", lambda data: "1")
    assert shop.finding(f"gcp-sm://{PROJECT}/plain").code == "secret-damaged"


@pytest.mark.slow
def test_many_secrets_come_several_at_a_time_over_few_connections(shop, monkeypatch):
    for number in range(24):
        shop.put(f"s-{number}", b"value")
    connections, at_once, most = [], [], []
    connect, access = web._Handler.do_CONNECT, shop.google.front.secrets._methods["projects.secrets.versions", "access"]

    def connected(handler):
        connections.append(handler.path)
        connect(handler)

    def answer(call):
        at_once.append(call)
        most.append(len(at_once))
        time.sleep(0.02)  # so that those who are allowed to come together do
        at_once.remove(call)
        return access(call)

    monkeypatch.setattr(web._Handler, "do_CONNECT", connected)
    monkeypatch.setattr(shop.google.front.secrets, "lock", contextlib.nullcontext())
    monkeypatch.setitem(shop.google.front.secrets._methods, ("projects.secrets.versions", "access"), answer)
    found = shop.fetch(*(f"gcp-sm://{PROJECT}/s-{number}" for number in range(24)))
    assert found == [("value", "1")] * 24
    assert 1 < max(most) <= 8
    # Those who come first may each ask for a token, over connections of their own.
    assert len([path for path in connections if path.startswith("secretmanager.")]) <= 8, connections


@pytest.mark.slow
def test_what_is_about_all_of_them_stops_the_rest_and_is_reported_once(shop):
    for number in range(40):
        shop.put(f"s-{number}", b"value")
    shop.google.front.identities.expire()
    shop.google.front.identities._accounts.clear()
    before = len(shop.google.operations())
    with pytest.raises(Failed) as failed:
        shop.fetch(*(f"gcp-sm://{PROJECT}/s-{number}" for number in range(40)))
    assert [finding.code for finding in failed.value.findings] == ["cloud-credentials"]
    assert len(shop.google.operations()) - before <= 8 * 3  # the library asks for a new token, twice


def test_without_credentials_nothing_is_asked(shop, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    store = GcpSecretManager(GcpClient())
    references = parse_all([f"gcp-sm://{PROJECT}/s-{number}" for number in range(3)])
    for ask in (fetch_all, describe_all):
        with pytest.raises(Failed) as failed:
            ask(references, {GCP: store})
        assert [finding.code for finding in failed.value.findings] == ["cloud-credentials"]


def test_a_missing_library_is_named(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.secretmanager_v1", None)
    found = shop.finding(f"gcp-sm://{PROJECT}/plain")
    assert (found.code, "pip install google-cloud-secret-manager" in found.fix) == ("sdk-missing", True)


@pytest.mark.parametrize("may", [["secretmanager.versions.access"], ["secretmanager.versions.*"]])
def test_a_right_to_read_values_only_reports_what_google_says(shop, may):
    """Whether the secret is there or only its version is missing takes another permission."""
    shop.put("plain", b"value")
    shop.google.front.access.revoke(shop.google.email, f"projects/{PROJECT}")
    shop.google.front.access.grant(shop.google.email, may, f"projects/{PROJECT}")
    assert shop.fetch(f"gcp-sm://{PROJECT}/plain") == [("value", "1")]
    assert shop.finding(f"gcp-sm://{PROJECT}/plain?version=2").code == "secret-version-not-found"
    found = shop.finding(f"gcp-sm://{PROJECT}/none")
    assert (found.code, "add a version" in found.fix) == ("secret-not-found", True)


def test_no_answer_is_not_taken_for_no_secret(shop):
    """Not even where the second question is the one that gets none: an identity must not look missing."""
    shop.put("empty")
    shop.google.faults.add({"kind": "error", "operations": ["secretmanager:projects.secrets.get"]})
    store = GcpSecretManager(GcpClient(retry=Retry(deadline=0.1, base=0.01)))
    for name in ("empty", "none", "empty?version=1"):
        references = parse_all([f"gcp-sm://{PROJECT}/{name}"])
        [found] = fetch_each(references, {GCP: store}).values()
        assert found.code == "cloud-unavailable"


def test_a_service_that_is_switched_off_is_reported_once(shop, monkeypatch):
    def off(*_arguments):
        raise Refused(403, "SERVICE_DISABLED", "Secret Manager API has not been used in project 1 before.")

    shop.put("plain", b"value")
    monkeypatch.setattr(shop.google.front.access, "check", off)
    with pytest.raises(Failed) as failed:
        shop.fetch(f"gcp-sm://{PROJECT}/plain", f"gcp-sm://{PROJECT}/other")
    [found] = failed.value.findings
    assert (found.code, "API is enabled" in found.fix) == ("cloud-denied", True)


def test_transient_error_is_waited_out(shop):
    shop.put("plain", b"value")
    for kind in ("throttle", "error", "reset"):
        shop.google.faults.add({"kind": kind, "operations": ["secretmanager:*access"], "count": 1})
    assert shop.fetch(f"gcp-sm://{PROJECT}/plain") == [("value", "1")]
    assert [fault["fired"] for fault in shop.google.faults.listing()] == [1, 1, 1]


@pytest.mark.slow
def test_a_description_opens_nothing(shop):
    shop.put("plain", b"first", b"second", labels={"team": "core"}, versionAliases={"stable": "2"})
    references = parse_all([f"gcp-sm://{PROJECT}/plain"])
    found = describe_all(references, shop.stores)[references[0]]
    assert (found.version, found.stages, found.tags) == ("2", ("stable",), {"team": "core"})
    assert found.versions == {"1": (), "2": ("stable",)}
    assert found.created.endswith("Z") and found.id.endswith("/secrets/plain")
    operations = [json.loads(line)["operation"] for line in shop.google.log.path.read_text().splitlines()]
    assert not [operation for operation in operations if operation.endswith("access")]
