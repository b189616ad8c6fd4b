# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What planning has in common on all targets where a host of the inventory is a kind of agents, and no machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.document import dump
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import parse_image
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import empty_fleet
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import check_fleet
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.own_name import MARK
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Description, describe_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import GCP, Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_of
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft, draft_all
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_secrets import Clouds
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.images import Images


@dataclass(frozen=True)
class KindVariables(MemberVariables):
    """The variables of all agents of a kind: a mark stands for each one's name.

    :param host: the name at which others dial one of them.
    """

    host: str = ""

    @property
    def addresses(self) -> Tuple[str, ...]:
        return (self.host,)


def read(hostvars: Mapping[str, Any], names: Sequence[str]) -> Tuple[List[MemberVariables], List[Finding]]:
    """The kinds whose variables can be read, and what is wrong with the others."""
    members: List[MemberVariables] = []
    faults: List[Finding] = []
    for name in names:
        try:
            members += fleet_variables.members(hostvars, [name])
        except Failed as error:
            faults += error.findings
    return members, faults


class KindPlanner:
    """Compiles kinds, asks stores and registries only for what the user leaves open, and collects what is wrong.

    :param members: the inventory's hosts, each a kind of agents.
    :param faults: what is wrong already; reported with everything else.
    """

    def __init__(self, members: Sequence[MemberVariables], faults: Sequence[Finding]) -> None:
        self.members = members
        self.findings: List[Finding] = list(faults)
        self.clouds = Clouds(members)

    @property
    def warnings(self) -> Tuple[Finding, ...]:
        """What the run goes on with all the same."""
        return tuple(finding for finding in self.findings if finding.level != ERROR)

    def stop_at_errors(self) -> None:
        """:raises Failed: with all errors so far."""
        if any(finding.level == ERROR for finding in self.findings):
            raise Failed(*(finding for finding in self.findings if finding.level == ERROR))

    def fleet_name(self) -> str:
        """The name of the fleet that all kinds are of."""
        names = sorted({member.fleet for member in self.members})
        if not names:
            self.findings += [] if self.findings else [empty_fleet("inventory")]
            return ""
        if len(names) > 1:
            fix = "Set praxis_fleet once, for all kinds."
            what = "The kinds belong to several fleets: %s." % ", ".join(names)
            self.findings.append(Finding("several-fleets", what, "inventory", fix))
        try:
            check_fleet(names[0])
        except Failed as error:
            self.findings += error.findings
        return names[0]

    def draft(self, variables: KindVariables, name: str) -> Optional[Draft]:
        """A kind with its settings compiled.

        :param name: the inventory's, for findings.
        """
        drafts, findings = draft_all([variables])
        self.findings += [_named(finding, name) for finding in findings]
        return self.clouds.meant(drafts[0]) if drafts else None

    def pinned(self, references: Mapping[str, Reference]) -> Dict[str, Reference]:
        """Each reference with its version. Stores are asked for those that name none, and no secret is opened."""
        found = {name: each for name, each in references.items() if _is_pinned(each)}
        asked = {name: each for name, each in references.items() if name not in found}
        described = self.described(asked)
        return {**found, **{name: asked[name].at(each.version) for name, each in described.items()}}

    def described(self, references: Mapping[str, Reference]) -> Dict[str, Description]:
        """What their stores say of them; nothing, and findings, when a store cannot say it of all."""
        if not references:
            return {}
        try:
            found = describe_all(references.values(), stores_of(self.clouds.aws, self.clouds.gcp))
        except Failed as error:
            self.findings += error.findings
            return {}
        return {name: found[each] for name, each in references.items()}

    def images(self, drafts: Sequence[Draft]) -> Dict[str, str]:
        """Each image by digest. A registry is asked only for an image that names none."""
        found: Dict[str, str] = {}
        asked = []
        for image in sorted({image for draft in drafts for image in draft.images}):
            try:
                parsed = parse_image(image)
            except Failed as error:
                self.findings += error.findings
                continue
            if parsed.digest:
                found[image] = parsed.by_digest(parsed.digest)
            elif any(draft.registry(image) for draft in drafts):
                what = "Its registry has a login in praxis_registries, and render.yml does not log in to registries."
                fix = "Name the image by digest in praxis_image (@sha256:…)."
                self.findings.append(Finding("image-without-digest", what, image, fix))
            else:
                asked.append(image)
        if asked:
            answers = Images(self.clouds.aws, self.clouds.gcp, [(image, None) for image in asked])
            self.findings += answers.findings
            found.update({want[0]: digest for want, digest in answers.digests.items()})
        return found


def release(draft: Draft, image: str, secrets: Mapping[str, str]) -> Release:
    """What all agents of a kind run; its name is the mark.

    :param image: by digest.
    :param secrets: name -> what stands for its version.
    """
    variables, compiled = draft.variables, draft.compiled
    return Release(
        name=MARK,
        image=image,
        document=dump(compiled.document),
        settings=compiled.document,
        environment=compiled.environment,
        secrets=secrets,
        api_port=variables.api_port,
        p2p_port=variables.p2p_port,
        limits=draft.limits,
    )


def without_effect(
    member: MemberVariables, variables: Mapping[str, str], limits: Mapping[str, str]
) -> Iterator[Tuple[str, str]]:
    """The variables of machines that a kind sets in vain, and what does instead.

    :param variables: without ``praxis_``, each with what does instead.
    :param limits: the same of keys of ``praxis_container``.
    """
    yield from (("praxis_" + name, fix) for name, fix in variables.items() if getattr(member, name))
    yield from (("praxis_container." + name, fix) for name, fix in limits.items() if name in member.container)


def _named(finding: Finding, name: str) -> Finding:
    """A finding about any agent of a kind as one about the kind."""
    texts = {key: getattr(finding, key).replace(MARK, name) for key in ("what", "where", "fix")}
    return replace(finding, **texts)


def _is_pinned(reference: Reference) -> bool:
    """A version in Google's store may be an alias, which moves."""
    return reference.pinned and (reference.store != GCP or reference.version.isdigit())
