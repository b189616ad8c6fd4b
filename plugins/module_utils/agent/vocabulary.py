# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of the agent, as data: its type, its bounds, and where it takes effect.

The agent holds two configurations in one process: one from the YAML file, and one from the environment alone, which
the HTTP server uses. So for each setting it matters *where* it is read. Bounds and choices are ours: the agent itself
accepts port 99999 and level "nonsense".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

YAML = "yaml"
ENVIRONMENT = "environment"
IGNORED = "ignored"
PLANNED = "planned"

_PORT: Dict[str, Any] = {"minimum": 1, "maximum": 65535}
_PLAIN: Dict[str, Any] = {"planned_with": True}
LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True)
class Setting:
    """One setting.

    :param path: dotted path in the YAML vocabulary; relative for the fields of a mapping or of a list's items.
    :param kind: key of ``values.KINDS``.
    :param effect: where the agent reads it: ``yaml``, ``environment``, ``ignored`` (nowhere), ``planned`` (the fleet
        writes it).
    :param default: the agent's own default.
    :param note: what a user should know, one sentence.
    :param variable: the environment variable that makes it take effect, when it is not the one its path spells.
    :param secret: its value must never stand in settings.
    :param warning: code of the warning for an ignored setting.
    :param may_hold_logins: the value, as JSON, can be a secret as a whole.
    :param planned_with: a deployment is planned with its value, so a reference to a secret cannot stand for it.
    :param fields: what a mapping, or the items of a list of mappings, may hold.
    """

    path: str
    kind: str
    effect: str = YAML
    default: Any = None
    note: str = ""
    variable: str = ""
    choices: Tuple[str, ...] = ()
    minimum: Optional[float] = None
    maximum: Optional[float] = None
    nullable: bool = False
    secret: bool = False
    required: bool = False
    warning: str = "ignored-setting"
    may_hold_logins: bool = False
    planned_with: bool = False
    fields: Tuple[Setting, ...] = ()

    @property
    def spelt_variable(self) -> str:
        """The environment variable that the path spells: ``PRAXIS_P2P__PORT`` for ``p2p.port``."""
        return "PRAXIS_" + self.path.upper().replace(".", "__")


def _ignored(
    section: str, rows: str, note: str = "Nothing in the agent reads it.", warning: str = "ignored-setting"
) -> Tuple[Setting, ...]:
    """Settings without effect; ``rows`` is ``name:kind`` words."""
    prefix = section + "." if section else ""
    named = [row.split(":") for row in rows.split()]
    return tuple(Setting(prefix + name, kind, IGNORED, note=note, warning=warning) for name, kind in named)


_PARAM_FIELDS = (
    Setting("name", "string", required=True),
    Setting("type", "string", required=True),
    Setting("description", "string", nullable=True),
    Setting("required", "flag", default=False),
)
_SPEC_FIELDS = (
    Setting("image", "string", nullable=True),
    Setting("command", "strings", nullable=True),
    Setting("address", "string", nullable=True),
    Setting("mounts", "texts", nullable=True),
    Setting("env_passthrough", "strings", nullable=True),
)
_TOOL_FIELDS = (
    Setting("name", "string", required=True),
    Setting("description", "string", required=True),
    Setting("engine", "string", default="dagger", note='The engine `local` only echoes "Not implemented".'),
    Setting("params", "mappings", default=[], fields=_PARAM_FIELDS),
    Setting("engineSpec", "mapping", nullable=True, fields=_SPEC_FIELDS),
)
_SERVER_FIELDS = (
    Setting("name", "string", required=True),
    Setting("command", "strings", required=True, note="Not started: used as an HTTP address on localhost."),
    Setting("args", "strings", nullable=True),
    Setting("env", "texts", nullable=True),
    Setting("enabled", "boolean", default=True),
    Setting("timeout", "integer", default=30, minimum=0),
    Setting("restart_on_failure", "boolean", default=True),
)

_PLAINTEXT = "P2P is plaintext and unauthenticated, whatever this says; only the firewall protects it."
_ONE_LISTENER = "HTTP, SSE and WebSocket share the one listener on `http.port`."

SETTINGS: Tuple[Setting, ...] = (
    # what the agent is called
    Setting("agent.name", "string", note="The member's name; the plan writes it, so leave it out.", **_PLAIN),
    Setting("agent.version", "string", default="1.0.0", note="The agent card says 1.0.0 whatever this is.", **_PLAIN),
    Setting("agent.description", "string", default="", **_PLAIN),
    Setting("agent.tools", "mappings", default=[], fields=_TOOL_FIELDS),
    Setting("agent.external_mcp_endpoints", "endpoints", default=[], note="Dialled when `mcp.enabled` is true."),
    *_ignored(
        "agent",
        "url:string shared_dir:string capabilities:strings task_timeout:integer "
        "max_concurrent_tasks:integer external_mcp_servers:strings",
    ),
    # the P2P listener
    Setting("p2p.enabled", "boolean", default=True, note="Must stay true: without P2P the agent serves no HTTP API."),
    Setting("p2p.port", "integer", default=9000, note="Given by `praxis_p2p_port`.", **_PORT),
    Setting(
        "p2p.keystore_path", "string", default="./keys", note="Always /keys, where the slot's key is mounted.", **_PLAIN
    ),
    Setting("p2p.connection_timeout", "integer", default=30, note="Seconds for one dial.", minimum=1, maximum=600),
    Setting("p2p.bootstrap_nodes", "strings", PLANNED, default=[], note="The plan writes the list; leave it out."),
    *_ignored(
        "p2p",
        "secure:boolean use_noise:boolean noise_key:string security:mapping",
        note=_PLAINTEXT,
        warning="plaintext-p2p",
    ),
    *_ignored(
        "p2p",
        "peer_discovery:boolean mdns_service:string rendezvous:string enable_mdns:boolean "
        "enable_dht:boolean enable_relay:boolean discovery_interval:integer discovery:mapping",
        note="The agent never starts discovery: peers come from the plan's bootstrap list alone.",
    ),
    *_ignored(
        "p2p",
        "host:string listen_addresses:strings",
        note="The listener is always 0.0.0.0.",
    ),
    *_ignored(
        "p2p",
        "max_peers:integer protocols:strings announce_addresses:strings protocol_version:string capabilities:strings",
    ),
    # the HTTP listener, which reads the environment only
    Setting("http.port", "integer", ENVIRONMENT, 8080, "Given by `praxis_api_port`.", "PRAXIS_API__PORT", **_PORT),
    Setting("http.host", "string", ENVIRONMENT, "0.0.0.0", "The address to listen on.", "PRAXIS_API__HOST", **_PLAIN),
    Setting(
        "http.cors_origins", "strings", ENVIRONMENT, ["*"], "Sent with credentials allowed.", "PRAXIS_API__CORS_ORIGINS"
    ),
    *_ignored(
        "http",
        "enabled:boolean max_connections:integer request_timeout:integer keepalive_timeout:integer",
    ),
    Setting(
        "api.host",
        "string",
        default="0.0.0.0",
        note="The host in the agent card, the member's address unless set; `http.host` is the address to listen on.",
        **_PLAIN,
    ),
    Setting(
        "api.port",
        "integer",
        default=8080,
        note="Given by `praxis_api_port`; where `api.host` is set, the port of that host in the agent card.",
        **_PORT,
    ),
    Setting("api.cors_origins", "strings", ENVIRONMENT, ["*"], "Sent with credentials allowed."),
    Setting("api.docs_enabled", "boolean", ENVIRONMENT, True, "/docs and /redoc; off unless set here."),
    *_ignored(
        "api",
        "websocket_enabled:boolean health_check_interval:integer",
    ),
    *_ignored(
        "websocket",
        "enabled:boolean host:string port:integer path:string ping_interval:integer ping_timeout:integer "
        "max_connections:integer message_size_limit:integer",
        note=_ONE_LISTENER,
    ),
    # tools of the Model Context Protocol
    Setting("mcp.enabled", "boolean", default=True, note="Off unless set here: it lets every P2P peer run Python."),
    Setting("mcp.filesystem_enabled", "boolean", default=True, note="Tools that read, write and delete files."),
    Setting(
        "mcp.filesystem_root", "string", default="/app/shared", note="A prefix, not a jail: /app/shared2 passes too."
    ),
    Setting("mcp.auto_discovery", "boolean", default=True, note="Probes localhost before HTTP starts, up to 18 s."),
    Setting("mcp.discovery_ports", "integers", default=[3000, 3001, 3002], **_PORT),
    Setting("mcp.servers", "mappings", default=[], fields=_SERVER_FIELDS),
    Setting("mcp.external_endpoints", "mappings", default=[], note="Dialled at start.", may_hold_logins=True),
    *_ignored(
        "mcp",
        "port:integer limits:mapping log_level:string discovery_enabled:boolean discovery_endpoints:tree "
        "auto_register_tools:boolean",
    ),
    # the language model
    Setting("llm.model", "string", default="gpt-4"),
    Setting("llm.base_url", "url", nullable=True),
    Setting(
        "llm.api_key",
        "string",
        variable="OPENAI_API_KEY",
        nullable=True,
        secret=True,
        note="Leave it out: give OPENAI_API_KEY as a secret.",
    ),
    Setting("llm.temperature", "number", default=0.7, minimum=0, maximum=2),
    Setting("llm.max_tokens", "integer", default=4000, minimum=1),
    Setting(
        "llm.timeout",
        "duration",
        default=60,
        note="Also delays the start: timeout x (1 + max_retries).",
        minimum=0,
        maximum=3600,
    ),
    Setting("llm.max_retries", "integer", default=3, minimum=0, maximum=20),
    Setting(
        "llm.enabled",
        "boolean",
        IGNORED,
        True,
        "The agent makes its LLM client in any case; it needs a non-empty OPENAI_API_KEY.",
    ),
    Setting(
        "llm.provider", "string", IGNORED, "openai", "The provider is always openai; `llm.base_url` points elsewhere."
    ),
    *_ignored(
        "llm",
        "function_calling:mapping caching:mapping rate_limiting:mapping system_prompt:string "
        "always_use_llm_for_dsl:boolean request_timeout:integer cache_enabled:boolean cache_ttl:integer "
        "cache_size:integer tools_enabled:boolean",
    ),
    # logs
    Setting("logging.level", "string", default="INFO", choices=LEVELS, **_PLAIN),
    Setting(
        "logging.format", "string", note="A loguru template, or `text`; leave it out for the agent's own.", **_PLAIN
    ),
    Setting("logging.file_enabled", "boolean", default=True, note="Off unless set here: Docker collects the output."),
    Setting(
        "logging.file_path",
        "string",
        default="logs/praxis.log",
        note="Must be below /tmp, the only writable place.",
        **_PLAIN,
    ),
    Setting("logging.file_rotation", "string", default="10 MB"),
    Setting("logging.file_retention", "string", default="1 week"),
    Setting("logging.json_logs", "boolean", default=False, note="JSON in the log file; the output stays text."),
    *_ignored(
        "logging",
        "file:string output:string rotation:string retention:string enable_console:boolean "
        "enable_file:boolean max_file_size:string backup_count:integer structured_logging:boolean "
        "log_requests:boolean log_p2p_traffic:boolean",
    ),
    # what the agent drops from its YAML file: environment only
    Setting(
        "environment",
        "string",
        ENVIRONMENT,
        "development",
        "`production` makes the API refuse every Host but localhost.",
        **_PLAIN,
    ),
    Setting("debug", "boolean", ENVIRONMENT, False, "Log level and access log of the HTTP server."),
    Setting("shared_dir", "string", ENVIRONMENT, "/shared", "Dagger writes its reports to `reports` below it."),
    Setting("metrics.enabled", "boolean", ENVIRONMENT, True, "Off unless `metrics.remote_write_url` is set."),
    Setting(
        "metrics.remote_write_url",
        "url",
        ENVIRONMENT,
        note="Null unsets a lower layer's; the agent's own default, its vendor's server, is never used.",
        nullable=True,
    ),
    Setting("metrics.push_interval", "integer", ENVIRONMENT, 15, "Seconds.", minimum=1, maximum=86400),
    Setting("metrics.job_name", "string", ENVIRONMENT, "praxis-agent"),
    Setting("metrics.basic_auth_username", "string", ENVIRONMENT, nullable=True),
    Setting("metrics.basic_auth_password", "string", ENVIRONMENT, nullable=True, secret=True),
    Setting("metrics.additional_labels", "texts", ENVIRONMENT, {}),
    # accepted by the agent, read by nothing
    *_ignored(
        "",
        "config_file:string data_dir:string shutdown_timeout:integer metrics_enabled:boolean "
        "health_checks_enabled:boolean agents:tree tools:tree execution:mapping monitoring:mapping "
        "dagger:mapping a2a:mapping",
    ),
    *_ignored(
        "",
        "security:mapping",
        note="The HTTP API has no authentication, whatever this says; only the firewall protects it.",
        warning="api-unauthenticated",
    ),
)
