# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m sandbox.kubernetes up|down [FOLDER]: a cluster under this folder (build/kubernetes-cluster)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.node import FOLDER


def main(verb: str = "", folder: str = "build/kubernetes-cluster") -> int:
    """What is done, and the return code."""
    if verb not in ("up", "down"):
        print(__doc__, file=sys.stderr)
        return 2
    built = subprocess.run([str(FOLDER / "build")], check=True, stdout=subprocess.PIPE, text=True).stdout
    cluster = Cluster(Path(folder).resolve(), Path(built.splitlines()[-1]))
    if verb == "down":
        cluster.down()
        return 0
    cluster.up()
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
