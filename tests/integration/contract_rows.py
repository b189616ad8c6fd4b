# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the contract: for each module and plugin, states of the world and what is asked for in them.

A row is a generator. Between two turns it changes the world past the product, as an owner or an accident would; the
next turn is to fix that. Rows go in this order, and the last one leaves the fleet whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from sandbox.site import Site
from tests.unit.kubernetes.fake_api import FakeApi

from . import seen
from .conftest import CHECKOUT, HOME, OwnRegistry
from .contract import PLAN, Row, Turn, Turns, World, plan
from .contract_rows_google import GOOGLE_ROWS

FLEET = "contract"


def pure(that: list[str], **values: Any) -> Turn:
    """Something that takes values and gives one, and leaves what it took as it was."""
    return Turn("use", {"that": that}, module="ansible.builtin.assert", keywords={"vars": values})


def fleet(_world: World) -> Turns:
    command = {"argv": ["ansible-inventory", "-i", "inventories/aws", "--list", "-vvvvv"], "chdir": str(CHECKOUT)}
    yield Turn("list", command, module="ansible.builtin.command", keywords={"changed_when": False}, steps=("done",))


def summary(world: World) -> Turns:
    """A run that ends with a summary, and one that is stopped by a task whose reason is a secret."""
    make_secret(world, "stopped")
    reason = f"{{{{ lookup('praxis.cloud.secret', 'aws-sm://praxis/{FLEET}/stopped#KEY') }}}}"
    stop = {"name": "Stop", "ansible.builtin.fail": {"msg": reason}, "no_log": True}
    book = world.folder / "stopped.json"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [stop]}]))
    # The witness is for the run around it.
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "praxis_recorder", "ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.summary",
                   "ANSIBLE_VERBOSE_TO_STDERR": "true", "PRAXIS_SUMMARY_FORMAT": "json"}

    def run(name: str, playbook: str, returned: int) -> Turn:
        command = {"argv": ["ansible-playbook", playbook, "-i", "inventories/aws", "-vvvvv"], "chdir": str(CHECKOUT)}
        keywords = {"environment": environment, "changed_when": False, "register": "ran",
                    "failed_when": f"ran.rc != {returned}"}
        return Turn(name, command, module="ansible.builtin.command", keywords=keywords, steps=("done",))

    whole = json.loads((yield run("summary", "status.yml", 0))["done"].result["stdout"])
    assert (whole["verdict"], whole["findings"]) == ("good", [])
    stopped = json.loads((yield run("stopped", str(book), 2))["done"].result["stdout"])
    assert stopped["failure"]["where"] == "Stop (localhost)"


def live(world: World) -> Turns:
    """A run that ends well, and one that is stopped by a task whose reason is a secret."""
    make_secret(world, "stopped-live")
    reason = f"{{{{ lookup('praxis.cloud.secret', 'aws-sm://praxis/{FLEET}/stopped-live#KEY') }}}}"
    stop = {"name": "Stop", "ansible.builtin.fail": {"msg": reason}, "no_log": True}
    book = world.folder / "stopped-live.json"
    book.write_text(json.dumps([{"hosts": "praxis", "gather_facts": False, "tasks": [stop]}]))
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "praxis_recorder", "ANSIBLE_STDOUT_CALLBACK": "praxis.cloud.live"}
    runs = (("good", "status.yml", 0, ": good; "), ("stopped", str(book), 2, " failed: "))
    for name, playbook, returned, reported in runs:
        command = {"argv": ["ansible-playbook", playbook, "-i", "inventories/aws"], "chdir": str(CHECKOUT)}
        keywords = {"environment": environment, "changed_when": False, "register": "ran",
                    "failed_when": f"ran.rc != {returned}"}
        done = (yield Turn(name, command, module="ansible.builtin.command", keywords=keywords, steps=("done",)))["done"]
        assert reported in done.result["stdout"]


def secret(world: World) -> Turns:
    value = make_secret(world, "lookup")
    look_up = f"lookup('praxis.cloud.secret', 'aws-sm://praxis/{FLEET}/lookup#KEY')"
    right = f"{look_up} | hash('sha256') == '{hashlib.sha256(value.encode()).hexdigest()}'"
    yield Turn("compare", {"that": [right]}, module="ansible.builtin.assert")
    yield Turn("keep", {"kept": f"{{{{ {look_up} }}}}"}, module="ansible.builtin.set_fact", keywords={"no_log": True})


def secret_info(world: World) -> Turns:
    make_secret(world, "info")
    reference = f"aws-sm://praxis/{FLEET}/info"
    yield Turn("observation", {"references": [f"{reference}#KEY", reference], **world.keys})


def p2p_identity(world: World) -> Turns:
    store, slots = world.owner("secretsmanager"), ["contract-1", "contract-2"]
    options = {"fleet": FLEET, "slots": slots, "recovery_window_days": 0, **world.keys}
    yield Turn("make", options, changes=True)
    for slot in slots:
        world.secret(f"the seed of {slot}", store.get_secret_value(SecretId=identity(slot))["SecretBinary"])
    store.delete_secret(SecretId=identity(slots[0]), RecoveryWindowInDays=7)
    yield Turn("restore", options, changes=True)
    yield Turn("remove", {**options, "state": "absent"}, changes=True)


def p2p_identity_info(world: World) -> Turns:
    store, slots = world.owner("secretsmanager"), ["contract-3", "contract-4"]
    for slot in slots:
        seed = secrets.token_bytes(32)
        store.create_secret(Name=identity(slot), SecretBinary=seed)
        world.secret(f"the seed of {slot}", seed)
    store.delete_secret(SecretId=identity(slots[1]), RecoveryWindowInDays=7)
    yield Turn("observation", {"fleet": FLEET, "slots": [*slots, "contract-5"], **world.keys})
    for slot in slots:
        store.delete_secret(SecretId=identity(slot), ForceDeleteWithoutRecovery=True)


def aws_infrastructure_info(world: World) -> Turns:
    """What was made for the fleet, as one that gives it to another fleet names it: by ids and names, and by tags."""
    like = described(world)
    options: dict[str, Any] = {
        "fleet": FLEET,
        "security_groups": [group["GroupId"] for group in like["SecurityGroups"]],
        "target_group": "praxis-praxis",
        "key_name": like["KeyName"],
        "instance_profile": like["IamInstanceProfile"]["Arn"].rpartition("/")[2],
        **world.keys,
    }
    by_id = yield Turn("observe by id", {**options, "vpc": like["VpcId"], "subnets": [like["SubnetId"]]})
    assert by_id["done"].result["vpc"]["id"] == like["VpcId"]
    assert by_id["done"].result["subnets"] == [like["SubnetId"]]
    by_tags = yield Turn("observe by tags", {**options, "subnets": {"praxis_fleet": "praxis"}})
    assert like["SubnetId"] in by_tags["done"].result["subnets"]


def aws_permissions_info(world: World) -> Turns:
    """One statement that the controller's policy has, and one that it has not."""
    have, lack = (
        {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": ["*"]}
        for sid, action in (("Observe", "ec2:DescribeInstances"), ("Rent", "ec2:AllocateAddress"))
    )
    policies = {"deploy": {"Version": "2012-10-17", "Statement": [have, lack]}}
    found = (yield Turn("ask", {"policies": policies, **world.keys}))["done"].result
    assert [each["where"] for each in found["findings"]] == ["AWS deploy Rent"]


def aws_caller_info(world: World) -> Turns:
    found = (yield Turn("ask", world.keys))["done"].result
    assert (found["account"], found["partition"]) == ("123456789012", "aws")


def aws_infrastructure(world: World) -> Turns:
    """All but the machines, whose rows are aws_machines'."""
    owner, region = world.owner("ec2"), world.cloud.environment["AWS_REGION"]
    options = {
        "fleet": FLEET,
        "parts": ["network", "firewall", "access", "key"],
        "vpc_cidr": "10.43.0.0/16",
        "zones": [f"{region}a", f"{region}b"],
        "public_key": (HOME / "ssh" / "id_ed25519.pub").read_text(encoding="utf-8"),
        **world.keys,
    }
    made = (yield Turn("make", options, changes=True))["done"].result
    owner.create_tags(Resources=[made["vpc"]], Tags=[{"Key": "Name", "Value": "renamed"}])
    owner.modify_vpc_attribute(VpcId=made["vpc"], EnableDnsHostnames={"Value": False})
    owner.modify_subnet_attribute(SubnetId=made["subnets"][0], MapPublicIpOnLaunch={"Value": False})
    hole = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    owner.authorize_security_group_ingress(GroupId=made["member_group_id"], IpPermissions=[hole])
    fixed = (yield Turn("restore tags, settings and rules", options, changes=True))["done"].result
    assert (fixed["vpc"], fixed["subnets"]) == (made["vpc"], made["subnets"])
    yield Turn("remove", {"fleet": FLEET, "state": "absent", "parts": options["parts"], **world.keys}, changes=True)


def aws_machines(world: World) -> Turns:
    owner, like = world.owner("ec2"), described(world)
    options = {
        "fleet": FLEET,
        "hosts": 1,
        "image_id": like["ImageId"],
        "instance_type": like["InstanceType"],
        "key_name": like["KeyName"],
        "subnet_ids": [like["SubnetId"]],
        "security_group_ids": [group["GroupId"] for group in like["SecurityGroups"]],
        **world.keys,
    }
    launched = (yield Turn("launch", options, changes=True))["done"].result["machines"][0]["instance_id"]
    owner.create_tags(Resources=[launched], Tags=[{"Key": "Name", "Value": "renamed"}])
    yield Turn("restore tags", options, changes=True)
    yield Turn("terminate", {"fleet": FLEET, "state": "absent", **world.keys}, changes=True)


def fleet_inventory(_world: World) -> Turns:
    yield Turn("the machine", {})
    yield Turn("nobody", {"allow_empty": True, "logs_in": False})


def fleet_plan(world: World) -> Turns:
    references = {name: f"aws-sm://praxis/praxis/agent#{name}" for name in agent_secrets(world)}
    value = secrets.token_urlsafe(24)
    world.secret("a secret by value", value.encode())
    variables = {"praxis_agent_secrets": {**references, "BY_VALUE": value}}
    hosts = {"hosts": [world.machine.name]}
    unmade = {"praxis_fleet": FLEET, **variables}
    yield Turn("plan before the identities", {**hosts, "allow_missing": True}, variables=unmade)
    yield Turn("plan", hosts, variables=variables)


def fleet_render(world: World) -> Turns:
    """One of the machines stands for a kind of members, the others for leaves."""
    seed = base64.b64encode(secrets.token_bytes(32)).decode()
    world.secret("the seed of a pod", seed.encode())
    stores = {"stores": {"aws-sm": "praxis"}}
    member = {"role": "member", "seeds": [seed], "identities": stores}
    kind = "{{ %s if inventory_hostname == '%s' else {'role': 'leaf'} }}" % (member, world.machine.name)
    references = {name: f"aws-sm://praxis/praxis/agent#{name}" for name in agent_secrets(world)}
    variables = {
        "praxis_target": "kubernetes",
        "praxis_agent_secrets": references,
        "praxis_kubernetes": {"replicas": 1, "secrets": stores},
        "praxis_kubernetes_kind": kind,
    }
    dest = world.folder / "manifests"
    yield Turn("write", {"dest": str(dest)}, changes=True, variables=variables)
    fewer = {**variables, "praxis_agent_environment": {"ANOTHER": "release"}}
    changed = yield Turn("write another release", {"dest": str(dest)}, changes=True, variables=fewer)
    assert changed["done"].result["removed"] and "StatefulSet" in "".join(
        path.read_text(encoding="utf-8") for path in dest.iterdir()
    )


def fleet_image(world: World) -> Turns:
    """A copy within the sandbox's registry, by its address, with its login."""
    own = OwnRegistry(world.cloud)
    given = own.variables(own.password)
    world.secret("the login of a registry", own.password.encode())
    for tag in ("1.0", "1.1"):
        copy = {"copy_from": given["praxis_image"], "name": f"{own.server}/contract/copied:{tag}"}
        done = yield Turn(f"copy to {tag}", {**copy, "registries": given["praxis_registries"]}, changes=True)
        assert done["done"].result["digest"].startswith("sha256:")


def fleet_kubernetes(world: World) -> Turns:
    """Against a stand-in for an API server: a real one is in tests/kubernetes. The machines stand for kinds of leaves,
    but for one."""
    seed = base64.b64encode(secrets.token_bytes(32)).decode()
    world.secret("the seed of a pod in a cluster", seed.encode())
    stores = {"stores": {"aws-sm": "praxis"}}
    member = {"role": "member", "seeds": [seed], "identities": stores}
    variables = {
        "praxis_target": "kubernetes",
        "praxis_agent_secrets": {name: f"aws-sm://praxis/praxis/agent#{name}" for name in agent_secrets(world)},
        "praxis_kubernetes": {"replicas": 1, "secrets": stores},
        "praxis_kubernetes_kind":
            "{{ %s if inventory_hostname == '%s' else {'role': 'leaf'} }}" % (member, world.machine.name),
    }
    api = FakeApi(world.folder)
    arguments = {"state": "deployed", "kubeconfig": str(api.kubeconfig)}
    yield Turn("deploy to a cluster", arguments, changes=True, variables=variables)
    other = {**variables, "praxis_agent_environment": {"ANOTHER": "release"}}
    yield Turn("deploy another release to a cluster", arguments, changes=True, variables=other)
    assert any("statefulsets" in path for path in api.objects)
    api.close()


def fleet_ecs(world: World) -> Turns:
    """The machines' names stand for kinds of agents. Nobody is at the other end of their bootstrap list."""
    references = {name: f"aws-sm://praxis/praxis/agent#{name}" for name in agent_secrets(world)}
    nobody = Site(HOME.parent).addresses.at(250)
    peer = f"/ip4/{nobody}/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
    day = {"name": "day", "schedule": "cron(0 8 ? * MON-FRI *)", "timezone": "Europe/Berlin", "min": 3}
    variables = {
        "praxis_target": "ecs",
        "praxis_target_group": "",
        "praxis_slot": "{{ inventory_hostname }}",
        "praxis_agent_secrets": references,
        "praxis_ecs": {"bootstrap": [peer], "subnets": [described(world)["SubnetId"]],
                       "autoscaler": {"min": 1, "schedules": [day]}},
    }
    observes = ("again",)
    yield Turn("plan", {"state": "plan"}, variables=variables, steps=observes)
    yield Turn("deploy", {"state": "deployed"}, changes=True, variables=variables)
    named = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    service = f"service/praxis-praxis/{world.machine.name}"
    world.owner("application-autoscaling").register_scalable_target(**named, ResourceId=service, MaxCapacity=3)
    yield Turn("correct the autoscaler", {"state": "deployed"}, changes=True, variables=variables)
    for state in ("status", "verified", "history"):
        yield Turn(state, {"state": state}, variables=variables, steps=observes)
    yield Turn("remove", {"state": "absent"}, changes=True, variables=variables)


def fleet_order(world: World) -> Turns:
    yield Turn("order", PLAN, before=(plan(world), on_machine(world, "agent_release", state="prepared")))


def fleet_doctor(world: World) -> Turns:
    yield Turn("judge", {**PLAN, "hosts": [world.machine.name]},
               before=(plan(world), on_machine(world, "agent_release", state="prepared", examine=True)))  # fmt: skip


def fleet_verify(world: World) -> Turns:
    yield Turn("judge", PLAN, before=(plan(world), on_machine(world, "agent_info")))


GROUP = "praxis-praxis"


def target_of(world: World) -> dict[str, Any]:
    """The world's machine as AWS's own requests name it."""
    group = world.owner("elbv2").describe_target_groups(Names=[GROUP])["TargetGroups"][0]["TargetGroupArn"]
    return {"TargetGroupArn": group, "Targets": [{"Id": world.instance}]}


def wait_until_drained(world: World) -> None:
    """Draining ends by itself, in the middle of a turn if it is left to."""

    def state() -> str:
        answer = world.owner("elbv2").describe_target_health(**target_of(world))
        return str(answer["TargetHealthDescriptions"][0]["TargetHealth"]["State"])

    seen.wait_for("the end of draining", lambda: state() == "unused", deadline=120)


def aws_lb_target(world: World) -> Turns:
    options = {"target_group": GROUP, "targets": [{"id": world.instance}], **world.keys}
    yield Turn("take out", {**options, "state": "absent", "wait": False}, changes=True)
    wait_until_drained(world)
    yield Turn("put in", options, changes=True)
    world.owner("elbv2").deregister_targets(**target_of(world))
    wait_until_drained(world)
    yield Turn("registered again", options, changes=True)


def fleet_balancer(world: World) -> Turns:
    # How the others are decides whether this one may be taken out.
    options, planned = {**PLAN, "members": [world.machine.name]}, {"before": (plan(world), on_all("agent_info"))}
    yield Turn("take out", {**options, "state": "absent"}, changes=True, **planned)
    wait_until_drained(world)
    answered = yield Turn("put in", options, changes=True, **planned)
    assert [target["healthy"] for target in answered["done"].result["targets"]] == [True]


def agent_info(world: World) -> Turns:
    """The agent has printed a secret and stopped, so that the observation holds its log."""
    reported = '. /run/praxis/environment; echo "it is $OPENAI_API_KEY" > /proc/1/fd/1'
    assert agent_secrets(world)["OPENAI_API_KEY"]
    world.cloud.on(world.machine, f"docker exec praxis-agent-1 sh -c '{reported}'")
    world.cloud.on(world.machine, "docker stop praxis-agent-1")
    options = {"api_port": 8000, "p2p_port": 4001, "dial": []}
    seen = yield Turn("observation", options)
    assert "it is ********" in seen["done"].result["observation"]["container"]["logs"]
    world.cloud.on(world.machine, "docker start praxis-agent-1")
    yield Turn("observe by the plan", PLAN, before=(plan(world),))
    yield Turn("observe what is kept", {"kept": True})


def agent_plan(world: World) -> Turns:
    """One agent out of options alone, and then its peers."""
    seed = base64.b64encode(secrets.token_bytes(32))
    world.secret("the identity by option", seed)
    key = make_secret(world, "agent-plan")
    world.secret("the agent's key", key.encode())
    options = {"image": world.cloud.environment["PRAXIS_IMAGE"], "identity": seed.decode(), "address": "192.0.2.10",
               "secrets": {"OPENAI_API_KEY": f"aws-sm://praxis/{FLEET}/agent-plan#KEY"}}  # fmt: skip
    planned = {"hosts": "localhost", "tasks": [{"name": "before: plan", "praxis.cloud.agent_plan": options}]}
    yield Turn("plan", options)
    yield Turn("name the peers", {"run": "{{ ansible_facts['praxis_agent']['run'] }}", "peers": []}, before=(planned,))


def agent_release(world: World) -> Turns:
    """Another release, with all secrets among the arguments, and back; then nothing, and back as a playbook does it."""
    image = world.cloud.environment["PRAXIS_IMAGE"].replace(":1.0", ":1.1")
    before = world.cloud.on(world.machine, "basename $(readlink /opt/praxis/current)").strip()
    other = world.slice({"praxis_image": image, "praxis_agent_config": {"llm": {"timeout": 7}}})
    given = {name: f"{name}-{secrets.token_urlsafe(24)}" for name in agent_secrets(world)}
    for name, value in given.items():
        world.secret(f"{name} by argument", value.encode())
    options = {**other, "secrets": given, "seed": seed_of(world), "registry": login(world)}
    yield Turn("prepare", {**options, "state": "prepared"}, changes=True)
    yield Turn("activate", {**options, "state": "active"}, changes=True)
    world.cloud.on(world.machine, "docker stop praxis-agent-1")
    yield Turn("start what was stopped", {**options, "state": "active"}, changes=True)
    yield Turn("restore", {**options, "state": "restored", "previous": before}, changes=True)
    yield Turn("remove", {"state": "absent"}, changes=True)
    # The doctor's look at the machine comes with a prediction alone.
    examined = {**PLAN, "state": "prepared", "examine": True}
    yield Turn("prepare by the plan", examined, changes=True, before=(plan(world),))
    prepared = on_machine(world, "agent_release", state="prepared")
    yield Turn("activate by the plan", {**PLAN, "state": "active"}, changes=True, before=(plan(world), prepared))
    active = on_machine(world, "agent_release", state="active")
    yield Turn("confirm by the plan", {**PLAN, "state": "confirmed"}, changes=True,
               before=(plan(world), prepared, active))  # fmt: skip
    assert seen.releases(world.cloud)[world.machine.name] == before


def described(world: World) -> dict[str, Any]:
    """The machine as EC2 describes it."""
    found = world.owner("ec2").describe_instances(InstanceIds=[world.instance])
    instance: dict[str, Any] = found["Reservations"][0]["Instances"][0]
    return instance


def identity(slot: str) -> str:
    """The name of a slot's secret."""
    return f"praxis/{FLEET}/identity/{slot}"


def make_secret(world: World, name: str) -> str:
    """A secret of the store, of JSON with one KEY."""
    value = secrets.token_urlsafe(24)
    world.secret(f"the secret for {name}", value.encode())
    world.owner("secretsmanager").create_secret(Name=f"praxis/{FLEET}/{name}", SecretString=json.dumps({"KEY": value}))
    return value


def agent_secrets(world: World) -> dict[str, str]:
    """The fleet's own secrets, by name."""
    found = json.loads(world.owner("secretsmanager").get_secret_value(SecretId="praxis/praxis/agent")["SecretString"])
    for name, value in found.items():
        world.secret(name, value.encode())
    return found


def seed_of(world: World) -> str:
    """The machine's own seed, as the module takes it."""
    store = world.owner("secretsmanager")
    seed = store.get_secret_value(SecretId="praxis/praxis/identity/" + world.machine.name.removeprefix("praxis-"))
    world.secret("the machine's seed", seed["SecretBinary"])
    return base64.b64encode(seed["SecretBinary"]).decode()


def login(world: World) -> dict[str, str]:
    """The registry's, as the module takes it."""
    token = world.owner("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    username, _colon, password = base64.b64decode(token).decode().partition(":")
    world.secret("the registry's password", password.encode())
    world.secret("the registry's token", token.encode())
    return {"server": world.cloud.state["registry"]["name"], "username": username, "password": password}


def on_machine(world: World, module: str, **arguments: Any) -> dict[str, Any]:
    """A play that runs a module as a playbook does, for what comes after it."""
    return {**on_all(module, **arguments), "hosts": world.machine.name}


def on_all(module: str, **arguments: Any) -> dict[str, Any]:
    """The same on all machines."""
    task = {"name": f"before: {module}", f"praxis.cloud.{module}": {**PLAN, **arguments}}
    return {"hosts": "praxis", "become": True, "vars": {"ansible_pipelining": True}, "tasks": [task]}


def fleet_history(world: World) -> Turns:
    observation = {"name": "before: observe", "praxis.cloud.agent_info": {"kept": True}, "register": "kept"}
    before = {"hosts": "praxis", "gather_facts": False, "become": True, "tasks": [observation]}
    hosts = sorted(seen.releases(world.cloud))
    answered = yield Turn("list", {"hosts": hosts, "kept": "kept"}, before=(before,))
    assert answered["done"].result["deployments"][0]["reason"] == "deploy"


def fleet_lock(world: World) -> Turns:
    """A deployment takes the lock, a newer one takes over from it, and gives it back."""
    process = {"place": "here", "pid": 7, "started": "1"}
    first = {"run": "one", "owner": "a test", "lock_host": world.machine.name, "fence": 7, "process": process}
    yield Turn("take", {"deployment": first}, changes=True)
    second = {**first, "run": "two"}
    yield Turn("take over", {"deployment": second, "seen": 7, "over": ["one"]}, changes=True)
    yield Turn("give back", {"deployment": {**second, "fence": 8}, "state": "absent"}, changes=True)
    # A person's lock. The play is on one machine, so it is all of the fleet here.
    observation = {"name": "before: ask", "praxis.cloud.fleet_lock": {"state": "observed"}, "register": "observed"}
    before = ({"hosts": "praxis", "gather_facts": False, "become": True, "tasks": [observation]},)
    fleet = {"observations": "observed", "hosts": [world.machine.name]}
    locked = yield Turn("lock", {**fleet, "reason": "a test"}, before=before, changes=True)
    assert locked["done"].result["lock"]["reason"] == "a test"
    yield Turn("observe", {"state": "observed"}, steps=("again",))
    yield Turn("unlock", {**fleet, "state": "absent"}, before=before, changes=True)


def ssh_host_keys(world: World) -> Turns:
    """With keys that are given, SSH takes no others: on the machine that they are of, and under another's name."""
    line = world.cloud.on(world.machine, "cat /etc/ssh/ssh_host_ed25519_key.pub").strip()
    look_up = f"lookup('praxis.cloud.ssh_host_keys', 'it', keys={{'it': ['{line}']}})"
    # In quotes, as it stands in ansible_ssh_common_args.
    command = {"cmd": f"ssh {{{{ {look_up} }}}} -o BatchMode=yes nobody@{world.machine.public_ip}"}
    refused = "'Permission denied' not in ran.stderr or 'authenticity' in ran.stderr"
    yield Turn("log in", command, module="ansible.builtin.shell", steps=("done",),
               keywords={"changed_when": False, "register": "ran", "failed_when": refused})  # fmt: skip


def aws_policies(world: World) -> Turns:
    drawn = "('it' | praxis.cloud.aws_policies('us-east-1', account='123456789012')).down.Statement | length > 3"
    yield Turn("work out", {"that": [drawn]}, module="ansible.builtin.assert")


def gcp_roles(world: World) -> Turns:
    yield Turn("work out", {"that": ["('it' | praxis.cloud.gcp_roles('p')).down.0.permissions | length > 3"]},
               module="ansible.builtin.assert")  # fmt: skip


def provision_outcome(world: World) -> Turns:
    machine = {"name": "it", "slot": "1", "instance_id": "i-1", "zone": "z", "private_ip": "10.0.0.1", "public_ip": ""}
    result = {"region": "r", "balancer": "", "machines": [machine], "launched": [], "terminated": []}
    account = {"praxis_cloud": "aws", "provision_result": result}
    member = {"inventory_hostname": "it", "praxis_login": {}}
    outcome = f"({[account]} | praxis.cloud.provision_outcome({[member]}))"
    drawn = f"{outcome}.lines.1 is match('it +1 +i-1 +z +10.0.0.1 +- +ok$') and {outcome}.wrong == ''"
    yield Turn("sum up", {"that": [drawn]}, module="ansible.builtin.assert")


def from_the_start(world: World) -> Turns:
    yield Turn("begin", {"that": ["('all' | praxis.cloud.from_the_start) == 'all'"]}, module="ansible.builtin.assert")


def project(world: World) -> Turns:
    made = yield Turn("write", {"dest": str(world.folder / "project")}, changes=True)
    assert "ansible.cfg" in made["done"].result["written"]
    assert (world.folder / "project" / "ansible.cfg").is_file()


def fleet_host_keys(world: World) -> Turns:
    kept = yield Turn("keep", {"path": str(world.folder / "host_keys")}, changes=True)
    assert kept["done"].result["unknown"] == []
    assert world.machine.name in (world.folder / "host_keys").read_text(encoding="utf-8")


def agent_data(world: World) -> Turns:
    """Where nothing is mounted, nothing is frozen, stopped or unmounted."""
    for state in ("frozen", "thawed", "released"):
        yield Turn(state, {"state": state, "source": "/var/lib/praxis/data/agent"})


def agent_backup(world: World) -> Turns:
    """A machine without a disk that provisioning made has nothing that could be backed up, which is data."""
    answered = yield Turn("back up", {"fleet": FLEET, "backup": "20261128t220823z"})
    assert answered["done"].result["failure"]["code"] == "backup-no-disk"


def fleet_backups(world: World) -> Turns:
    named = yield Turn("name", {"state": "named", "fleet": FLEET, "hosts": [world.machine.name]})
    assert named["done"].result["backup"].endswith("z")


BOTH = ("action", "modules")
ROWS = (
    Row("fleet", ("inventory",), fleet),
    Row("summary", ("callback",), summary, repeats=True),
    Row("live", ("callback",), live, repeats=True),
    Row("secret", ("lookup",), secret),
    Row("ssh_host_keys", ("lookup",), ssh_host_keys),
    Row("provision_outcome", ("filter",), provision_outcome, repeats=True),
    Row("from_the_start", ("filter",), from_the_start, repeats=True),
    Row("aws_policies", ("filter",), aws_policies, repeats=True),
    Row("gcp_roles", ("filter",), gcp_roles, repeats=True),
    Row("secret_info", ("modules",), secret_info, repeats=True),
    Row("p2p_identity", ("modules",), p2p_identity, changes=True),
    Row("p2p_identity_info", ("modules",), p2p_identity_info, repeats=True),
    Row("aws_infrastructure_info", ("modules",), aws_infrastructure_info),
    Row("aws_permissions_info", ("modules",), aws_permissions_info),
    Row("aws_caller_info", ("modules",), aws_caller_info),
    Row("aws_infrastructure", BOTH, aws_infrastructure, changes=True, repeats=True),
    Row("aws_machines", ("modules",), aws_machines, changes=True, repeats=True),
    Row("aws_lb_target", ("modules",), aws_lb_target, changes=True, repeats=True),
    Row("fleet_inventory", BOTH, fleet_inventory),
    Row("fleet_plan", BOTH, fleet_plan),
    Row("fleet_render", BOTH, fleet_render, on="controller", changes=True),
    Row("fleet_image", BOTH, fleet_image, changes=True, repeats=True),
    Row("fleet_kubernetes", BOTH, fleet_kubernetes, on="controller", changes=True, repeats=True),
    Row("fleet_ecs", BOTH, fleet_ecs, changes=True, repeats=True),
    Row("fleet_order", BOTH, fleet_order),
    Row("fleet_verify", BOTH, fleet_verify),
    Row("fleet_doctor", BOTH, fleet_doctor, repeats=True),
    Row("fleet_history", BOTH, fleet_history, repeats=True),
    Row("fleet_host_keys", BOTH, fleet_host_keys, on="controller", changes=True),
    Row("project", BOTH, project, on="controller", changes=True),
    Row("fleet_balancer", BOTH, fleet_balancer, changes=True, repeats=True),
    Row("agent_plan", BOTH, agent_plan),
    Row("agent_info", BOTH, agent_info, on="machine", repeats=True),
    Row("agent_release", BOTH, agent_release, on="machine", changes=True),
    Row("fleet_lock", BOTH, fleet_lock, on="machine", changes=True, repeats=True),
    Row("agent_data", ("modules",), agent_data, on="machine", repeats=True),
    Row("agent_backup", BOTH, agent_backup, on="machine", repeats=True),
    Row("fleet_backups", BOTH, fleet_backups, repeats=True),
    *GOOGLE_ROWS,
)
