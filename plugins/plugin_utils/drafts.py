# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts: members with their settings compiled and their references parsed, before any store is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Compiled, compile_settings
from ansible_collections.praxis.cloud.plugins.module_utils.agent.environment import canonical
from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import listed
from ansible_collections.praxis.cloud.plugins.module_utils.agent.logins import under
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import DATA_MOUNT, SHARED_PATH, Data
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_rules import where
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_settings import read_services
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Service
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import (
    RegistryEntry,
    choose,
    read_registries,
    unused,
)
from ansible_collections.praxis.cloud.plugins.plugin_utils.sources import Source, read_source

T = TypeVar("T")


@dataclass(frozen=True)
class Draft:
    """A member with its settings compiled.

    :param registries: its ``praxis_registries``, by server.
    :param services: its ``praxis_services``, as the user wrote them.
    :param service_sources: by service, where its secrets come from.
    :param data: where it keeps what outlives its container.
    """

    variables: MemberVariables
    compiled: Compiled
    sources: Mapping[str, Source]
    addresses: Tuple[str, ...]
    limits: Limits
    registries: Mapping[str, RegistryEntry] = field(default_factory=dict)
    services: Tuple[Service, ...] = ()
    service_sources: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)
    data: Optional[Data] = None

    @property
    def images(self) -> List[str]:
        """The images that it wants, the agent's first."""
        return list(dict.fromkeys([self.variables.image, *(service.image for service in self.services)]))

    def registry(self, image: str) -> Optional[RegistryEntry]:
        """The entry of the registry that an image is in, if it has one."""
        return choose(self.registries, image)

    def references(self) -> Iterator[Tuple[str, Reference]]:
        """Everything of it that is in a store, with what it is for."""
        entries = [entry for entry in map(self.registry, self.images) if entry]
        logins = [pair for entry in entries for pair in entry.sources().items()]
        services = [
            (where(service, "secrets.%s" % name), source)
            for service, sources in self.service_sources.items()
            for name, source in sources.items()
        ]
        for name, source in dict([*self.sources.items(), *logins, *services]).items():
            if isinstance(source, Reference):
                yield name, source

    def looked_up_in(self, region: str) -> Draft:
        """The draft with its references as somebody in this AWS region means them."""
        registries = {server: entry.looked_up_in(region) for server, entry in self.registries.items()}
        services = {name: _looked_up(sources, region) for name, sources in self.service_sources.items()}
        return replace(
            self, sources=_looked_up(self.sources, region), registries=registries, service_sources=services
        )


def _looked_up(sources: Mapping[str, Source], region: str) -> Dict[str, Source]:
    return {
        name: source.looked_up_in(region) if isinstance(source, Reference) else source
        for name, source in sources.items()
    }


class Shared:
    """Collects findings about members. One that many members share is reported once, with the members counted."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._counted: Dict[Finding, List[str]] = {}

    def add(self, member: str, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._counted.setdefault(finding, []).append(member)

    def reported(self) -> List[Finding]:
        return [_reported_once(finding, names, self._total) for finding, names in self._counted.items()]


def draft_all(members: Sequence[MemberVariables]) -> Tuple[List[Draft], List[Finding]]:
    """Compile every member.

    :returns: a draft of every member that can have one, even of one with faults in it, so that its secrets and image
        can be observed too; and the findings of all of them.
    """
    shared = Shared(len(members))
    drafts = []
    for member in members:
        findings: List[Finding] = []
        draft = _draft(member, findings)
        shared.add(member.name, findings)
        if draft is not None:
            drafts.append(draft)
    servers = {server for draft in drafts for server in draft.registries}
    images = [*(member.image for member in members), *(image for draft in drafts for image in draft.images)]
    return drafts, [*shared.reported(), *unused(servers, images)]


def _draft(member: MemberVariables, findings: List[Finding]) -> Optional[Draft]:
    sources = _sources({canonical(name): value for name, value in member.agent_secrets.items()}, findings)
    registries = read_registries(member.registries, findings)
    layers = _tried(member.layers, findings)
    addresses = _tried(lambda: member.addresses, findings)
    limits = _tried(lambda: member.limits, findings)
    data = _tried(lambda: member.kept_data, findings)
    services = read_services(member.services, (member.api_port, member.p2p_port), findings)
    service_sources = {
        service.name: _sources(service.secrets, findings, where(service.name, "secrets.")) for service in services
    }
    if layers is None:
        return None
    findings.extend([*_data_clashes(member, services), *_plain_logins(services)])
    volumes = sorted({volume.agent for service in services for volume in service.volumes if volume.agent})
    compiled = compile_settings(
        layers,
        member=member.name,
        environment=member.agent_environment,
        secret_names=member.agent_secrets,
        api_port=member.api_port,
        p2p_port=member.p2p_port,
        deployment=member.environment,
        behind_balancer=bool(member.target_group),
        docker_socket=member.docker_socket,
        public_p2p=member.address == "public",
        address=addresses[0] if addresses else "",
        volumes=[*volumes, *([DATA_MOUNT] if member.data else [])],
        shared_path=SHARED_PATH if member.data else "",
        strict=member.strict,
    )
    findings.extend(compiled.findings)
    if limits and "start_period" not in member.container:
        limits = replace(limits, start_period="%ds" % compiled.start_period)
    sources = {**_sources(compiled.secrets, findings), **sources}
    return Draft(
        member, compiled, sources, addresses or ("",), limits or Limits(), registries, services, service_sources, data
    )


def _tried(read: Callable[[], T], findings: List[Finding]) -> Optional[T]:
    try:
        return read()
    except Failed as error:
        findings.extend(error.findings)
        return None


def _data_clashes(member: MemberVariables, services: Sequence[Service]) -> List[Finding]:
    """The agent has its data at one path, and no volume there."""
    what = "The agent's data is at %s, so no volume can be there." % DATA_MOUNT
    fix = "Give the volume another path in the agent's container."
    return [
        Finding("bad-service", what, where(service.name, "volumes"), fix)
        for service in services
        for volume in service.volumes
        if member.data and (volume.agent + "/").startswith(DATA_MOUNT + "/")
    ]


def _plain_logins(services: Sequence[Service]) -> List[Finding]:
    """What should have been a secret of a service, reported without it."""
    what = "The variable seems to be a login, or to hold one, and plain variables are kept in files."
    fix = "Move it to secrets of this service."
    return [
        Finding("secret-in-environment", what, where(service.name, "environment." + name), fix, WARNING)
        for service in services
        for name, value in service.environment.items()
        if any(under(name, value, name))
    ]


def _sources(values: Mapping[str, Any], findings: List[Finding], place: str = "") -> Dict[str, Source]:
    found: Dict[str, Source] = {}
    for name, value in values.items():
        try:
            found[name] = read_source(place + name, value)
        except Failed as error:
            findings.extend(error.findings)
    return found


def _reported_once(finding: Finding, names: Sequence[str], total: int) -> Finding:
    if finding.where in names:  # it is about this one member
        return finding
    whom = "all %d members" % total if len(names) == total and total > 1 else listed(names, 3)
    return replace(finding, where="%s (%s)" % (finding.where, whom))
