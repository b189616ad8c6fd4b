# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the sandbox that need no sandbox."""

from __future__ import annotations

import pytest

from sandbox.aws import policy
from sandbox.aws.faults import Fault, Faults
from sandbox.aws.log import mutates
from sandbox.balancer import Server
from sandbox.problem import Problem

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:praxis/praxis/agent-AbCdEf"
READ = "secretsmanager:GetSecretValue"


def document(**statement: object) -> list[dict[str, object]]:
    return [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **statement}]}]


@pytest.mark.parametrize(("documents", "expected"), [
    pytest.param([], False, id="nothing is allowed by default"),
    pytest.param(document(Action="*"), True, id="everything"),
    pytest.param(document(Action="secretsmanager:Get*"), True, id="a pattern of actions"),
    pytest.param(document(Action="SecretsManager:getsecretvalue"), True, id="actions ignore case"),
    pytest.param(document(Action=["ec2:*", "secretsmanager:List*"]), False, id="other actions"),
    pytest.param(document(NotAction="ec2:*"), True, id="all but others"),
    pytest.param(document(Action="*", Resource="arn:aws:secretsmanager:*:*:secret:praxis/*"), True, id="its prefix"),
    pytest.param(document(Action="*", Resource="arn:aws:secretsmanager:*:*:secret:other/*"), False,
                 id="another prefix"),
    pytest.param(document(Action="*", Resource=SECRET[:-6] + "??????"), True, id="question marks"),
    pytest.param(document(Action="*", Resource=SECRET[:-6] + "?????"), False, id="one question mark too few"),
    pytest.param(document(Action="*", Resource="arn:aws:secretsmanager:*:*:secret:praxis.praxis.agent*"), False,
                 id="a dot is a dot"),
    pytest.param(document(Action="*") + document(Effect="Deny", Action=READ), False, id="deny wins"),
    pytest.param(document(Action="*", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), True,
                 id="a condition that holds"),
    pytest.param(document(Action="*", Condition={"StringEquals": {"aws:PrincipalTag/x": "y"}}), False,
                 id="a condition that is not known does not hold"),
])
def test_policy(documents: list[dict[str, object]], expected: bool) -> None:
    assert policy.allowed(documents, READ, SECRET, {"aws:RequestedRegion": "us-east-1"}) is expected


@pytest.mark.parametrize(("operation", "status", "expected"), [
    ("DescribeInstances", 200, False), ("GetSecretValue", 200, False), ("ListImages", 200, False),
    ("BatchGetSecretValue", 200, False), ("HeadObject", 200, False), ("AssumeRole", 200, False),
    ("SimulatePrincipalPolicy", 200, False), ("ValidateTemplate", 200, False),
    ("DecodeAuthorizationMessage", 200, False),
    ("RunInstances", 200, True), ("RunInstances", 412, False), ("RunInstances", 403, True), ("CreateTags", 200, True),
    ("BatchDeleteImage", 200, True), ("RegisterTargets", 400, True), ("PutSecretValue", 200, True),
])
def test_what_counts_as_a_change(operation: str, status: int, expected: bool) -> None:
    assert mutates(operation, status) is expected


def test_a_seeded_fault_fires_the_same_each_time() -> None:
    def draws(*between: str, seed: int = 7) -> list[bool]:
        fault = Fault("throttle", operations=["ec2:*"], probability=0.5, seed=seed)
        drawn = []
        for _time in range(50):
            drawn.append(fault.matches("ec2", "DescribeInstances", ""))
            for other in between:
                fault.matches("ec2", other, "")
        return drawn

    # Whatever else is asked for meanwhile: parallel requests come in no order.
    assert draws() == draws() == draws("DescribeVpcs", "DescribeSubnets")
    assert draws() != draws(seed=8)
    assert 10 < sum(draws()) < 40


def test_a_fault_strikes_only_what_it_names_and_as_often_as_reported() -> None:
    faults = Faults()
    faults.add({"kind": "error", "operations": ["ec2:Describe*"], "count": 2})
    assert faults.choose("ec2", "RunInstances", "") is None
    assert faults.choose("elbv2", "DescribeLoadBalancers", "") is None
    struck = [faults.choose("ec2", "DescribeInstances", "") is not None for _time in range(4)]
    assert struck == [True, True, False, False]


@pytest.mark.parametrize(("kind", "service", "expected"), [
    ("throttle", "ec2", ("RequestLimitExceeded", 503)), ("throttle", "elbv2", ("Throttling", 400)),
    ("throttle", "secretsmanager", ("ThrottlingException", 400)), ("expire", "ec2", ("RequestExpired", 400)),
    ("expire", "ecr", ("ExpiredTokenException", 400)), ("error", "iam", ("ServiceFailure", 500)),
])
def test_a_fault_speaks_as_its_service_does(kind: str, service: str, expected: tuple[str, int]) -> None:
    struck = Fault(kind).strike(service, "Any")
    assert (struck.code, struck.status) == expected


@pytest.mark.parametrize("description", [{"kind": "earthquake"}, {"kind": "slow", "minutes": 3}])
def test_a_fault_that_is_not_understood_is_refused(description: dict[str, object]) -> None:
    with pytest.raises(Problem):
        Faults().add(description)


@pytest.mark.parametrize(("server", "state", "reason"), [
    (Server(False, False, "INI", "", 0, "drain"), "initial", "Elb.InitialHealthChecking"),
    (Server(True, True, "L7OK", "200", 0, "ready"), "healthy", None),
    (Server(False, True, "L7STS", "503", 0, "ready"), "unhealthy", "Target.ResponseCodeMismatch"),
    (Server(False, True, "L4TOUT", "", 0, "ready"), "unhealthy", "Target.Timeout"),
    (Server(False, True, "L7TOUT", "", 0, "ready"), "unhealthy", "Target.Timeout"),
    (Server(False, True, "L4CON", "", 0, "ready"), "unhealthy", "Target.FailedHealthChecks"),
])
def test_the_balancers_finding_in_the_clouds_words(server: Server, state: str, reason: str | None) -> None:
    from sandbox.aws.health import verdict

    assert verdict(server)[:2] == (state, reason)
