# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reference is made of."""

from __future__ import annotations

from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/a.b-AbCdEf"
VERSION = "5f1c7f3e-7d57-4a34-8b10-0c8f2a0c9d11"


def test_parts() -> None:
    reference = Reference("aws-sm", ARN, "k", "", "mine")
    assert reference.region == "eu-west-1"
    assert not reference.pinned
    assert reference.at(VERSION) == Reference("aws-sm", ARN, "k", VERSION)
    assert reference.at(VERSION).pinned
    assert reference.whole() == Reference("aws-sm", ARN, "", "", "mine")
    assert Reference("aws-sm", "plain").region == ""
