# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the contract that are played in a Google project. See contract_rows.py."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from .conftest import CHECKOUT
from .contract import Row, Turn, Turns, World
from .owner import SECRETS

FLEET = "contract"


def fleet(_world: World) -> Turns:
    command = {"argv": ["ansible-inventory", "-i", "inventories/gcp", "--list", "-vvvvv"], "chdir": str(CHECKOUT)}
    yield Turn("list", command, module="ansible.builtin.command", keywords={"changed_when": False}, steps=("done",))


def secret(world: World) -> Turns:
    value = make_secret(world, "lookup")
    look_up = f"lookup('praxis.cloud.secret', '{reference(world, 'lookup')}#KEY')"
    right = f"{look_up} | hash('sha256') == '{hashlib.sha256(value.encode()).hexdigest()}'"
    yield Turn("compare", {"that": [right]}, module="ansible.builtin.assert")
    yield Turn("keep", {"kept": f"{{{{ {look_up} }}}}"}, module="ansible.builtin.set_fact", keywords={"no_log": True})


def secret_info(world: World) -> Turns:
    make_secret(world, "info")
    whole = reference(world, "info")
    yield Turn("observation", {"references": [f"{whole}#KEY", whole], **world.keys})


def p2p_identity(world: World) -> Turns:
    slots = ["contract-1", "contract-2"]
    options = {"cloud": "gcp", "fleet": FLEET, "slots": slots, "recovery_window_days": 0, **world.keys}
    yield Turn("make", options, changes=True)
    for name, value in world.google.secrets().items():
        if name.startswith(f"praxis_{FLEET}_identity_"):
            world.secret(f"the seed {name}", value)
    remove(world, identity(slots[0]))
    yield Turn("make what is gone", options, changes=True)
    yield Turn("remove", {**options, "state": "absent"}, changes=True)


def p2p_identity_info(world: World) -> Turns:
    slots = ["contract-3", "contract-4"]
    for slot in slots:
        seed = secrets.token_bytes(32)
        create(world, identity(slot), seed)
        world.secret(f"the seed of {slot}", seed)
    yield Turn("observation", {"cloud": "gcp", "fleet": FLEET, "slots": [*slots, "contract-5"], **world.keys})
    for slot in slots:
        remove(world, identity(slot))


def gcp_infrastructure_info(world: World) -> Turns:
    """What was made for the fleet, as one that gives it to another fleet names it; and what there is of its own."""
    like = described(world)
    region = like["zone"].rpartition("/")[2].rpartition("-")[0]
    given = {"fleet": FLEET, "region": region, "subnetwork": like["networkInterfaces"][0]["subnetwork"],
             "service_account": like["serviceAccounts"][0]["email"], "backend_service": "praxis-praxis", **world.keys}
    found = (yield Turn("observe what is given", given))["done"].result
    assert found["network"]["id"] == f"{world.google.project}/praxis-praxis"
    assert found["backend_service"]["name"] == "praxis-praxis"
    own = (yield Turn("observe what was made", {"fleet": "praxis", "region": region, **world.keys}))["done"].result
    assert "backend_service" in own["balancer_made"]
    assert set(found["backend_service"]["zones"]) == set(own["group_zones"])


def gcp_infrastructure(world: World) -> Turns:
    """All but the machines, whose rows are gcp_machines', and the load balancer."""
    region = described(world)["zone"].rpartition("/")[2].rpartition("-")[0]
    options = {"fleet": FLEET, "region": region, "parts": ["network", "firewall", "access"], "cidr": "10.201.0.0/24",
               "ssh_from": ["203.0.113.7/32"], "balancer_from": ["203.0.113.0/24"], **world.keys}
    yield Turn("make", options, changes=True)
    name = f"praxis-{FLEET}"
    world.google.patch(f"global/firewalls/{name}-p2p", sourceTags=[name, "b"])
    world.google.patch(f"global/firewalls/{name}-ssh", disabled=True)
    fixed = yield Turn("restore fields", options, changes=True)
    named = {row["name"]: [each["field"] for each in row["fields"]] for row in fixed["done"].result["plan"]["rows"]}
    assert named == {f"{name}-p2p": ["sourceTags"], f"{name}-ssh": ["disabled"]}
    gone = {"fleet": FLEET, "region": region, "state": "absent", "parts": options["parts"], **world.keys}
    yield Turn("remove", gone, changes=True)


def gcp_resource(world: World) -> Turns:
    """A network, and a firewall rule of it that is edited by hand, fields and all."""
    network = {"kind": "network", "name": FLEET, **world.keys}
    body = {"network": f"global/networks/{FLEET}", "sourceTags": ["a"], "targetTags": ["a"],
            "allowed": [{"IPProtocol": "tcp", "ports": ["4001"]}]}
    rule = {"kind": "firewall", "name": FLEET, "body": body, **world.keys}
    yield Turn("make a network", {**network, "body": {"autoCreateSubnetworks": False}}, changes=True)
    yield Turn("make a rule", rule, changes=True)
    world.google.patch(f"global/firewalls/{FLEET}", sourceTags=["a", "b"], description="edited by hand")
    fixed = yield Turn("put a field back", rule, changes=True)
    assert "sourceTags" in str(fixed["predicted"].result["diff"])
    assert fixed["done"].result["resource"]["description"] == "edited by hand"
    yield Turn("remove the rule", {**rule, "state": "absent"}, changes=True)
    yield Turn("remove the network", {**network, "state": "absent"}, changes=True)


def gcp_service_account(world: World) -> Turns:
    options = {"name": f"praxis-{FLEET}", "mark": "made by a test", **world.keys}
    yield Turn("make", options, changes=True)
    yield Turn("remove", {**options, "state": "absent"}, changes=True)


def gcp_permissions_info(world: World) -> Turns:
    """One permission that the controller has, and one that it has not."""
    project = world.cloud.environment["GOOGLE_CLOUD_PROJECT"]
    grant = {"on": f"projects/{project}", "permissions": ["compute.instances.list", "compute.licenses.create"]}
    found = (yield Turn("ask", {"roles": {"deploy": [grant]}}))["done"].result
    assert [each["where"] for each in found["findings"]] == ["Google Cloud deploy"]


def gcp_machines(world: World) -> Turns:
    like = described(world)
    interface = like["networkInterfaces"][0]
    options = {
        "fleet": FLEET,
        "hosts": 1,
        "zones": [like["zone"].rpartition("/")[2]],
        "subnetwork": interface["subnetwork"],
        "network_tags": like["tags"]["items"],
        "ssh_public_key": ssh_key(like),
        **world.keys,
    }
    launched = (yield Turn("launch", options, changes=True))["done"].result["machines"][0]
    path = f"zones/{launched['zone']}/instances/{launched['name']}"
    now = world.google.call("GET", path)
    labels = {**now["labels"], "praxis_slot": "renamed"}
    operation = world.google.call("POST", f"{path}/setLabels", {
        "labels": labels, "labelFingerprint": now["labelFingerprint"]})
    world.google.finish(operation)
    yield Turn("restore labels", options, changes=True)
    yield Turn("delete", {"fleet": FLEET, "state": "absent", **world.keys}, changes=True)


def gcp_lb_target(world: World) -> Turns:
    like = described(world)
    zone = like["zone"].rpartition("/")[2]
    options = {"backend_service": "praxis-praxis", "targets": [{"id": like["name"], "zone": zone}], **world.keys}
    yield Turn("take out", {**options, "state": "absent", "wait": False}, changes=True)
    yield Turn("put in", options, changes=True)
    (group,) = [item for item in world.google.scoped("aggregated/instanceGroups")
                if item["zone"].rpartition("/")[2] == zone and item["name"].startswith("praxis-praxis")]
    world.google.finish(world.google.call("POST", f"{group['selfLink']}/removeInstances", {
        "instances": [{"instance": like["selfLink"]}]}))
    yield Turn("registered again", options, changes=True)


def described(world: World) -> dict[str, Any]:
    """The machine as Compute Engine describes it."""
    (found,) = [item for item in world.google.scoped("aggregated/instances") if item["name"] == world.machine.name]
    return found


def ssh_key(instance: dict[str, Any]) -> str:
    (keys,) = [item["value"] for item in instance["metadata"]["items"] if item["key"] == "ssh-keys"]
    return str(keys.partition(":")[2])


def identity(slot: str) -> str:
    """The name of a slot's secret."""
    return f"praxis_{FLEET}_identity_{slot}"


def reference(world: World, name: str) -> str:
    return f"gcp-sm://{world.google.project}/praxis_{FLEET}_{name}"


def make_secret(world: World, name: str) -> str:
    """A secret of the store, of JSON with one KEY."""
    value = secrets.token_urlsafe(24)
    world.secret(f"the secret for {name}", value.encode())
    create(world, f"praxis_{FLEET}_{name}", json.dumps({"KEY": value}).encode())
    return value


def create(world: World, name: str, value: bytes) -> None:
    where = f"{SECRETS}/projects/{world.google.project}/secrets"
    world.google.call("POST", where, {"replication": {"automatic": {}}}, secretId=name)
    payload = {"data": base64.b64encode(value).decode()}
    world.google.call("POST", f"{where}/{name}:addVersion", {"payload": payload})


def remove(world: World, name: str) -> None:
    world.google.call("DELETE", f"{SECRETS}/projects/{world.google.project}/secrets/{name}")


GOOGLE_ROWS = (
    Row("fleet", ("inventory",), fleet, cloud="gcp"),
    Row("secret", ("lookup",), secret, cloud="gcp", repeats=True),
    Row("secret_info", ("modules",), secret_info, cloud="gcp", repeats=True),
    Row("p2p_identity", ("modules",), p2p_identity, changes=True, cloud="gcp"),
    Row("p2p_identity_info", ("modules",), p2p_identity_info, cloud="gcp", repeats=True),
    Row("gcp_infrastructure_info", ("modules",), gcp_infrastructure_info, cloud="gcp"),
    Row("gcp_infrastructure", ("action", "modules"), gcp_infrastructure, changes=True, cloud="gcp"),
    Row("gcp_resource", ("modules",), gcp_resource, changes=True, cloud="gcp", repeats=True),
    Row("gcp_service_account", ("modules",), gcp_service_account, changes=True, cloud="gcp", repeats=True),
    Row("gcp_permissions_info", ("modules",), gcp_permissions_info, cloud="gcp"),
    Row("gcp_machines", ("modules",), gcp_machines, changes=True, cloud="gcp", repeats=True),
    Row("gcp_lb_target", ("modules",), gcp_lb_target, changes=True, cloud="gcp", repeats=True),
)
