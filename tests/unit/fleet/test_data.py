# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_data``: what each way of writing it means, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import DATA_MOUNT, Data, read_data
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release

ON_DISK = "/var/lib/praxis/data/agent"


def codes(given: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(Failed) as refused:
        read_data(given, "m1", **more)
    return [finding.code for finding in refused.value.findings]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, None),
        ({"path": "/srv/praxis"}, Data("/srv/praxis/agent")),
        ({"device": "/dev/disk/by-id/virtio-7"}, Data(ON_DISK, ("/dev/disk/by-id/virtio-7",))),
    ],
)
def test_a_directory_and_a_disk_of_the_user_s(given: dict[str, Any], found: Data | None) -> None:
    assert read_data(given, "m1") == found


def test_a_volume_is_found_by_its_id_and_by_the_name_that_it_is_attached_as() -> None:
    found = read_data({"size": 8}, "m1", "aws", "vol-0a1b2c3d4e5f60718")
    assert found == Data(
        ON_DISK,
        ("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c3d4e5f60718", "/dev/sdf", "/dev/xvdf"),
    )


def test_a_disk_that_is_made_needs_a_cloud_and_a_run_that_made_it() -> None:
    assert codes({"size": 8}) == ["data-no-cloud"]
    assert codes({"size": 8}, cloud="aws") == ["data-volume-missing"]
    assert codes({"size": 10}, cloud="gcp") == ["data-volume-missing"]


def test_a_disk_of_google_s_is_found_by_the_name_that_it_is_attached_under() -> None:
    found = read_data({"size": 10}, "m1", "gcp", "alpha-gcp-1-data")
    assert found == Data(ON_DISK, ("/dev/disk/by-id/google-praxis-data",))


def test_each_cloud_has_its_own_sizes_and_names_of_snapshots() -> None:
    assert codes({"size": 8}, cloud="gcp", volume="d") == ["bad-data"]
    assert codes({"size": 10, "snapshot": "snap-0123456789abcdef0"}, cloud="gcp", volume="d") == ["bad-data"]
    for snapshot in ("nightly-7", "projects/p/global/snapshots/nightly-7", {"aws-1": "snap-0123456789abcdef0"}):
        assert read_data({"size": 10, "snapshot": snapshot}, "m1", "gcp", "d")
    both = {"aws-1": "snap-0123456789abcdef0", "gcp-1": "nightly-7"}
    assert read_data({"size": 10, "snapshot": both}, "m1", "aws", "vol-1")
    assert codes({"size": 10, "snapshot": {"aws-1": "nightly-7"}}, cloud="gcp", volume="d") == ["bad-data"]


@pytest.mark.parametrize(
    "given",
    [
        {"paht": "/srv/praxis"},
        {"path": "/srv/praxis", "size": 8},
        {"snapshot": "snap-0123456789abcdef0"},
        {"path": "srv"},
        {"path": "/"},
        {"path": "/srv/../etc"},
        {"path": "/srv/a$b"},
        {"path": "/tmp/data"},
        {"path": "/opt/praxis"},
        {"path": "/etc"},
        {"path": 5},
        {"device": "/srv/disk.img"},
        {"device": "/dev/../etc/passwd"},
        {"size": 0},
        {"size": "8 GiB"},
        {"size": True},
        {"size": 8, "snapshot": "latest"},
        {"size": 8, "snapshot": {}},
        {"size": 8, "keep_backups": 0},
        {"path": "/srv/praxis", "keep_backups": 7},
        {"device": "/dev/sdf", "snapshot": "snap-0123456789abcdef0"},
    ],
    ids=json.dumps,
)
def test_what_cannot_be_is_refused(given: dict[str, Any]) -> None:
    assert codes(given, cloud="aws", volume="vol-1") == ["bad-data"]


def release(data: Data | None) -> Release:
    return Release("m1", "r/a@sha256:" + "0" * 64, "agent:\n", {}, {}, {}, 8000, 4001, data=data)


def test_the_agent_has_its_directory_and_the_release_says_so() -> None:
    made = release(Data("/srv/praxis/agent"))
    (mount,) = [
        item for item in json.loads(made.compose())["services"]["agent"]["volumes"] if item["target"] == DATA_MOUNT
    ]
    assert mount["source"] == "/srv/praxis/agent" and not mount["read_only"]
    assert mount["bind"] == {"create_host_path": False}
    assert made.manifest()["data"] == "/srv/praxis/agent"
    assert made.id != release(None).id


def test_which_disk_it_is_changes_no_release_and_restarts_nobody() -> None:
    assert release(Data(ON_DISK, ("/dev/sdf",))).id == release(Data(ON_DISK, ("/dev/sdg",))).id
