# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dead man's switch: a host goes back to its last good release by itself unless a newer one is called good in time.

A step that is about to disturb the agent arms it. It is a timer of systemd's that outlasts a reboot, a script, and a
record; all of it is gone once the release is called good or rolled back. It needs no cloud, registry or controller.

The machine's clock may be set meanwhile. So within a boot the time counts that the machine has been up, and after a
reboot whatever comes first: the time by the clock, or the same number of seconds again. Once the host has begun to go
back, a reboot lets it go on as soon as the machine is up.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import files, uptime
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import PROJECT, Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.systemd import Ended, reason, systemctl

SERVICE, TIMER = "praxis-rollback.service", "praxis-rollback.timer"
#: Seconds for the pull of an image that somebody has removed. It has no login but what root has on the machine.
PULL_SECONDS = 900
#: Seconds by which a clock that nobody has set does not differ from the time that the machine has been up.
CLOCK_SET = 30.0

_SCRIPT = """\
#!/bin/sh
# Rolls back to the last good release: the one that runs was not confirmed in time.
set -eu
exec 9>>%(lock)s
flock 9
# Who holds it, for the one who waits. The lock needs no name.
trap ': >%(lock)s' EXIT
since=$(date -u +%%Y-%%m-%%dT%%H:%%M:%%SZ)
echo "state=rolling-back-by-itself release=%(back)s pid=$$ since=$since run=%(run)s" >%(lock)s ||
    echo "No space for the name of who holds the lock." >&2
leave() {
    rm -f %(armed)s
    systemctl disable --now %(timer)s
    rm -f %(files)s
    systemctl daemon-reload
}
# It was called good while this waited, or the machine went down while the rest was taken away.
if [ ! -e %(armed)s ]; then
    [ ! -e %(timer_file)s ] || leave
    exit 0
fi
# The machine went down after the release had been called good, and before this was taken away.
if [ "$(readlink %(good)s)" = releases/%(wanted)s ]; then
    leave
    exit 0
fi
# The clock was set, and the timer goes off once more when the time is really over.
if grep -qF "$(cat /proc/sys/kernel/random/boot_id)" %(armed)s; then
    read -r up _ </proc/uptime
    [ "${up%%.*}" -ge "$(sed 's/.*"due": \\([0-9]*\\).*/\\1/' %(armed)s)" ] || exit 0
fi
# A reboot ends what follows, and it goes on at once after that. The date of the timer counts once, and that was now.
{
    sed 's/^OnActiveSec=.*/OnActiveSec=1/' %(timer_file)s >%(timer_file)s.staging &&
        sync %(timer_file)s.staging && mv %(timer_file)s.staging %(timer_file)s
} || echo "No space: after a reboot this goes on when the whole deadline is over once more." >&2
# Without its images the old release cannot start: then the host stays as it is, says so, and tries again.
for image in %(images)s; do
    docker image inspect "$image" >/dev/null || timeout %(pull)d docker pull --quiet "$image" || {
        echo "$image" >%(missing)s
        exit 1
    }
done
[ ! -e %(unseal)s ] || sh %(unseal)s %(back)s
cp %(config_back)s %(config)s.staging
mv %(config)s.staging %(config)s
ln -sfn releases/%(back)s %(current)s.staging
mv -T %(current)s.staging %(current)s
docker compose -p %(project)s -f %(compose)s up --detach --no-build --pull never --remove-orphans
printf '{"run": "%(run)s", "fence": %(fence)d, "from": "%(wanted)s", "to": "%(back)s", "at": %%s}\\n' "$(date +%%s)" \\
    >%(rolled_back)s.staging
mv %(rolled_back)s.staging %(rolled_back)s
leave
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
OnActiveSec=%d
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
    :param within: it goes off after so many seconds.
    :param name: the member, whose file the agent reads.
    :param config: that file's text for ``back``.
    :param api_port: where the API of ``back`` listens.
    :param fence: the fence number of the deployment.
    :param images: what ``back`` needs.
    """

    run: str
    wanted: str
    back: str
    within: float
    name: str
    config: str
    api_port: int
    fence: int
    images: Tuple[str, ...]


def can(paths: Paths) -> bool:
    """Whether systemd runs this machine."""
    return os.path.isdir(paths.systemd)


def observe(paths: Paths) -> Dict[str, Any]:
    """``armed`` (``run``, ``fence``, ``wanted``, ``back``, ``until``, ``api_port``, ``missing``): what is armed, and
    the image for want of which it could not go back; ``rolled_back`` (``run``, ``fence``, ``from``, ``to``, ``at``):
    what the host has done by itself since it was last armed. None where there is none."""
    armed = _read(paths.armed)
    shown: Optional[Dict[str, Any]] = None
    if armed:
        shown = {**{key: armed[key] for key in ("run", "wanted", "back")}, "until": _until(armed)}
        shown.update({key: armed.get(key) for key in ("fence", "api_port")})  # older versions wrote none
        shown["missing"] = (files.read_text(paths.missing_image) or "").strip() or None
    return {"armed": shown, "rolled_back": _read(paths.rolled_back)}


def arm(paths: Paths, switch: Switch) -> None:
    """Arm it, in place of what was armed before.

    :raises Failed: ``not-armed``.
    """
    files.make_directory(paths.root, 0o755)
    files.write_file(paths.armed_config, switch.config.encode())
    files.write_file(paths.rollback, script(paths, switch).encode(), 0o700)
    files.write_file(_unit(paths, SERVICE), (_SERVICE % paths.rollback).encode())
    for path in (paths.rolled_back, paths.missing_image):
        files.remove_file(path)
    armed = {key: getattr(switch, key) for key in ("run", "fence", "wanted", "back", "api_port")}
    _set(paths, armed, switch.within)
    systemctl(["enable", "--no-reload", TIMER], partial(_not_armed, paths))  # systemd has just read it


def wind(paths: Paths, within: float) -> None:
    """Have what is armed go off after so many seconds, if that is later: somebody is at work on this host again.

    :raises Failed: ``not-armed``.
    """
    armed = _read(paths.armed)
    if armed is not None and _left(armed) < within:
        _set(paths, armed, within)


def disarm(paths: Paths) -> None:
    """Leave nothing of it.

    :raises Failed: ``not-armed``.
    """
    files.remove_file(paths.rolled_back)
    if not any(map(os.path.lexists, (paths.armed, *_files(paths)))):
        return
    files.remove_file(paths.armed)
    failed = partial(_not_armed, paths)
    if os.path.lexists(_unit(paths, TIMER)):
        systemctl(["disable", "--now", "--no-reload", TIMER], failed)  # it reads all units again below
    for path in _files(paths):
        files.remove_file(path)
    systemctl(["daemon-reload"], failed)


def script(paths: Paths, switch: Switch) -> str:
    """What goes back, as a text for the shell."""
    return _SCRIPT % {
        "lock": paths.lock,
        "armed": paths.armed,
        "unseal": paths.unseal,
        "back": switch.back,
        "wanted": switch.wanted,
        "run": switch.run,
        "fence": switch.fence,
        "config": paths.config(switch.name),
        "images": " ".join(switch.images),
        "pull": PULL_SECONDS,
        "missing": paths.missing_image,
        "config_back": paths.armed_config,
        "current": paths.current,
        "good": paths.good,
        "project": PROJECT,
        "compose": os.path.join(paths.release(switch.back), "compose.yaml"),
        "rolled_back": paths.rolled_back,
        "timer": TIMER,
        "timer_file": _unit(paths, TIMER),
        "files": " ".join(_files(paths)),
    }


def _set(paths: Paths, armed: Dict[str, Any], within: float) -> None:
    until = time.time() + within
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(until + 1))
    files.write_file(_unit(paths, TIMER), (_TIMER % (math.ceil(within), when)).encode())
    due = {"until": until, "boot": uptime.boot(), "due": int(uptime.seconds() + within)}
    files.write_file(paths.armed, json.dumps({**armed, **due}).encode() + b"\n")
    failed = partial(_not_armed, paths)
    systemctl(["daemon-reload"], failed)
    systemctl(["restart", TIMER], failed)


def _until(armed: Dict[str, Any]) -> float:
    """When it goes off, by the clock as it is now."""
    now = time.time() + _left(armed)
    was_set = armed.get("boot") == uptime.boot() and abs(now - float(armed["until"])) > CLOCK_SET
    return now if was_set else float(armed["until"])


def _left(armed: Dict[str, Any]) -> float:
    """Seconds until it goes off; none where the machine has been rebooted since, or an older version armed it."""
    return float(armed["due"]) - uptime.seconds() if armed.get("boot") == uptime.boot() else 0.0


def _read(path: str) -> Optional[Dict[str, Any]]:
    try:
        found = json.loads(files.read_text(path) or "null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _files(paths: Paths) -> Sequence[str]:
    """Everything but the record, which says whether the rest counts."""
    return _unit(paths, TIMER), _unit(paths, SERVICE), paths.rollback, paths.armed_config, paths.missing_image


def _unit(paths: Paths, name: str) -> str:
    return os.path.join(os.path.dirname(paths.unit), name)


def _not_armed(paths: Paths, done: Ended) -> Finding:
    what = "%s failed: %s." % (" ".join(done.args), reason(done))
    return Finding("not-armed", what, _unit(paths, TIMER), "Fix what systemd's message names, and deploy again.")
