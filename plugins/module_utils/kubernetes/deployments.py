# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deployments that a fleet has had: a ConfigMap each, with what it applied, so that a rollback can apply it again.

Pure.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources, rollout
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.objects import LARGEST_CONFIG
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.resources import INSTANCE, MANAGED_BY, MANAGER

Object = Mapping[str, Any]
RECORD = "praxis.cloud/record"
GOOD, ROLLED_BACK, BAD = "good", "rolled back", "bad"
#: In the place of an id: the newest deployment that was called good.
NEWEST = "newest"
#: What the reason of a rollback begins with.
ROLLBACK = "rollback"
#: Bytes of a record for what is no object: who deployed, when, and the releases.
_BESIDE = 64 * 1024


@dataclass(frozen=True)
class Past:
    """A deployment that has ended.

    :param number: they are counted; clocks do not tell their order.
    :param at: when it ended, in seconds since 1970 by the API server's clock.
    :param outcome: :data:`GOOD`, :data:`ROLLED_BACK` or :data:`BAD`.
    :param releases: by workload.
    :param objects: what it applied.
    """

    run: str
    number: int
    owner: str
    reason: str
    at: float
    outcome: str
    plan_id: str
    releases: Mapping[str, str]
    objects: Sequence[Object]

    @property
    def is_good(self) -> bool:
        return self.outcome == GOOD

    def row(self) -> Dict[str, Any]:
        """What a summary says of it."""
        names = ("run", "number", "owner", "reason", "at", "outcome", "plan_id")
        return {**{name: getattr(self, name) for name in names}, "releases": dict(self.releases)}


def releases(objects: Sequence[Object]) -> Dict[str, str]:
    """The release of each workload."""
    return {goal.name: goal.release for goal in rollout.goals(objects)}


def written(past: Past, fleet: str, namespace: str) -> Dict[str, Any]:
    """The ConfigMap of a deployment. It never changes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": record_name(past, fleet),
            "namespace": namespace,
            "labels": {MANAGED_BY: MANAGER, INSTANCE: fleet, RECORD: "deployment"},
        },
        "immutable": True,
        "data": {"deployment.json": json.dumps(past.row(), sort_keys=True)},
        "binaryData": {"objects.json.gz": base64.b64encode(_packed(past.objects)).decode()},
    }


def check_size(objects: Sequence[Object], fleet: str) -> List[Finding]:
    """Whether a ConfigMap can hold the record of a deployment that applies these: else it would be found out when all
    pods have the release, no deployment would ever be called good, and none could be rolled back to."""
    size, most = len(_packed(objects)), LARGEST_CONFIG - _BESIDE
    if size <= most:
        return []
    what = "The record of this deployment, by which a rollback would find it, has %d bytes, and a ConfigMap holds %d."
    fix = "Lower autoscaler.max, shorten the settings, or make some of the kinds a fleet of its own (praxis_fleet)."
    return [Finding("record-too-large", what % (size, most), "fleet %s" % fleet, fix)]


def record_name(past: Past, fleet: str) -> str:
    """The ConfigMap of a deployment."""
    return "%s-deployment-%s" % (fleet, past.run.lower())


def is_record(item: Object) -> bool:
    return RECORD in (item["metadata"].get("labels") or {})


def read(items: Sequence[Object]) -> Tuple[List[Past], List[str]]:
    """The deployments of a fleet, the newest first, and the names of the records that cannot be read: somebody has
    restored or made them, or another version wrote them."""
    found = {str(item["metadata"]["name"]): _read(item) for item in items}
    past = sorted((one for one in found.values() if one), key=lambda one: one.number, reverse=True)
    return past, [name for name, one in found.items() if one is None]


def _read(item: Object) -> Optional[Past]:
    try:
        objects = json.loads(gzip.decompress(base64.b64decode(item["binaryData"]["objects.json.gz"])))
        return Past(**json.loads(item["data"]["deployment.json"]), objects=tuple(objects))
    except (KeyError, TypeError, ValueError, OSError, EOFError, zlib.error):
        return None


def not_read(names: Sequence[str], rollback: bool) -> List[Finding]:
    """That records cannot be read.

    :param names: theirs.
    :param rollback: whether a run is about to go to the deployment before the newest, which may be one of them.
    """
    if not names:
        return []
    what = "What the cluster keeps of these deployments cannot be read: %s." % ", ".join(names)
    fix = "kubectl delete configmap %s. To go back all the same, name the deployment: -e praxis_to=ID."
    return [Finding("record-unreadable", what, "records", fix % " ".join(names), ERROR if rollback else WARNING)]


def goal(past: Sequence[Past], to: str = "", left: bool = False) -> Past:
    """Where a rollback goes.

    :param to: a deployment's id, or :data:`NEWEST`; empty: the one before the newest.
    :param left: whether a deployment is there that has stopped before its end, or was bad, or a rollback that is not
        complete; without ``to`` that one is undone, and the rollback continued.
    :raises Failed: ``unknown-deployment``, ``no-earlier-deployment``.
    """
    good = [one for one in past if one.is_good]
    if to and to != NEWEST:
        meant = [one for one in good if one.run == to]
        if not meant:
            known = ", ".join(one.run for one in good) or "none"
            fix = "Choose a deployment that make history lists as good: %s." % known
            what = "The cluster keeps no good deployment %s." % to
            raise Failed(Finding("unknown-deployment", what, "praxis_to", fix))
    else:
        meant = good[0:1] if left or to == NEWEST else good[1:2]
        if not meant:
            what = "The fleet has had %s." % ("one good deployment only" if good else "no good deployment")
            fix = "Deploy the settings and the image that you want."
            raise Failed(Finding("no-earlier-deployment", what, "rollback", fix))
    return meant[0]


def newest(past: Sequence[Past]) -> Optional[Past]:
    """The newest good deployment; None when there is none."""
    return next((one for one in past if one.is_good), None)


def is_bad(past: Sequence[Past]) -> bool:
    """Whether the newest deployment was bad, and could not be rolled back."""
    return bool(past) and past[0].outcome == BAD


def is_rollback(past: Sequence[Past]) -> bool:
    """Whether the newest deployment was a good rollback."""
    return bool(past) and past[0].is_good and past[0].reason.startswith(ROLLBACK)


def is_newest(past: Sequence[Past], objects: Sequence[Object]) -> bool:
    """Whether the newest good deployment applied these very objects: to apply them again is no other deployment."""
    good = newest(past)
    return good is not None and _text(good.objects) == _text(objects)


def kept(past: Sequence[Past], objects: Sequence[Object], most: int) -> Tuple[List[Past], List[Past]]:
    """The deployments that are kept beside one of these objects when it is good: so many good ones with it, and what
    came between them. And those that are then forgotten."""
    others = most if is_newest(past, objects) else most - 1
    good = [one for one in past if one.is_good][:others]
    oldest = good[-1].number if good else 1 + max((one.number for one in past), default=0)
    return [one for one in past if one.number >= oldest], [one for one in past if one.number < oldest]


def needed(past: Sequence[Past]) -> List[str]:
    """The objects that a rollback to one of these needs as they are: releases' own, which never change."""
    names: Set[str] = set()
    for one in past:
        names.update(
            resources.name(item)
            for item in one.objects
            if item.get("immutable") or item.get("spec", {}).get("target", {}).get("immutable")
        )
    return sorted(names)


def _packed(objects: Sequence[Object]) -> bytes:
    return gzip.compress(_text(objects).encode(), mtime=0)


def _text(objects: Sequence[Object]) -> str:
    return json.dumps(list(objects), sort_keys=True)
