# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker role and the host modules on two bare machines: Debian 13 and Debian 12, with engines of their own."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr, peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.release import Release
from sandbox import certificates, docker, images, machines, network
from sandbox.registry import USER, Registry
from sandbox.site import Site
from tests import tiers

CHECKOUT = Path(__file__).resolve().parents[2]
IN_MACHINE = "/srv/test/ansible_collections/praxis/cloud/plugins"
RUN = """
import json, sys
sys.path.insert(0, "/srv/test")
from ansible_collections.praxis.cloud.plugins.module_utils.host import deploy, observation
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import from_options
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
given = json.load(sys.stdin)
if given["state"] == "observation":
    print(json.dumps(observation.take(Paths(), 8000, 4001, given["dial"], 2.0)))
else:
    print(json.dumps(deploy.run(from_options(given), Paths(), given["check"], 10.0)))
"""
MARKER = 'marker-7f3a it\'s "$HOME" `id` {{ jinja }}\nand a second line'
SECRETS = {"OPENAI_API_KEY": MARKER, "PRAXIS_MASTER_KEY": "marker-91bc-master-key"}
DOCUMENT = """\
agent:
  name: NAME
  description: a test
mcp:
  enabled: false
llm:
  enabled: false
  timeout: 5
  max_retries: 0
logging:
  level: LEVEL
  format: text
  file_enabled: false
p2p:
  enabled: true
  port: 4001
  keystore_path: /keys
"""
ENVIRONMENT = {
    "HOME": "/tmp",
    "PRAXIS_API__HOST": "0.0.0.0",
    "PRAXIS_API__PORT": "8000",
    "PRAXIS_ENVIRONMENT": "staging",
    "PRAXIS_METRICS__ENABLED": "false",
    "PRAXIS_SHARED_PATH": "/tmp/shared",
}


@dataclass
class Host:
    """A machine, and what a deployment gives it."""

    name: str
    container: str
    address: str
    seed: bytes
    images: list[str]
    registry: dict[str, str] = field(repr=False)
    others: list[Host] = field(default_factory=list, repr=False)

    def sh(self, script: str) -> str:
        """What a shell script prints as root on the machine; it must succeed."""
        return docker.shell(self.container, script)

    def said(self, *command: str) -> str:
        """What a command prints on the machine, whatever it returns: nothing found is an answer too."""
        done = subprocess.run(
            ["docker", "exec", self.container, *command], capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout.strip()

    def release(self, level: str = "INFO", image: str = "", fail: str = "") -> dict[str, Any]:
        """The module's ``release``; ``fail`` is an order to the stand-in."""
        made = Release(
            name=self.name,
            image=image or self.images[0],
            document=DOCUMENT.replace("NAME", self.name).replace("LEVEL", level),
            settings={"agent": {"name": self.name}, "logging": {"level": level}, "p2p": {"port": 4001}},
            environment={**ENVIRONMENT, **({"STANDIN_FAIL": fail} if fail else {})},
            secrets=dict.fromkeys(SECRETS, "1"),
            api_port=8000,
            p2p_port=4001,
        )
        kept = ("id", "image", "name", "api_port", "p2p_port")
        return {**{name: getattr(made, name) for name in kept}, "files": made.files()}

    @property
    def dial(self) -> list[dict[str, Any]]:
        return [{"member": other.name, "address": other.address, "port": 4001} for other in self.others]

    def options(self, state: str, **more: Any) -> dict[str, Any]:
        peers = [multiaddr(other.address, 4001, peer_id(other.seed)) for other in self.others]
        gate = {"peer_id": peer_id(self.seed), "dial": self.dial, "min_edges": 0, "deadline": 60}
        return {
            "state": state,
            "release": self.release(),
            "peers": {"revision": "p1", "multiaddrs": peers},
            "secrets": SECRETS,
            "seed": base64.b64encode(self.seed).decode(),
            "registry": self.registry,
            **more,
            "gate": {**gate, **more.get("gate", {})},
        }

    def call(self, state: str, check: bool = False, **more: Any) -> dict[str, Any]:
        """What the module would return for these options."""
        given = json.dumps({**self.options(state, **more), "check": check, "dial": self.dial})
        answer = docker.docker("exec", "-i", self.container, "python3", "-c", RUN, stdin=given.encode(), timeout=300)
        found: dict[str, Any] = json.loads(answer)
        return found

    def files(self) -> list[str]:
        """Everything that a deployment keeps on the machine, with its inode, date and mode."""
        return sorted(self.said("find", "/opt/praxis", "/run/praxis", "-printf", "%p %i %T@ %m\\n").splitlines())

    def predicted_and_done(self, state: str, **more: Any) -> dict[str, Any]:
        """The result, after showing that check mode predicted it and touched nothing."""
        before = self.files()
        predicted = self.call(state, check=True, **more)
        assert self.files() == before
        done = self.call(state, **more)
        for part in ("changed", "changes", "diff"):
            assert predicted[part] == done[part], part
        return done

    def settle(self) -> dict[str, Any]:
        """Have the first release active."""
        assert self.call("prepared")["failure"] is None
        done = self.call("active")
        assert done["failure"] is None, done
        return done


@dataclass
class Played:
    """A finished playbook."""

    rc: int
    output: str

    def changed(self, host: str) -> int:
        found = re.search(r"^%s\s*:.*?changed=(\d+)" % re.escape(host), self.output, re.MULTILINE)
        assert found, self.output
        return int(found.group(1))


Play = Callable[..., Played]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A network and a registry of their own, apart from any sandbox of this checkout."""
    here = Site(tmp_path_factory.mktemp("site"))
    registry = Registry(here)
    try:
        network.up(here)
        certificates.make_tls(here.home / "tls", here.registry_name, here.addresses.registry)
        registry.up(images.ensure(images.REGISTRY, here.home / "logs"))
        registry.push_agents(["1", "2"])
        yield here
    finally:
        docker.remove_container(registry.container)
        for name in docker.named("volume", here.key):
            docker.docker("volume", "rm", "--force", name)
        network.down(here)


@pytest.fixture(scope="module")
def hosts(site: Site) -> Iterator[list[Host]]:
    """Two bare machines, booted."""
    registry = Registry(site)
    name = site.registry_name + "/praxis-agent@"
    pinned = [name + found.digest for found in (registry.manifest("praxis-agent", tag) for tag in "12") if found]
    login = {"server": site.registry_name, "username": USER, "password": registry.password}
    made: list[Host] = []
    try:
        for number, (member, suite) in enumerate([("alpha", "trixie"), ("beta", "bookworm")], start=16):
            image = images.ensure(images.machine(suite), site.home / "logs")
            address = site.addresses.at(4096 + number)
            machines.create(site, machines.Machine(member, address, image, member, {}))
            made.append(Host(member, site.container(member), address, bytes([number]) * 32, pinned, login))
        for host in made:
            host.others = [other for other in made if other is not host]
            _wait_for("the boot of " + host.name, lambda host=host: _booted(host), 60)
            host.sh("mkdir -p " + IN_MACHINE)
            docker.docker("cp", str(CHECKOUT / "plugins" / "module_utils"), "%s:%s/" % (host.container, IN_MACHINE))
        yield made
    finally:
        for member in ("alpha", "beta"):
            machines.remove(site, member)


def _booted(host: Host) -> bool:
    return host.said("systemctl", "is-system-running") in ("running", "degraded")


def _wait_for(what: str, holds: Callable[[], bool], deadline: float) -> None:
    until = time.monotonic() + deadline
    while not holds():
        assert time.monotonic() < until, "waited %g s for %s" % (deadline, what)
        time.sleep(0.5)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory, hosts: list[Host]) -> Play:
    """Run tasks on the machines, with the modules as hosts get them: without the controller's action plugins."""
    folder = tmp_path_factory.mktemp("play")
    collection = folder / "ansible_collections" / "praxis" / "cloud"
    (collection / "plugins").mkdir(parents=True)
    for part in ("galaxy.yml", "roles", "plugins/modules", "plugins/module_utils", "plugins/doc_fragments"):
        (collection / part).symlink_to(CHECKOUT / part)
    inventory = {
        host.name: {
            "ansible_connection": "community.docker.docker",
            "ansible_host": host.container,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        for host in hosts
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": inventory}}))

    def run(content: dict[str, Any], *arguments: str) -> Played:
        (folder / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, **content}]))
        finished = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.json", *arguments],
            cwd=folder,
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Played(finished.returncode, finished.stdout + finished.stderr)

    return run


ROLE: dict[str, Any] = {"roles": [{"role": "praxis.cloud.docker", "docker_daemon": {"log-opts": {"max-file": "2"}}}]}
STATE_OF_MACHINE = "dpkg -l; find / -xdev -type f -not -path '/var/log/*' -not -path '/root/.ansible/*' | sort"


@dataclass
class Installed:
    """How the role went: predicted on bare machines, done, done again, and predicted again."""

    bare: list[dict[str, Any]]
    before: list[str]
    after_check: list[str]
    check: Played
    done: Played
    again: Played
    check_again: Played


@pytest.fixture(scope="module")
def installed(hosts: list[Host], play: Play) -> Installed:
    bare = [host.call("prepared", check=True, engine_made=True) for host in hosts]
    before = [host.sh(STATE_OF_MACHINE) for host in hosts]
    check = play(ROLE, "--check", "--diff")
    after = [host.sh(STATE_OF_MACHINE) for host in hosts]
    return Installed(bare, before, after, check, play(ROLE), play(ROLE), play(ROLE, "--check"))


@pytest.fixture(scope="module")
def deployed(installed: Installed, hosts: list[Host]) -> list[dict[str, Any]]:
    """The first deployment: both prepared, then one after the other; the second must find the first."""
    assert installed.done.rc == 0, installed.done.output
    for host in hosts:
        assert host.predicted_and_done("prepared")["outcome"] == "prepared"
        assert host.call("prepared")["outcome"] == "unchanged"
    first = hosts[0].predicted_and_done("active")
    second = hosts[1].predicted_and_done("active", gate={"min_edges": 1})
    return [first, second]


@pytest.fixture
def pair(deployed: list[dict[str, Any]], hosts: list[Host]) -> list[Host]:
    """Both machines with the first release active."""
    assert [done["outcome"] for done in deployed] == ["activated", "activated"], deployed
    for host in hosts:
        host.settle()
    return hosts


def test_the_role_predicts_on_bare_machines_and_touches_nothing(installed: Installed, hosts: list[Host]) -> None:
    assert installed.check.rc == 0, installed.check.output
    assert "(known after apply)" in installed.check.output
    assert installed.before == installed.after_check
    for host, bare in zip(hosts, installed.bare):
        assert installed.check.changed(host.name) > 0
        assert (bare["outcome"], bare["changed"]) == ("needs-docker", True)


def test_the_role_installs_and_a_second_run_changes_nothing(installed: Installed, hosts: list[Host]) -> None:
    assert installed.done.rc == 0, installed.done.output
    for host in hosts:
        assert installed.done.changed(host.name) > 0
        assert installed.again.changed(host.name) == 0, installed.again.output
        assert installed.check_again.changed(host.name) == 0, installed.check_again.output
        seen = host.call("observation")["engine"]
        assert seen["running"]
        assert seen["compose"].startswith("2.")
        assert seen["daemon"]["log-opts"] == {"max-size": "10m", "max-file": "2"}
        assert {"docker.io", "docker-compose"} <= set(host.sh("apt-mark showhold").split())


def test_debian_12_takes_nothing_but_compose_from_debian_13(installed: Installed, hosts: list[Host]) -> None:
    beta = hosts[1]
    policy = beta.sh("apt-cache policy docker-compose docker.io libc6 | grep -A1 Installed")
    assert "Installed: 2.26" in policy
    assert "trixie" in beta.sh("apt-cache policy docker-compose")
    assert "Debian:13" in beta.sh("apt-get -s --reinstall install docker-compose")
    assert "Debian:13" not in beta.sh("apt-get -s dist-upgrade")


def test_settings_that_the_engine_does_not_know_never_reach_it(
    installed: Installed, hosts: list[Host], play: Play
) -> None:
    alpha = hosts[0]
    before = alpha.sh("cat /etc/docker/daemon.json; systemctl show -p ActiveEnterTimestamp docker")
    role = {"role": "praxis.cloud.docker", "docker_daemon": {"no-such-directive": True}}
    refused = play({"roles": [role]}, "--limit", "alpha")
    assert refused.rc != 0
    assert "no-such-directive" in refused.output
    assert alpha.sh("cat /etc/docker/daemon.json; systemctl show -p ActiveEnterTimestamp docker") == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"digest": "sha256:" + "0" * 64}, "image-not-found"),
        ({"password": "wrong"}, "image-unauthorized"),
        ({"registry": "nowhere.invalid"}, "registry-unreachable"),
    ],
)
def test_a_pull_fails_in_a_named_way_and_leaves_nothing(
    installed: Installed, hosts: list[Host], change: dict[str, str], code: str
) -> None:
    for host in hosts:
        image, login = host.images[1], dict(host.registry)
        if "digest" in change:
            image = image.split("@")[0] + "@" + change["digest"]
        if "registry" in change:
            image = change["registry"] + "/" + image.split("/", 1)[1]
        login["password"] = change.get("password", login["password"])
        wanted = host.release("WARNING", image=image)
        result = host.call("prepared", release=wanted, registry=login)
        assert (result["outcome"], result["changed"]) == ("failed", False), result
        assert result["failure"]["code"] == code, result["failure"]
        assert not any(wanted["id"] in line for line in host.files())


def test_a_first_deployment_ends_with_two_connected_agents(deployed: list[dict[str, Any]], hosts: list[Host]) -> None:
    for host, done in zip(hosts, deployed):
        assert (done["outcome"], done["previous"]) == ("activated", None), done
        assert done["observation"]["api"] == {"health": 200, "peer_id": peer_id(host.seed), "error": None, "port": 8000}
    one, other = (host.call("observation") for host in hosts)
    assert len(one["edges"]) == len(other["edges"]) == 1
    ends = one["edges"] + other["edges"]
    ports = [{edge[end].rsplit(":", 1)[1] for end in ("local", "remote")} for edge in ends]
    assert ports[0] == ports[1]
    assert one["dials"] == {"%s:4001" % hosts[1].address: "ok"}


def test_a_second_deployment_changes_nothing(pair: list[Host]) -> None:
    for host in pair:
        started = host.call("observation")["container"]["started_at"]
        for state in ("prepared", "active"):
            result = host.call(state)
            assert (result["outcome"], result["changed"], result["diff"]) == ("unchanged", False, [])
        assert host.call("observation")["container"]["started_at"] == started


def test_secrets_reach_the_agent_byte_for_byte_and_nothing_else(pair: list[Host], play: Play) -> None:
    for host in pair:
        found = host.call("observation")["container"]
        pid = host.sh("pgrep -u 10001 -f praxis_sdk.main | tail -1")
        environ = host.sh("cat /proc/%s/environ | base64 -w0" % pid)
        values = dict(item.split(b"=", 1) for item in base64.b64decode(environ).split(b"\0") if item)
        assert {name: values[name.encode()].decode() for name in SECRETS} == SECRETS
        assert host.sh("stat -f -c %T /run/praxis") == "tmpfs"
        # The search finds what is there ...
        search = ["grep", "-rslF", "-e", "marker-7f3a", "-e", "marker-91bc", "-e", host.registry["password"]]
        assert host.release()["id"] in host.said(*search, "/run/praxis")
        # ... and so its silence means something.
        assert host.said(*search, "/opt", "/etc", "/var", "/root", "/home", "/tmp", "/srv", "/usr/local") == ""
        shown = host.sh("docker inspect %s; docker history --no-trunc %s; ps axww" % (found["id"], host.images[0]))
        assert "marker-" not in shown
        assert host.registry["password"] not in shown


def test_modules_print_no_secret_at_any_verbosity(pair: list[Host], play: Play) -> None:
    alpha = pair[0]
    secrets = {**SECRETS, "OPENAI_API_KEY": MARKER.replace("{{ jinja }}", "")}  # a play would template it
    options = alpha.options("prepared", release=alpha.release("ERROR"), secrets=secrets)
    tasks = [
        {"name": "Prepare", "praxis.cloud.agent_release": options, "register": "prepared"},
        {"name": "Show", "ansible.builtin.debug": {"var": "prepared"}},
        {"name": "Observe", "praxis.cloud.agent_info": {"api_port": 8000, "p2p_port": 4001, "dial": alpha.dial}},
    ]
    predicted = play({"tasks": tasks}, "--limit", "alpha", "--check", "--diff", "-vvvvv")
    done = play({"tasks": tasks}, "--limit", "alpha", "--diff", "-vvvvv")
    for played in (predicted, done):
        assert played.rc == 0, played.output
        assert played.changed("alpha") == 1
        assert '+logging.level: "ERROR"' in played.output
        assert "marker-" not in played.output
        assert options["seed"] not in played.output
        assert alpha.registry["password"] not in played.output


def test_a_changed_setting_is_shown_and_rolled_back(pair: list[Host]) -> None:
    alpha = pair[0]
    first, second = alpha.release()["id"], alpha.release("DEBUG")
    shown = alpha.predicted_and_done("prepared", release=second)["diff"][0]
    assert 'logging.level: "INFO"\n' in shown["before"]
    assert 'logging.level: "DEBUG"\n' in shown["after"]
    switched = alpha.predicted_and_done("active", release=second, gate={"min_edges": 1})
    assert (switched["outcome"], switched["previous"]) == ("activated", first), switched
    back = alpha.predicted_and_done("restored", release=second, previous=first, gate={"min_edges": 1})
    assert back["outcome"] == "restored", back
    assert back["observation"]["release"]["current"] == back["observation"]["release"]["running"] == first


@pytest.mark.parametrize(
    ("fail", "code"),
    tiers.first(
        [
            ("crash", "container-exited"),
            ("wrong-id", "wrong-peer-id"),
            ("no-listen", "api-silent"),
            ("no-p2p", "no-peer-id"),
        ],
        2,
    ),
)
def test_a_bad_release_is_named_and_rolled_back(pair: list[Host], fail: str, code: str) -> None:
    beta = pair[1]
    bad = beta.release(fail=fail)
    assert beta.call("prepared", release=bad)["outcome"] == "prepared"
    failed = beta.call("active", release=bad, gate={"deadline": 12})
    assert (failed["outcome"], failed["failure"]["code"]) == ("failed", code), failed
    assert failed["evidence"]
    assert "marker-" not in json.dumps(failed)
    back = beta.call("restored", release=bad, previous=failed["previous"], gate={"min_edges": 1})
    assert (back["outcome"], back["failure"]) == ("restored", None), back
    assert back["observation"]["release"]["running"] == beta.release()["id"]


def test_a_stopped_container_is_started_not_replaced(pair: list[Host]) -> None:
    alpha = pair[0]
    container = alpha.call("observation")["container"]["id"]
    alpha.sh("docker stop " + container)
    assert alpha.call("prepared")["activation"] == "start"
    done = alpha.predicted_and_done("active")
    assert (done["outcome"], done["changes"]) == ("activated", ["start container"])
    assert done["observation"]["container"]["id"] == container


def test_a_crash_of_the_past_does_not_fail_the_gate(pair: list[Host]) -> None:
    beta = pair[1]
    beta.sh("pkill -KILL -u 10001 -f praxis_sdk.main")
    _wait_for("the engine to start it again", lambda: _restarted(beta), 30)
    assert beta.call("active")["failure"] is None
    restarted = beta.call("active", restart=True)
    assert (restarted["outcome"], restarted["changes"]) == ("activated", ["restart container"]), restarted


def _restarted(host: Host) -> bool:
    container = host.call("observation")["container"]
    return bool(container["restarts"] == 1 and container["health"] == "healthy")


def test_new_peers_do_not_restart_a_running_agent(pair: list[Host]) -> None:
    alpha = pair[0]
    started = alpha.call("observation")["container"]["started_at"]
    given = alpha.options("prepared")["peers"]["multiaddrs"]
    peers = {"revision": "p2", "multiaddrs": [*given, multiaddr(alpha.address, 4009, peer_id(bytes(32)))]}
    done = alpha.predicted_and_done("prepared", peers=peers)
    assert [item.split()[0] for item in done["changes"]] == ["peers", "config"]
    assert done["activation"] == "none"
    seen = alpha.call("observation")
    assert (seen["container"]["started_at"], seen["peers"]["revision"]) == (started, "p2")
    inside = "docker exec %s cat /app/configs/alpha.yaml" % seen["container"]["id"]
    assert "/tcp/4009/" in alpha.sh(inside)


def test_a_cut_link_fails_the_mesh_gate_and_names_the_member(pair: list[Host]) -> None:
    alpha, beta = pair
    rules = ["OUTPUT -d", "FORWARD -d", "FORWARD -s"]
    cut = "; ".join("iptables -I %s %s -j DROP" % (rule, beta.address) for rule in rules)
    alpha.sh(cut)
    try:
        failed = alpha.call("active", gate={"min_edges": 1, "deadline": 5})
    finally:
        alpha.sh(cut.replace("-I", "-D"))
    assert (failed["outcome"], failed["failure"]["code"]) == ("failed", "mesh-missing"), failed
    assert "beta (%s:4001: dial timeout)" % beta.address in failed["failure"]["what"]
    assert not failed["changed"]
    assert alpha.call("active", gate={"min_edges": 1, "deadline": 90})["failure"] is None


@pytest.mark.parametrize("number", tiers.first([0, 1]), ids=["trixie", "bookworm"])
def test_after_a_reboot_the_agent_comes_back_by_itself(pair: list[Host], site: Site, number: int) -> None:
    """With its secrets and its identity, out of what systemd sealed: no registry, no store, and no controller."""
    host = pair[number]
    before = host.call("observation")
    machines.reboot(site, host.name)
    _wait_for("the boot of %s" % host.name, lambda: _booted(host), 60)
    _wait_for("the agent of %s" % host.name, lambda: host.call("observation")["api"]["health"] == 200, 60)
    after = host.call("observation")
    assert after["container"]["started_at"] != before["container"]["started_at"]
    assert (after["api"]["peer_id"], after["release"]) == (before["api"]["peer_id"], before["release"])
    pid = after["container"]["pid"]
    environment = host.sh("cat /proc/$(pgrep -P %d | head -n 1)/environ" % pid)
    assert SECRETS["PRAXIS_MASTER_KEY"] in environment and MARKER in environment
    assert host.predicted_and_done("prepared")["changed"] is False
    assert host.predicted_and_done("active", gate={"min_edges": 1})["outcome"] == "unchanged"


def test_where_nothing_is_sealed_a_step_after_a_reboot_says_what_is_missing(pair: list[Host], site: Site) -> None:
    beta = pair[1]
    beta.sh("rm -r /opt/praxis/sealed")
    machines.reboot(site, beta.name)
    _wait_for("the boot of beta", lambda: _booted(beta), 60)
    lost = beta.call("active")
    assert (lost["outcome"], lost["failure"]["code"]) == ("failed", "secrets-missing"), lost
    kinds = [item.split()[0] for item in beta.predicted_and_done("prepared")["changes"]]
    assert kinds == ["secrets", "seed", "seal", "seal-key"]
    done = beta.predicted_and_done("active", gate={"min_edges": 1})
    assert (done["outcome"], done["changes"]) == ("activated", ["start container"]), done


@pytest.mark.parametrize("number", tiers.first([0, 1]))  # the two engines
def test_whoever_prunes_images_costs_no_rollback(pair: list[Host], number: int) -> None:
    """Not even those that `prune` was told to remove all the same: they are pulled before anything is disturbed."""
    host = pair[number]
    assert host.call("confirmed")["failure"] is None
    newer, old = host.release(image=host.images[1]), host.release()["id"]
    assert host.call("prepared", release=newer)["failure"] is None
    host.sh("docker image prune --force")
    done = host.predicted_and_done("active", release=newer)
    assert (done["outcome"], done["changes"][-1]) == ("activated", "switch container"), done
    host.sh("docker image prune --force")
    back = host.predicted_and_done("restored", release=newer, previous=old)
    assert (back["outcome"], back["changes"][0].split()[0]) == ("restored", "current"), back
    assert host.call("active", release=newer)["outcome"] == "activated"
    host.sh("docker image prune --all --force")
    back = host.predicted_and_done("restored", release=newer, previous=old)
    assert (back["outcome"], back["changes"][0]) == ("restored", "image " + host.images[0]), back


def test_a_rollback_waits_for_an_engine_that_restarts(pair: list[Host]) -> None:
    beta = pair[1]
    newer, old = beta.release("WARNING"), beta.release()["id"]
    assert beta.call("prepared", release=newer)["failure"] is None
    assert beta.call("active", release=newer)["outcome"] == "activated"
    beta.sh("systemd-run --quiet --on-active=10 systemctl start docker.service")
    beta.sh("systemctl stop docker.socket docker.service")
    assert beta.call("restored", release=newer, previous=old)["outcome"] == "restored"


def test_releases_are_pruned_with_their_images(pair: list[Host]) -> None:
    alpha = pair[0]
    newer = alpha.release(image=alpha.images[1])
    for number, wanted in enumerate([newer, alpha.release("WARNING", image=alpha.images[1])]):
        assert alpha.call("prepared", release=wanted)["failure"] is None
        assert alpha.predicted_and_done("active", release=wanted)["outcome"] == "activated"
        done = alpha.predicted_and_done("confirmed", release=wanted, keep_releases=2)
        assert done["outcome"] == "confirmed", done
        release = done["observation"]["release"]
        assert (release["good"], len(release["kept"])) == (wanted["id"], 2), number
    held = alpha.sh("docker image ls --digests --format '{{.Digest}}'")
    assert alpha.images[1].split("@")[1] in held
    assert alpha.images[0].split("@")[1] not in held
    assert len(alpha.sh("docker image ls praxis.local/kept --quiet").split()) == 1


def test_absent_takes_the_agent_away(pair: list[Host]) -> None:
    alpha = pair[0]
    assert alpha.predicted_and_done("absent")["outcome"] == "removed"
    assert alpha.sh("docker ps -aq") == ""
    assert alpha.files() == []
    assert alpha.predicted_and_done("absent")["outcome"] == "unchanged"
