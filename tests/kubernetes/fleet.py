# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in a real cluster: its playbooks, run with the controller's own rights, and what an administrator sees."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import resources
from ansible_collections.praxis.cloud.plugins.plugin_utils.kubernetes_api import Api
from sandbox.kubernetes.node import Node
from tests.unit.kubernetes.made import seeds

CHECKOUT = Path(__file__).resolve().parents[2]
NAMESPACE = "praxis-test"
#: As whom the playbooks are run.
CONTROLLER = f"system:serviceaccount:{NAMESPACE}:controller"
SECRETS = {"OPENAI_API_KEY": "planted key of the cluster's test", "PRAXIS_MASTER_KEY": "planted master key"}
#: As many slots have a seed.
MOST = 5
_ESTABLISHED = "01"
_P2P = 4001
_READS = ("get", "list", "watch")


@dataclass(frozen=True)
class Place:
    """The cluster.

    :ivar kubeconfig: the administrator's.
    :ivar image: the agent's image, by digest.
    :ivar audit: the API server's audit log; None on a cluster that is not ours.
    :ivar node: one of its nodes; None on a cluster that is not ours.
    """

    kubeconfig: Path
    image: str
    audit: Path | None = None
    node: Node | None = None


@dataclass
class Fleet:
    """The fleet under test.

    :ivar place: the cluster that it is in.
    :ivar settings: its ``praxis_kubernetes``.
    :ivar given: variables of all plays that do not name them themselves.
    :ivar machines: its members that are in no cluster, by name, with their variables.
    :ivar began: the audit log's end before anything was done with it.
    """

    place: Place
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    machines: dict[str, dict[str, Any]] = field(default_factory=dict)
    began: int = 0

    def __post_init__(self) -> None:
        self.began = self.now()

    @property
    def api(self) -> Api:
        """The administrator's."""
        return Api(str(self.place.kubeconfig))

    @property
    def image(self) -> str:
        return self.place.image

    @property
    def controller(self) -> Path:
        """The kubeconfig of the playbooks."""
        return self.folder / "controller.kubeconfig"

    def inventory(self, **kinds: dict[str, Any]) -> None:
        """Write the inventory: a kind of members, and what else is named."""
        members = {"seeds": seeds(MOST), "identities": {"existing": "seeds"}}
        variables = {
            "praxis_target": "kubernetes", "praxis_kubernetes": self.settings,
            "praxis_slot": "{{ inventory_hostname }}",
            "praxis_agent_secrets": dict.fromkeys(SECRETS, "aws-sm://in/the/cluster#key"),
        }  # fmt: skip
        hosts = {name: {"praxis_kubernetes_kind": kind} for name, kind in {"agent": members, **kinds}.items()}
        group = {"hosts": hosts, "vars": variables}
        halves: dict[str, Any] = {"praxis": {"children": {"praxis_kubernetes": group}}}
        if self.machines:
            halves = {"praxis": {"hosts": self.machines}, "praxis_kubernetes": group}
        (self.folder / "hosts.yml").write_text(json.dumps(halves))

    def play(self, verb: str, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the root."""
        with self.begun(verb, *arguments, **variables) as run:
            said, errors = run.communicate(timeout=1200)
        for marker in SECRETS.values():
            assert marker not in said + errors
        return subprocess.CompletedProcess(run.args, run.returncode, said, errors)

    @contextmanager
    def begun(self, verb: str, *arguments: str, **variables: Any) -> Iterator[subprocess.Popen[str]]:
        """A playbook of the root that runs; at the end it is killed, if it is not over."""
        given = self.folder / "given.json"
        given.write_text(json.dumps({"praxis_image": self.image, **self.given, **variables}))
        program, hosts = Path(sys.executable).with_name("ansible-playbook"), self.folder / "hosts.yml"
        command = [str(program), f"{verb}.yml", "-i", str(hosts), "-e", f"@{given}", *arguments]
        environment = {**os.environ, "KUBECONFIG": str(self.controller), "ANSIBLE_SHOW_CUSTOM_STATS": "false"}
        with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, start_new_session=True) as run:
            try:
                yield run
            finally:
                if run.poll() is None:
                    os.killpg(run.pid, signal.SIGKILL)

    def good(self, verb: str, *arguments: str, **variables: Any) -> str:
        """Run a playbook that has to end well; what it prints."""
        done = self.play(verb, *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "fleet praxis: good" in done.stdout, done.stdout
        return done.stdout

    def rolled_back(self, finding: str, evidence: str, **variables: Any) -> None:
        """Deploy what is bad: the pod of the highest ordinal shows it, no other one is touched, and it goes back."""
        before, uids = self.release(), self.uids()
        done = self.play("deploy", **variables)
        said = " ".join(done.stdout.split())
        assert done.returncode != 0 and finding in said and evidence in said, done.stdout + done.stderr
        assert "was rolled back to deployment" in said, done.stdout
        assert self.release() == before
        self.good("verify")
        kept = sorted(uids, key=lambda name: int(name.rpartition("-")[2]))[:-1]
        assert {name: self.uids()[name] for name in kept} == {name: uids[name] for name in kept}
        assert self.edges() == mesh(sorted(uids))

    def kubernetes(self, **more: Any) -> dict[str, Any]:
        """``praxis_kubernetes`` with something else in it."""
        return {"praxis_kubernetes": {**self.settings, **more}}

    def pods(self) -> dict[str, dict[str, Any]]:
        """The agents that are not leaving."""
        found = self.api.listed(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector="praxis.cloud/release")
        return {pod["metadata"]["name"]: pod for pod in found if not pod["metadata"].get("deletionTimestamp")}

    def uids(self) -> dict[str, str]:
        return {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}

    def ready(self) -> list[str]:
        """The pods that are ready."""
        conditions = {name: pod["status"].get("conditions") or [] for name, pod in self.pods().items()}
        return sorted(name for name, listed in conditions.items()
                      if any(each["type"] == "Ready" and each["status"] == "True" for each in listed))

    def wait_ready(self, count: int, seconds: float = 400) -> None:
        """Until so many pods are there and all of them are ready."""
        wait(f"{count} ready pods", lambda: len(self.ready()) == len(self.pods()) == count, seconds)

    def workload(self) -> dict[str, Any]:
        found = self.api.get(f"{resources.collection('apps/v1', 'StatefulSet', NAMESPACE)}/agent")
        assert found is not None
        return found

    def release(self) -> str:
        return str(self.workload()["spec"]["template"]["metadata"]["labels"]["praxis.cloud/release"])

    def inside(self, pod: str, *command: str) -> str:
        """What a command prints in a pod's agent."""
        code, said = self.api.execute(NAMESPACE, pod, command, 90)
        assert code == 0, (pod, said)
        return said

    def edges(self) -> dict[str, set[str]]:
        """Each pod's live P2P connections, by the pods' names, as the kernel lists them in the pod's network."""
        names = {pod["status"]["podIP"]: name for name, pod in self.pods().items()}
        found = {}
        for name in names.values():
            # A line's words: number, local and remote end, state …; `inside` gives them without their lines' ends.
            words = self.inside(name, "cat", "/proc/net/tcp").split()
            ends = [words[at - 2:at] for at, word in enumerate(words) if word == _ESTABLISHED and ":" in words[at - 1]]
            found[name] = {names[_address(remote)] for local, remote in ends
                           if _P2P in (_port(local), _port(remote)) and _address(remote) in names}
        return found

    def peer_ids(self) -> dict[str, str]:
        """Who each agent says it is."""
        asked = ("curl", "-fsS", "-m", "5", "http://127.0.0.1:8000/p2p/info")
        return {name: json.loads(self.inside(name, *asked))["peer_id"] for name in self.pods()}

    def versions(self) -> dict[str, str]:
        """What any write to an object of the fleet would change."""
        found = {}
        for kind in ("ConfigMap", "Service", "ServiceAccount", "Secret"):
            for item in self.api.listed(resources.collection("v1", "ConfigMap", NAMESPACE).replace(
                    "configmaps", f"{kind.lower()}s")):
                found[f"{kind}/{item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
        found["pods"] = " ".join(sorted(self.uids().values()))
        found["generation"] = str(self.workload()["metadata"]["generation"])
        return found

    def now(self) -> int:
        """The audit log's end."""
        return self.place.audit.stat().st_size if self.place.audit else 0

    def requests(self, since: int) -> list[dict[str, Any]]:
        """The controller's requests in the audit log since a place in it."""
        if self.place.audit is None:
            return []
        with self.place.audit.open("rb") as file:
            file.seek(since)
            events = [json.loads(line) for line in file.read().decode().splitlines()]
        return [event for event in events if event["user"]["username"] == CONTROLLER]

    def written(self, since: int) -> list[str]:
        """Those that are writes; dry runs are none."""
        return [f"{event['verb']} {event['requestURI']}" for event in self.requests(since)
                if event["verb"] not in _READS and "dryRun" not in event["requestURI"]]


def wait(what: str, there: Callable[[], Any], seconds: float = 300) -> None:
    """Until something is so."""
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)


def mesh(names: list[str]) -> dict[str, set[str]]:
    """The edges of a mesh in which everybody is connected to everybody."""
    return {name: set(names) - {name} for name in names}


def _address(text: str) -> str:
    """An IPv4 address of /proc/net/tcp."""
    return socket.inet_ntoa(struct.pack("<I", int(text.partition(":")[0], 16)))


def _port(text: str) -> int:
    return int(text.partition(":")[2], 16)
