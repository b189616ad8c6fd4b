# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verb against the stand-in for an API server, and what it left there."""

from __future__ import annotations

from typing import Any

from ansible_collections.praxis.cloud.plugins.action import fleet_kubernetes
from ansible_collections.praxis.cloud.plugins.plugin_utils import kinds as kinds_
from tests.unit.kubernetes.fake_api import FakeApi
from tests.unit.kubernetes.made import IMAGE, variables

OTHER = IMAGE.replace("5" * 64, "6" * 64)
BAD = IMAGE.replace("5" * 64, "7" * 64)
PULL = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
DEFAULTS = {name: option.get("default") for name, option in fleet_kubernetes.ActionModule.argument_spec.items()}
STATEFUL = "/apis/apps/v1/namespaces/praxis/statefulsets/agent"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/praxis/leases/demo-deployment"
LEAVES = "/apis/apps/v1/namespaces/praxis/deployments/leaf"


def run(api: FakeApi, state: str, check: bool = False, kinds: dict[str, Any] | None = None, **args: Any) -> Any:
    """A verb's result, and what it wrote."""
    given = {**DEFAULTS, "state": state, "kubeconfig": str(api.kubeconfig), **args}
    hosts = kinds or {"agent": variables()}
    members, faults = kinds_.read(hosts, list(hosts))
    api.written.clear()
    return fleet_kubernetes._Run(given, members, faults, check, lambda _text: None).done()


def of(image: str, **more: Any) -> dict[str, Any]:
    return {"agent": variables(image=image, **more)}


def codes(result: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in result["findings"]]


def image(api: FakeApi) -> str:
    return str(api.objects[STATEFUL]["spec"]["template"]["spec"]["containers"][0]["image"])


def living(api: FakeApi) -> set[str]:
    """The paths of all objects but the Lease and the records of deployments."""
    return {path for path in api.objects if "/leases/" not in path and "/configmaps/demo-deployment-" not in path}
