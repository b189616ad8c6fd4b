# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan out of what the hosts keep: no store, no registry and no settings file is asked. For a rollback."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import engine_advice, history, topology
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.outcomes import absences
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan, make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import KeptRelease
from ansible_collections.praxis.cloud.plugins.module_utils.host.changes import engine_reasons
from ansible_collections.praxis.cloud.plugins.plugin_utils.beside import NOBODY, Beside
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import MemberVariables
from ansible_collections.praxis.cloud.plugins.plugin_utils.host_action import not_run
from ansible_collections.praxis.cloud.plugins.plugin_utils.member_places import MIN_COMPOSE, place

#: By host, what praxis.cloud.agent_info with ``kept`` has returned.
Kept = Mapping[str, Mapping[str, Any]]
#: By host, what a run's directory keeps of it.
Outcomes = Dict[str, Dict[str, Any]]
_MULTIADDR = re.compile(r"/ip[46]/([^/]+)/tcp/\d+/p2p/(\w+)")


class KeptPlanner:
    """Plans a rollback, member by member.

    :param members: their variables; :attr:`members` has them with the ports of the releases that they go back to.
    :param to: the deployment to go back to; empty: the one before the newest, or where one that stopped has to go.
    :param silent: by host, what Ansible says in the place of its answer. These are left out, and so are those without
        an engine that could start a release.
    :param most: with more of them nothing is rolled back.
    :param needed: the hosts that must not be left out, for the run is about them.
    """

    def __init__(
        self,
        members: Sequence[MemberVariables],
        kept: Kept,
        to: str,
        min_edges: Optional[int] = None,
        faults: Sequence[Finding] = (),
        beside: Beside = NOBODY,
        silent: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        most: int = 0,
        needed: Collection[str] = (),
    ) -> None:
        self.members = list(members)
        self._beside = beside
        self._faults = [*faults, *beside.findings]
        self._kept = kept
        self._to = to
        self._most = most
        self._needed = frozenset(needed)
        #: Nothing is made for a rollback.
        self.missing: List[Dict[str, Any]] = []
        #: One for each host that is there and that the rollback does nothing to.
        self.warnings: List[Finding] = []
        #: Of the hosts that no step goes to, what is known of them.
        self.outcomes: Outcomes = {**{name: _outcome(name, said) for name, said in silent.items()}, **_idle(kept)}
        self._unable = absences(self.outcomes, self.outcomes)
        self._able = frozenset(kept).difference(self._unable)
        #: What the deployment does, for others to read.
        self.reason = "rollback"
        #: The deployments that the goal was chosen among, as no host knows of one that stopped. None: it was named, or
        #: one did.
        self.chosen_among: Optional[List[str]] = None
        self._min_edges = topology.MIN_EDGES if min_edges is None else min_edges

    def plan(self) -> Plan:
        """Find every host's release, and wire the members.

        :raises Failed: when there is no such deployment, a release of it is not whole any more, no host has a good
            release, one that is needed has none, or too many can take no step.
        """
        too_many = len(self._unable) > self._most or not self._able
        lost = [name for name in self._unable if too_many or name in self._needed]
        faults = [*self._faults, *map(self._lost, lost)]
        if faults:
            raise Failed(*faults)
        histories = {name: found["history"] for name, found in self._kept.items()}
        left = history.stopped(histories, {name: found["observation"] for name, found in self._kept.items()})
        goal, goals = history.goals(histories, self._to, left)
        if not (self._to or left.begun):
            self.chosen_among = [one.run for one in history.deployments(histories)]
        self.reason = history.ROLLBACK + (goal or "what was there before")
        findings: List[Finding] = []
        releases = {item.name: self._release(item, goals, findings) for item in self.members}
        none = len(self.warnings) == len(self._able)
        findings += [replace(item, level=ERROR) for item in self.warnings if none or item.where in self._needed]
        if findings:
            raise Failed(*findings)
        self.warnings += [_left_out(one) for name, one in self._unable.items() if "failure" in self.outcomes[name]]
        self.members = [self._at_its_ports(item, releases[item.name]) for item in self.members]
        placed = [place(item, item.addresses, self._peer_id(item)) for item in self.members]
        unknown = {member.name for member in placed if not member.peer_id}
        outside = self._beside.outside([member for member in placed if member.name not in unknown])
        return make_plan(self.members[0].fleet, placed, list(releases.values()), self._min_edges, outside, unknown)

    def host_secrets(self) -> Dict[str, Any]:
        """Nothing: the hosts have it."""
        return {member.name: {} for member in self.members}

    def engines(self) -> Dict[str, Any]:
        """What each host's Docker has to be like: able to start the release. Its settings and proxies stay as they
        are, whatever the variables say by now."""
        return {item.name: {"min_compose": MIN_COMPOSE, "daemon": {}, "proxies": None} for item in self.members}

    def _lost(self, name: str) -> Finding:
        found = self._unable[name]
        more = " praxis_max_unreachable=%d rolls back the others and leaves this out." % len(self._unable)
        return replace(found, fix=found.fix + ("" if name in self._needed else more))

    def _release(self, member: MemberVariables, goals: Mapping[str, str], findings: List[Finding]) -> KeptRelease:
        name = member.name
        if name not in self._able:  # it can take no step, or is not of this run: its addresses are all that is needed
            return KeptRelease.unknown(name)
        found = self._kept[name]
        # A host that is newer than the deployment to go back to stays as it is.
        goal = goals.get(name) or found["observation"]["release"]["good"]
        if not goal:
            return self._never_good(member)
        kept = found["kept"].get(goal)
        if kept is None:
            fix = "Deploy the settings and image of that time. praxis_keep_releases says how many a host keeps."
            what = "Release %s, which the host had then, is no longer on the host, or is incomplete." % goal
            findings.append(Finding("release-missing", what, name, fix))
            return KeptRelease.unknown(name)
        if not kept["secrets"]:
            what = "The secrets of release %s are gone: a reboot empties /run, and this host did not seal them."
            fix = "Deploy the settings and image of that time: preparing a release fetches its secrets."
            findings.append(Finding("secrets-missing", what % goal, name, fix))
        return _of(goal, name, kept)

    def _never_good(self, member: MemberVariables) -> KeptRelease:
        """A host that has nothing to go back to. One that serves stays in the others' lists, at the release that runs
        there; of any other one nothing is planned, so that it does not keep the others from going back."""
        name, found = member.name, self._kept[member.name]
        seen = found["observation"]
        runs = seen["release"]["running"]
        kept = found["kept"].get(runs)
        serves = kept is not None and seen["api"].get("health") == 200 and self._peer_id(member) is not None
        what = "No deployment has ended well on this host, so it has no release to go back to. It is left out of this "
        what += "rollback, and keeps %s." % ("release %s, which runs" % runs if serves else "what it has")
        fix = "Deploy: that gives the host the release of the others. Or remove it from the inventory."
        self.warnings.append(Finding("no-good-release", what, name, fix, level=WARNING))
        if kept is not None and serves:
            return _of(runs, name, kept)
        self.outcomes[name] = {"outcome": "unchanged", "observation": seen}
        return KeptRelease.unknown(name)

    def _at_its_ports(self, variables: MemberVariables, release: KeptRelease) -> MemberVariables:
        api, p2p = release.api_port or variables.api_port, release.p2p_port or variables.p2p_port
        return replace(variables, api_port=api, p2p_port=p2p)

    def _peer_id(self, variables: MemberVariables) -> Optional[str]:
        """As the others know it, for a key never changes in its slot; else as the agent itself says now."""
        addresses = {*variables.addresses, variables.public_ip}
        for found in self._kept.values():
            for text in found["peers"]:
                match = _MULTIADDR.match(text)
                if match and match.group(1) in addresses:
                    return match.group(2)
        own: Dict[str, Any] = (self._kept.get(variables.name) or {}).get("observation") or {}
        return (own.get("api") or {}).get("peer_id")


def _outcome(name: str, answer: Mapping[str, Any]) -> Dict[str, Any]:
    """What a run's directory keeps of a host that has not said what it keeps.

    :param answer: what Ansible says in its place; nothing, where it was not asked.
    """
    if not answer.get("failed"):
        return {"unreachable": str(answer.get("msg") or "the host gave no answer")}
    return {"outcome": "failed", "failure": answer.get("failure") or not_run(name, answer).as_dict()}


def _idle(kept: Kept) -> Outcomes:
    """The same of the hosts whose engines could start no release; a rollback makes no engine."""
    found: Outcomes = {}
    for name, answer in kept.items():
        seen = answer["observation"]
        reasons = engine_reasons(seen["engine"], MIN_COMPOSE, {}) if seen.get("engine") else []
        if reasons:
            failure = engine_advice.explain(name, "; ".join(reasons)).as_dict()
            found[name] = {"outcome": "failed", "failure": failure, "observation": seen}
    return found


def _left_out(why: Finding) -> Finding:
    what = "%s This host is left out of the rollback (praxis_max_unreachable) and keeps its release." % why.what
    return replace(why, what=what, level=WARNING)


def _of(release: str, name: str, kept: Mapping[str, Any]) -> KeptRelease:
    """A release out of what its host keeps of it."""
    return KeptRelease.of(release, name, kept["files"], json.loads(kept["files"]["release.json"]))
