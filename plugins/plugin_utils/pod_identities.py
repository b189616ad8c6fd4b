# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the pods of a kind are: the Secret that a pod finds its seed in, and its peer id. Seeds are given by the user, or
read from a store; none is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import decode_seed, is_peer_id, peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import mesh, secrets
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.secrets import SecretObject
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import MEMBER, KindSettings
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.stores import stores_of
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import KindPlanner


@dataclass(frozen=True)
class PodIdentities:
    """The identities of a kind's pods.

    :param secret: the Secret that holds a seed under each pod's name. None: the kind needs none, or it cannot be known.
    :param peer_ids: by ordinal. Empty: there are none, or they cannot be known.
    """

    secret: Optional[SecretObject] = None
    peer_ids: Tuple[str, ...] = ()


def of_kind(planner: KindPlanner, fleet: str, settings: KindSettings, draft: Draft) -> PodIdentities:
    """The identities of a kind's pods, as many as there may be; what is wrong is among the planner's findings."""
    if settings.role != MEMBER:
        return PodIdentities()
    variables, source = draft.variables, settings.identities
    slots = ["%s-%d" % (variables.slot, ordinal) for ordinal in range(settings.maximum)]
    pods = [mesh.pod_name(settings.name, ordinal) for ordinal in range(settings.maximum)]
    ids = _given_ids(planner, settings, variables.peer_id_scheme)
    if source.existing:
        if not ids:
            what = "The seeds are in a Secret of the cluster, so this run does not know the peer ids."
            fix = "Set peer_ids in the order of the pods (ordinal 0 first), or seeds in Ansible Vault."
            planner.findings.append(Finding("peer-ids-unknown", what, settings.name, fix))
        return PodIdentities(SecretObject(source.existing, tuple(pods)), ids)
    references: Dict[str, Reference] = {}
    try:
        for pod, slot in zip(pods, slots):
            references[pod] = planner.clouds.slot(fleet, replace(variables, slot=slot))
    except Failed as error:
        planner.findings += [replace(finding, where=settings.name) for finding in error.findings]
        return PodIdentities(None, ids)
    planner.findings += secrets.check_references(source, references, "identities", settings.name)
    if not ids:
        references, ids = _stored(planner, slots, references, variables.peer_id_scheme)
    secret = SecretObject("%s-identities" % settings.name, tuple(pods), source, references)
    return PodIdentities(secret, ids)


def _stored(
    planner: KindPlanner, slots: Sequence[str], references: Mapping[str, Reference], scheme: str
) -> Tuple[Dict[str, Reference], Tuple[str, ...]]:
    """The slots' references with their versions, and the peer ids: all that is kept of the seeds."""
    where = dict(zip(slots, references.values()))
    try:
        found = identities.read(where, stores_of(planner.clouds.aws, planner.clouds.gcp))
    except Failed as error:
        planner.findings += error.findings
        return dict(references), ()
    missing = [slot for slot in slots if found[slot].state != identities.PRESENT]
    if missing:
        what = "%d of %d slots have no seed: %s." % (len(missing), len(slots), ", ".join(missing))
        fix = "Create them with the module praxis.cloud.p2p_identity: render.yml creates nothing in a cloud."
        planner.findings.append(Finding("no-identity", what, "identities", fix))
        return dict(references), ()
    pinned = {pod: each.at(found[slot].version) for slot, (pod, each) in zip(slots, references.items())}
    return pinned, tuple(peer_id(found[slot].seed, scheme) for slot in slots)


def _given_ids(planner: KindPlanner, settings: KindSettings, scheme: str) -> Tuple[str, ...]:
    """The peer ids that the user gives, by themselves or by the seeds."""
    decoded = [decode_seed(seed) for seed in settings.seeds]
    bad = [index for index, seed in enumerate(decoded) if seed is None]
    bad += [index for index, each in enumerate(settings.peer_ids) if not is_peer_id(each)]
    if bad:
        kind = "seed of 32 bytes in base64" if settings.seeds else "peer id"
        what = "Entry %s of the list is not a %s." % (", ".join(str(index) for index in bad), kind)
        fix = "Write one for each pod, ordinal 0 first."
        planner.findings.append(Finding("bad-peer-id", what, settings.name, fix))
        return ()
    ids = settings.peer_ids or tuple(peer_id(seed, scheme) for seed in decoded if seed is not None)
    if ids and len(ids) < settings.maximum:
        what = "%d peer ids are known, and there may be %d pods." % (len(ids), settings.maximum)
        fix = "Write one for every pod up to autoscaler.max, or lower autoscaler.max."
        planner.findings.append(Finding("peer-ids-few", what, settings.name, fix))
        return ()
    return ids[: settings.maximum]
