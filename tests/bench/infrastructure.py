# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of four machines on AWS: made in an empty account, and found to be as they should be.

Each way has a sandbox of its own, whose account is empty: none finds what another made.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import subnets_of
from sandbox.site import REGION, ROOT_VARIABLE
from tests.bench.machines import HOSTS, environment_of
from tests.bench.measure import BIN, HERE, Failure, run, sandbox
from tests.bench.report import Sample

FLEET = "praxis"
PLAYBOOKS = {"ours": "provision.yml", "community": str(HERE / "peers" / "provision.yml")}


def measure(repeats: int, say: Callable[[str], None]) -> dict[str, dict[str, list[Sample]]]:
    """The cases ``provision_first`` and ``provision_nothing``.

    :raises Failure: for a way that failed, and when ours changed something where nothing was to do.
    """
    found: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="praxis-bench-") as scratch:
        for who, playbook in PLAYBOOKS.items():
            with _account(Path(scratch) / who, who) as account:
                for case, turns in (("provision_first", 1), ("provision_nothing", repeats)):
                    for _turn in range(turns):
                        sample, changes = account.play(playbook)
                        say(f"{case} {who}: {sample.seconds:.2f} s, {sample.cpu:.2f} s of CPU, {sample.calls} calls, "
                            f"changing ones: {len(changes)}")  # fmt: skip
                        if who == "ours" and case == "provision_nothing" and changes:
                            raise Failure(f"nothing was to do, and it called {', '.join(sorted(set(changes)))}")
                        found[case][who].append(sample)
                if who == "ours":
                    found["provision_nothing"]["raw"] = [account.raw() for _turn in range(repeats)]
    return found


class _Account:
    """An account of a sandbox: whoever runs in it, and what its API was asked."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._root = root
        self._environment = environment | {"PRAXIS_HOSTS": str(HOSTS), "XDG_STATE_HOME": str(root / "state")}
        self._log = root / ".sandbox" / "aws" / "operations.jsonl"

    def play(self, playbook: str) -> tuple[Sample, list[str]]:
        """One run, and the names of the API operations in it that change something."""
        variables = {
            "fleet": FLEET, "region": REGION, "hosts": HOSTS, "known_hosts": str(self._root / "known_hosts"),
            "public_key": self._environment["ANSIBLE_PRIVATE_KEY_FILE"] + ".pub",
            "inside": self._environment["PRAXIS_VPC_CIDR"],
            "networks": subnets_of(self._environment["PRAXIS_VPC_CIDR"], 2),
            "praxis_known_hosts": str(self._root / "known_hosts"),
        }  # fmt: skip
        command = [str(BIN / "ansible-playbook"), playbook, "-i", "inventories/aws", "-e", json.dumps(variables)]
        return self._counted(command, "provision.log")

    def raw(self) -> Sample:
        command = [sys.executable, str(HERE / "peers" / "describe.py"), FLEET]
        return self._counted(command, "describe.log")[0]

    def _counted(self, command: list[str], log: str) -> tuple[Sample, list[str]]:
        since = self._log.stat().st_size if self._log.exists() else 0
        sample = run(command, self._environment, keep=self._root / log, deadline=1200)
        with self._log.open() as file:
            file.seek(since)
            operations = [json.loads(line) for line in file]
        changes = [f"{each['service']}:{each['operation']}" for each in operations if each["mutating"]]
        return replace(sample, calls=len(operations)), changes


@contextmanager
def _account(root: Path, who: str) -> Iterator[_Account]:
    """A sandbox for one way. The controller may call only what ours calls: the peer is the administrator."""
    root.mkdir()
    try:
        sandbox("up", **{ROOT_VARIABLE: str(root)})
        environment = environment_of(root / ".sandbox" / "env")
        if who == "community":
            keys = json.loads((root / ".sandbox" / "aws" / "administrator.json").read_text())
            environment |= {"AWS_ACCESS_KEY_ID": keys["access_key"], "AWS_SECRET_ACCESS_KEY": keys["secret_key"]}
        yield _Account(root, environment)
    finally:
        sandbox("down", **{ROOT_VARIABLE: str(root)})
