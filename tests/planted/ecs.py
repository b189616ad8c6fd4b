# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of agents in Amazon ECS."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="tasks-that-get-no-requests-are-good",
        breaks="A deployment ends well whose tasks the balancer never sends a request.",
        file="plugins/module_utils/cloud/ecs_service.py",
        before="            unserved = self._served(float(self.kind.settings.grace))\n",
        after="            unserved: list[Finding] = []\n",
        tests=("tests/unit/ecs/test_fleet.py",),
        tier="test",
    ),
    Fault(
        name="a-schedule-s-limits-are-written-over",
        breaks="A deployment at noon takes the limits that the morning's schedule has set for somebody's edit.",
        file="plugins/module_utils/cloud/aws_ecs_kinds.py",
        before="                name: desired.fields[name] if value in scheduled.get(name, ()) else value\n",
        after="                name: value\n",
        tests=("tests/unit/ecs/test_fleet.py",),
        tier="test",
    ),
    Fault(
        name="two-hold-the-lock",
        breaks="A run does not see the lock of one that came before it.",
        file="plugins/module_utils/ecs/lock.py",
        before="if each.active and each.revision < mine.revision]\n",
        after="if each.active and each.revision > mine.revision]\n",
        tests=("tests/unit/ecs/test_lock.py",),
    ),
    Fault(
        name="rolled-back-by-ecs-counts-as-done",
        breaks="A deployment that the circuit breaker has rolled back ends well.",
        file="plugins/module_utils/ecs/rollout.py",
        before='            return str(each.get("rolloutState") or RUNNING)\n    return FAILED\n',
        after='            return str(each.get("rolloutState") or RUNNING)\n    return COMPLETED\n',
        tests=("tests/unit/ecs/test_rollout.py",),
    ),
    Fault(
        name="a-task-takes-the-newest-secret",
        breaks="A task definition names no version of a secret, so tasks of one release have different values.",
        file="plugins/module_utils/ecs/secrets.py",
        before='        return f"{self.arn}:{self.key}::{self.version}"\n',
        after='        return f"{self.arn}:{self.key}::"\n',
        tests=("tests/unit/ecs",),
    ),
    Fault(
        name="memory-that-fargate-does-not-have",
        breaks="A plan promises a task of a size that AWS refuses.",
        file="plugins/module_utils/ecs/task_definition.py",
        before="        if self.memory in these:\n",
        after="        if self.memory <= max(these):\n",
        tests=("tests/unit/ecs",),
    ),
    Fault(
        name="tasks-that-ecs-stopped-hide-the-one-that-crashed",
        breaks="A failed deployment is explained by the tasks that ECS itself stopped.",
        file="plugins/module_utils/ecs/rollout.py",
        before='if not str(task.get("stoppedReason", "")).startswith(_BY_ECS)] or stopped\n',
        after="] or stopped\n",
        tests=("tests/unit/ecs/test_rollout.py",),
    ),
    Fault(
        name="a-killed-run-goes-on",
        breaks="The worker of a killed ansible-playbook goes on to the end of its deployment.",
        file="plugins/action/fleet_ecs.py",
        before="            planned.aws.asking(playbook.require),\n",
        after="            planned.aws,\n",
        tests=("tests/unit/ecs/test_verbs.py",),
        tier="test",
    ),
    Fault(
        name="a-killed-run-is-not-named",
        breaks="A run that stopped because its ansible-playbook was killed gives its lock back as if it had ended.",
        file="plugins/module_utils/cloud/ecs_lock.py",
        before="            if self.playbook.ended:\n",
        after="            if False:\n",
        tests=("tests/unit/ecs/test_verbs.py",),
        tier="test",
    ),
    Fault(
        name="a-rollback-takes-all-kinds-back",
        breaks="A kind that the last deployment left as it was goes to an older revision with the others.",
        file="plugins/module_utils/ecs/way_back.py",
        before="if each.run == last and",
        after="if each.run <= last and",
        tests=("tests/unit/ecs/test_way_back.py",),
    ),
    Fault(
        name="services-of-others-go-with-the-fleet",
        breaks="A removal takes services along that others have made in the fleet's cluster.",
        file="plugins/module_utils/cloud/ecs_left.py",
        before="            if found.is_ours:\n",
        after="            if found.exists:\n",
        tests=("tests/unit/ecs/test_strangers.py",),
        tier="test",
    ),
    Fault(
        name="a-task-alone-is-in-the-mesh",
        breaks="A task that no member has accepted a connection from is called good.",
        file="plugins/module_utils/ecs/edges.py",
        before="            if edges[address] < needed]",
        after="            if edges[address] > needed]",
        tests=("tests/unit/ecs/test_edges.py",),
    ),
    Fault(
        name="a-link-that-is-cut-is-an-edge",
        breaks="A connection whose end retransmits counts as one that was accepted.",
        file="plugins/module_utils/connections.py",
        before=" and not int(item[\"retransmits\"])",
        after="",
        tests=("tests/unit/ecs/test_edges.py",),
    ),
    Fault(
        name="a-killed-provisioning-goes-on",
        breaks="The worker of a killed ansible-playbook makes the rest of a fleet's resources.",
        file="plugins/module_utils/cloud/retry.py",
        before="            self.may()\n",
        after="",
        tests=("tests/unit/google/test_killed.py",),
    ),
)
