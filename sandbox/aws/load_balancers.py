# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers: their name resolves to the sandbox's balancer, and what cannot be served is refused."""

from __future__ import annotations

from typing import Any

from moto.elbv2.exceptions import ValidationError
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer

from sandbox.aws.cloud import Cloud

PORT, SECURE_PORT = 80, 443
SERVED = {(PORT, "HTTP"), (SECURE_PORT, "HTTPS")}
ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
"""What AWS shows for a new application load balancer and moto leaves out."""


def forwards_to(action: Any) -> list[str]:
    """ARNs of the target groups of an action."""
    groups = (action.data.get("ForwardConfig") or {}).get("TargetGroups") or []
    given = action.data.get("TargetGroupArn")
    return [str(given)] if given else [str(group["TargetGroupArn"]) for group in groups]


def used_by(listener: Any) -> list[str]:
    """ARNs of the target groups that a listener, or a rule of it, forwards to."""
    ruled = [action for rule in listener._non_default_rules.values() for action in rule.actions]
    return [arn for action in [*listener.default_actions, *ruled] for arn in forwards_to(action)]


def install(cloud: Cloud) -> None:
    """Patch moto's load balancers and listeners."""
    make = FakeLoadBalancer.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.dns_name = cloud.balancer.address
        if self.type == "application":
            self.attrs = {**ATTRIBUTES, **self.attrs, "load_balancing.cross_zone.enabled": "true"}

    create = ELBv2Backend.create_listener

    def create_listener(self: Any, load_balancer_arn: str, protocol: str, port: str, *args: Any, **kwargs: Any) -> Any:
        if (int(port), protocol) not in SERVED:
            raise ValidationError(f"The sandbox's balancer serves HTTP on port {PORT} and HTTPS on {SECURE_PORT} only; "
                                  f"this listener is {protocol} on {port}")
        taken = [balancer.name for balancer in self.load_balancers.values()
                 if balancer.arn != load_balancer_arn and balancer.listeners]
        if taken:
            raise ValidationError(f"The sandbox has one balancer, and the load balancer {taken[0]} has its port {PORT}")
        return create(self, load_balancer_arn, protocol, port, *args, **kwargs)

    describe = ELBv2Backend.describe_target_groups

    def describe_target_groups(self: Any, *args: Any, **kwargs: Any) -> Any:
        """By what listeners forward to now: moto adds a group's load balancers, and takes none away."""
        listeners = [(balancer.arn, listener) for balancer in self.load_balancers.values()
                     for listener in balancer.listeners.values()]
        for group in self.target_groups.values():
            group.load_balancer_arns = sorted({arn for arn, listener in listeners if group.arn in used_by(listener)})
        return describe(self, *args, **kwargs)

    FakeLoadBalancer.__init__ = init
    ELBv2Backend.describe_target_groups = describe_target_groups
    ELBv2Backend.create_listener = create_listener
