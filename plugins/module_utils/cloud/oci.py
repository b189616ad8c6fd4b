# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OCI distribution protocol, as far as finding a tag's digest needs it. Standard library only."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ipaddress
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.challenge import best_challenge
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import (
    DEFAULT_HOST,
    DOCKER_HUB,
    Image,
    RegistryCredentials,
    no_repository,
    not_found,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry, retry_after_seconds
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.image_digest import DIGEST

TIMEOUT = 15
# Without Docker's types a registry may answer with a converted manifest, whose digest is another.
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    *INDEX_TYPES,
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LARGEST = 4 * 1024 * 1024
_LONGEST = 300


def resolve_digest_http(
    image: Image,
    credentials: RegistryCredentials | None = None,
    ca: str | None = None,
    retry: Retry | None = None,
) -> str:
    """The digest that a registry holds for the image's tag (or the image's own digest, if it holds it).

    TLS always, except that a registry on a loopback address may speak plain HTTP, as the Docker Engine allows too.

    :param ca: path of a PEM file with further authorities to trust.
    :raises Failed: ``image-tag-not-found``, ``image-digest-not-found``, ``registry-auth``, or a ``CloudError``.
    """
    registry = _Registry(image, credentials, ca)
    return (retry or Retry()).run(registry.digest, idempotent=True)


def fetch_manifest(
    image: Image, credentials: RegistryCredentials | None = None, ca: str | None = None, retry: Retry | None = None
) -> str:
    """The text of an image's manifest or index.

    :raises CloudError: the registry does not give it.
    """
    return (retry or Retry()).run(_Registry(image, credentials, ca).manifest, idempotent=True)


class _Registry:
    """One image's registry and what it takes to be admitted."""

    def __init__(self, image: Image, credentials: RegistryCredentials | None, ca: str | None) -> None:
        self._image = image
        self._credentials = credentials
        self._authorization = ""
        context = ssl.create_default_context()
        if ca:
            try:
                context.load_verify_locations(ca)
            except OSError as error:
                raise self._tls(f"the authority's file {ca} cannot be used ({error})") from None
        self._open = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context)).open
        host = DOCKER_HUB if image.host == DEFAULT_HOST else image.host
        base = f"//{host}/v2/{image.repository}"
        self._manifest = f"manifests/{image.digest or image.tag}"
        self._bases = [f"https:{base}"] + ([f"http:{base}"] if is_loopback(host) else [])

    def digest(self) -> str:
        """Ask, log in if told to, ask again."""
        status, headers, _body = self._send("HEAD", self._manifest)
        if status == 401:
            self._authorization = self._log_in(headers)
            status, headers, _body = self._send("HEAD", self._manifest)
        if status in (401, 403):
            _status, _headers, body = self._send("GET", self._manifest)  # an answer to HEAD says no more
            raise self._refused(f"The registry answered {status}{self._said(body)}.")
        if status == 404:
            raise Failed(self._not_found())
        digest = headers.get("Docker-Content-Digest", "")
        if status == 200 and not digest:
            status, headers, body = self._send("GET", self._manifest)
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
        if status != 200 or not DIGEST.fullmatch(digest):
            raise errors.Invalid(
                f"The registry answered {status} with the digest {digest!r}.",
                self._image.name,
                "Check the host in praxis_image: it must be a container registry.",
                code="registry-answer",
            )
        return digest

    def manifest(self) -> str:
        """The manifest's text."""
        status, headers, body = self._send("GET", self._manifest)
        if status == 401:
            self._authorization = self._log_in(headers)
            status, headers, body = self._send("GET", self._manifest)
        if status != 200:
            raise self._refused(f"The registry answered {status}{self._said(body)}.")
        return body.decode("utf-8", "replace")

    def _not_found(self) -> Finding:
        """With the nearest of the repository's tags, if the registry lists them."""
        try:
            status, _headers, body = self._send("GET", "tags/list?n=1000")
        except errors.CloudError:
            return not_found(self._image, [])
        if status == 404:
            return no_repository(self._image)
        return not_found(self._image, _tags_of(body) if status == 200 else [])

    def _send(self, method: str, path: str) -> tuple[int, Message, bytes]:
        headers = {"Accept": ", ".join(MANIFEST_TYPES)} if path == self._manifest else {}
        for base in self._bases:
            request = urllib.request.Request(f"{base}/{path}", method=method, headers=headers)
            try:
                answer = self._exchange(request, self._authorization)
            except _NotTls:
                continue
            self._bases = [base]
            return answer
        raise self._tls("it does not speak TLS")

    def _exchange(self, request: urllib.request.Request, authorization: str) -> tuple[int, Message, bytes]:
        if authorization:
            # Unredirected: a registry that sends us on to a storage host must not make us show it the login.
            request.add_unredirected_header("Authorization", authorization)
        try:
            with self._open(request, timeout=TIMEOUT) as response:
                return response.status, response.headers, response.read(_LARGEST)
        except urllib.error.HTTPError as error:
            with error:
                self._check_passing(error)
                return error.code, error.headers, _body_of(error)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise self._unreached(getattr(error, "reason", error)) from None

    def _unreached(self, cause: object) -> Exception:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return self._tls(cause.verify_message)
        if isinstance(cause, ssl.SSLError):
            return _NotTls(str(cause))
        what = f"The registry cannot be reached ({type(cause).__name__}: {cause})."
        return errors.Unavailable(what, self._image.host, "Check the host in praxis_image, this machine's network and "
                                                          "the proxy settings.")

    def _check_passing(self, error: urllib.error.HTTPError) -> None:
        wish = retry_after_seconds(error.headers.get("Retry-After"), time.time())
        said = f"The registry answered {error.code}."
        if error.code == 429:
            fix = "Wait and run this again, or log in, which raises the limit (praxis_registries)."
            raise errors.Throttled(said, self._image.host, fix, retry_after=wish)
        if error.code >= 500:
            raise errors.Unavailable(said, self._image.host, "Run this again later.", retry_after=wish)

    def _log_in(self, headers: Message) -> str:
        """The Authorization header that the registry's challenge asks for."""
        offered = headers.get_all("WWW-Authenticate", [])
        challenge = best_challenge(offered)
        if challenge is None:
            what = f"The registry requires another kind of login: {', '.join(offered)[:_LONGEST]!r}."
            raise self._refused(what, "Use a registry with Basic or Bearer.")
        if challenge.scheme == "bearer":
            return "Bearer " + self._token(challenge.parameters)
        if self._credentials is None:
            raise self._refused("The registry needs a login, and none is set.")
        return _basic(self._credentials)

    def _token(self, challenge: dict[str, str]) -> str:
        realm = urllib.parse.urlsplit(challenge.get("realm", ""))
        if realm.scheme != "https" and not (realm.scheme == "http" and is_loopback(realm.netloc)):
            raise self._refused("The registry's login address is not https.", "Use another registry: a login must not "
                                                                              "be sent unencrypted.")
        asked = {
            "service": challenge.get("service", ""),
            "scope": challenge.get("scope", f"repository:{self._image.repository}:pull"),
        }
        query = urllib.parse.urlencode({word: value for word, value in asked.items() if value})
        url = urllib.parse.urlunsplit(realm._replace(query=f"{realm.query}&{query}".lstrip("&")))
        login = _basic(self._credentials) if self._credentials else ""
        status, _headers, body = self._exchange(urllib.request.Request(url), login)
        token = _token_of(body) if status == 200 else ""
        if not token:
            raise self._refused(f"The registry's login answered {status} and no token{self._said(body)}.")
        return token

    def _refused(self, what: str, fix: str = "") -> errors.Denied:
        """A refusal, with what to do about the login: what a user has to fix is the same at every step of it."""
        host = self._image.host
        if not fix and self._credentials:
            fix = f"Correct username or password of {host} in praxis_registries, or give that user the right to pull."
        fix = fix or (
            f"Set a login for {host} in praxis_registries (server, username, password); some registries say the same "
            "of an image that does not exist."
        )
        return errors.Denied(what, self._image.name, fix, code="registry-auth")

    def _said(self, body: bytes) -> str:
        """The registry's own words for its refusal, or nothing; and nothing when they hold the password."""
        said = _said(body)
        return "" if self._credentials and self._credentials.password in said else said

    def _tls(self, what: str) -> errors.Invalid:
        fix = "Set ca in praxis_registries to the file of its certificate authority, or correct the host."
        return errors.Invalid(f"TLS with the registry failed: {what}.", self._image.host, fix, code="registry-tls")


class _NotTls(Exception):
    """The other side does not speak TLS."""


def _basic(credentials: RegistryCredentials) -> str:
    login = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(login).decode()}"


def _body_of(error: urllib.error.HTTPError) -> bytes:
    """What a registry says of its refusal, as far as it arrives."""
    try:
        return error.read(_LARGEST)
    except (http.client.HTTPException, OSError):
        return b""


def _said(body: bytes) -> str:
    """The registry's own words for its refusal, or nothing."""
    try:
        message = str(json.loads(body)["errors"][0]["message"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return f": {message[:_LONGEST].strip().rstrip('.')}" if message.isprintable() else ""


def _token_of(body: bytes) -> str:
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("token") or answer.get("access_token") or "") if isinstance(answer, dict) else ""


def _tags_of(body: bytes) -> list[str]:
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return []
    tags = answer.get("tags") if isinstance(answer, dict) else None
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def is_loopback(host: str) -> bool:
    """Whether a host with or without a port is this machine itself."""
    name = urllib.parse.urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
