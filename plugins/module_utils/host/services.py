# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services beside the agent on this machine: what runs of them, and whether all of them are well."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_json
from ansible_collections.praxis.cloud.plugins.module_utils.host.gate import ENDED, Verdict
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

PART_LABEL = "praxis.part"
NAME_LABEL = "com.docker.compose.service"
MISSING = "missing"
#: Findings about a service.
CODES = ("service-missing", "service-exited", "service-unhealthy")
#: Seconds that a service without a health check has to run before it counts as started.
STEADY = 3.0

#: By name, each service's container as an observation has it.
Seen = Mapping[str, Mapping[str, Any]]


def manifest_of(paths: Paths, release_id: Optional[str]) -> Optional[Dict[str, Any]]:
    """What a release on this machine says of itself."""
    return read_json(os.path.join(paths.release(release_id), "release.json")) if release_id else None


def missing(part: Optional[str]) -> Dict[str, Any]:
    """A service without a container.

    :param part: what it should be made from.
    """
    return {"id": None, "state": MISSING, "health": None, "restarts": 0, "part": None, "wanted": part, "logs": []}


def to_start(seen: Seen, wanted: Mapping[str, str]) -> Dict[str, str]:
    """The services whose containers have to be made anew, and why."""
    found = {}
    for name, part in sorted(wanted.items()):
        service = seen.get(name) or missing(part)
        if service["state"] == MISSING:
            found[name] = "there is no container"
        elif service["part"] != part:
            found[name] = "its settings changed"
        elif service["state"] != "running":
            found[name] = "the container is %s" % service["state"]
        elif service["health"] == "unhealthy":
            found[name] = "the container is unhealthy"
    return found


def to_remove(seen: Seen, wanted: Mapping[str, str]) -> List[str]:
    """The services that run and are not wanted any more."""
    return sorted(name for name, service in seen.items() if name not in wanted and service["state"] != MISSING)


def judge(seen: Seen, wanted: Mapping[str, str], before: Mapping[str, int], member: str) -> Verdict:
    """The first service that is not well.

    :param wanted: by name, the part that each is to be made from.
    :param before: restarts of the containers that were there before, by id; one more is a crash.
    :param member: for messages.
    """
    for name, part in sorted(wanted.items()):
        service = seen.get(name) or missing(part)
        restarts = before.get(str(service["id"]), 0)
        if service["state"] == MISSING or service["part"] != part:
            what = "The service %s has no container." % name
            if service["state"] != MISSING:
                what = "The service %s runs with the settings of another release." % name
            fix = "Deploy again. If it disappears again, find what removes it (on the machine: docker events)."
            return Verdict(Finding("service-missing", what, "member %s" % member, fix))
        if service["state"] in ENDED or service["restarts"] > restarts:
            return Verdict(_ended(name, service, member), final=True)
        if not _is_up(service):
            return Verdict(_not_up(name, service, member))
    return Verdict(None)


def restarts_of(seen: Seen) -> Dict[str, int]:
    """Each container's restarts, by its id."""
    return {str(service["id"]): int(service["restarts"]) for service in seen.values() if service["id"]}


def evidence(seen: Seen) -> List[str]:
    """The last log lines of the services that are not well, each with its service."""
    return ["%s: %s" % (name, line) for name, service in sorted(seen.items()) for line in service["logs"]]


def _is_up(service: Mapping[str, Any]) -> bool:
    if service["state"] != "running":
        return False
    if service["health"] is not None:
        return bool(service["health"] == "healthy")
    return service.get("age") is None or float(service["age"]) >= STEADY


def _ended(name: str, service: Mapping[str, Any], member: str) -> Finding:
    where = "member %s" % member
    if service.get("oom_killed"):
        what = "The kernel killed the service %s: it reached the memory limit of its container." % name
        fix = "Raise container.memory of this service in praxis_services."
        return Finding("service-exited", what, where, fix)
    how = "with exit code %s" % service.get("exit_code")
    if service["state"] == "running":
        how = "and was started again"
    what = "The service %s ended %s (%d restarts)." % (name, how, service["restarts"])
    return Finding("service-exited", what, where, "Its last log lines say why.")


def _not_up(name: str, service: Mapping[str, Any], member: str) -> Finding:
    what = "The service %s is %s" % (name, service["state"])
    what += ", and its health check says %s." % service["health"] if service["health"] else " and has not started."
    fix = "On the machine, read the check's output: docker inspect -f '{{json .State.Health}}' praxis-%s-1." % name
    return Finding("service-unhealthy", what, "member %s" % member, fix)
