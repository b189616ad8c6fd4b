# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the sandbox's balancer from a container on the sandbox's own network: counted, bounded, and ended."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sandbox import docker, images
from sandbox.site import here

from .conftest import HOME, Cloud

RATE = 20  # requests a second
MOST = 12000  # requests of one load: ten minutes
DEADLINE = 5.0  # seconds for one request

CLIENT = f"""
import collections, http.client, json, signal, sys, threading, time
going = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: going.set())
lost, sent, threads, lock = collections.Counter(), 0, [], threading.Lock()
def ask():
    connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout={DEADLINE})
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
        word = None if status == 200 else "status %d" % status
    except Exception as error:
        word = type(error).__name__
    finally:
        connection.close()
    if word:
        with lock:
            lost[word] += 1
            print(time.strftime("%H:%M:%S"), word, file=sys.stderr, flush=True)
start = time.monotonic()
while not going.is_set() and sent < {MOST}:
    threads = [one for one in threads if one.is_alive()] + [threading.Thread(target=ask)]
    threads[-1].start()
    sent += 1
    going.wait(max(0, start + sent / {RATE} - time.monotonic()))
for one in threads:
    one.join()
print(json.dumps({{"sent": sent, "lost": lost}}))
"""


@dataclass
class Load:
    """What became of the requests, once the load has ended.

    :param lost: how many were answered with what else than 200, or not at all, by kind.
    :param when: each of them, with its time.
    """

    sent: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    when: str = ""


@contextmanager
def load(cloud: Cloud) -> Iterator[Load]:
    """Requests to the balancer at an even rate for as long as this goes on."""
    site, url = here(), urlsplit(cloud.state["balancer"]["url"])
    name = site.container("load")
    tag = images.ensure(images.machine("trixie"), Path(HOME) / "logs")
    docker.remove_container(name)
    docker.docker("run", "--detach", "--name", name, *site.labels("load"), "--network", site.network,
                  "--stop-signal", "SIGTERM", "--entrypoint", "python3", tag, "-c", CLIENT, str(url.hostname),
                  str(url.port or 80))
    found = Load()
    try:
        yield found
        docker.docker("stop", "--time", "30", name)
        logs = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
        counted = json.loads(logs.stdout)
        found.sent, found.lost, found.when = counted["sent"], counted["lost"], logs.stderr
    finally:
        docker.remove_container(name)
