# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 instances are machines: started, stopped and removed as the API is asked, through the states that EC2 shows."""

from __future__ import annotations

import copy
import ipaddress
import time
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, StateReason
from moto.ec2.responses.general import General
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import Base64EncodedString

from sandbox import images, machines
from sandbox.aws import debian, operations
from sandbox.aws.cloud import Cloud
from sandbox.docker import DockerError
from sandbox.problem import Problem

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

CONSOLE = ("-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----", "")


def enter(instance: Any, state: str) -> None:
    """Set an instance's state."""
    instance._state = InstanceState(state, CODES[state])


def install(cloud: Cloud) -> None:
    """Bind moto's instances to machines."""
    _patch_run(cloud)
    _patch_tokens()
    _patch_observations(cloud)
    _patch_start_stop(cloud)
    _patch_terminate(cloud)
    _patch_addresses()
    _patch_console(cloud)


def _image(cloud: Cloud, image_id: str) -> images.Image:
    ami = cloud.ec2().amis.get(image_id)
    _owner, image = debian.BUILDS.get(ami.name or "", ("", None)) if ami else ("", None)
    if image is None:
        raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' has no machine in the sandbox: it "
                                                      f"has {', '.join(debian.BUILDS)} only")
    return image


def _require_key(cloud: Cloud, name: str | None) -> str:
    """The public key's text; RunInstances with an unknown key pair is refused as by EC2."""
    if not name:
        return ""
    if name not in cloud.ec2().key_pairs:
        raise EC2ClientError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return str(cloud.ec2().key_pairs[name].public_key).strip() + "\n"


def _patch_run(cloud: Cloud) -> None:
    original = InstanceBackend.run_instances

    def run_instances(self: Any, image_id: str, count: int, user_data: Any, security_group_names: list[str],
                      **kwargs: Any) -> Any:
        image = _image(cloud, image_id)
        keys = _require_key(cloud, kwargs.get("key_name"))
        reservation = original(self, image_id, count, user_data, security_group_names, **kwargs)
        network = ipaddress.ip_network(cloud.site.addresses.network)
        outside = [instance for instance in reservation.instances
                   if ipaddress.ip_address(instance.private_ip) not in network]
        if outside:
            _forget(self, reservation)
            raise EC2ClientError("Unsupported", f"The sandbox has machines in {network} only, and "
                                                f"the subnet has the address {outside[0].private_ip}")
        for instance in reservation.instances:
            instance.made_at = time.time()
            enter(instance, "pending")
            cloud.order(instance.id, _creation(cloud, instance, image, keys))
        return reservation

    InstanceBackend.run_instances = run_instances


def _patch_tokens() -> None:
    """RunInstances with a ClientToken it has seen answers with what it made then."""
    original = InstanceResponse.run_instances
    seen: dict[str, tuple[str, Any]] = {}

    def run_instances(self: Any) -> Any:
        token = self._get_param("ClientToken")
        if not token or self._get_param("DryRun"):
            return original(self)
        asked = repr(sorted((name, values) for name, values in self.data.items() if name != "ClientToken"))
        if token not in seen:
            seen[token] = (asked, original(self))
        elif seen[token][0] != asked:
            raise EC2ClientError("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent "
                                                                "with arguments used in previous request(s).")
        return seen[token][1]

    InstanceResponse.run_instances = run_instances


def _patch_observations(cloud: Cloud) -> None:
    """DescribeInstances misses a new instance for a while when that was ordered."""
    original = InstanceBackend.all_reservations

    def all_reservations(self: Any, filters: Any = None) -> Any:
        found = original(self, filters)
        if not operations.observing("DescribeInstances"):
            return found
        for reservation in found:
            reservation.instances = [each for each in reservation.instances
                                     if not operations.missed(cloud, each.id, getattr(each, "made_at", 0.0))]
        return [reservation for reservation in found if reservation.instances]

    InstanceBackend.all_reservations = all_reservations


def _forget(backend: Any, reservation: Any) -> None:
    for instance in reservation.instances:
        for nic in list(instance.nics.values()):
            backend.delete_network_interface(nic.id)
        instance.teardown_defaults()
        for address in instance._private_ips:
            backend.get_subnet(instance.subnet_id).del_subnet_ip(address)
    del backend.reservations[reservation.id]


def _creation(cloud: Cloud, instance: Any, image: images.Image, keys: str) -> Callable[[], None]:
    def work() -> None:
        address = instance.private_ip
        machine = machines.Machine(instance.id, address, image.tag,
                                   f"ip-{address.replace('.', '-')}", machines.login(keys))
        try:
            images.ensure(image, cloud.site.home / "logs")
            machines.create(cloud.site, machine)
        except (DockerError, Problem) as error:
            cloud.log.say(f"{instance.id} was not started: {error}")
            with cloud.changes:
                _finish_termination(instance)
                instance.state_reason = StateReason(f"Server.InternalError: {error}", "Server.InternalError")
        else:
            enter(instance, "running")
        cloud.write_state()

    return work


def _patch_start_stop(cloud: Cloud) -> None:
    stop, start = Instance.stop, Instance.start

    def transition(instance: Any, by_way_of: str, act: Callable[[], None], settle: Callable[[], Any]) -> InstanceState:
        previous = copy.copy(instance._state)
        enter(instance, by_way_of)

        def work() -> None:
            act()
            with cloud.changes:
                settle()
            cloud.write_state()

        cloud.order(instance.id, work)
        return previous

    def stop_machine(self: Any) -> InstanceState:
        if self.state in ("stopped", "stopping"):
            return copy.copy(self._state)
        if self.state != "running":
            raise _incorrect_state(self, "stopped")
        return transition(self, "stopping", lambda: machines.stop(cloud.site, self.id), lambda: stop(self))

    def start_machine(self: Any) -> InstanceState:
        if self.state in ("running", "pending"):
            return copy.copy(self._state)
        if self.state != "stopped":
            raise _incorrect_state(self, "started")
        return transition(self, "pending", lambda: machines.start(cloud.site, self.id), lambda: start(self))

    def reboot_machine(self: Any) -> None:
        if self.state != "running":
            raise _incorrect_state(self, "rebooted")
        cloud.order(self.id, lambda: machines.reboot(cloud.site, self.id))

    Instance.stop, Instance.start, Instance.reboot = stop_machine, start_machine, reboot_machine


def _incorrect_state(instance: Any, verb: str) -> EC2ClientError:
    return EC2ClientError("IncorrectInstanceState",
                          f"The instance '{instance.id}' is not in a state from which it can be {verb}.")


_terminate = Instance.terminate


def _finish_termination(instance: Any) -> None:
    """What EC2 forgets when an instance is terminated: its addresses, network interfaces and place."""
    _terminate(instance)
    for nic in list(instance.nics.values()):
        if nic.delete_on_termination:
            instance.nics.pop(nic.device_index, None)
        else:
            instance.detach_eni(nic)
    instance.nics = {}
    instance.security_groups = []
    instance._subnet_id = None
    enter(instance, "terminated")
    instance.terminated_at = utcnow()


def _patch_console(cloud: Cloud) -> None:
    """On its console a machine says what cloud-init prints there: its public host keys."""
    def get_console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        keys = machines.host_keys(cloud.site, instance.id) if instance.state == "running" else []
        lines = [*CONSOLE[:1], *keys, *CONSOLE[1:]] if keys else []
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(),
                             "Output": Base64EncodedString.from_raw_string("\r\n".join(lines))})

    General.get_console_output = get_console_output


def _patch_terminate(cloud: Cloud) -> None:
    def terminate(self: Any) -> InstanceState:
        previous = copy.copy(self._state)
        if self.state in ("terminated", "shutting-down"):
            return previous
        enter(self, "shutting-down")

        def work() -> None:
            machines.remove(cloud.site, self.id)
            with cloud.changes:
                _finish_termination(self)
            cloud.write_state()

        cloud.order(self.id, work)
        return previous

    Instance.terminate = terminate


def _patch_addresses() -> None:
    prepare = Instance.prep_nics

    def prep_nics(self: Any, nic_spec: list[dict[str, Any]], *args: Any, **kwargs: Any) -> None:
        given = {int(nic["DeviceIndex"]): nic for nic in nic_spec if "DeviceIndex" in nic}
        prepare(self, nic_spec, *args, **kwargs)
        for index, nic in self.nics.items():
            spec = given.get(index, {})
            if "NetworkInterfaceId" not in spec and "DeleteOnTermination" not in spec:
                nic.delete_on_termination = True

    def check_auto_public_ip(self: Any) -> None:
        # A machine has one address; as "public" it is the same, so that what is reported can be reached.
        if str(self.public_ip_auto_assign).lower() == "true":
            self.public_ip = self.private_ip_address

    def of_primary(name: str) -> property:
        return property(lambda self: getattr(self.nics[0], name) if 0 in self.nics else None)

    dns = Instance.private_dns_name
    Instance.prep_nics = prep_nics
    NetworkInterface.check_auto_public_ip = check_auto_public_ip
    Instance.private_ip = Instance.private_ip_address = of_primary("private_ip_address")
    Instance.public_ip = Instance.public_ip_address = of_primary("public_ip")
    Instance.private_dns_name = property(lambda self: dns.fget(self) if 0 in self.nics else "")
