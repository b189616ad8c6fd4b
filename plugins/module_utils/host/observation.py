# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One observation of a host: what is there, changed by nothing. The same value for every reader."""

from __future__ import annotations

import os
import platform
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import (
    compose,
    engine_settings,
    fence,
    files,
    parts,
    registrations,
    seal,
    services,
    switch,
    tcp,
    uptime,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.agent_api import read_api
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_json, read_text
from ansible_collections.praxis.cloud.plugins.module_utils.host.image_place import image_place
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import PROJECT_LABELS, RELEASE_LABEL, Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.secret_file import mask, parse

LOG_LINES = 20
#: An agent that the kernel killed and the engine started again less than this many seconds ago counts as killed.
OOM_SECONDS = 600.0
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Observation = Dict[str, Any]


def take(
    paths: Paths,
    api_port: Optional[int] = None,
    p2p_port: Optional[int] = None,
    dial: Sequence[Mapping[str, Any]] = (),
    dial_timeout: float = 3.0,
) -> Observation:
    """Everything an observation holds, as docs/architecture.md lists it.

    :param api_port: where to ask the agent; None: do not ask.
    :param p2p_port: the agent's own P2P port; None: list no edges.
    :param dial: ``{member, address, port}`` to dial afresh.
    :param dial_timeout: seconds for each dial.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        targets = [(str(item["address"]), int(item["port"])) for item in dial]
        dialling = pool.submit(tcp.dial_all, targets, dial_timeout)
        engine_observation = pool.submit(observe_engine, paths)
        agent = observe_agent(paths, api_port, p2p_port, dial)
        return {
            "host": observe_host(paths),
            "engine": engine_observation.result(),
            "release": observe_releases(paths, agent["container"]),
            "peers": observe_peers(paths),
            "balancers": registrations.read(paths),
            "deployment": fence.read(paths, time.time()),
            "switch": switch.observe(paths),
            "dials": dialling.result(),
            **agent,
        }


def observe_agent(
    paths: Paths, api_port: Optional[int], p2p_port: Optional[int], dial: Sequence[Mapping[str, Any]] = ()
) -> Dict[str, Any]:
    """What changes while an agent starts: ``container``, ``services``, ``api``, ``p2p_port``, ``edges``."""
    engine = Engine(paths.engine_socket)
    container = observe_container(paths, engine)
    if api_port is not None and container is not None:
        api_port = port_of(paths, container, "api", api_port)
    if p2p_port is not None and container is not None:
        p2p_port = port_of(paths, container, "p2p", p2p_port)
    api: Dict[str, Any] = {"health": None, "peer_id": None, "error": None, "port": api_port}
    if api_port is not None and container is not None and container["state"] == "running":
        api = {**read_api(api_port), "port": api_port}
    edges = []
    if p2p_port is not None and container is not None and container["pid"]:
        ports = {int(item["port"]) for item in dial} | {p2p_port}
        edges = tcp.p2p_edges(tcp.read_tables(container["pid"]), p2p_port, ports)
    return {
        "container": container,
        "services": observe_services(paths, engine),
        "api": api,
        "p2p_port": p2p_port,
        "edges": [item.as_edge() for item in edges],
    }


def port_of(paths: Paths, container: Mapping[str, Any], kind: str, port: int) -> int:
    """Where what runs listens: a release to come may have another port, and what runs is asked at its own.

    :param kind: ``api`` or ``p2p``.
    :param port: where it listens when its release does not say.
    """
    return _port_in(paths, str(container["release"]), kind) or port


def _port_in(paths: Paths, release: str, kind: str) -> Optional[int]:
    """Where a release listens; None where it does not say."""
    manifest = read_json(os.path.join(paths.release(release), "release.json"))
    port = ((manifest or {}).get("ports") or {}).get(kind)
    return int(port) if port else None


def observe_host(paths: Paths) -> Dict[str, Any]:
    """Python, space where images go, memory, the clock (seconds since 1970) to compare with the controller's, and what
    tells the machine from every other one."""
    memory = read_text("/proc/meminfo") or ""
    disk = os.statvfs(image_place(read_json(paths.daemon_json) or {}))
    return {
        "python": platform.python_version(),
        "disk_free_mb": disk.f_bavail * disk.f_frsize // 1048576,
        "memory_mb": memory_mb(memory, "MemTotal"),
        "memory_free_mb": memory_mb(memory, "MemAvailable"),
        "clock": round(time.time(), 3),
        "seals": seal.can(paths),
        "machine": uptime.machine(),
        "systemd": switch.can(paths),
    }


def memory_mb(meminfo: str, name: str) -> Optional[int]:
    """MiB of one line of the text of ``/proc/meminfo``: ``MemAvailable`` is what a new process could have."""
    match = re.search(r"^%s:\s+(\d+) kB$" % name, meminfo, re.MULTILINE)
    return int(match.group(1)) // 1024 if match else None


def observe_engine(paths: Paths) -> Dict[str, Any]:
    """Versions and daemon.json; null where absent. ``running``: an engine answers on the socket; ``pending``: it has
    not taken up what a run has written for it."""
    found: Dict[str, Any] = {
        "version": None,
        "compose": compose.version(paths),
        "daemon": read_json(paths.daemon_json),
        "running": False,
    }
    try:
        found["version"] = str(Engine(paths.engine_socket).version()["Version"])
        found["running"] = True
    except EngineError:
        pass
    found["pending"] = engine_settings.pending(paths, found["running"])
    return found


def observe_releases(paths: Paths, container: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """``current`` (what the link points at), ``running`` (the container's), ``good`` (last confirmed), ``kept`` (last
    confirmed first), and ``good_p2p_port``, where the good one listens; None where it does not say."""
    current, good = linked(paths.current), linked(paths.good)
    running = container["release"] if container is not None and container["state"] == "running" else None
    kept: List[Tuple[float, str]] = []
    if os.path.isdir(paths.releases):
        with os.scandir(paths.releases) as entries:
            kept = [(entry.stat().st_mtime, entry.name) for entry in entries if not entry.name.startswith(".")]
    if good is None and any(date > 0 and name == current for date, name in kept):
        good = current  # from a version that dated a release when it had passed its gate, and had no link
    names = [name for _date, name in sorted(kept, reverse=True)]
    port = _port_in(paths, good, "p2p") if good else None
    return {"current": current, "running": running, "good": good, "good_p2p_port": port, "kept": names}


def observe_peers(paths: Paths) -> Dict[str, Any]:
    """The bootstrap list, which the agent reads at its next start: ``revision`` and ``multiaddrs``, null where there is
    none."""
    found = read_json(paths.peers) or {}
    return {key: found.get(key) for key in ("revision", "multiaddrs")}


def linked(path: str) -> Optional[str]:
    """The release that a link points at."""
    return os.path.basename(os.readlink(path)) if os.path.islink(path) else None


def observe_container(paths: Paths, engine: Engine) -> Optional[Dict[str, Any]]:
    """The agent's container, or None. Its log lines come only when something is wrong with it: logs are sensitive."""
    try:
        listed = engine.containers(compose.LABELS)
        details = engine.inspect(listed[0]["Id"]) if listed else None
        if details is None:
            return None
        found = describe(details)
        found["part"] = found["release"]
        found["release"] = release_of(paths, found["part"])
        if found["state"] != "running" or found["health"] not in (None, "healthy"):
            found["logs"] = last_lines(paths, engine, found, bool(details["Config"].get("Tty")))
        if found["restarts"] and not found["oom_killed"]:
            now = time.time()
            found["oom_killed"] = engine.out_of_memory(found["id"], now - OOM_SECONDS, now)
        return found
    except EngineError:
        return None


def release_of(paths: Paths, part: Optional[str]) -> Optional[str]:
    """The release that the agent's container belongs to: several may have the same agent, with other services."""
    if part is None:
        return None
    names = [name for name in (linked(paths.current), linked(paths.good)) if name]
    for name in [*names, *files.names(paths.releases)]:
        if parts.agent_part(services.manifest_of(paths, name), name) == part:
            return name
    return part


def observe_services(paths: Paths, engine: Engine) -> Dict[str, Dict[str, Any]]:
    """The services by name: those of the current release, and what there is of others.

    The engine is not asked about them on a machine whose releases, the current and the last good one, have none.
    """
    current, good = services.manifest_of(paths, linked(paths.current)), services.manifest_of(paths, linked(paths.good))
    wanted = parts.wanted(current)
    found: Dict[str, Dict[str, Any]] = {name: services.missing(part) for name, part in wanted.items()}
    if not wanted and not parts.wanted(good):
        return found
    try:
        for item in engine.containers(PROJECT_LABELS):
            labels = item.get("Labels") or {}
            details = engine.inspect(item["Id"]) if services.PART_LABEL in labels else None
            if details is not None:
                name = str(labels[services.NAME_LABEL])
                found[name] = {**_service(paths, engine, details), "wanted": wanted.get(name)}
    except EngineError:
        pass  # the observation says of the engine that it does not run
    return found


def _service(paths: Paths, engine: Engine, details: Mapping[str, Any]) -> Dict[str, Any]:
    found = describe(details)
    found.pop("release")
    found["part"] = (details["Config"].get("Labels") or {}).get(services.PART_LABEL)
    if found["state"] != "running" or found["restarts"] or found["health"] not in (None, "healthy"):
        found["logs"] = last_lines(paths, engine, found, bool(details["Config"].get("Tty")))
    return found


def describe(details: Mapping[str, Any]) -> Dict[str, Any]:
    """An observation's ``container`` from the engine's own description; ``release`` is its label."""
    state = details["State"]
    return {
        "id": details["Id"],
        "pid": state.get("Pid") or None,
        "state": state["Status"],
        "health": (state.get("Health") or {}).get("Status"),
        "started_at": state.get("StartedAt"),
        "age": uptime.age_of(state.get("Pid")),
        "restarts": int(details.get("RestartCount") or 0),
        "exit_code": state.get("ExitCode"),
        "oom_killed": bool(state.get("OOMKilled")),
        "image": details["Config"]["Image"],
        "logs": [],
        "release": (details["Config"].get("Labels") or {}).get(RELEASE_LABEL),
    }


def running_for(container: Optional[Mapping[str, Any]], now: float) -> float:
    """Seconds since a running container was started; endless for one that does not run: nobody has to wait for it."""
    if container is None or container["state"] != "running" or not container["started_at"]:
        return float("inf")
    if container["age"] is not None:
        return float(container["age"])
    return now - datetime.fromisoformat(str(container["started_at"])[:19] + "+00:00").timestamp()


def last_lines(paths: Paths, engine: Engine, container: Mapping[str, Any], tty: bool = False) -> List[str]:
    """The container's last log lines, without colours and with the values of its part's secrets masked.

    None where these values are not known: a reboot takes them where nothing is sealed, and the log stays.
    """
    stored = read_text(paths.environment(container["part"])) if container["part"] else None
    if stored is None and _may_have_secrets(paths, container["part"]):
        return []
    text = _COLOUR.sub("", engine.logs(container["id"], LOG_LINES, tty))
    return mask(text, parse(stored or "").values()).splitlines()[-LOG_LINES:]


def _may_have_secrets(paths: Paths, part: Optional[str]) -> bool:
    """Whether no release on this machine says of the part that it has none."""
    for name in files.names(paths.releases):
        secrets = parts.secrets(services.manifest_of(paths, name), name).get(str(part))
        if secrets is not None:
            return bool(secrets)
    return True
