# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's Google, served on loopback, without machines: what a running instance is, is said by a stand-in."""

from __future__ import annotations

import functools
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import certificates
from sandbox.aws.faults import Faults
from sandbox.aws.log import Log
from sandbox.gcp import identity
from sandbox.gcp.compute.catalogue import catalogue
from sandbox.gcp.compute.service import Compute
from sandbox.gcp.front import Front
from sandbox.gcp.web import server

PROJECT = "a-project"
ZONES = {"us-central1": ("us-central1-a", "us-central1-b"), "europe-west1": ("europe-west1-b",)}


@dataclass
class World:
    """A stand-in for machines: they run at once, and are as healthy as the test says."""

    healthy: set[str] = field(default_factory=set)
    events: list[tuple[str, str]] = field(default_factory=list)
    published: dict[str, list[str]] = field(default_factory=dict)

    def instance(self, event: str, instance: dict[str, Any]) -> Callable[[], bool]:
        self.events.append((event, instance["name"]))
        instance["status"] = "TERMINATED" if event == "stop" else "RUNNING"
        return lambda: True

    def disk(self, event: str, disk: dict[str, Any], other: dict[str, Any]) -> None:
        self.events.append((event, disk["name"]))

    def host_keys(self, instance: dict[str, Any]) -> list[str]:
        return self.published.get(instance["name"], [])

    def health(self, service: dict[str, Any], address: str, port: int) -> str:
        return "HEALTHY" if address in self.healthy else "UNHEALTHY"


@dataclass
class Google:
    """The sandbox's Google, while a test runs."""

    front: Front
    world: World
    log: Log
    faults: Faults
    url: str
    authority: Path
    key_file: Path
    email: str
    tunnels: dict[str, tuple[str, int]]

    @property
    def environment(self) -> dict[str, str]:
        """What a client's process needs to get here."""
        return {"HTTPS_PROXY": self.url, "https_proxy": self.url, "REQUESTS_CA_BUNDLE": str(self.authority),
                "SSL_CERT_FILE": str(self.authority), "GOOGLE_APPLICATION_CREDENTIALS": str(self.key_file),
                "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "GOOGLE_CLOUD_PROJECT": PROJECT}

    def operations(self) -> list[str]:
        """What was asked of it so far: ``secretmanager:projects.secrets.create``."""
        lines = [json.loads(line) for line in self.log.path.read_text().splitlines()]
        return ["%(service)s:%(operation)s" % line for line in lines if "operation" in line]

    def changes(self) -> list[str]:
        """The operations that were not reads, by their last part."""
        lines = [json.loads(line) for line in self.log.path.read_text().splitlines()]
        return [line["operation"].rpartition(".")[2] for line in lines if line.get("mutating")]


#: The RSA keys that tests have made: one takes a good part of a second, and only within a test must they differ.
KEY_PAIRS: list[Any] = []


#: Reading an RSA key checks its primes, a tenth of a second each time: the same text is read once.
_read_key = functools.cache(serialization.load_pem_private_key)


def _reuse_keys(patch: pytest.MonkeyPatch) -> None:
    """The first account of every test has the same key, and the second another one."""
    make, made = rsa.generate_private_key, itertools.count()

    def pair(public_exponent: int, key_size: int) -> Any:
        number = next(made)
        if number == len(KEY_PAIRS):
            KEY_PAIRS.append(make(public_exponent, key_size))
        return KEY_PAIRS[number]

    patch.setattr(identity, "rsa", SimpleNamespace(generate_private_key=pair))
    patch.setattr(serialization, "load_pem_private_key", _read_key)


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """An empty project with an account that may do everything in it, served."""
    _reuse_keys(monkeypatch)
    certificates.make_authority(tmp_path)
    certificates.make_certificate(tmp_path, "google", ["*.googleapis.com"])
    world, log, faults = World(), Log(tmp_path / "operations.jsonl"), Faults()
    compute = Compute("10.77.0.0/16", world)
    compute.operations.seconds = 0.0
    catalogue(compute.resources, PROJECT, ZONES, ("e2-small",), {"debian-cloud/debian-12": "debian-12-bookworm-v1"})
    front = Front(compute, log, faults)
    account = front.identities.create("controller", PROJECT)
    front.access.grant(account.email, ["*"], f"projects/{PROJECT}")
    front.default_account = account.email
    (tmp_path / "key.json").write_text(account.key_file())
    log.recording = True
    log.path.touch()
    served = server(front, ("127.0.0.1", 0), tmp_path, {})
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Google(front, world, log, faults, f"http://127.0.0.1:{served.server_port}", tmp_path / "ca.crt",
                     tmp_path / "key.json", account.email, served.RequestHandlerClass.tunnels)
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


@pytest.fixture
def project(google: Google, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fleet's settings in the empty project."""
    from .project import Project

    for name, value in google.environment.items():
        monkeypatch.setenv(name, value)
    return Project(google)
