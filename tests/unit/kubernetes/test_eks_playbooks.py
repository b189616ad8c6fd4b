# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""provision.yml, policies.yml and down.yml with the inventory of EKS, as they stand, against moto and the imitation of
what it lacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import KEYS, Cloud, environment
from tests.unit.infrastructure.account import CLUSTER, FLEET, POD_ROLE, PRINCIPAL, Account

CHECKOUT = Path(__file__).resolve().parents[3]
NAME = f"praxis-{FLEET}"


def run(cloud: Cloud, tmp_path: Path, playbook: str, *arguments: str, callback: str) -> str:
    """What a playbook says by a callback."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    settings = json.dumps({"praxis_eks": CLUSTER})
    command = [program, playbook, "-i", "inventories/eks", "-e", settings, *arguments]
    shell = {**environment(cloud), "PRAXIS_FLEET": FLEET, "ANSIBLE_LOCAL_TEMP": str(tmp_path),
             "ANSIBLE_STDOUT_CALLBACK": callback}  # fmt: skip
    done = subprocess.run(command, cwd=CHECKOUT, env=shell, text=True, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def played(cloud: Cloud, tmp_path: Path, playbook: str, *arguments: str) -> dict[str, Any]:
    """The summary of a playbook."""
    found: dict[str, Any] = json.loads(run(cloud, tmp_path, playbook, *arguments, callback="praxis.cloud.summary"))
    return found


@pytest.mark.slow
def test_the_playbooks_make_the_cluster_and_what_is_in_it_and_remove_them(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.aws.eks.LOOKS", 1)  # each look costs a playbook five seconds
    eks, account = cloud.client("eks"), Account(cloud)
    predicted = played(cloud, tmp_path, "provision.yml", "--check")
    assert cloud.changes() == []
    made = played(cloud, tmp_path, "provision.yml")
    plan = made["clouds"]["aws"]["plan"]
    assert made["ok"] and plan == predicted["clouds"]["aws"]["plan"]
    kinds = [row["kind"] for row in plan["rows"]]
    assert kinds[-4:] == ["access entry", "add-on", "add-on", "Pod Identity association"]
    assert eks.list_addons(clusterName=NAME)["addons"] == ["coredns", "eks-pod-identity-agent"]
    assert PRINCIPAL in eks.list_access_entries(clusterName=NAME)["accessEntries"]
    cloud.operations.clear()
    again = played(cloud, tmp_path, "provision.yml")
    assert again["clouds"]["aws"]["changed"] is False and cloud.changes() == []
    identities = [f"praxis/{FLEET}/identity/agent-0", "praxis/another/identity/agent-0"]
    store = cloud.client("secretsmanager")
    for each in identities:
        store.create_secret(Name=each, SecretBinary=bytes(32))
    confirmed = ("-vvv", "-e", f"praxis_confirm_down={FLEET}", "-e", "praxis_remove_identities=true")
    said = run(cloud, tmp_path, "playbooks/down.yml", *confirmed, callback="ansible.builtin.default")
    assert PRINCIPAL in said and KEYS["AWS_SECRET_ACCESS_KEY"] not in said
    assert account.resources() == {}
    assert [each["Name"] for each in store.list_secrets()["SecretList"]] == identities[1:]


@pytest.mark.slow
def test_the_policy_passes_the_roles_of_the_pods(cloud: Cloud, tmp_path: Path) -> None:
    found = played(cloud, tmp_path, "playbooks/policies.yml", "-e", "praxis_account=123456789012")
    (given,) = [each for each in found["policies"]["eks"]["Statement"] if each["Sid"] == "GivePods"]
    assert given["Resource"] == [POD_ROLE]
