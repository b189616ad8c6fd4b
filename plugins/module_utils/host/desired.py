# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment wants of this host: the module's options as plain typed values, checked once."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.deployment import Deployment, deployment_from
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import parts
from ansible_collections.praxis.cloud.plugins.module_utils.host.gate import Gate
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import RELEASE_FILES
from ansible_collections.praxis.cloud.plugins.module_utils.host.pull import repository_and_digest
from ansible_collections.praxis.cloud.plugins.module_utils.host.secret_file import render

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
SEED_BYTES = 32


@dataclass(frozen=True)
class Release:
    """One release of one host. ``files`` are texts by name: compose.yaml, agent.yaml, release.json.

    ``name`` is the member's name today; a release that is kept may be from before the host was renamed.
    """

    id: str
    image: str
    name: str
    files: Mapping[str, str]
    api_port: int
    p2p_port: int

    @property
    def manifest(self) -> Dict[str, Any]:
        return dict(json.loads(self.files["release.json"]))

    @property
    def file_name(self) -> str:
        """The member's name when the release was made: compose.yaml names the agent's settings file by it."""
        return str(self.manifest.get("name") or self.name)

    @property
    def agent_part(self) -> str:
        """What the agent's own container is known by."""
        return parts.agent_part(self.manifest, self.id)


@dataclass(frozen=True)
class Peers:
    """The bootstrap list, apart from any release."""

    revision: str
    multiaddrs: Tuple[str, ...]

    def as_json(self) -> str:
        return json.dumps({"revision": self.revision, "multiaddrs": list(self.multiaddrs)}, indent=2) + "\n"


@dataclass(frozen=True)
class Data:
    """What the agent keeps.

    :param source: the directory that it gets.
    :param devices: paths of its disk's device, the first that exists counts; none: the directory is the machine's own.
    """

    source: str
    devices: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Desired:
    """All that a state may need; a state reads its own part.

    :param balancers: the load balancers that the deployment puts the host behind: host/registrations.py.
    :param services: by name, a service's ``secrets`` and the ``registry`` login for its image.
    """

    state: str
    release: Optional[Release] = None
    peers: Optional[Peers] = None
    secrets: Optional[Mapping[str, str]] = field(default=None, repr=False)
    seed: Optional[bytes] = field(default=None, repr=False)
    registry: Optional[Mapping[str, str]] = field(default=None, repr=False)
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    gate: Gate = Gate()
    data: Optional[Data] = None
    balancers: Tuple[Mapping[str, Any], ...] = ()
    min_compose: str = "2.20"
    daemon: Mapping[str, Any] = field(default_factory=dict)
    proxies: Optional[Mapping[str, str]] = None
    keep_releases: int = 5
    restart: bool = False
    engine_made: bool = False
    engine_failure: str = ""
    previous: Optional[str] = None
    pull_deadline: float = 900.0
    deployment: Optional[Deployment] = None
    confirm_within: Optional[float] = None
    drain: float = 0.0

    @property
    def wanted(self) -> Release:
        """The release, for the states that cannot do without.

        :raises Failed: ``bad-option``.
        """
        if self.release is None:
            raise Failed(_wrong("release", "State %s needs a release." % self.state))
        return self.release

    @property
    def environments(self) -> Dict[str, bytes]:
        """By part of the release, the bytes of its file of secrets; none where no secrets are given."""
        if self.secrets is None:
            return {}
        manifest = self.wanted.manifest
        found = {self.wanted.agent_part: self.secrets}
        for name, service in parts.services(manifest).items():
            if service.get("secrets"):
                found[str(service["part"])] = (self.services.get(name) or {}).get("secrets") or {}
        return {part: render(secrets).encode("utf-8", "surrogateescape") for part, secrets in found.items()}

    def login_for(self, image: str) -> Optional[Mapping[str, str]]:
        """The login for an image's registry. A rollback has those of the release that is left, and the image may be in
        another registry, which must not see them."""
        beside = {name: item.get("registry") for name, item in self.services.items()}
        if self.state == "restored":
            logins = [login for login in (self.registry, *beside.values()) if login]
            return next((login for login in logins if image.startswith("%s/" % login["server"])), None)
        if image == self.wanted.image:
            return self.registry
        named = [name for name, item in parts.services(self.wanted.manifest).items() if item["image"] == image]
        return next((beside[name] for name in named if name in beside), None)


def from_options(options: Mapping[str, Any]) -> Desired:
    """The module's options, checked.

    :raises Failed: every option that is wrong, at once.
    """
    findings: List[Finding] = []
    release = None
    given = options.get("release")
    if given:
        findings += _release_findings(given)
        release = Release(**{name: given[name] for name in Release.__dataclass_fields__})
    previous = options.get("previous")
    if previous and not _WORD.match(previous):
        findings.append(_wrong("previous", "%r is not a release id." % previous))
    seed, seed_finding = decode_seed(options.get("seed"))
    if seed_finding:
        findings.append(seed_finding)
    if findings:
        raise Failed(*findings)
    peers, engine, data = options.get("peers"), options.get("engine") or {}, options.get("data")
    desired = Desired(
        state=options["state"],
        release=release,
        peers=Peers(str(peers["revision"]), tuple(peers["multiaddrs"])) if peers else None,
        secrets=options.get("secrets"),
        seed=seed,
        registry=options.get("registry"),
        services={str(item["name"]): item for item in options.get("services") or ()},
        gate=gate_from(options.get("gate") or {}),
        data=Data(str(data["source"]), tuple(data.get("devices") or ())) if data else None,
        balancers=tuple(options.get("balancers") or ()),
        min_compose=str(engine.get("min_compose") or "2.20"),
        daemon=engine.get("daemon") or {},
        proxies=engine.get("proxies"),
        keep_releases=int(options.get("keep_releases") or 5),
        restart=bool(options.get("restart")),
        engine_made=bool(options.get("engine_made")),
        engine_failure=str(options.get("engine_failure") or ""),
        previous=previous or None,
        pull_deadline=float(options.get("pull_deadline") or 900),
        deployment=deployment_from(options.get("deployment")),
        confirm_within=options.get("confirm_within"),
        drain=float(options.get("drain") or 0),
    )
    for secrets in (desired.secrets, *(item.get("secrets") for item in desired.services.values())):
        render(secrets or {})
    return desired


def gate_from(given: Mapping[str, Any]) -> Gate:
    """The gate's options; what is left out has :class:`Gate`'s defaults."""
    return Gate(
        peer_id=given.get("peer_id"),
        dial=tuple(given.get("dial") or ()),
        min_edges=int(given.get("min_edges") or 0),
        deadline=float(given.get("deadline") or 120),
        other_peer_id=given.get("other_peer_id"),
    )


def decode_seed(text: Optional[str]) -> Tuple[Optional[bytes], Optional[Finding]]:
    """The 32 bytes of a base64 seed, or why not: with another length the agent would invent a new identity."""
    if not text:
        return None, None
    try:
        seed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None, _wrong("seed", "The seed is not base64.")
    if len(seed) != SEED_BYTES:
        return None, _wrong("seed", "The seed has %d bytes, and a node key has 32." % len(seed))
    return seed, None


def _release_findings(given: Mapping[str, Any]) -> Tuple[Finding, ...]:
    findings = []
    for name in ("id", "name"):
        if not _WORD.match(given[name]):
            findings.append(_wrong("release.%s" % name, "%r cannot name a directory or a file." % given[name]))
    if sorted(given["files"]) != sorted(RELEASE_FILES):
        wanted = ", ".join(RELEASE_FILES)
        found = ", ".join(sorted(given["files"]))
        findings.append(_wrong("release.files", "release.files has %s, and must have %s." % (found, wanted)))
    elif not _is_object(given["files"]["release.json"]):
        findings.append(_wrong("release.files", "release.json is not a JSON object."))
    else:
        name = str(json.loads(given["files"]["release.json"]).get("name") or given["name"])
        if not _WORD.match(name):
            findings.append(_wrong("release.files", "%r, the name in release.json, cannot name a file." % name))
    try:
        repository_and_digest(given["image"])
    except Failed as error:
        findings += error.findings
    return tuple(findings)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _wrong(option: str, what: str) -> Finding:
    return Finding("bad-option", what, "option %s" % option, "Correct this option: ansible-doc "
                                                             "praxis.cloud.agent_release describes it.")
