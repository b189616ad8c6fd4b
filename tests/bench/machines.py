# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four machines to the same end state: this collection, community modules, a bare script, and one trivial task."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import jinja2

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from sandbox.registry import Registry
from sandbox.site import here
from tests.bench.measure import BIN, CHECKOUT, HERE, run
from tests.bench.report import Sample

HOSTS = 4
#: Where the fleet's playbooks keep the machines' host keys.
KNOWN_HOSTS = "~/.ssh/praxis-praxis.known_hosts"
#: llm.max_tokens: each run that is to change something takes the next value.
TOKENS = iter(range(2000, 4000))

#: Everything that any of the ways leaves on a machine; the engine stays.
RESET = (
    "docker ps -aq | xargs -r docker rm -f; docker network prune -f;"
    " docker images -aq | sort -u | xargs -r docker rmi -f;"
    " rm -rf /opt/praxis /run/praxis /root/.docker; docker logout"
)
#: docker_login needs it on the machine; our modules and the script do not.
REQUESTS = (
    "dpkg -s python3-requests >/dev/null 2>&1 || { apt-get -q update;"
    " DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install python3-requests; }"
)


class Machines:
    """The sandbox's machines, as a user's shell (``. .sandbox/env``) reaches them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = here()
        self.environment = environment_of(self.site.home / "env") | {
            "PRAXIS_HOSTS": str(HOSTS),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self.tokens = next(TOKENS)
        self.hosts: dict[str, str] = {}

    def prepare(self) -> None:
        """Provision, and deploy once: that installs Docker and makes the identities. None of it is measured."""
        for playbook in ("provision.yml", "deploy.yml"):
            command = [str(BIN / "ansible-playbook"), playbook, "-i", "inventories/aws"]
            run(command, self.environment, keep=self.folder / f"prepare-{playbook}.log", deadline=1200)
        hostvars = self._inventory()
        self.hosts = {variables["ansible_host"]: name for name, variables in hostvars.items()}
        self._for_peers(hostvars)
        self._on_all(REQUESTS)

    def reset(self) -> None:
        """Machines with an engine, and nothing else of ours."""
        self._on_all(RESET)

    def change(self) -> None:
        """One setting of all members is another from now on."""
        self.tokens = next(TOKENS)
        self._render()

    def ours(self, **variables: Any) -> Sample:
        return self._play("deploy.yml", {"praxis_agent_config": {"llm": {"max_tokens": self.tokens}}, **variables})

    def community(self) -> Sample:
        return self._play(str(HERE / "peers" / "community.yml"), {"max_tokens": self.tokens}, self.folder / "vars.json")

    def community_rolling(self) -> Sample:
        variables = {"max_tokens": self.tokens, "target_group": "praxis-praxis"}
        return self._play(str(HERE / "peers" / "rolling.yml"), variables, self.folder / "vars.json")

    def floor(self) -> Sample:
        return self._play(str(HERE / "peers" / "floor.yml"), {})

    def bare(self) -> Sample:
        command = [str(HERE / "peers" / "bare.sh"), str(self.folder), str(HERE / "ssh")]
        return run(command, self.environment, self.hosts, keep=self.folder / "bare.log")

    def _play(self, playbook: str, variables: dict[str, Any], *files: Path) -> Sample:
        command = [str(BIN / "ansible-playbook"), playbook, "-i", str(self.folder / "hosts.json")]
        command += [word for file in files for word in ("-e", f"@{file}")] + ["-e", json.dumps(variables)]
        return run(command, self.environment, self.hosts, keep=self.folder / f"{Path(playbook).stem}.log")

    def _on_all(self, script: str) -> None:
        def on(container: str) -> None:
            subprocess.run(["docker", "exec", container, "sh", "-c", script], check=True, capture_output=True)

        containers = [
            machine["container"] for machine in json.loads((self.site.home / "state.json").read_text())["machines"]
        ]
        with ThreadPoolExecutor(len(containers)) as pool:
            list(pool.map(on, containers))

    def _inventory(self) -> dict[str, Any]:
        """The fleet's inventory as a file, for every way alike: reading it from the cloud is a case of its own."""
        command = [str(BIN / "ansible-inventory"), "-i", "inventories/aws", "--list"]
        listed = subprocess.run(command, cwd=CHECKOUT, env=self.environment, capture_output=True, check=True).stdout
        hostvars: dict[str, Any] = _plain(json.loads(listed))["_meta"]["hostvars"]
        (self.folder / "hosts.json").write_text(json.dumps({"praxis": {"hosts": hostvars}}))
        return hostvars

    def _for_peers(self, hostvars: dict[str, Any]) -> None:
        """What the peers are handed."""
        store = boto3.client("secretsmanager", **_administrator(self.site.home, self.environment))
        agents = {}
        for name, variables in hostvars.items():
            slot = store.get_secret_value(SecretId=f"praxis/praxis/identity/{variables['praxis_slot']}")
            seed = slot["SecretBinary"]
            agents[name] = {"address": variables["praxis_private_ip"], "peer_id": peer_id(seed, "ed25519")}
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / "node.key").write_bytes(seed)
        registry = Registry(self.site)
        image = self.environment["PRAXIS_IMAGE"].partition("/")[2].partition(":")
        manifest = registry.manifest(image[0], image[2])
        assert manifest is not None, f"the registry holds no {self.environment['PRAXIS_IMAGE']}"
        self.values = {
            "agents": agents,
            "folder": str(self.folder),
            "image": f"{self.site.registry_name}/{image[0]}@{manifest.digest}",
            "registry": {"server": self.site.registry_name, "username": "AWS", "password": registry.password},
            "secrets": json.loads(store.get_secret_value(SecretId="praxis/praxis/agent")["SecretString"]),
        }
        (self.folder / "vars.json").write_text(json.dumps(self.values))
        (self.folder / "image").write_text(self.values["image"])
        (self.folder / "login").write_text(" ".join(self.values["registry"].values()) + "\n")
        key = self.environment["ANSIBLE_PRIVATE_KEY_FILE"]
        lines = []
        for name, variables in hostvars.items():
            known = f"-o UserKnownHostsFile={KNOWN_HOSTS} -o HostKeyAlias={variables['praxis_instance_id']}"
            lines.append(f"{name} -C -i {key} {known} admin@{variables['ansible_host']}\n")
        (self.folder / "hosts").write_text("".join(lines))
        self._render()

    def _render(self) -> None:
        """The bare script's files, out of the peers' templates."""
        templates = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE / "peers" / "templates"), trim_blocks=True)
        for name in self.values["agents"]:
            values = {**self.values, "inventory_hostname": name, "max_tokens": self.tokens}
            for file in ("agent.yaml", "compose.yaml"):
                (self.folder / name / file).write_text(templates.get_template(f"{file}.j2").render(values) + "\n")
            lines = [f"{key}={value}\n" for key, value in sorted(self.values["secrets"].items())]
            (self.folder / name / "environment").write_text("".join(lines))


def measure(machines: Machines, repeats: int, say: Callable[[str], None]) -> dict[str, dict[str, list[Sample]]]:
    """The cases ``first``, ``nothing``, ``change`` and ``rolling``. Ours goes first, where caches are coldest."""
    found: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))

    def note(case: str, who: str, sample: Sample) -> None:
        say(f"{case} {who}: {sample.seconds:.2f} s, {sample.cpu:.2f} s of CPU, executions {sample.executions}")
        found[case][who].append(sample)

    ways: list[tuple[str, Callable[..., Sample]]] = [
        ("ours", machines.ours), ("community", machines.community), ("bare", machines.bare)]  # fmt: skip
    for who, way in ways:
        machines.reset()
        note("first", who, way())
        for _turn in range(repeats):
            note("nothing", who, way())
            note("nothing", "floor", machines.floor())
        machines.change()
        # All hosts at once and no balancer to drain from, as the others do.
        at_once = {"praxis_batch": HOSTS, "praxis_canary": HOSTS, "praxis_soak": 0, "praxis_target_group": ""}
        note("change", who, way(**(at_once if who == "ours" else {})))
    # A host at a time behind the load balancer: without a soak, which the other has not, and as shipped.
    machines.reset()
    machines.ours()
    for who, one in (("ours", lambda: machines.ours(praxis_soak=0)), ("ours_as_shipped", machines.ours)):
        machines.change()
        note("rolling", who, one())
    machines.reset()
    machines.community()
    machines.change()
    note("rolling", "community", machines.community_rolling())
    return found


def environment_of(file: Path) -> dict[str, str]:
    printed = subprocess.run(["sh", "-c", f". {shlex.quote(str(file))} && env -0"], cwd=CHECKOUT, capture_output=True,
                             text=True, check=True, env=dict(os.environ)).stdout  # fmt: skip
    return dict(line.split("=", 1) for line in printed.split("\0") if line)


def _administrator(home: Path, environment: dict[str, str]) -> dict[str, str]:
    keys = json.loads((home / "aws" / "administrator.json").read_text())
    return {
        "aws_access_key_id": keys["access_key"],
        "aws_secret_access_key": keys["secret_key"],
        "region_name": environment["AWS_REGION"],
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
    }


def _plain(value: Any) -> Any:
    """ansible-inventory's output without its marks for untrusted text."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {k: _plain(v) for k, v in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
