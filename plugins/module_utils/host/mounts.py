# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines in whose containers the agent cannot read what is mounted for it: its settings, its key, its secrets.

These files belong to the container's user and are readable by it alone. An engine that gives the users of a container
other numbers, or other labels, locks the agent out of them, and it is restarted for ever. One that is confined does not
see them: what it mounts in their place is empty, or nothing.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text

#: ``1`` while SELinux enforces its policy; there is no such file where it does not run.
ENFORCE = "/sys/fs/selinux/enforce"
#: Where the snap package of Docker keeps its data. It is confined: of the machine's files it sees those below /home,
#: /mnt and /media (https://github.com/canonical/docker-snap, issues 188 and 189).
SNAP = "/var/snap/"


def obstacles(daemon: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[Finding]:
    """What keeps the containers of an engine from the agent's files.

    :param daemon: daemon.json as it is to be.
    :param info: the engine's description of itself; empty when it does not run.
    """
    enforcing = (read_text(ENFORCE) or "").strip() == "1"
    found = [*_obstacles(_names(info.get("SecurityOptions") or ()), daemon, enforcing)]
    if str(info.get("DockerRootDir") or "").startswith(SNAP):
        fix = "Remove it (`snap remove docker`, with what runs in it) and deploy again: the role docker installs one."
        found.append(("The Docker Engine is a snap package, and sees no files outside of home directories", fix))
    for what, fix in found:
        words = "%s, so the agent could not read its files." % what
        yield Finding("mounts-unreadable", words, "this host's engine", fix)


def _obstacles(security: Set[str], daemon: Mapping[str, Any], enforcing: bool) -> Iterator[Tuple[str, str]]:
    if "userns" in security or daemon.get("userns-remap"):
        fix = (
            "On the machine, remove userns-remap from /etc/docker/daemon.json or dockerd's options; then systemctl "
            "restart docker."
        )
        yield "The Docker Engine maps the users of containers to other numbers (userns-remap)", fix
    if "rootless" in security:
        yield "The Docker Engine is rootless", "Stop the rootless engine, and start docker.service, which runs as root."
    if enforcing and ("selinux" in security or daemon.get("selinux-enabled")):
        fix = (
            "On the machine, remove selinux-enabled from /etc/docker/daemon.json or dockerd's options; then systemctl "
            "restart docker."
        )
        yield "SELinux is enforcing, and the Docker Engine labels its containers (selinux-enabled)", fix


def _names(options: Sequence[str]) -> Set[str]:
    """``name=seccomp,profile=builtin`` is ``seccomp``."""
    return {part[len("name=") :] for option in options for part in str(option).split(",") if part.startswith("name=")}
