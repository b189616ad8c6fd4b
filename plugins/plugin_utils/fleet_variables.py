# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that reads the users' ``praxis_*`` variables: a typed value for each member of the fleet."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import yaml
from ansible.errors import AnsibleError

from ansible_collections.praxis.cloud.plugins.module_utils.agent.compiler import Layer
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown, too_deep
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet import proxies
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.data import Data, read_data
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.limits import read_limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.names import google_machine
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.proxies import Proxies
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.reference import Reference
from ansible_collections.praxis.cloud.plugins.plugin_utils.settings_yaml import Loader
from ansible_collections.praxis.cloud.plugins.plugin_utils.variable_types import check, convert

GROUP = "praxis"
#: A name, an id, or tags that tell which one is meant.
Pointer = Union[str, Mapping[str, Any]]
Entries = Sequence[Any]
#: A list of words, or one text with commas between them.
Words = Sequence[str]
#: The settings layers that come from variables, lowest first. Three names, because Ansible would let a host's
#: dictionary replace its group's.
CONFIG_LAYERS = ("praxis_agent_config", "praxis_agent_config_group", "praxis_agent_config_host")
#: What says where a member is, whatever its agent runs.
PLACE = frozenset(
    """
    activate address api_port balancer cloud fleet identity_store instance_id network p2p_plaintext_across p2p_port
    peer_id_scheme private_ip project public_ip region slot target target_group zone
    """.split()
)
#: What a member cannot do without, and the fix where it is not set.
NEEDED = {"slot": "Tag the machine, or set it in the inventory.", "image": "Set it for the fleet."}
#: It names the agent, its file, and the release's directory.
_MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
_CONFIGS = os.path.join(_ROOT, "configs")
_DOCKER = os.path.join(_ROOT, "roles", "docker")


@dataclass(frozen=True)
class MemberVariables:
    """One member's variables, plain. Field names are the variables' without ``praxis_``."""

    name: str
    slot: str
    image: str = ""
    fleet: str = "praxis"
    environment: str = "production"
    cloud: str = ""
    project: str = ""
    region: str = ""
    zone: str = ""
    network: str = ""
    instance_id: str = ""
    private_ip: str = ""
    public_ip: str = ""
    address: str = "private"
    activate: str = "auto"
    p2p_plaintext_across: bool = False
    identity_store: str = ""
    api_port: int = 8000
    p2p_port: int = 4001
    config_dir: str = ""
    strict: bool = True
    peer_id_scheme: str = "ed25519"
    architecture: str = ""
    target_group: Pointer = ""
    #: Of it an inventory works out the target group, and Jinja takes a word that is no boolean for false.
    balancer: bool = True
    docker_socket: bool = False
    container: Mapping[str, Any] = field(default_factory=dict)
    agent_environment: Mapping[str, Any] = field(default_factory=dict)
    agent_secrets: Mapping[str, Any] = field(default_factory=dict)
    agent_config: Mapping[str, Any] = field(default_factory=dict)
    agent_config_group: Mapping[str, Any] = field(default_factory=dict)
    agent_config_host: Mapping[str, Any] = field(default_factory=dict)
    docker_daemon: Mapping[str, Any] = field(default_factory=dict)
    target: str = "machines"
    kubernetes: Mapping[str, Any] = field(default_factory=dict)
    kubernetes_kind: Mapping[str, Any] = field(default_factory=dict)
    ecs: Mapping[str, Any] = field(default_factory=dict)
    ecs_kind: Mapping[str, Any] = field(default_factory=dict)
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: Words = ()
    agent_proxy: bool = False
    registries: Entries = field(default=(), repr=False)
    services: Entries = field(default=(), repr=False)
    data: Mapping[str, Any] = field(default_factory=dict)
    data_volume: str = ""

    @property
    def addresses(self) -> Tuple[str, ...]:
        """The address that others dial first, then the other one.

        :raises Failed: when the machine has no address of the kind that ``praxis_address`` asks for.
        """
        chosen, other = self.private_ip, self.public_ip
        if self.address == "public":
            chosen, other = other, chosen
        if not chosen:
            self._fail(
                "no-address",
                "The machine has no %s address." % self.address,
                "Give it one (IPv4; IPv6 is not supported), set praxis_%s_ip, or change praxis_address." % self.address,
            )
        return (chosen,) if not other or other == chosen else (chosen, other)

    @property
    def identity(self) -> Union[Reference, bytes, None]:
        """Its seed, or where that is; None: where its fleet's slots are kept."""
        return None

    @property
    def limits(self) -> Limits:
        """What the container may use.

        :raises Failed: every limit that is unknown or that Compose would refuse.
        """
        return read_limits(self.container, self.name)

    @property
    def kept_data(self) -> Optional[Data]:
        """Where the agent keeps what outlives its container.

        :raises Failed: everything that is wrong in ``praxis_data``, or a disk that it promises and the machine lacks.
        """
        return read_data(self.data, self.name, self.cloud, self.data_volume)

    @property
    def daemon(self) -> Mapping[str, Any]:
        """What ``daemon.json`` has to hold: the docker role's own defaults, and ``praxis_docker_daemon`` over them.

        Not its defaults for logs: they are for machines that say nothing themselves, and our containers say their own.
        """
        defaults = read_layer(os.path.join(_DOCKER, "defaults"), "main.yml").settings["docker_daemon_defaults"]
        return _merged({key: defaults[key] for key in defaults if not key.startswith("log-")}, self.docker_daemon)

    def proxies(self, fleet: Sequence[str]) -> Optional[Proxies]:
        """The proxies of its machine; None where they are nobody's concern.

        :param fleet: what stands for the fleet's own addresses.
        """
        always = read_layer(os.path.join(_DOCKER, "vars"), "main.yml").settings["__docker_never_proxied"]
        return Proxies(self.http_proxy, self.https_proxy, proxies.together(self.no_proxy, fleet, always))

    def layers(self) -> List[Layer]:
        """The settings layers, lowest first."""
        folder = os.path.expanduser(self.config_dir) or _CONFIGS
        found = [read_layer(folder, "agent_base.yaml"), read_layer(folder, "agent_%s.yaml" % self.environment)]
        values = (self.agent_config, self.agent_config_group, self.agent_config_host)
        return found + [Layer(name, value) for name, value in zip(CONFIG_LAYERS, values) if value]

    def _fail(self, code: str, what: str, fix: str) -> None:
        raise Failed(Finding(code=code, what=what, where=self.name, fix=fix))


def machines_of(groups: Mapping[str, Sequence[str]]) -> List[str]:
    """The hosts of the group ``praxis``. Of a cloud's group that is below it, a playbook's host for the account is no
    member."""
    accounts = groups.get(GROUP + "_accounts", ())
    return [str(name) for name in groups.get(GROUP, []) if name not in accounts]


def hosts_of(groups: Mapping[str, Sequence[str]], target: str) -> List[str]:
    """The hosts of a fleet: its kinds of this target, be they in the group ``praxis`` or not; and machines."""
    named = [*machines_of(groups), *groups.get(GROUP + "_" + target, [])]
    return list(dict.fromkeys(str(name) for name in named))


def members(
    hostvars: Mapping[str, Any], names: List[str], only: Optional[Collection[str]] = None
) -> List[MemberVariables]:
    """Read every member's variables.

    :param only: those that are read, without ``praxis_``, whatever the others hold; None: all.
    :raises Failed: with everything that is wrong in any of them.
    """
    found: List[MemberVariables] = []
    findings: List[Finding] = []
    for name in names:
        try:
            found.append(_member(name, hostvars[name], only))
        except Failed as error:
            findings.extend(error.findings)
    if findings:
        raise Failed(*findings)
    return found


def registered(hostvars: Mapping[str, Any], names: List[str], variable: str) -> Dict[str, Any]:
    """What a task has registered on each of these hosts; an empty mapping where it has not run."""
    return {name: plain(hostvars[name].get(variable) or {}) for name in names}


@cache
def read_layer(folder: str, name: str) -> Layer:
    """A settings file as inert text: nothing in it is a template, whatever braces it has.

    :raises Failed: when it is missing, is no YAML, has a key twice, or is no mapping.
    """
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            settings = yaml.load(file.read(), Loader)
    except FileNotFoundError:
        there = sorted(item for item in os.listdir(folder) if item.endswith(".yaml")) if os.path.isdir(folder) else []
        fix = "There are: %s. Set praxis_environment or praxis_config_dir." % (", ".join(there) or "none")
        raise Failed(Finding("no-settings-file", "The settings file does not exist.", path, fix)) from None
    except OSError as error:
        what = "The settings file cannot be read: %s." % error.strerror
        fix = "Let %s read it (chmod, chown)." % (os.environ.get("USER") or "the user who runs Ansible")
        raise Failed(Finding("unreadable-file", what, path, fix)) from None
    except UnicodeDecodeError as error:
        what = "Byte %d of the settings file is not UTF-8 (0x%02x)." % (error.start, error.object[error.start])
        raise Failed(Finding("not-utf-8", what, path, "Save the file as UTF-8.")) from None
    except (yaml.YAMLError, ValueError) as error:  # PyYAML raises ValueError for a day like 2026-02-30
        what = "The settings file is not YAML: %s." % str(error).rstrip(".")
        raise Failed(Finding("bad-yaml", what, path, "Correct the file where YAML's message says.")) from None
    except RecursionError:
        what = "The settings file is nested too deep to be read."
        raise Failed(Finding("bad-yaml", what, path, "Write it with fewer levels.")) from None
    if not isinstance(settings, (dict, type(None))):
        what, fix = "The settings file is not a mapping.", "Write `name: value` lines at its top level."
        raise Failed(Finding(code="bad-settings-file", what=what, where=path, fix=fix))
    return Layer(name, settings or {})


def plain(value: Any) -> Any:
    """A value without Ansible's wrappers and tags: vaulted text decrypted, tagged text made plain."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return "".join([str(value)])  # join gives an exact str, where str() may hand back a tagged one


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = _merged(found[key], value) if both else value
    return found


def _member(name: str, variables: Mapping[str, Any], only: Optional[Collection[str]]) -> MemberVariables:
    values: Dict[str, Any] = {"name": name}
    findings: List[Finding] = []
    if not _MEMBER.fullmatch(name):
        fix = "Call the host by letters, digits, '.', '_' and '-': it names the agent and its file."
        findings.append(Finding("bad-member-name", "%s can be no member's name." % shown(name), name, fix))
    read = {item.name: str(item.type) for item in fields(MemberVariables) if only is None or item.name in only}
    for field_name, kind in read.items():
        if field_name != "name" and "praxis_" + field_name in variables:
            findings += _take(name, variables, field_name, kind, values)
    if not findings:
        missing = [each for each in NEEDED if each in read and not values.get(each)]
        said = "praxis_%s is not set."
        findings += [Finding("missing-variable", said % each, name, NEEDED[each]) for each in missing]
    if findings:
        raise Failed(*findings)
    if "zone" in read and not values.get("zone"):
        values["zone"] = google_machine(values.get("instance_id", ""))[0]
    return MemberVariables(**values)


def _take(
    name: str, variables: Mapping[str, Any], field_name: str, kind: str, values: Dict[str, Any]
) -> List[Finding]:
    """Put one variable of a member into ``values``; what is wrong with it.

    :param kind: its type, as the field of :class:`MemberVariables` has it.
    """
    variable = "praxis_" + field_name
    try:
        given = variables[variable]
        unfit = _unfit(given)
        value = None if unfit else plain(given)
    except AnsibleError as error:
        return [unreadable(name, variable, str(error))]
    if unfit:
        return [Finding("bad-variable", "%s %s" % (variable, unfit[0]), name, unfit[1])]
    wrong = convert(values, field_name, kind, value) or check(field_name, values.get(field_name))
    return [Finding(wrong[0], "%s %s" % (variable, wrong[1]), name, wrong[2])] if wrong else []


def _unfit(value: Any) -> Optional[Tuple[str, str]]:
    """Why a value cannot be made plain, and the fix."""
    if too_deep(value):
        return "is nested too deep, or holds itself.", "Write it with fewer levels."
    if _holds_bytes(value):
        return "holds !!binary, and only text can be delivered.", "Write it as text; bytes are written in base64."
    return None


def _holds_bytes(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_bytes(item) for item in value.values())
    return isinstance(value, bytes) or (isinstance(value, (list, tuple)) and any(_holds_bytes(item) for item in value))


def unreadable(name: str, variable: str, error: str) -> Finding:
    """That a variable's template cannot be evaluated."""
    fix = "Correct its template, or set what the template needs."
    if "resolve" in error or "expected token" in error:
        fix = "A {{resolve:…}} reference in a variable needs !unsafe before it; in configs/*.yaml it does not."
    return Finding("unreadable-variable", "%s cannot be read: %s" % (variable, error.strip()), name, fix)
