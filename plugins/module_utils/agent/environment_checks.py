# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the container is started with: what the agent would break on there, the least it needs, and its start."""

from __future__ import annotations

import math
import posixpath
from typing import Any, Dict, Mapping, Sequence

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import Report
from ansible_collections.praxis.cloud.plugins.module_utils.agent.environment import PLACE, UserEnvironment
from ansible_collections.praxis.cloud.plugins.module_utils.agent.layers import Merged
from ansible_collections.praxis.cloud.plugins.module_utils.agent.rules import is_writable
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import seconds

# Seconds a healthy agent may take to start when nothing delays it.
START_PERIOD = 30
# What looking for MCP servers costs for each port: three hosts, two seconds a probe.
_DISCOVERY_SECONDS = 6
_DISCOVERY_PORTS = (3000, 3001, 3002)


def check_environment(
    variables: Mapping[str, str],
    merged: Merged,
    user: UserEnvironment,
    deployment: str,
    behind_balancer: bool,
    report: Report,
    volumes: Sequence[str] = (),
) -> None:
    """What the agent reads from its environment and would break on.

    :param volumes: directories that the agent may write to, besides /tmp.
    """
    _check_key(variables, user, report)
    _check_shared_path(variables, report, volumes)
    if variables.get("PRAXIS_ENVIRONMENT", "").strip().lower() == "production":
        what = "The agent's environment is production: it answers 400 to every request whose Host is not localhost."
        word = agent_environment(deployment)
        fix = "Remove this setting; praxis_environment: %s gives the agent the environment %s." % (deployment, word)
        where = merged.origin.get("environment", PLACE)
        if behind_balancer:
            report.error("host-filter", what, where, fix, "environment", True)
        else:
            report.warning("host-filter", what, where, fix, "environment")
    url = bool(variables.get("PRAXIS_METRICS__REMOTE_WRITE_URL")) or "PRAXIS_METRICS__REMOTE_WRITE_URL" in user.secrets
    if variables.get("PRAXIS_METRICS__ENABLED", "false").lower() in ("1", "true", "t", "yes", "y", "on") and not url:
        what = "metrics.enabled is true without metrics.remote_write_url: the agent would push to its vendor's server."
        fix = "Set metrics.remote_write_url, or leave both out; /metrics can be scraped in any case."
        where = merged.origin.get("metrics.enabled", PLACE)
        report.error("metrics-to-vendor", what, where, fix, "metrics.enabled", True)


def _check_shared_path(variables: Mapping[str, str], report: Report, volumes: Sequence[str]) -> None:
    path = variables.get("PRAXIS_SHARED_PATH", "/tmp/shared")
    place = posixpath.normpath(path)
    if not is_writable(path.rstrip("/")) and not any((place + "/").startswith(volume + "/") for volume in volumes):
        places = " and ".join(["/tmp", *volumes])
        what = "PRAXIS_SHARED_PATH is %r, and the agent writes to it when it starts; only %s is writable."
        fix = "Remove PRAXIS_SHARED_PATH, or set it to a directory below %s." % places.replace(" and ", " or ")
        report.error("shared-path-unwritable", what % (path, places), PLACE, fix)


def check_kept(variables: Mapping[str, str], shared_path: str, report: Report) -> None:
    """Whether what the agent writes lasts, where it is to last.

    :param shared_path: what ``PRAXIS_SHARED_PATH`` is by itself; empty: nothing is to last.
    """
    path = variables.get("PRAXIS_SHARED_PATH", shared_path)
    kept = posixpath.dirname(shared_path)
    if shared_path and not (posixpath.normpath(path) + "/").startswith(kept + "/"):
        what = (
            "PRAXIS_SHARED_PATH is %r, but praxis_data keeps only what is below %s: what the agent "
            "writes elsewhere is lost."
        ) % (path, kept)
        fix = "Remove PRAXIS_SHARED_PATH, or set it to a directory below %s." % kept
        report.warning("shared-path-not-kept", what, PLACE, fix)


def _check_key(variables: Mapping[str, str], user: UserEnvironment, report: Report) -> None:
    if "OPENAI_API_KEY" in user.secrets or variables.get("OPENAI_API_KEY", "").strip():
        return
    state = "empty" if "OPENAI_API_KEY" in variables else "not given"
    what = "OPENAI_API_KEY is %s, and without it the agent ends with code 1, even where it uses no LLM." % state
    fix = (
        "Give OPENAI_API_KEY in praxis_agent_secrets; for an agent that never calls a model, any text of 4 characters "
        "or more is enough."
    )
    report.error("openai-key-missing", what, "praxis_agent_secrets", fix, "llm.api_key")


def agent_environment(deployment: str) -> str:
    """The word the agent gets as PRAXIS_ENVIRONMENT: ``prod`` for production, which would turn on its Host filter."""
    return "prod" if deployment.strip().lower() == "production" else deployment


def minimum(
    variables: Mapping[str, str], user: UserEnvironment, api_port: int, deployment: str, shared_path: str = ""
) -> Dict[str, str]:
    """The variables that every deployment must set, less those the user gave.

    Some are the agent's own defaults: a ``.env`` file in its image would set what is left out.
    """
    url = variables.get("PRAXIS_METRICS__REMOTE_WRITE_URL") or "PRAXIS_METRICS__REMOTE_WRITE_URL" in user.secrets
    least = {
        "HOME": "/tmp",
        "PRAXIS_API__CORS_ORIGINS": '["*"]',
        "PRAXIS_API__DOCS_ENABLED": "false",
        "PRAXIS_API__HOST": "0.0.0.0",
        "PRAXIS_DEBUG": "false",
        "PRAXIS_ENVIRONMENT": agent_environment(deployment),
        # Empty is what an agent without stored data may have; nothing in it stores data today.
        "PRAXIS_MASTER_KEY": "",
        "PRAXIS_METRICS__ENABLED": "true" if url else "false",
        "PRAXIS_SHARED_PATH": shared_path or "/tmp/shared",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    given = {*variables, *user.secrets}
    if "PRAXIS_STORAGE_MASTER_KEY" in given:
        given.add("PRAXIS_MASTER_KEY")  # the other name of the same key; an empty one would come first
    missing = {name: value for name, value in least.items() if name not in given}
    return {**missing, "PRAXIS_API__PORT": str(api_port)}


def check_start(document: Mapping[str, Any], merged: Merged, report: Report) -> int:
    """Seconds to allow for the start: the agent asks its LLM for models, retries included, before HTTP is up."""
    llm = document["llm"]
    delay = math.ceil(seconds(llm["timeout"]) * (1 + int(llm["max_retries"])))
    if delay > START_PERIOD:
        what = (
            "An LLM endpoint that never answers delays the start by %d s (llm.timeout x (1 + llm.max_retries))." % delay
        )
        fix = "Lower llm.timeout or llm.max_retries to %d s, or make praxis_gate_deadline longer." % START_PERIOD
        where = _places(merged, "llm.timeout", "llm.max_retries")
        report.warning("slow-start", what, where, fix, "llm.timeout")
    if delay == 0:
        what = "llm.timeout is 0: each call to the model fails at once."
        fix = "Remove llm.timeout (the default is 30 s), or set it to the seconds that the model may take."
        report.warning("llm-timeout", what, _places(merged, "llm.timeout"), fix, "llm.timeout")
    searches = merged.values.get("mcp.enabled") and merged.values.get("mcp.auto_discovery", True)
    discovery = _DISCOVERY_SECONDS * len(merged.values.get("mcp.discovery_ports", _DISCOVERY_PORTS)) if searches else 0
    if discovery > START_PERIOD:
        what = "Looking for MCP servers on localhost delays the start by %d s (6 s a port)." % discovery
        fix = "Set mcp.auto_discovery to false, or list fewer ports in mcp.discovery_ports."
        where = _places(merged, "mcp.discovery_ports")
        report.warning("slow-start", what, where, fix, "mcp.discovery_ports")
    return START_PERIOD + delay + discovery


def _places(merged: Merged, *paths: str) -> str:
    return ", ".join(dict.fromkeys(merged.origin[path] for path in paths if path in merged.origin))
