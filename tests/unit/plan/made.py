# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small account and the variables of a fleet in it, for the tests of the controller's side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.planner import Planner
from tests.unit.conftest import REGION, Cloud

REPOSITORY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/praxis"
IMAGE = f"{REPOSITORY}:1.0"
#: A value that would become 42 were it ever taken for a template.
OPENAI = "planted-openai-key-{{ 6 * 7 }}-4e17c0ff"


def seed(index: int) -> bytes:
    return hashlib.sha256(b"planted seed %d" % index).digest()


class Account:
    """What a user keeps in the cloud for a fleet. What is done here is not among the cloud's operations."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def _call(self, service: str, operation: str, **request: Any) -> Any:
        answer = getattr(self.cloud.client(service), operation)(**request)
        self.cloud.operations.clear()
        return answer

    def secret(self, name: str, value: str | bytes) -> str:
        """Store a secret; its version, or nothing when an empty value left it without one."""
        kind = "SecretBinary" if isinstance(value, bytes) else "SecretString"
        answer = self._call("secretsmanager", "create_secret", Name=name, **{kind: value})
        return str(answer.get("VersionId", ""))

    def change(self, name: str, value: str) -> str:
        """Store a new version; its id."""
        answer = self._call("secretsmanager", "put_secret_value", SecretId=name, SecretString=value)
        return str(answer["VersionId"])

    def remove(self, name: str) -> None:
        """Schedule a secret for deletion."""
        self._call("secretsmanager", "delete_secret", SecretId=name)

    def seeds(self, indices: Iterable[int]) -> None:
        for index in indices:
            self.secret(f"praxis/demo/identity/aws-{index}", seed(index))

    def repository(self) -> None:
        """Make the repository of :data:`IMAGE`."""
        self._call("ecr", "create_repository", repositoryName="praxis")

    def push(self, tag: str, content: str = "one") -> str:
        """Push an image; its digest."""
        # moto's digest is a hash of the layers; without any it is one of a hundred, by chance.
        layers = [{"digest": "sha256:" + hashlib.sha256(content.encode()).hexdigest(), "size": len(content)}]
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers}
        request = {"repositoryName": "praxis", "imageTag": tag, "imageManifest": json.dumps(manifest)}
        answer = self._call("ecr", "put_image", **request)
        return str(answer["image"]["imageId"]["imageDigest"])


def variables(index: int, **values: Any) -> dict[str, Any]:
    """The variables of one member; ``values`` are named without ``praxis_``, and one of None is not set."""
    known: dict[str, Any] = {
        "fleet": "demo",
        "slot": f"aws-{index}",
        "image": IMAGE,
        "region": REGION,
        "zone": f"{REGION}a",
        "instance_id": f"i-{index}",
        "private_ip": f"10.0.0.{index}",
        "agent_secrets": {"OPENAI_API_KEY": "aws-sm://llm#openai"},
    }
    return {f"praxis_{name}": value for name, value in {**known, **values}.items() if value is not None}


def fleet(size: int = 3, own: Mapping[int, Mapping[str, Any]] | None = None, **everyone: Any) -> dict[str, Any]:
    """The host variables of ``m1``, ``m2``, …: ``everyone``'s values, and over them a member's ``own``."""
    own = own or {}
    return {f"m{index}": variables(index, **{**everyone, **own.get(index, {})}) for index in range(1, size + 1)}


def planner(hostvars: Mapping[str, Any], **options: Any) -> Planner:
    return Planner(fleet_variables.members(hostvars, list(hostvars)), **options)


def reported(failed: Failed) -> list[str]:
    """The codes of all findings, each of which is complete."""
    for finding in failed.findings:
        assert all(finding.as_dict().values()), finding
    return [finding.code for finding in failed.findings]


def only(failed: Failed) -> Finding:
    """The one finding."""
    assert len(reported(failed)) == 1, failed
    return failed.findings[0]
