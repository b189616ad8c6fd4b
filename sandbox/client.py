# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox for tests and tools: what it is, and faults to order.

    sandbox = Client(here())
    sandbox.fault("throttle", operations=["ec2:Describe*"], probability=0.5, seed=7)
    sandbox.link_cut("praxis-1", "praxis-2")
    sandbox.heal()
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from sandbox import docker
from sandbox.gcp import forwarder
from sandbox.problem import Problem
from sandbox.site import CLOUDS, Site

CHAIN = "SANDBOX-LINK"
FULL = "/run/sandbox-full"


class Client:
    """One site's running sandbox."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def control(self, method: str, path: str, body: dict[str, Any] | None = None, cloud: str = "aws") -> Any:
        """Ask a cloud's process. Raises Problem when it does not run or refuses."""
        ports = {"aws": self.site.addresses.api_port, "gcp": self.site.addresses.google_port}
        request = urllib.request.Request(
            f"http://127.0.0.1:{ports[cloud]}/_sandbox/{path}", method=method,
            data=json.dumps(body).encode() if body is not None else None)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = json.loads(error.read())
            raise Problem(said["what"], said["where"], said["fix"]) from None
        except OSError as error:
            raise Problem(f"the sandbox's API does not answer: {error}", request.full_url,
                          f"python -m sandbox up --cloud {cloud}") from None

    def running(self, cloud: str = "aws") -> bool:
        """Whether this site's process for a cloud answers and is ready."""
        if not (self.site.home / "addresses.json").exists():
            return False
        try:
            said = self.control("GET", "ready", cloud=cloud)
        except Problem:
            return False
        return bool(said["ready"]) and said["root"] == str(self.site.root)

    def clouds(self) -> list[str]:
        """The clouds that are up."""
        return [cloud for cloud in CLOUDS if self.running(cloud)]

    def chosen(self, cloud: str | None = None) -> str:
        """The cloud that was named; or the only one, or AWS. Raises Problem when none is up, or not that one."""
        up = self.clouds()
        if not up or cloud not in (None, *up):
            raise Problem(f"the sandbox's {cloud or 'cloud'} is not up", str(self.site.home),
                          f"python -m sandbox up --cloud {cloud or 'aws'}")
        return cloud or up[0]

    def state(self) -> dict[str, Any]:
        """.sandbox/state.json, made current first."""
        for cloud in self.clouds() or ["aws"]:
            self.control("POST", "state", {}, cloud)
        state: dict[str, Any] = self.site.read_json("state.json")
        return state

    def credentials(self, user: str = "controller", cloud: str = "aws") -> dict[str, str]:
        """What lets one in as `controller` or `administrator`: AWS's access key and secret key, or Google's key file's
        content."""
        found: dict[str, str] = self.site.read_json(f"{cloud}/{user}.json")
        return found

    @property
    def operations_log(self) -> Path:
        """The operation log's path: AWS's, or Google's where that is the only one."""
        return self.log_of(next((one for one in CLOUDS if self.log_of(one).exists()), "aws"))

    def log_of(self, cloud: str) -> Path:
        """A cloud's operation log."""
        return self.site.home / cloud / "operations.jsonl"

    def operations(self, since: int = 0, mutating: bool = False,
                   cloud: str | None = None) -> tuple[list[dict[str, Any]], int]:
        """Entries of a cloud's operation log from a byte offset on, and the offset after the last."""
        log = self.log_of(cloud) if cloud else self.operations_log
        if not log.exists():
            return [], 0
        with log.open("rb") as file:
            file.seek(since)
            whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        entries = [json.loads(line) for line in whole.splitlines()]
        return [entry for entry in entries if entry["mutating"] or not mutating], since + len(whole)

    # -- faults of the API

    def fault(self, kind: str, cloud: str | None = None, **description: Any) -> dict[str, Any]:
        """Order a fault of a cloud's API; kinds and fields are those of aws.faults.Fault."""
        made: dict[str, Any] = self.control("POST", "faults", {"kind": kind, **description}, self.chosen(cloud))
        return made

    def faults(self, cloud: str | None = None) -> list[dict[str, Any]]:
        """The faults in force of a cloud's API, or of all."""
        clouds = [self.chosen(cloud)] if cloud else self.clouds()
        return [fault for one in clouds for fault in self.control("GET", "faults", cloud=one)]

    def clear(self, cloud: str | None = None) -> int:
        """Lift all faults of a cloud's API, or of all; returns how many there were."""
        clouds = [self.chosen(cloud)] if cloud else self.clouds()
        return sum(int(self.control("DELETE", "faults", cloud=one)["lifted"]) for one in clouds)

    def lift(self, ident: str, cloud: str | None = None) -> None:
        """Lift one fault, by the name that `fault` returned."""
        self.control("DELETE", f"faults/{ident}", cloud=self.chosen(cloud))

    def scale_every(self, seconds: float) -> None:
        """Have target tracking of Amazon ECS look at its metrics this often; a minute is AWS's, and what there is."""
        self.control("POST", "scaling", {"period": seconds})

    def _event(self, kind: str, **what: Any) -> None:
        for cloud in self.clouds():
            self.control("POST", "event", {"kind": kind, **what}, cloud)

    # -- faults of machines and links

    def machine(self, name: str) -> dict[str, Any]:
        """A machine of the state file, by name, instance id or address. `balancer` and `registry` are known too; beside
        AWS's, Google's are `balancer-gcp` and `registry-gcp`."""
        at = self.site.addresses
        fixtures = {"balancer": at.balancer, "registry": at.registry, "balancer-gcp": at.google_balancer,
                    "registry-gcp": at.google_registry}
        if name in fixtures:
            known_as = name if name.endswith("-gcp") or self.chosen() == "aws" else f"{name}-gcp"
            return {"name": name, "ip": fixtures[known_as], "container": self.site.container(known_as)}
        known: list[dict[str, Any]] = self.state()["machines"]
        found = [machine for machine in known if name in (
            machine["name"], machine["instance_id"], machine["ip"], machine["public_ip"])]
        if len(found) != 1:
            names = ", ".join(sorted(machine["name"] for machine in known)) or "none"
            raise Problem(f"there {'are several machines' if found else 'is no machine'} {name!r}",
                          str(self.site.home / "state.json"), f"one of: {names}")
        return found[0]

    def link_cut(self, one: str, other: str) -> None:
        """Drop every packet between two machines, in both directions, connections that stand included."""
        ends = [self.machine(one), self.machine(other)]
        for here, there in (ends, reversed(ends)):
            for address in sorted({there["ip"], there.get("public_ip") or there["ip"]}):
                _drop(here["container"], address)
        self._event("link-cut", machines=[end["name"] for end in ends])

    def link_heal(self) -> None:
        """Fix all links."""
        for container in docker.named("container", self.site.key):
            if (docker.inspect("container", container) or {})["State"]["Running"]:
                _undrop(container)
        self._event("link-heal")

    def machine_kill(self, name: str) -> None:
        """Pull the plug of a machine. The API goes on calling its instance running, as a cloud does at first."""
        docker.docker("kill", self.machine(name)["container"])
        self._event("machine-kill", machines=[name])

    def machine_start(self, name: str) -> None:
        """Start a killed machine."""
        docker.docker("start", self.machine(name)["container"])
        self._event("machine-start", machines=[name])

    def disk_full(self, name: str) -> None:
        """Leave no space under /opt and where the engine puts what it pulls; what is there can still be read."""
        docker.shell(self.machine(name)["container"], f"""
            mountpoint -q {FULL} && exit 0
            mkdir -p {FULL} && mount -t tmpfs -o size=64k sandbox-full {FULL} && mkdir {FULL}/upper {FULL}/work
            mount -t overlay -o lowerdir=/opt,upperdir={FULL}/upper,workdir={FULL}/work sandbox-full /opt
            if test -d /var/lib/docker/tmp; then mount -t tmpfs -o size=4k sandbox-full /var/lib/docker/tmp; fi
            dd if=/dev/zero of={FULL}/ballast bs=4k 2>/dev/null || test -s {FULL}/ballast
            if test -d /var/lib/docker/tmp; then
              dd if=/dev/zero of=/var/lib/docker/tmp/.ballast bs=4k 2>/dev/null || test -e /var/lib/docker/tmp/.ballast
            fi""")
        self._event("disk-full", machines=[name])

    def disk_heal(self, name: str) -> None:
        """Give the space back."""
        docker.shell(self.machine(name)["container"], f"""
            for place in /var/lib/docker/tmp /opt {FULL}; do
              if findmnt -n -o SOURCE --mountpoint $place | grep -q sandbox-full; then umount $place; fi
            done""")
        self._event("disk-heal", machines=[name])

    def registry(self, condition: str, rate: str = "1mbit") -> None:
        """Make the registry `slow` (its answers at `rate`, as tc writes it), `down` (it refuses) or `up` again."""
        script = {
            "slow": f"tc qdisc replace dev eth0 root tbf rate {rate} burst 32kbit latency 800ms",
            "down": "iptables -I INPUT -i eth0 -p tcp --dport 443 -j REJECT --reject-with tcp-reset",
            "up": "tc qdisc del dev eth0 root 2>/dev/null || test -z \"$(tc qdisc show dev eth0 | grep tbf)\"; "
                  "iptables -F INPUT"}.get(condition)
        if script is None:
            raise Problem(f"the registry cannot be made {condition!r}", "fault registry", "slow, down or up")
        for role in ("registry", forwarder.NAME):
            if (docker.inspect("container", self.site.container(role)) or {}).get("State", {}).get("Running"):
                docker.shell(self.site.container(role), script)
        self._event(f"registry-{condition}")

    def heal(self) -> None:
        """Lift every fault except killed machines, which `machine_start` starts."""
        self.clear()
        self.link_heal()
        self.registry("up")
        for machine in self.state()["machines"]:
            if (docker.inspect("container", machine["container"]) or {}).get("State", {}).get("Running"):
                self.disk_heal(machine["name"])


def _drop(container: str, address: str) -> None:
    docker.shell(container, "; ".join(
        f"iptables -w 5 -t {table} -n -L {CHAIN} >/dev/null 2>&1 || "
        f"{{ iptables -w 5 -t {table} -N {CHAIN}; iptables -w 5 -t {table} -I {hook} -j {CHAIN}; }}; "
        f"iptables -w 5 -t {table} -A {CHAIN} {side} {address} -j DROP"
        for table, hook, side in (("raw", "PREROUTING", "-s"), ("mangle", "POSTROUTING", "-d"))))


def _undrop(container: str) -> None:
    docker.shell(container, "; ".join(
        f"if iptables -w 5 -t {table} -n -L {CHAIN} >/dev/null 2>&1; then "
        f"iptables -w 5 -t {table} -D {hook} -j {CHAIN}; "
        f"iptables -w 5 -t {table} -F {CHAIN}; iptables -w 5 -t {table} -X {CHAIN}; fi"
        for table, hook in (("raw", "PREROUTING"), ("mangle", "POSTROUTING"))))
