# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of an agent in a pod: it joins its file and its peers, takes its secrets, and becomes the agent.

Nothing but what every ``sh`` has in itself is used: no program of the image is asked for. The secrets are files in
memory; they are in no argument and in no definition that the cluster or the container's engine shows.
"""

from __future__ import annotations

from typing import Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.own_name import MARK, put

#: Stands for the pod's name.
POD = MARK
RELEASE_MOUNT = "/praxis/release"
PEERS_MOUNT = "/praxis/peers"
#: Written by the readiness probe: when the pod was last seen in the mesh. Each start empties it.
JOINED = "/tmp/praxis-joined"

# `read` fails on the last line when that has no end, and still gives it: so every byte of a file arrives.
_START = """set -eu
_praxis_text() {
  _praxis_found=
  while IFS= read -r _praxis_line; do
    _praxis_found=$_praxis_found$_praxis_line'
'
  done < "$1"
  _praxis_found=$_praxis_found$_praxis_line
}
_praxis_text %(release)s/agent.yaml
_praxis_rest=$_praxis_found
%(put)s_praxis_text %(peers)s/%(list)s
printf %%s "$_praxis_file$_praxis_found" > %(configs)s/"$POD_NAME".yaml
: > %(joined)s
for _praxis_secret in %(secrets)s/*; do
  [ -f "$_praxis_secret" ] || continue
  _praxis_text "$_praxis_secret"
  export "${_praxis_secret##*/}=$_praxis_found"
done
exec "$@"
"""


def start(
    own_list: bool,
    release: str = RELEASE_MOUNT,
    peers: str = PEERS_MOUNT,
    configs: str = "/app/configs",
    secrets: str = "/run/praxis",
    joined: str = JOINED,
) -> str:
    """The script.

    :param own_list: whether each pod has a bootstrap list of its own; else all share one.
    """
    listed = '"$POD_NAME".yaml' if own_list else "peers.yaml"
    return _START % {
        "release": release, "peers": peers, "configs": configs, "secrets": secrets, "joined": joined,
        "put": put("POD_NAME"), "list": listed,
    }  # fmt: skip


def command(pod: str = "$(POD_NAME)") -> Tuple[str, ...]:
    """The agent's own command line. Kubernetes puts the pod's name into it."""
    config = "/app/configs/%s.yaml" % pod
    return ("python", "-m", "praxis_sdk.main", "--config", config, "run", "--name", pod)
