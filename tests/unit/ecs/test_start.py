# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of an agent in a task, run by real shells: the same file and environment as on a machine and in a pod."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.ecs import start
from tests.unit.ecs.made import BOOTSTRAP, kind
from tests.unit.ecs.made import variables as of_task
from tests.unit.kubernetes.made import found, leaf, variables
from tests.unit.kubernetes.made import plan as plan_pods
from tests.unit.kubernetes.test_start import SETTINGS, SHELLS, SHOW, Started, on_machine, put

NAME = "ip-10-0-1-72.eu-central-1.compute.internal"
each_shell = pytest.mark.parametrize("shell", SHELLS, ids=" ".join)


def started(folder: Path, shell: list[str], environment: dict[str, str]) -> tuple[str, list[str], dict[str, str]]:
    """The file that a task writes, and the arguments and the environment of its agent."""
    host = folder / "hostname"
    host.write_text(NAME + "\n", encoding="utf-8")
    script = start.start(configs=str(folder), host=str(host))
    # As a probe of an image: nothing but the shell itself is there to be run.
    done = subprocess.run(
        [*shell, "-c", script, "sh", sys.executable, "-c", SHOW],
        env={**environment, "PATH": "/nowhere"}, executable=shutil.which(shell[0]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    arguments, kept = json.loads(done.stdout)
    return (folder / f"{NAME}.yaml").read_text(encoding="utf-8"), arguments, kept


def environment_of(definition: dict[str, Any]) -> dict[str, str]:
    (container,) = definition["containerDefinitions"]
    return {each["name"]: each["value"] for each in container["environment"]}


@each_shell
def test_the_file_is_a_machine_s_to_the_byte(tmp_path: Path, shell: list[str]) -> None:
    definition = kind(agent_config=SETTINGS).definition("arn")
    text, arguments, kept = started(tmp_path, shell, environment_of(definition))
    given = {name.removeprefix("praxis_"): value for name, value in of_task(agent_config=SETTINGS).items()}
    expected, environment = on_machine(NAME, NAME, BOOTSTRAP, **{**given, "ecs": None, "target": None})
    assert text == expected
    assert {name: value for name, value in kept.items() if name in environment} == environment
    assert start.FILE_VARIABLE not in kept
    assert arguments == ["--config", str(tmp_path / f"{NAME}.yaml"), "run", "--name", NAME]


def test_the_same_settings_are_the_same_file_on_machine_pod_and_task(tmp_path: Path) -> None:
    """The card's host and the bootstrap list are each target's own; everything else is the same to the byte."""
    folders = [tmp_path / name for name in ("task", "pod")]
    for folder in folders:
        folder.mkdir()
    task, _arguments, _kept = started(folders[0], ["sh"], environment_of(kind(agent_config=SETTINGS).definition("a")))
    fleet = plan_pods(agent=variables(agent_config=SETTINGS), leaf={**leaf(), "praxis_agent_config": SETTINGS})
    objects = fleet.objects()
    pod = Started(folders[1])
    put(pod.mounts["release"], found(objects, "ConfigMap", fleet.kinds[1].config_name)["data"])
    put(pod.mounts["peers"], found(objects, "ConfigMap", "leaf-peers")["data"])
    pod.run(["sh"], NAME, own_list=False)
    in_pod = (pod.mounts["configs"] / f"{NAME}.yaml").read_text(encoding="utf-8")
    on_host, _environment = on_machine(NAME, NAME, BOOTSTRAP, agent_config=SETTINGS)
    peers = yaml.safe_load(in_pod)["p2p"]["bootstrap_nodes"]
    in_pod = in_pod.replace("leaf-api.praxis.svc", NAME)
    for theirs in peers:
        in_pod = in_pod.replace(f'\n  - "{theirs}"', "")
    ours = task
    for multiaddr in BOOTSTRAP:
        ours = ours.replace(f'\n  - "{multiaddr}"', "")
    assert task == on_host
    assert in_pod == ours


def test_a_task_without_its_file_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        started(tmp_path, ["sh"], {})
