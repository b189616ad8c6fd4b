# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet's EC2 instances: observe, apply, wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.errors import (
    CloudError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    NotPassed,
)
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Poll
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.machines import (
    LIVE,
    PROFILE,
    Changes,
    Wanted,
    machine,
    token,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import tag_list, tags_of

T = TypeVar("T")

#: What is kept of an instance beside its tags and groups: its metadata is given out for a token only, and one hop far,
#: so that a container behind the machine's bridge cannot reach the machine's role.
SETTINGS = {"metadata_endpoint": "enabled", "metadata_tokens": "required", "metadata_hops": "1"}
METADATA = {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1}
#: States out of which EC2 starts an instance, sooner or later.
STOPPING = ("stopping", "stopped")
#: Seconds until EC2 knows an instance profile, key pair, subnet or group that was just made.
LATE = 60


@dataclass(frozen=True)
class Launch:
    """How a new instance is made."""

    image_id: str
    root_device: str
    root_volume_gb: int
    instance_type: str
    subnet_ids: tuple[str, ...]
    key_name: str = ""
    instance_profile: str = ""

    def request(self, wanted: Wanted, slot: str) -> dict[str, Any]:
        """RunInstances without its token. Slots take the subnets in turn, so the fleet is spread over their zones."""
        number = wanted.slots.index(slot)
        tags = tag_list(wanted.tags(slot))
        disk = {"VolumeSize": self.root_volume_gb, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
        request: dict[str, Any] = {
            "ImageId": self.image_id,
            "InstanceType": self.instance_type,
            "MinCount": 1,
            "MaxCount": 1,
            "SubnetId": self.subnet_ids[number % len(self.subnet_ids)],
            "SecurityGroupIds": sorted(wanted.groups),
            "MetadataOptions": METADATA,
            "BlockDeviceMappings": [{"DeviceName": self.root_device, "Ebs": disk}],
            "TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")],
        }
        if self.key_name:
            request["KeyName"] = self.key_name
        if self.instance_profile:
            request["IamInstanceProfile"] = {"Name": self.instance_profile}
        return request


@dataclass(frozen=True)
class Machines:
    """One fleet's instances in one region."""

    client: AwsClient
    fleet: str
    poll: Poll = field(default_factory=Poll)
    now: Callable[[], float] = field(default=time.time, repr=False)
    deadline: float = 300.0

    def observe(self, groups: Iterable[str]) -> list[dict[str, Any]]:
        """EC2's view of every instance of this fleet, gone ones included.

        By tag, and by security group: so an instance whose tags were edited is still found.
        """
        queries = [{"Name": "tag:praxis_fleet", "Values": [self.fleet]}]
        queries.extend({"Name": "instance.group-id", "Values": [group]} for group in groups)
        found: dict[str, dict[str, Any]] = {}
        for query in queries:
            for reservation in self.client.paginate("ec2", "describe_instances", Filters=[query], MaxResults=1000):
                found.update({each["InstanceId"]: each for each in reservation["Instances"]})
        return [found[id_] for id_ in sorted(found) if machine(found[id_], self.fleet)]

    def apply(self, changes: Changes, wanted: Wanted, launch: Launch, gone: Mapping[str, list[str]]) -> dict[str, str]:
        """Make the changes, each machine's whatever becomes of the others. Termination last.

        :param gone: ids of terminated instances by slot.
        :returns: ids of the launched instances by slot.
        :raises Failed: with a finding for every instance that could not be changed, launched or started, and one for
            those that were launched.
        """
        changed = dict.fromkeys((*changes.retag, *changes.regroup, *changes.reset))
        fixed = map_parallel(lambda id_: self._fix(id_, changes, wanted), changed)
        answers = map_parallel(lambda slot: self._launch(slot, wanted, launch, gone.get(slot, [])), changes.launch)
        started = map_parallel(self._start, changes.start)
        failed = [answer for answer in (*fixed, *answers, *started) if isinstance(answer, Failed)]
        findings = [finding for answer in failed for finding in answer.findings]
        launched = {slot: each for slot, each in zip(changes.launch, answers) if isinstance(each, str)}
        if findings and launched:
            what = f"These machines were launched and stay: {_named(launched)}."
            where = f"fleet {self.fleet} in {self.client.region}"
            findings.append(Finding("machines-half-made", what, where, "Run this again: that launches the missing "
                                                                       "machines."))
        if findings:
            raise Failed(*findings)
        self.terminate(changes.terminate)
        return launched

    def _fix(self, id_: str, changes: Changes, wanted: Wanted) -> None:
        """One instance's tags, groups and settings. EC2 refuses some of it of one that is on its way to a state."""
        settings = changes.reset.get(id_, {})
        if id_ in changes.retag:
            self._call("create_tags", Resources=[id_], Tags=tag_list(changes.retag[id_]))
        if id_ in changes.regroup:
            self._call("modify_instance_attribute", InstanceId=id_, Groups=sorted(wanted.groups))
        if SETTINGS.keys() & settings.keys():
            self._call("modify_instance_metadata_options", InstanceId=id_, **METADATA)
        if PROFILE in settings:
            profile = settings[PROFILE]
            give = partial(self._seen, lambda: self._give_profile(id_, profile))
            self.poll.allowed(give, Conflict, seconds=self.deadline)

    def _give_profile(self, id_: str, profile: str) -> None:
        """The instance's one profile, in place of the one that it has, if any."""
        filters = [{"Name": "instance-id", "Values": [id_]}]
        # One that is on its way out is no longer there to be replaced.
        for each in self.client.paginate("ec2", "describe_iam_instance_profile_associations", Filters=filters):
            if each["State"] in ("associating", "associated"):
                old = each["AssociationId"]
                new = {"Name": profile}
                self._call("replace_iam_instance_profile_association", AssociationId=old, IamInstanceProfile=new)
                return
        self._call("associate_iam_instance_profile", InstanceId=id_, IamInstanceProfile={"Name": profile})

    def terminate(self, ids: Iterable[str]) -> None:
        """Terminate these; gone ones are no error. EC2 refuses a call whole for one of them: then it is asked for
        each, so that the others go and the one is named.

        :raises Failed: with a finding for every instance that was refused.
        """
        if not (ids := list(ids)):
            return
        try:
            self._call("terminate_instances", InstanceIds=ids)
        except (Conflict, Denied, Invalid, NotFound) as error:
            if len(ids) > 1:
                gathered(map_parallel(lambda id_: self.terminate([id_]), ids))
            elif not isinstance(error, NotFound):
                raise

    def wait(
        self, groups: Iterable[str], slots: Iterable[str], seconds: float, launched: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Wait until every slot has a running instance with an address; the instances, in the slots' order.

        :param launched: ids of instances launched just now, by slot: EC2 may not list them yet.
        :raises Failed: ``machines-not-running``, naming slots, instances and their states.
        """
        groups, slots = list(groups), list(slots)
        seen: dict[str, dict[str, Any]] = {}

        def running() -> dict[str, dict[str, Any]]:
            by_slot = {}
            for instance in self.observe(groups):
                each = machine(instance, self.fleet)
                if each and each.state in LIVE:
                    seen[each.slot] = instance
                if each and each.state == "running" and instance.get("PrivateIpAddress"):
                    by_slot[each.slot] = instance
            return by_slot

        found, done = self.poll.until(running, lambda found: set(slots) <= set(found), seconds=seconds)
        if not done:
            unlisted = {slot: f"{id_}, not listed" for slot, id_ in (launched or {}).items()}
            listed = {slot: f"{each['InstanceId']}, {each['State']['Name']}" for slot, each in seen.items()}
            known = {**dict.fromkeys(slots, "not listed"), **unlisted, **listed}
            missing = _named({slot: known[slot] for slot in slots if slot not in found})
            raise self._late("machines-not-running", f"{missing} did not reach the state running", seconds)
        return [found[slot] for slot in slots]

    def wait_gone(self, ids: Iterable[str], seconds: float) -> None:
        """Wait until these are terminated, so that what they used can be removed.

        :raises Failed: ``machines-not-gone``, naming them.
        """
        awaited = set(ids)
        if not awaited:
            return

        def remaining() -> set[str]:
            return {each["InstanceId"] for each in self.observe(()) if each["State"]["Name"] != "terminated"} & awaited

        left, done = self.poll.until(remaining, lambda left: not left, seconds=seconds)
        if not done:
            raise self._late("machines-not-gone", f"{', '.join(sorted(left))} did not terminate", seconds)

    def _late(self, code: str, what: str, seconds: float) -> Failed:
        where = f"fleet {self.fleet} in {self.client.region}"
        return Failed(Finding(code, f"{what} within {seconds:.0f} s.", where, "Check these machines in EC2, then run "
                                                                              "this again."))

    def _launch(self, slot: str, wanted: Wanted, launch: Launch, predecessors: list[str]) -> str:
        """The id of the instance that was launched."""
        request = launch.request(wanted, slot)
        request["ClientToken"] = token(self.fleet, slot, request, predecessors, int(self.now() // 3600))
        answer = self._seen(lambda: self._call("run_instances", **request))
        return str(answer["Instances"][0]["InstanceId"])

    def _seen(self, act: Callable[[], T]) -> T:
        """What a request returns, once EC2 sees everything that it names.

        :raises CloudError: the last refusal, saying how long it was tried; any other at once.
        """
        attempts = 0

        def attempt() -> T | CloudError:
            nonlocal attempts
            attempts += 1
            try:
                return act()
            except (Invalid, NotFound, NotPassed) as error:
                if not _not_yet(error):
                    raise
                return error

        start = self.poll.clock()
        answer, _done = self.poll.until(attempt, lambda answer: not isinstance(answer, CloudError), seconds=LATE)
        if isinstance(answer, CloudError):
            raise answer.after(attempts, self.poll.clock() - start)
        return answer

    def _start(self, id_: str) -> None:
        """Start one instance, when it has stopped: until then EC2 refuses a call, for all that it names.

        :raises Failed: ``machines-not-running``; or the cloud's own refusal.
        """

        def attempt() -> str:
            [reservation] = self._call("describe_instances", InstanceIds=[id_])["Reservations"]
            state = str(reservation["Instances"][0]["State"]["Name"])
            if state == "stopped":
                try:
                    self._call("start_instances", InstanceIds=[id_])
                except Conflict:  # in another state since it was observed
                    return state
                return "pending"
            return state

        state, done = self.poll.until(attempt, lambda state: state not in STOPPING, seconds=self.deadline)
        if not done:
            raise self._late("machines-not-running", f"{id_} is {state} and could not be started", self.deadline)

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        # All of these may be sent twice: they name their instances, or carry a token.
        return self.client.call("ec2", operation, idempotent=True, **params)


def summary(instance: Mapping[str, Any], slot: str) -> dict[str, str]:
    """A machine as results have it."""
    return {
        "name": tags_of(instance).get("Name", ""),
        "slot": slot,
        "instance_id": instance["InstanceId"],
        "zone": instance["Placement"]["AvailabilityZone"],
        "private_ip": instance.get("PrivateIpAddress", ""),
        "public_ip": instance.get("PublicIpAddress", ""),
    }


def _not_yet(error: CloudError) -> bool:
    """Whether a request names what was made moments ago and EC2 does not know yet; a profile has words of its own."""
    profile = "iaminstanceprofile" in error.finding.what.lower().replace(" ", "")
    made = isinstance(error, NotFound) and not error.reason.startswith("InvalidAMIID")
    return profile or made or isinstance(error, NotPassed)


def _named(ids: Mapping[str, str]) -> str:
    return ", ".join(f"{slot} ({id_})" for slot, id_ in ids.items())
