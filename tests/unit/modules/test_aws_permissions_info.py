# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permissions the credentials lack on AWS. In IAM's place answers the sandbox's imitation of its simulator, which
evaluates the policies that a user or a role holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from moto.iam.responses import IamResponse

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import aws_permissions as pure
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_policies import Place, policies
from sandbox.aws import simulation
from sandbox.aws.operations import refuse

ACCOUNT = "123456789012"
ECR = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com"
PLACE = Place("praxis", "eu-central-1", ACCOUNT, ["praxis/praxis/agent"], [f"{ECR}/praxis-agent:1.0"],
              f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/1", "example.org", "agents.example.org")  # fmt: skip
POLICIES = policies(PLACE)
STATEMENTS = [(verb, each["Sid"]) for verb, policy in POLICIES.items() for each in policy["Statement"]]
CONTROLLER = Path(simulation.__file__).parent / "policies" / "controller.json"


@pytest.fixture(autouse=True)
def _simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IamResponse, "simulate_principal_policy", simulation.simulate_principal_policy, raising=False)


@pytest.fixture
def user(cloud: Any) -> Any:
    """``user(*documents) -> its keys``."""
    iam = cloud.client("iam")

    def holds(*documents: dict[str, Any]) -> dict[str, str]:
        iam.create_user(UserName="controller")
        for number, document in enumerate(documents):
            iam.put_user_policy(UserName="controller", PolicyName=f"p{number}", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName="controller")["AccessKey"]
        cloud.operations.clear()
        return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    return holds


def without(verb: str, sid: str) -> dict[str, Any]:
    return {**POLICIES[verb], "Statement": [each for each in POLICIES[verb]["Statement"] if each["Sid"] != sid]}


@pytest.mark.slow
def test_who_has_every_policy_lacks_nothing(run: Any, user: Any) -> None:
    found = run("aws_permissions_info", policies=POLICIES, **user(*POLICIES.values()))
    assert (found.codes, found.result["findings"]) == ([], [])
    assert found.result["principal"] == f"arn:aws:iam::{ACCOUNT}:user/controller"
    assert found.result["checked"] > 100


@pytest.mark.slow
def test_the_sandbox_s_controller_may_provision_deploy_and_ask(run: Any, user: Any) -> None:
    verbs = ["provision", "deploy", "doctor", "backup", "restore", "down"]
    found = run("aws_permissions_info", policies=POLICIES, verbs=verbs, **user(json.loads(CONTROLLER.read_text())))
    assert found.result["findings"] == []


@pytest.mark.slow
def test_a_statement_that_is_missing_is_named_with_what_it_allows(run: Any, user: Any) -> None:
    (served,) = [each for each in POLICIES["deploy"]["Statement"] if each["Sid"] == "ServeRequests"]
    held = user(without("deploy", "ServeRequests"))
    for required, level in ((False, "warning"), (True, "error")):
        found = run("aws_permissions_info", policies=POLICIES, verbs=["deploy"], required=required, **held)
        (finding,) = found.result["findings"]
        assert (finding["code"], finding["level"]) == ("permission-missing", level)
        assert finding["where"] == "AWS deploy ServeRequests"
        assert "elasticloadbalancing:DeregisterTargets, elasticloadbalancing:RegisterTargets" in finding["what"]
        assert served["Resource"][0] in finding["what"]
        assert json.dumps(served) in finding["fix"]


@pytest.mark.slow
def test_what_is_denied_by_name_says_so(run: Any, user: Any) -> None:
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*"}]}
    found = run("aws_permissions_info", policies=POLICIES, verbs=["deploy"], **user(*POLICIES.values(), deny))
    (finding,) = found.result["findings"]
    assert finding["what"].startswith("A policy denies")
    assert "ecr:DescribeImages" not in finding["what"]
    assert "Remove them from the statement" in finding["fix"]


@pytest.mark.parametrize("statement", STATEMENTS, ids="-".join)
def test_no_statement_can_be_left_out(statement: tuple[str, str]) -> None:
    """Each is asked for so that nothing but itself, with its own actions, resources and conditions, allows it."""
    verb, sid = statement
    for leave, lacking in ((without(verb, sid), True), (POLICIES[verb], False)):
        (one,) = [each for each in POLICIES[verb]["Statement"] if each["Sid"] == sid]
        missing = [
            found
            for question in pure.questions(one, "eu-central-1")
            for found in pure.denied(simulated([leave], question))
        ]
        assert bool(missing) == lacking


def simulated(held: list[dict[str, Any]], question: pure.Question) -> list[dict[str, Any]]:
    context = {entry["ContextKeyName"]: simulation.value(entry) for entry in question.as_request("")["ContextEntries"]}
    return list(simulation.results(held, question.actions, question.resources, context))


def test_a_policy_for_another_fleet_is_not_enough(run: Any, user: Any) -> None:
    theirs = policies(Place("other", "eu-central-1", ACCOUNT, images=PLACE.images))["deploy"]
    found = run("aws_permissions_info", policies=POLICIES, verbs=["deploy"], **user(theirs))
    assert {each["where"] for each in found.result["findings"]} == {
        "AWS deploy MakeIdentities", "AWS deploy ReadSecrets", "AWS deploy ServeRequests"}  # fmt: skip


@pytest.mark.parametrize(("caller", "principal"), [
    (f"arn:aws:iam::{ACCOUNT}:user/ops/ann", f"arn:aws:iam::{ACCOUNT}:user/ops/ann"),
    (f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session@x", f"arn:aws:iam::{ACCOUNT}:role/deployer"),
    (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/deployer/1", f"arn:aws-cn:iam::{ACCOUNT}:role/deployer"),
    (f"arn:aws:iam::{ACCOUNT}:root", None),
    (f"arn:aws:sts::{ACCOUNT}:federated-user/ann", None),
])  # fmt: skip
def test_whose_policies_are_simulated(caller: str, principal: str | None) -> None:
    assert pure.principal(caller) == principal


@pytest.mark.slow
def test_a_role_is_asked_for_by_its_path(run: Any, cloud: Any) -> None:
    iam, sts = cloud.client("iam"), cloud.client("sts")
    iam.create_role(RoleName="sso", Path="/aws-reserved/", AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName="sso", PolicyName="all", PolicyDocument=json.dumps(POLICIES["deploy"]))
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
    given = {"access_key": keys["AccessKeyId"], "secret_key": keys["SecretAccessKey"],
             "session_token": keys["SessionToken"]}  # fmt: skip
    found = run("aws_permissions_info", policies=POLICIES, verbs=["deploy"], **given)
    assert (found.result["findings"], found.result["principal"]) == ([], role)


def test_a_session_whose_role_may_not_be_read_is_told_that_its_arn_may_have_a_path(
    run: Any, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam, sts = cloud.client("iam"), cloud.client("sts")
    iam.create_role(RoleName="sso", Path="/aws-reserved/sso.amazonaws.com/", AssumeRolePolicyDocument="{}")
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/sso"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
    monkeypatch.setattr(IamResponse, "get_role", lambda self: refuse(self, "AccessDenied", "not authorized", 403))
    found = run("aws_permissions_info", policies=POLICIES, verbs=["deploy"], access_key=keys["AccessKeyId"],
                secret_key=keys["SecretAccessKey"], session_token=keys["SessionToken"])  # fmt: skip
    (finding,) = found.result["findings"]
    assert (finding["code"], finding["level"]) == ("permissions-unseen", "warning")
    assert "iam:GetRole" in finding["fix"] and "FindRole" in finding["fix"]


def test_a_missing_right_to_ask_is_reported_and_is_no_error(
    run: Any, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(response: Any) -> Any:
        return refuse(response, "AccessDenied", "User is not authorized", 403)

    monkeypatch.setattr(IamResponse, "simulate_principal_policy", refused)
    found = run("aws_permissions_info", policies=POLICIES, verbs=["deploy"], **user())
    assert found.codes == []
    (finding,) = found.result["findings"]
    assert (found.result["checked"], finding["code"], finding["level"]) == (0, "permissions-unseen", "warning")
    assert "iam:SimulatePrincipalPolicy" in finding["fix"]


def test_a_caller_that_is_neither_user_nor_role_is_reported(run: Any, cloud: Any) -> None:
    """moto knows no such key, and answers for an owner that IAM does not simulate."""
    cloud.operations.clear()
    found = run("aws_permissions_info", policies=POLICIES).result
    assert (found["checked"], [each["code"] for each in found["findings"]]) == (0, ["permissions-unseen"])
    assert cloud.operations == ["GetCallerIdentity"]


def test_an_unknown_verb_is_refused(run: Any) -> None:
    assert run("aws_permissions_info", policies=POLICIES, verbs=["deplyo"]).codes == ["unknown-verb"]
