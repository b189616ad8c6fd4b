# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machine images: Debian's own, found as on AWS by Debian's account and name pattern, and one of this account's that
has Docker in it."""

from __future__ import annotations

import hashlib

from moto.ec2.models.amis import Ami

from sandbox import images
from sandbox.aws.cloud import Cloud
from sandbox.site import ACCOUNT

OWNER = "136693071363"
BUILDS = {
    "debian-13-amd64-20260901-2222": (OWNER, images.debian()),
    "debian-12-amd64-20260831-2220": (OWNER, images.machine("bookworm")),
    "docker-13-amd64-20260901-2222": (ACCOUNT, images.engine("trixie")),
}


def install(cloud: Cloud) -> None:
    """Register them."""
    backend = cloud.ec2()
    for name, (owner, image) in BUILDS.items():
        ident = f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
        backend.amis[ident] = Ami(
            backend, ident, name=name, owner_id=owner, public=owner == OWNER, architecture="x86_64",
            virtualization_type="hvm", hypervisor="xen", root_device_type="ebs", root_device_name="/dev/xvda",
            image_location=f"{owner}/{name}", description=f"{image.name}, a machine of the sandbox",
            region_name="us-east-1a")
