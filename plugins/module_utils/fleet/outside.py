# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a fleet that are no machines, as its machines have them: pods of a cluster, which another deployment
keeps. Pure.

Nothing on a machine tells who has dialled it: the nodes of a cluster give what their pods dial another address. So an
edge to the outside is a sound connection that this machine has dialled, or one that it has accepted from an address
that is no machine's of the fleet.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding

#: Edges to the outside that a machine has at least.
LEAST = 1
#: Who dials.
PODS, MACHINE, BOTH = "the pods", "the machine", "both"


@dataclass(frozen=True)
class Outsider:
    """A member of the other half that a machine is to be connected to.

    :param address: where the machine dials it; empty: it dials the machine, and is not dialled.
    :param dials: where it dials the machine (``address:port``); empty: it does not.
    """

    name: str
    peer_id: str
    address: str = ""
    port: int = 0
    dials: str = ""

    @property
    def place(self) -> str:
        """As a fresh dial is called."""
        return "%s:%d" % (self.address, self.port)

    @property
    def dialled_by(self) -> str:
        """Who makes the connection."""
        if not self.dials:
            return MACHINE
        return BOTH if self.address else PODS


#: Machine -> whom it is to be connected to.
Outside = Mapping[str, Tuple[Outsider, ...]]


def to_plain(outside: Outside) -> Dict[str, List[Dict[str, Any]]]:
    """As plain values; :func:`from_plain` reads them back."""
    return {name: [asdict(each) for each in found] for name, found in sorted(outside.items())}


def from_plain(plain: Mapping[str, Sequence[Mapping[str, Any]]]) -> Outside:
    """The inverse of :func:`to_plain`."""
    return {name: tuple(Outsider(**each) for each in found) for name, found in plain.items()}


def findings(
    outside: Outside, names: Collection[str], observations: Mapping[str, Mapping[str, Any]], accepted: Mapping[str, int]
) -> List[Finding]:
    """What is wrong with these machines' edges to the outside.

    A machine that dials is to blame for a missing edge. One that is only dialled has to wait: nobody here can make the
    other end dial again, and the other half's own verdict says so.

    :param accepted: machine -> sound connections that it has accepted from addresses of no machine.
    """
    found = []
    for name in sorted(set(names) & set(outside) & set(observations)):
        seen = observations[name]
        count = len(_dialled(outside[name], seen)) + accepted.get(name, 0)
        if outside[name] and count < LEAST:
            found.append(_missing(name, outside[name], seen, count))
    return found


def to_restart(
    outside: Outside,
    names: Sequence[str],
    observations: Mapping[str, Mapping[str, Any]],
    accepted: Mapping[str, int],
) -> List[str]:
    """The machines among these whose missing edges come back when they dial again."""
    found = findings(outside, names, observations, accepted)
    return [each.where for each in found if each.level == ERROR]


def _missing(name: str, outsiders: Sequence[Outsider], seen: Mapping[str, Any], count: int) -> Finding:
    answers = {each.place: (seen.get("dials") or {}).get(each.place) for each in outsiders if each.address}
    counts = (count, len(outsiders), LEAST)
    what = "The agent has %d live edges to the %d members in the cluster, and needs %d" % counts
    if "ok" in answers.values():
        fix = "Deploy the machines again: a restarted agent dials its peers. It dials them once, after its start."
        return Finding("outside-edge-missing", what + ", and they answer.", name, fix, ERROR)
    fix = "Deploy the fleet in the cluster: that restarts, one by one, the pods that have no edge to a machine."
    if answers:
        shown = ", ".join("%s: %s" % (place, answer or "not dialled") for place, answer in sorted(answers.items())[:3])
        return Finding("outside-edge-missing", "%s, and none answers (%s)." % (what, shown), name, fix, WARNING)
    return Finding("outside-edge-missing", what + ", and only they dial.", name, fix, WARNING)


def _dialled(outsiders: Sequence[Outsider], seen: Mapping[str, Any]) -> List[str]:
    """The outsiders to which a sound connection stands that this machine has dialled."""
    remote = {str(item["remote"]) for item in seen.get("edges") or [] if not int(item["retransmits"])}
    return [each.name for each in outsiders if each.address and each.place in remote]


def rows(outside_of: Outside) -> List[Dict[str, Any]]:
    """Who dials whom, for a person or a program to read: a row for each machine and way."""
    found: List[Dict[str, Any]] = []
    for machine, pods in outside_of.items():
        ways: Dict[Tuple[str, str], List[Outsider]] = defaultdict(list)
        for pod in pods:
            ways[pod.dialled_by, pod.dials].append(pod)
        for (by, dials), those in ways.items():
            found.append(
                {
                    "machine": machine,
                    "dialled_by": by,
                    "machine_address": dials,
                    "pods": [pod.name for pod in those],
                    "pod_addresses": [pod.place for pod in those if pod.address],
                }
            )
    return found


def lines(found: Sequence[Mapping[str, Any]]) -> List[str]:
    """The same as lines of text."""
    said = []
    for row in found:
        pods, ways = _span(row["pods"]), []
        if row["machine_address"]:
            verb = "dials" if len(row["pods"]) == 1 else "dial"
            ways.append("%s %s %s at %s" % (pods, verb, row["machine"], row["machine_address"]))
        if row["pod_addresses"]:
            ways.append("%s dials %s at %s" % (row["machine"], pods, _span(row["pod_addresses"])))
        said.append("%s." % ", and ".join(ways))
    return said


def _span(found: Sequence[str]) -> str:
    return found[0] if len(found) == 1 else "%s to %s" % (found[0], found[-1])
