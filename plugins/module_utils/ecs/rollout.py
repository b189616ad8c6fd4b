# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a deployment of a service goes, out of what AWS says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.addresses import without_logins
from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding

RUNNING, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"
#: In no words of ECS's: another deployment is in its place.
REPLACED = "REPLACED"
#: Lines of events and of a log that a finding quotes.
QUOTED = 8
_ROUTINE = re.compile(r"has (started|stopped) [0-9]+ (running )?tasks|registered [0-9]+ targets|has begun draining")
#: Why ECS itself stops a task in the course of a deployment.
_BY_ECS = "Scaling activity initiated by"
_FIX = "Fix the image or the settings, and deploy again; the service still runs the release from before."
_STUCK = "Read the events (make verify); then deploy again, or roll back (make rollback)."


def primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """The newest deployment; it is what the service is going to be, or is."""
    for each in service.get("deployments") or ():
        if each.get("status") == "PRIMARY":
            return dict(each)
    return {}


def _has_failed(service: Mapping[str, Any], deployment: str) -> bool:
    """Whether ECS says of a deployment that is no longer listed that it failed."""
    failed = f"(deployment {deployment}) deployment failed"
    return any(failed in str(each.get("message", "")) for each in service.get("events") or ())


def state(service: Mapping[str, Any], deployment: str) -> str:
    """How *this* deployment stands.

    A circuit breaker that rolls back makes a new deployment: what was ours is FAILED then, and drained; later it is
    gone from the list. Somebody else's takes the place of one that has not failed.
    """
    for each in service.get("deployments") or ():
        if each.get("id") == deployment:
            now = str(each.get("rolloutState") or RUNNING)
            return REPLACED if now == RUNNING and each.get("status") != "PRIMARY" else now
    return FAILED if _has_failed(service, deployment) else REPLACED


def failed(
    service: Mapping[str, Any], deployment: str, stopped: Sequence[Mapping[str, Any]], log: Sequence[str], where: str
) -> list[Finding]:
    """Why a deployment failed.

    :param stopped: its tasks that have stopped, as AWS describes them.
    :param log: the end of the log of one of them.
    """
    current = primary(service)
    to = str(current.get("taskDefinition", "")).rpartition("/")[2]
    back = f" and went back to {to}" if current and current.get("id") != deployment else ""
    found = [Finding("rollout-failed", f"The circuit breaker ended the deployment{back}.", where, _FIX)]
    return found + evidence(service, stopped, log, where)


def replaced(service: Mapping[str, Any], where: str) -> list[Finding]:
    """That a deployment has had no end of its own. Nothing is said of its release."""
    to = str(primary(service).get("taskDefinition", "")).rpartition("/")[2]
    what = f"Somebody else's deployment, of {to}, has taken the place of this one." if to else (
        "Somebody has removed the service during the deployment."
    )
    fix = "See who else deploys the service (its events, CloudTrail), and deploy again when that one has ended."
    return [Finding("rollout-replaced", what, where, fix)]


def not_back(service: Mapping[str, Any], where: str, waited: float) -> list[Finding]:
    """That the circuit breaker's way back has not come to its end."""
    what = f"ECS has not rolled back within {waited:.0f} s: {_counts(service)}."
    return [Finding("rollout-unfinished", what, where, _STUCK)]


def unfinished(
    service: Mapping[str, Any], stopped: Sequence[Mapping[str, Any]], log: Sequence[str], where: str, waited: float
) -> list[Finding]:
    """Why a deployment is not complete in time."""
    what = f"The deployment is not complete after {waited:.0f} s: {_counts(service)}."
    return [Finding("rollout-unfinished", what, where, _STUCK), *evidence(service, stopped, log, where)]


def evidence(
    service: Mapping[str, Any], stopped: Sequence[Mapping[str, Any]], log: Sequence[str], where: str
) -> list[Finding]:
    """What AWS says about it."""
    found = []
    said = [str(each.get("message", "")) for each in service.get("events") or ()]
    # What starts and stops says nothing that the rest does not, and there is most of it.
    events = ([each for each in said if not _ROUTINE.search(each)] or said)[:QUOTED]
    if events:
        found.append(Finding("service-events", _joined(events), f"{where}, events", _FIX))
    reasons = list(dict.fromkeys(reason for task in telling(stopped) for reason in _reasons(task)))[:QUOTED]
    if reasons:
        found.append(Finding("stopped-tasks", _joined(reasons), f"{where}, stopped tasks", _FIX))
    if log:
        found.append(Finding("log-end", _joined(log[-QUOTED:]), f"{where}, end of the log", _FIX))
    return found


def telling(stopped: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Of stopped tasks those that ECS has not stopped itself, if there are any."""
    return [task for task in stopped if not str(task.get("stoppedReason", "")).startswith(_BY_ECS)] or stopped


def ended_badly(task: Mapping[str, Any], agent: str) -> list[str]:
    """The containers of a stopped task whose logs say most, in that order: those that ended with an error by
    themselves, and the agent.

    :param agent: the name of its container.
    """
    stopped_by_ecs = (0, 137, 143)
    bad = [str(each["name"]) for each in task.get("containers") or () if each.get("exitCode", 0) not in stopped_by_ecs]
    return list(dict.fromkeys([*bad, agent]))


def health(service: Mapping[str, Any], unhealthy: Sequence[str], minimum: int, where: str) -> list[Finding]:
    """What is wrong with a service that nobody is deploying.

    :param unhealthy: ids of tasks whose health check fails.
    :param minimum: tasks that there must be.
    """
    found = []
    fix = "Read the log and the events (make verify shows their end)."
    running, wanted = service.get("runningCount", 0), service.get("desiredCount", 0)
    if running < wanted:
        what = f"{running} of {wanted} tasks run."
        found.append(Finding("tasks-missing", what, where, fix))
    if wanted < minimum:
        what = f"The service should have {wanted} tasks, and at least {minimum} are needed."
        found.append(Finding("tasks-missing", what, where, "Deploy: that sets the number of tasks again."))
    if unhealthy:
        found.append(Finding("tasks-unhealthy", f"Not healthy: {', '.join(sorted(unhealthy))}.", where, fix))
    if primary(service).get("rolloutState") == RUNNING:
        what = "A deployment is going on."
        found.append(Finding("rollout-going-on", what, where, "Wait for its end, then run this again.", WARNING))
    if primary(service).get("rolloutState") == FAILED:
        found.append(Finding("rollout-failed", "The last deployment failed.", where, _STUCK))
    return found


def left(service: Mapping[str, Any], cluster: str, now: str, where: str) -> Finding:
    """That a service runs which the inventory does not call for.

    :param cluster: that it is in.
    :param now: the cluster of its kind; empty: the inventory has no such kind.
    """
    command = f"aws ecs delete-service --cluster {cluster} --service {service.get('serviceName', '')} --force"
    if not now:
        what = f"{_counts(service)} here, and the inventory has no such kind."
        fix = f"Add the kind to the inventory again, or: {command}. down.yml removes it and all that was made for it."
        return Finding("not-in-inventory", what, where, fix, WARNING)
    what = f"{_counts(service)} here, and the kind is in another cluster now."
    fix = f"When the kind serves in {now}, remove the old service: {command}. down.yml removes both."
    return Finding("left-in-cluster", what, where, fix, WARNING)


def _reasons(task: Mapping[str, Any]) -> list[str]:
    ident = str(task.get("taskArn", "")).rpartition("/")[2][:8]
    said = [str(task.get("stoppedReason") or "")]
    for each in task.get("containers") or ():
        code = each.get("exitCode")
        said.append(f"{each.get('name')} ended with {code}" if code is not None else "")
        said.append(str(each.get("reason") or ""))
    text = "; ".join(word for word in said if word)
    return [f"{ident}: {text}"] if text else []


def _counts(service: Mapping[str, Any]) -> str:
    now = primary(service)
    return f"{now.get('runningCount', 0)} of {now.get('desiredCount', 0)} tasks run"


def _joined(lines: Sequence[str]) -> str:
    """As one line; ECS quotes signed addresses of layers whole."""
    return " | ".join(" ".join(without_logins(line).split()) for line in lines)
