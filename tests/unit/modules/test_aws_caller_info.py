# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose credentials these are."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.cloud.aws_caller import Caller


def test_the_account_is_that_of_the_credentials(run: Any, cloud: Any) -> None:
    found = run("aws_caller_info").result
    assert (found["account"], found["partition"], found["changed"]) == ("123456789012", "aws", False)
    assert found["arn"].startswith("arn:aws:")
    assert cloud.operations == ["GetCallerIdentity"]


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_partition_is_the_arn_s(partition: str) -> None:
    assert Caller(f"arn:{partition}:iam::123456789012:user/ann", "123456789012").partition == partition
