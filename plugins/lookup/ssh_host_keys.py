# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: ssh_host_keys
short_description: SSH's options for the host keys of a fleet
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Gives the options of SSH by which it knows the machines of a fleet, for C(ansible_ssh_common_args).
  - With O(keys) a machine has to have one of the keys that are listed for it, or there is no connection.
  - Without O(keys) a machine's key is learnt at the first login into O(known_hosts), and held from then on.
options:
  _terms:
    description: The member's name, by which O(keys) has it.
    type: list
    elements: str
    required: true
  keys:
    description:
      - A mapping of members to lists of their public host keys.
      - Or the path of a C(known_hosts) file with the members' names, as C(praxis.cloud.host_keys) writes it.
      - Empty for none.
    type: raw
    default: {}
  known_hosts:
    description: The file in which keys are learnt.
    type: str
    default: ~/.ssh/known_hosts
  alias:
    description: What a machine is called in O(known_hosts). By default SSH takes its address.
    type: str
    default: ""
"""

EXAMPLES = r"""
# In group_vars.
ansible_ssh_common_args: >-
  {{ lookup('praxis.cloud.ssh_host_keys', inventory_hostname, keys=praxis_host_keys, known_hosts=praxis_known_hosts,
  alias=praxis_instance_id) }}
"""

RETURN = r"""
_raw:
  description: The options, as one string for each term.
  type: list
  elements: str
"""

import hashlib
import os
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import host_keys
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import plain
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole


class LookupModule(LookupBase):
    """SSH's options for the host keys of a fleet."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        keys = plain(self.get_option("keys"))
        try:
            if keys:
                path = kept_file(keys) if isinstance(keys, str) else written(keys)
                return [host_keys.options(path, strict=True, alias=str(term)) for term in terms]
        except Failed as failed:
            message = str(failed)
            raise AnsibleLookupError(message) from None
        # SSH takes ~ for the account's own directory, whatever HOME says.
        path = os.path.abspath(os.path.expanduser(str(self.get_option("known_hosts"))))
        return [host_keys.options(path, strict=False, alias=str(self.get_option("alias"))) for _term in terms]


def kept_file(given: str) -> str:
    """The path of a file that is there and can be read.

    :raises Failed: it is not.
    """
    path = os.path.abspath(os.path.expanduser(given))
    if not os.access(path, os.R_OK) or not os.path.isfile(path):
        fix = "Write it (ansible-playbook praxis.cloud.host_keys -i INVENTORY), or correct %s." % host_keys.VARIABLE
        raise Failed(Finding("bad-host-keys", "The file does not exist, or cannot be read.", path, fix))
    return path


def written(keys: Any) -> str:
    """The path of a known_hosts file with these keys, in the temporary directory of this run.

    It is named by what it holds: the processes of a run may write it beside each other.

    :raises Failed: for everything that is wrong in them.
    """
    findings = host_keys.check(keys)
    if findings:
        raise Failed(*findings)
    text = host_keys.known_hosts(keys)
    path = os.path.join(C.DEFAULT_LOCAL_TMP, "praxis-known-hosts-" + hashlib.sha256(text.encode()).hexdigest()[:16])
    if not os.path.exists(path):
        write_whole(path, text.encode())
    return path
