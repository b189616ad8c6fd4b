# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of four machines, on AWS and on Google Cloud: made in an empty account, and found to be as they should
be.

Each way has a sandbox of its own, whose account is empty: none finds what another made.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure.aws_list import subnets_of
from sandbox.site import GOOGLE_REGION, PROJECT, REGION, ROOT_VARIABLE
from tests.bench.machines import HOSTS, environment_of
from tests.bench.measure import BIN, HERE, Failure, run, sandbox
from tests.bench.report import Sample

FLEET = "praxis"
PEERS = HERE / "peers"


@dataclass(frozen=True)
class Cloud:
    """Where it is measured.

    :param suffix: of the names of its cases.
    :param community: the peer's playbook.
    :param raw: the script that reads the same, and its arguments.
    """

    name: str
    suffix: str
    community: Path
    raw: tuple[str, ...]


CLOUDS = (
    Cloud("aws", "", PEERS / "provision.yml", (str(PEERS / "describe.py"), FLEET)),
    Cloud("gcp", "_gcp", PEERS / "provision_google.yml", (str(PEERS / "describe_google.py"), FLEET, GOOGLE_REGION)),
)


def measure(repeats: int, say: Callable[[str], None]) -> dict[str, dict[str, list[Sample]]]:
    """The cases ``provision_first`` and ``provision_nothing`` of each cloud.

    :raises Failure: for a way that failed, and when ours changed something where nothing was to do.
    """
    found: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="praxis-bench-") as scratch:
        for cloud in CLOUDS:
            for who in ("ours", "community"):
                with _account(Path(scratch) / f"{who}-{cloud.name}", who, cloud) as account:
                    for case, samples in _measured(account, who, repeats, say):
                        found[f"{case}{cloud.suffix}"][who].append(samples)
                    if who == "ours":
                        found[f"provision_nothing{cloud.suffix}"]["raw"] = [account.raw() for _turn in range(repeats)]
    return found


def _measured(account: _Account, who: str, repeats: int, say: Callable[[str], None]) -> Iterator[tuple[str, Sample]]:
    for case, turns in (("provision_first", 1), ("provision_nothing", repeats)):
        for _turn in range(turns):
            sample, changes = account.play(who)
            say(f"{case} {account.cloud.name} {who}: {sample.seconds:.2f} s, {sample.cpu:.2f} s of CPU, "
                f"{sample.calls} calls, changing ones: {len(changes)}")  # fmt: skip
            if who == "ours" and case == "provision_nothing" and changes:
                raise Failure(f"nothing was to do, and it called {', '.join(sorted(set(changes)))}")
            yield case, sample


class _Account:
    """An account of a sandbox: whoever runs in it, and what its API was asked."""

    def __init__(self, root: Path, environment: dict[str, str], cloud: Cloud) -> None:
        self._root = root
        self.cloud = cloud
        self._environment = environment | {"PRAXIS_HOSTS": str(HOSTS), "XDG_STATE_HOME": str(root / "state")}
        self._log = root / ".sandbox" / cloud.name / "operations.jsonl"

    def play(self, who: str) -> tuple[Sample, list[str]]:
        """One run, and the names of the API operations in it that change something."""
        google = self.cloud.name == "gcp"
        inside = self._environment["PRAXIS_GCP_CIDR" if google else "PRAXIS_VPC_CIDR"]
        variables = {
            "fleet": FLEET, "project": PROJECT, "region": GOOGLE_REGION if google else REGION, "hosts": HOSTS,
            "known_hosts": str(self._root / "known_hosts"), "inside": inside,
            "public_key": self._environment["ANSIBLE_PRIVATE_KEY_FILE"] + ".pub",
            "networks": [] if google else subnets_of(inside, 2),
            "praxis_known_hosts": str(self._root / "known_hosts"),
        }  # fmt: skip
        playbook = "provision.yml" if who == "ours" else str(self.cloud.community)
        inventory = f"inventories/{self.cloud.name}"
        command = [str(BIN / "ansible-playbook"), playbook, "-i", inventory, "-e", json.dumps(variables)]
        return self._counted(command, "provision.log")

    def raw(self) -> Sample:
        return self._counted([sys.executable, *self.cloud.raw], "describe.log")[0]

    def _counted(self, command: list[str], log: str) -> tuple[Sample, list[str]]:
        since = self._log.stat().st_size if self._log.exists() else 0
        sample = run(command, self._environment, keep=self._root / log, deadline=1200)
        with self._log.open() as file:
            file.seek(since)
            operations = [json.loads(line) for line in file]
        changes = [f"{each['service']}:{each['operation']}" for each in operations if each["mutating"]]
        return replace(sample, calls=len(operations)), changes


@contextmanager
def _account(root: Path, who: str, cloud: Cloud) -> Iterator[_Account]:
    """A sandbox for one way. The controller may call only what ours calls: the peer is the administrator."""
    root.mkdir()
    try:
        sandbox("up", "--cloud", cloud.name, **{ROOT_VARIABLE: str(root)})
        environment = environment_of(root / ".sandbox" / "env")
        if who == "community":
            environment |= _administrator(root / ".sandbox" / cloud.name / "administrator.json", cloud)
        yield _Account(root, environment, cloud)
    finally:
        sandbox("down", **{ROOT_VARIABLE: str(root)})


def _administrator(file: Path, cloud: Cloud) -> dict[str, str]:
    if cloud.name == "gcp":
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}
    keys = json.loads(file.read_text())
    return {"AWS_ACCESS_KEY_ID": keys["access_key"], "AWS_SECRET_ACCESS_KEY": keys["secret_key"]}
