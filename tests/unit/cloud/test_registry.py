# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image names, and ECR against moto in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_credentials import AwsCredentials
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.registry import (
    Image,
    aws_registry_of,
    ecr_credentials,
    parse_image,
    resolve_digest_ecr,
)
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.host.pull import repository_and_digest

ACCOUNT, REGION = "123456789012", "eu-central-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("nginx", Image("docker.io", "library/nginx", "latest")),
        ("nginx:1.27", Image("docker.io", "library/nginx", "1.27")),
        ("praxis/agent", Image("docker.io", "praxis/agent", "latest")),
        ("docker.io/nginx", Image("docker.io", "library/nginx", "latest")),
        ("localhost/agent", Image("localhost", "agent", "latest")),
        ("BuildHost/agent", Image("BuildHost", "agent", "latest")),
        ("127.0.0.1:5000/agent:v1", Image("127.0.0.1:5000", "agent", "v1")),
        ("registry:5000/a/b/c:v1", Image("registry:5000", "a/b/c", "v1")),
        ("[::1]:5000/agent:v1", Image("[::1]:5000", "agent", "v1")),
        (f"{HOST}/praxis/agent:v1.2_3-x", Image(HOST, "praxis/agent", "v1.2_3-x")),
        (f"{HOST}/agent@{DIGEST}", Image(HOST, "agent", "", DIGEST)),
        (f"{HOST}/agent:v1@{DIGEST}", Image(HOST, "agent", "v1", DIGEST)),
        ("ghcr.io/a__b/c.d-e/f", Image("ghcr.io", "a__b/c.d-e/f", "latest")),
    ],
)
def test_images_are_read_as_docker_reads_them(text: str, image: Image) -> None:
    assert parse_image(text) == image
    assert parse_image(str(image)) == image


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a repository"),
        ("Agent", "not a repository"),
        ("a//b", "not a repository"),
        ("-a", "not a repository"),
        ("a b", "not a repository"),
        ("agent:", "not a tag"),
        ("agent:-x", "not a tag"),
        ("agent:" + "x" * 129, "not a tag"),
        ("agent@sha256:12", "not a digest"),
        ("agent@", "not a digest"),
        (f"agent@{DIGEST.upper()}", "not a digest"),
        ("agent@sha512:" + "0123456789abcdef" * 8, "is not a digest (sha256:…)"),
        ("agent@sha384:" + "0123456789abcdef" * 6, "is not a digest (sha256:…)"),
        ("host.example:0/agent", "not a host"),
        ("host.example:65536/agent", "not a host"),
        ("host.example:" + "9" * 5000 + "/agent", "not a host"),
        ("host.example/" + "a" * 243, "have 256 characters"),
        ("https://host/agent", "not a"),
        ("ho_st.x/agent", "not a host"),
        ("{{ praxis_image }}", "not a"),
        ("agent\n", "not a"),
    ],
)
def test_malformed_images_are_named(text: str, words: str) -> None:
    with pytest.raises(Failed) as caught:
        parse_image(text)
    finding = caught.value.findings[0]
    assert finding.code == "image-malformed"
    assert words in finding.what


IMAGES = given(
    host=st.from_regex(r"[a-z][a-z0-9]{0,8}\.[a-z]{2,5}(:[1-9][0-9]{0,3})?", fullmatch=True),
    repository=st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3}|/)[a-z0-9]{1,6}){0,3}", fullmatch=True),
    tag=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
    digest=st.sampled_from(["", DIGEST]),
)


@IMAGES
def test_a_host_takes_every_image_that_a_plan_takes(host: str, repository: str, tag: str, digest: str) -> None:
    image = parse_image(str(Image(host, repository, tag, digest)))
    assert repository_and_digest(image.by_digest(digest or DIGEST)) == (image.name, digest or DIGEST)
    assert repository_and_digest(str(replace(image, digest=DIGEST))) == (image.name, DIGEST)


def test_an_image_by_sha512_is_refused_by_the_plan_as_it_is_by_a_host() -> None:
    """Else everything is planned, and each host refuses it in the middle of a deployment."""
    found = []
    for read in (parse_image, repository_and_digest):
        with pytest.raises(Failed) as caught:
            read(f"{HOST}/agent@sha512:{'a' * 128}")
        found += caught.value.findings
    assert [finding.code for finding in found] == ["image-malformed", "image-not-pinned"]
    assert all("sha256" in finding.fix for finding in found)


@pytest.mark.parametrize(("algorithm", "digits"), [("sha256", 64), ("sha384", 96), ("sha512", 128), ("md5", 32)])
@pytest.mark.parametrize("digit", ["0", "f", "F", "g"])
def test_plan_and_host_know_one_rule_of_digests(algorithm: str, digits: int, digit: str) -> None:
    for count in (digits - 1, digits, digits + 1):
        image = f"{HOST}/agent@{algorithm}:{digit * count}"
        taken = []
        for read in (parse_image, repository_and_digest):
            try:
                taken.append(bool(read(image)))
            except Failed:
                taken.append(False)
        assert taken[0] == taken[1], image


@IMAGES
def test_every_image_survives_being_written_and_read(host: str, repository: str, tag: str, digest: str) -> None:
    image = Image(host, repository, tag, digest)
    assert parse_image(str(image)) == parse_image(str(parse_image(str(image))))
    if host != "docker.io":
        assert parse_image(str(image)) == image


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (HOST, (ACCOUNT, REGION)),
        (f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn", (ACCOUNT, "cn-north-1")),
        (f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com", (ACCOUNT, "us-gov-west-1")),
        (f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws", (ACCOUNT, "eu-west-1")),
        (f"{ACCOUNT}.dkr-ecr-fips.us-east-1.on.aws", (ACCOUNT, "us-east-1")),
        ("public.ecr.aws", None),
        ("docker.io", None),
        (f"12345.dkr.ecr.{REGION}.amazonaws.com", None),
        (f"{HOST}.evil.example", None),
        (f"evil-{HOST}", None),
    ],
)
def test_ecr_hosts(host: str, found: tuple[str, str] | None) -> None:
    assert aws_registry_of(host) == found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClient]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        # Another region than the registry's: what counts is the image's host.
        yield AwsClient("us-east-1", credentials=AwsCredentials("AKIAIOSFODNN7EXAMPLE", "k" * 40))


@pytest.fixture
def pushed(aws: AwsClient) -> str:
    """A repository with some tags; the digest of v1.4.2."""
    ecr = aws.in_region(REGION)
    ecr.call("ecr", "create_repository", repositoryName="praxis/agent")
    digests = {}
    for tag in ("v1.4.1", "v1.4.2", "nightly"):
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {"digest": tag}})
        answer = ecr.call("ecr", "put_image", repositoryName="praxis/agent", imageManifest=manifest, imageTag=tag)
        digests[tag] = answer["image"]["imageId"]["imageDigest"]
    return str(digests["v1.4.2"])


def test_a_tag_in_ecr(aws: AwsClient, pushed: str) -> None:
    assert resolve_digest_ecr(aws, parse_image(f"{HOST}/praxis/agent:v1.4.2")) == pushed
    assert resolve_digest_ecr(aws, parse_image(f"{HOST}/praxis/agent@{pushed}")) == pushed


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("praxis/agent:v1.42", "image-tag-not-found", "v1.4.2"),
        (f"praxis/agent@{DIGEST}", "image-digest-not-found", "Push the image"),
        ("praxis/agnet:v1.4.2", "image-repository-not-found", "Create it"),
    ],
)
@pytest.mark.usefixtures("pushed")
def test_what_ecr_does_not_hold(aws: AwsClient, name: str, code: str, words: str) -> None:
    with pytest.raises(Failed) as caught:
        resolve_digest_ecr(aws, parse_image(f"{HOST}/{name}"))
    finding = caught.value.findings[0]
    assert finding.code == code
    assert words in finding.fix


def test_only_ecr_is_asked_as_ecr(aws: AwsClient) -> None:
    with pytest.raises(Failed) as caught:
        resolve_digest_ecr(aws, parse_image("ghcr.io/a/b:c"))
    assert "not an ECR registry" in caught.value.findings[0].what


def test_a_login_for_ecr(aws: AwsClient) -> None:
    login = ecr_credentials(aws.in_region(REGION), ACCOUNT)
    assert (login.server, login.username) == (HOST, "AWS")
    assert login.password
    assert login.expires is not None
    assert ecr_credentials(aws, ACCOUNT, "other.example").server == "other.example"
    assert "password" not in repr(login)
