# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever changes something in a cloud sends no request any more when its ansible-playbook was killed."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.praxis.cloud.plugins.action import fleet_image
from ansible_collections.praxis.cloud.plugins.module_utils.cloud.retry import Retry
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.data_volumes import Volume
from ansible_collections.praxis.cloud.plugins.module_utils.playbook import Playbook
from ansible_collections.praxis.cloud.plugins.plugin_utils import backup_places, command
from ansible_collections.praxis.cloud.plugins.plugin_utils.backup_places import Member
from tests.unit.conftest import KEYS, REGION
from tests.unit.plan.test_own_process import KEY

CHECKOUT = Path(__file__).parents[2]
PLUGINS = CHECKOUT / "plugins"
PROJECT = "a-project"
MACHINES = {"fleet": "demo", "hosts": 1}
INFRASTRUCTURE = {"fleet": "demo", "hosts": 1, "public_key": KEY, "image_id": "ami-1", "vpc_cidr": "10.42.0.0/16"}
#: By module, the arguments with which it has something to do.
MODULES: dict[str, dict[str, Any]] = {
    "aws_infrastructure": INFRASTRUCTURE,
    "gcp_infrastructure": {"fleet": "demo", "hosts": 1, "region": "us-central1", "zones": ["us-central1-a"],
                           "ssh_public_key": KEY, "cidr": "10.42.0.0/16"},
    "aws_machines": MACHINES,
    "gcp_machines": {**MACHINES, "zones": ["us-central1-a"], "subnetwork": "regions/us-central1/subnetworks/net"},
    "aws_lb_target": {"target_group": "demo", "targets": [{"id": "10.0.0.4"}]},
    "gcp_lb_target": {"backend_service": "demo", "targets": [{"id": "gcp-1", "zone": "us-central1-a"}]},
    "gcp_resource": {"kind": "network", "name": "demo", "body": {}},
    "gcp_service_account": {"name": "praxis-demo", "mark": "praxis_fleet=demo"},
    "p2p_identity": {"fleet": "demo", "slots": ["aws-1"]},
}  # fmt: skip
IMAGE = {"name": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/agent:1", "source": "", "copy_from": "praxis/agent:1",
         "file": "", "stage": "", "build_arguments": {}, "platforms": [], "move": False, "sbom": "", "sign": "",
         "keep_untagged": 1, "registries": [], "region": REGION, "project": ""}  # fmt: skip
ON_AWS = Member("m1", "aws", REGION, "", f"{REGION}a", "aws-1", "vol-1", "i-1")
ON_GOOGLE = Member("m1", "gcp", "us-central1", PROJECT, "us-central1-a", "gcp-1", "demo-gcp-1", "demo-gcp-1")
DISK = Volume("vol-1", "aws-1", f"{REGION}a", 8)
#: What the actions on the controller do, each by the first request or program of it.
ACTIONS: dict[str, Callable[[], Any]] = {
    "fleet_image": lambda: fleet_image._publication(IMAGE).run(False),
    "a program of fleet_image": lambda: command.run(["true"], 1.0),
    "fleet_backups on AWS": lambda: backup_places.backups_at(ON_AWS.place, "demo").remove("snap-1"),
    "fleet_backups on Google Cloud": lambda: backup_places.backups_at(ON_GOOGLE.place, "demo").remove("snap-1"),
    "agent_backup on AWS": lambda: backup_places.disks_of(ON_AWS, "demo", {}).detach(DISK, "i-1"),
    "agent_backup on Google Cloud": lambda: backup_places.disks_of(ON_GOOGLE, "demo", {}).detach(DISK, ""),
}  # fmt: skip
#: What makes a client without a playbook.
READERS = {
    "action/fleet_host_keys.py": "reads what machines have published",
    "action/fleet_kubernetes.py": "asks for a cluster's endpoint; what it writes passes the lock of its cluster",
    "inventory/fleet.py": "reads in ansible-playbook itself, which has another parent",
    "module_utils/cloud/aws_members.py": "reads for the inventory",
    "module_utils/secrets/stores.py": "reads secrets",
    "plugin_utils/fleet_secrets.py": "plans; who deploys by its clients to ECS gives them a playbook (asking)",
}
MAKERS = {"AwsClient", "GcpClient", "aws_client", "gcp_client", "clients", "identities_of"}


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A playbook that has ended, and clouds that nobody reaches."""
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": REGION, "GOOGLE_CLOUD_PROJECT": PROJECT,
               "GCP_ACCESS_TOKEN": "planted", "HTTPS_PROXY": "http://127.0.0.1:9"}  # fmt: skip
    for name, value in {**KEYS, **nowhere}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Playbook, "ended", True)
    monkeypatch.setattr(Retry, "pause", lambda *_others: 3600.0)  # whoever asks is refused at once


def writers() -> list[str]:
    """All modules that take a cloud's options and are there to change something."""
    groups = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    return sorted({name for names in groups.values() for name in names if not name.endswith("_info")})


@pytest.mark.parametrize("module", writers())
def test_a_module_stops_before_its_first_request(
    module: str, gone: None, capsys: pytest.CaptureFixture[str]
) -> None:
    main = import_module(f"ansible_collections.praxis.cloud.plugins.modules.{module}").main
    with patch_module_args(MODULES[module]), pytest.raises(SystemExit):
        main()
    result = json.loads(capsys.readouterr().out)
    assert {each["code"] for each in result.get("failures", [])} == {"playbook-ended"}, result


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_stops_before_its_first_request(action: str, gone: None) -> None:
    with pytest.raises(Failed) as raised:
        ACTIONS[action]()
    assert [each.code for each in raised.value.findings] == ["playbook-ended"], raised.value


def _without_a_playbook(path: Path) -> Iterator[str]:
    """The places where a client is made that goes on for ever."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
            given = [ast.unparse(each) for each in (*node.args, *(word.value for word in node.keywords))]
            if not {"playbook", "Playbook()"}.intersection(given):
                yield f"{path.name}:{node.lineno}"


@pytest.mark.slow
def test_who_makes_a_client_without_a_playbook_only_reads() -> None:
    makers = [PLUGINS / "module_utils/cloud" / f"{name}.py" for name in ("aws", "aws_options", "gcp_options")]
    places = {
        str(path.relative_to(PLUGINS)): [*_without_a_playbook(path)]
        for path in PLUGINS.rglob("*.py")
        if path not in makers and not path.stem.endswith("_info")
    }
    assert {name for name, found in places.items() if found} == set(READERS)
