# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules across settings: what would break the agent, do nothing, or open it to others."""

from __future__ import annotations

import posixpath
import re
import string
from typing import List

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import Report
from ansible_collections.praxis.cloud.plugins.module_utils.agent.environment import PLACE, UserEnvironment
from ansible_collections.praxis.cloud.plugins.module_utils.agent.layers import Merged

_MCP_PARTS = ("mcp.servers", "mcp.external_endpoints", "agent.external_mcp_endpoints")
_ONESELF = (
    "localhost", "localhost.localdomain", "ip6-localhost", "::1", "[::1]", "0", "host.docker.internal",
    "gateway.docker.internal", "kubernetes.docker.internal",
)  # fmt: skip
#: IPv4 addresses of no machine, or of another one at each place: link-local, multicast, reserved; and numbers in hex.
_NOBODY = re.compile(r"169\.254\.[0-9]+\.[0-9]+|(22[4-9]|2[3-5][0-9])(\.[0-9]+){3}|0x[0-9a-fA-F]+")
HTTPS_PORT = 443
ANY_ADDRESS = "0.0.0.0"
#: What a listener binds to, and no card can mean: it stands for the member's own address.
_WILDCARDS = ("", ANY_ADDRESS, "::")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?")
_PORTS = {"http.port": "praxis_api_port", "api.port": "praxis_api_port", "p2p.port": "praxis_p2p_port"}


def names_card_host(merged: Merged) -> bool:
    """Whether the settings name a host for the agent's card, a load balancer say: its port is another one, then."""
    return merged.values.get("api.host", ANY_ADDRESS) not in _WILDCARDS


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
        if path == "api.port" and names_card_host(merged):
            continue
        given = merged.values.get(path, ports[variable])
        if given != ports[variable]:
            _contradiction("%s is %s" % (path, given), merged.origin[path], variable, ports[variable], path, report)
    if user.values.get("PRAXIS_API__PORT", str(api_port)) != str(api_port):
        given = "PRAXIS_API__PORT is %s" % user.values["PRAXIS_API__PORT"]
        _contradiction(given, PLACE, "praxis_api_port", api_port, "http.port", report)


def _contradiction(given: str, where: str, variable: str, port: int, path: str, report: Report) -> None:
    what = "%s, but %s is %d." % (given, variable, port)
    report.error("port-contradiction", what, where, "Set only %s; firewall and load balancer use it." % variable, path)


def check_settings(merged: Merged, member: str, report: Report) -> None:
    """Settings that would break the agent, or would not do what they say."""
    for rule in (_check_name, _check_p2p, _check_listener, _check_mcp, _check_tools, _check_logging):
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
    if posixpath.normpath(merged.values.get("p2p.keystore_path", "/keys")) != "/keys":
        what = "p2p.keystore_path is not /keys, where the slot's key is mounted."
        where = merged.origin["p2p.keystore_path"]
        report.error("keystore-contradiction", what, where, "Leave it out.", "p2p.keystore_path", True)


def _check_listener(merged: Merged, member: str, report: Report) -> None:
    listen = merged.values.get("http.host", "0.0.0.0")
    if listen != "0.0.0.0":  # with :: the agent's server takes IPv6 alone, and Docker forwards IPv4
        what = "http.host is %r, and only 0.0.0.0 is reachable from outside the container." % listen
        report.error("listener-unreachable", what, merged.origin["http.host"], "Leave it out.", "http.host")
    card = merged.values.get("api.host", ANY_ADDRESS)
    fix = "Write the name under which others reach the API, or remove api.host: the member's address is then used."
    port = merged.values.get("api.port")
    if _means_oneself(card):
        what = "api.host is %r: others would call themselves, and the listener ignores api.host." % card
        report.error("card-address", what, merged.origin["api.host"], fix, "api.host", True)
    elif card not in _WILDCARDS and (not _HOST.fullmatch(card) or _NOBODY.fullmatch(card)):
        what = "api.host is %r, which is not a host's name or address: the agent card would be useless." % card
        report.error("card-address", what, merged.origin["api.host"], fix, "api.host", True)
    elif card not in _WILDCARDS and port == HTTPS_PORT:
        what = "api.port is %d, but the agent card always says http://: others would send plain HTTP to it." % port
        fix = (
            "Remove api.host and api.port (the card then has the member's own address), or set them to a listener "
            "that answers plain HTTP."
        )
        report.warning("card-address", what, merged.origin["api.port"], fix, "api.port")


def _means_oneself(host: str) -> bool:
    """Whether each machine that reads this host takes it for itself."""
    name = host.lower().rstrip(".")
    return name in _ONESELF or name.startswith("127.") or name.endswith(".localhost")


def _check_mcp(merged: Merged, member: str, report: Report) -> None:
    if merged.values.get("mcp.enabled"):
        what = "mcp.enabled is true: any P2P peer can run Python in the agent's process through execute_python."
        fix = "Leave it out unless the agent needs MCP tools, and open the P2P port only to members."
        report.warning("execute-python-open-to-peers", what, merged.origin["mcp.enabled"], fix, "mcp.enabled")
        _check_mcp_parts(merged, report)
    else:
        for path in (path for path in _MCP_PARTS if merged.values.get(path)):
            what = "%s has no effect: MCP is off unless mcp.enabled is true." % path
            report.warning("mcp-is-off", what, merged.origin[path], "Remove it, or set mcp.enabled: true.", path)


def _check_mcp_parts(merged: Merged, report: Report) -> None:
    if merged.values.get("mcp.servers"):
        what = "mcp.servers starts nothing: the agent uses a server's name as an HTTP address on localhost."
        fix = "Run the server elsewhere, and name it in mcp.external_endpoints."
        report.warning("mcp-server-not-started", what, merged.origin["mcp.servers"], fix, "mcp.servers")
    if merged.values.get("mcp.filesystem_root") and merged.values.get("mcp.filesystem_enabled", True):
        root = merged.values["mcp.filesystem_root"]
        what = "mcp.filesystem_root is only compared as a prefix: peers can read, write and delete in %s2 too." % root
        fix = "Set mcp.filesystem_enabled to false, or store nothing valuable in the container."
        where = merged.origin["mcp.filesystem_root"]
        report.warning("filesystem-root-prefix", what, where, fix, "mcp.filesystem_root")


def _check_tools(merged: Merged, member: str, report: Report) -> None:
    for at, tool in enumerate(merged.values.get("agent.tools", [])):
        path, where = "agent.tools[%d].engine" % at, merged.origin["agent.tools"]
        if tool.get("engine", "dagger") == "local":
            fix = "Offer the tool through an MCP endpoint."
            what = '%s is local, which only echoes "Not implemented".' % path
            report.warning("tool-not-implemented", what, where, fix, path)


def check_exposure(merged: Merged, docker_socket: bool, public_p2p: bool, report: Report) -> None:
    """What the deployment opens to others, and what it keeps shut that a tool would need."""
    if docker_socket:
        peers = ", and MCP is on, so any P2P peer controls it too" if merged.values.get("mcp.enabled") else ""
        what = "The agent gets the Docker socket, so it controls the whole machine%s." % peers
        fix = "Leave praxis_docker_socket out unless the agent runs Dagger tools."
        report.warning("docker-socket-open-to-peers" if peers else "docker-socket", what, "praxis_docker_socket", fix)
    else:
        for at, tool in enumerate(merged.values.get("agent.tools", [])):
            if tool.get("engine", "dagger") == "dagger":
                path = "agent.tools[%d].engine" % at
                fix = "Offer the tool through an MCP endpoint; praxis_docker_socket mounts the Docker socket."
                what = "%s is dagger, which needs the Docker socket." % path
                report.warning("tool-needs-docker", what, merged.origin["agent.tools"], fix, path)
    if public_p2p:
        what = "Members dial each other's public addresses, and P2P is plaintext and unauthenticated."
        fix = "Use private addresses; where that is impossible, open the P2P port only to members."
        report.warning("plaintext-p2p", what, "praxis_address", fix)


def _check_logging(merged: Merged, member: str, report: Report) -> None:
    _check_format(merged, report)
    to_file = merged.values.get("logging.file_enabled", False)
    if to_file and not is_writable(merged.values.get("logging.file_path", "logs/praxis.log")):
        what = (
            "logging.file_enabled is true, and logging.file_path is not a file below /tmp: the agent would end when "
            "it starts."
        )
        fix = "Set logging.file_path to a file below /tmp, or remove both settings."
        report.error("log-file-unwritable", what, merged.origin["logging.file_enabled"], fix, "logging.file_path")
    if merged.values.get("logging.json_logs") and not to_file:
        what = "logging.json_logs has an effect only on the log file, and logging.file_enabled is not true."
        where = merged.origin["logging.json_logs"]
        report.warning("ignored-setting", what, where, "Leave it out.", "logging.json_logs")


def _check_format(merged: Merged, report: Report) -> None:
    template = merged.values.get("logging.format", "text")
    where = merged.origin.get("logging.format", "")
    if template == "json":
        what = "logging.format is json, so every log line would be only the word json."
        fix = "Leave it out; logging.json_logs writes JSON to the log file."
        report.error("logging-format-json", what, where, fix, "logging.format", True)
    elif template != "text" and "message" not in _fields(template):
        what = "logging.format has no {message}, so every log line would be empty of its message."
        fix = "Remove logging.format, or write a loguru template that has {message}."
        report.error("logging-format-constant", what, where, fix, "logging.format", True)


def _fields(template: str) -> List[str]:
    """The names between the braces of a template; none when its braces do not match."""
    try:
        return [name or "" for _text, name, _spec, _conversion in string.Formatter().parse(template)]
    except ValueError:
        return []


def is_writable(path: str) -> bool:
    """Whether a path is one that the container may write to: its root is read-only, and /tmp is not."""
    return posixpath.normpath(path).startswith("/tmp/") and not path.endswith("/")
