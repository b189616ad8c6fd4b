# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry is real, and ECR's view of it is the registry's."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.exceptions import ClientError

from sandbox import docker
from sandbox.client import Client
from tests.sandbox.support import Aws, Shell

pytestmark = pytest.mark.sandbox
ACCEPT = "Accept: application/vnd.docker.distribution.manifest.v2+json"


def test_tags_and_digests_are_the_registrys(aws: Aws) -> None:
    ecr = aws("ecr")
    details = ecr.describe_images(repositoryName="praxis-agent")["imageDetails"]
    tags = {tag: image["imageDigest"] for image in details for tag in image["imageTags"]}
    assert {"1.0", "1.1"} <= tags.keys()
    assert tags["1.0"] != tags["1.1"]
    one = ecr.describe_images(repositoryName="praxis-agent", imageIds=[{"imageTag": "1.0"}])["imageDetails"]
    assert [image["imageDigest"] for image in one] == [tags["1.0"]]
    listed = ecr.list_images(repositoryName="praxis-agent")["imageIds"]
    assert {image["imageTag"]: image["imageDigest"] for image in listed} == tags
    got = ecr.batch_get_image(repositoryName="praxis-agent", imageIds=[{"imageTag": "1.1"}, {"imageTag": "9"}])
    assert [image["imageId"]["imageDigest"] for image in got["images"]] == [tags["1.1"]]
    assert json.loads(got["images"][0]["imageManifest"])["schemaVersion"] == 2
    assert [(one["imageId"]["imageTag"], one["failureCode"]) for one in got["failures"]] == [("9", "ImageNotFound")]


def test_a_tag_that_was_never_pushed(aws: Aws) -> None:
    with pytest.raises(ClientError) as caught:
        aws("ecr").describe_images(repositoryName="praxis-agent", imageIds=[{"imageTag": "9"}])
    assert caught.value.response["Error"]["Code"] == "ImageNotFoundException"


def test_what_is_pushed_to_the_loopback_port_is_seen_at_once(sandbox: Client, aws: Aws) -> None:
    push = sandbox.state()["registry"]["push"]
    docker.docker("pull", "--quiet", f"{push}/praxis-agent:1.0", timeout=300)
    docker.docker("tag", f"{push}/praxis-agent:1.0", f"{push}/praxis-agent:pushed")
    docker.docker("push", "--quiet", f"{push}/praxis-agent:pushed", timeout=300)
    docker.docker("rmi", f"{push}/praxis-agent:1.0", f"{push}/praxis-agent:pushed")
    tags = [tag for image in aws("ecr").describe_images(repositoryName="praxis-agent")["imageDetails"]
            for tag in image["imageTags"]]
    assert "pushed" in tags


def test_machines_need_the_login_and_trust_the_certificate(sandbox: Client, aws: Aws,
                                                           machines: tuple[Shell, Shell]) -> None:
    machine, host = machines[0], sandbox.site.registry_name
    url = f"https://{host}/v2/praxis-agent/manifests/1.0"
    status = f"curl -s -o /dev/null -w '%{{http_code}}' -H '{ACCEPT}'"
    assert machine.says(f"{status} {url}") == "401"
    grant = aws("ecr").get_authorization_token()["authorizationData"][0]
    assert grant["proxyEndpoint"] == f"https://{host}"
    login = base64.b64decode(grant["authorizationToken"]).decode()
    assert login.startswith("AWS:")
    assert machine.says(f"{status} -u '{login}' {url}") == "200"
    head = machine.says(f"curl -s -I -H '{ACCEPT}' -u '{login}' {url}")
    digest = aws("ecr").describe_images(repositoryName="praxis-agent", imageIds=[{"imageTag": "1.0"}])
    assert digest["imageDetails"][0]["imageDigest"] in head
