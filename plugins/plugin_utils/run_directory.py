# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run's directory: where the plan's slices wait for the hosts, and the hosts' outcomes for the verdict.

It lies in the controller's temporary directory of this very run, which ansible-playbook makes with mode 0700 and
removes when it ends. Files, and not task arguments, because a large plan templated through every task costs seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set

from ansible import constants as C

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import record
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import Plan
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import Member, Table, table_from_plain
from ansible_collections.praxis.cloud.plugins.module_utils.host import drain
from ansible_collections.praxis.cloud.plugins.plugin_utils.fact_files import FactFiles
from ansible_collections.praxis.cloud.plugins.plugin_utils.journal import Journal
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_lock import RunLock
from ansible_collections.praxis.cloud.plugins.plugin_utils.run_order import RunOrder
from ansible_collections.praxis.cloud.plugins.plugin_utils.sealed import seal, unseal
from ansible_collections.praxis.cloud.plugins.plugin_utils.whole_files import write_whole

_FOLDERS = (
    "slices", "sealed", "touched", "activated", "rolled-back", "draining", "recorded", "outcomes", "journal", "keepers",
    "exchanged",
)  # fmt: skip


class RunDirectory:
    """Reads and writes one run's files. Hosts are worked on by processes beside each other, so each fact has a file of
    its own.

    :raises Failed: ``run-gone`` when there is no such directory.
    """

    def __init__(self, path: str) -> None:
        if not os.path.isdir(path):
            raise Failed(
                Finding(
                    code="run-gone",
                    what="The directory of this run does not exist: the run that made this plan has ended.",
                    where=path,
                    fix="Run fleet_plan in the same ansible-playbook. A fact cache may hold an earlier run's plan.",
                )
            )
        self.path = path
        self._files = FactFiles(path)
        self.order = RunOrder(self._files)
        self.lock = RunLock(self._files)
        self.journal = Journal(self._files)

    @classmethod
    def create(
        cls,
        plan: Plan,
        secrets: Mapping[str, Mapping[str, Any]],
        engines: Mapping[str, Mapping[str, Any]],
        options: Mapping[str, Any],
    ) -> RunDirectory:
        """Write a plan out.

        :param secrets: member -> what only its host may see (``secrets``, ``seed``, ``registry``); kept sealed.
        :param engines: member -> what its Docker has to be like.
        :param options: what the later steps need to know besides (``keep_releases``, ``batch``, …).
        """
        run = cls(tempfile.mkdtemp(prefix="praxis-", dir=C.DEFAULT_LOCAL_TMP))
        files = run._files
        for folder in _FOLDERS:
            os.mkdir(files.place(folder))
        files.write("table.json", plan.to_plain())
        files.write("options.json", dict(options))
        for name in plan.members:
            files.write("slices/" + name, {**plan.host_slice(name), "engine": engines[name]})
            write_whole(files.place("sealed/" + name), seal(dict(secrets[name])))
        return run

    def table(self) -> Table:
        return table_from_plain(self._files.read("table.json"))

    def options(self) -> Dict[str, Any]:
        found: Dict[str, Any] = self._files.read("options.json")
        return found

    def host_slice(
        self, name: str, moved: Optional[Collection[str]] = None, back: Collection[str] = ()
    ) -> Dict[str, Any]:
        """What the plan holds for one host.

        :param moved: the members that listen where the plan says; the others, where they did when the order was made.
            None: all do.
        :param back: those of the others that listen where their last good release does.
        :raises Failed: when the host is no member.
        """
        if not self._files.has("slices/" + name):
            raise Failed(
                Finding(
                    code="not-a-member",
                    what="The plan knows nothing of this host.",
                    where=name,
                    fix="Add it to the group praxis, or do not run this play on it.",
                )
            )
        found: Dict[str, Any] = self._files.read("slices/" + name)
        still = {} if moved is None else self.order.old_ports(moved, back)
        if still:
            table = self.table().at_ports(still)
            found["peers"], found["gate"]["dial"] = table.peers(name), table.dials(name)
        return found

    def connect(self, name: str, peers: Sequence[Member]) -> None:
        """Add an agent's peers, which this run does nothing to, to its table and its slice."""
        found: Dict[str, Any] = self._files.read("slices/" + name)
        table = self.table()
        members = {**table.members, **{peer.name: peer for peer in peers}}
        edges = {(min(name, peer.name), max(name, peer.name)) for peer in peers}
        table = replace(table, members=members, edges=edges)
        found["peers"], found["gate"]["dial"] = table.peers(name), table.dials(name)
        self._files.write("table.json", table.to_plain())
        self._files.write("slices/" + name, found)

    def secrets(self, name: str) -> Dict[str, Any]:
        with open(self._files.place("sealed/" + name), "rb") as file:
            found: Dict[str, Any] = unseal(file.read())
        return found

    def touch(self, name: str, previous: Optional[str]) -> None:
        """Before a host is disturbed: write down its last good release, so that it can be rolled back to it whatever
        happens."""
        self._files.write("touched/" + name, {"previous": previous})

    def touched(self) -> Dict[str, Optional[str]]:
        """The hosts that were disturbed in this run, and the release that each goes back to: the last good one."""
        return {name: found["previous"] for name, found in self._files.all("touched").items()}

    def new(self) -> Set[str]:
        """Those of them on which no deployment has ended well yet: they have nothing to go back to."""
        return {name for name, previous in self.touched().items() if previous is None}

    def activate(
        self, name: str, container: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    ) -> None:
        """Remember the containers that a host's activation left, and how often each had been restarted by then."""
        keys = ("id", "restarts")
        beside = {service: {key: found.get(key) for key in keys} for service, found in services.items()}
        kept = {**{key: container.get(key) for key in keys}, **({"services": beside} if beside else {})}
        self._files.write("activated/" + name, kept)

    def activated(self) -> Dict[str, Dict[str, Any]]:
        """``id`` and ``restarts`` of the container of every host that was activated in this run, and of its
        ``services`` where there are any."""
        return self._files.all("activated")

    def activated_names(self) -> List[str]:
        """Who was activated in this run. Each host asks it, so nobody's file is read."""
        return self._files.names("activated")

    def exchange(self, name: str, replaced: str) -> None:
        """A host has a backup's data from now on, and a rollback leaves it there.

        :param replaced: the disk that it had before.
        """
        self._files.write("exchanged/" + name, {"replaced": replaced})

    def exchanged(self, name: str) -> str:
        """The disk that a host had before its data became a backup's in this run; empty: it has what it had."""
        return str((self._files.find("exchanged/" + name) or {}).get("replaced", ""))

    def drain(self, name: str, seconds: float) -> None:
        """A host has just been taken out of a load balancer; its connections may live for so long, or for as long as
        those of another one. Where a balancer gives them no time, its parts hear late of it all the same."""
        until = time.monotonic() + max(seconds or drain.QUIET, self.draining(name))
        self._files.write("draining/" + name, {"until": until, "at": time.time()})

    def draining(self, name: str) -> float:
        """Seconds that the connections of a host may still live."""
        if not self._files.has("draining/" + name):
            return 0.0
        return max(0.0, float(self._files.read("draining/" + name)["until"]) - time.monotonic())

    def drained(self) -> List[str]:
        """The hosts that this run has taken out of a load balancer which had them."""
        return self._files.names("draining")

    def still_out(self) -> List[str]:
        """Those of them that it has not put in again since."""
        rejoined = {name: float(one["ended"]) for one in self.journal.well(record.REJOIN) for name in one["hosts"]}
        taken_out = {name: float(found["at"]) for name, found in self._files.all("draining").items()}
        return [name for name, at in taken_out.items() if at > rejoined.get(name, 0.0)]

    def leave_balancers(self, balancers: Sequence[Mapping[str, Any]]) -> None:
        """The load balancers of before that members were registered with when this run first asked."""
        self._files.write("left.json", [dict(one) for one in balancers])

    def left_balancers(self) -> Optional[List[Dict[str, Any]]]:
        """None before they were asked for."""
        found: Optional[List[Dict[str, Any]]] = self._files.find("left.json")
        return found

    def miss(self, names: Collection[str]) -> None:
        """These are behind a load balancer that did not call them healthy when all were asked last."""
        self._files.write("missed.json", sorted(names))

    def missed(self) -> Optional[List[str]]:
        """None before they were asked."""
        found: Optional[List[str]] = self._files.find("missed.json")
        return found

    def begin_rollback(self, batch: Sequence[str] = ()) -> None:
        """Before the first host is drained or rolled back: it is tried once, however far it gets.

        :param batch: those whose turn it is.
        """
        self._files.write("rollback.json", {"turn": list(batch)})

    def rollback_turn(self) -> List[str]:
        """The batch that a rollback was about to drain last."""
        found: List[str] = (self._files.find("rollback.json") or {}).get("turn", [])
        return found

    def rollback_begun(self) -> bool:
        return self._files.has("rollback.json")

    def roll_back(self, name: str) -> None:
        """Before a host is rolled back: what was activated there is gone."""
        if not self.rollback_begun():
            self.begin_rollback()
        self._files.write("rolled-back/" + name, {})
        self._files.remove("activated/" + name)

    def rolled_back(self) -> List[str]:
        """The hosts whose rollback was begun."""
        return self._files.names("rolled-back")

    def record(self, findings: Sequence[Finding]) -> None:
        """Keep what went wrong in this run: a host that was rolled back well is no success."""
        for item in findings:
            name = "recorded/" + hashlib.sha256(json.dumps([item.code, item.where]).encode()).hexdigest()
            since = self._files.read(name)["since"] if self._files.has(name) else time.time_ns()
            self._files.write(name, {"since": since, "finding": asdict(item)})

    def recorded(self) -> List[Finding]:
        """In the order in which they were first recorded."""
        kept = sorted(self._files.all("recorded").values(), key=lambda item: int(item["since"]))
        return [Finding(**item["finding"]) for item in kept]

    def called_good(self) -> List[str]:
        """The hosts whose release this run has called good."""
        return sorted(self.journal.went_well(record.CONFIRM))

    def behind(self) -> Set[str]:
        """The members that are behind a load balancer."""
        return {name for balancer in self.options().get("balancers", []) for name in balancer["targets"]}

    def out_of_service(self) -> List[str]:
        """The hosts behind a load balancer that this run has activated, and neither put in again since nor rolled back
        well."""
        behind, batches = self.behind(), self.order.before().get("batches") or []
        activated = {name for batch in batches for name in batch if name in behind}.intersection(self.touched())
        return sorted(activated - self.journal.went_well(record.REJOIN, record.ROLL_BACK))

    def rejoined(self) -> Set[str]:
        """The hosts that this run has put into service."""
        return self.journal.went_well(record.REJOIN)

    def outcome(self, name: str) -> Optional[Dict[str, Any]]:
        """The last thing that is known of a host, or None when it was not reached since it was last asked."""
        found: Optional[Dict[str, Any]] = self._files.find("outcomes/" + name)
        return found

    def outcomes(self) -> Dict[str, Dict[str, Any]]:
        return self._files.all("outcomes")

    def forget(self, name: str) -> None:
        """Before a host is asked: what it said before must not be taken for its answer."""
        self._files.remove("outcomes/" + name)

    def report(self, name: str, outcome: Mapping[str, Any]) -> None:
        self._files.write("outcomes/" + name, dict(outcome))
