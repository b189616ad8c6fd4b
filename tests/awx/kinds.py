# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of AWX that the fake has: which module of awx.awx speaks to each, and what refers to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NODES = "workflow_job_template_nodes"
#: Whose ids may be a node's or a schedule's template.
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources", "workflow_approval_templates")


@dataclass(frozen=True)
class Kind:
    """An endpoint.

    :param module: of awx.awx, whose argument spec says which fields there are.
    :param needed: without these nothing is created.
    :param refs: fields that name another object by its id, and the endpoint of it.
    :param defaults: what the API fills in.
    :param texts: fields that hold a dictionary as JSON.
    :param own: fields that clients send and that are no argument.
    """

    module: str
    needed: tuple[str, ...] = ("name",)
    refs: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_ORGANIZATION = {"organization": "organizations"}
_ENVIRONMENT = {"execution_environment": "execution_environments"}
KINDS: dict[str, Kind] = {
    "organizations": Kind("organization", refs={"default_environment": "execution_environments"}),
    "credential_types": Kind("credential_type", ("name", "kind"), own={"managed": {"type": "bool"}},
                             defaults={"inputs": {}, "injectors": {}}),
    "credentials": Kind("credential", ("name", "credential_type"),
                        {**_ORGANIZATION, "credential_type": "credential_types"}, {"inputs": {}}),
    "execution_environments": Kind("execution_environment", ("name", "image"),
                                   {**_ORGANIZATION, "credential": "credentials"}, {"pull": ""}),
    "projects": Kind("project", ("name", "organization"),
                     {**_ORGANIZATION, "credential": "credentials", "default_environment": "execution_environments"},
                     {"scm_type": "", "scm_branch": "", "scm_revision": "", "scm_update_cache_timeout": 0}),
    "inventories": Kind("inventory", ("name", "organization"), _ORGANIZATION,
                        {"kind": "", "host_filter": None, "variables": ""}, ("variables",)),
    "inventory_sources": Kind("inventory_source", ("name", "inventory", "source"),
                              {**_ENVIRONMENT, "inventory": "inventories", "credential": "credentials",
                               "source_project": "projects"}, {"source_vars": ""}, ("source_vars",)),
    "job_templates": Kind("job_template", ("name", "project", "playbook", "inventory"),
                          {**_ORGANIZATION, **_ENVIRONMENT, "inventory": "inventories", "project": "projects"},
                          {"extra_vars": "", "survey_enabled": False, "job_slice_count": 1}, ("extra_vars",)),
    "workflow_job_templates": Kind("workflow_job_template", ("name",), {**_ORGANIZATION, "inventory": "inventories"},
                                   {"extra_vars": "", "survey_enabled": False}, ("extra_vars",)),
    NODES: Kind("workflow_job_template_node", ("workflow_job_template", "identifier"),
                {**_ENVIRONMENT, "workflow_job_template": "workflow_job_templates", "inventory": "inventories",
                 "unified_job_template": "unified_job_templates"}, own={"type": {}}),
    "workflow_approval_templates": Kind("workflow_job_template_node", defaults={"description": "", "timeout": 0}),
    "schedules": Kind("schedule", ("name", "rrule", "unified_job_template"),
                      {**_ENVIRONMENT, "unified_job_template": "unified_job_templates", "inventory": "inventories"},
                      {"enabled": True, "extra_data": {}}),
    "notification_templates": Kind("notification_template",
                                   ("name", "organization", "notification_type", "notification_configuration"),
                                   _ORGANIZATION, {"messages": None}),
}  # fmt: skip
#: The endpoint of a list of other objects, where it has another name.
TARGETS = {"galaxy_credentials": "credentials", "success_nodes": NODES, "always_nodes": NODES, "failure_nodes": NODES,
           "input_inventories": "inventories"}  # fmt: skip
SURVEYS = ("job_templates", "workflow_job_templates")
