# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that is the cloud: moto with the patches, served on a loopback port."""

from __future__ import annotations

import os
import signal
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from sandbox.aws import (
    access,
    addresses,
    bootstrap,
    container_registry,
    control,
    debian,
    ecs,
    eks,
    health,
    instances,
    load_balancers,
    names,
    operations,
    quotas,
    secret_stages,
    simulation,
    volumes,
)
from sandbox.aws.cloud import Cloud
from sandbox.aws.ecs_scaling import Scaling
from sandbox.aws.ecs_targets import TargetGroups
from sandbox.aws.ecs_tasks import Containers
from sandbox.site import Site, write


def serve(site: Site) -> None:
    """Serve until the process is told to end."""
    record = site.home / "aws" / "pid"
    write(record, f"{os.getpid()}\n")
    cloud = Cloud(site)
    for concern in (operations, addresses, instances, debian, load_balancers, container_registry, quotas, secret_stages,
                    names, volumes, simulation, eks, access):
        concern.install(cloud)
    checks = health.install(cloud)
    tasks = Containers(cloud)
    services = ecs.install(tasks, cloud.changes, TargetGroups(cloud))
    scaling = Scaling(services, tasks.usage, cloud.changes)
    application = control.wrap(cloud, DomainDispatcherApplication(create_backend_app),
                               {("POST", "scaling"): scaling.order})
    server = make_server("127.0.0.1", site.addresses.api_port, application, threaded=True,
                         request_handler=type("Quiet", (MotoRequestHandler,), {"log_request": lambda *_: None}))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=server.serve_forever, name="api", daemon=True).start()
    bootstrap.run(cloud)
    cloud.write_state()
    checks.start()
    ecs.watch(services, cloud.changes, cloud.log.say)
    scaling.watch(cloud.log.say)
    cloud.log.recording = True
    cloud.enforced = True
    cloud.log.say(f"ready on {cloud.endpoint()}")
    # Names are tags, which change without a machine changing: keep the state file current. The process ends when its
    # record is gone or another's, so that two never write for one site.
    never = threading.Event()
    while not never.wait(1.0) and record.exists() and int(record.read_text()) == os.getpid():
        cloud.write_state()
