# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security policies (Cloud Armor): rules by priority, changed one by one. Records: the balancer does not keep them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.gcp.compute.changes import check_fingerprint
from sandbox.gcp.compute.kinds import DEFAULT_RULE, policy_rule
from sandbox.gcp.compute.resources import Resource, fingerprint, link
from sandbox.gcp.compute.verbs import Answer, Asked, Changed
from sandbox.gcp.refused import Refused, invalid, not_found


def set_security_policy(asked: Asked) -> Answer:
    """Put a policy before a backend service, or none."""
    wanted = asked.body.get("securityPolicy")
    if wanted:
        path = asked.resources.referenced(str(wanted), asked.project, "securityPolicy")
        asked.resource["securityPolicy"] = link(path)
    else:
        asked.resource.pop("securityPolicy", None)
    asked.resource["fingerprint"] = fingerprint([asked.resource["fingerprint"], wanted])
    return Changed()


def add_rule(asked: Asked) -> Answer:
    rule = dict(asked.body)
    if any(one["priority"] == rule.get("priority") for one in asked.resource["rules"]):
        raise invalid("resource.priority", rule.get("priority"), "Cannot have rules with the same priorities.")
    return _with(asked, [*asked.resource["rules"], policy_rule(rule)])


def patch_rule(asked: Asked) -> Answer:
    old = _asked_for(asked)
    rule = policy_rule({**old, **{name: value for name, value in asked.body.items() if name != "priority"}})
    return _with(asked, [rule if one is old else one for one in asked.resource["rules"]])


def remove_rule(asked: Asked) -> Answer:
    old = _asked_for(asked)
    return _with(asked, [one for one in asked.resource["rules"] if one is not old])


def set_policy_labels(asked: Asked) -> Answer:
    check_fingerprint(asked.body.get("labelFingerprint"), asked.resource["labelFingerprint"])
    asked.resource["labels"] = dict(asked.body.get("labels") or {})
    asked.resource["labelFingerprint"] = fingerprint(asked.resource["labels"])
    return Changed()


def _asked_for(asked: Asked) -> Resource:
    wanted = int(asked.query.get("priority", 0))
    found: Resource | None = next((one for one in asked.resource["rules"] if one["priority"] == wanted), None)
    if found is None:
        raise not_found(f"{asked.path}/rules/{wanted}")
    return found


def _with(asked: Asked, rules: list[Resource]) -> Answer:
    if not any(one["priority"] == DEFAULT_RULE for one in rules):
        raise Refused(400, "invalid", "The default rule cannot be removed.")
    asked.resource["rules"] = rules
    asked.resource["fingerprint"] = fingerprint(rules)
    return Changed()


POLICY_VERBS: Mapping[tuple[str, str], Callable[[Asked], Answer]] = {
    ("backendServices", "setSecurityPolicy"): set_security_policy,
    ("securityPolicies", "addRule"): add_rule,
    ("securityPolicies", "patchRule"): patch_rule,
    ("securityPolicies", "removeRule"): remove_rule,
    ("securityPolicies", "setLabels"): set_policy_labels,
}
"""By kind and method."""
