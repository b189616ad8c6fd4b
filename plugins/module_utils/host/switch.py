# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead man's switch: a host goes back to its last good release by itself unless a newer one is called good in time.

A step that is about to disturb the agent arms it. It is a timer of systemd's that outlasts a reboot, a script, and a
record; all of it is gone once the release is called good or rolled back. It needs no cloud, registry or controller.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import files
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import PROJECT, Paths

SERVICE, TIMER = "praxis-rollback.service", "praxis-rollback.timer"
DEADLINE = 30.0  # seconds for a command of systemd's

_SCRIPT = """\
#!/bin/sh
# Rolls back to the last good release: the one that runs was not confirmed in time.
set -eu
exec 9>>%(lock)s
flock 9
[ -e %(armed)s ] || exit 0 # it was called good while this waited
[ ! -e %(unseal)s ] || sh %(unseal)s %(back)s
cp %(config_back)s %(config)s.staging
mv %(config)s.staging %(config)s
ln -sfn releases/%(back)s %(current)s.staging
mv -T %(current)s.staging %(current)s
docker compose -p %(project)s -f %(compose)s up --detach --no-build --pull never --remove-orphans
printf '{"run": "%(run)s", "from": "%(wanted)s", "to": "%(back)s", "at": %%s}\\n' "$(date +%%s)" \\
    >%(rolled_back)s.staging
mv %(rolled_back)s.staging %(rolled_back)s
rm -f %(armed)s
systemctl disable --now %(timer)s
rm -f %(files)s
systemctl daemon-reload
"""

_SERVICE = """\
[Unit]
Description=Roll the Praxis agent back to its last good release
Wants=docker.service
After=docker.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh %s
Restart=on-failure
RestartSec=30
"""

_TIMER = """\
[Unit]
Description=Deadline for the confirmation of the Praxis agent's new release

[Timer]
OnCalendar=%s UTC
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True)
class Switch:
    """What is armed.

    :param run: the deployment that armed it.
    :param wanted: the release that has to be called good.
    :param back: the last good release.
    :param until: when it goes off, by this host's clock (seconds since 1970).
    :param name: the member, whose file the agent reads.
    :param config: that file's text for ``back``.
    """

    run: str
    wanted: str
    back: str
    until: float
    name: str
    config: str


def can(paths: Paths) -> bool:
    """Whether systemd runs this machine."""
    return os.path.isdir(paths.systemd)


def observe(paths: Paths) -> Dict[str, Any]:
    """``armed`` (``run``, ``wanted``, ``back``, ``until``): what is armed; ``rolled_back`` (``run``, ``from``, ``to``,
    ``at``): what the host has done by itself since it was last armed. None where there is none."""
    return {"armed": _read(paths.armed), "rolled_back": _read(paths.rolled_back)}


def arm(paths: Paths, switch: Switch) -> None:
    """Arm it, in place of what was armed before.

    :raises Failed: ``not-armed``.
    """
    files.make_directory(paths.root, 0o755)
    files.write_file(paths.armed_config, switch.config.encode())
    files.write_file(paths.rollback, script(paths, switch).encode(), 0o700)
    files.write_file(_unit(paths, SERVICE), (_SERVICE % paths.rollback).encode())
    files.remove_file(paths.rolled_back)
    _set(paths, {"run": switch.run, "wanted": switch.wanted, "back": switch.back, "until": switch.until})
    _systemctl(paths, ["enable", TIMER])


def wind(paths: Paths, until: float) -> None:
    """Have what is armed go off later: somebody is at work on this host again.

    :raises Failed: ``not-armed``.
    """
    armed = _read(paths.armed)
    if armed is not None and armed["until"] < until:
        _set(paths, {**armed, "until": until})


def disarm(paths: Paths) -> None:
    """Leave nothing of it.

    :raises Failed: ``not-armed``.
    """
    files.remove_file(paths.rolled_back)
    if not os.path.lexists(paths.armed) and not os.path.lexists(_unit(paths, TIMER)):
        return
    files.remove_file(paths.armed)
    _systemctl(paths, ["disable", "--now", TIMER])
    for path in _files(paths):
        files.remove_file(path)
    _systemctl(paths, ["daemon-reload"])


def script(paths: Paths, switch: Switch) -> str:
    """What goes back, as a text for the shell."""
    return _SCRIPT % {
        "lock": paths.lock,
        "armed": paths.armed,
        "unseal": paths.unseal,
        "back": switch.back,
        "wanted": switch.wanted,
        "run": switch.run,
        "config": paths.config(switch.name),
        "config_back": paths.armed_config,
        "current": paths.current,
        "project": PROJECT,
        "compose": os.path.join(paths.release(switch.back), "compose.yaml"),
        "rolled_back": paths.rolled_back,
        "timer": TIMER,
        "files": " ".join(_files(paths)),
    }


def _set(paths: Paths, armed: Dict[str, Any]) -> None:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(armed["until"]))
    files.write_file(_unit(paths, TIMER), (_TIMER % when).encode())
    files.write_file(paths.armed, json.dumps(armed).encode() + b"\n")
    _systemctl(paths, ["daemon-reload"])
    _systemctl(paths, ["restart", TIMER])


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        found = json.loads(files.read_text(path) or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _files(paths: Paths) -> Sequence[str]:
    """Everything but the record, which says whether the rest counts."""
    return _unit(paths, TIMER), _unit(paths, SERVICE), paths.rollback, paths.armed_config


def _unit(paths: Paths, name: str) -> str:
    return os.path.join(os.path.dirname(paths.unit), name)


def _systemctl(paths: Paths, arguments: Sequence[str]) -> None:
    done = subprocess.run(
        ["systemctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False
    )
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        what = "systemctl %s failed: %s." % (" ".join(arguments), said[-1] if said else "no reason")
        fix = "Fix what systemd reports, and deploy again."
        raise Failed(Finding("not-armed", what, _unit(paths, TIMER), fix))
