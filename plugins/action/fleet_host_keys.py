# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of praxis.cloud.fleet_host_keys. Documentation: plugins/modules/fleet_host_keys.py."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import published_keys
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_options import GCP_ARGUMENTS, gcp_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.options import from_environment
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.published_keys import Machine
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import known_hosts
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole

_VARIABLES = {
    "cloud": "praxis_cloud",
    "id": "praxis_instance_id",
    "region": "praxis_region",
    "project": "praxis_project",
    "zone": "praxis_zone",
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Asks the clouds for the members' host keys, and keeps them in a file."""

    TRANSFERS_FILES = False
    argument_spec: Dict[str, Any] = {"path": {"type": "str", "required": True}}

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        task_vars = task_vars or {}
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _valid, args = self.validate_argument_spec(argument_spec=self.argument_spec)
        names = fleet_variables.machines_of(task_vars["groups"])
        try:
            return {**result, **self._keep(args["path"], _machines(task_vars["hostvars"], names))}
        except Failed as error:
            return {**result, "failed": True, **error.as_result()}

    def _keep(self, given: str, machines: List[Machine]) -> Dict[str, Any]:
        if not given:
            fix = "Set it: -e praxis_host_keys_file=FILE, or PRAXIS_HOST_KEYS in the environment."
            raise Failed(Finding("no-host-keys-file", "praxis_host_keys_file is not set: there is no file to write "
                                                      "the keys to.", "praxis_host_keys_file", fix))
        path = os.path.abspath(os.path.expanduser(given))
        found = published_keys.collect(
            machines,
            lambda: aws_client(from_environment(AWS_ARGUMENTS)),
            lambda: gcp_client(from_environment(GCP_ARGUMENTS)),
        )
        before = _read(path)
        # All other lines stay, and so do the keys of a member whose cloud says nothing (any more).
        after = known_hosts.with_keys(before, {name: keys for name, keys in found.items() if keys})
        keys = known_hosts.keys_of(after, [machine.name for machine in machines])
        changed = after != before
        if changed and not self._task.check_mode:
            _write(path, after)
        return {
            "changed": changed,
            "path": path,
            "keys": {machine.name: keys.get(machine.name, []) for machine in machines},
            "unknown": [machine.name for machine in machines if machine.name not in keys],
            "kept": [name for name, published in found.items() if not published and name in keys],
            "diff": {"before": before, "after": after, "before_header": path, "after_header": path} if changed else {},
        }


def _machines(hostvars: Mapping[str, Any], names: List[str]) -> List[Machine]:
    return [
        Machine(name, **{key: str(fleet_variables.plain(hostvars[name].get(variable)) or "")
                         for key, variable in _VARIABLES.items()})
        for name in names
    ]  # fmt: skip


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _failed("read", path, error) from None


def _write(path: str, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise _failed("written", path, error) from None


def _failed(done: str, path: str, error: Exception) -> Failed:
    what = "The file for the keys cannot be %s: %s." % (done, getattr(error, "strerror", None) or error)
    return Failed(Finding("host-keys-not-kept", what, path, "Use another file: -e praxis_host_keys_file=FILE."))
