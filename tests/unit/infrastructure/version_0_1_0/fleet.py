# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of two machines as version 0.1.0 made it: the requests that its roles sent, sent again.

They were recorded when those roles ran, one module a resource and no engine, and are in the two files beside this one.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from tests.unit.conftest import Cloud

#: The settings that the roles were given. Those of Google's network are in its requests.
SETTINGS = {
    "hosts": 2, "labels": {"team": "search"}, "ssh_from": ["203.0.113.7/32", "2001:db8::/64"],
    "api_from": ["198.51.100.0/24"], "p2p_from": ["192.0.2.0/24"], "balancer_from": ["198.51.100.0/24"],
}  # fmt: skip


def recorded(cloud: str) -> list[dict[str, Any]]:
    """The requests to a cloud that changed something, in their order."""
    requests: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / f"{cloud}.yaml").read_text())
    return requests


def filled(value: Any, known: dict[str, str]) -> Any:
    """A request with ids in the place of their names, which begin with $."""
    if isinstance(value, dict):
        return {name: filled(each, known) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    return known[value] if isinstance(value, str) and value.startswith("$") else value


def make(cloud: Cloud, image: str) -> None:
    """The fleet, in an AWS account.

    :param image: what its machines are launched from.
    """
    known = {"$image": image}
    for request in recorded("aws"):
        operation = getattr(cloud.client(request["service"]), request["operation"])
        answer = operation(**filled(request["params"], known))
        for name, path in request.get("known", {}).items():
            known[name] = reduce(lambda at, key: at[int(key) if key.isdigit() else key], path.split("."), answer)
    cloud.operations.clear()
