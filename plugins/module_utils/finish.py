# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module of the controller ends: with its result, or with the findings that stopped it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def finish(module: AnsibleModule, work: Callable[[], dict[str, Any]]) -> None:
    """Do the work, and end the module.

    :param work: what it returns is the module's result; of ``warnings``, each is reported as Ansible's.
    """
    try:
        result = work()
    except Failed as failed:
        module.fail_json(**failed.as_result())
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    module.exit_json(**result)
