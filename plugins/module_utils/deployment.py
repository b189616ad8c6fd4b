# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment, and the record of it that hosts keep. Pure; what runs on a host imports it too.

One host of the fleet keeps the lock: a deployment takes it there before it changes any host (:func:`takes`), and gives
it back at its end (:func:`ends`). Every host refuses a step of a deployment that a newer one has taken over from
(:func:`refuses`). Each step writes down until when the deployment has to be waited for, by that host's own clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Iterable, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

#: Why a deployment has to leave the fleet alone: another one has it, or has stopped in its middle.
REFUSALS = ("fleet-locked", "fleet-changed", "fenced", "lease-over", "unfinished")
#: The lock is renewed when this part of the lease is over.
RENEWAL = 10
#: The option ``deployment`` of the modules.
OPTIONS = {
    "run": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "reason": {"type": "str", "default": "deploy"},
    "process": {"type": "dict", "default": {}},
    "lock_host": {"type": "str", "required": True},
    "fence": {"type": "int", "required": True},
    "lease": {"type": "float", "default": 900.0},
    "last": {"type": "bool", "default": False},
    "instead_of": {"type": "str", "default": ""},
}


@dataclass(frozen=True)
class Deployment:
    """Who asks for a step.

    :param run: the deployment's id.
    :param owner: who runs it, and where, for people.
    :param reason: what it does: ``deploy``, or ``rollback`` and where to.
    :param process: its process, for other controllers on the same machine: ``place``, ``pid``, ``started``. Empty: it
        is no deployment, but a person who has locked the fleet.
    :param lock_host: the member whose host keeps the fleet's lock.
    :param fence: greater than that of every deployment before it.
    :param lease: seconds that others have to wait for it, from its last step on.
    :param last: whether this is its last step on this host.
    :param instead_of: the deployment that it has taken over from, and leaves as it was found. Empty: there is none.
    """

    run: str
    owner: str
    reason: str
    process: Mapping[str, Any]
    lock_host: str
    fence: int
    lease: float
    last: bool = False
    instead_of: str = ""

    def record(self, now: float, ended: bool) -> Dict[str, Any]:
        """What is written down, as an observation shows it."""
        plain = asdict(self)
        return {
            **{key: plain[key] for key in ("run", "owner", "reason", "process", "lock_host", "fence")},
            "at": round(now, 3),
            "expires": round(now + self.lease, 3),
            "ended": ended,
            **({"instead_of": self.instead_of} if self.instead_of else {}),
        }


def record_in(content: Any) -> Optional[Dict[str, Any]]:
    """What a host's file holds; None for what is no record: host/fence.py writes a whole one, or none."""
    return content if isinstance(content, dict) and isinstance(content.get("fence"), int) else None


def as_of(stored: Mapping[str, Any], now: float, boot: str, up: float) -> Dict[str, Any]:
    """The record in a host's file, its times as today's clock would have shown them: a clock may be set meanwhile, so
    the file also says how long the machine had been up.

    :param stored: what the file holds.
    :param now: what the host's clock shows.
    :param boot: what tells this boot of the machine from every other one.
    :param up: seconds since the machine booted.
    """
    found = {key: value for key, value in stored.items() if key not in ("closed", "boot", "up")}
    if "boot" not in stored:  # an earlier version wrote it
        return found
    # Of another boot of the machine it is at least as old as this one.
    at = now - (up - stored["up"]) if stored["boot"] == boot else min(found["at"], now - up)
    return {**found, "at": round(at, 3), "expires": round(at + found["expires"] - found["at"], 3)}


def deployment_from(given: Optional[Mapping[str, Any]]) -> Optional[Deployment]:
    """The modules' option; None where it is not given."""
    names = Deployment.__dataclass_fields__
    return Deployment(**{name: given[name] for name in names if name in given}) if given else None


def stopped(record: Mapping[str, Any]) -> str:
    """The deployment that has not ended: one that the record's has taken over from, and has left as it was found, or
    the record's own."""
    return str(record.get("instead_of") or record["run"])


def takes(
    found: Optional[Mapping[str, Any]], wanted: Deployment, seen: Optional[int], over: Sequence[str], now: float
) -> Optional[Deployment]:
    """What taking the lock comes to.

    :param found: the record on the host that keeps the lock.
    :param seen: the fence number that this host had when the deployment observed it; None: it did not observe it.
    :param over: the deployments that are to be taken over from.
    :return: the deployment with the fence number that it has from now on; None: it has the lock already, and most of
        its lease before it.
    :raises Failed: ``fleet-locked``, ``fleet-changed``.
    """
    if found is None:
        return wanted
    if found["run"] == wanted.run:
        return wanted if now > found["at"] + wanted.lease / RENEWAL else None
    if _is_same_person(found, wanted) and not found["ended"] and found["expires"] > now:
        return None
    if not found["ended"] and found["expires"] > now and found["run"] not in over:
        raise Failed(locked(found, wanted.lock_host, now))
    if seen is not None and found["fence"] != seen:
        raise Failed(_changed(found, wanted.lock_host))
    return replace(wanted, fence=max(wanted.fence, found["fence"] + 1))


def _is_same_person(found: Mapping[str, Any], wanted: Deployment) -> bool:
    """Whether a person has locked the fleet, who does so again for the same reason."""
    same = (found["owner"], found["reason"]) == (wanted.owner, wanted.reason)
    return same and is_by_hand(found) and not wanted.process


def refuses(found: Optional[Mapping[str, Any]], wanted: Deployment) -> bool:
    """Whether a host with this record refuses a step of this deployment."""
    return found is not None and found["run"] != wanted.run and bool(found["fence"] >= wanted.fence)


def ends(found: Optional[Mapping[str, Any]], wanted: Deployment) -> bool:
    """Whether this deployment has something to end on a host with this record."""
    return found is not None and found["run"] == wanted.run and not found["ended"]


def shown(record: Mapping[str, Any]) -> str:
    """A record in a diff. A person's id is a new one in every run, check mode's too."""
    if is_by_hand(record) and not record["ended"]:
        return "fence %d, locked by %s (%s)\n" % (record["fence"], record["owner"], record["reason"])
    return "fence %d, deployment %s, %s\n" % (record["fence"], record["run"], "ended" if record["ended"] else "at work")


def is_refused(findings: Iterable[Finding]) -> bool:
    """Whether one of them has a deployment leave the fleet alone."""
    return any(item.code in REFUSALS for item in findings)


def is_by_hand(record: Mapping[str, Any]) -> bool:
    """Whether it is the record of a person who has locked the fleet, and not of a deployment."""
    return not record.get("process")


def beneath(record: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    """A deployment that did not end, from the record of a host; a person may have locked the fleet since, and the host
    keeps it beneath that lock (``under``). None: there is none."""
    if record is not None and is_by_hand(record):
        under: Optional[Mapping[str, Any]] = record.get("under")
        return under
    return None if record is None or record["ended"] else record


def locked(record: Mapping[str, Any], where: str, now: float) -> Finding:
    """Somebody else is at work, or has locked the fleet.

    :param now: the clock of the host that has the record.
    """
    if is_by_hand(record):
        what = "%s locked the fleet (%s) %d s ago. The lock ends in %d s." % (
            record["owner"], record["reason"], max(0, now - record["at"]), max(0, record["expires"] - now),
        )  # fmt: skip
        fix = "Ask them; unlock.yml ends the lock. To deploy in spite of it: praxis_take_over=%s." % record["run"]
        return Finding("fleet-locked", what, where, fix)
    what = "Deployment %s of %s holds the fleet (%s). Its last sign of life was %d s ago; its lease ends in %d s." % (
        record["run"], record["owner"], record["reason"], max(0, now - record["at"]), max(0, record["expires"] - now),
    )  # fmt: skip
    fix = "Let it end. If you know that it is dead, deploy with praxis_take_over=%s." % record["run"]
    return Finding("fleet-locked", what, where, fix)


def _changed(record: Mapping[str, Any], where: str) -> Finding:
    what = "Deployment %s of %s changed the fleet after this run had observed it." % (
        record["run"],
        record["owner"],
    )
    return Finding("fleet-changed", what, where, "Deploy again: this run's plan is older than that change.")


def fenced(record: Mapping[str, Any], where: str) -> Finding:
    what = "Deployment %s of %s has taken the fleet over from this run, so this step was refused." % (
        record["run"],
        record["owner"],
    )
    return Finding("fenced", what, where, "Check the fleet's state (status.yml), and deploy again if needed.")


def late(wanted: Deployment) -> Finding:
    what = "Deployment %s had rolled this host back, or called its release good, before this activation could begin."
    return Finding("step-late", what % wanted.run, "this host", "Nothing: the host keeps what it has.")
