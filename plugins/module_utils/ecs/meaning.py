# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task definition means, and whether two mean the same. Pure.

AWS answers a definition with its own defaults in it, with empty lists for what was not given, and in an order of its
own, so what was sent and what is there are compared by meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import start

Definition = dict[str, Any]


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions mean the same."""
    return normal(one) == normal(other)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """What differs in meaning, each by its path; of the agent's file, setting by setting."""
    return list(_differing(_opened(before) if before else {}, _opened(after), ""))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        inner = f"{path}.{name}" if path else str(name)
        if isinstance(new, Mapping) and isinstance(old, (Mapping, type(None))):
            yield from _differing(old or {}, new, inner)
        elif old != new:
            yield inner, old, new


def _opened(definition: Mapping[str, Any]) -> Definition:
    """What a definition means, for people: the agent's file is no text but what stands in it."""
    # Imported here: the module must be importable where PyYAML is not installed.
    import yaml

    found = normal(definition)
    for name, container in found.pop("containerDefinitions").items():
        environment = {key: each.get("value", "") for key, each in container.pop("environment", {}).items()}
        text = environment.pop(start.FILE_VARIABLE, "")
        found[name] = {**container, "environment": environment, "settings": yaml.safe_load(text) or {}}
    return found


def normal(definition: Mapping[str, Any]) -> Definition:
    """What a definition means: without what AWS adds to it, its defaults written out, and without an order where order
    means nothing."""
    kept = {key: value for key, value in definition.items() if key not in _ANSWERED}
    awsvpc = kept.get("networkMode") == "awsvpc"
    rest = {key: value for key, value in kept.items() if key != "containerDefinitions"}
    found: Definition = dict(_pruned({**_DEFAULTS, **_without_nothing(rest)}))
    if "volumes" in found:
        found["volumes"] = {str(each.get("name")): dict(each) for each in found["volumes"]}
    for key in ("cpu", "memory"):
        if key in found:
            found[key] = str(found[key])
    containers = [_container(each, awsvpc) for each in kept.get("containerDefinitions") or ()]
    return {**found, "containerDefinitions": {str(each.get("name")): each for each in containers}}


def _container(given: Mapping[str, Any], awsvpc: bool) -> Definition:
    found = {**_CONTAINER_DEFAULTS, **_without_nothing(given)}
    for key, read in _NAMED.items():
        if key in found:
            found[key] = {str(read(each)): _meant(key, each, awsvpc) for each in found[key]}
    if "healthCheck" in found:
        found["healthCheck"] = {**_HEALTH_DEFAULTS, **_without_nothing(found["healthCheck"])}
    if "linuxParameters" in found:
        found["linuxParameters"] = _linux(found["linuxParameters"])
    # Their values may be empty, which is not the same as none.
    kept = {key: found[key] for key in ("environment", "dockerLabels") if found.get(key)}
    return {**_pruned({key: value for key, value in found.items() if key not in kept}), **kept}


def _meant(key: str, each: Mapping[str, Any], awsvpc: bool) -> Any:
    if key == "mountPoints":
        return {"readOnly": False, **_without_nothing(each)}
    if key != "portMappings":
        return dict(each)
    port = {"protocol": "tcp", **_without_nothing(each)}
    # In a network of its own a container's port is the host's.
    return {**port, "hostPort": port["containerPort"]} if awsvpc and "containerPort" in port else port


def _linux(given: Mapping[str, Any]) -> Definition:
    found = dict(_without_nothing(given))
    if "capabilities" in found:
        found["capabilities"] = {key: sorted(value or ()) for key, value in found["capabilities"].items()}
    if "tmpfs" in found:
        found["tmpfs"] = {
            each["containerPath"]: {**each, "mountOptions": sorted(each.get("mountOptions") or ())}
            for each in found["tmpfs"]
        }
    return found


def _without_nothing(given: Mapping[str, Any]) -> Definition:
    return {key: value for key, value in given.items() if value is not None}


def _pruned(value: Any) -> Any:
    """Without what is empty: AWS answers an empty list where nothing was given."""
    if isinstance(value, Mapping):
        inner = {key: _pruned(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in (None, [], {}, "")}
    return list(_each(value)) if isinstance(value, (list, tuple)) else value


def _each(values: Iterable[Any]) -> Iterable[Any]:
    return (_pruned(value) if isinstance(value, Mapping) else value for value in values)


def _name(each: Mapping[str, Any]) -> Any:
    return each.get("name")


def _port(each: Mapping[str, Any]) -> Any:
    return f"{each.get('containerPort', each.get('containerPortRange'))}/{each.get('protocol') or 'tcp'}"


#: What a definition has when AWS answers it, and none of its meaning.
_ANSWERED = frozenset({
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy",
    "deregisteredAt", "deleteRequestedAt", "tags",
})  # fmt: skip
_DEFAULTS: Mapping[str, Any] = {
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "enableFaultInjection": False,
}
_CONTAINER_DEFAULTS: Mapping[str, Any] = {"cpu": 0, "essential": True, "versionConsistency": "enabled"}
_HEALTH_DEFAULTS: Mapping[str, Any] = {"interval": 30, "timeout": 5, "retries": 3}
#: Lists that are tables, and what their rows are known by.
_NAMED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "environment": _name,
    "secrets": _name,
    "portMappings": _port,
    "ulimits": _name,
    "mountPoints": lambda each: each.get("containerPath"),
    "systemControls": lambda each: each.get("namespace"),
    "dependsOn": lambda each: each.get("containerName"),
}
