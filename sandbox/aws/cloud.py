# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the patches share: the site, its registry and balancer, the log, the faults, and one lock for changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from sandbox.aws.faults import GOOGLE_KINDS, Faults
from sandbox.aws.log import Log
from sandbox.balancer import Balancer
from sandbox.lanes import Lanes
from sandbox.registry import Registry
from sandbox.site import ACCOUNT, REGION, Site
from sandbox.state import publish


class Cloud:
    """One sandbox's cloud while its process runs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.registry = Registry(site)
        self.balancer = Balancer(site)
        self.log = Log(site.home / "aws" / "operations.jsonl")
        self.faults = Faults(without=GOOGLE_KINDS)
        self.changes = threading.RLock()
        """moto keeps no locks of its own: held by every operation that changes something."""
        self.enforced = False
        """Whether credentials and policies are checked; set when the bootstrap is done."""
        self._lanes = Lanes(self.log.say)

    def endpoint(self) -> str:
        """URL of the API."""
        return f"http://127.0.0.1:{self.site.addresses.api_port}"

    def order(self, ident: str, work: Callable[[], None]) -> None:
        """Do work in the background: in order for one instance, up to three instances at once."""
        self._lanes.order(ident, work)

    def settle(self, seconds: float) -> None:
        """Wait until the background work ordered so far is done, or for so long."""
        self._lanes.settle(seconds)

    def ec2(self) -> Any:
        """moto's EC2 backend of the sandbox's region."""
        from moto.ec2.models import ec2_backends

        return ec2_backends[ACCOUNT][REGION]

    def elbv2(self) -> Any:
        """moto's load balancing backend of the sandbox's region."""
        from moto.elbv2.models import elbv2_backends

        return elbv2_backends[ACCOUNT][REGION]

    def certificate(self, arn: str) -> str:
        """A certificate of the account's ACM with its key, as PEM. The key is real: moto keeps what it is given."""
        from moto.acm.models import acm_backends

        held = acm_backends[ACCOUNT][REGION].get_certificate(arn)
        return f"{held.cert.decode().strip()}\n{held.key.decode().strip()}\n"

    def write_state(self) -> None:
        """Write .sandbox/state.json from what exists now."""
        with self.changes:
            machines = [
                {"name": name_of(instance), "ip": instance.private_ip, "public_ip": instance.public_ip,
                 "container": self.site.container(instance.id), "instance_id": instance.id, "state": instance.state,
                 "cloud": "aws"}
                for instance in self.ec2().all_instances() if instance.state not in ("terminated", "shutting-down")]
        publish(self.site, "aws", {
            "machines": machines, "registry": self.site.registry_name, "endpoint": self.endpoint(),
            "balancer": f"http://{self.balancer.address}"})


def name_of(instance: Any) -> str:
    """An instance's Name tag, or its id."""
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
    return str(tags.get("Name") or instance.id)
