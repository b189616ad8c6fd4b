# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS client on the wire: what is sent again, and what an answer turns into."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import traceback
from http.client import RemoteDisconnected

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError, ProxyConnectionError
from urllib3.exceptions import ConnectTimeoutError, ProtocolError, ProxyError

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_errors import typed
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_options import AWS_ARGUMENTS, aws_client
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.parallel import map_parallel
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from tests.unit.cloud.wire import Answer, in_order, serving

REGION = "eu-central-1"
KEYS = AwsCredentials("AKIAIOSFODNN7EXAMPLE", "planted-key-6b1f0c7e9d3a4558")
PLANTED = b"planted-seed-0d9c8b7a6f5e4d3c2b1a"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
                 "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    # The SDK's own knobs must not bring its own retries back.
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")


def client(host: str, slept: list[float] | None = None, deadline: float = 60.0) -> AwsClient:
    pauses: list[float] = [] if slept is None else slept
    retry = Retry(deadline, clock=lambda: sum(pauses), sleep=pauses.append, random=lambda: 1.0)
    return AwsClient(REGION, endpoint_url=f"http://{host}", credentials=KEYS, retry=retry)


def refusal(code: str, message: str = "", status: int = 400, **headers: str) -> Answer:
    return Answer(status, json.dumps({"__type": code, "message": message}).encode(), headers)


#: Of a role that somebody else made, and that AWS says when.
ROLE = b"""<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Path>/ours/</Path>
<Arn>arn:aws:iam::1234:role/ours/member</Arn><RoleName>member</RoleName><RoleId>AROA</RoleId>
<CreateDate>%s</CreateDate></Role></GetRoleResult></GetRoleResponse>"""
UNPASSED = "User: a is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1234:role/ours/member%s"
LONG_AGO, NOW = b"2020-01-01T00:00:00Z", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode()


@pytest.mark.parametrize(
    ("answer", "ending", "soon"),
    [
        (Answer(200, ROLE % LONG_AGO), " because no identity-based policy allows the iam:PassRole action", False),
        (Answer(200, ROLE % LONG_AGO), ".", False),
        (Answer(200, ROLE % NOW), "", True),
        (Answer(403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"), "", True),
    ],
    ids=["old", "old, and no more is said", "made a moment ago", "nobody can say"],
)
def test_only_a_role_that_was_made_a_moment_ago_may_be_handed_over_soon(
    answer: Answer, ending: str, soon: bool
) -> None:
    denied = refusal("AccessDeniedException", UNPASSED % ending)
    with serving(in_order(denied, answer)) as server, pytest.raises(errors.Denied) as refused:
        client(server.host).call("ecs", "register_task_definition", family="a", containerDefinitions=[])
    assert isinstance(refused.value, errors.NotPassed) is soon
    assert "iam:PassRole for that role" in refused.value.finding.fix and len(server.requests) == 2
    assert "RoleName=member" in server.requests[1].body.decode()


@pytest.mark.parametrize("answer", [
    Answer(200, ROLE % NOW), Answer(403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"),
], ids=["made a moment ago", "nobody can say"])  # fmt: skip
def test_iam_is_asked_once_about_a_role_that_is_waited_for(answer: Answer) -> None:
    denied = refusal("AccessDeniedException", UNPASSED % "")
    with serving(in_order(denied, answer, denied, denied)) as server:
        caller = client(server.host)
        for _try in range(3):
            with pytest.raises(errors.NotPassed):
                caller.call("ecs", "register_task_definition", family="a", containerDefinitions=[])
    assert ["RoleName" in each.body.decode() for each in server.requests] == [False, True, False, False]


READ = ("secretsmanager", "describe_secret", {"SecretId": "a"})
CHANGE = ("secretsmanager", "delete_secret", {"SecretId": "a"})


@pytest.mark.parametrize(("service", "operation", "params"), [READ, CHANGE])
def test_throttling_is_waited_out(service: str, operation: str, params: dict[str, str]) -> None:
    slept: list[float] = []
    script = in_order(refusal("ThrottlingException"), refusal("", status=429), Answer(body=b'{"Name": "a"}'))
    with serving(script) as server:
        assert client(server.host, slept).call(service, operation, **params)["Name"] == "a"
    assert len(server.requests) == 3
    assert slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("header", "value", "seconds"), [("Retry-After", "4", 4.25), ("x-amz-retry-after", "1500", 1.75)]
)
def test_the_clouds_wish_is_kept(header: str, value: str, seconds: float) -> None:
    slept: list[float] = []
    with serving(in_order(refusal("Throttling", status=400, **{header: value}), Answer())) as server:
        client(server.host, slept).call(*READ[:2], **READ[2])
    assert slept == [seconds]


@pytest.mark.parametrize("failure", [Answer(cut=True), refusal("InternalServiceError", status=500), Answer(503, b"")])
def test_a_read_is_sent_again_after_an_ambiguous_failure(failure: Answer) -> None:
    with serving(in_order(failure, Answer(body=b'{"Name": "a"}'))) as server:
        assert client(server.host).call(*READ[:2], **READ[2])["Name"] == "a"
    assert len(server.requests) == 2


@pytest.mark.parametrize("failure", [Answer(cut=True), refusal("InternalServiceError", status=500), Answer(503, b"")])
def test_a_change_is_not_unless_it_is_idempotent(failure: Answer) -> None:
    with serving(in_order(failure, Answer())) as server:
        with pytest.raises(errors.Unavailable):
            client(server.host).call(*CHANGE[:2], **CHANGE[2])
        assert len(server.requests) == 1
    with serving(in_order(failure, Answer())) as server:
        client(server.host).call(*CHANGE[:2], idempotent=True, **CHANGE[2])
        assert len(server.requests) == 2


def test_a_change_that_was_never_sent_is_sent_again() -> None:
    slept: list[float] = []
    with serving(in_order(Answer())) as server:
        nobody = server.host
    with pytest.raises(errors.Unavailable) as caught:
        client(nobody, slept, deadline=1.0).call(*CHANGE[:2], **CHANGE[2])
    assert slept == [0.25, 0.5]
    assert "EndpointConnectionError" in caught.value.finding.what
    assert "Tried 3 times" in caught.value.finding.what
    assert caught.value.finding.where == f"AWS secretsmanager DeleteSecret in {REGION}"


@pytest.mark.parametrize(
    ("region", "endpoint", "code", "named"),
    [
        ("eu-central-1a", None, "no-such-region", "it is a zone of eu-central-1"),
        ("eu-centrall-1", None, "no-such-region", "the SDK knows no region of that name"),
        (REGION, None, "cloud-unavailable", "No connection to AWS could be made"),
        ("here", "http://127.0.0.1:9", "cloud-unavailable", "No connection to AWS could be made"),
    ],
)
def test_a_region_that_does_not_exist_is_named_at_once(
    region: str, endpoint: str | None, code: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_self: object, request: AWSPreparedRequest) -> None:
        raise EndpointConnectionError(endpoint_url=request.url)

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", nobody)
    slept: list[float] = []
    retry = Retry(1.0, clock=lambda: sum(slept), sleep=slept.append, random=lambda: 1.0)
    asked = AwsClient(region, endpoint_url=endpoint, credentials=KEYS, retry=retry)
    with pytest.raises(errors.CloudError) as caught:
        asked.call("ec2", "describe_vpcs")
    finding = caught.value.finding
    assert (finding.code, named in finding.what, not slept) == (code, True, code == "no-such-region")


@pytest.mark.parametrize(
    ("cause", "untouched"),
    [
        (ProtocolError("Connection aborted.", RemoteDisconnected("Remote end closed connection")), False),
        (OSError("Tunnel connection failed: 403 Forbidden"), True),
        (ConnectTimeoutError("ConnectTimeoutError: timed out"), True),
    ],
)
def test_a_proxy_is_blamed_also_for_what_broke_after_the_request_had_gone(cause: Exception, untouched: bool) -> None:
    error = ProxyConnectionError(proxy_url="http://proxy", error=ProxyError("Unable to connect to proxy", cause))
    found = typed(error, "somewhere", "", True)
    assert isinstance(found, errors.Unavailable)
    assert found.untouched is untouched


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("AccessDeniedException", errors.Denied, "Grant secretsmanager:DescribeSecret"),
        ("UnauthorizedOperation", errors.Denied, "Grant secretsmanager:DescribeSecret"),
        ("ExpiredTokenException", errors.Expired, "log in again"),
        ("UnrecognizedClientException", errors.Expired, "clock"),
        ("InvalidSignatureException", errors.Expired, "clock"),
        ("ResourceNotFoundException", errors.NotFound, "region"),
        ("InvalidInstanceID.NotFound", errors.NotFound, "region"),
        ("ResourceExistsException", errors.Conflict, "state"),
        ("InvalidGroup.Duplicate", errors.Conflict, "state"),
        ("LimitExceededException", errors.QuotaExceeded, "quota"),
        ("TooManyTargets", errors.QuotaExceeded, "quota"),
        ("InvalidRequestException", errors.Invalid, "message"),
    ],
)
def test_answers_become_types(code: str, expected: type[errors.CloudError], words: str) -> None:
    with serving(in_order(refusal(code, "Because of this."))) as server, pytest.raises(errors.CloudError) as caught:
        client(server.host).call(*READ[:2], **READ[2])
    assert caught.type is expected
    assert len(server.requests) == 1
    assert caught.value.reason == code
    assert caught.value.finding.what == f"AWS answered {code}: Because of this."
    assert words in caught.value.finding.fix


def test_the_permission_carries_the_services_own_prefix() -> None:
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>No.</Message></Error></ErrorResponse>"
    with serving(in_order(Answer(403, body))) as server, pytest.raises(errors.Denied) as caught:
        client(server.host).call("elbv2", "describe_target_groups")
    assert "Grant elasticloadbalancing:DescribeTargetGroups" in caught.value.finding.fix


def test_an_endpoint_that_is_no_address() -> None:
    with pytest.raises(errors.Invalid) as caught:
        AwsClient(REGION, endpoint_url="nonsense", credentials=KEYS).call(*READ[:2], **READ[2])
    assert caught.value.finding.code == "cloud-options"


def test_no_credentials() -> None:
    with pytest.raises(errors.Expired) as caught:
        AwsClient(REGION, endpoint_url="http://127.0.0.1:9").call(*READ[:2], **READ[2])
    assert "NoCredentialsError" in caught.value.finding.what
    assert "AWS_PROFILE" in caught.value.finding.fix


def test_an_unknown_profile() -> None:
    with pytest.raises(errors.Expired) as caught:
        AwsClient(REGION, credentials=AwsCredentials(profile="nobody")).call(*READ[:2], **READ[2])
    assert "nobody" in caught.value.finding.what


def test_no_region() -> None:
    with pytest.raises(errors.Invalid) as caught:
        AwsClient(credentials=KEYS).call(*READ[:2], **READ[2])
    assert caught.value.finding.code == "cloud-no-region"


def test_the_sdks_own_endpoint_variable_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(in_order(Answer())) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}")
        AwsClient(REGION, credentials=KEYS).call(*READ[:2], **READ[2])
    assert len(server.requests) == 1


def test_pages_are_joined() -> None:
    pages = [
        {"SecretList": [{"Name": "a"}], "NextToken": "t1"},
        {"SecretList": [], "NextToken": "t2"},
        {"SecretList": [{"Name": "b"}]},
    ]
    with serving(in_order(*[Answer(body=json.dumps(page).encode()) for page in pages])) as server:
        listed = client(server.host).paginate("secretsmanager", "list_secrets", MaxResults=1)
        found = [entry["Name"] for entry in listed]
    assert found == ["a", "b"]
    assert [json.loads(request.body).get("NextToken") for request in server.requests] == [None, "t1", "t2"]
    assert all(json.loads(request.body)["MaxResults"] == 1 for request in server.requests)


def test_another_region_shares_the_session() -> None:
    with serving(in_order(Answer())) as server:
        here = client(server.host)
        there = here.in_region("us-east-1")
        there.call(*READ[:2], **READ[2])
    assert there.region == "us-east-1"
    assert "/us-east-1/secretsmanager/" in server.requests[0].headers["Authorization"]
    assert here.in_region(REGION) is here


SECRET_CALL = {"Name": "a", "SecretBinary": PLANTED}


@pytest.mark.parametrize("params", [SECRET_CALL, {"Name": "a", "SecretString": [PLANTED.decode()]}])
def test_a_value_that_is_sent_is_in_no_error(params: dict[str, object]) -> None:
    echo = f"Value {PLANTED.decode()} is too long."
    with serving(in_order(refusal("InvalidParameterException", echo))) as server:
        aws = client(server.host)
        # First that the search can find it: the same answer to a call without a confidential parameter is quoted.
        with pytest.raises(errors.Invalid) as caught:
            aws.call(*READ[:2], **READ[2])
        assert PLANTED.decode() in everything(caught.value)
        with pytest.raises(errors.Invalid) as caught:
            aws.call("secretsmanager", "create_secret", **params)
    assert PLANTED.decode() not in everything(caught.value)


def everything(error: BaseException) -> str:
    """All that a handler could print of an exception, its causes and contexts included."""
    chain: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None:
        chain.append(seen)
        seen = seen.__cause__ or seen.__context__
    return "".join(f"{each!r} {each} {vars(each)} {''.join(traceback.format_exception(each))}" for each in chain)


def test_values_are_not_logged_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    value = json.dumps({"Name": "a", "SecretString": PLANTED.decode(), "VersionId": "v" * 32}).encode()
    with caplog.at_level(logging.DEBUG), serving(in_order(Answer(body=value))) as server:
        aws = client(server.host)
        answer = aws.call("secretsmanager", "get_secret_value", SecretId="a")
        assert answer["SecretString"] == PLANTED.decode()
        assert PLANTED.decode() not in caplog.text
        # And that this search can find one: with the SDK's own level given back, it does log values.
        with caplog.at_level(logging.DEBUG, logger="botocore"):
            aws.call("secretsmanager", "get_secret_value", SecretId="a")
        assert PLANTED.decode() in caplog.text


def test_representations_hide_the_key() -> None:
    assert "planted" not in repr(KEYS)
    assert "planted" not in repr(client("127.0.0.1:9"))


@pytest.mark.parametrize("missing", [["boto3"], ["boto3", "botocore"]])
def test_a_missing_sdk_is_named_with_the_interpreter(missing: list[str]) -> None:
    probe = (
        f"import sys; sys.modules.update(dict.fromkeys({missing}))\n"
        "from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient\n"
        "from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed\n"
        "try:\n    AwsClient('eu-central-1').call('ec2', 'describe_instances')\n"
        "except Failed as failed:\n    sys.stdout.write(failed.findings[0].code + str(failed))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("sdk-missing")
    assert sys.executable in done.stdout


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "p", "access_key": "a", "secret_key": "planted-key-6b1f0c7e9d3a4558"},
        {"access_key": "a"},
        {"secret_key": "planted-key-6b1f0c7e9d3a4558"},
    ],
)
def test_options_that_contradict(options: dict[str, str]) -> None:
    with pytest.raises(errors.Invalid) as caught:
        aws_client(options)
    assert caught.value.finding.code == "cloud-options"
    assert "planted" not in str(caught.value)


def test_options_are_named_as_in_amazon_aws() -> None:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

    theirs = aws_argument_spec()
    assert {name: spec["aliases"] for name, spec in AWS_ARGUMENTS.items()} == {
        name: theirs[name]["aliases"] for name in AWS_ARGUMENTS
    }


def test_parallel_keeps_the_order_and_collects_failures() -> None:
    def work(number: int) -> int:
        if number % 2:
            raise errors.NotFound(f"{number}", "here", "")
        return number * 10

    results = [each if isinstance(each, int) else each.findings[0].what for each in map_parallel(work, range(5))]
    assert results == [0, "1", 20, "3", 40]


def test_parallel_hides_no_defect() -> None:
    with pytest.raises(ZeroDivisionError):
        map_parallel(lambda number: 1 // number, [1, 0, 2])


@pytest.mark.slow
def test_all_clients_of_a_process_read_a_service_s_model_once() -> None:
    """In a process of its own: in this one the tests share what they have read."""
    script = f"""
from botocore import loaders
from {AwsClient.__module__} import AwsClient
from {AwsCredentials.__module__} import AwsCredentials
read, load = [], loaders.JSONFileLoader.load_file
loaders.JSONFileLoader.load_file = lambda self, path: (read.append(path), load(self, path))[1]
for _client in range(2):
    AwsClient("{REGION}", credentials=AwsCredentials("AKIAIOSFODNN7EXAMPLE", "planted"))._service("sts")
print(sum("/sts/" in path for path in read), len(read) - len(set(read)))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    models, again = map(int, ran.stdout.split())
    assert models > 0
    assert again == 0
