# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's processes: etcd, the control plane, a registry, a Docker Engine of its own, a kubelet and a DNS server.

Everything lies under one folder, whose path gives the network and the ports, so that two checkouts can each have one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.kubernetes.node import FOLDER, LOGS, Node, controllers
from sandbox.kubernetes.running import Programs

#: Whose requests are in the audit log, and the cluster's own programs', whose are not.
TOKEN, PROGRAMS_TOKEN = "sandbox-administrator", "sandbox-programs"
#: What the kubelet sets for itself; it is set back when the cluster goes.
SYSCTLS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
_SUBNETS = 100
#: The pods' weight against all other work of this machine, of which each process has 1024: else a pod in a busy machine
#: never gets the CPU that it asks for, and the autoscaler has nothing to see.
_SHARES = 8192
#: Ended in this order, after the nodes.
PROGRAMS = ("metrics", "scheduler", "controllers", "api", "etcd", "dns", "registry")


@dataclass(frozen=True)
class Cluster:
    """A cluster under ``root``, made of the programs in ``programs``."""

    root: Path
    programs: Path

    @property
    def running(self) -> Programs:
        return Programs(self.root)

    @property
    def number(self) -> int:
        return int(hashlib.sha256(str(self.root.resolve()).encode()).hexdigest(), 16) % _SUBNETS

    @property
    def gateway(self) -> str:
        """This machine's address on the pods' network."""
        return f"172.31.{100 + self.number}.1"

    def _admit(self, there: bool) -> None:
        """See that the rule by which pods reach each other is there, or is not."""
        rule = ["FORWARD", "-i", self.bridge, "-o", self.bridge, "-j", "ACCEPT"]
        found = not subprocess.run(["iptables", "-C", *rule], check=False, capture_output=True).returncode
        if found != there:
            subprocess.run(["iptables", "-I" if there else "-D", *rule], check=True)

    @property
    def bridge(self) -> str:
        return f"pxk{self.number}"

    @property
    def pods(self) -> Path:
        """The pods' control group for CPU. cgroup v2 has no such place, and its weights stay as they are."""
        return Path("/sys/fs/cgroup/cpu") / self.bridge

    @property
    def registry(self) -> str:
        return f"{self.gateway}:5000"

    @property
    def nodes(self) -> list[Node]:
        subnet = self.gateway.rpartition(".")[0]
        return [Node(self.root / f"node-{number}", f"{subnet}.{64 * number}/26", self.port(3 + number), self.gateway,
                     self.bridge, self.registry) for number in (1, 2)]

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def own_kubeconfig(self) -> Path:
        """The cluster's own programs'."""
        return self.root / "programs.kubeconfig"

    @property
    def audit(self) -> Path:
        """The API server's audit log: a line a request."""
        return self.root / "audit.jsonl"

    def port(self, offset: int) -> int:
        return 17000 + 20 * self.number + offset

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port(0)}"

    def up(self) -> None:
        """Start everything and wait until the nodes are ready and measured."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._control_plane()
        self._network()
        self._serve_images()
        kept = self.root / "sysctls.json"
        if not kept.exists():
            kept.write_text(json.dumps({name: Path("/proc/sys", name).read_text() for name in SYSCTLS}))
        if self.pods.parent.exists():
            self.pods.mkdir(exist_ok=True)
            (self.pods / "cpu.shares").write_text(str(_SHARES))
        for node in self.nodes:
            node.up(self.running, self.programs, self.own_kubeconfig)
            self.running.wait("a node", partial(self._is_ready, node))
        self._measure()

    def down(self) -> None:
        """End everything, and leave nothing behind but the folder that every kubelet of a machine uses for devices."""
        for node in self.nodes:
            node.down(self.running)
        for program in PROGRAMS:
            self.running.stop(program)
        for mount in sorted(_mounts_under(self.root), reverse=True):
            subprocess.run(["umount", mount], check=True)
        if Path(f"/sys/class/net/{self.bridge}").exists():
            subprocess.run(["ip", "link", "delete", self.bridge], check=True)
        self._admit(False)
        groups = f"find /sys/fs/cgroup -mindepth 2 -maxdepth 2 -name {self.bridge} -exec rmdir {{}} +"
        subprocess.run(["unshare", "--mount", "sh", "-c", " && ".join([*controllers(), groups])], check=True)
        for folder in LOGS:
            with contextlib.suppress(OSError):  # another cluster's, or never made
                folder.rmdir()
        kept = self.root / "sysctls.json"
        if kept.exists():
            for name, value in json.loads(kept.read_text()).items():
                Path("/proc/sys", name).write_text(value)
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.root)], check=True)

    def push(self, tag: str, name: str) -> str:
        """Push an image of this machine's engine to the cluster's registry, and return its name by digest."""
        node, target = self.nodes[0], f"{self.registry}/{name}"
        saved = subprocess.run(["docker", "save", tag], check=True, capture_output=True).stdout
        node.docker("load", "--quiet", given=saved)
        node.docker("tag", tag, target)
        node.docker("push", "--quiet", target)
        digest = node.docker("inspect", "--format", "{{index .RepoDigests 0}}", target).strip().rpartition("@")[2]
        return f"{target.rpartition(':')[0]}@{digest}"

    def _control_plane(self) -> None:
        etcd, peer = self.port(1), self.port(2)
        self.running.start("etcd", str(self.programs / "etcd"), "--data-dir", str(self.root / "etcd"),
                           "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--unsafe-no-fsync",
                           "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
                           "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                           "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                           "--initial-cluster", f"default=http://127.0.0.1:{peer}")
        certificates = self.root / "certificates"
        certificates.mkdir(exist_ok=True)
        accounts = certificates / "accounts.key"
        if not accounts.exists():  # tokens that it has signed hold as long as it does
            subprocess.run(["openssl", "genrsa", "-out", str(accounts), "2048"], check=True, capture_output=True)
        (self.root / "tokens.csv").write_text(
            f'{TOKEN},administrator,administrator,"system:masters"\n'
            f'{PROGRAMS_TOKEN},programs,programs,"system:masters,sandbox:programs"\n')
        (self.root / "audit.yaml").write_text(_AUDIT)
        self.kubeconfig.write_text(_KUBECONFIG.format(server=self.server, token=TOKEN))
        self.own_kubeconfig.write_text(_KUBECONFIG.format(server=self.server, token=PROGRAMS_TOKEN))
        key = str(accounts)
        self.running.start("api", str(self.programs / "kube-apiserver"), "--etcd-servers", f"http://127.0.0.1:{etcd}",
                           "--service-cluster-ip-range", "10.255.0.0/16", "--secure-port", str(self.port(0)),
                           "--bind-address", "127.0.0.1", "--insecure-port", "0", "--cert-dir", str(certificates),
                           "--token-auth-file", str(self.root / "tokens.csv"), "--authorization-mode", "RBAC",
                           "--service-account-key-file", key, "--service-account-signing-key-file", key,
                           "--service-account-issuer", "https://kubernetes.default.svc", "--allow-privileged",
                           "--advertise-address", self.gateway, "--enable-aggregator-routing",
                           # The nodes have names that nobody resolves: `exec` and `log` dial their addresses.
                           "--kubelet-preferred-address-types", "InternalIP",
                           "--audit-policy-file", str(self.root / "audit.yaml"),
                           "--audit-log-path", str(self.audit))
        self.running.wait("the API server", lambda: self.get("/readyz") == "ok")
        self.running.start("controllers", str(self.programs / "kube-controller-manager"), "--kubeconfig",
                           str(self.own_kubeconfig), "--service-account-private-key-file", key,
                           "--use-service-account-credentials",
                           "--flex-volume-plugin-dir", str(self.root / "volume-plugins"),
                           "--secure-port", "0", "--port", "0", "--leader-elect=false",
                           "--horizontal-pod-autoscaler-sync-period", "5s", "--node-monitor-grace-period", "300s")
        self.running.start("scheduler", str(self.programs / "kube-scheduler"), "--kubeconfig", str(self.own_kubeconfig),
                           "--leader-elect=false", "--port", "0", "--secure-port", "0")

    def _network(self) -> None:
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            for words in (["link", "add", self.bridge, "type", "bridge"],
                          ["addr", "add", f"{self.gateway}/24", "dev", self.bridge],
                          ["link", "set", self.bridge, "up"]):
                subprocess.run(["ip", *words], check=True)
        # A Docker Engine of this machine forbids forwarding, and the kernel takes what crosses a bridge for forwarded.
        self._admit(True)
        self.running.start("dns", sys.executable, str(FOLDER / "dns.py"), self.gateway, self.server, PROGRAMS_TOKEN)

    def _serve_images(self) -> None:
        config = self.root / "registry.yaml"
        config.write_text(_REGISTRY.format(folder=self.root / "images", address=self.registry))
        self.running.start("registry", str(self.programs / "docker-registry"), "serve", str(config))

    def _measure(self) -> None:
        """Serve metrics.k8s.io, which the autoscaler reads."""
        certificate, port = self.root / "metrics.pem", self.port(6)
        if not certificate.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                            "/CN=metrics", "-keyout", str(certificate), "-out", f"{certificate}.part"],
                           check=True, capture_output=True)
            certificate.write_text(certificate.read_text() + Path(f"{certificate}.part").read_text())
        self.running.start("metrics", sys.executable, str(FOLDER / "metrics.py"), self.gateway, str(port),
                           str(certificate), self.server, PROGRAMS_TOKEN,
                           *(node.kubelet for node in self.nodes))
        service = "/api/v1/namespaces/kube-system/services"
        about = {"metadata": {"name": "metrics"}}
        ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}]
        self._create(service, {**about, "spec": {"ports": ports}})
        subsets = [{"addresses": [{"ip": self.gateway}], "ports": [{"name": "https", "port": port}]}]
        self._create("/api/v1/namespaces/kube-system/endpoints", {**about, "subsets": subsets})
        spec = {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "insecureSkipTLSVerify": True, "service": {"namespace": "kube-system", "name": "metrics"}}
        served = {"metadata": {"name": "v1beta1.metrics.k8s.io"}, "spec": spec}
        self._create("/apis/apiregistration.k8s.io/v1/apiservices", served)
        self.running.wait("the metrics", lambda: bool(self.get("/apis/metrics.k8s.io/v1beta1/namespaces/default/pods")))

    def _create(self, path: str, item: dict[str, Any]) -> None:
        """Make an object of the cluster, once."""
        headers = {"Authorization": f"Bearer {PROGRAMS_TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.server + path, json.dumps(item).encode(), headers)
        try:
            urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=10).close()
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def _is_ready(self, node: Node) -> bool:
        conditions = json.loads(self.get(f"/api/v1/nodes/{node.name}"))["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def get(self, path: str) -> str:
        """What the API server answers to a GET."""
        request = urllib.request.Request(self.server + path, headers={"Authorization": f"Bearer {TOKEN}"})
        context = ssl._create_unverified_context()
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            text: str = answer.read().decode()
            return text


def _mounts_under(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(f"{folder.resolve()}/")]


_KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: sandbox, cluster: {{server: "{server}", insecure-skip-tls-verify: true}}}}]
users: [{{name: administrator, user: {{token: {token}}}}}]
contexts: [{{name: sandbox, context: {{cluster: sandbox, user: administrator}}}}]
current-context: sandbox
"""
# Writes of the cluster's own programs, and what they read, would drown what a test looks for.
_AUDIT = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: None, userGroups: ["sandbox:programs", "system:serviceaccounts:kube-system"]}
  - {level: Metadata}
"""
_REGISTRY = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""
