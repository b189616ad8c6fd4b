# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``praxis_services``, checked: every entry as a :class:`Service`, or all that is wrong with it."""

from __future__ import annotations

import difflib
import posixpath
import re
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.agent.checks import TOO_LONG, is_carried, is_passed, texts
from ansible_collections.praxis.cloud.plugins.module_utils.agent.values import shown
from ansible_collections.praxis.cloud.plugins.module_utils.finding import Failed, Finding
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.container import Limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.limits import is_duration, read_limits
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.service_rules import (
    VARIABLE,
    clashes,
    is_address,
    is_anything,
    is_ip,
    is_plain,
    is_port,
    where,
)
from ansible_collections.praxis.cloud.plugins.module_utils.fleet.services import Health, Port, Service, Volume

KEYS = (
    "name", "image", "command", "args", "environment", "secrets", "files", "volumes", "tmpfs", "ports", "extra_hosts",
    "health", "container",
)  # fmt: skip
#: Keys of Compose that would take a container's hardening away, or give it a part of the machine.
UNSAFE = (
    "build", "cap_add", "cgroup_parent", "device_cgroup_rules", "devices", "entrypoint", "group_add", "ipc",
    "network_mode", "networks", "pid", "privileged", "read_only", "security_opt", "sysctls", "user", "userns_mode",
    "uts", "volumes_from",
)  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
#: Places of a container that are ours, or the kernel's.
_TAKEN = ("/run/praxis", "/proc", "/sys", "/dev")
_MOST_TEXT = 65536


def read_services(entries: Sequence[Any], agent_ports: Collection[int], findings: List[Finding]) -> Tuple[Service, ...]:
    """The services, in the order of their names. What is wrong with any of them is added to the findings.

    :param agent_ports: the ports that the agent itself has on the machine.
    """
    found: Dict[str, Service] = {}
    for number, entry in enumerate(entries, 1):
        try:
            service = _Entry(entry, number).service()
        except Failed as error:
            findings.extend(error.findings)
            continue
        if service.name in found:
            fix = "Give each service its own name: the other containers reach it by that name."
            findings.append(Finding("service-twice", "Two services have this name.", where(service.name), fix))
        found[service.name] = service
    services = tuple(found[name] for name in sorted(found))
    findings.extend(clashes(services, agent_ports))
    return services


class _Entry:
    """Reads one entry; everything that is wrong with it is collected."""

    def __init__(self, entry: Any, number: int) -> None:
        self._place = "%s, entry %d" % (VARIABLE, number)
        if not isinstance(entry, Mapping):
            raise Failed(_bad("It is not a mapping.", self._place, "Write `- name: NAME` and the other keys below it."))
        self._entry, self._findings = entry, []  # type: Mapping[str, Any], List[Finding]
        name = entry.get("name")
        self._name = name if isinstance(name, str) and _NAME.fullmatch(name) and name != "agent" else ""
        if not self._name:
            what = "The service has no name." if name in (None, "") else "The service's name is %s." % shown(name)
            fix = "Write up to 31 lower-case letters, digits and hyphens, a letter first, and not `agent`."
            self._add(what, "", fix)

    def service(self) -> Service:
        """:raises Failed: with everything that is wrong."""
        self._check_keys()
        service = Service(
            name=self._name,
            image=self._text("image", needed=True),
            command=self._words("command"),
            args=self._words("args"),
            environment=self._environment(),
            secrets=self._mapping("secrets", is_anything, "a reference or a vaulted value"),
            files=self._files(),
            volumes=self._volumes(),
            tmpfs=tuple(self._path(item, "tmpfs") for item in self._list("tmpfs")),
            ports=self._ports(),
            extra_hosts=self._extra_hosts(),
            health=self._health(),
            limits=self._limits(),
        )
        self._check_command(service)
        self._check_targets(service)
        if self._findings:
            raise Failed(*self._findings)
        return service

    def _where(self, key: str) -> str:
        return where(self._name, key) if self._name else self._place + (": %s" % key if key else "")

    def _add(self, what: str, key: str, fix: str, code: str = "bad-service") -> None:
        self._findings.append(Finding(code, what, self._where(key), fix))

    def _check_keys(self) -> None:
        for key in self._entry:
            if key in UNSAFE:
                what = "The service sets %s, which would weaken its isolation." % shown(key)
                self._add(what, "", "Remove it; docs/services.md lists what a service may have.", "service-unsafe")
            elif key not in KEYS:
                near = difflib.get_close_matches(str(key), KEYS, n=1, cutoff=0.6)
                hint = "Did you mean %s? " % near[0] if near else ""
                what = "The entry has an unknown key %s." % shown(key)
                self._add(what, "", "%sThe keys are %s." % (hint, ", ".join(KEYS)), "unknown-service-key")
            elif key != "secrets" and not all(map(is_carried, texts(self._entry[key]))):
                what = "The value holds a NUL, or half of a surrogate pair, which no file and no variable can hold."
                self._add(what, key, "Write the text again without that character.")

    def _check_command(self, service: Service) -> None:
        if service.command and service.args:
            self._add("The service has both command and args.", "", "Write the whole line in command, remove args.")
        if service.secrets and not service.command:
            what = "The service has secrets and no command, and the shell that hands the secrets over starts a command."
            fix = "Write the whole command line in command. The image must have sh."
            self._add(what, "command", fix, "service-no-command")
        for name in sorted(set(service.secrets) & set(service.environment)):
            self._add("%s is in environment and in secrets." % name, "secrets", "Keep it in one of the two.")

    def _check_targets(self, service: Service) -> None:
        targets = [*service.files, *(volume.target for volume in service.volumes), *service.tmpfs, "/tmp"]
        for target in sorted({target for target in targets if target and targets.count(target) > 1}):
            self._add("Two entries are mounted at %s." % target, "", "Give each its own path.")

    def _text(self, key: str, needed: bool = False) -> str:
        value = self._entry.get(key)
        if isinstance(value, str) and value:
            return value
        if needed or value not in (None, ""):
            what = "The service has no %s." % key if value in (None, "") else "%s is not text." % key
            self._add(what, key, "Write one text.")
        return ""

    def _list(self, key: str) -> Sequence[Any]:
        value = self._entry.get(key)
        if value is None or isinstance(value, (list, tuple)):
            return value or ()
        self._add("%s is not a list." % key, key, "Write `- ` items below it.")
        return ()

    def _words(self, key: str) -> Tuple[str, ...]:
        words = self._list(key)
        if all(isinstance(word, (str, int)) and not isinstance(word, bool) for word in words):
            return tuple(str(word) for word in words)
        self._add("A word of %s is not text." % key, key, "Write each word as text, in quotes where needed.")
        return ()

    def _mapping(self, key: str, accepts: Callable[[Any], bool], wanted: str) -> Dict[str, Any]:
        value = self._entry.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self._add("%s is not a mapping." % key, key, "Write `NAME: value` lines below it.")
            return {}
        for name, item in value.items():
            if key != "extra_hosts" and not _WORD.fullmatch(str(name)):
                fix = "Use letters, digits and underscores, and do not begin with a digit."
                self._add("%s cannot be a variable's name." % shown(name), key, fix)
            elif not accepts(item):
                self._add("%s is %s." % (name, shown(item)), key, "Write %s." % wanted)
        return {str(name): item for name, item in value.items()}

    def _environment(self) -> Dict[str, str]:
        found = self._mapping("environment", is_plain, "a text, in quotes where YAML reads something else")
        for name in [name for name, value in found.items() if not is_passed(name, str(value))]:
            self._add("%s %s." % (name, TOO_LONG), "environment", "Write it into a file (files).")
        return {name: str(value) for name, value in found.items()}

    def _extra_hosts(self) -> Dict[str, str]:
        found = self._mapping("extra_hosts", is_address, "an IP address, or host-gateway for the machine itself")
        for name in found:
            if not _HOST.fullmatch(name):
                self._add("%s is not a host's name." % shown(name), "extra_hosts", "Use letters, digits, dots and -.")
        return {name: str(value) for name, value in found.items()}

    def _files(self) -> Dict[str, str]:
        found: Dict[str, str] = {}
        for item in self._items("files", ("target", "content")):
            target, content = self._path(item.get("target"), "files"), item.get("content")
            if not isinstance(content, str):
                fix = "Write the file's content as one text, for example with lookup('ansible.builtin.file', …)."
                self._add("The content of %s is not text." % target, "files", fix)
            elif len(content.encode("utf-8", "surrogatepass")) > _MOST_TEXT:
                self._add("%s is larger than 64 KiB." % target, "files", "Put it into the image or a volume.")
            elif target in found:
                self._add("Two files are mounted at %s." % target, "files", "Give each its own path.")
            else:
                found[target] = content
        return found

    def _volumes(self) -> Tuple[Volume, ...]:
        found = []
        for item in self._items("volumes", ("name", "target", "read_only", "agent")):
            name = item.get("name")
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                code = "service-host-mount" if isinstance(name, str) and "/" in name else "bad-service"
                fix = "Write a lower-case name: a volume is always a directory that praxis.cloud creates."
                self._add("%s is not a volume's name." % shown(name), "volumes", fix, code)
                continue
            read_only, agent = item.get("read_only", False), item.get("agent")
            if not isinstance(read_only, bool):
                self._add("read_only is %s." % shown(read_only), "volumes", "Write true or false.")
            agent = self._path(agent, "volumes") if agent is not None else ""
            found.append(Volume(name, self._path(item.get("target"), "volumes"), read_only is True, agent))
        return tuple(found)

    def _ports(self) -> Tuple[Port, ...]:
        found = []
        for item in self._items("ports", ("published", "target", "address")):
            published, address = item.get("published"), item.get("address", Port.address)
            target = item.get("target", published)
            if not (is_port(published) and is_port(target)):
                what = "%s:%s is not a port." % (shown(published), shown(target))
                self._add(what, "ports", "Write numbers from 1 to 65535.")
            elif not is_ip(address):
                fix = "Write an IPv4 address of the machine, or 0.0.0.0: then whoever reaches the machine reaches it."
                self._add("The address is %s." % shown(address), "ports", fix)
            else:
                found.append(Port(int(str(published)), int(str(target)), str(address)))
        return tuple(found)

    def _health(self) -> Optional[Health]:
        given = self._entry.get("health")
        if given is None:
            return None
        fix = "Write `test:` with a list (a command) or a text (a line for sh); the other keys are optional."
        if not isinstance(given, Mapping) or set(given) - {"test", "interval", "timeout", "retries"}:
            self._add("health is not a mapping of test, interval, timeout and retries.", "health", fix)
            return None
        test, retries = given.get("test"), given.get("retries", Health.retries)
        times = {key: given.get(key, getattr(Health, key)) for key in ("interval", "timeout")}
        words: Tuple[str, ...] = ("CMD-SHELL", test) if isinstance(test, str) and test else ()
        if isinstance(test, (list, tuple)) and test and all(isinstance(word, (str, int)) for word in test):
            words = ("CMD", *(str(word) for word in test))
        if not words:
            self._add("health.test is %s." % shown(test), "health", fix)
        for key, value in times.items():
            if not is_duration(value):
                self._add("health.%s is %s." % (key, shown(value)), "health", "Write a time with its unit, such as 5s.")
        if not isinstance(retries, int) or isinstance(retries, bool) or not 1 <= retries <= 1000:
            self._add("health.retries is %s." % shown(retries), "health", "Write a whole number from 1 to 1000.")
        return Health(tuple(words), str(times["interval"]), str(times["timeout"]), retries)

    def _limits(self) -> Limits:
        given = self._entry.get("container")
        if given is None:
            return Limits()
        if not isinstance(given, Mapping):
            self._add("container is not a mapping.", "container", "Write lines such as `memory: 256m` below it.")
            return Limits()
        try:
            return read_limits(given, self._where(""), "container")
        except Failed as error:
            self._findings.extend(error.findings)
            return Limits()

    def _items(self, key: str, keys: Sequence[str]) -> List[Mapping[str, Any]]:
        found = []
        for item in self._list(key):
            if key == "volumes" and isinstance(item, str) and item[:1] in "/.~":
                fix = "Name a volume (`- name: shared`, `target: /data`), or give files their content (files)."
                self._add("The service mounts %s of the machine." % shown(item), key, fix, "service-host-mount")
            elif key == "volumes" and isinstance(item, Mapping) and {"source", "type"} & set(item):
                fix = "Name a volume (`- name: shared`, `target: /data`), or give files their content (files)."
                what = "The service mounts %s of the machine." % shown(item.get("source"))
                self._add(what, key, fix, "service-host-mount")
            elif not isinstance(item, Mapping) or set(item) - set(keys):
                self._add("An item is not a mapping of %s." % ", ".join(keys), key, "Write these keys below `- `.")
            else:
                found.append(item)
        return found

    def _path(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or value[:1] != "/" or posixpath.normpath(value) != value or value == "/":
            self._add("%s is not an absolute path." % shown(value), key, "Write one such as /data, without .. and //.")
        elif ":" in value or any(value == taken or value.startswith(taken + "/") for taken in _TAKEN):
            self._add("Nothing can be mounted at %s." % shown(value), key, "Choose another path, without a colon.")
        else:
            return value
        return ""


def _bad(what: str, place: str, fix: str) -> Finding:
    return Finding("bad-service", what, place, fix)
