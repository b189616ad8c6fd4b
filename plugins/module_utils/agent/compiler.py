# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile settings into what makes them take effect: a YAML document, an environment, and findings for the user.

Pure: plain values in, plain values out. Nothing is raised for a user's mistake; the caller stops on findings whose
level is ``error``, so that the mistakes of all members show at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Mapping, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent import environment as routes
from ansible_collections.praxis.cloud.plugins.module_utils.agent import environment_checks, rules
from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import Report, is_reference
from ansible_collections.praxis.cloud.plugins.module_utils.agent.layers import Layer, Merged, merge_layers
from ansible_collections.praxis.cloud.plugins.module_utils.agent.schema import BY_PATH
from ansible_collections.praxis.cloud.plugins.module_utils.agent.vocabulary import YAML
from ansible_collections.praxis.cloud.plugins.module_utils.finding import ERROR, Finding

__all__ = ["Compiled", "KEY_DIRECTORY", "Layer", "compile_settings"]

KEY_DIRECTORY = "/keys"
#: What the agent would do without these, written out: where neither its file nor its environment has them, it takes
#: them from a ``.env`` file in its image. Without llm.api_key it takes OPENAI_API_KEY, which it reads from no file.
_NOT_FROM_IMAGE: Mapping[str, Any] = {"llm.api_key": None, "llm.base_url": None, "logging.format": "text"}


@dataclass(frozen=True)
class Compiled:
    """What one member's settings come to.

    :param document: the agent's YAML, without ``p2p.bootstrap_nodes``.
    :param environment: plain variables of the container.
    :param findings: errors and warnings, in the order met.
    :param secrets: variable name to secret reference, for settings whose value was a reference; to be treated as if
        the user had written them in ``praxis_agent_secrets``.
    :param start_period: seconds to allow the agent before a failing health check counts.
    """

    document: Dict[str, Any]
    environment: Dict[str, str]
    findings: Tuple[Finding, ...]
    secrets: Dict[str, str] = field(default_factory=dict)
    start_period: int = environment_checks.START_PERIOD

    @property
    def errors(self) -> Tuple[Finding, ...]:
        """The findings that must stop a deployment."""
        return tuple(finding for finding in self.findings if finding.level == ERROR)


def compile_settings(
    layers: Sequence[Layer],
    *,
    member: str,
    environment: Mapping[str, Any],
    secret_names: Iterable[str],
    api_port: int,
    p2p_port: int,
    deployment: str,
    behind_balancer: bool,
    docker_socket: bool = False,
    public_p2p: bool = False,
    address: str = "",
    volumes: Sequence[str] = (),
    shared_path: str = "",
    strict: bool = True,
) -> Compiled:
    """Compile one member's settings.

    :param layers: lowest first; a later layer wins.
    :param member: the member's name; the agent's name and its file's name.
    :param environment: ``praxis_agent_environment``, plain values by variable name.
    :param secret_names: names in ``praxis_agent_secrets``; never their values.
    :param api_port: the HTTP port (``praxis_api_port``); settings may repeat it, not contradict it.
    :param p2p_port: the P2P port (``praxis_p2p_port``), likewise.
    :param deployment: ``praxis_environment``, such as ``production``.
    :param behind_balancer: whether anything reaches the API under another name than localhost.
    :param docker_socket: whether the machine's Docker socket is mounted into the agent.
    :param public_p2p: whether members dial each other's public addresses.
    :param address: where the other members reach this one; its card says so, unless the settings name another host.
    :param volumes: directories of the agent's container that it may write to, besides /tmp.
    :param shared_path: what ``PRAXIS_SHARED_PATH`` is by itself, where it is to last; empty: a place that does not.
    :param strict: off turns errors that an agent survives into warnings.
    """
    report = Report(strict)
    merged = merge_layers(layers, report)
    secrets = _lift_references(merged)
    user = routes.read_environment(environment, [*secret_names, *secrets], report)
    rules.check_ports(merged, user, api_port, p2p_port, report)
    document = _document(merged, user, member, api_port, p2p_port, address)
    routes.check_precedence(document, user, report)
    seen = routes.effective(merged, document, user)
    rules.check_settings(seen, member, report)
    rules.check_exposure(seen, docker_socket, public_p2p, report)
    variables = routes.variables(merged, user, report)
    environment_checks.check_environment(variables, seen, user, deployment, behind_balancer, report, volumes)
    environment_checks.check_kept(variables, shared_path, report)
    variables.update(environment_checks.minimum(variables, user, api_port, deployment, shared_path))
    start_period = environment_checks.check_start(document, seen, report)
    ordered = {name: variables[name] for name in sorted(variables)}
    return Compiled(document, ordered, tuple(report.findings), secrets, start_period)


def _lift_references(merged: Merged) -> Dict[str, str]:
    """Take secret references out of the settings: a value from the environment is never written to the YAML file."""
    paths = [path for path, value in merged.values.items() if is_reference(value)]
    return {BY_PATH[path].variable or BY_PATH[path].spelt_variable: merged.values.pop(path) for path in sorted(paths)}


def _document(
    merged: Merged, user: routes.UserEnvironment, member: str, api_port: int, p2p_port: int, address: str
) -> Dict[str, Any]:
    # The file would win over the user's variable.
    against = {path: value for path, value in _NOT_FROM_IMAGE.items() if not user.has(BY_PATH[path].spelt_variable)}
    flat: Dict[str, Any] = {
        **against,
        "agent.version": "1.0.0",
        "agent.description": "Praxis agent %s" % member,
        "mcp.enabled": False,
        "llm.timeout": 30,
        "llm.max_retries": 0,
        "logging.level": "INFO",
        "logging.file_enabled": False,
        "p2p.connection_timeout": 15,
    }
    flat.update({path: value for path, value in merged.values.items() if BY_PATH[path].effect == YAML})
    if not rules.names_card_host(merged):
        flat.update({"api.host": address or rules.ANY_ADDRESS, "api.port": api_port})
    flat.setdefault("api.port", api_port)
    flat.update(
        {
            "agent.name": member,
            "logging.level": flat["logging.level"].upper(),
            "p2p.enabled": True,
            "p2p.port": p2p_port,
            "p2p.keystore_path": KEY_DIRECTORY,
        }
    )
    document: Dict[str, Any] = {}
    for path in (path for path in BY_PATH if path in flat):
        section, _dot, name = path.rpartition(".")
        document.setdefault(section, {})[name] = flat[path]
    return document
