# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many machines, many members, many secrets: against a cloud of the bench's own, with no machine behind it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.bench.measure import BIN, CHECKOUT, HERE, Failure, run
from tests.bench.report import Sample

FLEET = "bench"
INVENTORIES, PLANS = (2000, 10000), (10, 100, 1000)
#: By digest, so that no registry is asked; its login is ECR's.
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/praxis-agent@sha256:" + "0" * 64

Found = dict[str, dict[str, list[Sample]]]


class Scale:
    """The cloud's clients."""

    def __init__(self, port: int, folder: Path) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._folder = folder
        others = {name: text for name, text in os.environ.items() if not name.startswith(("AWS", "ANSIBLE", "PRAXIS"))}
        self.environment = others | {
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret-access-key-of-nobody",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": self._url,
            "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8", "NO_PROXY": "127.0.0.1", "PRAXIS_FLEET": FLEET,
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }  # fmt: skip

    def client(self, what: str, who: str, *arguments: str) -> tuple[Sample, Any]:
        """One client's run, and what it found."""
        command = [sys.executable, "-m", "tests.bench.client", what, who, *arguments]
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=600,
        )  # fmt: skip
        if done.returncode:
            raise Failure(f"{' '.join(command)}: return code {done.returncode}\n{done.stderr[-3000:]}")
        answer = json.loads(done.stdout.splitlines()[-1])
        return Sample(answer["seconds"], answer["cpu"], answer["memory_mb"]), answer["found"]

    def size(self, machines: int) -> None:
        self._ask("/bench/size", str(machines).encode())

    def calls(self) -> dict[str, int]:
        """The operations asked for since the last observation."""
        found: dict[str, int] = json.loads(self._ask("/bench/calls"))
        return found

    def plan(self, members: int) -> Sample:
        """The plan step, in a run of ansible-playbook with a static inventory."""
        inventory = self._folder / f"fleet-{members}.json"
        inventory.write_text(
            json.dumps({"praxis": {"hosts": {f"m-{i}": _member(i) for i in range(members)}, "vars": FLEET_VARS}})
        )
        command = [str(BIN / "ansible-playbook"), str(HERE / "peers" / "plan.yml"), "-i", str(inventory)]
        return run(command, self.environment, keep=self._folder / "plan.log")

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._url + path, body, timeout=30) as answer:
            text: bytes = answer.read()
            return text


FLEET_VARS = {
    "praxis_fleet": FLEET,
    "praxis_image": IMAGE,
    "praxis_region": "us-east-1",
    "praxis_target_group": "",
    "praxis_agent_secrets": {
        name: f"aws-sm://bench/{at}#key" for at, name in enumerate(("OPENAI_API_KEY", "PRAXIS_MASTER_KEY"))
    },
}


def _member(index: int) -> dict[str, str]:
    address = f"10.{index // 65536}.{index // 256 % 256}.{index % 256}"
    return {
        "ansible_host": address, "praxis_private_ip": address, "praxis_slot": f"s-{index}",
        "praxis_instance_id": f"i-{index}", "praxis_zone": f"us-east-1{'abc'[index % 3]}",
    }  # fmt: skip


@contextmanager
def cloud() -> Iterator[Scale]:
    with tempfile.TemporaryDirectory(prefix="praxis-bench-") as folder:
        command = [sys.executable, "-m", "tests.bench.cloud"]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin and process.stdout
        try:
            yield Scale(int(process.stdout.readline()), Path(folder))
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def measure(parts: Collection[str], repeats: int, say: Callable[[str], None]) -> Found:
    """The cases of these parts."""
    found: Found = defaultdict(lambda: defaultdict(list))

    def note(case: str, who: str, sample: Sample) -> None:
        say(f"{case} {who}: {sample.seconds:.2f} s, {sample.cpu:.2f} s of CPU, {sample.memory_mb:.0f} MB")
        found[case][who].append(sample)

    with cloud() as scale:
        if "secrets" in parts:
            for turn in range(repeats):
                answers = []
                for who in _turned(["ours", "community", "raw"], turn):
                    scale.calls()
                    sample, values = scale.client("secrets", who)
                    note("secrets_100", who, replace(sample, calls=sum(scale.calls().values())))
                    answers.append(values)
                _same("secrets", answers)
        if "inventory" in parts:
            sources = {"ours": [str(CHECKOUT / "inventories/aws/fleet.yml")], "raw": [],
                       "community": [str(HERE / "peers/aws_ec2.yml")]}  # fmt: skip
            for size in INVENTORIES:
                scale.size(size)
                for turn in range(repeats):
                    answers = []
                    for who in _turned(["ours", "community", "raw"], turn):
                        if who == "community" and turn:  # takes a minute
                            continue
                        sample, hosts = scale.client("inventory", who, *sources[who])
                        note(f"inventory_{size}", who, sample)
                        answers.append(hosts)
                    _same(f"inventory of {size}", answers)
        if "plan" in parts:
            for size in PLANS:
                for _turn in range(repeats):
                    note(f"plan_{size}", "ours", scale.plan(size))
    return found


def _turned(ways: list[str], turn: int) -> list[str]:
    at = turn % len(ways)
    return ways[at:] + ways[:at]


def _same(what: str, answers: list[Any]) -> None:
    if any(answer != answers[0] for answer in answers):
        raise Failure(f"{what}: the peers did not find the same")
