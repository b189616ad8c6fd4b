# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker Engine over its own socket: no CLI, so nothing lands in argv, the environment or a file."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from typing import Any, Dict, Iterator, List, Mapping, Optional
from urllib.parse import quote, urlencode

LOG_BYTES = 256 * 1024


class EngineError(Exception):
    """The engine answered with an error.

    :param status: HTTP status; 0 when the engine did not answer at all.
    :param message: what the engine said.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__("engine answered %d: %s" % (status, message) if status else message)


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """The few engine calls that a host needs.

    Paths carry no API version: each engine then speaks its own newest one, and the fields read here are in all of them.

    :param path: the engine's unix socket.
    :param timeout: seconds to wait for each read.
    """

    def __init__(self, path: str, timeout: float = 10.0) -> None:
        self._path = path
        self._timeout = timeout

    def version(self) -> Dict[str, Any]:
        """``Version``, ``Arch``, ``Os`` and more. Raises :class:`EngineError` (status 0) when no engine answers."""
        return dict(self._json("GET", "/version"))

    def info(self) -> Dict[str, Any]:
        """The engine's description of itself and its machine; ``SecurityOptions`` are texts like ``name=userns``."""
        return dict(self._json("GET", "/info"))

    def containers(self, labels: Mapping[str, str]) -> List[Dict[str, Any]]:
        """Containers, stopped ones too, that carry all the labels; newest first."""
        filters = json.dumps({"label": ["%s=%s" % pair for pair in sorted(labels.items())]})
        found = self._json("GET", "/containers/json", {"all": "1", "filters": filters})
        return sorted(found, key=lambda item: int(item.get("Created", 0)), reverse=True)

    def unused_networks(self, labels: Mapping[str, str]) -> List[Dict[str, Any]]:
        """Networks that carry all the labels and that no running container is in.

        Each is asked for by itself: a list names no containers, so its filter ``dangling`` takes all for unused.
        """
        filters = json.dumps({"label": ["%s=%s" % pair for pair in sorted(labels.items())]})
        listed = self._json("GET", "/networks", {"filters": filters})
        found = [self._json_or_none("/networks/%s" % quote(item["Id"], safe="")) for item in listed]
        return [each for each in found if each is not None and not each.get("Containers")]

    def inspect(self, container: str) -> Optional[Dict[str, Any]]:
        """A container in full, or None when it is gone."""
        return self._json_or_none("/containers/%s/json" % quote(container, safe=""))

    def image(self, reference: str) -> Optional[Dict[str, Any]]:
        """An image in full, or None when the engine does not hold it."""
        return self._json_or_none("/images/%s/json" % quote(reference, safe="/:@"))

    def manifest(self, reference: str, registry: Optional[Mapping[str, str]]) -> Dict[str, Any]:
        """What the registry says of an image, asked by the engine as for a pull; nothing is fetched or kept.

        :param registry: as for :meth:`pull`.
        :raises EngineError: the registry's refusal, in the engine's words.
        """
        headers = {"X-Registry-Auth": registry_header(registry)} if registry else {}
        return dict(self._json("GET", "/distribution/%s/json" % quote(reference, safe="/:@"), headers=headers))

    def logs(self, container: str, lines: int, tty: bool = False) -> str:
        """The container's last lines, standard output and error together, at most 256 KiB."""
        query = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        connection = self._request("GET", "/containers/%s/logs" % quote(container, safe=""), query)
        try:
            raw = connection.getresponse().read(LOG_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(0, "the engine broke off the logs: %s" % error) from error
        finally:
            connection.close()
        return (raw if tty else demultiplex(raw)).decode("utf-8", "replace")

    def out_of_memory(self, container: str, since: float, until: float) -> bool:
        """Whether the kernel killed a process of the container for its memory, between two times (seconds since 1970).

        The container's own state forgets it when the container is started again.
        """
        filters = json.dumps({"container": [container], "event": ["oom"]})
        query = {"since": "%.3f" % since, "until": "%.3f" % until, "filters": filters}
        connection = self._request("GET", "/events", query)
        try:
            return bool(connection.getresponse().read(LOG_BYTES).strip())
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(0, "the engine broke off the events: %s" % error) from error
        finally:
            connection.close()

    def restart(self, container: str, timeout: float = 120.0) -> None:
        """Stop (with the container's own grace period) and start again."""
        self._json("POST", "/containers/%s/restart" % quote(container, safe=""), timeout=timeout)

    def stop(self, container: str, timeout: float = 120.0) -> None:
        """Stop it; one that does not run is no error. It stays stopped until somebody starts it."""
        self._json("POST", "/containers/%s/stop" % quote(container, safe=""), timeout=timeout)

    def tag(self, reference: str, repository: str, tag: str) -> None:
        """Give an image another name, ``repository:tag``."""
        path = "/images/%s/tag?%s" % (quote(reference, safe="/:@"), urlencode({"repo": repository, "tag": tag}))
        self._json("POST", path)

    def remove_image(self, reference: str) -> bool:
        """Remove a name of an image, and with its last name the image itself.

        False when a container still uses it; True when it is gone, or was not there.
        """
        try:
            self._json("DELETE", "/images/%s" % quote(reference, safe="/:@"), timeout=60.0)
        except EngineError as error:
            if error.status in (404, 409):
                return error.status == 404
            raise
        return True

    def pull(self, repository: str, digest: str, registry: Optional[Mapping[str, str]]) -> Iterator[Dict[str, Any]]:
        """Pull an image by digest, yielding the engine's progress records as they come.

        :param registry: ``server``, ``username``, ``password``; sent in a header of this one request.
        :raises EngineError: the engine refused, or sent nothing for the timeout given to the constructor.
        """
        headers = {"X-Registry-Auth": registry_header(registry)} if registry else {}
        query = {"fromImage": repository, "tag": digest}
        connection = self._request("POST", "/images/create", query, headers)
        try:
            response = connection.getresponse()
            if response.status >= 400:
                raise EngineError(response.status, error_message(response.read(LOG_BYTES)))
            for line in response:
                if line.strip():
                    yield json.loads(line)
        except socket.timeout as error:
            raise EngineError(0, "no progress for %d s" % self._timeout) from error
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(0, "the engine broke off: %s" % error) from error
        finally:
            connection.close()

    def _request(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> _SocketConnection:
        connection = _SocketConnection(self._path, timeout or self._timeout)
        try:
            connection.request(method, path + ("?" + urlencode(query) if query else ""), headers=dict(headers or {}))
        except OSError as error:
            connection.close()
            raise EngineError(0, "no engine answers on %s: %s" % (self._path, error.strerror or error)) from error
        return connection

    def _json(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        connection = self._request(method, path, query, headers, timeout)
        try:
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(0, "no answer from %s to %s %s: %s" % (self._path, method, path, error)) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise EngineError(response.status, error_message(body))
        return json.loads(body) if body.strip() else None

    def _json_or_none(self, path: str) -> Optional[Dict[str, Any]]:
        try:
            return dict(self._json("GET", path))
        except EngineError as error:
            if error.status == 404:
                return None
            raise


def registry_header(registry: Mapping[str, str]) -> str:
    """The X-Registry-Auth value: URL-safe base64 of a small JSON object."""
    login = {
        "username": registry["username"],
        "password": registry["password"],
        "serveraddress": registry["server"],
    }
    return base64.urlsafe_b64encode(json.dumps(login).encode()).decode()


def error_message(body: bytes) -> str:
    """The engine's words out of an error's body."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip() or "no reason given"


def demultiplex(raw: bytes) -> bytes:
    """Log bytes without the 8-byte header that stands before each chunk of a container that has no terminal."""
    parts: List[bytes] = []
    position = 0
    while position + 8 <= len(raw):
        size = int.from_bytes(raw[position + 4 : position + 8], "big")
        parts.append(raw[position + 8 : position + 8 + size])
        position += 8 + size
    return b"".join(parts)
