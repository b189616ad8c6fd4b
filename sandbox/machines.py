# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines: containers with systemd, sshd and space for a Docker Engine of their own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox import docker
from sandbox.docker import File
from sandbox.site import Site

# Every capability Docker 20.10 knows except SYS_RESOURCE, which a container host may lack (then --privileged fails).
CAPABILITIES = (
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK "
    "IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST "
    "NET_RAW SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT "
    "SYS_PTRACE SYS_RAWIO SYS_TIME SYS_TTY_CONFIG WAKE_ALARM").split()
LOGIN = "admin"
LOGIN_UID = 1000


@dataclass(frozen=True)
class Machine:
    """What a machine is made from.

    :param files: what lies in it before it starts, beside the trust in the sandbox's authority.
    """

    ident: str
    address: str
    image: str
    hostname: str
    files: Mapping[str, File]
    cloud: str = "aws"

    @property
    def role(self) -> str:
        """Its containers' role."""
        return role(self.cloud)


def role(cloud: str) -> str:
    """The role that the containers and volumes of a cloud's machines are labelled with."""
    return "machine" if cloud == "aws" else f"machine-{cloud}"


def login(authorized_keys: str) -> dict[str, File]:
    """The image's user and the keys that let one in as it."""
    return {f"/home/{LOGIN}/.ssh/authorized_keys": File(authorized_keys.encode(), 0o600, LOGIN_UID)}


@functools.cache
def _cgroup_options() -> tuple[str, ...]:
    if docker.docker("info", "--format", "{{.CgroupVersion}}") == "2":
        return ("--cgroupns=private", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw")
    return ("--cgroupns=host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw")


@functools.cache
def _init() -> tuple[str, ...]:
    # systemd 257 refuses cgroup v1 unless told otherwise.
    legacy = docker.docker("info", "--format", "{{.CgroupVersion}}") != "2"
    return ("/sbin/init", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1") if legacy else ("/sbin/init",)


def _options(site: Site, machine: Machine) -> Sequence[str]:
    name = site.container(machine.ident)
    return [
        "--name", name, "--hostname", machine.hostname, *site.labels(machine.role),
        *(word for capability in CAPABILITIES for word in ("--cap-add", capability)),
        "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
        "--security-opt", "systempaths=unconfined", "--device-cgroup-rule", "a *:* rwm",
        "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", *_cgroup_options(),
        "--volume", f"{name}:/var/lib/docker", "--stop-signal", "SIGRTMIN+3",
        "--network", site.network, "--ip", machine.address]


def create(site: Site, machine: Machine) -> None:
    """Make and start a machine. Raises DockerError; nothing is left behind then."""
    name = site.container(machine.ident)
    docker.docker("volume", "create", *site.labels(machine.role), name)
    try:
        docker.docker("create", *_options(site, machine), machine.image, *_init())
        authority = (site.home / "tls" / "ca.crt").read_bytes()
        docker.place(name, {
            **machine.files, "/usr/local/share/ca-certificates/praxis-sandbox.crt": File(authority)})
        docker.docker("start", name)
    except docker.DockerError:
        remove(site, machine.ident)
        raise


def host_keys(site: Site, ident: str) -> list[str]:
    """The public host keys of a machine that runs, a line each; none before its first boot has made them."""
    return docker.shell(site.container(ident), "cat /etc/ssh/ssh_host_*_key.pub 2> /dev/null || :").splitlines()


def start(site: Site, ident: str) -> None:
    """Start a stopped machine."""
    docker.docker("start", site.container(ident))


def stop(site: Site, ident: str) -> None:
    """Shut a machine down in order."""
    docker.docker("stop", "--time", "20", site.container(ident))


def reboot(site: Site, ident: str) -> None:
    """Shut down and start again."""
    docker.docker("restart", "--time", "20", site.container(ident))


def kill(site: Site, ident: str) -> None:
    """Pull the plug."""
    docker.docker("kill", site.container(ident))


def remove(site: Site, ident: str) -> None:
    """Remove a machine and its volume."""
    name = site.container(ident)
    docker.remove_container(name)
    try:
        docker.docker("volume", "rm", "--force", name)
    except docker.DockerError as error:
        if "no such volume" not in str(error).lower():
            raise
