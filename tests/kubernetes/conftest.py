# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real cluster, with an account that has the documented rights and no other.

``KUBECONFIG`` names a cluster, and ``PRAXIS_IMAGE`` an agent's image there by digest; without them a cluster is built
and started here, with the stand-in agent. Each file of tests has a namespace of its own, and removes it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import images
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.node import FOLDER
from tests.kubernetes.fleet import CHECKOUT, MOST, NAMESPACE, SECRETS, Fleet, Place, wait
from tests.kubernetes.rights import documented
from tests.unit.kubernetes.made import seed

_ROLES = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The cluster."""
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Place(Path(given), os.environ["PRAXIS_IMAGE"])
        return
    built = subprocess.run([str(FOLDER / "build")], check=True, stdout=subprocess.PIPE, text=True).stdout
    root = Path(os.environ.get("PRAXIS_SANDBOX_ROOT", CHECKOUT / "build")) / "kubernetes-test"
    cluster = Cluster(root.resolve(), Path(built.splitlines()[-1]))
    try:
        cluster.up()
        tag = images.ensure(images.agent("1.0.0", dial_delay=1), tmp_path_factory.mktemp("image"))
        yield Place(cluster.kubeconfig, cluster.push(tag, "praxis/agent:1.0.0"), cluster.audit, cluster.nodes[0])
    finally:
        if not os.environ.get("PRAXIS_KEEP_CLUSTER"):
            cluster.down()


@pytest.fixture(scope="module")
def fleet(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A file's own fleet, which is not deployed yet, in an empty namespace."""
    made = Fleet(place, tmp_path_factory.mktemp("fleet"))
    try:
        _prepare(made)
        yield made
    finally:
        _forget(made)


@pytest.fixture
def standing(fleet: Fleet) -> Fleet:
    """The fleet, deployed and good, with two pods."""
    fleet.given = {}
    fleet.good("deploy")
    return fleet


def _prepare(fleet: Fleet) -> None:
    """What a cluster's owner makes: the namespace with its Secrets and the controller's account. And the inventory."""
    api, root = fleet.api, f"/api/v1/namespaces/{NAMESPACE}"
    api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    keys = {f"agent-{ordinal}": seed(ordinal) for ordinal in range(MOST)}
    for name, data in (("secrets", {key: text.encode() for key, text in SECRETS.items()}), ("seeds", keys)):
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}
        api.create(f"{root}/secrets", secret)
    _account(fleet)
    fleet.settings = {
        "namespace": NAMESPACE, "cpu": "200m", "drain": 3, "soak": 1,
        "autoscaler": {"min": 2, "max": MOST}, "secrets": {"existing": "secrets"},
    }  # fmt: skip
    fleet.inventory()


def _account(fleet: Fleet) -> None:
    """The controller: a ServiceAccount, the Role that docs/kubernetes.md asks for, and a kubeconfig with its token."""
    api, root = fleet.api, f"/api/v1/namespaces/{NAMESPACE}"
    api.create(f"{root}/serviceaccounts", {"metadata": {"name": "controller"}})
    role = {"metadata": {"name": "controller"}, "rules": [rule.as_kubernetes() for rule in documented()]}
    api.create(f"{_ROLES}/roles", role)
    subject = {"kind": "ServiceAccount", "name": "controller", "namespace": NAMESPACE}
    named = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "controller"}
    binding = {"metadata": {"name": "controller"}, "subjects": [subject], "roleRef": named}
    api.create(f"{_ROLES}/rolebindings", binding)
    wanted = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    token = api.create(f"{root}/serviceaccounts/controller/token", wanted)["status"]["token"]
    config: dict[str, Any] = yaml.safe_load(fleet.place.kubeconfig.read_text())
    current = next(each for each in config["contexts"] if each["name"] == config["current-context"])
    config["users"] = [{"name": current["context"]["user"], "user": {"token": token}}]
    fleet.controller.write_text(json.dumps(config))


def _forget(fleet: Fleet) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}"
    fleet.api.delete(path)
    wait("the namespace's end", lambda: fleet.api.get(path) is None)
