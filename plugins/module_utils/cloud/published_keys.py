# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host keys that a machine has published through its cloud: on EC2's console, in Google's guest attributes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import gathered, map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import host_keys
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_machine


@dataclass(frozen=True)
class Machine:
    """A member, and where its cloud has it.

    :param cloud: ``aws``, ``gcp``, or anything else for a machine of no cloud.
    :param id: what the cloud knows it by; on Google Cloud its name.
    """

    name: str
    cloud: str = ""
    id: str = ""
    region: str = ""
    project: str = ""
    zone: str = ""


def collect(
    machines: Sequence[Machine], aws: Callable[[], AwsClient], gcp: Callable[[], GcpClient]
) -> dict[str, list[str]]:
    """The keys of each machine, by its name; none for one that has not published any.

    :param aws, gcp: give the client of a cloud, when it is needed.
    :raises Failed: what the clouds refused.
    """
    clients = {cloud: make() for cloud, make in (("aws", aws), ("gcp", gcp)) if _any_on(cloud, machines)}

    def published(machine: Machine) -> list[str]:
        client = clients.get(machine.cloud)
        if isinstance(client, AwsClient):
            return on_console(client.in_region(machine.region) if machine.region else client, machine.id)
        if isinstance(client, GcpClient):
            return among_attributes(client, machine)
        return []

    return {machine.name: keys for machine, keys in zip(machines, gathered(map_parallel(published, machines)))}


def on_console(client: AwsClient, instance: str) -> list[str]:
    """What cloud-init printed at the machine's first boot. EC2 keeps 64 KB: of the boot, or the newest."""
    for latest in ({}, {"Latest": True}):
        try:
            answer = client.call("ec2", "get_console_output", InstanceId=instance, **latest)
        except errors.Invalid:
            if not latest:
                raise
            break  # a kind of machine whose newest output EC2 does not have
        keys = host_keys.from_console(_text(answer.get("Output") or ""))
        if keys:
            return keys
    return []


def among_attributes(client: GcpClient, machine: Machine) -> list[str]:
    """What the guest agent wrote at the machine's first boot, which it does with enable-guest-attributes only."""
    zone, name = google_machine(machine.id, machine.zone)
    path = f"compute/v1/projects/{machine.project or client.project}/zones/{zone}/instances/{name}"
    try:
        answer = client.call("compute", "GET", f"{path}/getGuestAttributes", query={"queryPath": "hostkeys/"})
    except errors.NotFound:
        return []
    return host_keys.from_guest_attributes((answer.get("queryValue") or {}).get("items") or [])


def _any_on(cloud: str, machines: Sequence[Machine]) -> bool:
    return any(machine.cloud == cloud for machine in machines)


def _text(output: str) -> str:
    """The SDK hands over what EC2 says: text in base64, which it has decoded already in some versions."""
    try:
        return base64.b64decode(output, validate=True).decode("utf-8", "replace")
    except ValueError:
        return output
