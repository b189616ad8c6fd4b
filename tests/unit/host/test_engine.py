# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's socket: what is sent, and what becomes of its answers."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host import pull
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError, demultiplex
from tests.unit.host.fakes import DIGEST, IMAGE

LOGIN = {"server": "registry.example", "username": "AWS", "password": "token-of-the-registry"}


def test_no_engine_is_said_so(tmp_path) -> None:
    with pytest.raises(EngineError, match="no engine answers") as caught:
        Engine(str(tmp_path / "nothing")).version()
    assert caught.value.status == 0


def test_what_is_not_there_is_none(engine, paths) -> None:
    asked = Engine(paths.engine_socket)
    assert asked.image(IMAGE) is None
    assert asked.inspect("c0ffee") is None
    assert asked.containers({"a": "b"}) == []
    assert asked.remove_image(IMAGE)


def test_the_registry_token_is_in_the_pulls_header_only(engine, paths) -> None:
    engine.pulls = [{"status": "Pulling"}, {"status": "Download complete"}]
    pull.pull(Engine(paths.engine_socket), IMAGE, LOGIN)
    sent = {path: headers for _method, path, _query, headers in engine.requests}
    login = json.loads(base64.urlsafe_b64decode(sent["/images/create"]["X-Registry-Auth"]))
    assert login == {"username": "AWS", "password": LOGIN["password"], "serveraddress": "registry.example"}
    for _method, path, query, headers in engine.requests:
        assert LOGIN["password"] not in path + json.dumps(query)
        assert path == "/images/create" or "X-Registry-Auth" not in headers


def test_a_pull_names_repository_and_digest(engine, paths) -> None:
    pull.pull(Engine(paths.engine_socket), IMAGE, None)
    query = next(query for _method, path, query, _headers in engine.requests if path == "/images/create")
    assert query == {"fromImage": "registry.example/praxis-agent", "tag": DIGEST}


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("host:5000/a/b@" + DIGEST, "host:5000/a/b"),
        ("host:5000/a/b:1.2@" + DIGEST, "host:5000/a/b"),
        ("a@" + DIGEST, "a"),
    ],
)
def test_an_image_in_its_two_parts(image: str, repository: str) -> None:
    assert pull.repository_and_digest(image) == (repository, DIGEST)


@pytest.mark.parametrize("image", ["a:latest", "a@sha256:12", "", "a b@" + DIGEST])
def test_an_image_without_a_digest_is_refused(image: str) -> None:
    with pytest.raises(Failed, match="digest"):
        pull.repository_and_digest(image)


# What engines 20.10 and 26.1 said in each case.
SAID = {
    "image-unauthorized": [
        'Head "https://r/v2/x/manifests/sha256:1": no basic auth credentials',
        "unauthorized: authentication required",
        "pull access denied for r/x, repository does not exist or may require 'docker login': denied: requested access",
        'Head "https://r/v2/x": denied: Your authorization token has expired. Reauthenticate and try again.',
        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://r/token: "
        "401 Unauthorized",
        "unexpected status from HEAD request to https://r/v2/x/manifests/sha256:1: 403 Forbidden",
    ],
    "image-not-found": [
        "manifest unknown",
        # From here on, the last of each: the words of containerd's image store.
        'failed to resolve reference "r/x@sha256:1": r/x@sha256:1: not found',
        "manifest for r/x@sha256:1 not found: manifest unknown: manifest unknown",
    ],
    "image-architecture": [
        "no matching manifest for linux/arm64/v8 in the manifest list entries",
        "no match for platform in manifest sha256:1: not found",
    ],
    "registry-unreachable": [
        'Get "https://r/v2/": dial tcp: lookup r on 10.0.0.2:53: no such host',
        'Get "https://r/v2/": dial tcp 10.0.0.9:443: connect: connection refused',
        'Get "https://r/v2/": net/http: request canceled while waiting for connection'
        " (Client.Timeout exceeded while awaiting headers)",
        "received unexpected HTTP status: 503 Service Unavailable",
        'failed to resolve reference "r/x@sha256:1": unexpected status from HEAD request to https://r/v2/x/manifests/'
        "sha256:1: 502 Bad Gateway",
    ],
    "registry-certificate-date": [
        'Get "https://r/v2/": x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is'
        " before 2026-01-01T00:00:00Z"
    ],
    "registry-certificate": ['Get "https://r/v2/": x509: certificate signed by unknown authority'],
    "registry-throttled": [
        "toomanyrequests: You have reached your pull rate limit.",
        "unexpected status from HEAD request to https://r/v2/x/manifests/sha256:1: 429 Too Many Requests",
    ],
    "registry-slow": ["no progress for 120 s", "the pull took more than 900 s"],
    "disk-full": [
        "write /var/lib/docker/tmp/GetImageBlob123: no space left on device",
        "failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device",
    ],
    "image-pull-failed": ["something new"],
}


@pytest.mark.parametrize(("code", "message"), [(code, said) for code in SAID for said in SAID[code]])
def test_each_reason_has_its_code(code: str, message: str) -> None:
    finding = pull.explain(message, IMAGE, "arm64")
    assert finding.code == code
    assert message in finding.what
    assert finding.fix


def test_a_signed_address_is_quoted_without_its_signature() -> None:
    signed = "https://store.example/layer?X-Amz-Security-Token=planted&X-Amz-Signature=planted"
    finding = pull.explain('Get "%s": dial tcp 10.0.0.9:443: i/o timeout' % signed, IMAGE, "arm64")
    assert finding.code == "registry-unreachable"
    assert "planted" not in str(finding) and '"https://store.example/layer?…": dial tcp' in finding.what


def test_an_error_in_the_stream_fails_the_pull(engine, paths) -> None:
    engine.pulls = [{"status": "Pulling"}, {"error": "no space left on device", "errorDetail": {}}]
    with pytest.raises(Failed) as caught:
        pull.pull(Engine(paths.engine_socket), IMAGE, None)
    assert caught.value.findings[0].code == "disk-full"


def test_a_refused_pull_fails(engine, paths) -> None:
    engine.pulls, engine.pull_status = [{"message": "manifest unknown"}], 404
    with pytest.raises(Failed) as caught:
        pull.pull(Engine(paths.engine_socket), IMAGE, None)
    assert caught.value.findings[0].code == "image-not-found"


def test_a_pull_beyond_its_deadline_fails(engine, paths) -> None:
    engine.pulls = [{"status": "Downloading"}] * 3
    times = iter([0.0, 1.0, 11.0, 12.0])
    with pytest.raises(Failed) as caught:
        pull.pull(Engine(paths.engine_socket), IMAGE, None, deadline=10, clock=lambda: next(times))
    assert caught.value.findings[0].code == "registry-slow"


def test_an_image_of_another_architecture_is_refused() -> None:
    pull.check({"Architecture": "amd64"}, IMAGE, "amd64")
    with pytest.raises(Failed) as caught:
        pull.check({"Architecture": "arm64"}, IMAGE, "amd64")
    assert caught.value.findings[0].code == "image-architecture"


def test_a_refused_image_does_not_stay(engine, paths) -> None:
    engine.pulled_for = "s390x"
    with pytest.raises(Failed) as caught:
        pull.pull(Engine(paths.engine_socket), IMAGE, None)
    assert caught.value.findings[0].code == "image-architecture"
    assert "linux/amd64" in caught.value.findings[0].fix
    assert engine.images == {}


def test_logs_lose_their_headers() -> None:
    chunks = [(1, b"one\n"), (2, b"two\n"), (1, b"cut off")]
    raw = b"".join(struct.pack(">BxxxL", kind, len(text)) + text for kind, text in chunks)
    assert demultiplex(raw) == b"one\ntwo\ncut off"
    assert demultiplex(raw[:-4]) == b"one\ntwo\ncut"
    assert demultiplex(b"") == b""
