# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_data`` on ECS: a file system of Amazon EFS that all tasks of a kind have. Pure.

ECS mounts it by an access point, with TLS, and with the task's role: that says which tasks may have it at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding

VOLUME = "data"
_KEYS = ("file_system", "access_point")
_ID = {"file_system": r"fs-[0-9a-f]{8,40}", "access_point": r"fsap-[0-9a-f]{8,40}"}
_ARN = re.compile(
    r"arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:[0-9]{12}:(?:file-system|access-point)/(?P<id>[a-z0-9-]+)"
)


@dataclass(frozen=True)
class SharedData:
    """A directory of a file system.

    :param file_system: its id.
    :param access_point: its id; it says which directory, and as whom files are written.
    """

    file_system: str
    access_point: str

    def volume(self) -> dict[str, Any]:
        """The task's volume."""
        return {
            "name": VOLUME,
            "efsVolumeConfiguration": {
                "fileSystemId": self.file_system,
                "rootDirectory": "/",
                "transitEncryption": "ENABLED",
                "authorizationConfig": {"accessPointId": self.access_point, "iam": "ENABLED"},
            },
        }

    def policy(self, region: str, account: str, partition: str) -> dict[str, Any]:
        """What a task's role needs: to have that directory, and to write to it."""
        place = f"arn:{partition}:elasticfilesystem:{region}:{account}"
        through = {"elasticfilesystem:AccessPointArn": f"{place}:access-point/{self.access_point}"}
        statement = {
            "Effect": "Allow",
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            "Resource": [f"{place}:file-system/{self.file_system}"],
            "Condition": {"StringEquals": through},
        }
        return {"Version": "2012-10-17", "Statement": [statement]}


def read(given: Mapping[str, Any], where: str) -> SharedData | None:
    """What ``praxis_data`` says of tasks; None where it is empty.

    :raises Failed: with everything that is wrong.
    """
    if not given:
        return None
    findings = [_unfit(key, where) for key in given if key not in _KEYS]
    ids: dict[str, str] = {}
    for key in _KEYS:
        value = given.get(key)
        text = value if isinstance(value, str) else ""
        arn = _ARN.fullmatch(text)
        ids[key] = arn["id"] if arn else text
        if not re.fullmatch(_ID[key], ids[key]):
            fix = "Write its id or its ARN; it must exist before the deployment."
            findings.append(Finding("bad-data", f"praxis_data.{key} is {shown(value)}.", where, fix))
    if findings:
        raise Failed(*findings)
    return SharedData(**ids)


def _unfit(key: str, where: str) -> Finding:
    fix = "On ECS set file_system and access_point: a file system of Amazon EFS, and an access point of it."
    return Finding("bad-data", f"praxis_data holds {shown(key)}.", where, fix)
