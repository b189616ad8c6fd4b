# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent says of itself. GET only: a POST to /p2p/connect hangs the real agent's API for good."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterator, Optional, Tuple

#: So many times the seconds that it may be silent, an answer may take as a whole.
WHOLE = 3
#: Characters; a peer id of any scheme has about fifty.
_LONGEST_ID = 128


def read_api(port: int, timeout: float = 3.0, address: str = "127.0.0.1") -> Dict[str, Any]:
    """``{health, peer_id, error}``.

    ``health`` is the HTTP status of /health, ``peer_id`` what /p2p/info says; None when there was no such answer.
    ``error`` is the first thing that went wrong, in words, or None.

    :param timeout: seconds for which the agent may be silent.
    """
    status, _body, error = _get(address, port, "/health", timeout)
    if status is None:
        return {"health": None, "peer_id": None, "error": error}
    info_status, body, info_error = _get(address, port, "/p2p/info", timeout)
    peer_id = peer_id_of(body) if info_status == 200 else None
    if status != 200:
        error = "/health answered %d" % status
    elif info_status is None:
        error = info_error
    elif peer_id is None:
        error = "/p2p/info answered %d without a peer id" % info_status
    return {"health": status, "peer_id": peer_id, "error": error}


def peer_id_of(body: bytes) -> Optional[str]:
    """The peer id in the body of /p2p/info; None for what cannot be one. The image may be no agent's."""
    try:
        found = json.loads(body)["peer_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_ID and found.isprintable() else None


def _get(address: str, port: int, path: str, timeout: float) -> Tuple[Optional[int], bytes, Optional[str]]:
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.connect()
        with _within(connection.sock, WHOLE * timeout):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read(65536), None
    except socket.timeout:
        return None, b"", "%s did not answer within %g s" % (path, timeout)
    except ConnectionRefusedError:
        return None, b"", "nothing listens on port %d" % port
    except (OSError, http.client.HTTPException) as error:
        return None, b"", "%s: %s" % (path, str(error) or type(error).__name__)
    finally:
        connection.close()


@contextmanager
def _within(link: socket.socket, seconds: float) -> Iterator[None]:
    """End an answer that never ends: a connection's own timeout is for each piece of it.

    :raises socket.timeout: when it had to be ended.
    """
    late = threading.Event()
    watch = threading.Timer(seconds, _cut_off, (link, late))
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        if late.is_set():
            raise socket.timeout


def _cut_off(link: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):  # the other end may have closed it just now
        link.shutdown(socket.SHUT_RDWR)
