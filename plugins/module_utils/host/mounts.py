# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines in whose containers the agent cannot read what is mounted for it: its settings, its key, its secrets.

These files belong to the container's user and are readable by it alone. An engine that gives the users of a container
other numbers, or other labels, locks the agent out of them, and it is restarted for ever.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text
from ansible_collections.praxis.cloud.plugins.module_utils.host.observation import Observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: ``1`` while SELinux enforces its policy; there is no such file where it does not run.
ENFORCE = "/sys/fs/selinux/enforce"
#: Seconds for the engine's description of itself: it counts its containers and images for it.
INFO_TIMEOUT = 30.0


def require_readable(paths: Paths, observation: Observation, wanted: Mapping[str, Any]) -> None:
    """Refuse an engine whose containers cannot read the agent's files, before anything is disturbed.

    :param wanted: what daemon.json has to hold; the docker role would write it over what is there.
    :raises Failed: ``mounts-unreadable``.
    """
    daemon = {**(observation["engine"]["daemon"] or {}), **wanted}
    running = observation["engine"]["running"]
    options = Engine(paths.engine_socket, INFO_TIMEOUT).info().get("SecurityOptions") if running else ()
    enforcing = (read_text(ENFORCE) or "").strip() == "1"
    findings = [
        Finding("mounts-unreadable", "%s, so the agent could not read its files." % what, "this host's engine", fix)
        for what, fix in _obstacles(_names(options or ()), daemon, enforcing)
    ]
    if findings:
        raise Failed(*findings)


def _obstacles(security: Set[str], daemon: Dict[str, Any], enforcing: bool) -> Iterator[Tuple[str, str]]:
    if "userns" in security or daemon.get("userns-remap"):
        fix = "Take userns-remap out of daemon.json or dockerd's options, and restart Docker."
        yield "The Docker Engine gives the users of containers other numbers (userns-remap)", fix
    if "rootless" in security:
        yield "The Docker Engine is rootless", "Run it as root: stop the rootless one, and start docker.service."
    if enforcing and ("selinux" in security or daemon.get("selinux-enabled")):
        fix = "Take selinux-enabled out of daemon.json or dockerd's options, and restart Docker."
        yield "SELinux is enforcing, and the Docker Engine labels its containers (selinux-enabled)", fix


def _names(options: Sequence[str]) -> Set[str]:
    """``name=seccomp,profile=builtin`` is ``seccomp``."""
    return {part[len("name=") :] for option in options for part in str(option).split(",") if part.startswith("name=")}
