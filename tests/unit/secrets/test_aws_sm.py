# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets Manager: its batches, and its refusals, against moto in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.aws_sm import AwsSecretsManager
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import (
    Secret,
    describe_all,
    fetch_all,
    fetch_each,
)
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

REGION = "eu-central-1"
PLANTED = "planted-value-91c2"


class Aws(AwsClient):
    """A client that remembers its calls, and can be told to answer one."""

    def __init__(self, region: str = REGION, calls: list[Any] | None = None) -> None:
        super().__init__(region, credentials=AwsCredentials("AKIAIOSFODNN7EXAMPLE", "k" * 40))
        self.calls: list[Any] = [] if calls is None else calls
        self.instead: dict[str, Any] = {}

    def call(self, service: str, operation: str, *, idempotent: bool | None = None, **params: Any) -> dict[str, Any]:
        self.calls.append((self.region, operation, params))
        if operation in self.instead:
            answer = self.instead[operation]
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)
        return super().call(service, operation, idempotent=idempotent, **params)

    def in_region(self, region: str) -> AwsClient:
        return self if region == self.region else Aws(region, self.calls)

    def operations(self) -> list[str]:
        return [operation for _region, operation, _params in self.calls]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Aws()


def make(aws: AwsClient, name: str, value: str | bytes = PLANTED, **more: Any) -> dict[str, Any]:
    kind = "SecretBinary" if isinstance(value, bytes) else "SecretString"
    return AwsClient.call(aws, "secretsmanager", "create_secret", Name=name, **{kind: value}, **more)


def ref(text: str) -> Reference:
    reference = parse(text)
    assert reference
    return reference


def each(aws: Aws, *texts: str) -> list[Any]:
    """The value, or the finding's code, of each."""
    outcomes = fetch_each([ref(text) for text in texts], {"aws-sm": AwsSecretsManager(aws)})
    return [one.value if isinstance(one, Secret) else one.code for one in outcomes.values()]


def test_twenty_a_call_keys_and_seeds_in_the_same_batches(aws: Aws) -> None:
    for number in range(41):
        make(aws, f"s{number}", bytes([number]) * 32 if number % 2 else f'{{"k": "{number}"}}')
    wanted = [ref(f"aws-sm://s{number}" + ("" if number % 2 else "#k")) for number in range(41)]
    fetched = fetch_all(wanted, {"aws-sm": AwsSecretsManager(aws)})
    assert [fetched[reference].value for reference in wanted] == [
        bytes([number]) * 32 if number % 2 else str(number) for number in range(41)
    ]
    assert aws.operations() == ["batch_get_secret_value"] * 3
    assert sorted(len(params["SecretIdList"]) for _region, _operation, params in aws.calls) == [1, 20, 20]


def test_by_name_by_arn_and_by_arn_without_suffix(aws: Aws) -> None:
    arn = make(aws, "a/b", "x")["ARN"]
    make(aws, "a/b-abcdef", "y")
    aws.instead["batch_get_secret_value"] = {
        "SecretValues": [
            {"ARN": arn[:-7] + "-abcdef-QwErTy", "Name": "a/b-abcdef", "VersionId": "v2", "SecretString": "y"},
            {"ARN": arn, "Name": "a/b", "VersionId": "v1", "SecretString": "x"},
        ]
    }
    assert each(aws, "aws-sm://a/b", f"aws-sm://{arn}", f"aws-sm://{arn[:-7]}") == ["x", "x", "x"]


def test_an_arn_is_asked_in_its_own_region(aws: Aws) -> None:
    make(aws, "here", "1")
    arn = make(aws.in_region("us-east-1"), "there", "2")["ARN"]
    assert each(aws, "aws-sm://here", f"aws-sm://{arn}") == ["1", "2"]
    asked = [(region, params["SecretIdList"]) for region, _operation, params in aws.calls]
    assert sorted(asked) == sorted([(REGION, ["here"]), ("us-east-1", [arn])])


def test_versions_and_stages_cost_a_call_each(aws: Aws) -> None:
    first = make(aws, "a", "old")["VersionId"]
    second = AwsClient.call(aws, "secretsmanager", "put_secret_value", SecretId="a", SecretString="new")["VersionId"]
    wanted = [ref("aws-sm://a"), ref(f"aws-sm://a?version={first}"), ref("aws-sm://a?stage=AWSPREVIOUS")]
    fetched = fetch_all(wanted, {"aws-sm": AwsSecretsManager(aws)})
    assert [fetched[reference] for reference in wanted] == [
        Secret("new", second), Secret("old", first), Secret("old", first),
    ]  # fmt: skip
    assert sorted(aws.operations()) == ["batch_get_secret_value", "get_secret_value", "get_secret_value"]


def test_refusals_are_distinguished(aws: Aws) -> None:
    make(aws, "deleted")
    AwsClient.call(aws, "secretsmanager", "delete_secret", SecretId="deleted")
    make(aws, "ok")
    version = "0" * 32
    assert each(
        aws, "aws-sm://ok", "aws-sm://none", "aws-sm://deleted", f"aws-sm://ok?version={version}",
        f"aws-sm://none?version={version}", f"aws-sm://deleted?version={version}", "aws-sm://ok#k",
    ) == [
        PLANTED, "secret-not-found", "secret-deleted", "secret-version-not-found",
        "secret-not-found", "secret-deleted", "secret-not-json",
    ]  # fmt: skip


# AWS's own words, which moto does not use in all of these cases.
NO_STAGE = "Secrets Manager can't find the specified secret value for staging label: mine"
NO_VERSION = "Secrets Manager can't find the specified secret value for VersionId: 00000000000000000000000000000000"
REFUSALS = [
    ("AccessDeniedException", f"User is not authorized {PLANTED}", "secret-denied"),
    ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", "secret-not-found"),
    ("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
     "secret-empty"),
    ("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.",
     "secret-deleted"),
    ("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text.", "secret-undecryptable"),
    # Of a key and of no secret: an identity that is called deleted is one to be restored.
    ("DecryptionFailure", "The KMS key is pending deletion.", "secret-undecryptable"),
    ("InvalidParameterException", "The parameter name is invalid.", "secret-unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "expected"), REFUSALS)
def test_a_refusal_in_a_batch_and_alone_reads_the_same(aws: Aws, code: str, message: str, expected: str) -> None:
    refused = {"SecretId": "a", "ErrorCode": code, "Message": message}
    aws.instead["batch_get_secret_value"] = {"SecretValues": [], "Errors": [refused]}
    aws.instead["get_secret_value"] = errors.Invalid(f"AWS answered {code}: {message}", "AWS", "", reason=code)
    # A version that was not asked for cannot be missing: then the secret has none.
    alone = "secret-version-not-found" if expected == "secret-empty" else expected
    assert each(aws, "aws-sm://a", "aws-sm://a?stage=mine") == [expected, alone]
    for text in ("aws-sm://a", "aws-sm://a?stage=mine"):
        finding = fetch_each([ref(text)], {"aws-sm": AwsSecretsManager(aws)})[ref(text)]
        assert isinstance(finding, Finding)
        assert finding.where == f"{text} ({REGION})"
        assert finding.fix


@pytest.mark.parametrize("message", [NO_STAGE, NO_VERSION])
def test_a_version_or_stage_that_is_not_there(aws: Aws, message: str) -> None:
    refused = errors.NotFound(f"AWS answered no: {message}", "AWS", "", reason="ResourceNotFoundException")
    aws.instead["get_secret_value"] = refused
    assert each(aws, "aws-sm://a?stage=mine", f"aws-sm://a?version={'0' * 32}") == ["secret-version-not-found"] * 2


@pytest.mark.parametrize(
    "batch",
    [
        {"SecretValues": [], "Errors": [{"SecretId": "a", "ErrorCode": "ThrottlingException", "Message": "Slower"}]},
        {"SecretValues": [], "Errors": [{"SecretId": "a", "ErrorCode": "InternalServiceError", "Message": "Oops"}]},
        {"SecretValues": []},
    ],
)
def test_what_a_batch_was_too_busy_for_is_asked_alone(aws: Aws, batch: dict[str, Any]) -> None:
    make(aws, "a")
    aws.instead["batch_get_secret_value"] = batch
    assert each(aws, "aws-sm://a") == [PLANTED]
    assert aws.operations() == ["batch_get_secret_value", "get_secret_value"]


@pytest.mark.parametrize("kind", [errors.NotFound, errors.Denied, errors.Invalid])
def test_a_batch_refused_as_a_whole_is_asked_one_by_one(aws: Aws, kind: type[errors.CloudError]) -> None:
    make(aws, "there")
    aws.instead["batch_get_secret_value"] = kind("AWS answered no.", "AWS", "Grant it.", reason="AccessDenied")
    assert each(aws, "aws-sm://there", "aws-sm://none", "aws-sm://gone") == [
        PLANTED, "secret-not-found", "secret-not-found",
    ]  # fmt: skip
    assert aws.operations() == ["batch_get_secret_value"] + ["get_secret_value"] * 3


def test_every_secret_that_is_denied_is_named(aws: Aws) -> None:
    for operation in ("batch_get_secret_value", "get_secret_value", "describe_secret"):
        aws.instead[operation] = errors.Denied("AWS answered no.", "AWS", "", reason="AccessDeniedException")
    wanted, stores = [ref(f"aws-sm://s{number}") for number in range(30)], {"aws-sm": AwsSecretsManager(aws)}
    for ask, permission in ((fetch_all, "GetSecretValue"), (describe_all, "DescribeSecret")):
        with pytest.raises(Failed) as caught:
            ask(wanted, stores)
        assert [finding.code for finding in caught.value.findings] == ["secret-denied"] * 30
        assert {finding.where for finding in caught.value.findings} == {f"{each} ({REGION})" for each in wanted}
        assert all(permission in finding.fix for finding in caught.value.findings)


@pytest.mark.parametrize(
    "error",
    [
        errors.Expired("No.", "AWS", "Log in.", reason="ExpiredTokenException"),
        errors.Unavailable("Nobody answered.", "AWS", "Wait."),
        errors.Invalid("The library boto3 cannot be imported.", "Python", "Install it.", code="sdk-missing"),
    ],
)
def test_what_is_about_no_secret_is_reported_once(aws: Aws, error: errors.CloudError) -> None:
    for operation in ("batch_get_secret_value", "get_secret_value", "describe_secret"):
        aws.instead[operation] = error
    wanted = [ref("aws-sm://a"), ref("aws-sm://b"), ref("aws-sm://c?stage=mine")]
    for ask in (fetch_all, describe_all):
        with pytest.raises(Failed) as caught:
            ask(wanted, {"aws-sm": AwsSecretsManager(aws)})
        assert caught.value.findings == error.findings


def test_a_batch_throttled_in_part_is_asked_again_for_that_part_only(aws: Aws) -> None:
    for number in range(20):
        make(aws, f"s{number}", str(number))
    answer = AwsClient.call(aws, "secretsmanager", "batch_get_secret_value", SecretIdList=[f"s{n}" for n in range(20)])
    busy = [{"SecretId": f"s{number}", "ErrorCode": "ThrottlingException", "Message": "Slower"} for number in (3, 7)]
    denied = {"SecretId": "s9", "ErrorCode": "AccessDeniedException", "Message": "No"}
    kept = [each for each in answer["SecretValues"] if each["Name"] not in ("s3", "s7", "s9")]
    aws.instead["batch_get_secret_value"] = {"SecretValues": kept, "Errors": [*busy, denied]}
    found = each(aws, *[f"aws-sm://s{number}" for number in range(20)])
    assert found == ["secret-denied" if number == 9 else str(number) for number in range(20)]
    assert aws.operations()[0] == "batch_get_secret_value"
    asked = sorted(params["SecretId"] for _region, _operation, params in aws.calls[1:])
    assert asked == ["s3", "s7"]


def test_a_version_without_a_value(aws: Aws) -> None:
    aws.instead["batch_get_secret_value"] = {"SecretValues": [{"Name": "a", "ARN": "x" * 20, "VersionId": "v"}]}
    assert each(aws, "aws-sm://a") == ["secret-empty"]


@pytest.mark.slow
def test_a_secret_that_was_never_given_a_value(aws: Aws) -> None:
    # moto refuses the whole batch for it, where AWS tells of the one secret.
    make(aws, "there")
    AwsClient.call(aws, "secretsmanager", "create_secret", Name="bare")
    assert each(aws, "aws-sm://there", "aws-sm://bare") == [PLANTED, "secret-empty"]
    with pytest.raises(Failed, match="holds no value"):
        describe_all([ref("aws-sm://bare")], {"aws-sm": AwsSecretsManager(aws)})


def test_descriptions_open_nothing(aws: Aws) -> None:
    first = make(aws, "a", Tags=[{"Key": "team", "Value": "x"}])["VersionId"]
    second = AwsClient.call(aws, "secretsmanager", "put_secret_value", SecretId="a", SecretString="new")["VersionId"]
    wanted = [ref("aws-sm://a#k"), ref("aws-sm://a?stage=AWSPREVIOUS"), ref(f"aws-sm://a?version={first}")]
    described = describe_all(wanted, {"aws-sm": AwsSecretsManager(aws)})
    assert [described[reference].version for reference in wanted] == [second, first, first]
    assert described[wanted[0]].versions == {first: ("AWSPREVIOUS",), second: ("AWSCURRENT",)}
    assert described[wanted[0]].stages == ("AWSCURRENT",)
    assert described[wanted[0]].tags == {"team": "x"}
    assert described[wanted[0]].created.endswith("Z")
    assert set(aws.operations()) == {"describe_secret"}


def test_what_cannot_be_described(aws: Aws) -> None:
    make(aws, "ok")
    make(aws, "deleted")
    AwsClient.call(aws, "secretsmanager", "delete_secret", SecretId="deleted")
    wanted = ["aws-sm://none", "aws-sm://deleted", "aws-sm://ok?stage=none", "aws-sm://ok?version=" + "0" * 32]
    with pytest.raises(Failed) as caught:
        describe_all([ref(text) for text in wanted], {"aws-sm": AwsSecretsManager(aws)})
    assert [finding.code for finding in caught.value.findings] == [
        "secret-not-found", "secret-deleted", "secret-version-not-found", "secret-version-not-found",
    ]  # fmt: skip
