# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys that machines have published through their cloud: what is asked, and what comes of the answers."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud import errors
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws import AwsClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.gcp import GcpClient
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.published_keys import Machine, collect
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from tests.unit.fleet.test_host_keys import CONSOLE, ECDSA, ED25519

AWS = Machine("one", "aws", "i-1", region="eu-central-1")
GCP = Machine("two", "gcp", "two", project="a-project", zone="europe-west1-b")


class Ec2(AwsClient):
    """EC2 with one answer to the plain question, and one to that for the newest output."""

    def __init__(self, *answers: Any) -> None:
        super().__init__("eu-central-1")
        self.answers, self.asked = list(answers), []

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.asked.append((service, operation, params))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Output": answer} if answer is not None else {}


class Compute(GcpClient):
    def __init__(self, answer: Any) -> None:
        super().__init__("a-project")
        self.answer, self.asked = answer, []

    def call(self, service: str, verb: str, path: str, **options: Any) -> dict[str, Any]:
        self.asked.append((verb, path, options["query"]))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def refused(kind: type[errors.CloudError]) -> errors.CloudError:
    return kind("It does not want to.", "somewhere", "Nothing.")


def never() -> Any:
    raise AssertionError("a cloud that no machine is in was asked")


@pytest.mark.parametrize(("answers", "keys", "questions"), [
    ([CONSOLE], [ECDSA, ED25519], 1),
    ([base64.b64encode(CONSOLE.encode()).decode()], [ECDSA, ED25519], 1),
    ([None, CONSOLE], [ECDSA, ED25519], 2),
    (["no keys", "none either"], [], 2),
    (["no keys", refused(errors.Invalid)], [], 2),
])  # fmt: skip
def test_keys_on_ec2_s_console(answers: list[Any], keys: list[str], questions: int) -> None:
    ec2 = Ec2(*answers)
    assert collect([AWS], lambda: ec2, never) == {"one": keys}
    assert [params for _service, _operation, params in ec2.asked] == [
        {"InstanceId": "i-1"}, {"InstanceId": "i-1", "Latest": True}][:questions]  # fmt: skip


@pytest.mark.parametrize("kind", [errors.Denied, errors.Invalid, errors.NotFound])
def test_what_ec2_refuses_is_reported(kind: type[errors.CloudError]) -> None:
    with pytest.raises(Failed):
        collect([AWS], lambda: Ec2(refused(kind)), never)


@pytest.mark.parametrize(("answer", "keys"), [
    ({"queryValue": {"items": [dict(zip(("key", "value"), ED25519.split()), namespace="hostkeys")]}}, [ED25519]),
    ({}, []),
    (refused(errors.NotFound), []),
])  # fmt: skip
def test_keys_among_google_s_guest_attributes(answer: Any, keys: list[str]) -> None:
    compute = Compute(answer)
    assert collect([GCP], never, lambda: compute) == {"two": keys}
    path = "compute/v1/projects/a-project/zones/europe-west1-b/instances/two/getGuestAttributes"
    assert compute.asked == [("GET", path, {"queryPath": "hostkeys/"})]


def test_a_link_to_a_machine_of_google_s_says_where_it_is() -> None:
    """As Terraform has it, for a member without praxis_zone."""
    compute = Compute({})
    link = "https://www.googleapis.com/compute/v1/projects/a-project/zones/europe-west1-b/instances/two"
    collect([dataclasses.replace(GCP, id=link, zone="")], never, lambda: compute)
    ((_verb, path, _query),) = compute.asked
    assert path == "compute/v1/projects/a-project/zones/europe-west1-b/instances/two/getGuestAttributes"


def test_what_google_refuses_is_reported() -> None:
    with pytest.raises(Failed):
        collect([GCP], never, lambda: Compute(refused(errors.Denied)))


def test_a_machine_of_no_cloud_has_published_nothing() -> None:
    assert collect([Machine("three", "static")], never, never) == {"three": []}
