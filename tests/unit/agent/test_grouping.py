# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings in groups: the few that matter do not drown in the many that do not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Layer, compile_settings
from ansible_collections.praxis.cloud.plugins.module_utils.agent.grouping import IGNORED, grouped, shortened
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding

#: Files as the agent's own examples are: every section there is, and most of it read by nothing.
EXAMPLES = {
    "one-agent": """
        environment: development
        debug: true
        data_dir: ./data
        shared_dir: /shared
        metrics_enabled: true
        health_checks_enabled: true
        shutdown_timeout: 30
        agent:
          name: m1
          version: 1.0.0
          description: An agent of the examples
          url: http://localhost:8000
          capabilities: [chat, search]
          task_timeout: 300
          max_concurrent_tasks: 10
        p2p:
          enabled: true
          port: 4001
          host: 0.0.0.0
          secure: true
          use_noise: true
          noise_key: noise.key
          keystore_path: /keys
          peer_discovery: true
          mdns_service: praxis
          rendezvous: praxis
          enable_mdns: true
          enable_dht: false
          max_peers: 50
          protocols: [/a2a/1.0.0]
          security: {noise_enabled: true}
        http: {enabled: true, port: 8000, host: 0.0.0.0, request_timeout: 30, max_connections: 9, keepalive_timeout: 5}
        websocket: {enabled: true, port: 8090, host: 0.0.0.0, ping_interval: 20, max_connections: 100}
        mcp:
          enabled: true
          port: 3001
          limits: {}
          log_level: INFO
          filesystem_enabled: true
          filesystem_root: /tmp/shared
        llm:
          enabled: true
          provider: openai
          model: gpt-4o-mini
          function_calling: {enabled: true}
          caching: {enabled: true}
          rate_limiting: {enabled: true}
        logging: {level: INFO, format: text, file: logs/agent.log, rotation: 10 MB, retention: 7 days}
        a2a: {enabled: true}
        dagger: {enabled: false}
        """,
    "production": """
        environment: production
        agent: {name: m1, capabilities: [chat], url: http://m1}
        p2p:
          port: 4001
          discovery: {mdns: true}
          listen_addresses: [/ip4/0.0.0.0/tcp/4001]
          announce_addresses: []
          discovery_interval: 30
          protocol_version: 1.0.0
          capabilities: [a2a]
          max_peers: 100
          secure: true
          security: {noise_enabled: true}
          bootstrap_nodes: [/ip4/192.0.2.1/tcp/4001/p2p/placeholder]
        http: {enabled: true, port: 8000, max_connections: 1000, request_timeout: 60}
        websocket: {enabled: true, path: /ws, ping_interval: 20, ping_timeout: 20, message_size_limit: 1048576}
        mcp: {enabled: false, discovery_enabled: true, auto_register_tools: true}
        llm:
          provider: openai
          model: gpt-4
          request_timeout: 60
          cache_enabled: true
          cache_ttl: 300
          tools_enabled: true
        logging: {level: INFO, format: json, output: stdout, structured_logging: true, log_requests: true}
        security: {api_key: null}
        execution: {max_workers: 4}
        monitoring: {prometheus: true}
        agents: []
        """,
}


def compiled(name: str, strict: bool = True) -> tuple[Finding, ...]:
    settings = yaml.safe_load(EXAMPLES[name])
    return compile_settings(
        [Layer("praxis_agent_config", settings)],
        member="m1",
        environment={},
        secret_names=["OPENAI_API_KEY"],
        api_port=8000,
        p2p_port=4001,
        deployment="production",
        behind_balancer=True,
        strict=strict,
    ).findings


def finding(code: str, path: str = "", level: str = WARNING, **values: Any) -> Finding:
    known = {"what": "%s has no effect." % (path or code), "where": "here", "fix": "Leave it out."}
    return Finding(code=code, level=level, path=path, **{**known, **values})


@pytest.mark.parametrize(
    ("name", "stops", "changes", "ignored"),
    [
        ("one-agent", [], ["execute-python-open-to-peers", "filesystem-root-prefix", "plaintext-p2p"], 38),
        ("production", ["bootstrap-is-planned", "host-filter", "logging-format-json"],
         ["api-unauthenticated", "plaintext-p2p"], 30),
    ],
)  # fmt: skip
def test_of_an_example_the_few_that_matter_are_seen(
    name: str, stops: list[str], changes: list[str], ignored: int
) -> None:
    found = compiled(name)
    assert len(found) >= 36
    lines = shortened(found)
    groups = grouped(lines)
    assert sorted(item.code for item in groups.stops) == stops
    assert sorted(item.code for item in groups.changes) == changes
    (rest,) = groups.ignored
    assert lines == [*groups.stops, *groups.changes, rest]
    assert rest.what.startswith("%d settings have no effect: " % ignored)
    assert len(str(rest)) < 320
    assert "-v" in rest.fix


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_of_them_is_listed_when_asked_for(name: str) -> None:
    found = compiled(name, strict=False)
    lines = shortened(found, every=True)
    assert sorted(lines, key=str) == sorted(found, key=str)
    groups = grouped(found)
    assert lines == [*groups.stops, *groups.changes, *groups.ignored]


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        (["http.a", "p2p.b"], "2 settings have no effect: http.a, p2p.b."),
        (["p2p.b", "p2p.a", "p2p.c", "execution"], "4 settings have no effect: p2p.* (3), execution."),
        (["HTTP_PORT", "PRAXIS_P2P__A", "PRAXIS_P2P__B", "PRAXIS_P2P__C"],
         "4 settings have no effect: HTTP_PORT, PRAXIS_P2P__* (3)."),
        (["p2p.a", "p2p.a"], "p2p.a has no effect."),
        (["p2p.a", "p2p.a", "p2p.b"], "2 settings have no effect: p2p.a, p2p.b."),
        (["s%02d" % at for at in range(20)],
         "20 settings have no effect: %s and 4 more." % ", ".join("s%02d" % at for at in range(16))),
    ],
)  # fmt: skip
def test_the_paths_of_the_ignored_are_shortened(paths: list[str], text: str) -> None:
    (line,) = shortened([finding("ignored-setting", path) for path in paths])
    assert line.what == text


def test_a_single_ignored_setting_is_said_as_it_is() -> None:
    alone = finding("ignored-variable", "HTTP_PORT", fix="Use praxis_api_port.")
    assert shortened([alone]) == [alone]
    assert shortened([alone, finding("ignored-variable", "HTTP_PORT", where="there")])[0].where == "here, there"


@pytest.mark.parametrize(
    ("places", "where"),
    [(["a", "a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_the_ignored_say_where_they_stand(places: list[str], where: str) -> None:
    found = [finding("ignored-setting", "p2p.%d" % at, where=place) for at, place in enumerate(places)]
    assert shortened(found)[0].where == where


def test_what_is_said_of_several_settings_alike_is_said_once() -> None:
    fix = "Only the firewall protects it."
    found = [finding("plaintext-p2p", path, fix=fix) for path in ("p2p.a", "p2p.b", "p2p.c")]
    other = finding("plaintext-p2p", "p2p.d", where="there", fix=fix)
    merged, apart = shortened([*found, other])
    assert merged.what == "p2p.a has no effect. Also: p2p.b, p2p.c."
    assert apart == other


def test_errors_are_each_listed() -> None:
    found = [finding("unknown-setting", "p2p.x%d" % at, level=ERROR) for at in range(5)]
    assert shortened([finding("x"), *found])[:5] == found


@given(
    st.lists(
        st.builds(
            finding,
            st.sampled_from((*IGNORED, "plaintext-p2p", "unknown-setting")),
            st.sampled_from(["", "p2p.a", "p2p.b", "http.c", "X"]),
            st.sampled_from([ERROR, WARNING]),
            where=st.sampled_from(["here", "there"]),
        )
    )
)
def test_nothing_is_lost_and_the_first_is_what_stops(found: list[Finding]) -> None:
    lines, every = shortened(found), shortened(found, every=True)
    assert sorted(map(str, every)) == sorted(map(str, found))
    assert [item for item in lines if item.level == ERROR] == [item for item in found if item.level == ERROR]
    assert [item.level for item in lines] == sorted((item.level for item in lines), key=[ERROR, WARNING].index)
    assert len([item for item in lines if item.level == WARNING and item.code in IGNORED]) <= 1
    text = "\n".join(map(str, lines))
    assert all(item.path in text for item in found if item.code not in IGNORED)
    assert bool(lines) == bool(found)
