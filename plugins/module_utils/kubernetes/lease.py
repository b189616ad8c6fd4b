# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's lock in a cluster: a Lease, held by the deployment that is at work. Pure.

The only clock is the API server's. A write names the version of the Lease that was read, so of two deployments one
alone gets it.
"""

from __future__ import annotations

import datetime
from typing import Any, Dict, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.resources import INSTANCE, MANAGED_BY, MANAGER

Object = Mapping[str, Any]
OWNER, REASON = "praxis.cloud/owner", "praxis.cloud/reason"
VERSION = "coordination.k8s.io/v1"


def name(fleet: str) -> str:
    """The Lease of a fleet."""
    return "%s-deployment" % fleet


def path(namespace: str, fleet: str = "") -> str:
    """Where a fleet's Lease is; without a fleet, where all are."""
    root = "/apis/%s/namespaces/%s/leases" % (VERSION, namespace)
    return "%s/%s" % (root, name(fleet)) if fleet else root


def holder(lease: Optional[Object]) -> str:
    """The run that has not given it back, expired or not; empty when there is none."""
    return str((lease or {}).get("spec", {}).get("holderIdentity") or "")


def expires(lease: Object) -> float:
    """When it ends unless it is renewed, in seconds since 1970 by the API server's clock."""
    spec = lease["spec"]
    return _seconds(spec["renewTime"]) + float(spec["leaseDurationSeconds"])


def locked(lease: Optional[Object], now: float, take_over: str = "") -> Optional[Finding]:
    """That another deployment is at work; None when this one may be.

    :param take_over: the run that is known to be dead.
    """
    run = holder(lease)
    if lease is None or not run or run == take_over or expires(lease) <= now:
        return None
    about = lease["metadata"].get("annotations") or {}
    what = "Deployment %s of %s (%s) is at work; its lease lasts another %d s."
    what %= (run, about.get(OWNER, "somebody"), about.get(REASON, "deployment"), expires(lease) - now)
    fix = "Wait for its end (-e praxis_lock_wait=SECONDS). If you know that it is dead: -e praxis_take_over=%s." % run
    return Finding("fleet-locked", what, name_of(lease), fix)


def unfinished(lease: Optional[Object], refuse: bool = False) -> Optional[Finding]:
    """That a deployment has stopped before its end: its lease is over, and was not released."""
    run = holder(lease)
    if lease is None or not run:
        return None
    about = lease["metadata"].get("annotations") or {}
    what = "Deployment %s of %s stopped before its end." % (run, about.get(OWNER, "somebody"))
    fix = "Deploy again, or run rollback.yml, which undoes it."
    return Finding("unfinished", what, name_of(lease), fix, ERROR if refuse else WARNING)


def name_of(lease: Object) -> str:
    """What findings call it."""
    return "Lease/%s" % lease["metadata"]["name"]


def taken(
    before: Optional[Object], fleet: str, namespace: str, deployment: Mapping[str, Any], now: float, seconds: int
) -> Dict[str, Any]:
    """The Lease as a deployment takes it.

    :param before: as it was read; its version goes along.
    :param deployment: ``run``, ``owner`` and ``reason``.
    """
    fence = int((before or {}).get("spec", {}).get("leaseTransitions") or 0) + 1
    version = {"resourceVersion": before["metadata"]["resourceVersion"]} if before else {}
    return {
        "apiVersion": VERSION,
        "kind": "Lease",
        "metadata": {
            "name": name(fleet),
            "namespace": namespace,
            "labels": {MANAGED_BY: MANAGER, INSTANCE: fleet},
            "annotations": _about(deployment),
            **version,
        },
        "spec": {
            "holderIdentity": deployment["run"],
            "leaseDurationSeconds": seconds,
            "acquireTime": _moment(now),
            "renewTime": _moment(now),
            "leaseTransitions": fence,
        },
    }


def renewed(lease: Object, deployment: Mapping[str, Any], now: float) -> Dict[str, Any]:
    """The same Lease, from now on, with what the deployment says of itself now."""
    metadata = {**lease["metadata"], "annotations": {**lease["metadata"]["annotations"], **_about(deployment)}}
    return {**lease, "metadata": metadata, "spec": {**lease["spec"], "renewTime": _moment(now)}}


def released(lease: Object) -> Dict[str, Any]:
    """The Lease as its holder gives it back."""
    return {**lease, "spec": {**lease["spec"], "holderIdentity": ""}}


def left(lease: Object) -> Dict[str, Any]:
    """The Lease as a run leaves it that stops before its end: it names the run, and is over."""
    over = {"leaseDurationSeconds": 1, "renewTime": _moment(_seconds(lease["spec"]["renewTime"]) - 1)}
    return {**lease, "spec": {**lease["spec"], **over}}


def _about(deployment: Mapping[str, Any]) -> Dict[str, str]:
    return {OWNER: deployment["owner"], REASON: deployment["reason"]}


def _moment(now: float) -> str:
    return datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
