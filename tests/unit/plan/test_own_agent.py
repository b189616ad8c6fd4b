# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role agent in a play of a user's own: arguments in, a run for one agent out, neither fleet nor group needed."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import multiaddr, peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.plugin_utils import own_agent
from tests.unit.conftest import REGION
from tests.unit.plan.made import IMAGE, OPENAI, Account, seed
from tests.unit.plan.test_actions import Site

pytestmark = pytest.mark.slow

VALUE = "planted-own-value-{{ 6 * 7 }}-77aa01"
ELSEWHERE = multiaddr("192.0.2.9", 4002, peer_id(seed(9)))


def text_of(index: int) -> str:
    return base64.b64encode(seed(index)).decode()


def arguments(index: int, **more: Any) -> dict[str, Any]:
    return {
        "agent_image": IMAGE, "agent_identity": text_of(index), "agent_region": REGION,
        "agent_secrets": {"OPENAI_API_KEY": "aws-sm://llm#openai"}, "agent_address": f"10.0.1.{index}", **more,
    }  # fmt: skip


def local(**values: Any) -> dict[str, Any]:
    return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **values}


@pytest.fixture
def site(tmp_path: Any, empty: Account) -> Site:
    return Site(tmp_path, empty)


def plan(*more: dict[str, Any], **role: Any) -> list[dict[str, Any]]:
    """A play that plans the agents, by the role, and connects them."""
    planned = {"ansible.builtin.import_role": {"name": "praxis.cloud.agent", "tasks_from": "plan"}, "vars": role}
    connect = {"name": "Connect", "praxis.cloud.agent_plan": {"run": "{{ agent_run }}", "peers": "{{ agent_peers }}"}}
    return [{"hosts": "praxis", "gather_facts": False, "tasks": [planned, connect, *more]}]


def test_agents_that_are_each_other_s_peers(site: Site) -> None:
    """Each has a run of its own, which knows the other; a secret is in its run sealed, and nowhere else."""
    hosts = {f"m{index}": local(**arguments(index, agent_peers=["m1", "m2", ELSEWHERE])) for index in (1, 2)}
    hosts["m1"]["agent_secrets"]["OWN"] = {"__ansible_unsafe": VALUE}
    site.inventory(hosts)
    argv = ["cp", "-a", "{{ agent_run }}", f"{site.folder}/kept-{{{{ inventory_hostname }}}}"]
    copy = {"ansible.builtin.command": {"argv": argv}}
    played = site.play(plan(copy), "-vvvvv")
    assert played.rc == 0, played.printed[-3000:]
    for mine, other in ((1, 2), (2, 1)):
        kept = site.folder / f"kept-m{mine}"
        piece = json.loads((kept / f"slices/m{mine}").read_text())
        dialled = multiaddr(f"10.0.1.{other}", 4001, peer_id(seed(other)))
        assert sorted(piece["peers"]["multiaddrs"]) == sorted([dialled, ELSEWHERE])
        assert {dial["address"] for dial in piece["gate"]["dial"]} == {f"10.0.1.{other}", "192.0.2.9"}
        assert piece["gate"]["peer_id"] == peer_id(seed(mine))
        assert [path.name for path in (kept / "slices").iterdir()] == [f"m{mine}"]
        members = json.loads((kept / "table.json").read_text())["members"]
        assert [each["name"] for each in members if not each["peer_only"]] == [f"m{mine}"]
    assert site.places_of(played, OPENAI.encode(), text_of(1).encode(), text_of(2).encode()) == set()
    assert site.places_of(played, b"planted-own-value") == set()


def test_one_identity_on_two_hosts_is_refused(site: Site) -> None:
    """A seed in the variables of all hosts. Who knows the one agent by it would meet the other."""
    hosts = {f"m{index}": local(**arguments(index, agent_identity=text_of(1))) for index in (1, 2)}
    site.inventory({**hosts, "m3": local(**arguments(3))})
    played = site.play(plan())
    for name in ("m1", "m2"):
        failed = played.of("Connect", name)
        assert (failed["failure"]["code"], failed["failure"]["where"]) == ("shared-peer-id", "agent_identity")
        assert "m1 and m2" in failed["failure"]["what"]
    assert played.of("Connect", "m3")["status"] == "ok"


def made_run(folder: Path) -> str:
    run = folder / "run"
    run.mkdir()
    return str(run)


def remember(hostvars: dict[str, Any]) -> None:
    """As each agent is when it is planned."""
    for name, variables in hostvars.items():
        agent = (variables.get("ansible_facts") or {}).get("praxis_agent")
        if agent and Path(agent["run"]).is_dir():
            own_agent.remember(name, agent)


def test_what_an_earlier_run_knew_of_a_host_is_no_clash(tmp_path: Path) -> None:
    """A fact cache keeps it, and hosts may have changed their seeds since."""
    gone, there = str(tmp_path / "gone"), made_run(tmp_path)

    def facts(run: str, index: int, address: str) -> dict[str, Any]:
        agent = {"run": run, "peer_id": peer_id(seed(index)), "address": address, "port": 4001, "multiaddr": "x"}
        return {"ansible_facts": {"praxis_agent": agent}}

    hostvars = {"m1": facts(there, 1, "10.0.1.1"), "m2": facts(gone, 1, "10.0.1.1"), "m3": {}}
    remember(hostvars)
    assert own_agent.clashes("m1", [*hostvars, "m4"], ["m2"], hostvars) == []
    hostvars["m2"] = facts(there, 1, "10.0.1.1")
    remember(hostvars)
    peers = own_agent.clashes("m1", hostvars, ["m2"], hostvars)
    assert [each.code for each in peers] == ["shared-peer-id", "shared-address"]
    # At two sites addresses may be the same, and identities may not.
    apart = own_agent.clashes("m1", hostvars, [], hostvars)
    assert [each.code for each in apart] == ["shared-peer-id"]


class Counted(dict[str, Any]):
    """The variables of all hosts. Ansible works a host's out anew each time that they are read."""

    reads = 0

    def __getitem__(self, name: str) -> Any:
        self.reads += 1
        return super().__getitem__(name)


def test_the_variables_of_all_hosts_are_not_read_for_each_of_them(tmp_path: Path) -> None:
    """A thousand hosts took minutes, for each looked at a thousand."""
    run = made_run(tmp_path)
    known = {f"m{index}": {"run": run, "peer_id": "one" if index in (1, 2) else f"id-{index}", "address": "10.0.0.1",
                           "port": 4000 + index, "multiaddr": "x"} for index in range(60)}  # fmt: skip
    hostvars = Counted({name: {"ansible_facts": {"praxis_agent": agent}} for name, agent in known.items()})
    remember(hostvars)
    found = {name: own_agent.clashes(name, hostvars, ["m3"], hostvars) for name in hostvars}
    assert {name: [each.code for each in many] for name, many in found.items() if many} == {
        "m1": ["shared-peer-id"], "m2": ["shared-peer-id"]}  # fmt: skip
    assert hostvars.reads <= 3 * len(hostvars)


def by_looking_at_all(name: str, hosts: list[str], peers: list[str], known: dict[str, Any]) -> list[tuple[str, str]]:
    """The same as :func:`own_agent.clashes`, the slow way: the code of each, and with whom."""
    mine, found = known[name], []
    for other in dict.fromkeys([*hosts, *peers]):
        agent = known.get(other)
        if other == name or not agent or not Path(agent["run"]).is_dir():
            continue
        found += [("shared-peer-id", other)] if agent["peer_id"] == mine["peer_id"] else []
        same = (agent["address"], agent["port"]) == (mine["address"], mine["port"])
        found += [("shared-address", other)] if same and other in peers and mine["multiaddr"] else []
    return found


AGENTS = st.fixed_dictionaries({
    "run": st.sampled_from(["there", "there", "gone"]), "peer_id": st.sampled_from("ab"), "multiaddr": st.just("x"),
    "address": st.sampled_from(["10.0.0.1", "10.0.0.2"]), "port": st.sampled_from([4001, 4002]),
})  # fmt: skip
NAMES = st.sampled_from(["m1", "m2", "m3", "m4", "m5"])


@settings(deadline=None)
@given(
    planned=st.lists(st.tuples(NAMES, AGENTS), max_size=8), mine=AGENTS, hosts=st.sets(NAMES), peers=st.lists(NAMES)
)
def test_it_finds_what_looking_at_all_hosts_finds(
    planned: list[tuple[str, dict[str, Any]]], mine: dict[str, Any], hosts: set[str], peers: list[str]
) -> None:
    """Some are planned more than once, with another seed; of some only a fact cache knows."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "there").mkdir()
        known: dict[str, Any] = {}
        for name, agent in [*planned, ("m1", {**mine, "run": "there"})]:
            known[name] = {**agent, "run": str(Path(folder) / agent["run"])}
            remember({name: {"ansible_facts": {"praxis_agent": known[name]}}})
        hostvars = {name: {"ansible_facts": {"praxis_agent": agent}} for name, agent in known.items()}
        found = own_agent.clashes("m1", sorted(hosts), peers, hostvars)
        assert [each.code for each in found] == [
            code for code, _other in by_looking_at_all("m1", sorted(hosts), peers, known)]  # fmt: skip
        assert all(other in each.what for each, (_code, other) in zip(
            found, by_looking_at_all("m1", sorted(hosts), peers, known), strict=True))  # fmt: skip


def test_an_agent_is_no_peer_of_its_own(tmp_path: Path) -> None:
    """One list of multiaddrs for all hosts has each host's own, too."""
    agent = {"run": str(tmp_path), "peer_id": peer_id(seed(1)), "address": "10.0.1.1", "port": 4001, "multiaddr": "x"}
    mine = [multiaddr(address, 4001, peer_id(seed(1))) for address in ("10.0.1.1", "203.0.113.1")]
    peers = own_agent.peers_of("m1", [*mine, ELSEWHERE], {"m1": {"ansible_facts": {"praxis_agent": agent}}})
    assert [peer.name for peer in peers] == [ELSEWHERE]


def test_a_second_plan_is_the_same_release(site: Site) -> None:
    site.inventory({"m1": local(**arguments(1))})
    releases = [site.play(plan()).of("Plan the agent", "m1")["plan"]["members"][0]["release"] for _again in range(2)]
    assert releases[0] == releases[1]


@pytest.mark.repetition
def test_all_that_is_wrong_is_reported_in_the_role_s_words(site: Site) -> None:
    wrong = arguments(1, agent_identity="no seed", agent_api_port=70000, agent_address="fe80::1")
    site.inventory({"m1": local(**wrong)})
    failed = site.play(plan()).of("Plan the agent", "m1")
    assert {item["code"] for item in failed["failures"]} == {"bad-variable", "bad-address", "identity-seed"}
    assert "agent_api_port" in failed["msg"] and "agent_address" in failed["msg"]
    assert "praxis_" not in failed["msg"] and "no seed" not in failed["msg"]


def test_a_misspelt_setting_names_the_role_s_argument(site: Site) -> None:
    site.inventory({"m1": local(**arguments(1, agent_settings={"llm": {"timeoutt": 7}}))})
    failed = site.play(plan()).of("Plan the agent", "m1")
    assert "agent_settings" in failed["msg"] and "llm.timeout" in failed["msg"] and "praxis_agent" not in failed["msg"]


def test_services_are_a_fleet_s_and_what_is_wrong_names_the_role_s_argument(site: Site) -> None:
    site.inventory({"m1": local(**arguments(1, agent_services=[{"name": "files", "image": IMAGE, "user": "root"}]))})
    failed = site.play(plan()).of("Plan the agent", "m1")
    assert [item["code"] for item in failed["failures"]] == ["service-unsafe"]
    assert "agent_services[files]" in failed["msg"]


@pytest.mark.repetition
def test_a_seed_in_a_store_as_bytes_or_as_text(site: Site, empty: Account) -> None:
    empty.secret("seed-bytes", seed(1))
    empty.secret("seed-text", json.dumps({"seed": text_of(2)}))
    site.inventory({
        "m1": local(**arguments(1, agent_identity="aws-sm://seed-bytes")),
        "m2": local(**arguments(2, agent_identity="aws-sm://seed-text#seed")),
    })  # fmt: skip
    played = site.play(plan())
    found = [played.of("Plan the agent", f"m{index}")["plan"]["members"][0]["peer_id"] for index in (1, 2)]
    assert found == [peer_id(seed(1)), peer_id(seed(2))]


def test_a_missing_seed_is_no_reason_to_make_one(site: Site) -> None:
    site.inventory({"m1": local(**arguments(1, agent_identity="aws-sm://not-there"))})
    failed = site.play(plan()).of("Plan the agent", "m1")
    assert [item["code"] for item in failed["failures"]] == ["no-identity"]


@pytest.mark.parametrize(("peer", "code"), [
    ("m7", "peer-unknown"), ("/ip4/10.0.0.1/tcp/4001", "bad-peer"), ("/ip4/127.0.0.1/tcp/4001/p2p/x", "bad-peer"),
    ("/ip4/10.0.0.1/tcp/70000/p2p/" + peer_id(seed(9)), "bad-peer"),
])  # fmt: skip
def test_a_peer_that_is_none(peer: str, code: str) -> None:
    with pytest.raises(Failed) as failed:
        own_agent.peers_of("m1", [peer, "m1"], {"m1": {}})
    assert [item.code for item in failed.value.findings] == [code]


def test_a_peer_of_an_earlier_run_is_none(tmp_path: Path) -> None:
    """A fact cache has it: the machine may have another address or another seed by now."""
    known = {"run": str(tmp_path), "address": "10.0.1.2", "port": 4001, "peer_id": peer_id(seed(2))}
    hostvars = {"m1": {}, "m2": {"ansible_facts": {"praxis_agent": known}}}
    assert [peer.name for peer in own_agent.peers_of("m1", ["m2"], hostvars)] == ["m2"]
    known["run"] = str(tmp_path / "gone")
    with pytest.raises(Failed) as failed:
        own_agent.peers_of("m1", ["m2"], hostvars)
    (finding,) = failed.value.findings
    assert finding.code == "peer-unknown"
    # In a play of another strategy the host is slower, and in one with serial it comes later.
    assert "linear" in finding.fix and "serial" in finding.fix


def test_a_peer_without_an_address_is_named(tmp_path: Path) -> None:
    known = {"run": str(tmp_path), "address": "", "port": 4001, "peer_id": peer_id(seed(2))}
    with pytest.raises(Failed) as failed:
        own_agent.peers_of("m1", ["m2"], {"m2": {"ansible_facts": {"praxis_agent": known}}})
    assert [(item.code, item.where) for item in failed.value.findings] == [("no-address", "m2")]


def test_words_that_no_argument_stands_for_stay() -> None:
    finding = Finding("c", "praxis_image, praxis_batch", "praxis_agent_config", "praxis_soak")
    (reported,) = own_agent.in_role_words([finding])
    named = (reported.what, reported.where, reported.fix)
    assert named == ("agent_image, praxis_batch", "agent_settings", "agent_soak")
