# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``agent_release``: observe, plan, and unless it is only a prediction, act and wait for the gate."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any, Collection, Dict, List, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.peers import with_peers
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import (
    container_network,
    drain,
    engine_failure,
    fence,
    gate,
    images,
    kept,
    observation,
    parts,
    registrations,
    services,
    switch,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.apply import Host
from ansible_collections.praxis.cloud.plugins.module_utils.host.changes import docker_change
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired, Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.dials import Dials
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.host.lock import locked
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import RELEASE_FILES, Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.plans import Plan, plan, require_running
from ansible_collections.praxis.cloud.plugins.module_utils.host.secret_file import mask

Result = Dict[str, Any]


def run(desired: Desired, paths: Paths, check_mode: bool, lock_deadline: float = 60.0) -> Result:
    """Bring the host to the state, or in check mode predict what that would change.

    What goes wrong on the host is an ``outcome`` of ``failed`` with its ``failure``, not an exception.
    """
    if check_mode:
        return _run(desired, paths, check_mode=True)
    try:
        if desired.drain > 0:
            if desired.deployment is not None:
                # Whoever observes this host meanwhile has to know that a step is waiting here.
                with locked(paths.lock, holder_of(desired, "draining"), lock_deadline):
                    fence.admit(paths, desired.deployment, time.time(), begins=desired.state == "active")
            drain.wait(paths, desired.wanted.api_port, desired.drain)
        # Not before: whoever has to wait for this host should wait for what is done to it, and a deployment that has
        # been taken over from meanwhile is refused.
        with locked(paths.lock, holder_of(desired), lock_deadline):
            if desired.deployment is None:
                return _run(desired, paths, check_mode=False)
            fence.admit(paths, desired.deployment, time.time(), begins=desired.state == "active")
            result = _run(desired, paths, check_mode=False)
            # The wait for the gate may have been long: from now on the deployment has its whole lease again.
            closed = desired.state in ("confirmed", "restored")
            record = fence.write(paths, desired.deployment, time.time(), ended=desired.deployment.last, closed=closed)
            return dict(result, observation=dict(result["observation"], deployment=record))
    except (Failed, OSError) as error:
        return _failed(_nothing_yet(observation.take(paths)), finding_of(error, desired))


def holder_of(desired: Desired, doing: str = "") -> str:
    """Who holds the lock, for the one who waits for it.

    :param doing: what it does before it brings the host to the state.
    """
    release = desired.release.id if desired.release else desired.previous
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    who = "state=%s release=%s pid=%d since=%s" % (doing or desired.state, release, os.getpid(), since)
    known = desired.deployment
    return who if known is None else "%s owner=%s run=%s" % (who, known.owner, known.run)


def _run(desired: Desired, paths: Paths, check_mode: bool) -> Result:
    release = desired.release
    away = _engine_away(desired, paths) if desired.state == "restored" and not check_mode else None
    # A host where nothing changes is not observed again, so this observation has to do for the verdict: with dials.
    dial = desired.gate.dial if desired.state == "prepared" else ()
    seen = observation.take(paths, release.api_port if release else None, release.p2p_port if release else None, dial)
    result = _nothing_yet(seen)
    if away is not None:
        return _failed(result, away)
    try:
        todo = plan(desired, paths, seen)
    except (Failed, EngineError, OSError) as error:
        return _failed(result, finding_of(error, desired))
    if todo.reasons and not (check_mode and desired.engine_made):
        return dict(result, **{**predicted(replace(todo, changes=[])), "changed": False, "diff": []})
    if check_mode:
        return dict(result, **predicted(todo))
    return _act(todo, desired, paths, result)


def _engine_away(desired: Desired, paths: Paths) -> Optional[Finding]:
    """Wait for the engine, as long as for the gate: a rollback comes after a failure, and often that was an engine that
    restarted, or a machine that boots. What is wrong when it does not come."""

    def asked() -> Dict[str, Any]:
        try:
            return Engine(paths.engine_socket).version()
        except EngineError as error:
            return {"error": error}

    def judged(answer: Dict[str, Any]) -> gate.Verdict:
        return gate.Verdict(finding_of(answer["error"], desired) if "error" in answer else None)

    return gate.wait(asked, judged, desired.gate.deadline)[1]


def _nothing_yet(seen: observation.Observation) -> Result:
    return {
        "changed": False,
        "changes": [],
        "diff": [],
        "outcome": "unchanged",
        "failure": None,
        "reasons": [],
        "activation": "none",
        "activation_reason": "",
        "previous": seen["release"]["current"],
        "evidence": [],
        "observation": seen,
    }


def predicted(todo: Plan) -> Result:
    """The part of a result that a prediction and the run itself have in common."""
    diff = [change.as_diff() for change in todo.changes]
    if todo.reasons:
        diff.insert(0, docker_change(list(todo.reasons)).as_diff())
    return {
        "changed": bool(todo.changes or todo.reasons),
        "changes": [str(change) for change in todo.changes],
        "diff": diff,
        "outcome": todo.outcome if todo.changes or todo.reasons else "unchanged",
        "reasons": list(todo.reasons),
        "activation": todo.activation[0],
        "activation_reason": todo.activation[1],
    }


def _act(todo: Plan, desired: Desired, paths: Paths, result: Result) -> Result:
    host = Host(paths, Engine(paths.engine_socket), replace(desired, release=todo.release), todo.config)
    started = todo.release if desired.state in ("active", "restored") else None
    result = dict(result, **predicted(todo))
    try:
        if started is not None:
            kept.require_prepared(paths, started)
        if desired.state == "prepared" and desired.confirm_within is not None:
            switch.wind(paths, desired.confirm_within)
        pulls = [change for change in todo.changes if change.kind == "image"]
        host.apply(pulls)  # before the deadline for the confirmation runs: it may take minutes
        if desired.state == "active" and todo.activation[0] != "none":
            _arm(desired, paths, result["observation"])
        if desired.state == "confirmed":
            require_running(result["observation"], desired.wanted)
        engine_runs, removes = result["observation"]["engine"]["running"], desired.state == "absent"
        known = images.of_all(paths) if removes and engine_runs else ()
        host.apply([change for change in todo.changes if change not in pulls])
        _keep_images(desired, paths, known)
        if started is not None:
            result["observation"], finding = _gate(desired, started, todo.activation[0], paths, result["observation"])
            if finding is not None:
                return _failed(dict(result, **_so_far(host, todo), evidence=evidence(paths, desired)), finding)
        if desired.state in ("confirmed", "restored", "absent"):
            switch.disarm(paths)
    except (Failed, EngineError, OSError) as error:
        finding = finding_of(error, desired)
        if finding.code in services.CODES:
            result = _with_services(paths, result)
        return _failed(dict(result, **_so_far(host, todo)), finding)
    seen = result["observation"]
    seen["switch"] = switch.observe(paths)
    seen["release"] = observation.observe_releases(paths, seen["container"])
    seen["balancers"] = registrations.read(paths)
    seen["peers"] = observation.observe_peers(paths)
    return result


def _keep_images(desired: Desired, paths: Paths, before: Collection[str]) -> None:
    """See that nobody prunes what this host's releases need, be it that an older version pulled it; and that nobody has
    to keep it when they have gone. Like the record of the deployment, this is no change that is reported.

    :param before: the images that the releases named which were removed.
    """
    if desired.state == "prepared":
        images.hold(Engine(paths.engine_socket), images.of_all(paths))
    elif before:
        images.let_go(Engine(paths.engine_socket), before)


def _arm(desired: Desired, paths: Paths, seen: observation.Observation) -> None:
    """Before the agent is disturbed: see that this host does not stay with a release that nobody calls good."""
    good, deployment = seen["release"]["good"], desired.deployment
    if not (good and deployment and desired.confirm_within and switch.can(paths)) or good == desired.wanted.id:
        return
    if set(kept.texts(paths, good) or {}) != set(RELEASE_FILES):
        return  # somebody has removed it: there is nothing to go back to
    release = kept.release(paths, good, desired.wanted)
    # The list of before: by the time this host goes back, the others do so too.
    peers = kept.peers(paths) or desired.peers
    config = with_peers(release.files["agent.yaml"], peers.multiaddrs if peers else ())
    armed = switch.Switch(
        run=deployment.run,
        wanted=desired.wanted.id,
        back=good,
        within=desired.confirm_within,
        name=release.name,
        config=config,
        api_port=release.api_port,
        fence=deployment.fence,
        images=tuple(sorted(images.images_of(paths, good))),
    )
    switch.arm(paths, armed)


def _with_services(paths: Paths, result: Result) -> Result:
    """What is there of the services after one has failed, and what they said."""
    seen = observation.observe_services(paths, Engine(paths.engine_socket))
    return dict(
        result, evidence=services.evidence(seen), observation=dict(result["observation"], services=seen)
    )


def _so_far(host: Host, todo: Plan) -> Result:
    return predicted(replace(todo, changes=host.done))


def _gate(
    desired: Desired, release: Release, activation: str, paths: Paths, before: observation.Observation
) -> Tuple[observation.Observation, Optional[Finding]]:
    wanted = desired.gate
    restarts = before["container"]["restarts"] if activation in ("none", "services") else 0
    beside, known = parts.wanted(release.manifest), services.restarts_of(before["services"])
    dials = Dials([(str(item["address"]), int(item["port"])) for item in wanted.dial])

    def take() -> observation.Observation:
        seen = dict(before, **observation.observe_agent(paths, release.api_port, release.p2p_port, wanted.dial))
        seen["dials"] = dials.refreshed() if seen["api"]["health"] == 200 else {}
        return seen

    def judged(seen: observation.Observation) -> gate.Verdict:
        agent = gate.judge(seen, wanted, release.p2p_port, release.name, restarts)
        return agent if agent.finding else services.judge(seen["services"], beside, known, release.name)

    seen, finding = gate.wait(take, judged, wanted.deadline)
    if finding is not None and finding.code == "mesh-missing":
        # The engine may have made the network that covers a peer with this very activation.
        covered = container_network.captured(wanted.dial)
        finding = container_network.overlap(covered) if covered else finding
    return seen, finding


def evidence(paths: Paths, desired: Desired) -> List[str]:
    """The container's last log lines, without any secret of this deployment or of the release it runs."""
    engine = Engine(paths.engine_socket)
    container = observation.observe_container(paths, engine)
    if container is None:
        return []
    lines = container["logs"] or observation.last_lines(paths, engine, container)
    return mask("\n".join(lines), (desired.secrets or {}).values()).splitlines()


def finding_of(error: Exception, desired: Desired) -> Finding:
    """One finding from whatever a step raised."""
    if isinstance(error, Failed):
        return error.findings[0]
    name = desired.release.name if desired.release else "this host"
    if isinstance(error, EngineError):
        return engine_failure.explain(str(error), "member %s" % name) or Finding(
            "engine-failed",
            "The Docker Engine refused a request: %s." % error,
            "member %s" % name,
            "Read the engine's log on the host: journalctl -u docker.",
        )
    no_space = isinstance(error, OSError) and error.errno == 28
    return Finding(
        "disk-full" if no_space else "host-files",
        "A file could not be written: %s." % error,
        "member %s" % name,
        "On the machine, free some space (df -h "
        "shows which disk is full), and deploy again." if no_space else "Fix what the system's message names, and "
                                                                        "deploy again.",
    )


def _failed(result: Result, finding: Finding) -> Result:
    return dict(result, outcome="failed", failure=finding.as_dict())
