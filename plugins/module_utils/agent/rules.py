# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules across settings: the agent's traps, and the least that a deployment must set."""

from __future__ import annotations

import math
from typing import Any, Dict, Mapping

from ansible_collections.praxis.cloud.plugins.module_utils.agent.environment import PLACE, UserEnvironment
from ansible_collections.praxis.cloud.plugins.module_utils.agent.layers import Merged, Report
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import seconds

# Seconds a healthy agent may take to start when nothing delays it.
START_PERIOD = 30
# Probing three localhost ports, three hosts each, two seconds a probe.
_DISCOVERY_SECONDS = 18
_EVERYWHERE = ("0.0.0.0", "::")
_LOOPBACK = ("localhost", "::1")
_PORTS = {"http.port": "praxis_api_port", "api.port": "praxis_api_port", "p2p.port": "praxis_p2p_port"}


def check_ports(merged: Merged, user: UserEnvironment, api_port: int, p2p_port: int, report: Report) -> None:
    """The two port variables are the truth, since firewall and balancer follow them; settings may only repeat them."""
    ports = {"praxis_api_port": api_port, "praxis_p2p_port": p2p_port}
    for variable, port in ports.items():
        if not 1 <= port <= 65535:
            report.error("out-of-range", "%s is %d." % (variable, port), variable, "Write a number from 1 to 65535.")
    if api_port == p2p_port:
        what = "praxis_api_port and praxis_p2p_port are both %d." % api_port
        report.error("ports-equal", what, "praxis_p2p_port", "Give the two listeners different ports.")
    for path, variable in _PORTS.items():
        given = merged.values.get(path, ports[variable])
        if given != ports[variable]:
            _contradiction("%s is %s" % (path, given), merged.origin[path], variable, ports[variable], path, report)
    if user.values.get("PRAXIS_API__PORT", str(api_port)) != str(api_port):
        given = "PRAXIS_API__PORT is %s" % user.values["PRAXIS_API__PORT"]
        _contradiction(given, PLACE, "praxis_api_port", api_port, "http.port", report)
    for name in sorted(user.secrets.intersection(("PRAXIS_API__PORT", "PRAXIS_API__HOST"))):
        what, fix = "%s is given as a secret." % name, "Set praxis_api_port instead."
        report.error("not-a-secret", what, "praxis_agent_secrets", fix)


def _contradiction(given: str, where: str, variable: str, port: int, path: str, report: Report) -> None:
    what = "%s, but %s is %d." % (given, variable, port)
    report.error("port-contradiction", what, where, "Set %s alone; firewall and balancer follow it." % variable, path)


def check_settings(merged: Merged, member: str, report: Report) -> None:
    """Settings that would break the agent, or would not do what they say."""
    for rule in (_check_name, _check_p2p, _check_listener, _check_mcp, _check_logging):
        rule(merged, member, report)


def _check_name(merged: Merged, member: str, report: Report) -> None:
    name = merged.values.get("agent.name", member)
    if name != member:
        what = "agent.name is %r, but this member is called %r." % (name, member)
        report.error("name-contradiction", what, merged.origin["agent.name"], "Leave it out.", "agent.name", True)


def _check_p2p(merged: Merged, member: str, report: Report) -> None:
    if merged.values.get("p2p.enabled") is False:
        what = "p2p.enabled is false, and without P2P the agent serves no HTTP API."
        report.error("p2p-disabled", what, merged.origin["p2p.enabled"], "Leave it out.", "p2p.enabled")
    if merged.values.get("p2p.keystore_path", "/keys").rstrip("/") != "/keys":
        what = "p2p.keystore_path is not /keys, where the slot's key is mounted."
        where = merged.origin["p2p.keystore_path"]
        report.error("keystore-contradiction", what, where, "Leave it out.", "p2p.keystore_path", True)


def _check_listener(merged: Merged, member: str, report: Report) -> None:
    listen = merged.values.get("http.host", "0.0.0.0")
    if listen not in _EVERYWHERE:
        what = "http.host is %r, and only 0.0.0.0 or :: is reachable from outside the container." % listen
        report.error("listener-unreachable", what, merged.origin["http.host"], "Leave it out.", "http.host")
    card = merged.values.get("api.host", "0.0.0.0")
    if card in _LOOPBACK or card.startswith("127."):
        what = "api.host is %r: the card would send others to themselves, and the listener ignores it." % card
        fix = "Write the name under which others reach the API, or leave it out."
        report.error("card-address", what, merged.origin["api.host"], fix, "api.host", True)


def _check_mcp(merged: Merged, member: str, report: Report) -> None:
    if merged.values.get("mcp.enabled"):
        what = "mcp.enabled is true: any P2P peer can run Python in the agent's process through execute_python."
        fix = "Leave it out unless the agent needs MCP tools, and keep the P2P port closed to all but members."
        report.warning("execute-python-open-to-peers", what, merged.origin["mcp.enabled"], fix, "mcp.enabled")
    for at, tool in enumerate(merged.values.get("agent.tools", [])):
        path, where = "agent.tools[%d].engine" % at, merged.origin["agent.tools"]
        if tool.get("engine", "dagger") == "local":
            fix = "Offer the tool through an MCP endpoint."
            what = '%s is local, which only echoes "Not implemented".' % path
            report.warning("tool-not-implemented", what, where, fix, path)
        elif tool.get("engine", "dagger") == "dagger":
            fix = "Offer the tool through an MCP endpoint; the Docker socket is mounted only when asked for."
            what = "%s is dagger, which needs the Docker socket." % path
            report.warning("tool-needs-docker", what, where, fix, path)


def _check_logging(merged: Merged, member: str, report: Report) -> None:
    template = merged.values.get("logging.format", "text")
    where = merged.origin.get("logging.format", "")
    if template == "json":
        what = "logging.format is json, which makes every log line the word json."
        fix = "Leave it out; logging.json_logs writes JSON to the log file."
        report.error("logging-format-json", what, where, fix, "logging.format", True)
    elif template != "text" and "{message" not in template:
        what = "logging.format has no {message}, so every log line would be the same."
        fix = "Leave it out, or write a loguru template."
        report.error("logging-format-constant", what, where, fix, "logging.format", True)
    to_file = merged.values.get("logging.file_enabled", False)
    if to_file and not merged.values.get("logging.file_path", "logs/praxis.log").startswith("/tmp/"):
        what = "logging.file_enabled is true, and logging.file_path is not below /tmp: the agent would end with code 1."
        fix = "Set logging.file_path below /tmp, or leave both out."
        report.error("log-file-unwritable", what, merged.origin["logging.file_enabled"], fix, "logging.file_path")
    if merged.values.get("logging.json_logs") and not to_file:
        what = "logging.json_logs acts on the log file alone, and logging.file_enabled is not true."
        where = merged.origin["logging.json_logs"]
        report.warning("ignored-setting", what, where, "Leave it out.", "logging.json_logs")


def check_environment(
    variables: Mapping[str, str], user: UserEnvironment, deployment: str, behind_balancer: bool, report: Report
) -> None:
    """What the agent reads from its environment and would break on."""
    _check_key(variables, user, report)
    if variables.get("PRAXIS_ENVIRONMENT", "").strip().lower() == "production":
        what = "The agent's environment is production: it answers 400 to every Host but localhost."
        word = agent_environment(deployment)
        fix = "Leave it out; praxis_environment: %s gives the agent the word %s." % (deployment, word)
        if behind_balancer:
            report.error("host-filter", what, "PRAXIS_ENVIRONMENT", fix, "environment", True)
        else:
            report.warning("host-filter", what, "PRAXIS_ENVIRONMENT", fix, "environment")
    url = bool(variables.get("PRAXIS_METRICS__REMOTE_WRITE_URL")) or "PRAXIS_METRICS__REMOTE_WRITE_URL" in user.secrets
    if variables.get("PRAXIS_METRICS__ENABLED", "false").lower() in ("1", "true", "t", "yes", "y", "on") and not url:
        what = "metrics.enabled is true without metrics.remote_write_url: the agent would push to its vendor's server."
        fix = "Set metrics.remote_write_url, or leave both out; /metrics can be scraped in any case."
        report.error("metrics-to-vendor", what, "PRAXIS_METRICS__ENABLED", fix, "metrics.enabled", True)


def _check_key(variables: Mapping[str, str], user: UserEnvironment, report: Report) -> None:
    if "OPENAI_API_KEY" in user.secrets or variables.get("OPENAI_API_KEY", "").strip():
        return
    state = "empty" if "OPENAI_API_KEY" in variables else "not given"
    what = "OPENAI_API_KEY is %s, and without it the agent ends with code 1, LLM or no LLM." % state
    fix = "Give OPENAI_API_KEY in praxis_agent_secrets; any non-empty text does for an agent that never calls a model."
    report.error("openai-key-missing", what, "praxis_agent_secrets", fix, "llm.api_key")


def agent_environment(deployment: str) -> str:
    """The word the agent gets as PRAXIS_ENVIRONMENT: ``prod`` for production, which would turn on its Host filter."""
    return "prod" if deployment.strip().lower() == "production" else deployment


def minimum(variables: Mapping[str, str], user: UserEnvironment, api_port: int, deployment: str) -> Dict[str, str]:
    """The variables that every deployment must set, less those the user gave."""
    url = variables.get("PRAXIS_METRICS__REMOTE_WRITE_URL") or "PRAXIS_METRICS__REMOTE_WRITE_URL" in user.secrets
    least = {
        "HOME": "/tmp",
        "PRAXIS_API__DOCS_ENABLED": "false",
        "PRAXIS_API__HOST": "0.0.0.0",
        "PRAXIS_ENVIRONMENT": agent_environment(deployment),
        # Empty is what an agent without stored data may have; nothing in it stores data today.
        "PRAXIS_MASTER_KEY": "",
        "PRAXIS_METRICS__ENABLED": "true" if url else "false",
        "PRAXIS_SHARED_PATH": "/tmp/shared",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    given = {*variables, *user.secrets}
    if "PRAXIS_STORAGE_MASTER_KEY" in given:
        given.add("PRAXIS_MASTER_KEY")  # the other name of the same key; an empty one would come first
    missing = {name: value for name, value in least.items() if name not in given}
    return {**missing, "PRAXIS_API__PORT": str(api_port)}


def check_start(document: Mapping[str, Any], report: Report) -> int:
    """Seconds to allow for the start: the agent asks its LLM for models, retries included, before HTTP is up."""
    llm, mcp = document["llm"], document["mcp"]
    delay = math.ceil(seconds(llm["timeout"]) * (1 + int(llm["max_retries"])))
    if delay > START_PERIOD:
        what = (
            "An LLM endpoint that never answers delays the start by %d s (llm.timeout x (1 + llm.max_retries))." % delay
        )
        fix = "Lower llm.timeout or llm.max_retries, so that the product is at most %d s." % START_PERIOD
        report.warning("slow-start", what, "llm", fix, "llm.timeout")
    discovery = _DISCOVERY_SECONDS if mcp["enabled"] and mcp.get("auto_discovery", True) else 0
    return START_PERIOD + delay + discovery
