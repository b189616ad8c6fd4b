# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifact Registry: the real registry under Google's hosts, let into by access tokens, and what its API knows of
repositories, which can be made and changed.

Layers go straight through to and from the registry's listener without login, which is on loopback only. All
repositories hold the same images, by their names. What a repository is set to (tags that do not move, scans, cleanup)
is remembered and has no effect.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import unquote, urlsplit

from sandbox.aws.log import Log
from sandbox.gcp.access import Access
from sandbox.gcp.answers import Answer, Request
from sandbox.gcp.discovery import Call, unanswered
from sandbox.gcp.identity import Identities
from sandbox.gcp.pages import page
from sandbox.gcp.refused import Refused
from sandbox.registry import Registry
from sandbox.site import GOOGLE_REGION, PROJECT

USER = "oauth2accesstoken"
NEWER = "-docker.pkg.dev"
OLDER = {"gcr.io": "us", "us.gcr.io": "us"}
"""Hosts of Container Registry, which Artifact Registry serves now, and where their repositories are."""
REPOSITORIES = {(GOOGLE_REGION, "praxis"), *((location, host) for host, location in OLDER.items())}
"""By location and name; all hold the same images."""

DOWNLOAD = "artifactregistry.repositories.downloadArtifacts"
UPLOAD = "artifactregistry.repositories.uploadArtifacts"
NAME = re.compile(r"/v2/(?P<name>.+)/(?P<what>manifests|blobs|tags)/(?P<which>[^/]+)")
PASSED = ("content-type", "content-length", "content-range", "docker-content-digest", "etag", "link")
"""Headers of the registry's answers that are passed on."""
UPLOADS = re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<rest>.*)")
SENT = ("accept", "range", "content-type", "content-range")
""", and of requests."""
CHANGED = ("dockerConfig", "vulnerabilityScanningConfig", "cleanupPolicies", "cleanupPolicyDryRun", "description")
"""What can be changed of a repository."""


class Turned(Exception):
    """A registry's refusal: its own form of error."""

    def __init__(self, status: int, code: str, message: str, challenge: str = "") -> None:
        super().__init__(message)
        headers = {"Content-Type": "application/json", **({"WWW-Authenticate": challenge} if challenge else {})}
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer = Answer(status, body, headers)


class ArtifactRegistry:
    """The registry's front."""

    def __init__(self, registry: Registry, identities: Identities, access: Access, log: Log) -> None:
        self._registry = registry
        self._identities = identities
        self._access = access
        self._log = log
        self._settings: dict[tuple[str, str], dict[str, Any]] = {each: {} for each in REPOSITORIES}
        self._methods: dict[tuple[str, str], Callable[[Call], dict[str, Any]]] = {
            ("projects.locations.repositories", "get"): lambda call: self._shown(*self._repository(call)),
            ("projects.locations.repositories", "list"): self._list,
            ("projects.locations.repositories", "create"): self._create,
            ("projects.locations.repositories", "patch"): self._patch,
            ("projects.locations.repositories.dockerImages", "list"): self._images,
            ("projects.locations.repositories.packages.tags", "get"): self._tag,
            ("projects.locations.repositories.packages.tags", "list"): self._tags,
        }

    @staticmethod
    def serves(host: str) -> bool:
        """Whether a host is one of its."""
        return host.endswith(NEWER) or host in OLDER

    def answer(self, request: Request) -> Answer:
        """A request of the registry's own protocol."""
        try:
            if request.path == "/v2/token":
                return self._token(request)
            email = self._who(request)
            if request.path.rstrip("/") == "/v2":
                return Answer(200, b"{}", {"Content-Type": "application/json"})
            path = unquote(request.path)
            found, begun = NAME.fullmatch(path), UPLOADS.fullmatch(path)
            if not found and not begun:
                raise Turned(404, "NAME_UNKNOWN", f"There is no {request.path}")
            name = begun["name"] if begun else found["name"] if found else ""
            resource, image = named(request.host, name, self._settings)
            reads = request.verb in ("GET", "HEAD")
            self._allow(email, DOWNLOAD if reads else UPLOAD, resource)
            if not reads and image.startswith("unknown/"):
                raise Turned(404, "NAME_UNKNOWN", f"Repository {resource} not found")
            rest = f"blobs/uploads/{begun['rest']}" if begun else f"{found['what']}/{found['which']}" if found else ""
            return self._passed(request, name, image, rest, email)
        except Turned as turned:
            return turned.answer

    def _token(self, request: Request) -> Answer:
        """The login's end: an access token of Google's for one of the registry's, which ends with it."""
        kind, _other, text = request.headers.get("authorization", "").partition(" ")
        user, _other, password = _decoded(text).partition(":")
        email = ""
        if kind.lower() == "basic":
            try:
                email = self._identities.who(f"Bearer {password}") if user == USER else ""
            except Refused:
                email = ""
            if not email:
                self._note("token", "", 401)
                raise Turned(401, "UNAUTHORIZED", "authentication failed")
        for scope in (value for name, value in request.query if name == "scope"):
            what, _other, rest = scope.partition(":")
            name, _other, actions = rest.rpartition(":")
            if what == "repository":
                resource, _image = named(request.host, name, self._settings)
                for action in actions.split(","):
                    self._allow(email, UPLOAD if action in ("push", "delete") else DOWNLOAD, resource)
        self._note("token", email, 200)
        token = base64.urlsafe_b64encode(password.encode()).decode() or "anonymous"
        return Answer(200, json.dumps({"token": token, "expires_in": 3600}).encode(),
                      {"Content-Type": "application/json"})

    def _who(self, request: Request) -> str:
        """The email that a registry token, an access token or a login speaks for."""
        kind, _other, text = request.headers.get("authorization", "").partition(" ")
        user, _other, password = _decoded(text).partition(":")
        tokens = [text, _decoded(text)] if kind.lower() == "bearer" else [password] if user == USER else []
        for token in tokens:
            try:
                return self._identities.who(f"Bearer {token}")
            except Refused:
                continue
        challenge = f'Bearer realm="https://{request.host}/v2/token",service="{request.host}"'
        if found := NAME.fullmatch(unquote(request.path)):
            challenge += f',scope="repository:{found["name"]}:pull"'
        raise Turned(401, "UNAUTHORIZED", "Unauthenticated request.", challenge)

    def _allow(self, email: str, permission: str, resource: str) -> None:
        if self._access.allows(email, permission, resource):
            return
        self._note("denied", email, 403)
        if not email:
            raise Turned(403, "DENIED", f'Unauthenticated request. Unauthenticated requests do not have permission '
                                        f'"{permission}" on resource "{resource}" (or it may not exist)')
        raise Turned(403, "DENIED", f'Permission "{permission}" denied on resource "{resource}" (or it may not exist)')

    def _passed(self, request: Request, name: str, image: str, rest: str, email: str) -> Answer:
        host, _other, port = self._registry.push.partition(":")
        upstream = http.client.HTTPConnection(host, int(port), timeout=60)
        sent = {each: request.headers[each] for each in SENT if each in request.headers}
        query = request.target.partition("?")[2]
        body = request.body if request.verb in ("POST", "PUT", "PATCH") else None
        upstream.request(request.verb, f"/v2/{image}/{rest}" + (f"?{query}" if query else ""), body, sent)
        given = upstream.getresponse()
        if rest.startswith("manifests/"):
            what = "manifest" if request.verb in ("GET", "HEAD") else "push"
            self._note(what, email, given.status, mutating=what == "push")
        headers = {each.title(): value for each, value in given.getheaders() if each.lower() in PASSED}
        if place := given.getheader("Location"):
            below = urlsplit(place)
            there = below.path.replace(f"/v2/{image}/", f"/v2/{name}/", 1)
            headers["Location"] = f"https://{request.host}{there}" + (f"?{below.query}" if below.query else "")
        return Answer(given.status, b"", headers, stream=given)

    def _note(self, what: str, email: str, status: int, mutating: bool = False) -> None:
        self._log.operation("artifactregistry", f"docker.{what}", status=status, access_key=email, fault=None,
                            error=None if status < 400 else f"HTTP{status}", mutating=mutating)

    def api(self, call: Call) -> dict[str, Any]:
        """A request of Artifact Registry's API.

        :raises Refused: with its error.
        """
        method = self._methods.get((call.method.collection, call.method.name))
        if not method:
            raise unanswered("artifactregistry", call.method)
        return method(call)

    def _list(self, call: Call) -> dict[str, Any]:
        found = [self._shown(*one) for one in sorted(self._settings) if one[0] == call.where["locationsId"]]
        return _paged(call, "repositories", found)

    def _create(self, call: Call) -> dict[str, Any]:
        name = (call.where["locationsId"], call.query.get("repositoryId", ""))
        if not name[1] or call.body.get("format") != "DOCKER":
            raise Refused(400, "INVALID_ARGUMENT", "A repository has an id and a format.")
        if name in self._settings:
            raise Refused(409, "ALREADY_EXISTS", "the repository already exists")
        self._settings[name] = dict(call.body)
        operation = f"projects/{PROJECT}/locations/{name[0]}/operations/{len(self._settings)}"
        return {"name": operation, "done": True, "response": self._shown(*name)}

    def _patch(self, call: Call) -> dict[str, Any]:
        """Of the mask's fields, which may be named with a field below them, what the body has."""
        name = self._repository(call)
        for field in call.query.get("updateMask", "").split(","):
            top = field.partition(".")[0]
            if top not in CHANGED:
                raise Refused(400, "INVALID_ARGUMENT", f"{field} cannot be changed.")
            self._settings[name][top] = call.body.get(top)
        return self._shown(*name)

    def _repository(self, call: Call) -> tuple[str, str]:
        wanted = (call.where["locationsId"], call.where["repositoriesId"])
        if wanted not in self._settings:
            raise Refused(404, "notFound", "Requested entity was not found.")
        return wanted

    def _shown(self, location: str, name: str) -> dict[str, Any]:
        own = {key: value for key, value in self._settings[location, name].items() if value is not None}
        return {"format": "DOCKER", "mode": "STANDARD_REPOSITORY", **own,
                "name": f"projects/{PROJECT}/locations/{location}/repositories/{name}"}

    def _images(self, call: Call) -> dict[str, Any]:
        location, repository = self._repository(call)
        parent, image = f"projects/{PROJECT}/locations/{location}/repositories/{repository}", "praxis-agent"
        host = f"{location}{NEWER}/{PROJECT}/{repository}" if repository not in OLDER else f"{repository}/{PROJECT}"
        tagged: dict[str, list[str]] = {}
        for tag in self._registry.tags(image):
            if held := self._registry.manifest(image, tag):
                tagged.setdefault(held.digest, []).append(tag)
        return _paged(call, "dockerImages", [
            {"name": f"{parent}/dockerImages/{image}@{digest}", "uri": f"{host}/{image}@{digest}", "tags": tags}
            for digest, tags in sorted(tagged.items())])

    def _tags(self, call: Call) -> dict[str, Any]:
        self._repository(call)
        image = unquote(call.where["packagesId"])
        return _paged(call, "tags", [self._tagged(call, image, tag) for tag in self._registry.tags(image)])

    def _tag(self, call: Call) -> dict[str, Any]:
        self._repository(call)
        image, tag = unquote(call.where["packagesId"]), call.where["tagsId"]
        if tag not in self._registry.tags(image):
            raise Refused(404, "notFound", "Requested entity was not found.")
        return self._tagged(call, image, tag)

    def _tagged(self, call: Call, image: str, tag: str) -> dict[str, Any]:
        package = call.path.removeprefix("v1/").partition("/tags")[0]
        held = self._registry.manifest(image, tag)
        return {"name": f"{package}/tags/{tag}", "version": f"{package}/versions/{held.digest if held else ''}"}


def named(host: str, name: str, known: Collection[tuple[str, str]] = REPOSITORIES) -> tuple[str, str]:
    """What permissions are needed on, and the image's name in the registry, of an image's name under a host.

    :param known: the repositories that there are.
    """
    project, _other, rest = name.partition("/")
    repository, image = (host, rest) if host in OLDER else (rest.partition("/")[0], rest.partition("/")[2])
    location = OLDER.get(host) or host.removesuffix(NEWER)
    resource = f"projects/{project}/locations/{location}/repositories/{repository}"
    there = project == PROJECT and (location, repository) in known
    return resource, image if there and image else f"unknown/{project}/{repository}/{image or 'image'}"


def _paged(call: Call, name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    items, token = page(found, call.query.get("pageSize", ""), call.query.get("pageToken", ""), call.path)
    return {name: items, **({"nextPageToken": token} if token else {})}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
