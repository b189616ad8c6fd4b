# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of the infrastructure says of the next deployment, difference by difference."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.infrastructure import doctor

P2P = "tcp 4001 from sg-1 (Peer to peer between members)"
API = "tcp 8000 from sg-2 (API from the load balancer)"
SSH = "tcp 22 from 203.0.113.7/32 (SSH)"
WORLD = "tcp 4001 from 0.0.0.0/0"
GOOGLE = ["130.211.0.0/22", "35.191.0.0/16"]


def row(kind: str, name: str = "praxis-test", action: str = "change", **fields: tuple[Any, Any]) -> dict[str, Any]:
    changed = [{"field": field, "before": before, "after": after} for field, (before, after) in fields.items()]
    return {"action": action, "kind": kind, "name": name, "id": "x-1", "fields": changed, "lost": ""}


def tcp(*ports: str) -> dict[str, Any]:
    return {"IPProtocol": "tcp", "ports": [*ports]}


ROWS = [
    (row("security group", rules=([API, SSH], [P2P, API, SSH])), "p2p-port-shut", "error", "tcp 4001"),
    (row("security group", rules=([P2P, SSH], [P2P, API, SSH])), "api-port-shut", "error", "load balancer"),
    (row("security group", rules=([P2P, API], [P2P, API, SSH])), "ssh-port-shut", "error", "log in"),
    (row("security group", rules=([], ["tcp 4001 from (known after apply) (P2P)"])), "p2p-port-shut", "error", "4001"),
    (row("security group", rules=([P2P, WORLD], [P2P])), "port-open", "warning", "0.0.0.0/0"),
    (row("security group", rules=([P2P.partition(" (")[0] + " (mine)", API, SSH], [P2P, API, SSH])),
     "infrastructure-differs", "warning", "is called mine"),
    (row("security group", rules=([P2P.partition(" (")[0], API, SSH], [P2P, API, SSH])), "infrastructure-differs",
     "warning", "is called nothing"),
    # What is wider than it should be is open, and shuts nobody out.
    (row("security group", rules=(["tcp 4000-4010 " + P2P.partition(" ")[2].partition(" ")[2], API, SSH],
                                  [P2P, API, SSH])), "port-open", "warning", "4000-4010"),
    (row("security group", rules=(["tcp 4001 from 0.0.0.0/0", API, SSH], [P2P, API, SSH])), "port-open", "warning",
     "0.0.0.0/0"),
    (row("security group", rules=(["-1 -1 from 0.0.0.0/0"], [P2P, API, SSH])), "port-open", "warning", "-1 -1"),
    (row("security group", rules=(["tcp 22 from 10.0.0.0/8"], ["tcp 22 from 10.9.0.0/16 (SSH)"])), "port-open",
     "warning", "10.0.0.0/8"),
    (row("VPC", dns_hostnames=(False, True)), "vpc-dns-off", "error", "dns_hostnames"),
    (row("VPC", dns_support=(False, True)), "vpc-dns-off", "error", "dns_support"),
    (row("target group", health_path=("/", "/health")), "health-check-differs", "error", "/health"),
    (row("health check", httpHealthCheck=({}, {})), "health-check-differs", "error", "health check"),
    (row("route table", default_route=(None, "igw-1")), "infrastructure-differs", "error", "igw-1"),
    (row("VPC", **{"tag team": (None, "a")}), "infrastructure-differs", "warning", "team"),
    (row("load balancer", action="create"), "infrastructure-missing", "error", "is missing"),
    (row("machine", "test-aws-2", "create"), "machine-missing", "error", "is missing"),
    (row("machine", "test-aws-2", state=("stopped", "running")), "machine-missing", "error", "stopped"),
    (row("machine", "test-aws-2", groups=(["a"], ["b"])), "infrastructure-differs", "warning", "groups"),
    (row("firewall rule", "test-p2p", "create"), "p2p-port-shut", "error", "is missing"),
    (row("firewall rule", "test-p2p-from-v6", sourceRanges=([], ["::/0"])), "p2p-port-shut", "error", "not as"),
    (row("firewall rule", "test-api", allowed=([], [])), "api-port-shut", "error", "API"),
    (row("firewall rule", "test-ssh", "create"), "ssh-port-shut", "error", "log in"),
    (row("firewall rule", "test-p2p", sourceTags=(["other"], ["test"])), "p2p-port-shut", "error", "not as"),
    (row("firewall rule", "test-p2p", sourceRanges=(["0.0.0.0/0"], [])), "port-open", "warning", "0.0.0.0/0"),
    (row("firewall rule", "test-api", sourceRanges=([*GOOGLE, "192.0.2.0/24"], GOOGLE)), "port-open", "warning",
     "admits 192.0.2.0/24, which"),
    (row("firewall rule", "test-p2p", sourceRanges=(["0.0.0.0/0"], []), sourceTags=([], ["test"])), "port-open",
     "warning", "admits 0.0.0.0/0, which"),
    (row("firewall rule", "test-p2p", sourceRanges=(["10.0.0.0/8"], []), sourceTags=([], ["test"])), "p2p-port-shut",
     "error", "not as"),
    (row("firewall rule", "test-api", sourceRanges=(["0.0.0.0/0"], GOOGLE)), "port-open", "warning",
     "admits 0.0.0.0/0, which"),
    (row("firewall rule", "test-p2p-from-v6", sourceRanges=(["0.0.0.0/0"], ["2001:db8::/32"])), "p2p-port-shut",
     "error", "not as"),
    (row("firewall rule", "test-api", sourceRanges=([GOOGLE[0], "192.0.2.0/24"], GOOGLE)), "api-port-shut", "error",
     "not as"),
    (row("firewall rule", "test-ssh", allowed=([tcp("22", "80")], [tcp("22")])), "port-open", "warning", "tcp 80"),
    (row("firewall rule", "test-ssh", allowed=([tcp("80")], [tcp("22")])), "ssh-port-shut", "error", "not as"),
    (row("firewall rule", "test-ssh", sourceRanges=(["0.0.0.0/0"], []), disabled=(True, False)), "ssh-port-shut",
     "error", "not as"),
    (row("subnet", action="remove"), "infrastructure-differs", "warning", "remove"),
]


@pytest.mark.parametrize(("given", "code", "level", "what"), ROWS, ids=[f"{row[1]} {row[3]}" for row in ROWS])
def test_a_difference_is_named(given: dict[str, Any], code: str, level: str, what: str) -> None:
    (found,) = doctor.findings([given], 4001, 8000)
    assert (found.code, found.level, found.where) == (code, level, f"{given['kind']} {given['name']}")
    assert what in found.what
    assert "provision.yml" in found.fix


@pytest.mark.parametrize(
    "there", ["tcp 22 from 10.9.0.0/24", "udp 22 from 10.9.0.0/16", "tcp 23-80 from 10.9.0.0/16",
              "tcp 22 from sg-1", "tcp 22 from ::/0"]
)  # fmt: skip
def test_a_rule_that_admits_less_or_others_lets_nobody_in(there: str) -> None:
    given = row("security group", rules=([there], ["tcp 22 from 10.9.0.0/16 (SSH)"]))
    found = [item.code for item in doctor.findings([given], 4001, 8000)]
    assert found == ["ssh-port-shut", "port-open"]


def test_each_field_of_a_row_is_reported() -> None:
    given = row("target group", health_path=("/", "/health"), protocol=("HTTPS", "HTTP"))
    found = [item.code for item in doctor.findings([given], 4001, 8000)]
    assert found == ["health-check-differs", "infrastructure-differs"]


def test_no_difference_is_no_finding() -> None:
    assert doctor.findings([], 4001, 8000) == []


def test_machines_from_elsewhere_have_no_plan_that_is_of_use() -> None:
    assert not doctor.is_ours(there=0, members=3)
    assert doctor.is_ours(there=0, members=0)
    assert doctor.is_ours(there=1, members=3)
