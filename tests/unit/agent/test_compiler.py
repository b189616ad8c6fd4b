# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiler: where each setting takes effect, what is refused and why, and what is always set."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent import document
from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Compiled, Layer, compile_settings
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import KINDS
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import SETTINGS, YAML, Setting
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, WARNING, Finding
from tests import tiers

KEY = ["OPENAI_API_KEY"]


def compiled(*layers: Any, **changes: Any) -> Compiled:
    """Compile layers named one, two, ..., with a key and the usual ports."""
    names = ("one", "two", "three")
    given_ = {
        "member": "alpha",
        "environment": {},
        "secret_names": KEY,
        "api_port": 8000,
        "p2p_port": 4001,
        "deployment": "staging",
        "behind_balancer": True,
        **changes,
    }
    return compile_settings([Layer(name, layer) for name, layer in zip(names, layers, strict=False)], **given_)


def only(found: Compiled) -> Finding:
    assert len(found.findings) == 1, [str(finding) for finding in found.findings]
    return found.findings[0]


def nested(path: str, value: Any) -> dict[str, Any]:
    section, _dot, name = path.rpartition(".")
    return {section: {name: value}} if section else {name: value}


@pytest.mark.parametrize(
    ("api", "host", "port"),
    [
        ({}, "10.0.0.7", 8000),
        ({"host": "0.0.0.0"}, "10.0.0.7", 8000),
        ({"host": "::", "port": 8000}, "10.0.0.7", 8000),
        ({"host": ""}, "10.0.0.7", 8000),
        ({"host": "agents.example.com"}, "agents.example.com", 8000),
        ({"host": "agents.example.com", "port": 80}, "agents.example.com", 80),
        ({"host": "203.0.113.9", "port": 8000}, "203.0.113.9", 8000),
    ],
)
def test_the_card_names_the_member_s_address_unless_another_is_named(api: dict[str, Any], host: str, port: int) -> None:
    found = compiled({"api": api} if api else {}, address="10.0.0.7")
    assert (found.findings, found.document["api"]) == ((), {"host": host, "port": port})
    assert (found.environment["PRAXIS_API__HOST"], found.environment["PRAXIS_API__PORT"]) == ("0.0.0.0", "8000")


@pytest.mark.parametrize("api", [{"port": 80}, {"host": "0.0.0.0", "port": 80}])
def test_a_card_s_port_is_the_member_s_own_unless_another_host_is_named(api: dict[str, Any]) -> None:
    assert only(compiled({"api": api}, address="10.0.0.7")).code == "port-contradiction"


def test_a_card_of_a_member_with_another_port_says_that_port() -> None:
    assert compiled(address="10.0.0.7", api_port=8500).document["api"] == {"host": "10.0.0.7", "port": 8500}


def test_a_card_that_leads_plain_http_to_a_port_of_https_is_warned_about() -> None:
    """The agent writes http:// whatever stands in front of it; a load balancer with a certificate answers at 443."""
    found = only(compiled({"api": {"host": "agents.example.com", "port": 443}}, address="10.0.0.7"))
    assert (found.code, found.level) == ("card-address", "warning")
    assert "http://" in found.what and "plain HTTP" in found.fix
    assert compiled({"api": {"host": "agents.example.com", "port": 80}}, address="10.0.0.7").findings == ()


def test_the_least_that_is_always_set() -> None:
    found = compiled()
    assert found.findings == ()
    assert found.document == {
        "agent": {"name": "alpha", "version": "1.0.0", "description": "Praxis agent alpha"},
        "p2p": {"enabled": True, "port": 4001, "keystore_path": "/keys", "connection_timeout": 15},
        "api": {"host": "0.0.0.0", "port": 8000},
        "mcp": {"enabled": False},
        "llm": {"api_key": None, "base_url": None, "timeout": 30, "max_retries": 0},
        "logging": {"level": "INFO", "format": "text", "file_enabled": False},
    }
    assert found.environment == {
        "HOME": "/tmp",
        "PRAXIS_API__CORS_ORIGINS": '["*"]',
        "PRAXIS_API__DOCS_ENABLED": "false",
        "PRAXIS_API__HOST": "0.0.0.0",
        "PRAXIS_API__PORT": "8000",
        "PRAXIS_DEBUG": "false",
        "PRAXIS_ENVIRONMENT": "staging",
        "PRAXIS_MASTER_KEY": "",
        "PRAXIS_METRICS__ENABLED": "false",
        "PRAXIS_SHARED_PATH": "/tmp/shared",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("llm.base_url", "PRAXIS_LLM__BASE_URL", "https://llm.example.com/v1"),
        ("logging.format", "PRAXIS_LOGGING__FORMAT", "{message}"),
    ],
)
def test_what_is_written_out_against_the_image_gives_way_to_the_users_own(path: str, name: str, value: str) -> None:
    section, _dot, leaf = path.rpartition(".")
    assert compiled(nested(path, value)).document[section][leaf] == value
    plain = compiled(environment={name: value})
    assert (plain.findings, plain.environment[name]) == ((), value)
    assert leaf not in plain.document[section]  # the file would win
    stored = compiled(secret_names=[*KEY, "PRAXIS_LLM__BASE_URL"])
    assert (stored.findings, set(stored.document["llm"])) == ((), {"api_key", "timeout", "max_retries"})
    assert compiled({"api": {"cors_origins": []}}).environment["PRAXIS_API__CORS_ORIGINS"] == "[]"
    assert compiled(environment={"PRAXIS_DEBUG": "true"}).environment["PRAXIS_DEBUG"] == "true"


def test_later_layers_win_mappings_merge_and_lists_replace() -> None:
    found = compiled(
        {
            "llm": {"model": "a", "max_tokens": 5},
            "mcp": {"discovery_ports": [1, 2]},
            "metrics": {"additional_labels": {"a": "1", "b": "2"}},
        },
        {"llm": {"model": "b"}, "mcp": {"discovery_ports": [3]}, "metrics": {"additional_labels": {"b": "3"}}},
        {"llm": None, "logging": None},
    )
    assert found.findings == ()
    assert (found.document["llm"]["model"], found.document["llm"]["max_tokens"]) == ("b", 5)
    assert found.document["mcp"]["discovery_ports"] == [3]
    assert json.loads(found.environment["PRAXIS_METRICS__ADDITIONAL_LABELS"]) == {"a": "1", "b": "3"}


# settings -> what they become in the environment
ROUTED = [
    ({"http": {"cors_origins": ["https://a"]}}, {"PRAXIS_API__CORS_ORIGINS": '["https://a"]'}),
    ({"api": {"cors_origins": []}}, {"PRAXIS_API__CORS_ORIGINS": "[]"}),
    ({"api": {"docs_enabled": True}}, {"PRAXIS_API__DOCS_ENABLED": "true"}),
    ({"http": {"host": "0.0.0.0"}}, {"PRAXIS_API__HOST": "0.0.0.0"}),
    ({"http": {"port": 8000}, "api": {"port": 8000}}, {"PRAXIS_API__PORT": "8000"}),
    ({"environment": "qa"}, {"PRAXIS_ENVIRONMENT": "qa"}),
    ({"debug": True}, {"PRAXIS_DEBUG": "true"}),
    ({"shared_dir": "/tmp/dagger"}, {"PRAXIS_SHARED_DIR": "/tmp/dagger"}),
    (
        {"metrics": {"remote_write_url": "https://m/push", "push_interval": 60}},
        {
            "PRAXIS_METRICS__ENABLED": "true",
            "PRAXIS_METRICS__PUSH_INTERVAL": "60",
            "PRAXIS_METRICS__REMOTE_WRITE_URL": "https://m/push",
        },
    ),
    ({"metrics": {"remote_write_url": "https://m/push", "enabled": False}}, {"PRAXIS_METRICS__ENABLED": "false"}),
]


@pytest.mark.parametrize(("layer", "expected"), ROUTED)
def test_what_only_the_environment_can_set(layer: dict[str, Any], expected: dict[str, str]) -> None:
    found = compiled(layer)
    assert found.findings == ()
    assert found.environment.items() >= expected.items()
    assert set(found.document) <= {"agent", "api", "mcp", "llm", "logging", "p2p"}


def test_a_later_layer_unsets_where_metrics_are_pushed_to() -> None:
    below = {"metrics": {"remote_write_url": "https://m/push", "push_interval": 60}}
    found = compiled(below, {"metrics": {"remote_write_url": None}})
    assert found.findings == ()
    assert found.environment["PRAXIS_METRICS__ENABLED"] == "false"
    assert "PRAXIS_METRICS__REMOTE_WRITE_URL" not in found.environment
    on = {"metrics": {**below["metrics"], "enabled": True}}
    assert only(compiled(on, {"metrics": {"remote_write_url": None}})).code == "metrics-to-vendor"


def test_cors_origins_of_the_later_layer_count_under_either_name() -> None:
    found = compiled({"http": {"cors_origins": ["https://a"]}}, {"api": {"cors_origins": ["https://b"]}})
    assert found.findings == ()
    assert found.environment["PRAXIS_API__CORS_ORIGINS"] == '["https://b"]'


TOOL = {"name": "a", "description": "b", "engine": "x"}
PARAM = {"name": "p", "type": "string"}
# settings, code, level, a word of the message, whether strict=False makes the error a warning
REFUSED = [
    ({"p2p": {"prot": 4001}}, "unknown-setting", "Did you mean p2p.port?", True),
    ({"p2p.port": 4001}, "unknown-setting", "`p2p:` and below it `port:`", True),
    ({"lmm": {"model": "x"}}, "unknown-setting", "Did you mean llm?", True),
    ({True: 1}, "unknown-setting", "True", True),
    ({"zzzzzz": 1}, "unknown-setting", "agent.schema.json", True),
    ({"p2p": {"port": "4001"}}, "wrong-type", "p2p.port must be a whole number, and is '4001'", False),
    ({"p2p": {"port": True}}, "wrong-type", "a whole number", False),
    ({"p2p": [1]}, "wrong-type", "p2p is a section", False),
    ({"mcp": {"enabled": "yes"}}, "wrong-type", "true or false", False),
    ({"agent": {"version": 1.0}}, "wrong-type", "text", False),
    ({"llm": {"model": None}}, "wrong-type", "text", False),
    ({"llm": {"timeout": "1h"}}, "wrong-type", '"30s"', False),
    ({"llm": {"temperature": float("nan")}}, "wrong-type", "a number", False),
    ({"llm": {"max_tokens": 10**5000}}, "wrong-type", "more digits than can be printed", False),
    ({"llm": {"timeout": "30s\n"}}, "wrong-type", '"30s"', False),
    ({"llm": {"timeout": "9" * 400 + "s"}}, "wrong-type", '"30s"', False),
    ({"llm": {"timeout": -1}}, "out-of-range", "from 0 to 3600", False),
    ({"llm": {"timeout": "3601s"}}, "out-of-range", "from 0 to 3600", False),
    ({"mcp": {"discovery_ports": [3000, 0]}}, "out-of-range", "from 1 to 65535", False),
    ({"llm": {"model": "a\0"}}, "bad-text", "NUL", False),
    ({"metrics": {"additional_labels": {"\ud800": "a"}}}, "bad-text", "surrogate", False),
    ({"llm": {"temperature": 2.5}}, "out-of-range", "from 0 to 2", False),
    ({"llm": {"max_tokens": 0}}, "out-of-range", "from 1 up", False),
    ({"p2p": {"port": 99999}}, "out-of-range", "from 1 to 65535", False),
    ({"logging": {"level": "WARN"}}, "not-a-choice", "Did you mean WARNING?", False),
    ({"mcp": {"servers": [{"name": "a"}]}}, "missing-setting", "mcp.servers[0] has no command", False),
    # What the agent takes as a mapping of texts, it takes no number in.
    ({"metrics": {"additional_labels": {"shard": 1}}}, "wrong-type", "a mapping of texts", False),
    ({"mcp": {"servers": [{"name": "a", "command": [], "env": {"PORT": 1}}]}}, "wrong-type", "servers[0].env", False),
    ({"agent": {"tools": [{**TOOL, "params": [{"name": "p"}]}]}}, "missing-setting", "params[0] has no type", False),
    ({"agent": {"tools": [{**TOOL, "params": [{**PARAM, "required": 1}]}]}}, "wrong-type", "params[0].required", False),
    ({"agent": {"tools": [{**TOOL, "params": [{**PARAM, "requird": True}]}]}}, "unknown-setting", "required?", True),
    ({"agent": {"tools": [{**TOOL, "engineSpec": {"command": "x"}}]}}, "wrong-type", "engineSpec.command", False),
    ({"agent": {"tools": [{**TOOL, "engineSpec": {"mounts": {"/a": 1}}}]}}, "wrong-type", "engineSpec.mounts", False),
    (
        {"agent": {"tools": [{"name": "a", "description": "b", "engine": "x", "parms": []}]}},
        "unknown-setting",
        "agent.tools[0].params?",
        True,
    ),
    ({"http": {"port": 9000}}, "port-contradiction", "http.port is 9000, but praxis_api_port is 8000", False),
    ({"api": {"port": 9000}}, "port-contradiction", "api.port is 9000, but praxis_api_port is 8000", False),
    ({"p2p": {"port": 9000}}, "port-contradiction", "p2p.port is 9000, but praxis_p2p_port is 4001", False),
    ({"p2p": {"bootstrap_nodes": []}}, "bootstrap-is-planned", "from the inventory", False),
    ({"p2p": {"enabled": False}}, "p2p-disabled", "no HTTP API", False),
    ({"p2p": {"keystore_path": "./keys"}}, "keystore-contradiction", "/keys", True),
    ({"agent": {"name": "beta"}}, "name-contradiction", "'alpha'", True),
    ({"http": {"host": "::"}}, "listener-unreachable", "0.0.0.0", False),
    ({"llm": {"base_url": "llm.example.com"}}, "wrong-type", "begins with http://", False),
    ({"llm": {"base_url": "http://llm.example.com:99999/v1"}}, "wrong-type", "begins with http://", False),
    ({"http": {"host": "127.0.0.1"}}, "listener-unreachable", "0.0.0.0", False),
    ({"api": {"host": "localhost"}}, "card-address", "call themselves", True),
    ({"api": {"host": "LocalHost."}}, "card-address", "call themselves", True),
    ({"api": {"host": "agent.localhost"}}, "card-address", "call themselves", True),
    ({"api": {"host": "[::1]"}}, "card-address", "call themselves", True),
    ({"api": {"host": "2001:db8::1"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "https://agents.example.com"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "host.docker.internal"}}, "card-address", "call themselves", True),
    ({"api": {"host": "169.254.1.1"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "224.0.0.1"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "255.255.255.255"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "0x7f000001"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "http://agents.example.com"}}, "card-address", "is not a host's name or address", True),
    ({"api": {"host": "agents.example.com:80"}}, "card-address", "is not a host's name or address", True),
    ({"logging": {"format": "json"}}, "logging-format-json", "json_logs", True),
    ({"logging": {"format": "plain"}}, "logging-format-constant", "{message}", True),
    ({"logging": {"file_enabled": True}}, "log-file-unwritable", "/tmp", False),
    ({"environment": "production"}, "host-filter", "the environment staging", True),
    ({"environment": "Production"}, "host-filter", "400", True),
    ({"metrics": {"enabled": True}}, "metrics-to-vendor", "remote_write_url", True),
    ({"llm": {"api_key": "sk-1"}}, "secret-in-settings", "OPENAI_API_KEY in praxis_agent_secrets", False),
    ({"llm": {"api_key": ""}}, "secret-in-settings", "OPENAI_API_KEY", False),
    ({"metrics": {"basic_auth_password": "x"}}, "secret-in-settings", "PRAXIS_METRICS__BASIC_AUTH_PASSWORD", False),
    ({"llm": {"model": "${MODEL}"}}, "placeholder", "holds ${MODEL}, and nothing", True),
    ({"llm": {"model": "x ${MODEL:-gpt-4}"}}, "placeholder", "holds ${MODEL}, and nothing replaces it", True),
    (
        {"agent": {"tools": [{**TOOL, "params": [{**PARAM, "description": "${HOST}"}]}]}},
        "placeholder",
        "agent.tools",
        True,
    ),
    ({"agent": {"description": "x {{resolve:secretsmanager:a}}"}}, "misplaced-reference", "whole value", False),
    ({"mcp": {"external_endpoints": [{"token": "aws-sm://a"}]}}, "misplaced-reference", "cannot be a secret", False),
]


@pytest.mark.parametrize(("layer", "code", "message", "survivable"), REFUSED)
def test_what_is_refused(layer: dict[Any, Any], code: str, message: str, survivable: bool) -> None:
    finding = only(compiled(layer))
    assert (finding.code, finding.level) == (code, ERROR)
    assert message in str(finding)
    assert finding.where == "one"
    assert finding.fix.endswith((".", "?", "!"))
    relaxed = only(compiled(layer, strict=False))
    assert relaxed.level == (WARNING if survivable else ERROR)


# settings, code of the warning, a word of the message
WARNED = [
    ({"http": {"enabled": False}}, "ignored-setting", "http.enabled has no effect"),
    ({"websocket": {"port": 8090}}, "ignored-setting", "share the one listener"),
    ({"execution": {"default_engine": "dagger"}}, "ignored-setting", "execution"),
    ({"dagger": {"anything": 1}}, "ignored-setting", "dagger"),
    ({"llm": {"enabled": False}}, "ignored-setting", "OPENAI_API_KEY"),
    ({"p2p": {"enable_mdns": True}}, "ignored-setting", "discovery"),
    ({"p2p": {"secure": True}}, "plaintext-p2p", "firewall"),
    ({"p2p": {"security": {"use_noise": True}}}, "plaintext-p2p", "plaintext"),
    ({"mcp": {"enabled": True}}, "execute-python-open-to-peers", "execute_python"),
    ({"agent": {"tools": [{"name": "a", "description": "b", "engine": "local"}]}}, "tool-not-implemented", "tools[0]"),
    ({"agent": {"tools": [{"name": "a", "description": "b"}]}}, "tool-needs-docker", "Docker socket"),
    ({"llm": {"timeout": "10s", "max_retries": 3}}, "slow-start", "40 s"),
    ({"llm": {"timeout": 0}}, "llm-timeout", "fails at once"),
    ({"llm": {"timeout": "0ms"}}, "llm-timeout", "llm.timeout is 0"),
    ({"logging": {"json_logs": True}}, "ignored-setting", "log file"),
    ({"agent": {"description": "for {{ team }}"}}, "template-not-rendered", "praxis_agent_config"),
    ({"llm": {"base_url": "https://me:hunter2@llm.example"}}, "secret-in-settings", "PRAXIS_LLM__BASE_URL"),
    (
        {"metrics": {"remote_write_url": "https://me:hunter2@push.example"}},
        "secret-in-settings",
        "PRAXIS_METRICS__REMOTE_WRITE_URL in praxis_agent_secrets",
    ),
]
HEADERS = {"url": "http://files:3002", "headers": {"Authorization": "Bearer hunter2"}}


@pytest.mark.parametrize(
    ("path", "value", "fix"),
    [
        ("mcp.external_endpoints", [HEADERS], "PRAXIS_MCP__EXTERNAL_ENDPOINTS in praxis_agent_secrets, as JSON"),
        ("agent.external_mcp_endpoints", ["http://x", HEADERS], "mcp.external_endpoints"),
        ("agent.external_mcp_endpoints", ["https://me:hunter2@x"], "mcp.external_endpoints"),
        ("mcp.servers", [{"name": "a", "command": ["x"], "env": {"X_TOKEN": "hunter2"}}], "praxis_agent_secrets"),
    ],
)
def test_a_login_within_settings_is_told_of_and_not_shown(path: str, value: Any, fix: str) -> None:
    section, name = path.split(".")
    found = compiled({"mcp": {"enabled": True, **({name: value} if section == "mcp" else {})},
                      **({section: {name: value}} if section != "mcp" else {})}).findings  # fmt: skip
    (told,) = [finding for finding in found if finding.code == "secret-in-settings"]
    assert told.level == WARNING and fix in told.fix and told.path.startswith(path)
    assert not any("hunter2" in str(finding) for finding in found)


def test_what_holds_no_login_is_not_told_of() -> None:
    plain = {"url": "http://files:3002", "headers": {"Accept": "x", "Authorization": ""}, "max_tokens": "3"}
    layer = {"mcp": {"enabled": True, "external_endpoints": [plain]}, "llm": {"base_url": "http://a:80/@x:y@z"}}
    assert {finding.code for finding in compiled(layer).findings} == {"execute-python-open-to-peers"}
    assert not compiled({}, environment={"GOOGLE_APPLICATION_CREDENTIALS": "/app/configs/key.json"}).findings


def test_a_list_that_may_hold_logins_can_be_a_secret_as_a_whole() -> None:
    found = compiled({"mcp": {"enabled": True, "external_endpoints": "aws-sm://praxis/endpoints"}})
    assert found.secrets == {"PRAXIS_MCP__EXTERNAL_ENDPOINTS": "aws-sm://praxis/endpoints"}
    assert "external_endpoints" not in found.document["mcp"] and not found.errors
    assert not compiled({}, secret_names=["OPENAI_API_KEY", "PRAXIS_MCP__EXTERNAL_ENDPOINTS"]).findings


@pytest.mark.parametrize(("layer", "code", "message"), WARNED)
def test_what_is_warned_about(layer: dict[str, Any], code: str, message: str) -> None:
    finding = only(compiled(layer))
    assert (finding.code, finding.level) == (code, WARNING)
    assert message in str(finding)


def test_a_finding_names_the_layer_that_holds_the_setting() -> None:
    found = compiled({"p2p": {"enabled": True}}, {"p2p": {"enabled": False}}, {"llm": {"modle": "x"}})
    assert [(finding.where, finding.path) for finding in found.findings] == [
        ("three", "llm.modle"),
        ("two", "p2p.enabled"),
    ]


def test_all_mistakes_show_at_once() -> None:
    found = compiled({"p2p": {"prot": 1, "port": "x"}}, {"mcp": 1}, secret_names=[], api_port=4001)
    assert {finding.code for finding in found.errors} == {
        "unknown-setting", "wrong-type", "ports-equal", "openai-key-missing",
    }  # fmt: skip


def test_a_layer_that_is_no_mapping() -> None:
    assert only(compiled([1])).code == "wrong-type"
    assert compiled(None).findings == ()


def test_the_compiled_document_never_holds_what_the_agent_ignores() -> None:
    found = compiled({"http": {"enabled": True}, "p2p": {"max_peers": 3}, "llm": {"provider": "x"}})
    assert found.document == compiled().document


def test_a_log_level_is_written_as_the_agent_knows_it() -> None:
    assert compiled({"logging": {"level": "debug"}}).document["logging"]["level"] == "DEBUG"


def test_a_log_file_below_tmp_is_allowed() -> None:
    found = compiled({"logging": {"file_enabled": True, "file_path": "/tmp/agent.log", "json_logs": True}})
    assert found.findings == ()


@pytest.mark.parametrize(("deployment", "word"), [("production", "prod"), ("Production", "prod"), ("qa", "qa")])
def test_the_agent_is_never_reported_production(deployment: str, word: str) -> None:
    assert compiled(deployment=deployment).environment["PRAXIS_ENVIRONMENT"] == word


def test_production_is_only_warned_about_without_a_balancer() -> None:
    assert only(compiled({"environment": "production"}, behind_balancer=False)).level == WARNING


@pytest.mark.parametrize(
    ("environment", "secret_names", "fine"),
    [
        ({}, KEY, True),
        ({"OPENAI_API_KEY": "x"}, [], True),
        ({"OPENAI_API_KEY": ""}, [], False),
        ({"OPENAI_API_KEY": "  "}, [], False),
        ({}, [], False),
        ({}, ["PRAXIS_MASTER_KEY"], False),
    ],
)
def test_the_agent_needs_a_key(environment: dict[str, str], secret_names: list[str], fine: bool) -> None:
    found = compiled(environment=environment, secret_names=secret_names, strict=False)
    assert ("openai-key-missing" in [finding.code for finding in found.errors]) == (not fine)


def test_a_reference_in_settings_becomes_a_secret_of_the_environment() -> None:
    reference = "{{resolve:secretsmanager:praxis:SecretString:key}}"
    layer = {
        "llm": {"api_key": reference, "base_url": "aws-sm://praxis#url"},
        "metrics": {"basic_auth_password": "gcp-sm://p/n"},
    }
    found = compiled(layer, secret_names=[])
    assert found.findings == ()
    assert found.secrets == {
        "OPENAI_API_KEY": reference,
        "PRAXIS_LLM__BASE_URL": "aws-sm://praxis#url",
        "PRAXIS_METRICS__BASIC_AUTH_PASSWORD": "gcp-sm://p/n",
    }
    assert "resolve" not in document.dump(found.document)
    assert not set(found.secrets) & set(found.environment)


# environment, code, level, a word of the message
VARIABLES = [
    ({"PRAXIS_API__PROT": "1"}, "unknown-variable", ERROR, "Did you mean PRAXIS_API__PORT?"),
    ({"PRAXIS_P2P__BOOTSTRAP_NODES": "[]"}, "bootstrap-is-planned", ERROR, "set by the plan"),
    ({"PRAXIS_P2P__PORT": "4001"}, "yaml-beats-environment", ERROR, "p2p.port"),
    ({"praxis_llm__timeout": "9"}, "yaml-beats-environment", ERROR, "llm.timeout"),
    ({"PRAXIS_API__PORT": "9000"}, "port-contradiction", ERROR, "praxis_api_port is 8000"),
    ({"PRAXIS_API__PORT": "x"}, "wrong-type", ERROR, "a whole number"),
    ({"PRAXIS_API__CORS_ORIGINS": "https://a"}, "wrong-type", ERROR, "as JSON"),
    ({"PRAXIS_METRICS__PUSH_INTERVAL": "0"}, "out-of-range", ERROR, "from 1"),
    ({"PRAXIS_ENVIRONMENT": "production"}, "host-filter", ERROR, "400"),
    ({"PRAXIS_METRICS__ENABLED": "true"}, "metrics-to-vendor", ERROR, "vendor"),
    ({"A-B": "1"}, "bad-variable-name", ERROR, "A-B"),
    ({"A": None}, "wrong-type", ERROR, "A has a value"),
    ({"A": "nul\0"}, "wrong-type", ERROR, "A has a value"),
    pytest.param({"LONG": "x" * (131072 - len("LONG="))}, "too-long", ERROR, "LONG is longer than 128 KiB", id="long"),
    pytest.param({"LONG": "\u00e9" * 65536}, "too-long", ERROR, "LONG is longer than 128 KiB", id="long in bytes"),
    ({"OPENAI_API_KEY": "x"}, "given-twice", ERROR, "praxis_agent_secrets"),
    ({"HTTP_PORT": "1"}, "ignored-variable", WARNING, "no effect"),
    ({"PRAXIS_HTTP__PORT": "1"}, "ignored-variable", WARNING, "Use PRAXIS_API__PORT"),
    ({"PRAXIS_P2P__MAX_PEERS": "1"}, "ignored-variable", WARNING, "no effect"),
    ({"PRAXIS_MASTER_KEY": "x"}, "secret-in-environment", WARNING, "praxis_agent_secrets"),
    ({"MINE": "${KEY:-hunter2}"}, "placeholder", WARNING, "MINE holds ${KEY}, and nothing"),
    ({"APIFY_API_TOKEN": "hunter2"}, "secret-in-environment", WARNING, "APIFY_API_TOKEN seems to be"),
    ({"HTTPS_PROXY": "http://me:hunter2@proxy:3128"}, "secret-in-environment", WARNING, "HTTPS_PROXY seems to be"),
]


@pytest.mark.parametrize(("environment", "code", "level", "message"), VARIABLES)
def test_variables_that_are_findings(environment: dict[str, Any], code: str, level: str, message: str) -> None:
    finding = only(compiled(environment=environment))
    assert (finding.code, finding.level) == (code, level)
    assert message in str(finding)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TZ": "UTC", "N": 3, "B": True}, {"TZ": "UTC", "N": "3", "B": "true"}),
        ({"HOME": "/tmp/home"}, {"HOME": "/tmp/home"}),
        ({"PRAXIS_LLM__MODEL": "x"}, {"PRAXIS_LLM__MODEL": "x"}),
        ({"PRAXIS_API__PORT": 8000}, {"PRAXIS_API__PORT": "8000"}),
        ({"PRAXIS_API__CORS_ORIGINS": ["a"]}, {"PRAXIS_API__CORS_ORIGINS": '["a"]'}),
        ({"praxis_debug": "true"}, {"PRAXIS_DEBUG": "true"}),
        ({"STANDIN_FAIL": "crash"}, {"STANDIN_FAIL": "crash"}),
    ],
)
def test_variables_that_pass(environment: dict[str, Any], expected: dict[str, str]) -> None:
    found = compiled(environment=environment)
    assert found.findings == ()
    assert found.environment.items() >= expected.items()


def test_a_secret_in_two_spellings_is_given_twice() -> None:
    finding = only(compiled(secret_names=[*KEY, "PRAXIS_MASTER_KEY", "praxis_master_key", "token", "TOKEN"]))
    assert (finding.code, finding.where) == ("given-twice", "praxis_agent_secrets")
    assert "PRAXIS_MASTER_KEY is given twice" in finding.what


def test_a_variable_may_be_as_long_as_linux_takes_it() -> None:
    """What a program can be started with, which is tried."""
    longest = "x" * (131072 - len("LONG=") - 1)
    assert compiled(environment={"LONG": longest}).findings == ()
    subprocess.run(["/bin/true"], env={"LONG": longest}, check=True)
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["/bin/true"], env={"LONG": longest + "x"}, check=True)


def test_a_setting_and_a_variable_that_differ_are_named_both() -> None:
    finding = only(compiled({"debug": True}, environment={"PRAXIS_DEBUG": "false"}))
    assert finding.code == "given-twice"
    assert "debug (one)" in finding.what
    assert "praxis_agent_environment" in finding.what


def test_a_setting_and_a_variable_that_agree_are_fine() -> None:
    assert compiled({"debug": True}, environment={"PRAXIS_DEBUG": "true"}).findings == ()


@pytest.mark.parametrize("name", ["PRAXIS_API__PORT", "PRAXIS_P2P__PORT", "PRAXIS_NONSENSE"])
def test_names_of_secrets_are_checked_too(name: str) -> None:
    found = compiled(secret_names=[*KEY, name])
    assert [finding.where for finding in found.errors] == ["praxis_agent_secrets"]


def test_a_stored_master_key_under_its_other_name_is_not_hidden_by_an_empty_one() -> None:
    assert "PRAXIS_MASTER_KEY" not in compiled(secret_names=[*KEY, "PRAXIS_STORAGE_MASTER_KEY"]).environment
    assert "PRAXIS_MASTER_KEY" not in compiled(secret_names=[*KEY, "PRAXIS_MASTER_KEY"]).environment


def test_the_url_of_metrics_may_be_a_secret() -> None:
    found = compiled(secret_names=[*KEY, "PRAXIS_METRICS__REMOTE_WRITE_URL"])
    assert found.environment["PRAXIS_METRICS__ENABLED"] == "true"


@pytest.mark.parametrize(("api", "p2p"), [(0, 4001), (8000, 70000)])
def test_ports_out_of_range(api: int, p2p: int) -> None:
    assert only(compiled(api_port=api, p2p_port=p2p)).code == "out-of-range"


@pytest.mark.parametrize(
    ("layer", "seconds"),
    [
        ({}, 60),
        ({"llm": {"timeout": "500ms", "max_retries": 1}}, 31),
        ({"mcp": {"enabled": True}, "llm": {"timeout": 0}}, 48),
    ],
)
def test_the_start_period_follows_the_settings(layer: dict[str, Any], seconds: int) -> None:
    assert compiled(layer).start_period == seconds


def test_a_secret_is_in_no_finding() -> None:
    marker = "marker-7c1e"
    found = compiled(
        {"llm": {"api_key": marker}, "metrics": {"basic_auth_password": [marker]}},
        environment={"OPENAI_API_KEY": marker, "PRAXIS_MASTER_KEY": marker},
        secret_names=[],
    )
    assert len(found.findings) == 4
    assert marker not in " ".join(str(finding) for finding in found.findings)


def test_tagged_values_compile_to_plain_ones() -> None:
    from ansible.template import trust_as_template

    model = trust_as_template("gpt-4")
    assert model.__class__ is not str
    found = compiled({"llm": {"model": model}, "debug": True}, environment={"TZ": trust_as_template("UTC")})
    assert found.document["llm"]["model"].__class__ is str
    assert found.environment["TZ"].__class__ is str


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(alphabet="abcdefghij /.-", min_size=1, max_size=10),
    "url": st.sampled_from(["http://127.0.0.1:9/v1", "https://llm.example.com"]),
    "integer": st.integers(min_value=1, max_value=20),
    "number": st.floats(min_value=0, max_value=2),
    "boolean": st.booleans(),
    "duration": st.integers(min_value=0, max_value=20) | st.sampled_from(["5s", "500ms"]),
    "strings": st.lists(st.text(alphabet="abc", max_size=4), max_size=3),
    "integers": st.lists(st.integers(min_value=1, max_value=65535), max_size=3),
    "mapping": st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=3), st.integers(0, 9), max_size=2),
    "texts": st.dictionaries(*2 * [st.text(alphabet="abc", max_size=3)], max_size=2),
    "mappings": st.lists(st.just({"name": "a", "description": "b", "command": []}), max_size=0),
    "endpoints": st.lists(st.text(alphabet="abc", max_size=4), max_size=3),
    "tree": st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1),
}
RULED = {
    "agent.name", "p2p.enabled", "p2p.port", "p2p.keystore_path", "p2p.bootstrap_nodes", "http.port", "http.host",
    "api.port", "api.host", "logging.level", "logging.format", "logging.file_enabled", "llm.api_key",
    "metrics.basic_auth_password", "metrics.enabled", "environment",
}  # fmt: skip
FREE = [setting for setting in SETTINGS if setting.path not in RULED]


@st.composite
def some_settings(draw: st.DrawFn) -> tuple[Setting, Any]:
    setting = draw(st.sampled_from(FREE))
    return setting, draw(VALUES[setting.kind])


@given(pairs=st.lists(some_settings(), max_size=6, unique_by=lambda pair: pair[0].path))
@tiers.examples(150)
def test_a_valid_setting_takes_effect_exactly_where_its_row_says(pairs: list[tuple[Setting, Any]]) -> None:
    layers = [nested(setting.path, value) for setting, value in pairs]
    found = compile_settings(
        [Layer(str(at), layer) for at, layer in enumerate(layers)],
        member="alpha", environment={}, secret_names=KEY, api_port=8000, p2p_port=4001,
        deployment="qa", behind_balancer=True,
    )  # fmt: skip
    assert found.errors == ()
    for setting, value in pairs:
        assert KINDS[setting.kind].accepts(value)
        section, _dot, name = setting.path.rpartition(".")
        in_document = name in found.document.get(section, {})
        assert in_document == (setting.effect == YAML)
        if in_document:
            assert found.document[section][name] == value


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.none()),
    st.binary(),
    st.just({"a": b""}),
)


@pytest.mark.slow
@given(setting=st.sampled_from(SETTINGS), value=ANYTHING)
@tiers.examples(500)
def test_no_value_makes_the_compiler_raise(setting: Setting, value: Any) -> None:
    found = compiled(nested(setting.path, value), environment={"X": value, setting.spelt_variable: value})
    document.dump(found.document)
