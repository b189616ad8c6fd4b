# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests over the distribution protocol, from registries of several kinds."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import resolve_digest_http
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import (
    Image,
    RegistryCredentials,
    parse_image,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.cloud.wire import Answer, Request, in_order, serving

DIGEST = "sha256:" + "0123456789abcdef" * 4
FOUND = Answer(headers={"Docker-Content-Digest": DIGEST})
LOGIN = RegistryCredentials("registry", "robot", "planted-password-7c1e9b")
BASIC = "Basic " + base64.b64encode(b"robot:planted-password-7c1e9b").decode()

pytestmark = pytest.mark.usefixtures("_no_proxy")


@pytest.fixture
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def image(host: str, rest: str = "praxis/agent:v1") -> Image:
    return parse_image(f"{host}/{rest}")


def no_wait(slept: list[float] | None = None) -> Retry:
    pauses: list[float] = [] if slept is None else slept
    return Retry(10, clock=lambda: sum(pauses), sleep=pauses.append, random=lambda: 1.0)


def test_the_manifest_is_asked_for_by_head_and_as_it_is_stored() -> None:
    with serving(in_order(FOUND)) as server:
        assert resolve_digest_http(image(server.host)) == DIGEST
    request = server.requests[-1]
    assert (request.method, request.path) == ("HEAD", "/v2/praxis/agent/manifests/v1")
    # Without this type an older registry converts the manifest and names another digest.
    assert "application/vnd.docker.distribution.manifest.v2+json" in request.headers["Accept"]
    assert "application/vnd.oci.image.index.v1+json" in request.headers["Accept"]


def test_a_registry_that_names_no_digest_is_read() -> None:
    body = b'{"schemaVersion": 2}'
    with serving(lambda request: Answer(body=body)) as server:
        assert resolve_digest_http(image(server.host)) == "sha256:" + hashlib.sha256(body).hexdigest()


def test_basic_login() -> None:
    def script(request: Request) -> Answer:
        if request.headers.get("Authorization") == BASIC:
            return FOUND
        return Answer(401, headers={"WWW-Authenticate": 'Basic realm="registry"'})

    with serving(script) as server:
        assert resolve_digest_http(image(server.host), LOGIN) == DIGEST
        with pytest.raises(errors.Denied) as caught:
            resolve_digest_http(image(server.host))
        assert caught.value.finding.code == "registry-auth"
        wrong = RegistryCredentials("registry", "robot", "wrong")
        with pytest.raises(errors.Denied) as caught:
            resolve_digest_http(image(server.host), wrong)
    assert "401" in caught.value.finding.what


def bearer(seen: list[Request], host: Callable[[], str]) -> Callable[[Request], Answer]:
    """A registry with a token server of its own."""

    def script(request: Request) -> Answer:
        seen.append(request)
        if request.path.startswith("/token"):
            return Answer(body=b'{"token": "t0k3n"}')
        if request.headers.get("Authorization") == "Bearer t0k3n":
            return FOUND
        realm = f'Bearer realm="http://{host()}/token?x=1",service="reg",scope="repository:praxis/agent:pull"'
        return Answer(401, headers={"WWW-Authenticate": realm})

    return script


@pytest.mark.parametrize(("credentials", "login"), [(LOGIN, BASIC), (None, None)])
def test_bearer_login(credentials: RegistryCredentials | None, login: str | None) -> None:
    seen: list[Request] = []
    with serving(bearer(seen, lambda: server.host)) as server:
        assert resolve_digest_http(image(server.host), credentials) == DIGEST
    token = next(request for request in seen if request.path.startswith("/token"))
    assert token.path == "/token?x=1&service=reg&scope=repository%3Apraxis%2Fagent%3Apull"
    assert token.headers.get("Authorization") == login


def test_the_login_is_not_sent_in_clear_to_a_stranger() -> None:
    challenge = Answer(401, headers={"WWW-Authenticate": 'Bearer realm="http://192.0.2.1/token",service="reg"'})
    with serving(lambda request: challenge) as server, pytest.raises(errors.Denied) as caught:
        resolve_digest_http(image(server.host), LOGIN)
    assert "not https" in caught.value.finding.what


def test_the_login_does_not_follow_a_redirection() -> None:
    def registry(request: Request) -> Answer:
        if request.headers.get("Authorization") != BASIC:
            return Answer(401, headers={"WWW-Authenticate": "Basic"})
        return Answer(307, headers={"Location": f"http://{storage.host}/blob"})

    with serving(in_order(FOUND)) as storage, serving(registry) as server:
        assert resolve_digest_http(image(server.host), LOGIN) == DIGEST
    assert [request.path for request in storage.requests] == ["/blob"]
    assert "Authorization" not in storage.requests[0].headers


@pytest.mark.parametrize(
    ("listed", "code", "fix"),
    [
        (Answer(body=b'{"tags": ["v2.0", "v1.0", "nightly"]}'), "image-tag-not-found", "Nearest tags: v1.0"),
        (Answer(body=b'{"tags": null}'), "image-tag-not-found", "Push the image, or correct the tag."),
        (Answer(body=b"<html>"), "image-tag-not-found", "Push the image, or correct the tag."),
        (Answer(403), "image-tag-not-found", "Push the image, or correct the tag."),
        (Answer(503), "image-tag-not-found", "Push the image, or correct the tag."),
        (Answer(404), "image-repository-not-found", "Create it"),
    ],
)
def test_what_the_registry_does_not_hold(listed: Answer, code: str, fix: str) -> None:
    """The nearest tag if the registry lists them; a list that cannot be had hides nothing."""
    with serving(in_order(Answer(404), listed)) as server, pytest.raises(Failed) as caught:
        resolve_digest_http(image(server.host), retry=no_wait())
    assert [request.path for request in server.requests if request.path != "/v2/praxis/agent/manifests/v1"] == [
        "/v2/praxis/agent/tags/list?n=1000"
    ]
    finding = caught.value.findings[0]
    assert finding.code == code
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"errors": [{"code": "DENIED", "message": "no pull on praxis."}]}', "answered 403: no pull on praxis."),
        (b'{"errors": []}', "answered 403."),
        (b'{"errors": [{"message": "a\\u001b[31m"}]}', "answered 403."),
        (b"<html>", "answered 403."),
    ],
)
def test_a_refusal_in_the_registry_s_words(body: bytes, said: str) -> None:
    """They are in the answer to GET: one to HEAD has none."""
    with serving(lambda request: Answer(403, body)) as server, pytest.raises(errors.Denied) as caught:
        resolve_digest_http(image(server.host), LOGIN)
    assert caught.value.finding.what.endswith(said)
    assert "planted" not in str(caught.value)


def test_something_that_is_no_registry() -> None:
    page = Answer(headers={"Docker-Content-Digest": "hello"})
    with serving(in_order(page)) as server, pytest.raises(errors.Invalid) as caught:
        resolve_digest_http(image(server.host))
    assert caught.value.finding.code == "registry-answer"


def test_a_busy_registry_is_waited_for() -> None:
    slept: list[float] = []
    busy = Answer(429, headers={"Retry-After": "3"})

    with serving(in_order(busy, Answer(503), FOUND)) as server:
        assert resolve_digest_http(image(server.host), retry=no_wait(slept)) == DIGEST
    assert slept == [3.25, 0.5]


def test_nobody_there() -> None:
    with serving(in_order(FOUND)) as server:
        nobody = server.host
    with pytest.raises(errors.Unavailable) as caught:
        resolve_digest_http(image(nobody), retry=no_wait())
    assert "ConnectionRefusedError" in caught.value.finding.what
    assert caught.value.finding.where == nobody


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost, its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_tls_with_an_authority_of_ones_own(authority: tuple[Path, Path]) -> None:
    certificate, key = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(in_order(FOUND), tls=context) as server:
        host = server.host.replace("127.0.0.1", "localhost")
        assert resolve_digest_http(image(host), ca=str(certificate)) == DIGEST
        # A certificate nobody vouches for is refused: no falling back to plain HTTP, not even on the loopback.
        with pytest.raises(errors.Invalid) as caught:
            resolve_digest_http(image(host))
    assert caught.value.finding.code == "registry-tls"
    assert len(server.requests) == 1


def test_a_missing_authority_file() -> None:
    with pytest.raises(errors.Invalid) as caught:
        resolve_digest_http(image("localhost:9"), ca="/nonexistent/ca.pem")
    assert caught.value.finding.code == "registry-tls"
    assert "/nonexistent/ca.pem" in caught.value.finding.what
