# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EC2 instance is a machine."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from sandbox import docker
from sandbox.client import Client
from tests.sandbox.support import Aws, Lab, Shell, instance, run_instance, wait_for, wait_state

pytestmark = pytest.mark.sandbox


def refusal(call: object, **arguments: object) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)  # type: ignore[operator]
    return str(caught.value.response["Error"]["Code"])


def test_one_logs_in_as_the_images_user_with_sudo(machines: tuple[Shell, Shell]) -> None:
    machine = machines[0]
    assert machine.says("id -un; sudo id -un").split() == ["admin", "root"]
    assert machine.says("hostname") == f"ip-{machine.address.replace('.', '-')}"
    assert machine.says("sudo systemctl is-system-running --wait") == "running"


def test_root_and_strangers_do_not_get_in(machines: tuple[Shell, Shell]) -> None:
    assert "Permission denied" in machines[0].run("true", login="root").stderr


def test_a_machine_comes_without_docker_and_can_reach_debian(machines: tuple[Shell, Shell]) -> None:
    machine = machines[0]
    assert machine.run("command -v docker").returncode != 0
    observation = "import urllib.request as r; print(r.urlopen('http://deb.debian.org/debian/dists/trixie/Release').status)"
    assert machine.says(f'python3 -c "{observation}"') == "200"


def test_host_keys_and_machine_ids_are_each_machines_own(machines: tuple[Shell, Shell]) -> None:
    observation = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"
    assert machines[0].says(observation) != machines[1].says(observation)


def test_the_address_is_the_one_that_was_asked_for(aws: Aws, lab: Lab, machines: tuple[Shell, Shell]) -> None:
    found = instance(aws("ec2"), machines[0].ident)
    assert found["PrivateIpAddress"] == machines[0].address == lab.address(11)


def test_an_address_in_use_is_refused(aws: Aws, lab: Lab, machines: tuple[Shell, Shell]) -> None:
    ec2 = aws("ec2")
    assert refusal(ec2.run_instances, ImageId=lab.image, MinCount=1, MaxCount=1, SubnetId=lab.subnets[0],
                   PrivateIpAddress=machines[0].address) == "InvalidIPAddress.InUse"


@pytest.mark.parametrize("number", [0, 1, 3, 255])
def test_a_reserved_address_is_refused(aws: Aws, lab: Lab, number: int) -> None:
    assert refusal(aws("ec2").run_instances, ImageId=lab.image, MinCount=1, MaxCount=1, SubnetId=lab.subnets[0],
                   PrivateIpAddress=lab.address(number)) == "InvalidParameterValue"


def test_what_cannot_be_a_machine_is_refused(aws: Aws, lab: Lab) -> None:
    ec2 = aws("ec2")
    subnet = {"SubnetId": lab.subnets[0]}
    one = {"MinCount": 1, "MaxCount": 1}
    assert refusal(ec2.run_instances, ImageId="ami-03cf127a", **one, **subnet) == "InvalidAMIID.NotFound"
    unknown = {"ImageId": lab.image, "KeyName": "no-such"}
    assert refusal(ec2.run_instances, **unknown, **one, **subnet) == "InvalidKeyPair.NotFound"
    default = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]["SubnetId"]
    assert refusal(ec2.run_instances, ImageId=lab.image, SubnetId=default, **one) == "Unsupported"


def test_no_subnet_covers_the_sandboxs_own_addresses(aws: Aws, lab: Lab) -> None:
    code = refusal(aws("ec2").create_subnet, VpcId=lab.vpc, CidrBlock=f"{lab.prefix}.0.0/24")
    assert code == "InvalidSubnet.Conflict"


def test_a_life(sandbox: Client, aws: Aws, lab: Lab) -> None:
    """Started, renamed, stopped, started again with its disk, and terminated without a trace."""
    ec2 = aws("ec2")
    interface = {"DeviceIndex": 0, "SubnetId": lab.subnets[1], "AssociatePublicIpAddress": True,
                 "PrivateIpAddress": lab.address(20, 1)}
    ident = str(ec2.run_instances(ImageId=lab.image, MinCount=1, MaxCount=1, NetworkInterfaces=[interface])
                ["Instances"][0]["InstanceId"])
    container = sandbox.site.container(ident)
    found = wait_state(ec2, ident, "running")
    assert found["PublicIpAddress"] == found["PrivateIpAddress"] == lab.address(20, 1)

    ec2.create_tags(Resources=[ident], Tags=[{"Key": "Name", "Value": "renamed"}])
    listed = {machine["name"]: machine for machine in sandbox.state()["machines"]}
    assert (listed["renamed"]["ip"], listed["renamed"]["container"]) == (lab.address(20, 1), container)

    docker.shell(container, "echo kept > /root/note")
    ec2.stop_instances(InstanceIds=[ident])
    wait_state(ec2, ident, "stopped")
    assert not (docker.inspect("container", container) or {})["State"]["Running"]
    ec2.start_instances(InstanceIds=[ident])
    wait_state(ec2, ident, "running")
    assert docker.shell(container, "cat /root/note") == "kept"

    ec2.terminate_instances(InstanceIds=[ident])
    gone = wait_state(ec2, ident, "terminated")
    assert not gone.get("PrivateIpAddress")
    assert not gone.get("NetworkInterfaces")
    assert docker.inspect("container", container) is None
    assert docker.inspect("volume", container) is None
    assert "renamed" not in {machine["name"] for machine in sandbox.state()["machines"]}
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [lab.subnets[1]]}])
    assert interfaces["NetworkInterfaces"] == []


def test_a_freed_address_can_be_had_again(aws: Aws, lab: Lab) -> None:
    ec2 = aws("ec2")
    for _time in range(2):
        ident = run_instance(ec2, lab, "again", PrivateIpAddress=lab.address(30))
        wait_state(ec2, ident, "running")
        ec2.terminate_instances(InstanceIds=[ident])
        wait_for("the address to be free", lambda ident=ident: instance(ec2, ident)["State"]["Name"] == "terminated")


def test_the_same_client_token_makes_one_machine(aws: Aws, lab: Lab) -> None:
    ec2 = aws("ec2")
    token = str(uuid.uuid4())
    first = run_instance(ec2, lab, "token", ClientToken=token)
    assert run_instance(ec2, lab, "token", ClientToken=token) == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        run_instance(ec2, lab, "other", ClientToken=token)
    ec2.terminate_instances(InstanceIds=[first])
    wait_state(ec2, first, "terminated")


@pytest.mark.parametrize("release", ["12", "13"])
def test_debians_images_are_found_as_on_aws(aws: Aws, release: str) -> None:
    filters = [{"Name": "name", "Values": [f"debian-{release}-amd64-*"]},
               {"Name": "architecture", "Values": ["x86_64"]}]
    images = aws("ec2").describe_images(Owners=["136693071363"], Filters=filters)["Images"]
    assert [(image["RootDeviceName"], image["Public"]) for image in images] == [("/dev/xvda", True)]
