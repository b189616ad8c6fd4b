# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One member as it was observed: what is wrong with it, its edges apart, and how old its agent is. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Collection, List, Mapping, Optional

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Table

Observation = Mapping[str, Any]
OTHER_RELEASE = "other-release"
_START = "systemctl start docker"
#: Seconds. Of what was started again so recently nobody knows yet that it lasts.
LASTING = 600.0
#: Findings about a member whose agent takes requests all the same.
SERVING = (OTHER_RELEASE, "unhealthy", "service-missing", "service-exited", "service-unhealthy", "service-unwanted")


def serves(table: Table, name: str, observation: Observation) -> bool:
    """Whether a member's agent is well, be it with another release: it takes requests, and its peers can count on it.

    That holds without the services beside it, too.
    """
    return all(finding.code in SERVING for finding in member_findings(table, name, observation))


def member_findings(table: Table, name: str, observation: Observation) -> List[Finding]:
    """What is wrong with one member, its edges apart: container, release, API, identity."""
    container, api = observation.get("container"), observation.get("api") or {}
    member, where = table.members[name], name

    def finding(code: str, what: str, fix: str) -> List[Finding]:
        return [Finding(code=code, what=what, where=where, fix=fix)]

    deploy = "Run deploy.yml."
    if not container:
        away = engine_down(name, observation)
        if away is not None:
            return [away]
        return finding("no-container", "The machine has no agent container.", deploy)
    if container.get("state") != "running":
        state = "The agent's container is %s (exit code %s)." % (container.get("state"), container.get("exit_code"))
        return finding("container-stopped", state, deploy)
    if api.get("health") != 200:
        text = "GET /health of the agent: %s." % (api.get("health") or api.get("error") or "no answer")
        return finding("api-silent", text, "Read the container's log on the machine: docker logs praxis-agent-1.")
    if member.peer_id and api.get("peer_id") != member.peer_id:
        ids = (api.get("peer_id"), member.peer_id)
        text = "The agent's peer id is %s and not %s: no other member can dial it." % ids
        fix = "Deploy again: the container does not have the slot's key."
        if member.other_peer_id and api.get("peer_id") == member.other_peer_id:
            text += " It is the id of the same key in the other scheme, which the image's libp2p uses."
            fix = "For the whole fleet, set praxis_peer_id_scheme to the other of ed25519 and x25519; then deploy."
            return finding("other-key-scheme", text, fix)
        return finding("wrong-peer-id" if api.get("peer_id") else "no-peer-id", text, fix)
    running = (observation.get("release") or {}).get("running")
    if running != member.release:
        text = "The agent runs release %s and not %s." % (running, member.release)
        return finding(OTHER_RELEASE, text, deploy) + _unhealthy(name, container)
    return _unhealthy(name, container) + service_findings(name, observation)


def engine_down(name: str, observation: Observation) -> Optional[Finding]:
    """That a machine with a release has an engine which does not run; one without is given it by a deployment."""
    engine, release = observation.get("engine") or {}, observation.get("release") or {}
    if engine.get("running") or engine.get("compose") is None or not release.get("current"):
        return None
    what = "The machine's Docker Engine does not run, so the state of its containers is unknown."
    fix = "On the machine: %s. To see why it stopped: journalctl -u docker." % _START
    return Finding("engine-down", what, name, fix, command=_START)


def _unhealthy(name: str, container: Mapping[str, Any]) -> List[Finding]:
    """That the engine's own health check fails while the API answers."""
    if container.get("health") != "unhealthy":
        return []
    what = "Docker calls the agent's container unhealthy, though its API answers; the next deployment restarts it."
    fix = (
        "See what the health check says (docker inspect -f '{{json .State.Health}}' praxis-agent-1). If the check "
        "could not be run, raise pids or memory in praxis_container."
    )
    return [Finding("unhealthy", what, name, fix, WARNING)]


def service_findings(name: str, observation: Observation) -> List[Finding]:
    """What is wrong with the services beside a member's agent, as its current release has them."""
    findings = []
    for service, found in sorted((observation.get("services") or {}).items()):
        log = "Read its log on the machine (docker logs praxis-%s-1), and run deploy.yml." % service
        if found["wanted"] is None:
            what = "The service %s runs, but the member's release has no such service." % service
            findings.append(Finding("service-unwanted", what, name, "Run deploy.yml.", WARNING))
        elif found["state"] == "missing" or found["part"] != found["wanted"]:
            what = "There is no container of the service %s." % service
            if found["state"] != "missing":
                what = "The service %s runs with the settings of another release." % service
            findings.append(Finding("service-missing", what, name, "Run deploy.yml."))
        elif found["state"] != "running":
            what = "The service %s is %s (exit code %s)." % (service, found["state"], found.get("exit_code"))
            findings.append(Finding("service-exited", what, name, log))
        elif found["health"] not in (None, "healthy"):
            what = "The health check of the service %s says %s." % (service, found["health"])
            findings.append(Finding("service-unhealthy", what, name, log))
    return findings


def restarts(activated: Mapping[str, Mapping[str, Any]], observations: Mapping[str, Observation]) -> List[Finding]:
    """The agents that the engine has started again since they were activated: they crash, and pass gates in between.

    :param activated: member -> ``id`` and ``restarts`` of its container when its activation had ended, and of its
        services' by name.
    """
    findings = []
    for name, before in sorted(activated.items()):
        container = (observations.get(name) or {}).get("container") or {}
        again = (container.get("restarts") or 0) - (before["restarts"] or 0)
        if container.get("id") == before["id"] and again > 0:
            what = "The agent ended and was started again since it was activated: %d restarts." % again
            fix = "Read its log on the machine (docker logs praxis-agent-1): the release crashes."
            findings.append(Finding("agent-restarted", what, name, fix))
        beside = (observations.get(name) or {}).get("services") or {}
        for service, earlier in sorted((before.get("services") or {}).items()):
            found = beside.get(service) or {}
            again = (found.get("restarts") or 0) - (earlier["restarts"] or 0)
            if found.get("id") == earlier["id"] and again > 0:
                what = "The service %s ended and was started again since it was activated: %d restarts."
                fix = "Read its log on the machine: docker logs praxis-%s-1." % service
                findings.append(Finding("service-restarted", what % (service, again), name, fix))
    return findings


def crashing(names: Collection[str], observations: Mapping[str, Observation]) -> List[Finding]:
    """A warning for each agent and service that ended by itself, and was started again, a short time ago. What crashes
    again and again is well whenever it is observed between two crashes."""
    found = []
    for name in names:
        seen = observations.get(name) or {}
        parts = [("agent", "The agent", "agent-restarted", seen.get("container") or {})]
        for service, one in sorted((seen.get("services") or {}).items()):
            parts.append((service, "The service %s" % service, "service-restarted", one))
        for part, who, code, container in parts:
            count, lasted = container.get("restarts") or 0, age({**seen, "container": container})
            if count and container.get("state") == "running" and lasted < LASTING:
                what = "%s ended by itself and was restarted %d s ago; restarts so far: %d." % (who, lasted, count)
                fix = "Read its log on the machine (docker logs praxis-%s-1): it may end again." % part
                found.append(Finding(code, what, name, fix, WARNING))
    return found


def age(observation: Observation) -> float:
    """Seconds since the container was started; endless when the machine does not say."""
    container = observation.get("container") or {}
    if container.get("age") is not None:
        return float(container["age"])
    started = container.get("started_at")
    clock = (observation.get("host") or {}).get("clock")
    if not started or clock is None:
        return float("inf")
    return float(clock) - datetime.fromisoformat(str(started)[:19] + "+00:00").timestamp()
