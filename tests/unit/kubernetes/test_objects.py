# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects: that each Kubernetes takes them, and that they say what a fleet needs."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes import objects
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.workload import memory_quantity
from tests import tiers
from tests.unit.kubernetes.made import IMAGE, SECRETS, STORES, VERSION, agent, found, leaf, plan, seeds, variables

#: From the oldest that is meant to the newest whose schema is there.
VERSIONS = [f"1.{minor}" for minor in range(30, int(kubernetes_validate.latest_version().split(".")[1]) + 1)]
TEXT = {"type": "string", "minLength": 1}
STORE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "kind"],
    "properties": {"name": TEXT, "kind": {"enum": ["SecretStore", "ClusterSecretStore"]}},
}
#: What external-secrets.io/v1 has of what is written here. Its own schema is in no package.
EXTERNAL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["refreshInterval", "secretStoreRef", "target", "data"],
    "properties": {
        "refreshInterval": {"type": "string", "pattern": r"^([0-9]+[hms])+$"},
        "secretStoreRef": STORE,
        "target": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "name": TEXT,
                "creationPolicy": {"enum": ["Owner", "Orphan", "Merge", "None"]},
                "deletionPolicy": {"enum": ["Delete", "Merge", "Retain"]},
                "immutable": {"type": "boolean"},
            },
        },
        "data": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["secretKey", "remoteRef"],
                "properties": {
                    "secretKey": {"type": "string", "pattern": r"^[-._a-zA-Z0-9]{1,253}$"},
                    "sourceRef": {
                        "type": "object", "additionalProperties": False, "properties": {"storeRef": STORE},
                    },
                    "remoteRef": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["key"],
                        "properties": {
                            "key": TEXT, "property": TEXT, "version": TEXT,
                            "conversionStrategy": {"enum": ["Default", "Unicode"]},
                            "decodingStrategy": {"enum": ["Auto", "Base64", "Base64URL", "None"]},
                            "metadataPolicy": {"enum": ["None", "Fetch"]},
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip
#: Everything that changes which fields are written.
WHOLE: dict[str, Any] = {
    "autoscaler": {"min": 3, "max": 5, "cpu": 60, "memory": 80, "stabilization": 60},
    "cpu_limit": "2",
    "api_from": [
        {"pods": {"app": "gateway"}, "namespaces": {"kubernetes.io/metadata.name": "edge"}},
        {"namespaces": {}},
        {"cidr": "10.0.0.0/8"},
    ],
    "service_account": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/agent"}},
    "image_pull_secrets": ["registry"],
    "zone_spread": "require",
}
CASES: dict[str, dict[str, dict[str, Any]]] = {
    "members": {"agent": variables()},
    "every setting": {"agent": variables(WHOLE)},
    "a fixed number": {"agent": variables({"replicas": 4})},
    "existing secrets": {
        "agent": variables({"secrets": {"existing": "agent-env"}, "identities": {"existing": "agent-keys"}})
    },
    "members and leaves": {"agent": variables(), "leaf": leaf()},
    "two kinds of members": {
        "agent": variables(),
        "other": variables({"seeds": seeds(10, first=10)}, slot="other"),
    },
    "no secrets of its own": {"agent": variables(agent_secrets={}, agent_environment={"OPENAI_API_KEY": "none"})},
}


@cache
def case_objects(case: str) -> list[dict[str, Any]]:
    """The objects of a case, for tests that leave them as they are."""
    return plan(**CASES[case]).objects()


def containers(workload: dict[str, Any]) -> dict[str, Any]:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    return container


@pytest.mark.parametrize("version", tiers.only(VERSIONS, {VERSIONS[0], VERSIONS[-1]}.__contains__))
@pytest.mark.parametrize("case", CASES)
@pytest.mark.slow
def test_every_object_is_valid(case: str, version: str) -> None:
    made = case_objects(case)
    assert len(made) >= 9
    for each in made:
        if each["kind"] == "ExternalSecret":
            assert each["apiVersion"] == "external-secrets.io/v1"
            jsonschema.validate(each["spec"], EXTERNAL)
        else:
            kubernetes_validate.validate(each, version, strict=True)


def test_the_validator_sees_a_field_that_there_is_not() -> None:
    stateful = found(agent(), "StatefulSet")
    stateful["spec"]["minReadySecond"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful, VERSIONS[-1], strict=True)


def test_the_versions_are_those_that_the_documentation_names() -> None:
    assert (VERSIONS[0], VERSIONS[-1]) == ("1.30", "1.37")


@pytest.mark.parametrize("case", CASES)
def test_no_name_is_used_twice_and_all_that_pods_mount_is_there(case: str) -> None:
    made = case_objects(case)
    names = [(each["kind"], each["metadata"]["name"]) for each in made]
    assert len(names) == len(set(names))
    kinds = {"configMap": "ConfigMap", "secret": "ExternalSecret"}
    for workload in (each for each in made if each["kind"] in ("StatefulSet", "Deployment")):
        for volume in workload["spec"]["template"]["spec"]["volumes"]:
            source = next(key for key in volume if key != "name")
            name = volume[source].get("name") or volume[source].get("secretName")
            if name in (None, "agent-env", "agent-keys"):
                continue
            assert (kinds[source], name) in names


@pytest.mark.parametrize("case", CASES)
def test_no_value_of_a_secret_is_in_an_object(case: str) -> None:
    made = case_objects(case)
    text = json.dumps(made)
    assert not [each for each in made if each["kind"] == "Secret"]
    for value in seeds(20):
        assert value not in text


def test_beside_an_autoscaler_there_is_no_number_of_replicas() -> None:
    made = agent()
    assert "replicas" not in found(made, "StatefulSet")["spec"]
    scaler = found(made, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 10)
    (cpu,) = scaler["metrics"]
    assert cpu["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    down = scaler["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] == 300
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    assert scaler["scaleTargetRef"]["kind"] == "StatefulSet"


def test_memory_scales_too_when_it_is_asked_for() -> None:
    metrics = found(agent(autoscaler={"memory": 80}), "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert [metric["resource"]["name"] for metric in metrics] == ["cpu", "memory"]


def test_with_a_fixed_number_there_is_no_autoscaler() -> None:
    made = agent(replicas=4)
    assert found(made, "StatefulSet")["spec"]["replicas"] == 4
    assert not [each for each in made if each["kind"] == "HorizontalPodAutoscaler"]


def test_names_resolve_before_a_pod_is_ready_and_the_api_is_of_ready_pods() -> None:
    made = agent()
    headless, api = found(made, "Service", "agent")["spec"], found(made, "Service", "agent-api")["spec"]
    assert (headless["clusterIP"], headless["publishNotReadyAddresses"]) == ("None", True)
    assert found(made, "StatefulSet")["spec"]["serviceName"] == "agent"
    assert "publishNotReadyAddresses" not in api
    assert all(port["protocol"] == "TCP" for service in (headless, api) for port in service["ports"])


def test_a_pod_sees_its_own_key_and_no_sibling_s() -> None:
    container = containers(found(agent(), "StatefulSet"))
    (keys,) = [mount for mount in container["volumeMounts"] if mount["name"] == "keys"]
    assert (keys["mountPath"], keys["subPathExpr"], keys["readOnly"]) == ("/keys/node.key", "$(POD_NAME)", True)


def test_a_pod_has_no_rights() -> None:
    spec = found(agent(), "StatefulSet")["spec"]["template"]["spec"]
    security = spec["securityContext"]
    assert (security["runAsUser"], security["runAsNonRoot"]) == (10001, True)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
    assert not [key for key in ("hostNetwork", "hostPID", "hostIPC") if key in spec]
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]
    labels = found(agent(), "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_p2p_comes_from_agents_alone_and_the_api_from_who_is_named() -> None:
    made = plan(agent=variables(WHOLE), leaf=leaf()).objects()
    policy = found(made, "NetworkPolicy", "agent")["spec"]
    p2p, api = policy["ingress"]
    fleet = {"app.kubernetes.io/name": "praxis-agent", "app.kubernetes.io/instance": "demo"}
    assert p2p == {"from": [{"podSelector": {"matchLabels": fleet}}], "ports": [{"port": 4001, "protocol": "TCP"}]}
    assert api["ports"] == [{"port": 8000, "protocol": "TCP"}]
    assert api["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}},
            "podSelector": {"matchLabels": {"app": "gateway"}},
        },
        {"namespaceSelector": {}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
    ]
    (only,) = found(made, "NetworkPolicy", "leaf")["spec"]["ingress"]
    assert only["ports"] == [{"port": 8000, "protocol": "TCP"}]
    assert only["from"] == [{"podSelector": {"matchLabels": {"praxis.cloud/api-client": "true"}}}]


def test_nobody_may_call_the_api_where_nobody_is_named() -> None:
    (p2p,) = found(agent(api_from=[]), "NetworkPolicy")["spec"]["ingress"]
    assert p2p["ports"] == [{"port": 4001, "protocol": "TCP"}]


def test_secrets_are_references_with_their_versions() -> None:
    made = agent()
    (name,) = [each["metadata"]["name"] for each in made if each["metadata"]["name"].startswith("agent-secrets-")]
    spec = found(made, "ExternalSecret", name)["spec"]
    data = {item["secretKey"]: item for item in spec["data"]}
    openai, master = data["OPENAI_API_KEY"], data["PRAXIS_MASTER_KEY"]
    assert openai["remoteRef"] | {"key": "praxis/agent", "property": "OPENAI_API_KEY"} == openai["remoteRef"]
    assert openai["remoteRef"]["version"] == "uuid/" + VERSION
    assert openai["sourceRef"]["storeRef"]["name"] == STORES["aws-sm"]
    assert (master["remoteRef"]["key"], master["remoteRef"]["version"]) == ("master", "7")
    assert master["sourceRef"]["storeRef"]["name"] == STORES["gcp-sm"]
    assert spec["target"]["name"] == name and spec["target"]["immutable"]
    (volume,) = [
        each for each in found(made, "StatefulSet")["spec"]["template"]["spec"]["volumes"] if each["name"] == "secrets"
    ]
    assert volume["secret"]["secretName"] == name
    assert [item["key"] for item in volume["secret"]["items"]] == sorted(SECRETS)


def test_an_existing_secret_is_mounted_and_none_is_made() -> None:
    made = agent(secrets={"existing": "agent-env"}, identities={"existing": "agent-keys"})
    assert not [each for each in made if each["kind"] == "ExternalSecret"]
    volumes = {each["name"]: each for each in found(made, "StatefulSet")["spec"]["template"]["spec"]["volumes"]}
    assert volumes["secrets"]["secret"]["secretName"] == "agent-env"
    assert volumes["keys"]["secret"]["secretName"] == "agent-keys"


def test_an_existing_secret_s_keys_are_the_names_as_they_are_written() -> None:
    """The agent gets its own variables in capitals; no pod starts without a key that is looked for."""
    existing = {"secrets": {"existing": "agent-env"}}
    named = {"OPENAI_API_KEY": "in the Secret", "praxis_master_key": "in the Secret", "own_token": "in the Secret"}
    made = plan(agent=variables(existing, agent_secrets=named)).objects()
    volumes = {each["name"]: each for each in found(made, "StatefulSet")["spec"]["template"]["spec"]["volumes"]}
    keys = {each["path"]: each["key"] for each in volumes["secrets"]["secret"]["items"]}
    own = {"PRAXIS_MASTER_KEY": "praxis_master_key", "own_token": "own_token"}
    assert keys == {"OPENAI_API_KEY": "OPENAI_API_KEY", **own}


def test_leaves_have_no_identity_and_dial_the_members_that_are_sure_to_run() -> None:
    made = plan(agent=variables(), leaf=leaf()).objects()
    deployment = found(made, "Deployment", "leaf")
    volumes = {each["name"]: each for each in deployment["spec"]["template"]["spec"]["volumes"]}
    assert "emptyDir" in volumes["keys"]
    assert "--ids" not in containers(deployment)["readinessProbe"]["exec"]["command"]
    lines = found(made, "ConfigMap", "leaf-peers")["data"]["peers.yaml"].splitlines()[1:]
    assert [line.split("/")[2] for line in lines] == [f"agent-{ordinal}.agent.praxis.svc" for ordinal in range(8)]
    assert not [each for each in made if (each["kind"], each["metadata"]["name"]) == ("Service", "leaf")]


def test_a_leaf_that_lost_all_members_is_restarted_and_a_member_is_not() -> None:
    made = plan(agent=variables(), leaf=leaf()).objects()
    assert containers(found(made, "Deployment"))["livenessProbe"]["exec"]["command"][5].endswith("ready.py")
    assert containers(found(made, "StatefulSet"))["livenessProbe"]["httpGet"] == {"path": "/health", "port": "api"}


def test_a_start_may_take_what_the_compiler_says() -> None:
    slow = variables(agent_config={"llm": {"timeout": 60, "max_retries": 1}})
    made = [plan(agent=each).objects() for each in (variables(), slow)]
    probes = [containers(found(each, "StatefulSet"))["startupProbe"] for each in made]
    short, long = (probe["periodSeconds"] * probe["failureThreshold"] for probe in probes)
    assert (short, long) == (30 + 30 + 30, 30 + 120 + 30)


def test_a_pod_under_full_load_is_slow_and_not_broken() -> None:
    """The probe has the pod's own share of the CPU: else all pods leave the Service when they are needed most."""
    made = plan(agent=variables(), leaf=leaf()).objects()
    for workload in (found(made, "StatefulSet"), found(made, "Deployment")):
        container = containers(workload)
        ready, alive = container["readinessProbe"], container["livenessProbe"]
        assert ready["timeoutSeconds"] * ready["failureThreshold"] >= 90
        assert alive["periodSeconds"] * alive["failureThreshold"] >= 120


def test_limits_are_those_of_machines() -> None:
    kind = variables(container={"memory": "768m", "stop_grace": "1m"})
    stateful = found(plan(agent=kind).objects(), "StatefulSet")
    assert containers(stateful)["resources"]["limits"] == {"memory": "768Mi"}
    assert stateful["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 10 + 60


@pytest.mark.parametrize(("given", "wanted"), [("512m", "512Mi"), ("1g", "1Gi"), ("1.5k", "1536"), ("2000k", "2000Ki")])
def test_a_size_keeps_its_bytes(given: str, wanted: str) -> None:
    assert memory_quantity(given) == wanted


def test_the_release_s_config_is_immutable_and_named_by_its_id() -> None:
    (kind,) = plan().kinds
    made = found(plan().objects(), "ConfigMap", f"agent-{kind.id}")
    assert made["immutable"] is True
    assert sorted(made["data"]) == ["agent.yaml", "ready.py", "tcp.py"]
    template = found(plan().objects(), "StatefulSet")["spec"]["template"]
    assert template["metadata"]["labels"]["praxis.cloud/release"] == kind.id


#: What changes a release, and what does not: peers and the number of pods are no part of it.
CHANGES: list[tuple[dict[str, Any], bool]] = [
    (variables(agent_config={"llm": {"timeout": 7}}), True),
    (variables(image=IMAGE.replace("5" * 64, "6" * 64)), True),
    (variables(agent_secrets={**SECRETS, "PRAXIS_MASTER_KEY": "gcp-sm://a-project/master?version=8"}), True),
    (variables({"cpu": "300m"}), True),
    (variables({"drain": 20}), True),
    (variables({"autoscaler": {"max": 7}}), False),
    (variables({"autoscaler": {"max": 12}, "seeds": seeds(12)}), False),
    (variables({"max_unavailable": 2}), False),
    (variables({"api_from": []}), False),
]


@pytest.mark.parametrize(("changed", "differs"), CHANGES)
def test_what_a_pod_would_be_replaced_for_is_another_release(changed: dict[str, Any], differs: bool) -> None:
    before, after = (plan(agent=each) for each in (variables(), changed))
    assert (before.kinds[0].id != after.kinds[0].id) is differs
    templates = [found(each.objects(), "StatefulSet")["spec"]["template"] for each in (before, after)]
    assert (templates[0] != templates[1]) is differs


def test_a_dollar_in_a_value_stays_one() -> None:
    kind = variables(agent_environment={"GREETING": "$(HOME) costs $5"})
    container = containers(found(plan(agent=kind).objects(), "StatefulSet"))
    (value,) = [each["value"] for each in container["env"] if each["name"] == "GREETING"]
    assert value == "$$(HOME) costs $$5"


def test_a_config_that_is_too_large_is_reported() -> None:
    assert objects.check_size("agent", {"a": "x" * (1024 * 1024 - 1)}) == []
    (finding,) = objects.check_size("agent", {"a": "x" * (1024 * 1024)})
    assert finding.code == "config-too-large"
