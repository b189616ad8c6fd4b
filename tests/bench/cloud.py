# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud of many machines and secrets in a process of its own: moto, made fast enough to measure others by.

DescribeInstances is answered here, because moto needs time that grows with the square of the machines. Its own answer
for one instance is the pattern for the others; they come in pages of at most a thousand, as AWS gives them. Everything
else is moto, filled past its API. Filters are not evaluated: every instance is a running member of the fleet.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from moto import settings
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.secretsmanager.models import secretsmanager_backends
from werkzeug.serving import WSGIRequestHandler, make_server

ACCOUNT, REGION, FLEET = "123456789012", "us-east-1", "bench"
PAGE = 1000

Start = Callable[..., Any]


class Cloud:
    """The application. /bench/calls answers and clears the count of operations; /bench/size sets the machines."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._calls: Counter[str] = Counter()
        self._size = 0
        self._item = ""
        self._frame = ("", "")

    def fill(self, secrets: int, seeds: int) -> None:
        """One instance as the pattern, and what a fleet keeps in Secrets Manager."""
        ec2 = ec2_backends[ACCOUNT][REGION]
        made = ec2.run_instances(
            next(iter(ec2.amis)), 1, None, [], subnet_id=next(iter(ec2.describe_subnets())).id, region_name=REGION,
            instance_type="t3.small", is_instance_type_default=True, security_group_ids=[], nics=[], private_ip=None,
            associate_public_ip=True, ebs_optimized=False, instance_market_options={}, hibernation_options={},
        )  # fmt: skip
        tags = {"Name": "NAME", "praxis_fleet": FLEET, "praxis_role": "agent", "praxis_slot": "SLOT"}
        made.instances[0].add_tags(tags)
        store = secretsmanager_backends[ACCOUNT][REGION]
        for index in range(secrets):
            _store(store, f"bench/{index}", json.dumps({"key": f"planted-value-{index}"}), None)
        for index in range(seeds):
            _store(store, f"praxis/{FLEET}/identity/s-{index}", None, _seed(index))

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/bench/calls":
            answer, self._calls = json.dumps(self._calls).encode(), Counter()
            return _send(start, answer, "application/json")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"] == "/bench/size":
            self._size = int(body)
            return _send(start, b"", "text/plain")
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        self._calls[environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or form.get("Action", "")] += 1
        if form.get("Action") == "DescribeInstances":
            if not self._item:
                self._learn(environ, body)
            return _send(start, self._page(form), "text/xml")
        return self._forward(environ, body, start)

    def _forward(self, environ: dict[str, Any], body: bytes, start: Start) -> Iterable[bytes]:
        import io

        return self._moto({**environ, "wsgi.input": io.BytesIO(body)}, start)

    def _learn(self, environ: dict[str, Any], body: bytes) -> None:
        text = b"".join(self._forward(environ, body, lambda *_: None)).decode()
        found = re.search(r"(?s)(.*<reservationSet>)(<item>.*</item>)(</reservationSet>.*)", text)
        assert found, f"moto's answer has another shape: {text[:500]}"
        self._item = found[2]
        self._frame = (found[1], re.sub(r"(?s)<nextToken>.*?</nextToken>|<nextToken ?/>", "", found[3]))
        self._own = {
            "instance": re.search(r"<instanceId>(.*?)</instanceId>", self._item)[1],  # type: ignore[index]
            "private": re.search(r"<privateIpAddress>(.*?)</privateIpAddress>", self._item)[1],  # type: ignore[index]
            "reservation": re.search(r"<reservationId>(.*?)</reservationId>", self._item)[1],  # type: ignore[index]
        }

    def _page(self, form: dict[str, str]) -> bytes:
        first, most = int(form.get("NextToken") or 0), min(int(form.get("MaxResults") or PAGE), PAGE)
        last = min(first + most, self._size)
        head, tail = self._frame
        more = f"<nextToken>{last}</nextToken>" if last < self._size else ""
        close = tail.replace("</reservationSet>", "</reservationSet>" + more, 1)
        return (head + "".join(self._instance(index) for index in range(first, last)) + close).encode()

    def _instance(self, index: int) -> str:
        own = self._own
        text = self._item.replace(own["instance"], f"i-{index:017x}").replace(own["reservation"], f"r-{index:017x}")
        text = text.replace(own["private"], f"10.{index // 65536}.{index // 256 % 256}.{index % 256}")
        return text.replace(">NAME<", f">praxis-{index}<").replace(">SLOT<", f">s-{index}<")


def _store(store: Any, name: str, text: str | None, binary: str | None) -> None:
    store.create_secret(name, text, binary, None, [], None, None, [], False)


def _seed(index: int) -> str:
    import base64
    import hashlib

    return base64.b64encode(hashlib.sha256(b"bench seed %d" % index).digest()).decode()


def _send(start: Start, body: bytes, kind: str) -> list[bytes]:
    start("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def main() -> None:
    """Serve on a free port of this machine, and print it. Ends with its standard input."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
    cloud = Cloud()
    cloud.fill(secrets=100, seeds=1000)
    quiet = type("Quiet", (WSGIRequestHandler,), {"log_request": lambda *_: None, "protocol_version": "HTTP/1.1"})
    server = make_server("127.0.0.1", 0, cloud, threaded=True, request_handler=quiet)
    print(server.server_port, flush=True)
    import threading

    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
