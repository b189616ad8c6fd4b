# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines a fleet should have, the machines it has, and what lies between. Pure.

One machine a slot. Which machine holds a slot is read first from what nobody can edit: on AWS its launch token, on
Google Cloud its name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import MANAGED_TAG, MANAGED_VALUE, mark, tags_of

#: The setting of an EC2 instance that names its instance profile.
PROFILE = "instance_profile"
#: Seconds for which a machine is left when its load balancer gives it none: the balancer's own parts hear late of a
#: target that leaves, and send it requests until they do.
LATE_REQUESTS = 10.0
#: States in which a machine holds its slot.
LIVE = frozenset(("pending", "running", "stopping", "stopped"))


@dataclass(frozen=True)
class Words:
    """A cloud's words for the same things.

    :param name_tag: the tag that holds a machine's name; empty where a machine has a name of its own.
    """

    tags: str = "tags"
    groups: str = "security_groups"
    name_tag: str = "Name"


AWS = Words()
GOOGLE = Words(tags="labels", groups="network_tags", name_tag="")


@dataclass(frozen=True)
class Machine:
    """One machine as the cloud shows it.

    :param groups: what the firewall knows it by: security groups, network tags.
    :param settings: what else is kept, by the cloud's own words.
    :param at_rest: whether it is switched off, or is about to be.
    """

    id: str
    slot: str
    state: str
    tags: Mapping[str, str]
    groups: tuple[str, ...] = ()
    ours: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    at_rest: bool = False


def terminated(found: Iterable[Machine]) -> dict[str, list[str]]:
    """Ids of the machines that are no more, by slot."""
    gone: dict[str, list[str]] = {}
    for each in found:
        if each.state not in LIVE:
            gone.setdefault(each.slot, []).append(each.id)
    return gone


@dataclass(frozen=True)
class Wanted:
    """What the fleet should be.

    :param slots: in order; ``aws-1`` first.
    :param labels: the user's own tags, put on every machine.
    :param groups: of every machine; empty leaves them as they are.
    :param settings: of every machine; those not named are left as they are.
    :param settings_at_rest: the same, of those that the cloud changes on a machine at rest only.
    """

    fleet: str
    slots: tuple[str, ...]
    role: str = "agent"
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    words: Words = AWS
    settings_at_rest: Mapping[str, str] = field(default_factory=dict)

    def name(self, slot: str) -> str:
        """The name of the slot's machine."""
        return f"{self.fleet}-{slot}"

    def tags(self, slot: str) -> dict[str, str]:
        """All tags that the slot's machine must have."""
        return {
            **self.labels,
            **({self.words.name_tag: self.name(slot)} if self.words.name_tag else {}),
            "praxis_role": self.role,
            "praxis_slot": slot,
            **mark(self.fleet),
        }

    def settings_of(self, machine: Machine) -> dict[str, str]:
        """All settings that the machine can be given in its state."""
        return {**self.settings, **(self.settings_at_rest if machine.at_rest else {})}


@dataclass(frozen=True)
class Changes:
    """What must be done. Slots for what does not exist yet, machine ids for what does."""

    launch: tuple[str, ...] = ()
    terminate: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    regroup: tuple[str, ...] = ()
    reset: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    retag: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any((self.launch, self.terminate, self.start, self.regroup, self.reset, self.retag))


def slots(prefix: str, count: int) -> tuple[str, ...]:
    """``aws-1`` to ``aws-<count>``.

    :raises Failed: ``bad-hosts``: fewer than none would be none.
    """
    if count < 0:
        fix = "Write how many the fleet is to have; 0 ends them all."
        raise Failed(Finding("bad-hosts", "%d machines are asked for." % count, "provision_hosts (praxis_hosts)", fix))
    return tuple(f"{prefix}-{number}" for number in range(1, count + 1))


def token(fleet: str, slot: str, launch: Mapping[str, Any], predecessors: Iterable[str], hour: int) -> str:
    """The launch token (at most 64 characters) by which the cloud knows a repeated request.

    It stays the same for a retry, and differs for a machine that takes the place of one that is gone: a cloud refuses
    a token whose machine was terminated. Gone machines are listed for an hour at least, hence the hour.

    :param launch: the request's other parameters; a token may not be used again with others.
    :param predecessors: ids of gone machines of this slot.
    :param hour: hours since the epoch.
    """
    text = json.dumps([launch, sorted(predecessors), hour], sort_keys=True)
    return f"praxis-{fleet}-{slot}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def machine(instance: Mapping[str, Any], fleet: str) -> Machine | None:
    """An instance in EC2's words -> a machine of this fleet, or None when it is not one."""
    tags = tags_of(instance)
    launched = re.fullmatch(rf"praxis-{re.escape(fleet)}-([a-z]+-\d+)-[0-9a-f]{{16}}", instance.get("ClientToken", ""))
    tagged = tags.get("praxis_fleet") == fleet
    if not launched and not tagged:
        return None
    return Machine(
        id=instance["InstanceId"],
        slot=launched[1] if launched else tags.get("praxis_slot", ""),
        state=instance["State"]["Name"],
        tags=tags,
        groups=tuple(sorted(group["GroupId"] for group in instance.get("SecurityGroups", ()))),
        ours=bool(launched) or tags.get(MANAGED_TAG) == MANAGED_VALUE,
        settings=_settings(instance),
    )


def _settings(instance: Mapping[str, Any]) -> dict[str, str]:
    """What a launch sets of an EC2 instance and somebody may change while it runs."""
    metadata = instance.get("MetadataOptions", {})
    profile = instance.get("IamInstanceProfile", {}).get("Arn", "")
    return {
        "metadata_endpoint": str(metadata.get("HttpEndpoint", "enabled")),
        "metadata_tokens": str(metadata.get("HttpTokens", "optional")),
        "metadata_hops": str(metadata.get("HttpPutResponseHopLimit", 1)),
        PROFILE: profile.rpartition("/")[2],
    }


def diff(wanted: Wanted, found: Iterable[Machine], *, allow_shrink: bool) -> Changes:
    """What turns the machines found into those wanted.

    :raises Failed: ``slot-taken``, ``slot-twice``, ``would-shrink``.
    """
    live = [machine for machine in found if machine.state in LIVE]
    by_slot: dict[str, list[Machine]] = {}
    for each in live:
        by_slot.setdefault(each.slot, []).append(each)
    findings = list(_contested(wanted, by_slot))
    surplus = [each for each in live if each.ours and each.slot not in wanted.slots]
    if surplus and not allow_shrink:
        findings.append(_would_shrink(wanted, surplus))
    if findings:
        raise Failed(*findings)

    held = {slot: by_slot[slot][0] for slot in wanted.slots if slot in by_slot}
    groups = tuple(sorted(wanted.groups))
    retag = {each.id: _missing(wanted.tags(slot), each.tags) for slot, each in held.items()}
    reset = {each.id: _missing(wanted.settings_of(each), each.settings) for each in held.values()}
    return Changes(
        launch=tuple(slot for slot in wanted.slots if slot not in held),
        terminate=tuple(each.id for each in surplus),
        start=tuple(each.id for each in held.values() if each.state in ("stopping", "stopped")),
        regroup=tuple(each.id for each in held.values() if groups and each.groups != groups),
        reset={id_: settings for id_, settings in reset.items() if settings},
        retag={id_: tags for id_, tags in retag.items() if tags},
    )


def not_restored(wanted: Wanted, found: Iterable[Machine]) -> dict[str, dict[str, str]]:
    """By id, the settings that a machine of the fleet lacks and that it cannot be given while it runs."""
    held = [each for each in found if each.ours and each.state in LIVE and each.slot in wanted.slots]
    missing = {each.id: _missing(wanted.settings_at_rest, each.settings) for each in held if not each.at_rest}
    return {id_: settings for id_, settings in missing.items() if settings}


def _missing(tags: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if present.get(key) != value}


def _contested(wanted: Wanted, by_slot: Mapping[str, list[Machine]]) -> Iterable[Finding]:
    for slot in wanted.slots:
        holders = by_slot.get(slot, [])
        strangers = [each.id for each in holders if not each.ours]
        if len(holders) > 1:
            yield Finding(
                "slot-twice",
                f"the slot {slot} is held by {' and '.join(each.id for each in holders)}.",
                f"fleet {wanted.fleet}",
                "Terminate one of these machines: two agents with one identity disturb each other.",
            )
        elif strangers:
            yield Finding(
                "slot-taken",
                f"the slot {slot} is held by {strangers[0]}, which praxis.cloud did not create.",
                f"fleet {wanted.fleet}",
                f"Give that machine another slot, or let praxis.cloud manage it: add {MANAGED_TAG}={MANAGED_VALUE} to "
                f"its {wanted.words.tags}.",
            )


def _would_shrink(wanted: Wanted, surplus: list[Machine]) -> Finding:
    named = ", ".join(f"{each.slot or 'no slot'} ({each.id})" for each in surplus)
    return Finding(
        "would-shrink",
        f"{len(wanted.slots)} machines are asked for, and these exist beyond them: {named}.",
        f"fleet {wanted.fleet}",
        "Raise the number of hosts, or allow their termination with provision_allow_shrink=true.",
    )


def picture(wanted: Wanted, found: Iterable[Machine], changes: Changes) -> dict[str, dict[str, Any]]:
    """Before and after, by machine, for a diff: only what changes."""
    known = {each.id: each for each in found}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}

    def note(id_: str, key: str, old: Any, new: Any) -> None:
        before.setdefault(id_, {})[key] = old
        after.setdefault(id_, {})[key] = new

    for slot in changes.launch:
        after[slot] = {"id": "(known after apply)", "state": "running", wanted.words.tags: wanted.tags(slot)}
    for id_ in changes.terminate:
        note(id_, "state", known[id_].state, "terminated")
    for id_ in changes.start:
        note(id_, "state", known[id_].state, "running")
    for id_ in changes.regroup:
        note(id_, wanted.words.groups, list(known[id_].groups), sorted(wanted.groups))
    for id_, settings in changes.reset.items():
        for name, value in settings.items():
            note(id_, name, known[id_].settings.get(name), value)
    for id_, tags in changes.retag.items():
        note(id_, wanted.words.tags, {key: known[id_].tags.get(key) for key in tags}, dict(tags))
    return {"before": before, "after": after}


def require_one_that_serves(balancer: str, serving: Collection[Any], going: Collection[Any]) -> None:
    """Refuse to end machines that are too many where those that would be left serve nobody, though some do now.

    :param serving: the targets that the load balancer calls healthy.
    :param going: those of the machines that go.
    :raises Failed: ``none-would-serve``.
    """
    if serving and set(serving) <= set(going):
        what = f"The members that would be removed are the only ones that the load balancer {balancer} calls healthy."
        fix = "Repair the members that stay (verify.yml says what is wrong), then run again."
        raise Failed(Finding("none-would-serve", what, f"load balancer {balancer}", fix))
