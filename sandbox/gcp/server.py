# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that is Google: a proxy and endpoint on a loopback port."""

from __future__ import annotations

import os
import signal
import sys
import threading

from sandbox.gcp import bootstrap, forwarder, web
from sandbox.gcp.cloud import Cloud
from sandbox.routing import watch
from sandbox.site import Site, write


def serve(site: Site) -> None:
    """Serve until the process is told to end."""
    record = site.home / "gcp" / "pid"
    write(record, f"{os.getpid()}\n")
    cloud = Cloud(site)
    registry = (site.addresses.google_registry, 443)
    served = web.server(cloud.front, ("127.0.0.1", site.addresses.google_port), site.home / "tls",
                        dict.fromkeys(forwarder.hosts(site), registry), control=cloud)
    dialled = web.direct(cloud.front, forwarder.socket_of(site), site.home / "tls")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=served.serve_forever, name="api", daemon=True).start()
    threading.Thread(target=dialled.serve_forever, name="registry", daemon=True).start()
    bootstrap.run(cloud)
    cloud.write_state()
    watch(cloud.balancing.observe, cloud.log.say)
    cloud.log.recording = True
    cloud.enforced = True
    cloud.log.say(f"ready on {cloud.endpoint}")
    # The process ends when its record is gone or another's, so that two never write for one site.
    never = threading.Event()
    while not never.wait(1.0) and record.exists() and int(record.read_text()) == os.getpid():
        cloud.machines.refresh()
        cloud.write_state()
