# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's Compute Engine instances: observe, apply, wait.

A slot's machine is called FLEET-SLOT, and a zone has a name once. So that two runs at once cannot make two machines of
a slot in two zones, the slot alone decides the zone; and before anything is made, every zone is looked in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import CloudError, Conflict, Invalid, NotFound
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_compare import plain
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_instance import Launch, fixes, machine, place_of
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_zones import everywhere
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import LIVE, Changes, Machine, Wanted

#: Seconds until Compute Engine knows a service account that was just made.
LATE = 60
#: How often a change is begun anew when somebody else was quicker.
ATTEMPTS = 5
#: States that a machine leaves by itself; where to, Google does not say (it may be stopped, or deleted).
PASSING = ("stopping", "shutting-down")


@dataclass(frozen=True)
class Machines:
    """One fleet's instances in one project.

    :param deadline: seconds that each operation may take.
    """

    client: GcpClient
    fleet: str
    deadline: float
    poll: Poll = field(default_factory=Poll)

    def observe(self) -> list[Machine]:
        """Every machine of this fleet in every zone: by label, and by name, so that one whose labels were edited is
        found as well; the names of strangers among them.

        :raises Failed: a part of the project cannot be read.
        """
        return [machine_ for machine_, _instance in self._observe()]

    def _observe(self) -> list[tuple[Machine, dict[str, Any]]]:
        # Google takes no filter with both: one is of the newer form, the other, with a pattern, of the older.
        filters = f"labels.praxis_fleet={self.fleet}", f'name eq "{self.fleet}-[a-z]+-[0-9]+"'
        asked = map_parallel(lambda text: everywhere(self.client, self.client.project, "instances", text), filters)
        found = {place_of(instance): instance for instances in gathered(asked) for instance in instances}
        both = [(machine(found[id_], self.fleet), found[id_]) for id_ in sorted(found)]
        return [(each, instance) for each, instance in both if each]

    def image(self, wanted: str) -> str:
        """An image's link; of a family, the newest one's.

        :param wanted: a link of any form, or the name of an image of this project.
        :raises Failed: ``image-not-found``; or a CloudError.
        """
        path = plain(wanted if "/" in wanted else f"global/images/{wanted}", self.client.project)
        try:
            return str(self.client.call("compute", "GET", f"compute/v1/{path}")["selfLink"])
        except NotFound:
            fix = "Set provision_image_id (praxis_image_id) to a Debian 12 or 13 image, or to a family of such images."
            raise Failed(Finding("image-not-found", f"The image {path} does not exist.", self._where, fix)) from None

    def settled(self) -> list[Machine]:
        """The same, once no machine of ours is on its way to another state.

        :raises Failed: ``machines-not-settled``, naming those that are after the deadline.
        """
        found, done = self.poll.until(self.observe, lambda found: not _passing(found), seconds=self.deadline)
        if not done:
            named = ", ".join(f"{each.id} ({each.state})" for each in _passing(found))
            raise self._late("machines-not-settled", f"{named} did not reach a stable state")
        return found

    def apply(self, changes: Changes, wanted: Wanted, launch: Launch) -> None:
        """Make the changes, several at a time, each machine's whatever becomes of the others. Termination last.

        :raises Failed: with a finding for everything that went wrong, and one for the machines that were made.
        """
        changed = dict.fromkeys((*changes.retag, *changes.regroup, *changes.reset))
        fixed = map_parallel(lambda id_: self._fix(id_, wanted), changed)
        started = map_parallel(self._start, changes.start)
        answers = map_parallel(lambda slot: self._launch(slot, wanted, launch), changes.launch)
        made = [answer for answer in answers if isinstance(answer, str)]
        failed = [answer for answer in (*fixed, *started, *answers) if isinstance(answer, Failed)]
        findings = [finding for answer in failed for finding in answer.findings]
        if findings and made:
            what = f"These machines were launched and stay: {', '.join(made)}."
            fix = "Run this again: that launches the missing machines."
            findings.append(Finding("machines-half-made", what, self._where, fix))
        if findings:
            raise Failed(*findings)
        self.terminate(changes.terminate)

    def terminate(self, ids: Iterable[str]) -> None:
        """Delete these and wait until they are gone; gone ones are no error."""
        gathered(map_parallel(self._delete, ids))

    def wait(self, slots: Sequence[str]) -> list[dict[str, Any]]:
        """Wait until every slot has a running machine with an address; the instances, in the slots' order.

        :raises Failed: ``machines-not-running``, naming slots, machines and their states.
        """

        def by_slot() -> dict[str, tuple[Machine, dict[str, Any]]]:
            return {each.slot: (each, instance) for each, instance in self._observe() if each.state in LIVE}

        def missing(found: Mapping[str, tuple[Machine, dict[str, Any]]]) -> list[str]:
            return [slot for slot in slots if slot not in found or not _runs(*found[slot])]

        found, done = self.poll.until(by_slot, lambda found: not missing(found), seconds=self.deadline)
        if not done:
            named = [f"{slot} ({_state(found[slot][0]) if slot in found else 'not listed'})" for slot in missing(found)]
            raise self._late("machines-not-running", f"{', '.join(named)} did not reach the state running")
        return [found[slot][1] for slot in slots]

    # -- one machine

    def _launch(self, slot: str, wanted: Wanted, launch: Launch) -> str:
        """Make a slot's machine; its id.

        :raises Failed: Google refused, or did not end in time; or the name is taken by a stranger.
        """
        zone, attempts = launch.zone_of(wanted, slot), 0
        body = launch.request(wanted, slot)
        id_ = f"{zone}/{wanted.name(slot)}"

        def attempt() -> CloudError | None:
            nonlocal attempts
            attempts += 1
            try:
                self._change("POST", f"zones/{zone}/instances", body, f"machine {id_}")
            except Conflict:
                self._require_ours(id_)
            except (Invalid, NotFound) as error:
                if not _not_yet(error, launch.service_account):
                    raise
                return error
            return None

        start = self.poll.clock()
        error, _done = self.poll.until(attempt, lambda error: error is None, seconds=LATE)
        if error:
            raise error.after(attempts, self.poll.clock() - start)
        return id_

    def _require_ours(self, id_: str) -> None:
        """A machine of this name was made meanwhile, by another run of ours or by somebody else."""
        found = machine(self._get(id_), self.fleet)
        if found is None or not found.ours:
            fix = "Rename that machine, or choose another name for the fleet."
            raise Failed(Finding("slot-taken", f"A machine {id_} exists already, and praxis.cloud "
                                               "did not create it.", self._where, fix))

    def _fix(self, id_: str, wanted: Wanted) -> None:
        """Restore labels, network tags and metadata, each by a method that takes what they were made from."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                for method, body in fixes(self._get(id_), wanted):
                    self._change("POST", f"{_path(id_)}/{method}", body, f"machine {id_}", named=False)
                return
            except Conflict:
                if attempt == ATTEMPTS:
                    raise

    def _start(self, id_: str) -> None:
        """Start one machine. Somebody else may have begun something with it since it was observed."""

        def attempt() -> None:
            method = "resume" if self._get(id_)["status"] == "SUSPENDED" else "start"
            self._change("POST", f"{_path(id_)}/{method}", None, f"machine {id_}")

        self.poll.allowed(attempt, Conflict, seconds=LATE)

    def _delete(self, id_: str) -> None:
        try:
            self._change("DELETE", _path(id_), None, f"machine {id_}")
        except NotFound:
            return

    def _get(self, id_: str) -> dict[str, Any]:
        return self.client.call("compute", "GET", self._url(_path(id_)))

    def _change(
        self, verb: str, path: str, body: Mapping[str, Any] | None, what: str, named: bool = True
    ) -> None:
        """A change and its operation. Sent twice it is the same: by its id, or by the fingerprint it brings."""
        url = self._url(path)
        if named:
            operation = self.client.change(verb, url, body)
        else:
            operation = self.client.call("compute", verb, url, body=body, idempotent=True)
        self.client.wait(operation, seconds=self.deadline, what=what)

    def _url(self, path: str) -> str:
        return f"compute/v1/projects/{self.client.project}/{path}"

    @property
    def _where(self) -> str:
        return f"fleet {self.fleet} in project {self.client.project}"

    def _late(self, code: str, what: str) -> Failed:
        fix = "Check these machines in Compute Engine, then run this again."
        return Failed(Finding(code, f"{what} within {self.deadline:.0f} s.", self._where, fix))


def _path(id_: str) -> str:
    zone, name = id_.split("/")
    return f"zones/{zone}/instances/{name}"


def _passing(found: Iterable[Machine]) -> list[Machine]:
    return [each for each in found if each.ours and each.state in PASSING]


def _runs(found: Machine, instance: Mapping[str, Any]) -> bool:
    return found.state == "running" and bool((instance.get("networkInterfaces") or [{}])[0].get("networkIP"))


def _state(found: Machine) -> str:
    return f"{found.id}, {found.state}"


def _not_yet(error: CloudError, service_account: str) -> bool:
    """Whether a launch names the service account that was made moments ago and is not known everywhere yet."""
    return bool(service_account) and service_account.lower() in error.finding.what.lower()
