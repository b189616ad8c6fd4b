# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of an agent in a pod, run by real shells: the same file and environment as on a machine, to the byte."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.agent.document import dump
from ansible_collections.praxis.cloud.plugins.module_utils.agent.peers import with_peers
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import manifests, start
from ansible_collections.praxis.cloud.plugins.plugin_utils import fleet_variables
from ansible_collections.praxis.cloud.plugins.plugin_utils.drafts import draft_all
from tests.unit.kubernetes.made import SECRETS, found, leaf, plan, variables

SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["bash"], ["busybox", "sh"]) if shutil.which(shell[0])]
SHOW = "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], sys.stdout)"
#: What settings and secrets may hold, and a shell would like to take for something else.
HOSTILE = {
    "PLAIN": "sk-1234",
    "QUOTES": "it's \"quoted\" `id` $(id) $HOME \\n \\",
    "LINES": "one\n  two\n\n\nthree\n\n",
    "NO_END": "a\nb",
    "EMPTY": "",
    "SPACES": "  both sides \t ",
    "UNICODE": "grüße ✓",
    "_praxis_found": "not the shell's own",
}
SETTINGS: dict[str, Any] = {
    "llm": {"timeout": 7, "model": "it's: #1 \\ $HOME"},
    "agent": {"description": "  two\n  lines\n", "tools": [{"name": "a", "description": "yes"}]},
    "logging": {"level": "debug"},
}


class Started:
    """What a pod's start makes of its mounts."""

    def __init__(self, folder: Path) -> None:
        self.mounts = {name: folder / name for name in ("release", "peers", "configs", "secrets")}
        for mount in self.mounts.values():
            mount.mkdir()
        self.joined = folder / "joined"

    def run(self, shell: list[str], pod: str, own_list: bool = True) -> tuple[list[str], dict[str, str]]:
        script = start.start(own_list, joined=str(self.joined), **{key: str(path) for key, path in self.mounts.items()})
        # As a probe of an image: nothing but the shell itself is there to be run.
        done = subprocess.run(
            [*shell, "-c", script, "sh", sys.executable, "-c", SHOW, "one argument", "$HOME"],
            env={"POD_NAME": pod, "PATH": "/nowhere", "LC_ALL": "C.UTF-8"} if shell[0] != "busybox" else
            {"POD_NAME": pod, "PATH": "/nowhere"},
            executable=shutil.which(shell[0]), capture_output=True, text=True, check=True,
        )  # fmt: skip
        arguments, environment = json.loads(done.stdout)
        return arguments, environment


@pytest.fixture
def started(tmp_path: Path) -> Started:
    return Started(tmp_path)


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")


each_shell = pytest.mark.parametrize("shell", SHELLS, ids=" ".join)


@each_shell
def test_every_byte_of_a_secret_arrives(started: Started, shell: list[str]) -> None:
    put(started.mounts["release"], {"agent.yaml": "x\n"})
    put(started.mounts["peers"], {"agent-0.yaml": "y\n"})
    put(started.mounts["secrets"], HOSTILE)
    (started.mounts["secrets"] / "..data").mkdir()
    arguments, environment = started.run(shell, "agent-0")
    assert {name: environment.get(name) for name in HOSTILE} == HOSTILE
    assert arguments == ["one argument", "$HOME"]
    assert set(environment) - set(HOSTILE) <= {"POD_NAME", "PATH", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}


def on_machine(name: str, address: str, multiaddrs: list[str], **values: Any) -> tuple[str, dict[str, str]]:
    """The agent's file and environment as a fleet of machines has them.

    :param address: what the card names. A machine's own is an IP address, so here it is put into the variables after
        they were read.
    """
    given = {**variables(**values), "praxis_target": "machines", "praxis_private_ip": "10.0.0.1"}
    (member,) = fleet_variables.members({name: given}, [name])
    object.__setattr__(member, "private_ip", address)
    drafts, findings = draft_all([member])
    assert [finding for finding in findings if finding.level == "error"] == []
    return with_peers(dump(drafts[0].compiled.document), multiaddrs), drafts[0].compiled.environment


@each_shell
@pytest.mark.parametrize("pod", ["agent-0", "agent-9"])
def test_a_pod_s_file_is_a_machine_s_to_the_byte(started: Started, shell: list[str], pod: str) -> None:
    fleet = plan(agent=variables(agent_config=SETTINGS))
    made = fleet.objects()
    put(started.mounts["release"], found(made, "ConfigMap", fleet.kinds[0].config_name)["data"])
    put(started.mounts["peers"], found(made, "ConfigMap", "agent-peers")["data"])
    started.run(shell, pod)
    written = (started.mounts["configs"] / f"{pod}.yaml").read_text(encoding="utf-8")
    others = [each.multiaddr for each in fleet.pods if each.name != pod]
    expected, environment = on_machine(pod, f"{pod}.agent.praxis.svc", others, agent_config=SETTINGS)
    assert written == expected
    assert yaml.safe_load(written)["p2p"]["bootstrap_nodes"] == others
    container = found(made, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    assert given == {name: value.replace("$", "$$") for name, value in environment.items()}
    command = ["python", "-m", "praxis_sdk.main", "--config", f"/app/configs/{pod}.yaml", "run", "--name", pod]
    assert [word.replace("$(POD_NAME)", pod) for word in container["args"]] == command


def test_a_leaf_s_file_names_itself_and_the_members(started: Started) -> None:
    fleet = plan(agent=variables(), leaf=leaf())
    made = fleet.objects()
    put(started.mounts["release"], found(made, "ConfigMap", fleet.kinds[1].config_name)["data"])
    put(started.mounts["peers"], found(made, "ConfigMap", "leaf-peers")["data"])
    started.run(["sh"], "leaf-5d8f-x2x", own_list=False)
    document = yaml.safe_load((started.mounts["configs"] / "leaf-5d8f-x2x.yaml").read_text(encoding="utf-8"))
    assert document["agent"]["name"] == "leaf-5d8f-x2x"
    assert len(document["p2p"]["bootstrap_nodes"]) == 8


def test_what_is_missing_ends_the_start(started: Started) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        started.run(["sh"], "agent-0")


def test_each_start_forgets_that_the_pod_was_in_the_mesh(started: Started) -> None:
    put(started.mounts["release"], {"agent.yaml": "x\n"})
    put(started.mounts["peers"], {"agent-0.yaml": "y\n"})
    started.joined.write_text("1700000000", encoding="utf-8")
    started.run(["sh"], "agent-0")
    assert started.joined.read_text(encoding="utf-8") == ""


def test_a_definition_shows_the_names_of_secrets_alone() -> None:
    text = manifests.files(plan().objects())["statefulset-agent.yaml"]
    for name in SECRETS:
        assert name in text
    assert "exec \"$@\"" in text
