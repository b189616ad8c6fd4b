# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in: the command line and the order of starting and stopping."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import ssl
import sys
from typing import Any, Dict, Optional, Tuple
from urllib.parse import urlsplit

from praxis_sdk import config, identity
from praxis_sdk.api import Api
from praxis_sdk.log import log
from praxis_sdk.p2p import Peers, start_peers

_STOP_SECONDS = 1.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="praxis_sdk.main", description="Stand-in of a Praxis agent.")
    parser.add_argument("--config")
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run")
    run.add_argument("--name", required=True)
    run.add_argument("--port", type=int, help="moves nothing, as with the agent")
    run.add_argument("--p2p-port", type=int)
    commands.add_parser("version")
    arguments = parser.parse_args()
    if arguments.command is None:
        parser.print_usage()
        sys.exit(2)
    if arguments.config and not os.path.exists(arguments.config):
        parser.error("the file %r does not exist" % arguments.config)
    return arguments


def _failure() -> Tuple[str, float]:
    """The ordered failure: its name, and its number of seconds."""
    name, _colon, seconds = os.environ.get("STANDIN_FAIL", "").partition(":")
    if name not in ("", "crash", "no-listen", "no-p2p", "wrong-id", "die-after", "slow"):
        sys.exit("STANDIN_FAIL=%r is not known" % name)
    return name, float(seconds or 0)


def _seconds(timeout: Any) -> float:
    if isinstance(timeout, str):
        return float(timeout[:-2]) / 1000 if timeout.endswith("ms") else float(timeout.rstrip("s"))
    return float(timeout)


async def _ask_models(settings: Dict[str, Any]) -> None:
    """Ask the LLM endpoint for its models before the API starts; one that never answers costs a timeout per try."""
    url = urlsplit(settings["base_url"])
    secure = ssl.create_default_context() if url.scheme == "https" else None

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(url.hostname, url.port or (443 if secure else 80), ssl=secure)
        try:
            writer.write(
                ("GET %s/models HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n\r\n" % (url.path, url.hostname)).encode()
            )
            await reader.readline()
        finally:
            writer.close()

    for attempt in range(1 + settings["max_retries"]):
        try:
            await asyncio.wait_for(ask(), _seconds(settings["timeout"]))
            return
        except (TimeoutError, OSError) as error:
            log("WARNING", "LLM endpoint, attempt %d: %s %s" % (attempt + 1, type(error).__name__, error))


async def _start(name: str, p2p_port: Optional[int], agent: Dict[str, Any], server: Dict[str, Any]) -> None:
    fail, seconds = _failure()
    log("INFO", "starting agent %s (a stand-in, not the Praxis agent)" % name)
    await asyncio.sleep(seconds if fail == "slow" else float(os.environ.get("STANDIN_START_DELAY", "1.5")))
    if agent["llm"]["base_url"]:
        await _ask_models(agent["llm"])
    if fail == "crash":
        sys.exit("crashing, as STANDIN_FAIL says")
    settings = dict(agent["p2p"], port=p2p_port or agent["p2p"]["port"])
    if not settings["enabled"]:
        log("ERROR", "cannot access local variable 'threading': no P2P, so the API does not start")
        return
    try:
        seed = identity.load_key(settings["keystore_path"])
    except OSError as error:
        log("ERROR", "key directory: %s: no P2P, so the API does not start" % error)
        return
    if fail == "wrong-id":
        seed = os.urandom(32)
    api = Api(name, server, agent)
    if fail != "no-p2p":
        api.peers = await start_peers(Peers(identity.peer_id(seed), settings, api.card(), _tools(agent)))
    if fail != "no-listen":
        await api.start()
    if fail == "die-after":
        asyncio.get_running_loop().call_later(seconds, sys.exit, "dying, as STANDIN_FAIL says")


def _tools(agent: Dict[str, Any]) -> list[Dict[str, Any]]:
    tools = [
        {"name": tool["name"], "agent_name": "praxis-agent-1"} for tool in (agent["agent"] or {"tools": []})["tools"]
    ]
    if agent["mcp"]["enabled"]:
        tools.append({"name": "execute_python", "agent_name": "praxis-agent-1"})
    return tools


async def _run(arguments: argparse.Namespace, agent: Dict[str, Any], server: Dict[str, Any]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    start = asyncio.create_task(_start(arguments.name, arguments.p2p_port, agent, server))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((start, stopping), return_when=asyncio.FIRST_COMPLETED)
    if start.done():
        start.result()
        log("SUCCESS", "agent %s started successfully" % arguments.name)
        await stopping
    log("INFO", "stopping")
    await asyncio.sleep(_STOP_SECONDS)
    # Nothing is drained: the process ends with whatever is in flight.
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    """Run until SIGTERM, or end with the agent's exit codes."""
    arguments = _arguments()
    if arguments.command == "version":
        print("0.1.0")
        return
    environment = config.process_environment()
    try:
        agent = config.load(arguments.config, environment)
        server = config.load(None, environment)
        log.set_up(agent["logging"])
    except (config.ConfigError, OSError, KeyError, ValueError) as error:
        sys.exit("configuration: %s: %s" % (type(error).__name__, error))
    if not (agent["llm"]["api_key"] or environment.get("OPENAI_API_KEY")):
        log("ERROR", "no OpenAI API key")
        sys.exit(1)
    asyncio.run(_run(arguments, agent, server))


if __name__ == "__main__":
    main()
