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
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TOKEN = "sandbox-administrator"
NODE = "node-1"
#: What the kubelet sets for itself; it is set back when the cluster goes.
SYSCTLS = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")
#: Where every kubelet of a machine lists its logs: of pods, and of containers.
LOGS = (Path("/var/log/pods"), Path("/var/log/containers"))
_SUBNETS = 100
#: Ended in this order; a kubelet without an API server leaves its containers alone.
PROGRAMS = ("kubelet", "scheduler", "controllers", "api", "etcd", "dns", "registry", "engine")


@dataclass(frozen=True)
class Cluster:
    """A cluster under ``root``, made of the programs in ``programs``."""

    root: Path
    programs: Path

    @property
    def number(self) -> int:
        return int(hashlib.sha256(str(self.root.resolve()).encode()).hexdigest(), 16) % _SUBNETS

    @property
    def gateway(self) -> str:
        """This machine's address on the pods' network."""
        return f"172.31.{100 + self.number}.1"

    @property
    def bridge(self) -> str:
        return f"pxk{self.number}"

    @property
    def registry(self) -> str:
        return f"{self.gateway}:5000"

    @property
    def engine(self) -> str:
        return f"unix://{self.root}/engine.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

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
        """Start everything and wait until the node is ready."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._control_plane()
        self._network()
        self._serve_images()
        self._node()

    def down(self) -> None:
        """End everything, and leave nothing behind."""
        self._stop("kubelet")
        if (self.root / "engine.sock").exists():
            there = self._docker("ps", "--all", "--quiet").split()
            if there:
                self._docker("rm", "--force", "--volumes", *there)
        for program in PROGRAMS[1:]:
            self._stop(program)
        for mount in sorted(_mounts_under(self.root), reverse=True):
            subprocess.run(["umount", mount], check=True)
        if Path(f"/sys/class/net/{self.bridge}").exists():
            subprocess.run(["ip", "link", "delete", self.bridge], check=True)
        _forget_logs(self.root)
        kept = self.root / "sysctls.json"
        if kept.exists():
            for name, value in json.loads(kept.read_text()).items():
                Path("/proc/sys", name).write_text(value)
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.root)], check=True)

    def push(self, tag: str, name: str) -> str:
        """Push an image of this machine's engine to the cluster's registry, and return its name by digest."""
        target = f"{self.registry}/{name}"
        saved = subprocess.run(["docker", "save", tag], check=True, capture_output=True).stdout
        subprocess.run(["docker", "-H", self.engine, "load", "--quiet"], input=saved, check=True, capture_output=True)
        self._docker("tag", tag, target)
        self._docker("push", "--quiet", target)
        digest = self._docker("inspect", "--format", "{{index .RepoDigests 0}}", target).strip().rpartition("@")[2]
        return f"{target.rpartition(':')[0]}@{digest}"

    def _control_plane(self) -> None:
        etcd, peer = self.port(1), self.port(2)
        self._start("etcd", str(self.programs / "etcd"), "--data-dir", str(self.root / "etcd"),
                    "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--unsafe-no-fsync",
                    "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
                    "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                    "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                    "--initial-cluster", f"default=http://127.0.0.1:{peer}")
        certificates = self.root / "certificates"
        certificates.mkdir(exist_ok=True)
        subprocess.run(["openssl", "genrsa", "-out", str(certificates / "accounts.key"), "2048"],
                       check=True, capture_output=True)
        (self.root / "tokens.csv").write_text(f'{TOKEN},administrator,administrator,"system:masters"\n')
        (self.root / "audit.yaml").write_text(_AUDIT)
        self.kubeconfig.write_text(_KUBECONFIG.format(server=self.server, token=TOKEN))
        key = str(certificates / "accounts.key")
        self._start("api", str(self.programs / "kube-apiserver"), "--etcd-servers", f"http://127.0.0.1:{etcd}",
                    "--service-cluster-ip-range", "10.255.0.0/16", "--secure-port", str(self.port(0)),
                    "--bind-address", "127.0.0.1", "--insecure-port", "0", "--cert-dir", str(certificates),
                    "--token-auth-file", str(self.root / "tokens.csv"), "--authorization-mode", "RBAC",
                    "--service-account-key-file", key, "--service-account-signing-key-file", key,
                    "--service-account-issuer", "https://kubernetes.default.svc", "--allow-privileged",
                    "--advertise-address", self.gateway, "--audit-policy-file", str(self.root / "audit.yaml"),
                    "--audit-log-path", str(self.audit))
        self._wait("the API server", lambda: self.get("/readyz") == "ok")
        self._start("controllers", str(self.programs / "kube-controller-manager"), "--kubeconfig",
                    str(self.kubeconfig), "--service-account-private-key-file", key,
                    "--use-service-account-credentials",
                    "--secure-port", "0", "--port", "0", "--leader-elect=false",
                    "--horizontal-pod-autoscaler-sync-period", "5s", "--node-monitor-grace-period", "300s")
        self._start("scheduler", str(self.programs / "kube-scheduler"), "--kubeconfig", str(self.kubeconfig),
                    "--leader-elect=false", "--port", "0", "--secure-port", "0")

    def _network(self) -> None:
        if not Path(f"/sys/class/net/{self.bridge}").exists():
            for words in (["link", "add", self.bridge, "type", "bridge"],
                          ["addr", "add", f"{self.gateway}/24", "dev", self.bridge],
                          ["link", "set", self.bridge, "up"]):
                subprocess.run(["ip", *words], check=True)
        self._start("dns", sys.executable, str(FOLDER / "dns.py"), self.gateway, self.server, TOKEN)

    def _serve_images(self) -> None:
        (self.root / "registry.yaml").write_text(_REGISTRY.format(folder=self.root / "images", address=self.registry))
        self._start("registry", str(self.programs / "docker-registry"), "serve", str(self.root / "registry.yaml"))
        self._start("engine", "dockerd", "--data-root", str(self.root / "engine"), "--exec-root",
                    str(self.root / "engine-run"), "-H", self.engine, "--pidfile", str(self.root / "dockerd.pid"),
                    "--bridge", self.bridge, "--add-runtime", f"sandbox={FOLDER / 'runc-wrap'}",
                    "--default-runtime", "sandbox", "--iptables=false", "--ip-masq=false",
                    "--insecure-registry", self.registry)
        self._wait("the engine", lambda: bool(self._docker("version", "--format", "{{.Server.Version}}")))

    def _node(self) -> None:
        kept = self.root / "sysctls.json"
        if not kept.exists():
            kept.write_text(json.dumps({name: Path("/proc/sys", name).read_text() for name in SYSCTLS}))
        self._pause_image()
        config = _KUBELET.format(gateway=self.gateway, port=self.port(3))
        (self.root / "kubelet.yaml").write_text(config)
        self._start("kubelet", str(self.programs / "kubelet"), "--kubeconfig", str(self.kubeconfig), "--config",
                    str(self.root / "kubelet.yaml"), "--root-dir", str(self.root / "kubelet"),
                    "--docker-endpoint", self.engine, "--docker", self.engine, "--docker-root",
                    str(self.root / "engine"), "--pod-infra-container-image", "sandbox/pause:1",
                    "--hostname-override", NODE, "--node-ip", self.gateway, "--container-runtime", "docker",
                    "--network-plugin", "", "--cert-dir", str(self.root / "kubelet-certificates"),
                    "--runtime-cgroups", "/",
                    "--container-runtime-endpoint", f"unix://{self.root}/dockershim.sock",
                    "--experimental-dockershim-root-directory", str(self.root / "dockershim"),
                    "--volume-plugin-dir", str(self.root / "volume-plugins"))
        self._wait("the node", self._node_is_ready)

    def _pause_image(self) -> None:
        """The image by which the kubelet keeps each pod's network open."""
        if self._docker("images", "--quiet", "sandbox/pause:1"):
            return
        archive = subprocess.run(["tar", "-C", str(self.programs), "-c", "pause"], check=True, capture_output=True)
        subprocess.run(["docker", "-H", self.engine, "import", "--change", 'ENTRYPOINT ["/pause"]', "-",
                        "sandbox/pause:1"], input=archive.stdout, check=True, capture_output=True)

    def _node_is_ready(self) -> bool:
        conditions = json.loads(self.get(f"/api/v1/nodes/{NODE}"))["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def get(self, path: str) -> str:
        """What the API server answers to a GET."""
        request = urllib.request.Request(self.server + path, headers={"Authorization": f"Bearer {TOKEN}"})
        context = ssl._create_unverified_context()
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def _docker(self, *words: str) -> str:
        return subprocess.run(["docker", "-H", self.engine, *words], check=True, capture_output=True, text=True).stdout

    def _start(self, name: str, *command: str) -> None:
        if self._pid(name):
            return
        with (self.root / f"{name}.log").open("ab") as log:
            started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, cwd=self.root)
        (self.root / f"{name}.pid").write_text(f"{started.pid} {_started(started.pid)}")

    def _pid(self, name: str) -> int | None:
        """The process of this name, if it is the one that was started."""
        path = self.root / f"{name}.pid"
        if not path.exists():
            return None
        pid, started = path.read_text().split()
        return int(pid) if _started(int(pid)) == started else None

    def _stop(self, name: str) -> None:
        pid = self._pid(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while self._pid(name) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def _wait(self, what: str, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                if there():
                    return
            except (urllib.error.URLError, OSError, KeyError, subprocess.CalledProcessError):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not become ready; see the logs in {self.root}")
            time.sleep(0.2)


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; empty when it is not there."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    if fields[0] == "Z":
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        return ""
    return fields[19]


def _mounts_under(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(f"{folder.resolve()}/")]


def _forget_logs(root: Path) -> None:
    """Remove the links by which a kubelet lists its containers' logs, and the folders that are empty then."""
    for path in [*LOGS[0].glob("*/*/*"), *LOGS[1].glob("*")]:
        if path.is_symlink() and (os.readlink(path).startswith(f"{root}/") or not path.exists()):
            path.unlink()
    for folder in sorted([*LOGS[0].glob("*"), *LOGS[0].glob("*/*"), *LOGS], reverse=True):
        with contextlib.suppress(OSError):
            folder.rmdir()


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
  - {level: None, userGroups: ["system:nodes", "system:serviceaccounts"]}
  - {level: Metadata}
"""
_REGISTRY = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""
_KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
cgroupsPerQOS: false
enforceNodeAllocatable: []
cgroupDriver: cgroupfs
failSwapOn: false
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {{memory.available: 100Mi, nodefs.available: 1%}}
makeIPTablesUtilChains: false
clusterDNS: ["{gateway}"]
clusterDomain: cluster.local
address: 127.0.0.1
port: {port}
healthzPort: 0
podCIDR: ""
"""
