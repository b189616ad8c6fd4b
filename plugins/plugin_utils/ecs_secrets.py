# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ECS itself fetches to start a kind's tasks: secrets of all containers, and logins of registries. Versions are
asked for; no value is ever read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import secrets
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.secrets import TaskSecret
from ansible_collections.praxis.cloud.plugins.module_utils.ecs.settings import KindSettings
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_rules import where
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import AWS, Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import Draft
from ansible_collections.praxis.cloud.plugins.plugin_utils.kinds import KindPlanner
from ansible_collections.praxis.cloud.plugins.plugin_utils.registries import RegistryEntry, name_of

_KEY_ID = re.compile(r"(?:mrk-)?[0-9a-f-]{32,36}")
#: The keys of the secret by which ECS logs in to a registry.
_USER, _PASSWORD = "username", "password"


@dataclass(frozen=True)
class TaskSecrets:
    """The secrets of a kind.

    :param agent: variable -> where ECS finds it.
    :param services: the same of each service, by its name.
    :param logins: by the image that is pulled with it.
    """

    agent: Mapping[str, TaskSecret] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, TaskSecret]] = field(default_factory=dict)
    logins: Mapping[str, TaskSecret] = field(default_factory=dict)


def of_kind(planner: KindPlanner, settings: KindSettings, draft: Draft) -> TaskSecrets:
    """Where ECS finds them; nothing, and findings, when it could not."""
    sources = dict(draft.sources)
    for service, held in draft.service_sources.items():
        sources.update({where(service, f"secrets.{name}"): source for name, source in held.items()})
    references = {name: given for name, given in sources.items() if isinstance(given, Reference)}
    for name in sorted(set(sources) - set(references)):
        what = f"{name} is a value, and a task definition must not have secret values."
        fix = "Write a reference to AWS Secrets Manager (aws-sm://…)."
        planner.findings.append(Finding("secret-value-rendered", what, settings.name, fix))
    logins = _logins(planner, draft)
    wrong = secrets.check(references, settings.name)
    planner.findings += wrong
    if wrong:
        return TaskSecrets()
    whole = {name_of(image): each for image, each in logins.items()}
    asked = {**references, **whole}
    found = _found(planner, settings, asked, whole)
    if set(found) != set(asked):
        return TaskSecrets()
    return TaskSecrets(
        {name: found[name] for name in draft.sources if name in found},
        {
            service: {name: found[place] for name in held if (place := where(service, f"secrets.{name}")) in found}
            for service, held in draft.service_sources.items()
        },
        {image: found[name_of(image)] for image in logins},
    )


def _found(
    planner: KindPlanner, settings: KindSettings, references: Mapping[str, Reference], logins: Collection[str]
) -> dict[str, TaskSecret]:
    """Stores are asked for what the user leaves open: a version, an ARN, the key for the policy of a role of ours.

    :param logins: the names of those that have no version: ECS takes a login as it is at the moment.
    """
    known = {
        name: each
        for name, each in references.items()
        if each.name.startswith("arn:") and settings.execution_role and (each.pinned or name in logins)
    }
    asked = {name: each for name, each in references.items() if name not in known}
    found = {name: TaskSecret(each.name, each.key, each.version) for name, each in known.items()}
    for name, is_ in planner.described(asked).items():
        found[name] = TaskSecret(is_.id, asked[name].key, is_.version, _key_arn(is_.encryption_key, is_.id))
    return found


def _logins(planner: KindPlanner, draft: Draft) -> dict[str, Reference]:
    """By image, the secret that ECS logs in with."""
    found = {}
    for image in draft.images:
        entry = draft.registry(image)
        if entry is None:
            continue
        if why := _unfit(entry):
            fix = "Store user and password in one secret of AWS Secrets Manager, with the keys username and password, "
            fix += "and refer to them (aws-sm://NAME#username, aws-sm://NAME#password); or copy the image into ECR."
            planner.findings.append(Finding("not-on-ecs", why, name_of(entry.server), fix, ERROR))
        elif isinstance(entry.password, Reference):
            found[image] = entry.password.whole()
    return found


def _unfit(entry: RegistryEntry) -> str:
    """Why ECS cannot log in with an entry; empty when it can."""
    user, password = entry.username, entry.password
    if entry.ca:
        return "ECS trusts only public certificate authorities."
    if not isinstance(user, Reference) or not isinstance(password, Reference):
        return "ECS reads a login only from AWS Secrets Manager."
    if {user.store, password.store} != {AWS} or user.whole() != password.whole():
        return "On ECS a login must be one secret of AWS Secrets Manager."
    if (user.key, password.key) != (_USER, _PASSWORD):
        return "ECS reads a login from the keys username and password."
    if user.pinned or user.stage:
        return "ECS always uses the newest version of a login's secret."
    return ""


def _key_arn(key: str, secret: str) -> str:
    """A KMS key's ARN; a secret may name it by its id."""
    if not _KEY_ID.fullmatch(key):
        return key
    arn, _colon, _rest = secret.partition(":secret:")
    return f"{arn.replace(':secretsmanager:', ':kms:')}:key/{key}"
