# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain moto server in this process, for all tests that need a cloud and no machine."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import botocore.client
import botocore.loaders
import botocore.session
import pytest

from sandbox.aws import eks, names

REGION = "eu-central-1"
READS = ("Describe", "Get", "List", "BatchGet", "Head", "Simulate")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "planted-key-3f9a1c5e7b2d4a6f8091b3c5"}


@dataclass
class Cloud:
    """The cloud as a test sees it.

    :param operations: what was asked of it, in order.
    :param health: by target id, what the balancer will say of a registered target, one after the other, the last for
        ever.
    :param fault: by operation, what becomes of its next requests: ``lost`` (carried out, answered with an error of
        the cloud's), an error code (refused; after a colon, with these words), or an empty string (nothing).
    :param hidden: whether DescribeInstances lists none.
    """

    endpoint: str
    operations: list[str] = field(default_factory=list)
    health: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    fault: dict[str, list[str]] = field(default_factory=dict)
    hidden: bool = False
    clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        import boto3

        if service not in self.clients:
            session = boto3.Session(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
            self.clients[service] = session.client(service, endpoint_url=self.endpoint)
        return self.clients[service]

    def changes(self) -> list[str]:
        """The operations since the last observation that were not reads."""
        seen = [operation for operation in self.operations if not operation.startswith(READS)]
        self.operations.clear()
        return seen


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    """One reading of the SDK's service models for all tests: each costs a good part of a second."""
    loader = botocore.loaders.Loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda search_path_string=None: loader)
        yield


@pytest.fixture(scope="session", autouse=True)
def _clients_made_once() -> Iterator[None]:
    """One class of a service's clients for all tests: each session makes its own, with a method for each operation."""
    made: dict[str, type] = {}
    make = botocore.client.ClientCreator._create_client_class

    def once(self: Any, service: str, model: Any) -> type:
        if service not in made:
            made[service] = make(self, service, model)
        return made[service]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.ClientCreator, "_create_client_class", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _plain_moto() -> Iterator[None]:
    """moto without what the sandbox's AWS asks it for when it is imported: no test here wants AWS's own policies and
    images, and each new account reads thousands of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield


@pytest.fixture(scope="session")
def _server() -> Iterator[Cloud]:
    from moto.core.base_backend import AccountSpecificBackend
    from moto.eks.responses import EKSResponse
    from moto.eks.urls import url_paths
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    cloud = Cloud(f"http://{host}:{port}")
    with pytest.MonkeyPatch.context() as patch:
        # moto's reset makes everything anew, EC2's networks and images too, and then throws it away.
        patch.setattr(AccountSpecificBackend, "reset", lambda self: None)
        _log_operations(patch, cloud)
        _script_health(patch, cloud)
        patch.setattr("moto.iam.models.IAMBackend._init_aws_policies", _aws_policies)
        for name, operation in eks.OPERATIONS.items():
            patch.setattr(EKSResponse, name, operation, raising=False)
        for path, answered in eks.PATHS.items():
            patch.setitem(url_paths, path, answered)
        patch.setattr("moto.acm.models.CertBundle.check", names.check)
        patch.setattr("moto.route53.models.Route53Backend.change_resource_record_sets", names.change)
        yield cloud
    server.stop()


def _aws_policies(self: Any) -> list[Any]:
    """Of AWS's own policies, those of a cluster and its nodes."""
    from moto.iam.models import AWSManagedPolicy

    data = {"Path": "/", "Document": {}, "CreateDate": "2020-01-01T00:00:00", "UpdateDate": "2020-01-01T00:00:00"}
    names = ("AmazonEKSClusterPolicy", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy",
             "AmazonEC2ContainerRegistryReadOnly")  # fmt: skip
    return [AWSManagedPolicy.from_data(each, self.account_id, self.region_name, data) for each in names]


def _log_operations(patch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    from moto.core.responses import BaseResponse

    dispatch = BaseResponse.call_action
    # The clouds see to it that of two who make the same name at once one is refused; moto looks, and then writes.
    one_at_a_time = threading.RLock()

    def logged(self: BaseResponse) -> Any:
        operation = self._get_action()
        cloud.operations.append(operation)
        script = cloud.fault.get(operation)
        fate = script.pop(0) if script else ""
        if fate and fate != "lost":
            return _refusal(self, fate, 400)
        if cloud.hidden and operation == "DescribeInstances":
            return 200, {}, "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"
        with one_at_a_time:
            answer = dispatch(self)
        return _refusal(self, "InternalError", 500) if fate else answer

    patch.setattr(BaseResponse, "call_action", logged)


def _refusal(response: Any, code: str, status: int) -> tuple[int, dict[str, Any], str]:
    """An error in words that every protocol's client reads."""
    code, _colon, said = code.partition(": ")
    if str(response.headers.get("Content-Type", "")).startswith("application/x-www-form"):
        told = f"<Code>{code}</Code><Message>{said or 'transient'}</Message>"
        body = f"<Response><Errors><Error>{told}</Error></Errors></Response>"
    else:
        body = json.dumps({"__type": code, "message": said or "fault"})
    return status, {"status": status}, body


def _script_health(patch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    """moto calls every registered target healthy, and has no draining."""
    from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

    health_for = FakeTargetGroup.health_for

    def scripted(self: FakeTargetGroup, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
        script = cloud.health.get(target["Id"])
        if not script:
            return health_for(self, target, ec2_backend)
        state, reason, description = script.pop(0) if len(script) > 1 else script[0]
        return FakeHealthStatus(target["Id"], target["Port"], "80", state, reason, description)

    patch.setattr(FakeTargetGroup, "health_for", scripted)


@pytest.fixture
def cloud(_server: Cloud) -> Cloud:
    """An empty cloud."""
    request = urllib.request.Request(f"{_server.endpoint}/moto-api/reset", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    _server.operations.clear()
    _server.health.clear()
    _server.fault.clear()
    return _server


def environment(cloud: Cloud) -> dict[str, str]:
    """A shell's environment in which the SDK finds this cloud."""
    kept = ("PATH", "HOME", "XDG_STATE_HOME", "LANG", "PYTHONPATH", "ANSIBLE_COLLECTIONS_PATH")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        **KEYS,
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_GCE_CHECK": "true",
        "CLOUDSDK_CONFIG": "/nonexistent",
    }
