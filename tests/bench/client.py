# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One client asks the cloud for one thing, once, in a process of its own: what it took, as JSON.

Timed is what the client does, loading of the AWS SDK included; not the start of Python and of Ansible, which all share.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from typing import Any

REGION, FLEET = "us-east-1", "bench"
FILTERS = [
    {"Name": "tag:praxis_fleet", "Values": [FLEET]},
    {"Name": "instance-state-name", "Values": ["pending", "running"]},
]
PAGE = 1000


def inventory(source: str) -> Any:
    """Hosts of an inventory source: name -> slot, address."""
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([])

    def ask() -> Any:
        return InventoryManager(DataLoader(), sources=[source])

    def read(found: Any) -> Any:
        return {name: (host.vars["praxis_slot"], host.vars["ansible_host"]) for name, host in found.hosts.items()}

    return ask, read


def raw_inventory() -> Any:
    def ask() -> Any:
        client = importlib.import_module("boto3").client("ec2", REGION)
        pages = client.get_paginator("describe_instances").paginate(
            Filters=FILTERS, PaginationConfig={"PageSize": PAGE}
        )
        return [instance for page in pages for each in page["Reservations"] for instance in each["Instances"]]

    def read(found: Any) -> Any:
        tags = [{tag["Key"]: tag["Value"] for tag in instance["Tags"]} for instance in found]
        return {tag["Name"]: (tag["praxis_slot"], each.get("PublicIpAddress") or each["PrivateIpAddress"])
                for tag, each in zip(tags, found)}  # fmt: skip

    return ask, read


def lookup(plugin: str, terms: list[str], **options: Any) -> Any:
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, lookup_loader
    from ansible.template import Templar

    init_plugin_loader([])
    loader = DataLoader()

    def ask() -> Any:
        found = lookup_loader.get(plugin, loader=loader, templar=Templar(loader=loader))
        return found.run(terms, variables={}, region=REGION, **options)

    return ask, list


def raw_secrets(names: list[str]) -> Any:
    def ask() -> Any:
        client = importlib.import_module("boto3").client("secretsmanager", REGION)
        batches = [names[at : at + 20] for at in range(0, len(names), 20)]
        answers = [client.batch_get_secret_value(SecretIdList=batch)["SecretValues"] for batch in batches]
        return {entry["Name"]: entry["SecretString"] for answer in answers for entry in answer}

    return ask, lambda found: [json.loads(found[name])["key"] for name in names]


def main(what: str, who: str, *arguments: str) -> None:
    names = [f"bench/{index}" for index in range(100)]
    ways = {
        ("inventory", "ours"): lambda: inventory(*arguments),
        ("inventory", "community"): lambda: inventory(*arguments),
        ("inventory", "raw"): raw_inventory,
        ("secrets", "ours"): lambda: lookup("praxis.cloud.secret", [f"aws-sm://{name}#key" for name in names]),
        ("secrets", "community"): lambda: lookup(
            "amazon.aws.secretsmanager_secret", [f"{name}.key" for name in names], nested=True
        ),
        ("secrets", "raw"): lambda: raw_secrets(names),
    }
    ask, read = ways[what, who]()
    started, busy = time.monotonic(), os.times()
    found = ask()
    seconds, after = time.monotonic() - started, os.times()
    spent = after.user + after.system - busy.user - busy.system
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": spent, "memory_mb": memory, "found": read(found)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
