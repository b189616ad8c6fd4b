# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Google Cloud client against the sandbox's Google: credentials, transient errors, operations."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import GcpCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_errors import answered, failed_operation
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry

from .conftest import PROJECT, Google

NETWORKS = f"compute/v1/projects/{PROJECT}/global/networks"
NETWORK = {"name": "net", "autoCreateSubnetworks": False}


@pytest.fixture
def through(google: Google, monkeypatch: pytest.MonkeyPatch) -> Google:
    """A process that reaches Google as a user's does: by the proxy, with application default credentials."""
    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return google


def client(**options: Any) -> GcpClient:
    return GcpClient(retry=Retry(deadline=20, base=0.01, cap=0.02), **options)


def test_application_default_credentials_and_project(through):
    assert client().project == PROJECT
    assert list(client().paginate("compute", NETWORKS)) == []


def test_a_key_file_an_impersonated_account_and_a_token(through, monkeypatch):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    key = str(through.key_file)
    assert client(credentials=GcpCredentials(credentials_file=key)).project == PROJECT
    other = through.front.identities.create("other", PROJECT)
    other.impersonators.add(through.email)
    through.front.access.grant(other.email, ["compute.networks.*"], f"projects/{PROJECT}")
    acting = client(project=PROJECT, credentials=GcpCredentials(credentials_file=key, impersonate=other.email))
    assert list(acting.paginate("compute", NETWORKS)) == []
    given = GcpCredentials(access_token=through.front.identities.issue(other.email))
    assert list(client(project=PROJECT, credentials=given).paginate("compute", NETWORKS)) == []
    assert "ya29" not in repr(given)


def test_workload_identity(through, tmp_path):
    outside = tmp_path / "token"
    outside.write_text("an outside token")
    through.front.identities.trust("an outside token", through.email)
    configuration = tmp_path / "federation.json"
    configuration.write_text(json.dumps({
        "type": "external_account", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/ours",
        "token_url": "https://sts.googleapis.com/v1/token", "credential_source": {"file": str(outside)}}))
    found = client(project=PROJECT, credentials=GcpCredentials(credentials_file=str(configuration)))
    assert list(found.paginate("compute", NETWORKS)) == []


def test_a_machine_s_own_account(through, monkeypatch):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("HOME", str(through.key_file.parent))  # no gcloud of the person who runs the tests
    monkeypatch.setenv("GCE_METADATA_HOST", through.url.removeprefix("http://"))
    monkeypatch.setenv("GCE_METADATA_IP", through.url.removeprefix("http://"))
    assert list(client(project=PROJECT).paginate("compute", NETWORKS)) == []


def test_an_endpoint_of_one_s_own_needs_no_proxy(google, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    token = google.front.identities.issue(google.email)
    direct = client(project=PROJECT, api_endpoint=google.url, credentials=GcpCredentials(access_token=token))
    assert list(direct.paginate("compute", NETWORKS)) == []


@pytest.mark.parametrize(("text", "said"), [
    ("{", "Expecting property name"),
    ("{}", "its type is 'None'"),
    ('{"type": "service_account"}', "missing fields"),
    ('{"type": "external_account", "credential_source": {"executable": {"command": "true"}}}', "cannot be used"),
])
def test_a_credentials_file_that_is_none(tmp_path, text, said):
    (tmp_path / "key.json").write_text(text)
    ours = client(project=PROJECT, credentials=GcpCredentials(credentials_file=str(tmp_path / "key.json")))
    with pytest.raises(errors.Expired, match=said) as raised:
        list(ours.paginate("compute", NETWORKS))
    assert raised.value.finding.where == str(tmp_path / "key.json")


@pytest.mark.parametrize(("credentials", "said"), [
    (GcpCredentials(credentials_file="/nowhere/key.json"), "/nowhere/key.json"),
    (GcpCredentials(access_token="ya29.not-a-token"), "gcloud auth application-default login"),
])
def test_credentials_that_cannot_be_used(through, credentials, said):
    with pytest.raises(errors.Expired) as raised:
        list(client(project=PROJECT, credentials=credentials).paginate("compute", NETWORKS))
    assert said in str(raised.value)


@pytest.mark.parametrize("kind", ["throttle", "error", "reset"])
def test_transient_error_is_waited_out(through, kind):
    fault = through.faults.add({"kind": kind, "count": 2})
    assert list(client().paginate("compute", NETWORKS)) == []
    assert fault.fired == 2


def test_a_change_whose_fate_is_unknown_is_not_sent_again(through):
    through.faults.add({"kind": "reset", "operations": ["compute:networks.insert"], "count": 1})
    with pytest.raises(errors.Unavailable):
        client().call("compute", "POST", NETWORKS, body=NETWORK)
    client().call("compute", "POST", NETWORKS, body=NETWORK)


def test_a_throttled_change_is_sent_again(through):
    through.faults.add({"kind": "throttle", "operations": ["compute:networks.insert"], "count": 2})
    operation = client().call("compute", "POST", NETWORKS, body=NETWORK)
    assert client().wait(operation, seconds=20, what="network net")["status"] == "DONE"
    assert [one["name"] for one in client().paginate("compute", NETWORKS)] == ["net"]


def test_expired_credentials_are_renewed_in_the_middle(through):
    ours = client()
    assert list(ours.paginate("compute", NETWORKS)) == []
    through.front.identities.expire()
    assert list(ours.paginate("compute", NETWORKS)) == []


@pytest.mark.slow
def test_a_page_that_fails_is_an_error_and_no_short_list(through):
    for number in range(3):
        client().call("compute", "POST", NETWORKS, body={**NETWORK, "name": f"net-{number}"})
    asked = {"maxResults": "2"}
    assert len(list(client().paginate("compute", NETWORKS, query=asked))) == 3
    pages = client().paginate("compute", NETWORKS, query=asked)
    next(pages), next(pages)
    through.faults.add({"kind": "error", "status": 400, "code": "invalid"})
    with pytest.raises(errors.Invalid):
        next(pages)


def test_an_operation_that_never_ends(through):
    through.front.compute.operations.seconds = 3600.0
    operation = client().call("compute", "POST", NETWORKS, body=NETWORK)
    with pytest.raises(errors.Unavailable) as raised:
        client().wait(operation, seconds=0.1, what="network net")
    assert raised.value.finding.code == "cloud-operation-unfinished" and "network net" in str(raised.value)
    # Google holds a `wait` for up to two minutes: the deadline would be its own.
    assert "globalOperations.wait" not in through.log.path.read_text()


@pytest.mark.parametrize("seconds", [0.0, 1.0, 60.0])
def test_an_operation_is_waited_for_as_long_as_its_deadline_says(monkeypatch, seconds):
    time = [1000.0]
    waiting = GcpClient("p", retry=Retry(clock=lambda: time[0], sleep=lambda pause: time.append(time.pop() + pause)))
    operation = {"name": "o", "selfLink": "https://compute.example/compute/v1/projects/p/global/operations/o"}
    monkeypatch.setattr(waiting, "call", lambda *_arguments: operation)
    with pytest.raises(errors.Unavailable, match=f"not ended after {seconds:.0f} s"):
        waiting.wait(operation, seconds=seconds, what="network net")
    assert time[0] == pytest.approx(1000.0 + seconds)


def test_an_operation_that_fails(through):
    through.front.compute.failing.append({"code": "QUOTA_EXCEEDED", "message": "Quota 'NETWORKS' exceeded."})
    operation = client().call("compute", "POST", NETWORKS, body=NETWORK)
    with pytest.raises(errors.QuotaExceeded, match="NETWORKS"):
        client().wait(operation, seconds=20, what="network net")


@pytest.mark.parametrize(("status", "reason", "kind"), [
    (400, "invalid", errors.Invalid),
    (400, "resourceInUseByAnotherResource", errors.Conflict),
    (401, "authError", errors.Expired),
    (403, "forbidden", errors.Denied),
    (403, "rateLimitExceeded", errors.Throttled),
    (403, "userRateLimitExceeded", errors.Throttled),
    (403, "quotaExceeded", errors.QuotaExceeded),
    (404, "notFound", errors.NotFound),
    (409, "alreadyExists", errors.Conflict),
    (412, "conditionNotMet", errors.Conflict),
    (429, "RATE_LIMIT_EXCEEDED", errors.Throttled),
    (500, "internalError", errors.Unavailable),
    (502, "", errors.Unavailable),
    (503, "backendError", errors.Unavailable),
    (504, "", errors.Unavailable),
])
def test_every_answer_has_its_type(status, reason, kind):
    body = json.dumps({"error": {"code": status, "message": "said", "errors": [{"reason": reason}]}}).encode()
    found = answered(status, body, {}, "somewhere")
    assert found.__class__ is kind and found.finding.fix and found.finding.where == "somewhere"


def test_what_a_denied_answer_names_is_in_the_fix():
    body = json.dumps({"error": {"message": "Required 'compute.instances.list' permission for 'projects/p'"}}).encode()
    assert "Grant compute.instances.list" in answered(403, body, {}, "w").finding.fix


@pytest.mark.parametrize(("headers", "body", "seconds"), [
    ({"Retry-After": "7"}, b"{}", 7.0),
    ({}, b'{"error": {"details": [{"@type": "RetryInfo", "retryDelay": "2.5s"}]}}', 2.5),
    ({}, b"<html>", None),
])
def test_how_long_google_asks_to_wait(headers, body, seconds):
    assert answered(429, body, headers, "w").retry_after == seconds


def test_a_secret_is_not_quoted():
    body = json.dumps({"error": {"message": "Invalid value 'the value'"}}).encode()
    assert "the value" not in str(answered(400, body, {}, "w", quotable=False))


@pytest.mark.parametrize(("code", "ours", "fix"), [
    ("ZONE_RESOURCE_POOL_EXHAUSTED", "cloud-stockout", "other zones"),
    ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "cloud-stockout", "other zones"),
    ("QUOTA_EXCEEDED", "cloud-quota", "higher quota"),
])
def test_a_full_region_is_a_quota_and_an_empty_zone_is_distinguished(code, ours, fix):
    operation = {"error": {"errors": [{"code": code, "message": "none left"}]}, "httpErrorStatusCode": 503}
    error = failed_operation(operation, "w")
    assert isinstance(error, errors.QuotaExceeded)
    assert error.finding.code == ours and fix in error.finding.fix


def test_a_request_through_a_proxy_waits_for_no_acknowledgement(through):
    asked = client()
    list(asked.paginate("compute", NETWORKS))
    proxied = asked._session().adapters["https://"].proxy_manager[through.url]
    (connection,) = [
        each for pool in map(proxied.pools.get, proxied.pools.keys()) for each in pool.pool.queue if each
    ]
    assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
