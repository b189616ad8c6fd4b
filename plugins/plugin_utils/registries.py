# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_registries``: the user's own logins for registries, and which of them an image is pulled with."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import is_carried
from ansible_collections.praxis.cloud.plugins.module_utils.agent.secret_text import carried, pointer
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import registry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils.sources import Source, read_source

VARIABLE = "praxis_registries"
#: Anything shorter would mask ordinary text in every message.
MIN_PASSWORD = 4
_KEYS = ("server", "username", "password", "ca")
#: Under this name Docker keeps its own login for Docker Hub, in the place of a host.
_HUB_LOGIN = "https://index.docker.io/v1/"
_SERVER = "Write HOST or HOST:PORT, as in the image's name, without https:// and path."


@dataclass(frozen=True)
class RegistryEntry:
    """One entry.

    :param server: as :func:`registry.same_registry` names it.
    :param username, password: both, or none of them for a registry that only has an authority of its own.
    :param ca: path of a PEM file with further authorities that the controller trusts for this registry.
    """

    server: str
    username: Optional[Source] = None
    password: Optional[Source] = field(default=None, repr=False)
    ca: str = ""

    def sources(self) -> Dict[str, Source]:
        """Its user and password, by the names that findings call them."""
        found = {"username": self.username, "password": self.password}
        return {name_of(self.server, key): source for key, source in found.items() if source is not None}

    def looked_up_in(self, region: str) -> RegistryEntry:
        """The entry with its references as somebody in this AWS region means them."""
        username, password = (
            source.looked_up_in(region) if isinstance(source, Reference) else source
            for source in (self.username, self.password)
        )
        return replace(self, username=username, password=password)


@dataclass(frozen=True)
class OwnLogin:
    """What an entry comes to.

    :param credentials: None for a registry that is asked without a login.
    """

    credentials: Optional[registry.RegistryCredentials]
    ca: str = ""


def name_of(server: str, key: str = "") -> str:
    """An entry, or one key of it, as findings call it."""
    return "%s[%s]%s" % (VARIABLE, server, "." + key if key else "")


def read_registries(entries: Sequence[Any], findings: List[Finding]) -> Dict[str, RegistryEntry]:
    """The entries by server. What is wrong with any of them is added to the findings."""
    found: Dict[str, RegistryEntry] = {}
    for number, entry in enumerate(entries, 1):
        where = "%s, entry %d" % (VARIABLE, number)
        try:
            read = _entry(entry, where)
        except Failed as error:
            findings.extend(error.findings)
            continue
        if read.server in found:
            fix = "Keep one entry: all names of Docker Hub are one server, and so is a host with and without :443."
            findings.append(Finding("registry-twice", "The server %s is named twice." % read.server, where, fix))
        found.setdefault(read.server, read)
    return found


def choose(entries: Mapping[str, RegistryEntry], image: str) -> Optional[RegistryEntry]:
    """The entry of the registry that an image is in. A malformed image has none, and is reported elsewhere."""
    return entries.get(host_of(image))


def host_of(image: str) -> str:
    """The registry that an image is in, or nothing when the image's name is malformed."""
    try:
        return registry.same_registry(registry.parse_image(image).host)
    except Failed:
        return ""


def unused(servers: Iterable[str], images: Iterable[str]) -> List[Finding]:
    """A warning for each server that no image is in: most often its name is mistyped, and its login goes nowhere."""
    hosts = {host_of(image) for image in images}
    if "" in hosts:  # nobody knows what that image is in
        return []
    fix = "Images are in: %s. Correct server, or remove this entry." % ", ".join(sorted(hosts))
    return [
        Finding("registry-unused", "No member's image is in this registry.", name_of(server), fix, WARNING)
        for server in sorted(set(servers) - hosts)
    ]


def own_login(
    entry: RegistryEntry, image: str, values: Mapping[Reference, Secret], findings: List[Finding]
) -> Optional[OwnLogin]:
    """The login of an entry for an image; None, and a finding, when it cannot be had.

    A reference without a value is reported by who fetched it.
    """
    if entry.password is None:
        return OwnLogin(None, entry.ca)
    known = len(findings)
    texts: Dict[str, str] = {}
    for name, source in entry.sources().items():
        secret = values.get(source) if isinstance(source, Reference) else Secret(source, "")
        if secret is None:
            return None
        fault = _fault(name, secret.value)
        findings.extend([fault] if fault else [])
        texts[name] = str(secret.value)
    if len(findings) > known:
        return None
    # The engine knows a login for Docker Hub by this name alone, and any other by the host that the image names.
    server = _HUB_LOGIN if entry.server == registry.DEFAULT_HOST else registry.parse_image(image).host
    username, password = (texts[name_of(entry.server, key)] for key in ("username", "password"))
    return OwnLogin(registry.RegistryCredentials(server, username, password), entry.ca)


def _entry(entry: Any, where: str) -> RegistryEntry:
    """:raises Failed: with everything that is wrong with the entry."""
    if not isinstance(entry, Mapping):
        fix = "Write a mapping with server, username and password."
        raise Failed(Finding("bad-variable", "The entry is not a mapping.", where, fix))
    findings = [
        Finding("bad-variable", "It has an unknown key %s." % shown(key), where, "The keys are %s." % ", ".join(_KEYS))
        for key in entry
        if key not in _KEYS
    ]
    server, ca = _server(entry.get("server"), where, findings), entry.get("ca") or ""
    if not isinstance(ca, str):
        findings.append(Finding("bad-variable", "ca is not text.", where, "Write the path of a PEM file."))
        ca = ""
    logins, missing = _login(entry, server or where, findings)
    if missing and not (ca and len(missing) == 2):
        what = "The entry has no %s." % " and no ".join(missing)
        fix = "Set username and password, each a reference or a vaulted value. An entry with only ca means no login."
        findings.append(Finding("bad-variable", what, name_of(server) if server else where, fix))
    if findings:
        raise Failed(*findings)
    return RegistryEntry(server, logins.get("username"), logins.get("password"), os.path.expanduser(ca))


def _server(value: Any, where: str, findings: List[Finding]) -> str:
    if isinstance(value, str):
        host = registry.DEFAULT_HOST if value == _HUB_LOGIN else value
        if registry.is_host(host):
            return registry.same_registry(host)
    what = "The entry has no server." if value in (None, "") else "The entry's server %s is not a host." % shown(value)
    findings.append(Finding("bad-variable", what, where, _SERVER))
    return ""


def _login(entry: Mapping[str, Any], server: str, findings: List[Finding]) -> Tuple[Dict[str, Source], List[str]]:
    found: Dict[str, Source] = {}
    missing = []
    for key in ("username", "password"):
        value = entry.get(key)
        if value is None or value == "":
            missing.append(key)
            continue
        try:
            found[key] = read_source(name_of(server, key), value)
        except Failed as error:
            findings.extend(error.findings)
    return found, missing


def _fault(name: str, value: Any) -> Optional[Finding]:
    """What keeps a text from being a user or a password, reported without it."""
    key = name.rpartition(".")[2]
    if not isinstance(value, str):
        return Finding("secret-binary", "It is binary.", name, "Store the value as text.")
    if not is_carried(value) or "\0" in value:
        return Finding("secret-not-text", "The value has a character that a login "
                                          "cannot have.", name, "Store the value again.")
    pointed = pointer(value)
    if pointed:
        return Finding("foreign-reference", "The value is %s, and praxis.cloud does "
                                            "not resolve it." % pointed[0], name, pointed[1])
    extra = carried(key, value)
    if extra:
        fix = "Store the value again without it (`printf %s` adds no line break, `echo` does)."
        return Finding("secret-padding", "The value %s." % extra, name, fix)
    if key == "username" and ":" in value:
        fix = "Write only the user: it has no colon, and the part after the colon belongs to the password."
        return Finding("bad-variable", "The value holds a colon.", name, fix)
    if key == "password" and len(value) < MIN_PASSWORD:
        what = "The value is under %d characters." % MIN_PASSWORD
        return Finding("short-secret", what, name, "Use a longer password: a shorter one could not be hidden in logs.")
    return None
