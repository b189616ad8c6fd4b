# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From members' variables to a plan: compiles the settings, then asks the stores and registries, each once."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.document import dump
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import (
    check_machines,
    check_members,
    check_networks,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.proxies import daemon_conflict
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_rules import where
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import NOBODY, Beside
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft, Shared, draft_all
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_secrets import Clouds, FleetSecrets
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.images import Images, Login, Want
from ansible_collections.praxis.cloud.plugins.plugin_utils.member_places import engines_of, not_proxied, place_of_draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import own_login
from ansible_collections.praxis.cloud.plugins.plugin_utils.secret_values import deliver

#: Versions of secrets: the agent's by name, and by service.
Versions = Tuple[Dict[str, str], Dict[str, Dict[str, str]]]


class Planner:
    """Makes one plan. Nothing is fetched twice; values stay in this object until :meth:`host_secrets`.

    :param allow_missing: an identity that is not made yet is no error; its slot is in :attr:`missing`.
    :param min_edges: see :class:`Table`; None for the default.
    :param faults: what is wrong already, such as members whose variables cannot be read; reported with everything else.
    """

    def __init__(
        self,
        members: Sequence[MemberVariables],
        allow_missing: bool = False,
        min_edges: Optional[int] = None,
        faults: Sequence[Finding] = (),
        beside: Beside = NOBODY,
    ) -> None:
        self.members = members
        self._beside = beside
        self._allow_missing = allow_missing
        self._min_edges = topology.MIN_EDGES if min_edges is None else min_edges
        self._findings: List[Finding] = [*faults, *beside.findings]
        self._clouds = Clouds(members)
        self._secrets: Dict[str, Dict[str, Any]] = {}
        #: What the deployment does, for others to read.
        self.reason = "deploy"
        #: What identities are to be made: ``cloud``, ``project``, ``region`` and ``slots``, once a place.
        self.missing: List[Dict[str, Any]] = []

    def plan(self) -> Plan:
        """Compile, fetch, and wire.

        :raises Failed: with everything that is wrong in settings, secrets, identities, images and members, at once.
        """
        fleet = self._fleet()
        drafts, findings = draft_all(self._proxied())
        self._findings += findings
        drafts = [self._clouds.meant(draft) for draft in drafts]
        secrets = FleetSecrets(self._clouds, fleet, drafts, self._allow_missing)
        wanted = self._wanted(drafts, secrets)
        all_wanted = [want for each in wanted.values() for want in each.values()]
        images = Images(self._clouds.aws, self._clouds.gcp, all_wanted)
        self._findings += [*images.findings, *secrets.findings, *self._without_platform(images, wanted)]
        self.missing = secrets.missing
        members = [place_of_draft(draft, secrets.seeds.get(draft.variables.name)) for draft in drafts]
        plaintext = {item.name for item in self.members if item.p2p_plaintext_across}
        self._findings += check_networks(members, plaintext)
        self._findings += self._beside.faults(members, plaintext)
        logins = {
            name: {image: images.logins.get(want) for image, want in each.items()} for name, each in wanted.items()
        }
        versions = self._keep(drafts, secrets, logins)
        self._stop_at_errors(fleet, members)
        releases = []
        for draft, of in zip(drafts, versions):
            digests = {image: images.digests[want] for image, want in wanted[draft.variables.name].items()}
            releases.append(_release(draft, digests, of))
        return make_plan(fleet, members, releases, self._min_edges, self._beside.outside(members))

    def host_secrets(self) -> Mapping[str, Mapping[str, Any]]:
        """What only each host may see: secrets, seed, registry login."""
        return self._secrets

    def engines(self) -> Dict[str, Any]:
        """What each host's Docker has to be like."""
        return engines_of(self.members)

    @property
    def warnings(self) -> List[Finding]:
        """What the plan goes on with all the same."""
        return [finding for finding in self._findings if finding.level != ERROR]

    def _wanted(self, drafts: Sequence[Draft], secrets: FleetSecrets) -> Dict[str, Dict[str, Want]]:
        """Each member's images and the logins of the user's own, without the images whose login cannot be had."""
        shared = Shared(len(self.members))
        wanted: Dict[str, Dict[str, Want]] = {}
        for draft in drafts:
            findings: List[Finding] = []
            found = wanted.setdefault(draft.variables.name, {})
            for image in draft.images:
                entry = draft.registry(image)
                own = own_login(entry, image, secrets.values, findings) if entry else None
                if own or not entry:
                    found[image] = (image, own)
            shared.add(draft.variables.name, findings)
        self._findings += shared.reported()
        return wanted

    def _without_platform(self, images: Images, wanted: Mapping[str, Mapping[str, Want]]) -> List[Finding]:
        """The members whose machine has another architecture than an image that they want."""
        built_for = {member.name: member.architecture for member in self.members if member.architecture}
        platforms = images.platforms(want for name in built_for for want in wanted.get(name, {}).values())
        shared = Shared(len(self.members))
        for name, architecture in built_for.items():
            for image, want in wanted.get(name, {}).items():
                found = platforms.get(want)
                if found and architecture not in found:
                    what = "The image is not built for linux/%s: its index has %s." % (
                        architecture,
                        ", ".join("linux/" + item for item in sorted(found)),
                    )
                    fix = "Build it for linux/%s too, or use machines of an architecture that it has." % architecture
                    shared.add(name, [Finding("image-architecture", what, "image %s" % image, fix)])
        return shared.reported()

    def _keep(
        self,
        drafts: Sequence[Draft],
        secrets: FleetSecrets,
        logins: Mapping[str, Mapping[str, Login]],
    ) -> List[Versions]:
        """Keep what each host is to get; the versions of each one's secrets."""
        shared = Shared(len(self.members))
        found = []
        for draft in drafts:
            variables = draft.variables
            seed, own = secrets.seeds.get(variables.name), logins[variables.name]
            values, versions, findings = deliver(draft.sources, draft.variables.strict, secrets.values, seed)
            services, of_services = [], {}
            for service in draft.services:
                given = deliver(
                    draft.service_sources[service.name],
                    draft.variables.strict,
                    secrets.values,
                    seed,
                    where(service.name, "secrets."),
                )
                of_services[service.name] = given[1]
                findings += given[2]
                services.append({"name": service.name, "secrets": given[0], "registry": own.get(service.image)})
            shared.add(variables.name, findings)
            found.append((versions, of_services))
            self._secrets[variables.name] = {
                "secrets": values,
                "seed": base64.b64encode(seed or b"").decode(),
                "registry": own.get(variables.image),
                **({"services": services} if services else {}),
            }
        self._findings += shared.reported()
        return found

    def _proxied(self) -> List[MemberVariables]:
        """The members; those whose agents use their machines' proxies have them in the agent's environment."""
        fleet = not_proxied(self.members)
        shared, found = Shared(len(self.members)), []
        for member in self.members:
            proxies = member.proxies(fleet)
            if proxies and daemon_conflict(member.docker_daemon, proxies):
                what = "praxis_docker_daemon has proxies, and the engine would use those and not praxis_https_proxy."
                fix = "Remove one of the two."
                shared.add(member.name, [Finding("bad-proxy", what, "variables", fix)])
            if proxies and member.agent_proxy:
                beside = [str(item.get("name")) for item in member.services if isinstance(item, dict)]
                environment = {**proxies.environment(beside), **member.agent_environment}
                member = replace(member, agent_environment=environment)
            found.append(member)
        self._findings += shared.reported()
        return found

    def _stop_at_errors(self, fleet: str, members: Sequence[Member]) -> None:
        errors = [finding for finding in self._findings if finding.level == ERROR]
        if errors and members:
            errors += check_members(fleet, members) + check_machines(members)
        if errors:
            raise Failed(*dict.fromkeys(errors))

    def _fleet(self) -> str:
        names = sorted({member.fleet for member in self.members})
        if len(names) > 1:
            self._findings.append(
                Finding(
                    code="several-fleets",
                    what="The members name %d fleets: %s." % (len(names), ", ".join(names)),
                    where="inventory",
                    fix="Set the same praxis_fleet for all members of the group praxis.",
                )
            )
        fleet = names[0] if names else "praxis"
        try:
            check_fleet(fleet)
        except Failed as error:
            self._findings += error.findings
            return ""
        return fleet


def _release(draft: Draft, images: Mapping[str, str], versions: Versions) -> Release:
    """
    :param images: each of its images by digest.
    """
    variables, compiled = draft.variables, draft.compiled
    return Release(
        name=variables.name,
        image=images[variables.image],
        document=dump(compiled.document),
        settings=compiled.document,
        environment=compiled.environment,
        secrets=versions[0],
        api_port=variables.api_port,
        p2p_port=variables.p2p_port,
        limits=draft.limits,
        docker_socket=variables.docker_socket,
        data=draft.data,
        services=tuple(
            replace(service, image=images[service.image], secrets=versions[1][service.name])
            for service in draft.services
        ),
    )
