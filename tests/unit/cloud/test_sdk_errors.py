# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every exception that a cloud's library has is one of our typed errors, and none of them asks a person.

The tables name each class by hand: a new version of a library that brings one more fails here.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3.exceptions
import botocore.exceptions
import botocore.parsers
import botocore.session
import google.auth.exceptions
import pytest
import requests.exceptions

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import aws_errors, aws_profile, errors, gcp_errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp_credentials import GcpCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed

#: By our type and code, botocore's and boto3's classes. Those of features that we do not use are not well-formed
#: requests of ours, if ever.
AWS: dict[tuple[type[errors.CloudError], str], str] = {
    (errors.Unavailable, "cloud-unavailable"): """
        ChecksumError ConnectTimeoutError ConnectionClosedError ConnectionError EndpointConnectionError EventStreamError
        FlexibleChecksumError HTTPClientError IncompleteReadError ProxyConnectionError ReadTimeoutError
        ResponseParserError ResponseStreamingError""",
    (errors.Expired, "cloud-mfa"): "RefreshWithMFAUnsupportedError",
    (errors.Expired, "cloud-credentials"): """
        CredentialRetrievalError InfiniteLoopConfigError InvalidConfigError LoginAuthorizationCodeError LoginError
        LoginInsufficientPermissions LoginRefreshRequired LoginTokenLoadError MetadataRetrievalError
        MissingDependencyException NoAuthTokenError NoCredentialsError PartialCredentialsError ProfileNotFound SSOError
        SSOTokenLoadError TokenRetrievalError UnauthorizedSSOTokenError UnknownCredentialError
        UnknownTokenProviderError""",
    (errors.Invalid, "cloud-options"): """
        ConfigNotFound ConfigParseError EndpointProviderError EndpointResolutionError EndpointVariantError
        InvalidChecksumConfigError InvalidDefaultsMode InvalidEndpointConfigurationError InvalidIMDSEndpointError
        InvalidIMDSEndpointModeError InvalidMaxRetryAttemptsError InvalidProxiesConfigError InvalidRegionError
        InvalidRetryConfigurationError InvalidRetryModeError InvalidSTSRegionalEndpointsConfigError NoRegionError
        UnknownEndpointError UnknownRegionError""",
    (errors.Invalid, "cloud-tls"): "SSLError",
    (errors.Invalid, "cloud-invalid"): """
        AliasConflictParameterError ApiVersionNotFoundError AwsChunkedWrapperError BaseEndpointResolverError Boto3Error
        BotoCoreError CapacityNotAvailableError DataNotFoundError DynamoDBNeedsConditionError
        DynamoDBNeedsKeyConditionError DynamoDBOperationNotSupportedError InvalidCrtTransferConfigError
        InvalidDNSNameError InvalidEndpointDiscoveryConfigurationError InvalidExpressionError InvalidHostLabelError
        InvalidS3AddressingStyleError InvalidS3UsEast1RegionalEndpointConfigError MD5UnavailableError
        MissingParametersError MissingServiceIdError NoVersionFound OperationNotPageableError PaginationError
        ParamValidationError RangeError ResourceLoadException ResourceNotExistsError RetriesExceededError
        S3TransferFailedError S3UploadFailedError ServiceNotInRegionError StubAssertionError StubResponseError
        UnStubbedResponseError UndefinedModelAttributeError UnknownAPIVersionError UnknownClientMethodError
        UnknownEndpointResolutionBuiltInName UnknownFIPSEndpointError UnknownKeyError UnknownParameterError
        UnknownServiceError UnknownServiceStyle UnknownSignatureVersionError UnseekableStreamError
        UnsupportedOutpostResourceError UnsupportedS3AccesspointConfigurationError UnsupportedS3ArnError
        UnsupportedS3ConfigurationError UnsupportedS3ControlArnError UnsupportedS3ControlConfigurationError
        UnsupportedServiceProtocolsError UnsupportedSignatureVersionError ValidationError WaiterConfigError
        WaiterError""",
}
GOOGLE: dict[tuple[type[errors.CloudError], str], str] = {
    (errors.Unavailable, "cloud-unavailable"): """
        TransportError ConnectTimeout ReadTimeout Timeout ConnectionError ProxyError ChunkedEncodingError
        ContentDecodingError""",
    (errors.Expired, "cloud-credentials"): """
        ClientCertError DefaultCredentialsError GoogleAuthError InvalidHeader InvalidOperation InvalidResource
        InvalidType InvalidValue MalformedError MutualTLSChannelError OAuthError OSError ReauthFailError
        ReauthSamlChallengeFailError RefreshError ResponseError TimeoutError UserAccessTokenError""",
    (errors.Invalid, "cloud-tls"): "SSLError",
    (errors.Invalid, "cloud-invalid"): """
        HTTPError InvalidJSONError InvalidProxyURL InvalidSchema InvalidURL JSONDecodeError MissingSchema
        RequestException RetryError StreamConsumedError TooManyRedirects URLRequired UnrewindableBodyError""",
}


def classes(*modules: ModuleType) -> dict[str, type[Exception]]:
    """A library's own exceptions; warnings are none, and an answer with an error code goes by the code."""
    found = {
        kind.__name__: kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Exception) and not issubclass(kind, Warning)
        and kind.__module__ == module.__name__
    }  # fmt: skip
    return {name: kind for name, kind in found.items() if name != "ClientError"}


def rows(table: dict[Any, str]) -> list[tuple[str, type[errors.CloudError], str]]:
    return sorted(((name, kind, code) for (kind, code), names in table.items() for name in names.split()), key=str)


AWS_CLASSES = classes(boto3.exceptions, botocore.exceptions, botocore.parsers)
GOOGLE_CLASSES = classes(google.auth.exceptions, requests.exceptions)


def test_the_tables_name_every_class_of_the_libraries_once() -> None:
    for table, there in ((AWS, AWS_CLASSES), (GOOGLE, GOOGLE_CLASSES)):
        assert [name for name, _kind, _code in rows(table)] == sorted(there)


def made(kind: type[Exception]) -> Exception:
    """One of a class, without what its constructor asks for."""
    error = kind.__new__(kind)
    Exception.__init__(error, "planted words")
    return error


@pytest.mark.parametrize(("name", "kind", "code"), rows(AWS))
def test_an_exception_of_the_aws_sdk(name: str, kind: type[errors.CloudError], code: str) -> None:
    found = aws_errors.typed(made(AWS_CLASSES[name]), "here", "a:B", True)
    assert found is not None
    assert (type(found), found.finding.code) == (kind, code)
    for words, command in (("MFA", "get-session-token"), ("SSO", "aws sso login"), ("Login", "aws login")):
        assert (command in found.finding.fix) == (words in name or (words == "SSO" and name == "TokenRetrievalError"))


@pytest.mark.parametrize(("name", "kind", "code"), rows(GOOGLE))
def test_an_exception_of_googles_libraries(name: str, kind: type[errors.CloudError], code: str) -> None:
    found = gcp_errors.unanswered(made(GOOGLE_CLASSES[name]), "here")
    assert found is not None
    assert (type(found), found.finding.code) == (kind, code)
    assert ("gcloud auth application-default login" in found.finding.fix) == (code == "cloud-credentials")


PRINTS = """credential_process = /bin/echo '{"Version": 1, %s}'"""
PROFILES = {
    "mfa": ("role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/me",
            "cloud-mfa", "aws sts get-session-token"),
    "sso": ("sso_start_url = https://a.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 123456789012\n"
            "sso_role_name = a", "cloud-credentials", "aws sso login"),
    "sso session": ("sso_session = s\nsso_account_id = 123456789012\nsso_role_name = a\n[sso-session s]\n"
                    "sso_start_url = https://a.awsapps.com/start\nsso_region = us-east-1", "cloud-credentials",
                    "aws sso login"),
    "no such source": ("role_arn = arn:aws:iam::1:role/a\nsource_profile = gone", "cloud-credentials", "AWS_PROFILE"),
    "no source": ("role_arn = arn:aws:iam::1:role/a", "cloud-credentials", "AWS_PROFILE"),
    "itself": ("role_arn = arn:aws:iam::1:role/a\nsource_profile = p", "cloud-credentials", "AWS_PROFILE"),
    "half": ("aws_access_key_id = AKIA", "cloud-credentials", "AWS_PROFILE"),
    "program": ("credential_process = /bin/false", "cloud-credentials", "AWS_PROFILE"),
    "no program": ("credential_process = /nonexistent/program", "cloud-credentials", "credential_process"),
    "a program that may not be run": ("credential_process = /etc/hostname", "cloud-credentials", "credential_process"),
    "an empty program": ("credential_process =", "cloud-credentials", "credential_process"),
    "a program that talks": ("credential_process = /bin/echo planted: log in", "cloud-credentials",
                             "credential_process"),
    "a program that lists": ("credential_process = /bin/echo []", "cloud-credentials", "credential_process"),
    "a program that says half": (PRINTS % '"SecretAccessKey": "planted"', "cloud-credentials", "AWS_PROFILE"),
    "a program that is late": (PRINTS % '"AccessKeyId": "A", "SecretAccessKey": "planted", "Expiration": '
                               '"2001-01-01T00:00:00Z"', "cloud-credentials", "credential_process"),
    "a program without a date": (PRINTS % '"AccessKeyId": "A", "SecretAccessKey": "planted", "Expiration": "tomorrow"',
                                 "cloud-credentials", "credential_process"),
    "a program that does not end": ("credential_process = /bin/sleep 600", "cloud-credentials",
                                    "credential_process"),
    "a source whose program does not end": (
        "role_arn = arn:aws:iam::123456789012:role/a\nsource_profile = s\n[profile s]\n"
        "credential_process = /bin/sleep 600", "cloud-credentials", "credential_process"),
    "no token file": ("role_arn = arn:aws:iam::123456789012:role/a\nweb_identity_token_file = /nonexistent/token",
                      "cloud-credentials", "web_identity_token_file"),
    "no number": ("metadata_service_timeout = often", "cloud-credentials", "numbers"),
    "no such file format": ("[", "cloud-options", "~/.aws/config"),
    "the same key twice": ("output = json\noutput = text", "cloud-options", "~/.aws/config"),
    "nothing": ("", "cloud-credentials", "AWS_PROFILE"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_needs_a_person_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a question: neither on a terminal, nor on one that is closed."""
    text, code, command = PROFILES[name]
    base = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = planted-base-key-0b8e\n"
    (tmp_path / "config").write_text(f"[profile p]\nregion = eu-west-1\n{text}\n{base}")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nothing leaves this machine
    monkeypatch.setenv("AWS_PROFILE", "p")
    monkeypatch.setattr("getpass.getpass", lambda *_words: pytest.fail("a person was asked"))
    monkeypatch.setattr(aws_profile, "PROGRAM_DEADLINE", 2 if "does not end" in name else 60)
    with pytest.raises(Failed) as caught:
        AwsClient().call("secretsmanager", "describe_secret", SecretId="a")
    (finding,) = caught.value.findings
    assert finding.code == code, finding
    assert command in finding.fix
    assert "planted" not in str(finding)
    held = caught.value.__context__  # what a traceback shows with -vvv
    assert held is None or not {"doc", "object"} & set(vars(held)), held


def test_a_session_s_token_with_a_line_break_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP library refuses the header, and quotes it."""
    monkeypatch.setattr(botocore.session, "get_session", botocore.session.Session)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    given = AwsCredentials("AKIABASE", "planted-key-0b8e", "planted-token-0b8e\n")
    with pytest.raises(Failed) as caught:
        AwsClient("eu-west-1", credentials=given).call("secretsmanager", "describe_secret", SecretId="a")
    (finding,) = caught.value.findings
    assert (finding.code, "line break" in finding.what) == ("cloud-credentials", True)
    assert "planted" not in str(finding) and "Signature" not in str(finding)


FEDERATION = {"type": "external_account", "audience": "//iam.googleapis.com/a", "token_url": "http://127.0.0.1:9/token",
              "subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}  # fmt: skip
PERSON = {"type": "authorized_user", "client_id": "a", "client_secret": "planted", "refresh_token": "planted"}
#: By name: what GOOGLE_APPLICATION_CREDENTIALS points at, as JSON or as a path, and what is said of it.
DEFAULTS: dict[str, tuple[Any, str]] = {
    "nothing there": ("/nonexistent/key.json", "/nonexistent/key.json"),
    "a directory": ("/tmp", "directory"),
    "a list": ([], "cannot be used"),
    "text": ("planted", "cannot be used"),
    "half a person": ({"type": "authorized_user"}, "authorized user"),
    "a program": ({**FEDERATION, "credential_source": {"executable": {"command": "/bin/false"}}}, "Executables"),
    "a token file that is none": ({**FEDERATION, "credential_source": {"file": "/tmp"}}, "directory: /tmp"),
    "a token file that is gone": ({**FEDERATION, "credential_source": {"file": "/nonexistent"}}, "/nonexistent"),
    "a session that is over": (PERSON, "Reauthentication is needed"),
}


class Over:
    """What Google's token endpoint answers when the organisation wants the person to log in again."""

    status = 400
    headers: dict[str, str] = {}
    data = b'{"error": "invalid_grant", "error_subtype": "rapt_required", "error_description": "reauth related error"}'


@pytest.mark.parametrize("name", DEFAULTS)
def test_google_credentials_that_need_a_person_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a terminal, where google-auth could ask for the password: a run asks nobody."""
    content, said = DEFAULTS[name]
    path = tmp_path / "key.json"
    path.write_text(json.dumps(content))
    here = isinstance(content, str) and content.startswith("/")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", content if here else str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("google.auth.transport.requests.Request.__call__", lambda *_asked, **_more: Over())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda *_words: pytest.fail("a person was asked"))
    with pytest.raises(Failed) as caught:
        GcpClient("a-project").call("secretmanager", "GET", "v1/projects/a-project/secrets")
    (finding,) = caught.value.findings
    assert (finding.code, said in str(finding)) == ("cloud-credentials", True), finding
    assert "gcloud auth application-default login" in finding.fix
    assert "planted" not in str(finding)


def test_authorities_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    with pytest.raises(Failed) as caught:
        GcpClient("a-project", credentials=GcpCredentials(access_token="planted")).call("compute", "GET", "projects/a")
    (finding,) = caught.value.findings
    assert (finding.code, "/nonexistent/ca.pem" in finding.what) == ("cloud-tls", True)
    assert "REQUESTS_CA_BUNDLE" in finding.fix
