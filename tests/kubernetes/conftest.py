# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real cluster, and a fleet's playbooks run against it.

``KUBECONFIG`` names a cluster, and ``PRAXIS_IMAGE`` an agent's image there by digest; without them a cluster is built
and started here, with the stand-in agent. The tests have a namespace of their own, which they remove.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from sandbox import images
from sandbox.kubernetes.cluster import FOLDER, Cluster
from tests.unit.kubernetes.made import seed, seeds

CHECKOUT = Path(__file__).resolve().parents[2]
NAMESPACE = "praxis-test"
MOST = 5
SECRETS = {"OPENAI_API_KEY": "planted key of the cluster's test", "PRAXIS_MASTER_KEY": "planted master key"}


@dataclass
class Fleet:
    """The fleet under test, and the cluster that it is in.

    :ivar image: the agent's image, by digest.
    :ivar audit: the API server's audit log; None on a cluster that is not ours.
    """

    kubeconfig: Path
    folder: Path
    image: str
    audit: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        return Api(str(self.kubeconfig))

    def play(self, verb: str, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the root."""
        given = self.folder / "given.json"
        given.write_text(json.dumps({"praxis_image": self.image, **variables}))
        program, hosts = Path(sys.executable).with_name("ansible-playbook"), self.folder / "hosts.yml"
        command = [str(program), f"{verb}.yml", "-i", str(hosts), "-e", f"@{given}", *arguments]
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "ANSIBLE_SHOW_CUSTOM_STATS": "false"}
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
                              timeout=900)
        for marker in SECRETS.values():
            assert marker not in done.stdout + done.stderr
        return done

    def kubernetes(self, **more: Any) -> dict[str, Any]:
        """``praxis_kubernetes`` with something else in it."""
        return {"praxis_kubernetes": {**self.settings, **more}}

    def pods(self) -> dict[str, dict[str, Any]]:
        found = self.api.listed(f"/api/v1/namespaces/{NAMESPACE}/pods")
        return {pod["metadata"]["name"]: pod for pod in found if not pod["metadata"].get("deletionTimestamp")}

    def workload(self) -> dict[str, Any]:
        found = self.api.get(f"{resources.collection('apps/v1', 'StatefulSet', NAMESPACE)}/agent")
        assert found is not None
        return found

    def release(self) -> str:
        return str(self.workload()["spec"]["template"]["metadata"]["labels"]["praxis.cloud/release"])

    def versions(self) -> dict[str, str]:
        """What any write to an object of the fleet would change."""
        found = {}
        for kind in ("ConfigMap", "Service", "ServiceAccount", "Secret"):
            plural = kind.lower() + "s"
            for item in self.api.listed(f"/api/v1/namespaces/{NAMESPACE}/{plural}"):
                found[resources.name(item)] = item["metadata"]["resourceVersion"]
        found["pods"] = " ".join(sorted(pod["metadata"]["uid"] for pod in self.pods().values()))
        found["generation"] = str(self.workload()["metadata"]["generation"])
        return found

    def written(self, since: int) -> list[str]:
        """The writes of the controller's account in the audit log since a place in it; dry runs are none."""
        if self.audit is None:
            return []
        found = []
        for line in self.audit.read_bytes()[since:].decode().splitlines():
            event = json.loads(line)
            if event["verb"] not in ("get", "list", "watch") and event["user"]["username"] == "administrator" \
                    and "dryRun" not in event["requestURI"]:
                found.append(f"{event['verb']} {event['requestURI']}")
        return found

    def now(self) -> int:
        """The audit log's end."""
        return self.audit.stat().st_size if self.audit else 0


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    given = os.environ.get("KUBECONFIG")
    if given:
        found = Fleet(Path(given), folder, os.environ["PRAXIS_IMAGE"])
        cluster = None
    else:
        built = subprocess.run([str(FOLDER / "build")], check=True, stdout=subprocess.PIPE, text=True).stdout
        cluster = Cluster(CHECKOUT / "build" / "kubernetes-test", Path(built.splitlines()[-1]))
        cluster.up()
        tag = images.ensure(images.agent("1.0.0", dial_delay=1), folder)
        found = Fleet(cluster.kubeconfig, folder, cluster.push(tag, "praxis/agent:1.0.0"), cluster.audit)
    try:
        _prepare(found)
        yield found
    finally:
        found.api.delete(f"/api/v1/namespaces/{NAMESPACE}")
        if cluster is not None and not os.environ.get("PRAXIS_KEEP_CLUSTER"):
            cluster.down()


def _prepare(fleet: Fleet) -> None:
    """The namespace with its Secrets, which a cluster's owner makes, and the inventory."""
    api = fleet.api
    api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    keys = {f"agent-{ordinal}": seed(ordinal) for ordinal in range(MOST)}
    for name, data in (("secrets", {key: text.encode() for key, text in SECRETS.items()}), ("seeds", keys)):
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}
        api.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", secret)
    fleet.settings = {
        "namespace": NAMESPACE, "cpu": "20m", "drain": 1, "soak": 1, "seeds": seeds(MOST),
        "autoscaler": {"min": 2, "max": MOST}, "secrets": {"existing": "secrets"}, "identities": {"existing": "seeds"},
    }  # fmt: skip
    variables = {
        "praxis_target": "kubernetes", "praxis_slot": "agent", "praxis_kubernetes": fleet.settings,
        "praxis_agent_secrets": dict.fromkeys(SECRETS, "aws-sm://in/the/cluster#key"),
    }  # fmt: skip
    inventory = {"praxis": {"children": {"praxis_kubernetes": {"hosts": {"agent": variables}}}}}
    (fleet.folder / "hosts.yml").write_text(json.dumps(inventory))
