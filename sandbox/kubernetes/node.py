# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node: a kubelet on a Docker Engine of its own. The engines share a bridge, so pods reach each other directly."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.kubernetes.running import Programs

FOLDER = Path(__file__).resolve().parent
PAUSE = "sandbox/pause:1"
#: Where a kubelet lists its logs: of pods, and of containers. It removes what is there of pods that it does not know,
#: so each node has folders of its own there, by mounts that only its own programs see.
LOGS = (Path("/var/log/pods"), Path("/var/log/containers"))


@dataclass(frozen=True)
class Node:
    """A kubelet and its engine.

    :ivar network: its containers' part of the pods' network.
    :ivar port: of the kubelet's API.
    :ivar gateway: this machine's address on the pods' network.
    """

    root: Path
    network: str
    port: int
    gateway: str
    bridge: str
    registry: str

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def engine(self) -> str:
        return f"unix://{self.root}/engine.sock"

    @property
    def kubelet(self) -> str:
        return f"https://{self.gateway}:{self.port}"

    def docker(self, *words: str, given: bytes | None = None) -> str:
        """What a docker command prints."""
        command = ["docker", "-H", self.engine, *words]
        return subprocess.run(command, check=True, input=given, capture_output=True).stdout.decode()

    def up(self, running: Programs, programs: Path, kubeconfig: Path) -> None:
        """Start them."""
        for folder in (self.root, *LOGS, *(self.root / log.name for log in LOGS)):
            folder.mkdir(parents=True, exist_ok=True)
        over = " && ".join([*(f"mount --bind '{self.root / log.name}' {log}" for log in LOGS), *controllers()])
        running.start(f"engine-{self.name}", "unshare", "--mount", "sh", "-c", f'{over} && exec "$@"', "sh",
                      "dockerd", "--data-root", str(self.root / "engine"), "--exec-root",
                      str(self.root / "engine-run"), "-H", self.engine, "--pidfile", str(self.root / "dockerd.pid"),
                      "--bridge", self.bridge, "--fixed-cidr", self.network, "--cgroup-parent", f"/{self.bridge}",
                      "--add-runtime", f"sandbox={FOLDER / 'runc-wrap'}", "--default-runtime", "sandbox",
                      "--iptables=false", "--ip-masq=false", "--insecure-registry", self.registry)
        running.wait("an engine", lambda: bool(self.docker("version", "--format", "{{.Server.Version}}")))
        if not self.docker("images", "--quiet", PAUSE):
            # The image by which the kubelet keeps each pod's network open.
            packed = subprocess.run(["tar", "-C", str(programs), "-c", "pause"], check=True, capture_output=True)
            self.docker("import", "--change", 'ENTRYPOINT ["/pause"]', "-", PAUSE, given=packed.stdout)
        running.start(f"sweep-{self.name}", sys.executable, str(FOLDER / "sweep.py"), self.engine)
        config = self.root / "kubelet.yaml"
        config.write_text(_KUBELET.format(gateway=self.gateway, port=self.port))
        mounts = f"--mount=/proc/{running.pid(f'engine-{self.name}')}/ns/mnt"
        running.start(f"kubelet-{self.name}", "nsenter", mounts, str(programs / "kubelet"),
                      "--kubeconfig", str(kubeconfig), "--config", str(config),
                      "--root-dir", str(self.root / "kubelet"),
                      "--docker-endpoint", self.engine, "--docker", self.engine,
                      "--docker-root", str(self.root / "engine"), "--pod-infra-container-image", PAUSE,
                      "--hostname-override", self.name, "--node-ip", self.gateway, "--container-runtime", "docker",
                      "--network-plugin", "", "--cert-dir", str(self.root / "kubelet-certificates"),
                      "--runtime-cgroups", "/",
                      "--container-runtime-endpoint", f"unix://{self.root}/dockershim.sock",
                      "--experimental-dockershim-root-directory", str(self.root / "dockershim"),
                      "--volume-plugin-dir", str(self.root / "volume-plugins"))

    def down(self, running: Programs) -> None:
        """End them. A kubelet that has ended leaves its containers alone, so they are ended here."""
        running.stop(f"kubelet-{self.name}")
        running.stop(f"sweep-{self.name}")
        if running.pid(f"engine-{self.name}") is not None:
            there = self.docker("ps", "--all", "--quiet").split()
            if there:
                self.docker("rm", "--force", "--volumes", *there)
        running.stop(f"engine-{self.name}")


def controllers() -> list[str]:
    """Mounts of the control groups that this machine has and does not show. Without one of them containerd looks at no
    control group, and never says that the kernel has killed a container at its memory limit."""
    listed = [line.split(":")[1] for line in Path("/proc/self/cgroup").read_text().splitlines()]
    places = {name: Path("/sys/fs/cgroup", name) for name in listed if name and "=" not in name}
    return [f"mount -t cgroup -o {name} cgroup {place}" for name, place in places.items()
            if place.is_dir() and not place.is_symlink() and not place.is_mount()]


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
address: {gateway}
port: {port}
healthzPort: 0
podCIDR: ""
"""
