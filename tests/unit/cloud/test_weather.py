# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's weather on the wire: every code, halves of answers, keys that expire, clocks that are wrong."""

from __future__ import annotations

import contextlib
import email.utils
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient, AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_errors import classify
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import AWS_THROTTLING, Retry
from ansible_collections.praxis.cloud.plugins.test.weather import weather
from tests.unit.cloud.wire import Answer, in_order, serving

REGION = "eu-central-1"
KEYS = AwsCredentials("AKIAIOSFODNN7EXAMPLE", "planted-key-6b1f0c7e9d3a4558")
PLANTED = "planted-seed-0d9c8b7a6f5e4d3c2b1a"
READ = ("secretsmanager", "get_secret_value", {"SecretId": "a"})
CHANGE = ("secretsmanager", "delete_secret", {"SecretId": "a"})


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def client(host: str, slept: list[float] | None = None, credentials: AwsCredentials | None = KEYS) -> AwsClient:
    pauses: list[float] = [] if slept is None else slept
    retry = Retry(60, clock=lambda: sum(pauses), sleep=pauses.append, random=lambda: 1.0)
    return AwsClient(REGION, endpoint_url=f"http://{host}", credentials=credentials, retry=retry)


def refusal(code: str, message: str = "", status: int = 400, **headers: str) -> Answer:
    return Answer(status, json.dumps({"__type": code, "message": message}).encode(), headers)


# What each service says when it throttles, with the status it says it with.
THROTTLING = [
    ("ec2", "RequestLimitExceeded", 503), ("ec2", "EC2ThrottledException", 400), ("ec2", "RequestThrottled", 400),
    ("elasticloadbalancing", "Throttling", 400), ("iam", "Throttling", 400), ("sts", "Throttling", 400),
    ("secretsmanager", "ThrottlingException", 400), ("secretsmanager", "TooManyRequestsException", 429),
    ("ecr", "ThrottlingException", 400), ("ecr", "RequestThrottledException", 400), ("s3", "SlowDown", 503),
    ("dynamodb", "ProvisionedThroughputExceededException", 400), ("kms", "KMSThrottlingException", 400),
    ("route53", "PriorRequestNotComplete", 400), ("any", "BandwidthLimitExceeded", 509), ("any", "", 429),
]  # fmt: skip


@pytest.mark.parametrize(("service", "code", "status"), THROTTLING)
def test_every_services_throttling_is_waited_out_even_for_a_change(service: str, code: str, status: int) -> None:
    script = in_order(refusal(code, status=status, **{"Retry-After": "3"}), Answer())
    slept: list[float] = []
    with serving(script) as server:
        client(server.host, slept).call(*CHANGE[:2], **CHANGE[2])
        assert len(server.requests) == 2
    assert slept == [3.25]


@pytest.mark.parametrize("code", sorted(AWS_THROTTLING))
def test_a_throttling_code_is_never_taken_for_a_quota_or_a_server_error(code: str) -> None:
    assert classify(code, 400) is classify(code, 503) is errors.Throttled


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InternalError", 500, errors.Unavailable), ("InternalFailure", 500, errors.Unavailable),
        ("ServiceFailure", 500, errors.Unavailable), ("BadGateway", 502, errors.Unavailable),
        ("ServiceUnavailable", 503, errors.Unavailable), ("Unavailable", 503, errors.Unavailable),
        ("GatewayTimeout", 504, errors.Unavailable), ("", 503, errors.Unavailable),
        ("ExpiredToken", 403, errors.Expired), ("ExpiredTokenException", 400, errors.Expired),
        ("RequestExpired", 400, errors.Expired), ("RequestTimeTooSkewed", 403, errors.Expired),
        ("SignatureDoesNotMatch", 403, errors.Expired), ("InvalidSignatureException", 400, errors.Expired),
        ("UnauthorizedOperation", 403, errors.Denied), ("VpcLimitExceeded", 400, errors.QuotaExceeded),
        ("InvalidInstanceID.NotFound", 400, errors.NotFound), ("InvalidGroup.NotFound", 400, errors.NotFound),
        ("NoSuchEntity", 404, errors.NotFound), ("EntityAlreadyExists", 409, errors.Conflict),
        ("DependencyViolation", 400, errors.Conflict), ("Resource.AlreadyAssociated", 400, errors.Conflict),
        ("DuplicateLoadBalancerName", 400, errors.Conflict), ("InvalidParameterValue", 400, errors.Invalid),
    ],
)  # fmt: skip
def test_each_answer_has_one_type(code: str, status: int, kind: type[errors.CloudError]) -> None:
    assert classify(code, status) is kind


@pytest.mark.parametrize("service", ["secretsmanager", "ec2"])
def test_half_an_answer_is_no_answer(service: str) -> None:
    """The SDK takes half an answer in JSON for an empty one."""
    whole = {
        "secretsmanager": json.dumps({"Name": "a", "VersionId": "v" * 32, "SecretString": PLANTED}).encode(),
        "ec2": f"<DescribeVpcsResponse><vpcSet><item><vpcId>{PLANTED}</vpcId></item></vpcSet></DescribeVpcsResponse>"
        .encode(),
    }[service]
    half = Answer(body=whole[:-20], headers={"Content-Length": str(len(whole))})
    call: tuple[str, str, dict[str, Any]] = READ if service == "secretsmanager" else ("ec2", "describe_vpcs", {})
    with serving(in_order(half, Answer(body=whole))) as server:
        assert PLANTED in repr(client(server.host).call(*call[:2], **call[2]))
        assert len(server.requests) == 2
    with serving(in_order(half)) as server, pytest.raises(errors.Unavailable) as caught:
        client(server.host).call(*call[:2], idempotent=False, **call[2])
    assert "ended in the middle" in caught.value.finding.what
    assert PLANTED[:8] not in repr(caught.value.finding)


def write_keys(path: Path, access_key: str) -> None:
    path.write_text(f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {'k' * 40}\n")


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId"])
def test_keys_renewed_in_the_middle_are_taken_up(
    code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    write_keys(file, "AKIAOLD")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

    def script(request: Any) -> Answer:
        if "AKIANEW" in request.headers["Authorization"]:
            return Answer(body=b'{"Name": "a"}')
        write_keys(file, "AKIANEW")
        return refusal(code, "The security token is expired.")

    with serving(script) as server:
        assert client(server.host, credentials=None).call(*CHANGE[:2], **CHANGE[2])["Name"] == "a"
        assert len(server.requests) == 2


def test_keys_that_stay_expired_are_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_keys(tmp_path / "credentials", "AKIAOLD")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with serving(in_order(refusal("ExpiredTokenException"))) as server, pytest.raises(errors.Expired) as caught:
        client(server.host, credentials=None).call(*READ[:2], **READ[2])
    assert len(server.requests) == 1
    assert "log in again" in caught.value.finding.fix


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidSignatureException", "Signature expired: 20261123T000000Z is now earlier than 20261123T001000Z"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20261123T002000Z is still later than 20261123T000500Z"),
        ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
        ("RequestExpired", "Request has expired."),
    ],
)
@pytest.mark.parametrize(("ahead", "words"), [(1200, "1200 s ahead of"), (-900, "900 s behind")])
def test_a_wrong_clock_is_named_with_the_mend(
    code: str, message: str, ahead: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_795_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    answer = refusal(code, message, 403)
    # The Date that the server sends is the cloud's clock.
    monkeypatch.setattr(
        "http.server.BaseHTTPRequestHandler.date_time_string",
        lambda self: email.utils.formatdate(now - ahead, usegmt=True),
    )
    with serving(in_order(answer)) as server, pytest.raises(errors.Expired) as caught:
        client(server.host).call(*READ[:2], **READ[2])
    assert caught.value.finding.code == "cloud-clock"
    assert words in caught.value.finding.what
    assert "timedatectl" in caught.value.finding.fix


def test_a_wrong_key_is_no_wrong_clock() -> None:
    answer = refusal("SignatureDoesNotMatch", "The request signature we calculated does not match the Signature", 403)
    with serving(in_order(answer)) as server, pytest.raises(errors.Expired) as caught:
        client(server.host).call(*READ[:2], **READ[2])
    assert caught.value.finding.code == "cloud-credentials"


def test_an_endpoint_without_a_name_is_named() -> None:
    slept: list[float] = []
    with pytest.raises(errors.Unavailable) as caught:
        client("no-such-name.invalid", slept).call(*CHANGE[:2], **CHANGE[2])
    assert "no-such-name.invalid" in caught.value.finding.what
    assert "Tried" in caught.value.finding.what
    assert sum(slept) <= 60


def failed(code: str = "", msg: str = "", status: int = 400) -> dict[str, Any]:
    result: dict[str, Any] = {"failed": True, "msg": msg}
    if code:
        result |= {"error": {"code": code}, "response_metadata": {"http_status_code": status}}
    return result


def sdk(msg: str) -> dict[str, Any]:
    return {"failed": True, "msg": msg, "boto3_version": "1.44.5"}


@pytest.mark.parametrize(
    ("result", "passes"),
    [
        ({"failed": False, "changed": True}, False),
        (failed("RequestLimitExceeded"), True),
        (failed("InternalError", status=500), True),
        (failed("NoSuchCode", status=503), True),
        (failed("EntityAlreadyExists", status=409), True),
        (failed("InvalidGroup.NotFound"), True),
        (failed("DependencyViolation"), True),
        (failed("UnauthorizedOperation", status=403), False),
        (failed("ExpiredToken", status=403), False),
        (failed("VpcLimitExceeded"), False),
        (failed("InvalidParameterValue"), False),
        (failed(msg="Failed to x: An error occurred (Throttling) when calling the X operation"), True),
        (failed(msg="Failed to x: An error occurred (AccessDenied) when calling the X operation"), False),
        (sdk('Could not connect to the endpoint URL: "http://x/"'), True),
        (sdk('Connection was closed before we received a valid response from endpoint URL: "http://x"'), True),
        # ec2_security_group swallows the code of a rule that is there already.
        (sdk("Unable to authorize ingress rules: [{...}]: Failed to authorize security group ingress"), True),
        (sdk("Unable to locate credentials"), False),
        (sdk("Parameter validation failed: Unknown parameter"), False),
        (failed(msg="name is required"), False),
        ({"failed": True, "exception": "(traceback unavailable)"}, True),
    ],
)
def test_what_passes_for_a_general_module(result: dict[str, Any], passes: bool) -> None:
    assert weather(result) is passes


def test_a_code_may_pass_for_one_task_only() -> None:
    assert not weather(failed("LimitExceeded", status=409))
    assert weather(failed("LimitExceeded", status=409), ["LimitExceeded"])


@given(
    deadline=st.floats(0, 300), base=st.floats(0.01, 5), cap=st.floats(0.01, 30), wish=st.none() | st.floats(0, 100),
    draws=st.lists(st.floats(0, 1), min_size=1, max_size=50), cost=st.floats(0, 5),
)  # fmt: skip
def test_the_policy_keeps_its_bounds(
    deadline: float, base: float, cap: float, wish: float | None, draws: list[float], cost: float
) -> None:
    """No attempt starts after the deadline, no pause is shorter than asked or longer than asked and the bound."""
    now, pauses, starts = [0.0], [], []
    left = list(draws)

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    def attempt() -> None:
        starts.append(now[0])
        now[0] += cost
        if len(starts) > 60:
            return
        raise errors.Throttled("Slower.", "here", "Wait.", retry_after=wish, untouched=True)

    policy = Retry(deadline, base, cap, lambda: now[0], sleep, lambda: left.pop(0) if left else 1.0)
    with contextlib.suppress(errors.Throttled):
        policy.run(attempt, idempotent=False)
    assert all(start <= deadline + 1e-6 for start in starts[1:])
    for number, pause in enumerate(pauses):
        assert (wish or 0) <= pause <= (wish or 0) + min(cap, base * 2.0**number) + 1e-6
