# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk with the agent's data that comes when Docker runs already: it is mounted then, and the agent started.

At a boot systemd waits for a disk as long as for any device, 90 seconds. Docker starts without it then, and tries once
to start a container whose mount is missing.
"""

from __future__ import annotations

import os
import shlex
from typing import Dict

from ansible_collections.praxis.cloud.plugins.module_utils.host.compose import LABELS
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

SERVICE = "praxis-late-disk.service"

_UNIT = """\
[Unit]
Description=Start the Praxis agent when the disk with its data has come late
After=docker.service
ConditionPathIsMountPoint=!%(where)s

[Service]
ExecStart=/bin/sh %(script)s

[Install]
WantedBy=docker.service
"""

_SCRIPT = """\
#!/bin/sh
# Waits for the disk with the agent's data, be it that a deployment mounts it, and starts the agent.
set -eu
umask 077
until mountpoint -q %(where)s; do
    [ ! -e %(what)s ] || systemctl start %(mount)s
    sleep 2
done
flock %(lock)s docker start $(docker ps --all --quiet%(labels)s)
"""


def texts(paths: Paths, what: str, where: str, mount: str) -> Dict[str, str]:
    """The files that it takes, each with its text.

    :param what: the path that the disk has when it is there.
    :param where: where it is mounted.
    :param mount: the unit that mounts it.
    """
    return {
        paths.late_disk: script(paths, what, where, mount),
        os.path.join(os.path.dirname(paths.unit), SERVICE): _UNIT % {"where": where, "script": paths.late_disk},
    }


def script(paths: Paths, what: str, where: str, mount: str) -> str:
    """What waits, as a text for the shell."""
    words = {"what": what, "where": where, "mount": mount, "lock": paths.lock}
    labels = "".join(" --filter label=%s=%s" % item for item in LABELS.items())
    return _SCRIPT % {**{key: shlex.quote(word) for key, word in words.items()}, "labels": labels}
