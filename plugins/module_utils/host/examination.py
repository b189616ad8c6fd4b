# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment will need of a host beside what preparing it checks. Observed, and changed by nothing.

Facts only: ``fleet/doctor.py`` says what is wrong with them.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.praxis.cloud.plugins.module_utils.host import inside, parts, pull
from ansible_collections.praxis.cloud.plugins.module_utils.host.desired import Desired
from ansible_collections.praxis.cloud.plugins.module_utils.host.engine import Engine, EngineError
from ansible_collections.praxis.cloud.plugins.module_utils.host.files import read_text
from ansible_collections.praxis.cloud.plugins.module_utils.host.paths import Paths

#: Seconds for the engine to ask a registry.
REGISTRY_TIMEOUT = 30.0
#: Seconds for each name and each dial from inside a container.
INSIDE_TIMEOUT = 3.0
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://(?:[^\s/@\"']*@)?([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)")
_MULTIADDR = re.compile(r"/dns[46]?/([A-Za-z0-9_.-]+)")
#: Known by a hosts file wherever they mean something.
_NO_NAMES = ("localhost", "host.docker.internal")
_ADDRESS = re.compile(r"[0-9.]+\Z")


def take(desired: Desired, paths: Paths, seen: Mapping[str, Any]) -> Dict[str, Any]:
    """The examination of this host for a release.

    :param seen: the observation of the host.
    """
    release = desired.wanted
    images = [release.image, *parts.images(release.manifest)]
    registries = sorted({registry_of(image) for image in images})
    services = parts.services(release.manifest)
    settings = [name for name in names_in(_said(release.manifest)) if name not in services]
    with ThreadPoolExecutor(max_workers=3) as pool:
        asked = pool.submit(_images, desired, images, paths, seen)
        resolved = pool.submit(_resolve, sorted({*registries, *settings}))
        container = pool.submit(_inside, seen, settings, desired.gate.dial)
        return {
            "images": asked.result(),
            "names": resolved.result(),
            "inside": container.result(),
            "secrets": secret_files(paths),
            "mtu": route_mtu(read_text("/proc/net/route") or ""),
            "addresses": local_addresses(read_text("/proc/net/fib_trie") or ""),
        }


def registry_of(image: str) -> str:
    """The host name of an image's registry, without its port."""
    first, slash, _rest = image.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first.partition(":")[0] if named else "registry-1.docker.io"


def names_in(value: Any) -> List[str]:
    """The hosts that have to be resolved, of the addresses (URLs, multiaddrs) in a value.

    A text counts when it is addresses and nothing else: a URL in a sentence is for people.
    """
    found: Set[str] = set()
    for text in _texts(value):
        words = [word for word in re.split(r"[\s,;]+", text) if word]
        if all("://" in word or word.startswith("/") for word in words):
            found.update(name.lower() for word in words for name in (*_URL.findall(word), *_MULTIADDR.findall(word)))
    return sorted(name for name in found if name not in _NO_NAMES and not _ADDRESS.match(name))


def _said(manifest: Mapping[str, Any]) -> List[Any]:
    """What a release tells its containers."""
    told = [manifest.get("settings"), manifest.get("environment")]
    for service in parts.services(manifest).values():
        told += [service.get("environment"), service.get("command")]
    return told


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value; a variable holds lists and mappings as JSON."""
    if isinstance(value, str):
        inner = _json(value)
        if inner is None:
            yield value
        else:
            yield from _texts(inner)
    elif isinstance(value, (Mapping, list)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)


def _json(text: str) -> Any:
    """The list or mapping that a text spells; None for any other text."""
    try:
        return json.loads(text) if text[:1] in ("[", "{") else None
    except ValueError:
        return None


def _images(
    desired: Desired, images: Iterable[str], paths: Paths, seen: Mapping[str, Any]
) -> List[Dict[str, Any]]:
    """Of each image whether it is here, and what the registry answers this host; nothing where no engine runs."""
    if not seen["engine"]["running"]:
        return []
    engine = Engine(paths.engine_socket, REGISTRY_TIMEOUT)
    return [_image(desired, engine, image) for image in images]


def _image(desired: Desired, engine: Engine, image: str) -> Dict[str, Any]:
    repository, digest = pull.repository_and_digest(image)
    name = "%s@%s" % (repository, digest)
    found: Dict[str, Any] = {"image": image, "present": False, "failure": None}
    try:
        found["present"] = engine.image(name) is not None
        manifest = engine.manifest(name, desired.login_for(image))
        architecture = str(engine.version().get("Arch", ""))
        built_for = [str(item.get("architecture")) for item in manifest.get("Platforms") or [] if item]
        # An image of one architecture names none in its manifest where the registry keeps no index.
        if architecture and built_for and not {architecture, "", "None"}.intersection(built_for):
            said = "no matching manifest: the image is for %s" % ", ".join(built_for)
            found["failure"] = pull.explain(said, image, architecture).as_dict()
    except EngineError as error:
        found["failure"] = pull.explain(error.message, image, "unknown").as_dict()
    return found


def _resolve(names: Sequence[str]) -> Dict[str, str]:
    """Each name, and ``ok`` or the resolver's words."""
    if not names:
        return {}
    with ThreadPoolExecutor(max_workers=min(8, len(names))) as pool:
        return dict(zip(names, pool.map(_resolved, names)))


def _resolved(name: str) -> str:
    try:
        socket.getaddrinfo(name, 443, socket.AF_INET, socket.SOCK_STREAM)
    except UnicodeError:
        return inside.NO_NAME
    except OSError as error:
        return str(error.strerror or error).lower()
    return "ok"


def _inside(
    seen: Mapping[str, Any], names: Sequence[str], dial: Sequence[Mapping[str, Any]]
) -> Optional[Dict[str, Any]]:
    """The network of the running agent's container; None where none runs."""
    pid = (seen.get("container") or {}).get("pid")
    if not pid:
        return None
    return inside.observe(int(pid), names, [(str(item["address"]), int(item["port"])) for item in dial], INSIDE_TIMEOUT)


def secret_files(paths: Paths) -> List[Dict[str, Any]]:
    """Everything that is secret here, and whose it is: files and directories of ``/run/praxis``, and what is sealed.

    A link is none of ours. Its own mode says nothing, and a command that puts it right would change what it leads to.
    """
    found = []
    for top in (paths.run, paths.sealed):
        for folder, _folders, names in os.walk(top):
            found += [_owned(path) for path in (folder, *(os.path.join(folder, name) for name in sorted(names)))]
    return [item for item in found if item]


def _owned(path: str) -> Dict[str, Any]:
    try:
        status = os.lstat(path)
    except OSError:
        return {}  # it has just gone
    if stat.S_ISLNK(status.st_mode):
        return {}
    return {
        "path": path,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "directory": stat.S_ISDIR(status.st_mode),
    }


def route_mtu(table: str) -> Optional[int]:
    """The MTU in bytes of the interface that the default route leaves by.

    :param table: the text of ``/proc/net/route``.
    """
    rows = [line.split() for line in table.splitlines()[1:]]
    ways = sorted((int(row[6]), row[0]) for row in rows if len(row) > 7 and row[1] == row[7] == "00000000")
    text = read_text("/sys/class/net/%s/mtu" % ways[0][1]) if ways else None
    return int(text) if text else None


def local_addresses(trie: str) -> List[str]:
    """This machine's IPv4 addresses but its loopback's.

    :param trie: the text of ``/proc/net/fib_trie``.
    """
    found = re.findall(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL", trie)
    return sorted({address for address in found if not address.startswith("127.")}, key=_as_numbers)


def _as_numbers(address: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in address.split("."))
