# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of the fleet: plan, order, mesh, verdict, and their text."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="all-rings-are-one",
        breaks="The eight rings of a large fleet run through the members in one and the same order.",
        file="plugins/module_utils/fleet/topology.py",
        before="f\"{ring}/{name}\".encode()",
        after="f\"{name}\".encode()",
        tests=("tests/unit/fleet/test_topology.py",),
    ),
    Fault(
        name="full-mesh-ends-one-early",
        breaks="A fleet of exactly 32 members is no full mesh any more.",
        file="plugins/module_utils/fleet/topology.py",
        before="if len(ordered) <= max(full_mesh_limit, 2):",
        after="if len(ordered) < max(full_mesh_limit, 2):",
        tests=("tests/unit/fleet/test_topology.py",),
    ),
    Fault(
        name="retransmitting-edge-is-live",
        breaks="An edge whose every connection is retransmitting counts as live.",
        file="plugins/module_utils/fleet/mesh.py",
        before="if len(stuck) == len(mine):",
        after="if len(stuck) > len(mine):",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="ghost-edge-is-live",
        breaks="An edge of which the two ends hold different connections counts as live.",
        file="plugins/module_utils/fleet/mesh.py",
        before="not flows[0] & flows[1]:",
        after="not flows[0] | flows[1]:",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="dial-that-times-out-is-good",
        breaks="A fresh dial that times out is no fault of the edge.",
        file="plugins/module_utils/fleet/mesh.py",
        before="if dialled not in (None, \"ok\"):",
        after="if dialled not in (None, \"ok\", \"timeout\"):",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="enough-edges-are-too-few",
        breaks="A member with exactly the edges that it must have is told to have too few.",
        file="plugins/module_utils/fleet/mesh.py",
        before="if len(counts[name]) < min(table.min_edges, len(planned)):",
        after="if len(counts[name]) <= min(table.min_edges, len(planned)):",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="mesh-in-two-parts-is-whole",
        breaks="A mesh in two parts is good.",
        file="plugins/module_utils/fleet/mesh.py",
        before="if len(parts) > 1:",
        after="if len(parts) > 2:",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="restart-for-a-cut-link",
        breaks="Members are restarted for an edge that no restart can bring back.",
        file="plugins/module_utils/fleet/mesh.py",
        before="if dials == {\"ok\"} and not shared:",
        after="if \"ok\" in dials and not shared:",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="another-release-is-no-finding",
        breaks="A member that runs another release than the planned one is not told.",
        file="plugins/module_utils/fleet/mesh.py",
        before="if running != member.release:",
        after="if running is None:",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="run-goes-on-without-a-host",
        breaks="Others are activated although a host could not be prepared.",
        file="plugins/module_utils/fleet/order.py",
        before=(
            "    if findings:\n"
            "        activate = restart = []\n"
        ),
        after="",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="batch-size-is-ignored",
        breaks="Hosts are activated one at a time whatever praxis_batch says.",
        file="plugins/module_utils/fleet/order.py",
        before="serial = batches(activate, not active, batch)",
        after="serial = batches(activate, not active)",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="gate-asks-for-no-edges",
        breaks="In a first deployment no host's gate asks for an edge.",
        file="plugins/module_utils/fleet/order.py",
        before="        active.update(batch)\n",
        after="",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="limit-reaches-everybody",
        breaks="Hosts outside --limit are activated too.",
        file="plugins/module_utils/fleet/order.py",
        before="names = [name for name in table.order if name in scope]",
        after="names = list(table.order)",
        tests=("tests/unit/fleet/test_mesh.py",),
    ),
    Fault(
        name="changed-plan-is-accepted",
        breaks="A plan of which only some parts changed passes for the one that was agreed to.",
        file="plugins/module_utils/fleet/plan.py",
        before=(
            "    changed = difference(wanted, plan.id)\n"
            "    if changed:\n"
        ),
        after=(
            "    changed = difference(wanted, plan.id)\n"
            "    if len(changed) == len(PARTS):\n"
        ),
        tests=("tests/unit/fleet/test_plan.py",),
    ),
    Fault(
        name="two-hosts-with-one-slot",
        breaks="Two machines of one slot are planned, two agents with one identity.",
        file="plugins/module_utils/fleet/plan.py",
        before="return len(sharing) > 1 and (kind != \"peer id\"",
        after="return len(sharing) > 2 and (kind != \"peer id\"",
        tests=("tests/unit/fleet/test_plan.py",),
    ),
    Fault(
        name="crossing-allowed-by-one",
        breaks="Plain P2P over the internet is allowed by one member for all.",
        file="plugins/module_utils/fleet/plan.py",
        before="if any(member.name not in across for member in members):",
        after="if all(member.name not in across for member in members):",
        tests=("tests/unit/fleet/test_networks.py",),
    ),
    Fault(
        name="private-address-for-another-network",
        breaks="Members of another network are dialled at their private address.",
        file="plugins/module_utils/fleet/plan.py",
        before="return self.addresses if self.network == other.network else (self.public_address,)",
        after="return self.addresses",
        tests=("tests/unit/fleet/test_networks.py",),
    ),
    Fault(
        name="last-batch-is-left-out",
        breaks="The hosts that do not fill a batch are never activated.",
        file="plugins/module_utils/fleet/plan.py",
        before="return [size] * full + ([rest] if rest else [])",
        after="return [size] * full",
        tests=("tests/unit/fleet/test_plan.py",),
    ),
    Fault(
        name="new-secret-is-no-new-release",
        breaks="A new version of a secret gives no new release, and never reaches the agent.",
        file="plugins/module_utils/fleet/release.py",
        before=(
            "                \"secrets\": dict(self.secrets),\n"
            "                \"service\": self._service(\"-\"),\n"
        ),
        after="                \"service\": self._service(\"-\"),\n",
        tests=("tests/unit/fleet/test_plan.py",),
    ),
    Fault(
        name="compose-interpolates",
        breaks="Compose takes a dollar in a setting for a variable of its own.",
        file="plugins/module_utils/fleet/release.py",
        before="return value.replace(\"$\", \"$$\")",
        after="return value",
        tests=("tests/unit/fleet/test_plan.py",),
    ),
    Fault(
        name="root-is-writable",
        breaks="The agent may write to its container's root.",
        file="plugins/module_utils/fleet/release.py",
        before=(
            "\"read_only\": True,\n"
            "            \"tmpfs\": [\"/tmp\"],"
        ),
        after=(
            "\"read_only\": False,\n"
            "            \"tmpfs\": [\"/tmp\"],"
        ),
        tests=("tests/unit/fleet/test_plan.py",),
    ),
    Fault(
        name="fleet-shrinks-unasked",
        breaks="Machines beyond the number asked for are terminated without leave.",
        file="plugins/module_utils/fleet/machines.py",
        before="if surplus and not allow_shrink:",
        after="if surplus and allow_shrink:",
        tests=("tests/unit/fleet/test_machines.py",),
    ),
    Fault(
        name="strangers-machine-is-terminated",
        breaks="A machine that was not made here is terminated with the surplus.",
        file="plugins/module_utils/fleet/machines.py",
        before="surplus = [each for each in live if each.ours and each.slot not in wanted.slots]",
        after="surplus = [each for each in live if each.slot not in wanted.slots]",
        tests=("tests/unit/fleet/test_machines.py",),
    ),
    Fault(
        name="mark-by-one-word",
        breaks="Half a mark in a description makes somebody else's resource ours.",
        file="plugins/module_utils/fleet/names.py",
        before="return set(text.split()) <= set(str(description or \"\").split())",
        after="return not set(text.split()).isdisjoint(str(description or \"\").split())",
        tests=("tests/unit/fleet/test_names.py",),
    ),
    Fault(
        name="other-release-is-an-illness",
        breaks="A member that runs another release is shown as ill.",
        file="plugins/module_utils/fleet/status.py",
        before="return next((code for code in codes if code != mesh.OTHER_RELEASE), HEALTHY)",
        after="return next(iter(codes), HEALTHY)",
        tests=("tests/unit/fleet/test_status.py",),
    ),
    Fault(
        name="log-steers-the-terminal",
        breaks="Control characters of an agent's log reach the operator's terminal.",
        file="plugins/module_utils/fleet/render.py",
        before="letter if letter.isprintable() else \"?\" for letter in words",
        after="letter for letter in words",
        tests=("tests/unit/fleet/test_render.py",),
    ),
    Fault(
        name="beginning-of-the-story-is-told",
        breaks="Of a long message of SSH or Python the beginning is told, and not the end.",
        file="plugins/module_utils/fleet/step_failure.py",
        before="\"… \" + words[-LONGEST:]",
        after="\"… \" + words[:LONGEST]",
        tests=("tests/unit/fleet/test_step_failure.py",),
    ),
    Fault(
        name="network-by-one-tag",
        breaks="A VPC with one of the fleet's three tags is taken for the fleet's own.",
        file="plugins/module_utils/fleet/network.py",
        before="(tags.get(\"Name\") == name) >= 2",
        after="(tags.get(\"Name\") == name) >= 1",
        tests=("tests/unit/modules/test_aws_network.py",),
    ),
)
