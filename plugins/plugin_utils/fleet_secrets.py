# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan has to know of the secret stores: which one each member means, and all that is in them, asked once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import decode_seed
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.options import from_environment
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Outcome, Secret, fetch_each
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, GCP, Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables

_CLOUD_OF = {AWS: "aws", GCP: "gcp"}


class Clouds:
    """A fleet's clients, one a cloud, and what a member means by a store.

    What a member leaves open is what all others agree in, else what the environment says; it never depends on their
    order. A cloud that nobody means needs neither library nor credentials.
    """

    def __init__(self, members: Sequence[MemberVariables]) -> None:
        self.region = _only(member.region for member in members if member.cloud != "gcp")
        project = _only(member.project for member in members)
        self.aws, self.gcp = clients(self.region, project)

    def meant(self, draft: Draft) -> Draft:
        """The draft with its references as its member means them: a bare name of AWS's is of the member's region."""
        return draft.looked_up_in(self._region_of(draft.variables))

    def slot(self, fleet: str, member: MemberVariables) -> Reference:
        """Where a member's seed is kept.

        :raises Failed: its fleet or slot cannot be part of a name there, or no project is known.
        """
        if isinstance(member.identity, Reference):
            return member.identity.looked_up_in(self._region_of(member))
        store = member.identity_store or (GCP if member.cloud == "gcp" else AWS)
        identities.reference(fleet, member.slot, store)
        project = (member.project or self.gcp.project) if store == GCP else ""
        return identities.reference(fleet, member.slot, store, project).looked_up_in(self._region_of(member))

    def _region_of(self, member: MemberVariables) -> str:
        return member.region if member.region and member.cloud != "gcp" else self.region


def clients(region: str, project: str, playbook: Optional[Playbook] = None) -> Tuple[AwsClient, GcpClient]:
    """Both clouds' clients, by the environment's credentials.

    :param region, project: empty for the environment's.
    :param playbook: of whoever changes something.
    """
    aws, gcp = from_environment(AWS_ARGUMENTS), from_environment(GCP_ARGUMENTS)
    return (
        aws_client({**aws, "region": region or aws.get("region")}, playbook),
        gcp_client({**gcp, "project": project or gcp.get("project")}, playbook),
    )


class FleetSecrets:
    """Seeds and secrets of a fleet. What could not be had is missing from the tables and among ``findings``.

    :param seeds: member -> its seed, or None.
    :param values: reference -> value and version.
    :param missing: the identities that are still to be made: ``cloud``, ``project``, ``region`` and ``slots``, once a
        place.
    """

    def __init__(self, clouds: Clouds, fleet: str, drafts: Sequence[Draft], allow_missing: bool) -> None:
        self.findings: List[Finding] = []
        self.seeds: Dict[str, Optional[bytes]] = {}
        self.missing: List[Dict[str, Any]] = []
        self._allow_missing = allow_missing
        slots = self._slots(clouds, fleet, drafts) if fleet else {}
        wanted_by: Dict[Reference, List[str]] = {}
        for draft in drafts:
            for name, reference in draft.references():
                wanted_by.setdefault(reference, []).append(name)
        # Seeds and secrets ride in the same batches.
        got = fetch_each([*slots.values(), *sorted(wanted_by, key=str)], stores_of(clouds.aws, clouds.gcp))
        for draft in drafts:
            member = draft.variables
            if member.name in slots:
                outcome = got[slots[member.name]]
                outcome = _from_text(outcome) if member.identity else outcome
                self.seeds[member.name] = self._seed(member.slot, slots[member.name], outcome)
        self.values = {reference: found for reference, found in got.items() if isinstance(found, Secret)}
        self._tell_unreadable(got, wanted_by)

    def _slots(self, clouds: Clouds, fleet: str, drafts: Sequence[Draft]) -> Dict[str, Reference]:
        found: Dict[str, Reference] = {}
        for draft in drafts:
            member = draft.variables
            own = member.identity
            if isinstance(own, bytes):
                self.seeds[member.name] = own
                continue
            try:
                found[member.name] = clouds.slot(fleet, member)
            except Failed as error:
                for each in error.findings:
                    reported = replace(each, where=member.name) if each.code == "identity-name" else each
                    self.findings += [reported] if reported not in self.findings else []
        return found

    def _seed(self, slot: str, reference: Reference, outcome: Outcome) -> Optional[bytes]:
        found = identities.identity(slot, reference, outcome)
        if isinstance(found, Finding):
            self.findings.append(found)
            return None
        if found.state != identities.PRESENT:
            self._add_missing(slot, reference)
            if not self._allow_missing:
                self.findings.append(_no_identity(slot, found.state))
        return found.seed or None

    def _add_missing(self, slot: str, reference: Reference) -> None:
        where = {"cloud": _CLOUD_OF[reference.store], "project": reference.project, "region": reference.region}
        for each in self.missing:
            if {**where, "slots": each["slots"]} == each:
                each["slots"] += [slot] if slot not in each["slots"] else []
                return
        self.missing.append({**where, "slots": [slot]})

    def _tell_unreadable(
        self, got: Mapping[Reference, Outcome], wanted_by: Mapping[Reference, Sequence[str]]
    ) -> None:
        unreadable: Dict[Finding, List[str]] = {}
        for reference in sorted(wanted_by, key=str):
            found = got[reference]
            if isinstance(found, Finding):
                unreadable.setdefault(found, []).extend(wanted_by[reference])
        self.findings += [_wanted_by(finding, names) for finding, names in unreadable.items()]


def _from_text(outcome: Outcome) -> Outcome:
    """A seed that its user has stored as text, in base64."""
    if not isinstance(outcome, Secret) or not isinstance(outcome.value, str):
        return outcome
    seed = decode_seed(outcome.value)
    return outcome if seed is None else replace(outcome, value=seed)


def _only(values: Iterable[str]) -> str:
    """The one value that is given, or nothing when there are several."""
    given = {value for value in values if value}
    return given.pop() if len(given) == 1 else ""


def _no_identity(slot: str, state: str) -> Finding:
    fix = "Create it with the module praxis.cloud.p2p_identity (deploy.yml does)."
    return Finding("no-identity", "The slot's seed is %s." % state, "identity slot %s" % slot, fix)


def _wanted_by(finding: Finding, names: Sequence[str]) -> Finding:
    """The finding with the variables that want the secret, unless it is about no reference."""
    if "://" not in finding.where:
        return finding
    return replace(finding, where="%s for %s" % (finding.where, ", ".join(sorted(set(names)))))
