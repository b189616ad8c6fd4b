# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet on infrastructure that somebody else made: docs/your-own-infrastructure.md, from its top to its end.

The tests go in this order, before those of a fleet that makes everything itself: the sandbox has one load balancer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from tests import tiers
from tests.unit.plan import ansible_settings_rows as rows

from . import hostile, seen
from .accounts import account_of
from .conftest import CHECKOUT, HOME, Cloud, Machine, Run
from .platforms import Platform, platform_of

FLEET = "sandbox-own"
PASSWORD = "planted-sudo-password-5f1e"
KNOWN_HOSTS = Path(f"~/.ssh/praxis-{FLEET}.known_hosts").expanduser()


class Fleet:
    """The fleet on the platform team's infrastructure, and the inventories that show it.

    :param one, two: its machines' names.
    """

    def __init__(self, cloud: Cloud, platform: Platform, folder: Path) -> None:
        self.cloud, self.platform, self.folder = cloud, platform, folder
        self.one, self.two = (f"{FLEET}-{cloud.name}-{number}" for number in (1, 2))

    def run(self, playbook: str, *arguments: str, environment: dict[str, str] | None = None, **options: Any) -> Run:
        around = {"PRAXIS_FLEET": FLEET, "PRAXIS_HOSTS": "2", **(environment or {})}
        return self.cloud.run(playbook, *arguments, environment=around, **options)

    def machine(self, name: str) -> Machine:
        return next(machine for machine in self.cloud.machines() if machine.name == name)

    def static(self, name: str = "static", own: dict[str, dict[str, Any]] | None = None, **everyone: Any) -> Path:
        """inventories/static with these machines in it: only what a host must have, and ``own`` values of a host."""
        folder = self.folder / name
        shutil.copytree(CHECKOUT / "inventories" / "static", folder, dirs_exist_ok=True)
        hosts = {
            name: {"ansible_host": one.public_ip, "praxis_private_ip": one.ip,
                   "praxis_slot": name.removeprefix(f"{FLEET}-"), **(own or {}).get(name, {})}
            for name, one in ((name, self.machine(name)) for name in (self.one, self.two))
        }  # fmt: skip
        text = json.dumps({"praxis": {"hosts": hosts, "vars": everyone}})
        (folder / "hosts.yml").write_text(text, encoding="utf-8")
        settings = folder / "group_vars" / "praxis.yml"
        usual = yaml.safe_load(settings.read_text(encoding="utf-8"))
        settings.write_text(yaml.safe_dump({**usual, **self.platform.STATIC}), encoding="utf-8")
        return folder

    def mutations(self, since: list[int]) -> list[str]:
        found = self.cloud.operations(since)
        return sorted({f"{item['service']}:{item['operation']}" for item in found if item["mutating"]})

    def services(self, since: list[int]) -> set[str]:
        return {item["service"] for item in self.cloud.operations(since)}


@pytest.fixture(scope="module")
def platform(cloud: Cloud) -> Iterator[Platform]:
    KNOWN_HOSTS.unlink(missing_ok=True)
    account = account_of(cloud)
    account.give_secrets(FLEET)
    made = platform_of(cloud, FLEET)
    yield made
    made.remove()
    account.forget_secrets(FLEET)
    KNOWN_HOSTS.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def fleet(cloud: Cloud, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two machines in what is given, all of it named by tags, or on Google Cloud by names. The second is hardened."""
    before = platform.picture()
    made = Fleet(cloud, platform, tmp_path_factory.mktemp("own"))
    mark = cloud.mark()
    run = made.run("provision.yml", variables=platform.by_name)
    assert [machine["name"] for machine in run.summary["machines"]] == [made.one, made.two]
    assert made.mutations(mark) == [platform.LAUNCH]
    assert platform.picture() == before
    hostile.harden(cloud, made.machine(made.two), platform.USER)
    yield made
    made.run("down.yml", variables={"praxis_confirm_down": FLEET, "praxis_remove_identities": True})
    assert platform.machines() == []
    assert platform.picture() == before


@pytest.mark.alike
def test_machines_are_in_the_existing_network(fleet: Fleet) -> None:
    fleet.platform.check_placed()


@pytest.mark.repetition
@pytest.mark.alike
def test_by_id_or_link_it_is_the_same(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    run = fleet.run("provision.yml", variables=fleet.platform.ids)
    assert (run.changed, fleet.mutations(mark)) == ({}, [])


@pytest.mark.alike
def test_what_is_not_there_is_reported_before_anything_is_made(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    for wrong in fleet.platform.wrong:
        run = fleet.run("provision.yml", expect=2, variables=wrong.variables)
        for words in wrong.said:
            assert words in " ".join(run.output.split())
    assert fleet.mutations(mark) == []


@pytest.mark.alike
def test_what_does_not_exist_is_made_and_fits_what_does(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    fleet.run("provision.yml", variables={**fleet.platform.ids, "praxis_security_groups": []})
    fleet.platform.check_fits(fleet.mutations(mark))


@pytest.mark.alike
def test_the_second_machine_is_hardened(fleet: Fleet) -> None:
    """As the user that Ansible logs in as, by the machine's own sshd, shell and sudo: all that follows goes past it."""
    address = fleet.machine(fleet.two).public_ip
    login = ["ssh", "-i", str(HOME / "ssh" / "id_ed25519"), "-o", f"UserKnownHostsFile={fleet.folder / 'known'}",
             "-o", "StrictHostKeyChecking=accept-new", f"{fleet.platform.USER}@{address}", hostile.SEEN]  # fmt: skip
    done = subprocess.run(login, check=True, capture_output=True, encoding=hostile.ENCODING, timeout=120)
    assert hostile.PRINTED in done.stdout and hostile.PRINTED in done.stderr
    assert [line for line in done.stdout.splitlines() if line != hostile.PRINTED] == hostile.SEES
    assert hostile.NAME in done.stderr  # sudo, about a name that it cannot resolve


@pytest.mark.alike
def test_a_static_inventory_and_a_limit(fleet: Fleet) -> None:
    """Planned is the fleet, touched the one host; and no API knows of machines or balancers."""
    static, mark = fleet.static(), fleet.cloud.mark()
    # As users have it for their own playbooks: nobody has the rights to install an engine.
    nobody = fleet.static("nobody", own={fleet.one: {"ansible_become_user": "nobody"}})
    limited = fleet.run("deploy.yml", "--limit", fleet.one, inventory=nobody)
    assert limited.summary["ok"]
    assert set(limited.recap) <= {fleet.one, "localhost"}
    one, two = fleet.machine(fleet.one), fleet.machine(fleet.two)
    # Google's machines have an engine already in this file's sandbox.
    assert fleet.cloud.on(two, "test -e /opt/praxis || echo untouched").strip() == "untouched"
    assert two.ip in fleet.cloud.on(one, "cat /opt/praxis/peers.json")
    started = seen.container(fleet.cloud, one)["State"]["StartedAt"]

    whole = fleet.run("deploy.yml", inventory=static)
    assert whole.summary["ok"]
    assert set(whole.changed) <= {fleet.two, "localhost"}
    assert seen.container(fleet.cloud, one)["State"]["StartedAt"] == started
    checked = fleet.run("verify.yml", inventory=static)
    assert checked.summary["edges"] == {"live": 1, "planned": 1}
    assert fleet.services(mark) == fleet.platform.ASKED


@pytest.mark.once
def test_sudo_that_wants_a_terminal_is_named(fleet: Fleet) -> None:
    rules, two = "/etc/sudoers.d/zz-terminal", fleet.machine(fleet.two)
    fleet.cloud.on(two, f"echo 'Defaults requiretty' > {rules}")
    try:
        refused = fleet.run("plan.yml", inventory=fleet.static(), expect=2)
    finally:
        fleet.cloud.on(two, f"rm {rules}")
    errors = [(item["code"], item["where"]) for item in refused.summary["findings"] if item["level"] == "error"]
    assert errors == [("sudo-wants-terminal", fleet.two)]


#: What an inventory may say of all hosts, the controller among them, as users' other playbooks have it.
VARIABLES: list[dict[str, Any]] = [
    {"ansible_become": True, "ansible_become_user": "nobody"},
    {"ansible_ssh_pipelining": False, "ansible_pipelining": False},
    {"ansible_become_flags": "-H -S"},
    {"ansible_shell_executable": "/bin/bash"},
    {"ansible_host_key_checking": False},
    {"environment": {"LANG": "C"}, "ansible_module_compression": "ZIP_STORED", "ansible_remote_tmp": "/tmp/theirs"},
]


@pytest.mark.once
@pytest.mark.repetition
@pytest.mark.parametrize("variables", VARIABLES, ids=lambda variables: next(iter(variables)))
def test_variables_of_all_hosts_change_nothing(fleet: Fleet, variables: dict[str, Any]) -> None:
    static = fleet.static("variables")
    (static / "group_vars" / "all.json").write_text(json.dumps(variables), encoding="utf-8")
    run = fleet.run("deploy.yml", inventory=static)
    assert (run.changed, run.summary["ok"]) == ({}, True)


@pytest.mark.once
@pytest.mark.repetition
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in rows.SAME_THERE.items()
                                             for value in values])  # fmt: skip
def test_settings_of_ssh_sudo_and_the_shell_change_nothing(fleet: Fleet, name: str, value: str) -> None:
    own = rows.exported({name: value.format(folder=fleet.folder)})
    run = fleet.run("deploy.yml", inventory=fleet.static(), environment=own)
    assert (run.changed, run.summary["ok"]) == ({}, True)


@pytest.mark.once
def test_sudo_that_is_turned_off_is_named(fleet: Fleet) -> None:
    static = fleet.static("no-sudo", own={fleet.two: {"ansible_become": False}})
    refused = fleet.run("plan.yml", inventory=static, expect=2)
    errors = [(item["code"], item["where"]) for item in refused.summary["findings"] if item["level"] == "error"]
    assert errors == [("become-off", fleet.two)]


@pytest.mark.repetition
def test_a_rollback_by_a_static_inventory_asks_no_api(fleet: Fleet) -> None:
    static, before = fleet.static(), seen.releases(fleet.cloud)
    changed = fleet.run("deploy.yml", inventory=static, variables={"praxis_agent_config": {"llm": {"timeout": 61}}})
    assert changed.summary["ok"] and not set(before.values()) & set(seen.releases(fleet.cloud).values())
    mark = fleet.cloud.mark()
    back = fleet.run("rollback.yml", inventory=static)
    assert back.summary["ok"] and fleet.cloud.operations(mark) == []
    assert seen.releases(fleet.cloud) == before


@pytest.mark.alike
def test_a_limit_to_nobody_is_an_error(fleet: Fleet) -> None:
    run = fleet.run("deploy.yml", "--limit", "nobody", inventory=fleet.static(), expect=None)
    assert run.rc != 0


@pytest.mark.alike
def test_the_cloud_s_own_plugin_gives_the_same_variables_groups_and_plan(fleet: Fleet) -> None:
    theirs = fleet.platform.inventory(fleet.folder)
    listed = [inventory(fleet, CHECKOUT / "inventories" / fleet.cloud.name), inventory(fleet, theirs)]
    for host in (fleet.one, fleet.two):
        mine, other = ({key: found["_meta"]["hostvars"][host].get(key) for key in fleet.platform.HOST_VARS}
                       for found in listed)
        assert mine == other
        assert None not in mine.values()
    groups = [{group: sorted(found.get("hosts", [])) for group, found in each.items() if group != "_meta"}
              for each in listed]
    zones = [f"praxis_zone_{zone.replace('-', '_')}" for zone in fleet.platform.zones]
    for group in ("praxis", f"praxis_{fleet.cloud.name}", "praxis_role_agent", *zones):
        assert groups[0][group] == groups[1][group] != []
    named = fleet.static("named", own={
        name: {"praxis_network": fleet.platform.network(), "praxis_public_ip": fleet.machine(name).public_ip}
        for name in (fleet.one, fleet.two)})
    plans = [fleet.run("plan.yml", inventory=each).summary["plan_id"] for each in (None, theirs, named)]
    assert len(set(plans)) == 1


@pytest.mark.repetition
@pytest.mark.alike
def test_the_cloud_s_own_plugin_with_names_of_one_s_own(fleet: Fleet) -> None:
    """Machines that carry none of our tags: named and filtered as the documentation says."""
    found = inventory(fleet, fleet.platform.own_names(fleet.two, fleet.folder))
    assert found["praxis"]["hosts"] == [fleet.two]
    assert found["_meta"]["hostvars"][fleet.two]["praxis_slot"] == fleet.two


@pytest.mark.alike
@pytest.mark.parametrize("way", tiers.first([0, 1]))
def test_members_join_the_existing_target_group(fleet: Fleet, way: int) -> None:
    target_group = {"praxis_target_group": fleet.platform.target_groups[way]}
    mark = fleet.cloud.mark()
    run = fleet.run("deploy.yml", inventory=fleet.platform.inventory(fleet.folder), variables=target_group)
    assert run.summary["ok"]
    # The first deployment, of this test too when it is run alone, makes the identities.
    assert set(fleet.mutations(mark)) - fleet.platform.IDENTITY == (set() if way else {fleet.platform.JOIN})
    with urllib.request.urlopen(fleet.cloud.state["balancer"]["url"].rstrip("/") + "/health", timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.alike
def test_through_a_bastion_when_there_is_no_other_way(fleet: Fleet) -> None:
    one, two = fleet.machine(fleet.one), fleet.machine(fleet.two)
    config = fleet.folder / "ssh_config"
    user = fleet.platform.USER
    config.write_text(
        f"Host bastion\n  HostName {one.public_ip}\n  User {user}\n  IdentityFile {HOME / 'ssh' / 'id_ed25519'}\n"
        f"  UserKnownHostsFile {KNOWN_HOSTS}\n  StrictHostKeyChecking accept-new\n", encoding="utf-8",
    )  # fmt: skip
    usual = yaml.safe_load((CHECKOUT / "inventories/static/group_vars/praxis.yml").read_text(encoding="utf-8"))
    jump = f"{usual['ansible_ssh_common_args']} -F {config} -o ProxyJump=bastion"
    only_way = f"INPUT -p tcp --dport 22 ! -s {one.ip} -j REJECT --reject-with tcp-reset"
    # A connection that is kept open would go on past both the rule and the bastion.
    fresh = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}
    fleet.cloud.on(two, f"iptables -w 5 -I {only_way}")
    try:
        direct = fleet.run("verify.yml", inventory=fleet.static(), environment=fresh, expect=2)
        unreachable = [item for item in direct.summary["findings"] if item["code"] == "host-unreachable"]
        assert [item["where"] for item in unreachable] == [fleet.two]
        through = {"ansible_ssh_common_args": jump, "ansible_host": two.ip}
        static = fleet.static("bastion", own={fleet.two: through})
        assert fleet.run("deploy.yml", inventory=static, environment=fresh).changed == {}
    finally:
        fleet.cloud.on(two, f"iptables -w 5 -D {only_way}")
    accepted = fleet.cloud.on(two, f"journalctl --no-pager -q | grep 'Accepted publickey for {user}'")
    assert f"from {one.ip} " in accepted


@pytest.mark.alike
def test_sudo_that_asks_for_a_password(fleet: Fleet) -> None:
    """From a vault, or from a file: both while a release with secrets is brought over the same connection."""
    two = fleet.machine(fleet.two)
    # Of all rules for a user the last one counts.
    user, rules = fleet.platform.USER, "/etc/sudoers.d/zz-asks"
    fleet.cloud.on(two, f"echo '{user}:{PASSWORD}' | chpasswd; echo '{user} ALL=(ALL) ALL' > {rules}")
    try:
        deployed_with_passwords(fleet)
    finally:
        fleet.cloud.on(two, f"rm {rules}")


def deployed_with_passwords(fleet: Fleet) -> None:
    refused = fleet.run("deploy.yml", inventory=fleet.static(), expect=2)
    assert [item["where"] for item in refused.summary["findings"] if item["level"] == "error"] == [fleet.two]

    (fleet.folder / "vault-password").write_text("planted-vault-password\n", encoding="utf-8")
    vault = ["--vault-password-file", str(fleet.folder / "vault-password")]
    locked = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-vault")), "encrypt_string", *vault,
         "--stdin-name", "ansible_become_password"],
        input=PASSWORD, capture_output=True, text=True, check=True, cwd=CHECKOUT, env=fleet.cloud.environment,
    ).stdout  # fmt: skip
    changed = {fleet.two: {"praxis_agent_config_host": {"llm": {"timeout": 7}}}}
    static = fleet.static("vault", own=changed)
    (static / "host_vars").mkdir(exist_ok=True)
    (static / "host_vars" / f"{fleet.two}.yml").write_text(locked, encoding="utf-8")
    run = fleet.run("deploy.yml", *vault, inventory=static)
    assert run.summary["ok"]
    assert set(run.changed) == {fleet.two}

    (fleet.folder / "sudo-password").write_text(PASSWORD, encoding="utf-8")
    asked = ["--become-password-file", str(fleet.folder / "sudo-password")]
    assert fleet.run("verify.yml", *asked, inventory=fleet.static("asked", own=changed)).summary["ok"]


@pytest.mark.repetition
@pytest.mark.once
@pytest.mark.parametrize("kind", tiers.first(["public", "private"]))
def test_the_kind_of_address_decides_the_bootstrap_lists(fleet: Fleet, kind: str) -> None:
    """Planned only: the public addresses are the documentation's, and nothing is ever sent to them."""
    public = {fleet.one: {"praxis_public_ip": "203.0.113.1"}, fleet.two: {"praxis_public_ip": "203.0.113.2"}}
    static = fleet.static(kind, own=public)
    book = fleet.folder / f"plan-{kind}.yml"
    run = "{{ hostvars['localhost']['ansible_facts']['praxis_plan']['run'] }}"
    copy = f"cp -a {run}/slices {fleet.folder}/{kind}-slices"
    book.write_text(json.dumps([
        {"hosts": "praxis", "gather_facts": False, "tasks": [
            {"ansible.builtin.import_tasks": str(CHECKOUT / "playbooks/tasks/plan.yml")},
            {"ansible.builtin.command": copy, "delegate_to": "localhost", "run_once": True}]},
    ]), encoding="utf-8")  # fmt: skip
    fleet.run(str(book), inventory=static, variables={"praxis_address": kind})
    addresses = {name: fleet.machine(name).ip if kind == "private" else public[name]["praxis_public_ip"]
                 for name in (fleet.one, fleet.two)}
    for name, other in ((fleet.one, fleet.two), (fleet.two, fleet.one)):
        found = json.loads((fleet.folder / f"{kind}-slices" / name).read_text(encoding="utf-8"))
        (multiaddr,) = found["peers"]["multiaddrs"]
        assert multiaddr.startswith(f"/ip4/{addresses[other]}/tcp/4001/p2p/12D3KooW")
        assert [dial["address"] for dial in found["gate"]["dial"]] == [addresses[other]]


def inventory(fleet: Fleet, source: Path) -> dict[str, Any]:
    """What ``ansible-inventory --list`` says."""
    finished = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(source), "--list"], cwd=CHECKOUT,
        check=True, capture_output=True, text=True, env=fleet.cloud.environment | {"PRAXIS_FLEET": FLEET}, timeout=120,
    )  # fmt: skip
    # Tags are untrusted text, and marked so.
    return dict(json.loads(finished.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found)))


def own_play(fleet: Fleet, *steps: str, **shared: Any) -> tuple[Path, Path]:
    """A play of a user's own on the two machines, and its inventory: no group, no variable and no plugin of a fleet.

    :param steps: entry points of the role agent; the roles docker and agent by default.
    """
    usual = yaml.safe_load((CHECKOUT / "inventories/static/group_vars/praxis.yml").read_text(encoding="utf-8"))
    machines = {name: fleet.machine(name) for name in (fleet.one, fleet.two)}
    ssh = {key: value for key, value in usual.items() if key.startswith("ansible_")}
    ssh["ansible_ssh_common_args"] = f"-o UserKnownHostsFile={KNOWN_HOSTS} -o StrictHostKeyChecking=accept-new"
    if "ansible_user" in fleet.platform.STATIC:
        ssh["ansible_user"] = fleet.platform.STATIC["ansible_user"]
    secrets = usual["praxis_agent_secrets"] | fleet.platform.STATIC.get("praxis_agent_secrets", {})
    everyone = {
        **ssh, "agent_image": "{{ lookup('ansible.builtin.env', 'PRAXIS_IMAGE') }}", "praxis_fleet": FLEET,
        "agent_secrets": secrets, "agent_peers": [fleet.one, fleet.two], "agent_soak": 3, "agent_deadline": 60,
        **shared,
    }  # fmt: skip
    hosts = {name: {"ansible_host": one.public_ip, "agent_address": one.ip, "agent_identity": seed_of(name)}
             for name, one in machines.items()}  # fmt: skip
    inventory = fleet.folder / "own-agents.yml"
    inventory.write_text(json.dumps({"agents": {"hosts": hosts, "vars": everyone}}), encoding="utf-8")
    (book,) = yaml.safe_load((CHECKOUT / "examples/own-play/agents.yml").read_text(encoding="utf-8"))
    if steps:
        imports = [{"name": "praxis.cloud.agent", "tasks_from": step} for step in steps]
        tasks = [{"ansible.builtin.import_role": one} for one in imports]
        book = {"hosts": "agents", "gather_facts": False, "tasks": tasks}
    path = fleet.folder / "own-agents-play.yml"
    path.write_text(json.dumps([book]), encoding="utf-8")
    return path, inventory


def seed_of(name: str) -> str:
    return base64.b64encode(hashlib.sha256(f"own play {name}".encode()).digest()).decode()


@pytest.mark.once
@pytest.mark.repetition
def test_agents_of_a_play_of_one_s_own(fleet: Fleet) -> None:
    """The example as it is shipped: peers of each other; a second run, check mode, a bad release, and their removal."""

    def play(*steps: str, options: tuple[str, ...] = (), expect: int = 0, **shared: Any) -> Run:
        book, inventory = own_play(fleet, *steps, **shared)
        return fleet.run(str(book), *options, inventory=inventory, expect=expect)

    machines = [fleet.machine(name) for name in (fleet.one, fleet.two)]
    play("remove")
    predicted = play(options=("--check",))
    assert set(predicted.changed) == {fleet.one, fleet.two}
    assert not fleet.cloud.on(machines[0], "ls /opt/praxis/releases 2>/dev/null || :").strip()

    run = play(options=("-vvvvv",))
    assert {name: task for name, task in run.changed_tasks if task == "Activate the release"} == dict.fromkeys(
        (fleet.one, fleet.two), "Activate the release")  # fmt: skip
    assert seed_of(fleet.one) not in run.output
    for mine, other in (machines, machines[::-1]):
        wanted = peer_id(base64.b64decode(seed_of(mine.name)))
        assert seen.peer_id(fleet.cloud, mine) == wanted
        seen.wait_for(f"an edge of {mine.name}", lambda mine=mine, other=other: any(
            address == other.ip for address, _port, _ours in seen.connections(fleet.cloud, mine)))  # fmt: skip

    assert play().changed == {}
    before = [seen.container(fleet.cloud, machine)["State"]["StartedAt"] for machine in machines]
    changed = {"llm": {"timeout": 41}}
    assert set(play(options=("--check",), agent_settings=changed).changed) == {fleet.one, fleet.two}
    assert [seen.container(fleet.cloud, machine)["State"]["StartedAt"] for machine in machines] == before

    current = fleet.cloud.on(machines[0], "readlink /opt/praxis/current")
    bad = play(expect=2, agent_environment={"STANDIN_FAIL": "crash"})
    assert fleet.cloud.on(machines[0], "readlink /opt/praxis/current") == current
    assert {item["task"] for item in bad.failed} == {"Fail with what is wrong with the agent"}
    assert play().changed == {}
    assert set(play("remove").changed) == {fleet.one, fleet.two}
