# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of references."""

from __future__ import annotations

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.cursor import ReferenceError
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse, parse_all
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/a.b-AbCdEf"
#: Services make secrets in the user's account, and name themselves before an exclamation mark.
RDS_ARN = "arn:aws-eusc:secretsmanager:eusc-de-east-1:123456789012:secret:rds!cluster-0000-AbCdEf"
#: A version's id is the token of the request that made it, which may be any text of 32 to 64 characters.
TOKEN = "terraform_2026.11.27/12_00+release=7"
VERSION = "5f1c7f3e-7d57-4a34-8b10-0c8f2a0c9d11"

MEANINGS = [
    ("aws-sm://prod/llm", Reference("aws-sm", "prod/llm")),
    ("aws-sm://prod/a.b_c+d=e@f-g", Reference("aws-sm", "prod/a.b_c+d=e@f-g")),
    ("aws-sm://rds!db-0000#password", Reference("aws-sm", "rds!db-0000", "password")),
    ("aws-sm://events!connection/a/b", Reference("aws-sm", "events!connection/a/b")),
    ("{{resolve:secretsmanager:rds!db-0000:SecretString:password}}", Reference("aws-sm", "rds!db-0000", "password")),
    (f"aws-sm://{RDS_ARN}#password", Reference("aws-sm", RDS_ARN, "password")),
    (f"aws-sm://a?version={TOKEN}", Reference("aws-sm", "a", "", TOKEN)),
    (f"{{{{resolve:secretsmanager:a::k::{TOKEN}}}}}", Reference("aws-sm", "a", "k", TOKEN)),
    ("aws-sm://prod/llm#openai", Reference("aws-sm", "prod/llm", "openai")),
    ("aws-sm://prod/llm#a.b/c:d e", Reference("aws-sm", "prod/llm", "a.b/c:d e")),
    ("aws-sm://prod/llm#100%25%3F%23%26", Reference("aws-sm", "prod/llm", "100%?#&")),
    ("aws-sm://prod/llm#schlüssel", Reference("aws-sm", "prod/llm", "schlüssel")),
    ("aws-sm://prod/llm#k=v", Reference("aws-sm", "prod/llm", "k=v")),
    (f"aws-sm://a#k?version={VERSION}", Reference("aws-sm", "a", "k", VERSION)),
    ("aws-sm://a?stage=AWSPREVIOUS", Reference("aws-sm", "a", "", "", "AWSPREVIOUS")),
    (f"aws-sm://a#k?stage=mine&version={VERSION}", Reference("aws-sm", "a", "k", VERSION, "mine")),
    ("aws-sm://a#k?stage=AWSCURRENT", Reference("aws-sm", "a", "k")),
    (f"aws-sm://{ARN}#k", Reference("aws-sm", ARN, "k")),
    ("gcp-sm://my-project/llm", Reference("gcp-sm", "llm", project="my-project")),
    ("gcp-sm://my-project/llm#a.b?version=7", Reference("gcp-sm", "llm", "a.b", "7", project="my-project")),
    ("gcp-sm://my-project/llm?version=latest", Reference("gcp-sm", "llm", project="my-project")),
    ("gcp-sm://example.com:proj/llm", Reference("gcp-sm", "llm", project="example.com:proj")),
    ("gcp-sm://123456/llm", Reference("gcp-sm", "llm", project="123456")),
    ("{{resolve:secretsmanager:prod/llm}}", Reference("aws-sm", "prod/llm")),
    ("{{resolve:secretsmanager:prod/llm::::}}", Reference("aws-sm", "prod/llm")),
    ("{{resolve:secretsmanager:a:SecretString}}", Reference("aws-sm", "a")),
    ("{{resolve:secretsmanager:a:SecretString:k}}", Reference("aws-sm", "a", "k")),
    ("{{resolve:secretsmanager:a::k}}", Reference("aws-sm", "a", "k")),
    ("{{resolve:secretsmanager:a:SecretString:a?b#c%d}}", Reference("aws-sm", "a", "a?b#c%d")),
    ("{{resolve:secretsmanager:a:SecretString:k:AWSPREVIOUS}}", Reference("aws-sm", "a", "k", "", "AWSPREVIOUS")),
    (f"{{{{resolve:secretsmanager:a:SecretString:k::{VERSION}}}}}", Reference("aws-sm", "a", "k", VERSION)),
    ("{{resolve:secretsmanager:a:SecretString::AWSPENDING:}}", Reference("aws-sm", "a", "", "", "AWSPENDING")),
    (f"{{{{resolve:secretsmanager:{ARN}}}}}", Reference("aws-sm", ARN)),
    (f"{{{{resolve:secretsmanager:{ARN}:SecretString:k:mine:{VERSION}}}}}",
     Reference("aws-sm", ARN, "k", VERSION, "mine")),
    ("{{resolve:secretmanager:projects/p-1/secrets/N_a}}", Reference("gcp-sm", "N_a", project="p-1")),
    ("{{resolve:secretmanager:projects/p-1/secrets/N_a/versions/3}}",
     Reference("gcp-sm", "N_a", "", "3", project="p-1")),
    ("{{resolve:secretmanager:projects/p-1/secrets/N_a/versions/latest#a.b}}",
     Reference("gcp-sm", "N_a", "a.b", project="p-1")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reference"), MEANINGS, ids=[text for text, _reference in MEANINGS])
def test_meaning(text: str, reference: Reference) -> None:
    assert parse(text) == reference
    assert parse(str(reference)) == reference


#: The prefixes that AWS's documentation of secrets managed by other services names; users choose none of these names.
SERVICES = [
    "rds!cluster-12345678-1234-1234-1234-123456789012", "rds!db-0000", "redshift!admin-cluster",
    "events!connection/orders/3f2a", "appflow!123456789012-sales-1700000000000", "databrew!default-AbCdEf",
    "opsworks-cm!chef", "sqlworkbench!1-2-3", "directconnect!prod/a.b_c+d=e@f", "ecs-sc!a",
]  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_that_a_service_of_aws_s_made_has_an_exclamation_mark_in_its_name(name: str) -> None:
    arn = f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-AbCdEf"
    for secret in (name, arn):
        for text in (f"aws-sm://{secret}#password", f"{{{{resolve:secretsmanager:{secret}:SecretString:password}}}}"):
            assert parse(text) == Reference("aws-sm", secret, "password"), text


@pytest.mark.parametrize(
    "text",
    [
        "", "plain", "https://example.com/a#b?version=1", "sk-live-12345", "arn:aws:secretsmanager:x", "aws-sm",
        "{{ praxis_fleet }}", "{{ lookup('env', 'X') }}", "AWS: aws-sm is a store", "resolve:secretsmanager:a",
        "s3://bucket/key", "a#b?c=d", "\n", "vault:secret/data/x#y",
    ],
)  # fmt: skip
def test_ordinary_values_are_left_alone(text: str) -> None:
    assert parse(text) is None


# What stands before the caret is what was still right.
FAULTS = [
    ("aws-sm://", "", "a secret's name"),
    ("aws-sm:/a", "!", "beginning"),
    ("AWS-SM://a", "!", "beginning"),
    (" aws-sm://a", "!", "beginning"),
    ("aws-sm://a b", "aws-sm://a", "' ' is not allowed at ^"),
    ("aws-sm://a ", "aws-sm://a", "' ' is not allowed at ^"),
    ("aws-sm://a\n", "aws-sm://a", "is not allowed at ^"),
    ("aws-sm://a#", "aws-sm://a#", "Expected at ^: a key"),
    ("aws-sm://a#?stage=x", "aws-sm://a#", "Expected at ^: a key"),
    ("aws-sm://a#k#l", "aws-sm://a#k", "'#' is not allowed at ^"),
    ("aws-sm://a#k%", "aws-sm://a#k", "percent sign"),
    ("aws-sm://a#k%g1", "aws-sm://a#k", "percent sign"),
    ("aws-sm://a#%ff", "aws-sm://a#", "not UTF-8"),
    ("aws-sm://a?", "aws-sm://a?", "is not allowed at ^"),
    ("aws-sm://a?versoin=1", "aws-sm://a?", "'versoin'"),
    ("aws-sm://a?version=1", "aws-sm://a?version=", "not a version id"),
    ("aws-sm://a?version=AWSCURRENT", "aws-sm://a?version=", "are stages"),
    ("aws-sm://a?stage=", "aws-sm://a?stage=", "Expected at ^: a stage"),
    ("aws-sm://a?stage", "aws-sm://a?stage", "Expected at ^: a stage"),
    ("aws-sm://a?stage=x&stage=y", "aws-sm://a?stage=x&", "'stage'"),
    ("aws-sm://a?stage=x&", "aws-sm://a?stage=x&", "is not allowed at ^"),
    ("aws-sm://arn:aws:s3:::bucket", "aws-sm://", "full ARN"),
    ("gcp-sm://p", "gcp-sm://p", "'/'"),
    ("gcp-sm://p/", "gcp-sm://p/", "a secret's name"),
    ("gcp-sm:///n", "gcp-sm://", "a project id"),
    ("gcp-sm://p/a.b", "gcp-sm://p/a", "'.' is not allowed at ^"),
    ("gcp-sm://p/n?stage=x", "gcp-sm://p/n?", "'stage'"),
    ("gcp-sm://p/n?version=1.2", "gcp-sm://p/n?version=", "not a version"),
    ("{{resolve:ssm:a}}", "!", "Parameters of AWS Systems Manager are not supported"),
    ("{{resolve:ssm-secure:a:1}}", "!", "Parameters of AWS Systems Manager are not supported"),
    ("{{resolve:secrets:a}}", "!", "beginning"),
    ("{{ resolve:secretsmanager:a }}", "!", "beginning"),
    ("{{resolve:secretsmanager:a", "{{resolve:secretsmanager:a", "Expected at ^: '}}'"),
    ("{{resolve:secretsmanager:}}", "{{resolve:secretsmanager:", "a secret's name"),
    ("{{resolve:secretsmanager:a}} ", "{{resolve:secretsmanager:a}}", "the whole value"),
    ("{{resolve:secretsmanager:a}}{{resolve:secretsmanager:b}}", "{{resolve:secretsmanager:a}}", "the whole value"),
    ("{{resolve:secretsmanager:a:SecretBinary}}", "{{resolve:secretsmanager:a:", "only be SecretString"),
    ("{{resolve:secretsmanager:a::k:s:1}}", "{{resolve:secretsmanager:a::k:s:", "not a version id"),
    ("{{resolve:secretsmanager:a::k:s::x}}", "{{resolve:secretsmanager:a::k:s:", "':' is not allowed at ^"),
    ("{{resolve:secretsmanager:arn:aws:s3:::b}}", "{{resolve:secretsmanager:", "full ARN"),
    ("{{resolve:secretmanager:p/secrets/n}}", "{{resolve:secretmanager:", "'projects/'"),
    ("{{resolve:secretmanager:projects/p/n}}", "{{resolve:secretmanager:projects/p", "'/secrets/'"),
    ("{{resolve:secretmanager:projects/p/secrets/n#}}", "{{resolve:secretmanager:projects/p/secrets/n#", "a key"),
    ("{{resolve:secretmanager:projects/p/secrets/n:1}}", "{{resolve:secretmanager:projects/p/secrets/n",
     "':' is not allowed at ^"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "right", "words"), FAULTS, ids=[repr(text) for text, _right, _words in FAULTS])
def test_faults_are_pointed_at(text: str, right: str, words: str) -> None:
    with pytest.raises(ReferenceError) as caught:
        parse(text)
    (finding,) = caught.value.findings
    what, shown, caret, end = finding.what.split("\n")
    at = {"": len("aws-sm://"), "!": 0}.get(right, len(right))
    if text == " aws-sm://a":
        at = 0
    assert words in what
    assert shown == "  " + text.replace("\n", "·")
    assert caret == "  " + " " * at + "^"
    assert (finding.code, end) == ("reference-malformed", "")
    assert finding.fix


@pytest.mark.parametrize(
    "text",
    [
        "gcp-sm://projects/p-1/locations/europe-west3/secrets/llm",
        "gcp-sm://projects/p-1/locations/europe-west3/secrets/llm/versions/3#key",
        "gcp-sm://p-1/locations/europe-west3/secrets/llm",
        "gcp-sm://p-1/europe-west3/llm",
        "gcp-sm://p-1/europe-west3/llm#key?version=3",
        "{{resolve:secretmanager:projects/p-1/locations/europe-west3/secrets/llm}}",
        "{{resolve:secretmanager:projects/p-1/locations/europe-west3/secrets/llm/versions/3#key}}",
    ],
)
def test_a_regional_secret_of_google_s_is_called_unsupported(text: str) -> None:
    with pytest.raises(ReferenceError) as caught:
        parse(text)
    (finding,) = caught.value.findings
    assert finding.code == "regional-secret-unsupported"
    assert "regional secret" in finding.what and "^" not in finding.what
    assert "global" in finding.fix and "gcp-sm://p-1/llm" in finding.fix


@pytest.mark.parametrize("text", ["gcp-sm://projects/p-1/secrets/llm", "gcp-sm://projects/p-1/secrets/llm/versions/3#k"])
def test_a_resource_name_of_google_s_after_our_own_prefix_says_how_it_is_written(text: str) -> None:
    with pytest.raises(ReferenceError) as caught:
        parse(text)
    assert caught.value.findings[0].code == "reference-malformed"
    assert "gcp-sm://p-1/llm" in caught.value.findings[0].fix


def test_a_partition_that_boto3_knows_is_an_arn_s() -> None:
    assert {"aws", "aws-cn", "aws-us-gov"} <= set(PARTITIONS)
    for partition in PARTITIONS:
        arn = f"arn:{partition}:secretsmanager:a-region-1:123456789012:secret:rds!db-AbCdEf"
        found = parse(f"aws-sm://{arn}#password")
        assert found is not None and (found.name, found.region) == (arn, "a-region-1")


def test_a_near_word_is_suggested() -> None:
    with pytest.raises(ReferenceError) as caught:
        parse("aws-sm://a?versoin=1")
    assert caught.value.findings[0].fix == "Did you mean version?"


@pytest.mark.parametrize(
    "text",
    [
        "postgres://user:planted-word@{{resolve:secretsmanager:db:SecretString:host}}/planted-word",
        "postgres://user:planted-word@{{resolve:secretsmanager:db planted-word",
        "Bearer planted-word aws-sm://db#planted-word",
        "planted-word gcp-sm://project/planted-word",
    ],
)
def test_a_reference_inside_other_text_is_an_error_that_hides_the_rest(text: str) -> None:
    with pytest.raises(ReferenceError) as caught:
        parse(text)
    assert "the whole value" in caught.value.findings[0].what
    assert "planted-word" not in str(caught.value)


def test_all_faults_at_once_and_never_an_ordinary_value() -> None:
    with pytest.raises(Failed) as caught:
        parse_all(["aws-sm://ok", "planted-word", "aws-sm://a b", "gcp-sm://p"])
    assert [finding.code for finding in caught.value.findings] == [
        "reference-expected", "reference-malformed", "reference-malformed",
    ]  # fmt: skip
    assert "Entry 2 of the list is not a reference." in str(caught.value)
    assert "planted-word" not in str(caught.value)


KEYS = st.text(st.characters(codec="utf-8"), max_size=20)
STAGES = st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda stage: stage != "AWSCURRENT")
PARTITIONS = sorted(boto3.session.Session().get_available_partitions())
AWS_NAMES = st.from_regex(r"[A-Za-z0-9/_+=.@!-]{1,40}", fullmatch=True)
AWS_REFERENCES = st.builds(
    Reference,
    st.just("aws-sm"),
    AWS_NAMES | st.builds(
        lambda partition, name: f"arn:{partition}:secretsmanager:us-gov-west-1:123456789012:secret:{name}",
        st.sampled_from(PARTITIONS), AWS_NAMES,
    ),
    KEYS,
    st.just("") | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=32, max_size=64),
    STAGES,
)
GCP_REFERENCES = st.builds(
    Reference,
    st.just("gcp-sm"),
    st.from_regex(r"[A-Za-z0-9_-]{1,30}", fullmatch=True),
    KEYS,
    st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True) | st.just(""),
    st.just(""),
    st.from_regex(r"([a-z]{1,5}\.[a-z]{2,3}:)?[a-z][a-z0-9-]{1,20}", fullmatch=True),
)


@given(AWS_REFERENCES | GCP_REFERENCES)
def test_every_reference_survives_being_written_and_read(reference: Reference) -> None:
    assert parse(str(reference)) == reference


@given(st.sampled_from([text for text, _reference in MEANINGS]), st.data())
def test_a_damaged_reference_is_a_reference_a_fault_or_no_reference_but_never_a_crash(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(text)))
    put = data.draw(st.sampled_from(["", "\0", "%", "#", "?", "&", ":", "}", "{{", "ü", "=", " "]))
    damaged = text[:at] + put + text[at + data.draw(st.integers(0, 3)) :]
    try:
        reference = parse(damaged)
    except ReferenceError:
        return
    assert reference is None or parse(str(reference)) == reference
