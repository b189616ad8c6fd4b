# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted faults of a fleet's manifests."""

from __future__ import annotations

from tests.planted.fault import Fault

FAULTS = (
    Fault(
        name="pods-resolve-when-they-are-ready",
        breaks="Pods find each other only once they are ready, and become ready only once they have found each other.",
        file="plugins/module_utils/kubernetes/objects.py",
        before='"publishNotReadyAddresses": True',
        after='"publishNotReadyAddresses": False',
        tests=("tests/unit/kubernetes/test_objects.py",),
    ),
    Fault(
        name="replicas-beside-the-autoscaler",
        breaks="Each deployment undoes what the load has asked for.",
        file="plugins/module_utils/kubernetes/objects.py",
        before='return {} if kind.settings.replicas is None else {"replicas": kind.settings.replicas}',
        after='return {"replicas": kind.settings.minimum}',
        tests=("tests/unit/kubernetes/test_objects.py",),
    ),
    Fault(
        name="a-pod-sees-every-key",
        breaks="Each pod can read the identity of every other one.",
        file="plugins/module_utils/kubernetes/workload.py",
        before='"subPathExpr": "$(POD_NAME)"',
        after='"subPath": ""',
        tests=("tests/unit/kubernetes/test_objects.py",),
    ),
    Fault(
        name="a-dollar-is-kubernetes-own",
        breaks="A value that has $(NAME) in it becomes another variable's.",
        file="plugins/module_utils/kubernetes/workload.py",
        before='return value.replace("$", "$$")',
        after="return value",
        tests=("tests/unit/kubernetes/test_objects.py",),
    ),
    Fault(
        name="health-alone-is-ready",
        breaks="A pod whose P2P has crashed, or that has another's identity, is ready.",
        file="plugins/module_utils/kubernetes/ready.py",
        before="if expected and found != expected:",
        after="if expected and not found:",
        tests=("tests/unit/kubernetes/test_ready.py",),
    ),
    Fault(
        name="an-edge-that-is-sent-again-is-live",
        breaks="A cut link counts as a live edge.",
        file="plugins/module_utils/kubernetes/ready.py",
        before="if not edge.retransmits}",
        after="if edge.retransmits >= 0}",
        tests=("tests/unit/kubernetes/test_ready.py",),
    ),
    Fault(
        name="a-neighbour-s-restart-takes-all-out",
        breaks="A pod that has lost its edge for a moment is out of service at once.",
        file="plugins/module_utils/kubernetes/ready.py",
        before="<= grace",
        after="<= 0",
        tests=("tests/unit/kubernetes/test_ready.py",),
    ),
    Fault(
        name="the-last-line-of-a-secret-is-lost",
        breaks="A secret without a line's end arrives without its last line.",
        file="plugins/module_utils/kubernetes/start.py",
        before="  _praxis_found=$_praxis_found$_praxis_line\n}",
        after="}",
        tests=("tests/unit/kubernetes/test_start.py",),
    ),
    Fault(
        name="a-version-s-id-is-a-stage",
        breaks="The External Secrets Operator looks for a staging label that there is not.",
        file="plugins/module_utils/kubernetes/secrets.py",
        before='version = "uuid/" + reference.version',
        after="version = reference.version",
        tests=("tests/unit/kubernetes/test_objects.py",),
    ),
    Fault(
        name="rings-of-pods-that-do-not-run",
        breaks="A large fleet of which few pods run falls apart.",
        file="plugins/module_utils/kubernetes/mesh.py",
        before="found |= topology.growing_edges(names)",
        after="found |= topology.planned_edges(names)",
        tests=("tests/unit/kubernetes/test_mesh.py",),
    ),
    Fault(
        name="a-number-of-yaml-1-1",
        breaks="A release's id such as 850699100e56 is read as a number.",
        file="plugins/module_utils/kubernetes/manifests.py",
        before="style=None if plain else",
        after="style=None if plain or text.isalnum() else",
        tests=("tests/unit/kubernetes/test_files.py",),
    ),
    Fault(
        name="a-field-no-longer-named-stays-in-the-cluster",
        breaks="An object that was made by other means counts as applied, and what it has too much stays.",
        file="plugins/module_utils/kubernetes/changes.py",
        before="    if before is not None and plain(before) == plain(after) and is_applied(before):\n",
        after="    if before is not None and plain(before) == plain(after):\n",
        tests=("tests/unit/kubernetes/test_changes.py",),
    ),
    Fault(
        name="another-fleet-s-object-is-taken",
        breaks="An object of another fleet, made by this collection too, is overwritten.",
        file="plugins/module_utils/kubernetes/changes.py",
        before="labels.get(MANAGED_BY) == MANAGER and labels.get(INSTANCE) == fleet)",
        after="labels.get(MANAGED_BY) == MANAGER)",
        tests=("tests/unit/kubernetes/test_changes.py", "tests/unit/kubernetes/test_deployment.py"),
    ),
    Fault(
        name="an-autoscaler-s-number-of-pods-is-lost",
        breaks="Where an autoscaler takes over, the server sets the number of pods to one.",
        file="plugins/module_utils/kubernetes/changes.py",
        before='    return any("f:replicas" in (each.get("f:spec") or {}) for each in fields)\n',
        after="    return False\n",
        tests=("tests/unit/kubernetes/test_changes.py",),
    ),
    Fault(
        name="the-token-stays-at-home",
        breaks="Every request to a cluster is anonymous, and refused.",
        file="plugins/plugin_utils/kubernetes_api.py",
        before='get_api_key_with_prefix("BearerToken", alias="authorization")',
        after='get_api_key_with_prefix("authorization")',
        tests=("tests/unit/kubernetes/test_deployment.py",),
    ),
    Fault(
        name="the-autoscaler-goes-last",
        breaks="A fixed number of pods is undone by the autoscaler that it replaces.",
        file="plugins/module_utils/kubernetes/changes.py",
        before='return self.after is None and self.item["kind"] != "HorizontalPodAutoscaler"',
        after="return self.after is None",
        tests=("tests/unit/kubernetes/test_deployment.py",),
    ),
)
