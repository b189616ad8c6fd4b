# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change on a host: a pure comparison. The same list is the prediction, the work and the diff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import service_changes
from ansible_collections.praxis.cloud.plugins.module_utils.host.change import UNKNOWN, Change
from ansible_collections.praxis.cloud.plugins.module_utils.host.compose import numbers
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired, Peers, Release
from ansible_collections.praxis.cloud.plugins.module_utils.host.manifest_diff import settings_diff
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.service_changes import Beside

OLDEST_ENGINE = "20.10"
KEY, SEALED = "the slot's node key, 32 bytes\n", "sealed for this machine\n"


@dataclass(frozen=True)
class Current:
    """What the comparison needs to know of the host, beyond the observation. Nothing in it is secret.

    :param remembered: the release that the host's history ends with.
    :param socket_group: the group of the Docker socket, for a release that has it mounted; and the one it would be
        started with.
    :param other_key: whether the node key that is there, whole, is not the slot's: the agent that runs has it.
    :param network: whether the project's network is there with nobody in it.
    """

    observation: Mapping[str, Any]
    manifest: Optional[Mapping[str, Any]] = None
    files: Optional[Mapping[str, str]] = None
    image_present: Optional[bool] = None
    environment_right: bool = False
    seed_right: bool = False
    seals: bool = False
    sealed_environment_right: bool = False
    sealed_seed_right: bool = False
    other_key: bool = False
    unit_right: bool = False
    to_unseal: bool = False
    peers: Optional[Peers] = None
    config: Optional[str] = None
    socket_group: Optional[str] = None
    socket_group_stored: Optional[str] = None
    beside: Beside = Beside()
    remembered: Optional[str] = None
    leftovers: Tuple[str, ...] = ()
    network: bool = False


def engine_reasons(engine: Mapping[str, Any], min_compose: str, daemon: Mapping[str, Any]) -> List[str]:
    """Why the docker role has something to do on this host; empty when it has not."""
    reasons = []
    if not engine["running"]:
        reasons.append("no Docker Engine answers")
    elif numbers(engine["version"]) < numbers(OLDEST_ENGINE):
        reasons.append("Docker Engine %s is older than %s" % (engine["version"], OLDEST_ENGINE))
    if engine["compose"] is None:
        reasons.append("Docker Compose is not installed")
    elif numbers(engine["compose"]) < numbers(min_compose):
        reasons.append("Docker Compose %s is older than %s" % (engine["compose"], min_compose))
    if not contains(engine["daemon"] or {}, daemon):
        reasons.append("daemon.json lacks a wanted setting")
    elif daemon and engine["pending"]:
        reasons.append("the engine does not use yet the settings that an earlier run wrote")
    return reasons


def contains(found: Any, wanted: Any) -> bool:
    """Whether all of ``wanted`` is in ``found``, dictionaries compared key by key; more keys may be there."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(contains(found.get(key), value) for key, value in wanted.items())
    return bool(found == wanted)


def docker_change(reasons: List[str]) -> Change:
    """What the docker role will do, for the diff of a predicted run."""
    return Change("docker", "Docker Engine and Compose", "".join("%s\n" % item for item in reasons), UNKNOWN + "\n")


def activation(current: Current, desired: Desired) -> Tuple[str, str]:
    """``none``, ``start``, ``switch``, ``restart`` or ``services`` (the agent itself is left alone), and why."""
    release, container = desired.wanted, current.observation["container"]
    if container is None:
        before = current.observation["release"]["current"]
        return "start", "nothing runs yet" if before is None else "there is no container"
    if container["part"] != release.agent_part:
        return "switch", "release %s runs" % container["release"]
    if current.files is not None and current.files.get("compose.yaml") != release.files["compose.yaml"]:
        return "switch", "compose.yaml of the release was changed"
    if current.socket_group != current.socket_group_stored:
        return "switch", "the Docker socket belongs to another group"
    if container["state"] in ("exited", "created", "dead"):
        return "start", "the container is %s" % container["state"]
    if container["state"] != "running":
        return "restart", "the container is %s" % container["state"]
    if container["health"] == "unhealthy":
        return "restart", "the container is unhealthy"
    if current.other_key:
        return "restart", "the slot's node key has changed"
    answers, expected = current.observation["api"]["peer_id"], desired.gate.peer_id
    if expected and answers and answers != expected:
        return "restart", "the agent runs as %s, not as %s" % (answers, expected)
    if desired.restart:
        return "restart", "a restart was asked for"
    reason = service_changes.reason(current.observation["services"], release)
    return ("services", reason) if reason else ("none", "the release runs")


def prepared(current: Current, desired: Desired, config: str, paths: Paths) -> List[Change]:
    """What ``prepare`` has to do. The running agent's peers are brought up to date; nothing else of it is touched."""
    release = desired.wanted
    changes = []
    if not current.image_present:
        before = UNKNOWN + "\n" if current.image_present is None else ""
        changes.append(Change("image", release.image, before, release.image + "\n"))
    changes += service_changes.pulls(current.beside, release)
    if current.files != release.files:
        changes.append(_files_change(current, release, paths))
    if desired.secrets is not None and not current.environment_right:
        names = release.manifest.get("secrets") or dict.fromkeys(desired.secrets, "")
        lines = "".join("%s version %s\n" % (name, names[name] or UNKNOWN) for name in sorted(names))
        changes.append(Change("secrets", paths.environment(release.agent_part), "", lines or "(none)\n"))
    changes += service_changes.prepared(current.beside, desired, paths)
    if desired.seed is not None and not (current.seed_right or current.other_key):
        changes.append(Change("seed", paths.node_key, "", KEY))
    if current.seals:
        changes += sealing(current, desired, paths)
    if current.observation["release"]["running"] == release.id:
        changes += peer_changes(current, desired, config, paths)
    return changes


def sealing(current: Current, desired: Desired, paths: Paths) -> List[Change]:
    """What makes the machine bring the agent up by itself after a reboot."""
    sealed, changes = SEALED, []
    if desired.secrets is not None and not current.sealed_environment_right:
        changes.append(Change("seal", paths.sealed_environment(desired.wanted.agent_part), "", sealed))
    changes += service_changes.sealing(current.beside, desired, paths, sealed)
    if desired.seed is not None and not (current.sealed_seed_right or current.other_key):
        changes.append(Change("seal-key", paths.sealed_key, "", sealed))
    if not current.unit_right:
        changes.append(Change("unit", paths.unit, "", "unseals the secrets before Docker starts\n"))
    return changes


def active(current: Current, desired: Desired, config: str, paths: Paths) -> List[Change]:
    """What makes the release the one that runs, in its order: activating it, or rolling back to it, whose files are on
    the host already."""
    release = desired.wanted
    changes = lost_images(current, release) + unsealing(current, release, paths) + new_key(current, paths)
    changes += peer_changes(current, desired, config, paths)
    before = current.observation["release"]["current"]
    if before != release.id:
        changes.append(_switch(current, release, paths))
    return changes + socket_changes(current, paths) + container_changes(current, desired)


def socket_changes(current: Current, paths: Paths) -> List[Change]:
    """The group of the Docker socket, which an agent that has it mounted is started with."""
    before, after = current.socket_group_stored, current.socket_group
    if before == after:
        return []
    return [Change("socket-group", paths.socket_group, "group %s\n" % before if before else "", "group %s\n" % after)]


def lost_images(current: Current, release: Release) -> List[Change]:
    """The images of a prepared release that somebody has removed from the engine. They come first: without them it
    cannot start, and nothing is disturbed for a release that cannot."""
    if current.files is None:
        return []
    there = {release.image: current.image_present, **current.beside.images}
    return [Change("image", image, "", image + "\n") for image, found in there.items() if found is False]


def new_key(current: Current, paths: Paths) -> List[Change]:
    """The key of another slot, or of a slot with another seed. Not before the agent is to take its new identity: until
    then a restart of any other cause brings it up as who it is to the others."""
    if not current.other_key:
        return []
    other = "another node key\n"
    sealed = [Change("seal-key", paths.sealed_key, other, SEALED)] if current.seals else []
    return [Change("seed", paths.node_key, other, KEY), *sealed]


def unsealing(current: Current, release: Release, paths: Paths) -> List[Change]:
    """The secrets that a reboot took out of memory, when they are sealed on this machine."""
    return [Change("unseal", paths.environment(release.agent_part), "", "unsealed\n")] if current.to_unseal else []


def confirmed(current: Current, desired: Desired, config: str, paths: Paths) -> List[Change]:
    """What calling the release good has to do. Older ones go only now: until here any of them may be needed. And only
    now every member listens where the plan says, so the bootstrap list may say so too."""
    release, kept, good = desired.wanted, current.observation["release"]["kept"], current.observation["release"]["good"]
    runs = current.observation["release"]["running"] == release.id
    changes = peer_changes(current, desired, config, paths) if runs else []
    # The machine may have gone down, or its disk been full, between the link and the history.
    forgotten = desired.deployment is not None and current.remembered != release.id
    if good != release.id or forgotten:
        before = "release %s\n" % good if good and good != release.id else ""
        changes.append(Change("good", paths.good, before, "release %s\n" % release.id))
    for old in superfluous(kept, release.id, good, desired.keep_releases):
        changes.append(Change("prune", paths.release(old), "release %s\n" % old, ""))
    return changes


def removed(current: Current, paths: Paths, everything: bool) -> List[Change]:
    """What taking the agent away has to do. ``everything``: its directories too, not just what activation made."""
    changes = []
    container = current.observation["container"]
    beside = service_changes.present(current.observation["services"])
    if container is not None:
        was = "release %s, %s\n" % (container["release"], container["state"])
        changes.append(Change("down", "container", was, ""))
    elif beside or current.network:  # Compose removes the network last, and may have failed at it
        changes.append(Change("down", ", ".join(beside) or "network", "present\n", ""))
    kind = "remove" if everything else "forget"
    changes += [Change(kind, path, "present\n", "") for path in current.leftovers]
    return changes


def peer_changes(current: Current, desired: Desired, config: str, paths: Paths) -> List[Change]:
    """The bootstrap list, and the agent's file that holds it."""
    changes = []
    if desired.peers is not None and current.peers != desired.peers:
        changes.append(Change("peers", paths.peers, _peers_text(current.peers), _peers_text(desired.peers)))
    if current.config != config:
        changes.append(Change("config", paths.config(desired.wanted.file_name), current.config or "", config))
    return changes


def container_changes(current: Current, desired: Desired) -> List[Change]:
    """Starting, switching or restarting containers, when there is a reason to. The services first: the agent looks for
    them at its start alone, and one that does not come up leaves the agent as it is."""
    action, reason = activation(current, desired)
    container, release = current.observation["container"], desired.wanted
    changes = service_changes.running(current.observation["services"], release)
    if action in ("none", "services"):
        return changes
    before = "" if container is None else "release %s, %s\n" % (container["release"], container["state"])
    return changes + [Change(action, "container", before, "release %s, running (%s)\n" % (release.id, reason))]


def superfluous(kept: List[str], wanted: str, before: Optional[str], keep: int) -> List[str]:
    """The releases to remove. ``keep`` stay, two at least: the wanted one, the one before it, the last confirmed."""
    safe = [wanted] + [name for name in (before,) if name and name != wanted]
    others = [name for name in kept if name not in safe]
    return others[max(2, keep) - len(safe) :]


def _files_change(current: Current, release: Release, paths: Paths) -> Change:
    if current.files is not None:
        broken = [name for name in sorted(release.files) if current.files.get(name) != release.files[name]]
        return Change(
            "release",
            paths.release(release.id),
            "".join("%s: changed on the host\n" % name for name in broken),
            "".join("%s: as planned\n" % name for name in broken),
        )
    before, after = settings_diff(current.manifest or {}, release.manifest)
    return Change("release", paths.release(release.id), before, after)


def _switch(current: Current, release: Release, paths: Paths) -> Change:
    """Another release becomes the current one: what differs between the two, by settings path."""
    before, after = "", "release: %s\n" % release.id
    if current.manifest is not None:
        before, after = settings_diff(current.manifest, release.manifest)
    return Change("current", paths.current, before, after)


def _peers_text(peers: Optional[Peers]) -> str:
    if peers is None:
        return ""
    return "revision %s\n" % peers.revision + "".join("%s\n" % item for item in peers.multiaddrs)
