# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EBS volumes that are attached are disks of machines; snapshots of them hold what was on them.

A machine's root volume is a record alone: its files are the container's.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

from sandbox import disks
from sandbox.aws.cloud import Cloud
from sandbox.docker import DockerError
from sandbox.problem import Problem


def install(cloud: Cloud) -> None:
    """Bind moto's volumes to disks."""
    shelf = Shelf(cloud)
    _patch_create()
    _patch_attach(cloud, shelf)
    _patch_detach(cloud, shelf)
    _patch_modify(shelf)
    _patch_snapshot(shelf)
    _patch_delete(shelf)


class Shelf(disks.Shelf):
    """The disks there are, by the ids of their volumes."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.site.home / "aws" / "volumes")
        self._cloud = cloud

    def plug(self, instance: Any) -> None:
        """Have an instance's machine see what is attached to it."""
        attached = [volume for volume in self._cloud.ec2().volumes.values()
                    if volume.attachment and volume.attachment.instance is instance and self.has(volume.id)]
        names = {f"nvme-Amazon_Elastic_Block_Store_{volume.id.replace('-', '')}": self.of(volume.id)
                 for volume in attached}
        disks.plug(self._cloud.site, instance.id, names)


def _patch_create() -> None:
    """CreateVolume with a ClientToken it has seen answers with what it made then."""
    original = ElasticBlockStore.create_volume
    seen: dict[str, Any] = {}

    def create_volume(self: Any) -> Any:
        token = self._get_param("ClientToken")
        if not token or self._get_param("DryRun"):
            return original(self)
        if token not in seen:
            seen[token] = original(self)
        return seen[token]

    ElasticBlockStore.create_volume = create_volume


def _patch_attach(cloud: Cloud, shelf: Shelf) -> None:
    original = ElasticBlockStore.attach_volume

    def attach_volume(self: Any) -> ActionResult:
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        _require_attachable(volume, instance, self._get_param("Device"))
        answer = original(self)
        attachment = volume.attachment
        attachment.status = "attaching"

        def work() -> None:
            try:
                shelf.ready(volume.id, volume.size, volume.snapshot_id)
                shelf.plug(instance)
            except (DockerError, Problem) as error:
                cloud.log.say(f"{volume.id} was not attached to {instance.id}: {error}")
            else:
                attachment.status = "attached"

        cloud.order(instance.id, work)
        return answer

    ElasticBlockStore.attach_volume = attach_volume


def _require_attachable(volume: Any, instance: Any, device: str) -> None:
    """What EC2 refuses, and moto does not."""
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if volume.zone.name != instance._placement.zone:
        raise EC2ClientError("InvalidVolume.ZoneMismatch",
                             f"The volume '{volume.id}' is not in the same availability zone as instance "
                             f"'{instance.id}'")
    if volume.attachment:
        raise EC2ClientError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if device in instance.block_device_mapping:
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{device}' for unixDevice. Attachment point "
                                                      f"{device} is already in use")


def _patch_detach(cloud: Cloud, shelf: Shelf) -> None:
    """DetachVolume finds the instance by itself, as EC2's does; the machine sees the disk no more."""
    original = EBSBackend.detach_volume

    def detach_volume(self: Any, volume_id: str, instance_id: str, device_path: str) -> Any:
        volume = self.get_volume(volume_id)
        if not instance_id and volume.attachment:
            instance_id = volume.attachment.instance.id
        old = original(self, volume_id, instance_id, device_path)
        if old.instance.state in ("running", "stopped", "stopping"):
            cloud.order(old.instance.id, lambda: shelf.plug(old.instance))
        return old

    EBSBackend.detach_volume = detach_volume


def _patch_modify(shelf: Shelf) -> None:
    original = EBSBackend.modify_volume

    def modify_volume(self: Any, volume_id: str, target_size: Any = None, *args: Any, **kwargs: Any) -> Any:
        volume = self.get_volume(volume_id)
        size = int(target_size) if target_size else None
        if size and size < volume.size:
            what = f"New size cannot be smaller than existing size {volume.size}"
            raise EC2ClientError("InvalidParameterValue", what)
        found = original(self, volume_id, size, *args, **kwargs)
        shelf.resize(volume_id, volume.size)
        return found

    EBSBackend.modify_volume = modify_volume


def _patch_snapshot(shelf: Shelf) -> None:
    """A snapshot holds what has reached the disk."""
    original = EBSBackend.create_snapshot

    def create_snapshot(self: Any, volume_id: str, *args: Any, **kwargs: Any) -> Any:
        made = original(self, volume_id, *args, **kwargs)
        shelf.keep(volume_id, made.id)
        return made

    EBSBackend.create_snapshot = create_snapshot


def _patch_delete(shelf: Shelf) -> None:
    original = EBSBackend.delete_volume

    def delete_volume(self: Any, volume_id: str) -> Any:
        gone = original(self, volume_id)
        shelf.forget(volume_id)
        return gone

    EBSBackend.delete_volume = delete_volume
