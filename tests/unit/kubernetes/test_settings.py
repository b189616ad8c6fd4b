# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input, refused with plain words before anything is written; and that nobody is asked who need not be."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from ansible_collections.praxis.cloud.plugins.module_utils.agent.identity import peer_id
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed
from ansible_collections.praxis.cloud.plugins.module_utils.kubernetes.settings import Autoscaler, read_kind
from tests.unit.kubernetes.made import SECRETS, STORES, VERSION, codes, leaf, plan, seed, seeds, variables

NODES = {"service": "NodePort", "addresses": ["10.9.0.1"]}
#: praxis_kubernetes, the code of the finding, and a word that it says.
BAD: list[tuple[Any, str, str]] = [
    ({"autoscale": {}}, "unknown-kubernetes-setting", "autoscaler"),
    ({"autoscaler": {"maximum": 3}}, "unknown-kubernetes-setting", "max"),
    ({"autoscaler": []}, "bad-kubernetes-setting", "autoscaler"),
    ({"autoscaler": {"min": 5, "max": 2}}, "bad-kubernetes-setting", "autoscaler.min is 5"),
    ({"autoscaler": {"cpu": "70%"}}, "bad-kubernetes-setting", "whole number"),
    ({"autoscaler": {"min": True}}, "bad-kubernetes-setting", "whole number"),
    ({"replicas": 0}, "bad-kubernetes-setting", "replicas"),
    ({"replicas": 2, "autoscaler": {"max": 3}}, "bad-kubernetes-setting", "both"),
    ({"name": "Agent"}, "bad-kubernetes-setting", "lower-case"),
    ({"name": "9agent"}, "bad-kubernetes-setting", "letter first"),
    ({"name": "a" * 41}, "bad-kubernetes-setting", "40"),
    ({"name": "agent\n"}, "bad-kubernetes-setting", "name"),
    ({"namespace": "my_space"}, "bad-kubernetes-setting", "namespace"),
    ({"create_namespace": "yes"}, "bad-kubernetes-setting", "true or false"),
    ({"role": "leader"}, "bad-kubernetes-setting", "member, leaf"),
    ({"cpu": 1}, "bad-kubernetes-setting", "in quotes"),
    ({"cpu": "1 core"}, "bad-kubernetes-setting", "cpu"),
    ({"cpu": "0"}, "bad-kubernetes-setting", "more than none"),
    ({"cpu": "0.000"}, "bad-kubernetes-setting", "more than none"),
    ({"cpu_limit": "0m"}, "bad-kubernetes-setting", "more than none"),
    ({"cpu": "1.5", "cpu_limit": "1499m"}, "bad-kubernetes-setting", "cpu is 1.5 and cpu_limit 1499m"),
    ({"cpu_limit": "0.2"}, "bad-kubernetes-setting", "cpu is 250m and cpu_limit 0.2"),
    ({"secrets": {"stores": {"vault": "x"}}}, "unknown-kubernetes-setting", "aws-sm"),
    ({"secrets": {"stores": STORES, "existing": "x"}}, "bad-kubernetes-setting", "both"),
    ({"secrets": {"store_kind": "Vault", "stores": STORES}}, "bad-kubernetes-setting", "ClusterSecretStore"),
    ({"secrets": {}}, "no-secret-store", "aws-sm"),
    ({"secrets": {"stores": {"aws-sm": "aws"}}}, "no-secret-store", "gcp-sm"),
    ({"identities": {}}, "no-secret-store", "identities"),
    ({"identities": {"existing": "keys"}, "seeds": []}, "peer-ids-unknown", "peer_ids"),
    ({"seeds": seeds(9)}, "peer-ids-few", "9 peer ids are known, and there may be 10 pods"),
    ({"seeds": ["planted-secret-no-seed", *seeds(9)]}, "bad-peer-id", "Entry 0"),
    ({"seeds": [{"planted-secret": 1}]}, "bad-kubernetes-setting", "base64"),
    ({"seeds": [], "peer_ids": ["12D3KooW"] * 10}, "bad-peer-id", "not a peer id"),
    ({"peer_ids": ["12D3KooW"] * 10}, "bad-kubernetes-setting", "both"),
    ({"seeds": seeds(1) * 10}, "shared-peer-id", "same"),
    ({"api_from": [{"pod": {}}]}, "bad-kubernetes-setting", "namespaces"),
    ({"api_from": [{}]}, "bad-kubernetes-setting", "namespaces"),
    ({"api_from": [{"cidr": "anywhere"}]}, "bad-kubernetes-setting", "cidr"),
    ({"api_from": [{"cidr": "10.0.0.0/33"}]}, "bad-kubernetes-setting", "cidr"),
    ({"api_from": [{"cidr": "10.0.0/24"}]}, "bad-kubernetes-setting", "cidr"),
    ({"api_from": [{"cidr": "10.0.0.1"}]}, "bad-kubernetes-setting", "cidr"),
    ({"api_from": [{"cidr": 10}]}, "bad-kubernetes-setting", "cidr"),
    ({"api_from": {"pods": {}}}, "bad-kubernetes-setting", "list"),
    ({"api_from": [{"pods": {"app": 1}}]}, "bad-kubernetes-setting", "api_from"),
    ({"service_account": {"annotations": {"a": 1}}}, "bad-kubernetes-setting", "quotes"),
    ({"service_account": {"annotations": {"a b": "c"}}}, "bad-kubernetes-setting", "annotations"),
    ({"service_account": {"name": "a..b"}}, "bad-kubernetes-setting", "dots"),
    ({"image_pull_secrets": ["a.-b"]}, "bad-kubernetes-setting", "dots"),
    ({"image_pull_secrets": ["a" * 254]}, "bad-kubernetes-setting", "dots"),
    ({"image_pull_secrets": "registry"}, "bad-kubernetes-setting", "list"),
    ({"zone_spread": "always"}, "bad-kubernetes-setting", "prefer"),
    ({"machines": {"edge": 1}}, "unknown-kubernetes-setting", "edges"),
    ({"machines": {"service": "ClusterIP"}}, "bad-kubernetes-setting", "NodePort, LoadBalancer"),
    ({"machines": {"service": "NodePort"}}, "bad-kubernetes-setting", "without machines.addresses"),
    ({"machines": {"addresses": ["10.0.0.1"]}}, "bad-kubernetes-setting", "without machines.service"),
    ({"machines": {"service": "NodePort", "addresses": ["node-1"]}}, "bad-kubernetes-setting", "IPv4"),
    ({"machines": {"service": "NodePort", "addresses": ["127.0.0.1"]}}, "bad-kubernetes-setting", "reach the pods"),
    ({"machines": {"service": "NodePort", "addresses": [1]}}, "bad-kubernetes-setting", "IPv4"),
    ({"machines": {"service": "NodePort", "addresses": ["10.0.0.1"], "port": 65530}}, "bad-kubernetes-setting", "port"),
]
#: Other variables, the code of the finding, and a word that it says.
BAD_VARIABLES: list[tuple[dict[str, Any], str, str]] = [
    ({"docker_socket": True}, "not-on-kubernetes", "praxis_docker_socket"),
    ({"services": [{"name": "redis", "image": "x"}]}, "not-on-kubernetes", "praxis_services"),
    ({"address": "public"}, "not-on-kubernetes", "praxis_address"),
    ({"agent_environment": {"POD_NAME": "alpha"}}, "given-twice", "POD_NAME"),
    ({"agent_environment": {"POD_IP": "10.0.0.9"}}, "given-twice", "POD_IP"),
    ({"target": "machines"}, "not-a-kubernetes-kind", "praxis_target"),
    ({"target": "kubernetis"}, "bad-variable", "kubernetes"),
    ({"kubernetes": "yes"}, "bad-variable", "praxis_kubernetes"),
    ({"fleet": "My_Fleet"}, "bad-fleet-name", "lower-case"),
    ({"image": "Registry/x@sha256:1"}, "image-malformed", "digest"),
    (
        {"image": "registry.example/praxis:1", "registries": [
            {"server": "registry.example", "username": "u", "password": "of-it"},
        ]},
        "image-without-digest", "by digest",
    ),
    ({"agent_config": {"llm": {"timeot": 3}}}, "unknown-setting", "timeout"),
    ({"agent_secrets": {**SECRETS, "TOKEN": "planted-secret-value"}}, "secret-value-rendered", "TOKEN"),
    ({"agent_secrets": {"OPENAI_API_KEY": f"aws-sm://a#k.v?version={VERSION}"}}, "external-secret-key", "k.v"),
    ({"agent_secrets": {**SECRETS, "OTHER": "gcp-sm://b-project/x?version=1"}}, "secrets-apart", "b-project"),
    ({"agent_environment": {"PRAXIS_ENVIRONMENT": "production"}}, "host-filter", "production"),
]


def refused(*args: Any, **kinds: Any) -> Failed:
    with pytest.raises(Failed) as raised:
        plan(*args, **kinds)
    assert "planted-secret" not in str(raised.value)
    assert "praxis-name-of-the-pod" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(("given", "code", "word"), BAD)
def test_a_wrong_setting_is_refused(given: Any, code: str, word: str) -> None:
    failed = refused(agent=variables(given))
    assert code in codes(failed)
    assert word in str(failed)


@pytest.mark.parametrize(("given", "code", "word"), BAD_VARIABLES)
def test_what_cannot_hold_in_a_cluster_is_refused(given: dict[str, Any], code: str, word: str) -> None:
    failed = refused(agent={**variables(), **{f"praxis_{name}": value for name, value in given.items()}})
    assert code in codes(failed)
    assert word in str(failed)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"container": {"pids": 100}}, "praxis_container.pids"),
        ({"container": {"log_size": "5m"}}, "praxis_container.log_size"),
        ({"container": {"log_files": 2}}, "praxis_container.log_files"),
        ({"target_group": "group"}, "praxis_target_group"),
        ({"docker_daemon": {"debug": True}}, "praxis_docker_daemon"),
        ({"private_ip": "10.0.0.1"}, "praxis_private_ip"),
        ({"public_ip": "8.8.8.8"}, "praxis_public_ip"),
        ({"registries": [{"server": "registry.example", "username": "u", "password": "of-it"}]}, "praxis_registries"),
    ],
)
def test_what_has_no_effect_is_a_warning(given: dict[str, Any], what: str) -> None:
    warned = [finding for finding in plan(agent=variables(**given)).warnings if finding.code == "not-on-kubernetes"]
    assert [finding.what for finding in warned] == [f"{what} has no effect on Kubernetes."]


def test_a_whole_description_has_no_warning() -> None:
    assert plan().warnings == ()


@pytest.mark.parametrize(
    "given",
    [
        {"cpu": "0.5", "cpu_limit": "500m"},
        {"cpu": "2", "cpu_limit": "2.0"},
        {"api_from": [{"cidr": "10.0.0.5/8"}, {"cidr": "2001:DB8::/32"}, {"cidr": "::/0"}]},
        {"service_account": {"annotations": {"eks.amazonaws.com/role-arn": "arn", "Team_1": "", "Example.Org/A": ""}}},
        {"image_pull_secrets": ["a.b-c.d", "a" * 253]},
    ],
)
def test_what_a_cluster_takes_is_taken(given: Any) -> None:
    assert plan(agent=variables(given)).warnings == ()


def test_everything_is_reported_at_once() -> None:
    kinds = {"agent": variables({"cpu": 1}), "leaf": {**leaf(), "praxis_docker_socket": True}}
    assert {"bad-kubernetes-setting", "not-on-kubernetes"} <= set(codes(refused(**kinds)))


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        ({"leaf": leaf()}, "no-members"),
        ({"agent": variables(), "leaf": leaf(namespace="other")}, "several-namespaces"),
        ({"agent": variables(), "leaf": leaf(name="agent")}, "shared-name"),
        ({"agent": variables(), "agent-api": variables({"seeds": seeds(10, 50)}, slot="other")}, "shared-name"),
        ({"agent": variables({"service_account": {"name": "praxis"}}),
          "leaf": leaf(service_account={"name": "praxis"})}, "shared-name"),
        ({"agent": variables(), "leaf": {**leaf(), "praxis_fleet": "other"}}, "several-fleets"),
        ({"agent": variables(), "leaf": leaf(seeds=seeds(10))}, "bad-kubernetes-setting"),
        ({"agent": variables({"machines": NODES}), "other": variables(
            {"seeds": seeds(10, first=10), "machines": {**NODES, "port": 30409}}, slot="other")}, "shared-address"),
        ({"agent": variables(), "other": variables(slot="other")}, "shared-peer-id"),
    ],
)
def test_kinds_that_cannot_be_one_fleet_are_refused(kinds: dict[str, Any], code: str) -> None:
    assert code in codes(refused(**kinds))


def test_what_one_kind_says_lies_over_what_all_say() -> None:
    kind = {**variables(), "praxis_kubernetes_kind": {"autoscaler": {"max": 4}}}
    assert plan(agent=kind).kinds[0].settings.autoscaler == Autoscaler(max=4)


def test_the_defaults_are_those_of_the_documentation() -> None:
    kind = read_kind({}, "agent")
    assert (kind.minimum, kind.maximum, kind.autoscaler.cpu) == (2, 10, 70)
    assert (kind.role, kind.namespace, kind.unsatisfiable) == ("member", "praxis", "ScheduleAnyway")


@pytest.mark.parametrize("way", ["seeds", "peer_ids"])
def test_nobody_is_asked_when_nothing_is_open(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No store, no registry, no metadata server, no name."""

    def asked(*_args: Any, **_more: Any) -> Any:
        raise AssertionError("somebody was asked")

    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, asked)
    monkeypatch.setattr(socket.socket, "connect", asked)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    given = seeds(10) if way == "seeds" else [peer_id(seed(index)) for index in range(10)]
    fleet = plan(agent=variables({"seeds": [], way: given}))
    assert [pod.peer_id for pod in fleet.pods] == [peer_id(seed(index)) for index in range(10)]


def test_the_scheme_of_peer_ids_is_the_fleet_s() -> None:
    fleet = plan(agent=variables(peer_id_scheme="x25519"))
    assert fleet.pods[3].peer_id == peer_id(seed(3), "x25519")


def test_the_same_settings_give_the_same_bytes() -> None:
    texts = [json.dumps(plan(agent=variables(), leaf=leaf()).objects()) for _time in range(2)]
    assert texts[0] == texts[1]
