# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import PARTS, difference, make_plan, require_id
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.table import UNKNOWN, natural, table_from_plain
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import SERVICE, Paths

from .made import IMAGE, PEERS, fleet, member, release


def codes(error):
    return [finding.code for finding in error.value.findings]


class TestRelease:
    def test_the_id_says_everything_that_needs_a_new_container(self):
        base = release("m1")
        other = {
            "image": IMAGE.replace("0", "1"),
            "document": "p2p: {}\n",
            "environment": {"PRAXIS_API__PORT": "8001"},
            "secrets": {"OPENAI_API_KEY": "v2"},
            "limits": Limits(memory="1g"),
            "docker_socket": True,
            "p2p_port": 4002,
        }
        ids = {base.id, *(replace(base, **{name: value}).id for name, value in other.items())}
        assert len(ids) == len(other) + 1

    def test_compose_holds_the_agents_cage(self):
        service = json.loads(release("m1").compose())["services"]["agent"]
        assert service["user"] == "10001:10001"
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and service["init"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["ports"] == ["8000:8000", "4001:4001"]
        assert not any("docker.sock" in item["source"] for item in service["volumes"])
        assert all(item["read_only"] and not item["bind"]["create_host_path"] for item in service["volumes"])

    def test_the_docker_socket_only_when_asked(self):
        service = json.loads(release("m1", docker_socket=True).compose())["services"]["agent"]
        assert any("docker.sock" in item["source"] for item in service["volumes"])
        assert service["extends"] == {"file": Paths().socket_group, "service": SERVICE}  # its group, without which
        assert release("m1", docker_socket=True).manifest()["docker_socket"] is True  # uid 10001 may not open it
        assert "extends" not in json.loads(release("m1").compose())["services"]["agent"]
        assert "docker_socket" not in release("m1").manifest()

    def test_compose_leaves_no_text_that_could_be_read_as_a_number(self):
        text = release("m1", environment={"A": "1e3", "B": "on", "C": "0x1f"}).compose()
        assert json.loads(text)["services"]["agent"]["environment"] == {"A": "1e3", "B": "on", "C": "0x1f"}

    @pytest.mark.parametrize(
        "text", ["\U0001f642", "\U0001fffe", "a\\ud83d", "\x7f", "\x85\u2028\ufeff\ufffe", "\u00e9"]
    )
    def test_compose_holds_no_escape_that_is_json_s_alone(self, text):
        """Compose's YAML reader refuses halves of surrogate pairs, and raw characters that YAML does not know."""
        compose = release("m1", environment={"A": text}).compose()
        assert json.loads(compose)["services"]["agent"]["environment"] == {"A": text}
        assert not re.search(r"(?<!\\)\\ud[89a-f]", compose) and not re.search("[\x7f-\uffff]", compose)

    def test_compose_interpolates_nothing(self):
        text = release("m1", environment={"A": "${HOME} $x {{ y }}"}).compose()
        service = json.loads(text)["services"]["agent"]
        assert service["environment"]["A"] == "$${HOME} $$x {{ y }}"
        assert '"$$@"' in service["entrypoint"][2]

    def test_the_manifest_holds_versions_and_no_values(self):
        manifest = json.loads(release("m1").files()["release.json"])
        assert manifest["secrets"] == {"OPENAI_API_KEY": "v1"}
        assert manifest["id"] == release("m1").id


class TestPlan:
    def test_every_edge_stands_in_both_ends_lists(self):
        plan = fleet(3)
        for one, other in plan.edges:
            assert any(PEERS[int(other[1]) - 1] in text for text in plan.peers(one)["multiaddrs"])
            assert any(PEERS[int(one[1]) - 1] in text for text in plan.peers(other)["multiaddrs"])

    def test_a_newcomer_changes_peers_and_no_release(self):
        before, after = fleet(3), fleet(4)
        for name in before.members:
            assert before.members[name].release == after.members[name].release
            assert before.peers(name)["revision"] != after.peers(name)["revision"]

    def test_peers_of_an_identity_to_come_are_unknown(self):
        members = [member(1), member(2, peer_id=None)]
        plan = make_plan("test", members, [release("m1"), release("m2")])
        assert plan.peers("m1") == {"revision": UNKNOWN, "multiaddrs": [UNKNOWN]}
        assert plan.describe()["members"][1]["peer_id"] == UNKNOWN

    def test_the_table_survives_a_file(self):
        plan = fleet(3)
        table = table_from_plain(json.loads(json.dumps(plan.to_plain())))
        assert (table.members, table.edges, table.order) == (plan.members, plan.edges, plan.order)

    def test_members_are_ordered_by_slot_as_people_count(self):
        assert fleet(12).order == ["m%d" % index for index in range(1, 13)]
        assert sorted(["aws-10", "aws-2", "gcp-1"], key=natural) == ["aws-2", "aws-10", "gcp-1"]
        assert natural("m1²") != natural("m12"), "a digit that no number is written with"


class TestRefusals:
    def test_no_members(self):
        with pytest.raises(Failed) as error:
            make_plan("test", [], [])
        assert codes(error) == ["empty-fleet"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"slot": "aws-1"}, "shared-slot"),
            ({"addresses": ("10.0.0.1",)}, "shared-address"),
            ({"peer_id": PEERS[0]}, "shared-peer-id"),
        ],
    )
    def test_two_members_share_something(self, change, code):
        with pytest.raises(Failed) as error:
            make_plan("test", [member(1), member(2, **change)], [release("m1"), release("m2")])
        assert codes(error) == [code]
        assert "m1 and m2" in error.value.findings[0].what

    def test_two_members_share_a_name(self):
        with pytest.raises(Failed) as error:
            make_plan("test", [member(1), member(2, name="m1")], [release("m1")])
        assert "shared-name" in codes(error)


class TestPlanId:
    def changed(self, **values):
        members = [member(1), member(2)]
        return make_plan("test", members, [release("m1"), release("m2", **values)])

    @pytest.mark.parametrize(
        ("values", "part"),
        [
            ({"image": IMAGE.replace("0", "2")}, "image"),
            ({"environment": {"X": "1"}}, "settings"),
            ({"document": "agent: {}\n"}, "settings"),
            ({"limits": Limits(memory="2g")}, "settings"),
            ({"secrets": {"OPENAI_API_KEY": "v2"}}, "secrets"),
        ],
    )
    def test_an_id_tells_which_part_changed(self, values, part):
        assert difference(self.changed().id, self.changed(**values).id) == [part]

    def test_a_new_member_changes_every_part(self):
        assert "members" in difference(fleet(2).id, fleet(3).id)

    def test_the_same_inputs_give_the_same_id(self):
        assert fleet(3).id == fleet(3).id
        require_id(fleet(3).id, fleet(3).id)

    def test_a_foreign_id_differs_in_everything(self):
        assert difference("nonsense", fleet(2).id) == list(PARTS)

    def test_the_refusal_names_the_part(self):
        with pytest.raises(Failed, match="its secrets changed"):
            require_id(self.changed().id, self.changed(secrets={"OPENAI_API_KEY": "v9"}).id)
