# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault that can be ordered, ordered; each stands in the operation log."""

from __future__ import annotations

import contextlib
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from sandbox import docker
from sandbox.client import Client
from sandbox.problem import Problem
from tests.sandbox.support import Aws, Shell, wait_for

pytestmark = pytest.mark.sandbox

DIAL = """python3 -c 'import socket,sys
try: socket.create_connection(("{address}", 22), 2); print("ok")
except TimeoutError: print("timeout")
except OSError: print("refused")'"""


def kinds(sandbox: Client, offset: int) -> list[str]:
    """Faults in the log from an offset on."""
    return [entry["fault"].rsplit("-", 1)[0] if entry["service"] != "sandbox" else entry["fault"]
            for entry in sandbox.operations(offset)[0] if entry["fault"]]


@pytest.mark.parametrize(("kind", "fields", "code", "status"), [
    ("throttle", {}, "RequestLimitExceeded", 503),
    ("throttle", {"code": "EC2ThrottledException", "status": 400}, "EC2ThrottledException", 400),
    ("error", {}, "InternalError", 500),
    ("expire", {}, "RequestExpired", 400),
])
def test_the_api_refuses_on_order(healed: Client, aws: Aws, kind: str, fields: dict[str, object], code: str,
                                  status: int) -> None:
    offset = healed.operations()[1]
    healed.fault(kind, operations=["ec2:DescribeVpcs"], count=1, **fields)
    with pytest.raises(ClientError) as caught:
        aws("ec2").describe_vpcs()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert aws("ec2").describe_vpcs()["Vpcs"]
    assert kinds(healed, offset) == [kind]
    assert [entry["error"] for entry in healed.operations(offset)[0]] == [code, None]


def test_a_json_service_refuses_in_its_own_words(healed: Client, aws: Aws) -> None:
    healed.fault("throttle", operations=["secretsmanager:*"])
    with pytest.raises(ClientError) as caught:
        aws("secretsmanager").list_secrets()
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def test_a_refused_change_does_not_happen(healed: Client, aws: Aws) -> None:
    healed.fault("error", operations=["ec2:CreateSecurityGroup"])
    with pytest.raises(ClientError):
        aws("ec2").create_security_group(GroupName="never", Description="never")
    healed.clear()
    groups = aws("ec2").describe_security_groups()["SecurityGroups"]
    assert "never" not in {group["GroupName"] for group in groups}


def test_a_reset_connection(healed: Client, aws: Aws) -> None:
    offset = healed.operations()[1]
    healed.fault("reset", operations=["ecr:*"], count=1)
    with pytest.raises((ConnectionClosedError, ConnectionError)):
        aws("ecr").describe_repositories(repositoryNames=["praxis-agent"])
    assert aws("ecr").describe_repositories(repositoryNames=["praxis-agent"])["repositories"]
    assert [entry["error"] for entry in healed.operations(offset)[0]] == ["ConnectionReset", None]


def test_an_answer_that_is_lost_was_carried_out(healed: Client, aws: Aws) -> None:
    offset = healed.operations()[1]
    healed.fault("lose", operations=["ec2:CreateInternetGateway"], count=1)
    before = len(aws("ec2").describe_internet_gateways()["InternetGateways"])
    with pytest.raises(ConnectionClosedError):
        aws("ec2").create_internet_gateway()
    after = aws("ec2").describe_internet_gateways()["InternetGateways"]
    assert len(after) == before + 1
    assert "AnswerLost" in [entry["error"] for entry in healed.operations(offset)[0]]
    aws("ec2").delete_internet_gateway(InternetGatewayId=after[-1]["InternetGatewayId"])


def test_an_answer_that_ends_in_the_middle(healed: Client, aws: Aws) -> None:
    healed.fault("truncate", operations=["ec2:DescribeVpcs"], count=1)
    with pytest.raises(ResponseParserError):
        aws("ec2").describe_vpcs()
    assert aws("ec2").describe_vpcs()["Vpcs"]


def test_a_storm_strikes_as_its_seed_says_and_no_other_fault_is_lifted_with_it(healed: Client, aws: Aws) -> None:
    def storm(seed: int) -> list[str | None]:
        made = healed.fault("storm", operations=["ec2:DescribeVpcs"], probability=0.5, seed=seed)
        offset = healed.operations()[1]
        for _draw in range(12):
            with contextlib.suppress(ClientError, BotoCoreError, ResponseParserError):
                aws("ec2").describe_vpcs()
        healed.lift(made["ident"])
        return [entry["error"] for entry in healed.operations(offset)[0]]

    kept = healed.fault("slow", operations=["sts:*"], seconds=0.0)["ident"]
    first = storm(3)
    assert first == storm(3)
    assert first != storm(4)
    assert None in first and len({error for error in first if error}) > 1
    assert [fault["ident"] for fault in healed.faults()] == [kept]


def test_a_slow_answer(healed: Client, aws: Aws) -> None:
    healed.fault("slow", operations=["sts:*"], seconds=1.5)
    started = time.monotonic()
    assert aws("sts").get_caller_identity()
    assert time.monotonic() - started >= 1.5


def test_a_client_that_retries_gets_through(healed: Client, aws: Aws) -> None:
    healed.fault("throttle", operations=["elbv2:*"], count=2)
    assert "LoadBalancers" in aws("elbv2", attempts=4).describe_load_balancers()


def test_a_cut_link_and_no_other(healed: Client, machines: tuple[Shell, Shell]) -> None:
    one, other = machines
    offset = healed.operations()[1]
    healed.link_cut("conformance-1", "conformance-2")
    assert one.says(DIAL.format(address=other.address)) == "timeout"
    assert other.says(DIAL.format(address=one.address)) == "timeout"
    assert one.says(DIAL.format(address=healed.site.addresses.gateway)) in ("ok", "refused")
    healed.link_heal()
    assert one.says(DIAL.format(address=other.address)) == "ok"
    assert kinds(healed, offset) == ["link-cut", "link-heal"]


def test_a_cut_link_stalls_a_connection_that_stands(healed: Client, machines: tuple[Shell, Shell]) -> None:
    one, other = machines
    script = (f"import socket,time; s=socket.create_connection((\"{other.address}\",22)); s.recv(64);"
              "open(\"/tmp/standing\",\"w\").close(); time.sleep(2); s.sendall(b\"x\"*100); time.sleep(1);"
              "print([l.split()[4:7] for l in open(\"/proc/net/tcp\") if l.split()[2].endswith(\":0016\")])")
    docker.shell(one.container, f"systemd-run --quiet --unit standing --property=StandardOutput=file:/run/standing.out "
                                f"python3 -c '{script}'")
    wait_for("the connection", lambda: one.run("test -e /tmp/standing").returncode == 0)
    healed.link_cut("conformance-1", "conformance-2")
    queue = wait_for("the verdict", lambda: one.run("sudo cat /run/standing.out").stdout)
    assert "00000064:" in queue, "100 bytes wait to be sent"


def test_a_killed_machine_is_dead_to_the_network_and_running_to_the_api(healed: Client, aws: Aws,
                                                                        machines: tuple[Shell, Shell]) -> None:
    one, other = machines
    healed.machine_kill("conformance-2")
    assert one.says(DIAL.format(address=other.address)) != "ok"
    states = aws("ec2").describe_instances(InstanceIds=[other.ident])["Reservations"][0]["Instances"][0]["State"]
    assert states["Name"] == "running"
    healed.machine_start("conformance-2")
    wait_for("SSH again", lambda: other.run("true").returncode == 0)


def test_a_full_disk(healed: Client, machines: tuple[Shell, Shell]) -> None:
    machine = machines[0]
    machine.says("echo kept | sudo tee /opt/note")
    healed.disk_full("conformance-1")
    assert machine.says("cat /opt/note") == "kept"
    refused = machine.run("sudo dd if=/dev/zero of=/opt/more bs=4k count=1")
    assert "No space left on device" in refused.stderr
    healed.disk_heal("conformance-1")
    machine.says("echo more | sudo tee /opt/more")
    machine.says("sudo rm /opt/note /opt/more")


def test_the_registry_down_slow_and_up(healed: Client, machines: tuple[Shell, Shell]) -> None:
    machine = machines[0]
    observation = f"curl -s -o /dev/null -m 5 -w '%{{http_code}}' https://{healed.site.registry_name}/v2/"
    assert machine.says(observation) == "401"
    healed.registry("down")
    assert machine.run(observation).returncode == 7, "refused"
    healed.registry("up")
    assert machine.says(observation) == "401"
    healed.registry("slow", rate="64kbit")
    assert "tbf" in _qdisc(healed)
    assert "rate 64Kbit" in _qdisc(healed)
    healed.registry("up")
    assert "tbf" not in _qdisc(healed)


def _qdisc(sandbox: Client) -> str:
    return docker.shell(sandbox.site.container("registry"), "tc qdisc show dev eth0")


def test_a_machine_that_is_not_there(sandbox: Client) -> None:
    with pytest.raises(Problem, match="is no machine 'nobody'"):
        sandbox.machine_kill("nobody")
