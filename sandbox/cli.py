# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m sandbox …`: up, down, status, clouds, operations and faults."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from sandbox import lifecycle
from sandbox.aws.faults import KINDS
from sandbox.client import Client
from sandbox.docker import DockerError
from sandbox.problem import Problem, step
from sandbox.site import CLOUDS, here


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A cloud in a box for this checkout.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start the sandbox, or what is missing of it")
    up.add_argument("--cloud", type=_clouds, default=["aws"], metavar="CLOUDS",
                    help=f"{', '.join(CLOUDS)}, or several, separated by commas; added to those that are up")
    up.add_argument("--dial-delay", type=float, metavar="SECONDS",
                    help="seconds before the agent's stand-in dials its peers; 10 by default, as the agent")
    up.add_argument("--with-docker", action="store_true",
                    help="clouds that are started now have Docker in their newest Debian, which saves its installation")
    verbs.add_parser("down", help="remove the sandbox and everything in it")
    verbs.add_parser("status", help="what is up")
    verbs.add_parser("clouds", help="print the clouds that are up, separated by commas")
    operations = verbs.add_parser("operations", help="the log of API operations, one JSON object a line")
    operations.add_argument("--since", type=int, default=0, metavar="OFFSET",
                            help="start at this byte of the log; the next offset is the last line, on standard error")
    operations.add_argument("--mutating", action="store_true", help="only operations that change something")
    _cloud_option(operations)
    serve = verbs.add_parser("serve", help="be a cloud's API (started by up)")
    serve.add_argument("--cloud", choices=CLOUDS, default="aws")
    _fault_parser(verbs.add_parser("fault", help="order a fault"))
    return parser


def _clouds(text: str) -> list[str]:
    """Clouds by name, with commas between; each once, in their own order."""
    named = text.split(",")
    if wrong := sorted(set(named) - set(CLOUDS)):
        raise argparse.ArgumentTypeError(f"there is no cloud {wrong[0]!r}: {', '.join(CLOUDS)}")
    return [cloud for cloud in CLOUDS if cloud in named]


def _cloud_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cloud", choices=CLOUDS, help="where two are up, which; by default aws")


def _fault_parser(fault: argparse.ArgumentParser) -> None:
    kinds = fault.add_subparsers(dest="kind", required=True)
    for kind, text in (("throttle", "the API throttles"), ("error", "the API fails with 5xx"),
                       ("reset", "the API resets the connection"), ("slow", "the API answers late"),
                       ("lose", "the API does what was asked, and its answer is lost"),
                       ("truncate", "the API does what was asked, and its answer ends in the middle"),
                       ("expire", "the credentials have expired"),
                       ("hide", "the API does not list a new instance yet"),
                       ("storm", "throttling, 5xx, resets, lost and cut answers, drawn by the seed"),
                       ("fail", "Google accepts a change, and its operation ends in an error"),
                       ("hang", "Google accepts a change, and its operation never ends"),
                       ("stale", "somebody else changes the resource between a read and the change"),
                       ("quota", "Google refuses a change: the quota is used up"),
                       ("page", "a list's pages after the first fail")):
        one = kinds.add_parser(kind, help=text)
        one.add_argument("--operations", nargs="+", default=["*"], metavar="SERVICE:PATTERN")
        one.add_argument("--probability", "--rate", type=float, default=1.0)
        one.add_argument("--seed", type=int, default=0)
        one.add_argument("--count", type=int, help="act on this many requests at most")
        one.add_argument("--code", help="error code instead of the service's own")
        one.add_argument("--status", type=int, help="HTTP status instead of the service's own")
        one.add_argument("--seconds", type=float, default=1.0, help="slow: how long an answer is held back")
        one.add_argument("--calls", type=int, default=2, help="hide: how many reads miss a new instance")
        one.add_argument("--retry-after", type=int, help="throttle, error: the header Retry-After, in seconds")
        one.add_argument("--message", default="", help="fail, quota: what the error says")
        _cloud_option(one)
    kinds.add_parser("list", help="faults of the APIs in force")
    kinds.add_parser("clear", help="lift the faults of the APIs")
    kinds.add_parser("heal", help="lift every fault")
    link = kinds.add_parser("link", help="cut A B (machines, `balancer`, `registry`), or heal")
    link.add_argument("action", choices=["cut", "heal"])
    link.add_argument("machines", nargs="*")
    machine = kinds.add_parser("machine", help="kill or start a machine")
    machine.add_argument("action", choices=["kill", "start"])
    machine.add_argument("name")
    disk = kinds.add_parser("disk", help="fill a machine's disk, or heal it")
    disk.add_argument("action", choices=["full", "heal"])
    disk.add_argument("name")
    registry = kinds.add_parser("registry", help="make the registry slow, down or up")
    registry.add_argument("condition", choices=["slow", "down", "up"])
    registry.add_argument("--rate", default="1mbit", help="slow: bits a second, as tc writes it")


def _fault(client: Client, options: argparse.Namespace) -> Any:
    if options.kind in KINDS:
        fields = ("operations", "probability", "seed", "count", "code", "status", "seconds", "calls", "retry_after",
                  "message")
        return client.fault(options.kind, options.cloud, **{name: getattr(options, name) for name in fields})
    if options.kind == "list":
        return client.faults()
    if options.kind == "clear":
        return {"lifted": client.clear()}
    if options.kind == "heal":
        return client.heal()
    if options.kind == "link":
        if options.action == "heal":
            return client.link_heal()
        if len(options.machines) != 2:
            raise Problem("a link has two ends", "fault link cut", "name both: fault link cut A B")
        return client.link_cut(*options.machines)
    if options.kind == "machine":
        return (client.machine_kill if options.action == "kill" else client.machine_start)(options.name)
    if options.kind == "disk":
        return (client.disk_full if options.action == "full" else client.disk_heal)(options.name)
    return client.registry(options.condition, options.rate)


def _status(client: Client) -> int:
    if not client.clouds():
        print("the sandbox is not up")
        return 1
    print(json.dumps(client.state(), indent=2))
    return 0


def _operations(client: Client, options: argparse.Namespace) -> int:
    entries, offset = client.operations(options.since, options.mutating, options.cloud)
    for entry in entries:
        print(json.dumps(entry))
    print(offset, file=sys.stderr)
    return 0


def run(options: argparse.Namespace) -> int:
    """Do what the command line asks; the exit code."""
    site = here()
    client = Client(site)
    if options.verb == "up":
        with step(f"bringing up the {' and '.join(options.cloud)} sandbox of {site.root}"):
            lifecycle.up(site, options.cloud, options.dial_delay, options.with_docker)
        print(f". {site.home / 'env'}")
    elif options.verb == "down":
        with step(f"taking down the sandbox of {site.root}"):
            lifecycle.down(site)
    elif options.verb == "serve":
        lifecycle.serve(site, options.cloud)
    elif options.verb == "status":
        return _status(client)
    elif options.verb == "clouds":
        print(",".join(client.clouds()))
    elif options.verb == "operations":
        return _operations(client, options)
    elif (answer := _fault(client, options)) is not None:
        print(json.dumps(answer, indent=2))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; a Problem is printed with its fix, and the exit code is 1."""
    try:
        return run(_parser().parse_args(arguments))
    except (Problem, DockerError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
