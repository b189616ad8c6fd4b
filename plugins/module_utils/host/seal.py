# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that outlast a reboot: sealed for this machine on its disk, unsealed into memory before Docker starts.

systemd-creds encrypts with a key of the machine's own, in its TPM where it has one (``--with-key=auto``). Nothing of it
needs a cloud, a registry or the controller.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.host import files
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.module_utils.host.systemd import DEADLINE, Ended, reason, systemctl

TOOL = "systemd-creds"
UNIT = "praxis-secrets.service"
SEALED_MODE = 0o600
ENVIRONMENT, KEY = "environment", "node.key"

_SCRIPT = """\
#!/bin/sh
# Unseals what the agent's container mounts: the secrets of a release, the current one unless another is named, and the
# node key. What is in memory already is left alone.
set -eu
umask 077
release=${1:-$(basename "$(readlink %(current)s)")}
unseal() { # NAME SEALED TARGET
    [ ! -e "$3" ] || return 0
    [ -d "${3%%/*}" ] || install -d -m 0500 -o %(uid)d -g %(uid)d "${3%%/*}"
    systemd-creds decrypt --name="$1" "$2" "$3.staging"
    chown %(uid)d:%(uid)d "$3.staging"
    chmod 0400 "$3.staging"
    mv "$3.staging" "$3"
}
install -d -m 0700 %(run)s
%(environments)s
unseal %(key)s "%(sealed)s/node.key" "%(run)s/keys/node.key"
"""

_ONE = 'unseal %(environment)s "%(sealed)s/$release" "%(run)s/$release/environment"'
#: A release with services names its parts that have secrets; any other is one part.
_SEVERAL = """\
parts=$(sed -n 's/^  "secret_parts": "\\([0-9a-f ]*\\)".*/\\1/p' "%(releases)s/$release/release.json")
for part in ${parts:-$release}; do
    unseal %(environment)s "%(sealed)s/$part" "%(run)s/$part/environment"
done"""

_UNIT = """\
[Unit]
Description=Secrets of the Praxis agent, unsealed into memory
RequiresMountsFor=%(root)s %(run)s
ConditionPathExists=%(current)s
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh %(script)s

[Install]
WantedBy=docker.service
"""


def can(paths: Paths) -> bool:
    """Whether this machine can seal: systemd runs it, and has the tool."""
    return os.path.isdir(paths.systemd) and shutil.which(TOOL) is not None


def is_sealed(path: str, name: str, data: bytes) -> bool:
    """Whether a sealed file holds these bytes, and this machine can open it."""
    if not os.path.isfile(path):
        return False
    done = _run(["decrypt", "--name=%s" % name, path, "-"], None)
    return done.returncode == 0 and done.stdout == data


def seal(path: str, name: str, data: bytes) -> None:
    """Write bytes to a file that this machine alone can open.

    :raises Failed: ``not-sealed``.
    """
    done = _run(["encrypt", "--with-key=auto", "--name=%s" % name, "-", "-"], data)
    if done.returncode != 0:
        raise Failed(_failed(path, done))
    files.make_directory(os.path.dirname(path), 0o700)
    files.write_file(path, done.stdout, SEALED_MODE)


def unseal(paths: Paths, release_id: str) -> None:
    """Bring a release's secrets and the node key back into memory.

    :raises Failed: ``not-sealed``.
    """
    command = ["/bin/sh", paths.unseal, release_id]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False)
    if done.returncode != 0:
        raise Failed(_failed(paths.sealed_environment(release_id), done))


def script(paths: Paths, several: bool = False) -> str:
    """The text of the script that unseals.

    :param several: for releases that may have services, too.
    """
    names = {**_names(paths), "environment": ENVIRONMENT, "key": KEY, "uid": paths.uid}
    return _SCRIPT % {**names, "environments": (_SEVERAL if several else _ONE) % names}


def several(paths: Paths, manifest: Mapping[str, Any]) -> bool:
    """Whether a release, or one that the machine keeps, has services: then the script has to know of parts."""
    kept = files.names(paths.releases)
    stored = (files.read_json(os.path.join(paths.release(name), "release.json")) for name in kept)
    return any("secret_parts" in (found or {}) for found in (manifest, *stored))


def unit(paths: Paths) -> str:
    """The text of the unit that runs it before Docker."""
    return _UNIT % _names(paths)


def install(paths: Paths, several: bool = False) -> None:
    """Write script and unit, and have the unit run at every boot.

    :raises Failed: ``not-sealed``.
    """
    files.make_directory(paths.root, 0o755)
    files.write_file(paths.unseal, script(paths, several).encode(), 0o700)
    files.write_file(paths.unit, unit(paths).encode())
    failed = partial(_failed, paths.unit)
    systemctl(["daemon-reload"], failed)
    systemctl(["enable", "--no-reload", UNIT], failed)


def remove(paths: Paths) -> None:
    """Take the unit away.

    :raises Failed: ``not-sealed``.
    """
    failed = partial(_failed, paths.unit)
    systemctl(["disable", "--no-reload", UNIT], failed)
    os.unlink(paths.unit)
    systemctl(["daemon-reload"], failed)


def is_installed(paths: Paths, several: bool = False) -> bool:
    """Whether script and unit are as they should be, and the unit is enabled.

    The script that knows of parts does for every release.
    """
    scripts = [script(paths, several=True)] + ([] if several else [script(paths)])
    wanted = os.path.join(os.path.dirname(paths.unit), "docker.service.wants", UNIT)
    return (
        files.read_text(paths.unseal) in scripts
        and files.read_text(paths.unit) == unit(paths)
        and os.path.lexists(wanted)
    )


def _names(paths: Paths) -> Dict[str, str]:
    return {
        "root": paths.root,
        "run": paths.run,
        "current": paths.current,
        "sealed": paths.sealed,
        "releases": paths.releases,
        "script": paths.unseal,
    }


def _run(arguments: Sequence[str], data: Optional[bytes]) -> Ended:
    """Values go through standard input and output: in no argument, and in no file."""
    return subprocess.run([TOOL, *arguments], input=data or b"", capture_output=True, timeout=DEADLINE, check=False)


def _failed(where: str, done: Ended) -> Finding:
    return Finding(
        "not-sealed",
        "The secrets could not be sealed for this machine, or could not be unsealed: %s." % reason(done),
        where,
        "On the machine, read the log (journalctl -u %s), and deploy again." % UNIT,
    )
