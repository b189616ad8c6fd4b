# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From members' variables to a plan: compiles the settings, then asks the stores and registries, each once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Compiled, compile_settings
from ansible_collections.praxis.cloud.plugins.module_utils.agent.document import dump
from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import SCHEMES, peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.cloud import registry
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.oci import resolve_digest_http
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import (
    UNKNOWN,
    Member,
    Plan,
    check_members,
    make_plan,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Limits, Release
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.aws_sm import AwsSecretsManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret, fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, Reference, parse
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables

#: What the docker role makes true, and what a host is held against.
MIN_COMPOSE = "2.20"
#: Anything shorter would mask ordinary text in every message ("1" hides half the evidence).
MIN_SECRET = 4

#: A secret of an agent: a pointer, or the value itself.
Source = Union[Reference, str]


@dataclass(frozen=True)
class _Draft:
    """A member with its settings compiled, before any store was asked."""

    variables: MemberVariables
    compiled: Compiled
    sources: Mapping[str, Source]
    addresses: Tuple[str, ...]
    limits: Limits


class Planner:
    """Makes one plan. Nothing is fetched twice; values stay in this object until :meth:`host_secrets`.

    :param allow_unknown: check mode: an identity that is not made yet is no error.
    :param min_edges: see :class:`Table`; None for the default.
    """

    def __init__(
        self, members: Sequence[MemberVariables], allow_unknown: bool = False, min_edges: Optional[int] = None
    ) -> None:
        self._members = members
        self._allow_unknown = allow_unknown
        self._min_edges = topology.MIN_EDGES if min_edges is None else min_edges
        region = next((member.region for member in members if member.region), None)
        self._aws = AwsClient(region)
        self._stores = {AWS: AwsSecretsManager(self._aws)}
        self._secrets: Dict[str, Dict[str, Any]] = {}
        self.warnings: List[Finding] = []

    def check(self) -> None:
        """Compile only: what can be known to be wrong before any store is asked or anything is made.

        :raises Failed: with everything that is.
        """
        fleet = self._fleet()
        # An identity is made for each slot next: one for two machines would be one too few, and found out too late.
        check_members(fleet, [_member(draft, None) for draft in self._drafts()])

    def plan(self) -> Plan:
        """Compile, fetch, and wire.

        :raises Failed: with everything that is wrong, as far as it could be looked at.
        """
        fleet = self._fleet()
        drafts = self._drafts()
        seeds, secrets = self._fetch(fleet, drafts)
        images = {image: self._digest(image) for image in sorted({draft.variables.image for draft in drafts})}
        logins = {image: self._login(image) for image in images}
        members, releases = [], []
        for draft in drafts:
            variables = draft.variables
            seed = seeds[variables.slot]
            values, versions = _deliver(draft, secrets, seed)
            members.append(_member(draft, seed))
            releases.append(_release(draft, images[variables.image], versions))
            self._secrets[variables.name] = {
                "secrets": values,
                "seed": base64.b64encode(seed or b"").decode(),
                "registry": logins[variables.image],
            }
        return make_plan(fleet, members, releases, self._min_edges)

    def host_secrets(self) -> Mapping[str, Mapping[str, Any]]:
        """What only each host may see: secrets, seed, registry login."""
        return self._secrets

    def engines(self) -> Dict[str, Any]:
        """What each host's Docker has to be like."""
        return {member.name: {"min_compose": MIN_COMPOSE, "daemon": member.daemon} for member in self._members}

    def _fleet(self) -> str:
        names = sorted({member.fleet for member in self._members})
        if len(names) > 1:
            raise Failed(
                Finding(
                    code="several-fleets",
                    what="The members name %d fleets: %s." % (len(names), ", ".join(names)),
                    where="inventory",
                    fix="Set one praxis_fleet for all members of the group praxis.",
                )
            )
        fleet = names[0] if names else "praxis"
        check_fleet(fleet)
        return fleet

    def _drafts(self) -> List[_Draft]:
        """Compile every member. A finding that many members share is told once, with the members counted."""
        drafts: List[_Draft] = []
        counted: Dict[Finding, List[str]] = {}
        for member in self._members:
            try:
                drafts.append(self._draft(member))
                findings = drafts[-1].compiled.findings
            except Failed as error:
                findings = error.findings
            for finding in findings:
                counted.setdefault(finding, []).append(member.name)
        told = [_told_once(finding, names, len(self._members)) for finding, names in counted.items()]
        self.warnings = [finding for finding in told if finding.level != "error"]
        errors = [finding for finding in told if finding.level == "error"]
        if errors:
            raise Failed(*errors)
        return drafts

    def _draft(self, member: MemberVariables) -> _Draft:
        sources = {name: _source(name, value) for name, value in member.agent_secrets.items()}
        compiled = compile_settings(
            member.layers(),
            member=member.name,
            environment=member.agent_environment,
            secret_names=sources,
            api_port=member.api_port,
            p2p_port=member.p2p_port,
            deployment=member.environment,
            behind_balancer=bool(member.target_group),
            strict=member.strict,
        )
        for name, text in compiled.secrets.items():
            sources.setdefault(name, _source(name, text))
        return _Draft(member, compiled, sources, member.addresses, member.limits)

    def _fetch(
        self, fleet: str, drafts: Sequence[_Draft]
    ) -> Tuple[Dict[str, Optional[bytes]], Dict[Reference, Secret]]:
        """Seeds and secrets ride in the same batches."""
        slots = {draft.variables.slot: identities.reference(fleet, draft.variables.slot) for draft in drafts}
        found_in = {source for draft in drafts for source in draft.sources.values() if isinstance(source, Reference)}
        wanted = sorted(found_in, key=str)
        got = fetch_each([*slots.values(), *wanted], self._stores)
        findings: List[Finding] = []
        seeds: Dict[str, Optional[bytes]] = {}
        for slot, reference in slots.items():
            found = identities.identity(slot, reference, got[reference])
            if isinstance(found, Finding):
                findings.append(found)
            elif found.state != identities.PRESENT and not self._allow_unknown:
                findings.append(_no_identity(slot, found.state))
            else:
                seeds[slot] = found.seed or None
        findings += [found for found in (got[reference] for reference in wanted) if isinstance(found, Finding)]
        if findings:
            raise Failed(*dict.fromkeys(findings))
        return seeds, {reference: found for reference, found in got.items() if isinstance(found, Secret)}

    def _digest(self, text: str) -> str:
        image = registry.parse_image(text)
        if image.digest:
            return image.by_digest(image.digest)
        if registry.aws_registry_of(image.host):
            return image.by_digest(registry.resolve_digest_ecr(self._aws, image))
        return image.by_digest(resolve_digest_http(image))

    def _login(self, text: str) -> Optional[Dict[str, str]]:
        image = registry.parse_image(text)
        ecr = registry.aws_registry_of(image.host)
        if not ecr:
            return None
        account, region = ecr
        login = registry.ecr_credentials(self._aws.in_region(region), account, image.host)
        return {"server": login.server, "username": login.username, "password": login.password}


def _no_identity(slot: str, state: str) -> Finding:
    fix = "Let praxis.cloud.p2p_identity make it (deploy.yml does)."
    return Finding("no-identity", "Its seed is %s." % state, "identity slot %s" % slot, fix)


def _member(draft: _Draft, seed: Optional[bytes]) -> Member:
    variables = draft.variables
    other = next(scheme for scheme in SCHEMES if scheme != variables.peer_id_scheme)
    return Member(
        name=variables.name,
        slot=variables.slot,
        addresses=draft.addresses,
        p2p_port=variables.p2p_port,
        api_port=variables.api_port,
        peer_id=peer_id(seed, variables.peer_id_scheme) if seed is not None else None,
        other_peer_id=peer_id(seed, other) if seed is not None else None,
        zone=variables.zone,
        target=variables.instance_id,
    )


def _release(draft: _Draft, image: str, versions: Mapping[str, str]) -> Release:
    variables, compiled = draft.variables, draft.compiled
    limits = draft.limits
    if "start_period" not in variables.container:
        limits = replace(limits, start_period="%ds" % compiled.start_period)
    return Release(
        name=variables.name,
        image=image,
        document=dump(compiled.document),
        settings=compiled.document,
        environment=compiled.environment,
        secrets=versions,
        api_port=variables.api_port,
        p2p_port=variables.p2p_port,
        limits=limits,
        docker_socket=variables.docker_socket,
    )


def _source(name: str, value: Any) -> Source:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        fix = "Use letters, digits and underscores."
        raise Failed(Finding("bad-secret-name", "%r can be no variable's name." % name, "praxis_agent_secrets", fix))
    if not isinstance(value, str):  # null would be "None" and true "True": not what anybody meant
        raise Failed(Finding("bad-secret-value", "It is no text.", name, "Write a reference, or the value in quotes."))
    try:
        return parse(value) or value
    except Failed as error:
        raise Failed(*(replace(finding, where=name) for finding in error.findings)) from None


def _deliver(
    draft: _Draft, secrets: Mapping[Reference, Secret], seed: Optional[bytes]
) -> Tuple[Dict[str, str], Dict[str, str]]:
    """A member's secrets: values, and the versions that go into its release."""
    values: Dict[str, str] = {}
    versions: Dict[str, str] = {}
    for name, source in sorted(draft.sources.items()):
        where = "%s (%s)" % (name, draft.variables.name)
        if isinstance(source, Reference):
            secret = secrets[source]
            if isinstance(secret.value, bytes):
                fix = "Store it as text; an environment variable cannot hold bytes."
                raise Failed(Finding("secret-binary", "%s is binary." % source, where, fix))
            values[name], versions[name] = secret.value, secret.version
        else:
            values[name], versions[name] = source, _keyed_digest(source, seed)
        if len(values[name]) < MIN_SECRET:
            fix = "Use a longer value, or give it in praxis_agent_environment if it is no secret."
            raise Failed(Finding("short-secret", "It is under %d characters." % MIN_SECRET, where, fix))
    return values, versions


def _keyed_digest(value: str, seed: Optional[bytes]) -> str:
    """The version of a value that has none: keyed with the member's seed, so that it says nothing of the value."""
    if seed is None:
        return UNKNOWN
    key = hashlib.sha256(b"praxis secret version" + seed).digest()
    return "keyed-" + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]


def _told_once(finding: Finding, names: Sequence[str], total: int) -> Finding:
    if finding.where in names:  # it is about this one member
        return finding
    whom = "all %d members" % total if len(names) == total and total > 1 else ", ".join(names[:3])
    more = " and %d more" % (len(names) - 3) if len(names) > 3 and len(names) != total else ""
    return replace(finding, where="%s (%s%s)" % (finding.where, whom, more))
