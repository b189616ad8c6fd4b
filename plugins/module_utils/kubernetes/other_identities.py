# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan gives pods that serve other identities. Pure.

A pod keeps the key with which it has started. The expected peer ids reach it in place, so the probes of all such pods
would fail at once. Replacing them one by one does not help: a pod with a new identity dials its siblings by ids that
they do not have yet, has no edge, and is never ready.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import pod_state
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.changes import Change
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.objects import PEER_ID
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.pod_state import Object
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.resources import COMPONENT


def findings(made: Sequence[Change], pods: Callable[[], Sequence[Object]]) -> List[Finding]:
    """That ready pods would get other peer ids, for each kind. One that is not ready has nothing to lose.

    :param pods: all pods of the fleet; asked only where a peer id changes.
    """
    changed = ((change.item["metadata"]["labels"].get(COMPONENT, ""), _other_ids(change)) for change in made)
    other = {kind: names for kind, names in changed if names}
    if not other:
        return []
    serving = [pod_state.name_of(pod) for pod in pods() if pod_state.is_ready(pod) and not pod_state.is_leaving(pod)]
    found = ((kind, [name for name in serving if name in names]) for kind, names in other.items())
    return [_refusal(kind, names) for kind, names in found if names]


def _other_ids(change: Change) -> List[str]:
    """The pods whose peer id changes; not those that get one, or lose it."""
    if change.item["kind"] != "ConfigMap" or change.before is None or change.after is None:
        return []
    before, after = _ids(change.before.get("data")), _ids(change.after.get("data"))
    return [name for name, peer_id in after.items() if before.get(name, peer_id) != peer_id]


def _ids(data: Optional[Mapping[str, str]]) -> Dict[str, str]:
    return {key[: -len(PEER_ID)]: text for key, text in (data or {}).items() if key.endswith(PEER_ID)}


def _refusal(kind: str, names: Sequence[str]) -> Finding:
    what = "Running pods would get other peer ids, and all of them would become not ready at once: %s."
    fix = "Give these slots the seeds that they had before (praxis_slot, seeds, peer_ids, the store). "
    fix += "For new identities, deploy another kind of members, and remove this kind when the new one serves."
    return Finding("other-identities", what % ", ".join(sorted(names)), kind, fix)
