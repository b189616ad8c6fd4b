# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of an agent in a task: it learns its name, writes its file, and becomes the agent. Pure.

Fargate mounts no files, so the file's text is a variable of the container, and is none of the agent's any more when
that starts. Nothing but what every ``sh`` has in itself is used. A task's name is its host's, which the VPC resolves.
"""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.own_name import put
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import CONFIG_MOUNT

#: Holds the agent's file. It is none of the agent's own variables, which begin with PRAXIS_.
FILE_VARIABLE = "PRAXISCLOUD_AGENT_FILE"
HOST_NAME = "/proc/sys/kernel/hostname"

_START = """set -eu
IFS= read -r _praxis_name < %(host)s
_praxis_rest=$%(variable)s
unset %(variable)s
%(put)sprintf %%s "$_praxis_file" > %(configs)s/"$_praxis_name".yaml
unset _praxis_rest _praxis_file
exec "$@" --config %(configs)s/"$_praxis_name".yaml run --name "$_praxis_name"
"""
#: The agent's program; the script adds what names it.
COMMAND = ("python", "-m", "praxis_sdk.main")


def start(configs: str = CONFIG_MOUNT, host: str = HOST_NAME) -> str:
    """The script."""
    return _START % {"configs": configs, "host": host, "variable": FILE_VARIABLE, "put": put("_praxis_name")}
