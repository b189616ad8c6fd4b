# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in: the configuration, as the agent loads it.

Fields are typed, unknown ones are ignored, there are no ranges. Per leaf the YAML file beats the process environment,
which beats ``.env``, which beats the default. Only some sections of the file are observed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import yaml

COPIED = ("p2p", "mcp", "llm", "api", "http", "websocket", "a2a", "logging", "dagger", "agent")
_TRUE = ("1", "true", "t", "yes", "y", "on")
_FALSE = ("0", "false", "f", "no", "n", "off")


class ConfigError(Exception):
    """The configuration ends the process."""


class Required:
    """A field without a default."""


REQUIRED = Required()

# A field is (type, default); a model is a mapping of fields. "[x]" is a list of x, "{x}" a mapping with x as values,
# "x?" may be null.
PARAM = {
    "name": ("str", REQUIRED),
    "type": ("str", REQUIRED),
    "description": ("str?", None),
    "required": ("bool|str", False),
}
SPEC = {
    "image": ("str?", None),
    "command": ("[str]?", None),
    "address": ("str?", None),
    "mounts": ("{str}?", None),
    "env_passthrough": ("[str]?", None),
}
TOOL = {
    "name": ("str", REQUIRED),
    "description": ("str", REQUIRED),
    "engine": ("str", "dagger"),
    "params": ([PARAM], []),
    "engineSpec": (SPEC, None),
}
SERVER = {
    "name": ("str", REQUIRED),
    "command": ("[str]", REQUIRED),
    "args": ("[str]?", None),
    "env": ("{str}?", None),
    "enabled": ("bool", True),
    "timeout": ("int", 30),
    "restart_on_failure": ("bool", True),
}
CARD = {"id": ("str", REQUIRED), "name": ("str", REQUIRED), "description": ("str", REQUIRED)}

MODELS: Dict[str, Dict[str, Tuple[Any, Any]]] = {
    "p2p": {
        "enabled": ("bool", True),
        "port": ("int", 9000),
        "keystore_path": ("str", "./keys"),
        "connection_timeout": ("int", 30),
        "bootstrap_nodes": ("[str]", []),
        "host": ("str", "0.0.0.0"),
        "peer_discovery": ("bool", True),
        "mdns_service": ("str", "praxis-p2p-mcp"),
        "max_peers": ("int", 50),
        "protocols": ("[str]", []),
        "security": ("dict", {}),
        "rendezvous": ("str?", None),
        "enable_mdns": ("bool?", None),
        "enable_dht": ("bool?", None),
        "enable_relay": ("bool?", None),
        "discovery_interval": ("int", 30),
        "secure": ("bool?", None),
        "listen_addresses": ("[str]", []),
        "announce_addresses": ("[str]", []),
        "discovery": ("dict?", None),
        "protocol_version": ("str", "0.3.0"),
        "capabilities": ("[str]", []),
    },
    "api": {
        "host": ("str", "0.0.0.0"),
        "port": ("int", 8080),
        "cors_origins": ("[str]", ["*"]),
        "docs_enabled": ("bool", True),
        "websocket_enabled": ("bool", True),
        "health_check_interval": ("int", 30),
    },
    "http": {
        "enabled": ("bool", True),
        "host": ("str", "0.0.0.0"),
        "port": ("int", 8080),
        "cors_origins": ("[str]", ["*"]),
    },
    "websocket": {"enabled": ("bool", True), "host": ("str", "0.0.0.0"), "port": ("int", 8090)},
    "mcp": {
        "enabled": ("bool", True),
        "filesystem_enabled": ("bool", True),
        "filesystem_root": ("str", "/app/shared"),
        "auto_discovery": ("bool", True),
        "discovery_ports": ("[int]", [3000, 3001, 3002]),
        "servers": ([SERVER], []),
        "external_endpoints": ("[dict]", []),
        "port": ("int", 3001),
        "limits": ("dict?", None),
        "log_level": ("str", "info"),
    },
    "llm": {
        "enabled": ("bool", True),
        "provider": ("str", "openai"),
        "model": ("str", "gpt-4"),
        "api_key": ("str?", None),
        "base_url": ("str?", None),
        "temperature": ("float", 0.7),
        "max_tokens": ("int", 4000),
        "timeout": ("int|str", 60),
        "max_retries": ("int", 3),
        "function_calling": ("dict?", None),
        "caching": ("dict?", None),
        "rate_limiting": ("dict?", None),
    },
    "logging": {
        "level": ("str", "INFO"),
        "format": ("str", "text"),
        "file_enabled": ("bool", True),
        "file_path": ("str", "logs/praxis.log"),
        "file_rotation": ("str", "10 MB"),
        "file_retention": ("str", "1 week"),
        "json_logs": ("bool", False),
        "file": ("str?", None),
        "output": ("str?", None),
    },
    "metrics": {
        "enabled": ("bool", True),
        "push_interval": ("int", 15),
        "remote_write_url": ("str?", "https://vendor.invalid/push"),
        "job_name": ("str", "praxis-agent"),
        "basic_auth_username": ("str?", None),
        "basic_auth_password": ("str?", None),
        "additional_labels": ("{str}", {}),
    },
    "agent": {
        "name": ("str", REQUIRED),
        "version": ("str", "1.0.0"),
        "description": ("str", ""),
        "url": ("str?", None),
        "shared_dir": ("str?", None),
        "tools": ([TOOL], []),
        "external_mcp_endpoints": ("[str|dict]", []),
    },
    "dagger": {"enabled": ("bool", True), "timeout": ("int", 600), "max_concurrent": ("int", 5)},
    "a2a": {"enabled": ("bool", True), "card": (CARD, None)},
}
TOP = {
    "environment": ("str", "development"),
    "debug": ("bool", False),
    "data_dir": ("str", "./data"),
    "shared_dir": ("str", "/shared"),
    "shutdown_timeout": ("int", 30),
    "metrics_enabled": ("bool", True),
    "health_checks_enabled": ("bool", True),
}
OPTIONAL = ("agent", "http", "websocket", "a2a")


def load(path: Optional[str], environment: Mapping[str, str]) -> Dict[str, Any]:
    """The whole configuration. Without ``path`` it comes from the environment alone, as the HTTP server's does.

    :raises ConfigError: naming each field that is missing or of the wrong type.
    """
    given = _merge(_tree(_dotenv()), _tree(environment))
    if path is not None:
        with open(path, encoding="utf-8") as stream:
            document = yaml.safe_load(stream)
        if not isinstance(document, dict):
            raise ConfigError("the file is not a mapping")
        given = _merge(given, {key: document[key] for key in COPIED if key in document})
    errors: List[str] = []
    config: Dict[str, Any] = {name: _field(name, kind, default, given, errors) for name, (kind, default) in TOP.items()}
    for section, fields in MODELS.items():
        if section in OPTIONAL and given.get(section) is None:
            config[section] = None
        else:
            config[section] = _model(section, fields, given.get(section, {}), errors)
    if errors:
        raise ConfigError("; ".join(errors))
    return config


def _dotenv() -> Dict[str, str]:
    path = Path(".env")
    if not path.is_file():
        return {}
    lines = [line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if "=" in line]
    return {name.strip(): value.strip().strip("'\"") for name, _sign, value in lines if not name.startswith("#")}


def _tree(environment: Mapping[str, str]) -> Dict[str, Any]:
    """PRAXIS_A__B variables as a tree; what is a list or a mapping is JSON."""
    tree: Dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if not name.upper().startswith("PRAXIS_"):
            continue
        section, sign, leaf = name[len("PRAXIS_") :].lower().partition("__")
        if not sign:
            if section in MODELS:
                tree[section] = _merge(_json(name, value), tree.get(section, {}))
            elif section in TOP:
                tree[section] = value
        elif section in MODELS and leaf in MODELS[section]:
            kind = MODELS[section][leaf][0]
            structured = not isinstance(kind, str) or kind.startswith(("[", "{", "dict"))
            tree.setdefault(section, {})[leaf] = _json(name, value) if structured else value
    return tree


def _json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigError("SettingsError: error parsing value for field %r: %s" % (name, error)) from error


def _merge(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _merge(below.get(key), value) for key, value in above.items()}}
    return above


def _model(path: str, fields: Mapping[str, Tuple[Any, Any]], given: Any, errors: List[str]) -> Dict[str, Any]:
    if not isinstance(given, dict):
        errors.append("%s: not a mapping" % path)
        return {}
    return {
        name: _field("%s.%s" % (path, name), kind, default, given, errors) for name, (kind, default) in fields.items()
    }


def _field(path: str, kind: Any, default: Any, given: Mapping[str, Any], errors: List[str]) -> Any:
    name = path.rpartition(".")[2]
    if name not in given:
        if default is REQUIRED:
            errors.append("%s: field required" % path)
        return default
    value = given[name]
    if isinstance(kind, list):
        if not isinstance(value, list):
            errors.append("%s: not a list" % path)
            return default
        return [_model("%s.%d" % (path, at), kind[0], item, errors) for at, item in enumerate(value)]
    if isinstance(kind, dict):
        return None if value is None else _model(path, kind, value, errors)
    try:
        return _coerce(kind, value)
    except (TypeError, ValueError):
        errors.append("%s: not a valid %s" % (path, kind))
        return default


def _coerce(kind: str, value: Any) -> Any:
    """The value as its type. Text is made a number or a truth value, and nothing is made text."""
    if kind.endswith("?"):
        return None if value is None else _coerce(kind[:-1], value)
    if kind.startswith("["):
        if not isinstance(value, list):
            raise TypeError(kind)
        return [_coerce(kind[1:-1], item) for item in value]
    if kind.startswith("{"):
        if not isinstance(value, dict):
            raise TypeError(kind)
        return {_coerce("str", key): _coerce(kind[1:-1], item) for key, item in value.items()}
    if "|" in kind:
        return _first(kind.split("|"), value)
    return _SIMPLE[kind](value)


def _boolean(value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise TypeError("bool")
    return word in _TRUE


def _integer(value: Any) -> int:
    if isinstance(value, str) and re.match(r"^\s*[-+]?\d+\s*$", value):
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise TypeError("int")


def _exactly(type_: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, type_):
            raise TypeError(type_.__name__)
        return value

    return check


_SIMPLE: Dict[str, Callable[[Any], Any]] = {
    "bool": _boolean,
    "int": _integer,
    "float": float,
    "str": _exactly(str),
    "dict": _exactly(dict),
}


def _first(kinds: List[str], value: Any) -> Any:
    for kind in kinds:
        if kind == "int" and isinstance(value, str):
            continue  # of "a number or text", text stays text
        try:
            return _coerce(kind, value)
        except (TypeError, ValueError):
            continue
    raise TypeError("|".join(kinds))


def process_environment() -> Dict[str, str]:
    """A copy of this process's environment."""
    return dict(os.environ)
