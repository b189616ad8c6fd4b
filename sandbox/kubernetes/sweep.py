# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes the container that held a pod's network open as soon as it has ended.

The kubelet of 1.20.0 to 1.20.2 lets a pod go only then, and removes such containers once a minute
(github.com/kubernetes/kubernetes, issue 97288).
"""

from __future__ import annotations

import subprocess
import sys

_HELD = "label=io.kubernetes.docker.type=podsandbox"


def main(engine: str) -> None:
    """Follow an engine's events until it ends."""
    command = ["docker", "-H", engine, "events", "--filter", "event=die", "--filter", _HELD, "--format", "{{.ID}}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as events:
        assert events.stdout is not None
        for line in events.stdout:
            # The kubelet may have removed it in the same moment: then there is nothing to do, and the log says so.
            subprocess.run(["docker", "-H", engine, "rm", "--volumes", line.strip()], check=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
