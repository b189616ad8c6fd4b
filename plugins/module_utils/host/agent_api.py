# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent says of itself. GET only: a POST to /p2p/connect hangs the real agent's API for good."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, Dict, Optional, Tuple


def read_api(port: int, timeout: float = 3.0, address: str = "127.0.0.1") -> Dict[str, Any]:
    """``{health, peer_id, error}``.

    ``health`` is the HTTP status of /health, ``peer_id`` what /p2p/info says; None when there was no such answer.
    ``error`` is the first thing that went wrong, in words, or None.
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
    """The peer id in the body of /p2p/info."""
    try:
        found = json.loads(body)["peer_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and found else None


def _get(address: str, port: int, path: str, timeout: float) -> Tuple[Optional[int], bytes, Optional[str]]:
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
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
