# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's traps, one test each, named after what would go wrong. docs/agent-traps.md is their table."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.praxis.cloud.plugins.module_utils.agent import document, identity, peers
from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Compiled, Layer, compile_settings
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import member_health, mesh
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.limits import read_limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.plan import make_plan
from ansible_collections.praxis.cloud.plugins.module_utils.host import (
    agent_api,
    apply,
    changes,
    desired,
    gate,
    socket_group,
)
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths
from ansible_collections.praxis.cloud.plugins.module_utils.secrets import identities
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.fetch import Secret
from ansible_collections.praxis.cloud.plugins.plugin_utils import drafts, secret_values, sources
from ansible_collections.praxis.cloud.plugins.plugin_utils.fleet_variables import members
from tests.unit.fleet.made import PEERS, fleet, member, meshed, observation, release
from tests.unit.plan.made import variables

CHECKOUT = Path(__file__).parents[3]
TABLE = CHECKOUT / "docs" / "agent-traps.md"
TOOL = {"name": "a", "description": "b"}


def compiled(settings: dict[str, Any] | None = None, **changed: Any) -> Compiled:
    """One layer of settings, compiled as for a healthy fleet but for ``changed``."""
    known: dict[str, Any] = {
        "member": "alpha",
        "environment": {},
        "secret_names": ["OPENAI_API_KEY"],
        "api_port": 8000,
        "p2p_port": 4001,
        "deployment": "production",
        "behind_balancer": True,
    }
    return compile_settings([Layer("layer", settings or {})], **{**known, **changed})


def codes(found: Compiled) -> set[str]:
    """What was found, each finding complete and about a place the user wrote."""
    for finding in found.findings:
        assert all(finding.as_dict().values()), finding
        assert finding.fix.endswith((".", "?")), finding
    return {finding.code for finding in found.findings}


def variable(**environment: Any) -> set[str]:
    return codes(compiled(environment=environment))


def read_by_agent(found: Compiled) -> dict[str, Any]:
    """What stands in the agent's file."""
    return yaml.safe_load(peers.with_peers(document.dump(found.document), []))


def service(**values: Any) -> dict[str, Any]:
    """The Compose service of a release."""
    return json.loads(release("alpha", **values).compose())["services"]["agent"]


def judged(expected: str = PEERS[0], other: str = PEERS[3], dial: tuple[Any, ...] = (), **api: Any) -> Finding | None:
    """The local gate's finding on a running, healthy container whose API says this."""
    container = {"state": "running", "health": "healthy", "restarts": 0, "exit_code": 0, "oom_killed": False}
    seen = {"container": container, "api": {"health": 200, "error": None, **api}, "edges": [], "dials": {}}
    return gate.judge(seen, gate.Gate(expected, dial, len(dial), other_peer_id=other), 4001, "alpha").finding


def product() -> dict[str, str]:
    """Every file that acts: what runs on the controller and on hosts, comments and documentation strings left out."""
    found = {}
    for path in (path for folder in ("plugins", "roles", "playbooks") for path in (CHECKOUT / folder).rglob("*.*")):
        if path.suffix not in (".py", ".yml"):
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            tree = ast.parse(text)
            said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said]
            text = "\n".join(str(node.value) for node in texts)
        found[str(path.relative_to(CHECKOUT))] = text
    return found


# --- two configurations in one process


def test_the_api_listener_follows_the_environment_alone() -> None:
    found = compiled({"http": {"port": 8000, "host": "0.0.0.0", "cors_origins": ["https://a"]}})
    assert codes(found) == set()
    assert found.environment.items() >= {"PRAXIS_API__PORT": "8000", "PRAXIS_API__HOST": "0.0.0.0"}.items()
    assert found.environment["PRAXIS_API__CORS_ORIGINS"] == '["https://a"]'
    assert "http" not in found.document
    assert compiled(api_port=9001).environment["PRAXIS_API__PORT"] == "9001"
    assert codes(compiled({"api": {"port": 9000}})) == {"port-contradiction"}
    assert variable(PRAXIS_API__PORT="9000") == {"port-contradiction"}
    for host in ("127.0.0.1", "::"):
        assert codes(compiled({"http": {"host": host}})) == {"listener-unreachable"}, host
        assert variable(PRAXIS_API__HOST=host) == {"listener-unreachable"}, host
    assert "--port" not in service()["command"]


def test_variables_of_the_examples_that_move_nothing() -> None:
    for name in ("HTTP_PORT", "AGENT_NAME", "CONFIG_FILE", "NOISE_KEY", "PRAXIS_HTTP__PORT"):
        assert "ignored-variable" in variable(**{name: "1"}), name


def test_a_variable_of_a_whole_section_or_of_the_agents_section() -> None:
    for name, value in (("PRAXIS_P2P", "{}"), ("PRAXIS_AGENT__VERSION", "2"), ("praxis_agent__tools", "[]")):
        relaxed = compiled(environment={name: value}, strict=False)
        assert [finding.code for finding in relaxed.errors] == ["section-in-environment"], name


def test_yaml_beats_the_environment_leaf_by_leaf() -> None:
    assert variable(PRAXIS_P2P__PORT="4001") == {"yaml-beats-environment"}
    assert variable(PRAXIS_LLM__TIMEOUT="9") == {"yaml-beats-environment"}
    assert variable(PRAXIS_MCP__ENABLED="true") == {"yaml-beats-environment"}
    assert variable(PRAXIS_LLM__MODEL="x") == set()
    both = compiled({"llm": {"model": "y"}}, environment={"PRAXIS_LLM__MODEL": "x"})
    assert codes(both) == {"yaml-beats-environment"}


def test_a_baked_dotenv_file_cannot_undo_what_a_deployment_relies_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "sandbox" / "standin"))
    monkeypatch.chdir(tmp_path)
    from praxis_sdk import config

    names = {
        "P2P__ENABLED": "false", "P2P__PORT": "1", "P2P__KEYSTORE_PATH": "/x", "P2P__BOOTSTRAP_NODES": '["x"]',
        "MCP__ENABLED": "true", "API__PORT": "1", "API__HOST": "127.0.0.1", "ENVIRONMENT": "production",
        "METRICS__ENABLED": "true", "API__DOCS_ENABLED": "true", "LOGGING__FILE_ENABLED": "true",
        "LLM__TIMEOUT": "600", "LLM__MAX_RETRIES": "9", "LLM__API_KEY": "sk-planted", "LLM__BASE_URL": "http://x/v1",
        "LOGGING__FORMAT": "json", "API__CORS_ORIGINS": '["http://x"]', "DEBUG": "true",
    }  # fmt: skip
    found = compiled()
    (tmp_path / "a.yaml").write_text(peers.with_peers(document.dump(found.document), []), encoding="utf-8")

    def loaded() -> tuple[Any, Any]:
        return config.load("a.yaml", found.environment), config.load(None, found.environment)

    clean = loaded()
    (tmp_path / ".env").write_text("".join(f"PRAXIS_{name}={value}\n" for name, value in names.items()))
    (agent, server), (clean_agent, clean_server) = loaded(), clean
    assert agent == clean_agent
    assert agent["llm"]["api_key"] is None  # so the agent takes OPENAI_API_KEY
    listener = [("api", name) for name in ("port", "host", "docs_enabled", "cors_origins")]
    for section, name in (*listener, ("metrics", "enabled")):
        assert server[section][name] == clean_server[section][name], name
    assert server["environment"] == clean_server["environment"] == "prod"
    assert server["debug"] is clean_server["debug"] is False
    # What nothing relies on may come of it, and the table says so.
    (tmp_path / ".env").write_text("PRAXIS_LLM__MODEL=small\n")
    assert loaded()[0]["llm"]["model"] == "small"


# --- what the agent drops, ignores, or takes literally


def test_keys_that_the_yaml_file_drops_go_to_the_environment() -> None:
    found = compiled({"debug": True, "shared_dir": "/tmp/x", "environment": "qa", "metrics": {"job_name": "j"}})
    assert codes(found) == set()
    assert found.environment.items() >= {
        "PRAXIS_DEBUG": "true", "PRAXIS_SHARED_DIR": "/tmp/x", "PRAXIS_ENVIRONMENT": "qa",
        "PRAXIS_METRICS__JOB_NAME": "j",
    }.items()  # fmt: skip
    assert set(read_by_agent(found)) == {"agent", "api", "mcp", "llm", "logging", "p2p"}


def test_settings_that_nothing_reads_are_named() -> None:
    for settings in (
        {"data_dir": "x"}, {"tools": []}, {"execution": {}}, {"monitoring": {}}, {"p2p": {"max_peers": 3}},
        {"a2a": {"card": {"id": "x"}}}, {"llm": {"caching": {}}}, {"logging": {"output": "x"}},
    ):  # fmt: skip
        found = compiled(settings)
        assert codes(found) == {"ignored-setting"}, settings
        assert found.document == compiled().document, settings


def test_an_ignored_variable_of_a_wrong_type_cannot_end_the_agent() -> None:
    found = compiled(environment={"PRAXIS_P2P__MAX_PEERS": "many", "PRAXIS_DAGGER__TIMEOUT": "x", "PRAXIS_A2A": "["})
    assert codes(found) == {"ignored-variable"}
    assert found.environment == compiled().environment


def test_a_misspelt_key_is_no_longer_silent() -> None:
    found = compiled({"llm": {"modle": "x"}, "lmm": {}})
    assert codes(found) == {"unknown-setting"}
    assert [finding.fix for finding in found.findings] == ["Did you mean llm.model?", "Did you mean llm?"]
    assert variable(PRAXIS_API__PROT="1") == {"unknown-variable"}


def test_the_agent_checks_no_range_and_no_choice() -> None:
    assert codes(compiled({"p2p": {"port": 99999}})) == {"out-of-range"}
    assert codes(compiled({"llm": {"timeout": -1}})) == {"out-of-range"}
    assert codes(compiled({"mcp": {"discovery_ports": [-1]}})) == {"out-of-range"}
    assert codes(compiled({"logging": {"level": "nonsense"}})) == {"not-a-choice"}
    assert codes(compiled(api_port=4001)) == {"ports-equal"}


def test_lists_and_mappings_in_the_environment_are_json() -> None:
    assert variable(PRAXIS_API__CORS_ORIGINS="https://a") == {"wrong-type"}
    found = compiled(environment={"PRAXIS_API__CORS_ORIGINS": ["https://a"]})
    assert found.environment["PRAXIS_API__CORS_ORIGINS"] == '["https://a"]'


def test_dollar_brace_variables_are_left_literal() -> None:
    assert codes(compiled({"llm": {"model": "${MODEL}"}})) == {"placeholder"}
    assert "placeholder" in codes(compiled(environment={"OPENAI_API_KEY": "${OPENAI_API_KEY}"}, secret_names=[]))
    with pytest.raises(Failed) as error:
        sources.read_source("OPENAI_API_KEY", "${OPENAI_API_KEY}")
    assert error.value.findings[0].code == "placeholder"


def test_a_key_among_the_settings_beats_the_stored_one() -> None:
    assert codes(compiled({"llm": {"api_key": "${OPENAI_API_KEY}"}})) == {"secret-in-settings"}
    assert "second-name" in variable(PRAXIS_LLM__API_KEY="x")
    assert "secret-in-environment" in codes(compiled(environment={"OPENAI_API_KEY": "x"}, secret_names=[]))


def test_a_login_within_a_setting_is_kept_in_files() -> None:
    endpoint = {"url": "http://files:3002", "headers": {"Authorization": "Bearer x"}}
    told = codes(compiled({"mcp": {"enabled": True, "external_endpoints": [endpoint]}}))
    assert told == {"secret-in-settings", "execute-python-open-to-peers"}
    assert variable(HTTPS_PROXY="http://me:x@proxy") == variable(X_TOKEN="x") == {"secret-in-environment"}
    found = compiled(secret_names=["OPENAI_API_KEY", "PRAXIS_MCP__EXTERNAL_ENDPOINTS"])
    assert not found.findings and "external_endpoints" not in read_by_agent(found)["mcp"]


def test_a_reference_where_nothing_follows_it() -> None:
    assert codes(compiled(environment={"PRAXIS_LLM__MODEL": "aws-sm://llm#model"})) == {"misplaced-reference"}
    assert codes(compiled({"environment": "aws-sm://llm#word"})) == {"misplaced-reference"}
    for name in ("PRAXIS_ENVIRONMENT", "PRAXIS_API__HOST", "PRAXIS_METRICS__ENABLED", "PRAXIS_LOGGING__FORMAT"):
        assert codes(compiled(secret_names=["OPENAI_API_KEY", name])) == {"not-a-secret"}, name


def test_another_tool_s_pointer_is_taken_for_the_key() -> None:
    pointed = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:agent-AbCdEf:KEY::"
    fault = secret_values.doubtful("OPENAI_API_KEY", pointed, pointed, True)
    assert fault is not None and fault.code == "foreign-reference" and "aws-sm://" in fault.fix
    assert "foreign-reference" in codes(compiled(environment={"OPENAI_API_KEY": pointed}, secret_names=[]))
    assert "foreign-reference" in variable(PRAXIS_LLM__MODEL="op://vault/item")
    assert variable(OWN_SECRETS_ARN=pointed) == set()


def test_what_storing_a_key_added_is_sent_with_it() -> None:
    fault = secret_values.doubtful("OPENAI_API_KEY", "sk-planted\n", "sk-planted\n", True)
    assert fault is not None and fault.code == "secret-padding" and "line break" in fault.what
    assert "secret-padding" in codes(compiled(environment={"OPENAI_API_KEY": "sk-planted\n"}, secret_names=[]))
    assert variable(OWN_TEXT="a\n") == set()


# --- what ends the process, or leaves it without an API


def test_an_empty_openai_key_ends_the_process() -> None:
    assert codes(compiled(secret_names=[])) == {"openai-key-missing"}
    off = compiled({"llm": {"enabled": False}}, secret_names=[], strict=False)
    assert [finding.code for finding in off.errors] == ["openai-key-missing"]
    _values, _versions, findings = secret_values.deliver({"OPENAI_API_KEY": ""}, True, {}, bytes(32))
    assert [finding.code for finding in findings] == ["short-secret"]


def test_without_p2p_there_is_no_http_api() -> None:
    found = compiled({"p2p": {"enabled": False}}, strict=False)
    assert [finding.code for finding in found.errors] == ["p2p-disabled"]
    assert found.document["p2p"]["enabled"] is True
    assert variable(PRAXIS_P2P__ENABLED="false") == {"yaml-beats-environment"}
    silent = judged(health=None, peer_id=None, error="nothing listens on port 8000")
    assert silent and silent.code == "api-silent" and "P2P" in silent.fix


def test_the_key_directory_is_where_the_key_is_mounted() -> None:
    assert codes(compiled({"p2p": {"keystore_path": "./keys"}})) == {"keystore-contradiction"}
    assert compiled().document["p2p"]["keystore_path"] == "/keys"
    mounts = {item["target"]: item for item in service()["volumes"]}
    assert mounts["/keys"]["read_only"] is True
    assert mounts["/keys"]["bind"] == {"create_host_path": False}


def test_an_unwritable_log_file_ends_the_process() -> None:
    for path in ("logs/praxis.log", "/tmp/../var/log/x", "/tmp/", "/tmpx/y"):
        assert codes(compiled({"logging": {"file_enabled": True, "file_path": path}})) == {"log-file-unwritable"}, path
    assert codes(compiled({"logging": {"file_enabled": True, "file_path": "/tmp/x/y"}})) == set()
    found = compiled({"logging": {"file_enabled": True}}, environment={"PRAXIS_LOGGING__FILE_PATH": "/tmp/z"})
    assert codes(found) == set()
    assert compiled().document["logging"]["file_enabled"] is False


def test_a_read_only_root_needs_a_writable_shared_path() -> None:
    assert variable(PRAXIS_SHARED_PATH="/app/shared") == {"shared-path-unwritable"}
    assert compiled().environment["PRAXIS_SHARED_PATH"] == "/tmp/shared"


def test_tools_and_servers_need_their_required_fields() -> None:
    assert codes(compiled({"agent": {"tools": [{"name": "a"}]}})) == {"missing-setting"}
    assert codes(compiled({"mcp": {"servers": [{"name": "a"}]}})) == {"missing-setting"}


def test_a_number_for_a_text_within_a_mapping_ends_the_process() -> None:
    assert codes(compiled({"metrics": {"additional_labels": {"shard": 1}}})) == {"wrong-type"}
    assert variable(PRAXIS_METRICS__ADDITIONAL_LABELS='{"shard": 1}') == {"wrong-type"}
    assert codes(compiled({"agent": {"tools": [{**TOOL, "params": [{"name": "p", "type": 1}]}]}})) == {"wrong-type"}


def test_the_images_default_command_is_unusable() -> None:
    made = service()
    assert made["command"] == [
        "python", "-m", "praxis_sdk.main", "--config", "/app/configs/alpha.yaml", "run", "--name", "alpha",
    ]  # fmt: skip
    assert made["entrypoint"][0] == "sh"


def test_tools_register_only_from_the_file_that_bears_the_running_name() -> None:
    made = service()
    named = made["command"][made["command"].index("--name") + 1]
    assert made["command"][4] == f"/app/configs/{named}.yaml"
    assert {item["target"] for item in made["volumes"]} >= {"/app/configs"}
    assert os.path.basename(Paths().config(named)) == f"{named}.yaml"
    bad = {"a/b": variables(1), "-x": variables(2), "m" * 129: variables(3)}
    with pytest.raises(Failed) as error:
        members(bad, list(bad))
    assert [finding.code for finding in error.value.findings] == ["bad-member-name"] * 3


def test_the_running_name_is_not_agent_name() -> None:
    assert codes(compiled({"agent": {"name": "beta"}})) == {"name-contradiction"}
    assert compiled().document["agent"]["name"] == "alpha"


# --- what answers, and to whom


def test_production_turns_on_a_host_filter() -> None:
    assert compiled().environment["PRAXIS_ENVIRONMENT"] == "prod"
    for found in (compiled({"environment": "production"}), compiled(environment={"PRAXIS_ENVIRONMENT": "production"})):
        assert codes(found) == {"host-filter"}
        assert found.errors
    assert not compiled({"environment": "production"}, behind_balancer=False).errors


def test_health_is_a_constant() -> None:
    assert judged(health=200, peer_id=PEERS[0]) is None
    down = judged(health=200, peer_id=None, error="/p2p/info answered 503")
    assert down and down.code == "no-peer-id"
    alone = judged(dial=({"member": "beta", "address": "10.0.0.2", "port": 4001},), health=200, peer_id=PEERS[0])
    assert alone and alone.code == "mesh-missing"


def test_an_unhealthy_container_is_not_restarted_by_docker() -> None:
    container = {"release": "r", "part": "r", "state": "running", "health": "unhealthy"}
    current = changes.Current({"container": container, "api": {"peer_id": None}, "release": {"current": "r"}})
    wanted = desired.Desired("active", desired.Release("r", "i", "alpha", {"release.json": "{}"}, 8000, 4001))
    assert changes.activation(current, wanted) == ("restart", "the container is unhealthy")


def test_a_stop_drains_nothing() -> None:
    plays = yaml.safe_load((CHECKOUT / "playbooks/plays/spread.yml").read_text(encoding="utf-8"))
    tasks = [task["name"] for play in plays if play["name"] == "Activate" for task in play["tasks"]]
    names = ("Drain the batch", "Activate the release", "Rejoin the batch")
    drain, activate, rejoin = (tasks.index(name) for name in names)
    assert drain < activate < rejoin
    assert service()["stop_grace_period"] == "15s"


def test_the_llm_check_delays_the_start() -> None:
    found = compiled({"llm": {"timeout": "60s", "max_retries": 3}})
    assert codes(found) == {"slow-start"}
    assert "240 s" in found.findings[0].what and "praxis_gate_deadline" in found.findings[0].fix
    assert found.start_period == 30 + 240
    assert compiled({"llm": {"timeout": "500ms", "max_retries": 1}}).start_period == 31
    assert service(limits=read_limits({"start_period": "270s"}, "alpha"))["healthcheck"]["start_period"] == "270s"


def test_a_timeout_of_zero_ends_each_call_to_the_model() -> None:
    assert codes(compiled({"llm": {"timeout": 0}})) == {"llm-timeout"}
    assert not codes(compiled({"llm": {"timeout": "500ms"}}))


def test_looking_for_mcp_servers_delays_the_start() -> None:
    on = {"mcp": {"enabled": True}, "llm": {"timeout": 1}}
    assert compiled(on).start_period == 30 + 1 + 18
    many = compiled({**on, "mcp": {"enabled": True, "discovery_ports": [1, 2, 3, 4, 5, 6]}})
    assert codes(many) == {"execute-python-open-to-peers", "slow-start"}
    assert many.start_period == 30 + 1 + 36
    by_variable = compiled(on, environment={"PRAXIS_MCP__AUTO_DISCOVERY": "false"})
    assert by_variable.start_period == 30 + 1


def test_only_two_ports_have_a_listener() -> None:
    assert codes(compiled({"websocket": {"port": 8090}, "mcp": {"port": 3001}})) == {"ignored-setting"}
    assert service()["ports"] == ["8000:8000", "4001:4001"]


def test_the_agent_card_must_not_send_others_to_themselves() -> None:
    assert codes(compiled({"api": {"host": "127.0.0.1"}})) == {"card-address"}
    assert compiled({"api": {"host": "0.0.0.0"}}, address="10.0.0.7").document["api"]["host"] == "10.0.0.7"


@pytest.mark.slow
def test_p2p_connect_and_p2p_tool_are_never_called() -> None:
    texts = product()
    assert any("/p2p/info" in text for text in texts.values()), "nothing would be found by this search"
    for name, text in texts.items():
        for path in ("p2p/connect", "p2p/tool"):
            assert path not in text, f"{name} mentions {path}, which hangs the agent's API"
    requests = re.findall(r"\.request\((.+?),", inspect.getsource(agent_api))
    assert requests == ['"GET"']


@pytest.mark.slow
def test_the_agents_own_list_of_peers_is_not_believed() -> None:
    for name, text in product().items():
        assert "/p2p/peers" not in text and "/p2p/cards" not in text, name


# --- logs and metrics


def test_logging_format_json_makes_every_line_that_word() -> None:
    assert codes(compiled({"logging": {"format": "json"}})) == {"logging-format-json"}
    assert variable(PRAXIS_LOGGING__FORMAT="json") == {"logging-format-json"}
    for template in ("plain", "{time}", "{message"):
        assert codes(compiled({"logging": {"format": template}})) == {"logging-format-constant"}, template
    assert codes(compiled({"logging": {"format": "{time} {message}"}})) == set()


def test_json_logs_act_on_the_log_file_alone() -> None:
    assert codes(compiled({"logging": {"json_logs": True}})) == {"ignored-setting"}


def test_metrics_are_pushed_to_the_vendor_by_default() -> None:
    assert compiled().environment["PRAXIS_METRICS__ENABLED"] == "false"
    assert codes(compiled({"metrics": {"enabled": True}})) == {"metrics-to-vendor"}
    assert variable(PRAXIS_METRICS__ENABLED="yes") == {"metrics-to-vendor"}
    assert codes(compiled({"metrics": {"enabled": True, "remote_write_url": "https://m/push"}})) == set()


def test_logs_hold_secrets_and_grow() -> None:
    from ansible_collections.praxis.cloud.plugins.module_utils.host.secret_file import mask

    assert mask("called with planted-value", ["planted-value"]) == "called with ********"
    assert service()["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


# --- what peers can do


def test_p2p_is_plaintext_whatever_the_settings_say() -> None:
    for settings in ({"secure": True}, {"use_noise": True}, {"noise_key": "x"}, {"security": {"noise_enabled": True}}):
        assert codes(compiled({"p2p": settings})) == {"plaintext-p2p"}, settings
    assert variable(PRAXIS_P2P__USE_NOISE="true") == {"plaintext-p2p"}
    assert codes(compiled(public_p2p=True)) == {"plaintext-p2p"}


def test_the_http_api_has_no_authentication() -> None:
    assert codes(compiled({"security": {"api_key": "x"}})) == {"api-unauthenticated"}


def test_execute_python_is_open_to_peers() -> None:
    found = compiled({"mcp": {"enabled": True}})
    assert codes(found) == {"execute-python-open-to-peers"}
    assert compiled().document["mcp"]["enabled"] is False


def test_the_file_tools_root_is_a_prefix() -> None:
    found = compiled({"mcp": {"enabled": True, "filesystem_root": "/tmp/shared"}})
    assert codes(found) == {"execute-python-open-to-peers", "filesystem-root-prefix"}


def test_the_docker_socket_hands_the_machine_to_any_peer() -> None:
    assert not any("docker.sock" in item["source"] for item in service()["volumes"])
    assert codes(compiled(docker_socket=True)) == {"docker-socket"}
    opened = compiled({"mcp": {"enabled": True}}, docker_socket=True)
    assert codes(opened) == {"execute-python-open-to-peers", "docker-socket-open-to-peers"}
    (one,) = members({"m1": variables(1, docker_socket=True, address="public", public_ip="203.0.113.1")}, ["m1"])
    ([draft], _findings) = drafts.draft_all([one])
    assert codes(draft.compiled) == {"docker-socket", "plaintext-p2p"}


def test_the_agent_s_user_may_not_open_the_docker_socket() -> None:
    given = json.loads(release("alpha", docker_socket=True).compose())["services"]["agent"]
    assert given["extends"] == {"file": Paths().socket_group, "service": "agent"}
    assert json.loads(socket_group.text("998"))["services"]["agent"] == {"group_add": ["998"]}


def test_tools_that_do_nothing_here() -> None:
    assert codes(compiled({"agent": {"tools": [{**TOOL, "engine": "local"}]}})) == {"tool-not-implemented"}
    assert codes(compiled({"agent": {"tools": [TOOL]}})) == {"tool-needs-docker"}
    assert codes(compiled({"agent": {"tools": [TOOL]}}, docker_socket=True)) == {"docker-socket"}


def test_mcp_servers_are_not_started() -> None:
    servers = {"servers": [{"name": "a", "command": ["b"]}]}
    assert codes(compiled({"mcp": servers})) == {"mcp-is-off"}
    on = compiled({"mcp": {**servers, "enabled": True}})
    assert codes(on) == {"execute-python-open-to-peers", "mcp-server-not-started"}


def test_the_image_runs_as_root_and_without_limits() -> None:
    made = service()
    assert made["user"] == "10001:10001" and made["read_only"] is True and made["cap_drop"] == ["ALL"]
    assert (made["mem_limit"], made["pids_limit"], made["security_opt"]) == ("512m", 256, ["no-new-privileges:true"])
    for limit in ({"pids": "many"}, {"memory": "lots"}, {"memory": "5m"}, {"stop_grace": 15}, {"log_files": 0}):
        with pytest.raises(Failed) as error:
            read_limits(limit, "alpha")
        assert [finding.code for finding in error.value.findings] == ["bad-limit"], limit
    ended = {"state": "exited", "oom_killed": True, "restarts": 0, "exit_code": 137}
    killed = gate.judge({"container": ended}, gate.Gate(), 4001, "alpha").finding
    assert killed and killed.code == "container-out-of-memory"


# --- identity


def test_both_peer_id_schemes_are_distinguished() -> None:
    seed = bytes(range(32))
    ours, other = (identity.peer_id(seed, scheme) for scheme in identity.SCHEMES)
    assert ours != other
    running = judged(ours, other, health=200, peer_id=other)
    assert running and running.code == "other-key-scheme"
    assert "other scheme" in running.what and "praxis_peer_id_scheme" in running.fix
    plan = make_plan("test", [member(1, peer_id=ours, other_peer_id=other)], [release("m1")])
    under_other = observation(plan, "m1", [], api={"health": 200, "peer_id": other})
    (seen,) = member_health.member_findings(plan, "m1", under_other)
    assert seen.code == "other-key-scheme"
    assert "other scheme" in seen.what and "praxis_peer_id_scheme" in seen.fix
    someone = judged(ours, other, health=200, peer_id=PEERS[2])
    assert someone and someone.code != running.code


def test_an_unknown_peer_id_scheme_is_reported_with_its_member_before_anything_is_fetched() -> None:
    with pytest.raises(Failed) as error:
        members({"m1": variables(1, peer_id_scheme="ed2551")}, ["m1"])
    (finding,) = error.value.findings
    assert (finding.code, finding.where) == ("unknown-identity-scheme", "m1")
    assert "praxis_peer_id_scheme" in finding.what and "Did you mean ed25519?" in finding.fix


def test_a_key_of_the_wrong_length_would_be_overwritten_by_a_new_one() -> None:
    where = identities.reference("demo", "aws-1")
    for length in (0, 31, 33, 64):
        found = identities.identity("aws-1", where, Secret(b"x" * length, "v1"))
        assert isinstance(found, Finding) and found.code == "identity-seed", length
        with pytest.raises(identity.IdentityError) as error:
            identity.peer_id(b"x" * length)
        assert error.value.findings[0].code == "bad-seed", length
    _seed, finding = desired.decode_seed("eHh4")
    assert finding and finding.code == "bad-option"


def test_an_unreadable_key_is_replaced_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(apply.files, "require_tmpfs", lambda _path: None)
    owners: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, _gid, **_options: owners.append((str(path), uid)))
    paths = Paths(root=str(tmp_path / "root"), run=str(tmp_path / "run"))
    host = apply.Host(paths, None, desired.Desired("prepared", seed=bytes(32)), "")  # type: ignore[arg-type]
    host.apply([changes.Change("seed", paths.node_key, "", "")])
    assert os.stat(paths.node_key).st_mode & 0o777 == 0o400, "the agent's own would be readable by everybody"
    if os.getuid() == 0:
        assert {uid for path, uid in owners if "keys" in path} == {10001}
    wrong = judged(health=200, peer_id=PEERS[1])
    assert wrong and wrong.code == "wrong-peer-id" and "node.key" in wrong.fix


def test_one_identity_on_two_hosts() -> None:
    with pytest.raises(Failed) as error:
        make_plan("test", [member(1), member(2, peer_id=PEERS[0])], [release("m1"), release("m2")])
    assert [finding.code for finding in error.value.findings] == ["shared-peer-id"]


# --- discovery


def test_the_bootstrap_list_is_the_plans() -> None:
    assert codes(compiled({"p2p": {"bootstrap_nodes": ["/ip4/10.0.0.2/tcp/4001"]}})) == {"bootstrap-is-planned"}
    assert variable(PRAXIS_P2P__BOOTSTRAP_NODES="[]") == {"bootstrap-is-planned"}


def test_every_address_that_is_dialled_has_its_peer_id() -> None:
    plan = fleet(3)
    for name in plan.members:
        for address in plan.peers(name)["multiaddrs"]:
            assert re.fullmatch(r"/ip4/10\.0\.0\.\d/tcp/4001/p2p/12D3KooW\w+", address), address
    for wrong in ("", "12D3KooWshort", PEERS[0] + "x"):
        with pytest.raises(identity.IdentityError) as error:
            identity.multiaddr("10.0.0.1", 4001, wrong)
        assert error.value.findings[0].code == "bad-peer-id", wrong


def test_a_host_name_is_resolved_once_and_matches_no_connection() -> None:
    with pytest.raises(Failed) as error:
        members({"m1": variables(1, private_ip="node1.example.com")}, ["m1"])
    (finding,) = error.value.findings
    assert (finding.code, finding.where) == ("bad-address", "m1")
    assert "praxis_private_ip" in finding.what


def test_the_agent_listens_on_ipv4_alone() -> None:
    for address in ("2001:db8::11", "127.0.0.1"):
        with pytest.raises(Failed) as error:
            members({"m1": variables(1, private_ip=address)}, ["m1"])
        assert [finding.code for finding in error.value.findings] == ["bad-address"], address


def test_discovery_that_is_never_started() -> None:
    found = compiled({"p2p": {"enable_mdns": True, "enable_dht": True, "rendezvous": "x", "enable_relay": True}})
    assert codes(found) == {"ignored-setting"}
    assert all("bootstrap list" in finding.fix for finding in found.findings)


def test_bootstrap_is_tried_once() -> None:
    plan = fleet(3)
    for one, other in plan.edges:
        assert any(plan.members[other].peer_id in item for item in plan.peers(one)["multiaddrs"])
        assert any(plan.members[one].peer_id in item for item in plan.peers(other)["multiaddrs"])
    observations = meshed(plan, [("m1", "m2")])
    found = mesh.verdict(plan, observations, {})
    assert [finding.code for finding in found.findings] == ["edge-missing"]
    assert mesh.heal(plan, observations) == ["m1"], "one end is restarted, and dials again"


def test_a_cut_link_stays_established() -> None:
    plan = fleet(2)
    observations = meshed(plan)
    observations["m1"]["edges"][0]["retransmits"] = 3
    observations["m2"]["edges"][0]["retransmits"] = 3
    assert {finding.code for finding in mesh.verdict(plan, observations, {}).findings} == {"edge-missing", "mesh-split"}


def test_a_generated_store_key_would_be_lost() -> None:
    assert compiled().environment["PRAXIS_MASTER_KEY"] == ""
    stored = compiled(secret_names=["OPENAI_API_KEY", "PRAXIS_STORAGE_MASTER_KEY"])
    assert "PRAXIS_MASTER_KEY" not in stored.environment


# --- the table


def rows() -> list[dict[str, str]]:
    """The rows of docs/agent-traps.md."""
    found: list[dict[str, str]] = []
    heads: list[str] = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if not cells or set(line) <= set("|- "):
            heads = heads if cells else []
        elif not heads:
            heads = cells
        else:
            found.append(dict(zip(heads, cells, strict=True)))
    return found


def marked(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def traps() -> dict[str, Any]:
    """The tests of this file that are about a trap, by name."""
    here = vars(sys.modules[__name__])
    return {name: here[name] for name in here if name.startswith("test_") and not name.startswith("test_table_")}


def test_table_has_a_row_for_every_trap_and_a_test_for_every_row() -> None:
    listed = [name for row in rows() for name in marked(row["test"])]
    assert sorted(listed) == sorted(traps()), "docs/agent-traps.md and this file's tests differ"


@pytest.mark.parametrize("row", rows(), ids=lambda row: marked(row["test"])[0])
def test_table_rows_are_true(row: dict[str, str]) -> None:
    places = [CHECKOUT / place for place in marked(row["where"])]
    assert places
    for place in places:
        assert place.is_file(), place
    source = "".join(place.read_text(encoding="utf-8") for place in places)
    tests = "".join(inspect.getsource(traps()[name]) for name in marked(row["test"]))
    assert marked(row["finding"]) or row["finding"] == "none: it cannot happen", row
    for code in marked(row["finding"]):
        assert f'"{code}"' in source, f"{code} is not found in {places}"
        assert f'"{code}"' in tests, f"{code} is not looked for by {row['test']}"
    known = {code for other in rows() for code in marked(other["finding"])}
    for code in set(re.findall(r'"([a-z0-9-]+)"', tests)) & known:
        assert code in marked(row["finding"]), f"{row['test']} looks for {code}, and the row does not say so"
