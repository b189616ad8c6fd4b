# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The balancer: HAProxy, with servers added and taken away through its runtime API.

A listener's settings (health check, timeouts) are in its configuration file; HAProxy reads it again when they change.
Its targets are servers that come and go without that.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox import docker
from sandbox.problem import Problem
from sandbox.site import Site, write

RUNTIME_PORT = 9999
BACKEND = "targets"


@dataclass(frozen=True)
class Check:
    """The health check of a target group; times in seconds. Without a path a connection is enough."""

    path: str
    codes: str
    interval: int
    timeout: int
    rise: int
    fall: int
    agent: str = "ELB-HealthChecker/2.0"
    host: str = "balancer"


@dataclass(frozen=True)
class Server:
    """One server as HAProxy sees it."""

    up: bool
    checked: bool
    status: str
    """HAProxy's word for the last check: L7OK, L4CON, L4TOUT, L7TOUT, L7STS, …"""
    code: str
    """The HTTP status of the last check, if there was one."""
    sessions: int
    admin: str
    """ready, drain or maint."""


HEAD = """\
global
    log stdout format raw local0 notice
    maxconn 4096
    stats socket ipv4@0.0.0.0:{runtime} level admin
    hard-stop-after 10s

defaults
    mode http
    option forwardfor
    retries 0
    timeout connect 5s
    timeout client {idle}s
    timeout server {idle}s
    timeout tunnel {idle}s
    timeout http-keep-alive {idle}s
"""
FRONTEND = """
frontend listener
{binds}
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Port 80
    default_backend {backend}
"""
BACK = """
backend {backend}
    balance roundrobin
"""
HTTP_CHECK = """\
    option httpchk
    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host {host} hdr User-Agent {agent}
    http-check expect status {codes}
"""
EVERYWHERE = ("0.0.0.0:80",)
SECURE_BIND = "    bind {bind} ssl crt /etc/sandbox/{pem} ssl-min-ver TLSv1.2 alpn h2,http/1.1"
PEM = "listener.pem"
SECURE = """
frontend https
    # Certificate {digest}
{binds}
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Port 443
{login}    default_backend {backend}
"""
REDIRECTED = """
frontend listener
{binds}
    http-request redirect scheme https code 301
"""
LOGIN = """\
    # Stands for the cloud's own login: nobody passes without a session, and nobody can get one here.
    http-request redirect location {login} code 302
"""


@dataclass(frozen=True)
class Https:
    """How port 443 answers.

    :param certificate: certificate, chain and key, as PEM; empty for one that is not issued yet.
    :param redirected: whether port 80 redirects there; else it goes to the targets, too.
    :param login: where those without a session are sent, who are all; empty when everybody may pass.
    :param binds: addresses with ports that it answers at.
    """

    certificate: str
    redirected: bool = True
    login: str = ""
    binds: Sequence[str] = ("0.0.0.0:443",)


def configuration(check: Check | None, idle_timeout: int, binds: Sequence[str] = EVERYWHERE,
                  https: Https | None = None) -> str:
    """HAProxy's configuration for one balancer; without a check there is nothing to route to.

    :param binds: addresses with ports that it answers at; none, and it answers nowhere.
    :param https: how it answers by HTTPS, if it does.
    """
    text = HEAD.format(runtime=RUNTIME_PORT, idle=idle_timeout)
    if binds:
        frontend = REDIRECTED if https and https.redirected else FRONTEND
        text += frontend.format(binds="\n".join(f"    bind {bind}" for bind in binds), backend=BACKEND)
    if https and https.certificate:
        digest = hashlib.sha256(https.certificate.encode()).hexdigest()
        login = LOGIN.format(login=https.login) if https.login else ""
        binds = "\n".join(SECURE_BIND.format(bind=bind, pem=PEM) for bind in https.binds)
        text += SECURE.format(digest=digest, binds=binds, login=login, backend=BACKEND)
    text += BACK.format(backend=BACKEND)
    if check and check.path:
        text += HTTP_CHECK.format(path=check.path, codes=check.codes, host=check.host, agent=check.agent)
    return text + (f"    timeout check {check.timeout}s\n" if check else "")


class Balancer:
    """A cloud's balancer in the site."""

    def __init__(self, site: Site, cloud: str = "aws") -> None:
        name = "balancer" if cloud == "aws" else f"balancer-{cloud}"
        self.binds: Sequence[str] = EVERYWHERE if cloud == "aws" else ()
        """Where it answers before it has a configuration."""
        self.site = site
        self.container = site.container(name)
        self.address = site.addresses.balancer if cloud == "aws" else site.addresses.google_balancer
        self.file = site.home / name / "haproxy.cfg"

    def up(self, tag: str) -> None:
        """Start the balancer from this image unless it runs, and wait until it answers."""
        found = docker.inspect("container", self.container)
        if found and found["Config"]["Image"] != tag:
            docker.remove_container(self.container)
            found = None
        if not self.file.exists():
            write(self.file, configuration(None, 60, self.binds))
        if not found:
            docker.docker(
                "run", "--detach", "--name", self.container, *self.site.labels("balancer"),
                "--cap-add", "NET_ADMIN", "--network", self.site.network, "--ip", self.address,
                *([] if self.binds else ["--sysctl", "net.ipv4.ip_nonlocal_bind=1"]),
                "--volume", f"{self.file.parent}:/etc/sandbox:ro", tag)
        elif not found["State"]["Running"]:
            docker.docker("start", self.container)
        self._wait()

    def _wait(self, deadline: float = 20.0) -> None:
        until = time.monotonic() + deadline
        while True:
            try:
                self.ask("show version")
                return
            except OSError as error:
                if time.monotonic() > until:
                    raise Problem(f"the balancer did not answer in {deadline:.0f} s: {error}",
                                  f"{self.address}:{RUNTIME_PORT}", f"docker logs {self.container}") from None
                time.sleep(0.1)

    def configure(self, check: Check | None, idle_timeout: int, binds: Sequence[str] | None = None,
                  https: Https | None = None) -> bool:
        """Write the configuration and have it read; True when it changed (all servers are gone then)."""
        text = configuration(check, idle_timeout, self.binds if binds is None else binds, https)
        if self.file.exists() and self.file.read_text() == text:
            return False
        before = self.ask("show info").partition("Pid: ")[2].split()[0]
        if https:
            write(self.file.parent / PEM, https.certificate, 0o600)
        write(self.file, text)
        docker.docker("kill", "--signal", "USR2", self.container)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                if self.ask("show info").partition("Pid: ")[2].split()[0] != before:
                    return True
            except (OSError, IndexError):
                pass
            time.sleep(0.05)
        raise Problem("HAProxy did not take its new configuration in 10 s", str(self.file),
                      f"docker logs {self.container}")

    def answer_at(self, addresses: Sequence[str]) -> None:
        """Have these addresses on the network, beside its own, and no others."""
        docker.shell(self.container, f"""
            wanted=" {' '.join(addresses)} "
            for have in $(ip -o -4 address show dev eth0 | sed -n 's|.* inet \\([0-9.]*\\)/32 .*|\\1|p'); do
              case "$wanted" in *" $have "*) ;; *) ip address del "$have/32" dev eth0 ;; esac
            done
            for one in $wanted; do ip address replace "$one/32" dev eth0; done""")

    def end_older(self, seconds: float) -> int:
        """End what has been going on to a server for longer than this, WebSockets included; how many there were."""
        found = [line.split(":")[0] for line in self.ask("show sess").splitlines()
                 if f" be={BACKEND} " in line and _age(line) > seconds]
        for session in found:
            self._order(f"shutdown session {session}")
        return len(found)

    def ask(self, command: str) -> str:
        """One command of the runtime API and its answer."""
        with socket.create_connection((self.address, RUNTIME_PORT), 5) as connection:
            connection.settimeout(5)
            connection.sendall(f"{command}\n".encode())
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer.decode().strip()

    def servers(self) -> dict[str, Server]:
        """All servers by name."""
        rows = csv.DictReader(io.StringIO(self.ask("show stat").removeprefix("# ")))
        found = {}
        for row in rows:
            if row["pxname"] != BACKEND or row["svname"] == "BACKEND":
                continue
            word, status = row["check_status"], row["status"]
            admin = "maint" if status.startswith("MAINT") else "drain" if status.startswith("DRAIN") else "ready"
            # "* L7OK" is a check under way; "INI" is none yet.
            last = word.removeprefix("* ")
            # While draining, HAProxy's status hides whether the server is up: the check's own word tells.
            up = last in ("L7OK", "L6OK", "L4OK") if admin != "ready" else status.startswith("UP")
            found[row["svname"]] = Server(up, last not in ("", "INI"), last, row["check_code"],
                                          int(row["scur"]), admin)
        return found

    def add(self, name: str, address: str, port: int, check_port: int, check: Check) -> None:
        """Add a server that gets no requests yet but is checked."""
        self._order(f"add server {BACKEND}/{name} {address}:{port} check port {check_port} inter {check.interval}s "
                    f"fastinter 1s rise {check.rise} fall {check.fall}", "New server registered")
        self._order(f"set server {BACKEND}/{name} state drain")
        self._order(f"enable health {BACKEND}/{name}")

    def state(self, name: str, state: str) -> None:
        """Set a server's state: ready, drain or maint."""
        self._order(f"set server {BACKEND}/{name} state {state}")

    def remove(self, name: str) -> None:
        """Close a server's sessions and take it away."""
        self._order(f"set server {BACKEND}/{name} state maint")
        self._order(f"shutdown sessions server {BACKEND}/{name}")
        until = time.monotonic() + 5
        while True:
            answer = self.ask(f"del server {BACKEND}/{name}")
            if "Server deleted" in answer or "No such server" in answer:
                return
            if time.monotonic() > until:
                fix = f"docker logs {self.container}"
                raise Problem(f"HAProxy kept the server {name}: {answer}", self.container, fix)
            time.sleep(0.05)

    def _order(self, command: str, expected: str = "") -> None:
        answer = self.ask(command)
        if answer != expected and not (expected and expected in answer):
            raise Problem(f"HAProxy refused {command!r}: {answer}", self.container, f"docker logs {self.container}")


def _age(line: str) -> float:
    """The age of a stream in a line of `show sess`, in seconds: `age=1h2m`, `age=1m3s`, `age=4s`."""
    found = re.search(r" age=(\S+)", line)
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms])", found[1] if found else ""))
