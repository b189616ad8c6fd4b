# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every run requires before it looks at a member: fit settings of Ansible's, and an inventory that was read whole.

It is asked first and often alone, so it loads nothing of what a plan is made with.
"""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Sequence

from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.finding import WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.membership import empty_fleet
from ansible_collections.praxis.cloud.plugins.plugin_utils import ansible_settings, fleet_variables, host_keys_kept
from ansible_collections.praxis.cloud.plugins.plugin_utils.logins import Logins, remember
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import (
    GIVEN,
    GIVEN_TO_OBSERVE,
    GIVEN_TRUTHS,
    no_truth,
    truth,
)


def require(
    task_vars: Mapping[str, Any],
    machines: List[str],
    template: Callable[[Any], Any],
    may_be_empty: bool = False,
    logs_in: bool = True,
    observes: bool = False,
) -> None:
    """Settings with which no run would stop in its middle, what the run is given, every source of the inventory, and a
    member.

    :param template: what a variable says; raises AnsibleError.
    :param machines: the members that are machines.
    :param may_be_empty: whether none of them is no error.
    :param logs_in: whether the run logs in to them: then the host keys that it learns have to be kept.
    :param observes: whether it changes nothing: then it has no use for most of what it may be given.
    :raises Failed: for what is missing.
    """
    given = GIVEN_TO_OBSERVE if observes else GIVEN
    _refuse([*ansible_settings.refusals(command_line=logs_in), *_given(task_vars, template, given)])
    # Half an inventory is worse than none: a source that fails leaves the others' hosts behind. praxis.cloud.fleet
    # writes down which could not be read.
    unread = fleet_variables.plain(task_vars.get("praxis_inventory_errors") or [])
    _refuse([Finding(**error) for error in unread])
    if not machines and not may_be_empty:
        raise Failed(empty_fleet("inventory"), *stopped(task_vars))
    if logs_in:
        # How host keys are known is a matter of the fleet: one member stands for all.
        for name in machines[:1]:
            _refuse(host_keys_kept.refusals(task_vars["hostvars"][name], name))


def _given(
    task_vars: Mapping[str, Any], template: Callable[[Any], Any], names: Sequence[str] = GIVEN
) -> List[Finding]:
    """What this run is given and cannot be read, or is neither true nor false where it has to be."""
    found = []
    for variable in names:
        try:
            value = template(task_vars.get(variable))
        except AnsibleError as error:
            found.append(fleet_variables.unreadable(variable, variable, str(error)))
            continue
        if variable in GIVEN_TRUTHS and value not in (None, "") and truth(value) is None:
            code, what, fix = no_truth(value)
            found.append(Finding(code, "%s %s" % (variable, what), variable, fix))
    return found


def require_logins(hostvars: Mapping[str, Any], machines: List[str]) -> None:
    """:raises Failed: when members are not logged in to as machines of their own."""
    logins = Logins()
    for name in machines:
        logins.add(name, hostvars[name])
    _refuse(logins.findings())
    remember(machines)


def require_cloud(groups: Mapping[str, Any]) -> None:
    """:raises Failed: when there is no cloud to work in."""
    if not {"praxis_aws", "praxis_gcp"} & set(groups):
        what = "The inventory has no group praxis_aws and no group praxis_gcp, so it is not known which cloud to use."
        fix = "Use -i inventories/aws or -i inventories/gcp. For your own machines this playbook is not needed."
        raise Failed(Finding("no-cloud", what, "inventory", fix))


def require_group(groups: Mapping[str, Sequence[str]], name: str) -> None:
    """:raises Failed: when a group is empty or missing that a run is for: every play of it would be skipped, and the
    run end with return code 0."""
    if not groups.get(name):
        what = "The group %s of the inventory has no host, and this playbook is for what is in it." % name
        fix = "Add a kind of agents to the group. For a fleet on machines alone, remove the group: the playbooks at "
        fix += "the root lead to machines then (praxis.cloud.deploy and the others are for them)."
        raise Failed(Finding("empty-fleet", what, "inventory", fix))


def stopped(task_vars: Mapping[str, Any]) -> List[Finding]:
    """The fleet's machines that are switched off, of which praxis.cloud.fleet makes no hosts: one warning for all."""
    places = [str(place) for place in fleet_variables.plain(task_vars.get("praxis_inventory_stopped") or [])]
    if not places:
        return []
    what = "These machines are stopped, so the fleet is planned without them: %s." % ", ".join(places)
    fix = "Start them (provision.yml does) and deploy again; or remove their tag or label praxis_fleet."
    return [Finding("member-stopped", what, "inventory", fix, WARNING)]


def _refuse(findings: List[Finding]) -> None:
    if findings:
        raise Failed(*findings)
