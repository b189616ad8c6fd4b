# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's own machine images, found as on AWS: by Debian's account and name pattern."""

from __future__ import annotations

import hashlib

from moto.ec2.models.amis import Ami

from sandbox.aws.cloud import Cloud

OWNER = "136693071363"
SUITES = {"debian-13": "trixie", "debian-12": "bookworm"}
BUILDS = {"debian-13": "20260901-2222", "debian-12": "20260831-2220"}


def install(cloud: Cloud) -> None:
    """Register one image for each release."""
    backend = cloud.ec2()
    for release, build in BUILDS.items():
        name = f"{release}-amd64-{build}"
        ident = f"ami-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
        backend.amis[ident] = Ami(
            backend, ident, name=name, owner_id=OWNER, public=True, architecture="x86_64", virtualization_type="hvm",
            hypervisor="xen", root_device_type="ebs", root_device_name="/dev/xvda", image_location=f"{OWNER}/{name}",
            description=f"Debian {release.split('-')[1]} ({build}), a machine of the sandbox", region_name="us-east-1a")
