# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies of each verb: of what the code calls, all of it, and of this fleet's things, by their names."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import aws_registry_of
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_policies import (
    VERBS,
    Place,
    policies,
    require_account,
)

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
PLACE = Place("research", "eu-central-1", "123456789012", ["praxis/research/agent"], [f"{ECR}/praxis-agent:1.0"],
              CERTIFICATE, "example.org", "agents.example.org",
              pod_roles=["arn:aws:iam::123456789012:role/research-agents"])  # fmt: skip
REFERENCE: dict[str, dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("service_authorization.json").read_text(encoding="utf-8"))["actions"]  # fmt: skip
SERVICES = ("ec2", "elbv2", "iam", "secretsmanager", "ecr", "sts", "acm", "route53", "service-quotas", "ecs",
            "eks", "logs", "application-autoscaling")  # fmt: skip
#: Of no verb of these: by hand, by other playbooks, or without a permission.
NOT_OF_A_VERB = {
    "sts:GetCallerIdentity": "needs no permission",
    "ec2:GetConsoleOutput": "host_keys.yml",
    "ecr:ListImages": "a registry without tags",
    "secretsmanager:ListSecrets": "p2p_identity_info by hand",
}
#: Statements about things that may be anybody's: images and snapshots that a user names, what is just being made, and
#: repositories that a user names.
PLAIN = ("LaunchWith", "MakeDiskOf", "Mark", "Publish", "ForgetDefinitions", "GroupInVpc", "LinkRoles", "MarkGroup",
         "Scale")  # fmt: skip
#: What changes something, and takes no name: what is made bears the fleet's tag from the first.
NAMELESS = ("ForgetDefinitions", "MakeCertificate", "MakeCluster")
#: Of no call: AWS asks for them beside another action.
BESIDE = {
    "iam:CreateServiceLinkedRole", "iam:PassRole", "secretsmanager:TagResource",
    *(f"ecr:{each}" for each in (
        "BatchCheckLayerAvailability", "CompleteLayerUpload", "GetDownloadUrlForLayer", "InitiateLayerUpload",
        "PutImage", "UploadLayerPart")),
}  # fmt: skip


def statements(verb: str) -> list[dict[str, Any]]:
    return list(policies(PLACE)[verb]["Statement"])


def actions(verb: str) -> set[str]:
    """Those of a zone that is named by its domain, and of one that is named by its id."""
    by_id = policies(replace(PLACE, zone="Z123"))[verb]["Statement"]
    return {action for each in [*statements(verb), *by_id] for action in each["Action"]}


def reads(action: str) -> bool:
    return action.split(":")[1].startswith(("Describe", "Get", "List", "Batch", "Simulate"))


def called() -> set[str]:
    """What the code calls: every text in it that is the name of an operation of a service that it uses."""
    operations: dict[str, set[str]] = {}
    for service in SERVICES:
        model = get_session().get_service_model(service)
        for name in model.operation_names:
            operations.setdefault(xform_name(name), set()).add(f"{model.signing_name}:{name}")
    found: set[str] = set()
    for path in PLUGINS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= operations.get(node.value, set())
    # One text for several services, and an option that is called like an operation.
    found -= {f"{service}:{action}" for service in ("acm", "route53", "servicequotas", "application-autoscaling")
              for action in ("ListTagsForResource", "TagResource")}  # fmt: skip
    return found - {"ec2:DescribeTags", "ecs:ExecuteCommand", "ecs:ListTagsForResource",
                    "eks:ListTagsForResource", "servicequotas:ListServices"}  # fmt: skip


@pytest.mark.slow
def test_every_action_that_the_code_asks_for_is_in_a_policy() -> None:
    allowed = set().union(*map(actions, VERBS))
    missing = called() - allowed - set(NOT_OF_A_VERB)
    assert not missing


@pytest.mark.slow
def test_no_action_is_in_a_policy_that_the_code_does_not_ask_for() -> None:
    allowed = set().union(*map(actions, VERBS))
    # Its name is put together from a text and a kind.
    assert allowed - called() - BESIDE == {"elasticloadbalancing:DescribeLoadBalancerAttributes"}
    assert not allowed & set(NOT_OF_A_VERB)


@pytest.mark.parametrize("verb", VERBS)
def test_a_star_stands_where_the_service_takes_no_name(verb: str) -> None:
    for each in statements(verb):
        assert not [action for action in each["Action"] if "*" in action]
        if each["Resource"] == ["*"]:
            assert all(map(reads, each["Action"])) or each["Sid"] in NAMELESS, each["Sid"]


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_changed_is_named_or_bears_the_fleet_s_tag(verb: str) -> None:
    for each in statements(verb):
        if each["Sid"] == "Name":
            ((names,),) = (keys.values() for keys in each["Condition"].values())
            assert names == ["agents.example.org", "*.agents.example.org"]
            continue
        conditions = each.get("Condition", {}).get("StringEquals", {})
        tagged = {key: value for key, value in conditions.items() if key.endswith("/praxis_fleet")}
        for resource in each["Resource"]:
            if "research" not in resource and not all(map(reads, each["Action"])):
                assert set(tagged.values()) == {"research"} or each["Sid"] in PLAIN, each["Sid"]


def test_what_is_made_with_tags_may_be_given_them() -> None:
    """EC2 asks for CreateTags beside each action that makes something with tags."""
    (marked,) = [each for each in statements("provision") if each["Sid"] == "Mark"]
    made = {action.partition(":")[2] for action in actions("provision")
            if action.startswith(("ec2:Create", "ec2:Import", "ec2:Run"))}  # fmt: skip
    assert set(marked["Condition"]["StringEquals"]["ec2:CreateAction"]) == made - {"CreateTags", "CreateRoute"}


def test_the_doctor_only_reads() -> None:
    assert all(map(reads, actions("doctor")))
    assert actions("doctor") >= {"ec2:DescribeInstances", "secretsmanager:GetSecretValue", "iam:GetRole"}


def test_provisioning_and_deploying_may_remove_no_more_than_the_page_on_the_doctor_says() -> None:
    removing = {action for action in actions("provision") if re.match("(ec2|iam):(Delete|Terminate)", action)}
    assert removing == {"ec2:DeleteVpc", "ec2:TerminateInstances"}
    assert not {action for action in actions("deploy") if action.startswith(("ec2:", "iam:")) and not reads(action)}


def test_secrets_and_images_are_those_of_the_references() -> None:
    by_sid = {each["Sid"]: each for each in statements("deploy")}
    store = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:praxis/research/"
    assert by_sid["ReadSecrets"]["Resource"] == [f"{store}agent-??????", f"{store}identity/*-??????"]
    assert by_sid["ReadImages"]["Resource"] == ["arn:aws:ecr:eu-central-1:123456789012:repository/praxis-agent"]


def test_images_elsewhere_need_nothing_of_aws() -> None:
    there = policies(Place("research", "eu-central-1", "123456789012", [], ["registry.example/praxis:1"]))
    asked = [action for each in there["deploy"]["Statement"] for action in each["Action"]]
    assert asked and not [action for action in asked if action.startswith("ecr:")]


def test_statements_have_names_of_their_own() -> None:
    for verb in VERBS:
        sids = [each["Sid"] for each in statements(verb)]
        assert len(sids) == len(set(sids))


@pytest.mark.parametrize("account", ["", "arn", "12345678901"])
def test_what_is_no_account_is_refused(account: str) -> None:
    """No registry of an image says whose the fleet is: it may be another account's."""
    with pytest.raises(Failed, match="praxis_account"):
        require_account(account)


def test_an_image_of_another_account_s_registry_is_read_there_and_all_else_is_here() -> None:
    there = f"999999999999{ECR[12:]}/praxis-agent:1.0"
    for verb, policy in policies(Place("research", "eu-central-1", "123456789012", images=[there])).items():
        for each in policy["Statement"]:
            elsewhere = [one for one in each["Resource"] if "999999999999" in one]
            assert not elsewhere or each["Sid"] in ("Publish", "ReadImages"), (verb, each["Sid"])


def test_the_partition_is_the_account_s() -> None:
    china = policies(Place("research", "cn-north-1", "123456789012", zone="example.org", partition="aws-cn"))
    named = [one for policy in china.values() for each in policy["Statement"] for one in each["Resource"] if one != "*"]
    assert named and all(one.startswith("arn:aws-cn:") for one in named)


def test_in_china_ecr_and_ec2_have_names_of_their_own() -> None:
    image = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/praxis:1.0"
    china = policies(Place("research", "cn-north-1", "123456789012", images=[image], partition="aws-cn"))
    repository = "arn:aws-cn:ecr:cn-north-1:123456789012:repository/praxis"
    for verb in ("deploy", "image"):
        assert repository in [one for each in china[verb]["Statement"] for one in each["Resource"]]
    for verb in ("provision", "eks"):
        (given,) = [each for each in china[verb]["Statement"] if each["Sid"] == "GiveRole"]
        assert "ec2.amazonaws.com.cn" in given["Condition"]["StringEquals"]["iam:PassedToService"]


@pytest.mark.parametrize("host", ["dkr.ecr-fips.us-gov-west-1.amazonaws.com", "dkr-ecr.us-gov-west-1.on.aws"])
def test_a_registry_s_other_names_are_known_to_who_pulls(host: str) -> None:
    """The same names as for a login: who has the token alone may pull nothing."""
    image = f"123456789012.{host}/praxis:1.0"
    assert aws_registry_of(image.partition("/")[0]) == ("123456789012", "us-gov-west-1")
    place = Place("research", "us-gov-west-1", "123456789012", images=[image], partition="aws-us-gov")
    repository = "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/praxis"
    named = [one for each in policies(place)["deploy"]["Statement"] for one in each["Resource"]]
    assert repository in named


def test_a_login_s_secret_is_read_by_who_provisions_and_by_the_doctor_alone() -> None:
    named = policies(Place("research", "eu-central-1", "123456789012", login="praxis/login"))
    readers = {verb for verb, policy in named.items() for each in policy["Statement"]
               if any("praxis/login" in one for one in each["Resource"])}  # fmt: skip
    assert readers == {"provision", "doctor"}


def test_a_registry_s_login_is_read_by_who_pulls_and_who_pushes_and_described_for_ecs() -> None:
    named = policies(Place("research", "eu-central-1", "123456789012", registries=["praxis/registry"]))
    readers = {verb: {action for each in policy["Statement"] for action in each["Action"]
                      if any("praxis/registry" in one for one in each["Resource"])}
               for verb, policy in named.items()}  # fmt: skip
    read = {"secretsmanager:GetSecretValue"}
    assert {verb: actions for verb, actions in readers.items() if actions} == {
        "deploy": read, "doctor": read, "image": read, "ecs": {"secretsmanager:DescribeSecret"}}  # fmt: skip
    assert "secretsmanager:BatchGetSecretValue" in {
        action for each in named["image"]["Statement"] for action in each["Action"]}  # fmt: skip
    nothing = policies(Place("research", "eu-central-1", "123456789012"))
    assert "secretsmanager" not in str(nothing["image"])


def taken(action: str, resource: str) -> set[str] | None:
    """The condition keys of an action on a resource; None when it takes no such resource."""
    part = resource if resource == "*" else resource.split(":", 5)[5]
    kinds = REFERENCE[action]
    if resource == "*":
        # A star covers what takes a resource, too.
        return {key for keys in kinds.values() for key in keys}
    fits = [keys for begins, keys in kinds.items() if begins != "*" and part.startswith(begins)]
    return {key for keys in fits for key in keys} if fits else None


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("zone", ["example.org", "Z123"])
def test_every_statement_is_one_that_aws_evaluates(verb: str, zone: str) -> None:
    """An action on a resource that it does not take, or under a key that it does not know, is never allowed."""
    place = replace(PLACE, zone=zone, login="praxis/login", registries=["praxis/registry"])
    for each in policies(place)[verb]["Statement"]:
        keys = {key.partition("/")[0] for operator in each.get("Condition", {}).values() for key in operator}
        pairs = {(action, one): taken(action, one) for action in each["Action"] for one in each["Resource"]}
        for action in each["Action"]:
            assert any(keys <= found for one in each["Resource"] if (found := pairs[action, one]) is not None), action
        for one in each["Resource"]:
            assert any(keys <= found for action in each["Action"] if (found := pairs[action, one]) is not None), one


def test_a_star_stands_only_for_actions_without_resources_or_that_read() -> None:
    for verb in VERBS:
        for each in statements(verb):
            if each["Resource"] == ["*"]:
                named = [action for action in each["Action"] if "*" not in REFERENCE[action]]
                assert set(named) <= {"ec2:DescribeVpcAttribute", "ecs:ListTasks"}, each["Sid"]
