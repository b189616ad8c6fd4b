# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each state of ``agent_release`` has to do on this host: reads the host, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.peers import with_peers
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import changes as compare
from ansible_collections.praxis.cloud.plugins.module_utils.host import (
    container_limits,
    container_network,
    data,
    engine_proxies,
    image_place,
    kept,
    mounts,
    registrations,
    services,
    socket_group,
    strangers,
    swarm,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.capacity import require_capacity
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import Change
from ansible_collections.praxis.cloud.plugins.module_utils.host.current import (
    read_confirmable,
    read_current,
    read_removable,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired, Peers, Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import Observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: Seconds for the engine's description of itself: it counts its containers and images for it.
INFO_TIMEOUT = 30.0


@dataclass(frozen=True)
class Plan:
    """What one call will do.

    :param outcome: what the result is called when there was something to do and it went well.
    :param release: the release that the host has afterwards; None when it has none.
    :param config: the agent's file with its peers.
    :param reasons: why the docker role has to run first.
    """

    changes: List[Change]
    outcome: str
    release: Optional[Release] = None
    config: str = ""
    activation: Tuple[str, str] = ("none", "")
    reasons: Tuple[str, ...] = ()


def plan(desired: Desired, paths: Paths, observation: Observation) -> Plan:
    """The plan for ``desired.state``.

    :raises Failed: what the state needs is not on this host; or ``project-taken``.
    """
    found = _STATES[desired.state](desired, paths, observation)
    obstacles = strangers.obstacles(Engine(paths.engine_socket)) if _asks_compose(found) else []
    if obstacles:
        raise Failed(*obstacles)
    return found


def _asks_compose(found: Plan) -> bool:
    return any(change.kind in ("services", "start", "switch", "down") for change in found.changes)


def _prepared(desired: Desired, paths: Paths, observation: Observation) -> Plan:
    info = Engine(paths.engine_socket, INFO_TIMEOUT).info() if observation["engine"]["running"] else {}
    require_fitting(desired, paths, observation, info)
    release, peers, config = _wanted(desired, paths)
    current = read_current(desired, paths, observation, release)
    wanted = replace(desired, peers=peers)
    changes = compare.prepared(current, wanted, config, paths)
    changes += registrations.changes(observation["balancers"], desired.balancers, paths)
    if desired.data is not None:
        there = data.observe(paths, desired.data)
        before = [services.manifest_of(paths, observation["release"][which]) for which in ("current", "good")]
        data.require_kept(there, desired.data, before)
        changes += data.changes(there, desired.data)
    reasons = tuple(compare.engine_reasons(observation["engine"], desired.min_compose, desired.daemon))
    reasons += tuple(engine_proxies.reasons(paths, info, desired.proxies))
    if reasons and not desired.engine_made:
        require_lasting(desired, observation, reasons)
    if not reasons:
        require_capacity(paths, observation, release)
    elif desired.engine_failure:
        reasons += ("the docker role failed: %s" % desired.engine_failure,)
    outcome = "needs-docker" if reasons else "prepared"
    return Plan(changes, outcome, release, config, compare.activation(current, wanted), reasons)


def require_fitting(desired: Desired, paths: Paths, observation: Observation, info: Mapping[str, Any]) -> None:
    """Refuse an engine with which the agent could not work, before anything is disturbed.

    daemon.json is judged as it will be: the docker role writes what is wanted over what is there.

    :param info: the engine's description of itself; empty when none answers.
    :raises Failed: ``engine-elsewhere``, ``project-taken``, ``mounts-unreadable``, ``containers-not-executable``,
        ``docker-socket-shut``, ``engine-limits``, ``engine-in-swarm``, ``containers-cut-off``, ``network-overlap``,
        ``runtime-unsupported``.
    """
    running = observation["engine"]["running"]
    daemon = {**(observation["engine"]["daemon"] or {}), **desired.daemon}
    findings = [
        *container_network.elsewhere(paths, daemon, running),
        *mounts.obstacles(daemon, info),
        *image_place.obstacles(daemon, info),
        *socket_group.obstacles(paths, desired.release),
        *strangers.obstacles(Engine(paths.engine_socket)),
        *container_limits.obstacles(daemon),
        *swarm.obstacles(daemon, info),
        *container_network.obstacles(daemon, info, desired.gate.dial),
    ]
    if findings:
        raise Failed(*findings)


def require_lasting(desired: Desired, observation: Observation, reasons: Sequence[str]) -> None:
    """Refuse to have an engine restarted whose agent would stop with it: engines are seen to on all machines at once,
    before any is drained.

    :param reasons: why the engine is to be restarted.
    :raises Failed: ``engine-restart``.
    """
    container = observation["container"]
    stops = {**(observation["engine"]["daemon"] or {}), **desired.daemon}.get("live-restore") is False
    if stops and container is not None and container["state"] == "running":
        what = "Docker Engine would be restarted (%s), and without live-restore agents stop, on all machines at once."
        fix = "Set live-restore: true in praxis_docker_daemon, or change the engines by yourself, one at a time."
        raise Failed(Finding("engine-restart", what % "; ".join(reasons), "praxis_docker_daemon", fix))


def _active(desired: Desired, paths: Paths, observation: Observation) -> Plan:
    return _to_run(desired, paths, observation, "activated")


def _confirmed(desired: Desired, paths: Paths, observation: Observation) -> Plan:
    release, peers, config = _wanted(desired, paths)
    current = read_confirmable(paths, observation, release)
    changes = compare.confirmed(current, replace(desired, peers=peers), config, paths)
    return Plan(changes, "confirmed", release, config)


def _restored(desired: Desired, paths: Paths, observation: Observation) -> Plan:
    if desired.previous is None:
        current = read_removable(paths, observation, _made_by_activation(desired, paths))
        return Plan(compare.removed(current, paths, everything=False), "restored")
    release = kept.release(paths, desired.previous, desired.release)
    return _to_run(replace(desired, release=release), paths, observation, "restored")


def _to_run(desired: Desired, paths: Paths, observation: Observation, outcome: str) -> Plan:
    """The release becomes the one that runs."""
    release, peers, config = _wanted(desired, paths)
    current = read_current(desired, paths, observation, release)
    wanted = replace(desired, peers=peers)
    changes = compare.active(current, wanted, config, paths)
    return Plan(changes, outcome, release, config, compare.activation(current, wanted))


def _absent(desired: Desired, paths: Paths, observation: Observation) -> Plan:
    if observation["engine"]["compose"] is not None and not observation["engine"]["running"]:
        raise Failed(
            Finding(
                "engine-down",
                "The Docker Engine does not answer, so its containers cannot be removed.",
                "this host",
                "Start it (systemctl start docker), and remove the agent again.",
            )
        )
    # The unit first: without its script it would fail at the next boot.
    current = read_removable(paths, observation, (paths.unit, paths.root, paths.run))
    return Plan(compare.removed(current, paths, everything=True), "removed")


_STATES: Dict[str, Callable[[Desired, Paths, Observation], Plan]] = {
    "prepared": _prepared,
    "active": _active,
    "confirmed": _confirmed,
    "restored": _restored,
    "absent": _absent,
}


def _wanted(desired: Desired, paths: Paths) -> Tuple[Release, Optional[Peers], str]:
    """The release, the bootstrap list (the stored one when none is given), and the agent's file made of both."""
    peers = desired.peers or kept.peers(paths)
    config = with_peers(desired.wanted.files["agent.yaml"], peers.multiaddrs if peers else ())
    return desired.wanted, peers, config


def require_running(observation: Observation, release: Release) -> None:
    """Refuse to call good what is not there, or does not run.

    :raises Failed: ``not-confirmed``.
    """
    found = observation["release"]
    if (found["current"], found["running"]) != (release.id, release.id):
        raise Failed(
            Finding(
                "not-confirmed",
                "The host runs release %s, not %s." % (found["running"] or "none", release.id),
                "member %s" % release.name,
                "Run history.yml to see whether another deployment changed it, then deploy again.",
            )
        )


def _made_by_activation(desired: Desired, paths: Paths) -> Tuple[str, ...]:
    config = (paths.config(desired.release.file_name),) if desired.release else ()
    return (paths.current, paths.good, *config, paths.peers, paths.socket_group)
