# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members and strangers as a load balancer's module takes and answers them: ``id``, ``port``, and Google's ``zone``."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_machine
from ansible_collections.praxis.cloud.plugins.plugin_utils.balancer_tasks import SEVERAL_PORTS

#: The clouds' words for a target that gets requests.
HEALTHY = "healthy"
#: AWS's word for a target that has no connection any more; Google has none.
UNUSED = "unused"


def machine_of(target: Mapping[str, Any]) -> Tuple[str, str]:
    """Zone and id as the modules answer them. Google's id may be a link, which names the zone; AWS's need none."""
    return google_machine(str(target["id"]), str(target.get("zone") or ""))


def at_its_port(target: Mapping[str, Any], observation: Mapping[str, Any]) -> Dict[str, Any]:
    """A member as it is registered now: the port in the plan may be new."""
    return {**target, "port": (observation.get("api") or {}).get("port") or target["port"]}


def standby(
    balancer: Mapping[str, Any], names: Collection[str], unconfirmed: Mapping[str, Mapping[str, Any]]
) -> List[Dict[str, Any]]:
    """Members at the ports where they will serve if they roll themselves back, which are others than now.

    :param unconfirmed: by name, the last observations of members whose release has not been called good.
    """
    if balancer["module"] not in SEVERAL_PORTS:
        return []
    here = {name: target for name, target in balancer["targets"].items() if name in names}
    found = []
    for name in [name for name in here if name in unconfirmed]:
        armed = (unconfirmed[name].get("switch") or {}).get("armed") or {}
        port = armed.get("api_port")
        if port and port != at_its_port(here[name], unconfirmed[name])["port"]:
            found.append({**here[name], "port": port})
    return found


def stale(answer: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """What members are registered with beside the ports that they belong at.

    :param targets: the members at those ports.
    """
    ours = {machine_of(target) for target in targets}
    right = {(machine_of(target), target["port"]) for target in targets}
    mine = [one for one in answer.get("others") or [] if machine_of(one) in ours]
    wrong = [in_words(one) for one in mine if (machine_of(one), one.get("port")) not in right]
    return [] if answer.get("failed") else wrong


def strangers(answer: Mapping[str, Any], balancer: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """The targets behind the balancer that are no member's, in the module's words."""
    ours = {machine_of(target) for target in balancer["targets"].values()}
    return [in_words(one) for one in answer.get("others") or [] if machine_of(one) not in ours]


def in_words(one: Mapping[str, Any]) -> Dict[str, Any]:
    """A target that a module has answered, as it takes it."""
    return {key: one[key] for key in ("id", "zone", "port") if one.get(key)}


def name_of(target: Mapping[str, Any]) -> str:
    return "%(zone)s/%(id)s" % target if "zone" in target else "%(id)s:%(port)s" % target


def by_member(targets: Sequence[Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Targets of members as ``member`` and ``port``.

    :param known: the members as targets, by name.
    """
    members = {machine_of(target): name for name, target in known.items()}
    return [{"member": members[machine_of(one)], "port": one.get("port")} for one in targets]


def leaving(answer: Mapping[str, Any], names: Sequence[str], targets: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """The members that have been taken out and may have connections still."""
    if "draining" not in answer:
        return []
    going = [one for one in answer.get("targets") or [] if one["state"] != UNUSED]
    gone = {machine_of(one) for one in [*going, *(answer.get("deregistered") or [])]}
    return [name for name in names if machine_of(targets[name]) in gone]


def is_healthy(target: Mapping[str, Any]) -> bool:
    return str(target["state"]).lower() == HEALTHY


def healthy_machines(answer: Mapping[str, Any]) -> Set[Tuple[str, str]]:
    """The machines beside those asked for that the balancer calls healthy, members or not."""
    return {machine_of(one) for one in filter(is_healthy, answer.get("others") or [])}


def healthy(
    answer: Mapping[str, Any], names: Sequence[str], others: Collection[str], targets: Mapping[str, Mapping[str, Any]]
) -> List[str]:
    """The members that the balancer calls healthy.

    :param names: those that it was asked for.
    :param others: more members, whom it may have answered beside those.
    """
    machines = healthy_machines(answer)
    asked = [one["member"] for one in answered(answer, names, targets) if one["healthy"]]
    return asked + sorted(name for name in others if machine_of(targets[name]) in machines)


def answered(
    answer: Mapping[str, Any], names: Sequence[str], targets: Mapping[str, Mapping[str, Any]]
) -> List[Dict[str, Any]]:
    """The members as their balancer sees them, each at the port where it serves, if it does at any."""
    seen: Dict[Any, Mapping[str, Any]] = {}
    for one in answer.get("targets") or []:
        machine = machine_of(one)
        if machine not in seen or is_healthy(one):
            seen[machine] = one
    known = {name: seen.get(machine_of(targets[name])) for name in names}
    return [
        {
            "member": name,
            "state": target["state"],
            "healthy": is_healthy(target),
            "description": target.get("description") or "",
        }
        for name, target in known.items()
        if target
    ]
