# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of tasks by an execution role of the user's: what the store is asked for all the same."""

from __future__ import annotations

import pytest

from tests.unit.ecs.conftest import Account
from tests.unit.ecs.made import ROLE

NAME = "OPENAI_API_KEY"


@pytest.mark.parametrize(("suffix", "stage"), [("", "AWSCURRENT"), ("?stage=AWSPREVIOUS", "AWSPREVIOUS")])
def test_a_whole_secret_by_its_arn_has_the_version_of_its_stage(account: Account, suffix: str, stage: str) -> None:
    client = account.cloud.client("secretsmanager")
    arn = client.put_secret_value(SecretId="llm", SecretString="planted-later")["ARN"]
    stages = client.describe_secret(SecretId="llm")["VersionIdsToStages"]
    (version,) = [each for each, labels in stages.items() if stage in labels]
    fleet = account.fleet({"execution_role": ROLE}, agent_secrets={NAME: f"aws-sm://{arn}{suffix}"})
    assert fleet.kinds[0].secrets[NAME].value_from == f"{arn}:::{version}"
